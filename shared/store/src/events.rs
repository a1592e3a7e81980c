//! Table `events`: what was published, whom it went to, and which idempotency keys were used.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>#<event id>` | `event` | the event; also in index `by_org` (`org`, `listed_at`) |
//! | `<org>#<event id>` | `fan-out` | the webhooks it was fanned out to |
//! | `<org>#idempotency#<digest of the key>` | `key` | the events one `Idempotency-Key` made |
//!
//! The first two are kept for the retention of events (30 days), a key for 48 hours, by TTL.

use std::collections::HashSet;

use aragora_core::ids::{EventId, WebhookId};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementRequest, ReturnConsumedCapacity};
use serde::{Deserialize, Serialize};

use crate::dynamo::{BatchRead, Dynamo};
use crate::error::StoreError;
use crate::idempotency;
use crate::item::{Item, Reader, json, key, number, text};
use crate::packed::{pack, unpack};

const INDEX_BY_ORG: &str = "by_org";
/// Sort key of an event's own item.
const EVENT: &str = "event";
/// Sort key of the record of its fan-out.
const FAN_OUT: &str = "fan-out";
/// Attributes that hold an event's data: as text, or packed.
const DATA: &str = "data";
const PACKED: &str = "z";
/// Shorter data is not worth packing.
const LEAST_PACKED_BYTES: usize = 400;
/// More than any accepted event has: its printed body is at most 256 KiB.
const MOST_UNPACKED_BYTES: u64 = 512 * 1_024;
/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Whose it is.
    pub org: String,
    /// Its id, ours or the publisher's.
    pub id: EventId,
    /// The project it belongs to.
    pub project: String,
    /// The type in the publisher's spelling.
    pub event_type: String,
    /// The debate it belongs to.
    pub debate_id: Option<String>,
    /// When it happened, as receivers are told.
    pub timestamp: String,
    /// When it was accepted.
    pub accepted_at: Millis,
    /// The data, printed as CPython would.
    pub data: String,
    /// The request that published it.
    pub request_id: String,
    /// Digest of what was published, by which a repeat is told from another use of the id.
    pub digest: String,
    /// When it leaves the table, in Unix seconds.
    pub expires_at: i64,
}

/// What came of storing an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// It is new.
    New,
    /// It was there already, with this digest, and accepted at this time.
    Existing {
        /// Digest of what was published then.
        digest: String,
        /// When that was.
        accepted_at: Millis,
    },
}

/// One line of the list of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEvent {
    /// The event.
    pub id: EventId,
    /// The project it belongs to.
    pub project: String,
    /// The type in the publisher's spelling.
    pub event_type: String,
    /// The debate it belongs to.
    pub debate_id: Option<String>,
    /// When it was accepted.
    pub accepted_at: Millis,
}

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// Digest of the request's body.
    pub digest: String,
    /// The ids that its events have, in order.
    pub event_ids: Vec<EventId>,
    /// When the events were accepted.
    pub accepted_at: Millis,
}

/// What came of claiming an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyClaim {
    /// The key is new, or forgotten, and now stands for the record.
    Claimed,
    /// It stands for another request's record.
    Known(KeyRecord),
}

/// The table.
#[derive(Debug, Clone)]
pub struct Events {
    dynamo: Dynamo,
    table: String,
}

impl Events {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// Stores an event unless its id is taken. One write unit per KB and one for the index. When
    /// the SDK repeats a write whose answer was lost, it reports `Existing` with the same digest
    /// and acceptance, which is how the caller knows its own event.
    pub async fn put(&self, event: &StoredEvent) -> Result<Stored, StoreError> {
        match self.dynamo.put_new(&self.table, event_item(event), None).await? {
            None => Ok(Stored::New),
            Some(existing) => {
                let read = Reader(&existing);
                Ok(Stored::Existing {
                    digest: read.text("digest")?.to_owned(),
                    accepted_at: Millis(read.number("accepted_at")?),
                })
            }
        }
    }

    /// Makes an idempotency key stand for `record`, unless it stands for another one that is not
    /// older than [`idempotency::KEY_KEPT_MS`]. One write unit per KB of ids.
    pub async fn claim_key(
        &self,
        org: &str,
        key_digest: &str,
        record: &KeyRecord,
    ) -> Result<KeyClaim, StoreError> {
        let at = record.accepted_at;
        let known =
            idempotency::claim(&self.dynamo, &self.table, (org, key_digest), record, at).await?;
        Ok(known.map_or(KeyClaim::Claimed, KeyClaim::Known))
    }

    /// One event. Half a read unit per 4 KB, or a whole one when `consistent`.
    pub async fn get(
        &self,
        org: &str,
        id: &EventId,
        consistent: bool,
    ) -> Result<Option<StoredEvent>, StoreError> {
        Ok(self.get_many(&[(org.to_owned(), id.clone())], consistent).await?.pop())
    }

    /// Those of the events that are there, in any order. Half a read unit per 4 KB of each, twice
    /// that when `consistent`.
    pub async fn get_many(
        &self,
        ids: &[(String, EventId)],
        consistent: bool,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let distinct: HashSet<_> = ids.iter().collect();
        let keys = distinct.into_iter().map(|(org, id)| key(event_pk(org, id), EVENT)).collect();
        let items =
            self.dynamo.get_all(&self.table, keys, BatchRead { consistent, only: None }).await?;
        // Not left out like others that cannot be read: whoever misses an event takes it for one
        // that was never stored, and strikes its note out.
        items.iter().map(read_event).collect()
    }

    /// Events of an organisation, newest first, from `before` (a place that an earlier page gave) on, and the place after which the list goes on. Half a read unit per 4 KB of the index,
    /// counted before events of other projects are left out. Eventually consistent.
    pub async fn list(
        &self,
        org: &str,
        project: Option<&str>,
        before: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<ListedEvent>, Option<String>), StoreError> {
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .index_name(INDEX_BY_ORG)
            .scan_index_forward(false)
            .expression_attribute_values(":org", text(org))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let query = match before {
            None => query.key_condition_expression("org = :org"),
            Some(place) => query
                .key_condition_expression("org = :org AND listed_at < :before")
                .expression_attribute_values(":before", text(place)),
        };
        let query = match project {
            None => query,
            Some(project) => query
                .filter_expression("#project = :project")
                // A reserved word.
                .expression_attribute_names("#project", "project")
                .expression_attribute_values(":project", text(project)),
        };
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let last = answer
            .last_evaluated_key
            .as_ref()
            .and_then(|key| key.get("listed_at")?.as_s().ok().cloned());
        Ok((answer.items().iter().map(read_listed).collect::<Result<_, _>>()?, last))
    }

    /// Events of an organisation that were accepted in a window, oldest first, from after `after`
    /// (a place that an earlier page gave) on, and the place after which the list goes on. Half a
    /// read unit per 4 KB of the index. Eventually consistent: what was just accepted may be
    /// missing.
    pub async fn accepted_between(
        &self,
        org: &str,
        since: Millis,
        until: Millis,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<ListedEvent>, Option<String>), StoreError> {
        // No place has a `!`, which sorts before all that one can have: what is after `after` alone.
        let from =
            after.map_or_else(|| crate::intents::sortable(since), |after| format!("{after}!"));
        let to = crate::intents::sortable(until);
        if from >= to {
            return Ok((vec![], None));
        }
        let answer = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .index_name(INDEX_BY_ORG)
            // A place goes on after its time, so that of `until` itself nothing is included.
            .key_condition_expression("org = :org AND listed_at BETWEEN :from AND :to")
            .expression_attribute_values(":org", text(org))
            .expression_attribute_values(":from", text(&from))
            .expression_attribute_values(":to", text(to))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let last = answer
            .last_evaluated_key
            .as_ref()
            .and_then(|key| key.get("listed_at")?.as_s().ok().cloned());
        Ok((answer.items().iter().map(read_listed).collect::<Result<_, _>>()?, last))
    }

    /// Keeps which webhooks events were fanned out to. One write unit each; the first record of
    /// an event stays.
    pub async fn put_fan_outs(&self, records: &[FanOutRecord]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let statements = records
            .iter()
            .map(|record| self.insert_fan_out(record))
            .collect::<Result<Vec<_>, _>>()?;
        let least = f64::from(u32::try_from(records.len()).unwrap_or(u32::MAX));
        for outcome in self.dynamo.execute_all(statements, least).await? {
            // A refusal is an earlier record of the same fan-out.
            outcome?;
        }
        Ok(())
    }

    fn insert_fan_out(&self, record: &FanOutRecord) -> Result<BatchStatementRequest, StoreError> {
        let pk = event_pk(&record.org, &record.event_id);
        let parameters: Vec<AttributeValue> =
            vec![text(pk), text(FAN_OUT), text(json(&record.webhooks)?), number(record.expires_at)];
        let statement = format!(
            "INSERT INTO \"{}\" VALUE {{'pk': ?, 'sk': ?, 'webhooks': ?, 'expires_at': ?}}",
            self.table
        );
        BatchStatementRequest::builder()
            .statement(statement)
            .set_parameters(Some(parameters))
            .build()
            .map_err(|error| StoreError::Unavailable(Box::new(error)))
    }

    /// The webhooks an event was fanned out to; none before its fan-out is through, or when it
    /// matched none. Half a read unit.
    pub async fn fanned_out_to(
        &self,
        org: &str,
        id: &EventId,
    ) -> Result<Vec<WebhookId>, StoreError> {
        let keys = vec![key(event_pk(org, id), FAN_OUT)];
        let items = self
            .dynamo
            .get_all(&self.table, keys, BatchRead { consistent: false, only: None })
            .await?;
        items.first().map_or(Ok(vec![]), |item| Reader(item).json("webhooks"))
    }

    /// Whether the table answers. Half a read unit.
    pub async fn answers(&self) -> Result<(), StoreError> {
        self.dynamo.get(&self.table, key("health", "health"), false).await?;
        Ok(())
    }
}

/// Which webhooks one event was fanned out to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FanOutRecord {
    /// Whose event it is.
    pub org: String,
    /// The event.
    pub event_id: EventId,
    /// The webhooks.
    pub webhooks: Vec<WebhookId>,
    /// When the record leaves the table, in Unix seconds.
    pub expires_at: i64,
}

/// The data packed, when that is worth it.
fn packed(data: &str) -> Option<Vec<u8>> {
    if data.len() < LEAST_PACKED_BYTES {
        return None;
    }
    pack(data).ok().filter(|packed| packed.len() < data.len())
}

/// The place of an event in its organisation's list: by acceptance, then by id.
fn listed_place(accepted_at: Millis, id: &EventId) -> String {
    format!("{}#{id}", crate::intents::sortable(accepted_at))
}

fn event_pk(org: &str, id: &EventId) -> String {
    format!("{org}#{id}")
}

fn event_item(event: &StoredEvent) -> Item {
    let mut item = key(event_pk(&event.org, &event.id), EVENT);
    for (name, value) in [
        ("org", &event.org),
        ("listed_at", &listed_place(event.accepted_at, &event.id)),
        ("project", &event.project),
        ("event_type", &event.event_type),
        ("ts", &event.timestamp),
        ("request_id", &event.request_id),
        ("digest", &event.digest),
    ] {
        item.insert(name.to_owned(), text(value));
    }
    if let Some(debate_id) = &event.debate_id {
        item.insert("debate_id".to_owned(), text(debate_id));
    }
    let (name, data) = match packed(&event.data) {
        Some(packed) => (PACKED, AttributeValue::B(packed.into())),
        None => (DATA, text(&event.data)),
    };
    item.insert(name.to_owned(), data);
    item.insert("accepted_at".to_owned(), number(event.accepted_at.0));
    item.insert("expires_at".to_owned(), number(event.expires_at));
    item
}

fn read_event(item: &Item) -> Result<StoredEvent, StoreError> {
    let read = Reader(item);
    Ok(StoredEvent {
        org: read.text("org")?.to_owned(),
        id: place_id(&read)?,
        project: read.text("project")?.to_owned(),
        event_type: read.text("event_type")?.to_owned(),
        debate_id: read.maybe_text("debate_id").map(ToOwned::to_owned),
        timestamp: read.text("ts")?.to_owned(),
        accepted_at: Millis(read.number("accepted_at")?),
        data: match item.get(PACKED).and_then(|it| it.as_b().ok()) {
            Some(packed) => unpack(packed.as_ref(), MOST_UNPACKED_BYTES).map_err(|error| {
                StoreError::Corrupt {
                    key: read.text("listed_at").unwrap_or("?").to_owned(),
                    what: format!("`{PACKED}` cannot be unpacked: {error}"),
                }
            })?,
            None => read.text(DATA)?.to_owned(),
        },
        request_id: read.text("request_id")?.to_owned(),
        digest: read.text("digest")?.to_owned(),
        expires_at: read.number("expires_at")?,
    })
}

fn read_listed(item: &Item) -> Result<ListedEvent, StoreError> {
    let read = Reader(item);
    Ok(ListedEvent {
        id: place_id(&read)?,
        project: read.text("project")?.to_owned(),
        event_type: read.text("event_type")?.to_owned(),
        debate_id: read.maybe_text("debate_id").map(ToOwned::to_owned),
        accepted_at: Millis(read.number("accepted_at")?),
    })
}

/// The event's id from its place in the list; it is not stored a second time.
fn place_id(read: &Reader<'_>) -> Result<EventId, StoreError> {
    let place = read.text("listed_at")?;
    place.split_once('#').and_then(|(_, id)| EventId::parse(id)).ok_or_else(|| {
        StoreError::Corrupt { key: place.to_owned(), what: "`listed_at` has no id".to_owned() }
    })
}
