//! Taking events in: noted, stored, queued, and only then acknowledged.
//!
//! The order is what makes an accepted event safe. The note comes first, so that there is never a
//! stored event without one; the event comes before the message, so that a worker always finds
//! it; and if the message is lost, the note is still there for the sweep.

use aragora_core::envelope::{Envelope, MAX_BODY_BYTES};
use aragora_core::ids::{DeliveryId, EventId};
use aragora_core::time::Millis;
use aragora_core::{catalogue, pyjson};
use aragora_queue::Queue;
use aragora_store::StoreError;
use aragora_store::events::{Events, KeyClaim, KeyRecord, Stored, StoredEvent};
use aragora_store::intents::{FanOutNote, Intents};
use futures_util::future::join_all;
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::fan_out_order;

/// The most events in one request.
pub const MAX_BATCH: usize = 100;

/// What a publisher sent, checked field by field already.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// In the publisher's spelling.
    pub event_type: String,
    /// Any JSON.
    pub data: Value,
    /// The publisher's own id.
    pub event_id: Option<EventId>,
    /// The debate it belongs to.
    pub debate_id: Option<String>,
    /// The project it belongs to.
    pub project: String,
    /// When it happened, as text that [`Millis::parse`] takes.
    pub timestamp: Option<String>,
}

/// Who publishes, and when.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// Whose events they are.
    pub org: &'a str,
    /// The request.
    pub request_id: &'a str,
    /// Now.
    pub now: Millis,
}

/// An event that will be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub event_id: EventId,
    /// Whether it had been accepted before.
    pub duplicate: bool,
}

/// What a whole request came to.
#[derive(Debug)]
pub struct Published {
    /// One for each event, in order.
    pub results: Vec<Result<Accepted, PublishError>>,
    /// Whether the request's idempotency key had been used with the same body before.
    pub replayed: bool,
}

/// Why an event was not accepted.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The data has no form that CPython could print.
    #[error(transparent)]
    Data(#[from] pyjson::DumpError),
    /// The printed body would be over 256 KiB.
    #[error("the event would be over {MAX_BODY_BYTES} bytes as it is sent")]
    TooLarge,
    /// The id belongs to another event.
    #[error("the event id `{0}` was used for another event")]
    IdTaken(EventId),
    /// The event could not be stored.
    #[error("the event could not be stored")]
    Store(#[from] StoreError),
}

/// Why a request was refused as a whole.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// The key could not be looked up.
    #[error("the idempotency key could not be stored")]
    Store(#[from] StoreError),
}

/// Takes events in.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// Where events are kept.
    pub events: Events,
    /// Where what is about to be done is noted.
    pub intents: Intents,
    /// The queue of the fan-out.
    pub queue: Queue,
    /// Days that events are kept.
    pub retention_days: i64,
}

impl Publisher {
    /// Publishes events under an idempotency key: the same key and body give the same events
    /// again, for at least 48 hours. One write unit more than without.
    ///
    /// # Errors
    /// When the key was used with another body, or cannot be looked up. Each event has a result
    /// of its own besides.
    pub async fn publish_keyed(
        &self,
        by: Publication<'_>,
        key: &str,
        body: &[u8],
        mut events: Vec<NewEvent>,
    ) -> Result<Published, RequestError> {
        let event_ids = events
            .iter()
            .map(|event| event.event_id.clone().unwrap_or_else(|| EventId::mint(by.now)));
        let mine = KeyRecord {
            digest: digest(&[body]),
            event_ids: event_ids.collect(),
            accepted_at: by.now,
        };
        let (record, replayed) =
            match self.events.claim_key(by.org, &digest(&[key.as_bytes()]), &mine).await? {
                KeyClaim::Claimed => (mine, false),
                KeyClaim::Known(known) if known.digest == mine.digest => (known, true),
                KeyClaim::Known(_) => return Err(RequestError::KeyReused),
            };
        for (event, id) in events.iter_mut().zip(&record.event_ids) {
            event.event_id = Some(id.clone());
        }
        let prepared = events.into_iter().map(|event| self.prepare(by, record.accepted_at, event));
        let prepared: Vec<_> = prepared.collect();
        let known = if replayed { self.known(by.org, &record.event_ids).await? } else { vec![] };
        let (mut results, mut left) = (Vec::with_capacity(prepared.len()), Vec::new());
        for event in prepared {
            // What is stored has had its note: only what the first request did not get to is left.
            let is_known = event.as_ref().is_ok_and(|event| {
                known.iter().any(|it| it.id == event.id && it.digest == event.digest)
            });
            match event {
                Ok(event) if is_known => {
                    results.push(Some(Ok(Accepted { event_id: event.id, duplicate: true })));
                }
                event => {
                    results.push(None);
                    left.push(event);
                }
            }
        }
        let mut finished = self.publish_prepared(by, left).await.into_iter();
        let results = results.into_iter().filter_map(|result| result.or_else(|| finished.next()));
        let mut results: Vec<_> = results.collect();
        if replayed {
            results.iter_mut().flatten().for_each(|accepted| accepted.duplicate = true);
        }
        Ok(Published { results, replayed })
    }

    async fn known(&self, org: &str, ids: &[EventId]) -> Result<Vec<StoredEvent>, StoreError> {
        let ids: Vec<_> = ids.iter().map(|id| (org.to_owned(), id.clone())).collect();
        self.events.get_many(&ids, true).await
    }

    /// Publishes events; each has a result of its own, in order. Per event: one write unit for
    /// the note, one per KB for the event and one for its place in the list, a tenth of a request
    /// to SQS when there are ten.
    pub async fn publish(
        &self,
        by: Publication<'_>,
        events: Vec<NewEvent>,
    ) -> Vec<Result<Accepted, PublishError>> {
        let prepared = events.into_iter().map(|event| self.prepare(by, by.now, event)).collect();
        self.publish_prepared(by, prepared).await
    }

    /// Notes are made as of now, also for events that count as accepted earlier: a note that is
    /// old already would be taken for one that nobody is working on.
    async fn publish_prepared(
        &self,
        by: Publication<'_>,
        prepared: Vec<Result<StoredEvent, PublishError>>,
    ) -> Vec<Result<Accepted, PublishError>> {
        let notes: Vec<_> = prepared.iter().flatten().map(|event| note(event, by.now)).collect();
        if let Err(error) = self.intents.note_fan_outs(&notes).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "events could not be noted");
            let refused = |event: Result<_, _>| event.and(Err(StoreError::Throttled.into()));
            return prepared.into_iter().map(refused).collect();
        }
        let stored = join_all(prepared.into_iter().map(|event| self.store(event))).await;
        self.queue_new(&stored, by.now).await;
        self.strike_repeats(&stored, by.now).await;
        stored.into_iter().map(|outcome| accepted(outcome?)).collect()
    }

    fn prepare(
        &self,
        by: Publication<'_>,
        accepted_at: Millis,
        event: NewEvent,
    ) -> Result<StoredEvent, PublishError> {
        let data = pyjson::dumps(&event.data)?;
        let digest = digest(&[
            catalogue::find(&event.event_type)
                .map_or(event.event_type.as_str(), |known| known.name)
                .as_bytes(),
            event.project.as_bytes(),
            event.debate_id.as_deref().unwrap_or_default().as_bytes(),
            event.timestamp.as_deref().unwrap_or_default().as_bytes(),
            data.as_bytes(),
        ]);
        let stored = StoredEvent {
            org: by.org.to_owned(),
            id: event.event_id.unwrap_or_else(|| EventId::mint(by.now)),
            project: event.project,
            event_type: event.event_type,
            debate_id: event.debate_id,
            timestamp: printed_time(event.timestamp, accepted_at),
            accepted_at,
            data,
            request_id: by.request_id.to_owned(),
            digest,
            expires_at: accepted_at.unix_seconds() + self.retention_days * 86_400,
        };
        if printed_bytes(&stored) > MAX_BODY_BYTES {
            Err(PublishError::TooLarge)
        } else {
            Ok(stored)
        }
    }

    async fn store(
        &self,
        event: Result<StoredEvent, PublishError>,
    ) -> Result<(StoredEvent, Stored), PublishError> {
        let event = event?;
        let outcome = self.events.put(&event).await?;
        Ok((event, outcome))
    }

    /// Queues what is new. Nothing is lost when that fails: the note is still there.
    async fn queue_new(
        &self,
        stored: &[Result<(StoredEvent, Stored), PublishError>],
        noted_at: Millis,
    ) {
        let new = stored.iter().flatten().filter(|(_, outcome)| *outcome == Stored::New);
        let orders: Vec<_> = new.map(|(event, _)| fan_out_order(event, noted_at)).collect();
        for error in self.queue.send_all(&orders).await.into_iter().filter_map(Result::err) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "an event waits for the sweep to be queued"
            );
        }
    }

    /// Strikes out the notes of repeats. A repeat of the very same moment shares its note with
    /// the original, or is our own write repeated by the SDK: that note must stay.
    async fn strike_repeats(
        &self,
        stored: &[Result<(StoredEvent, Stored), PublishError>],
        noted_at: Millis,
    ) {
        let repeats = stored.iter().flatten().filter(
            |(event, outcome)| matches!(outcome, Stored::Existing { accepted_at, .. } if *accepted_at != event.accepted_at),
        );
        let notes: Vec<_> = repeats.map(|(event, _)| note(event, noted_at)).collect();
        if let Err(error) = self.intents.strike_fan_outs(&notes).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "notes of repeated events wait for the sweep"
            );
        }
    }
}

fn accepted((event, outcome): (StoredEvent, Stored)) -> Result<Accepted, PublishError> {
    match outcome {
        Stored::New => Ok(Accepted { event_id: event.id, duplicate: false }),
        Stored::Existing { digest, .. } if digest != event.digest => {
            Err(PublishError::IdTaken(event.id))
        }
        Stored::Existing { .. } => Ok(Accepted { event_id: event.id, duplicate: true }),
    }
}

fn note(event: &StoredEvent, at: Millis) -> FanOutNote {
    FanOutNote { org: event.org.clone(), event_id: event.id.clone(), at }
}

/// The publisher's own text when it is in UTC as we print it, else the same time in that form.
fn printed_time(given: Option<String>, now: Millis) -> String {
    match given {
        Some(text) if text.ends_with('Z') => text,
        Some(text) => Millis::parse(&text).unwrap_or(now).rfc3339(),
        None => now.rfc3339(),
    }
}

/// Bytes of the largest body that a receiver can get: with the longest spelling of its type.
fn printed_bytes(event: &StoredEvent) -> usize {
    let spellings = catalogue::find(&event.event_type).map(|known| {
        known.aliases.iter().copied().chain([known.name]).max_by_key(|spelling| spelling.len())
    });
    let envelope = Envelope {
        event_type: spellings.flatten().unwrap_or(&event.event_type),
        event_id: event.id.as_str(),
        timestamp: &event.timestamp,
        debate_id: event.debate_id.as_deref(),
        delivery_id: "",
        data: "",
    };
    // A minted delivery id: its prefix and 36 characters of UUID.
    envelope.print().len() + DeliveryId::PREFIX.len() + 36 + event.data.len()
}

/// 128 bits of SHA-256 over length-separated parts, in hex.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    hex::encode(digest.get(..16).unwrap_or(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_publishers_time_is_kept_when_it_is_utc() {
        let now = Millis(1_705_752_000_000);
        for (given, printed) in [
            (None, "2024-01-20T12:00:00.000Z"),
            (Some("2024-01-20T12:00:00Z"), "2024-01-20T12:00:00Z"),
            (Some("2024-01-20T13:00:00+01:00"), "2024-01-20T12:00:00.000Z"),
            (Some("2026-01-09T23:03:36.048761"), "2026-01-09T23:03:36.048Z"),
        ] {
            assert_eq!(printed_time(given.map(ToOwned::to_owned), now), printed);
        }
    }

    #[test]
    fn the_size_counts_every_byte_that_is_sent() {
        let event = StoredEvent {
            org: "org".into(),
            id: EventId::parse("evt-1").unwrap(),
            project: "default".into(),
            event_type: "debate_end".into(),
            debate_id: Some("deb-é".into()),
            timestamp: "2024-01-20T12:00:00Z".into(),
            accepted_at: Millis(0),
            data: "{}".into(),
            request_id: "r".into(),
            digest: String::new(),
            expires_at: 0,
        };
        let id = "dlv-018d2675-6200-7000-8000-000000000000";
        let sent = Envelope {
            event_type: "debate.completed",
            event_id: "evt-1",
            timestamp: &event.timestamp,
            debate_id: event.debate_id.as_deref(),
            delivery_id: id,
            data: "{}",
        };
        assert_eq!(printed_bytes(&event), sent.print().len());
    }

    #[test]
    fn digests_do_not_confuse_where_parts_end() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_eq!(digest(&[b"ab"]).len(), 32);
    }
}
