//! When a failed delivery is tried again. Source: `webhook-delivery.md`, States; seed 002.

use serde::{Deserialize, Serialize};

/// No delay is longer, whatever the receiver's `Retry-After` says: 24 hours.
pub const MAX_DELAY_MS: i64 = 24 * 3_600 * 1_000;
/// The greatest share of a delay that jitter adds.
const JITTER: f64 = 0.2;

/// How often and how patiently a webhook's deliveries are tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts after the first: 0 to 24.
    pub max_retries: u32,
    /// Seconds before the first retry: 0.1 to 3,600.
    pub base_delay_seconds: f64,
    /// The longest delay in seconds, before jitter: from the base to 86,400.
    pub max_delay_seconds: f64,
    /// Seconds that one attempt may take in all: 1 to 30.
    pub timeout_seconds: f64,
}

impl Default for RetryPolicy {
    /// The runbook's policy (seed 002): five retries from 1 s to 300 s, 30 s for an attempt.
    fn default() -> Self {
        Self {
            max_retries: 5,
            base_delay_seconds: 1.0,
            max_delay_seconds: 300.0,
            timeout_seconds: 30.0,
        }
    }
}

impl RetryPolicy {
    /// The fields that are out of bounds, each with what it may be.
    pub fn problems(&self) -> Vec<(&'static str, &'static str)> {
        let mut problems = Vec::new();
        if self.max_retries > 24 {
            problems.push(("max_retries", "must be an integer from 0 to 24"));
        }
        if !(0.1..=3_600.0).contains(&self.base_delay_seconds) {
            problems.push(("base_delay_seconds", "must be from 0.1 to 3600"));
        }
        if !(self.base_delay_seconds..=86_400.0).contains(&self.max_delay_seconds) {
            problems.push(("max_delay_seconds", "must be from base_delay_seconds to 86400"));
        }
        if !(1.0..=30.0).contains(&self.timeout_seconds) {
            problems.push(("timeout_seconds", "must be from 1 to 30"));
        }
        problems
    }

    /// Attempts in one generation, the first included.
    pub const fn max_attempts(&self) -> u32 {
        self.max_retries.saturating_add(1)
    }

    /// Milliseconds that one attempt may take.
    pub fn timeout_ms(&self) -> i64 {
        millis(self.timeout_seconds)
    }

    /// Milliseconds to wait after the `attempts`-th attempt failed (1-based): exponential from
    /// the base, capped, plus `jitter` (0 to 1) times a fifth; raised to `retry_after_ms` when the
    /// receiver asked for longer; never over 24 hours.
    pub fn delay_ms(&self, attempts: u32, jitter: f64, retry_after_ms: Option<i64>) -> i64 {
        let doublings = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = (self.base_delay_seconds * 2_f64.powi(doublings)).min(self.max_delay_seconds);
        let jittered = seconds * JITTER.mul_add(jitter.clamp(0.0, 1.0), 1.0);
        millis(jittered).max(retry_after_ms.unwrap_or(0)).clamp(0, MAX_DELAY_MS)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "seconds are bounded by a day, so milliseconds fit many times over"
)]
fn millis(seconds: f64) -> i64 {
    (seconds * 1_000.0).round() as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_progression_is_the_runbooks() {
        let delays: Vec<i64> =
            (1..=11).map(|attempt| RetryPolicy::default().delay_ms(attempt, 0.0, None)).collect();
        assert_eq!(
            delays,
            [
                1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000,
                300_000
            ]
        );
        assert_eq!(RetryPolicy::default().max_attempts(), 6);
    }

    #[test]
    fn retry_after_raises_a_delay_and_is_clamped() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.delay_ms(1, 0.0, Some(5_000)), 5_000);
        assert_eq!(policy.delay_ms(4, 0.0, Some(5_000)), 8_000);
        assert_eq!(policy.delay_ms(1, 0.0, Some(i64::MAX)), MAX_DELAY_MS);
        assert_eq!(policy.delay_ms(1, 0.0, Some(-5)), 1_000);
    }

    #[test]
    fn bounds_are_inclusive() {
        let policy = |max_retries, base, max, timeout| RetryPolicy {
            max_retries,
            base_delay_seconds: base,
            max_delay_seconds: max,
            timeout_seconds: timeout,
        };
        for good in [policy(0, 0.1, 0.1, 1.0), policy(24, 3_600.0, 86_400.0, 30.0)] {
            assert_eq!(good.problems(), []);
        }
        for (bad, field) in [
            (policy(25, 1.0, 300.0, 30.0), "max_retries"),
            (policy(5, 0.09, 300.0, 30.0), "base_delay_seconds"),
            (policy(5, 3_600.1, 86_400.0, 30.0), "base_delay_seconds"),
            (policy(5, 2.0, 1.9, 30.0), "max_delay_seconds"),
            (policy(5, 2.0, 86_400.1, 30.0), "max_delay_seconds"),
            (policy(5, 2.0, 300.0, 0.9), "timeout_seconds"),
            (policy(5, 2.0, 300.0, 30.1), "timeout_seconds"),
            (policy(5, 2.0, 300.0, f64::NAN), "timeout_seconds"),
        ] {
            assert!(bad.problems().iter().any(|(name, _)| *name == field), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_delay_is_between_the_backoff_and_a_fifth_more(attempt in 1_u32..100, jitter in 0.0..=1.0_f64) {
            let policy = RetryPolicy::default();
            let plain = policy.delay_ms(attempt, 0.0, None);
            let delay = policy.delay_ms(attempt, jitter, None);
            prop_assert!(delay >= plain && delay <= plain + plain / 5 + 1);
        }
    }
}
