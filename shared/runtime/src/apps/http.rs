//! The functions that answer HTTP.

use std::sync::Arc;

use aragora_api::events::EventsApp;
use aragora_api::health::HealthApp;
use aragora_api::identity::IdentityApp;
use aragora_api::receipts::ReceiptsApp;
use aragora_api::redeliveries::RedeliveriesApp;
use aragora_audit::desk::AuditDesk;
use aragora_batches::desk::BatchDesk;
use aragora_debates::desk::DebateDesk;
use aragora_delivery::resolve::SystemResolver;
use aragora_delivery::sender::Sender;
use aragora_delivery::trial::Trials;
use aragora_delivery::vault::Vault;
use aragora_events::read::EventReader;
use aragora_explanations::explainer::Explainer;
use aragora_identity::keys::KeyDesk;
use aragora_identity::roles::RoleDesk;
use aragora_identity::sessions::SessionDesk;
use aragora_identity::tokens::Tokens;
use aragora_marketplace::Desk;
use aragora_store::batch_results::BatchResults;
use aragora_store::marketplace::Tables;
use aragora_webhooks::dead_letters::DeadLetterDesk;
use aragora_webhooks::jobs::desk::JobDesk;
use aragora_webhooks::registry::Registry;
use aragora_webhooks::statistics::Statistics;

use super::{Aws, limiter, walk};
use crate::boot::{Boot, BoxError};
use crate::clock;
use crate::config::{
    AuditApiConfig, DebatesConfig, EventsConfig, ExplanationJobsConfig, ExplanationsConfig,
    HealthConfig, IdentityConfig, MarketplaceConfig, ReceiptsConfig, RedeliveriesConfig,
    WebhookTestConfig, WebhooksConfig,
};

/// `functions/webhooks`
///
/// # Errors
/// Never.
pub fn webhooks(boot: Boot<WebhooksConfig>) -> Result<Registry, BoxError> {
    let aws = Aws::of(&boot);
    let counters = Arc::clone(&boot.counters);
    let config = boot.config;
    let registrations = aws.registrations(config.registrations_table);
    Ok(Registry {
        registrations: registrations.clone(),
        vault: Vault::new(config.key_ring, counters),
        url_policy: config.url_policy,
        default_policy: config.retry_policy,
        announcer: aws.announcer(config.publisher, registrations),
    })
}

/// `functions/webhook-test`
///
/// # Errors
/// When the client towards receivers cannot be built.
pub fn webhook_test(boot: Boot<WebhookTestConfig>) -> Result<Trials, BoxError> {
    let aws = Aws::of(&boot);
    let counters = Arc::clone(&boot.counters);
    let config = boot.config;
    Ok(Trials {
        registrations: aws.registrations(config.registrations_table),
        sender: Sender::new(config.url_policy, SystemResolver)?,
        vault: Vault::new(config.key_ring, counters),
        default_policy: config.retry_policy,
    })
}

/// `functions/events`
///
/// # Errors
/// Never.
pub fn events(boot: Boot<EventsConfig>) -> Result<EventsApp, BoxError> {
    let aws = Aws::of(&boot);
    let config = boot.config;
    let publisher = aws.publisher(config.publisher);
    let reader = EventReader {
        events: publisher.events.clone(),
        receipts: aws.receipts(config.receipts_table),
        max_attempts: config.retry_policy.max_attempts(),
    };
    Ok(EventsApp { publisher, reader })
}

/// `functions/debates`
///
/// # Errors
/// Never.
pub fn debates(boot: Boot<DebatesConfig>) -> Result<DebateDesk, BoxError> {
    let aws = Aws::of(&boot);
    let config = boot.config;
    let publisher = aws.publisher(config.publisher);
    Ok(DebateDesk { records: aws.records(config.debates_table), publisher })
}

/// `functions/explanations`
///
/// # Errors
/// Never.
pub fn explanations(boot: Boot<ExplanationsConfig>) -> Result<Explainer, BoxError> {
    Ok(Aws::of(&boot).explainer(boot.config.explainer))
}

/// `functions/receipts`
///
/// # Errors
/// Never.
pub fn receipts(boot: Boot<ReceiptsConfig>) -> Result<ReceiptsApp, BoxError> {
    let desk = Aws::of(&boot).receipt_desk(boot.config.desk);
    let statistics =
        Statistics { registrations: desk.registrations.clone(), receipts: desk.receipts.clone() };
    Ok(ReceiptsApp { desk, statistics })
}

/// `functions/redeliveries`
///
/// # Errors
/// Never.
pub fn redeliveries(boot: Boot<RedeliveriesConfig>) -> Result<RedeliveriesApp, BoxError> {
    let aws = Aws::of(&boot);
    let config = boot.config;
    let grace_ms = config.desk.grace_ms;
    let receipts = aws.receipt_desk(config.desk);
    let events = aws.events(config.events_table);
    Ok(RedeliveriesApp {
        jobs: JobDesk {
            jobs: aws.jobs(config.jobs_table),
            intents: aws.intents(config.intents_table),
            walk: walk(&receipts, &events),
            queue: aws.queue(config.jobs_queue_url),
            grace_ms,
        },
        dead_letters: DeadLetterDesk { receipts, events },
    })
}

/// `functions/explanation-jobs`
///
/// # Errors
/// Never.
pub fn explanation_jobs(boot: Boot<ExplanationJobsConfig>) -> Result<BatchDesk, BoxError> {
    let aws = Aws::of(&boot);
    let counters = Arc::clone(&boot.counters);
    let ExplanationJobsConfig { batches, intents_table, grace_ms, .. } = boot.config;
    let intents = aws.intents(intents_table);
    Ok(BatchDesk {
        line: aws.line(batches.batch_jobs_table, intents, batches.explanations_queue_url),
        results: BatchResults::new(aws.dynamo, batches.batch_results_table),
        grace_ms,
        counters,
    })
}

/// `functions/audit-api`
///
/// # Errors
/// Never.
pub fn audit_api(boot: Boot<AuditApiConfig>) -> Result<AuditDesk, BoxError> {
    let aws = Aws::of(&boot);
    Ok(AuditDesk { log: aws.audit_log(boot.config.audit_table) })
}

/// `functions/identity`
///
/// # Errors
/// Never.
pub fn identity(boot: Boot<IdentityConfig>) -> Result<IdentityApp, BoxError> {
    let aws = Aws::of(&boot);
    let config = boot.config;
    let identity = aws.identity(config.http.identity_table.clone());
    let tokens = Tokens::new(&config.http.jwt_secrets)
        .lasting(config.access_seconds, config.refresh_seconds);
    Ok(IdentityApp {
        keys: KeyDesk { identity: identity.clone() },
        sessions: SessionDesk { identity: identity.clone(), tokens },
        roles: RoleDesk { identity: identity.clone() },
        limiter: limiter(identity, &config.http),
    })
}

/// `functions/marketplace`
///
/// # Errors
/// Never.
pub fn marketplace(boot: Boot<MarketplaceConfig>) -> Result<Desk, BoxError> {
    let aws = Aws::of(&boot);
    let counters = Arc::clone(&boot.counters);
    let config = boot.config;
    let tables = Tables {
        templates: config.templates_table,
        reviews: config.reviews_table,
        index: config.index_table,
    };
    let registrations = aws.registrations(config.registrations_table);
    Ok(Desk {
        store: aws.marketplace(tables),
        announcer: aws.announcer(config.publisher, registrations),
        counters,
    })
}

/// `functions/health`
///
/// # Errors
/// Never.
pub fn health(boot: Boot<HealthConfig>) -> Result<HealthApp, BoxError> {
    let aws = Aws::of(&boot);
    Ok(HealthApp {
        events: aws.events(boot.config.events_table),
        version: boot.base.service_version,
        started_at: clock::now(),
    })
}
