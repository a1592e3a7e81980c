//! The ring itself: sealing under its first key, opening under any.

use std::fmt;

use aes_gcm::aead::AeadInOut as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, ExposeSecretMut as _, SecretBox, SecretString};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::stored::{Envelope, Stored};

const VERSION: u8 = 1;
const KEY: usize = 32;
const KEY_ID: usize = 8;
const PLACE_CHECK: usize = 4;
const NONCE: usize = 12;
const TAG: usize = 16;

/// Where a value lives. All three are bound to it; changing one is moving the value.
///
/// Only [`Field::place`](crate::fields::Field::place) makes one: what is not in the registry of
/// secret fields cannot be sealed, and what is in it is migrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place<'a> {
    /// The table's logical name (`webhook_registrations`), not the physical one: a stack restored
    /// from backup under another name must still read its values.
    pub(crate) table: &'a str,
    /// The item's key; callers join partition and sort key unambiguously.
    pub(crate) key: &'a str,
    /// The field's name.
    pub(crate) field: &'a str,
}

impl Place<'_> {
    /// The associated data: each part behind its length, so that no two places share it.
    fn associated_data(self, key_id: [u8; KEY_ID]) -> Vec<u8> {
        let mut data = vec![VERSION];
        data.extend_from_slice(&key_id);
        for part in [self.table, self.key, self.field] {
            data.extend_from_slice(&(part.len() as u64).to_be_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

/// The first bytes of the SHA-256 of `data`, under a label that keeps uses of it apart.
fn digest_start<const BYTES: usize>(label: &str, data: &[u8]) -> [u8; BYTES] {
    let digest = Sha256::new().chain_update(label).chain_update([0]).chain_update(data).finalize();
    digest.first_chunk::<BYTES>().copied().unwrap_or([0; BYTES])
}

fn place_check(associated_data: &[u8]) -> [u8; PLACE_CHECK] {
    digest_start("aragora-place", associated_data)
}

/// Why `ARAGORA_ENCRYPTION_KEY` was refused. Keys are never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyRingError {
    /// No key at all.
    #[error("no encryption key is given")]
    Empty,
    /// One of the keys is not 64 hexadecimal digits.
    #[error("encryption key {position} of the list is not 64 hexadecimal digits")]
    NotAKey {
        /// Its position in the list, from 1.
        position: usize,
    },
}

/// Why a value could not be sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// No nonce, no encryption.
    #[error("the operating system gave no random bytes")]
    Random(#[from] getrandom::Error),
    /// Longer than the cipher takes (64 GiB).
    #[error("the value is too long to encrypt")]
    TooLong,
}

/// Why a sealed value could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The ring does not have the key: it was dropped from the list too early, or the value comes
    /// from another deployment.
    #[error("encrypted under key {key_id}, which the key ring does not have")]
    UnknownKey {
        /// The key's id in hex, as in [`KeyRing::key_ids`].
        key_id: String,
    },
    /// Not an envelope of ours, or altered since.
    #[error("the encrypted value is corrupt")]
    Corrupt,
    /// Sealed for another table, item or field.
    #[error("the encrypted value was written for another place")]
    Moved,
}

struct RingKey {
    id: [u8; KEY_ID],
    key: SecretBox<[u8; KEY]>,
}

impl RingKey {
    fn parse(digits: &str) -> Option<Self> {
        let mut key = SecretBox::new(Box::new([0_u8; KEY]));
        hex::decode_to_slice(digits, key.expose_secret_mut()).ok()?;
        let id = digest_start("aragora-key-id", key.expose_secret());
        Some(Self { id, key })
    }

    fn generate() -> Result<Self, getrandom::Error> {
        let mut key = SecretBox::new(Box::new([0_u8; KEY]));
        getrandom::fill(key.expose_secret_mut())?;
        let id = digest_start("aragora-key-id", key.expose_secret());
        Ok(Self { id, key })
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.key.expose_secret().into())
    }
}

/// The keys of a deployment: the first seals, all open.
pub struct KeyRing {
    current: RingKey,
    older: Vec<RingKey>,
}

impl KeyRing {
    /// Reads `ARAGORA_ENCRYPTION_KEY`: one key of 64 hexadecimal digits, or a comma list of them
    /// with the newest first. White space around a key is ignored.
    pub fn parse(list: &str) -> Result<Self, KeyRingError> {
        if list.trim().is_empty() {
            return Err(KeyRingError::Empty);
        }
        let mut keys = list.split(',').enumerate().map(|(index, digits)| {
            RingKey::parse(digits.trim()).ok_or(KeyRingError::NotAKey { position: index + 1 })
        });
        let current = keys.next().ok_or(KeyRingError::Empty)??;
        let older = keys.collect::<Result<_, _>>()?;
        Ok(Self { current, older })
    }

    /// A ring of one fresh key that nobody else has: what it seals is lost with the process.
    pub fn generate() -> Result<Self, getrandom::Error> {
        Ok(Self { current: RingKey::generate()?, older: Vec::new() })
    }

    /// The ids of the keys in hex, the sealing one first. Not secret.
    pub fn key_ids(&self) -> Vec<String> {
        self.keys().map(|key| hex::encode(key.id)).collect()
    }

    /// Encrypts a value for one place, under the first key.
    pub fn seal(&self, place: &Place<'_>, plain: &SecretString) -> Result<Envelope, SealError> {
        let mut nonce = [0_u8; NONCE];
        getrandom::fill(&mut nonce)?;
        let associated_data = place.associated_data(self.current.id);
        let mut text = Zeroizing::new(plain.expose_secret().as_bytes().to_vec());
        let tag = self
            .current
            .cipher()
            .encrypt_inout_detached(&nonce.into(), &associated_data, text.as_mut_slice().into())
            .map_err(|_| SealError::TooLong)?;
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(&self.current.id);
        sealed.extend_from_slice(&place_check(&associated_data));
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(&tag);
        Ok(Envelope::from_value(STANDARD.encode(sealed)))
    }

    /// Reads a field: decrypts a sealed value, returns a plain one as it is.
    pub fn open(&self, place: &Place<'_>, stored: &Stored) -> Result<SecretString, OpenError> {
        match stored {
            Stored::Plain(text) => Ok(text.clone()),
            Stored::Sealed(envelope) => self.open_envelope(place, envelope),
        }
    }

    /// Whether a field is as [`seal`](Self::seal) would write it today: sealed under the first
    /// key. What is not is to be sealed again by a migration. Says nothing about whether it opens.
    pub fn is_current(&self, stored: &Stored) -> bool {
        match stored {
            Stored::Plain(_) => false,
            Stored::Sealed(envelope) => STANDARD.decode(envelope.value()).is_ok_and(|sealed| {
                Sealed::split(&sealed).is_some_and(|sealed| sealed.key_id == self.current.id)
            }),
        }
    }

    fn open_envelope(
        &self,
        place: &Place<'_>,
        envelope: &Envelope,
    ) -> Result<SecretString, OpenError> {
        let bytes = STANDARD.decode(envelope.value()).map_err(|_| OpenError::Corrupt)?;
        let sealed = Sealed::split(&bytes).ok_or(OpenError::Corrupt)?;
        let key = self
            .keys()
            .find(|key| key.id == sealed.key_id)
            .ok_or_else(|| OpenError::UnknownKey { key_id: hex::encode(sealed.key_id) })?;
        let associated_data = place.associated_data(key.id);
        if place_check(&associated_data) != sealed.place_check {
            return Err(OpenError::Moved);
        }
        let mut text = Zeroizing::new(sealed.ciphertext.to_vec());
        key.cipher()
            .decrypt_inout_detached(
                &sealed.nonce.into(),
                &associated_data,
                text.as_mut_slice().into(),
                &sealed.tag.into(),
            )
            .map_err(|_| OpenError::Corrupt)?;
        let text = std::str::from_utf8(&text).map_err(|_| OpenError::Corrupt)?;
        Ok(SecretString::from(text))
    }

    fn keys(&self) -> impl Iterator<Item = &RingKey> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

/// The key ids only.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("key_ids", &self.key_ids()).finish_non_exhaustive()
    }
}

/// The parts of an envelope's bytes.
struct Sealed<'a> {
    key_id: [u8; KEY_ID],
    place_check: [u8; PLACE_CHECK],
    nonce: [u8; NONCE],
    ciphertext: &'a [u8],
    tag: [u8; TAG],
}

impl<'a> Sealed<'a> {
    fn split(bytes: &'a [u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        if version != VERSION {
            return None;
        }
        let (key_id, rest) = rest.split_first_chunk::<KEY_ID>()?;
        let (place_check, rest) = rest.split_first_chunk::<PLACE_CHECK>()?;
        let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
        Some(Self {
            key_id: *key_id,
            place_check: *place_check,
            nonce: *nonce,
            ciphertext,
            tag: *tag,
        })
    }
}
