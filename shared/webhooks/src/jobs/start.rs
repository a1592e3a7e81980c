//! Starting the deliveries of a page: each once in a job, however often the page is begun.
//!
//! A receipt that a job restarts carries the job's id, and so does the one that a first attempt
//! makes. A page that is begun again finds them, and starts nothing of it twice.

use std::collections::{HashMap, HashSet};

use aragora_core::delivery::{Effect, Receipt, Status};
use aragora_core::ids::{EventId, JobId, WebhookId};
use aragora_core::redelivery::{Tally, Target, Unattempted};
use aragora_core::time::Millis;
use aragora_delivery::orders::{Wanted, attempt};
use aragora_events::first_attempts::{outgoing, pages};
use aragora_queue::Outgoing;
use aragora_queue::message::Deliver;
use aragora_store::StoreError;
use aragora_store::events::{Events, StoredEvent};
use aragora_store::receipts::{ReceiptKey, StoredReceipt, WriteOutcome, WriteReceipt};
use aragora_store::registrations::Webhook;
use futures_util::try_join;
use thiserror::Error;

use super::walk::by_delivery;
use crate::receipts::ReceiptDesk;

/// Starts deliveries.
#[derive(Debug, Clone)]
pub struct Starter {
    /// Starts a single one, and knows where everything is kept.
    pub desk: ReceiptDesk,
    /// Where events are kept.
    pub events: Events,
}

/// Why a page is not done, and has to be begun again.
#[derive(Debug, Error)]
pub enum StartError {
    /// A table did not answer.
    #[error("a table did not answer")]
    Store(#[from] StoreError),
    /// Messages for first attempts, which nothing but they would bring about.
    #[error("{0} first attempts could not be queued")]
    Unqueued(usize),
}

/// What is to be done about one delivery.
#[derive(Debug, Clone, PartialEq)]
enum Plan<'a> {
    /// The next generation of a dead letter.
    Restart(Box<WriteReceipt>),
    /// This job restarted it, and perhaps died before it was queued.
    Queue(&'a Receipt),
    /// Its first attempt.
    First(&'a Target, &'a Unattempted),
    /// This job started it, and it has moved on.
    Started,
    /// It can not be started.
    Fail,
    /// It is no longer to be started.
    Skip,
}

impl Starter {
    /// Starts the deliveries of a page. For 25 dead letters: 25 read units for their receipts,
    /// 75 write units (receipt, its place in the index of what waits, the list), 3 requests to SQS,
    /// and a read unit for each webhook. For a first attempt: half a read unit per 4 KB of the
    /// event, a fifth of a write unit and a tenth of a request.
    ///
    /// # Errors
    /// When not all of it is known to be done: the page is to be begun again.
    pub async fn start(
        &self,
        org: &str,
        job: &JobId,
        targets: &[Target],
        now: Millis,
    ) -> Result<Tally, StartError> {
        let webhooks: HashSet<&WebhookId> = targets.iter().map(|it| &it.webhook_id).collect();
        let webhooks: Vec<_> =
            webhooks.into_iter().map(|id| (org.to_owned(), id.clone())).collect();
        let keys: Vec<_> = targets
            .iter()
            .map(|it| ReceiptKey::new(org, &it.webhook_id, &it.delivery_id))
            .collect();
        let (webhooks, receipts) = try_join!(
            self.desk.registrations.get_many(&webhooks, true),
            self.desk.receipts.get_many(&keys)
        )?;
        let receipts = by_delivery(receipts);
        let (mut tally, mut restarts) = (Tally::default(), Vec::new());
        let (mut again, mut firsts) = (Vec::new(), Vec::new());
        for target in targets {
            let webhook = webhooks.iter().find(|webhook| webhook.id == target.webhook_id);
            match self.plan(job, target, receipts.get(&target.delivery_id), webhook, now) {
                Plan::Restart(write) => restarts.push(*write),
                Plan::Queue(receipt) => again.push(receipt.clone()),
                Plan::First(target, event) => firsts.push((target, event)),
                Plan::Started => tally.succeeded += 1,
                Plan::Fail => tally.failed += 1,
                Plan::Skip => tally.skipped += 1,
            }
        }
        let restarted = self.restart(restarts, &mut tally).await?;
        // The list first: once its message is out, a delivery may be given up again, and must not
        // be struck off after that.
        let ids: Vec<_> = restarted.iter().map(|receipt| &receipt.delivery_id).collect();
        self.desk.strike(org, &ids).await;
        again.extend(restarted);
        tally.succeeded += u64::try_from(again.len()).unwrap_or_default();
        self.queue(org, &again, now).await;
        self.attempt_first(org, job, &firsts, &mut tally).await?;
        Ok(tally)
    }

    fn plan<'a>(
        &self,
        job: &JobId,
        target: &'a Target,
        stored: Option<&'a StoredReceipt>,
        webhook: Option<&Webhook>,
        now: Millis,
    ) -> Plan<'a> {
        if let Some(stored) = stored.filter(|it| it.receipt.job.as_deref() == Some(job.as_str())) {
            let waits = stored.receipt.state.status == Status::Pending;
            return if waits { Plan::Queue(&stored.receipt) } else { Plan::Started };
        }
        let Some(webhook) = webhook.filter(|webhook| webhook.enabled) else { return Plan::Fail };
        match (stored, &target.unattempted) {
            (None, Some(event)) => Plan::First(target, event),
            // What was on record is no longer kept.
            (None, None) => Plan::Fail,
            (Some(stored), _) if stored.receipt.state.is_dead_letter() => {
                let next = self.desk.next_generation(webhook, stored, Some(job), now);
                next.map_or(Plan::Skip, |(write, _)| Plan::Restart(Box::new(write)))
            }
            (Some(_), _) => Plan::Skip,
        }
    }

    /// Stores the next generations and gives back those that are; what somebody else changed in
    /// between is left alone.
    async fn restart(
        &self,
        writes: Vec<WriteReceipt>,
        tally: &mut Tally,
    ) -> Result<Vec<Receipt>, StoreError> {
        let outcomes = self.desk.receipts.write_many(&writes).await?;
        let (mut restarted, mut refused) = (Vec::with_capacity(writes.len()), Vec::new());
        for (write, outcome) in writes.into_iter().zip(outcomes) {
            match outcome {
                WriteOutcome::Written(_) => restarted.push(write.receipt),
                WriteOutcome::Refused => refused.push(write),
                WriteOutcome::Failed(error) => return Err(error),
            }
        }
        // Somebody was faster, or the SDK repeated a write of ours whose answer was lost.
        let keys: Vec<_> = refused
            .iter()
            .map(|it| ReceiptKey::new(&it.org, &it.receipt.webhook_id, &it.receipt.delivery_id))
            .collect();
        let there = by_delivery(self.desk.receipts.get_many(&keys).await?);
        for write in refused {
            let found = there.get(&write.receipt.delivery_id);
            if found.is_some_and(|found| found.receipt == write.receipt) {
                restarted.push(write.receipt);
            } else {
                tally.skipped += 1;
            }
        }
        Ok(restarted)
    }

    async fn queue(&self, org: &str, receipts: &[Receipt], now: Millis) {
        let effect = Effect::Queue(now);
        let wanted = receipts.iter().map(|receipt| Wanted { org, receipt, effect, inline: None });
        let messages: Vec<_> = wanted.filter_map(|wanted| attempt(&wanted, now)).collect();
        if let Err(StartError::Unqueued(count)) = self.send(&messages).await {
            tracing::warn!(count, "deliveries that a job restarted wait for the sweep");
        }
    }

    /// Makes first attempts visible and asks for them.
    async fn attempt_first(
        &self,
        org: &str,
        job: &JobId,
        firsts: &[(&Target, &Unattempted)],
        tally: &mut Tally,
    ) -> Result<(), StartError> {
        let ids: Vec<_> =
            firsts.iter().map(|(_, event)| (org.to_owned(), event.event_id.clone())).collect();
        let events = self.events.get_many(&ids, true).await?;
        let events: HashMap<&EventId, &StoredEvent> =
            events.iter().map(|event| (&event.id, event)).collect();
        let messages: Vec<Deliver> = firsts
            .iter()
            .filter_map(|(target, of)| {
                Some(aragora_events::first_attempts::of(
                    events.get(&of.event_id)?,
                    &target.webhook_id,
                    &of.event_type,
                    job,
                ))
            })
            .collect();
        tally.failed += u64::try_from(firsts.len() - messages.len()).unwrap_or_default();
        let lines: Vec<&Deliver> = messages.iter().collect();
        self.desk.receipts.put_pages(&pages(&lines, self.desk.retention_days)).await?;
        self.send(&messages.iter().map(outgoing).collect::<Vec<_>>()).await?;
        tally.succeeded += u64::try_from(messages.len()).unwrap_or_default();
        Ok(())
    }

    async fn send(&self, messages: &[Outgoing]) -> Result<(), StartError> {
        let lost =
            self.desk.deliveries.send_all(messages).await.into_iter().filter_map(Result::err);
        let lost = lost.inspect(|error| {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "a delivery of a job could not be queued");
        });
        match lost.count() {
            0 => Ok(()),
            lost => Err(StartError::Unqueued(lost)),
        }
    }
}

#[cfg(test)]
#[path = "start_tests.rs"]
mod tests;
