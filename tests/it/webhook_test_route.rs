//! `POST /api/webhooks/{id}/test`: one delivery now, and what the receiver said to it.

use aragora_signing::secret::WebhookSecret;
use aragora_signing::verify::{Delivery, Scheme, verify};
use aragora_tests::clock::now_seconds;
use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Answer, Receiver, Reply, Session, Tenant, hostile_urls};
use serde_json::{Value, json};

async fn test(tenant: &Tenant, webhook: &Webhook, body: &Value) -> Reply {
    tenant.admin.post(&format!("{}/test", webhook.path()), body).await
}

#[tokio::test]
async fn it_is_signed_and_sent_like_any_other() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant
        .subscribe_with(json!({
            "url": receiver.url("/hook"), "event_types": ["debate.*", "debate_end"],
            "headers": {"X-Mine": "yes"},
        }))
        .await;
    let path = format!("{}/test", webhook.path());
    let answer = tenant.admin.post_raw(&path, "").await.must(200);
    let request = receiver.nth("/hook", 1).await;
    assert_eq!(
        answer,
        json!({
            "success": true, "status": "delivered", "status_code": 200, "error": null,
            "latency_ms": answer["latency_ms"], "delivery_id": request.header("x-webhook-delivery-id"),
            "webhook_id": webhook.id, "event_type": "debate_end",
        })
    );
    assert!(answer["latency_ms"].as_u64().is_some_and(|millis| millis < 5_000), "{answer}");

    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    for scheme in [Scheme::Body, Scheme::Timestamped, Scheme::StandardWebhooks] {
        let delivery = Delivery {
            body: &request.body,
            secrets: &[WebhookSecret::parse(&webhook.secret).unwrap()],
            now_unix_seconds: i64::try_from(now_seconds()).unwrap(),
            max_age_seconds: 300,
        };
        assert_eq!(verify(scheme, header, &delivery), Ok(()), "{scheme:?}");
    }
    assert_eq!(request.header("x-delivery-attempt"), "1");
    assert_eq!(request.header("x-mine"), "yes");
    let body = request.json();
    assert_eq!(body["event_type"], "debate_end");
    assert!(request.field("event_id").starts_with("evt-test-"), "{body}");
    assert_eq!(body["delivery_id"], answer["delivery_id"]);
    assert_eq!(
        (&body["data"]["test"], &body["data"]["outcome"]),
        (&json!(true), &json!("consensus"))
    );
}

#[tokio::test]
async fn whatever_the_receiver_says_it_is_200_and_leaves_nothing_behind() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/500", [Answer::status(500).body("no")]);
    receiver.script("/410", [Answer::status(410)]);
    receiver.script("/302", [Answer::status(302).header("location", "http://10.0.0.1/")]);
    receiver.script("/hang", [Answer::hang()]);
    receiver.script("/cut", [Answer::cut()]);
    for (path, code) in [
        ("/500", json!(500)),
        ("/410", json!(410)),
        ("/302", json!(302)),
        ("/hang", Value::Null),
        ("/cut", Value::Null),
    ] {
        let webhook = tenant
            .subscribe_retrying(
                &receiver.url(path),
                &["*"],
                &json!({"max_retries": 3, "base_delay_seconds": 0.1, "timeout_seconds": 1}),
            )
            .await;
        let before = tenant.admin.get(&webhook.path()).await.must(200);
        let answer = test(&tenant, &webhook, &json!({})).await.must(200);
        assert_eq!(
            (&answer["success"], &answer["status"], &answer["status_code"]),
            (&json!(false), &json!("failed"), &code),
            "{path}: {answer}"
        );
        assert!(answer["error"].as_str().is_some_and(|text| !text.is_empty()), "{path}: {answer}");
        assert_eq!(receiver.count(path), 1, "{path}: no retry");
        assert_eq!(tenant.receipts(&webhook, "").await, [Value::Null; 0], "{path}");
        assert_eq!(tenant.admin.get(&webhook.path()).await.must(200), before, "{path}");
    }
    assert_eq!(tenant.admin.get("/api/events").await.must(200)["count"], 0);
}

#[tokio::test]
async fn neither_off_nor_paced_nor_broken_stops_it() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant
        .subscribe_with(json!({
            "url": receiver.url("/hook"), "event_types": ["vote"], "enabled": false,
            "rate_limit_per_second": 0.01,
        }))
        .await;
    for nth in 1..=3 {
        assert_eq!(test(&tenant, &webhook, &json!({})).await.must(200)["success"], true);
        assert_eq!(receiver.count("/hook"), nth);
    }
}

#[tokio::test]
async fn the_type_may_be_chosen() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["custom.*", "debate_start"]).await;
    for (wanted, sent, field) in [
        ("debate.started", "debate_start", Some("task")),
        ("vote", "vote", Some("choice")),
        ("webhook.disabled", "webhook.disabled", Some("webhook_id")),
        ("custom.thing", "custom.thing", None),
    ] {
        let answer = test(&tenant, &webhook, &json!({"event_type": wanted})).await.must(200);
        assert_eq!(answer["event_type"], sent);
        let got = receiver.received("/hook").pop().unwrap().json();
        assert_eq!((&got["event_type"], &got["data"]["test"]), (&json!(sent), &json!(true)));
        assert!(field.is_none_or(|field| !got["data"][field].is_null()), "{got}");
    }
    let before = receiver.count("/hook");
    for bad in [json!("debate.exploded"), json!("*"), json!(""), json!(5), json!(["vote"])] {
        let reply = test(&tenant, &webhook, &json!({"event_type": bad})).await;
        assert!(reply.names("event_type"), "{bad}: {}", reply.text());
    }
    assert!(test(&tenant, &webhook, &json!([])).await.names("body"));
    test(&session.tenant(), &webhook, &json!({})).await.must_refuse(404);
    assert_eq!(receiver.count("/hook"), before, "nothing is sent for a refused request");
}

#[tokio::test]
async fn both_live_secrets_sign_it() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let path = format!("{}/rotate-secret", webhook.path());
    tenant.admin.post(&path, &json!({})).await.must(200);
    test(&tenant, &webhook, &json!({})).await.must(200);
    let request = receiver.nth("/hook", 1).await;
    assert_eq!(request.header("webhook-signature").split(' ').count(), 2);
}

/// A hostile URL cannot be registered, so it is put into the table behind the API's back: the test
/// must not trust what is stored.
#[tokio::test]
async fn a_stored_url_is_checked_again() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let table = &session.stack.tables["webhook_registrations"];
    let webhook = tenant.subscribe("http://127.0.0.1:9/hook", &["vote"]).await;
    let key = json!({"pk": {"S": tenant.org}, "sk": {"S": webhook.id}});
    let aws = session.aws();
    let read = json!({"TableName": table, "Key": key, "ConsistentRead": true});
    let stored = aws.call(aragora_tests::aws::DYNAMODB, "GetItem", &read).await;
    let doc: Value = serde_json::from_str(stored["Item"]["doc"]["S"].as_str().unwrap()).unwrap();
    let urls = hostile_urls::REFUSED.iter().filter(|group| group.blocked);
    for url in urls.flat_map(|group| group.urls.iter().take(6)) {
        let mut doc = doc.clone();
        doc["url"] = json!(url);
        let update = json!({
            "TableName": table, "Key": key, "UpdateExpression": "SET doc = :doc",
            "ExpressionAttributeValues": {":doc": {"S": doc.to_string()}},
        });
        aws.call(aragora_tests::aws::DYNAMODB, "UpdateItem", &update).await;
        let answer = test(&tenant, &webhook, &json!({})).await.must(200);
        assert_eq!((&answer["success"], &answer["status_code"]), (&json!(false), &Value::Null));
        assert!(answer["error"].as_str().unwrap().contains("blocked"), "{url}: {answer}");
    }
    let blocked = eventually(PATIENCE, "what was blocked to be on the audit log", async || {
        let page = tenant.admin.get("/api/audit?action=url.blocked").await.must(200);
        page["entries"].as_array().unwrap().first().cloned()
    })
    .await;
    assert_eq!((&blocked["target"], &blocked["outcome"]), (&json!(webhook.id), &json!("refused")));
    assert_eq!(blocked["detail"], json!({"rule": "blocked"}));
}
