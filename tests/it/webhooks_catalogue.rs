//! The event catalogue: what can be subscribed to, and that its examples are what is delivered.

use std::collections::{BTreeMap, BTreeSet};

use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Receiver, Session, Tenant, api};
use http::Method;
use serde_json::{Value, json};

const EVENTS: &str = "/api/webhooks/events";
const CATEGORIES: &str = "/api/webhooks/events/categories";

/// The types of the specification, with their other spellings.
const DEBATE_TYPES: [(&str, &[&str]); 9] = [
    ("debate.started", &["debate_start"]),
    ("round_start", &[]),
    ("agent_message", &["message"]),
    ("critique", &[]),
    ("vote", &[]),
    ("round_end", &[]),
    ("consensus.reached", &["consensus"]),
    ("debate.completed", &["debate_end"]),
    ("agent.error", &["agent_error", "error"]),
];

const EXPLANATION_TYPES: [&str; 1] = ["explanation.batch_completed"];

const MARKETPLACE_TYPES: [&str; 4] = [
    "template.published",
    "template.version_published",
    "template.downloaded",
    "template.reviewed",
];

const OPERATIONAL_TYPES: [&str; 28] = [
    "webhook.created",
    "webhook.updated",
    "webhook.deleted",
    "webhook.enabled",
    "webhook.disabled",
    "webhook.secret_rotated",
    "webhook.circuit_opened",
    "webhook.circuit_closed",
    "delivery.dead_lettered",
    "delivery.recovered",
    "security.auth.failed",
    "security.auth.blocked",
    "security.permission.denied",
    "security.rate.exceeded",
    "security.cursor.forged",
    "security.url.blocked",
    "security.secret.created",
    "security.secret.rotated",
    "security.secret.revoked",
    "security.key.created",
    "security.key.revoked",
    "security.session.revoked",
    "security.refresh.reused",
    "security.role.changed",
    "security.role.deleted",
    "security.template.published",
    "security.template.unpublished",
    "security.encryption.migrated",
];

async fn listed(tenant: &Tenant, path: &str) -> Vec<Value> {
    tenant.admin.get(path).await.must(200)["events"].as_array().unwrap().clone()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event_type"].as_str().unwrap()).collect()
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn every_type_is_there_with_its_spellings() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let answer = tenant.admin.get(EVENTS).await.must(200);
    assert_eq!(answer["count"], 42);
    assert_eq!(answer["total"], 42);
    assert_eq!(answer.get("next_cursor"), Some(&Value::Null));
    let events = answer["events"].as_array().unwrap();
    let debates = DEBATE_TYPES.iter().map(|(name, _)| *name);
    let wanted: Vec<&str> = debates
        .chain(EXPLANATION_TYPES)
        .chain(MARKETPLACE_TYPES)
        .chain(OPERATIONAL_TYPES)
        .collect();
    assert_eq!(names(events), wanted);
    for (event, (name, aliases)) in events.iter().zip(DEBATE_TYPES) {
        assert_eq!(event["name"], name);
        assert_eq!(event["aliases"], json!(aliases), "{name}");
        assert_eq!(event["category"], "debate", "{name}");
    }
    for event in &events[DEBATE_TYPES.len()..] {
        assert_eq!(event["name"], event["event_type"]);
        assert_eq!(event["aliases"], json!([]), "{event}");
        let name = event["name"].as_str().unwrap();
        let category = match () {
            () if EXPLANATION_TYPES.contains(&name) => "explanation",
            () if MARKETPLACE_TYPES.contains(&name) => "marketplace",
            () => "operational",
        };
        assert_eq!(event["category"], category, "{event}");
    }
}

#[tokio::test]
async fn each_type_has_a_description_a_schema_and_an_example() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for event in listed(&tenant, EVENTS).await {
        let (schema, example) = (&event["schema"], &event["example"]);
        assert!(event["description"].as_str().is_some_and(|text| !text.is_empty()), "{event}");
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["type"], "object");
        assert_eq!(example["event_type"], event["event_type"]);
        let mut order =
            vec!["event_type", "event_id", "timestamp", "debate_id", "delivery_id", "data"];
        order.retain(|key| *key != "debate_id" || event["category"] == "debate");
        assert_eq!(keys(example), order, "the order of the wire");
        assert_eq!(keys(&schema["properties"]), order);
        let described: BTreeSet<&str> =
            keys(&schema["properties"]["data"]["properties"]).into_iter().collect();
        for key in keys(&example["data"]) {
            assert!(described.contains(key), "{key} of {}", event["name"]);
        }
    }
}

#[tokio::test]
async fn one_category_can_be_asked_for() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let debate = listed(&tenant, &format!("{EVENTS}?category=debate")).await;
    assert_eq!(names(&debate), DEBATE_TYPES.map(|(name, _)| name));
    let explanation = listed(&tenant, &format!("{EVENTS}?category=explanation")).await;
    assert_eq!(names(&explanation), EXPLANATION_TYPES);
    let answer = tenant.admin.get(&format!("{EVENTS}?category=operational")).await.must(200);
    assert_eq!(names(answer["events"].as_array().unwrap()), OPERATIONAL_TYPES);
    assert_eq!((&answer["count"], &answer["total"]), (&json!(28), &json!(28)));
    let answer = tenant.admin.get(&format!("{EVENTS}?category=marketplace")).await.must(200);
    assert_eq!(names(answer["events"].as_array().unwrap()), MARKETPLACE_TYPES);
    assert_eq!(listed(&tenant, &format!("{EVENTS}?category=")).await.len(), 42);
    for bad in ["category=weather", "category=Debate", "category=debate&category=operational"] {
        let reply = tenant.admin.get(&format!("{EVENTS}?{bad}")).await;
        assert!(reply.names("category"), "{bad}: {}", reply.text());
    }
    let unknown = tenant.admin.get(&format!("{EVENTS}?category=weather")).await.must_refuse(400);
    assert!(unknown["error"].as_str().unwrap().contains("weather"), "{unknown}");
}

#[tokio::test]
async fn categories_hold_every_type_once() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let answer = tenant.admin.get(CATEGORIES).await.must(200);
    assert_eq!(answer["count"], 4);
    assert_eq!(answer.get("next_cursor"), Some(&Value::Null));
    let categories = answer["categories"].as_array().unwrap();
    let mut held = Vec::new();
    let known = ["debate", "explanation", "marketplace", "operational"];
    for (category, wanted) in categories.iter().zip(known) {
        assert_eq!(category["category"], wanted);
        for text in ["name", "description"] {
            assert!(category[text].as_str().is_some_and(|text| !text.is_empty()), "{category}");
        }
        let types = category["event_types"].as_array().unwrap();
        assert_eq!(category["count"], types.len());
        held.extend(types.iter().map(|name| name.as_str().unwrap()));
    }
    assert_eq!(held, names(&listed(&tenant, EVENTS).await));
}

#[tokio::test]
async fn both_routes_are_the_same_under_each_version() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for path in [EVENTS, CATEGORIES] {
        let plain = tenant.admin.get(path).await.must(200);
        for version in ["/api/v1/", "/api/v2/"] {
            let versioned = tenant.admin.get(&path.replacen("/api/", version, 1)).await.must(200);
            assert_eq!(versioned, plain, "{version} {path}");
        }
    }
}

#[tokio::test]
async fn reading_needs_a_credential_and_no_more_than_a_viewers() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for path in [EVENTS, CATEGORIES] {
        session.anonymous().get(path).await.must_refuse(401);
        tenant.role("viewer").get(path).await.must(200);
        tenant.role("service").get(path).await.must_refuse(403);
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let reply = tenant.admin.call(method.clone(), path).json(&json!({})).send().await;
            reply.must_refuse(405);
            assert_eq!(reply.header("allow").replace(' ', ""), "GET,HEAD,OPTIONS", "{method}");
        }
    }
    tenant.admin.get("/api/webhooks/events/nothing").await.must_refuse(404);
}

#[tokio::test]
async fn the_examples_are_what_is_delivered() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/all"), &["*"]).await;
    let examples: BTreeMap<String, Value> = listed(&tenant, &format!("{EVENTS}?category=debate"))
        .await
        .iter()
        .map(|event| (event["name"].as_str().unwrap().to_owned(), event["example"].clone()))
        .collect();
    assert_eq!(examples.len(), DEBATE_TYPES.len());
    let batch: Vec<Value> = examples
        .iter()
        .map(|(name, example)| {
            json!({
                "event_type": name, "timestamp": example["timestamp"],
                "debate_id": example["debate_id"], "data": example["data"],
            })
        })
        .collect();
    let accepted = tenant.admin.post("/api/events", &json!(batch)).await.must(202);
    assert!(api::results(&accepted).iter().all(|result| result["event_id"].is_string()));

    let delivered = eventually(PATIENCE, "one delivery of each type", async || {
        let bodies = receiver.received("/all");
        let of_type: BTreeMap<String, Value> =
            bodies.iter().map(|body| (body.field("event_type"), body.json())).collect();
        (of_type.len() >= examples.len()).then_some(of_type)
    })
    .await;
    assert!(delivered.keys().eq(examples.keys()), "{:?}", delivered.keys());
    for (name, example) in &examples {
        let body = &delivered[name];
        assert_eq!(keys(body), keys(example), "{name}");
        assert_eq!(body["data"].to_string(), example["data"].to_string(), "{name}");
        for key in ["timestamp", "debate_id"] {
            assert_eq!(body[key], example[key], "{name}");
        }
    }
}
