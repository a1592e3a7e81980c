//! The circuit breaker of one webhook, and when a webhook that only fails is disabled.
//!
//! Five failed attempts in a row open the circuit; while it is open nothing is sent. After a
//! minute one attempt goes through as a probe: success closes the circuit, failure keeps it open
//! for another minute. The numbers are kept with the webhook and shared by all workers. Source:
//! `webhook-delivery.md`, Circuit breaker and Auto-disable.

use crate::time::Millis;

/// Failed attempts in a row that open a circuit.
pub const OPENS_AFTER: u64 = 5;
/// Milliseconds that an opened circuit stays open, unless the deployment says otherwise.
pub const OPEN_MS: i64 = 60_000;
/// What is held back by a circuit comes back at most this much later than the circuit is open, so
/// that a thousand waiting deliveries do not all come back every minute.
const LONGEST_SPREAD_MS: i64 = 14 * 60_000;
/// While a probe is under way, the rest looks again after at most this long.
const PROBE_WAIT_MS: i64 = 5_000;
/// A webhook is disabled when all its attempts failed for this long ...
pub const FAILING_MS: i64 = 5 * 86_400_000;
/// ... and they were at least this many.
pub const FAILING_ATTEMPTS: u64 = 20;

/// What is known of an endpoint's failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Circuit {
    /// Failed attempts since the last success.
    pub failures: u64,
    /// When the first of them was.
    pub failing_since: Option<Millis>,
    /// When the circuit may be probed; `None` while it is closed.
    pub open_until: Option<Millis>,
    /// How often it was opened since the last success, failed probes included.
    pub opened: u32,
    /// Until when somebody is probing.
    pub probe_until: Option<Millis>,
}

/// Where a circuit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CircuitState {
    /// Everything is sent.
    Closed,
    /// Nothing is sent.
    Open,
    /// One attempt may go through.
    HalfOpen,
}

/// What may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Everything.
    All,
    /// One attempt, by whoever claims the probe first.
    Probe,
    /// Nothing before this time.
    HeldUntil(Millis),
}

impl CircuitState {
    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

impl Circuit {
    /// Where it stands at `now`.
    pub fn state(&self, now: Millis) -> CircuitState {
        match self.open_until {
            None => CircuitState::Closed,
            Some(until) if until > now => CircuitState::Open,
            Some(_) => CircuitState::HalfOpen,
        }
    }

    /// What may be sent at `now`. `draw` (0 to 1) spreads what is held back, 0 being as soon as the
    /// circuit can be probed; `open_ms` is how long an opened circuit stays open.
    pub fn admission(&self, now: Millis, draw: f64, open_ms: i64) -> Admission {
        let Some(open_until) = self.open_until else { return Admission::All };
        if open_until > now {
            return Admission::HeldUntil(open_until.plus(self.spread(draw, open_ms)));
        }
        match self.probe_until.filter(|until| *until > now) {
            None => Admission::Probe,
            Some(until) => {
                let wait = until.since(now).min(PROBE_WAIT_MS);
                Admission::HeldUntil(now.plus(share(wait, draw).max(wait / 2)))
            }
        }
    }

    /// What it is after a success, if there was one, and `failures` after that. `at` is when.
    #[must_use]
    pub fn after(&self, succeeded: bool, failures: u64, at: Millis) -> Self {
        let before = if succeeded { Self::default() } else { *self };
        Self {
            failures: before.failures.saturating_add(failures),
            failing_since: before.failing_since.or((failures > 0).then_some(at)),
            ..before
        }
    }

    /// Whether `failures` in a row open a circuit that is closed.
    pub const fn opens(&self) -> bool {
        self.open_until.is_none() && self.failures >= OPENS_AFTER
    }

    /// Whether the webhook is to be disabled: nothing but failures for five days, and not few.
    pub fn is_hopeless(&self, now: Millis) -> bool {
        self.failures >= FAILING_ATTEMPTS
            && self.failing_since.is_some_and(|since| now.since(since) >= FAILING_MS)
    }

    /// As long as the circuit is open at first; with every failed probe twice as long.
    fn spread(&self, draw: f64, open_ms: i64) -> i64 {
        let doublings = self.opened.clamp(1, 10);
        let window = open_ms.saturating_mul((1 << doublings) - 1).min(LONGEST_SPREAD_MS);
        share(window, draw)
    }
}

/// `draw` (0 to 1) of `millis`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "at most a quarter of an hour in milliseconds"
)]
pub(super) fn share(millis: i64, draw: f64) -> i64 {
    (millis as f64 * draw.clamp(0.0, 1.0)).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(10_000_000);

    fn open(until: i64, opened: u32) -> Circuit {
        Circuit { failures: 5, open_until: Some(Millis(until)), opened, ..Circuit::default() }
    }

    #[test]
    fn five_failures_open_it() {
        for (failures, open_until, opens) in
            [(4, None, false), (5, None, true), (9, None, true), (9, Some(NOW), false)]
        {
            let circuit = Circuit { failures, open_until, ..Circuit::default() };
            assert_eq!(circuit.opens(), opens, "{circuit:?}");
        }
    }

    #[test]
    fn a_success_closes_it_and_failures_after_it_count() {
        let before = Circuit { failing_since: Some(Millis(3)), ..open(NOW.0, 2) };
        assert_eq!(before.after(true, 0, NOW), Circuit::default());
        let two = Circuit { failures: 2, failing_since: Some(NOW), ..Circuit::default() };
        assert_eq!(before.after(true, 2, NOW), two);
        assert_eq!(before.after(false, 2, NOW), Circuit { failures: 7, ..before });
        assert_eq!(Circuit::default().after(false, 0, NOW), Circuit::default());
    }

    #[test]
    fn it_is_open_for_its_time_and_then_takes_one_probe() {
        let closed = Circuit { failures: 4, ..Circuit::default() };
        assert_eq!(
            (closed.state(NOW), closed.admission(NOW, 0.5, OPEN_MS)),
            (CircuitState::Closed, Admission::All)
        );
        let opened = open(NOW.0 + 1, 1);
        assert_eq!(opened.state(NOW), CircuitState::Open);
        assert_eq!(opened.admission(NOW, 0.0, OPEN_MS), Admission::HeldUntil(Millis(NOW.0 + 1)));
        let due = open(NOW.0, 1);
        assert_eq!(
            (due.state(NOW), due.admission(NOW, 0.5, OPEN_MS)),
            (CircuitState::HalfOpen, Admission::Probe)
        );
        let probing = Circuit { probe_until: Some(Millis(NOW.0 + 35_000)), ..due };
        for (draw, wait) in [(0.0, 2_500), (0.6, 3_000), (1.0, 5_000)] {
            let held = Admission::HeldUntil(Millis(NOW.0 + wait));
            assert_eq!(probing.admission(NOW, draw, OPEN_MS), held);
        }
        let lost = Circuit { probe_until: Some(NOW), ..due };
        assert_eq!(lost.admission(NOW, 0.5, OPEN_MS), Admission::Probe);
    }

    #[test]
    fn what_is_held_comes_back_ever_more_spread() {
        for (opened, latest) in
            [(0, 60_000), (1, 60_000), (2, 180_000), (3, 420_000), (4, 840_000), (99, 840_000)]
        {
            let held = open(NOW.0 + 500, opened).admission(NOW, 1.0, OPEN_MS);
            assert_eq!(held, Admission::HeldUntil(Millis(NOW.0 + 500 + latest)), "{opened}");
            let held = open(NOW.0 + 500, opened).admission(NOW, 0.0, OPEN_MS);
            assert_eq!(held, Admission::HeldUntil(Millis(NOW.0 + 500)), "{opened}");
        }
    }

    #[test]
    fn five_days_of_at_least_twenty_failures_are_hopeless() {
        for (failures, days, hopeless) in
            [(20, 5, true), (19, 5, false), (20, 4, false), (500, 9, true), (19, 90, false)]
        {
            let failing_since = Some(NOW.plus(-days * 86_400_000));
            let circuit = Circuit { failures, failing_since, ..Circuit::default() };
            assert_eq!(circuit.is_hopeless(NOW), hopeless, "{failures} in {days} days");
        }
        let unknown = Circuit { failures: 50, ..Circuit::default() };
        assert!(!unknown.is_hopeless(NOW));
    }
}
