//! Events of our own: what became of webhooks and deliveries, for those who name them.

use aragora_tests::wait::{PATIENCE, eventually, holds_for};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::{Value, json};

async fn events_of(tenant: &Tenant, event_type: &str) -> Vec<Value> {
    let page = tenant.admin.get("/api/events?limit=100").await.must(200);
    let events = page["events"].as_array().unwrap();
    events.iter().filter(|event| event["event_type"] == event_type).cloned().collect()
}

#[tokio::test]
async fn dead_letters_and_recoveries_are_told_to_those_who_ask() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let watcher = tenant.subscribe(&receiver.url("/news"), &["delivery.*"]).await;
    tenant.subscribe(&receiver.url("/all"), &["*"]).await;
    receiver.script("/hook", [Answer::status(500).body("no"), Answer::status(200)]);
    let webhook = tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
    let event = tenant.publish("vote", json!({})).await;
    let dead = tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;

    let told = receiver.at_least("/news", 1, PATIENCE).await[0].json();
    assert_eq!(told["event_type"], "delivery.dead_lettered");
    assert_eq!(
        told["data"],
        json!({
            "webhook_id": webhook.id,
            "delivery_id": dead["delivery_id"],
            "event_id": event,
            "event_type": "vote",
            "attempt_count": 1,
            "reason": "exhausted",
            "http_status": 500,
            "error_message": dead["error_message"],
        })
    );

    let retry = format!("{}/{}/retry", webhook.receipts(), dead["delivery_id"].as_str().unwrap());
    tenant.admin.post(&retry, &json!({})).await.must(202);
    tenant.receipt(&webhook, &event, "DELIVERED").await;
    let told = receiver.at_least("/news", 2, PATIENCE).await[1].json();
    assert_eq!(
        (&told["event_type"], &told["data"]["event_id"]),
        (&json!("delivery.recovered"), &json!(event))
    );
    assert_eq!(tenant.receipts(&watcher, "").await.len(), 2);
    let to_all = receiver.received("/all");
    assert!(to_all.iter().all(|it| it.json()["event_type"] == "vote"), "`*` has no such news");
}

#[tokio::test]
async fn the_failing_of_news_makes_no_news() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/news", [Answer::status(500)]);
    receiver.script("/hook", [Answer::status(500)]);
    let watcher = tenant.subscribe_once(&receiver.url("/news"), &["delivery.*", "webhook.*"]).await;
    let webhook = tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
    let event = tenant.publish("vote", json!({})).await;
    tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
    eventually(PATIENCE, "the news to fail", async || {
        let receipts = tenant.receipts(&watcher, "").await;
        let failed = receipts.iter().any(|it| {
            it["event_type"] == "delivery.dead_lettered" && it["status"] == "DEAD_LETTERED"
        });
        failed.then_some(())
    })
    .await;
    holds_for(std::time::Duration::from_secs(3), "one piece of news", async || {
        events_of(&tenant, "delivery.dead_lettered").await.len() == 1
    })
    .await;
}

#[tokio::test]
async fn what_nobody_asks_for_is_not_published() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(410)]);
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["*"]).await;
    let event = tenant.publish("vote", json!({})).await;
    tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
    let disabled = tenant.admin.get(&webhook.path()).await.must(200);
    assert_eq!(
        (&disabled["enabled"], &disabled["disabled_reason"]),
        (&json!(false), &json!("gone"))
    );
    let page = tenant.admin.get("/api/events?limit=100").await.must(200);
    assert_eq!(page["events"].as_array().unwrap().len(), 1, "{page}");
}

#[tokio::test]
async fn a_webhook_disabled_by_410_is_news() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(410)]);
    tenant.subscribe(&receiver.url("/news"), &["webhook.disabled"]).await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    tenant.publish("vote", json!({})).await;
    let told = receiver.at_least("/news", 1, PATIENCE).await[0].json();
    assert_eq!(
        (&told["data"]["webhook_id"], &told["data"]["reason"]),
        (&json!(webhook.id), &json!("gone"))
    );
}
