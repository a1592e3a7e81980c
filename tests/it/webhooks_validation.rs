//! What a registration may say, and what the refusal of a bad one says.

use aragora_tests::{Session, Tenant};
use http::Method;
use serde_json::{Value, json};

fn good() -> Value {
    json!({"url": "http://127.0.0.1:9/hook", "event_types": ["debate.started"]})
}

/// Each bad field is named at creation and at change, and nothing is left behind.
async fn refused(field: &str, bad: Vec<Value>) {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe_with(good()).await;
    let before = tenant.admin.get(&webhook.path()).await.must(200);
    for value in bad {
        let mut body = good();
        body[field] = value.clone();
        let reply = tenant.admin.post("/api/webhooks", &body).await;
        assert!(reply.names(field), "{field} {value}: {}", reply.text());
        let reply = tenant.admin.patch(&webhook.path(), &json!({field: value})).await;
        assert!(reply.names(field), "changing {field} to {value}: {}", reply.text());
    }
    assert_eq!(tenant.admin.get(&webhook.path()).await.must(200), before);
    assert_eq!(registered(&tenant).await, 1);
}

async fn accepted(field: &str, good_values: Vec<Value>) {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for value in good_values {
        let mut body = good();
        body[field] = value.clone();
        let reply = tenant.admin.post("/api/webhooks", &body).await;
        assert_eq!(reply.status, 201, "{field} {value}: {}", reply.text());
    }
}

async fn registered(tenant: &Tenant) -> usize {
    tenant.admin.get("/api/webhooks?limit=100").await.must(200)["webhooks"]
        .as_array()
        .unwrap()
        .len()
}

#[tokio::test]
async fn texts_must_be_texts() {
    for field in ["description", "name"] {
        refused(field, vec![json!(5), json!(["x"]), json!({"a": 1}), json!(true)]).await;
    }
}

#[tokio::test]
async fn enabled_must_be_a_boolean() {
    refused("enabled", vec![json!("yes"), json!(1), json!([])]).await;
}

#[tokio::test]
async fn metadata_must_be_an_object() {
    refused("metadata", vec![json!("x"), json!([1]), json!(3)]).await;
}

#[tokio::test]
async fn rate_limits_must_be_positive_numbers() {
    refused("rate_limit_per_second", vec![json!("10"), json!(-1), json!(0), json!([1])]).await;
}

#[tokio::test]
async fn event_types_must_be_a_list_of_known_types() {
    let bad = [
        json!([]),
        json!("debate.started"),
        json!([1]),
        json!({"a": 1}),
        json!(["debate.exploded"]),
        json!([""]),
        json!(["debate.started", "no_such_event"]),
    ];
    refused("event_types", bad.to_vec()).await;
}

#[tokio::test]
async fn unknown_event_types_are_called_by_name() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut body = good();
    body["event_types"] = json!(["debate.started", "first.unknown", "second_unknown"]);
    let error = tenant.admin.post("/api/webhooks", &body).await.must_refuse(400).to_string();
    assert!(error.contains("first.unknown") && error.contains("second_unknown"), "{error}");
    assert!(!error.contains("debate.started"), "{error}");
}

#[tokio::test]
async fn both_spellings_globs_and_the_star_can_be_subscribed_to() {
    let spellings = [
        "debate.started",
        "debate_start",
        "debate.completed",
        "debate_end",
        "consensus.reached",
        "consensus",
        "agent.error",
        "agent_error",
        "error",
        "round_start",
        "agent_message",
        "critique",
        "vote",
        "debate.*",
        "*",
        "webhook.*",
        "webhook.created",
        "webhook.updated",
        "webhook.deleted",
        "webhook.disabled",
        "webhook.enabled",
        "webhook.secret_rotated",
        "webhook.circuit_opened",
        "webhook.circuit_closed",
        "delivery.dead_lettered",
        "delivery.recovered",
    ];
    accepted("event_types", spellings.iter().map(|each| json!([each])).collect()).await;
}

#[tokio::test]
async fn retry_policies_have_bounds() {
    refused(
        "retry_policy",
        vec![
            json!([]),
            json!("fast"),
            json!({"max_retries": -1}),
            json!({"max_retries": 25}),
            json!({"max_retries": 1.5}),
            json!({"max_retries": "3"}),
            json!({"base_delay_seconds": 0.09}),
            json!({"base_delay_seconds": 3600.1}),
            json!({"base_delay_seconds": "1"}),
            json!({"base_delay_seconds": 10, "max_delay_seconds": 9}),
            json!({"max_delay_seconds": 86_400.5}),
            json!({"timeout_seconds": 0.9}),
            json!({"timeout_seconds": 31}),
            json!({"timeout_seconds": true}),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_bad_bound_is_named_inside_the_policy() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (field, value) in [
        ("max_retries", json!(25)),
        ("base_delay_seconds", json!(0)),
        ("timeout_seconds", json!(31)),
    ] {
        let mut body = good();
        body["retry_policy"] = json!({field: value});
        let reply = tenant.admin.post("/api/webhooks", &body).await;
        assert!(reply.names(&format!("retry_policy.{field}")), "{}", reply.text());
    }
}

#[tokio::test]
async fn retry_policies_within_the_bounds_are_kept() {
    accepted(
        "retry_policy",
        vec![
            json!({}),
            json!({"max_retries": 0}),
            json!({"max_retries": 24}),
            json!({"base_delay_seconds": 0.1}),
            json!({"base_delay_seconds": 3600, "max_delay_seconds": 3600}),
            json!({"max_delay_seconds": 86_400}),
            json!({"timeout_seconds": 1}),
            json!({"timeout_seconds": 30}),
            json!({"timeout_seconds": 2.5}),
        ],
    )
    .await;
}

#[tokio::test]
async fn reserved_and_unsafe_headers_are_refused() {
    let reserved = [
        "Content-Type",
        "User-Agent",
        "X-Webhook-ID",
        "X-Webhook-Delivery-Id",
        "X-Webhook-Event-Type",
        "X-Delivery-Attempt",
        "X-Webhook-Timestamp",
        "X-Signature-SHA256",
        "X-Webhook-Signature",
        "X-Aragora-Event",
        "X-Aragora-Delivery",
        "X-Aragora-Timestamp",
        "X-Aragora-Signature",
        "X-Aragora-Signature-Timestamped",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "traceparent",
        "Host",
        "Content-Length",
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "X-Amz-Date",
        "x-amz-anything",
        "X-SIGNATURE-sha256",
    ];
    let mut bad: Vec<Value> = reserved.iter().map(|name| json!({*name: "x"})).collect();
    bad.extend([
        json!({"X-Split": "a\r\nX-Other: b"}),
        json!({"X-Split": "a\nb"}),
        json!({"X-Split\r\nX": "a"}),
        json!({"X Space": "a"}),
        json!({"": "a"}),
        json!({"X-Number": 1}),
        json!(["X-A"]),
        json!("X-A: b"),
    ]);
    let many: serde_json::Map<_, _> =
        (0..21).map(|number| (format!("X-Header-{number}"), json!("x"))).collect();
    bad.push(Value::Object(many));
    refused("headers", bad).await;
}

#[tokio::test]
async fn up_to_twenty_headers_are_taken() {
    let many: serde_json::Map<_, _> =
        (0..20).map(|number| (format!("X-Header-{number}"), json!("x"))).collect();
    accepted(
        "headers",
        vec![json!({}), json!({"Authorization": "Bearer abc"}), Value::Object(many)],
    )
    .await;
}

#[tokio::test]
async fn filters_are_scalars_or_lists_of_scalars() {
    refused(
        "filters",
        vec![
            json!([]),
            json!("x"),
            json!({"a": {"b": 1}}),
            json!({"a": [[1]]}),
            json!({"a": [{"b": 1}]}),
        ],
    )
    .await;
    accepted(
        "filters",
        vec![
            json!({}),
            json!({"outcome": "consensus"}),
            json!({"data.a.b": [1, "x", true, null]}),
            json!({"round": 1.5}),
        ],
    )
    .await;
}

#[tokio::test]
async fn required_fields_are_named_together() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let reply = tenant.admin.post("/api/webhooks", &json!({"description": "of nothing"})).await;
    for field in ["url", "event_types"] {
        assert!(reply.names(field), "{field}: {}", reply.text());
    }
    assert_eq!(registered(&tenant).await, 0);
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe_with(good()).await;
    let deep = "[".repeat(20_000);
    let bodies: [&[u8]; 11] = [
        b"",
        b"{",
        b"nonsense",
        b"{\"url\": }",
        b"[]",
        b"\"text\"",
        b"null",
        b"5",
        b"{\"url\": \"\xff\xfe\"}",
        b"{\"url\": NaN}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        for (method, path) in [
            (Method::POST, "/api/webhooks"),
            (Method::PUT, webhook.path().as_str()),
            (Method::PATCH, webhook.path().as_str()),
        ] {
            let reply = tenant.admin.call(method.clone(), path).body(body.to_vec()).send().await;
            assert_eq!(reply.status, 400, "{method} {shown:?}: {}", reply.text());
            reply.must_refuse(400);
        }
    }
    assert_eq!(registered(&tenant).await, 1);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_parsed() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    // Below what API Gateway and Lambda refuse themselves, and not even JSON.
    let body = "x".repeat(5_900_000);
    for path in ["/api/webhooks", "/api/events", "/api/webhooks/dispatch"] {
        tenant.admin.post_raw(path, body.clone()).await.must_refuse(413);
    }
    assert_eq!(registered(&tenant).await, 0);
}
