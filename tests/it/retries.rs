//! Retries: when they come, what is visible meanwhile, and what the receiver can ask for.

use aragora_tests::clock::{millis_of, now_millis};
use aragora_tests::{Answer, Receiver, Session};
use serde_json::json;

/// Queues keep whole seconds and a busy machine is late, but a retry is never early.
const LATE_MILLIS: u64 = 15_000;

const DAY: u64 = 86_400_000;

#[tokio::test]
async fn a_failed_delivery_is_retried_until_it_succeeds() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(500), Answer::cut(), Answer::status(200)]);
    let policy = json!({"max_retries": 3, "base_delay_seconds": 0.1, "max_delay_seconds": 1});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;
    let receipt = tenant.receipt(&webhook, &event, "DELIVERED").await;
    assert_eq!((&receipt["attempt_count"], &receipt["max_attempts"]), (&json!(3), &json!(4)));
    assert_eq!(receipt["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(receipt["http_status"], 200);
    assert!(receipt["next_retry_at"].is_null() && receipt["error_message"].is_null(), "{receipt}");
    assert_eq!(receiver.count("/hook"), 3);
}

#[tokio::test]
async fn while_it_waits_a_delivery_is_retrying_and_says_when_it_is_due() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(503).body("busy"), Answer::status(200)]);
    let policy = json!({"max_retries": 2, "base_delay_seconds": 6, "max_delay_seconds": 60});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;

    let receipt = tenant.receipt(&webhook, &event, "RETRYING").await;
    let first = receiver.received("/hook")[0].at_millis;
    let due = millis_of(receipt["next_retry_at"].as_str().unwrap());
    // The base delay and up to a fifth of it, after an attempt that took a moment.
    assert!(
        (first + 6_000..=first + 7_200 + 3_000).contains(&due),
        "due {} ms after the first attempt",
        due - first
    );
    assert_eq!((&receipt["attempt_count"], &receipt["http_status"]), (&json!(1), &json!(503)));
    assert_eq!(receipt["response_body"], "busy");

    tenant.receipt(&webhook, &event, "DELIVERED").await;
    let second = receiver.received("/hook")[1].at_millis;
    assert!((due..due + LATE_MILLIS).contains(&(second + 1)), "due {due}, retried {second}");
}

#[tokio::test]
async fn the_delay_doubles_up_to_its_cap() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [500, 500, 500, 200].map(Answer::status));
    let policy = json!({"max_retries": 3, "base_delay_seconds": 2, "max_delay_seconds": 5});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;
    tenant.receipt(&webhook, &event, "DELIVERED").await;
    let at: Vec<u64> = receiver.received("/hook").iter().map(|request| request.at_millis).collect();
    for (number, least) in [2_000, 4_000, 5_000].into_iter().enumerate() {
        let gap = at[number + 1] - at[number];
        assert!((least..least + LATE_MILLIS).contains(&gap), "gap {number} was {gap} ms");
    }
}

#[tokio::test]
async fn retry_after_raises_the_delay() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/busy", [Answer::status(429).header("retry-after", "6"), Answer::status(200)]);
    receiver.script("/down", [Answer::status(503).header("retry-after", "6"), Answer::status(200)]);
    receiver
        .script("/plain", [Answer::status(500).header("retry-after", "3600"), Answer::status(200)]);
    let policy = json!({"max_retries": 2, "base_delay_seconds": 0.1, "max_delay_seconds": 1});
    let mut webhooks = Vec::new();
    for path in ["/busy", "/down", "/plain"] {
        webhooks.push(tenant.subscribe_retrying(&receiver.url(path), &["vote"], &policy).await);
    }
    let event = tenant.publish("vote", json!({})).await;
    for webhook in &webhooks {
        tenant.receipt(webhook, &event, "DELIVERED").await;
    }
    let gap = |path: &str| {
        let requests = receiver.received(path);
        requests[1].at_millis - requests[0].at_millis
    };
    assert!(gap("/busy") >= 6_000 && gap("/down") >= 6_000, "{} {}", gap("/busy"), gap("/down"));
    assert!(gap("/plain") < LATE_MILLIS, "{}", gap("/plain"));
}

#[tokio::test]
async fn retry_after_is_clamped_to_a_day() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    for (path, value, at_most) in [
        ("/seconds", "9999999", DAY),
        ("/date", "Fri, 31 Dec 2099 23:59:59 GMT", DAY),
        ("/hour", "3600", 3_600_000),
        ("/nonsense", "soon", 2_000),
        ("/past", "Wed, 21 Oct 2015 07:28:00 GMT", 2_000),
    ] {
        receiver.script(path, [Answer::status(503).header("retry-after", value)]);
        let policy = json!({"max_retries": 24, "base_delay_seconds": 1, "max_delay_seconds": 1});
        let webhook = tenant.subscribe_retrying(&receiver.url(path), &["vote"], &policy).await;
        let event = tenant.publish("vote", json!({})).await;
        let receipt = tenant.receipt(&webhook, &event, "RETRYING").await;
        let wait =
            millis_of(receipt["next_retry_at"].as_str().unwrap()).saturating_sub(now_millis());
        assert!(wait <= at_most + at_most / 5, "{value}: due in {wait} ms");
        assert!(at_most < 60_000 || wait > at_most / 2, "{value}: due in {wait} ms");
        tenant.admin.delete(&webhook.path()).await.must_succeed();
    }
}

#[tokio::test]
async fn a_failing_receiver_does_not_hold_up_another() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/slow", [Answer::hang()]);
    let policy = json!({"max_retries": 0, "timeout_seconds": 5});
    tenant.subscribe_retrying(&receiver.url("/slow"), &["vote"], &policy).await;
    tenant.subscribe(&receiver.url("/quick"), &["vote"]).await;
    // In one request: on a busy machine three of them may take longer than the slow one's time.
    let events = vec![json!({"event_type": "vote", "data": {}}); 3];
    tenant.admin.post("/api/events", &json!(events)).await.must(202);
    let quick = receiver.at_least("/quick", 3, aragora_tests::wait::PATIENCE).await;
    let first_slow = receiver.nth("/slow", 1).await;
    let last_quick = quick.iter().map(|request| request.at_millis).max().unwrap();
    assert!(last_quick < first_slow.at_millis + 5_000, "quick ones waited for the slow one");
}
