//! Asking the real state machine, in the model's small numbers.

use std::collections::HashMap;

use aragora_core::delivery::machine::LONGEST_HELD_MS;
use aragora_core::delivery::{
    Answer, Delivery, Effect, Endpoint, Happening, Lease, Order, Reason, Receipt, RetryPolicy,
    Status, Step,
};
use aragora_core::ids::{DeliveryId, EventId, WebhookId};
use aragora_core::time::Millis;

use super::state::{self, Stored};

/// The state machine, or one with a mistake in it.
pub(crate) type StepFn = fn(&Delivery, &Happening, &RetryPolicy, Millis, f64) -> Step;

/// A tick, in milliseconds: more than the skew that the machine allows clocks.
const TICK: i64 = 5_000;
/// The model's now; everything is relative to it.
const NOW: Millis = Millis(1_000_000_000);
/// Ticks from claim to the end of the lease: one for the attempt, one of margin.
pub(crate) const LEASE: u8 = 2;
/// Ticks until the note of what needs no lease may be read.
pub(crate) const MARGIN: u8 = 1;
/// Ticks that a message may be late before the sweep takes it for lost.
const GRACE: i64 = 1;
/// Ticks until the sweep takes a message of its own for lost.
pub(crate) const RESENT_GRACE: u8 = 2;
/// Ticks that a queue can hold a message back.
pub(crate) const LONGEST_ON_QUEUE: u8 = 1;
/// Ticks that a receiver may ask to be left alone for: more than a queue can hold.
const ASKED_FOR: i64 = 2;
/// Attempts in one generation.
pub(crate) const BUDGET: u8 = 2;

const REASONS: [Reason; 7] = [
    Reason::Exhausted,
    Reason::Gone,
    Reason::WebhookDeleted,
    Reason::WebhookDisabled,
    Reason::EventExpired,
    Reason::HeldTooLong,
    Reason::Discarded,
];
const OWN_LEASE: &str = "own";
const OTHER_LEASE: &str = "another's";

/// What happened, as the model puts it. The lease of the one who asks is always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Asked {
    Received {
        message: u8,
        endpoint: u8,
        /// Ticks since the worker read its clock.
        age: u8,
    },
    Answered {
        generation: u8,
        answer: u8,
    },
    Swept,
    Retry,
    Discard,
}

/// What the machine said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Ignore,
    Repeat { effects: u8 },
    Move { next: Stored, watch: u8, effects: u8 },
}

/// The machine, with a memory: it is a function, and the same is asked again and again.
#[derive(Debug)]
pub(crate) struct Rules {
    step: StepFn,
    memory: HashMap<(u64, Asked), Said>,
    policy: RetryPolicy,
}

impl Rules {
    pub(crate) fn new(step: StepFn) -> Self {
        let policy = RetryPolicy {
            max_retries: u32::from(BUDGET) - 1,
            base_delay_seconds: 5.0,
            max_delay_seconds: 5.0,
            timeout_seconds: 5.0,
        };
        Self { step, memory: HashMap::new(), policy }
    }

    pub(crate) fn ask(&mut self, of: Stored, asked: Asked) -> Said {
        let question = (of.key(), asked);
        if let Some(said) = self.memory.get(&question) {
            return *said;
        }
        let said = self.ask_anew(of, asked);
        self.memory.insert(question, said);
        said
    }

    fn ask_anew(&self, of: Stored, asked: Asked) -> Said {
        let age = if let Asked::Received { age, .. } = asked { i64::from(age) } else { 0 };
        let now = NOW.plus(-age * TICK);
        match (self.step)(&delivery(of), &happening(asked, now), &self.policy, now, 0.0) {
            Step::Ignore(_) => Said::Ignore,
            Step::Repeat(effects) => Said::Repeat { effects: bits(&effects) },
            Step::Move(transition) => Said::Move {
                next: stored(&transition.next),
                watch: watch(&transition.next, now),
                effects: bits(&transition.effects),
            },
        }
    }
}

fn ticks(until: Millis) -> u8 {
    let left = until.since(NOW).max(0);
    u8::try_from((left + TICK - 1) / TICK).unwrap_or(3).min(3)
}

fn delivery(of: Stored) -> Delivery {
    let at = |ticks: u8| NOW.plus(i64::from(ticks) * TICK);
    let id = if of.lease == state::OWN { OWN_LEASE } else { OTHER_LEASE };
    let lease = Lease { id: id.to_owned(), until: at(of.left) };
    Delivery {
        status: match of.status {
            state::IN_PROGRESS => Status::InProgress,
            state::DELIVERED => Status::Delivered,
            state::RETRYING => Status::Retrying,
            state::DEAD_LETTERED => Status::DeadLettered,
            _ => Status::Pending,
        },
        generation: u32::from(of.generation),
        attempts: u32::from(of.attempts),
        lease: (of.lease != state::NO_LEASE).then_some(lease),
        next_attempt_at: (of.status == state::RETRYING).then_some(at(of.due)),
        reason: usize::from(of.reason).checked_sub(1).map(|reason| REASONS[reason]),
        restarted_at: None,
        recovering: of.recovering,
    }
}

fn stored(of: &Delivery) -> Stored {
    let small = |number: u32| u8::try_from(number).unwrap_or(3).min(3);
    let told_apart = [Reason::Exhausted, Reason::Gone, Reason::Discarded];
    let reason = of
        .reason
        .map(|reason| if told_apart.contains(&reason) { reason } else { Reason::WebhookDisabled });
    let reason = REASONS.iter().position(|it| Some(*it) == reason);
    Stored {
        status: match of.status {
            Status::Pending => state::PENDING,
            Status::InProgress => state::IN_PROGRESS,
            Status::Delivered => state::DELIVERED,
            Status::Retrying => state::RETRYING,
            Status::DeadLettered => state::DEAD_LETTERED,
        },
        generation: small(of.generation),
        attempts: small(of.attempts),
        lease: of.lease.as_ref().map_or(state::NO_LEASE, |lease| {
            if lease.id == OWN_LEASE { state::OWN } else { state::LOST_LEASE }
        }),
        left: of.lease.as_ref().map_or(0, |lease| ticks(lease.until)),
        due: of.next_attempt_at.map_or(0, ticks),
        reason: reason.map_or(0, |at| u8::try_from(at + 1).unwrap()),
        recovering: of.recovering,
    }
}

fn happening(asked: Asked, now: Millis) -> Happening {
    match asked {
        Asked::Received { message, endpoint, .. } => {
            let (redrive, generation) = state::read_message(message);
            let held = |accepted_at| Endpoint::Held { until: now.plus(TICK), accepted_at };
            Happening::Received {
                order: if redrive { Order::Redrive } else { Order::Attempt },
                generation: u32::from(generation),
                endpoint: match endpoint {
                    state::ENABLED => Endpoint::Ready,
                    state::DISABLED => Endpoint::Disabled,
                    state::DELETED => Endpoint::Deleted,
                    state::HELD => held(now),
                    _ => held(now.plus(-LONGEST_HELD_MS)),
                },
                lease: Lease { id: OWN_LEASE.to_owned(), until: now.plus(i64::from(LEASE) * TICK) },
            }
        }
        Asked::Answered { generation, answer } => Happening::Answered {
            lease_id: OWN_LEASE.to_owned(),
            generation: u32::from(generation),
            answer: match answer {
                state::SUCCESS => Answer::Success,
                state::GONE => Answer::Gone,
                state::FAILURE_ASKING_FOR_LONGER => {
                    Answer::Failure { retry_after_ms: Some(ASKED_FOR * TICK) }
                }
                _ => Answer::Failure { retry_after_ms: None },
            },
        },
        Asked::Swept => Happening::Swept,
        Asked::Retry => Happening::RetryAsked,
        Asked::Discard => Happening::Discarded,
    }
}

fn bits(effects: &[Effect]) -> u8 {
    effects.iter().fold(0, |bits, effect| {
        bits | match effect {
            Effect::Send => state::SEND,
            Effect::Queue(_) => state::QUEUE,
            Effect::DeadLetter => state::LIST | state::LETTER,
            Effect::StrikeDeadLetter => state::STRIKE,
            Effect::DisableWebhook => state::DISABLE,
            Effect::AnnounceRecovery => state::ANNOUNCE,
        }
    })
}

/// What [`Receipt::watched_at`] says of it: 0 for never, else the ticks and one.
fn watch(of: &Delivery, now: Millis) -> u8 {
    let receipt = Receipt {
        delivery_id: DeliveryId::parse("dlv-1").unwrap(),
        webhook_id: WebhookId::parse("wh-1").unwrap(),
        event_id: EventId::parse("evt-1").unwrap(),
        event_type: String::new(),
        request_id: String::new(),
        created_at: now,
        state: of.clone(),
        max_attempts: u32::from(BUDGET),
        delivered_at: None,
        error_message: None,
        response_body: None,
        held_by: None,
        job: None,
        attempts: vec![],
    };
    let longest = i64::from(LONGEST_ON_QUEUE) * TICK;
    receipt.watched_at(now, GRACE * TICK, longest).map_or(0, |at| ticks(at) + 1)
}
