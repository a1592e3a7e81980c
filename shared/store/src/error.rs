//! What can go wrong with a table, told apart by what the caller can do about it.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use thiserror::Error;

/// A failed call to DynamoDB.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Throttled beyond the retries: try later.
    #[error("the table is throttled")]
    Throttled,
    /// The call failed, or its answer did not come: it may have taken effect.
    #[error("the table did not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Some items of a batch stayed undone after all retries.
    #[error("{0} items of a batch stayed undone")]
    Incomplete(usize),
    /// An item is not as this program writes it.
    #[error("the stored item {key} cannot be read: {what}")]
    Corrupt {
        /// Partition and sort key.
        key: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Codes by which DynamoDB says "too fast".
const THROTTLED: [&str; 4] = [
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingError",
];

impl StoreError {
    /// Sorts an SDK error that is not a failed condition.
    pub(crate) fn from_sdk<E, R>(error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        match error.code() {
            Some(code) if THROTTLED.contains(&code) => Self::Throttled,
            _ => Self::Unavailable(Box::new(error)),
        }
    }
}
