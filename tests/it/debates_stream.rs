//! Debates that come in event by event, in any order and with repeats.

use aragora_tests::wait::PATIENCE;
use aragora_tests::{Receiver, Session, Tenant};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// The events of a small debate, in order.
fn events() -> Vec<Value> {
    let event = |seq: u32, event_type: &str, round: u32, agent: &str, data: Value| {
        json!({
            "event_type": event_type, "event_id": format!("run-e{seq:04}"), "seq": seq,
            "timestamp": format!("2026-02-03T04:05:{seq:02}Z"), "round": round,
            "agent": if agent.is_empty() { Value::Null } else { json!(agent) }, "data": data,
        })
    };
    vec![
        event(
            1,
            "debate_start",
            0,
            "",
            json!({"task": "Tabs or spaces?", "agents": ["ada", "bob", "cy"]}),
        ),
        event(2, "round_start", 1, "", json!({"round": 1})),
        event(3, "proposal", 1, "ada", json!({"content": "Tabs, they adapt."})),
        event(4, "proposal", 1, "bob", json!({"content": "Spaces, they do not."})),
        event(
            5,
            "critique",
            1,
            "cy",
            json!({"target": "bob", "content": "Wider diffs.", "severity": 0.4}),
        ),
        event(6, "vote", 1, "ada", json!({"choice": "ada"})),
        event(7, "vote", 1, "bob", json!({"choice": "bob"})),
        event(8, "vote", 1, "cy", json!({"choice": "ada"})),
        event(
            9,
            "consensus",
            1,
            "",
            json!({"winner": "ada", "consensus_reached": true, "confidence": 0.7}),
        ),
        event(10, "debate_end", 1, "", json!({"final_answer": "Tabs."})),
    ]
}

async fn post(tenant: &Tenant, id: &str, body: &Value) -> Value {
    tenant.admin.post(&format!("/api/debates/{id}/events"), body).await.must(202)
}

/// What must not depend on the order of arrival.
fn lasting(mut debate: Value) -> Value {
    let fields = debate.as_object_mut().unwrap();
    for name in ["id", "debate_id", "created_at", "updated_at", "version"] {
        fields.remove(name);
    }
    debate
}

#[tokio::test]
async fn a_stream_becomes_a_record_and_is_explained() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let events = events();
    for (at, event) in events.iter().enumerate() {
        let answer = post(&tenant, "run", event).await;
        assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(1), &json!(false)));
        let wanted = if at + 1 == events.len() { "completed" } else { "running" };
        assert_eq!(answer["status"], wanted, "{at}");
        // Whatever is there can be read and explained.
        let read = tenant.admin.get("/api/debates/run").await.must(200);
        assert_eq!(read["status"], wanted);
        assert_eq!(read["task"], "Tabs or spaces?");
    }
    let explained = tenant.admin.get("/api/debates/run/explanation").await.must(200);
    assert_eq!(
        (&explained["winner"], &explained["consensus_reached"]),
        (&json!("ada"), &json!(true))
    );
    let agents: Vec<&str> = explained["reasoning_chain"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["agent"].as_str().unwrap())
        .collect();
    assert!(agents.contains(&"ada") && agents.contains(&"cy"), "{agents:?}");
    assert!((explained["confidence"].as_f64().unwrap() - 0.7).abs() < 1e-9);
    let listed = tenant.pages("/api/debates", "debates").await.concat();
    assert_eq!(
        (&listed[0]["task"], &listed[0]["status"]),
        (&json!("Tabs or spaces?"), &json!("completed"))
    );
}

#[tokio::test]
async fn order_and_repeats_change_nothing() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let events = events();
    post(&tenant, "straight", &json!(events)).await;
    let straight = lasting(tenant.admin.get("/api/debates/straight").await.must(200));
    // Backwards, the end first.
    for event in events.iter().rev() {
        post(&tenant, "backwards", event).await;
    }
    // In pieces that overlap, and all of it once more.
    for piece in [&events[4..9], &events[0..6], &events[7..10], &events[..]] {
        post(&tenant, "pieces", &json!({"events": piece})).await;
    }
    // Everything at once.
    join_all(events.iter().map(|event| post(&tenant, "at-once", event))).await;
    for id in ["backwards", "pieces", "at-once"] {
        let read = tenant.admin.get(&format!("/api/debates/{id}")).await.must(200);
        assert_eq!(lasting(read), straight, "{id}");
    }
    let again = tenant.admin.post("/api/debates/pieces/events", &json!(events)).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    let again = again.must(202);
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(0), &json!(10)));
}

#[tokio::test]
async fn subscribers_are_told_each_event_once() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/hook"), &["*"]).await;
    let events = events();
    post(&tenant, "told", &json!(events)).await;
    post(&tenant, "told", &json!(events[3..])).await;
    let told = receiver.at_least("/hook", events.len(), PATIENCE).await;
    let ended: Vec<Value> = told
        .iter()
        .map(aragora_tests::Received::json)
        .filter(|body| body["event_type"] == "debate.completed")
        .collect();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        (&ended[0]["debate_id"], &ended[0]["data"]["final_answer"]),
        (&json!("told"), &json!("Tabs."))
    );
    let published = tenant.pages("/api/events", "events").await.concat();
    assert_eq!(published.len(), events.len());
}

#[tokio::test]
async fn a_record_given_whole_wins_over_its_stream() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let events = events();
    post(&tenant, "both", &json!(events[..8])).await;
    let given = json!({"debate_id": "both", "task": "As given", "final_answer": "Neither."});
    assert_eq!(tenant.admin.post("/api/debates", &given).await.must(201)["version"], 1);
    post(&tenant, "both", &json!(events[8..])).await;
    let read = tenant.admin.get("/api/debates/both").await.must(200);
    assert_eq!((&read["task"], &read["final_answer"]), (&json!("As given"), &json!("Neither.")));
}

#[tokio::test]
async fn bad_events_are_named_and_nothing_is_stored() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let too_many: Vec<Value> = (0..101).map(|seq| json!({"type": "vote", "seq": seq})).collect();
    for (body, field) in [
        (json!([]), "body"),
        (json!("x"), "body"),
        (json!(too_many), "body"),
        (json!({"data": {}}), "event_type"),
        (json!({"type": 5}), "type"),
        (json!([{"type": "vote", "seq": "one"}]), "[0].seq"),
        (json!([{"type": "vote"}, {"type": "vote", "round": 1.5}]), "[1].round"),
        (json!([{"type": "vote", "agent": ["a"]}]), "[0].agent"),
        (
            json!([{"type": "vote", "agent": "a", "data": {"choice": "b", "confidence": 7}}]),
            "[0].data.confidence",
        ),
        (
            json!([{"type": "agent_message", "agent": "a", "data": {"content": "x".repeat(400_000)}}]),
            "[0]",
        ),
    ] {
        let reply = tenant.admin.post("/api/debates/bad/events", &body).await;
        assert!(reply.status == 400 && reply.names(field), "{field}: {}", reply.text());
    }
    tenant.admin.get("/api/debates/bad").await.must_refuse(404);
    let vote = json!({"type": "vote"});
    tenant.admin.post("/api/debates/a%23b/events", &vote).await.must_refuse(400);
    // What refers to itself or to each other goes in no circle.
    let circle = json!([
        {"type": "agent_message", "event_id": "a", "parent_event_id": "b", "agent": "ada", "data": {"content": "1"}},
        {"type": "agent_message", "event_id": "b", "parent_event_id": "a", "agent": "bob", "data": {"content": "2"}},
        {"type": "debate_end", "event_id": "c", "parent_event_id": "c"},
    ]);
    post(&tenant, "circle", &circle).await;
    tenant.admin.get("/api/explain/circle").await.must(200);
}
