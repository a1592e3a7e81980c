//! Receipts by key: read in batches, written in batches under a condition each.

use aragora_core::delivery::Receipt;
use aragora_core::ids::{DeliveryId, WebhookId};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementRequest, ReturnConsumedCapacity};

use super::{Receipts, partition};
use crate::dynamo::{BatchRead, Executed};
use crate::error::StoreError;
use crate::item::{Item, Reader, billed_bytes, json, key, number, readable, text};
use crate::shard_of;

const INDEX_DUE: &str = "due";

/// The key of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReceiptKey {
    /// Whose it is.
    pub org: String,
    /// The webhook it goes to.
    pub webhook_id: WebhookId,
    /// The delivery.
    pub delivery_id: DeliveryId,
}

/// A receipt and the revision it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Whose it is.
    pub org: String,
    /// The receipt.
    pub receipt: Receipt,
    /// Goes up with every write.
    pub rev: u64,
    /// Whether it is in the index of what waits.
    pub watched: bool,
}

/// A receipt to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteReceipt {
    /// Whose it is.
    pub org: String,
    /// Its new content.
    pub receipt: Receipt,
    /// What it must be written over; `None` when there must be none.
    pub over: Option<Over>,
    /// When the sweep is to look at it.
    pub watch_at: Option<Millis>,
    /// When it leaves the table, in Unix seconds.
    pub expires_at: i64,
}

/// What a write expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// The revision.
    pub rev: u64,
    /// Whether the item is in the index of what waits, and has to be taken out.
    pub watched: bool,
}

/// What came of one write.
#[derive(Debug)]
pub enum WriteOutcome {
    /// It is stored, with this revision.
    Written(u64),
    /// Something else is there. Also the answer when the SDK repeated a write whose answer was
    /// lost: what is there then is what was to be written.
    Refused,
    /// It is not known to be stored.
    Failed(StoreError),
}

/// An entry of the index of what waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The receipt.
    pub key: ReceiptKey,
    /// When it was to be looked at.
    pub due_at: Millis,
}

impl StoredReceipt {
    /// What a write over this receipt expects.
    pub const fn over(&self) -> Over {
        Over { rev: self.rev, watched: self.watched }
    }

    /// Its key.
    pub fn key(&self) -> ReceiptKey {
        ReceiptKey::new(&self.org, &self.receipt.webhook_id, &self.receipt.delivery_id)
    }
}

impl ReceiptKey {
    /// The key of a delivery of `org` to a webhook.
    pub fn new(org: &str, webhook_id: &WebhookId, delivery_id: &DeliveryId) -> Self {
        Self {
            org: org.to_owned(),
            webhook_id: webhook_id.clone(),
            delivery_id: delivery_id.clone(),
        }
    }

    pub(super) fn item(&self) -> Item {
        key(partition(&self.org, &self.webhook_id), row_sk(&self.delivery_id))
    }
}

pub(super) fn row_sk(id: &DeliveryId) -> String {
    format!("D#{id}")
}

impl Receipts {
    /// Those of the receipts that are there, in any order, as last written. One read unit per
    /// 4 KB of each; 100 a request.
    pub async fn get_many(&self, keys: &[ReceiptKey]) -> Result<Vec<StoredReceipt>, StoreError> {
        let distinct: std::collections::HashSet<_> = keys.iter().collect();
        let keys = distinct.into_iter().map(ReceiptKey::item).collect();
        let items = self
            .dynamo
            .get_all(&self.table, keys, BatchRead { consistent: true, only: None })
            .await?;
        Ok(readable(&items, read_receipt))
    }

    /// Writes receipts, each only over what it expects; the outcomes are in the same order. One
    /// write unit per KB of each, and one more for each entry that the index gains or loses; 25 a
    /// request.
    ///
    /// # Errors
    /// When nothing at all is known of the batch.
    pub async fn write_many(
        &self,
        writes: &[WriteReceipt],
    ) -> Result<Vec<WriteOutcome>, StoreError> {
        if writes.is_empty() {
            return Ok(vec![]);
        }
        let mut statements = Vec::with_capacity(writes.len());
        let mut least = 0;
        for write in writes {
            let (statement, units) = self.statement(write)?;
            statements.push(statement);
            least += units;
        }
        let outcomes = self.dynamo.execute_all(statements, f64::from(least)).await?;
        let as_outcome =
            |(write, outcome): (&WriteReceipt, Result<Executed, StoreError>)| match outcome {
                Ok(Executed::Done) => WriteOutcome::Written(write.next_rev()),
                Ok(Executed::Refused) => WriteOutcome::Refused,
                Err(error) => WriteOutcome::Failed(error),
            };
        Ok(writes.iter().zip(outcomes).map(as_outcome).collect())
    }

    fn statement(&self, write: &WriteReceipt) -> Result<(BatchStatementRequest, u32), StoreError> {
        let attributes = write.attributes()?;
        let pk = text(partition(&write.org, &write.receipt.webhook_id));
        let sk = text(row_sk(&write.receipt.delivery_id));
        let bytes = billed_bytes(attributes.iter().map(|(name, value)| (*name, value)))
            + billed_bytes([("pk", &pk), ("sk", &sk)]);
        let leaves_index = write.over.is_some_and(|over| over.watched);
        let units = u32::try_from(bytes.div_ceil(1_024)).unwrap_or(u32::MAX)
            + u32::from(leaves_index)
            + u32::from(write.watch_at.is_some());
        let (statement, parameters) = match write.over {
            None => insert(&self.table, pk, sk, attributes),
            Some(over) => update(&self.table, pk, sk, attributes, over, write.watch_at.is_none()),
        };
        let request = BatchStatementRequest::builder()
            .statement(statement)
            .set_parameters(Some(parameters))
            .build()
            .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        Ok((request, units))
    }

    /// What waits and was to be looked at before `before`, of one shard, longest overdue first.
    /// Half a read unit per 4 KB. Eventually consistent: what was just written may be missing.
    pub async fn due_before(
        &self,
        shard: u8,
        before: Millis,
        limit: i32,
    ) -> Result<Vec<Due>, StoreError> {
        let answer = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .index_name(INDEX_DUE)
            .key_condition_expression("due_shard = :shard AND due_at < :before")
            .expression_attribute_values(":shard", text(shard.to_string()))
            .expression_attribute_values(":before", number(before.0))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        Ok(readable(answer.items(), read_due))
    }
}

impl WriteReceipt {
    const fn next_rev(&self) -> u64 {
        match self.over {
            None => 1,
            Some(over) => over.rev.saturating_add(1),
        }
    }

    /// All attributes but the key, in the order in which statements name them.
    fn attributes(&self) -> Result<Vec<(&'static str, AttributeValue)>, StoreError> {
        let receipt = &self.receipt;
        let mut attributes = vec![
            ("st", text(receipt.state.status.as_str())),
            ("ty", text(&receipt.event_type)),
            ("doc", text(json(receipt)?)),
            ("rev", number(self.next_rev())),
            ("expires_at", number(self.expires_at)),
        ];
        if let Some(at) = self.watch_at {
            attributes
                .push(("due_shard", text(shard_of(receipt.delivery_id.as_str()).to_string())));
            attributes.push(("due_at", number(at.0)));
        }
        Ok(attributes)
    }
}

type Statement = (String, Vec<AttributeValue>);

fn insert(
    table: &str,
    pk: AttributeValue,
    sk: AttributeValue,
    attributes: Vec<(&str, AttributeValue)>,
) -> Statement {
    let mut statement = format!("INSERT INTO \"{table}\" VALUE {{'pk': ?, 'sk': ?");
    let mut parameters = vec![pk, sk];
    for (name, value) in attributes {
        statement.extend([", '", name, "': ?"]);
        parameters.push(value);
    }
    statement.push('}');
    (statement, parameters)
}

fn update(
    table: &str,
    pk: AttributeValue,
    sk: AttributeValue,
    attributes: Vec<(&str, AttributeValue)>,
    over: Over,
    unwatch: bool,
) -> Statement {
    let mut statement = format!("UPDATE \"{table}\"");
    let mut parameters = Vec::with_capacity(attributes.len() + 3);
    for (name, value) in attributes {
        statement.extend([" SET ", name, " = ?"]);
        parameters.push(value);
    }
    if unwatch && over.watched {
        statement.push_str(" REMOVE due_shard REMOVE due_at");
    }
    statement.push_str(" WHERE pk = ? AND sk = ? AND rev = ?");
    parameters.extend([pk, sk, number(over.rev)]);
    (statement, parameters)
}

pub(super) fn read_receipt(item: &Item) -> Result<StoredReceipt, StoreError> {
    let read = Reader(item);
    Ok(StoredReceipt {
        org: read.text("pk")?.split('#').next().unwrap_or_default().to_owned(),
        receipt: read.json("doc")?,
        rev: read.number("rev")?,
        watched: item.contains_key("due_at"),
    })
}

fn read_due(item: &Item) -> Result<Due, StoreError> {
    let read = Reader(item);
    let (pk, sk) = (read.text("pk")?, read.text("sk")?);
    let parts = || {
        let (org, webhook) = pk.split_once('#')?;
        let delivery_id = DeliveryId::parse(sk.strip_prefix("D#")?)?;
        Some(ReceiptKey {
            org: org.to_owned(),
            webhook_id: WebhookId::parse(webhook)?,
            delivery_id,
        })
    };
    let key = parts().ok_or_else(|| StoreError::Corrupt {
        key: format!("{pk}/{sk}"),
        what: "the key has no ids".to_owned(),
    })?;
    Ok(Due { key, due_at: Millis(read.number("due_at")?) })
}
