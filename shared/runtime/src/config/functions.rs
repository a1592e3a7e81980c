//! What each function reads, and nothing more: a function that does not need a secret never has it.

use aragora_core::delivery::RetryPolicy;
use aragora_core::url_policy::UrlPolicy;
use aragora_signing::fields::Store;
use aragora_signing::keyring::KeyRing;

use super::{FromEnvironment, HttpConfig, HttpFunction, Reader};

/// A configuration and how it is read: each field by the method of [`Reader`] beside it.
macro_rules! configuration {
    ($(#[$doc:meta])+ $name:ident { $($field:ident: $type:ty = $method:ident($($var:literal)?),)+ }) => {
        $(#[$doc])+
        #[derive(Debug)]
        pub struct $name {
            $(
                #[doc = concat!("What [`Reader::", stringify!($method), "`] gives", $(" of `", $var, "`",)? ".")]
                pub $field: $type,
            )+
        }

        impl FromEnvironment for $name {
            fn read(from: &mut Reader<'_>) -> Self {
                Self { $($field: from.$method($($var)?),)+ }
            }
        }
    };
}

macro_rules! http_function {
    ($($config:ty),+) => {
        $(impl HttpFunction for $config {
            fn http(&self) -> &HttpConfig {
                &self.http
            }
        })+
    };
}

http_function!(
    WebhooksConfig,
    WebhookTestConfig,
    EventsConfig,
    DebatesConfig,
    ExplanationsConfig,
    ReceiptsConfig,
    RedeliveriesConfig,
    ExplanationJobsConfig,
    AuditApiConfig,
    IdentityConfig,
    MarketplaceConfig,
    HealthConfig
);

configuration! {
    /// What publishing an event takes.
    PublisherConfig {
        events_table: String = table("EVENTS_TABLE"),
        intents_table: String = table("INTENTS_TABLE"),
        events_queue_url: String = queue("EVENTS_QUEUE_URL"),
        retention_days: i64 = retention_days(),
    }
}

configuration! {
    /// What looking after receipts takes.
    DeskConfig {
        registrations_table: String = table("REGISTRATIONS_TABLE"),
        receipts_table: String = table("RECEIPTS_TABLE"),
        deliveries_queue_url: String = queue("DELIVERIES_QUEUE_URL"),
        retry_policy: RetryPolicy = retry_policy(),
        grace_ms: i64 = grace_ms(),
        retention_days: i64 = retention_days(),
    }
}

configuration! {
    /// What explaining debates takes.
    ExplainerConfig {
        debates_table: String = table("DEBATES_TABLE"),
        decisions_table: String = table("DECISIONS_TABLE"),
        cache_ms: i64 = decision_cache_ms(),
        at_once: usize = debates_at_once(),
    }
}

configuration! {
    /// Where deliveries go after an attempt.
    LanesConfig {
        receipts_table: String = table("RECEIPTS_TABLE"),
        retries_queue_url: String = queue("RETRIES_QUEUE_URL"),
        deliveries_dlq_url: String = queue("DELIVERIES_DLQ_URL"),
        listed_ms: i64 = listed_ms(),
    }
}

configuration! {
    /// `functions/webhooks`
    WebhooksConfig {
        http: HttpConfig = http(),
        registrations_table: String = table("REGISTRATIONS_TABLE"),
        publisher: PublisherConfig = part(),
        key_ring: KeyRing = key_ring(),
        url_policy: UrlPolicy = url_policy(),
        retry_policy: RetryPolicy = retry_policy(),
    }
}

configuration! {
    /// `functions/webhook-test`
    WebhookTestConfig {
        http: HttpConfig = http(),
        registrations_table: String = table("REGISTRATIONS_TABLE"),
        key_ring: KeyRing = key_ring(),
        url_policy: UrlPolicy = url_policy(),
        retry_policy: RetryPolicy = retry_policy(),
    }
}

configuration! {
    /// `functions/events`
    EventsConfig {
        http: HttpConfig = http(),
        publisher: PublisherConfig = part(),
        receipts_table: String = table("RECEIPTS_TABLE"),
        retry_policy: RetryPolicy = retry_policy(),
    }
}

configuration! {
    /// `functions/debates`
    DebatesConfig {
        http: HttpConfig = http(),
        debates_table: String = table("DEBATES_TABLE"),
        publisher: PublisherConfig = part(),
    }
}

configuration! {
    /// `functions/explanations`
    ExplanationsConfig {
        http: HttpConfig = http(),
        explainer: ExplainerConfig = part(),
    }
}

configuration! {
    /// `functions/receipts`
    ReceiptsConfig {
        http: HttpConfig = http(),
        desk: DeskConfig = part(),
    }
}

configuration! {
    /// `functions/redeliveries`
    RedeliveriesConfig {
        http: HttpConfig = http(),
        desk: DeskConfig = part(),
        events_table: String = table("EVENTS_TABLE"),
        intents_table: String = table("INTENTS_TABLE"),
        jobs_table: String = table("JOBS_TABLE"),
        jobs_queue_url: String = queue("JOBS_QUEUE_URL"),
    }
}

configuration! {
    /// `functions/redeliver`
    RedeliverConfig {
        desk: DeskConfig = part(),
        events_table: String = table("EVENTS_TABLE"),
        intents_table: String = table("INTENTS_TABLE"),
        jobs_table: String = table("JOBS_TABLE"),
        jobs_queue_url: String = queue("JOBS_QUEUE_URL"),
        jobs_dlq_url: String = queue("JOBS_DLQ_URL"),
    }
}

configuration! {
    /// Where batch jobs and their results are kept, and the queue of their worker.
    BatchesConfig {
        batch_jobs_table: String = table("BATCH_JOBS_TABLE"),
        batch_results_table: String = table("BATCH_RESULTS_TABLE"),
        explanations_queue_url: String = queue("EXPLANATIONS_QUEUE_URL"),
    }
}

configuration! {
    /// `functions/explanation-jobs`
    ExplanationJobsConfig {
        http: HttpConfig = http(),
        batches: BatchesConfig = part(),
        intents_table: String = table("INTENTS_TABLE"),
        grace_ms: i64 = grace_ms(),
    }
}

configuration! {
    /// `functions/explain`
    ExplainConfig {
        batches: BatchesConfig = part(),
        publisher: PublisherConfig = part(),
        explainer: ExplainerConfig = part(),
        explanations_dlq_url: String = queue("EXPLANATIONS_DLQ_URL"),
        most_receives: u32 = max_receive_count(),
    }
}

configuration! {
    /// `functions/identity`
    IdentityConfig {
        http: HttpConfig = http(),
        access_seconds: i64 = access_seconds(),
        refresh_seconds: i64 = refresh_seconds(),
    }
}

configuration! {
    /// `functions/marketplace`
    MarketplaceConfig {
        http: HttpConfig = http(),
        templates_table: String = table("TEMPLATES_TABLE"),
        reviews_table: String = table("REVIEWS_TABLE"),
        index_table: String = table("MARKETPLACE_INDEX_TABLE"),
        registrations_table: String = table("REGISTRATIONS_TABLE"),
        publisher: PublisherConfig = part(),
    }
}

configuration! {
    /// `functions/health`
    HealthConfig {
        http: HttpConfig = http(),
        events_table: String = table("EVENTS_TABLE"),
    }
}

configuration! {
    /// `functions/audit-api`
    AuditApiConfig {
        http: HttpConfig = http(),
        audit_table: String = table("AUDIT_TABLE"),
    }
}

configuration! {
    /// `functions/audit`
    AuditConfig {
        audit_table: String = table("AUDIT_TABLE"),
        registrations_table: String = table("REGISTRATIONS_TABLE"),
        publisher: PublisherConfig = part(),
        security_dlq_url: String = queue("SECURITY_DLQ_URL"),
        audit_retention_days: i64 = audit_retention_days(),
    }
}

configuration! {
    /// `functions/fan-out`
    FanOutConfig {
        events_table: String = table("EVENTS_TABLE"),
        registrations_table: String = table("REGISTRATIONS_TABLE"),
        receipts_table: String = table("RECEIPTS_TABLE"),
        intents_table: String = table("INTENTS_TABLE"),
        deliveries_queue_url: String = queue("DELIVERIES_QUEUE_URL"),
        events_dlq_url: String = queue("EVENTS_DLQ_URL"),
        retention_days: i64 = retention_days(),
    }
}

configuration! {
    /// `functions/deliver`
    DeliverConfig {
        registrations_table: String = table("REGISTRATIONS_TABLE"),
        publisher: PublisherConfig = part(),
        lanes: LanesConfig = part(),
        retries_dlq_url: String = queue("RETRIES_DLQ_URL"),
        key_ring: KeyRing = key_ring(),
        url_policy: UrlPolicy = url_policy(),
        retry_policy: RetryPolicy = retry_policy(),
        grace_ms: i64 = grace_ms(),
        circuit_open_ms: i64 = circuit_open_ms(),
        maximum_concurrency: u32 = maximum_concurrency(),
    }
}

configuration! {
    /// `functions/migrate`, and the command-line tool.
    MigrateConfig {
        stores: Vec<(&'static Store, String)> = stores(),
        key_ring: KeyRing = deployed_key_ring(),
    }
}

configuration! {
    /// `functions/sweep`
    SweepConfig {
        registrations_table: String = table("REGISTRATIONS_TABLE"),
        publisher: PublisherConfig = part(),
        lanes: LanesConfig = part(),
        jobs_table: String = table("JOBS_TABLE"),
        jobs_queue_url: String = queue("JOBS_QUEUE_URL"),
        batch_jobs_table: String = table("BATCH_JOBS_TABLE"),
        explanations_queue_url: String = queue("EXPLANATIONS_QUEUE_URL"),
        retry_policy: RetryPolicy = retry_policy(),
        grace_ms: i64 = grace_ms(),
    }
}
