//! What the sweep finds: each test makes one loss happen, and nothing but the sweep can mend it.

use std::time::Duration;

use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::{Value, json};

/// Grace, visibility and lease times of a test stack add up to less.
const LONG: Duration = Duration::from_mins(3);

/// Runs the sweep until `path` has `count` requests.
async fn sweep_until(session: &Session, receiver: &Receiver, path: &str, count: usize) {
    let sweep = session.function("sweep");
    eventually(LONG, &format!("the sweep to bring request {count} to {path}"), async || {
        sweep.tick().await;
        (receiver.count(path) >= count).then_some(())
    })
    .await;
}

async fn delivered(tenant: &Tenant, webhook: &Webhook, event: &str) -> Value {
    tenant.receipt_within(LONG, webhook, event, "DELIVERED").await
}

#[tokio::test]
async fn an_event_that_was_stored_and_never_queued_is_found() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let paused = session.pause("fan-out", "events").await;
    let event = tenant.publish("vote", json!({"lost": true})).await;
    session
        .queue("events")
        .take(PATIENCE, "the event's message", |each| each.body.contains(&event))
        .await;
    paused.resume().await;

    sweep_until(&session, &receiver, "/hook", 1).await;
    let receipt = delivered(&tenant, &webhook, &event).await;
    assert_eq!(receipt["attempt_count"], 1);
    assert_eq!(receiver.received("/hook")[0].field("event_id"), event);
}

#[tokio::test]
async fn a_retry_whose_message_was_lost_is_found_when_it_is_overdue() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(500), Answer::status(200)]);
    let policy = json!({"max_retries": 3, "base_delay_seconds": 1, "max_delay_seconds": 1});
    let paused = session.pause("deliver", "retries").await;
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;
    let receipt = tenant.receipt(&webhook, &event, "RETRYING").await;
    let delivery = receipt["delivery_id"].as_str().unwrap().to_owned();
    session
        .queue("retries")
        .take(PATIENCE, "the retry's message", |each| each.body.contains(&delivery))
        .await;
    paused.resume().await;

    sweep_until(&session, &receiver, "/hook", 2).await;
    let receipt = delivered(&tenant, &webhook, &event).await;
    assert_eq!((&receipt["delivery_id"], &receipt["attempt_count"]), (&json!(delivery), &json!(2)));
}

#[tokio::test]
async fn a_delivery_whose_worker_died_is_found_when_its_lease_is_over() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::hang(), Answer::status(200)]);
    let policy = json!({"max_retries": 3, "base_delay_seconds": 0.1, "max_delay_seconds": 1, "timeout_seconds": 5});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;
    receiver.nth("/hook", 1).await;
    let in_progress = tenant.receipt(&webhook, &event, "IN_PROGRESS").await;
    let delivery = in_progress["delivery_id"].as_str().unwrap().to_owned();

    // Its worker dies in the middle of sending, and its message is lost as well.
    let paused = session.pause("deliver", "deliveries").await;
    for process in session.function("deliver").processes() {
        process.kill();
    }
    let is_it = |each: &aragora_tests::queues::Message| {
        each.body.contains(&delivery) || each.body.contains(&event)
    };
    session.queue("deliveries").take(LONG, "the message that became visible again", is_it).await;
    paused.resume().await;

    sweep_until(&session, &receiver, "/hook", 2).await;
    let receipt = delivered(&tenant, &webhook, &event).await;
    assert_eq!(receipt["delivery_id"], json!(delivery));
    assert_eq!(
        receipt["attempt_count"], 2,
        "the attempt that was cut short stays counted: {receipt}"
    );
    assert_eq!(receiver.received("/hook")[1].header("x-webhook-delivery-id"), delivery);
}

#[tokio::test]
async fn a_worker_that_dies_loses_nothing_when_its_message_comes_back() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::hang(), Answer::status(200)]);
    let policy = json!({"max_retries": 3, "base_delay_seconds": 0.1, "max_delay_seconds": 1, "timeout_seconds": 5});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;
    receiver.nth("/hook", 1).await;
    for process in session.function("deliver").processes() {
        process.kill();
    }
    let receipt = delivered(&tenant, &webhook, &event).await;
    assert_eq!(
        receiver.received("/hook")[1].field("delivery_id"),
        receipt["delivery_id"].as_str().unwrap()
    );
}

#[tokio::test]
async fn sweeping_twice_at_once_sends_nothing_twice() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let paused = session.pause("fan-out", "events").await;
    let event = tenant.publish("vote", json!({})).await;
    session
        .queue("events")
        .take(PATIENCE, "the event's message", |each| each.body.contains(&event))
        .await;
    paused.resume().await;
    let sweep = session.function("sweep");
    eventually(LONG, "the sweeps to bring the delivery", async || {
        futures_util::future::join_all((0..4).map(|_| sweep.tick())).await;
        (receiver.count("/hook") >= 1).then_some(())
    })
    .await;
    delivered(&tenant, &webhook, &event).await;
    futures_util::future::join_all((0..4).map(|_| sweep.tick())).await;
    assert_eq!(receiver.count("/hook"), 1);
    assert_eq!(tenant.receipts(&webhook, "").await.len(), 1);
}
