//! API keys: bearer credentials for programs, shown once and kept as a digest.
//!
//! `ara_`, then the URL-safe base64 without padding of: a version, the length of the organisation
//! and the organisation, the key's id (16 bytes), 24 random bytes, and a checksum over all of that.
//! So a key says by itself where it is kept, and what was mistyped or made up is refused without
//! asking any table. Source: `spec/http-api.md` ("Identity"); seed 002 ("Developer Portal").

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::secret::RandomUnavailable;

/// What every key begins with.
pub const PREFIX: &str = "ara_";
/// The most characters of a key: an organisation has at most 128.
pub const MAX_CHARS: usize = 240;

const VERSION: u8 = 1;
const ID: usize = 16;
const RANDOM: usize = 24;
const CHECK: usize = 4;

/// A key as it was presented, well-formed and not altered. Whether it is good, only the table
/// knows. The text itself is not kept.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedKey {
    /// The organisation it speaks for.
    pub org: String,
    /// Its id.
    pub id: Uuid,
    digest: KeyDigest,
}

/// What is kept of a key: the SHA-256 of its text. 24 random bytes need no salt and no stretching.
#[derive(Clone)]
pub struct KeyDigest([u8; 32]);

impl KeyDigest {
    /// As it is stored: 64 hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// Reads what [`to_hex`](Self::to_hex) printed.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest).ok()?;
        Some(Self(digest))
    }
}

/// In constant time.
impl PartialEq for KeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyDigest {}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("KeyDigest")
    }
}

/// The organisation and the id: neither is secret.
impl fmt::Debug for PresentedKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = out.debug_struct("PresentedKey");
        shown.field("org", &self.org).field("id", &self.id).finish_non_exhaustive()
    }
}

impl PresentedKey {
    /// Reads a key. `None` when it is none, was cut or mistyped.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_CHARS {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?);
        let (body, check) = bytes.split_last_chunk::<CHECK>()?;
        if checksum(body) != *check {
            return None;
        }
        let (&version, rest) = body.split_first()?;
        let (&length, rest) = rest.split_first()?;
        let (org, rest) = rest.split_at_checked(usize::from(length))?;
        let (id, random) = rest.split_first_chunk::<ID>()?;
        if version != VERSION || random.len() != RANDOM {
            return None;
        }
        Some(Self {
            org: std::str::from_utf8(org).ok()?.to_owned(),
            id: Uuid::from_bytes(*id),
            digest: digest(text),
        })
    }

    /// What a good key's stored digest equals.
    pub const fn digest(&self) -> &KeyDigest {
        &self.digest
    }
}

/// Makes a key of an organisation (1 to 128 bytes), and what is kept of it. The text is shown to
/// its owner once.
///
/// # Errors
/// When the system has no random bytes.
pub fn mint(org: &str, id: Uuid) -> Result<(SecretString, KeyDigest), RandomUnavailable> {
    let mut random = Zeroizing::new([0_u8; RANDOM]);
    getrandom::fill(random.as_mut_slice())?;
    let length = u8::try_from(org.len()).unwrap_or(u8::MAX);
    let mut bytes = Zeroizing::new(vec![VERSION, length]);
    bytes.extend_from_slice(org.as_bytes());
    bytes.extend_from_slice(id.as_bytes());
    bytes.extend_from_slice(random.as_slice());
    let check = checksum(&bytes);
    bytes.extend_from_slice(&check);
    let text = SecretString::from(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&*bytes)));
    let digest = digest(text.expose_secret());
    Ok((text, digest))
}

fn digest(text: &str) -> KeyDigest {
    KeyDigest(Sha256::new().chain_update("aragora-api-key\0").chain_update(text).finalize().into())
}

/// Against mistakes, not against malice.
fn checksum(body: &[u8]) -> [u8; CHECK] {
    let whole = Sha256::new().chain_update("aragora-key-check\0").chain_update(body).finalize();
    whole.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minted(org: &str) -> (String, KeyDigest, Uuid) {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0007);
        let (text, digest) = mint(org, id).unwrap();
        (text.expose_secret().to_owned(), digest, id)
    }

    #[test]
    fn a_key_says_whose_it_is_and_proves_itself() {
        let (text, kept, id) = minted("org-1");
        let presented = PresentedKey::parse(&text).unwrap();
        assert_eq!((presented.org.as_str(), presented.id), ("org-1", id));
        assert_eq!(presented.digest(), &kept);
        assert_eq!(KeyDigest::from_hex(&kept.to_hex()), Some(kept.clone()));
        let other = minted("org-1");
        assert_ne!(PresentedKey::parse(&other.0).unwrap().digest(), &kept);
        assert!(!format!("{presented:?} {kept:?}").contains(&kept.to_hex()));
        let longest = minted(&"o".repeat(128)).0;
        assert!(longest.len() <= MAX_CHARS && PresentedKey::parse(&longest).is_some());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (text, ..) = minted("org-1");
        let bare = text.strip_prefix(PREFIX).unwrap();
        let cut: String = text.chars().take(text.len() - 1).collect();
        for bad in ["", "ara_", "ara_%%", &cut, bare, &format!("{text}A"), &format!(" {text}")] {
            assert_eq!(PresentedKey::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn one_changed_character_is_noticed(at in 4_usize..80, with in "[A-Za-z0-9_-]") {
            let (text, ..) = minted("org-1");
            let at = at.min(text.len() - 1);
            let mut changed = text.clone();
            changed.replace_range(at..=at, &with);
            prop_assume!(changed != text);
            prop_assert_eq!(PresentedKey::parse(&changed), None);
        }

        #[test]
        fn nothing_makes_it_panic(text in "(ara_)?[ -~]{0,300}") {
            let _ = PresentedKey::parse(&text);
        }
    }
}
