//! API keys.

use aragora_core::api_keys::ApiKey;
use aragora_core::ids::KeyId;
use aragora_core::stats::UtcDay;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValue};

use super::Identity;
use crate::error::StoreError;
use crate::item::{Item, Reader, json, key, readable, text};

/// How long an expired key stays on the list.
const KEPT_SECONDS: i64 = 30 * 86_400;

/// A key, and what is kept beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredKey {
    /// The key.
    pub key: ApiKey,
    /// What its text is recognised by: a digest in hexadecimal digits.
    pub digest: String,
    /// The day it was last used on.
    pub last_used: Option<UtcDay>,
}

impl Identity {
    /// Stores a new key. One write unit.
    pub async fn put_key(&self, org: &str, stored: &StoredKey) -> Result<(), StoreError> {
        let mut item = key_of(org, &stored.key.id);
        item.insert("doc".to_owned(), text(json(&stored.key)?));
        item.insert("digest".to_owned(), text(&stored.digest));
        if let Some(end) = stored.key.expires_at {
            let gone = end.unix_seconds().saturating_add(KEPT_SECONDS);
            item.insert("expires_at".to_owned(), crate::item::number(gone));
        }
        self.dynamo.put_new(&self.table, item, None).await?;
        Ok(())
    }

    /// A key, as last written. One read unit.
    pub async fn key(&self, org: &str, id: &KeyId) -> Result<Option<StoredKey>, StoreError> {
        let item = self.dynamo.get(&self.table, key_of(org, id), true).await?;
        item.as_ref().map(read_key).transpose()
    }

    /// Up to `limit` of the organisation's keys in the order they were made, from after `after`
    /// on, and the place that more may follow after. One read unit per 4 KB.
    pub async fn keys(
        &self,
        org: &str,
        after: Option<&KeyId>,
        limit: i32,
    ) -> Result<(Vec<StoredKey>, Option<KeyId>), StoreError> {
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk > :after")
            .expression_attribute_values(":pk", text(partition(org)))
            .expression_attribute_values(":after", text(after.map_or("0", KeyId::as_str)))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let next = answer.last_evaluated_key().map(|item| {
            let read = Reader(item);
            KeyId::parse(read.text("sk")?).ok_or_else(|| read.corrupt("sk", "is no id"))
        });
        Ok((readable(answer.items(), read_key), next.transpose()?))
    }

    /// Deletes a key and gives what it was; `None` when there was none. One write unit.
    pub async fn delete_key(&self, org: &str, id: &KeyId) -> Result<Option<StoredKey>, StoreError> {
        let answer = self
            .dynamo
            .client()
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key_of(org, id)))
            .return_values(ReturnValue::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.wrote(answer.consumed_capacity());
        answer.attributes.as_ref().map(read_key).transpose()
    }

    /// Notes that a key was used on a day, unless that is known or the key is gone. One write
    /// unit.
    pub async fn key_used(&self, org: &str, id: &KeyId, day: UtcDay) -> Result<(), StoreError> {
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key_of(org, id)))
            .update_expression("SET last_used = :day")
            .condition_expression(
                "attribute_exists(pk) AND (attribute_not_exists(last_used) OR last_used < :day)",
            )
            .expression_attribute_values(":day", text(day.to_string()));
        self.dynamo.update_if(update).await?;
        Ok(())
    }
}

fn partition(org: &str) -> String {
    format!("{org}#api-keys")
}

fn key_of(org: &str, id: &KeyId) -> Item {
    key(partition(org), id.as_str())
}

fn read_key(item: &Item) -> Result<StoredKey, StoreError> {
    let read = Reader(item);
    Ok(StoredKey {
        key: read.json("doc")?,
        digest: read.text("digest")?.to_owned(),
        last_used: read.maybe_text("last_used").and_then(UtcDay::parse),
    })
}
