//! What each function reads, and nothing more: a function that does not need a secret never has it.

use aragora_core::delivery::RetryPolicy;
use aragora_core::url_policy::UrlPolicy;
use aragora_signing::keyring::KeyRing;

use super::{FromEnvironment, HttpConfig, HttpFunction, Reader};

macro_rules! http_function {
    ($($config:ty),+) => {
        $(impl HttpFunction for $config {
            fn http(&self) -> &HttpConfig {
                &self.http
            }
        })+
    };
}

http_function!(WebhooksConfig, WebhookTestConfig, EventsConfig, ReceiptsConfig, HealthConfig);

impl HttpFunction for RedeliveriesConfig {
    fn http(&self) -> &HttpConfig {
        &self.receipts.http
    }
}

/// `functions/webhooks`
#[derive(Debug)]
pub struct WebhooksConfig {
    /// The gate's part.
    pub http: HttpConfig,
    /// `REGISTRATIONS_TABLE`
    pub registrations_table: String,
    /// `EVENTS_TABLE`
    pub events_table: String,
    /// `INTENTS_TABLE`
    pub intents_table: String,
    /// `EVENTS_QUEUE_URL`
    pub events_queue_url: String,
    /// `ARAGORA_ENCRYPTION_KEY`
    pub key_ring: KeyRing,
    /// `WEBHOOK_REQUIRE_HTTPS` and `ARAGORA_SSRF_ALLOW_LOCALHOST`
    pub url_policy: UrlPolicy,
    /// `WEBHOOK_MAX_RETRIES` and `WEBHOOK_TIMEOUT_SECONDS`, for webhooks without their own.
    pub retry_policy: RetryPolicy,
    /// `DELIVERY_RETENTION_DAYS`: how long events and receipts are kept.
    pub retention_days: i64,
}

impl FromEnvironment for WebhooksConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            http: from.http(),
            registrations_table: from.table("REGISTRATIONS_TABLE"),
            events_table: from.table("EVENTS_TABLE"),
            intents_table: from.table("INTENTS_TABLE"),
            events_queue_url: from.queue("EVENTS_QUEUE_URL"),
            key_ring: from.key_ring(),
            url_policy: from.url_policy(),
            retry_policy: from.retry_policy(),
            retention_days: from.retention_days(),
        }
    }
}

/// `functions/webhook-test`
#[derive(Debug)]
pub struct WebhookTestConfig {
    /// The gate's part.
    pub http: HttpConfig,
    /// `REGISTRATIONS_TABLE`
    pub registrations_table: String,
    /// `ARAGORA_ENCRYPTION_KEY`
    pub key_ring: KeyRing,
    /// `WEBHOOK_REQUIRE_HTTPS` and `ARAGORA_SSRF_ALLOW_LOCALHOST`
    pub url_policy: UrlPolicy,
    /// `WEBHOOK_MAX_RETRIES` and `WEBHOOK_TIMEOUT_SECONDS`, for webhooks without their own.
    pub retry_policy: RetryPolicy,
}

impl FromEnvironment for WebhookTestConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            http: from.http(),
            registrations_table: from.table("REGISTRATIONS_TABLE"),
            key_ring: from.key_ring(),
            url_policy: from.url_policy(),
            retry_policy: from.retry_policy(),
        }
    }
}

/// `functions/events`
#[derive(Debug)]
pub struct EventsConfig {
    /// The gate's part.
    pub http: HttpConfig,
    /// `EVENTS_TABLE`
    pub events_table: String,
    /// `INTENTS_TABLE`
    pub intents_table: String,
    /// `RECEIPTS_TABLE`
    pub receipts_table: String,
    /// `EVENTS_QUEUE_URL`
    pub events_queue_url: String,
    /// `WEBHOOK_MAX_RETRIES` and `WEBHOOK_TIMEOUT_SECONDS`, for webhooks without their own.
    pub retry_policy: RetryPolicy,
    /// `DELIVERY_RETENTION_DAYS`: how long events and receipts are kept.
    pub retention_days: i64,
}

impl FromEnvironment for EventsConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            http: from.http(),
            events_table: from.table("EVENTS_TABLE"),
            intents_table: from.table("INTENTS_TABLE"),
            receipts_table: from.table("RECEIPTS_TABLE"),
            events_queue_url: from.queue("EVENTS_QUEUE_URL"),
            retry_policy: from.retry_policy(),
            retention_days: from.retention_days(),
        }
    }
}

/// `functions/receipts`
#[derive(Debug)]
pub struct ReceiptsConfig {
    /// The gate's part.
    pub http: HttpConfig,
    /// `REGISTRATIONS_TABLE`
    pub registrations_table: String,
    /// `RECEIPTS_TABLE`
    pub receipts_table: String,
    /// `DELIVERIES_QUEUE_URL`
    pub deliveries_queue_url: String,
    /// `WEBHOOK_MAX_RETRIES` and `WEBHOOK_TIMEOUT_SECONDS`, for webhooks without their own.
    pub retry_policy: RetryPolicy,
    /// `SWEEP_GRACE_SECONDS`: how late something may be before it counts as lost.
    pub grace_ms: i64,
    /// `DELIVERY_RETENTION_DAYS`: how long events and receipts are kept.
    pub retention_days: i64,
}

impl FromEnvironment for ReceiptsConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            http: from.http(),
            registrations_table: from.table("REGISTRATIONS_TABLE"),
            receipts_table: from.table("RECEIPTS_TABLE"),
            deliveries_queue_url: from.queue("DELIVERIES_QUEUE_URL"),
            retry_policy: from.retry_policy(),
            grace_ms: from.grace_ms(),
            retention_days: from.retention_days(),
        }
    }
}

/// `functions/redeliveries`
#[derive(Debug)]
pub struct RedeliveriesConfig {
    /// What it needs for receipts in general.
    pub receipts: ReceiptsConfig,
    /// `EVENTS_TABLE`
    pub events_table: String,
    /// `INTENTS_TABLE`
    pub intents_table: String,
    /// `JOBS_TABLE`
    pub jobs_table: String,
    /// `JOBS_QUEUE_URL`
    pub jobs_queue_url: String,
}

impl FromEnvironment for RedeliveriesConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            receipts: ReceiptsConfig::read(from),
            events_table: from.table("EVENTS_TABLE"),
            intents_table: from.table("INTENTS_TABLE"),
            jobs_table: from.table("JOBS_TABLE"),
            jobs_queue_url: from.queue("JOBS_QUEUE_URL"),
        }
    }
}

/// `functions/redeliver`
#[derive(Debug)]
pub struct RedeliverConfig {
    /// `REGISTRATIONS_TABLE`
    pub registrations_table: String,
    /// `RECEIPTS_TABLE`
    pub receipts_table: String,
    /// `EVENTS_TABLE`
    pub events_table: String,
    /// `INTENTS_TABLE`
    pub intents_table: String,
    /// `JOBS_TABLE`
    pub jobs_table: String,
    /// `DELIVERIES_QUEUE_URL`
    pub deliveries_queue_url: String,
    /// `JOBS_QUEUE_URL`
    pub jobs_queue_url: String,
    /// `JOBS_DLQ_URL`
    pub jobs_dlq_url: String,
    /// `WEBHOOK_MAX_RETRIES` and `WEBHOOK_TIMEOUT_SECONDS`, for webhooks without their own.
    pub retry_policy: RetryPolicy,
    /// `SWEEP_GRACE_SECONDS`: how late something may be before it counts as lost.
    pub grace_ms: i64,
    /// `DELIVERY_RETENTION_DAYS`: how long events and receipts are kept.
    pub retention_days: i64,
}

impl FromEnvironment for RedeliverConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            registrations_table: from.table("REGISTRATIONS_TABLE"),
            receipts_table: from.table("RECEIPTS_TABLE"),
            events_table: from.table("EVENTS_TABLE"),
            intents_table: from.table("INTENTS_TABLE"),
            jobs_table: from.table("JOBS_TABLE"),
            deliveries_queue_url: from.queue("DELIVERIES_QUEUE_URL"),
            jobs_queue_url: from.queue("JOBS_QUEUE_URL"),
            jobs_dlq_url: from.queue("JOBS_DLQ_URL"),
            retry_policy: from.retry_policy(),
            grace_ms: from.grace_ms(),
            retention_days: from.retention_days(),
        }
    }
}

/// `functions/health`
#[derive(Debug)]
pub struct HealthConfig {
    /// The gate's part.
    pub http: HttpConfig,
    /// `EVENTS_TABLE`
    pub events_table: String,
}

impl FromEnvironment for HealthConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self { http: from.http(), events_table: from.table("EVENTS_TABLE") }
    }
}

/// `functions/fan-out`
#[derive(Debug)]
pub struct FanOutConfig {
    /// `EVENTS_TABLE`
    pub events_table: String,
    /// `REGISTRATIONS_TABLE`
    pub registrations_table: String,
    /// `RECEIPTS_TABLE`
    pub receipts_table: String,
    /// `INTENTS_TABLE`
    pub intents_table: String,
    /// `DELIVERIES_QUEUE_URL`
    pub deliveries_queue_url: String,
    /// `EVENTS_DLQ_URL`
    pub events_dlq_url: String,
    /// `DELIVERY_RETENTION_DAYS`: how long events and receipts are kept.
    pub retention_days: i64,
}

impl FromEnvironment for FanOutConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            events_table: from.table("EVENTS_TABLE"),
            registrations_table: from.table("REGISTRATIONS_TABLE"),
            receipts_table: from.table("RECEIPTS_TABLE"),
            intents_table: from.table("INTENTS_TABLE"),
            deliveries_queue_url: from.queue("DELIVERIES_QUEUE_URL"),
            events_dlq_url: from.queue("EVENTS_DLQ_URL"),
            retention_days: from.retention_days(),
        }
    }
}

/// `functions/deliver`
#[derive(Debug)]
pub struct DeliverConfig {
    /// `EVENTS_TABLE`
    pub events_table: String,
    /// `REGISTRATIONS_TABLE`
    pub registrations_table: String,
    /// `RECEIPTS_TABLE`
    pub receipts_table: String,
    /// `INTENTS_TABLE`
    pub intents_table: String,
    /// `EVENTS_QUEUE_URL`
    pub events_queue_url: String,
    /// `RETRIES_QUEUE_URL`
    pub retries_queue_url: String,
    /// `DELIVERIES_DLQ_URL`
    pub deliveries_dlq_url: String,
    /// `RETRIES_DLQ_URL`
    pub retries_dlq_url: String,
    /// `ARAGORA_ENCRYPTION_KEY`
    pub key_ring: KeyRing,
    /// `WEBHOOK_REQUIRE_HTTPS` and `ARAGORA_SSRF_ALLOW_LOCALHOST`
    pub url_policy: UrlPolicy,
    /// `WEBHOOK_MAX_RETRIES` and `WEBHOOK_TIMEOUT_SECONDS`, for webhooks without their own.
    pub retry_policy: RetryPolicy,
    /// `SWEEP_GRACE_SECONDS`: how late something may be before it counts as lost.
    pub grace_ms: i64,
    /// `DELIVERY_RETENTION_DAYS`: how long events and receipts are kept.
    pub retention_days: i64,
    /// `WEBHOOK_CIRCUIT_OPEN_SECONDS`: how long an opened circuit stays open.
    pub circuit_open_ms: i64,
    /// `DELIVER_MAXIMUM_CONCURRENCY`: invocations at once on one queue.
    pub maximum_concurrency: u32,
    /// `DLQ_RETENTION_HOURS`: how long what was given up is listed, in milliseconds.
    pub listed_ms: i64,
}

impl FromEnvironment for DeliverConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            events_table: from.table("EVENTS_TABLE"),
            registrations_table: from.table("REGISTRATIONS_TABLE"),
            receipts_table: from.table("RECEIPTS_TABLE"),
            intents_table: from.table("INTENTS_TABLE"),
            events_queue_url: from.queue("EVENTS_QUEUE_URL"),
            retries_queue_url: from.queue("RETRIES_QUEUE_URL"),
            deliveries_dlq_url: from.queue("DELIVERIES_DLQ_URL"),
            retries_dlq_url: from.queue("RETRIES_DLQ_URL"),
            key_ring: from.key_ring(),
            url_policy: from.url_policy(),
            retry_policy: from.retry_policy(),
            grace_ms: from.grace_ms(),
            retention_days: from.retention_days(),
            circuit_open_ms: from.circuit_open_ms(),
            maximum_concurrency: from.maximum_concurrency(),
            listed_ms: from.listed_ms(),
        }
    }
}

/// `functions/sweep`
#[derive(Debug)]
pub struct SweepConfig {
    /// `EVENTS_TABLE`
    pub events_table: String,
    /// `REGISTRATIONS_TABLE`
    pub registrations_table: String,
    /// `RECEIPTS_TABLE`
    pub receipts_table: String,
    /// `INTENTS_TABLE`
    pub intents_table: String,
    /// `JOBS_TABLE`
    pub jobs_table: String,
    /// `EVENTS_QUEUE_URL`
    pub events_queue_url: String,
    /// `JOBS_QUEUE_URL`
    pub jobs_queue_url: String,
    /// `RETRIES_QUEUE_URL`
    pub retries_queue_url: String,
    /// `DELIVERIES_DLQ_URL`
    pub deliveries_dlq_url: String,
    /// `WEBHOOK_MAX_RETRIES` and `WEBHOOK_TIMEOUT_SECONDS`, for webhooks without their own.
    pub retry_policy: RetryPolicy,
    /// `SWEEP_GRACE_SECONDS`: how late something may be before it counts as lost.
    pub grace_ms: i64,
    /// `DELIVERY_RETENTION_DAYS`: how long events and receipts are kept.
    pub retention_days: i64,
    /// `DLQ_RETENTION_HOURS`: how long what was given up is listed, in milliseconds.
    pub listed_ms: i64,
}

impl FromEnvironment for SweepConfig {
    fn read(from: &mut Reader<'_>) -> Self {
        Self {
            events_table: from.table("EVENTS_TABLE"),
            registrations_table: from.table("REGISTRATIONS_TABLE"),
            receipts_table: from.table("RECEIPTS_TABLE"),
            intents_table: from.table("INTENTS_TABLE"),
            jobs_table: from.table("JOBS_TABLE"),
            events_queue_url: from.queue("EVENTS_QUEUE_URL"),
            jobs_queue_url: from.queue("JOBS_QUEUE_URL"),
            retries_queue_url: from.queue("RETRIES_QUEUE_URL"),
            deliveries_dlq_url: from.queue("DELIVERIES_DLQ_URL"),
            retry_policy: from.retry_policy(),
            grace_ms: from.grace_ms(),
            retention_days: from.retention_days(),
            listed_ms: from.listed_ms(),
        }
    }
}
