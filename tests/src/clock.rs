//! The wall clock, read in one place.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness is outside the product: it has no clock to be given"
)]
pub fn now_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_millis()).expect("milliseconds fit")
}

/// Seconds since 1970.
pub fn now_seconds() -> u64 {
    now_millis() / 1000
}

/// Milliseconds since 1970 of an RFC 3339 time as the API prints it.
pub fn millis_of(text: &str) -> u64 {
    let time = OffsetDateTime::parse(text, &Rfc3339)
        .unwrap_or_else(|error| panic!("{text:?} is no time: {error}"));
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).expect("a time after 1970")
}

/// A time as the API takes it: RFC 3339 in UTC.
pub fn rfc3339(millis: u64) -> String {
    let nanos = i128::from(millis) * 1_000_000;
    let time =
        OffsetDateTime::from_unix_timestamp_nanos(nanos).expect("a time that can be printed");
    time.format(&Rfc3339).expect("RFC 3339 can print any time")
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_survive_printing() {
        assert_eq!(super::rfc3339(1_705_752_000_000), "2024-01-20T12:00:00Z");
        assert_eq!(super::millis_of("2024-01-20T12:00:00.250Z"), 1_705_752_000_250);
    }
}
