//! A debate's own trace, posted one event after another as its engine wrote it.

use aragora_tests::{Receiver, Session, python};
use serde_json::{Value, json};

/// A debate of three events and a half: engine types in their own spelling, times without a
/// zone, ids of the engine's own.
fn trace() -> Vec<Value> {
    let event = |number: u32, event_type: &str, round: u32, agent: Value, content: Value| {
        json!({
            "event_id": format!("small-trace-e{number:04}"), "event_type": event_type,
            "timestamp": format!("2026-02-03T04:05:06.{:06}", 70_000 + number), "round_num": round, "agent": agent,
            "content": content, "parent_event_id": null, "duration_ms": null, "metadata": {},
        })
    };
    vec![
        event(
            1,
            "debate_start",
            0,
            Value::Null,
            json!({"task": "Tabs or spaces \u{2014} which first?"}),
        ),
        event(2, "round_start", 1, Value::Null, json!({"round": 1})),
        event(3, "message", 1, json!("ada"), json!({"content": "Spaces, \"obviously\"."})),
        event(4, "critique", 1, json!("bob"), json!({"of": "ada", "severity": 0.30})),
        event(5, "round_end", 1, Value::Null, json!({"round": 1})),
        event(6, "debate_end", 1, Value::Null, json!({"result": "consensus"})),
    ]
}

/// The request for one event of a trace: its `content` is our `data`.
fn request(event: &Value) -> Value {
    json!({
        "event_type": event["event_type"], "event_id": event["event_id"], "timestamp": event["timestamp"],
        "debate_id": "small-debate", "data": event["content"],
    })
}

#[tokio::test]
async fn a_debates_trace_arrives_and_verifies() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["*"]).await;
    let trace = trace();
    for event in &trace {
        assert_eq!(tenant.publish_with(&request(event)).await, event["event_id"].as_str().unwrap());
    }
    receiver.nth("/hook", trace.len()).await;
    let requests = receiver.received("/hook");
    let mut dotted = 0;
    for event in &trace {
        let arrived = requests
            .iter()
            .find(|each| each.field("event_id") == event["event_id"].as_str().unwrap())
            .unwrap();
        let body = arrived.json();
        assert_eq!(body["data"], event["content"]);
        assert_eq!(body["debate_id"], "small-debate");
        let given = event["timestamp"].as_str().unwrap();
        assert!(
            body["timestamp"].as_str().unwrap().starts_with(given.split('.').next().unwrap()),
            "{body}"
        );
        dotted += u32::from(
            ["debate.started", "debate.completed"].contains(&body["event_type"].as_str().unwrap()),
        );
        python::verify_one(arrived, &webhook.secret);
    }
    assert_eq!(dotted, 2);
    // The same trace again is the same events.
    for event in &trace {
        let again = tenant.admin.post("/api/events", &request(event)).await.must(202);
        assert_eq!(again["duplicate"], true);
    }
    let list = tenant.pages("/api/events?limit=4", "events").await;
    assert_eq!(list.iter().map(Vec::len).sum::<usize>(), trace.len());
}
