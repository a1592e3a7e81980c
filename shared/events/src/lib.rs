//! Events: taken in, fanned out to the webhooks that match, found again when they got lost.
//!
//! [`publish`] stores and queues, [`fan_out`] is the worker behind the `events` queue, [`sweep`]
//! queues what was stored and never fanned out, [`read`] answers questions about events, and
//! [`announce`] publishes what we have to say ourselves. What asks for a delivery's first attempt is
//! in [`first_attempts`].

pub mod announce;
pub mod fan_out;
pub mod first_attempts;
pub mod publish;
pub mod read;
pub mod sweep;

use aragora_core::time::Millis;
use aragora_queue::Outgoing;
use aragora_queue::message::{FanOut, INLINE_BYTES, InlineEvent, encode};
use aragora_store::events::StoredEvent;

/// The event as it may ride on a message: `None` when it is too large for that.
pub fn inline(event: &StoredEvent) -> Option<InlineEvent> {
    (event.data.len() <= INLINE_BYTES).then(|| riding(event.clone()))
}

/// The event as messages have it, of whatever size.
pub fn riding(event: StoredEvent) -> InlineEvent {
    InlineEvent {
        project: event.project,
        event_type: event.event_type,
        debate_id: event.debate_id,
        timestamp: event.timestamp,
        accepted_at: event.accepted_at,
        data: event.data,
    }
}

/// The order to fan an event out, to be struck out under the note of `noted_at`.
fn fan_out_order(event: &StoredEvent, noted_at: Millis) -> Outgoing {
    let order = FanOut {
        org: event.org.clone(),
        event_id: event.id.clone(),
        request_id: event.request_id.clone(),
        noted_at,
        inline: inline(event),
    };
    Outgoing {
        body: encode(&order),
        group: event.org.clone(),
        request_id: event.request_id.clone(),
        delay_seconds: 0,
        reason: None,
    }
}
