//! Building and reading items without a derive layer: the items have few attributes, and their
//! names and sizes are the bill.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, PutRequest, WriteRequest};

use crate::error::StoreError;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A string attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number attribute.
pub(crate) fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(format!("{value}"))
}

/// A key of a table whose keys are `pk` and `sk`.
pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    HashMap::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// A put in a batch of writes.
pub(crate) fn put(item: Item) -> WriteRequest {
    // The builder only fails without an item.
    WriteRequest::builder()
        .set_put_request(PutRequest::builder().set_item(Some(item)).build().ok())
        .build()
}

/// A delete in a batch of writes.
pub(crate) fn delete(key: Item) -> WriteRequest {
    WriteRequest::builder()
        .set_delete_request(DeleteRequest::builder().set_key(Some(key)).build().ok())
        .build()
}

/// Reads attributes of one item, naming item and attribute when one is not as expected.
pub(crate) struct Reader<'a>(pub(crate) &'a Item);

impl Reader<'_> {
    pub(crate) fn text(&self, name: &str) -> Result<&str, StoreError> {
        self.maybe_text(name).ok_or_else(|| self.corrupt(name, "is no string"))
    }

    pub(crate) fn maybe_text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.maybe_number(name).ok_or_else(|| self.corrupt(name, "is no number that fits"))
    }

    pub(crate) fn maybe_number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        serde_json::from_str(self.text(name)?)
            .map_err(|error| self.corrupt(name, &error.to_string()))
    }

    pub(crate) fn corrupt(&self, name: &str, what: &str) -> StoreError {
        let part = |name| self.maybe_text(name).unwrap_or("?");
        StoreError::Corrupt {
            key: format!("{}/{}", part("pk"), part("sk")),
            what: format!("`{name}` {what}"),
        }
    }
}

/// What can be read of a batch. One damaged item must not stand in the way of all others: it is
/// logged and left out.
pub(crate) fn readable<T>(items: &[Item], read: impl Fn(&Item) -> Result<T, StoreError>) -> Vec<T> {
    let logged = |item| {
        let log = |error: &StoreError| {
            tracing::error!(error = error as &dyn std::error::Error, "an item is left out");
        };
        read(item).inspect_err(log).ok()
    };
    items.iter().filter_map(logged).collect()
}

/// JSON text of one of our own types.
///
/// # Errors
/// None for the types of this workspace, whose maps have string keys.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unavailable(Box::new(error)))
}

/// Bytes that DynamoDB bills an item by: names and values, numbers at about half their digits.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
pub(crate) fn billed_bytes<'a>(
    attributes: impl IntoIterator<Item = (&'a str, &'a AttributeValue)>,
) -> usize {
    attributes.into_iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len() / 2 + 2,
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        _ => 1,
    }
}
