//! Statistics of a webhook: what one invocation learned, what a day came to, what the last
//! 24 hours were.
//!
//! Nothing here is read off receipts. A worker fills a [`Tally`] and adds it to the webhook's
//! [`DayStats`] once; days are summed when somebody asks. Everything is a sum, so the order in
//! which workers add does not matter.
//!
//! Source: `http-api.md`, `GET .../{id}/stats` and `GET /api/webhooks/slo/status`; percentages as
//! `decisions.md` 8 has them.

mod day;
mod sketch;

pub use day::{DayStats, HOURS, UtcDay, Window, hour_of};
pub use sketch::{BUCKETS, Sketch};

use crate::delivery::Status;

/// What is counted by the hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries that ended `DELIVERED`.
    pub delivered: u64,
    /// Deliveries that ended `DEAD_LETTERED`.
    pub dead_lettered: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
}

/// Attempts and what they led to: those of one invocation, of a day, or of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// What is also kept by the hour.
    pub counts: Counts,
    /// Failures after which a delivery was to be tried again.
    pub retried: u64,
    /// The latencies of all attempts added up, in milliseconds.
    pub latency_sum_ms: u64,
    /// How long attempts took, failed ones included. Their number is the number of attempts.
    pub latencies: Sketch,
}

impl Counts {
    /// Adds what another hour or worker counted.
    pub const fn merge(&mut self, other: &Self) {
        self.delivered = self.delivered.saturating_add(other.delivered);
        self.dead_lettered = self.dead_lettered.saturating_add(other.dead_lettered);
        self.failed_attempts = self.failed_attempts.saturating_add(other.failed_attempts);
    }

    /// Deliveries that ended, either way.
    pub const fn ended(&self) -> u64 {
        self.delivered.saturating_add(self.dead_lettered)
    }

    /// Percent of the ended deliveries that were delivered; `None` when none ended.
    pub fn delivery_rate(&self) -> Option<f64> {
        percent(self.delivered, self.ended())
    }

    /// Percent of attempts that succeeded, by the deliveries that ended: each was delivered by
    /// one attempt. `None` when there were none.
    pub fn success_rate(&self) -> Option<f64> {
        percent(self.delivered, self.attempts())
    }

    /// Attempts by the same reckoning.
    pub(crate) const fn attempts(&self) -> u64 {
        self.delivered.saturating_add(self.failed_attempts)
    }
}

impl Tally {
    /// Counts an attempt that was made and took `latency_ms`.
    pub fn attempt(&mut self, succeeded: bool, latency_ms: u64) {
        self.latencies.add(latency_ms);
        self.latency_sum_ms = self.latency_sum_ms.saturating_add(latency_ms);
        self.counts.failed_attempts += u64::from(!succeeded);
    }

    /// Counts the state that a delivery was stored in, after an attempt or when it was given up
    /// without one. Not for a delivery that is only held back: nothing was tried.
    pub const fn ended(&mut self, status: Status) {
        match status {
            Status::Delivered => self.counts.delivered += 1,
            Status::DeadLettered => self.counts.dead_lettered += 1,
            Status::Retrying => self.retried += 1,
            Status::Pending | Status::InProgress => {}
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        self.counts.merge(&other.counts);
        self.retried = self.retried.saturating_add(other.retried);
        self.latency_sum_ms = self.latency_sum_ms.saturating_add(other.latency_sum_ms);
        self.latencies.merge(&other.latencies);
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Attempts made.
    pub fn attempts(&self) -> u64 {
        self.latencies.total()
    }

    /// Attempts that were answered with 2xx.
    pub fn succeeded_attempts(&self) -> u64 {
        self.attempts().saturating_sub(self.counts.failed_attempts)
    }

    /// Percent of attempts that succeeded; `None` when there were none.
    pub fn success_rate(&self) -> Option<f64> {
        percent(self.succeeded_attempts(), self.attempts())
    }

    /// The mean latency of an attempt in milliseconds, rounded down; `None` when there were none.
    pub fn average_latency_ms(&self) -> Option<u64> {
        self.latency_sum_ms.checked_div(self.attempts())
    }
}

/// `part` of `whole` in percent, rounded down to a millionth, so that only all of them are 100.
/// `None` when `whole` is nothing.
pub(crate) fn percent(part: u64, whole: u64) -> Option<f64> {
    let millionths = (u128::from(part) * 100_000_000).checked_div(u128::from(whole))?;
    Some(f64::from(u32::try_from(millionths).unwrap_or(u32::MAX)) / 1_000_000.0)
}

#[cfg(test)]
#[path = "stats/tests.rs"]
mod tests;
