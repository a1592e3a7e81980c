//! Host names that are refused whatever they resolve to.

use super::UrlRefusal;

/// The one name the loopback switch admits.
pub(super) const LOCALHOST: &str = "localhost";

/// Names refused as they are: loopback, and the metadata services of the clouds.
const REFUSED_NAMES: [&str; 4] =
    [LOCALHOST, "metadata.google.internal", "metadata.goog", "instance-data"];

/// Last labels under which nothing is public: RFC 6761, RFC 6762 (`local`), and what ICANN keeps
/// out of the root because private networks use it (`corp`, `home`, `internal`, `lan`, `private`).
const REFUSED_TOP_LABELS: [&str; 7] =
    ["local", "localhost", "internal", "lan", "corp", "home", "private"];

/// Longest name and longest label of the DNS, in octets (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// Judges a host name in lower-case ASCII, without its trailing dot.
pub(super) fn check(name: &str) -> Result<(), UrlRefusal> {
    if name.len() > MAX_NAME || !name.split('.').all(is_label) {
        return Err(UrlRefusal::InvalidHost);
    }
    let top = name.rsplit('.').next().unwrap_or_default();
    if REFUSED_NAMES.contains(&name) || REFUSED_TOP_LABELS.contains(&top) {
        return Err(UrlRefusal::HostName);
    }
    Ok(())
}

/// Letters, digits and hyphens (RFC 952, RFC 1123), and the underscore, which hosts in use have.
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
