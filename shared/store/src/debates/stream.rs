//! Events of debates under way.

use aragora_core::ids::DebateId;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementRequest, ReturnConsumedCapacity};

use super::{Debates, pk};
use crate::dynamo::Executed;
use crate::error::StoreError;
use crate::item::{Item, Reader, text};
use crate::packed::{pack, unpack};

/// The most events that the stream of one debate may have, repeats counted.
pub const MAX_STREAM_EVENTS: u64 = 20_000;
/// The most bytes that they may have together, repeats counted: what a record may have.
pub const MAX_STREAM_BYTES: u64 = 4 * 1_024 * 1_024;
/// The most bytes of one event: what surely fits into an item, packed or not.
pub const MAX_EVENT_BYTES: usize = 300 * 1_024;
const PREFIX: &str = "event#";
const PACKED: &str = "z";

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamItem {
    /// What makes another one a repeat of it, safe as part of a key.
    pub key: String,
    /// The event, as JSON that the store does not look into.
    pub doc: String,
}

impl Debates {
    /// Stores events of a debate, each unless one with its key is there; says of each whether it is
    /// new. A write unit per KB, a request for 25. Doing it twice changes nothing, and says so.
    pub async fn put_events(
        &self,
        org: &str,
        id: &DebateId,
        items: &[StreamItem],
    ) -> Result<Vec<bool>, StoreError> {
        let statements =
            items.iter().map(|item| self.insert(org, id, item)).collect::<Result<Vec<_>, _>>()?;
        let least = f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX));
        let outcomes = self.dynamo.execute_all(statements, least).await?;
        outcomes.into_iter().map(|outcome| Ok(outcome? == Executed::Done)).collect()
    }

    fn insert(
        &self,
        org: &str,
        id: &DebateId,
        item: &StreamItem,
    ) -> Result<BatchStatementRequest, StoreError> {
        let sort = format!("{PREFIX}{}", item.key);
        let packed = pack(&item.doc).map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let packed = AttributeValue::B(Blob::new(packed));
        BatchStatementRequest::builder()
            .statement(format!(
                "INSERT INTO \"{}\" VALUE {{'pk': ?, 'sk': ?, '{PACKED}': ?}}",
                self.table
            ))
            .set_parameters(Some(vec![text(pk(org, id)), text(sort), packed]))
            .build()
            .map_err(|error| StoreError::Unavailable(Box::new(error)))
    }

    /// Every event of a debate, in the order of their keys, as last written: at most
    /// [`MAX_STREAM_BYTES`]. A read unit per 4 KB.
    pub async fn events(&self, org: &str, id: &DebateId) -> Result<Vec<StreamItem>, StoreError> {
        let (mut items, mut start) = (Vec::new(), None);
        loop {
            let answer = self
                .dynamo
                .client()
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
                .expression_attribute_values(":pk", text(pk(org, id)))
                .expression_attribute_values(":prefix", text(PREFIX))
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            self.dynamo.read(answer.consumed_capacity());
            for item in answer.items() {
                items.push(read_event(item)?);
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(items);
            }
        }
    }
}

fn read_event(item: &Item) -> Result<StreamItem, StoreError> {
    let read = Reader(item);
    let most = u64::try_from(MAX_EVENT_BYTES).unwrap_or(u64::MAX);
    let doc = match item.get(PACKED) {
        Some(AttributeValue::B(packed)) => unpack(packed.as_ref(), most).ok(),
        _ => None,
    };
    Ok(StreamItem {
        key: read.text("sk")?.trim_start_matches(PREFIX).to_owned(),
        doc: doc.ok_or_else(|| read.corrupt(PACKED, "cannot be unpacked"))?,
    })
}
