//! Reading variables one by one, and remembering what is wrong with them.

use aragora_core::delivery::RetryPolicy;
use aragora_core::url_policy::UrlPolicy;
use aragora_signing::fields::{STORES, Store};
use aragora_signing::keyring::KeyRing;
use secrecy::SecretString;
use tracing::level_filters::LevelFilter;

use super::{AwsKeys, AwsSettings, Base, ConfigError, FromEnvironment, HttpConfig, Stage};

/// Characters a JWT secret has at least in production: as many bytes as HS256 has (RFC 7518, 3.2).
const JWT_SECRET_CHARS: usize = 32;
/// What the examples print in place of a secret.
const PLACEHOLDER: &str = "replace-me";
/// Stands in for the keys while the real ones are being complained about; never used.
const NO_KEY: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The keys that secrets are encrypted with.
const KEYS: &str = "ARAGORA_ENCRYPTION_KEY";
/// Said once by every process that made its own.
const GENERATED: &str = "ARAGORA_ENCRYPTION_KEY is not set: this process encrypts with a key of \
     its own. Data will not be recoverable after restart";

/// Reads variables and collects problems.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    stage: Stage,
    problems: Vec<(&'static str, String)>,
    notices: Vec<&'static str>,
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Reader")
            .field("stage", &self.stage)
            .field("problems", &self.problems)
            .finish_non_exhaustive()
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, stage: Stage::default(), problems: Vec::new(), notices: Vec::new() }
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.problems.is_empty() {
            Ok(value)
        } else {
            Err(ConfigError { problems: self.problems })
        }
    }

    /// What was found that is no problem and must be said.
    pub(super) fn notices(&mut self) -> Vec<&'static str> {
        std::mem::take(&mut self.notices)
    }

    /// Read first: what else is allowed depends on the stage.
    pub(super) fn base(&mut self) -> Base {
        self.stage = match self.optional("ARAGORA_ENV").as_deref() {
            None | Some("development") => Stage::Development,
            Some("test") => Stage::Test,
            Some("staging") => Stage::Staging,
            Some("production") => Stage::Production,
            Some(_) => {
                self.problem("ARAGORA_ENV", "must be development, test, staging or production");
                // The strict rules apply, so that one start shows every problem.
                Stage::Production
            }
        };
        Base {
            stage: self.stage,
            log_level: self.log_level(),
            service_version: self
                .optional("SERVICE_VERSION")
                .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
            function_name: self
                .optional("AWS_LAMBDA_FUNCTION_NAME")
                .unwrap_or_else(|| "local".to_owned()),
            function_version: self
                .optional("AWS_LAMBDA_FUNCTION_VERSION")
                .unwrap_or_else(|| "local".to_owned()),
            aws: self.aws(),
            notices: Vec::new(),
        }
    }

    fn aws(&mut self) -> AwsSettings {
        let region = self.optional("AWS_REGION").or_else(|| self.optional("AWS_DEFAULT_REGION"));
        let access_key_id = self.optional("AWS_ACCESS_KEY_ID");
        let secret_access_key = self.optional("AWS_SECRET_ACCESS_KEY");
        AwsSettings {
            region: region.unwrap_or_else(|| {
                self.problem("AWS_REGION", "is missing");
                String::new()
            }),
            endpoint_url: self
                .optional("AWS_ENDPOINT_URL")
                .map(|url| self.url("AWS_ENDPOINT_URL", url)),
            keys: access_key_id.zip(secret_access_key).map(|(access_key_id, secret)| AwsKeys {
                access_key_id,
                secret_access_key: secret.into(),
                session_token: self.optional("AWS_SESSION_TOKEN").map(Into::into),
            }),
        }
    }

    fn log_level(&mut self) -> LevelFilter {
        let ours = self.optional("ARAGORA_LOG_LEVEL").map(|text| ("ARAGORA_LOG_LEVEL", text));
        let lambdas =
            || self.optional("AWS_LAMBDA_LOG_LEVEL").map(|text| ("AWS_LAMBDA_LOG_LEVEL", text));
        let Some((name, text)) = ours.or_else(lambdas) else { return LevelFilter::INFO };
        match text.to_ascii_uppercase().as_str() {
            "TRACE" => LevelFilter::TRACE,
            "DEBUG" => LevelFilter::DEBUG,
            "INFO" => LevelFilter::INFO,
            "WARN" | "WARNING" => LevelFilter::WARN,
            "ERROR" | "FATAL" | "CRITICAL" => LevelFilter::ERROR,
            "OFF" => LevelFilter::OFF,
            _ => {
                self.problem(name, "must be TRACE, DEBUG, INFO, WARN, ERROR or OFF");
                LevelFilter::INFO
            }
        }
    }

    /// What several functions read together.
    pub(super) fn part<T: FromEnvironment>(&mut self) -> T {
        T::read(self)
    }

    /// What the gate needs.
    pub(super) fn http(&mut self) -> HttpConfig {
        HttpConfig {
            jwt_secrets: self.jwt_secrets(),
            service_token: self.service_token("ARAGORA_API_TOKEN"),
            allowed_origins: self.origins(),
            security_queue_url: self.queue("SECURITY_QUEUE_URL"),
            identity_table: self.table("IDENTITY_TABLE"),
            organisation_rate: self.rate("RATE_LIMIT_ORGANISATION_PER_SECOND", 1_000),
            credential_rate: self.rate("RATE_LIMIT_CREDENTIAL_PER_SECOND", 500),
            address_failures: self.number("AUTH_FAILURES_PER_ADDRESS", 1, 1_000_000, 20).into(),
        }
    }

    fn rate(&mut self, name: &'static str, default: u32) -> f64 {
        self.number(name, 1, 100_000, default).into()
    }

    /// `ARAGORA_JWT_EXPIRY_HOURS`, in seconds.
    pub(super) fn access_seconds(&mut self) -> i64 {
        i64::from(self.number("ARAGORA_JWT_EXPIRY_HOURS", 1, 720, 24)) * 3_600
    }

    /// `ARAGORA_REFRESH_TOKEN_EXPIRY_DAYS`, in seconds.
    pub(super) fn refresh_seconds(&mut self) -> i64 {
        i64::from(self.number("ARAGORA_REFRESH_TOKEN_EXPIRY_DAYS", 1, 365, 30)) * 86_400
    }

    fn jwt_secrets(&mut self) -> Vec<SecretString> {
        const NAME: &str = "ARAGORA_JWT_SECRET";
        let Some(list) = self.optional(NAME) else {
            if self.stage.is_strict() {
                self.problem(NAME, "is missing");
            }
            return Vec::new();
        };
        let secrets: Vec<&str> = list.split(',').map(str::trim).collect();
        if secrets.len() > 2 {
            self.problem(NAME, "may list the current secret and one previous secret");
        }
        if secrets.iter().any(|secret| secret.is_empty()) {
            self.problem(NAME, "lists an empty secret");
        } else if self.stage.is_strict()
            && secrets.iter().any(|secret| secret.chars().count() < JWT_SECRET_CHARS)
        {
            self.problem(NAME, "must have 32 characters or more");
        }
        if self.stage.is_strict() && secrets.iter().any(|secret| secret.contains(PLACEHOLDER)) {
            self.problem(NAME, "is still the placeholder of the examples");
        }
        secrets.into_iter().map(Into::into).collect()
    }

    /// A service token: none is allowed everywhere, an empty one or the examples' placeholder only
    /// where nothing is at stake.
    fn service_token(&mut self, name: &'static str) -> Option<SecretString> {
        let token = (self.lookup)(name)?;
        let token = token.trim();
        if self.stage.is_strict() && token.is_empty() {
            self.problem(name, "is empty");
        }
        if self.stage.is_strict() && token == PLACEHOLDER {
            self.problem(name, "is still the placeholder of the examples");
        }
        if token.contains([',', ' ']) {
            self.problem(name, "must not contain commas or spaces");
        }
        (!token.is_empty()).then(|| token.into())
    }

    fn origins(&mut self) -> Vec<String> {
        const NAME: &str = "ARAGORA_ALLOWED_ORIGINS";
        let list = self.optional(NAME).unwrap_or_default();
        let origins: Vec<String> = list
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        let is_origin = |origin: &String| {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            host.is_some_and(|host| {
                !host.is_empty() && !host.contains(['/', '*', '?', '#', '@', ' '])
            })
        };
        if !origins.iter().all(is_origin) {
            self.problem(
                NAME,
                "must list origins such as https://app.example.com, without paths or wildcards",
            );
        }
        origins
    }

    /// The keys that secrets are encrypted with. Where nothing is at stake, one is generated when
    /// there are none.
    pub(super) fn key_ring(&mut self) -> KeyRing {
        if self.stage.is_strict() || self.optional(KEYS).is_some() {
            return self.deployed_key_ring();
        }
        self.notices.push(GENERATED);
        KeyRing::generate().unwrap_or_else(|_| {
            self.problem(KEYS, "is missing, and none could be generated");
            Self::no_ring()
        })
    }

    /// The keys that secrets are encrypted with, never generated: what is sealed under them must be
    /// read by others.
    pub(super) fn deployed_key_ring(&mut self) -> KeyRing {
        let list = self.required(KEYS);
        if list.is_empty() {
            return Self::no_ring();
        }
        let monotonous = |key: &str| key.bytes().all(|digit| key.bytes().next() == Some(digit));
        if self.stage.is_strict() && list.split(',').map(str::trim).any(monotonous) {
            self.problem(KEYS, "is one digit repeated");
        }
        KeyRing::parse(&list).unwrap_or_else(|error| {
            self.problem(KEYS, &format!("is bad: {error}"));
            Self::no_ring()
        })
    }

    #[expect(
        clippy::expect_used,
        reason = "a constant; every test that complains about a key runs it"
    )]
    fn no_ring() -> KeyRing {
        KeyRing::parse(NO_KEY).expect("64 digits are a key")
    }

    /// Which URLs may be called.
    pub(super) fn url_policy(&mut self) -> UrlPolicy {
        let require_https = self.flag("WEBHOOK_REQUIRE_HTTPS", true);
        let allow_loopback = self.flag("ARAGORA_SSRF_ALLOW_LOCALHOST", false);
        if self.stage.is_strict() && !require_https {
            self.problem("WEBHOOK_REQUIRE_HTTPS", "must not be false in production and staging");
        }
        if self.stage.is_strict() && allow_loopback {
            self.problem(
                "ARAGORA_SSRF_ALLOW_LOCALHOST",
                "must not be true in production and staging",
            );
        }
        UrlPolicy { require_https, allow_loopback, ..UrlPolicy::default() }
    }

    /// `WEBHOOK_MAX_RETRIES`, in a policy that is otherwise the product's default.
    pub(super) fn retry_policy(&mut self) -> RetryPolicy {
        let mut policy = RetryPolicy::default();
        policy.max_retries = self.number("WEBHOOK_MAX_RETRIES", 0, 24, policy.max_retries);
        policy.timeout_seconds = self.timeout_seconds(policy.timeout_seconds);
        policy
    }

    /// `SWEEP_GRACE_SECONDS`, in milliseconds.
    pub(super) fn grace_ms(&mut self) -> i64 {
        i64::from(self.number("SWEEP_GRACE_SECONDS", 0, 3_600, 60)) * 1_000
    }

    /// `WEBHOOK_CIRCUIT_OPEN_SECONDS`, in milliseconds.
    pub(super) fn circuit_open_ms(&mut self) -> i64 {
        i64::from(self.number("WEBHOOK_CIRCUIT_OPEN_SECONDS", 1, 3_600, 60)) * 1_000
    }

    /// `DELIVER_MAXIMUM_CONCURRENCY`.
    pub(super) fn maximum_concurrency(&mut self) -> u32 {
        self.number("DELIVER_MAXIMUM_CONCURRENCY", 2, 1_000, 50)
    }

    /// `MAX_RECEIVE_COUNT`.
    pub(super) fn max_receive_count(&mut self) -> u32 {
        self.number("MAX_RECEIVE_COUNT", 1, 1_000, 5)
    }

    /// `DELIVERY_RETENTION_DAYS`.
    pub(super) fn retention_days(&mut self) -> i64 {
        i64::from(self.number("DELIVERY_RETENTION_DAYS", 1, 3_650, 30))
    }

    /// `AUDIT_RETENTION_DAYS`.
    pub(super) fn audit_retention_days(&mut self) -> i64 {
        i64::from(self.number("AUDIT_RETENTION_DAYS", 1, 3_650, 400))
    }

    /// `DECISION_CACHE_TTL_SECONDS`, in milliseconds.
    pub(super) fn decision_cache_ms(&mut self) -> i64 {
        i64::from(self.number("DECISION_CACHE_TTL_SECONDS", 1, 86_400, 3_600)) * 1_000
    }

    /// `MAX_CONCURRENT_DEBATES`.
    pub(super) fn debates_at_once(&mut self) -> usize {
        self.number("MAX_CONCURRENT_DEBATES", 1, 100, 10) as usize
    }

    /// `DLQ_RETENTION_HOURS`, in milliseconds.
    pub(super) fn listed_ms(&mut self) -> i64 {
        i64::from(self.number("DLQ_RETENTION_HOURS", 1, 336, 72)) * 3_600_000
    }

    /// `WEBHOOK_TIMEOUT_SECONDS`: 1 to 30, fractions allowed.
    fn timeout_seconds(&mut self, default: f64) -> f64 {
        const NAME: &str = "WEBHOOK_TIMEOUT_SECONDS";
        let Some(text) = self.optional(NAME) else { return default };
        match text.parse() {
            Ok(seconds) if (1.0..=30.0).contains(&seconds) => seconds,
            _ => {
                self.problem(NAME, "must be a number from 1 to 30");
                default
            }
        }
    }

    fn number(&mut self, name: &'static str, least: u32, most: u32, default: u32) -> u32 {
        let Some(text) = self.optional(name) else { return default };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.problem(name, &format!("must be a whole number from {least} to {most}"));
                default
            }
        }
    }

    fn flag(&mut self, name: &'static str, default: bool) -> bool {
        let Some(text) = self.optional(name) else { return default };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => true,
            "false" | "0" => false,
            _ => {
                self.problem(name, "must be true or false");
                default
            }
        }
    }

    /// A table's name. <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>
    pub(super) fn table(&mut self, name: &'static str) -> String {
        let table = self.required(name);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let named = (3..=255).contains(&table.len()) && table.bytes().all(allowed);
        if !named && !table.is_empty() {
            self.problem(name, "is no table name");
        }
        table
    }

    /// The table of every store that has secrets.
    pub(super) fn stores(&mut self) -> Vec<(&'static Store, String)> {
        STORES.iter().map(|store| (store, self.table(variable_of(store)))).collect()
    }

    pub(super) fn queue(&mut self, name: &'static str) -> String {
        let url = self.required(name);
        if url.is_empty() { url } else { self.url(name, url) }
    }

    fn url(&mut self, name: &'static str, url: String) -> String {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains(' ')) {
            self.problem(name, "is no URL");
        }
        url
    }

    fn required(&mut self, name: &'static str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.problem(name, "is missing");
            String::new()
        })
    }

    /// A variable's text without white space around it; an empty one counts as absent.
    fn optional(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn problem(&mut self, name: &'static str, problem: &str) {
        self.problems.push((name, problem.to_owned()));
    }
}

/// The variable that has the name of a store's table.
fn variable_of(store: &Store) -> &'static str {
    match store.name() {
        "webhook_registrations" => "REGISTRATIONS_TABLE",
        // A test starts the migration with every store.
        _ => "A_STORE_WITHOUT_A_VARIABLE",
    }
}
