//! What is trending: downloads in a window, each counting less the longer ago it was.
//!
//! Downloads are counted in buckets: hours for the window of a day, days for those of a week and a
//! month. A download counts half after a quarter of its window. All templates fade at one pace, so
//! the order of two of them changes only when one is downloaded: a rank written then ([`rank`])
//! stays good without being written again, until its downloads leave the window.

use std::collections::BTreeMap;

use crate::time::Millis;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// How far back is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// 24 hours.
    Day,
    /// 7 days.
    Week,
    /// 30 days.
    Month,
}

impl Period {
    /// Every period.
    pub const ALL: &[Self] = &[Self::Day, Self::Week, Self::Month];

    /// The name in requests, answers and keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The period of that name. Clients also say `24h`, `7d` and `30d`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "day" | "24h" | "1d" => Some(Self::Day),
            "week" | "7d" => Some(Self::Week),
            "month" | "30d" => Some(Self::Month),
            _ => None,
        }
    }

    /// Milliseconds of the window.
    pub const fn window_ms(self) -> i64 {
        match self {
            Self::Day => 24 * HOUR_MS,
            Self::Week => 7 * DAY_MS,
            Self::Month => 30 * DAY_MS,
        }
    }

    const fn bucket_ms(self) -> i64 {
        match self {
            Self::Day => HOUR_MS,
            Self::Week | Self::Month => DAY_MS,
        }
    }

    /// How many buckets the window has, the one that is being filled included.
    const fn buckets(self) -> i64 {
        self.window_ms() / self.bucket_ms()
    }

    /// Buckets after which a download counts half.
    #[expect(clippy::cast_precision_loss, reason = "a window has at most 30 buckets")]
    fn half_life(self) -> f64 {
        self.buckets() as f64 / 4.0
    }
}

/// The hour of a time, counted from 1970.
pub const fn hour(at: Millis) -> i64 {
    at.0.div_euclid(HOUR_MS)
}

/// The day of a time in UTC, counted from 1970.
pub const fn day(at: Millis) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// How often a template was downloaded, by hour and by day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Downloads {
    /// By [`hour`].
    pub hours: BTreeMap<i64, u64>,
    /// By [`day`].
    pub days: BTreeMap<i64, u64>,
}

impl Downloads {
    /// Adds one download.
    pub fn add(&mut self, at: Millis) {
        for (buckets, bucket) in [(&mut self.hours, hour(at)), (&mut self.days, day(at))] {
            let count = buckets.entry(bucket).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Downloads in the window that ends at `now`.
    pub fn within(&self, period: Period, now: Millis) -> u64 {
        self.recent(period, now).fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// Downloads in the window, each counting less the longer ago it was.
    pub fn score(&self, period: Period, now: Millis) -> f64 {
        self.recent(period, now).map(|(age, count)| faded(age, count, period)).sum()
    }

    /// The place among all templates, as the base-2 logarithm of the score that the downloads
    /// have when counted from 1970 on; in hundredths. `None` without downloads in the window. It
    /// only goes up.
    pub fn rank(&self, period: Period, now: Millis) -> Option<u64> {
        let score = self.score(period, now);
        if score <= 0.0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "hours since 1970")]
        let newest = now.0.div_euclid(period.bucket_ms()) as f64;
        let rank = (newest / period.half_life() + score.log2()) * 100.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and ten million"
        )]
        Some(rank.max(0.0) as u64)
    }

    /// Buckets that no window needs any more.
    pub fn stale(&self, now: Millis) -> (Vec<i64>, Vec<i64>) {
        let before = |buckets: &BTreeMap<i64, u64>, first: i64| {
            buckets.range(..first).map(|(bucket, _)| *bucket).collect()
        };
        (
            before(&self.hours, hour(now) - Period::Day.buckets()),
            before(&self.days, day(now) - Period::Month.buckets()),
        )
    }

    fn recent(&self, period: Period, now: Millis) -> impl Iterator<Item = (i64, u64)> {
        let (buckets, newest) = match period {
            Period::Day => (&self.hours, hour(now)),
            Period::Week | Period::Month => (&self.days, day(now)),
        };
        let first = newest - period.buckets() + 1;
        // A clock that is ahead elsewhere counts as now.
        buckets.range(first..).map(move |(bucket, count)| ((newest - bucket).max(0), *count))
    }
}

#[expect(clippy::cast_precision_loss, reason = "ages are small; counts beyond 2^52 do not matter")]
fn faded(age: i64, count: u64, period: Period) -> f64 {
    count as f64 * (-(age as f64) / period.half_life()).exp2()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Millis = Millis(1_790_000_000_000);

    fn downloads(ages_ms: &[i64]) -> Downloads {
        let mut it = Downloads::default();
        for age in ages_ms {
            it.add(NOW.plus(-age));
        }
        it
    }

    #[test]
    fn what_is_outside_the_window_does_not_count() {
        let it = downloads(&[0, 2 * HOUR_MS, 30 * HOUR_MS, 5 * DAY_MS, 20 * DAY_MS, 40 * DAY_MS]);
        assert_eq!(it.within(Period::Day, NOW), 2);
        assert_eq!(it.within(Period::Week, NOW), 4);
        assert_eq!(it.within(Period::Month, NOW), 5);
        assert_eq!(downloads(&[40 * DAY_MS]).rank(Period::Month, NOW), None);
        assert!(Downloads::default().score(Period::Day, NOW).abs() < f64::EPSILON);
    }

    #[test]
    fn a_download_counts_half_after_a_quarter_of_the_window() {
        let fresh = downloads(&[0]).score(Period::Day, NOW);
        let older = downloads(&[6 * HOUR_MS]).score(Period::Day, NOW);
        assert!((fresh - 1.0).abs() < 1e-9 && (older - 0.5).abs() < 1e-9, "{fresh} {older}");
    }

    #[test]
    fn what_no_window_needs_is_stale() {
        let it = downloads(&[0, 3 * DAY_MS, 60 * DAY_MS]);
        let (hours, days) = it.stale(NOW);
        assert_eq!((hours.len(), days.len()), (2, 1));
    }

    #[test]
    fn periods_have_names() {
        for period in Period::ALL {
            assert_eq!(Period::parse(period.as_str()), Some(*period));
        }
        assert_eq!(Period::parse("7d"), Some(Period::Week));
        assert_eq!(Period::parse("year"), None);
    }

    proptest! {
        /// A rank written at some time has the order that the scores have later, as long as no
        /// download leaves the window in between.
        #[test]
        fn ranks_written_at_different_times_compare(
            one in prop::collection::vec(0_i64..10, 1..20),
            other in prop::collection::vec(0_i64..10, 1..20),
            later in 0_i64..5,
        ) {
            let days = |ages: &[i64]| downloads(&ages.iter().map(|age| age * DAY_MS).collect::<Vec<_>>());
            let (one, other) = (days(&one), days(&other));
            let then = NOW.plus(later * DAY_MS);
            let ranks = (one.rank(Period::Month, NOW).unwrap(), other.rank(Period::Month, then).unwrap());
            let scores = (one.score(Period::Month, then), other.score(Period::Month, then));
            if (scores.0.log2() - scores.1.log2()).abs() > 0.02 {
                prop_assert_eq!(ranks.0 > ranks.1, scores.0 > scores.1);
            }
        }

        #[test]
        fn a_rank_only_goes_up(ages in prop::collection::vec(0_i64..30, 1..20), later in 0_i64..3) {
            let mut it = downloads(&ages.iter().map(|age| age * DAY_MS).collect::<Vec<_>>());
            let before = it.rank(Period::Month, NOW).unwrap();
            let then = NOW.plus(later * HOUR_MS);
            it.add(then);
            prop_assert!(it.rank(Period::Month, then).unwrap() >= before);
        }
    }
}
