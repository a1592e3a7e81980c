//! Verifies Aragora webhook deliveries. Copy this file as a module and drop all from `Case` on. It
//! needs Rust 1.85 and base64 0.22, hex 0.4, hmac 0.13, sha2 0.11 and subtle 2.
//!
//! ```text
//! let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
//! verify(Scheme::StandardWebhooks, &["your-hmac-secret"], header, &body, now, 300)?;
//! ```
//!
//! Run as a program it reads one case a line, as JSON, and prints one answer a line:
//! `{"scheme", "secrets", "headers", "body_base64", "now", "max_age_seconds"}`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

const MAX_AHEAD_SECONDS: i64 = 60;
// Each list is a header and the other names it is sent under; the first that is there counts.
const BODY_SIGNATURE: [&str; 3] =
    ["x-aragora-signature", "x-signature-sha256", "x-webhook-signature"];
const BODY_TIMESTAMP: [&str; 2] = ["x-aragora-timestamp", "x-webhook-timestamp"];
const TIMESTAMPED_SIGNATURE: [&str; 2] = ["x-aragora-signature-timestamped", "x-agenta-signature"];

/// Which of a delivery's signatures is checked.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scheme {
    /// `webhook-id`, `webhook-timestamp` and `webhook-signature`.
    StandardWebhooks,
    /// `X-Aragora-Signature-Timestamped`.
    Timestamped,
    /// `X-Aragora-Signature` (or `X-Signature-SHA256`) with `X-Aragora-Timestamp`, which it does
    /// not cover.
    Body,
}

/// The check that failed, as a word; see `README.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed(&'static str);

/// Checks one of a delivery's signatures: `Ok`, or the first check that failed.
///
/// `secrets` is every secret that is live, more than one during a rotation. `header` finds a header
/// by its lower-case name. `body` is the request's bytes as they came, before any parsing. `now` is
/// the clock in unix seconds.
pub(crate) fn verify<'h>(
    scheme: Scheme,
    secrets: &[&str],
    header: impl Fn(&str) -> Option<&'h str>,
    body: &[u8],
    now: i64,
    max_age_seconds: i64,
) -> Result<(), Failed> {
    let live: Vec<&str> =
        secrets.iter().copied().filter(|secret| !["", "whsec_"].contains(secret)).collect();
    if live.is_empty() {
        return Err(Failed("no_secret"));
    }
    match scheme {
        Scheme::StandardWebhooks => {
            let id = first(&header, &["webhook-id"])?;
            let timestamp = first(&header, &["webhook-timestamp"])?;
            let signatures = standard_signatures(first(&header, &["webhook-signature"])?)?;
            check_age(timestamp, now, max_age_seconds)?;
            let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
            let sign = |secret: &str| Ok(STANDARD.encode(mac(&standard_key(secret), &signed)?));
            check_signatures(&signatures, &live, sign)
        }
        Scheme::Timestamped => {
            let value = first(&header, &TIMESTAMPED_SIGNATURE)?;
            let (timestamp, signatures) = timestamp_and_signatures(value)?;
            check_age(timestamp, now, max_age_seconds)?;
            let signed = [timestamp.as_bytes(), b".", body];
            let sign = |secret: &str| Ok(hex::encode(mac(secret.as_bytes(), &signed)?));
            check_signatures(&signatures, &live, sign)
        }
        Scheme::Body => {
            let signature = first(&header, &BODY_SIGNATURE)?;
            let timestamp = first(&header, &BODY_TIMESTAMP)?;
            let digits = signature.strip_prefix("sha256=").ok_or(Failed("header_malformed"))?;
            check_age(timestamp, now, max_age_seconds)?;
            let sign = |secret: &str| Ok(hex::encode(mac(secret.as_bytes(), &[body])?));
            check_signatures(&[digits], &live, sign)
        }
    }
}

/// The first of the named headers that is there: one header and its other names.
fn first<'h>(header: impl Fn(&str) -> Option<&'h str>, names: &[&str]) -> Result<&'h str, Failed> {
    names
        .iter()
        .find_map(|name| header(name).filter(|value| !value.is_empty()))
        .ok_or(Failed("header_missing"))
}

fn standard_signatures(value: &str) -> Result<Vec<&str>, Failed> {
    let signatures: Vec<&str> =
        value.split(' ').filter_map(|entry| entry.strip_prefix("v1,")).collect();
    if signatures.is_empty() { Err(Failed("header_malformed")) } else { Ok(signatures) }
}

fn timestamp_and_signatures(value: &str) -> Result<(&str, Vec<&str>), Failed> {
    let (mut timestamps, mut signatures) = (Vec::new(), Vec::new());
    for element in value.split(',') {
        match element.trim_start_matches([' ', '\t']).split_once('=') {
            Some(("t", timestamp)) => timestamps.push(timestamp),
            Some(("v1", signature)) => signatures.push(signature),
            Some(_) => {}
            None => return Err(Failed("header_malformed")),
        }
    }
    // With two timestamps nobody knows which one was signed.
    match timestamps[..] {
        [timestamp] if !signatures.is_empty() => Ok((timestamp, signatures)),
        _ => Err(Failed("header_malformed")),
    }
}

fn check_age(timestamp: &str, now: i64, max_age_seconds: i64) -> Result<(), Failed> {
    // Digits only: `parse` alone takes a sign.
    if timestamp.len() > 18 || !timestamp.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failed("timestamp_not_a_number"));
    }
    let sent: i64 = timestamp.parse().map_err(|_| Failed("timestamp_not_a_number"))?;
    if now - sent > max_age_seconds {
        return Err(Failed("too_old"));
    }
    if sent - now > MAX_AHEAD_SECONDS {
        return Err(Failed("too_far_ahead"));
    }
    Ok(())
}

fn check_signatures(
    received: &[&str],
    secrets: &[&str],
    sign: impl Fn(&str) -> Result<String, Failed>,
) -> Result<(), Failed> {
    // Compares all with all, each in constant time, so that the time taken tells nothing.
    let mut found = Choice::from(0);
    for secret in secrets {
        let ours = sign(secret)?;
        for theirs in received {
            found |= ours.as_bytes().ct_eq(theirs.as_bytes());
        }
    }
    if bool::from(found) { Ok(()) } else { Err(Failed("mismatch")) }
}

/// Never fails: HMAC takes keys of any length.
fn mac(key: &[u8], parts: &[&[u8]]) -> Result<Vec<u8>, Failed> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Failed("no_secret"))?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().to_vec())
}

/// The base64 behind `whsec_`, decoded; else the secret's own bytes.
fn standard_key(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix("whsec_").and_then(|encoded| STANDARD.decode(encoded).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

#[derive(serde::Deserialize)]
struct Case {
    scheme: String,
    secrets: Vec<String>,
    headers: std::collections::HashMap<String, String>,
    body_base64: String,
    now: i64,
    max_age_seconds: i64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lines() {
        let case: Case = serde_json::from_str(&line?)?;
        let scheme = match case.scheme.as_str() {
            "standard_webhooks" => Scheme::StandardWebhooks,
            "timestamped" => Scheme::Timestamped,
            "body" => Scheme::Body,
            other => return Err(format!("there is no scheme {other}").into()),
        };
        let secrets: Vec<&str> = case.secrets.iter().map(String::as_str).collect();
        let header = |name: &str| {
            case.headers
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, v)| v.as_str())
        };
        let body = STANDARD.decode(&case.body_base64)?;
        let answer = match verify(scheme, &secrets, header, &body, case.now, case.max_age_seconds) {
            Ok(()) => "valid",
            Err(Failed(word)) => word,
        };
        std::io::Write::write_all(&mut std::io::stdout(), format!("{answer}\n").as_bytes())?;
    }
    Ok(())
}
