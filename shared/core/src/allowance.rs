//! How many requests a second somebody may make.
//!
//! A token bucket, kept as one number: the time up to which its tokens are spent. Workers take
//! tokens in blocks and spend them without asking, so that a warm one rarely writes; the first block
//! is one token and each further one twice as many, so that many workers with little to do do not
//! empty the bucket by holding tokens. Time flows back into the bucket as it passes, up to the
//! burst. This is the generic cell rate algorithm (ITU-T I.371); the block is one cell of several
//! tokens.

use crate::time::Millis;

/// A worker asks about this often at most while the allowance is not scarce.
const BLOCKS_PER_SECOND: f64 = 2.0;
/// The most tokens in a block.
const MAX_BLOCK: f64 = 50.0;
/// How long a worker may hold tokens that it has taken. Tokens held are tokens spent: what is not
/// used by then is lost.
pub const HELD_MS: i64 = 30_000;

/// A rate, and how far it may be exceeded for a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// Tokens that flow in per second; more than 0.
    pub per_second: f64,
    /// Tokens that the bucket holds; at least one.
    pub burst: f64,
}

/// What a bucket says to a worker that wants a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The tokens are its own; the bucket is to be stored as spent up to this time, in microseconds
    /// since the epoch.
    Until(i64),
    /// There are not so many; there will be after this time.
    Wait(Millis),
}

/// How a block is taken, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Whether the bucket is not full, and the cost is added to its state; else its state becomes
    /// now and the cost.
    pub adds: bool,
    /// Now: a full bucket's state is before it.
    pub now_us: i64,
    /// What the tokens cost.
    pub cost_us: i64,
    /// The highest state at which there are so many.
    pub most_us: i64,
}

impl Allowance {
    /// A rate with a burst of two seconds of it, at least five.
    pub const fn of(per_second: f64) -> Self {
        Self { per_second, burst: (2.0 * per_second).max(5.0) }
    }

    /// The most tokens that a worker takes at a time: half a second's, at least one.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to MAX_BLOCK"
    )]
    pub fn largest_block(&self) -> u32 {
        (self.per_second / BLOCKS_PER_SECOND).floor().clamp(1.0, MAX_BLOCK) as u32
    }

    /// Takes `tokens` at `now` from a bucket that is spent up to `spent_us` (0 for a new one).
    pub fn take(&self, spent_us: i64, tokens: u32, now: Millis) -> Taken {
        let now_us = now.0.saturating_mul(1_000);
        let full_us = now_us.saturating_add(self.micros(self.burst));
        let next = spent_us.max(now_us).saturating_add(self.micros(f64::from(tokens)));
        if next <= full_us {
            Taken::Until(next)
        } else {
            Taken::Wait(Millis(now.0.saturating_add((next - full_us + 999) / 1_000)))
        }
    }

    /// The numbers by which a table can do the same by itself, whatever the bucket's state is by
    /// then; `spent_us` says which of two ways is the more likely.
    pub fn step(&self, spent_us: i64, tokens: u32, now: Millis) -> Step {
        let now_us = now.0.saturating_mul(1_000);
        let cost_us = self.micros(f64::from(tokens));
        Step {
            adds: spent_us >= now_us,
            now_us,
            cost_us,
            most_us: now_us.saturating_add(self.micros(self.burst)).saturating_sub(cost_us),
        }
    }

    /// The tokens left at `now`.
    pub fn left(&self, spent_us: i64, now: Millis) -> f64 {
        let now_us = now.0.saturating_mul(1_000);
        #[expect(clippy::cast_precision_loss, reason = "a burst is seconds long")]
        let spent = (spent_us.max(now_us) - now_us) as f64 / 1_000_000.0 * self.per_second;
        (self.burst - spent).max(0.0)
    }

    #[expect(clippy::cast_possible_truncation, reason = "seconds to days in microseconds")]
    fn micros(&self, tokens: f64) -> i64 {
        (tokens / self.per_second.max(0.000_1) * 1_000_000.0).ceil() as i64
    }
}

/// Tokens that a worker has taken and not spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    tokens: u32,
    block: u32,
    until: Millis,
}

impl Held {
    /// `tokens` taken at `now`.
    pub const fn taken(tokens: u32, now: Millis) -> Self {
        Self { tokens, block: tokens, until: now.plus(HELD_MS) }
    }

    /// How many tokens to take after these: twice as many when they were spent in time, else one.
    pub fn next_block(&self, allowance: &Allowance, now: Millis) -> u32 {
        let doubled = if self.until > now { self.block.saturating_mul(2) } else { 1 };
        doubled.clamp(1, allowance.largest_block())
    }

    /// Spends one; `false` when there is none.
    pub fn spend(&mut self, now: Millis) -> bool {
        if self.until <= now {
            self.tokens = 0;
        }
        let any = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        any
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const T0: Millis = Millis(1_700_000_000_000);

    #[test]
    fn a_burst_is_let_through_and_then_the_rate() {
        let allowance = Allowance { per_second: 10.0, burst: 3.0 };
        let mut spent = 0;
        for _ in 0..3 {
            let Taken::Until(next) = allowance.take(spent, 1, T0) else { panic!("refused") };
            spent = next;
        }
        assert!(allowance.left(spent, T0) < 0.01);
        assert_eq!(allowance.take(spent, 1, T0), Taken::Wait(T0.plus(100)));
        assert!(matches!(allowance.take(spent, 1, T0.plus(100)), Taken::Until(_)));
        assert!((allowance.left(spent, T0.plus(1_000)) - 3.0).abs() < 0.01);
    }

    #[test]
    fn blocks_are_half_a_second_of_the_rate() {
        for (per_second, block) in [(0.1, 1), (1.0, 1), (20.0, 10), (1_000.0, 50)] {
            let allowance = Allowance::of(per_second);
            assert_eq!(allowance.largest_block(), block, "{per_second}");
            assert!(f64::from(block) <= allowance.burst);
        }
    }

    #[test]
    fn what_is_held_too_long_is_lost() {
        let mut held = Held::taken(2, T0);
        assert!(held.spend(T0));
        assert!(!held.spend(T0.plus(HELD_MS)));
        assert!(!Held::default().spend(T0));
    }

    #[test]
    fn blocks_double_while_they_are_spent_in_time() {
        let allowance = Allowance::of(100.0);
        let (mut held, mut blocks) = (Held::default(), Vec::new());
        for _ in 0..8 {
            blocks.push(held.next_block(&allowance, T0));
            held = Held::taken(blocks[blocks.len() - 1], T0);
        }
        assert_eq!(blocks, [1, 2, 4, 8, 16, 32, 50, 50]);
        assert_eq!(held.next_block(&allowance, T0.plus(HELD_MS)), 1);
        assert_eq!(Held::taken(1, T0).next_block(&Allowance::of(0.1), T0), 1);
    }

    proptest! {
        /// However they ask, in any time they never get more than its inflow and one burst.
        #[test]
        fn no_more_than_the_rate_and_a_burst(
            per_second in 0.5_f64..200.0,
            asks in prop::collection::vec((0_i64..500, 1_u32..20), 1..200),
        ) {
            let allowance = Allowance::of(per_second);
            let (mut now, mut spent, mut got) = (T0, 0, 0.0);
            for (wait, tokens) in asks {
                now = now.plus(wait);
                match allowance.take(spent, tokens, now) {
                    Taken::Until(next) => {
                        spent = next;
                        got += f64::from(tokens);
                    }
                    Taken::Wait(until) => {
                        prop_assert!(until > now);
                        if f64::from(tokens) <= allowance.burst {
                            let then = allowance.take(spent, tokens, until);
                            prop_assert!(matches!(then, Taken::Until(_)), "{then:?}");
                        }
                    }
                }
            }
            #[expect(clippy::cast_precision_loss, reason = "a short time")]
            let seconds = (now.0 - T0.0) as f64 / 1_000.0;
            prop_assert!(got <= per_second * seconds + allowance.burst + 0.01);
        }
    }
}
