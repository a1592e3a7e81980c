//! Points in time: milliseconds inside, RFC 3339 at the edge.
//!
//! Nothing in this crate reads a clock. Rules take a [`Millis`]; code that waits for I/O takes a
//! [`Clock`], so that a test can hand it its own.

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, PrimitiveDateTime};

/// Where the current time comes from.
pub type Clock = fn() -> Millis;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Millis(pub i64);

impl Millis {
    /// The latest time that RFC 3339 can print with a four-digit year.
    const MAX: i64 = 253_402_300_799_999;

    /// Reads an RFC 3339 time. A time without an offset is taken as UTC, because debate engines
    /// written in Python print `datetime.utcnow().isoformat()`, which has none.
    pub fn parse(text: &str) -> Option<Self> {
        let instant =
            OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| parse_without_offset(text))?;
        let millis = i64::try_from(instant.unix_timestamp_nanos() / 1_000_000).ok()?;
        (0..=Self::MAX).contains(&millis).then_some(Self(millis))
    }

    /// RFC 3339 in UTC with milliseconds, such as `2024-01-20T12:00:00.000Z`.
    pub fn rfc3339(self) -> String {
        let clamped = self.0.clamp(0, Self::MAX);
        let (days, of_day) = (clamped.div_euclid(86_400_000), clamped.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        let (seconds, millis) = (of_day / 1_000, of_day % 1_000);
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    /// Whole seconds since 1970, as signatures and DynamoDB's TTL want them.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This time plus `millis`, never overflowing.
    #[must_use]
    pub const fn plus(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this time; negative when it is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

fn parse_without_offset(text: &str) -> Option<OffsetDateTime> {
    let format = time::format_description::well_known::Iso8601::DATE_TIME;
    Some(PrimitiveDateTime::parse(text, &format).ok()?.assume_utc())
}

/// Year, month and day of a number of days since 1970-01-01 in the proleptic Gregorian calendar
/// (the era arithmetic of Howard Hinnant's `civil_from_days`). The `time` crate's formatter costs
/// an order of magnitude more, and every delivery prints several times.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_offsets_and_their_absence() {
        for (text, millis) in [
            ("2024-01-20T12:00:00Z", 1_705_752_000_000),
            ("2024-01-20T13:00:00+01:00", 1_705_752_000_000),
            ("2024-01-20T12:00:00.123456Z", 1_705_752_000_123),
            ("2026-01-09T23:03:36.048761", 1_767_999_816_048),
        ] {
            assert_eq!(Millis::parse(text), Some(Millis(millis)), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2024-13-01T00:00:00Z",
            "2024-01-20",
            "1705752000",
            "0001-01-01T00:00:00Z",
        ] {
            assert_eq!(Millis::parse(text), None, "{text}");
        }
    }

    #[test]
    fn prints_utc_with_milliseconds() {
        assert_eq!(Millis(1_705_752_000_007).rfc3339(), "2024-01-20T12:00:00.007Z");
        assert_eq!(Millis(951_782_400_000).rfc3339(), "2000-02-29T00:00:00.000Z");
        assert_eq!(Millis(i64::MAX).rfc3339(), "9999-12-31T23:59:59.999Z");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(millis in 0..=Millis::MAX) {
            prop_assert_eq!(Millis::parse(&Millis(millis).rfc3339()), Some(Millis(millis)));
        }
    }
}
