//! The same event published again is the same event, by key or by id, however it comes.

use std::collections::BTreeSet;

use aragora_tests::api::results;
use aragora_tests::{Receiver, Reply, Session};
use futures_util::future::join_all;
use serde_json::{Value, json};

fn event(number: u64) -> Value {
    json!({"event_type": "vote", "data": {"number": number}})
}

fn replayed(reply: &Reply, first: &Value) {
    let again = reply.must(202);
    assert_eq!(again["event_id"], first["event_id"]);
    assert_eq!(again["duplicate"], true);
    assert_eq!(reply.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn the_same_key_and_body_get_the_first_answer_again() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let keyed = tenant.admin.clone().with_header("idempotency-key", "order-1");
    let reply = keyed.post("/api/events", &event(1)).await;
    let first = reply.must(202);
    assert_eq!(first["duplicate"], false);
    assert_eq!(reply.header("idempotent-replayed"), "");
    for _ in 0..2 {
        replayed(&keyed.post("/api/events", &event(1)).await, &first);
    }
    let other_key = tenant.admin.clone().with_header("idempotency-key", "order-2");
    let other = other_key.post("/api/events", &event(1)).await.must(202);
    assert_ne!(other["event_id"], first["event_id"]);
}

#[tokio::test]
async fn the_same_key_with_another_body_is_a_conflict() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let keyed = tenant.admin.clone().with_header("idempotency-key", "order-1");
    let first = keyed.post("/api/events", &event(1)).await.must(202);
    keyed.post("/api/events", &event(2)).await.must_refuse(409);
    replayed(&keyed.post("/api/events", &event(1)).await, &first);
    let list = tenant.admin.get("/api/events").await.must(200);
    assert_eq!(list["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_event_id_is_the_same_event() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let body = json!({"event_type": "vote", "event_id": "demo-e0001", "data": {"number": 1}});
    let first = tenant.admin.post("/api/events", &body).await.must(202);
    assert_eq!(first, json!({"event_id": "demo-e0001", "duplicate": false}));
    replayed(&tenant.admin.post("/api/events", &body).await, &first);
    let other = json!({"event_type": "vote", "event_id": "demo-e0001", "data": {"number": 2}});
    tenant.admin.post("/api/events", &other).await.must_refuse(409);
    let read = tenant.admin.get("/api/events/demo-e0001").await.must(200);
    assert_eq!(read["data"], json!({"number": 1}));
}

#[tokio::test]
async fn a_key_covers_a_whole_list() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let keyed = tenant.admin.clone().with_header("idempotency-key", "batch-1");
    let list = json!([event(1), event(2), event(3)]);
    let first = keyed.post("/api/events", &list).await.must(202);
    let again = keyed.post("/api/events", &list).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    let again = again.must(202);
    assert_eq!(results(&again).len(), 3);
    for (before, after) in results(&first).iter().zip(results(&again)) {
        assert_eq!(before["event_id"], after["event_id"]);
        assert_eq!((&before["duplicate"], &after["duplicate"]), (&json!(false), &json!(true)));
    }
    keyed.post("/api/events", &json!([event(1), event(2)])).await.must_refuse(409);
    receiver.nth("/hook", 3).await;
    tenant.publish("vote", json!({"number": 4})).await;
    receiver.nth("/hook", 4).await;
    assert_eq!(receiver.count("/hook"), 4);
}

#[tokio::test]
async fn a_known_event_id_in_a_list_does_not_stop_the_others() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let with_id = |id: &str, number: u64| json!({"event_type": "vote", "event_id": id, "data": {"number": number}});
    tenant.admin.post("/api/events", &with_id("e-1", 1)).await.must(202);
    let list = json!([with_id("e-1", 1), with_id("e-1", 9), with_id("e-2", 2), with_id("e-2", 2)]);
    let answer = tenant.admin.post("/api/events", &list).await.must(202);
    let results = results(&answer);
    assert_eq!(results[0], json!({"event_id": "e-1", "duplicate": true}));
    assert_eq!(results[2], json!({"event_id": "e-2", "duplicate": false}));
    assert_eq!(results[3], json!({"event_id": "e-2", "duplicate": true}));
    assert!(results[1]["error"].is_string() && results[1]["event_id"].is_null(), "{answer}");
}

#[tokio::test]
async fn twenty_equal_publishes_at_once_are_one_event() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/a"), &["vote"]).await;
    tenant.subscribe(&receiver.url("/b"), &["*"]).await;
    let keyed = tenant.admin.clone().with_header("idempotency-key", "at-once");
    let body = event(7);
    let answers = join_all((0..20).map(|_| keyed.post("/api/events", &body))).await;
    let answers: Vec<Value> = answers.iter().map(|reply| reply.must(202)).collect();
    let ids: BTreeSet<&str> =
        answers.iter().map(|answer| answer["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(answers.iter().filter(|answer| answer["duplicate"] == false).count(), 1);

    // A later event has come through everywhere: whatever else there was would be there too.
    tenant.publish("vote", json!({"number": 8})).await;
    for path in ["/a", "/b"] {
        receiver.nth(path, 2).await;
        assert_eq!(receiver.count(path), 2, "{path}");
    }
    let list = tenant.admin.get("/api/events").await.must(200);
    assert_eq!(list["events"].as_array().unwrap().len(), 2);
    let id = ids.first().unwrap();
    let read = tenant.admin.get(&format!("/api/events/{id}")).await.must(200);
    assert_eq!(read["deliveries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn of_twenty_different_bodies_under_one_key_one_wins() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let keyed = tenant.admin.clone().with_header("idempotency-key", "contested");
    let bodies: Vec<Value> = (0..20).map(event).collect();
    let answers = join_all(bodies.iter().map(|body| keyed.post("/api/events", body))).await;
    let accepted = answers.iter().filter(|reply| reply.status == 202).count();
    let conflicts = answers.iter().filter(|reply| reply.status == 409).count();
    assert_eq!((accepted, conflicts), (1, 19));
    let list = tenant.admin.get("/api/events").await.must(200);
    assert_eq!(list["events"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_too_long_to_be_kept_is_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let keyed = tenant.admin.clone().with_header("idempotency-key", &"x".repeat(2000));
    keyed.post("/api/events", &event(1)).await.must_refuse(400);
}
