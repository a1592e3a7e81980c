//! Answering questions about events.

use aragora_core::delivery::Receipt;
use aragora_core::ids::{DeliveryId, EventId};
use aragora_store::StoreError;
use aragora_store::events::{Events, ListedEvent, StoredEvent};
use aragora_store::receipts::{PageEntry, ReceiptKey, Receipts};
use futures_util::try_join;

/// Reads events and where they went.
#[derive(Debug, Clone)]
pub struct EventReader {
    /// Where events are kept.
    pub events: Events,
    /// Where what became of their deliveries is kept.
    pub receipts: Receipts,
    /// Attempts that a delivery without a receipt of its own may have.
    pub max_attempts: u32,
}

/// An event and its deliveries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventWithDeliveries {
    /// The event.
    pub event: StoredEvent,
    /// Its deliveries, by webhook.
    pub deliveries: Vec<Receipt>,
}

/// A page of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// Newest first.
    pub events: Vec<ListedEvent>,
    /// Where the list goes on; `None` at its end.
    pub next: Option<String>,
}

impl EventReader {
    /// An event with its deliveries. One and a half read units, and one for each delivery.
    pub async fn get(
        &self,
        org: &str,
        id: &EventId,
    ) -> Result<Option<EventWithDeliveries>, StoreError> {
        let (event, webhooks) =
            try_join!(self.events.get(org, id, true), self.events.fanned_out_to(org, id))?;
        let Some(event) = event else { return Ok(None) };
        let keys: Vec<ReceiptKey> = webhooks
            .into_iter()
            .map(|webhook_id| ReceiptKey {
                org: org.to_owned(),
                delivery_id: DeliveryId::of(org, id, &webhook_id, event.accepted_at),
                webhook_id,
            })
            .collect();
        let stored = self.receipts.get_many(&keys).await?;
        let mut deliveries: Vec<Receipt> =
            stored.into_iter().map(|stored| stored.receipt).collect();
        let unclaimed =
            keys.iter().filter(|key| deliveries.iter().all(|it| it.delivery_id != key.delivery_id));
        let unclaimed: Vec<Receipt> = unclaimed.map(|key| self.pending(key, &event)).collect();
        deliveries.extend(unclaimed);
        deliveries.sort_by(|one, other| one.webhook_id.cmp(&other.webhook_id));
        Ok(Some(EventWithDeliveries { event, deliveries }))
    }

    fn pending(&self, key: &ReceiptKey, event: &StoredEvent) -> Receipt {
        let entry = PageEntry {
            delivery_id: key.delivery_id.clone(),
            event_id: event.id.clone(),
            event_type: event.event_type.clone(),
            accepted_at: event.accepted_at,
        };
        let request_id = event.request_id.clone();
        Receipt { request_id, ..entry.receipt(&key.webhook_id, self.max_attempts) }
    }

    /// A page of an organisation's events, newest first, of one project or of all. Half a read
    /// unit per 4 KB of the index; a project's page may be shorter than asked for.
    pub async fn list(
        &self,
        org: &str,
        project: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<EventPage, StoreError> {
        let wanted = i32::try_from(limit).unwrap_or(i32::MAX);
        let (events, next) = self.events.list(org, project, after, wanted).await?;
        Ok(EventPage { events, next })
    }
}
