//! Several writes that all take effect or none, of one or more tables.
//!
//! The SDK gives each transaction a token of its own and repeats it with that token, so a write
//! whose answer was lost is not done twice: this is how counters stay exact.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata as _};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, Delete, Put, ReturnConsumedCapacity, TransactWriteItem, Update,
};

use crate::dynamo::Dynamo;
use crate::error::StoreError;
use crate::item::Item;

/// How often a transaction is tried again that met another one.
const ROUNDS: u32 = 14;
/// The first pause between two tries, at most; each is up to twice as long, up to [`MOST_MS`].
const FIRST_MS: u64 = 20;
const MOST_MS: u64 = 400;
/// What DynamoDB calls a condition that did not hold.
const REFUSED: &str = "ConditionalCheckFailed";
/// What may go well the next time.
const PASSING: [&str; 5] = [
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "TransactionInProgressException",
    "TransactionConflictException",
];

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Transacted {
    /// All of it took effect.
    Done,
    /// None did, because these conditions did not hold: places in the order of the writes.
    Refused(Vec<usize>),
}

/// The writes of one transaction: at most a hundred.
#[derive(Debug, Default)]
pub(crate) struct Writes(Vec<TransactWriteItem>);

/// An update: its expression, its condition, and what stands for what in both.
#[derive(Debug)]
pub(crate) struct Updating<'a> {
    pub(crate) expression: String,
    pub(crate) condition: Option<&'a str>,
    pub(crate) values: Vec<(&'a str, AttributeValue)>,
}

impl Writes {
    /// Puts an item over whatever is there.
    pub(crate) fn put(&mut self, table: &str, item: Item) -> Result<(), StoreError> {
        let put = Put::builder().table_name(table).set_item(Some(item)).build().map_err(unbuilt)?;
        self.0.push(TransactWriteItem::builder().put(put).build());
        Ok(())
    }

    /// Puts an item where there is none, and gives its place.
    pub(crate) fn put_new(&mut self, table: &str, item: Item) -> Result<usize, StoreError> {
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(unbuilt)?;
        self.0.push(TransactWriteItem::builder().put(put).build());
        Ok(self.0.len().saturating_sub(1))
    }

    /// Updates an item, and gives its place.
    pub(crate) fn update(
        &mut self,
        table: &str,
        key: Item,
        updating: Updating<'_>,
    ) -> Result<usize, StoreError> {
        let values = updating.values.into_iter().map(|(name, value)| (name.to_owned(), value));
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(key))
            .update_expression(updating.expression)
            .set_condition_expression(updating.condition.map(ToOwned::to_owned))
            .set_expression_attribute_values(Some(values.collect()))
            .build()
            .map_err(unbuilt)?;
        self.0.push(TransactWriteItem::builder().update(update).build());
        Ok(self.0.len().saturating_sub(1))
    }

    /// Deletes what is there, if anything is.
    pub(crate) fn delete(&mut self, table: &str, key: Item) -> Result<(), StoreError> {
        let delete =
            Delete::builder().table_name(table).set_key(Some(key)).build().map_err(unbuilt)?;
        self.0.push(TransactWriteItem::builder().delete(delete).build());
        Ok(())
    }
}

impl Dynamo {
    /// Makes all of the writes or none: two write units per KB of each. One that meets another
    /// transaction on the same item is tried again, for about three seconds.
    pub(crate) async fn transact(&self, writes: Writes) -> Result<Transacted, StoreError> {
        for round in 0..ROUNDS {
            pause_before(round).await;
            let sent = self
                .client()
                .transact_write_items()
                .set_transact_items(Some(writes.0.clone()))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let error = match sent {
                Ok(answer) => {
                    self.wrote(answer.consumed_capacity());
                    return Ok(Transacted::Done);
                }
                Err(error) => error,
            };
            let codes: Vec<String> = match error.as_service_error() {
                Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => cancelled
                    .cancellation_reasons()
                    .iter()
                    .map(|reason| reason.code().unwrap_or_default().to_owned())
                    .collect(),
                Some(other) => vec![other.code().unwrap_or_default().to_owned()],
                None => vec![],
            };
            let refused: Vec<usize> = codes
                .iter()
                .enumerate()
                .filter(|(_, code)| *code == REFUSED)
                .map(|(at, _)| at)
                .collect();
            if !refused.is_empty() {
                return Ok(Transacted::Refused(refused));
            }
            if !codes.iter().any(|code| PASSING.contains(&code.as_str())) {
                return Err(StoreError::from_sdk(error));
            }
        }
        Err(StoreError::Throttled)
    }
}

fn unbuilt(error: BuildError) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

/// Waits before a further try: any time up to 20 ms, doubling. Of many that met, each waits for
/// another time.
async fn pause_before(round: u32) {
    let Some(doublings) = round.checked_sub(1) else { return };
    let most = FIRST_MS.checked_shl(doublings).unwrap_or(MOST_MS).min(MOST_MS);
    // The standard library's hasher starts from random keys: enough to tell writers apart.
    let spread = RandomState::new().hash_one(round) % most;
    tokio::time::sleep(Duration::from_millis(spread + 1)).await;
}
