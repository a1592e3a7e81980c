//! The functions that queues and schedules start.

use std::sync::Arc;

use aragora_audit::worker::AuditWorker;
use aragora_batches::ending::Ending;
use aragora_batches::sweep::BatchSweep;
use aragora_batches::worker::ChunkWorker;
use aragora_delivery::resolve::SystemResolver;
use aragora_delivery::sender::Sender;
use aragora_delivery::sweep::DeliverySweep;
use aragora_delivery::vault::Vault;
use aragora_delivery::worker::DeliverWorker;
use aragora_events::fan_out::FanOutWorker;
use aragora_events::sweep::FanOutSweep;
use aragora_queue::inbound::{Deadline, InboundMessage};
use aragora_store::batch_results::BatchResults;
use aragora_webhooks::jobs::start::Starter;
use aragora_webhooks::jobs::sweep::JobSweep;
use aragora_webhooks::jobs::worker::JobWorker;

use super::{Aws, walk};
use crate::boot::{Boot, BoxError};
use crate::clock;
use crate::config::{
    AuditConfig, DeliverConfig, ExplainConfig, FanOutConfig, RedeliverConfig, SweepConfig,
};
use crate::queue::BatchReport;
use crate::schedule::Counts;

/// `functions/redeliver`
///
/// # Errors
/// Never.
pub fn redeliver(boot: Boot<RedeliverConfig>) -> Result<JobWorker, BoxError> {
    let aws = Aws::of(&boot);
    let config = boot.config;
    let grace_ms = config.desk.grace_ms;
    let desk = aws.receipt_desk(config.desk);
    let events = aws.events(config.events_table);
    Ok(JobWorker {
        jobs: aws.jobs(config.jobs_table),
        intents: aws.intents(config.intents_table),
        walk: walk(&desk, &events),
        starter: Starter { desk, events },
        queue: aws.queue(config.jobs_queue_url),
        dead_letters: aws.queue(config.jobs_dlq_url),
        grace_ms,
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

/// `functions/explain`
///
/// # Errors
/// Never.
pub fn explain(boot: Boot<ExplainConfig>) -> Result<ChunkWorker, BoxError> {
    let aws = Aws::of(&boot);
    let counters = Arc::clone(&boot.counters);
    let ExplainConfig { batches, publisher, explainer, explanations_dlq_url, most_receives } =
        boot.config;
    let at_once = explainer.at_once;
    let explainer = aws.explainer(explainer);
    let publisher = aws.publisher(publisher);
    let intents = publisher.intents.clone();
    let line = aws.line(batches.batch_jobs_table, intents, batches.explanations_queue_url);
    Ok(ChunkWorker {
        ending: Ending { line, publisher, counters },
        dead_letters: aws.queue(explanations_dlq_url),
        results: BatchResults::new(aws.dynamo, batches.batch_results_table),
        explainer,
        at_once,
        most_receives,
        clock: clock::now,
    })
}

/// A batch of the `explanations` queue.
///
/// # Errors
/// Never: what fails is in the report.
pub async fn explain_batch(
    worker: &ChunkWorker,
    batch: Vec<InboundMessage>,
    deadline: Deadline,
) -> Result<BatchReport, BoxError> {
    let report = worker.handle(batch, deadline).await;
    let counts = [
        ("chunks", report.chunks),
        ("results", report.results),
        ("ended", report.ended),
        ("given_up", report.given_up),
        ("poison", report.poison),
    ];
    Ok(BatchReport { failed: report.failed, counts: counted(counts) })
}

/// `functions/fan-out`
///
/// # Errors
/// Never.
pub fn fan_out(boot: Boot<FanOutConfig>) -> Result<FanOutWorker, BoxError> {
    let aws = Aws::of(&boot);
    let config = boot.config;
    Ok(FanOutWorker {
        events: aws.events(config.events_table),
        registrations: aws.registrations(config.registrations_table),
        receipts: aws.receipts(config.receipts_table),
        intents: aws.intents(config.intents_table),
        deliveries: aws.queue(config.deliveries_queue_url),
        dead_letters: aws.queue(config.events_dlq_url),
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
    let aws = Aws::of(&boot);
    let counters = Arc::clone(&boot.counters);
    let config = boot.config;
    let retention_days = config.publisher.retention_days;
    let registrations = aws.registrations(config.registrations_table);
    let announcer = aws.announcer(config.publisher, registrations.clone());
    let lanes = aws.lanes(config.lanes);
    Ok(DeliverWorker {
        registrations,
        receipts: lanes.receipts.clone(),
        events: announcer.publisher.events.clone(),
        intents: announcer.publisher.intents.clone(),
        announcer,
        circuit_open_ms: config.circuit_open_ms,
        maximum_concurrency: config.maximum_concurrency,
        lanes,
        retry_dead_letters: aws.queue(config.retries_dlq_url),
        sender: Sender::new(config.url_policy, SystemResolver)?,
        vault: Vault::new(config.key_ring, counters),
        default_policy: config.retry_policy,
        grace_ms: config.grace_ms,
        retention_days,
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

/// `functions/audit`
///
/// # Errors
/// Never.
pub fn audit(boot: Boot<AuditConfig>) -> Result<AuditWorker, BoxError> {
    let aws = Aws::of(&boot);
    let config = boot.config;
    let registrations = aws.registrations(config.registrations_table);
    Ok(AuditWorker {
        log: aws.audit_log(config.audit_table),
        announcer: aws.announcer(config.publisher, registrations),
        dead_letters: aws.queue(config.security_dlq_url),
        retention_days: config.audit_retention_days,
        clock: clock::now,
    })
}

/// A batch of the `security` queue.
///
/// # Errors
/// Never: what fails is in the report.
pub async fn audit_batch(
    worker: &AuditWorker,
    batch: Vec<InboundMessage>,
    _deadline: Deadline,
) -> Result<BatchReport, BoxError> {
    let report = worker.handle(batch).await;
    let counts =
        [("appended", report.appended), ("known", report.known), ("poison", report.poison)];
    Ok(BatchReport { failed: report.failed, counts: counted(counts) })
}

/// What the `sweep` function runs.
#[derive(Debug)]
pub struct Sweeps {
    fan_outs: FanOutSweep,
    deliveries: DeliverySweep,
    jobs: JobSweep,
    batches: BatchSweep,
}

/// `functions/sweep`
///
/// # Errors
/// Never.
pub fn sweep(boot: Boot<SweepConfig>) -> Result<Sweeps, BoxError> {
    let aws = Aws::of(&boot);
    let counters = Arc::clone(&boot.counters);
    let config = boot.config;
    let (grace_ms, retention_days) = (config.grace_ms, config.publisher.retention_days);
    let registrations = aws.registrations(config.registrations_table);
    let announcer = aws.announcer(config.publisher, registrations.clone());
    let (intents, lanes) = (announcer.publisher.intents.clone(), aws.lanes(config.lanes));
    let line = aws.line(config.batch_jobs_table, intents.clone(), config.explanations_queue_url);
    let publisher = announcer.publisher.clone();
    Ok(Sweeps {
        batches: BatchSweep {
            ending: Ending { line, publisher, counters },
            grace_ms,
            clock: clock::now,
        },
        jobs: JobSweep {
            jobs: aws.jobs(config.jobs_table),
            intents: intents.clone(),
            queue: aws.queue(config.jobs_queue_url),
            clock: clock::now,
        },
        fan_outs: FanOutSweep {
            events: announcer.publisher.events.clone(),
            intents: intents.clone(),
            queue: announcer.publisher.queue.clone(),
            grace_ms,
            clock: clock::now,
        },
        deliveries: DeliverySweep {
            registrations,
            receipts: lanes.receipts.clone(),
            intents,
            lanes,
            announcer,
            grace_ms,
            retention_days,
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
    let (fan_outs, deliveries, jobs, batches) = futures_util::join!(
        sweeps.fan_outs.run(deadline),
        sweeps.deliveries.run(deadline),
        sweeps.jobs.run(deadline),
        sweeps.batches.run(deadline),
    );
    let (fan_outs, deliveries, jobs, batches) = (fan_outs?, deliveries?, jobs?, batches?);
    Ok(counted([
        ("events_requeued", fan_outs.requeued),
        ("events_abandoned", fan_outs.abandoned),
        ("leases_expired", deliveries.leases),
        ("retries_overdue", deliveries.overdue),
        ("jobs_requeued", jobs.requeued),
        ("batches_requeued", batches.requeued),
        ("batches_ended", batches.ended),
        ("failed", fan_outs.failed + deliveries.failed + jobs.failed + batches.failed),
    ]))
}

fn counted<const N: usize>(counts: [(&'static str, usize); N]) -> Counts {
    counts
        .into_iter()
        .map(|(name, count)| (name, u64::try_from(count).unwrap_or(u64::MAX)))
        .collect()
}
