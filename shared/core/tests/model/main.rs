//! A model check of the delivery state machine: every state that two workers, the sweep and the
//! desk can reach with one delivery is visited, with the real [`Delivery::step`] deciding.
//!
//! [`Delivery::step`]: aragora_core::delivery::Delivery::step
//!
//! | | |
//! |---|---|
//! | P1 | an accepted event is always eventually delivered or dead-lettered |
//! | P2 | nothing is sent after `DELIVERED`, but for a manual retry or a success that was lost between the answer and the record |
//! | P3 | two sends of one generation are never under way at once, so not under one lease either |
//! | P4 | attempts never exceed the budget |
//! | P5 | a dead letter is always on a queue or on the list, or a note leads the sweep to it |
//!
//! **A move** is one call to AWS, or one thing that happens outside. A call goes well, fails,
//! takes effect and fails, or takes effect and is refused when the SDK repeats it; before and
//! after each a process may crash. What of that goes wrong, how long processes dawdle and what
//! users do is bounded by [`Bounds`].
//!
//! **P2 to P5** are looked at in every state. A success counts as lost when its worker crashes, when
//! its record fails, or when its lease ends before the record.
//!
//! **P1.** A run is *fair* from some state on when from there on nothing goes wrong, users keep
//! still, and time passes only when nobody has anything to do. A state is *settled* when the
//! delivery is `DELIVERED`, or `DEAD_LETTERED` and to be found (or discarded). P1 is that every
//! fair run from every state that can be reached, however much went wrong before, comes to a
//! settled state: there is no cycle of unsettled states, and none without a way on. That is more
//! than that there be a way to a settled state. Receivers may fail for ever and circuits may stay
//! open: the budget and the age of a delivery end that.
//!
//! **Messages** are a set. That a second copy of the same message is on the queue is a duplicate,
//! and how often those may be received is a bound. Delays are left out: a message may come at any
//! time, also too early, which is worse. A message that is given back may come at once, and so be
//! used up while the lease of the worker that lost it still runs.
//!
//! What is left out, and why that is sound, is in `docs/decisions/0006-model-check.md`.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test from end to end: a panic is a failure, and what it counts is for people"
)]

mod explore;
mod moves;
mod mutants;
mod others;
mod properties;
mod rules;
mod state;
mod worker;

use explore::{Explored, explore};
use moves::{Mistake, Model};
use mutants::real;
use rules::{BUDGET, StepFn};
use state::{FAILURE, FAILURE_ASKING_FOR_LONGER, GONE, SUCCESS, State, Stored};

const PLAIN: &[u8] = &[SUCCESS, FAILURE];
const ALL: &[u8] = &[SUCCESS, FAILURE, FAILURE_ASKING_FOR_LONGER, GONE];

/// Where a run begins, and how much may happen on it.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    /// With a dead letter, instead of an event that was just fanned out.
    dead: bool,
    /// Crashes, calls that fail with or without effect, reads of an index that is behind.
    faults: u8,
    /// Duplicates of messages.
    duplicates: u8,
    /// Ticks that pass while somebody is in the middle of something. A lease has two.
    delays: u8,
    /// What users do: disable, enable, delete, redrive, retry, discard. At most two, since each
    /// may be a generation and there is room for three.
    users: u8,
    /// How often the delivery may be held back; the last time it is too old for that.
    holds: u8,
    /// What receivers answer.
    answers: &'static [u8],
}

const CALM: Bounds =
    Bounds { dead: false, faults: 0, duplicates: 0, delays: 0, users: 0, holds: 0, answers: PLAIN };
const DEAD: Bounds = Bounds { dead: true, ..CALM };

impl Bounds {
    fn explore(self, step: StepFn, mistake: Option<Mistake>) -> Explored {
        let Self { faults, duplicates, delays, users, holds, .. } = self;
        let mut first = State { faults, users, holds, duplicates, delays, ..State::default() };
        if self.dead {
            let status = state::DEAD_LETTERED;
            first.row = Stored { status, attempts: BUDGET, reason: 1, ..Stored::default() };
            (first.letters, first.listed, first.sends) = (1, true, BUDGET);
        } else {
            first.queue(state::FIRST);
        }
        explore(&mut Model::new(step, self.answers, mistake), &first)
    }
}

fn holds_within(all: &[Bounds]) {
    for bounds in all {
        let explored = bounds.explore(real, None);
        println!("{bounds:?}\n    {explored}");
        if let Some(found) = explored.found {
            panic!("P{} does not hold:\n{}", found.property, found.trace);
        }
    }
}

/// Everything that the bounds allow.
#[test]
fn the_machine_and_its_callers_keep_their_promises() {
    holds_within(&[
        Bounds { faults: 1, users: 1, delays: 1, ..DEAD },
        Bounds { faults: 1, duplicates: 1, users: 1, ..DEAD },
        Bounds { faults: 2, users: 1, ..DEAD },
        Bounds { users: 2, duplicates: 1, ..DEAD },
        Bounds { faults: 1, delays: 1, ..CALM },
        Bounds { users: 2, ..CALM },
        Bounds { holds: 2, users: 1, answers: ALL, ..CALM },
        Bounds { faults: 1, holds: 2, answers: ALL, ..CALM },
        Bounds { faults: 1, duplicates: 1, ..CALM },
        Bounds { duplicates: 1, delays: 1, ..CALM },
        Bounds { faults: 2, ..CALM },
    ]);
}

#[test]
#[ignore = "minutes, and half a gigabyte"]
fn they_keep_them_within_wider_bounds() {
    holds_within(&[
        Bounds { faults: 1, delays: 2, ..CALM },
        Bounds { faults: 1, users: 1, ..CALM },
        Bounds { duplicates: 1, delays: 2, ..CALM },
    ]);
}

fn breaks(property: u8, step: StepFn, mistake: Option<Mistake>, bounds: Bounds) {
    let explored = bounds.explore(step, mistake);
    let found = explored.found.expect("a mistake is found");
    assert_eq!(found.property, property, "{mistake:?}:\n{}", found.trace);
}

#[test]
fn each_property_can_be_broken_in_the_machine() {
    let one_fault = Bounds { faults: 1, ..CALM };
    let one_duplicate = Bounds { duplicates: 1, ..CALM };
    breaks(1, mutants::sweep_ignores_ended_leases, None, one_fault);
    breaks(1, mutants::sweep_ignores_retries, None, Bounds { answers: ALL, ..CALM });
    breaks(2, mutants::claims_what_is_delivered, None, one_duplicate);
    breaks(2, mutants::takes_success_for_failure, None, CALM);
    breaks(3, mutants::claims_under_a_running_lease, None, one_duplicate);
    breaks(4, mutants::claim_does_not_count, None, CALM);
    breaks(5, mutants::gives_up_silently, None, CALM);
    breaks(5, mutants::sweep_ignores_dead_letters, None, one_fault);
}

/// The order of writes and effects is a part of the promise, and so is who strikes a note out.
#[test]
fn each_mistake_of_a_caller_is_found() {
    let one_fault = Bounds { faults: 1, ..CALM };
    for (property, mistake, bounds) in [
        (5, Mistake::NoNote, one_fault),
        (3, Mistake::Unconditional, Bounds { duplicates: 1, ..CALM }),
        (3, Mistake::SendOutlivesLease, CALM),
        (5, Mistake::StruckFirst, one_fault),
        (5, Mistake::RefusedTwiceStrikes, Bounds { duplicates: 1, users: 1, ..one_fault }),
        (5, Mistake::SweepStrikesRefused, Bounds { faults: 2, ..CALM }),
        (5, Mistake::ShortNote, Bounds { faults: 1, delays: 1, users: 1, ..DEAD }),
        (5, Mistake::SlowStrikes, Bounds { delays: 2, ..one_fault }),
        (5, Mistake::LateClaim, Bounds { delays: 2, users: 1, ..one_fault }),
    ] {
        breaks(property, real, Some(mistake), bounds);
    }
}
