//! Table `intents`: notes of what is about to be done, written before it is begun and struck out
//! when it is finished. What the sweep still finds some time later was interrupted.
//!
//! | pk | sk | attributes |
//! |---|---|---|
//! | `fan-out#<shard>` | `<accepted, 13 digits>#<org>#<event id>` | `org`, `event_id` |
//! | `lease#<shard>` | `<org>#<until, 13 digits>#<lease id>` | `doc`: the deliveries claimed under it, `until` |
//! | `job#<shard>`, `batch#<shard>` | `<time, 13 digits>#<org>#<job id>` | `org`, `job_id`: to be looked at then |
//!
//! A note costs one write unit to make and one to strike out. Lease notes cover a whole
//! invocation, so a full batch shares both, and lie together by the organisation that has most of
//! the batch: so a worker can see how many invocations an organisation occupies. Not tied to one
//! organisation: only the sweep reads here, and every note names whose things it speaks of.

mod jobs;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use aragora_core::ids::{DeliveryId, EventId, WebhookId, uuid_time};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, WriteRequest};
use serde::{Deserialize, Serialize};

use crate::dynamo::Dynamo;
use crate::error::StoreError;
use crate::item::{Item, Reader, delete, json, key, number, put, readable, text};
use crate::shard_of;

pub use jobs::{JobNote, NotedJob};

/// How long a note is kept if nothing strikes it out: 14 days, as long as a queue keeps messages.
const KEPT_SECONDS: i64 = 14 * 86_400;

/// The table.
#[derive(Debug, Clone)]
pub struct Intents {
    dynamo: Dynamo,
    table: String,
}

/// "This event is to be fanned out."
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FanOutNote {
    /// Whose event it is.
    pub org: String,
    /// The event.
    pub event_id: EventId,
    /// When the note was made; part of its key.
    pub at: Millis,
}

/// "These deliveries are claimed under leases that end at this time."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseNote {
    /// The organisation that most of the deliveries belong to.
    pub org: String,
    /// The invocation's id: a UUIDv7 of its time.
    pub id: String,
    /// When the last of its leases ends.
    pub until: Millis,
    /// What it claims.
    pub deliveries: Vec<LeasedDelivery>,
}

/// One delivery that a worker set out to claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeasedDelivery {
    /// Whose it is.
    pub org: String,
    /// The webhook it goes to.
    pub webhook_id: WebhookId,
    /// The delivery.
    pub delivery_id: DeliveryId,
}

/// By organisation and webhook, so that ten deliveries to one webhook fit into a kilobyte.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct LeaseDoc(BTreeMap<String, BTreeMap<String, Vec<DeliveryId>>>);

impl FanOutNote {
    fn key(&self) -> Item {
        let sk = format!("{}#{}#{}", sortable(self.at), self.org, self.event_id);
        key(format!("fan-out#{}", shard_of(self.event_id.as_str())), sk)
    }
}

impl LeaseNote {
    fn key(&self) -> Item {
        key(lease_pk(&self.org), format!("{}#{}#{}", self.org, sortable(self.until), self.id))
    }
}

fn lease_pk(org: &str) -> String {
    format!("lease#{}", shard_of(org))
}

impl LeaseDoc {
    fn of(deliveries: &[LeasedDelivery]) -> Self {
        let mut doc = BTreeMap::<_, BTreeMap<_, Vec<_>>>::new();
        for it in deliveries {
            let webhooks = doc.entry(it.org.clone()).or_default();
            let ids = webhooks.entry(it.webhook_id.as_str().to_owned()).or_default();
            ids.push(it.delivery_id.clone());
        }
        Self(doc)
    }

    /// `None` when a webhook's id is none.
    fn deliveries(self) -> Option<Vec<LeasedDelivery>> {
        let mut all = Vec::new();
        for (org, webhooks) in self.0 {
            for (webhook, ids) in webhooks {
                let webhook_id = WebhookId::parse(&webhook)?;
                all.extend(ids.into_iter().map(|delivery_id| LeasedDelivery {
                    org: org.clone(),
                    webhook_id: webhook_id.clone(),
                    delivery_id,
                }));
            }
        }
        Some(all)
    }
}

impl Intents {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// Notes events that are to be fanned out. One write unit each; 25 a request. Doing it twice
    /// changes nothing.
    pub async fn note_fan_outs(&self, notes: &[FanOutNote]) -> Result<(), StoreError> {
        self.write(distinct(notes).map(put_fan_out)).await
    }

    /// Strikes out fan-outs. One write unit each; 25 a request. Doing it twice changes nothing.
    pub async fn strike_fan_outs(&self, notes: &[FanOutNote]) -> Result<(), StoreError> {
        self.write(distinct(notes).map(|note| delete(note.key()))).await
    }

    /// Notes the deliveries an invocation is about to claim. One write unit per KB: more than ten
    /// deliveries to one webhook.
    pub async fn note_lease(&self, note: &LeaseNote) -> Result<(), StoreError> {
        let mut item = note.key();
        item.insert("doc".to_owned(), text(json(&LeaseDoc::of(&note.deliveries))?));
        item.insert("until".to_owned(), number(note.until.0));
        item.insert("expires_at".to_owned(), number(note.until.unix_seconds() + KEPT_SECONDS));
        self.write([put(item)].into_iter()).await
    }

    /// Strikes out leases whose every effect has been carried out. As much as noting them.
    pub async fn strike_leases(&self, notes: &[LeaseNote]) -> Result<(), StoreError> {
        self.write(notes.iter().map(|note| delete(note.key()))).await
    }

    /// Fan-outs noted before `before` in one shard, oldest first. Half a read unit per 4 KB.
    pub async fn fan_outs_before(
        &self,
        shard: u8,
        before: Millis,
        limit: i32,
    ) -> Result<Vec<FanOutNote>, StoreError> {
        let items = self.before(format!("fan-out#{shard}"), before, limit).await?;
        Ok(readable(&items, read_fan_out))
    }

    /// Up to `limit` leases that ended before `before` in one shard. Half a read unit per 4 KB of
    /// all notes of the shard: those of the invocations that are running, and what dead ones left.
    pub async fn leases_before(
        &self,
        shard: u8,
        before: Millis,
        limit: usize,
    ) -> Result<Vec<LeaseNote>, StoreError> {
        let mut pages = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .filter_expression("#until < :before")
            .expression_attribute_names("#until", "until")
            .expression_attribute_values(":pk", text(format!("lease#{shard}")))
            .expression_attribute_values(":before", number(before.0))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let mut notes = Vec::new();
        while notes.len() < limit
            && let Some(page) = pages.next().await
        {
            let page = page.map_err(StoreError::from_sdk)?;
            self.dynamo.read(page.consumed_capacity());
            notes.extend(readable(page.items(), read_lease));
        }
        notes.truncate(limit);
        Ok(notes)
    }

    /// The invocations that hold deliveries mostly of one organisation now, up to `limit`, as last
    /// written: the id of each one's note, whose order is that of their beginnings, and when it
    /// began. One read unit per 4 KB: for about five invocations.
    pub async fn live_leases(
        &self,
        org: &str,
        now: Millis,
        limit: i32,
    ) -> Result<Vec<(String, Millis)>, StoreError> {
        let answer = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .projection_expression("sk")
            .expression_attribute_values(":pk", text(lease_pk(org)))
            .expression_attribute_values(":from", text(format!("{org}#{}", sortable(now))))
            .expression_attribute_values(":to", text(format!("{org}#~")))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let begun = |item: &Item| {
            let id = Reader(item).maybe_text("sk")?.rsplit('#').next()?.to_owned();
            let begun = uuid_time(&id)?;
            Some((id, begun))
        };
        Ok(answer.items().iter().filter_map(begun).collect())
    }

    async fn before(
        &self,
        pk: String,
        before: Millis,
        limit: i32,
    ) -> Result<Vec<Item>, StoreError> {
        let answer = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk < :before")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":before", text(sortable(before)))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        Ok(answer.items.unwrap_or_default())
    }

    async fn write(&self, requests: impl Iterator<Item = WriteRequest>) -> Result<(), StoreError> {
        self.dynamo.write_all(&self.table, requests.collect()).await
    }
}

/// A batch of writes must not name an item twice, and one request may publish an event twice.
fn distinct(notes: &[FanOutNote]) -> impl Iterator<Item = &FanOutNote> {
    notes.iter().collect::<HashSet<_>>().into_iter()
}

fn put_fan_out(note: &FanOutNote) -> WriteRequest {
    let mut item = note.key();
    item.insert("org".to_owned(), text(&note.org));
    item.insert("event_id".to_owned(), text(note.event_id.as_str()));
    item.insert("expires_at".to_owned(), number(note.at.unix_seconds() + KEPT_SECONDS));
    put(item)
}

fn read_fan_out(item: &Item) -> Result<FanOutNote, StoreError> {
    let read = Reader(item);
    Ok(FanOutNote {
        org: read.text("org")?.to_owned(),
        event_id: EventId::parse(read.text("event_id")?)
            .ok_or_else(|| read.corrupt("event_id", "is no id"))?,
        at: leading_time(read.text("sk")?).ok_or_else(|| read.corrupt("sk", "has no time"))?,
    })
}

fn read_lease(item: &Item) -> Result<LeaseNote, StoreError> {
    let read = Reader(item);
    let sk = read.text("sk")?;
    let corrupt =
        || StoreError::Corrupt { key: sk.to_owned(), what: "is no note of leases".to_owned() };
    let (org, rest) = sk.split_once('#').ok_or_else(corrupt)?;
    Ok(LeaseNote {
        org: org.to_owned(),
        id: rest.split_once('#').ok_or_else(corrupt)?.1.to_owned(),
        until: Millis(read.number("until")?),
        deliveries: read.json::<LeaseDoc>("doc")?.deliveries().ok_or_else(corrupt)?,
    })
}

/// Thirteen digits, so that text sorts as time does until the year 2286.
pub(crate) fn sortable(at: Millis) -> String {
    let mut out = String::with_capacity(13);
    // Writing to a string cannot fail.
    write!(out, "{:013}", at.0.max(0)).ok();
    out
}

fn leading_time(sk: &str) -> Option<Millis> {
    Some(Millis(sk.split('#').next()?.parse().ok()?))
}
