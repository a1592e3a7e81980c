//! The worker behind the `deliveries` and `retries` queues.
//!
//! A batch goes through stages, each one request to AWS for all of it: read the messages, look up
//! what they speak of, decide, note, admit and claim, send side by side, record. The stages before
//! the claim may fail as a whole, and the messages come back; from the claim on, what fails is
//! found by its message or by the note of the leases, whichever is first.

mod admit;
mod claim;
mod count;
mod observe;
mod plan;
mod record;

use aragora_core::delivery::{Receipt, RetryPolicy};
use aragora_core::ids::fresh_uuid;
use aragora_core::time::{Clock, Millis};
use aragora_events::announce::Announcer;
use aragora_queue::inbound::{Deadline, InboundMessage};
use aragora_queue::message::{Deliver, decode};
use aragora_queue::{Queue, bury};
use aragora_store::events::Events;
use aragora_store::intents::Intents;
use aragora_store::receipts::Receipts;
use aragora_store::registrations::{Registrations, Webhook};
use uuid::Uuid;

pub(crate) use self::record::{GONE, news_of_gone};
use crate::orders::Lanes;
use crate::sender::Sender;
use crate::vault::Vault;

/// How much longer than an attempt may take its lease lasts, and the least time that must be left
/// of the invocation besides: for signing, recording and queueing.
pub const MARGIN_MS: i64 = 5_000;

/// The worker.
#[derive(Debug)]
pub struct DeliverWorker {
    /// Where webhooks are kept.
    pub registrations: Registrations,
    /// Where what becomes of deliveries is kept.
    pub receipts: Receipts,
    /// Where events are kept.
    pub events: Events,
    /// Where claims are noted.
    pub intents: Intents,
    /// Where retries and dead letters go.
    pub lanes: Lanes,
    /// Where messages of the retries' queue go that can never be read.
    pub retry_dead_letters: Queue,
    /// The client towards receivers.
    pub sender: Sender,
    /// Opens secrets.
    pub vault: Vault,
    /// For webhooks without a policy of their own.
    pub default_policy: RetryPolicy,
    /// How long after its time a retry may be before the sweep takes it up, in milliseconds.
    pub grace_ms: i64,
    /// Days that receipts are kept.
    pub retention_days: i64,
    /// How long an opened circuit stays open, in milliseconds.
    pub circuit_open_ms: i64,
    /// How many invocations of this worker there can be at once on one queue.
    pub maximum_concurrency: u32,
    /// Tells those who want to know what became of webhooks and deliveries.
    pub announcer: Announcer,
    /// The time.
    pub clock: Clock,
}

/// What became of a batch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct DeliverReport {
    /// Messages to be received again.
    pub failed: Vec<String>,
    /// Attempts made.
    pub attempts: usize,
    /// Of them, answered with 2xx.
    pub delivered: usize,
    /// Deliveries given up.
    pub dead_lettered: usize,
    /// Deliveries held back: by a circuit, a rate limit or the organisation's share.
    pub held: usize,
    /// Messages that asked for nothing that was still to be done.
    pub ignored: usize,
    /// Messages that can never be read, put on the dead-letter queue.
    pub poison: usize,
}

/// One delivery of the batch, and the messages that are done when it is.
#[derive(Debug, Clone)]
struct Job {
    message_ids: Vec<String>,
    order: Deliver,
}

impl DeliverWorker {
    /// Works on a batch until `deadline`. For a first attempt that succeeds: two write units (the
    /// claim and the outcome) and a tenth of two more (the note of the leases) when ten come
    /// together, and half a read unit for each webhook in the batch.
    pub async fn handle(&self, batch: Vec<InboundMessage>, deadline: Deadline) -> DeliverReport {
        let mut report = DeliverReport::default();
        let jobs = self.read(batch, &mut report).await;
        let found = match self.look_up(&jobs).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a batch of deliveries could not be looked up"
                );
                report.failed.extend(jobs.into_iter().flat_map(|job| job.message_ids));
                return report;
            }
        };
        let claimed = self.claim(jobs, &found, deadline, &mut report).await;
        if let Some(claimed) = claimed {
            self.send_and_record(claimed, &found, &mut report).await;
        }
        report
    }

    /// Sorts out what can never be read, and joins messages about the same delivery: the one of
    /// the latest generation speaks, and of two of that the redrive.
    async fn read(&self, batch: Vec<InboundMessage>, report: &mut DeliverReport) -> Vec<Job> {
        let mut jobs: Vec<Job> = Vec::with_capacity(batch.len());
        let mut poison = Vec::new();
        for message in batch {
            match decode::<Deliver>(&message.body) {
                Ok(order) => join(&mut jobs, Job { message_ids: vec![message.message_id], order }),
                Err(error) => {
                    let (id, error_text) = (&message.message_id, &error as &dyn std::error::Error);
                    tracing::error!(
                        message_id = id,
                        error = error_text,
                        "poison on a queue of deliveries"
                    );
                    poison.push((message, error.reason()));
                }
            }
        }
        report.poison = poison.len();
        // A batch is of one queue.
        let of_retries =
            poison.first().is_some_and(|(it, _)| self.lanes.attempts.is(&it.source_arn));
        let grave = if of_retries { &self.retry_dead_letters } else { &self.lanes.dead_letters };
        report.failed.extend(bury(grave, poison).await);
        jobs
    }

    fn policy(&self, webhook: Option<&Webhook>) -> RetryPolicy {
        webhook.and_then(|webhook| webhook.config.retry_policy).unwrap_or(self.default_policy)
    }
}

fn join(jobs: &mut Vec<Job>, new: Job) {
    let rank = |job: &Job| {
        (job.order.generation, job.order.order == aragora_core::delivery::Order::Redrive)
    };
    match jobs.iter_mut().find(|job| {
        job.order.delivery_id == new.order.delivery_id && job.order.org == new.order.org
    }) {
        None => jobs.push(new),
        Some(known) => {
            let message_ids =
                [std::mem::take(&mut known.message_ids), new.message_ids.clone()].concat();
            if rank(&new) > rank(known) {
                *known = new;
            }
            known.message_ids = message_ids;
        }
    }
}

/// When a receipt leaves the table, in Unix seconds: not while it may still be worked on.
pub fn expires_at(receipt: &Receipt, retention_days: i64, now: Millis) -> i64 {
    let kept_until = receipt.created_at.unix_seconds() + retention_days * 86_400;
    kept_until.max(now.unix_seconds() + 2 * 86_400)
}

/// A number from 0 to 1 out of the random bits of a fresh UUID.
pub(crate) fn jitter(fresh: &Uuid) -> f64 {
    let (_, bits) = fresh.as_u64_pair();
    // 32 random bits, below the variant's two.
    f64::from(u32::try_from(bits & u64::from(u32::MAX)).unwrap_or_default()) / f64::from(u32::MAX)
}

/// A fresh number from 0 to 1.
fn draw(now: Millis) -> f64 {
    jitter(&fresh_uuid(now))
}

#[cfg(test)]
mod tests {
    use aragora_core::delivery::Order;
    use aragora_core::ids::{DeliveryId, EventId, WebhookId};

    use super::*;

    fn job(message_id: &str, delivery: &str, generation: u32, order: Order) -> Job {
        let order = Deliver {
            org: "org".into(),
            webhook_id: WebhookId::parse("wh-1").unwrap(),
            event_id: EventId::parse("evt-1").unwrap(),
            delivery_id: DeliveryId::parse(delivery).unwrap(),
            event_type: "vote".into(),
            accepted_at: Millis(0),
            request_id: "r".into(),
            order,
            generation,
            has_receipt: false,
            job: None,
            inline: None,
        };
        Job { message_ids: vec![message_id.into()], order }
    }

    #[test]
    fn messages_about_one_delivery_are_one_job() {
        let mut jobs = Vec::new();
        for new in [
            job("a", "dlv-1", 0, Order::Attempt),
            job("b", "dlv-2", 0, Order::Attempt),
            job("c", "dlv-1", 0, Order::Redrive),
            job("d", "dlv-1", 0, Order::Attempt),
            job("e", "dlv-2", 1, Order::Attempt),
            job("f", "dlv-2", 0, Order::Redrive),
        ] {
            join(&mut jobs, new);
        }
        let summary: Vec<_> = jobs
            .iter()
            .map(|job| (job.message_ids.concat(), job.order.generation, job.order.order))
            .collect();
        assert_eq!(
            summary,
            [("acd".to_owned(), 0, Order::Redrive), ("bef".to_owned(), 1, Order::Attempt)]
        );
    }

    #[test]
    fn jitter_is_a_share() {
        let draws: Vec<f64> = (0..200).map(|_| draw(Millis(1))).collect();
        assert!(draws.iter().all(|draw| (0.0..=1.0).contains(draw)));
        assert!(draws.iter().any(|draw| *draw < 0.3) && draws.iter().any(|draw| *draw > 0.7));
    }
}
