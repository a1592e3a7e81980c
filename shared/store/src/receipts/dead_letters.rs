//! The list of dead letters: what was given up and is neither started again nor deleted.
//!
//! An index of an organisation's receipts, in their table: pk `<org>#dead-letters`, sk the delivery
//! id. The receipt is the truth, and an item here is written and struck out after it; whoever reads
//! the list looks at the receipts as well and leaves out what is no longer dead. Items leave after
//! their retention, on their own: a reader does not wait for TTL.

use std::collections::{HashMap, HashSet};

use aragora_core::ids::{DeliveryId, WebhookId};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use super::{Receipts, first_id_at};
use crate::dynamo::BatchRead;
use crate::error::StoreError;
use crate::item::{self, Item, Reader, key, number, readable, text};

/// Items that one query evaluates at most: about 20 KB.
const PAGE_ITEMS: i32 = 100;
/// Queries that one page makes at most; a page cut short by it goes on at its cursor.
const MAX_QUERIES: usize = 10;

/// A delivery on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Whose it is.
    pub org: String,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// The webhook it was for.
    pub webhook_id: WebhookId,
    /// The event's type, in the spelling the receiver gets.
    pub event_type: String,
    /// When it was given up.
    pub at: Millis,
    /// When it leaves the list, in Unix seconds.
    pub expires_at: i64,
}

/// Names a delivery on the list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeadLetterKey {
    /// Whose it is.
    pub org: String,
    /// The delivery.
    pub delivery_id: DeliveryId,
}

/// Which way the list is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The event that was accepted last comes first.
    NewestFirst,
    /// The event that was accepted first comes first.
    OldestFirst,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct DeadLetterQuery<'a> {
    /// Whose dead letters.
    pub org: &'a str,
    /// Only of this webhook.
    pub webhook_id: Option<&'a WebhookId>,
    /// Only this type, in any of these spellings; all when empty.
    pub event_types: &'a [&'a str],
    /// Of events accepted at or after this time.
    pub since: Option<Millis>,
    /// Of events accepted before this time.
    pub until: Option<Millis>,
    /// Beyond this delivery, in the direction of the walk.
    pub after: Option<&'a DeliveryId>,
    /// How many: 1 to 100.
    pub limit: usize,
    /// Which way.
    pub direction: Direction,
    /// What has left the list by then is not in it.
    pub now: Millis,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetterPage {
    /// The dead letters, in the order asked for.
    pub letters: Vec<DeadLetter>,
    /// The delivery after which the list goes on; `None` at its end.
    pub next: Option<DeliveryId>,
}

impl DeadLetter {
    /// Its key.
    pub fn key(&self) -> DeadLetterKey {
        DeadLetterKey { org: self.org.clone(), delivery_id: self.delivery_id.clone() }
    }

    fn item(&self) -> Item {
        let mut item = self.key().item();
        item.insert("webhook_id".to_owned(), text(self.webhook_id.as_str()));
        item.insert("ty".to_owned(), text(&self.event_type));
        item.insert("at".to_owned(), number(self.at.0));
        item.insert("expires_at".to_owned(), number(self.expires_at));
        item
    }
}

impl DeadLetterKey {
    fn item(&self) -> Item {
        key(partition(&self.org), self.delivery_id.as_str())
    }
}

impl Receipts {
    /// Puts dead letters on the list and strikes others off; what is named in both stays on it.
    /// One write unit each; 25 a request. Doing it twice changes nothing.
    ///
    /// # Errors
    /// When not all of it is known to be done.
    pub async fn update_dead_letters(
        &self,
        put: &[DeadLetter],
        strike: &[DeadLetterKey],
    ) -> Result<(), StoreError> {
        // A batch of writes must not name an item twice.
        let put: HashMap<_, _> = put.iter().map(|letter| (letter.key(), letter)).collect();
        let strike: HashSet<_> = strike.iter().filter(|key| !put.contains_key(key)).collect();
        let puts = put.values().map(|letter| item::put(letter.item()));
        let strikes = strike.iter().map(|key| item::delete(key.item()));
        self.dynamo.write_all(&self.table, puts.chain(strikes).collect()).await
    }

    /// A delivery on the list, as last written; `None` when it is not on it or has left it by
    /// `now`. One read unit.
    pub async fn dead_letter(
        &self,
        key: &DeadLetterKey,
        now: Millis,
    ) -> Result<Option<DeadLetter>, StoreError> {
        let whole = BatchRead { consistent: true, only: None };
        let items = self.dynamo.get_all(&self.table, vec![key.item()], whole).await?;
        let letter = readable(&items, read_letter).pop();
        Ok(letter.filter(|letter| letter.expires_at > now.unix_seconds()))
    }

    /// Those of the deliveries that are on the list and have not left it by `now`, in any order,
    /// as last written. One read unit each; 100 a request.
    pub async fn dead_letters_named(
        &self,
        keys: &[DeadLetterKey],
        now: Millis,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let distinct: HashSet<_> = keys.iter().collect();
        let keys = distinct.into_iter().map(DeadLetterKey::item).collect();
        let whole = BatchRead { consistent: true, only: None };
        let items = self.dynamo.get_all(&self.table, keys, whole).await?;
        let mut letters = readable(&items, read_letter);
        letters.retain(|letter| letter.expires_at > now.unix_seconds());
        Ok(letters)
    }

    /// A page of the list. Half a read unit per 4 KB evaluated, about twenty dead letters; with
    /// filters, at most a thousand are evaluated for one page. Eventually consistent.
    pub async fn dead_letters(
        &self,
        query: &DeadLetterQuery<'_>,
    ) -> Result<DeadLetterPage, StoreError> {
        let (mut letters, end) = self.walk(query).await?;
        let surplus = letters.len() > query.limit;
        letters.truncate(query.limit);
        let next = if surplus { letters.last().map(|last| last.delivery_id.clone()) } else { end };
        Ok(DeadLetterPage { letters, next })
    }

    /// More than `limit` dead letters, or all there are; and the last one evaluated, when more may
    /// follow it.
    async fn walk(
        &self,
        query: &DeadLetterQuery<'_>,
    ) -> Result<(Vec<DeadLetter>, Option<DeliveryId>), StoreError> {
        let mut letters = Vec::new();
        let mut after = query.after.cloned();
        for _ in 0..MAX_QUERIES {
            let (from, to) = query.bounds(after.as_ref());
            if from >= to {
                return Ok((letters, None));
            }
            let request = self
                .dynamo
                .client()
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
                .expression_attribute_values(":pk", text(partition(query.org)))
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to))
                .scan_index_forward(query.direction == Direction::OldestFirst)
                .limit(query.items_to_evaluate())
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = query.filter(request).send().await.map_err(StoreError::from_sdk)?;
            self.dynamo.read(answer.consumed_capacity());
            let found = readable(answer.items(), read_letter);
            // BETWEEN includes its ends, one of which has been read before.
            letters.extend(found.into_iter().filter(|it| Some(&it.delivery_id) != after.as_ref()));
            let last =
                answer.last_evaluated_key.as_ref().and_then(|key| key.get("sk")?.as_s().ok());
            match last.and_then(|sk| DeliveryId::parse(sk)) {
                None => return Ok((letters, None)),
                Some(last) if letters.len() > query.limit => return Ok((letters, Some(last))),
                last => after = last,
            }
        }
        Ok((letters, after))
    }
}

impl DeadLetterQuery<'_> {
    /// The lowest and the highest sort key of what is left beyond `after`, which itself may be
    /// one of them.
    fn bounds(&self, after: Option<&DeliveryId>) -> (String, String) {
        let from = self.since.map_or_else(|| DeliveryId::PREFIX.to_owned(), first_id_at);
        let to = self.until.map_or_else(|| "~".to_owned(), first_id_at);
        match (after.map(DeliveryId::as_str), self.direction) {
            (None, _) => (from, to),
            (Some(after), Direction::NewestFirst) => (from, to.min(after.to_owned())),
            (Some(after), Direction::OldestFirst) => (from.max(after.to_owned()), to),
        }
    }

    /// One more than is wanted, and one for the end that is read again; with a filter more, since
    /// few may pass it.
    fn items_to_evaluate(&self) -> i32 {
        let wanted = i32::try_from(self.limit + 2).unwrap_or(PAGE_ITEMS);
        let filtered = self.webhook_id.is_some() || !self.event_types.is_empty();
        if filtered { PAGE_ITEMS.max(wanted) } else { wanted }
    }

    fn filter(&self, request: QueryFluentBuilder) -> QueryFluentBuilder {
        let now: AttributeValue = number(self.now.unix_seconds());
        let mut request = request.expression_attribute_values(":now", now);
        let mut condition = "expires_at > :now".to_owned();
        if let Some(webhook) = self.webhook_id {
            condition.push_str(" AND webhook_id = :webhook");
            request = request.expression_attribute_values(":webhook", text(webhook.as_str()));
        }
        if !self.event_types.is_empty() {
            let names: Vec<_> = (0..self.event_types.len()).map(|at| format!(":ty{at}")).collect();
            condition.extend([" AND ty IN (", &names.join(", "), ")"]);
            for (name, value) in names.into_iter().zip(self.event_types) {
                request = request.expression_attribute_values(name, text(*value));
            }
        }
        request.filter_expression(condition)
    }
}

/// No webhook has this name: theirs begin with `wh-`.
fn partition(org: &str) -> String {
    format!("{org}#dead-letters")
}

fn read_letter(item: &Item) -> Result<DeadLetter, StoreError> {
    let read = Reader(item);
    let corrupt = |what: &str| StoreError::Corrupt {
        key: format!("{}/{}", read.text("pk").unwrap_or("?"), read.text("sk").unwrap_or("?")),
        what: what.to_owned(),
    };
    Ok(DeadLetter {
        org: read.text("pk")?.split('#').next().unwrap_or_default().to_owned(),
        delivery_id: DeliveryId::parse(read.text("sk")?)
            .ok_or_else(|| corrupt("`sk` is no delivery id"))?,
        webhook_id: WebhookId::parse(read.text("webhook_id")?)
            .ok_or_else(|| corrupt("`webhook_id` is no id"))?,
        event_type: read.text("ty")?.to_owned(),
        at: Millis(read.number("at")?),
        expires_at: read.number("expires_at")?,
    })
}
