//! Following deliveries: listing receipts, reading one, sending it again.

use aragora_core::delivery::{Effect, Happening, Receipt, RetryPolicy, Status, Step};
use aragora_core::ids::{DeliveryId, JobId, WebhookId};
use aragora_core::time::Millis;
use aragora_delivery::orders::{LONGEST_ON_QUEUE_MS, Wanted, attempt};
use aragora_delivery::worker::expires_at;
use aragora_queue::Queue;
use aragora_store::StoreError;
use aragora_store::receipts::{
    DeadLetterKey, Listed, Query, ReceiptKey, Receipts, StoredReceipt, WriteOutcome, WriteReceipt,
};
use aragora_store::registrations::{Registrations, Webhook};
use thiserror::Error;

/// What a list of receipts is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Narrowed {
    /// These states; all when empty.
    pub statuses: Vec<Status>,
    /// This type, in all its spellings; any when empty.
    pub event_types: Vec<String>,
    /// Accepted at or after this time.
    pub since: Option<Millis>,
    /// Accepted before this time.
    pub until: Option<Millis>,
    /// Older than this delivery.
    pub after: Option<DeliveryId>,
    /// How many: 1 to 100.
    pub limit: usize,
}

/// What users do with receipts.
#[derive(Debug, Clone)]
pub struct ReceiptDesk {
    /// Where webhooks are kept.
    pub registrations: Registrations,
    /// Where receipts are kept.
    pub receipts: Receipts,
    /// Where a delivery to be sent again goes.
    pub deliveries: Queue,
    /// For webhooks without a policy of their own.
    pub default_policy: RetryPolicy,
    /// How long a message may take before the sweep takes it up, in milliseconds.
    pub grace_ms: i64,
    /// Days that receipts are kept, and shown.
    pub retention_days: i64,
}

/// Why there is no receipt, or no retry.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// There is no such webhook in the organisation.
    #[error("there is no such webhook")]
    NoWebhook,
    /// The webhook has no such delivery.
    #[error("there is no such delivery")]
    NoReceipt,
    /// It is under way, so it cannot be sent again.
    #[error("the delivery is {}: only a delivery that has ended can be sent again", .0.as_str())]
    UnderWay(Status),
    /// Nothing is sent to a webhook that is switched off.
    #[error("the webhook is disabled")]
    WebhookDisabled,
    /// The webhook of a dead letter is not there any more.
    #[error("the webhook was deleted: there is nobody to send it to")]
    WebhookDeleted,
    /// The table did not answer.
    #[error("the receipts did not answer")]
    Store(#[from] StoreError),
}

impl ReceiptDesk {
    /// A page of a webhook's receipts, newest first. One and a half read units and more with
    /// filters, see [`Receipts::list`].
    ///
    /// # Errors
    /// [`ReceiptError::NoWebhook`] also for another organisation's.
    pub async fn list(
        &self,
        org: &str,
        webhook: &WebhookId,
        narrowed: &Narrowed,
        now: Millis,
    ) -> Result<Listed, ReceiptError> {
        let found = self.webhook(org, webhook).await?;
        let event_types: Vec<&str> = narrowed.event_types.iter().map(String::as_str).collect();
        // What is past its retention is not shown, even when TTL is late.
        let oldest = now.plus(-self.retention_days * 86_400_000);
        let query = Query {
            org,
            webhook_id: webhook,
            statuses: &narrowed.statuses,
            event_types: &event_types,
            since: Some(narrowed.since.map_or(oldest, |since| since.max(oldest))),
            until: narrowed.until,
            after: narrowed.after.as_ref(),
            limit: narrowed.limit,
            max_attempts: self.max_attempts(&found),
        };
        Ok(self.receipts.list(&query).await?)
    }

    /// One receipt, as last written. Two read units.
    ///
    /// # Errors
    /// [`ReceiptError::NoReceipt`] also for a delivery of another webhook.
    pub async fn get(
        &self,
        org: &str,
        webhook: &WebhookId,
        delivery: &DeliveryId,
    ) -> Result<Receipt, ReceiptError> {
        let found = self.webhook(org, webhook).await?;
        let stored = self
            .receipts
            .get(&ReceiptKey::new(org, webhook, delivery), self.max_attempts(&found))
            .await?;
        stored.map(|stored| stored.receipt).ok_or(ReceiptError::NoReceipt)
    }

    /// Sends a delivery that has ended again: the next generation, with a fresh budget. Two read
    /// units, two write units and a request to SQS; one write unit more for a dead letter, which
    /// leaves the list. When the request to SQS fails, the sweep queues it.
    ///
    /// # Errors
    /// [`ReceiptError::UnderWay`] when it has not ended, also when somebody else was faster.
    pub async fn retry(
        &self,
        org: &str,
        webhook: &WebhookId,
        delivery: &DeliveryId,
        now: Millis,
    ) -> Result<Receipt, ReceiptError> {
        let found = self.webhook(org, webhook).await?;
        let key = ReceiptKey::new(org, webhook, delivery);
        let stored = self
            .receipts
            .get(&key, self.max_attempts(&found))
            .await?
            .ok_or(ReceiptError::NoReceipt)?;
        self.start_again(&found, &stored, now).await
    }

    /// [`Self::retry`] of what has been read: without its reads.
    pub(crate) async fn start_again(
        &self,
        found: &Webhook,
        stored: &StoredReceipt,
        now: Millis,
    ) -> Result<Receipt, ReceiptError> {
        let org = &found.org;
        let Some((write, effects)) = self.next_generation(found, stored, None, now) else {
            return Err(ReceiptError::UnderWay(stored.receipt.state.status));
        };
        if !found.enabled {
            return Err(ReceiptError::WebhookDisabled);
        }
        if !self.write(&write).await? {
            return Err(ReceiptError::UnderWay(Status::Pending));
        }
        self.carry_out(org, &write.receipt, &effects, now).await;
        Ok(write.receipt)
    }

    /// The next generation of a delivery that has ended, started by hand or by `job`, and what has
    /// to be done once it is stored; `None` for one that is under way.
    pub(crate) fn next_generation(
        &self,
        found: &Webhook,
        stored: &StoredReceipt,
        job: Option<&JobId>,
        now: Millis,
    ) -> Option<(WriteReceipt, Vec<Effect>)> {
        let policy = found.config.retry_policy.unwrap_or(self.default_policy);
        // No jitter: nothing in this step waits.
        let Step::Move(transition) =
            stored.receipt.state.step(&Happening::RetryAsked, &policy, now, 0.0)
        else {
            return None;
        };
        let mut receipt = stored.receipt.clone();
        receipt.state = transition.next;
        receipt.max_attempts = policy.max_attempts();
        receipt.delivered_at = None;
        receipt.job = job.map(|job| job.as_str().to_owned());
        let write = WriteReceipt {
            org: found.org.clone(),
            watch_at: receipt.watched_at(now, self.grace_ms, LONGEST_ON_QUEUE_MS),
            receipt,
            over: Some(stored.over()),
            expires_at: expires_at(&stored.receipt, self.retention_days, now),
        };
        Some((write, transition.effects))
    }

    /// Whether the receipt is stored as it was to be; not when somebody was faster.
    pub(crate) async fn write(&self, write: &WriteReceipt) -> Result<bool, StoreError> {
        match self.receipts.write_many(std::slice::from_ref(write)).await?.pop() {
            Some(WriteOutcome::Written(_)) => Ok(true),
            Some(WriteOutcome::Failed(error)) => Err(error),
            // Somebody was faster, or the SDK repeated a write of ours whose answer was lost.
            Some(WriteOutcome::Refused) | None => {
                let receipt = &write.receipt;
                let key = ReceiptKey::new(&write.org, &receipt.webhook_id, &receipt.delivery_id);
                let there = self.receipts.get_many(&[key]).await?.pop();
                Ok(there.is_some_and(|there| there.receipt == write.receipt))
            }
        }
    }

    /// The list of dead letters first: once its message is out, the delivery may be given up
    /// again, and must not be struck off after that.
    pub(crate) async fn carry_out(
        &self,
        org: &str,
        receipt: &Receipt,
        effects: &[Effect],
        now: Millis,
    ) {
        if effects.contains(&Effect::StrikeDeadLetter) {
            self.strike(org, &[&receipt.delivery_id]).await;
        }
        let wanted = effects.iter().map(|&effect| Wanted { org, receipt, effect, inline: None });
        let messages: Vec<_> = wanted.filter_map(|wanted| attempt(&wanted, now)).collect();
        for outcome in self.deliveries.send_all(&messages).await {
            if let Err(error) = outcome {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a manual retry waits for the sweep to be queued"
                );
            }
        }
    }

    /// Strikes deliveries off the list of dead letters. One write unit each. What stays on it by
    /// a failure is left out by its readers, since its receipt says otherwise.
    pub(crate) async fn strike(&self, org: &str, deliveries: &[&DeliveryId]) {
        let key =
            |id: &&DeliveryId| DeadLetterKey { org: org.to_owned(), delivery_id: (*id).clone() };
        let keys: Vec<_> = deliveries.iter().map(key).collect();
        if let Err(error) = self.receipts.update_dead_letters(&[], &keys).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "what is no longer dead is still listed as a dead letter");
        }
    }

    pub(crate) async fn webhook(&self, org: &str, id: &WebhookId) -> Result<Webhook, ReceiptError> {
        self.registrations.get(org, id).await?.ok_or(ReceiptError::NoWebhook)
    }

    fn max_attempts(&self, webhook: &Webhook) -> u32 {
        webhook.config.retry_policy.unwrap_or(self.default_policy).max_attempts()
    }
}
