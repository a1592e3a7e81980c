//! Table `webhook_registrations`: who wants to be told what, and where.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>` | `<webhook id>` | one webhook |
//!
//! What a user sets is one JSON document, `doc`, changed under a condition on `rev`. What the
//! engine learns about the endpoint is in attributes of its own ([`learned`]), so that recording
//! it neither conflicts with a user's change nor needs `rev`.

mod learned;

use std::collections::HashSet;

use aragora_core::delivery::RetryPolicy;
use aragora_core::delivery::circuit::Circuit;
use aragora_core::delivery::pace::Pace;
use aragora_core::ids::WebhookId;
use aragora_core::rotation::OldSecret;
use aragora_core::subscription::Subscription;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dynamo::{BatchRead, Dynamo};
use crate::error::StoreError;
use crate::item::{Item, Reader, json, key, number, readable, text};

/// What a user sets of a webhook. Secrets and header values are encrypted before they get here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookConfig {
    /// The project whose events it gets.
    pub project: String,
    /// Where deliveries go.
    pub url: String,
    /// The types, globs or `*` it is subscribed to.
    pub event_types: Vec<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The newest signing secret, as an encryption envelope.
    pub secret: Value,
    /// What it replaced, the newest first; those whose time is over are dropped at the next change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_secrets: Vec<OldSecret>,
    /// Names of the headers it adds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header_names: Vec<String>,
    /// The headers with their values, as an encryption envelope of a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Value>,
    /// What an event must contain.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub filters: Map<String, Value>,
    /// How often it is tried, where that differs from the deployment's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// The most deliveries a second it wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit_per_second: Option<f64>,
    /// The user's own notes.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// When it was registered.
    pub created_at: Millis,
}

/// A webhook as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhook {
    /// Whose it is.
    pub org: String,
    /// Its id.
    pub id: WebhookId,
    /// What the user set.
    pub config: WebhookConfig,
    /// Whether events are delivered to it.
    pub enabled: bool,
    /// Why not, when that was not the user's doing.
    pub disabled_reason: Option<String>,
    /// When the user, or the engine by disabling it, last changed it.
    pub updated_at: Millis,
    /// Goes up with every change by the user.
    pub rev: u64,
    /// What the engine has learned.
    pub health: Health,
}

impl Webhook {
    /// What it wants to be told.
    pub fn subscription(&self) -> Subscription<'_> {
        let config = &self.config;
        Subscription {
            project: &config.project,
            event_types: &config.event_types,
            filters: &config.filters,
        }
    }
}

/// What deliveries taught us about an endpoint. Written at most once a minute while all is well,
/// so the times are that coarse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    /// Its failures, and what they have come to.
    pub circuit: Circuit,
    /// When the next deliveries may be sent, if it has a rate limit.
    pub pace: Pace,
    /// When it was last sent anything.
    pub last_triggered_at: Option<Millis>,
    /// When it last answered 2xx.
    pub last_success_at: Option<Millis>,
    /// When an attempt last failed.
    pub last_failure_at: Option<Millis>,
    /// Why.
    pub last_failure_reason: Option<String>,
}

pub use learned::Observed;

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is stored.
    Done,
    /// Somebody changed it in between, or it is gone: read it again.
    Outdated,
}

impl Changed {
    pub(crate) const fn if_done(done: bool) -> Self {
        if done { Self::Done } else { Self::Outdated }
    }
}

/// The table.
#[derive(Debug, Clone)]
pub struct Registrations {
    dynamo: Dynamo,
    table: String,
}

impl Registrations {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// Stores a new webhook under its fresh id. One write unit per KB; twice is once.
    pub async fn put(&self, webhook: &Webhook) -> Result<(), StoreError> {
        let answer = self
            .dynamo
            .client()
            .put_item()
            .table_name(&self.table)
            .set_item(Some(to_item(webhook)?))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.wrote(answer.consumed_capacity());
        Ok(())
    }

    /// One webhook, as last written. One read unit per 4 KB.
    pub async fn get(&self, org: &str, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        let item = self.dynamo.get(&self.table, key(org, id.as_str()), true).await?;
        item.as_ref().map(from_item).transpose()
    }

    /// Those of the webhooks that are there, in any order. Half a read unit per 4 KB of each, twice
    /// that when `consistent`; otherwise a change may take a second to be seen.
    pub async fn get_many(
        &self,
        ids: &[(String, WebhookId)],
        consistent: bool,
    ) -> Result<Vec<Webhook>, StoreError> {
        let distinct: HashSet<_> = ids.iter().collect();
        let keys = distinct.into_iter().map(|(org, id)| key(org, id.as_str())).collect();
        let items =
            self.dynamo.get_all(&self.table, keys, BatchRead { consistent, only: None }).await?;
        Ok(readable(&items, from_item))
    }

    /// A page of an organisation's webhooks in the order they were registered, from after `after`
    /// on, and the place that more may follow after: the last one looked at, which a page that
    /// leaves out damaged items may not end with. One read unit per 4 KB: consistent, because an
    /// event published right after a registration must find it.
    pub async fn page(
        &self,
        org: &str,
        after: Option<&WebhookId>,
        limit: i32,
    ) -> Result<(Vec<Webhook>, Option<WebhookId>), StoreError> {
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .expression_attribute_values(":org", text(org))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let query = match after {
            None => query.key_condition_expression("pk = :org"),
            Some(after) => query
                .key_condition_expression("pk = :org AND sk > :after")
                .expression_attribute_values(":after", text(after.as_str())),
        };
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let next = answer.last_evaluated_key().map(read_id).transpose()?;
        Ok((readable(answer.items(), from_item), next))
    }

    /// Stores what a user changed, if nobody changed it since `webhook.rev` was read. One write
    /// unit per KB. What the engine has learned is left alone, unless `reset_health`.
    pub async fn change(
        &self,
        webhook: &Webhook,
        reset_health: bool,
    ) -> Result<Changed, StoreError> {
        let mut set =
            "SET doc = :doc, enabled = :enabled, updated_at = :now, rev = :next".to_owned();
        let mut remove = String::new();
        match &webhook.disabled_reason {
            Some(_) => set.push_str(", disabled_reason = :reason"),
            None => remove.push_str(" REMOVE disabled_reason"),
        }
        if reset_health {
            remove.push_str(if remove.is_empty() { " REMOVE " } else { ", " });
            remove.push_str(learned::CIRCUIT_ATTRIBUTES);
        }
        let update = self
            .update(&webhook.org, &webhook.id, format!("{set}{remove}"), "rev = :seen")
            .expression_attribute_values(":doc", text(json(&webhook.config)?))
            .expression_attribute_values(":enabled", AttributeValue::Bool(webhook.enabled))
            .expression_attribute_values(":now", number(webhook.updated_at.0))
            .expression_attribute_values(":next", number(webhook.rev.saturating_add(1)))
            .expression_attribute_values(":seen", number(webhook.rev));
        let update = match &webhook.disabled_reason {
            Some(reason) => update.expression_attribute_values(":reason", text(reason)),
            None => update,
        };
        self.changed(update).await
    }

    /// Deletes a webhook and gives what it was; `None` when there was none. One write unit per KB.
    pub async fn delete(&self, org: &str, id: &WebhookId) -> Result<Option<Webhook>, StoreError> {
        let answer = self
            .dynamo
            .client()
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(org, id.as_str())))
            .return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.wrote(answer.consumed_capacity());
        answer.attributes.as_ref().map(from_item).transpose()
    }

    fn update(
        &self,
        org: &str,
        id: &WebhookId,
        expression: String,
        condition: &str,
    ) -> UpdateItemFluentBuilder {
        self.dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(org, id.as_str())))
            .update_expression(expression)
            .condition_expression(condition)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }

    async fn changed(&self, update: UpdateItemFluentBuilder) -> Result<Changed, StoreError> {
        Ok(Changed::if_done(self.dynamo.update_if(update).await?))
    }
}

fn to_item(webhook: &Webhook) -> Result<Item, StoreError> {
    let mut item = key(&webhook.org, webhook.id.as_str());
    item.insert("doc".to_owned(), text(json(&webhook.config)?));
    item.insert("enabled".to_owned(), AttributeValue::Bool(webhook.enabled));
    item.insert("updated_at".to_owned(), number(webhook.updated_at.0));
    item.insert("rev".to_owned(), number(webhook.rev));
    if let Some(reason) = &webhook.disabled_reason {
        item.insert("disabled_reason".to_owned(), text(reason));
    }
    Ok(item)
}

fn from_item(item: &Item) -> Result<Webhook, StoreError> {
    let read = Reader(item);
    Ok(Webhook {
        org: read.text("pk")?.to_owned(),
        id: read_id(item)?,
        config: read.json("doc")?,
        enabled: *item
            .get("enabled")
            .and_then(|it| it.as_bool().ok())
            .ok_or_else(|| read.corrupt("enabled", "is no bool"))?,
        disabled_reason: read.maybe_text("disabled_reason").map(ToOwned::to_owned),
        updated_at: Millis(read.number("updated_at")?),
        rev: read.number("rev")?,
        health: learned::read(item),
    })
}

fn read_id(item: &Item) -> Result<WebhookId, StoreError> {
    let read = Reader(item);
    WebhookId::parse(read.text("sk")?).ok_or_else(|| read.corrupt("sk", "is no id"))
}
