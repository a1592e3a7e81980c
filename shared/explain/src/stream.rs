//! The arena bridge: a running debate, event by event, and the record that the events make.
//!
//! **Repeats.** An event's [`identities`](StreamEvent::identities) are its `seq` and its
//! `event_id`; an event with either of another's is a repeat of it. Without both (a `seq` of 0 is
//! none: engines send it before they count), the digest of its content is its identity. The store
//! keeps one item per event under [`key`](StreamEvent::key), if absent: that stops most repeats
//! with one write. What shares only the other identity with an earlier event is stored and left
//! out by [`record_of`], to which the earlier arrival is the event. So either identity suffices,
//! and no write has to be of two items.
//!
//! **Order.** Events with a `seq` are in its order; those without one stand by their timestamp
//! among them, after every event whose time, or that of one before it, is not later; those with
//! neither stand so by arrival. What is still equal is by timestamp, by the number at the end of
//! their ids if all ids of unnumbered events differ only in it, by arrival, and by digest. That is
//! one order for a set of events, in whatever order they are handed in. Nothing refers to
//! `parent_event_id`, so cycles of them do nothing.

mod assemble;
mod order;
mod reader;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::record::{At, Problem, Problems, canonical};

pub use assemble::record_of;
pub use reader::MAX_EVENTS;

/// The most events that a record is made of; later ones are left out, and a warning says so.
pub const MAX_RECORD_EVENTS: usize = 20_000;

/// An event of a running debate, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamEvent {
    /// `debate_start`, `round_start`, `agent_message`, `critique`, `vote`, `consensus`,
    /// `debate_end`, `error`, or the sender's own type.
    pub event_type: String,
    /// The sender's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The sender's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// When it happened, as the sender has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// Whose event it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The round it happened in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// Everything else that was sent.
    #[serde(default)]
    pub content: Map<String, Value>,
    /// The store's number for it: greater than that of every event accepted before.
    #[serde(default)]
    pub arrived: u64,
}

impl StreamEvent {
    /// What makes a repeat of it, the best first: `seq:...` in 20 digits, `id:...`, and without
    /// both `sum:...`. One or two, of at most 205 characters each.
    pub fn identities(&self) -> Vec<String> {
        let seq = self.seq.filter(|seq| *seq > 0).map(|seq| format!("seq:{seq:020}"));
        let id = self.event_id.as_ref().map(|id| format!("id:{id}"));
        let mut found: Vec<String> = seq.into_iter().chain(id).collect();
        if found.is_empty() {
            found.push(format!("sum:{}", self.digest()));
        }
        found
    }

    /// The key under which it is stored, if absent: the first of its identities.
    pub fn key(&self) -> String {
        self.identities().swap_remove(0)
    }

    /// SHA-256 in hex of all that was sent.
    fn digest(&self) -> String {
        let all = Value::Object(self.content.clone());
        let parts = [
            self.event_type.clone(),
            self.event_id.clone().unwrap_or_default(),
            self.seq.map(|seq| seq.to_string()).unwrap_or_default(),
            self.timestamp.clone().unwrap_or_default(),
            self.agent.clone().unwrap_or_default(),
            self.round.map(|round| round.to_string()).unwrap_or_default(),
            canonical(&all),
        ];
        hex::encode(Sha256::digest(parts.join("\0")))
    }
}

/// Reads what is posted to the stream: one event, a list of 1 to [`MAX_EVENTS`], or an object with
/// such a list as `events`. Each event is also read as a record by itself, so that what is accepted
/// can be explained: `data.confidence` of 1.2 is a problem of the event. `arrived` is 0; the store
/// numbers what it accepts.
///
/// # Errors
/// What is wrong with the events, at most [`MAX_PROBLEMS`](crate::record::MAX_PROBLEMS) fields.
pub fn read(body: &Value) -> Result<Vec<StreamEvent>, Vec<Problem>> {
    reader::read(body)
}

/// Whether the debate has ended: a `debate_end` is among its events, in whatever order they came.
pub fn is_closed(events: &[StreamEvent]) -> bool {
    events.iter().any(|event| event.event_type == "debate_end")
}

/// Reads the events within a record.
pub(crate) fn read_all(list: &[Value], at: &At<'_>, problems: &mut Problems) -> Vec<StreamEvent> {
    reader::all(list, at, problems)
}
