//! A webhook's receipts, newest first: stored ones and those still only on a page, as one list.

use std::collections::HashSet;

use aragora_core::delivery::{Receipt, Status};
use aragora_core::ids::{DeliveryId, WebhookId};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use super::page::{DeliveryBound, PAGE_SPAN_MS, first_id_at};
use super::rows::{ReceiptKey, StoredReceipt, read_receipt};
use super::{Receipts, partition};
use crate::error::StoreError;
use crate::item::text;

/// Rows that one query evaluates at most.
const PAGE_ROWS: i32 = 100;
/// Queries that one list makes at most; a list cut short by it goes on at its cursor.
const MAX_QUERIES: usize = 10;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// Whose receipts.
    pub org: &'a str,
    /// Of which webhook.
    pub webhook_id: &'a WebhookId,
    /// Only these states; all when empty.
    pub statuses: &'a [Status],
    /// Only this type, in any of these spellings; all when empty.
    pub event_types: &'a [&'a str],
    /// Accepted at or after this time.
    pub since: Option<Millis>,
    /// Accepted before this time.
    pub until: Option<Millis>,
    /// Older than this delivery.
    pub after: Option<&'a DeliveryId>,
    /// How many: 1 to 100.
    pub limit: usize,
    /// Attempts that a delivery without a receipt of its own may have.
    pub max_attempts: u32,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The receipts, newest first.
    pub receipts: Vec<Receipt>,
    /// The delivery after which the list goes on; `None` at its end.
    pub next: Option<DeliveryId>,
}

impl Receipts {
    /// A page of a webhook's receipts. Half a read unit per 4 KB evaluated, stored receipts and
    /// pages alike; with filters, at most a thousand rows are evaluated for one page. Eventually
    /// consistent.
    pub async fn list(&self, query: &Query<'_>) -> Result<Listed, StoreError> {
        let upper = match (query.after, query.until) {
            (Some(after), Some(until)) if first_id_at(until).as_str() < after.as_str() => {
                DeliveryBound::before(until)
            }
            (Some(after), _) => DeliveryBound::below(after),
            (None, Some(until)) => DeliveryBound::before(until),
            (None, None) => DeliveryBound::none(),
        };
        let lower = query.since.map_or_else(String::new, first_id_at);
        if lower.as_str() >= upper.as_str() {
            return Ok(Listed { receipts: vec![], next: None });
        }
        let (rows, rows_end) = self.rows(query, &lower, &upper).await?;
        let wants_pending = query.statuses.is_empty() || query.statuses.contains(&Status::Pending);
        let from = rows_end.as_ref().map_or(lower.as_str(), DeliveryId::as_str);
        let (open, open_end) = if wants_pending {
            self.unclaimed(query, from, &upper, &rows).await?
        } else {
            (vec![], None)
        };

        // Below the higher of the two ends, one of the two was not read.
        let end = rows_end.max(open_end);
        let mut receipts: Vec<Receipt> =
            rows.into_iter().map(|row| row.receipt).chain(open).collect();
        receipts.retain(|receipt| end.as_ref().is_none_or(|end| receipt.delivery_id >= *end));
        receipts.sort_by(|one, other| other.delivery_id.cmp(&one.delivery_id));
        let surplus = receipts.len() > query.limit;
        receipts.truncate(query.limit);
        let next = if surplus { receipts.last().map(|last| last.delivery_id.clone()) } else { end };
        Ok(Listed { receipts, next })
    }

    /// More than `limit` stored receipts, or all there are; and the last delivery evaluated, when
    /// more may follow it.
    async fn rows(
        &self,
        query: &Query<'_>,
        lower: &str,
        upper: &DeliveryBound,
    ) -> Result<(Vec<StoredReceipt>, Option<DeliveryId>), StoreError> {
        let mut rows: Vec<StoredReceipt> = Vec::new();
        let mut below = upper.as_str().to_owned();
        for _ in 0..MAX_QUERIES {
            let request = self
                .dynamo
                .client()
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :below")
                .expression_attribute_values(":pk", text(partition(query.org, query.webhook_id)))
                .expression_attribute_values(":from", text(format!("D#{lower}")))
                .expression_attribute_values(":below", text(format!("D#{below}")))
                .scan_index_forward(false)
                .limit(query.rows_to_evaluate())
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let answer = query.filter(request).send().await.map_err(StoreError::from_sdk)?;
            self.dynamo.read(answer.consumed_capacity());
            for item in answer.items() {
                let row = read_receipt(item)?;
                // BETWEEN includes its upper end, which has been listed before.
                if row.receipt.delivery_id.as_str() != below {
                    rows.push(row);
                }
            }
            let last =
                answer.last_evaluated_key.as_ref().and_then(|key| key.get("sk")?.as_s().ok());
            match last.and_then(|sk| DeliveryId::parse(sk.strip_prefix("D#")?)) {
                None => return Ok((rows, None)),
                Some(last) if rows.len() > query.limit => return Ok((rows, Some(last))),
                Some(last) => last.as_str().clone_into(&mut below),
            }
        }
        Ok((rows, DeliveryId::parse(&below)))
    }

    /// Queued deliveries in the range that nobody has claimed; and the last one evaluated, when
    /// more may follow it.
    async fn unclaimed(
        &self,
        query: &Query<'_>,
        from: &str,
        upper: &DeliveryBound,
        rows: &[StoredReceipt],
    ) -> Result<(Vec<Receipt>, Option<DeliveryId>), StoreError> {
        let enough = query.limit * 2 + 1;
        let entries = self.queued(query.org, query.webhook_id, from, upper, enough).await?;
        let end =
            entries.last().filter(|_| entries.len() == enough).map(|last| last.delivery_id.clone());
        let claimed: HashSet<_> = rows.iter().map(|row| &row.receipt.delivery_id).collect();
        let mut open: Vec<Receipt> = entries
            .iter()
            .filter(|entry| !claimed.contains(&entry.delivery_id))
            .filter(|entry| {
                query.event_types.is_empty()
                    || query.event_types.contains(&entry.event_type.as_str())
            })
            .map(|entry| entry.receipt(query.webhook_id, query.max_attempts))
            .collect();
        if query.is_filtered() {
            // The filter kept the rows that outdate these lines from being seen.
            let keys: Vec<_> = open.iter().map(|receipt| query.key(&receipt.delivery_id)).collect();
            let stored = self.get_many(&keys).await?;
            let claimed: HashSet<_> = stored.iter().map(|row| &row.receipt.delivery_id).collect();
            open.retain(|receipt| !claimed.contains(&receipt.delivery_id));
        }
        Ok((open, end))
    }

    /// One receipt, as last written; one that is only on a page as pending. One read unit, and
    /// half of one for the page.
    pub async fn get(
        &self,
        key: &ReceiptKey,
        max_attempts: u32,
    ) -> Result<Option<StoredReceipt>, StoreError> {
        if let Some(stored) = self.get_many(std::slice::from_ref(key)).await?.pop() {
            return Ok(Some(stored));
        }
        let Some(at) = key.delivery_id.accepted_at() else { return Ok(None) };
        let upper = DeliveryBound::before(at.plus(PAGE_SPAN_MS));
        let entries = self
            .queued(&key.org, &key.webhook_id, key.delivery_id.as_str(), &upper, usize::MAX)
            .await?;
        let entry = entries.into_iter().find(|entry| entry.delivery_id == key.delivery_id);
        Ok(entry.map(|entry| StoredReceipt {
            org: key.org.clone(),
            receipt: entry.receipt(&key.webhook_id, max_attempts),
            rev: 0,
            watched: false,
        }))
    }
}

impl Query<'_> {
    const fn is_filtered(&self) -> bool {
        !self.statuses.is_empty() || !self.event_types.is_empty()
    }

    /// One more than is wanted, and one for the upper end that is read again; with a filter more,
    /// since few may pass it.
    fn rows_to_evaluate(&self) -> i32 {
        let wanted = i32::try_from(self.limit + 2).unwrap_or(PAGE_ROWS);
        if self.is_filtered() { PAGE_ROWS.max(wanted) } else { wanted }
    }

    fn key(&self, id: &DeliveryId) -> ReceiptKey {
        ReceiptKey::new(self.org, self.webhook_id, id)
    }

    fn filter(
        &self,
        mut request: aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder,
    ) -> aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder {
        let mut conditions = Vec::new();
        let statuses = self.statuses.iter().map(|status| status.as_str());
        for (attribute, wanted) in
            [("st", statuses.collect::<Vec<_>>()), ("ty", self.event_types.to_vec())]
        {
            if wanted.is_empty() {
                continue;
            }
            let names: Vec<_> = (0..wanted.len()).map(|at| format!(":{attribute}{at}")).collect();
            conditions.push(format!("{attribute} IN ({})", names.join(", ")));
            for (name, value) in names.into_iter().zip(wanted) {
                request = request.expression_attribute_values(name, text(value));
            }
        }
        if conditions.is_empty() {
            request
        } else {
            request.filter_expression(conditions.join(" AND "))
        }
    }
}
