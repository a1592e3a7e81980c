//! The delivery state machine: `(state, happening, policy, now) -> (state, effects)`.
//!
//! Everything that decides what becomes of a delivery is here; nothing here reads, sends, waits
//! or looks at a clock. Callers write the new state under a condition on the old one and only
//! then carry out the effects, so a crash between the two leaves a state from which the sweep
//! finds the effect again. Source: the table in `webhook-delivery.md`, States.

use serde::{Deserialize, Serialize};

use super::policy::RetryPolicy;
use crate::time::Millis;

/// How far a worker's clock may be behind the one that set a due time. A message that arrives
/// this little before its time counts as due: turned away, it would wait for the sweep.
pub const CLOCK_SKEW_MS: i64 = 500;

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Queued, nothing sent in this generation.
    Pending,
    /// Being sent, under a lease.
    InProgress,
    /// The receiver answered 2xx.
    Delivered,
    /// Failed, and due again at `next_attempt_at`.
    Retrying,
    /// Given up.
    DeadLettered,
}

impl Status {
    /// The name used in tables and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Delivered => "DELIVERED",
            Self::Retrying => "RETRYING",
            Self::DeadLettered => "DEAD_LETTERED",
        }
    }
}

/// Why a delivery was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Every attempt of the budget failed.
    Exhausted,
    /// The receiver answered 410.
    Gone,
    /// The webhook was deleted before the delivery was sent.
    WebhookDeleted,
    /// The webhook was disabled before the delivery was sent.
    WebhookDisabled,
    /// The event's body is no longer kept.
    EventExpired,
}

impl Reason {
    /// The name used in receipts and on dead letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Gone => "gone",
            Self::WebhookDeleted => "webhook_deleted",
            Self::WebhookDisabled => "webhook_disabled",
            Self::EventExpired => "event_expired",
        }
    }
}

/// The right to send, held by one worker until a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// Who holds it: unique per claim.
    pub id: String,
    /// When it ends by itself.
    pub until: Millis,
}

/// The state of one delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Delivery {
    /// Where it stands.
    pub status: Status,
    /// How often it was started afresh by hand or by redrive.
    pub generation: u32,
    /// Attempts begun in this generation.
    pub attempts: u32,
    /// The lease of the worker that is sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// When the next attempt is due, while `RETRYING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Millis>,
    /// Why it was given up, while `DEAD_LETTERED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// What a message on a queue asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Make the attempt that is due.
    Attempt,
    /// Start a given-up delivery again: what lies on the dead-letter queue says this, so that
    /// moving it back, by whatever means, is a redrive.
    Redrive,
}

/// What a worker found when it looked the webhook up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// There, and enabled.
    Ready,
    /// There, and switched off.
    Disabled,
    /// Not there.
    Deleted,
    /// The webhook is there, but the event's body is not.
    EventExpired,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// A status from 200 to 299.
    Success,
    /// 410, from a receiver whose profile takes that as "stop".
    Gone,
    /// Anything else, with the delay the receiver asked for, in milliseconds.
    Failure {
        /// From `Retry-After`, on 429 and 503 only.
        retry_after_ms: Option<i64>,
    },
}

/// What happened to a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Happening {
    /// A worker received a message about it and wants to send.
    Received {
        /// What the message asks for.
        order: Order,
        /// The generation the message speaks of.
        generation: u32,
        /// What the webhook is now.
        endpoint: Endpoint,
        /// The lease the worker would take.
        lease: Lease,
    },
    /// The attempt made under a lease came to an end.
    Answered {
        /// The lease it was made under.
        lease_id: String,
        /// Its generation.
        generation: u32,
        /// What it came to.
        answer: Answer,
    },
    /// The sweep looked at it, because it is overdue or its worker left a note behind.
    Swept,
    /// Somebody asked for it to be sent again.
    RetryAsked,
}

/// What is to be done once the new state is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Send to the receiver now.
    Send,
    /// Put a message that asks for an attempt on a queue, visible at this time.
    Queue(Millis),
    /// Put a redrive order on the dead-letter queue.
    DeadLetter,
    /// Disable the webhook: its receiver said 410.
    DisableWebhook,
}

/// Why nothing is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ignored {
    /// Another worker is sending.
    Leased,
    /// It is finished: an ordinary duplicate.
    Finished,
    /// The message speaks of a generation that has passed.
    OldGeneration,
    /// It is not due yet; another message or the sweep will come in time.
    NotDue,
    /// The answer came from a worker whose lease had ended and changes nothing any more.
    LeaseLost,
    /// It is under way, so it cannot be retried by hand.
    UnderWay,
    /// The sweep has nothing to mend.
    Sound,
}

/// A new state and what to do once it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transition {
    /// The new state.
    pub next: Delivery,
    /// In the order in which they are to be carried out.
    pub effects: Vec<Effect>,
}

/// What a happening leads to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// Store the new state, then carry out the effects.
    Move(Transition),
    /// The state is right as it is; carry out the effects.
    Repeat(Vec<Effect>),
    /// Nothing is to be done.
    Ignore(Ignored),
}

impl Delivery {
    /// A delivery that was matched and queued, and of which nothing is stored yet.
    pub const fn pending() -> Self {
        Self {
            status: Status::Pending,
            generation: 0,
            attempts: 0,
            lease: None,
            next_attempt_at: None,
            reason: None,
        }
    }

    /// What `happening` at `now` leads to under `policy`. `jitter` (0 to 1) spreads retries.
    pub fn step(
        &self,
        happening: &Happening,
        policy: &RetryPolicy,
        now: Millis,
        jitter: f64,
    ) -> Step {
        match happening {
            Happening::Received { order, generation, endpoint, lease } => {
                self.received(*order, *generation, *endpoint, lease, policy, now, jitter)
            }
            Happening::Answered { lease_id, generation, answer } => {
                self.answered(lease_id, *generation, *answer, policy, now, jitter)
            }
            Happening::Swept => self.swept(policy, now, jitter),
            Happening::RetryAsked => match self.status {
                Status::Delivered | Status::DeadLettered => {
                    Self::moved(self.started_again(), vec![Effect::Queue(now)])
                }
                Status::Pending | Status::InProgress | Status::Retrying => {
                    Step::Ignore(Ignored::UnderWay)
                }
            },
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of one happening, and what every rule is given"
    )]
    fn received(
        &self,
        order: Order,
        generation: u32,
        endpoint: Endpoint,
        lease: &Lease,
        policy: &RetryPolicy,
        now: Millis,
        jitter: f64,
    ) -> Step {
        if generation != self.generation {
            return Step::Ignore(Ignored::OldGeneration);
        }
        match (self.status, order) {
            (Status::Delivered, _) | (Status::DeadLettered, Order::Attempt) => {
                Step::Ignore(Ignored::Finished)
            }
            (Status::DeadLettered, Order::Redrive) => self.started_again().claimed(endpoint, lease),
            (Status::InProgress, _) if self.lease_has_ended(now) => {
                self.lease_expired(policy, now, jitter)
            }
            (Status::InProgress, _) => Step::Ignore(Ignored::Leased),
            (Status::Retrying, _) if !self.is_due(now) => Step::Ignore(Ignored::NotDue),
            (Status::Pending | Status::Retrying, _) => self.claimed(endpoint, lease),
        }
    }

    fn claimed(&self, endpoint: Endpoint, lease: &Lease) -> Step {
        let given_up = |reason| Self::moved(self.given_up(reason), vec![Effect::DeadLetter]);
        match endpoint {
            Endpoint::Deleted => given_up(Reason::WebhookDeleted),
            Endpoint::Disabled => given_up(Reason::WebhookDisabled),
            Endpoint::EventExpired => given_up(Reason::EventExpired),
            Endpoint::Ready => Self::moved(
                Self {
                    status: Status::InProgress,
                    attempts: self.attempts.saturating_add(1),
                    lease: Some(lease.clone()),
                    ..self.cleared()
                },
                vec![Effect::Send],
            ),
        }
    }

    fn answered(
        &self,
        lease_id: &str,
        generation: u32,
        answer: Answer,
        policy: &RetryPolicy,
        now: Millis,
        jitter: f64,
    ) -> Step {
        let holds_lease = self.status == Status::InProgress
            && self.lease.as_ref().is_some_and(|it| it.id == lease_id);
        // The receiver has it, whoever's lease that was: recording it spares a needless repeat.
        let late_success = generation == self.generation
            && answer == Answer::Success
            && (matches!(self.status, Status::InProgress | Status::Retrying)
                || self.reason == Some(Reason::Exhausted));
        if !holds_lease && !late_success {
            return Step::Ignore(Ignored::LeaseLost);
        }
        match answer {
            Answer::Success => {
                Self::moved(Self { status: Status::Delivered, ..self.cleared() }, vec![])
            }
            Answer::Gone => Self::moved(
                self.given_up(Reason::Gone),
                vec![Effect::DisableWebhook, Effect::DeadLetter],
            ),
            Answer::Failure { retry_after_ms } => self.failed(policy, now, jitter, retry_after_ms),
        }
    }

    fn swept(&self, policy: &RetryPolicy, now: Millis, jitter: f64) -> Step {
        match self.status {
            Status::InProgress if self.lease_has_ended(now) => {
                self.lease_expired(policy, now, jitter)
            }
            Status::Pending => Step::Repeat(vec![Effect::Queue(now)]),
            Status::Retrying => {
                Step::Repeat(vec![Effect::Queue(self.next_attempt_at.unwrap_or(now).max(now))])
            }
            // Its worker may have died between the record and the queue. A second order on the
            // dead-letter queue does no harm: the first to be redriven ends the generation.
            Status::DeadLettered if self.reason == Some(Reason::Gone) => {
                Step::Repeat(vec![Effect::DisableWebhook, Effect::DeadLetter])
            }
            Status::DeadLettered => Step::Repeat(vec![Effect::DeadLetter]),
            Status::InProgress | Status::Delivered => Step::Ignore(Ignored::Sound),
        }
    }

    /// The worker died with the attempt begun: it stays counted, since it may have been sent.
    fn lease_expired(&self, policy: &RetryPolicy, now: Millis, jitter: f64) -> Step {
        self.failed(policy, now, jitter, None)
    }

    fn failed(
        &self,
        policy: &RetryPolicy,
        now: Millis,
        jitter: f64,
        retry_after_ms: Option<i64>,
    ) -> Step {
        if self.attempts >= policy.max_attempts() {
            return Self::moved(self.given_up(Reason::Exhausted), vec![Effect::DeadLetter]);
        }
        let due = now.plus(policy.delay_ms(self.attempts, jitter, retry_after_ms));
        let next = Self { status: Status::Retrying, next_attempt_at: Some(due), ..self.cleared() };
        Self::moved(next, vec![Effect::Queue(due)])
    }

    fn started_again(&self) -> Self {
        Self { generation: self.generation.saturating_add(1), ..Self::pending() }
    }

    fn given_up(&self, reason: Reason) -> Self {
        Self { status: Status::DeadLettered, reason: Some(reason), ..self.cleared() }
    }

    /// The same generation and attempts, with nothing of what only belongs to one status.
    fn cleared(&self) -> Self {
        Self { generation: self.generation, attempts: self.attempts, ..Self::pending() }
    }

    fn lease_has_ended(&self, now: Millis) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.until <= now)
    }

    fn is_due(&self, now: Millis) -> bool {
        self.next_attempt_at.is_none_or(|due| due <= now.plus(CLOCK_SKEW_MS))
    }

    const fn moved(next: Self, effects: Vec<Effect>) -> Step {
        Step::Move(Transition { next, effects })
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
