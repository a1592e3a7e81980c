//! Fan-out: one event becomes one delivery for every webhook that matches.
//!
//! Doing it twice does no harm: delivery ids follow from event and webhook, and a second message
//! for the same delivery loses its claim.

use std::collections::{BTreeMap, HashMap, HashSet};

use aragora_core::delivery::Order;
use aragora_core::filters::Subject;
use aragora_core::ids::{DeliveryId, EventId, WebhookId};
use aragora_core::pyjson;
use aragora_core::time::Millis;
use aragora_queue::inbound::InboundMessage;
use aragora_queue::message::{Deliver, FanOut, InlineEvent, decode};
use aragora_queue::{Queue, bury};
use aragora_store::StoreError;
use aragora_store::events::{Events, FanOutRecord};
use aragora_store::intents::{FanOutNote, Intents};
use aragora_store::receipts::Receipts;
use aragora_store::registrations::{Registrations, Webhook};
use futures_util::future::join_all;
use serde_json::Value;

use crate::first_attempts::{expires_at, outgoing, pages};
use crate::riding;

/// How much later than an event's acceptance a webhook may have been registered and still get it:
/// the clocks of two hosts differ. Without any bound, an event that is fanned out again after an
/// outage would reach webhooks that were registered since.
const CLOCK_SLACK_MS: i64 = 5_000;
/// Deliveries that are made visible and queued together.
const SLICE: usize = 500;
/// Webhooks read in one request.
const PAGE: i32 = 500;

/// The worker behind the `events` queue.
#[derive(Debug, Clone)]
pub struct FanOutWorker {
    /// Where events are kept.
    pub events: Events,
    /// Who wants to be told.
    pub registrations: Registrations,
    /// Where what was queued becomes visible.
    pub receipts: Receipts,
    /// Where the events to be fanned out are noted.
    pub intents: Intents,
    /// The queue of the deliver worker.
    pub deliveries: Queue,
    /// Where messages go that can never be read.
    pub dead_letters: Queue,
    /// Days that what is written here is kept.
    pub retention_days: i64,
}

/// What became of a batch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FanOutReport {
    /// Messages to be received again.
    pub failed: Vec<String>,
    /// Events fanned out.
    pub events: usize,
    /// Deliveries they became.
    pub deliveries: usize,
    /// Messages that can never be read, put on the dead-letter queue.
    pub poison: usize,
}

/// One event of the batch, the messages that are done when it is, and the notes they name.
struct Job {
    message_ids: Vec<String>,
    noted_at: Vec<Millis>,
    order: FanOut,
}

/// A delivery to be queued, and the job it belongs to.
struct Matched {
    job: usize,
    message: Deliver,
}

impl FanOutWorker {
    /// Fans the events of a batch out. Per event: one write unit to strike out its note and one
    /// for the record of where it went; per delivery a tenth of a unit and of a request to SQS
    /// when ten go to the same webhook; two read units per organisation.
    pub async fn handle(&self, batch: Vec<InboundMessage>) -> FanOutReport {
        let mut report = FanOutReport::default();
        let jobs = self.read(batch, &mut report).await;
        if let Err(error) = self.fan_out(&jobs, &mut report).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "a batch of events could not be fanned out"
            );
            report.failed.extend(jobs.into_iter().flat_map(|job| job.message_ids));
            report.failed.sort_unstable();
            report.failed.dedup();
        }
        report
    }

    /// Sorts out what can never be read.
    async fn read(&self, batch: Vec<InboundMessage>, report: &mut FanOutReport) -> Vec<Job> {
        let mut jobs = Vec::with_capacity(batch.len());
        let mut poison = Vec::new();
        for message in batch {
            match decode(&message.body) {
                Ok(order) => join(&mut jobs, message.message_id, order),
                Err(error) => {
                    tracing::error!(
                        message_id = message.message_id,
                        error = &error as &dyn std::error::Error,
                        "poison on the events queue"
                    );
                    poison.push((message, error.reason()));
                }
            }
        }
        report.poison = poison.len();
        report.failed.extend(bury(&self.dead_letters, poison).await);
        jobs
    }

    async fn fan_out(&self, jobs: &[Job], report: &mut FanOutReport) -> Result<(), StoreError> {
        let (events, webhooks) =
            futures_util::join!(self.load_events(jobs), self.load_webhooks(jobs));
        let events = events?;
        let mut matched: Vec<Matched> = Vec::new();
        for (at, job) in jobs.iter().enumerate() {
            // No event: its publisher died between note and event and acknowledged nothing.
            let Some(event) = events.get(&(job.order.org.as_str(), &job.order.event_id)) else {
                continue;
            };
            let candidates =
                webhooks.get(job.order.org.as_str()).map(Vec::as_slice).unwrap_or_default();
            matched.extend(match_event(at, &job.order, event, candidates));
        }
        report.events = jobs.len();
        report.deliveries = matched.len();
        // Ten deliveries to the same webhook travel together: the worker reads it once, and a
        // receiver that hangs only delays its own.
        matched.sort_by(|one, other| one.message.webhook_id.cmp(&other.message.webhook_id));

        let mut unfinished: HashSet<usize> = jobs
            .iter()
            .enumerate()
            .filter(|(_, job)| !webhooks.contains_key(job.order.org.as_str()))
            .map(|(at, _)| at)
            .collect();
        for slice in matched.chunks(SLICE) {
            let messages: Vec<_> = slice.iter().map(|it| &it.message).collect();
            self.receipts.put_pages(&pages(&messages, self.retention_days)).await?;
            unfinished.extend(self.send(slice).await);
        }
        let of = |at: usize| jobs.get(at).map(|job| job.message_ids.clone()).unwrap_or_default();
        report.failed.extend(unfinished.iter().flat_map(|&at| of(at)));
        self.finish(&unfinished, &matched, jobs).await
    }

    /// The events of the jobs, from the messages and, where they do not fit there, the table.
    async fn load_events<'a>(
        &self,
        jobs: &'a [Job],
    ) -> Result<HashMap<(&'a str, &'a EventId), InlineEvent>, StoreError> {
        let mut events = HashMap::new();
        let mut missing = Vec::new();
        for Job { order, .. } in jobs {
            match &order.inline {
                Some(event) => {
                    events.insert((order.org.as_str(), &order.event_id), event.clone());
                }
                None => missing.push((order.org.clone(), order.event_id.clone())),
            }
        }
        for stored in self.events.get_many(&missing, true).await? {
            let order = jobs
                .iter()
                .map(|job| &job.order)
                .find(|order| order.org == stored.org && order.event_id == stored.id);
            let Some(order) = order else { continue };
            events.insert((order.org.as_str(), &order.event_id), riding(stored));
        }
        Ok(events)
    }

    /// All webhooks of the organisations that the jobs belong to. An organisation whose webhooks
    /// cannot be read is left out, and stands in nobody else's way.
    async fn load_webhooks<'a>(&self, jobs: &'a [Job]) -> HashMap<&'a str, Vec<Webhook>> {
        let orgs: HashSet<&str> = jobs.iter().map(|job| job.order.org.as_str()).collect();
        let read = |org: &'a str| async move {
            let log = |error: &StoreError| {
                let error = error as &dyn std::error::Error;
                tracing::error!(org_id = org, error, "an organisation's webhooks cannot be read");
            };
            Some((org, self.all_webhooks(org).await.inspect_err(log).ok()?))
        };
        join_all(orgs.into_iter().map(read)).await.into_iter().flatten().collect()
    }

    async fn all_webhooks(&self, org: &str) -> Result<Vec<Webhook>, StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.registrations.page(org, after.as_ref(), PAGE).await?;
            all.extend(page);
            after = next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    /// Queues the deliveries; gives back the jobs of which one could not be.
    async fn send(&self, matched: &[Matched]) -> HashSet<usize> {
        let messages: Vec<_> = matched.iter().map(|it| outgoing(&it.message)).collect();
        let outcomes = self.deliveries.send_all(&messages).await;
        let mut unsent = HashSet::new();
        for (it, outcome) in matched.iter().zip(outcomes) {
            if let Err(error) = outcome {
                tracing::warn!(delivery_id = %it.message.delivery_id, error = &error as &dyn std::error::Error, "a delivery could not be queued");
                unsent.insert(it.job);
            }
        }
        unsent
    }

    /// Records where the events went and strikes their notes out.
    async fn finish(
        &self,
        unfinished: &HashSet<usize>,
        matched: &[Matched],
        jobs: &[Job],
    ) -> Result<(), StoreError> {
        let mut went_to: BTreeMap<usize, Vec<WebhookId>> = BTreeMap::new();
        for it in matched {
            went_to.entry(it.job).or_default().push(it.message.webhook_id.clone());
        }
        let (mut records, mut notes) = (Vec::new(), Vec::new());
        for (at, job) in jobs.iter().enumerate().filter(|(at, _)| !unfinished.contains(at)) {
            let (org, event_id) = (&job.order.org, &job.order.event_id);
            records.extend(went_to.remove(&at).map(|webhooks| FanOutRecord {
                org: org.clone(),
                event_id: event_id.clone(),
                webhooks,
                expires_at: expires_at(job.order.noted_at, self.retention_days),
            }));
            notes.extend(job.noted_at.iter().map(|&at| FanOutNote {
                org: org.clone(),
                event_id: event_id.clone(),
                at,
            }));
        }
        // The notes go last: until they do, the sweep would fan the events out again.
        self.events.put_fan_outs(&records).await?;
        self.intents.strike_fan_outs(&notes).await
    }
}

/// Messages about one event are one job: its deliveries are queued once, and a batch of writes must
/// not name an item twice.
fn join(jobs: &mut Vec<Job>, message_id: String, order: FanOut) {
    let is_it = |job: &&mut Job| job.order.event_id == order.event_id && job.order.org == order.org;
    match jobs.iter_mut().find(is_it) {
        None => {
            let noted_at = vec![order.noted_at];
            jobs.push(Job { message_ids: vec![message_id], noted_at, order });
        }
        Some(job) => {
            job.message_ids.push(message_id);
            job.noted_at.push(order.noted_at);
            job.order.inline = job.order.inline.take().or(order.inline);
        }
    }
}

/// The deliveries of one event.
fn match_event(
    job: usize,
    order: &FanOut,
    event: &InlineEvent,
    webhooks: &[Webhook],
) -> Vec<Matched> {
    // Only parsed when a filter has to look into it.
    let mut parsed: Option<Value> = None;
    let mut matched = Vec::new();
    for webhook in webhooks {
        let config = &webhook.config;
        let late = config.created_at.since(event.accepted_at) > CLOCK_SLACK_MS;
        if !webhook.enabled || late {
            continue;
        }
        let subscription = webhook.subscription();
        let Some(spelling) = subscription.spelling(&event.project, &event.event_type) else {
            continue;
        };
        if subscription.has_filters() {
            let data = parsed
                .get_or_insert_with(|| pyjson::parse(event.data.as_bytes()).unwrap_or_default());
            let subject = Subject {
                event_type: &event.event_type,
                debate_id: event.debate_id.as_deref(),
                project: &event.project,
                data,
            };
            if !subscription.passes(&subject) {
                continue;
            }
        }
        matched.push(Matched { job, message: delivery(order, event, &webhook.id, spelling) });
    }
    matched
}

fn delivery(
    order: &FanOut,
    event: &InlineEvent,
    webhook_id: &WebhookId,
    spelling: &str,
) -> Deliver {
    Deliver {
        org: order.org.clone(),
        webhook_id: webhook_id.clone(),
        event_id: order.event_id.clone(),
        delivery_id: DeliveryId::of(&order.org, &order.event_id, webhook_id, event.accepted_at),
        event_type: spelling.to_owned(),
        accepted_at: event.accepted_at,
        request_id: order.request_id.clone(),
        order: Order::Attempt,
        generation: 0,
        has_receipt: false,
        job: None,
        inline: order.inline.clone(),
    }
}

#[cfg(test)]
#[path = "fan_out_tests.rs"]
mod tests;
