//! What the messages of a batch speak of, and what the state machine makes of them.

use std::collections::HashMap;

use aragora_core::delivery::{
    Effect, Endpoint, Happening, Lease, Receipt, RetryPolicy, Status, Step,
};
use aragora_core::ids::{DeliveryId, EventId, WebhookId};
use aragora_core::time::Millis;
use aragora_events::riding;
use aragora_queue::message::{Deliver, InlineEvent};
use aragora_store::StoreError;
use aragora_store::events::StoredEvent;
use aragora_store::receipts::{Over, PageEntry, ReceiptKey, StoredReceipt, WriteReceipt};
use aragora_store::registrations::Webhook;
use futures_util::try_join;

use super::admit::Pass;
use super::{DeliverWorker, Job, draw, expires_at};
use crate::orders::LONGEST_ON_QUEUE_MS;

/// What was looked up for a batch.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) webhooks: Vec<Webhook>,
    receipts: HashMap<DeliveryId, StoredReceipt>,
    events: HashMap<(String, EventId), InlineEvent>,
}

/// A delivery with the state it is to have.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) job: Job,
    pub(super) receipt: Receipt,
    pub(super) effects: Vec<Effect>,
    pub(super) policy: RetryPolicy,
    pub(super) over: Option<Over>,
    pub(super) watch_at: Option<Millis>,
    pub(super) pass: Pass,
}

impl Found {
    pub(super) fn webhook(&self, order: &Deliver) -> Option<&Webhook> {
        self.webhook_of(&order.org, &order.webhook_id)
    }

    pub(super) fn webhook_of(&self, org: &str, id: &WebhookId) -> Option<&Webhook> {
        self.webhooks.iter().find(|webhook| webhook.id == *id && webhook.org == org)
    }

    /// The event: from the message, else from the table.
    pub(super) fn event<'a>(&'a self, order: &'a Deliver) -> Option<&'a InlineEvent> {
        order
            .inline
            .as_ref()
            .or_else(|| self.events.get(&(order.org.clone(), order.event_id.clone())))
    }

    pub(super) fn receipt(&self, order: &Deliver) -> Option<&StoredReceipt> {
        self.receipts.get(&order.delivery_id)
    }

    fn endpoint(&self, order: &Deliver) -> Endpoint {
        match self.webhook(order) {
            None => Endpoint::Deleted,
            Some(webhook) if !webhook.enabled => Endpoint::Disabled,
            Some(_) if self.event(order).is_none() => Endpoint::EventExpired,
            Some(_) => Endpoint::Ready,
        }
    }
}

impl Planned {
    pub(super) fn sends(&self) -> bool {
        self.effects.contains(&Effect::Send)
    }

    pub(super) fn write(&self, retention_days: i64, now: Millis) -> WriteReceipt {
        WriteReceipt {
            org: self.job.order.org.clone(),
            receipt: self.receipt.clone(),
            over: self.over,
            watch_at: self.watch_at,
            expires_at: expires_at(&self.receipt, retention_days, now),
        }
    }

    /// What a write over what was just written expects.
    pub(super) fn written(&mut self, rev: u64) {
        self.over = Some(Over { rev, watched: self.watch_at.is_some() });
    }
}

impl DeliverWorker {
    /// Looks up webhooks, receipts and events, side by side.
    pub(super) async fn look_up(&self, jobs: &[Job]) -> Result<Found, StoreError> {
        let orders = || jobs.iter().map(|job| &job.order);
        let webhook_ids: Vec<(String, WebhookId)> =
            orders().map(|order| (order.org.clone(), order.webhook_id.clone())).collect();
        let receipt_keys: Vec<_> =
            orders().filter(|order| order.has_receipt).map(receipt_key).collect();
        let event_ids: Vec<_> = orders()
            .filter(|order| order.inline.is_none())
            .map(|order| (order.org.clone(), order.event_id.clone()))
            .collect();
        let (webhooks, receipts, events) = try_join!(
            self.registrations.get_many(&webhook_ids, false),
            self.receipts.get_many(&receipt_keys),
            self.events.get_many(&event_ids, false),
        )?;
        let (webhooks, events) =
            try_join!(self.doubted(webhooks, webhook_ids), self.missing(events, event_ids))?;
        let events = events.into_iter().map(|event| {
            let key = (event.org.clone(), event.id.clone());
            (key, riding(event))
        });
        let receipts =
            receipts.into_iter().map(|stored| (stored.receipt.delivery_id.clone(), stored));
        Ok(Found { webhooks, receipts: receipts.collect(), events: events.collect() })
    }

    /// The webhooks, with those that are missing or disabled read again as last written: a replica
    /// that lags must not give deliveries up.
    async fn doubted(
        &self,
        mut found: Vec<Webhook>,
        mut ids: Vec<(String, WebhookId)>,
    ) -> Result<Vec<Webhook>, StoreError> {
        found.retain(|webhook| webhook.enabled);
        ids.retain(|(org, id)| !found.iter().any(|it| it.id == *id && it.org == *org));
        found.extend(self.registrations.get_many(&ids, true).await?);
        Ok(found)
    }

    /// The events, with those that are missing read again as last written.
    async fn missing(
        &self,
        mut found: Vec<StoredEvent>,
        mut ids: Vec<(String, EventId)>,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        ids.retain(|(org, id)| !found.iter().any(|it| it.id == *id && it.org == *org));
        found.extend(self.events.get_many(&ids, true).await?);
        Ok(found)
    }

    /// What becomes of a delivery now that a message about it was received; `None` when nothing is
    /// left to be done. `pass` says whether it may be sent, as far as that was asked.
    pub(super) fn plan(
        &self,
        job: &Job,
        found: &Found,
        stored: Option<&StoredReceipt>,
        lease_id: &str,
        pass: Pass,
        now: Millis,
    ) -> Option<Planned> {
        let policy = self.policy(found.webhook(&job.order));
        let mut receipt = stored
            .map_or_else(|| fresh_receipt(&job.order, &policy), |stored| stored.receipt.clone());
        let happening = Happening::Received {
            order: job.order.order,
            generation: job.order.generation,
            endpoint: match (found.endpoint(&job.order), pass.held) {
                (Endpoint::Ready, Some((until, _))) => {
                    Endpoint::Held { until, accepted_at: job.order.accepted_at }
                }
                (endpoint, _) => endpoint,
            },
            lease: Lease {
                id: lease_id.to_owned(),
                until: now.plus(policy.timeout_ms() + super::MARGIN_MS),
            },
        };
        match receipt.state.step(&happening, &policy, now, draw(now)) {
            Step::Move(transition) => {
                receipt.state = transition.next;
                receipt.max_attempts = policy.max_attempts();
                let is_held = receipt.state.status == Status::Retrying;
                receipt.held_by = pass.held.filter(|_| is_held).map(|(_, by)| by);
                let watch_at = receipt.watched_at(now, self.grace_ms, LONGEST_ON_QUEUE_MS);
                let over = stored.map(StoredReceipt::over);
                Some(Planned {
                    job: job.clone(),
                    receipt,
                    effects: transition.effects,
                    policy,
                    over,
                    watch_at,
                    pass,
                })
            }
            Step::Repeat(_) | Step::Ignore(_) => None,
        }
    }
}

pub(super) fn receipt_key(order: &Deliver) -> ReceiptKey {
    ReceiptKey::new(&order.org, &order.webhook_id, &order.delivery_id)
}

fn fresh_receipt(order: &Deliver, policy: &RetryPolicy) -> Receipt {
    let entry = PageEntry {
        delivery_id: order.delivery_id.clone(),
        event_id: order.event_id.clone(),
        event_type: order.event_type.clone(),
        accepted_at: order.accepted_at,
    };
    let (request_id, job) = (order.request_id.clone(), order.job.clone());
    Receipt { request_id, job, ..entry.receipt(&order.webhook_id, policy.max_attempts()) }
}
