//! Downloads: counted exactly, by user and by day.

use aragora_core::ids::TemplateId;
use aragora_core::marketplace::trend::{Downloads, day, hour};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::AttributeValue;

use super::Marketplace;
use super::items::{card_key, downloader_key, trend_key};
use crate::error::StoreError;
use crate::item::{Item, number};
use crate::transact::{Transacted, Updating, Writes};

/// A download.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    /// Of what.
    pub id: &'a TemplateId,
    /// By whom: organisation and user.
    pub by: (&'a str, &'a str),
    /// Which version.
    pub version: &'a str,
    /// When.
    pub at: Millis,
}

impl Marketplace {
    /// Counts a download of a published template, for its total, for the hour and the day, and for
    /// the user: once, also when the SDK repeats the call. `false` when it is not published. Six
    /// write units: two for each of three items.
    pub async fn count_download(&self, it: Download<'_>) -> Result<bool, StoreError> {
        let one = || number(1);
        let templates = &self.tables.templates;
        let mut writes = Writes::default();
        let total = Updating {
            expression: "ADD downloads :one".to_owned(),
            condition: Some("live = :yes"),
            values: vec![(":one", one()), (":yes", AttributeValue::Bool(true))],
        };
        writes.update(templates, card_key(it.id), total)?;
        let buckets = Updating {
            expression: format!("ADD h{} :one, d{} :one", hour(it.at), day(it.at)),
            condition: None,
            values: vec![(":one", one())],
        };
        writes.update(templates, trend_key(it.id), buckets)?;
        let version = AttributeValue::Ss(vec![it.version.to_owned()]);
        let user = Updating {
            expression: "SET last_at = :now ADD n :one, versions :version".to_owned(),
            condition: None,
            values: vec![(":now", number(it.at.0)), (":one", one()), (":version", version)],
        };
        let (org, name) = it.by;
        writes.update(templates, downloader_key(it.id, org, name), user)?;
        Ok(self.dynamo.transact(writes).await? == Transacted::Done)
    }

    /// The versions of a template that a user downloaded. One read unit.
    pub async fn downloaded(
        &self,
        id: &TemplateId,
        (org, user): (&str, &str),
    ) -> Result<Vec<String>, StoreError> {
        let key = downloader_key(id, org, user);
        let item = self.dynamo.get(&self.tables.templates, key, true).await?;
        let versions = |item: Item| item.get("versions")?.as_ss().ok().cloned();
        Ok(item.and_then(versions).unwrap_or_default())
    }

    /// Downloads of a template by hour and day, as last written. One read unit.
    pub async fn recent_downloads(&self, id: &TemplateId) -> Result<Downloads, StoreError> {
        let item = self.dynamo.get(&self.tables.templates, trend_key(id), true).await?;
        Ok(item.as_ref().map(read_downloads).unwrap_or_default())
    }

    /// The same of several templates, in their order. Half a read unit each; eventually consistent.
    pub async fn recent_downloads_of(
        &self,
        ids: &[TemplateId],
    ) -> Result<Vec<Downloads>, StoreError> {
        let read = crate::dynamo::BatchRead { consistent: false, only: None };
        let keys = ids.iter().map(trend_key).collect();
        let items = self.dynamo.get_all(&self.tables.templates, keys, read).await?;
        let is_of = |item: &&Item, id: &TemplateId| {
            item.get("pk").and_then(|pk| pk.as_s().ok()).is_some_and(|pk| pk == id.as_str())
        };
        let of = |id: &TemplateId| items.iter().find(|item| is_of(item, id));
        Ok(ids.iter().map(|id| of(id).map(read_downloads).unwrap_or_default()).collect())
    }

    /// Forgets the counts of hours and days that nobody asks for any more. One write unit.
    pub async fn forget_downloads(
        &self,
        id: &TemplateId,
        (hours, days): &(Vec<i64>, Vec<i64>),
    ) -> Result<(), StoreError> {
        let hours = hours.iter().map(|hour| format!("h{hour}"));
        let names: Vec<String> = hours.chain(days.iter().map(|day| format!("d{day}"))).collect();
        if names.is_empty() {
            return Ok(());
        }
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.tables.templates)
            .set_key(Some(trend_key(id)))
            .update_expression(format!("REMOVE {}", names.join(", ")))
            .condition_expression("attribute_exists(pk)");
        self.dynamo.update_if(update).await?;
        Ok(())
    }
}

fn read_downloads(item: &Item) -> Downloads {
    let mut downloads = Downloads::default();
    for (name, value) in item {
        let Some(count) = value.as_n().ok().and_then(|digits| digits.parse().ok()) else {
            continue;
        };
        let buckets = [("h", &mut downloads.hours), ("d", &mut downloads.days)];
        for (prefix, into) in buckets {
            if let Some(bucket) = name.strip_prefix(prefix).and_then(|it| it.parse().ok()) {
                into.insert(bucket, count);
            }
        }
    }
    downloads
}
