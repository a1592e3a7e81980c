//! Which headers a webhook may bring of its own.
//!
//! Source: the delivery headers of `spec/webhook-delivery.md`; names and values after RFC 9110,
//! sections 5.1 and 5.5. Checked when a webhook is written, so that a delivery can copy them out
//! as they are. `Authorization` is deliberately free: receivers authenticate by it.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;

use serde_json::{Map, Value};
use thiserror::Error;

/// Most headers one webhook may bring.
pub const MAX_HEADERS: usize = 20;
/// Longest name, in characters.
pub const MAX_HEADER_NAME_CHARS: usize = 128;
/// Longest value, in characters.
pub const MAX_HEADER_VALUE_CHARS: usize = 4_096;

/// Names refused as they are, in lower case: what a delivery sets itself, and what belongs to the
/// connection (RFC 9110, section 7.6.1).
const RESERVED_NAMES: [&str; 25] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-delivery-attempt",
    "x-signature-sha256",
    "x-webhook-delivery-id",
    "x-webhook-event-type",
    "x-webhook-id",
    "x-webhook-signature",
    "x-webhook-timestamp",
];

/// Beginnings of names refused in every profile, in lower case.
const RESERVED_PREFIXES: [&str; 4] = ["proxy-", "x-amz-", "x-amzn-", "x-aragora-"];

/// What is wrong with one header, or with their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum HeaderRule {
    /// More than [`MAX_HEADERS`].
    #[error("a webhook may have at most 20 headers")]
    TooMany,
    /// The name is not an RFC 9110 token of at most [`MAX_HEADER_NAME_CHARS`].
    #[error("the name must be 1 to 128 letters, digits or any of !#$%&'*+-.^_`|~")]
    Name,
    /// The name is set by the delivery itself or belongs to the connection.
    #[error("the name is reserved")]
    Reserved,
    /// The same name twice; case does not distinguish.
    #[error("the name occurs twice")]
    Repeated,
    /// The value is not a string.
    #[error("the value must be a string")]
    NotAString,
    /// The value has characters other than visible ASCII, space and tab, or too many of them.
    #[error("the value must be at most 4,096 characters of printable ASCII")]
    Value,
}

/// A header that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct HeaderProblem {
    /// The name as it was given, cut to [`MAX_HEADER_NAME_CHARS`]; empty for the number of headers.
    pub name: String,
    /// The first rule it broke.
    pub rule: HeaderRule,
}

impl fmt::Display for HeaderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            return self.rule.fmt(f);
        }
        write!(f, "header {:?}: {}", self.name, self.rule)
    }
}

/// Checks a webhook's own headers and returns them in the order and spelling given.
///
/// `reserved_prefixes` are the profile's further beginnings of reserved names, in lower case
/// (`x-agenta-`). On failure every offending header is named, each with the first rule it broke;
/// values are never repeated, as they hold credentials.
pub fn check_headers(
    headers: &Map<String, Value>,
    reserved_prefixes: &[&str],
) -> Result<Vec<(String, String)>, Vec<HeaderProblem>> {
    if headers.len() > MAX_HEADERS {
        return Err(vec![HeaderProblem { name: String::new(), rule: HeaderRule::TooMany }]);
    }
    let mut seen = HashSet::with_capacity(headers.len());
    let mut checked = Vec::with_capacity(headers.len());
    let mut problems = Vec::new();
    for (name, value) in headers {
        match check_header(name, value, reserved_prefixes, &mut seen) {
            Ok(value) => checked.push((name.clone(), value.to_owned())),
            Err(rule) => {
                let name = name.chars().take(MAX_HEADER_NAME_CHARS).collect();
                problems.push(HeaderProblem { name, rule });
            }
        }
    }
    if problems.is_empty() { Ok(checked) } else { Err(problems) }
}

fn check_header<'v>(
    name: &str,
    value: &'v Value,
    reserved_prefixes: &[&str],
    seen: &mut HashSet<String>,
) -> Result<&'v str, HeaderRule> {
    if !is_token(name) {
        return Err(HeaderRule::Name);
    }
    let lower = name.to_ascii_lowercase();
    let mut prefixes = RESERVED_PREFIXES.iter().chain(reserved_prefixes);
    if RESERVED_NAMES.contains(&lower.as_str()) || prefixes.any(|p| lower.starts_with(p)) {
        return Err(HeaderRule::Reserved);
    }
    if !seen.insert(lower) {
        return Err(HeaderRule::Repeated);
    }
    let value = value.as_str().ok_or(HeaderRule::NotAString)?;
    if is_field_value(value) { Ok(value) } else { Err(HeaderRule::Value) }
}

/// RFC 9110, section 5.6.2.
fn is_token(name: &str) -> bool {
    (1..=MAX_HEADER_NAME_CHARS).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// RFC 9110, section 5.5, without `obs-text`: bytes above ASCII mean something else to everyone.
fn is_field_value(value: &str) -> bool {
    value.len() <= MAX_HEADER_VALUE_CHARS
        && value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
}
