//! A webhook that takes only so many deliveries a second.

use aragora_tests::wait::PATIENCE;
use aragora_tests::{Receiver, Session};
use serde_json::{Value, json};

#[tokio::test]
async fn a_webhook_never_gets_more_than_its_rate_and_loses_nothing() {
    const EVENTS: usize = 40;
    const RATE: usize = 5;
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant
        .subscribe_with(json!({
            "url": receiver.url("/hook"),
            "event_types": ["vote"],
            "rate_limit_per_second": RATE,
            // Waiting is no attempt: there is none to spare.
            "retry_policy": {"max_retries": 0},
        }))
        .await;
    let events: Vec<Value> =
        (0..EVENTS).map(|n| json!({"event_type": "vote", "data": {"n": n}})).collect();
    tenant.admin.post("/api/events", &Value::Array(events)).await.must(202);
    let requests = receiver.at_least("/hook", EVENTS, PATIENCE).await;

    let mut at: Vec<u64> = requests.iter().map(|request| request.at_millis).collect();
    at.sort_unstable();
    for window in at.windows(RATE + 2) {
        // Slots are evenly spaced; what a busy machine adds to one it may take from the next.
        let span = window[RATE + 1] - window[0];
        assert!(span >= 1_000, "{} requests within {span} ms", RATE + 2);
    }
    let receipts = tenant.receipts(&webhook, "?limit=100").await;
    assert_eq!(receipts.len(), EVENTS);
    for event in &requests {
        let id = event.json()["event_id"].as_str().unwrap().to_owned();
        let receipt = tenant.receipt(&webhook, &id, "DELIVERED").await;
        assert_eq!((&receipt["attempt_count"], &receipt["held_by"]), (&json!(1), &Value::Null));
    }
    assert_eq!(receiver.count("/hook"), EVENTS);
}
