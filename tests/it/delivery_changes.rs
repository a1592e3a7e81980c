//! A webhook that is disabled or deleted while deliveries are under way, and 410.

use std::time::Duration;

use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually, holds_for};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::{Value, json};

/// How long after its due time a delivery would have come.
const OVERDUE: Duration = Duration::from_secs(4);

/// A delivery that failed once and is due again in some seconds.
async fn failed_once(tenant: &Tenant, receiver: &Receiver) -> (Webhook, String) {
    receiver.script("/hook", [Answer::status(503), Answer::status(200)]);
    let policy = json!({"max_retries": 5, "base_delay_seconds": 4, "max_delay_seconds": 4});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;
    tenant.receipt(&webhook, &event, "RETRYING").await;
    (webhook, event)
}

async fn deliveries(tenant: &Tenant, event: &str) -> Vec<Value> {
    let event = tenant.admin.get(&format!("/api/events/{event}")).await.must(200);
    event["deliveries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn disabling_ends_what_is_under_way_without_sending() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let (webhook, event) = failed_once(&tenant, &receiver).await;
    tenant.admin.patch(&webhook.path(), &json!({"enabled": false})).await.must(200);
    let receipt = tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
    let why = [&receipt["reason"], &receipt["error_message"]];
    assert!(why.iter().any(|text| text.to_string().contains("disabled")), "{receipt}");
    assert_eq!(receipt["attempt_count"], 1);
    assert_eq!(receiver.count("/hook"), 1);
}

#[tokio::test]
async fn deleting_ends_what_is_under_way_without_sending() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let (webhook, event) = failed_once(&tenant, &receiver).await;
    tenant.admin.delete(&webhook.path()).await.must_succeed();
    eventually(PATIENCE, "the delivery to be given up", async || {
        let deliveries = deliveries(&tenant, &event).await;
        deliveries.iter().any(|each| each["status"] == "DEAD_LETTERED").then_some(())
    })
    .await;
    assert_eq!(receiver.count("/hook"), 1);
}

#[tokio::test]
async fn a_disabled_webhook_gets_nothing_published_meanwhile() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let off = tenant.subscribe(&receiver.url("/off"), &["vote"]).await;
    tenant.subscribe(&receiver.url("/on"), &["vote"]).await;
    tenant.admin.patch(&off.path(), &json!({"enabled": false})).await.must(200);
    let event = tenant.publish("vote", json!({})).await;
    receiver.nth("/on", 1).await;
    assert_eq!(deliveries(&tenant, &event).await.len(), 1);

    tenant.admin.patch(&off.path(), &json!({"enabled": true})).await.must(200);
    let next = tenant.publish("vote", json!({})).await;
    assert_eq!(receiver.nth("/off", 1).await.field("event_id"), next);
}

#[tokio::test]
async fn gone_disables_the_webhook() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(410)]);
    let policy = json!({"max_retries": 5, "base_delay_seconds": 0.1, "max_delay_seconds": 1});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;
    let receipt = tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
    assert_eq!((&receipt["http_status"], &receipt["attempt_count"]), (&json!(410), &json!(1)));
    let gone = tenant.admin.get(&webhook.path()).await.must(200);
    assert_eq!((&gone["enabled"], &gone["disabled_reason"]), (&json!(false), &json!("gone")));
    holds_for(OVERDUE, "one request", async || receiver.count("/hook") == 1).await;

    receiver.script("/hook", [Answer::status(200)]);
    let back = tenant.admin.patch(&webhook.path(), &json!({"enabled": true})).await.must(200);
    assert_eq!((&back["enabled"], &back["disabled_reason"]), (&json!(true), &Value::Null));
    let next = tenant.publish("vote", json!({})).await;
    tenant.receipt(&webhook, &next, "DELIVERED").await;
}
