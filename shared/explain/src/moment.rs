//! Points in time as debate engines write them.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The last second that RFC 3339 can print.
const LAST_SECOND: f64 = 253_402_300_799.0;

/// Nanoseconds since 1970 of a time in RFC 3339. A time without an offset is taken as UTC and a
/// blank for the `T`: that is how Python prints one. `None` when it is neither.
pub(crate) fn instant(text: &str) -> Option<i128> {
    let (date, clock) = text.split_once(['T', 't', ' '])?;
    let offset = if clock.contains(['Z', 'z', '+', '-']) { "" } else { "Z" };
    let whole = format!("{date}T{clock}{offset}");
    Some(OffsetDateTime::parse(&whole, &Rfc3339).ok()?.unix_timestamp_nanos())
}

/// RFC 3339 in UTC of a number of seconds since 1970 (of milliseconds or microseconds, when it is
/// too great for seconds), to the microsecond. `None` when it is negative or too great.
pub(crate) fn printed(number: f64) -> Option<String> {
    let seconds = match number {
        n if n < 0.0 || !n.is_finite() => return None,
        n if n < 1e11 => n,
        n if n < 1e14 => n / 1e3,
        n => n / 1e6,
    };
    if seconds > LAST_SECOND {
        return None;
    }
    // Below 2.6e17: exact in an i128, and no loss that a float of seconds has not already.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    let micros = (seconds * 1e6).round() as i128;
    let at = OffsetDateTime::from_unix_timestamp_nanos(micros * 1_000).ok()?;
    at.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_engines_are_read() {
        let second = 1_767_225_600_000_000_000;
        for text in [
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00",
            "2026-01-01T02:00:00+02:00",
            "2026-01-01t00:00:00.000000z",
        ] {
            assert_eq!(instant(text), Some(second), "{text}");
        }
        assert_eq!(instant("2026-01-01T00:00:00.000001"), Some(second + 1_000));
        for text in ["", "yesterday", "20260101", "2026-13-01T00:00:00Z", "T", "2026-01-01"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_seconds_or_finer() {
        assert_eq!(printed(0.0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(printed(1_767_225_600.25).as_deref(), Some("2026-01-01T00:00:00.25Z"));
        assert_eq!(printed(1_767_225_600_250.0).as_deref(), Some("2026-01-01T00:00:00.25Z"));
        assert_eq!(printed(1_767_225_600_250_000.0).as_deref(), Some("2026-01-01T00:00:00.25Z"));
        for number in [-1.0, 1e18, f64::INFINITY, f64::NAN] {
            assert_eq!(printed(number), None);
        }
    }
}
