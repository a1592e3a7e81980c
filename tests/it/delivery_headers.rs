//! Every header of the aragora profile, and what each of them says.

use aragora_tests::clock::now_seconds;
use aragora_tests::{Answer, Received, Receiver, Session, python};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

/// A W3C trace context: version, trace id, parent id, flags.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length
            && part.bytes().all(|at| at.is_ascii_digit() || (b'a'..=b'f').contains(&at))
    };
    matches!(parts[..], [version, trace, parent, flags] if version == "00" && hex(trace, 32) && hex(parent, 16)
        && hex(flags, 2) && trace.bytes().any(|at| at != b'0') && parent.bytes().any(|at| at != b'0'))
}

fn is_recent(seconds: &str) -> bool {
    let seconds: u64 = seconds.parse().unwrap();
    (now_seconds() - 120..=now_seconds() + 5).contains(&seconds)
}

#[tokio::test]
async fn a_delivery_has_every_header_of_the_profile() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["debate.completed"]).await;
    let event = tenant.publish("debate.completed", json!({"a": 1})).await;
    let request = receiver.nth("/hook", 1).await;
    let delivery = request.field("delivery_id");
    assert!(delivery.starts_with("dlv-"), "{delivery}");

    for (name, value) in [
        ("content-type", "application/json"),
        ("user-agent", "Aragora-Webhooks/1.0"),
        ("x-webhook-id", &webhook.id),
        ("x-webhook-delivery-id", &delivery),
        ("x-webhook-event-type", "debate.completed"),
        ("x-delivery-attempt", "1"),
        ("x-aragora-event", "debate.completed"),
        ("x-aragora-delivery", &delivery),
        ("webhook-id", &event),
        ("content-length", &request.body.len().to_string()),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    let stamp = request.header("x-webhook-timestamp");
    assert!(is_recent(stamp), "{stamp}");
    for same in ["x-aragora-timestamp", "webhook-timestamp"] {
        assert_eq!(request.header(same), stamp, "{same}");
    }
    let mac = request.header("x-signature-sha256");
    for same in ["x-webhook-signature", "x-aragora-signature"] {
        assert_eq!(request.header(same), mac, "{same}");
    }
    assert!(
        request.header("x-aragora-signature-timestamped").starts_with(&format!("t={stamp},v1="))
    );
    assert!(is_traceparent(request.header("traceparent")), "{}", request.header("traceparent"));
    python::verify_one(&request, &webhook.secret);
}

#[tokio::test]
async fn signatures_verify_under_every_kind_of_secret() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let whsec = |bytes: u8| format!("whsec_{}", STANDARD.encode((0..bytes).collect::<Vec<u8>>()));
    let secrets = [
        json!("your-hmac-secret"),
        json!("p\u{e4}ssw\u{f6}rd \u{1f511}"),
        json!(whsec(24)),
        json!(whsec(64)),
    ];
    let mut webhooks = Vec::new();
    for (number, secret) in secrets.iter().enumerate() {
        let path = format!("/{number}");
        let body = json!({"url": receiver.url(&path), "event_types": ["*"], "secret": secret});
        webhooks.push((path, tenant.subscribe_with(body).await));
    }
    let generated = tenant.subscribe(&receiver.url("/generated"), &["*"]).await;
    webhooks.push(("/generated".to_owned(), generated));
    tenant.publish("vote", json!({"choice": "\u{e9}"})).await;
    for (path, webhook) in &webhooks {
        python::verify_one(&receiver.nth(path, 1).await, &webhook.secret);
    }
}

#[tokio::test]
async fn a_webhooks_own_headers_are_sent() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let headers = json!({"Authorization": "Bearer of-theirs", "X-Team": "blue", "X-Empty": ""});
    let body = json!({"url": receiver.url("/hook"), "event_types": ["*"], "headers": headers});
    tenant.subscribe_with(body).await;
    tenant.publish("vote", json!({})).await;
    let request = receiver.nth("/hook", 1).await;
    assert_eq!(request.header("authorization"), "Bearer of-theirs");
    assert_eq!(request.header("x-team"), "blue");
    assert_eq!(request.header("x-empty"), "");
}

#[tokio::test]
async fn changed_headers_and_urls_count_from_the_next_delivery_on() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/old"), &["*"]).await;
    tenant.publish("vote", json!({})).await;
    receiver.nth("/old", 1).await;
    let change = json!({"url": receiver.url("/new"), "headers": {"X-Team": "green"}});
    tenant.admin.patch(&webhook.path(), &change).await.must(200);
    tenant.publish("vote", json!({})).await;
    assert_eq!(receiver.nth("/new", 1).await.header("x-team"), "green");
    assert_eq!(receiver.count("/old"), 1);
}

#[tokio::test]
async fn every_attempt_is_counted_stamped_and_signed_afresh() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(500), Answer::status(500), Answer::status(200)]);
    let policy = json!({"max_retries": 3, "base_delay_seconds": 1, "max_delay_seconds": 2});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["*"], &policy).await;
    tenant.publish("vote", json!({})).await;
    receiver.nth("/hook", 3).await;
    let requests = receiver.received("/hook");
    let distinct = |name: &str| {
        let mut values: Vec<&str> = requests.iter().map(|request| request.header(name)).collect();
        values.dedup();
        values.len()
    };
    for (number, request) in requests.iter().enumerate() {
        assert_eq!(request.header("x-delivery-attempt"), (number + 1).to_string());
        python::verify_one(request, &webhook.secret);
    }
    assert_eq!((distinct("x-webhook-delivery-id"), distinct("webhook-id")), (1, 1));
    assert_eq!(distinct("x-webhook-timestamp"), 3);
    let bodies: Vec<&Received> = requests.iter().collect();
    assert!(bodies.windows(2).all(|pair| pair[0].body == pair[1].body));
}
