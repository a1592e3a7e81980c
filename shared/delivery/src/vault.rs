//! The keys of a deployment, whose every use is counted by the seeds' names (seed 002, "Encryption
//! Metrics").

use std::fmt;
use std::sync::Arc;

use aragora_core::ids::WebhookId;
use aragora_core::metrics::Counters;
use aragora_core::time::Millis;
use aragora_signing::fields::ReadError;
use aragora_signing::keyring::{KeyRing, OpenError, SealError};
use aragora_signing::secret::WebhookSecret;
use aragora_store::registrations::Webhook;
use serde_json::Value;

use crate::sealed::{self, UnsealError, Unsealed};

const STORE: &str = "webhook_registrations";
const ENCRYPT: &str = "encrypt";
const DECRYPT: &str = "decrypt";

/// Seals and opens what is secret of webhooks.
pub struct Vault {
    keys: KeyRing,
    counters: Arc<Counters>,
}

/// The key ids only.
impl fmt::Debug for Vault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Vault").field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl Vault {
    /// Uses `keys` and counts on `counters`.
    pub const fn new(keys: KeyRing, counters: Arc<Counters>) -> Self {
        Self { keys, counters }
    }

    /// As [`sealed::seal_secret`].
    ///
    /// # Errors
    /// Only when the system has no random bytes.
    pub fn seal_secret(
        &self,
        org: &str,
        webhook: &WebhookId,
        secret: &WebhookSecret,
    ) -> Result<Value, SealError> {
        self.sealed(sealed::seal_secret(&self.keys, org, webhook, secret))
    }

    /// As [`sealed::seal_headers`].
    ///
    /// # Errors
    /// Only when the system has no random bytes.
    pub fn seal_headers(
        &self,
        org: &str,
        webhook: &WebhookId,
        headers: &[(String, String)],
    ) -> Result<Value, SealError> {
        self.sealed(sealed::seal_headers(&self.keys, org, webhook, headers))
    }

    /// As [`sealed::unseal`].
    ///
    /// # Errors
    /// When what is needed does not open.
    pub fn unseal(&self, webhook: &Webhook, now: Millis) -> Result<Unsealed, UnsealError> {
        let unsealed = sealed::unseal(&self.keys, webhook, now);
        match &unsealed {
            Ok(unsealed) => {
                let headers = usize::from(webhook.config.headers.is_some());
                let opened = u64::try_from(unsealed.secrets.len() + headers).unwrap_or(u64::MAX);
                self.counters.encryption(DECRYPT, STORE, opened);
            }
            Err(error) => self.counters.encryption_failed(DECRYPT, kind(error)),
        }
        unsealed
    }

    fn sealed(&self, outcome: Result<Value, SealError>) -> Result<Value, SealError> {
        match &outcome {
            Ok(_) => self.counters.encryption(ENCRYPT, STORE, 1),
            Err(SealError::Random(_)) => self.counters.encryption_failed(ENCRYPT, "random"),
            Err(SealError::TooLong) => self.counters.encryption_failed(ENCRYPT, "too_long"),
        }
        outcome
    }
}

const fn kind(error: &UnsealError) -> &'static str {
    match error {
        UnsealError::Open(ReadError::Open(OpenError::UnknownKey { .. })) => "unknown_key",
        UnsealError::Open(ReadError::Open(OpenError::Corrupt)) => "corrupt",
        UnsealError::Open(ReadError::Open(OpenError::Moved)) => "moved",
        UnsealError::Open(ReadError::Kind(_)) | UnsealError::Kind => "wrong_kind",
    }
}

#[cfg(test)]
mod tests {
    use aragora_core::metrics::Amount;

    use super::*;

    #[test]
    fn every_use_and_every_failure_is_counted() {
        let counters = Arc::new(Counters::default());
        let ring = |digit: &str| KeyRing::parse(&digit.repeat(64)).unwrap();
        let vault = Vault::new(ring("a"), Arc::clone(&counters));
        let id = WebhookId::parse("wh-1").unwrap();
        let secret = WebhookSecret::parse("your-hmac-secret").unwrap();
        let sealed = vault.seal_secret("org", &id, &secret).unwrap();
        let config = serde_json::json!({
            "project": "default", "url": "https://example.com", "event_types": ["vote"],
            "created_at": 0, "secret": sealed,
        });
        let webhook = Webhook {
            org: "org".to_owned(),
            id,
            config: serde_json::from_value(config).unwrap(),
            enabled: true,
            disabled_reason: None,
            updated_at: Millis(0),
            rev: 1,
            health: aragora_store::registrations::Health::default(),
        };
        assert!(vault.unseal(&webhook, Millis(0)).is_ok());
        let other = Vault::new(ring("b"), Arc::clone(&counters));
        assert!(other.unseal(&webhook, Millis(0)).is_err());
        let moved = Webhook { org: "org2".to_owned(), ..webhook };
        assert!(vault.unseal(&moved, Millis(0)).is_err());
        let counted: Vec<_> =
            counters.take().into_iter().map(|it| (it.values, it.amount)).collect();
        for labels in [
            vec![ENCRYPT, STORE],
            vec![DECRYPT, STORE],
            vec![DECRYPT, "unknown_key"],
            vec![DECRYPT, "moved"],
        ] {
            let wanted = (labels, Amount::Count(1));
            assert!(counted.contains(&wanted), "{wanted:?} in {counted:?}");
        }
    }
}
