//! Lines, as they are written.

use std::sync::{Arc, Mutex};

use serde_json::json;

use aragora_api::auth::Authenticator;
use aragora_api::cors::AllowedOrigins;
use aragora_api::{ApiError, Function, Gate, Reply, gate};

use super::*;

fn lines(level: LevelFilter, write: impl FnOnce()) -> Vec<Value> {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&kept);
    let lines = JsonLines {
        fixed: vec![("service", "aragora".into())],
        clock: || Millis(1_705_752_000_007),
        write: move |line: &[u8]| {
            assert_eq!(line.iter().position(|&byte| byte == b'\n'), Some(line.len() - 1));
            sink.lock().unwrap().push(serde_json::from_slice(line).unwrap());
        },
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(what_is_logged(level)));
    tracing::subscriber::with_default(subscriber, write);
    let kept = kept.lock().unwrap();
    kept.clone()
}

#[test]
fn a_line_is_flat_and_has_the_fields_of_its_spans() {
    let lines = lines(LevelFilter::INFO, || {
        let outer = tracing::error_span!(
            "invocation",
            lambda_request_id = "l-1",
            later = tracing::field::Empty
        );
        outer.record("later", 5);
        let _outer = outer.entered();
        let _inner = tracing::error_span!("request", request_id = %"r-1").entered();
        tracing::info!(
            count = 3_u64,
            ratio = 0.5,
            done = true,
            none = None::<&str>,
            text = "a\nb",
            "said {}",
            1
        );
    });
    assert_eq!(
        lines,
        [json!({
            "level": "INFO", "timestamp": "2024-01-20T12:00:00.007Z", "message": "said 1", "service": "aragora",
            "lambda_request_id": "l-1", "later": 5, "request_id": "r-1",
            "count": 3, "ratio": 0.5, "done": true, "text": "a\nb",
        })]
    );
}

#[test]
fn counts_are_json_and_other_text_is_text() {
    let lines = lines(LevelFilter::INFO, || {
        tracing::info!(counts = r#"{"delivered":2}"#, other = r#"{"a":1}"#, "x");
        tracing::info!(counts = "not json", "x");
    });
    assert_eq!(
        (&lines[0]["counts"], &lines[0]["other"]),
        (&json!({"delivered": 2}), &json!(r#"{"a":1}"#))
    );
    assert_eq!(lines[1]["counts"], "not json");
}

#[test]
fn an_error_is_logged_with_its_causes() {
    let cause = std::io::Error::other("connection refused");
    let error = crate::BootError::Build(Box::new(cause));
    let lines = lines(LevelFilter::INFO, || {
        tracing::error!(error = &error as &dyn std::error::Error, "x");
    });
    assert_eq!(lines[0]["error"], "the function could not be built: connection refused");
}

#[test]
fn libraries_are_quiet_below_warning() {
    let count = |level| {
        lines(level, || {
            tracing::info!(target: "hyper", "request");
            tracing::warn!(target: "aws_sdk_sqs", "slow");
            tracing::debug!(target: "aragora_api::gate", "detail");
            tracing::info!(target: "aragora_api::gate", "answered");
        })
        .len()
    };
    assert_eq!(count(LevelFilter::INFO), 2);
    assert_eq!(count(LevelFilter::TRACE), 3);
    assert_eq!(count(LevelFilter::WARN), 1);
    assert_eq!(count(LevelFilter::ERROR), 0);
    assert_eq!(count(LevelFilter::OFF), 0);
}

fn answered(uri: &str, headers: &[(&str, &str)], reply: fn() -> Result<Reply, ApiError>) -> Value {
    let gate = Gate::new(
        Function::Webhooks,
        Authenticator::new(&[], Some("service-token".into())),
        AllowedOrigins::default(),
    );
    let mut request = http::Request::builder().uri(uri).header("x-request-id", "req-1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Vec::new()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut lines = lines(LevelFilter::INFO, || {
        let dispatch = async |_| reply();
        runtime.block_on(gate::answer(&gate, request, Millis(1_705_752_000_000), dispatch));
    });
    assert_eq!(lines.len(), 1, "one line per request");
    let mut line = lines.remove(0);
    for (name, _) in [("duration_ms", 0), ("timestamp", 0)] {
        assert!(line.as_object_mut().unwrap().remove(name).is_some(), "{name}");
    }
    line
}

#[test]
fn each_request_has_one_line_with_stable_fields() {
    let service = [("authorization", "Access service-token"), ("x-org-id", "org-1")];
    let viewer = [&service[..], &[("x-user-roles", "viewer"), ("x-user-id", "user-1")]].concat();
    let spent =
        json!({"write_units": 0.0, "read_units": 0.0, "dynamodb_requests": 0, "sqs_requests": 0});
    let uri = "/api/webhooks/wh-1?cursor=private";
    for (headers, reply, more) in [
        (
            &[("authorization", "Bearer private")][..],
            (|| Ok(Reply::no_content())) as fn() -> Result<Reply, ApiError>,
            json!({"level": "INFO", "message": "request refused", "status": 401, "code": "unauthenticated",
                   "reason": "not a token"}),
        ),
        (
            &service,
            || Ok(Reply::no_content()),
            json!({"level": "INFO", "message": "request refused", "status": 403, "code": "forbidden",
                   "org_id": "org-1", "user_id": "service"}),
        ),
        (
            &viewer,
            || Ok(Reply::no_content()),
            json!({"level": "INFO", "message": "request answered", "status": 204,
                   "org_id": "org-1", "user_id": "user-1"}),
        ),
        (
            &viewer,
            || Err(ApiError::unavailable(std::io::Error::other("no route to host"))),
            json!({"level": "ERROR", "message": "request failed", "status": 503, "code": "unavailable",
                   "error": "the service is not available, try again shortly: no route to host",
                   "org_id": "org-1", "user_id": "user-1"}),
        ),
    ] {
        let mut wanted = json!({
            "service": "aragora", "request_id": "req-1", "method": "GET", "route": "/api/webhooks/{webhook_id}"
        });
        for part in [&spent, &more] {
            wanted.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
        }
        let line = answered(uri, headers, reply);
        assert!(!line.to_string().contains("private"), "{line}");
        assert_eq!(line, wanted);
    }
}

#[test]
fn what_a_handler_logs_has_the_request_id() {
    let gate =
        Gate::new(Function::Health, Authenticator::new(&[], None), AllowedOrigins::default());
    let request = http::Request::builder().uri("/api/health").header("x-request-id", "req-9");
    let request = request.body(Vec::new()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let lines = lines(LevelFilter::WARN, || {
        let dispatch = async |_| {
            tracing::warn!(target: "aragora_store", "slow");
            Ok(Reply::no_content())
        };
        runtime.block_on(gate::answer(&gate, request, Millis(0), dispatch));
    });
    assert_eq!((lines.len(), &lines[0]["request_id"]), (1, &json!("req-9")));
}
