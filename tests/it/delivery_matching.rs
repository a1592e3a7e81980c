//! Which webhooks an event reaches, and under which name.

use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Received, Receiver, Session, Tenant};
use serde_json::{Value, json};

/// The type every webhook of a scene is subscribed to besides its own: its last event.
const MARKER: &str = "critique";

/// An organisation with webhooks, what is published there, and what arrives until the marker.
struct Scene {
    tenant: Tenant,
    receiver: Receiver,
    _session: Session,
}

impl Scene {
    async fn set() -> Self {
        let session = Session::shared().await;
        Self { tenant: session.tenant(), receiver: Receiver::start().await, _session: session }
    }

    async fn webhook(&self, path: &str, event_types: &[&str], filters: Value) {
        let mut types = event_types.to_vec();
        types.push(MARKER);
        let body =
            json!({"url": self.receiver.url(path), "event_types": types, "filters": filters});
        self.tenant.subscribe_with(body).await;
    }

    async fn publish(&self, event: &Value) {
        self.tenant.publish_with(event).await;
    }

    /// Ends the scene: what came to each path, but for the marker, sorted by type.
    async fn seen(&self, paths: &[&str], marker: Value) -> Vec<Vec<Value>> {
        self.publish(&marker).await;
        let is_marker = |request: &Received| request.field("event_type") == MARKER;
        for path in paths {
            eventually(PATIENCE, "the marker", async || {
                self.receiver.received(path).iter().any(is_marker).then_some(())
            })
            .await;
        }
        self.settle().await;
        let mut seen = Vec::new();
        for path in paths {
            let mut bodies: Vec<Value> =
                self.receiver.received(path).iter().map(Received::json).collect();
            bodies.retain(|body| body["event_type"] != MARKER);
            bodies.sort_by_key(|body| body["event_type"].to_string());
            seen.push(bodies);
        }
        seen
    }

    /// Queues do not keep order: waits until no delivery of this organisation is under way.
    async fn settle(&self) {
        eventually(PATIENCE, "all deliveries to end", async || {
            let events = self.tenant.admin.get("/api/events?limit=100").await.must(200);
            for event in events["events"].as_array().unwrap() {
                let path = format!("/api/events/{}", event["event_id"].as_str().unwrap());
                let deliveries = self.tenant.admin.get(&path).await.must(200)["deliveries"].clone();
                if deliveries.as_array().unwrap().iter().any(|each| each["status"] != "DELIVERED") {
                    return None;
                }
            }
            Some(())
        })
        .await;
    }
}

fn types(bodies: &[Value]) -> Vec<&str> {
    bodies.iter().map(|body| body["event_type"].as_str().unwrap()).collect()
}

fn event(event_type: &str) -> Value {
    json!({"event_type": event_type, "data": {}})
}

#[tokio::test]
async fn a_receiver_gets_the_spelling_it_subscribed_to() {
    let scene = Scene::set().await;
    scene
        .webhook(
            "/dotted",
            &["debate.started", "debate.completed", "consensus.reached", "agent.error"],
            json!({}),
        )
        .await;
    scene
        .webhook("/plain", &["debate_start", "debate_end", "consensus", "agent_error"], json!({}))
        .await;
    scene.webhook("/error", &["error"], json!({})).await;
    scene.webhook("/star", &["*"], json!({})).await;
    let dotted = ["agent.error", "consensus.reached", "debate.completed", "debate.started"];
    let plain = ["agent_error", "consensus", "debate_end", "debate_start"];
    for each in ["debate.started", "debate_end", "consensus", "error"] {
        scene.publish(&event(each)).await;
    }
    let seen = scene.seen(&["/dotted", "/plain", "/error", "/star"], event(MARKER)).await;
    assert_eq!(types(&seen[0]), dotted);
    assert_eq!(types(&seen[1]), plain);
    assert_eq!(types(&seen[2]), ["error"]);
    assert_eq!(types(&seen[3]), dotted);
}

#[tokio::test]
async fn headers_say_the_same_type_as_the_body() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/hook"), &["debate_start"]).await;
    tenant.publish("debate.started", json!({})).await;
    let request = receiver.nth("/hook", 1).await;
    for name in ["x-webhook-event-type", "x-aragora-event"] {
        assert_eq!(request.header(name), "debate_start", "{name}");
    }
}

#[tokio::test]
async fn globs_reach_what_they_cover() {
    let scene = Scene::set().await;
    scene.webhook("/debates", &["debate.*"], json!({})).await;
    scene.webhook("/ends", &["*.completed"], json!({})).await;
    scene.webhook("/one", &["vote"], json!({})).await;
    for each in ["debate_start", "debate.completed", "vote", "consensus"] {
        scene.publish(&event(each)).await;
    }
    let seen = scene.seen(&["/debates", "/ends", "/one"], event(MARKER)).await;
    assert_eq!(types(&seen[0]), ["debate.completed", "debate.started"]);
    assert_eq!(types(&seen[1]), ["debate.completed"]);
    assert_eq!(types(&seen[2]), ["vote"]);
}

#[tokio::test]
async fn a_webhook_that_matches_twice_gets_an_event_once() {
    let scene = Scene::set().await;
    scene.webhook("/hook", &["*", "debate.*", "debate_start", "debate.started"], json!({})).await;
    scene.publish(&event("debate.started")).await;
    let seen = scene.seen(&["/hook"], event(MARKER)).await;
    assert_eq!(seen[0].len(), 1);
}

#[tokio::test]
async fn all_filters_must_hold() {
    let scene = Scene::set().await;
    let filters =
        json!({"outcome": "consensus", "data.agent.name": ["claude", "gpt4"], "round": 3});
    scene.webhook("/filtered", &["vote"], filters).await;
    let full = json!({"outcome": "consensus", "agent": {"name": "gpt4"}, "round": 3});
    let mut events = vec![full.clone()];
    for (pointer, value) in [
        ("/outcome", json!("split")),
        ("/outcome", Value::Null),
        ("/agent/name", json!("gemini")),
        ("/round", json!("3")),
        ("/round", json!(4)),
        ("/agent", json!("gpt4")),
    ] {
        let mut changed = full.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        events.push(changed);
    }
    events.push(json!({}));
    for data in &events {
        scene.publish(&json!({"event_type": "vote", "data": data})).await;
    }
    let seen = scene.seen(&["/filtered"], json!({"event_type": MARKER, "data": full})).await;
    let data: Vec<&Value> = seen[0].iter().map(|body| &body["data"]).collect();
    assert_eq!(data, [&full]);
}

#[tokio::test]
async fn events_of_another_project_do_not_arrive() {
    let scene = Scene::set().await;
    scene.webhook("/hook", &["vote"], json!({})).await;
    for project in [json!("other"), json!("default"), Value::Null] {
        let mut body = json!({"event_type": "vote", "data": {"project": project}});
        if project.is_string() {
            body["project_id"] = project;
        }
        scene.publish(&body).await;
    }
    let seen = scene.seen(&["/hook"], event(MARKER)).await;
    let projects: Vec<&Value> = seen[0].iter().map(|body| &body["data"]["project"]).collect();
    assert_eq!(projects.len(), 2, "{projects:?}");
    assert!(!projects.contains(&&json!("other")));
}

#[tokio::test]
async fn one_event_reaches_every_matching_webhook_once() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    for number in 0..25 {
        tenant.subscribe(&receiver.url(&format!("/{number}")), &["vote"]).await;
    }
    let id = tenant.publish("vote", json!({})).await;
    let mut deliveries = Vec::new();
    for number in 0..25 {
        let request = receiver.nth(&format!("/{number}"), 1).await;
        assert_eq!(request.field("event_id"), id);
        deliveries.push(request.field("delivery_id"));
    }
    deliveries.sort();
    deliveries.dedup();
    assert_eq!(deliveries.len(), 25);
    assert!((0..25).all(|number| receiver.count(&format!("/{number}")) == 1));
}
