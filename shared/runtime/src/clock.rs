//! The clock of the process. Rules take the time as an argument; this is where it comes from.

use std::time::UNIX_EPOCH;

use aragora_core::time::Millis;

/// The current time.
pub fn now() -> Millis {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
