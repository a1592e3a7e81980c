//! A webhook's secret.
//!
//! Source: `spec/webhook-delivery.md`, "Headers", and the ruling on secrets in
//! `spec/decisions.md`; the `whsec_` form is that of Standard Webhooks.

#[cfg(test)]
mod tests;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::{Zeroize as _, Zeroizing};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;

/// What a secret begins with whose rest is the base64 of the Standard Webhooks key.
pub const PREFIX: &str = "whsec_";
/// Shortest secret of a client's own, in characters.
pub const MIN_CHARS: usize = 8;
/// Longest secret of a client's own, in characters.
pub const MAX_CHARS: usize = 256;
/// Fewest bytes behind `whsec_`.
pub const MIN_KEY_BYTES: usize = 24;
/// Most bytes behind `whsec_`.
pub const MAX_KEY_BYTES: usize = 64;

/// Why a client's own secret was refused. The messages are for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum SecretError {
    /// Fewer than [`MIN_CHARS`] or more than [`MAX_CHARS`] characters.
    #[error("the secret must have 8 to 256 characters")]
    Length,
    /// It begins with `whsec_` and does not go on as Standard Webhooks demands.
    #[error("a secret that begins with whsec_ must go on in base64 of 24 to 64 bytes")]
    Whsec,
}

/// The operating system gave no random bytes.
#[derive(Debug, Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomUnavailable(#[from] getrandom::Error);

/// The secret one webhook's deliveries are signed with.
///
/// There is no `Display` and `Debug` shows nothing; the text is wiped from memory on drop. It is
/// shown to its owner once, by [`expose`](Self::expose).
#[derive(Clone)]
pub struct WebhookSecret(SecretString);

impl WebhookSecret {
    /// Takes a client's own secret.
    ///
    /// One that begins with `whsec_` must go on in canonical, padded base64 of the standard
    /// alphabet, because receivers' libraries decode it before they verify, and not all of them
    /// are lenient. Any other is used as its UTF-8 bytes.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        // Four bytes a character at most: bounds the counting.
        let fits =
            text.len() <= 4 * MAX_CHARS && (MIN_CHARS..=MAX_CHARS).contains(&text.chars().count());
        if !fits {
            return Err(SecretError::Length);
        }
        let secret = Self(SecretString::from(text));
        if text.starts_with(PREFIX) {
            let key = secret.decoded_key().ok_or(SecretError::Whsec)?;
            if !(MIN_KEY_BYTES..=MAX_KEY_BYTES).contains(&key.len()) {
                return Err(SecretError::Whsec);
            }
        }
        Ok(secret)
    }

    /// Takes a secret that was accepted before, under whatever rules held then.
    pub fn from_stored(text: SecretString) -> Self {
        Self(text)
    }

    /// Makes a secret: `whsec_` and the base64 of 32 random bytes, 50 characters in all.
    pub fn generate() -> Result<Self, RandomUnavailable> {
        generate_of::<32>()
    }

    /// Makes a secret of the agenta profile: 24 random bytes, so 32 characters after the prefix.
    pub fn generate_agenta() -> Result<Self, RandomUnavailable> {
        generate_of::<24>()
    }

    /// The text, to show to its owner or to encrypt.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The text, for what takes secrets as such (`KeyRing::seal`).
    pub fn as_secret(&self) -> &SecretString {
        &self.0
    }

    /// Whether there is nothing to sign with: no text, or nothing behind `whsec_`.
    pub(crate) fn has_no_key(&self) -> bool {
        self.expose().strip_prefix(PREFIX).unwrap_or(self.expose()).is_empty()
    }

    /// The key of every signature but that of Standard Webhooks: the text's bytes, prefix included.
    pub(crate) fn text_key(&self) -> &[u8] {
        self.expose().as_bytes()
    }

    /// The key of Standard Webhooks: decoded from behind the prefix, else the text's bytes.
    pub(crate) fn standard_key(&self) -> Zeroizing<Vec<u8>> {
        self.decoded_key().unwrap_or_else(|| Zeroizing::new(self.text_key().to_vec()))
    }

    fn decoded_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        let encoded = self.expose().strip_prefix(PREFIX)?;
        STANDARD.decode(encoded).ok().map(Zeroizing::new)
    }
}

fn generate_of<const BYTES: usize>() -> Result<WebhookSecret, RandomUnavailable> {
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes)?;
    // The exact capacity: growing would leave copies of the secret behind.
    let mut text = String::with_capacity(PREFIX.len() + BYTES.div_ceil(3) * 4);
    text.push_str(PREFIX);
    STANDARD.encode_string(bytes, &mut text);
    bytes.zeroize();
    Ok(WebhookSecret(SecretString::from(text)))
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([REDACTED])")
    }
}
