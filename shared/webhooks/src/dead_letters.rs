//! The dead letters of an organisation: listing what was given up, looking at one, sending it again,
//! deleting it.
//!
//! The list is an index, the receipt is the truth: every reader here looks at both. What the
//! receipt says has ended otherwise is struck off; what is under way is only left out, because it
//! may be given up again at any moment.

use aragora_core::delivery::{Delivery, Happening, Reason, Receipt, Status, Step};
use aragora_core::ids::{DeliveryId, WebhookId};
use aragora_core::time::Millis;
use aragora_delivery::worker::expires_at;
use aragora_store::StoreError;
use aragora_store::events::{Events, StoredEvent};
use aragora_store::receipts::{
    DeadLetter, DeadLetterKey, DeadLetterQuery, Direction, ReceiptKey, StoredReceipt, WriteReceipt,
};

use crate::receipts::{ReceiptDesk, ReceiptError};

/// What the list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct NarrowedDead {
    /// Of this webhook; of all when `None`.
    pub webhook_id: Option<WebhookId>,
    /// This type, in all its spellings; any when empty.
    pub event_types: Vec<String>,
    /// Of events accepted at or after this time.
    pub since: Option<Millis>,
    /// Of events accepted before this time.
    pub until: Option<Millis>,
    /// Older than this delivery.
    pub after: Option<DeliveryId>,
    /// How many: 1 to 100.
    pub limit: usize,
}

/// A delivery that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// Its receipt.
    pub receipt: Receipt,
    /// When it was given up.
    pub at: Millis,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadPage {
    /// Newest event first; may be fewer than asked for.
    pub letters: Vec<Dead>,
    /// The delivery after which the list goes on; `None` at its end.
    pub next: Option<DeliveryId>,
}

/// What users do with dead letters.
#[derive(Debug, Clone)]
pub struct DeadLetterDesk {
    /// What is done with receipts in general.
    pub receipts: ReceiptDesk,
    /// Where events are kept.
    pub events: Events,
}

/// A delivery on the list, with its receipt.
struct Listed {
    letter: DeadLetter,
    stored: StoredReceipt,
}

impl DeadLetterDesk {
    /// A page of the list. Half a read unit per 4 KB of the list, see
    /// [`dead_letters`](aragora_store::receipts::Receipts::dead_letters), and one for each receipt
    /// on the page.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn list(
        &self,
        org: &str,
        narrowed: &NarrowedDead,
        now: Millis,
    ) -> Result<DeadPage, StoreError> {
        let event_types: Vec<&str> = narrowed.event_types.iter().map(String::as_str).collect();
        let query = DeadLetterQuery {
            org,
            webhook_id: narrowed.webhook_id.as_ref(),
            event_types: &event_types,
            since: narrowed.since,
            until: narrowed.until,
            after: narrowed.after.as_ref(),
            limit: narrowed.limit,
            direction: Direction::NewestFirst,
            now,
        };
        let page = self.receipts.receipts.dead_letters(&query).await?;
        let key = |it: &DeadLetter| ReceiptKey::new(org, &it.webhook_id, &it.delivery_id);
        let keys: Vec<_> = page.letters.iter().map(key).collect();
        let stored = self.receipts.receipts.get_many(&keys).await?;
        let (mut letters, mut over) = (Vec::new(), Vec::new());
        for letter in &page.letters {
            let found = stored.iter().find(|it| it.receipt.delivery_id == letter.delivery_id);
            match found.map(|it| &it.receipt) {
                Some(receipt) if receipt.state.is_dead_letter() => {
                    letters.push(Dead { receipt: receipt.clone(), at: letter.at });
                }
                found if found.is_none_or(|it| has_ended(&it.state)) => {
                    over.push(&letter.delivery_id);
                }
                _ => {}
            }
        }
        self.receipts.strike(org, &over).await;
        Ok(DeadPage { letters, next: page.next })
    }

    /// One dead letter and the event it carries, when that is still kept. Two read units, and one
    /// per 4 KB of the event.
    ///
    /// # Errors
    /// [`ReceiptError::NoReceipt`] also for what is not dead any more or was deleted.
    pub async fn inspect(
        &self,
        org: &str,
        delivery: &DeliveryId,
        now: Millis,
    ) -> Result<(Dead, Option<StoredEvent>), ReceiptError> {
        let Listed { letter, stored } = self.find(org, delivery, now).await?;
        if !stored.receipt.state.is_dead_letter() {
            return Err(ReceiptError::NoReceipt);
        }
        let event = self.events.get(org, &stored.receipt.event_id, true).await?;
        Ok((Dead { receipt: stored.receipt, at: letter.at }, event))
    }

    /// Sends a dead letter again: the next generation, with a fresh budget. Three read units, two
    /// write units and a request to SQS. When that request fails, the sweep queues it.
    ///
    /// # Errors
    /// [`ReceiptError::NoReceipt`] for what is not listed or was deleted, `UnderWay` for what was
    /// started again already, `WebhookDisabled` and `WebhookDeleted`.
    pub async fn retry(
        &self,
        org: &str,
        delivery: &DeliveryId,
        now: Millis,
    ) -> Result<Receipt, ReceiptError> {
        let Listed { letter, stored } = self.find(org, delivery, now).await?;
        let webhook = match self.receipts.webhook(org, &letter.webhook_id).await {
            Err(ReceiptError::NoWebhook) => return Err(ReceiptError::WebhookDeleted),
            found => found?,
        };
        self.receipts.start_again(&webhook, &stored, now).await
    }

    /// Deletes a dead letter: its receipt stays, with the reason `discarded`, and the order on the
    /// dead-letter queue is worthless from then on. Two read units and two write units.
    ///
    /// # Errors
    /// [`ReceiptError::NoReceipt`] for what is not listed or was deleted, `UnderWay` for what was
    /// started again.
    pub async fn discard(
        &self,
        org: &str,
        delivery: &DeliveryId,
        now: Millis,
    ) -> Result<(), ReceiptError> {
        let Listed { stored, .. } = self.find(org, delivery, now).await?;
        let status = stored.receipt.state.status;
        // Neither policy nor jitter matter: nothing waits in this step.
        let policy = &self.receipts.default_policy;
        let Step::Move(transition) =
            stored.receipt.state.step(&Happening::Discarded, policy, now, 0.0)
        else {
            return Err(ReceiptError::UnderWay(status));
        };
        let receipt = Receipt { state: transition.next, ..stored.receipt.clone() };
        let write = WriteReceipt {
            org: org.to_owned(),
            watch_at: None,
            expires_at: expires_at(&receipt, self.receipts.retention_days, now),
            receipt,
            over: Some(stored.over()),
        };
        if !self.receipts.write(&write).await? {
            return Err(ReceiptError::UnderWay(Status::Pending));
        }
        self.receipts.carry_out(org, &write.receipt, &transition.effects, now).await;
        Ok(())
    }

    /// A delivery on the list that is dead or under way again.
    async fn find(
        &self,
        org: &str,
        delivery: &DeliveryId,
        now: Millis,
    ) -> Result<Listed, ReceiptError> {
        let key = DeadLetterKey { org: org.to_owned(), delivery_id: delivery.clone() };
        let receipts = &self.receipts.receipts;
        let letter = receipts.dead_letter(&key, now).await?.ok_or(ReceiptError::NoReceipt)?;
        let key = ReceiptKey::new(org, &letter.webhook_id, delivery);
        let stored = receipts.get_many(&[key]).await?.pop();
        if let Some(stored) = stored.filter(|stored| !has_ended(&stored.receipt.state)) {
            return Ok(Listed { letter, stored });
        }
        self.receipts.strike(org, &[delivery]).await;
        Err(ReceiptError::NoReceipt)
    }
}

/// Whether it has ended, and not as a dead letter.
fn has_ended(state: &Delivery) -> bool {
    state.status == Status::Delivered || state.reason == Some(Reason::Discarded)
}
