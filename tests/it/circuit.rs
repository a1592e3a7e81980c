//! The circuit breaker, seen from outside. The test stack keeps a circuit open for five seconds.

use std::time::Duration;

use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually, holds_for};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::{Value, json};

async fn circuit(tenant: &Tenant, webhook: &Webhook) -> Value {
    tenant.admin.get(&webhook.path()).await.must(200)["circuit_state"].clone()
}

async fn until_circuit_is(tenant: &Tenant, webhook: &Webhook, state: &str) {
    eventually(PATIENCE, &format!("the circuit to be {state}"), async || {
        (circuit(tenant, webhook).await == state).then_some(())
    })
    .await;
}

/// A webhook whose receiver fails five times, and then answers as `then` says.
async fn opened(tenant: &Tenant, receiver: &Receiver, then: &[u16]) -> Webhook {
    let answers = [500; 5].iter().chain(then).map(|status| Answer::status(*status));
    receiver.script("/hook", answers.collect::<Vec<_>>());
    let webhook = tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
    assert_eq!(circuit(tenant, &webhook).await, "closed");
    for n in 0..5 {
        let event = tenant.publish("vote", json!({"n": n})).await;
        tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
    }
    until_circuit_is(tenant, &webhook, "open").await;
    webhook
}

#[tokio::test]
async fn five_failures_open_it_and_a_probe_closes_it() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let watcher = tenant.subscribe(&receiver.url("/news"), &["webhook.circuit_*"]).await;
    let webhook = opened(&tenant, &receiver, &[200]).await;

    let event = tenant.publish("vote", json!({"n": "held"})).await;
    let held = tenant.receipt(&webhook, &event, "RETRYING").await;
    assert_eq!((&held["attempt_count"], &held["held_by"]), (&json!(0), &json!("circuit")));
    assert_eq!(receiver.count("/hook"), 5, "nothing is sent while it is open");

    let delivered = tenant.receipt(&webhook, &event, "DELIVERED").await;
    assert_eq!((&delivered["attempt_count"], &delivered["held_by"]), (&json!(1), &Value::Null));
    until_circuit_is(&tenant, &webhook, "closed").await;
    assert_eq!(tenant.admin.get(&webhook.path()).await.must(200)["failure_count"], 0);

    let news = receiver.at_least("/news", 2, PATIENCE).await;
    let told: Vec<_> = news.iter().map(|it| it.json()["event_type"].clone()).collect();
    assert_eq!(told, ["webhook.circuit_opened", "webhook.circuit_closed"]);
    let opened = news[0].json();
    assert_eq!(opened["data"]["webhook_id"], webhook.id);
    assert_eq!(opened["data"]["failure_count"], 5);
    assert_ne!(opened["data"]["webhook_id"], watcher.id);
}

#[tokio::test]
async fn a_failed_probe_opens_it_again_and_what_waits_is_not_lost() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = opened(&tenant, &receiver, &[500, 200]).await;
    let mut waiting = Vec::new();
    for n in 0..6 {
        waiting.push(tenant.publish("vote", json!({"n": n})).await);
    }
    eventually(PATIENCE, "the first probe", async || (receiver.count("/hook") > 5).then_some(()))
        .await;
    // The probe failed, so nobody else may go for another five seconds.
    holds_for(Duration::from_millis(1_500), "one probe", async || receiver.count("/hook") == 6)
        .await;
    let settled = eventually(PATIENCE, "all of them to settle", async || {
        let receipts = tenant.receipts(&webhook, "?limit=100").await;
        let of_waiting: Vec<_> = receipts
            .into_iter()
            .filter(|it| waiting.iter().any(|event| it["event_id"] == event.as_str()))
            .collect();
        let all = of_waiting.iter().all(|it| {
            it["status"] != "RETRYING" && it["status"] != "IN_PROGRESS" && it["status"] != "PENDING"
        });
        (of_waiting.len() == 6 && all).then_some(of_waiting)
    })
    .await;
    let delivered = settled.iter().filter(|it| it["status"] == "DELIVERED").count();
    assert_eq!(delivered, 5, "all but the failed probe, which may be tried only once: {settled:?}");
    assert!(settled.iter().all(|it| it["attempt_count"] == 1), "{settled:?}");
}

#[tokio::test]
async fn enabling_again_closes_it() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = opened(&tenant, &receiver, &[200]).await;
    tenant.admin.patch(&webhook.path(), &json!({"enabled": false})).await.must(200);
    let enabled = tenant.admin.patch(&webhook.path(), &json!({"enabled": true})).await.must(200);
    assert_eq!(
        (&enabled["circuit_state"], &enabled["failure_count"]),
        (&json!("closed"), &json!(0))
    );
    let event = tenant.publish("vote", json!({})).await;
    tenant.receipt(&webhook, &event, "DELIVERED").await;
}
