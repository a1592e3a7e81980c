//! How many deliveries a second a webhook takes.
//!
//! Slots are evenly spaced, one after another for all workers together: the time at which the next
//! is free is kept with the webhook and moved on by whoever takes some. What does not fit into the
//! next second is held back and gets a place in a line, so that it comes back about when its turn
//! is; there it asks again, so the pace holds whatever the queue does. Nothing is lost and no
//! attempt is consumed. Source: `webhook-delivery.md`, States.

use crate::time::Millis;

/// How far ahead a worker may take slots and wait for them, in microseconds.
const AHEAD_US: i64 = 1_000_000;

/// When the next slots are free. Microseconds since the epoch: a pace may be 10,000 a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// When the next slot is free.
    pub free_at_us: i64,
    /// When the turn of the next that is held back will come.
    pub line_until_us: i64,
}

/// What one delivery may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Be sent at this time, which is less than a second away.
    SendAt(Millis),
    /// Come back at this time and ask again.
    HeldUntil(Millis),
}

impl Pace {
    /// Takes slots for `wanted` deliveries at `per_second`; gives the pace to store and a slot for
    /// each, in order.
    #[must_use]
    pub fn take(&self, per_second: f64, wanted: usize, now: Millis) -> (Self, Vec<Slot>) {
        let now_us = now.0.saturating_mul(1_000);
        let interval = interval_us(per_second);
        let horizon = now_us.saturating_add(AHEAD_US);
        let mut next = Self {
            free_at_us: self.free_at_us.max(now_us),
            line_until_us: self.line_until_us.max(horizon),
        };
        let slots = (0..wanted).map(|_| {
            if next.free_at_us < horizon {
                let at = next.free_at_us;
                next.free_at_us = at.saturating_add(interval);
                Slot::SendAt(millis(at))
            } else {
                // Not before a slot can be free again: a pace of one in a minute has few.
                let at = next.line_until_us.max(next.free_at_us);
                next.line_until_us = at.saturating_add(interval);
                Slot::HeldUntil(millis(at))
            }
        });
        let slots = slots.collect();
        (next, slots)
    }
}

/// Rounded up, so that nothing is sent before its slot.
const fn millis(micros: i64) -> Millis {
    Millis(micros.saturating_add(999).div_euclid(1_000))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "from 100 microseconds to 100 seconds, by the bounds of a rate limit"
)]
fn interval_us(per_second: f64) -> i64 {
    (1_000_000.0 / per_second.clamp(0.01, 10_000.0)).ceil() as i64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn offsets(slots: &[Slot]) -> Vec<(bool, i64)> {
        slots
            .iter()
            .map(|slot| match slot {
                Slot::SendAt(at) => (true, at.since(NOW)),
                Slot::HeldUntil(at) => (false, at.since(NOW)),
            })
            .collect()
    }

    #[test]
    fn a_second_of_slots_is_given_and_the_rest_stands_in_line() {
        let (pace, slots) = Pace::default().take(4.0, 6, NOW);
        assert_eq!(
            offsets(&slots),
            [(true, 0), (true, 250), (true, 500), (true, 750), (false, 1_000), (false, 1_250)]
        );
        let (_, later) = pace.take(4.0, 2, NOW);
        assert_eq!(offsets(&later), [(false, 1_500), (false, 1_750)]);
    }

    #[test]
    fn a_slow_pace_waits_for_its_next_slot() {
        let (pace, slots) = Pace::default().take(0.1, 2, NOW);
        assert_eq!(offsets(&slots), [(true, 0), (false, 10_000)]);
        let (_, slots) = pace.take(0.1, 1, NOW.plus(9_500));
        assert_eq!(offsets(&slots), [(true, 10_000)]);
    }

    #[test]
    fn an_idle_pace_has_saved_nothing_up() {
        let (pace, _) = Pace::default().take(2.0, 1, NOW.plus(-3_600_000));
        let (_, slots) = pace.take(2.0, 3, NOW);
        assert_eq!(offsets(&slots), [(true, 0), (true, 500), (false, 1_000)]);
    }

    proptest! {
        #[test]
        fn slots_are_never_closer_than_the_pace(
            rate in 0.01_f64..10_000.0,
            takes in prop::collection::vec((0_i64..3_000, 0_usize..40), 1..20),
        ) {
            let (mut pace, mut now, mut last) = (Pace::default(), NOW, None::<Millis>);
            for (pause, wanted) in takes {
                now = now.plus(pause);
                let (next, slots) = pace.take(rate, wanted, now);
                prop_assert_eq!(slots.len(), wanted);
                for slot in slots {
                    match slot {
                        Slot::SendAt(at) => {
                            prop_assert!(at >= now && at.since(now) <= 1_000);
                            if let Some(last) = last {
                                // Each may be rounded up by a millisecond.
                                let gap = f64::from(i32::try_from(at.since(last)).unwrap()) + 1.0;
                                prop_assert!(gap * rate >= 1_000.0 - 0.001, "{gap} at {rate}");
                            }
                            last = Some(at);
                        }
                        Slot::HeldUntil(at) => prop_assert!(at.since(now) >= 1_000),
                    }
                }
                pace = next;
            }
        }
    }
}
