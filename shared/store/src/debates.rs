//! Table `debates`: records of debates, whatever their size, and the events of those under way.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>#<debate id>` | `head` | what is known of the debate without its record; also in index `by_org` (`org`, `listed_at`) |
//! | `<org>#<debate id>` | `body#<rev>#<hash>#<part>` | a part of its record, packed |
//! | `<org>#<debate id>` | `event#<key>` | an event of its stream |
//! | `<org>#idempotency#<digest of the key>` | `key` | the debate that one `Idempotency-Key` made |
//!
//! A record is written before the head that names it, under the head's next revision: whoever reads
//! a head finds its record, and of two writers at once neither can damage what the other wrote.
//! Nothing but keys expires.

use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};
use serde::{Deserialize, Serialize};

use crate::dynamo::{BatchRead, Dynamo};
use crate::error::StoreError;
use crate::idempotency;
use crate::item::{Item, Reader, key, number, text};
use crate::registrations::Changed;

mod bodies;
mod stream;

pub use self::bodies::Packed;
pub use self::stream::{MAX_EVENT_BYTES, MAX_STREAM_BYTES, MAX_STREAM_EVENTS, StreamItem};

const INDEX_BY_ORG: &str = "by_org";
/// Sort key of what is known of a debate without its record.
const HEAD: &str = "head";

/// Where a debate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DebateStatus {
    /// Its events are coming in.
    Running,
    /// Its record is there.
    Completed,
}

impl DebateStatus {
    /// The name used in tables and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
        }
    }
}

/// Where a record came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Somebody gave it whole.
    Given,
    /// It was built from the debate's events.
    Stream,
}

impl Source {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Stream => "stream",
        }
    }
}

/// What is known of a debate without its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose it is.
    pub org: String,
    /// The debate.
    pub id: DebateId,
    /// Where it stands.
    pub status: DebateStatus,
    /// Where its record came from.
    pub source: Source,
    /// How many records it has had; 0 while there is none.
    pub version: u64,
    /// Which record it has.
    pub body: Option<Body>,
    /// A line for lists: JSON that the store does not look into, at most a few KB.
    pub headline: String,
    /// When it was first heard of.
    pub created_at: Millis,
    /// When its record or its status last changed.
    pub updated_at: Millis,
    /// Goes up with every change but the counting of events.
    pub rev: u64,
}

impl Head {
    /// Its place in its organisation's list, which a page can begin after.
    pub fn place(&self) -> String {
        place(self.created_at, &self.id)
    }
}

/// Which record a head names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// Digest of its content.
    pub hash: String,
    /// The head's revision that it was written for.
    pub rev: u64,
    /// How many items hold it.
    pub parts: u32,
    /// Its bytes as text.
    pub bytes: u64,
}

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebateKey {
    /// Digest of the request's body.
    pub digest: String,
    /// The debate it made.
    pub debate_id: DebateId,
    /// When.
    pub created_at: Millis,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Debates {
    dynamo: Dynamo,
    table: String,
}

impl Debates {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// Makes an idempotency key stand for `wanted`, unless it stands for another debate that is not
    /// older than 48 hours: then gives that back. One write unit.
    pub async fn claim_key(
        &self,
        org: &str,
        key_digest: &str,
        wanted: &DebateKey,
    ) -> Result<Option<DebateKey>, StoreError> {
        let at = wanted.created_at;
        idempotency::claim(&self.dynamo, &self.table, (org, key_digest), wanted, at).await
    }

    /// One head, as last written. One read unit.
    pub async fn head(&self, org: &str, id: &DebateId) -> Result<Option<Head>, StoreError> {
        let item = self.dynamo.get(&self.table, key(pk(org, id), HEAD), true).await?;
        Ok(item.as_ref().map(written).transpose()?.flatten())
    }

    /// Those of the heads that are there, as last written, in any order; `ids` must differ from
    /// each other. One read unit each, 100 a request.
    pub async fn heads(&self, org: &str, ids: &[DebateId]) -> Result<Vec<Head>, StoreError> {
        let keys = ids.iter().map(|id| key(pk(org, id), HEAD)).collect();
        let read = BatchRead { consistent: true, only: None };
        let items = self.dynamo.get_all(&self.table, keys, read).await?;
        items.iter().filter_map(|item| written(item).transpose()).collect()
    }

    /// Stores a head in the place of the one with revision `seen` (0 for none) and gives it the
    /// next one. The count of events stays. A write unit per KB, and the same for the index. Doing
    /// it twice is refused the second time: whoever is refused reads again, and may find its own.
    pub async fn write_head(&self, head: &mut Head, seen: u64) -> Result<Changed, StoreError> {
        let next = seen.saturating_add(1);
        let mut set = "SET org = :org, listed_at = :place, #status = :status, #source = :source, \
                       version = :version, headline = :headline, created_at = :created, \
                       updated_at = :updated, rev = :next"
            .to_owned();
        if head.body.is_some() {
            set.push_str(", body = :body");
        }
        let condition = if seen == 0 { "attribute_not_exists(rev)" } else { "rev = :seen" };
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(pk(&head.org, &head.id), HEAD)))
            .update_expression(set)
            .condition_expression(condition)
            // Reserved words.
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#source", "source")
            .expression_attribute_values(":org", text(&head.org))
            .expression_attribute_values(":place", text(head.place()))
            .expression_attribute_values(":status", text(head.status.as_str()))
            .expression_attribute_values(":source", text(head.source.as_str()))
            .expression_attribute_values(":version", number(head.version))
            .expression_attribute_values(":headline", text(&head.headline))
            .expression_attribute_values(":created", number(head.created_at.0))
            .expression_attribute_values(":updated", number(head.updated_at.0))
            .expression_attribute_values(":next", number(next));
        let update = match &head.body {
            Some(body) => {
                update.expression_attribute_values(":body", text(crate::item::json(body)?))
            }
            None => update,
        };
        let update = if seen == 0 {
            update
        } else {
            update.expression_attribute_values(":seen", number(seen))
        };
        if !self.dynamo.update_if(update).await? {
            return Ok(Changed::Outdated);
        }
        head.rev = next;
        Ok(Changed::Done)
    }

    /// Debates of an organisation, newest first, from `before` (a place that an earlier page gave)
    /// on, and the place after which the list goes on. Half a read unit per 4 KB of the index.
    /// Eventually consistent: what was just stored may be missing.
    pub async fn page(
        &self,
        org: &str,
        before: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Head>, Option<String>), StoreError> {
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
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let last = answer
            .last_evaluated_key
            .as_ref()
            .and_then(|key| key.get("listed_at")?.as_s().ok().cloned());
        Ok((crate::item::readable(answer.items(), read_head), last))
    }

    /// Counts events that are about to be stored, and gives back the debate's head as it then is,
    /// which may not be written yet. `None` when the stream would be over [`MAX_STREAM_EVENTS`] or
    /// [`MAX_STREAM_BYTES`]. One write unit.
    pub async fn count_events(
        &self,
        org: &str,
        id: &DebateId,
        (events, bytes): (u64, u64),
    ) -> Result<Option<Option<Head>>, StoreError> {
        let room = |most: u64, more: u64| number(most.saturating_sub(more));
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(pk(org, id), HEAD)))
            .update_expression("ADD stream_events :events, stream_bytes :bytes")
            .condition_expression(
                "attribute_not_exists(stream_events) OR \
                 (stream_events <= :room AND stream_bytes <= :bytes_room)",
            )
            .expression_attribute_values(":events", number(events))
            .expression_attribute_values(":bytes", number(bytes))
            .expression_attribute_values(":room", room(MAX_STREAM_EVENTS, events))
            .expression_attribute_values(":bytes_room", room(MAX_STREAM_BYTES, bytes))
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(answer) => {
                self.dynamo.wrote(answer.consumed_capacity());
                written(&answer.attributes.unwrap_or_default()).map(Some)
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(StoreError::from_sdk(error)),
            },
        }
    }
}

fn pk(org: &str, id: &DebateId) -> String {
    format!("{org}#{id}")
}

/// The place of a debate in its organisation's list: by when it was first heard of, then by id.
fn place(created_at: Millis, id: &DebateId) -> String {
    format!("{}#{id}", crate::intents::sortable(created_at))
}

/// A head, unless its item has nothing but a count of events so far.
fn written(item: &Item) -> Result<Option<Head>, StoreError> {
    item.contains_key("rev").then(|| read_head(item)).transpose()
}

fn read_head(item: &Item) -> Result<Head, StoreError> {
    let read = Reader(item);
    let id = read.text("listed_at")?.split_once('#').and_then(|(_, id)| DebateId::parse(id));
    Ok(Head {
        org: read.text("org")?.to_owned(),
        id: id.ok_or_else(|| read.corrupt("listed_at", "has no id"))?,
        status: match read.text("status")? {
            "running" => DebateStatus::Running,
            "completed" => DebateStatus::Completed,
            _ => return Err(read.corrupt("status", "is not one of ours")),
        },
        source: match read.text("source")? {
            "given" => Source::Given,
            _ => Source::Stream,
        },
        version: read.number("version")?,
        body: match item.get("body") {
            Some(AttributeValue::S(_)) => Some(read.json("body")?),
            _ => None,
        },
        headline: read.text("headline")?.to_owned(),
        created_at: Millis(read.number("created_at")?),
        updated_at: Millis(read.number("updated_at")?),
        rev: read.number("rev")?,
    })
}
