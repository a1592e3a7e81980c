//! Secrets: shown once, encrypted at rest, and nowhere else.

use aragora_tests::aws::DYNAMODB;
use aragora_tests::clock::now_millis;
use aragora_tests::{Receiver, Session};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const URL: &str = "http://127.0.0.1:9/hook";

fn registration(secret: &Value) -> Value {
    json!({"url": URL, "event_types": ["debate.started"], "secret": secret})
}

#[tokio::test]
async fn a_generated_secret_is_32_random_bytes() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut secrets = Vec::new();
    for _ in 0..2 {
        let webhook = tenant.subscribe(URL, &["debate.started"]).await;
        let encoded = webhook
            .secret
            .strip_prefix("whsec_")
            .unwrap_or_else(|| panic!("no prefix: {}", webhook.secret));
        assert_eq!(STANDARD.decode(encoded).expect("base64").len(), 32);
        secrets.push(webhook.secret);
    }
    assert_ne!(secrets[0], secrets[1]);
}

#[tokio::test]
async fn a_given_secret_is_kept_as_it_is() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let whsec = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
    for secret in
        ["8 chars!", &"x".repeat(256), "your-hmac-secret", "pässwörd", &whsec(24), &whsec(64)]
    {
        let webhook =
            tenant.admin.post("/api/webhooks", &registration(&json!(secret))).await.must(201);
        assert_eq!(webhook["secret"], json!(secret));
    }
}

#[tokio::test]
async fn a_bad_secret_is_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let whsec = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
    let not_base64 = format!("whsec_{}", "?".repeat(40));
    for secret in [
        json!("7 chars"),
        json!("x".repeat(257)),
        json!(12_345_678),
        json!(["a-good-secret"]),
        json!(whsec(23)),
        json!(whsec(65)),
        json!(not_base64),
        json!("whsec_"),
    ] {
        let reply = tenant.admin.post("/api/webhooks", &registration(&secret)).await;
        assert!(reply.names("secret"), "{secret}: {}", reply.text());
        assert!(!reply.text().contains("7 chars"), "an error repeats the secret");
    }
    assert_eq!(tenant.admin.get("/api/webhooks").await.must(200)["webhooks"], json!([]));
}

#[tokio::test]
async fn a_secret_is_shown_at_creation_and_never_again() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["debate.started"]).await;
    let event = tenant.publish("debate.started", json!({})).await;
    tenant.receipt(&webhook, &event, "DELIVERED").await;

    let answers = [
        tenant.admin.get("/api/webhooks").await,
        tenant.admin.get(&webhook.path()).await,
        tenant.admin.patch(&webhook.path(), &json!({"description": "x"})).await,
        tenant.admin.put(&webhook.path(), &json!({"enabled": false})).await,
        tenant.admin.get(&webhook.receipts()).await,
        tenant.admin.get(&format!("/api/events/{event}")).await,
        tenant.admin.delete(&webhook.path()).await,
    ];
    for answer in answers {
        assert!(
            answer.status < 300 && !answer.text().contains(&webhook.secret),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_secret_is_encrypted_in_the_table() {
    let session = Session::shared().await;
    let webhook = session.tenant().subscribe(URL, &["debate.started"]).await;
    let table = &session.stack.tables["webhook_registrations"];
    let item = stored(&session, table, &webhook.id).await;
    assert!(!item.contains(&webhook.secret), "{item}");
    let bytes = webhook.secret.trim_start_matches("whsec_");
    assert!(!item.contains(bytes), "{item}");
    assert!(item.contains("_encrypted"), "{item}");
}

/// Everything the table holds about a webhook, as text.
async fn stored(session: &Session, table: &str, id: &str) -> String {
    let mut start = Value::Null;
    let mut found = String::new();
    loop {
        let mut scan = json!({"TableName": table});
        if !start.is_null() {
            scan["ExclusiveStartKey"] = start;
        }
        let page = session.aws().call(DYNAMODB, "Scan", &scan).await;
        for item in page["Items"].as_array().unwrap() {
            let text = item.to_string();
            if text.contains(id) {
                found.push_str(&text);
            }
        }
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            assert!(!found.is_empty(), "{id} is not in {table}");
            return found;
        }
    }
}

#[tokio::test]
async fn no_log_mentions_a_secret_or_a_token() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let before = now_millis() - 1000;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["debate.started"]).await;
    let event = tenant.publish("debate.started", json!({})).await;
    tenant.receipt(&webhook, &event, "DELIVERED").await;
    for function in ["webhooks", "events", "receipts", "fan-out", "deliver"] {
        let log = session.function(function).log().await;
        for secret in [&webhook.secret, &session.stack.jwt_secret, &session.stack.service_token] {
            assert!(!log.mentions(secret, before).await, "{function} logs a secret");
        }
    }
}
