//! A request id goes through the queues into the workers' logs.

use aragora_tests::clock::now_millis;
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Receiver, Session};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn the_publishers_request_id_is_in_every_workers_log() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let before = now_millis() - 1000;
    let request_id = format!("req-{}", Uuid::now_v7());
    let traced = tenant.admin.clone().with_header("x-request-id", &request_id);
    traced.post("/api/events", &json!({"event_type": "vote", "data": {}})).await.must(202);
    receiver.nth("/hook", 1).await;
    for function in ["events", "fan-out", "deliver"] {
        let log = session.function(function).log().await;
        eventually(PATIENCE, &format!("{request_id} in the log of {function}"), async || {
            log.mentions(&request_id, before).await.then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn every_invocation_prints_one_json_line_with_what_it_cost() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let before = now_millis() - 1000;
    let event = tenant.publish("vote", json!({})).await;
    tenant.receipt(&webhook, &event, "DELIVERED").await;
    for function in ["events", "fan-out", "deliver"] {
        let log = session.function(function).log().await;
        let line =
            eventually(PATIENCE, &format!("a line with figures from {function}"), async || {
                let lines = log.since(before).await;
                lines
                    .iter()
                    .filter_map(aragora_tests::logs::Line::json)
                    .find(|line| line.contains_key("write_units"))
            })
            .await;
        for figure in ["write_units", "read_units", "sqs_requests"] {
            assert!(line[figure].is_number(), "{figure} of {function} in {line:?}");
        }
    }
}
