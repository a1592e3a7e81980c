//! The configuration of each function: the only code that reads the environment.
//!
//! Variables are set by the template. A function reads what it needs before it asks Lambda for
//! work, and refuses to start, naming every variable that is missing or bad. `production` and
//! `staging` also refuse what is only fit for a developer's machine. Values are never repeated in
//! an error: they may be secrets.
//!
//! | variable | read by | default | must be |
//! |---|---|---|---|
//! | `ARAGORA_ENV` | all | `development` | `development`, `test`, `staging` or `production` |
//! | `ARAGORA_LOG_LEVEL`, else `AWS_LAMBDA_LOG_LEVEL` | all | `INFO` | `TRACE` to `ERROR`, `OFF` |
//! | `SERVICE_VERSION` | all | the package's | |
//! | `ARAGORA_JWT_SECRET` | HTTP | required in production | one secret, or the current and the previous one with a comma; 32 characters or more in production |
//! | `ARAGORA_API_TOKEN` | HTTP | none: no service may call | not empty and not `replace-me` in production |
//! | `ARAGORA_ALLOWED_ORIGINS` | HTTP | none | a comma list of origins, never `*` |
//! | `ARAGORA_ENCRYPTION_KEY` | webhooks, webhook-test, deliver, migrate | required in production and by migrate; generated elsewhere | 64 hexadecimal digits, or a comma list of such, the newest first |
//! | `ARAGORA_JWT_EXPIRY_HOURS`, `ARAGORA_REFRESH_TOKEN_EXPIRY_DAYS` | identity | 24, 30 | 1 to 720, 1 to 365 |
//! | `RATE_LIMIT_ORGANISATION_PER_SECOND`, `RATE_LIMIT_CREDENTIAL_PER_SECOND` | HTTP | 1000, 500 | 1 to 100000 |
//! | `AUTH_FAILURES_PER_ADDRESS` | HTTP | 20 | bad credentials in five minutes; 1 to 1000000 |
//! | `WEBHOOK_REQUIRE_HTTPS` | webhooks, webhook-test, deliver | `true` | `true` in production |
//! | `ARAGORA_SSRF_ALLOW_LOCALHOST` | webhooks, webhook-test, deliver | `false` | `false` in production |
//! | `WEBHOOK_TIMEOUT_SECONDS` | webhooks, webhook-test, receipts, redeliveries, redeliver, deliver | 30 | 1 to 30, fractions allowed |
//! | `WEBHOOK_MAX_RETRIES` | webhooks, webhook-test, events, receipts, redeliveries, redeliver, deliver, sweep | 5 | 0 to 24 |
//! | `WEBHOOK_CIRCUIT_OPEN_SECONDS` | deliver | 60 | 1 to 3600 |
//! | `DELIVER_MAXIMUM_CONCURRENCY` | deliver | 50 | 2 to 1000 |
//! | `MAX_CONCURRENT_DEBATES` | explanations, explain | 10 | 1 to 100 |
//! | `MAX_RECEIVE_COUNT` | explain | 5 | 1 to 1000: how often its queue hands a message out |
//! | `SWEEP_GRACE_SECONDS` | receipts, redeliveries, redeliver, explanation-jobs, deliver, sweep | 60 | 0 to 3600 |
//! | `DLQ_RETENTION_HOURS` | deliver, sweep | 72 | 1 to 336 |
//! | `DELIVERY_RETENTION_DAYS` | webhooks, events, receipts, redeliveries, redeliver, fan-out, deliver, explain, sweep, audit | 30 | 1 to 3650 |
//! | `AUDIT_RETENTION_DAYS` | audit | 400 | 1 to 3650 |
//! | `*_TABLE` | see the structs | required | a table's name |
//! | `*_QUEUE_URL`, `*_DLQ_URL` | see the structs | required | a queue's URL |
//! | `AWS_REGION`, else `AWS_DEFAULT_REGION` | all | required | set by Lambda |
//! | `AWS_ENDPOINT_URL` | all | AWS itself | the local stack's URL |
//! | `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` | all | the SDK's chain | set by Lambda |
//! | `AWS_LAMBDA_FUNCTION_NAME`, `AWS_LAMBDA_FUNCTION_VERSION` | all | `local` | set by Lambda, for the log |

mod functions;
mod reader;

use std::fmt;

use secrecy::SecretString;
use thiserror::Error;
use tracing::level_filters::LevelFilter;

pub use functions::{
    AuditApiConfig, AuditConfig, BatchesConfig, DebatesConfig, DeliverConfig, DeskConfig,
    EventsConfig, ExplainConfig, ExplainerConfig, ExplanationJobsConfig, ExplanationsConfig,
    FanOutConfig, HealthConfig, IdentityConfig, LanesConfig, MarketplaceConfig, MigrateConfig,
    PublisherConfig, ReceiptsConfig, RedeliverConfig, RedeliveriesConfig, SweepConfig,
    WebhookTestConfig, WebhooksConfig,
};
pub use reader::Reader;

/// Where a deployment runs, and how much care that takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// A developer's machine.
    #[default]
    Development,
    /// An automatic test.
    Test,
    /// Like production, with other data.
    Staging,
    /// The real thing.
    Production,
}

impl Stage {
    /// Whether unsafe settings are refused.
    pub const fn is_strict(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}

/// Every variable that keeps a function from starting.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ConfigError {
    /// Each variable with what is wrong with it, in the order in which they were read.
    pub problems: Vec<(&'static str, String)>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the configuration has {} problem(s)", self.problems.len())?;
        for (at, (variable, problem)) in self.problems.iter().enumerate() {
            write!(out, "{} {variable} {problem}", if at == 0 { ':' } else { ';' })?;
        }
        Ok(())
    }
}

/// A function's own part of the configuration.
pub trait FromEnvironment: Sized {
    /// Reads it. Problems are collected by the reader; what is returned beside a problem is never
    /// used.
    fn read(from: &mut Reader<'_>) -> Self;
}

/// The configuration of a function that answers HTTP.
pub trait HttpFunction: FromEnvironment {
    /// What the gate needs.
    fn http(&self) -> &HttpConfig;
}

/// What every function reads.
#[derive(Debug, Clone)]
pub struct Base {
    /// Where it runs.
    pub stage: Stage,
    /// What is logged.
    pub log_level: LevelFilter,
    /// What runs, for the log and for health.
    pub service_version: String,
    /// The deployed name.
    pub function_name: String,
    /// Lambda's version of the function.
    pub function_version: String,
    /// How AWS is reached.
    pub aws: AwsSettings,
    /// What is to be said in the log once it is there.
    pub notices: Vec<&'static str>,
}

/// How AWS is reached.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    /// The region.
    pub region: String,
    /// Somewhere else than AWS: the local stack.
    pub endpoint_url: Option<String>,
    /// What Lambda hands to a function; without it the SDK's chain is asked.
    pub keys: Option<AwsKeys>,
}

/// The credentials of the function's role.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretString,
    /// The session token.
    pub session_token: Option<SecretString>,
}

/// Reads a configuration from this process's environment.
pub fn from_process<C: FromEnvironment>() -> Result<(Base, C), ConfigError> {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the environment")]
    read(&|name| std::env::var(name).ok())
}

/// Reads a configuration from anything that knows variables.
pub fn read<C: FromEnvironment>(
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<(Base, C), ConfigError> {
    let mut reader = Reader::new(lookup);
    let base = reader.base();
    let config = C::read(&mut reader);
    let base = Base { notices: reader.notices(), ..base };
    reader.finish((base, config))
}

/// What the gate needs.
#[derive(Debug, Clone)]
pub struct HttpConfig {
    /// The current JWT secret, then the previous one. Empty only outside production: no JWT is
    /// good then.
    pub jwt_secrets: Vec<SecretString>,
    /// What `Authorization: Access` must carry.
    pub service_token: Option<SecretString>,
    /// The origins whose pages may call.
    pub allowed_origins: Vec<String>,
    /// Where security happenings are reported.
    pub security_queue_url: String,
    /// Where keys, roles, sessions and limits are kept.
    pub identity_table: String,
    /// Requests per second of an organisation.
    pub organisation_rate: f64,
    /// Requests per second of a credential.
    pub credential_rate: f64,
    /// Bad credentials of an address in five minutes that are answered like any other.
    pub address_failures: u64,
}

#[cfg(test)]
mod tests;
