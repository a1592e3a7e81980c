//! What each function is built from: its configuration turned into the adapters, use cases and
//! workers it stands on. Nothing here decides anything.

use aragora_api::events::EventsApp;
use aragora_api::health::HealthApp;
use aragora_api::receipts::ReceiptsApp;
use aragora_api::redeliveries::RedeliveriesApp;
use aragora_delivery::orders::Lanes;
use aragora_delivery::resolve::SystemResolver;
use aragora_delivery::sender::Sender;
use aragora_delivery::sweep::DeliverySweep;
use aragora_delivery::trial::Trials;
use aragora_delivery::worker::DeliverWorker;
use aragora_events::announce::Announcer;
use aragora_events::fan_out::FanOutWorker;
use aragora_events::publish::Publisher;
use aragora_events::read::EventReader;
use aragora_events::sweep::FanOutSweep;
use aragora_queue::inbound::{Deadline, InboundMessage};
use aragora_queue::{Queue, Sqs};
use aragora_store::Dynamo;
use aragora_store::events::Events;
use aragora_store::intents::Intents;
use aragora_store::jobs::Jobs;
use aragora_store::receipts::Receipts;
use aragora_store::registrations::Registrations;
use aragora_webhooks::dead_letters::DeadLetterDesk;
use aragora_webhooks::jobs::desk::JobDesk;
use aragora_webhooks::jobs::start::Starter;
use aragora_webhooks::jobs::sweep::JobSweep;
use aragora_webhooks::jobs::walk::Walk;
use aragora_webhooks::jobs::worker::JobWorker;
use aragora_webhooks::receipts::ReceiptDesk;
use aragora_webhooks::registry::Registry;
use aragora_webhooks::statistics::Statistics;

use crate::boot::{Boot, BoxError};
use crate::clock;
use crate::config::{
    DeliverConfig, EventsConfig, FanOutConfig, HealthConfig, ReceiptsConfig, RedeliverConfig,
    RedeliveriesConfig, SweepConfig, WebhookTestConfig, WebhooksConfig,
};
use crate::queue::BatchReport;
use crate::schedule::Counts;

fn dynamo<C>(boot: &Boot<C>) -> Dynamo {
    Dynamo::new(boot.aws.dynamodb(), boot.aws.meter())
}

fn sqs<C>(boot: &Boot<C>) -> Sqs {
    Sqs::new(boot.aws.sqs(), boot.aws.meter())
}

/// `functions/webhooks`
///
/// # Errors
/// Never.
pub fn webhooks(boot: Boot<WebhooksConfig>) -> Result<Registry, BoxError> {
    let (dynamo, sqs) = (dynamo(&boot), sqs(&boot));
    let config = boot.config;
    let registrations = Registrations::new(dynamo.clone(), config.registrations_table);
    Ok(Registry {
        registrations: registrations.clone(),
        keys: config.key_ring,
        url_policy: config.url_policy,
        default_policy: config.retry_policy,
        announcer: Announcer {
            publisher: Publisher {
                events: Events::new(dynamo.clone(), config.events_table),
                intents: Intents::new(dynamo, config.intents_table),
                queue: Queue::new(sqs, config.events_queue_url),
                retention_days: config.retention_days,
            },
            registrations,
        },
    })
}

/// `functions/webhook-test`
///
/// # Errors
/// When the client towards receivers cannot be built.
pub fn webhook_test(boot: Boot<WebhookTestConfig>) -> Result<Trials, BoxError> {
    let dynamo = dynamo(&boot);
    let config = boot.config;
    Ok(Trials {
        registrations: Registrations::new(dynamo, config.registrations_table),
        sender: Sender::new(config.url_policy, SystemResolver)?,
        keys: config.key_ring,
        default_policy: config.retry_policy,
    })
}

/// `functions/events`
///
/// # Errors
/// Never.
pub fn events(boot: Boot<EventsConfig>) -> Result<EventsApp, BoxError> {
    let (dynamo, sqs) = (dynamo(&boot), sqs(&boot));
    let config = boot.config;
    let events = Events::new(dynamo.clone(), config.events_table);
    Ok(EventsApp {
        publisher: Publisher {
            events: events.clone(),
            intents: Intents::new(dynamo.clone(), config.intents_table),
            queue: Queue::new(sqs, config.events_queue_url),
            retention_days: config.retention_days,
        },
        reader: EventReader {
            events,
            receipts: Receipts::new(dynamo, config.receipts_table),
            max_attempts: config.retry_policy.max_attempts(),
        },
    })
}

/// `functions/receipts`
///
/// # Errors
/// Never.
pub fn receipts(boot: Boot<ReceiptsConfig>) -> Result<ReceiptsApp, BoxError> {
    let desk = receipt_desk(dynamo(&boot), sqs(&boot), boot.config);
    let statistics =
        Statistics { registrations: desk.registrations.clone(), receipts: desk.receipts.clone() };
    Ok(ReceiptsApp { desk, statistics })
}

fn receipt_desk(dynamo: Dynamo, sqs: Sqs, config: ReceiptsConfig) -> ReceiptDesk {
    ReceiptDesk {
        registrations: Registrations::new(dynamo.clone(), config.registrations_table),
        receipts: Receipts::new(dynamo, config.receipts_table),
        deliveries: Queue::new(sqs, config.deliveries_queue_url),
        default_policy: config.retry_policy,
        grace_ms: config.grace_ms,
        retention_days: config.retention_days,
    }
}

/// `functions/redeliveries`
///
/// # Errors
/// Never.
pub fn redeliveries(boot: Boot<RedeliveriesConfig>) -> Result<RedeliveriesApp, BoxError> {
    let (dynamo, sqs) = (dynamo(&boot), sqs(&boot));
    let config = boot.config;
    let grace_ms = config.receipts.grace_ms;
    let receipts = receipt_desk(dynamo.clone(), sqs.clone(), config.receipts);
    let events = Events::new(dynamo.clone(), config.events_table);
    Ok(RedeliveriesApp {
        jobs: JobDesk {
            jobs: Jobs::new(dynamo.clone(), config.jobs_table),
            intents: Intents::new(dynamo, config.intents_table),
            walk: walk(&receipts, &events),
            queue: Queue::new(sqs, config.jobs_queue_url),
            grace_ms,
        },
        dead_letters: DeadLetterDesk { receipts, events },
    })
}

fn walk(receipts: &ReceiptDesk, events: &Events) -> Walk {
    Walk {
        registrations: receipts.registrations.clone(),
        receipts: receipts.receipts.clone(),
        events: events.clone(),
        clock: clock::now,
    }
}

/// `functions/redeliver`
///
/// # Errors
/// Never.
pub fn redeliver(boot: Boot<RedeliverConfig>) -> Result<JobWorker, BoxError> {
    let (dynamo, sqs) = (dynamo(&boot), sqs(&boot));
    let config = boot.config;
    let desk = ReceiptDesk {
        registrations: Registrations::new(dynamo.clone(), config.registrations_table),
        receipts: Receipts::new(dynamo.clone(), config.receipts_table),
        deliveries: Queue::new(sqs.clone(), config.deliveries_queue_url),
        default_policy: config.retry_policy,
        grace_ms: config.grace_ms,
        retention_days: config.retention_days,
    };
    let events = Events::new(dynamo.clone(), config.events_table);
    Ok(JobWorker {
        jobs: Jobs::new(dynamo.clone(), config.jobs_table),
        intents: Intents::new(dynamo, config.intents_table),
        walk: walk(&desk, &events),
        starter: Starter { desk, events },
        queue: Queue::new(sqs.clone(), config.jobs_queue_url),
        dead_letters: Queue::new(sqs, config.jobs_dlq_url),
        grace_ms: config.grace_ms,
        clock: clock::now,
    })
}

/// A batch of the `jobs` queue.
///
/// # Errors
/// Never: what fails is in the report.
pub async fn redeliver_batch(
    worker: &JobWorker,
    batch: Vec<InboundMessage>,
    deadline: Deadline,
) -> Result<BatchReport, BoxError> {
    let report = worker.handle(batch, deadline).await;
    let counts = [
        ("pages", report.pages),
        ("deliveries", report.deliveries),
        ("ended", report.ended),
        ("poison", report.poison),
    ];
    Ok(BatchReport { failed: report.failed, counts: counted(counts) })
}

/// `functions/health`
///
/// # Errors
/// Never.
pub fn health(boot: Boot<HealthConfig>) -> Result<HealthApp, BoxError> {
    let dynamo = dynamo(&boot);
    Ok(HealthApp {
        events: Events::new(dynamo, boot.config.events_table),
        version: boot.base.service_version,
        started_at: clock::now(),
    })
}

/// `functions/fan-out`
///
/// # Errors
/// Never.
pub fn fan_out(boot: Boot<FanOutConfig>) -> Result<FanOutWorker, BoxError> {
    let (dynamo, sqs) = (dynamo(&boot), sqs(&boot));
    let config = boot.config;
    Ok(FanOutWorker {
        events: Events::new(dynamo.clone(), config.events_table),
        registrations: Registrations::new(dynamo.clone(), config.registrations_table),
        receipts: Receipts::new(dynamo.clone(), config.receipts_table),
        intents: Intents::new(dynamo, config.intents_table),
        deliveries: Queue::new(sqs.clone(), config.deliveries_queue_url),
        dead_letters: Queue::new(sqs, config.events_dlq_url),
        retention_days: config.retention_days,
    })
}

/// A batch of the `events` queue.
///
/// # Errors
/// Never: what fails is in the report.
pub async fn fan_out_batch(
    worker: &FanOutWorker,
    batch: Vec<InboundMessage>,
    _deadline: Deadline,
) -> Result<BatchReport, BoxError> {
    let report = worker.handle(batch).await;
    let counts =
        [("events", report.events), ("deliveries", report.deliveries), ("poison", report.poison)];
    Ok(BatchReport { failed: report.failed, counts: counted(counts) })
}

/// `functions/deliver`
///
/// # Errors
/// When the client towards receivers cannot be built.
pub fn deliver(boot: Boot<DeliverConfig>) -> Result<DeliverWorker, BoxError> {
    let (dynamo, sqs) = (dynamo(&boot), sqs(&boot));
    let config = boot.config;
    let registrations = Registrations::new(dynamo.clone(), config.registrations_table);
    let events = Events::new(dynamo.clone(), config.events_table);
    let intents = Intents::new(dynamo.clone(), config.intents_table);
    let receipts = Receipts::new(dynamo, config.receipts_table);
    Ok(DeliverWorker {
        registrations: registrations.clone(),
        receipts: receipts.clone(),
        events: events.clone(),
        intents: intents.clone(),
        announcer: Announcer {
            publisher: Publisher {
                events,
                intents,
                queue: Queue::new(sqs.clone(), config.events_queue_url),
                retention_days: config.retention_days,
            },
            registrations,
        },
        circuit_open_ms: config.circuit_open_ms,
        maximum_concurrency: config.maximum_concurrency,
        lanes: Lanes {
            attempts: Queue::new(sqs.clone(), config.retries_queue_url),
            dead_letters: Queue::new(sqs.clone(), config.deliveries_dlq_url),
            receipts,
            listed_ms: config.listed_ms,
        },
        retry_dead_letters: Queue::new(sqs, config.retries_dlq_url),
        sender: Sender::new(config.url_policy, SystemResolver)?,
        keys: config.key_ring,
        default_policy: config.retry_policy,
        grace_ms: config.grace_ms,
        retention_days: config.retention_days,
        clock: clock::now,
    })
}

/// A batch of the `deliveries` or the `retries` queue.
///
/// # Errors
/// Never: what fails is in the report.
pub async fn deliver_batch(
    worker: &DeliverWorker,
    batch: Vec<InboundMessage>,
    deadline: Deadline,
) -> Result<BatchReport, BoxError> {
    let report = worker.handle(batch, deadline).await;
    let counts = [
        ("attempts", report.attempts),
        ("delivered", report.delivered),
        ("dead_lettered", report.dead_lettered),
        ("held", report.held),
        ("ignored", report.ignored),
        ("poison", report.poison),
    ];
    Ok(BatchReport { failed: report.failed, counts: counted(counts) })
}

/// What the `sweep` function runs.
#[derive(Debug)]
pub struct Sweeps {
    fan_outs: FanOutSweep,
    deliveries: DeliverySweep,
    jobs: JobSweep,
}

/// `functions/sweep`
///
/// # Errors
/// Never.
pub fn sweep(boot: Boot<SweepConfig>) -> Result<Sweeps, BoxError> {
    let (dynamo, sqs) = (dynamo(&boot), sqs(&boot));
    let config = boot.config;
    let intents = Intents::new(dynamo.clone(), config.intents_table);
    let events = Events::new(dynamo.clone(), config.events_table);
    let registrations = Registrations::new(dynamo.clone(), config.registrations_table);
    let queue = Queue::new(sqs.clone(), config.events_queue_url);
    let receipts = Receipts::new(dynamo.clone(), config.receipts_table);
    Ok(Sweeps {
        jobs: JobSweep {
            jobs: Jobs::new(dynamo.clone(), config.jobs_table),
            intents: intents.clone(),
            queue: Queue::new(sqs.clone(), config.jobs_queue_url),
            clock: clock::now,
        },
        fan_outs: FanOutSweep {
            events: events.clone(),
            intents: intents.clone(),
            queue: queue.clone(),
            grace_ms: config.grace_ms,
            clock: clock::now,
        },
        deliveries: DeliverySweep {
            registrations: registrations.clone(),
            receipts: receipts.clone(),
            intents: intents.clone(),
            announcer: Announcer {
                publisher: Publisher {
                    events,
                    intents,
                    queue,
                    retention_days: config.retention_days,
                },
                registrations,
            },
            lanes: Lanes {
                attempts: Queue::new(sqs.clone(), config.retries_queue_url),
                dead_letters: Queue::new(sqs, config.deliveries_dlq_url),
                receipts,
                listed_ms: config.listed_ms,
            },
            grace_ms: config.grace_ms,
            retention_days: config.retention_days,
            max_attempts: config.retry_policy.max_attempts(),
            clock: clock::now,
        },
    })
}

/// One sweep. Each part runs although another fails.
///
/// # Errors
/// When a table did not answer one of them; the next minute tries again.
pub async fn run_sweep(sweeps: &Sweeps, deadline: Deadline) -> Result<Counts, BoxError> {
    let (fan_outs, deliveries, jobs) = futures_util::join!(
        sweeps.fan_outs.run(deadline),
        sweeps.deliveries.run(deadline),
        sweeps.jobs.run(deadline),
    );
    let (fan_outs, deliveries, jobs) = (fan_outs?, deliveries?, jobs?);
    Ok(counted([
        ("events_requeued", fan_outs.requeued),
        ("events_abandoned", fan_outs.abandoned),
        ("leases_expired", deliveries.leases),
        ("retries_overdue", deliveries.overdue),
        ("jobs_requeued", jobs.requeued),
        ("failed", fan_outs.failed + deliveries.failed + jobs.failed),
    ]))
}

fn counted<const N: usize>(counts: [(&'static str, usize); N]) -> Counts {
    counts
        .into_iter()
        .map(|(name, count)| (name, u64::try_from(count).unwrap_or(u64::MAX)))
        .collect()
}
