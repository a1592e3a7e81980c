//! Calls that every table shares: batches that finish what DynamoDB left undone.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aragora_core::cost::Meter;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    BatchStatementError, BatchStatementErrorCodeEnum as Code, BatchStatementRequest,
    ConsumedCapacity, KeysAndAttributes, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, WriteRequest,
};
use futures_util::future::try_join_all;

use crate::error::StoreError;
use crate::item::{Item, number};

/// Items in one `BatchWriteItem`, and statements in one `BatchExecuteStatement`.
const WRITE_BATCH: usize = 25;
/// Keys in one `BatchGetItem`.
const GET_BATCH: usize = 100;
/// Rounds in which what a batch left undone is tried again.
const ROUNDS: u32 = 5;

type Build = Box<dyn FnOnce() -> Client + Send>;

/// The client, built at first use so that a process reaches its first poll sooner, and the meter
/// that everything it does is counted on.
#[derive(Debug, Clone)]
pub struct Dynamo {
    client: Arc<LazyLock<Client, Build>>,
    meter: Arc<Meter>,
}

/// What became of one statement of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Executed {
    /// It took effect.
    Done,
    /// Its condition did not hold, or the item was already there.
    Refused,
}

/// What became of an update under a condition, with the whole item.
#[derive(Debug)]
pub(crate) enum Updated {
    /// It took effect.
    Done(Item),
    /// Its condition did not hold.
    Refused(Item),
}

impl Dynamo {
    /// Calls that are made with the client that `build` makes and counted on `meter`.
    pub fn new(build: impl FnOnce() -> Client + Send + 'static, meter: Arc<Meter>) -> Self {
        Self { client: Arc::new(LazyLock::new(Box::new(build))), meter }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Counts a write by what DynamoDB charged.
    pub(crate) fn wrote<'a>(&self, capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.meter.wrote(units(capacity));
    }

    /// Counts a read by what DynamoDB charged.
    pub(crate) fn read<'a>(&self, capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        self.meter.read(units(capacity));
    }

    /// One item. A read unit per 4 KB of it when `consistent`, which sees every write that has been
    /// acknowledged; otherwise half of that.
    pub(crate) async fn get(
        &self,
        table: &str,
        key: Item,
        consistent: bool,
    ) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client()
            .get_item()
            .table_name(table)
            .set_key(Some(key))
            .consistent_read(consistent)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.read(answer.consumed_capacity());
        Ok(answer.item)
    }

    /// Puts an item unless one is there; one whose `at` is before `or_before` is written over.
    /// Gives back the item that stood in the way.
    pub(crate) async fn put_new(
        &self,
        table: &str,
        item: Item,
        or_before: Option<Millis>,
    ) -> Result<Option<Item>, StoreError> {
        let put = self
            .client()
            .put_item()
            .table_name(table)
            .set_item(Some(item))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let put = match or_before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(time) => put
                .condition_expression("attribute_not_exists(pk) OR #at < :before")
                .expression_attribute_names("#at", "at")
                .expression_attribute_values(":before", number(time.0)),
        };
        match put.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(None)
            }
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Some(refused.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::from_sdk(error)),
            },
        }
    }

    /// Puts an item over the one whose `rev` is `rev`, or where there is none when that is 0; gives
    /// back whether it is stored. `false` when somebody else was faster. The SDK repeats a write
    /// whose answer was lost, and then meets its own: that is stored.
    pub(crate) async fn put_over(
        &self,
        table: &str,
        item: Item,
        rev: u64,
    ) -> Result<bool, StoreError> {
        let put = self
            .client()
            .put_item()
            .table_name(table)
            .set_item(Some(item.clone()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let put = if rev == 0 {
            put.condition_expression("attribute_not_exists(pk)")
        } else {
            put.condition_expression("rev = :seen")
                .expression_attribute_values(":seen", number(rev))
        };
        match put.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(true)
            }
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(refused.item.as_ref() == Some(&item))
                }
                _ => Err(StoreError::from_sdk(error)),
            },
        }
    }

    /// Runs an update under its condition; gives back whether that held.
    pub(crate) async fn update_if(
        &self,
        update: UpdateItemFluentBuilder,
    ) -> Result<bool, StoreError> {
        match update.return_consumed_capacity(ReturnConsumedCapacity::Total).send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(true)
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(StoreError::from_sdk(error)),
            },
        }
    }

    /// Runs an update under its condition; gives back the item as it is then, or as it stood in the
    /// way (empty when there is none).
    pub(crate) async fn update_to(
        &self,
        update: UpdateItemFluentBuilder,
    ) -> Result<Updated, StoreError> {
        let update = update
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(answer) => {
                self.wrote(answer.consumed_capacity());
                Ok(Updated::Done(answer.attributes.unwrap_or_default()))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(Updated::Refused(refused.item.clone().unwrap_or_default()))
                }
                _ => Err(StoreError::from_sdk(error)),
            },
        }
    }

    /// Puts and deletes items of one table, 25 a request, until all are done.
    pub(crate) async fn write_all(
        &self,
        table: &str,
        requests: Vec<WriteRequest>,
    ) -> Result<(), StoreError> {
        try_join_all(
            requests.chunks(WRITE_BATCH).map(|chunk| self.write_chunk(table, chunk.to_vec())),
        )
        .await?;
        Ok(())
    }

    async fn write_chunk(
        &self,
        table: &str,
        mut left: Vec<WriteRequest>,
    ) -> Result<(), StoreError> {
        for round in 0..ROUNDS {
            pause_before(round).await;
            let answer = self
                .client()
                .batch_write_item()
                .request_items(table, left)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            self.wrote(answer.consumed_capacity());
            left = answer.unprocessed_items.unwrap_or_default().remove(table).unwrap_or_default();
            if left.is_empty() {
                return Ok(());
            }
        }
        Err(StoreError::Incomplete(left.len()))
    }

    /// Reads items by key, 100 a request, until all have been read; order is not kept. Keys must
    /// differ from each other.
    pub(crate) async fn get_all(
        &self,
        table: &str,
        keys: Vec<Item>,
        read: BatchRead<'_>,
    ) -> Result<Vec<Item>, StoreError> {
        let chunks = try_join_all(
            keys.chunks(GET_BATCH).map(|chunk| self.get_chunk(table, chunk.to_vec(), read)),
        )
        .await?;
        Ok(chunks.into_iter().flatten().collect())
    }

    async fn get_chunk(
        &self,
        table: &str,
        keys: Vec<Item>,
        read: BatchRead<'_>,
    ) -> Result<Vec<Item>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        let mut left = keys;
        for round in 0..ROUNDS {
            pause_before(round).await;
            let wanted = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .consistent_read(read.consistent)
                .set_projection_expression(read.only.map(ToOwned::to_owned))
                .build()
                .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            let answer = self
                .client()
                .batch_get_item()
                .request_items(table, wanted)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            self.read(answer.consumed_capacity());
            found.extend(answer.responses.unwrap_or_default().remove(table).unwrap_or_default());
            left = answer
                .unprocessed_keys
                .unwrap_or_default()
                .remove(table)
                .map(|it| it.keys)
                .unwrap_or_default();
            if left.is_empty() {
                return Ok(found);
            }
        }
        Err(StoreError::Incomplete(left.len()))
    }

    /// Runs writing statements, 25 a request, each on its own: there is no order among them and
    /// no atomicity, but each has its own condition. `least_units` is what their sizes come to;
    /// more is counted when DynamoDB says so.
    pub(crate) async fn execute_all(
        &self,
        statements: Vec<BatchStatementRequest>,
        least_units: f64,
    ) -> Result<Vec<Result<Executed, StoreError>>, StoreError> {
        let share =
            least_units / f64::from(u32::try_from(statements.len().max(1)).unwrap_or(u32::MAX));
        let chunks = statements.chunks(WRITE_BATCH).map(|chunk| self.execute_chunk(chunk, share));
        Ok(try_join_all(chunks).await?.into_iter().flatten().collect())
    }

    async fn execute_chunk(
        &self,
        statements: &[BatchStatementRequest],
        least_units_each: f64,
    ) -> Result<Vec<Result<Executed, StoreError>>, StoreError> {
        let mut results: Vec<_> = statements.iter().map(|_| Err(StoreError::Throttled)).collect();
        let mut left: Vec<usize> = (0..statements.len()).collect();
        for round in 0..ROUNDS {
            pause_before(round).await;
            let batch = left.iter().filter_map(|&at| statements.get(at).cloned()).collect();
            let answer = self
                .client()
                .batch_execute_statement()
                .set_statements(Some(batch))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
                .map_err(StoreError::from_sdk)?;
            let least = least_units_each * f64::from(u32::try_from(left.len()).unwrap_or(u32::MAX));
            self.meter.wrote(units(answer.consumed_capacity()).max(least));
            let outcomes: Vec<_> =
                answer.responses().iter().map(|response| classify(response.error())).collect();
            if outcomes.len() != left.len() {
                return Err(StoreError::Incomplete(left.len()));
            }
            for (at, outcome) in left.iter().zip(outcomes) {
                if let Some(slot) = results.get_mut(*at) {
                    *slot = outcome;
                }
            }
            left.retain(|&at| matches!(results.get(at), Some(Err(StoreError::Throttled))));
            if left.is_empty() {
                break;
            }
        }
        Ok(results)
    }
}

/// How a batch of items is to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchRead<'a> {
    /// At twice the price, see every write that has been acknowledged.
    pub(crate) consistent: bool,
    /// A projection expression, when not the whole item is wanted.
    pub(crate) only: Option<&'a str>,
}

fn classify(error: Option<&BatchStatementError>) -> Result<Executed, StoreError> {
    let Some(error) = error else { return Ok(Executed::Done) };
    match error.code() {
        Some(Code::ConditionalCheckFailed | Code::DuplicateItem) => Ok(Executed::Refused),
        Some(
            Code::ThrottlingError
            | Code::ProvisionedThroughputExceeded
            | Code::RequestLimitExceeded
            | Code::TransactionConflict
            | Code::InternalServerError,
        ) => Err(StoreError::Throttled),
        code => Err(StoreError::Unavailable(
            format!("{code:?}: {}", error.message().unwrap_or("no message")).into(),
        )),
    }
}

fn units<'a>(capacity: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    capacity.into_iter().filter_map(|table| table.capacity_units).sum()
}

/// Waits before a further round: 50 ms, doubling. The SDK has its own retries for whole calls;
/// this is for what a successful call left undone.
async fn pause_before(round: u32) {
    if let Some(doublings) = round.checked_sub(1) {
        tokio::time::sleep(Duration::from_millis(50 << doublings)).await;
    }
}
