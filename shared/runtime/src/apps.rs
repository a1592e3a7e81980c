//! What each function is built from: its configuration turned into the adapters, use cases and
//! workers it stands on. Nothing here decides anything.

mod http;
mod migrate;
mod workers;

use aragora_audit::Reporter;
use aragora_batches::line::Line;
use aragora_core::allowance::Allowance;
use aragora_debates::records::Records;
use aragora_delivery::orders::Lanes;
use aragora_events::announce::Announcer;
use aragora_events::publish::Publisher;
use aragora_explanations::cache::Cache;
use aragora_explanations::explainer::Explainer;
use aragora_identity::door::Door;
use aragora_identity::guard::Guard;
use aragora_identity::guesses::Bouncer;
use aragora_identity::limits::{Limiter, Limits};
use aragora_queue::{Queue, Sqs};
use aragora_store::Dynamo;
use aragora_store::audit::AuditLog;
use aragora_store::batches::Batches;
use aragora_store::debates::Debates;
use aragora_store::decisions::Decisions;
use aragora_store::events::Events;
use aragora_store::identity::Identity;
use aragora_store::intents::Intents;
use aragora_store::jobs::Jobs;
use aragora_store::marketplace::{Marketplace, Tables};
use aragora_store::receipts::Receipts;
use aragora_store::registrations::Registrations;
use aragora_webhooks::jobs::walk::Walk;
use aragora_webhooks::receipts::ReceiptDesk;

pub use self::http::{
    audit_api, debates, events, explanation_jobs, explanations, health, identity, marketplace,
    receipts, redeliveries, webhook_test, webhooks,
};
pub use self::migrate::{MigrationAnswer, MigrationOrder, migration, run_migration};
pub use self::workers::{
    Sweeps, audit, audit_batch, deliver, deliver_batch, explain, explain_batch, fan_out,
    fan_out_batch, redeliver, redeliver_batch, run_sweep, sweep,
};
use crate::boot::Boot;
use crate::clock;
use crate::config::{DeskConfig, ExplainerConfig, HttpConfig, LanesConfig, PublisherConfig};

/// Where everything is kept and queued.
#[derive(Debug, Clone)]
struct Aws {
    dynamo: Dynamo,
    sqs: Sqs,
}

impl Aws {
    fn of<C>(boot: &Boot<C>) -> Self {
        let meter = boot.aws.meter();
        Self {
            dynamo: Dynamo::new(boot.aws.dynamodb(), meter.clone()),
            sqs: Sqs::new(boot.aws.sqs(), meter),
        }
    }

    fn audit_log(&self, table: String) -> AuditLog {
        AuditLog::new(self.dynamo.clone(), table)
    }

    fn records(&self, table: String) -> Records {
        Records { debates: Debates::new(self.dynamo.clone(), table) }
    }

    fn explainer(&self, config: ExplainerConfig) -> Explainer {
        let decisions = Decisions::new(self.dynamo.clone(), config.decisions_table);
        Explainer {
            records: self.records(config.debates_table),
            cache: Cache::new(decisions, config.cache_ms),
            at_once: config.at_once,
            clock: clock::now,
        }
    }

    fn registrations(&self, table: String) -> Registrations {
        Registrations::new(self.dynamo.clone(), table)
    }

    fn events(&self, table: String) -> Events {
        Events::new(self.dynamo.clone(), table)
    }

    fn intents(&self, table: String) -> Intents {
        Intents::new(self.dynamo.clone(), table)
    }

    fn receipts(&self, table: String) -> Receipts {
        Receipts::new(self.dynamo.clone(), table)
    }

    fn jobs(&self, table: String) -> Jobs {
        Jobs::new(self.dynamo.clone(), table)
    }

    fn identity(&self, table: String) -> Identity {
        Identity::new(self.dynamo.clone(), table)
    }

    fn marketplace(&self, tables: Tables) -> Marketplace {
        Marketplace::new(self.dynamo.clone(), tables)
    }

    fn queue(&self, url: String) -> Queue {
        Queue::new(self.sqs.clone(), url)
    }

    fn publisher(&self, config: PublisherConfig) -> Publisher {
        Publisher {
            events: self.events(config.events_table),
            intents: self.intents(config.intents_table),
            queue: self.queue(config.events_queue_url),
            retention_days: config.retention_days,
        }
    }

    fn announcer(&self, config: PublisherConfig, registrations: Registrations) -> Announcer {
        Announcer { publisher: self.publisher(config), registrations }
    }

    fn line(&self, jobs_table: String, intents: Intents, queue_url: String) -> Line {
        let batches = Batches::new(self.dynamo.clone(), jobs_table);
        Line { batches, intents, queue: self.queue(queue_url) }
    }

    fn lanes(&self, config: LanesConfig) -> Lanes {
        Lanes {
            attempts: self.queue(config.retries_queue_url),
            dead_letters: self.queue(config.deliveries_dlq_url),
            receipts: self.receipts(config.receipts_table),
            listed_ms: config.listed_ms,
        }
    }

    fn receipt_desk(&self, config: DeskConfig) -> ReceiptDesk {
        ReceiptDesk {
            registrations: self.registrations(config.registrations_table),
            receipts: self.receipts(config.receipts_table),
            deliveries: self.queue(config.deliveries_queue_url),
            default_policy: config.retry_policy,
            grace_ms: config.grace_ms,
            retention_days: config.retention_days,
        }
    }
}

/// What every function that answers HTTP reports with.
/// What guards a function that answers HTTP.
pub(crate) fn guard<C>(boot: &Boot<C>, http: &HttpConfig) -> Guard {
    let identity = Aws::of(boot).identity(http.identity_table.clone());
    Guard {
        door: Door::new(identity.clone()),
        limiter: limiter(identity.clone(), http),
        bouncer: Bouncer::new(identity, http.address_failures),
    }
}

fn limiter(identity: Identity, http: &HttpConfig) -> Limiter {
    let limits = Limits {
        organisation: Allowance::of(http.organisation_rate),
        credential: Allowance::of(http.credential_rate),
    };
    Limiter::new(identity, limits)
}

pub(crate) fn reporter<C>(boot: &Boot<C>, queue_url: String) -> Reporter {
    Reporter { queue: Aws::of(boot).queue(queue_url), counters: boot.counters.clone() }
}

fn walk(receipts: &ReceiptDesk, events: &Events) -> Walk {
    Walk {
        registrations: receipts.registrations.clone(),
        receipts: receipts.receipts.clone(),
        events: events.clone(),
        clock: clock::now,
    }
}
