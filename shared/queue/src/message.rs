//! What is on the messages of the `events`, `deliveries`, `retries`, `jobs`, `explanations` and
//! `security` queues.

use aragora_core::audit::Happening;
use aragora_core::delivery::Order;
use aragora_core::ids::{BatchId, DeliveryId, EventId, JobId, WebhookId};
use aragora_core::time::Millis;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version written. Readers take this one only, until there is a second.
const VERSION: u8 = 1;
/// Data up to this many bytes rides on the message; longer data is read from the table. Ten such
/// messages stay within the 64 KiB that SQS bills as one request.
pub const INLINE_BYTES: usize = 4 * 1024;

/// Why a body is not a message of ours. It never will be: the message is poison.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// No JSON, or not with our fields.
    #[error("the message cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// Written by a version this code does not know.
    #[error("the message has version {0}, which is unknown here")]
    Version(u64),
}

impl Unreadable {
    /// A word for the dead letter's `reason` attribute.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Version(_) => "unknown_version",
        }
    }
}

/// An event as it rides on messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InlineEvent {
    /// The project it belongs to.
    #[serde(rename = "p")]
    pub project: String,
    /// The type in the publisher's spelling.
    #[serde(rename = "t")]
    pub event_type: String,
    /// The debate it belongs to.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub debate_id: Option<String>,
    /// When it happened, as receivers are told.
    #[serde(rename = "s")]
    pub timestamp: String,
    /// When it was accepted.
    #[serde(rename = "a")]
    pub accepted_at: Millis,
    /// The data, printed as CPython would.
    #[serde(rename = "d")]
    pub data: String,
}

/// On the `events` queue: fan this event out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FanOut {
    /// Whose it is.
    #[serde(rename = "o")]
    pub org: String,
    /// The event.
    #[serde(rename = "e")]
    pub event_id: EventId,
    /// The request that published it.
    #[serde(rename = "r")]
    pub request_id: String,
    /// The time in the key of the note to strike out afterwards.
    #[serde(rename = "n")]
    pub noted_at: Millis,
    /// The event, when it is small.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<InlineEvent>,
}

/// On the `deliveries` and `retries` queues, and on their dead-letter queue: send this delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deliver {
    /// Whose it is.
    #[serde(rename = "o")]
    pub org: String,
    /// The webhook.
    #[serde(rename = "w")]
    pub webhook_id: WebhookId,
    /// The event.
    #[serde(rename = "e")]
    pub event_id: EventId,
    /// The delivery.
    #[serde(rename = "l")]
    pub delivery_id: DeliveryId,
    /// The type in the receiver's spelling.
    #[serde(rename = "y")]
    pub event_type: String,
    /// When the event was accepted.
    #[serde(rename = "c")]
    pub accepted_at: Millis,
    /// The request that published the event.
    #[serde(rename = "r")]
    pub request_id: String,
    /// What is asked for.
    #[serde(rename = "k")]
    pub order: Order,
    /// The generation it is asked of.
    #[serde(rename = "g")]
    pub generation: u32,
    /// Whether the delivery has a receipt of its own already, so that the worker reads it first
    /// instead of trying to make one.
    #[serde(rename = "h", default)]
    pub has_receipt: bool,
    /// The redelivery job that asks for it.
    #[serde(rename = "j", default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The event, when it is small.
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub inline: Option<InlineEvent>,
}

/// On the `jobs` queue: go on with this redelivery job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoOn {
    /// Whose it is.
    #[serde(rename = "o")]
    pub org: String,
    /// The job.
    #[serde(rename = "j")]
    pub job_id: JobId,
    /// The request that made it.
    #[serde(rename = "r")]
    pub request_id: String,
}

/// On the `explanations` queue: explain this chunk of a batch job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainChunk {
    /// Whose it is.
    #[serde(rename = "o")]
    pub org: String,
    /// The job.
    #[serde(rename = "j")]
    pub batch_id: BatchId,
    /// Which of its chunks.
    #[serde(rename = "n")]
    pub chunk: u32,
    /// The request that made it.
    #[serde(rename = "r")]
    pub request_id: String,
    /// Whether its debates are to be recorded as errors, without being tried again.
    #[serde(rename = "g", default)]
    pub give_up: bool,
}

/// On the `security` queue: this happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Whose log it belongs to.
    #[serde(rename = "o")]
    pub org: String,
    /// What happened, all of it in that organisation.
    #[serde(rename = "h")]
    pub happenings: Vec<Happening>,
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    v: u8,
    #[serde(flatten)]
    message: &'a T,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u64,
}

/// The body of a message.
pub fn encode<T: Serialize>(message: &T) -> String {
    // These types have nothing that JSON cannot print. The two characters can only stand inside
    // strings, and SQS refuses them as they are.
    serde_json::to_string(&Versioned { v: VERSION, message })
        .unwrap_or_default()
        .replace('\u{fffe}', "\\ufffe")
        .replace('\u{ffff}', "\\uffff")
}

/// Reads the body of a message.
///
/// # Errors
/// When it is not one of ours.
pub fn decode<T: DeserializeOwned>(body: &str) -> Result<T, Unreadable> {
    let version: VersionOnly = serde_json::from_str(body).map_err(Unreadable::Malformed)?;
    if version.v != u64::from(VERSION) {
        return Err(Unreadable::Version(version.v));
    }
    serde_json::from_str(body).map_err(Unreadable::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Deliver {
        Deliver {
            org: "org".into(),
            webhook_id: WebhookId::parse("wh-1").unwrap(),
            event_id: EventId::parse("evt-1").unwrap(),
            delivery_id: DeliveryId::parse("dlv-1").unwrap(),
            event_type: "vote".into(),
            accepted_at: Millis(5),
            request_id: "r".into(),
            order: Order::Redrive,
            generation: 3,
            has_receipt: true,
            job: None,
            inline: Some(InlineEvent {
                project: "default".into(),
                event_type: "vote".into(),
                debate_id: None,
                timestamp: "2024-01-20T12:00:00Z".into(),
                accepted_at: Millis(5),
                data: "{\"n\": 1e+16}".into(),
            }),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(decode::<Deliver>(&encode(&message())).unwrap(), message());
    }

    #[test]
    fn what_sqs_refuses_is_escaped() {
        let strange = Deliver { event_type: "a\u{fffe}b\u{ffff}".into(), ..message() };
        let body = encode(&strange);
        assert!(!body.contains(['\u{fffe}', '\u{ffff}']));
        assert_eq!(decode::<Deliver>(&body).unwrap(), strange);
    }

    #[test]
    fn what_is_not_ours_is_unreadable() {
        for (body, reason) in [
            ("", "malformed"),
            ("garbage", "malformed"),
            ("{}", "malformed"),
            ("[1]", "malformed"),
            ("{\"v\": 2}", "unknown_version"),
            ("{\"v\": 1}", "malformed"),
            (&encode(&message()).replace("wh-1", "wh#1"), "readable"),
        ] {
            let got = decode::<Deliver>(body).map_or_else(|error| error.reason(), |_| "readable");
            assert_eq!(got, reason, "{body}");
        }
    }
}
