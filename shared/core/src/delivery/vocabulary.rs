//! The words of the [state machine](super::machine): what a delivery is, what happens to it, and
//! what follows.
//!
//! Source: the table in `webhook-delivery.md`, States.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

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
    /// It was held back until it was too old to be of use.
    HeldTooLong,
    /// Somebody deleted the dead letter: it is kept on record and cannot be redriven any more.
    Discarded,
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
            Self::HeldTooLong => "held_too_long",
            Self::Discarded => "discarded",
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
    /// When this generation was started by hand or by redrive; the first began when the event was
    /// accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarted_at: Option<Millis>,
    /// Whether this generation is to make good for one that was given up.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recovering: bool,
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
    /// Ready, but nothing may be sent to it for now: its circuit is open, or its rate is used up.
    Held {
        /// When to try again.
        until: Millis,
        /// When the event was accepted, for the age of the first generation.
        accepted_at: Millis,
    },
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
    /// Somebody deleted it from the dead letters.
    Discarded,
}

/// What is to be done once the new state is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Send to the receiver now.
    Send,
    /// Put a message that asks for an attempt on a queue, visible at this time.
    Queue(Millis),
    /// Put a redrive order on the dead-letter queue, and the delivery on the list of dead letters.
    DeadLetter,
    /// Take the delivery off the list of dead letters.
    StrikeDeadLetter,
    /// Disable the webhook: its receiver said 410.
    DisableWebhook,
    /// Tell those who want to know that a given-up delivery succeeded after all.
    AnnounceRecovery,
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
