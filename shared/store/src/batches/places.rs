//! Which of an organisation's jobs are under way, and which wait.

use aragora_core::batch::Priority;
use aragora_core::ids::BatchId;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use super::{Batches, KEPT_SECONDS};
use crate::error::StoreError;
use crate::item::{Item, Reader, key, number, readable, text};

/// Sort key of the places of an organisation.
const PLACES: &str = "places";

/// A job in an organisation's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The job.
    pub id: BatchId,
    /// Its place in the line.
    place: String,
}

impl Waiting {
    /// A job of this priority, behind those that were made before it.
    pub fn new(id: BatchId, priority: Priority) -> Self {
        Self { place: format!("{}#{id}", priority.rank()), id }
    }
}

impl Batches {
    /// Takes one of an organisation's `most` places for a job; gives back whether it has one now. A
    /// job that has one keeps it. One write unit, also when there is none.
    pub async fn take_place(&self, org: &str, id: &BatchId, most: u32) -> Result<bool, StoreError> {
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(places(org)))
            .update_expression("ADD jobs :these")
            .condition_expression(
                "attribute_not_exists(jobs) OR size(jobs) < :most OR contains(jobs, :this)",
            )
            .expression_attribute_values(":these", AttributeValue::Ss(vec![id.to_string()]))
            .expression_attribute_values(":this", text(id.as_str()))
            .expression_attribute_values(":most", number(most));
        self.dynamo.update_if(update).await
    }

    /// Gives a job's place back. One write unit. Doing it twice changes nothing.
    pub async fn give_place(&self, org: &str, id: &BatchId) -> Result<(), StoreError> {
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(places(org)))
            .update_expression("DELETE jobs :these")
            .expression_attribute_values(":these", AttributeValue::Ss(vec![id.to_string()]));
        self.dynamo.update_if(update).await.map(drop)
    }

    /// Puts a job, made at `created_at`, into the line. One write unit. Doing it twice changes
    /// nothing.
    pub async fn wait(
        &self,
        org: &str,
        waiting: &Waiting,
        created_at: Millis,
    ) -> Result<(), StoreError> {
        let mut item = line(org, waiting);
        let expires_at = created_at.unix_seconds() + KEPT_SECONDS;
        item.insert("expires_at".to_owned(), number(expires_at));
        self.dynamo.put_new(&self.table, item, None).await.map(drop)
    }

    /// Takes a job out of the line. One write unit. Doing it twice changes nothing.
    pub async fn stop_waiting(&self, org: &str, waiting: &Waiting) -> Result<(), StoreError> {
        let deleted = self
            .dynamo
            .client()
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(line(org, waiting)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.wrote(deleted.consumed_capacity());
        Ok(())
    }

    /// The job whose turn it is: of the highest priority the oldest, as last written. One read
    /// unit.
    pub async fn next_waiting(&self, org: &str) -> Result<Option<Waiting>, StoreError> {
        let answer = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(format!("{org}#waiting")))
            .limit(1)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        Ok(readable(answer.items(), read_waiting).pop())
    }
}

fn places(org: &str) -> Item {
    key(format!("{org}#places"), PLACES)
}

fn line(org: &str, waiting: &Waiting) -> Item {
    key(format!("{org}#waiting"), &waiting.place)
}

fn read_waiting(item: &Item) -> Result<Waiting, StoreError> {
    let read = Reader(item);
    let place = read.text("sk")?;
    let id = place.split_once('#').and_then(|(_, id)| BatchId::parse(id));
    Ok(Waiting { id: id.ok_or_else(|| read.corrupt("sk", "has no id"))?, place: place.to_owned() })
}
