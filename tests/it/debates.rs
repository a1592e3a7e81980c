//! Records of debates: taken in whole, told to subscribers, read, listed and exported.

use std::collections::BTreeMap;

use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Receiver, Session, Tenant};
use serde_json::{Value, json};

/// A finished debate of three agents: proposals, a critique, votes two to one.
pub(crate) fn record() -> Value {
    json!({
        "task": "Which cache should the gateway use?",
        "agents": ["ada", {"name": "bob", "version": "2.1"}, "cy"],
        "domain": "engineering",
        "workspace_id": "ws-1",
        "tags": ["urgent"],
        "rounds": 2,
        "proposals": {"ada": "Use an in-process cache.", "bob": "Use a shared one."},
        "critiques": [{"critic": "cy", "target": "bob", "round": 1, "content": "It adds a hop.", "severity": 0.6}],
        "votes": {"ada": "ada", "bob": "bob", "cy": "ada"},
        "vote_reasoning": {"cy": "Fewer moving parts."},
        "consensus_reached": true,
        "winner": "ada",
        "final_answer": "An in-process cache, warmed at start.",
        "confidence": 0.8,
        "started_at": "2026-02-03T04:05:06Z",
        "completed_at": "2026-02-03T04:06:06Z",
        "duration_seconds": 60.5,
        "engine_build": {"commit": "abc", "n": 1.50},
    })
}

/// Stores a record and gives the debate's id.
pub(crate) async fn stored(tenant: &Tenant, record: &Value) -> String {
    let answer = tenant.admin.post("/api/debates", record).await;
    assert!(answer.status == 201 || answer.status == 200, "{}", answer.text());
    answer.json()["debate_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_sent() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let answer = tenant.admin.post("/api/debates", &record()).await.must(201);
    let id = answer["debate_id"].as_str().unwrap();
    assert!(id.starts_with("deb-"), "{answer}");
    assert_eq!(answer["id"], answer["debate_id"]);
    assert_eq!((&answer["status"], &answer["version"]), (&json!("completed"), &json!(1)));
    assert_eq!((&answer["duplicate"], &answer["warnings"]), (&json!(false), &json!([])));
    let read = tenant.admin.get(&format!("/api/debates/{id}")).await.must(200);
    for (name, value) in record().as_object().unwrap() {
        assert_eq!(&read[name], value, "{name}");
    }
    assert_eq!(read["created_at"], answer["created_at"]);
    let exact = r#"{"task": "Which?", "n": [1.50, 123456789012345678901234567890], "$serde_json::private::Number": {}}"#;
    let answer = tenant.admin.post_raw("/api/debates", exact.to_owned()).await.must(201);
    let path = format!("/api/v1/debates/{}", answer["debate_id"].as_str().unwrap());
    let text = tenant.admin.get(&path).await.text();
    for kept in ["1.50,123456789012345678901234567890", r#""$serde_json::private::Number":{}"#] {
        assert!(text.contains(kept), "{text}");
    }
}

#[tokio::test]
async fn the_same_record_is_one_and_another_is_a_new_version() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut record = record();
    record["debate_id"] = json!("engine-run-7");
    let first = tenant.admin.post("/api/debates", &record).await.must(201);
    assert_eq!(first["debate_id"], "engine-run-7");
    let again = tenant.admin.post("/api/debates", &record).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    let again = again.must(201);
    assert_eq!((&again["duplicate"], &again["version"]), (&json!(true), &json!(1)));
    // Keys in another order say the same.
    let mut turned: Vec<_> = record.as_object().unwrap().clone().into_iter().collect();
    turned.reverse();
    let turned = Value::Object(turned.into_iter().collect());
    assert_eq!(tenant.admin.post("/api/debates", &turned).await.must(201)["duplicate"], true);
    record["winner"] = json!("bob");
    let next = tenant.admin.post("/api/debates", &record).await.must(200);
    assert_eq!((&next["version"], &next["duplicate"]), (&json!(2), &json!(false)));
    let read = tenant.admin.get("/api/debates/engine-run-7").await.must(200);
    assert_eq!((&read["winner"], &read["version"]), (&json!("bob"), &json!(2)));
    assert_eq!(read["created_at"], first["created_at"]);
    // The same id is another debate in another organisation.
    let other = session.tenant();
    other.admin.get("/api/debates/engine-run-7").await.must_refuse(404);
    assert_eq!(stored(&other, &record).await, "engine-run-7");
}

#[tokio::test]
async fn a_key_makes_one_debate() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let post = async |key: &str, record: &Value| {
        let call = tenant.admin.call(http::Method::POST, "/api/debates");
        call.header("idempotency-key", key).json(record).send().await
    };
    let first = post("k", &record()).await.must(201);
    let again = post("k", &record()).await.must(201);
    assert_eq!(again["debate_id"], first["debate_id"]);
    assert_eq!(again["duplicate"], true);
    let mut other = record();
    other["winner"] = json!("bob");
    assert_eq!(post("k", &other).await.must_refuse(409)["code"], "idempotency_key_reused");
    assert_ne!(post("l", &record()).await.must(201)["debate_id"], first["debate_id"]);
}

#[tokio::test]
async fn subscribers_are_told_once_of_each_record() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let types = ["debate.started", "consensus.reached", "agent.error", "debate.completed"];
    tenant.subscribe(&receiver.url("/hook"), &types).await;
    let mut record = record();
    record["debate_id"] = json!("told");
    record["messages"] = json!([{"agent": "cy", "role": "proposer", "round": 1, "content": "[Error generating proposal: timeout]"}]);
    for _ in 0..3 {
        stored(&tenant, &record).await;
    }
    let told = receiver.at_least("/hook", 4, PATIENCE).await;
    let by_type: BTreeMap<String, Value> =
        told.iter().map(|each| (each.field("event_type"), each.json())).collect();
    assert_eq!(by_type.keys().map(String::as_str).collect::<Vec<_>>(), {
        let mut sorted = types;
        sorted.sort_unstable();
        sorted
    });
    for body in by_type.values() {
        assert_eq!(
            (&body["debate_id"], &body["data"]["debate_id"]),
            (&json!("told"), &json!("told"))
        );
    }
    assert_eq!(by_type["debate.started"]["data"]["agents"], json!(["ada", "bob", "cy"]));
    assert_eq!(by_type["debate.started"]["timestamp"], "2026-02-03T04:05:06Z");
    assert_eq!(by_type["agent.error"]["data"]["agent"], "cy");
    assert_eq!(by_type["consensus.reached"]["data"]["vote_counts"], json!({"ada": 2, "bob": 1}));
    let completed = &by_type["debate.completed"]["data"];
    assert_eq!(
        (&completed["winner"], &completed["duration_seconds"]),
        (&json!("ada"), &json!(60.5))
    );
    // A new version is news, but the debate does not begin again.
    record["confidence"] = json!(0.9);
    stored(&tenant, &record).await;
    let told = receiver.at_least("/hook", 7, PATIENCE).await;
    let started = told.iter().filter(|each| each.field("event_type") == "debate.started").count();
    assert_eq!((told.len(), started), (7, 1));
    let events = tenant.pages("/api/events", "events").await;
    assert_eq!(events.iter().map(Vec::len).sum::<usize>(), 7);
}

#[tokio::test]
async fn debates_are_listed_newest_first() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut record = record();
        record["task"] = json!(format!("Question {number}"));
        ids.push(stored(&tenant, &record).await);
    }
    ids.reverse();
    let listed = async || {
        let pages = tenant.pages("/api/debates?limit=2", "debates").await;
        assert!(pages.iter().all(|page| page.len() <= 2));
        pages.concat()
    };
    let list = eventually(PATIENCE, "the list", async || {
        let list = listed().await;
        (list.len() == 5).then_some(list)
    })
    .await;
    assert_eq!(
        list.iter().map(|line| line["debate_id"].as_str().unwrap()).collect::<Vec<_>>(),
        ids
    );
    let line = &list[0];
    assert_eq!((&line["task"], &line["votes"]), (&json!("Question 4"), &json!(3)));
    assert_eq!((&line["status"], &line["winner"]), (&json!("completed"), &json!("ada")));
    assert!(line.get("proposals").is_none(), "{line}");
    for query in ["limit=0", "limit=101", "cursor=x", "limit=x"] {
        tenant.admin.get(&format!("/api/debates?{query}")).await.must_refuse(400);
    }
    let other = session.tenant();
    assert_eq!(other.admin.get("/api/debates").await.must(200)["debates"], json!([]));
}

#[tokio::test]
async fn an_export_has_everything_page_by_page() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for number in 0..4 {
        let mut record = record();
        record["task"] = json!(format!("=cmd|'{number}'!A0, really"));
        stored(&tenant, &record).await;
    }
    let csv = async |query: &str| {
        let reply = tenant.admin.get(&format!("/api/debates/export?format=csv{query}")).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, "text/csv; charset=utf-8"));
        assert!(reply.header("content-disposition").contains("debates.csv"));
        (reply.text(), reply.header("x-next-cursor").to_owned())
    };
    let (mut text, mut cursor) = eventually(PATIENCE, "the list", async || {
        let all = csv("").await;
        (all.0.lines().count() == 5).then_some(())?;
        Some(csv("&limit=3").await)
    })
    .await;
    while !cursor.is_empty() {
        let (more, next) = csv(&format!("&limit=3&cursor={cursor}")).await;
        text.push_str(&more);
        cursor = next;
    }
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].starts_with("debate_id,status,task,"));
    assert!(lines[1].contains("\"'=cmd|'3'!A0, really\""), "{}", lines[1]);
    assert!(lines[1].contains("\"An in-process cache, warmed at start.\""), "{}", lines[1]);
    let json = tenant.admin.get("/api/debates/export?format=json&limit=3").await.must(200);
    assert_eq!((&json["count"], json["debates"].as_array().unwrap().len()), (&json!(3), 3));
    assert_eq!(json["debates"][0]["engine_build"]["commit"], "abc");
    let path = format!("/api/debates/export?cursor={}", json["next_cursor"].as_str().unwrap());
    let rest = tenant.admin.get(&path).await.must(200);
    assert_eq!((&rest["count"], &rest["next_cursor"]), (&json!(1), &Value::Null));
    tenant.admin.get("/api/debates/export?format=xml").await.must_refuse(400);
    tenant.admin.get("/api/debates/export?limit=1001").await.must_refuse(400);
}

#[tokio::test]
async fn who_may_only_read_stores_nothing() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let viewer = tenant.role("viewer");
    viewer.post("/api/debates", &record()).await.must_refuse(403);
    viewer.post("/api/debates/x/events", &json!({"type": "vote"})).await.must_refuse(403);
    let id = stored(&tenant, &record()).await;
    viewer.get(&format!("/api/debates/{id}")).await.must(200);
}
