//! What counts as delivered, and what is remembered of what does not.

use std::time::Duration;

use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Answer, Receiver, Session};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A value of the last attempt, under any of the names it may have.
fn last_attempt(receipt: &Value, names: &[&str]) -> Value {
    let attempts =
        receipt["attempts"].as_array().unwrap_or_else(|| panic!("no attempts in {receipt}"));
    let last = attempts.last().unwrap_or_else(|| panic!("no attempt in {receipt}"));
    let found = names.iter().find_map(|name| last.get(*name).filter(|value| !value.is_null()));
    found.cloned().unwrap_or_else(|| panic!("none of {names:?} in {last}"))
}

/// Delivers one event to a webhook that tries once and gets this answer.
async fn outcome_of(answer: Answer, status: &str) -> Value {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [answer]);
    let policy = json!({"max_retries": 0, "timeout_seconds": 1});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;
    let receipt = tenant.receipt(&webhook, &event, status).await;
    assert_eq!(receiver.count("/hook"), 1);
    assert_eq!(receiver.count("/elsewhere"), 0);
    receipt
}

#[tokio::test]
async fn every_2xx_is_a_success() {
    for status in [200, 201, 202, 204, 226, 299] {
        let receipt = outcome_of(Answer::status(status), "DELIVERED").await;
        assert_eq!(receipt["http_status"], status);
        assert_eq!(receipt["attempt_count"], 1);
        assert!(
            receipt["delivered_at"].is_string() && receipt["latency_ms"].is_number(),
            "{receipt}"
        );
        assert!(
            receipt["response_body"].is_null() && receipt["next_retry_at"].is_null(),
            "{receipt}"
        );
    }
}

#[tokio::test]
async fn everything_else_is_a_failure() {
    for status in [300, 304, 400, 401, 404, 429, 500, 503, 599] {
        let receipt = outcome_of(Answer::status(status), "DEAD_LETTERED").await;
        assert_eq!(receipt["http_status"], status);
        assert!(
            receipt["delivered_at"].is_null() && receipt["error_message"].is_string(),
            "{receipt}"
        );
        assert_eq!(
            last_attempt(&receipt, &["http_status", "status_code", "status"]),
            json!(status)
        );
    }
}

#[tokio::test]
async fn redirects_are_failures_and_are_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let answer = Answer::status(status).header("location", "/elsewhere");
        assert_eq!(outcome_of(answer, "DEAD_LETTERED").await["http_status"], status);
    }
}

#[tokio::test]
async fn a_2xx_whose_head_came_in_time_is_a_success_whatever_its_body_does() {
    let receipt = outcome_of(Answer::endless(200), "DELIVERED").await;
    assert_eq!(receipt["http_status"], 200);
    outcome_of(Answer::status(200).body(&"x".repeat(1024 * 1024)), "DELIVERED").await;
}

#[tokio::test]
async fn no_answer_in_time_is_a_failure() {
    for answer in [Answer::hang(), Answer::status(200).after(Duration::from_millis(1800))] {
        let receipt = outcome_of(answer, "DEAD_LETTERED").await;
        assert!(receipt["http_status"].is_null(), "{receipt}");
        let class = last_attempt(&receipt, &["error_class", "error", "class"]).to_string();
        assert!(class.to_lowercase().contains("time"), "{class}");
    }
}

#[tokio::test]
async fn a_cut_connection_is_a_failure() {
    let receipt = outcome_of(Answer::cut(), "DEAD_LETTERED").await;
    assert!(receipt["http_status"].is_null() && receipt["error_message"].is_string(), "{receipt}");
}

#[tokio::test]
async fn nobody_listening_is_a_failure() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let webhook = tenant.subscribe_once(&format!("http://127.0.0.1:{port}/"), &["vote"]).await;
    let event = tenant.publish("vote", json!({})).await;
    let receipt = tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
    assert!(receipt["http_status"].is_null() && receipt["error_message"].is_string(), "{receipt}");
}

#[tokio::test]
async fn an_answer_to_a_failure_is_kept_in_part() {
    let long = "e".repeat(5000);
    let receipt = outcome_of(Answer::status(500).body(&long), "DEAD_LETTERED").await;
    assert_eq!(receipt["response_body"].as_str().unwrap().chars().count(), 2000);
    let receipt = outcome_of(Answer::status(500).body("short \u{e9}"), "DEAD_LETTERED").await;
    assert_eq!(receipt["response_body"], "short \u{e9}");
}

#[tokio::test]
async fn a_webhook_says_when_it_last_succeeded_and_failed() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(200), Answer::status(418)]);
    let webhook = tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
    let read = async |what: &str, seen: fn(&Value) -> bool| {
        eventually(PATIENCE, what, async || {
            Some(tenant.admin.get(&webhook.path()).await.must(200)).filter(seen)
        })
        .await
    };

    let event = tenant.publish("vote", json!({})).await;
    tenant.receipt(&webhook, &event, "DELIVERED").await;
    let succeeded = read("a last success", |now| now["last_success_at"].is_string()).await;
    assert!(
        succeeded["last_triggered_at"].is_string() && succeeded["last_failure_at"].is_null(),
        "{succeeded}"
    );

    let event = tenant.publish("vote", json!({})).await;
    tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
    let failed = read("a last failure", |now| now["last_failure_at"].is_string()).await;
    assert!(failed["last_failure_reason"].as_str().unwrap().contains("418"), "{failed}");
    assert!(failed["failure_count"].as_u64().unwrap() >= 1, "{failed}");
}
