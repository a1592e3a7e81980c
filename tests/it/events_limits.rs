//! 256 KiB is the printed body as it is sent.

use aragora_tests::api::results;
use aragora_tests::wait::PATIENCE;
use aragora_tests::{Receiver, Session, python};
use serde_json::{Value, json};

const LIMIT: usize = 256 * 1024;

/// Longer than anything the envelope adds to the data.
const ENVELOPE: usize = 512;

fn filled(bytes: usize) -> Value {
    json!({"event_type": "vote", "data": {"text": "x".repeat(bytes)}})
}

#[tokio::test]
async fn a_payload_over_256_kib_is_413_and_leaves_nothing_behind() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for bytes in [LIMIT, LIMIT + 1, 2 * LIMIT] {
        tenant.admin.post("/api/events", &filled(bytes)).await.must_refuse(413);
    }
    assert_eq!(tenant.admin.get("/api/events").await.must(200)["events"], json!([]));
}

#[tokio::test]
async fn what_counts_is_the_printed_length() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    // Two bytes each as they come, six each (`\u00e9`) as they are printed.
    let text = "\u{e9}".repeat(LIMIT / 6 + 1);
    assert!(text.len() < LIMIT / 2);
    tenant
        .admin
        .post("/api/events", &json!({"event_type": "vote", "data": {"text": text}}))
        .await
        .must_refuse(413);
}

#[tokio::test]
async fn a_payload_just_under_256_kib_is_delivered_whole() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let size = LIMIT - ENVELOPE;
    tenant.publish_with(&filled(size)).await;
    let request = receiver.nth("/hook", 1).await;
    assert_eq!(request.json()["data"]["text"].as_str().unwrap().len(), size);
    assert!(request.body.len() > size && request.body.len() <= LIMIT);
    python::verify_one(&request, &webhook.secret);
}

#[tokio::test]
async fn payloads_of_200_kib_are_delivered_in_numbers() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    for _ in 0..12 {
        tenant.publish_with(&filled(200 * 1024)).await;
    }
    let requests = receiver.at_least("/hook", 12, PATIENCE).await;
    let signed: Vec<_> = requests
        .iter()
        .map(|request| python::Signed { request, secret: &webhook.secret, published: None })
        .collect();
    python::verify(&signed);
    for request in &requests {
        tenant.receipt(&webhook, &request.field("event_id"), "DELIVERED").await;
    }
}

#[tokio::test]
async fn a_large_item_of_a_list_does_not_stop_the_others() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let list = json!([filled(10), filled(LIMIT), filled(1000)]);
    let answer = tenant.admin.post("/api/events", &list).await.must(202);
    let accepted: Vec<bool> =
        results(&answer).iter().map(|each| each["event_id"].is_string()).collect();
    assert_eq!(accepted, [true, false, true], "{answer}");
}
