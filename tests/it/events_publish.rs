//! Publishing: one event or a list, under both of its routes, and what is refused.

use aragora_tests::api::results;
use aragora_tests::{Receiver, Session};
use http::Method;
use serde_json::{Value, json};

fn vote(number: usize) -> Value {
    json!({"event_type": "vote", "data": {"number": number}})
}

#[tokio::test]
async fn one_event_is_accepted_and_can_be_read() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let body = json!({
        "event_type": "debate.completed", "debate_id": "deb-123", "project_id": "p-1",
        "timestamp": "2024-01-20T12:00:00Z", "data": {"task": "Design", "n": 1.50},
    });
    let accepted = tenant.admin.post("/api/events", &body).await.must(202);
    assert_eq!(accepted["duplicate"], false);
    let id = accepted["event_id"].as_str().unwrap();
    assert!(id.starts_with("evt-"), "{id}");

    let event = tenant.admin.get(&format!("/api/events/{id}")).await.must(200);
    assert_eq!(event["event_id"], json!(id));
    for field in ["event_type", "debate_id", "project_id", "data"] {
        assert_eq!(event[field], body[field], "{field} in {event}");
    }
    assert!(event["timestamp"].as_str().unwrap().starts_with("2024-01-20T12:00:00"), "{event}");
    assert_eq!(event["deliveries"], json!([]));
}

#[tokio::test]
async fn a_list_is_accepted_item_by_item() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let items: Vec<Value> = (0..100).map(vote).collect();
    let answer = tenant.admin.post("/api/events", &json!(items)).await.must(202);
    let mut ids: Vec<&str> =
        results(&answer).iter().map(|each| each["event_id"].as_str().unwrap()).collect();
    assert!(results(&answer).iter().all(|each| each["duplicate"] == false));
    let in_order = ids.clone();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 100);
    let last = tenant.admin.get(&format!("/api/events/{}", in_order[99])).await.must(200);
    assert_eq!(last["data"]["number"], 99);
}

#[tokio::test]
async fn one_bad_item_does_not_stop_the_others() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let items = json!([vote(0), {"event_type": "not a type!", "data": {}}, vote(2), {"event_type": "vote"}, 5, vote(5)]);
    let answer = tenant.admin.post("/api/events", &items).await.must(202);
    let results = results(&answer);
    assert_eq!(results.len(), 6);
    for (index, result) in results.iter().enumerate() {
        let good = [0, 2, 5].contains(&index);
        assert_eq!(result["event_id"].is_string(), good, "{index}: {result}");
        assert_eq!(
            result["error"].is_string() && result["code"].is_string(),
            !good,
            "{index}: {result}"
        );
    }
    receiver.nth("/hook", 3).await;
    let mut numbers: Vec<u64> = receiver
        .received("/hook")
        .iter()
        .map(|each| each.json()["data"]["number"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 2, 5]);
}

#[tokio::test]
async fn more_than_a_hundred_at_once_are_refused_whole() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let items: Vec<Value> = (0..101).map(vote).collect();
    tenant.admin.post("/api/events", &json!(items)).await.must_refuse(400);
    assert_eq!(tenant.admin.get("/api/events").await.must(200)["events"], json!([]));
}

#[tokio::test]
async fn dispatch_is_the_same_under_the_clients_names() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (number, body) in [
        json!({"event_type": "debate_end", "payload": {"by": "payload"}}),
        json!({"event_type": "debate_end", "data": {"by": "data"}}),
    ]
    .iter()
    .enumerate()
    {
        let accepted = tenant.admin.post("/api/webhooks/dispatch", body).await.must(202);
        let path = format!("/api/events/{}", accepted["event_id"].as_str().unwrap());
        let event = tenant.admin.get(&path).await.must(200);
        assert_eq!(event["data"]["by"], json!(["payload", "data"][number]));
    }
    let short = json!({"event_type": "vote", "payload": {}});
    for path in [
        "/api/v1/webhooks/dispatch",
        "/api/v2/events",
        "/api/events/",
        "/api/v2/webhooks/dispatch/",
    ] {
        tenant.admin.call(Method::POST, path).json(&short).follow().await.must(202);
    }
}

#[tokio::test]
async fn every_type_of_the_stream_can_be_published_in_both_spellings() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let types = [
        "debate.started",
        "debate_start",
        "debate.completed",
        "debate_end",
        "consensus.reached",
        "consensus",
        "agent.error",
        "agent_error",
        "error",
        "round_start",
        "round_end",
        "agent_message",
        "message",
        "critique",
        "vote",
    ];
    let items: Vec<Value> =
        types.iter().map(|each| json!({"event_type": each, "data": {}})).collect();
    let answer = tenant.admin.post("/api/events", &json!(items)).await.must(202);
    for (event_type, result) in types.iter().zip(results(&answer)) {
        assert!(result["event_id"].is_string(), "{event_type}: {result}");
    }
}

#[tokio::test]
async fn bad_fields_are_named_and_leave_nothing_behind() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (body, field) in [
        (json!({"data": {}}), "event_type"),
        (json!({"event_type": 5, "data": {}}), "event_type"),
        (json!({"event_type": "", "data": {}}), "event_type"),
        (json!({"event_type": "no spaces please", "data": {}}), "event_type"),
        (json!({"event_type": "*", "data": {}}), "event_type"),
        (json!({"event_type": "x".repeat(200), "data": {}}), "event_type"),
        (json!({"event_type": "vote"}), "data"),
        (json!({"event_type": "vote", "data": {}, "timestamp": "yesterday"}), "timestamp"),
        (json!({"event_type": "vote", "data": {}, "timestamp": 5}), "timestamp"),
        (json!({"event_type": "vote", "data": {}, "event_id": 5}), "event_id"),
        (json!({"event_type": "vote", "data": {}, "event_id": "a#b"}), "event_id"),
        (json!({"event_type": "vote", "data": {}, "event_id": ""}), "event_id"),
        (json!({"event_type": "vote", "data": {}, "debate_id": 5}), "debate_id"),
        (json!({"event_type": "vote", "data": {}, "project_id": ["p"]}), "project_id"),
    ] {
        let reply = tenant.admin.post("/api/events", &body).await;
        assert!(
            reply.status == 400 && reply.names(field),
            "{body}: {} {}",
            reply.status,
            reply.text()
        );
    }
    assert_eq!(tenant.admin.get("/api/events").await.must(200)["events"], json!([]));
}

#[tokio::test]
async fn nobody_can_publish_our_own_operational_events() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for event_type in ["webhook.deleted", "webhook.circuit_opened", "delivery.dead_lettered"] {
        let reply =
            tenant.admin.post("/api/events", &json!({"event_type": event_type, "data": {}})).await;
        assert!(reply.status == 400 && reply.names("event_type"), "{event_type}: {}", reply.text());
    }
}

#[tokio::test]
async fn what_is_no_event_is_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let bodies: [&[u8]; 8] = [
        b"",
        b"{",
        b"null",
        b"5",
        b"\"text\"",
        b"{\"event_type\": \"vote\", \"data\": {\"n\": 1e999}}",
        b"{\"event_type\": \"vote\", \"data\": {\"n\": -1e999}}",
        b"{\"event_type\": \"vote\", \"data\": {\"n\": NaN}}",
    ];
    for body in bodies {
        for path in ["/api/events", "/api/webhooks/dispatch"] {
            let reply = tenant.admin.post_raw(path, body.to_vec()).await;
            assert_eq!(reply.status, 400, "{}: {}", String::from_utf8_lossy(body), reply.text());
            reply.must_refuse(400);
        }
    }
    assert_eq!(tenant.admin.get("/api/events").await.must(200)["events"], json!([]));
}

#[tokio::test]
async fn a_number_too_large_for_a_float_is_one_bad_item_of_a_list() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let body = r#"[{"event_type": "vote", "data": {"n": 1e999}}, {"event_type": "vote", "data": {"n": 1e308}}]"#;
    let answer = tenant.admin.post_raw("/api/events", body).await.must(202);
    let results = results(&answer);
    assert!(results[0]["error"].is_string() && results[1]["event_id"].is_string(), "{answer}");
}
