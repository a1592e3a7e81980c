//! What a receiver checks before it believes a delivery.
//!
//! Source: `spec/webhook-delivery.md`, "Verifying": secret and headers present, timestamp a
//! number, not too old, not too far ahead, and the signature of any live secret, compared in
//! constant time. `docs/verify/` has the same checks in Python, Node, Go and Rust, to copy; its
//! tests hold them to the answers of this module.
//!
//! No I/O and no clock. The cost is one HMAC-SHA256 of the body for each live secret.

#[cfg(test)]
mod tests;

use subtle::{Choice, ConstantTimeEq as _};
use thiserror::Error;

use crate::mac;
use crate::secret::WebhookSecret;

/// How old a delivery may be unless the receiver says otherwise, in seconds.
pub const DEFAULT_MAX_AGE_SECONDS: u32 = 300;
/// How far ahead of the receiver's clock a timestamp may be, in seconds.
pub const MAX_AHEAD_SECONDS: i64 = 60;
/// Fits the 64-bit integers of every language, so that the samples need no check for overflow.
const MAX_TIMESTAMP_DIGITS: usize = 18;

/// Which of a delivery's signatures is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `X-Aragora-Signature` (else `X-Signature-SHA256`, else `X-Webhook-Signature`) with
    /// `X-Aragora-Timestamp` (else `X-Webhook-Timestamp`).
    ///
    /// The signature covers the body only: whoever has seen one delivery can send it again under a
    /// fresh timestamp. Prefer one of the others where replays matter.
    Body,
    /// `X-Aragora-Signature-Timestamped` (else `X-Agenta-Signature`), which carries its timestamp.
    Timestamped,
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    StandardWebhooks,
}

/// What was received, and what it is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// The body's bytes as they were received, before any parsing.
    pub body: &'a [u8],
    /// Every secret that is live, in any order; more than one during a rotation. Empty ones are
    /// passed over.
    pub secrets: &'a [WebhookSecret],
    /// The receiver's clock, in unix seconds.
    pub now_unix_seconds: i64,
    /// How old the delivery may be, in seconds; [`DEFAULT_MAX_AGE_SECONDS`] is a good choice. A
    /// delivery of exactly this age is still valid.
    pub max_age_seconds: u32,
}

/// Which check failed. [`as_str`](Self::as_str) is for programs, `Display` for people; neither says
/// anything of the secrets or of the expected signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum VerifyFailure {
    /// No secret to check against, or only empty ones.
    #[error("no secret is configured")]
    NoSecret,
    /// A header is missing or empty.
    #[error("the header {0} is missing")]
    HeaderMissing(&'static str),
    /// The signature header does not have its scheme's form.
    #[error("the header {0} is malformed")]
    HeaderMalformed(&'static str),
    /// The timestamp is not a whole number of unix seconds, of at most 18 digits.
    #[error("the timestamp is not a number")]
    TimestampNotANumber,
    /// The timestamp is more than `max_age_seconds` in the past.
    #[error("the timestamp is too old")]
    TooOld,
    /// The timestamp is more than [`MAX_AHEAD_SECONDS`] in the future.
    #[error("the timestamp is too far in the future")]
    TooFarAhead,
    /// No live secret gives the signature.
    #[error("the signature does not match")]
    Mismatch,
}

impl VerifyFailure {
    /// A word for the check that failed, for logs and metrics. The words do not change, and the
    /// samples in `docs/verify/` answer with the same.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSecret => "no_secret",
            Self::HeaderMissing(_) => "header_missing",
            Self::HeaderMalformed(_) => "header_malformed",
            Self::TimestampNotANumber => "timestamp_not_a_number",
            Self::TooOld => "too_old",
            Self::TooFarAhead => "too_far_ahead",
            Self::Mismatch => "mismatch",
        }
    }
}

/// Checks one of a delivery's signatures: `Ok` says that it is valid.
///
/// `header` looks a header up by its lower-case name and gives its value without the white space
/// around it, as HTTP servers do.
///
/// # Errors
/// The first check that fails; they run in the order of [`VerifyFailure`]'s variants.
///
/// # Examples
/// ```
/// use std::collections::HashMap;
///
/// use aragora_signing::secret::WebhookSecret;
/// use aragora_signing::verify::{DEFAULT_MAX_AGE_SECONDS, Delivery, Scheme, VerifyFailure, verify};
///
/// // While the secret is being rotated both are live.
/// let secrets = [
///     WebhookSecret::parse("the-new-secret").unwrap(),
///     WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap(),
/// ];
/// let headers = HashMap::from([
///     ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
///     ("webhook-timestamp", "1614265330"),
///     ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
/// ]);
/// let mut delivery = Delivery {
///     body: br#"{"test": 2432232314}"#,
///     secrets: &secrets,
///     now_unix_seconds: 1_614_265_335,
///     max_age_seconds: DEFAULT_MAX_AGE_SECONDS,
/// };
/// let header = |name: &str| headers.get(name).copied();
/// assert_eq!(verify(Scheme::StandardWebhooks, header, &delivery), Ok(()));
///
/// delivery.body = br#"{"test": 2432232315}"#;
/// let answer = verify(Scheme::StandardWebhooks, header, &delivery);
/// assert_eq!(answer, Err(VerifyFailure::Mismatch));
/// assert_eq!(VerifyFailure::Mismatch.as_str(), "mismatch");
/// ```
pub fn verify<'h>(
    scheme: Scheme,
    header: impl Fn(&str) -> Option<&'h str>,
    delivery: &Delivery<'_>,
) -> Result<(), VerifyFailure> {
    if live(delivery).next().is_none() {
        return Err(VerifyFailure::NoSecret);
    }
    match scheme {
        Scheme::Body => verify_body(header, delivery),
        Scheme::Timestamped => verify_timestamped(header, delivery),
        Scheme::StandardWebhooks => verify_standard(header, delivery),
    }
}

/// The secrets to check against. With an empty key anyone could sign.
fn live<'a>(delivery: &Delivery<'a>) -> impl Iterator<Item = &'a WebhookSecret> {
    delivery.secrets.iter().filter(|secret| !secret.has_no_key())
}

fn verify_body<'h>(
    header: impl Fn(&str) -> Option<&'h str>,
    delivery: &Delivery<'_>,
) -> Result<(), VerifyFailure> {
    let names = ["x-aragora-signature", "x-signature-sha256", "x-webhook-signature"];
    let (name, signature) = present(&header, &names)?;
    let (_, timestamp) = present(&header, &["x-aragora-timestamp", "x-webhook-timestamp"])?;
    if !signature.starts_with("sha256=") {
        return Err(VerifyFailure::HeaderMalformed(name));
    }
    check_age(timestamp, delivery)?;
    any_matches(delivery, &[signature], |secret| mac::body_mac(secret, delivery.body))
}

fn verify_timestamped<'h>(
    header: impl Fn(&str) -> Option<&'h str>,
    delivery: &Delivery<'_>,
) -> Result<(), VerifyFailure> {
    let names = ["x-aragora-signature-timestamped", "x-agenta-signature"];
    let (name, value) = present(&header, &names)?;
    let mut timestamp = None;
    let mut signatures = Vec::new();
    for element in value.split(',') {
        match element.trim_start_matches([' ', '\t']).split_once('=') {
            // Two timestamps would leave open which of them was signed.
            Some(("t", _)) if timestamp.is_some() => {
                return Err(VerifyFailure::HeaderMalformed(name));
            }
            Some(("t", t)) => timestamp = Some(t),
            Some(("v1", signature)) => signatures.push(signature),
            // Schemes to come.
            Some(_) => {}
            None => return Err(VerifyFailure::HeaderMalformed(name)),
        }
    }
    let timestamp = timestamp.ok_or(VerifyFailure::HeaderMalformed(name))?;
    if signatures.is_empty() {
        return Err(VerifyFailure::HeaderMalformed(name));
    }
    check_age(timestamp, delivery)?;
    any_matches(delivery, &signatures, |secret| {
        mac::timestamped_hex(secret, timestamp, delivery.body)
    })
}

fn verify_standard<'h>(
    header: impl Fn(&str) -> Option<&'h str>,
    delivery: &Delivery<'_>,
) -> Result<(), VerifyFailure> {
    let (_, id) = present(&header, &["webhook-id"])?;
    let (_, timestamp) = present(&header, &["webhook-timestamp"])?;
    let (name, value) = present(&header, &["webhook-signature"])?;
    // Other versions (`v1a`) are other receivers' business.
    let signatures: Vec<&str> =
        value.split(' ').filter_map(|entry| entry.strip_prefix("v1,")).collect();
    if signatures.is_empty() {
        return Err(VerifyFailure::HeaderMalformed(name));
    }
    check_age(timestamp, delivery)?;
    any_matches(delivery, &signatures, |secret| {
        mac::standard_base64(secret, id, timestamp, delivery.body)
    })
}

/// The first of the named headers that is there; the error names the first, which is the one sent
/// to every receiver of the profile.
fn present<'h>(
    header: impl Fn(&str) -> Option<&'h str>,
    names: &[&'static str],
) -> Result<(&'static str, &'h str), VerifyFailure> {
    names
        .iter()
        .find_map(|name| header(name).filter(|value| !value.is_empty()).map(|value| (*name, value)))
        .ok_or(VerifyFailure::HeaderMissing(names.first().copied().unwrap_or_default()))
}

fn check_age(timestamp: &str, delivery: &Delivery<'_>) -> Result<(), VerifyFailure> {
    // Digits only: `parse` alone would take a sign.
    if timestamp.len() > MAX_TIMESTAMP_DIGITS
        || !timestamp.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(VerifyFailure::TimestampNotANumber);
    }
    let sent: i64 = timestamp.parse().map_err(|_| VerifyFailure::TimestampNotANumber)?;
    let age = delivery.now_unix_seconds.saturating_sub(sent);
    if age > i64::from(delivery.max_age_seconds) {
        return Err(VerifyFailure::TooOld);
    }
    if age < -MAX_AHEAD_SECONDS {
        return Err(VerifyFailure::TooFarAhead);
    }
    Ok(())
}

/// Whether any live secret gives any of the signatures, without telling by the time it takes
/// which one, or how much of it was right.
fn any_matches(
    delivery: &Delivery<'_>,
    signatures: &[&str],
    sign: impl Fn(&WebhookSecret) -> String,
) -> Result<(), VerifyFailure> {
    let mut found = Choice::from(0);
    for secret in live(delivery) {
        let expected = sign(secret);
        for signature in signatures {
            found |= expected.as_bytes().ct_eq(signature.as_bytes());
        }
    }
    if bool::from(found) { Ok(()) } else { Err(VerifyFailure::Mismatch) }
}
