//! Pages of deliveries that were queued: what makes a delivery visible before its first claim.

use aragora_core::delivery::{Delivery, Receipt};
use aragora_core::ids::{DeliveryId, EventId, WebhookId};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use serde::{Deserialize, Serialize};

use super::{Receipts, partition};
use crate::error::StoreError;
use crate::item::{Item, Reader, json, key, number, put, text};

/// The deliveries on one page were accepted within this time of each other, so that a reader who
/// looks for one knows how far from it the page can be.
pub(super) const PAGE_SPAN_MS: i64 = 1_000;
/// The most lines of a page: less than a kilobyte, one write unit, with event ids of our own.
const PAGE_LINES: usize = 10;

/// One line of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageEntry {
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Its event.
    pub event_id: EventId,
    /// The type, in the receiver's spelling.
    pub event_type: String,
    /// When the event was accepted.
    pub accepted_at: Millis,
}

/// What is kept of the lines: a delivery's id follows from organisation, webhook, event and time,
/// and the types are few. The request that published an event is with the event.
#[derive(Serialize, Deserialize)]
struct PageDoc {
    /// When the oldest was accepted.
    #[serde(rename = "a")]
    since: Millis,
    #[serde(rename = "t")]
    types: Vec<String>,
    /// Event, milliseconds after `since`, place in `types`.
    #[serde(rename = "l")]
    lines: Vec<(EventId, i64, usize)>,
}

/// Deliveries of one webhook, newest last, all within [`PAGE_SPAN_MS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingPage {
    /// Whose they are.
    pub org: String,
    /// Where they go.
    pub webhook_id: WebhookId,
    /// The lines.
    pub entries: Vec<PageEntry>,
    /// When the page leaves the table, in Unix seconds.
    pub expires_at: i64,
}

impl PageEntry {
    /// The receipt this line stands for: pending, with nothing attempted.
    pub fn receipt(&self, webhook_id: &WebhookId, max_attempts: u32) -> Receipt {
        Receipt {
            delivery_id: self.delivery_id.clone(),
            webhook_id: webhook_id.clone(),
            event_id: self.event_id.clone(),
            event_type: self.event_type.clone(),
            request_id: String::new(),
            created_at: self.accepted_at,
            state: Delivery::pending(),
            max_attempts,
            delivered_at: None,
            error_message: None,
            response_body: None,
            held_by: None,
            job: None,
            attempts: vec![],
        }
    }
}

impl PendingPage {
    /// Sorts `entries` of one webhook onto pages that keep the promises of their type.
    pub fn fill(
        org: &str,
        webhook_id: &WebhookId,
        mut entries: Vec<PageEntry>,
        expires_at: i64,
    ) -> Vec<Self> {
        entries.sort_by(|one, other| one.delivery_id.cmp(&other.delivery_id));
        let mut pages: Vec<Self> = Vec::new();
        for entry in entries {
            let fits = |page: &&mut Self| {
                page.entries.len() < PAGE_LINES
                    && page.entries.first().is_some_and(|first| {
                        entry.accepted_at.since(first.accepted_at) < PAGE_SPAN_MS
                    })
            };
            match pages.last_mut().filter(fits) {
                Some(page) => page.entries.push(entry),
                None => pages.push(Self {
                    org: org.to_owned(),
                    webhook_id: webhook_id.clone(),
                    entries: vec![entry],
                    expires_at,
                }),
            }
        }
        pages
    }

    /// The newest id, then a digest of all, so that a repeated fan-out of fewer events does not
    /// write over a page with more.
    fn sk(&self) -> String {
        let newest = self.entries.last().map_or("", |entry| entry.delivery_id.as_str());
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let digest = self
            .entries
            .iter()
            .flat_map(|entry| entry.delivery_id.as_str().bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, fold);
        format!("Q#{newest}#{digest:016x}")
    }

    fn doc(&self) -> PageDoc {
        let since = self.entries.iter().map(|entry| entry.accepted_at).min().unwrap_or(Millis(0));
        let mut types: Vec<String> = Vec::new();
        let mut place = |wanted: &str| {
            types.iter().position(|known| known == wanted).unwrap_or_else(|| {
                types.push(wanted.to_owned());
                types.len() - 1
            })
        };
        let line = |entry: &PageEntry| {
            let after = entry.accepted_at.since(since);
            (entry.event_id.clone(), after, place(&entry.event_type))
        };
        let lines = self.entries.iter().map(line).collect();
        PageDoc { since, types, lines }
    }

    fn item(&self) -> Result<Item, StoreError> {
        let mut item = key(partition(&self.org, &self.webhook_id), self.sk());
        item.insert("doc".to_owned(), text(json(&self.doc())?));
        item.insert("expires_at".to_owned(), number(self.expires_at));
        Ok(item)
    }
}

impl PageDoc {
    fn entries(self, org: &str, webhook: &WebhookId) -> Vec<PageEntry> {
        let entry = |(event_id, after, place): (EventId, i64, usize)| {
            let accepted_at = self.since.plus(after);
            PageEntry {
                delivery_id: DeliveryId::of(org, &event_id, webhook, accepted_at),
                event_id,
                event_type: self.types.get(place).cloned().unwrap_or_default(),
                accepted_at,
            }
        };
        self.lines.into_iter().map(entry).collect()
    }
}

impl Receipts {
    /// Writes pages. One write unit each; 25 a request. Twice is once.
    pub async fn put_pages(&self, pages: &[PendingPage]) -> Result<(), StoreError> {
        let requests = pages
            .iter()
            .map(|page| Ok(put(page.item()?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        self.dynamo.write_all(&self.table, requests).await
    }

    /// Up to `limit` queued deliveries whose id is below `before` and at least `from`, newest
    /// first, claimed or not. Half a read unit per 4 KB. Eventually consistent.
    pub async fn queued(
        &self,
        org: &str,
        webhook: &WebhookId,
        from: &str,
        before: &DeliveryBound,
        limit: usize,
    ) -> Result<Vec<PageEntry>, StoreError> {
        let mut found: Vec<PageEntry> = Vec::new();
        let mut upper = format!("Q#{}", before.page_bound);
        loop {
            let items = self.pages_below(org, webhook, &format!("Q#{from}"), &upper).await?;
            let Some(last) = items.last() else { break };
            Reader(last).text("sk")?.clone_into(&mut upper);
            for item in &items {
                let entries = Reader(item).json::<PageDoc>("doc")?.entries(org, webhook);
                let wanted = |entry: &PageEntry| {
                    entry.delivery_id.as_str() >= from
                        && entry.delivery_id.as_str() < before.id.as_str()
                };
                found.extend(entries.into_iter().filter(wanted));
            }
            found.sort_by(|one, other| other.delivery_id.cmp(&one.delivery_id));
            found.dedup_by(|one, other| one.delivery_id == other.delivery_id);
            // A page below `upper` only has ids below it: what is above it is complete.
            let complete = found
                .get(limit.saturating_sub(1))
                .is_some_and(|entry| format!("Q#{}", entry.delivery_id) > upper);
            if complete {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn pages_below(
        &self,
        org: &str,
        webhook: &WebhookId,
        from: &str,
        below: &str,
    ) -> Result<Vec<Item>, StoreError> {
        let answer = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :below")
            .expression_attribute_values(":pk", text(partition(org, webhook)))
            .expression_attribute_values(":from", text(from))
            .expression_attribute_values(":below", text(below))
            .scan_index_forward(false)
            .limit(50)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let mut items = answer.items.unwrap_or_default();
        // BETWEEN includes its upper end, which has been read before.
        items.retain(|item| Reader(item).text("sk").is_ok_and(|sk| sk != below));
        Ok(items)
    }
}

/// An upper bound of delivery ids, and the bound of the pages on which smaller ones can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryBound {
    id: String,
    page_bound: String,
}

impl DeliveryBound {
    /// Everything.
    pub fn none() -> Self {
        Self { id: "~".to_owned(), page_bound: "~".to_owned() }
    }

    /// What is older than a delivery.
    pub fn below(id: &DeliveryId) -> Self {
        let page_bound = id
            .accepted_at()
            .map_or_else(|| "~".to_owned(), |at| first_id_at(at.plus(PAGE_SPAN_MS + 1)));
        Self { id: id.as_str().to_owned(), page_bound }
    }

    /// What was accepted before a time.
    pub fn before(at: Millis) -> Self {
        Self { id: first_id_at(at), page_bound: first_id_at(at.plus(PAGE_SPAN_MS + 1)) }
    }

    /// The bound as the start of a sort key's id.
    pub fn as_str(&self) -> &str {
        &self.id
    }
}

/// What sorts directly before every delivery id of a time: the prefix and the 48 bits of a UUIDv7
/// that hold milliseconds.
pub fn first_id_at(at: Millis) -> String {
    let hex = format!("{:012x}", at.0.max(0));
    let (high, low) = hex.split_at_checked(8).unwrap_or((&hex, ""));
    format!("{}{high}-{low}-", DeliveryId::PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: u32, accepted_at: i64) -> PageEntry {
        let webhook = WebhookId::parse("wh-1").unwrap();
        let event_id = EventId::parse(&format!("evt-{event}")).unwrap();
        PageEntry {
            delivery_id: DeliveryId::of("org", &event_id, &webhook, Millis(accepted_at)),
            event_id,
            event_type: "vote".into(),
            accepted_at: Millis(accepted_at),
        }
    }

    #[test]
    fn a_page_is_short_in_lines_and_in_time() {
        let webhook = WebhookId::parse("wh-1").unwrap();
        let entries: Vec<_> = (0..23)
            .map(|n| entry(n, 10_000))
            .chain([entry(50, 10_999), entry(51, 11_000)])
            .collect();
        let pages = PendingPage::fill("org", &webhook, entries, 0);
        let sizes: Vec<_> = pages.iter().map(|page| page.entries.len()).collect();
        assert_eq!(sizes, [10, 10, 4, 1]);
        for page in &pages {
            assert!(page.entries.is_sorted_by(|one, other| one.delivery_id < other.delivery_id));
            assert!(
                page.item()
                    .unwrap()
                    .values()
                    .filter_map(|it| it.as_s().ok())
                    .map(String::len)
                    .sum::<usize>()
                    < 2_300
            );
        }
    }

    #[test]
    fn bounds_sort_around_the_ids_of_their_time() {
        let id = entry(1, 1_705_752_000_123).delivery_id;
        assert!(first_id_at(Millis(1_705_752_000_123)).as_str() < id.as_str());
        assert!(first_id_at(Millis(1_705_752_000_124)).as_str() > id.as_str());
        assert!(DeliveryBound::none().as_str() > id.as_str());
    }

    #[test]
    fn a_smaller_repeat_has_another_key() {
        let webhook = WebhookId::parse("wh-1").unwrap();
        let fill = |entries| PendingPage::fill("org", &webhook, entries, 0).remove(0).sk();
        let both = fill(vec![entry(1, 5), entry(2, 9)]);
        assert_eq!(both, fill(vec![entry(2, 9), entry(1, 5)]));
        assert_ne!(both, fill(vec![entry(2, 9)]));
    }
}
