//! The receipt of a delivery: its state, and what its attempts came to.

use serde::{Deserialize, Serialize};

use super::vocabulary::{Delivery, Status};
use crate::ids::{DeliveryId, EventId, WebhookId};
use crate::time::Millis;

/// How many attempts a receipt lists; older ones are dropped, their number stays counted.
pub const MAX_ATTEMPTS_KEPT: usize = 30;

/// Why an attempt was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The first attempt of an event.
    Event,
    /// An attempt after a failed one.
    Retry,
    /// Somebody asked for it, through the API or by redriving a dead letter.
    Manual,
}

/// What keeps a delivery from being sent although its webhook is enabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldBy {
    /// The webhook's circuit is open, or its one probe is under way.
    Circuit,
    /// The webhook takes no more deliveries a second.
    RateLimit,
}

/// What one attempt came to. Short keys: every delivery stores at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// When it began.
    #[serde(rename = "at")]
    pub at: Millis,
    /// The receiver's status, when it answered.
    #[serde(rename = "st", default, skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Milliseconds until it was over.
    #[serde(rename = "ms")]
    pub latency_ms: u64,
    /// The class of what went wrong, such as `timeout`.
    #[serde(rename = "er", default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it was made.
    #[serde(rename = "tr")]
    pub trigger: Trigger,
}

/// What is kept of a delivery. Never holds a secret, a header or the event's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Whom it goes to.
    pub webhook_id: WebhookId,
    /// What it carries.
    pub event_id: EventId,
    /// The event's type, in the spelling the receiver gets.
    pub event_type: String,
    /// The request that published the event.
    pub request_id: String,
    /// When the event was accepted.
    pub created_at: Millis,
    /// The state of the delivery.
    pub state: Delivery,
    /// Attempts that one generation may have.
    pub max_attempts: u32,
    /// When a 2xx came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Millis>,
    /// What went wrong last, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
    /// The beginning of the last failure's body: untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_body: Option<String>,
    /// What holds it back, while `RETRYING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_by: Option<HeldBy>,
    /// The redelivery job that last started it: no job starts the same delivery twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The attempts, oldest first.
    #[serde(default)]
    pub attempts: Vec<AttemptRecord>,
}

impl Receipt {
    /// Adds an attempt and drops the oldest beyond [`MAX_ATTEMPTS_KEPT`].
    pub fn record(&mut self, attempt: AttemptRecord) {
        self.attempts.push(attempt);
        let surplus = self.attempts.len().saturating_sub(MAX_ATTEMPTS_KEPT);
        self.attempts.drain(..surplus);
    }

    /// Why the attempt that the state is in was made.
    pub const fn trigger(&self) -> Trigger {
        match (self.state.generation, self.state.attempts) {
            (0, 0 | 1) => Trigger::Event,
            (_, 0 | 1) => Trigger::Manual,
            _ => Trigger::Retry,
        }
    }

    /// When the sweep must look at this receipt unless it has moved on before: `grace_ms` after a
    /// message that is on a queue is due, at the due time itself when no queue can hold it so
    /// long. `None` for what waits for nothing.
    pub fn watched_at(
        &self,
        now: Millis,
        grace_ms: i64,
        longest_on_queue_ms: i64,
    ) -> Option<Millis> {
        match self.state.status {
            // A delivery of generation 0 is not stored while it is pending; a later one is.
            Status::Pending => Some(now.plus(grace_ms)),
            Status::Retrying => {
                let due = self.state.next_attempt_at.unwrap_or(now);
                let rides_the_queue = due.since(now) <= longest_on_queue_ms;
                Some(if rides_the_queue { due.plus(grace_ms) } else { due })
            }
            Status::InProgress | Status::Delivered | Status::DeadLettered => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(state: Delivery) -> Receipt {
        Receipt {
            delivery_id: DeliveryId::parse("dlv-1").unwrap(),
            webhook_id: WebhookId::parse("wh-1").unwrap(),
            event_id: EventId::parse("evt-1").unwrap(),
            event_type: "vote".into(),
            request_id: "r".into(),
            created_at: Millis(0),
            state,
            max_attempts: 6,
            delivered_at: None,
            error_message: None,
            response_body: None,
            held_by: None,
            job: None,
            attempts: vec![],
        }
    }

    #[test]
    fn only_the_newest_attempts_are_listed() {
        let mut receipt = receipt(Delivery::pending());
        for at in 0..40 {
            receipt.record(AttemptRecord {
                at: Millis(at),
                http_status: None,
                latency_ms: 1,
                error: None,
                trigger: Trigger::Event,
            });
        }
        assert_eq!(receipt.attempts.len(), MAX_ATTEMPTS_KEPT);
        assert_eq!((receipt.attempts[0].at, receipt.attempts[29].at), (Millis(10), Millis(39)));
    }

    #[test]
    fn what_waits_is_watched() {
        let now = Millis(1_000);
        let retrying = |due| Delivery {
            status: Status::Retrying,
            next_attempt_at: Some(Millis(due)),
            ..Delivery::pending()
        };
        for (state, watched) in [
            (Delivery::pending(), Some(61_000)),
            (retrying(5_000), Some(65_000)),
            (retrying(901_000), Some(961_000)),
            (retrying(901_001), Some(901_001)),
            (Delivery { status: Status::Delivered, ..Delivery::pending() }, None),
        ] {
            assert_eq!(receipt(state).watched_at(now, 60_000, 900_000), watched.map(Millis));
        }
    }

    #[test]
    fn the_trigger_follows_from_the_state() {
        let of = |generation, attempts| {
            receipt(Delivery { generation, attempts, ..Delivery::pending() }).trigger()
        };
        assert_eq!(
            (of(0, 1), of(0, 2), of(1, 1), of(1, 2)),
            (Trigger::Event, Trigger::Retry, Trigger::Manual, Trigger::Retry)
        );
    }
}
