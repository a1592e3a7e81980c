//! What a webhook's UTC day came to, and the last 24 hours out of two of them.

use std::fmt;

use super::{Counts, Sketch, Tally};
use crate::time::Millis;

/// Hours of a day, and of a [`Window`].
pub const HOURS: usize = 24;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// A day in UTC, by the days since 1970-01-01. Prints as `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcDay(i64);

impl UtcDay {
    /// The day that a time is in.
    pub const fn of(at: Millis) -> Self {
        Self(at.0.div_euclid(DAY_MS))
    }

    /// Reads what [`UtcDay`] prints.
    pub fn parse(date: &str) -> Option<Self> {
        Millis::parse(&format!("{date}T00:00:00Z")).map(Self::of)
    }

    /// Its first millisecond.
    pub const fn start(self) -> Millis {
        Millis(self.0.saturating_mul(DAY_MS))
    }

    /// The day this many days later; earlier when negative.
    #[must_use]
    pub const fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days))
    }
}

impl fmt::Display for UtcDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = self.start().rfc3339();
        out.write_str(time.split('T').next().unwrap_or_default())
    }
}

/// The hour of its UTC day that a time is in: 0 to 23.
pub fn hour_of(at: Millis) -> usize {
    usize::try_from(at.0.rem_euclid(DAY_MS) / HOUR_MS).unwrap_or_default()
}

/// One day of one webhook, or of several added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayStats {
    /// What is kept by the hour, from 0 to 23 o'clock UTC.
    pub hours: [Counts; HOURS],
    /// Failures after which a delivery was to be tried again.
    pub retried: u64,
    /// The latencies of all attempts added up, in milliseconds.
    pub latency_sum_ms: u64,
    /// How long attempts took.
    pub latencies: Sketch,
}

impl DayStats {
    /// Adds another webhook's day.
    pub fn merge(&mut self, other: &Self) {
        for (hour, more) in self.hours.iter_mut().zip(&other.hours) {
            hour.merge(more);
        }
        self.retried = self.retried.saturating_add(other.retried);
        self.latency_sum_ms = self.latency_sum_ms.saturating_add(other.latency_sum_ms);
        self.latencies.merge(&other.latencies);
    }

    /// The whole day.
    pub fn total(&self) -> Tally {
        Tally {
            counts: sum(&self.hours),
            retried: self.retried,
            latency_sum_ms: self.latency_sum_ms,
            latencies: self.latencies.clone(),
        }
    }
}

/// The hour that is running and the 23 before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// The counts of exactly these hours.
    pub counts: Counts,
    /// Latencies. They are not kept by the hour, so yesterday's weigh as much as the share of
    /// yesterday's attempts that was made in these hours. Only proportions mean anything: the
    /// total is not a number of attempts.
    pub latencies: Sketch,
}

impl Window {
    /// The window at `now` out of its day and the day before.
    pub fn of(today: &DayStats, yesterday: &DayStats, now: Millis) -> Self {
        let hour = hour_of(now);
        let late = sum(yesterday.hours.iter().skip(hour + 1));
        let mut counts = sum(today.hours.iter().take(hour + 1));
        counts.merge(&late);
        let all_of_yesterday = sum(&yesterday.hours).attempts().max(1);
        let mut latencies = today.latencies.times(all_of_yesterday);
        latencies.merge(&yesterday.latencies.times(late.attempts()));
        Self { counts, latencies }
    }

    /// When the window at `now` begins.
    pub const fn start(now: Millis) -> Millis {
        Millis(now.0 - now.0.rem_euclid(HOUR_MS)).plus(-23 * HOUR_MS)
    }
}

fn sum<'a>(hours: impl IntoIterator<Item = &'a Counts>) -> Counts {
    hours.into_iter().fold(Counts::default(), |mut total, hour| {
        total.merge(hour);
        total
    })
}
