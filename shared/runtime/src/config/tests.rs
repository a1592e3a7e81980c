//! Environments, good and bad, without touching the process's own.

use std::cell::RefCell;
use std::collections::BTreeSet;

use secrecy::ExposeSecret;

use super::*;

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/1/queue";

/// A value for every variable that any function reads, fit for production.
fn good(name: &str) -> Option<String> {
    let value = match name {
        "ARAGORA_ENV" => "production",
        "ARAGORA_JWT_SECRET" => SECRET,
        "ARAGORA_API_TOKEN" => "service-token",
        "ARAGORA_ENCRYPTION_KEY" => KEY,
        "AWS_REGION" => "us-east-1",
        "AWS_ENDPOINT_URL" => return None,
        table if table.ends_with("_TABLE") => "stack-table",
        queue if queue.ends_with("_URL") => QUEUE,
        _ => return None,
    };
    Some(value.to_owned())
}

fn with<C: FromEnvironment>(changes: &[(&'static str, &str)]) -> Result<(Base, C), ConfigError> {
    read(&|name| {
        let replaced = changes.iter().find(|(variable, _)| *variable == name);
        replaced.map_or_else(|| good(name), |(_, value)| Some((*value).to_owned()))
    })
}

fn wrong<C: FromEnvironment>(changes: &[(&'static str, &str)]) -> Vec<&'static str> {
    with::<C>(changes)
        .map_or_else(|error| error.problems.into_iter().map(|it| it.0).collect(), |_| Vec::new())
}

/// What is missing when nothing is set, and what was asked for, both in order.
fn empty<C: FromEnvironment>() -> (Vec<&'static str>, Vec<String>) {
    let asked = RefCell::new(Vec::new());
    let none = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        None
    };
    let error = read::<C>(&none).err().unwrap();
    (error.problems.into_iter().map(|it| it.0).collect(), asked.take())
}

#[test]
fn every_function_starts_with_what_it_reads() {
    assert_eq!(wrong::<WebhooksConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<WebhookTestConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<EventsConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<DebatesConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<ExplanationsConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<ReceiptsConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<RedeliveriesConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<RedeliverConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<ExplanationJobsConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<ExplainConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<AuditApiConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<AuditConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<HealthConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<FanOutConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<DeliverConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<SweepConfig>(&[]), [""; 0]);
    assert_eq!(wrong::<MigrateConfig>(&[]), [""; 0]);
}

#[test]
fn everything_missing_is_named_at_once() {
    for (missing, asked) in [
        empty::<WebhooksConfig>(),
        empty::<WebhookTestConfig>(),
        empty::<EventsConfig>(),
        empty::<DebatesConfig>(),
        empty::<ExplanationsConfig>(),
        empty::<ReceiptsConfig>(),
        empty::<RedeliveriesConfig>(),
        empty::<RedeliverConfig>(),
        empty::<ExplanationJobsConfig>(),
        empty::<ExplainConfig>(),
        empty::<AuditApiConfig>(),
        empty::<AuditConfig>(),
        empty::<HealthConfig>(),
        empty::<FanOutConfig>(),
        empty::<DeliverConfig>(),
        empty::<SweepConfig>(),
    ] {
        let required = |name: &String| {
            name == "AWS_REGION"
                || name.ends_with("_TABLE")
                || (name.ends_with("_URL") && name != "AWS_ENDPOINT_URL")
        };
        let wanted: Vec<String> = asked.into_iter().filter(required).collect();
        assert!(wanted.len() >= 2);
        assert_eq!(missing, wanted);
    }
    let (missing, _) = empty::<ReceiptsConfig>();
    assert_eq!(
        missing,
        [
            "AWS_REGION",
            "SECURITY_QUEUE_URL",
            "IDENTITY_TABLE",
            "REGISTRATIONS_TABLE",
            "RECEIPTS_TABLE",
            "DELIVERIES_QUEUE_URL"
        ]
    );
    let (missing, _) = empty::<MigrateConfig>();
    assert_eq!(missing, ["AWS_REGION", "REGISTRATIONS_TABLE", "ARAGORA_ENCRYPTION_KEY"]);
    for (name, value) in [
        ("DECISION_CACHE_TTL_SECONDS", "0"),
        ("DECISION_CACHE_TTL_SECONDS", "86401"),
        ("MAX_CONCURRENT_DEBATES", "0"),
        ("MAX_CONCURRENT_DEBATES", "101"),
    ] {
        assert_eq!(wrong::<ExplanationsConfig>(&[(name, value)]), [name]);
    }
    for value in ["0", "3651", "-1", "1.5", "for ever"] {
        assert_eq!(
            wrong::<AuditConfig>(&[("AUDIT_RETENTION_DAYS", value)]),
            ["AUDIT_RETENTION_DAYS"]
        );
    }
    assert_eq!(with::<AuditConfig>(&[]).unwrap().1.audit_retention_days, 400);
}

#[test]
fn what_is_bad_anywhere() {
    let three = format!("{SECRET},{SECRET},{SECRET}");
    let unfinished = format!("{SECRET},");
    for (name, value) in [
        ("ARAGORA_ENV", "prod"),
        ("ARAGORA_LOG_LEVEL", "loud"),
        ("AWS_LAMBDA_LOG_LEVEL", "loud"),
        ("AWS_ENDPOINT_URL", "127.0.0.1:4566"),
        ("ARAGORA_JWT_SECRET", &three),
        ("ARAGORA_JWT_SECRET", &unfinished),
        ("ARAGORA_API_TOKEN", "two words"),
        ("ARAGORA_ALLOWED_ORIGINS", "*"),
        ("ARAGORA_ALLOWED_ORIGINS", "https://a.example,app.example"),
        ("ARAGORA_ALLOWED_ORIGINS", "https://a.example/path"),
        ("ARAGORA_ALLOWED_ORIGINS", "https://*.example"),
        ("ARAGORA_ENCRYPTION_KEY", "0011"),
        (
            "ARAGORA_ENCRYPTION_KEY",
            "zz112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        ),
        ("WEBHOOK_REQUIRE_HTTPS", "no"),
        ("ARAGORA_SSRF_ALLOW_LOCALHOST", "maybe"),
        ("REGISTRATIONS_TABLE", "a table"),
        ("REGISTRATIONS_TABLE", "t"),
    ] {
        assert_eq!(wrong::<WebhooksConfig>(&[(name, value)]), [name], "{name}={value}");
    }
    for (name, value) in [
        ("WEBHOOK_TIMEOUT_SECONDS", "0.5"),
        ("WEBHOOK_TIMEOUT_SECONDS", "31"),
        ("WEBHOOK_TIMEOUT_SECONDS", "NaN"),
        ("WEBHOOK_TIMEOUT_SECONDS", "ten"),
        ("WEBHOOK_MAX_RETRIES", "25"),
        ("WEBHOOK_MAX_RETRIES", "-1"),
        ("WEBHOOK_MAX_RETRIES", "2.5"),
    ] {
        assert_eq!(wrong::<DeliverConfig>(&[(name, value)]), [name], "{name}={value}");
    }
    for (name, value) in [
        ("MAX_CONCURRENT_DEBATES", "0"),
        ("MAX_CONCURRENT_DEBATES", "101"),
        ("MAX_RECEIVE_COUNT", "0"),
        ("MAX_RECEIVE_COUNT", "five"),
    ] {
        assert_eq!(wrong::<ExplainConfig>(&[(name, value)]), [name], "{name}={value}");
    }
    for (name, value) in [
        ("SWEEP_GRACE_SECONDS", "3601"),
        ("DELIVERY_RETENTION_DAYS", "0"),
        ("EVENTS_QUEUE_URL", "queue"),
    ] {
        assert_eq!(wrong::<SweepConfig>(&[(name, value)]), [name], "{name}={value}");
    }
    assert_eq!(
        wrong::<WebhooksConfig>(&[
            ("REGISTRATIONS_TABLE", " "),
            ("ARAGORA_ENV", "prod"),
            ("AWS_REGION", "")
        ]),
        ["ARAGORA_ENV", "AWS_REGION", "REGISTRATIONS_TABLE"]
    );
}

#[test]
fn what_only_a_developer_may_set() {
    let ones = "1".repeat(64);
    let placeholder = format!("replace-me-{SECRET}");
    for (name, value) in [
        ("ARAGORA_JWT_SECRET", ""),
        ("ARAGORA_JWT_SECRET", "short"),
        ("ARAGORA_JWT_SECRET", "0123456789abcdef0123456789abcdef,short"),
        ("ARAGORA_JWT_SECRET", &placeholder),
        ("ARAGORA_API_TOKEN", ""),
        ("ARAGORA_API_TOKEN", "replace-me"),
        ("WEBHOOK_REQUIRE_HTTPS", "false"),
        ("ARAGORA_SSRF_ALLOW_LOCALHOST", "true"),
        ("ARAGORA_SSRF_ALLOW_LOCALHOST", "TRUE"),
        ("ARAGORA_ENCRYPTION_KEY", &ones),
    ] {
        for stage in ["production", "staging"] {
            assert_eq!(
                wrong::<WebhooksConfig>(&[("ARAGORA_ENV", stage), (name, value)]),
                [name],
                "{stage}: {name}={value}"
            );
        }
        for stage in ["development", "test", ""] {
            assert_eq!(
                wrong::<WebhooksConfig>(&[("ARAGORA_ENV", stage), (name, value)]),
                [""; 0],
                "{stage}: {name}={value}"
            );
        }
    }
}

#[test]
fn only_a_developer_may_do_without_a_key() {
    let without =
        |stage| [("ARAGORA_ENV", stage), ("ARAGORA_ENCRYPTION_KEY", ""), ("AWS_REGION", "r")];
    for stage in ["production", "staging"] {
        assert_eq!(wrong::<WebhooksConfig>(&without(stage)), ["ARAGORA_ENCRYPTION_KEY"], "{stage}");
    }
    let mut generated = BTreeSet::new();
    for stage in ["development", "test", ""] {
        let (base, config) = with::<DeliverConfig>(&without(stage)).unwrap();
        assert_eq!(base.notices.len(), 1, "{stage}");
        assert!(base.notices[0].contains("Data will not be recoverable after restart"));
        generated.extend(config.key_ring.key_ids());
        // What it seals would be lost with the process.
        assert_eq!(wrong::<MigrateConfig>(&without(stage)), ["ARAGORA_ENCRYPTION_KEY"], "{stage}");
    }
    assert_eq!(generated.len(), 3, "each has a key of its own");
    assert!(with::<DeliverConfig>(&[]).unwrap().0.notices.is_empty());
    let given = with::<DeliverConfig>(&[("ARAGORA_ENV", "development")]).unwrap();
    assert!(given.0.notices.is_empty());
    assert_eq!(
        wrong::<DeliverConfig>(&[("ARAGORA_ENV", ""), ("ARAGORA_ENCRYPTION_KEY", "x")]),
        ["ARAGORA_ENCRYPTION_KEY"]
    );
}

#[test]
fn values_are_read_and_defaults_fill_in() {
    let (base, config) = with::<WebhooksConfig>(&[]).unwrap();
    assert_eq!((base.stage, base.log_level), (Stage::Production, LevelFilter::INFO));
    assert_eq!(
        (base.service_version.as_str(), base.function_name.as_str()),
        (env!("CARGO_PKG_VERSION"), "local")
    );
    assert!(base.aws.keys.is_none() && base.aws.endpoint_url.is_none());
    assert!(config.url_policy.require_https && !config.url_policy.allow_loopback);
    assert_eq!(config.http.jwt_secrets.len(), 1);
    assert_eq!(config.http.allowed_origins, [""; 0]);

    let two = format!(" {SECRET} , {SECRET}x ");
    let rotated = format!("{KEY}, {}", KEY.replace('0', "f"));
    let (base, config) = with::<WebhooksConfig>(&[
        ("ARAGORA_ENV", "development"),
        ("ARAGORA_LOG_LEVEL", "debug"),
        ("AWS_LAMBDA_LOG_LEVEL", "ERROR"),
        ("SERVICE_VERSION", "1.2.3"),
        ("AWS_LAMBDA_FUNCTION_NAME", "stack-webhooks"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "shh"),
        ("AWS_SESSION_TOKEN", "token"),
        ("ARAGORA_JWT_SECRET", &two),
        ("ARAGORA_ENCRYPTION_KEY", &rotated),
        ("ARAGORA_ALLOWED_ORIGINS", "https://a.example, http://localhost:3000 ,"),
        ("WEBHOOK_REQUIRE_HTTPS", "False"),
        ("ARAGORA_SSRF_ALLOW_LOCALHOST", "1"),
    ])
    .unwrap();
    assert_eq!((base.stage, base.log_level), (Stage::Development, LevelFilter::DEBUG));
    assert_eq!(
        (base.service_version.as_str(), base.function_name.as_str()),
        ("1.2.3", "stack-webhooks")
    );
    let keys = base.aws.keys.unwrap();
    assert_eq!(
        (keys.access_key_id.as_str(), keys.secret_access_key.expose_secret()),
        ("AKIA", "shh")
    );
    assert_eq!(config.http.jwt_secrets.len(), 2);
    assert_eq!(config.http.jwt_secrets[1].expose_secret(), format!("{SECRET}x"));
    assert_eq!(config.http.allowed_origins, ["https://a.example", "http://localhost:3000"]);
    assert!(!config.url_policy.require_https && config.url_policy.allow_loopback);
    assert_eq!(config.key_ring.key_ids().len(), 2);

    let (_, deliver) =
        with::<DeliverConfig>(&[("WEBHOOK_TIMEOUT_SECONDS", "2.5"), ("WEBHOOK_MAX_RETRIES", "0")])
            .unwrap();
    assert_eq!((deliver.retry_policy.timeout_seconds, deliver.retry_policy.max_retries), (2.5, 0));
    let (_, sweep) = with::<SweepConfig>(&[]).unwrap();
    assert_eq!(
        (sweep.grace_ms, sweep.publisher.retention_days, sweep.retry_policy.max_retries),
        (60_000, 30, 5)
    );
    let (_, sweep) = with::<SweepConfig>(&[("SWEEP_GRACE_SECONDS", "2")]).unwrap();
    assert_eq!(sweep.grace_ms, 2_000);
    let (_, explain) = with::<ExplainConfig>(&[]).unwrap();
    assert_eq!((explain.explainer.at_once, explain.most_receives), (10, 5));
}

#[test]
fn without_a_secret_a_developer_still_starts() {
    let (_, config) = with::<EventsConfig>(&[
        ("ARAGORA_ENV", "development"),
        ("ARAGORA_JWT_SECRET", ""),
        ("ARAGORA_API_TOKEN", ""),
        ("AWS_REGION", ""),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ])
    .unwrap();
    assert!(config.http.jwt_secrets.is_empty() && config.http.service_token.is_none());
}

#[test]
fn no_value_is_repeated() {
    let secret = "this-value-is-a-secret";
    let lookup = |name: &str| match name {
        "ARAGORA_ENV" | "AWS_REGION" => good(name),
        _ => good(name).map(|_| format!("{secret} *")),
    };
    let error = read::<WebhooksConfig>(&lookup).err().unwrap();
    assert!(error.problems.len() == 9, "{error}");
    assert!(!format!("{error} {error:?}").contains(secret), "{error}");
    assert!(error.to_string().contains("ARAGORA_ENCRYPTION_KEY is bad: "), "{error}");

    let (base, config) =
        with::<WebhooksConfig>(&[("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", secret)])
            .unwrap();
    let shown = format!("{base:?} {config:?}");
    assert!(!shown.contains(secret) && !shown.contains(SECRET) && !shown.contains(KEY), "{shown}");
}
