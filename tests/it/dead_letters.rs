//! Dead letters: the message on the real queue, redrive by moving it back, and what an old or a
//! doubled message does: nothing.

use std::time::Duration;

use aragora_tests::queues::Message;
use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, holds_for};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::{Value, json};

/// Longer than a message takes from its queue to a receiver.
const A_WHILE: Duration = Duration::from_secs(4);

/// A delivery that used up its budget.
struct Dead {
    session: Session,
    tenant: Tenant,
    receiver: Receiver,
    webhook: Webhook,
    event: String,
    delivery: String,
}

impl Dead {
    /// Fails `attempts` times, then would succeed.
    async fn after(attempts: usize) -> Self {
        let session = Session::shared().await;
        let tenant = session.tenant();
        let receiver = Receiver::start().await;
        let mut script = vec![Answer::status(500); attempts];
        script.push(Answer::status(200));
        receiver.script("/hook", script);
        let policy =
            json!({"max_retries": attempts - 1, "base_delay_seconds": 0.1, "max_delay_seconds": 1});
        let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
        let event = tenant.publish("vote", json!({"dead": true})).await;
        let receipt = tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
        let delivery = receipt["delivery_id"].as_str().unwrap().to_owned();
        Self { session, tenant, receiver, webhook, event, delivery }
    }

    /// Takes its message off the dead-letter queue.
    async fn message(&self) -> Message {
        let what = format!("the dead letter of {}", self.delivery);
        let queue = self.session.queue("deliveries_dlq");
        queue.take(PATIENCE, &what, |message| message.body.contains(&self.delivery)).await
    }

    async fn receipt(&self) -> Value {
        self.tenant.receipt_of(&self.webhook, &self.delivery).await
    }
}

#[tokio::test]
async fn a_delivery_is_given_up_when_its_budget_is_used() {
    let dead = Dead::after(2).await;
    let receipt = dead.receipt().await;
    assert_eq!((&receipt["attempt_count"], &receipt["max_attempts"]), (&json!(2), &json!(2)));
    assert_eq!(receipt["attempts"].as_array().unwrap().len(), 2);
    assert!(
        receipt["next_retry_at"].is_null() && receipt["error_message"].is_string(),
        "{receipt}"
    );
    dead.message().await;
    assert_eq!(dead.receiver.count("/hook"), 2);
}

#[tokio::test]
async fn moving_the_message_back_delivers_with_a_fresh_budget() {
    // Fails twice, is dead; after the redrive it fails once more and has a retry left.
    let dead = Dead::after(2).await;
    dead.receiver
        .behave("/hook", |request| Answer::status(if request.nth <= 3 { 500 } else { 200 }));
    let message = dead.message().await;
    dead.session.queue("deliveries").send_copy(&message).await;
    let receipt = dead.tenant.receipt(&dead.webhook, &dead.event, "DELIVERED").await;
    assert_eq!(receipt["delivery_id"], json!(dead.delivery));
    assert_eq!(receipt["attempt_count"], 2);
    let requests = dead.receiver.received("/hook");
    assert_eq!(requests.len(), 4);
    assert!(
        requests.iter().all(|request| request.header("x-webhook-delivery-id") == dead.delivery)
    );
    assert!(receipt["attempts"].to_string().contains("manual"), "{receipt}");
}

#[tokio::test]
async fn an_old_generations_message_sends_nothing() {
    let dead = Dead::after(1).await;
    let message = dead.message().await;
    let deliveries = dead.session.queue("deliveries");
    deliveries.send_copy(&message).await;
    dead.tenant.receipt(&dead.webhook, &dead.event, "DELIVERED").await;
    let before = dead.receipt().await;
    for _ in 0..3 {
        deliveries.send_copy(&message).await;
    }
    holds_for(A_WHILE, "two requests", async || dead.receiver.count("/hook") == 2).await;
    assert_eq!(dead.receipt().await, before);
}

#[tokio::test]
async fn a_message_moved_back_twice_at_once_is_one_redrive() {
    let dead = Dead::after(1).await;
    let message = dead.message().await;
    let deliveries = dead.session.queue("deliveries");
    futures_util::future::join_all((0..5).map(|_| deliveries.send_copy(&message))).await;
    dead.tenant.receipt(&dead.webhook, &dead.event, "DELIVERED").await;
    holds_for(A_WHILE, "two requests", async || dead.receiver.count("/hook") == 2).await;
}

#[tokio::test]
async fn a_redriven_delivery_that_fails_again_is_a_dead_letter_again() {
    let dead = Dead::after(1).await;
    dead.receiver.script("/hook", [Answer::status(502)]);
    dead.session.queue("deliveries").send_copy(&dead.message().await).await;
    dead.receiver.nth("/hook", 2).await;
    dead.tenant.receipt(&dead.webhook, &dead.event, "DEAD_LETTERED").await;

    dead.receiver.script("/hook", [Answer::status(200)]);
    dead.session.queue("deliveries").send_copy(&dead.message().await).await;
    dead.tenant.receipt(&dead.webhook, &dead.event, "DELIVERED").await;
    assert_eq!(dead.receiver.count("/hook"), 3);
}

#[tokio::test]
async fn a_manual_retry_makes_the_old_message_worthless() {
    let dead = Dead::after(1).await;
    let message = dead.message().await;
    let path = format!("{}/{}/retry", dead.webhook.receipts(), dead.delivery);
    dead.tenant.admin.post(&path, &json!({})).await.must_succeed();
    dead.tenant.receipt(&dead.webhook, &dead.event, "DELIVERED").await;
    dead.session.queue("deliveries").send_copy(&message).await;
    holds_for(A_WHILE, "two requests", async || dead.receiver.count("/hook") == 2).await;
}

#[tokio::test]
async fn a_duplicate_of_an_ordinary_message_sends_nothing() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let paused = session.pause("deliver", "deliveries").await;
    let event = tenant.publish("vote", json!({})).await;
    let deliveries = session.queue("deliveries");
    let message = deliveries
        .take(PATIENCE, "the delivery's message", |each| each.body.contains(&event))
        .await;
    for _ in 0..3 {
        deliveries.send_copy(&message).await;
    }
    paused.resume().await;
    tenant.receipt(&webhook, &event, "DELIVERED").await;
    holds_for(A_WHILE, "one request", async || receiver.count("/hook") == 1).await;
    let before = tenant.receipts(&webhook, "").await;
    deliveries.send_copy(&message).await;
    holds_for(A_WHILE, "one request", async || receiver.count("/hook") == 1).await;
    assert_eq!(tenant.receipts(&webhook, "").await, before);
}

#[tokio::test]
async fn a_duplicate_event_message_makes_no_second_delivery() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let paused = session.pause("fan-out", "events").await;
    let event = tenant.publish("vote", json!({})).await;
    let events = session.queue("events");
    let message =
        events.take(PATIENCE, "the event's message", |each| each.body.contains(&event)).await;
    for _ in 0..3 {
        events.send_copy(&message).await;
    }
    paused.resume().await;
    tenant.receipt(&webhook, &event, "DELIVERED").await;
    holds_for(A_WHILE, "one request", async || receiver.count("/hook") == 1).await;
    assert_eq!(tenant.receipts(&webhook, "").await.len(), 1);
}
