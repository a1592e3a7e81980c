//! The signatures a delivery carries, all HMAC-SHA256 (RFC 2104) over the bytes that are sent.
//!
//! | header | function | key |
//! |---|---|---|
//! | `X-Signature-SHA256`, `X-Webhook-Signature`, `X-Aragora-Signature` | [`body_mac`] | the secret's bytes |
//! | `X-Aragora-Signature-Timestamped`, `X-Agenta-Signature` | [`timestamped_mac`] | the secret's bytes |
//! | `webhook-signature` | [`standard_webhooks`] | base64 behind `whsec_`, else the secret's bytes |
//!
//! Source: `spec/webhook-delivery.md`, with known answers; seeds 000 to 003; Standard Webhooks.

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::secret::WebhookSecret;

/// `sha256=<hex>` over the body.
pub fn body_mac(secret: &WebhookSecret, body: &[u8]) -> String {
    let mut header = String::from("sha256=");
    header.push_str(&hex::encode(mac(secret.text_key(), &[body])));
    header
}

/// `t=<unix seconds>,v1=<hex>` over `t.body`: seed 001's `generate_signature`, and seed 003's.
pub fn timestamped_mac(secret: &WebhookSecret, unix_seconds: i64, body: &[u8]) -> String {
    let t = unix_seconds.to_string();
    let digits = timestamped_hex(secret, &t, body);
    format!("t={t},v1={digits}")
}

/// The hex of [`timestamped_mac`], over the timestamp as it is written.
pub(crate) fn timestamped_hex(secret: &WebhookSecret, t: &str, body: &[u8]) -> String {
    hex::encode(mac(secret.text_key(), &[t.as_bytes(), b".", body]))
}

/// `v1,<base64>` over `id.timestamp.body`, one entry per secret in the order given, separated by
/// spaces. While a secret is being rotated pass the new one first and the old ones after it.
pub fn standard_webhooks<'s>(
    secrets: impl IntoIterator<Item = &'s WebhookSecret>,
    id: &str,
    unix_seconds: i64,
    body: &[u8],
) -> String {
    let t = unix_seconds.to_string();
    let mut header = String::new();
    for secret in secrets {
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str("v1,");
        header.push_str(&standard_base64(secret, id, &t, body));
    }
    header
}

/// The base64 of one entry of [`standard_webhooks`], over the timestamp as it is written.
pub(crate) fn standard_base64(secret: &WebhookSecret, id: &str, t: &str, body: &[u8]) -> String {
    let key = secret.standard_key();
    STANDARD.encode(mac(&key, &[id.as_bytes(), b".", t.as_bytes(), b".", body]))
}

/// HMAC-SHA256 over the parts in order. The body is hashed where it lies, never copied.
fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length (RFC 2104, section 3)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length is a key");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
