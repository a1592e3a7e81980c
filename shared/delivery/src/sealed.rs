//! A webhook's secret and header values, encrypted where they are stored.
//!
//! Both ends are here, the one that registers and the one that delivers, so that they agree on
//! the place a value is bound to: a value copied to another webhook does not open.

use aragora_core::ids::WebhookId;
use aragora_core::rotation;
use aragora_core::time::Millis;
use aragora_signing::fields::{ReadError, WEBHOOK_HEADERS, WEBHOOK_SECRET, item_key};
use aragora_signing::keyring::{KeyRing, SealError};
use aragora_signing::secret::WebhookSecret;
use aragora_store::registrations::Webhook;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use thiserror::Error;

/// Why a stored value cannot be used.
#[derive(Debug, Error)]
pub enum UnsealError {
    /// It cannot be read.
    #[error("a stored secret cannot be opened")]
    Open(#[from] ReadError),
    /// It is not what was stored there.
    #[error("a stored secret is not of its kind")]
    Kind,
}

/// What a delivery to a webhook is made with.
#[derive(Debug)]
pub struct Unsealed {
    /// Every secret that is good, the newest first.
    pub secrets: Vec<WebhookSecret>,
    /// The headers it adds.
    pub headers: Vec<(String, String)>,
}

/// Decrypts what a delivery at `now` is made with. A replaced secret that does not open is left
/// out, and logged: those who have changed over already must not suffer for it.
///
/// # Errors
/// When the newest secret or the headers do not open, as for [`open_secret`].
pub fn unseal(keys: &KeyRing, webhook: &Webhook, now: Millis) -> Result<Unsealed, UnsealError> {
    let (org, id, config) = (&webhook.org, &webhook.id, &webhook.config);
    let mut secrets = vec![open_secret(keys, org, id, &config.secret)?];
    for old in rotation::live(&config.old_secrets, now) {
        match open_secret(keys, org, id, &old.secret) {
            Ok(secret) => secrets.push(secret),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(webhook_id = %id, error, "a replaced secret cannot be opened");
            }
        }
    }
    let headers = match &config.headers {
        Some(stored) => open_headers(keys, org, id, stored)?,
        None => vec![],
    };
    Ok(Unsealed { secrets, headers })
}

/// Encrypts a webhook's signing secret.
///
/// # Errors
/// Only when the system has no random bytes.
pub fn seal_secret(
    keys: &KeyRing,
    org: &str,
    webhook: &WebhookId,
    secret: &WebhookSecret,
) -> Result<Value, SealError> {
    WEBHOOK_SECRET.seal(keys, &key_of(org, webhook), secret.as_secret())
}

/// Decrypts a webhook's signing secret.
///
/// # Errors
/// When it was stored for another webhook, under a key that is not in the ring, or not by us.
pub fn open_secret(
    keys: &KeyRing,
    org: &str,
    webhook: &WebhookId,
    stored: &Value,
) -> Result<WebhookSecret, UnsealError> {
    let opened = WEBHOOK_SECRET.open(keys, &key_of(org, webhook), stored)?;
    Ok(WebhookSecret::from_stored(opened))
}

/// Encrypts the headers a webhook adds.
///
/// # Errors
/// Only when the system has no random bytes.
pub fn seal_headers(
    keys: &KeyRing,
    org: &str,
    webhook: &WebhookId,
    headers: &[(String, String)],
) -> Result<Value, SealError> {
    // A list of pairs of strings always prints.
    let text = SecretString::from(serde_json::to_string(headers).unwrap_or_default());
    WEBHOOK_HEADERS.seal(keys, &key_of(org, webhook), &text)
}

/// Decrypts the headers a webhook adds.
///
/// # Errors
/// As for [`open_secret`].
pub fn open_headers(
    keys: &KeyRing,
    org: &str,
    webhook: &WebhookId,
    stored: &Value,
) -> Result<Vec<(String, String)>, UnsealError> {
    let text = WEBHOOK_HEADERS.open(keys, &key_of(org, webhook), stored)?;
    serde_json::from_str(text.expose_secret()).map_err(|_| UnsealError::Kind)
}

fn key_of(org: &str, webhook: &WebhookId) -> String {
    item_key(org, webhook.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_opens_only_where_it_was_stored() {
        let keys = KeyRing::parse(&"ab".repeat(32)).unwrap();
        let (one, other) = (WebhookId::parse("wh-1").unwrap(), WebhookId::parse("wh-2").unwrap());
        let secret = WebhookSecret::parse("your-hmac-secret").unwrap();
        let sealed = seal_secret(&keys, "org", &one, &secret).unwrap();
        assert!(!sealed.to_string().contains("your-hmac-secret"));
        assert_eq!(open_secret(&keys, "org", &one, &sealed).unwrap().expose(), "your-hmac-secret");
        assert!(open_secret(&keys, "org", &other, &sealed).is_err());
        assert!(open_secret(&keys, "org2", &one, &sealed).is_err());
        assert!(open_headers(&keys, "org", &one, &sealed).is_err());
    }

    #[test]
    fn headers_come_back_in_order() {
        let keys = KeyRing::parse(&"ab".repeat(32)).unwrap();
        let webhook = WebhookId::parse("wh-1").unwrap();
        let headers = vec![("B".to_owned(), "2".to_owned()), ("A".to_owned(), "1".to_owned())];
        let sealed = seal_headers(&keys, "org", &webhook, &headers).unwrap();
        assert_eq!(open_headers(&keys, "org", &webhook, &sealed).unwrap(), headers);
    }
}
