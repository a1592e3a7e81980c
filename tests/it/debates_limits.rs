//! What is no record, or too much of one.

use aragora_tests::{Session, Tenant};
use serde_json::{Value, json};

use crate::debates::{record, stored};

async fn refused(tenant: &Tenant, record: &Value, field: &str) {
    let reply = tenant.admin.post("/api/debates", record).await;
    assert!(reply.status == 400 && reply.names(field), "{field}: {}", reply.text());
}

#[tokio::test]
async fn every_bad_field_is_named() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (field, value) in [
        ("debate_id", json!(7)),
        ("debate_id", json!("")),
        ("debate_id", json!("a#b")),
        ("debate_id", json!("x".repeat(129))),
        ("task", json!(5)),
        ("task", json!(["Which?"])),
        ("task", json!("x".repeat(20_001))),
        ("agents", json!("ada")),
        ("agents", json!([5])),
        ("rounds", json!("three")),
        ("rounds", json!(-1)),
        ("messages", json!("hello")),
        ("proposals", json!(5)),
        ("critiques", json!(true)),
        ("votes", json!("ada")),
        ("votes", json!([{"agent": "ada", "choice": "ada", "confidence": 1.2}])),
        ("positions", json!("x")),
        ("evidence", json!({"a": 1})),
        ("consensus_reached", json!("yes")),
        ("winner", json!(1)),
        ("final_answer", json!(5)),
        ("confidence", json!(1.2)),
        ("confidence", json!(-0.1)),
        ("confidence", json!("high")),
        ("consensus_margin", json!(2)),
        ("vote_counts", json!([1])),
        ("duration_seconds", json!("long")),
    ] {
        let mut wrong = record();
        wrong[field] = value;
        refused(&tenant, &wrong, field).await;
    }
    for body in ["", "[]", "5", "null", "{", "{\"a\":1e999}x"] {
        tenant.admin.post_raw("/api/debates", body.to_owned()).await.must_refuse(400);
    }
    let text = record().to_string().replace("0.8", "1e999");
    let reply = tenant.admin.post_raw("/api/debates", text).await;
    assert!(reply.status == 400 && reply.names("confidence"), "{}", reply.text());
}

#[tokio::test]
async fn a_large_record_is_stored_and_a_larger_one_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut large = record();
    // Far over what an item of the table holds, and text that packs badly.
    let mut state = 7_u32;
    let text: String = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_digit((state >> 20) % 36, 36).unwrap()
    })
    .take(3_900_000)
    .collect();
    large["proposals"]["ada"] = json!(text);
    let id = stored(&tenant, &large).await;
    let read = tenant.admin.get(&format!("/api/debates/{id}")).await.must(200);
    assert!(read["proposals"]["ada"] == large["proposals"]["ada"]);
    let explained = tenant.admin.get(&format!("/api/explainability/debate/{id}")).await.must(200);
    assert_eq!(explained["votes"].as_array().unwrap().len(), 3);
    large["proposals"]["bob"] = json!("x".repeat(300_000));
    tenant.admin.post("/api/debates", &large).await.must_refuse(413);
}

#[tokio::test]
async fn hostile_text_is_kept_and_harms_nothing() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let nasty = "<script>alert(1)</script>\u{0}\u{7}\u{202e}]]>\"><img src=x onerror=alert(1)> {{7*7}} ${x} %s";
    let hostile = json!({
        "task": nasty, "domain": nasty,
        "agents": [nasty, "ok"],
        "messages": [{"agent": nasty, "role": nasty, "round": 1, "content": nasty}],
        "proposals": {nasty: nasty},
        "votes": {nasty: nasty, "ok": nasty},
        "vote_reasoning": {"ok": nasty},
        "evidence": [{"source": nasty, "content": nasty}],
        "winner": nasty, "final_answer": nasty,
        nasty: {"inner": nasty},
    });
    let id = stored(&tenant, &hostile).await;
    let read = tenant.admin.get(&format!("/api/debates/{id}")).await.must(200);
    assert_eq!((&read["task"], &read[nasty]), (&json!(nasty), &hostile[nasty]));
    for form in ["", "?format=summary", "?format=visual"] {
        tenant.admin.get(&format!("/api/explainability/debate/{id}{form}")).await.must(200);
    }
    for form in ["html", "svg"] {
        let path = format!("/api/explainability/debate/{id}?format=visual&as={form}");
        let page = tenant.admin.get(&path).await;
        assert_eq!(page.status, 200);
        let text = page.text().to_lowercase();
        assert!(!text.contains("<script") && !text.contains("<img") && !text.contains('\u{0}'));
        assert!(text.contains("&lt;script"), "{form}");
    }
}

#[tokio::test]
async fn two_hundred_agents_are_explained() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let votes: serde_json::Map<String, Value> = (0..200)
        .map(|number| {
            (format!("agent-{number:03}"), json!(if number % 3 == 0 { "left" } else { "right" }))
        })
        .collect();
    let id = stored(&tenant, &json!({"task": "Left or right?", "votes": votes})).await;
    let explained = tenant.admin.get(&format!("/api/explain/{id}")).await.must(200);
    assert_eq!(explained["votes"].as_array().unwrap().len(), 200);
    assert!((explained["consensus_strength"].as_f64().unwrap() - 0.665).abs() < 1e-9);
    for form in ["html", "svg"] {
        let path = format!("/api/explain/{id}?format=visual&as={form}");
        assert_eq!(tenant.admin.get(&path).await.status, 200);
    }
}

#[tokio::test]
async fn who_votes_twice_or_for_nobody_is_warned_about() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let votes = json!([
        {"agent": "ada", "choice": "bob"},
        {"agent": "bob", "choice": "bob"},
        {"agent": "ada", "choice": "ada"},
        {"agent": "cy", "choice": ""},
    ]);
    let record = json!({"task": "Who?", "agents": ["ada", "bob", "cy"], "votes": votes});
    let answer = tenant.admin.post("/api/debates", &record).await.must(201);
    let warnings = answer["warnings"].to_string();
    assert!(warnings.contains("ada") && warnings.contains("cy"), "{warnings}");
    let path = format!("/api/explain/{}", answer["debate_id"].as_str().unwrap());
    let explained = tenant.admin.get(&path).await.must(200);
    assert_eq!(explained["votes"].as_array().unwrap().len(), 2);
    assert_eq!(explained["votes"][0]["choice"], "ada");
    assert_eq!(
        (&explained["winner"], &explained["consensus_reached"]),
        (&Value::Null, &json!(false))
    );
}
