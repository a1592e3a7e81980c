//! Explanations of single debates over HTTP: formats, parts, comparison.

use aragora_tests::{Session, Tenant};
use serde_json::{Value, json};

use crate::debates::{record, stored};

/// The worked example of the specification.
fn worked_example() -> Value {
    json!({
        "task": "A or B?",
        "agents": ["claude", "gpt4", "gemini"],
        "rounds": 3,
        "proposals": [
            {"agent": "claude", "round": 1, "content": "A, because it is simple."},
            {"agent": "gpt4", "round": 1, "content": "B, because it is fast."},
        ],
        "critiques": [{"critic": "gemini", "target": "gpt4", "round": 2, "content": "Not when it is cold."}],
        "votes": [
            {"agent": "claude", "choice": "A", "weight": 1.0},
            {"agent": "gpt4", "choice": "A", "weight": 1.0},
            {"agent": "gemini", "choice": "B", "weight": 1.0},
        ],
        "positions": {"gpt4": [
            {"position": "B", "confidence": 0.6, "round": 1},
            {"position": "A", "confidence": 0.7, "round": 3},
        ]},
        "consensus_margin": 0.5,
        "consensus_reached": true,
    })
}

async fn explained(tenant: &Tenant, id: &str, query: &str) -> Value {
    tenant.admin.get(&format!("/api/explainability/debate/{id}{query}")).await.must(200)
}

fn near(value: &Value, wanted: f64) {
    let is_near = value.as_f64().is_some_and(|value| (value - wanted).abs() < 5e-7);
    assert!(is_near, "{value} is not {wanted}");
}

#[tokio::test]
async fn the_worked_example_comes_out() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut example = worked_example();
    // Without weights, calibration is no part of it.
    for vote in example["votes"].as_array_mut().unwrap() {
        vote.as_object_mut().unwrap().remove("weight");
    }
    let id = stored(&tenant, &example).await;
    let detailed = explained(&tenant, &id, "").await;
    assert_eq!((&detailed["format"], &detailed["debate_id"]), (&json!("detailed"), &json!(id)));
    near(&detailed["consensus_strength"], 2.0 / 3.0);
    let factor = |name: &str| {
        let factors = detailed["factors"].as_array().unwrap();
        factors.iter().find(|factor| factor["name"] == name).unwrap()["contribution"].clone()
    };
    near(&factor("evidence"), 0.46);
    near(&factor("consensus"), 0.40);
    near(&factor("efficiency"), 0.14);
    near(&detailed["scores"]["evidence_quality"], 0.766_667);
    near(&detailed["scores"]["agent_agreement"], 0.666_667);
    near(&detailed["scores"]["belief_stability"], 0.888_889);
    let vote = |agent: &str| {
        detailed["votes"].as_array().unwrap().iter().find(|vote| vote["agent"] == agent).unwrap()
    };
    for (agent, influence, pivotal) in
        [("claude", 0.5, true), ("gpt4", 0.5, true), ("gemini", 0.25, false)]
    {
        near(&vote(agent)["influence"], influence);
        assert_eq!(vote(agent)["pivotal"], pivotal, "{agent}");
    }
}

#[tokio::test]
async fn each_format_has_its_keys() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let id = stored(&tenant, &record()).await;
    let summary = explained(&tenant, &id, "?format=summary").await;
    let detailed = explained(&tenant, &id, "?format=detailed").await;
    let visual = explained(&tenant, &id, "?format=visual").await;
    for explanation in [&summary, &detailed, &visual] {
        for key in [
            "debate_id",
            "format",
            "summary",
            "reasoning_chain",
            "key_factors",
            "consensus_strength",
            "consensus_reached",
            "confidence",
            "generated_at",
            "warnings",
        ] {
            assert!(explanation.get(key).is_some(), "{key}: {explanation}");
        }
    }
    assert!(summary["reasoning_chain"].as_array().unwrap().len() <= 5);
    for key in [
        "factors",
        "votes",
        "evidence",
        "counterfactuals",
        "belief_changes",
        "dissent",
        "scores",
        "decision",
        "evidence_chain",
        "vote_pivots",
    ] {
        assert!(detailed.get(key).is_some(), "{key}");
    }
    let verbs: Vec<&str> = detailed["reasoning_chain"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["action"].as_str().unwrap().split([' ', ':']).next().unwrap())
        .collect();
    for verb in ["Proposed", "Challenged", "Voted", "Decided"] {
        assert!(verbs.contains(&verb), "{verb}: {verbs:?}");
    }
    assert_eq!(detailed["dissent"][0]["agent"], "bob");
    assert!(!visual["graph"]["nodes"].as_array().unwrap().is_empty());
    for query in ["?format=poem", "?as=pdf", "?format=summary&format=visual"] {
        let path = format!("/api/explainability/debate/{id}{query}");
        tenant.admin.get(&path).await.must_refuse(400);
    }
    tenant.admin.get("/api/explain/nobodys").await.must_refuse(404);
    session.tenant().admin.get(&format!("/api/explain/{id}")).await.must_refuse(404);
}

#[tokio::test]
async fn a_page_and_a_picture_are_self_contained() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let id = stored(&tenant, &record()).await;
    let path = format!("/api/explainability/debate/{id}?format=visual");
    let browser = tenant.admin.call(http::Method::GET, &path);
    let page = browser.header("accept", "text/html,*/*;q=0.8").send().await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert_eq!(page.header("vary"), "Accept, Origin");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("style-src 'unsafe-inline'"));
    let text = page.text();
    assert!(
        text.starts_with("<!doctype html>") && text.contains("Which cache should the gateway use?")
    );
    assert!(text.contains("<svg") && !text.contains("<script"));
    let picture = tenant.admin.get(&format!("{path}&as=svg")).await;
    assert_eq!(picture.header("content-type"), "image/svg+xml; charset=utf-8");
    assert!(picture.text().contains("<svg"));
    // A program that takes anything gets JSON.
    tenant.admin.get(&path).await.must(200);
}

#[tokio::test]
async fn parts_can_be_had_alone() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let id = stored(&tenant, &record()).await;
    let part = async |name: &str| {
        let part = tenant.admin.get(&format!("/api/debates/{id}/{name}")).await.must(200);
        assert_eq!(part["debate_id"], json!(id));
        part
    };
    assert!(!part("evidence").await["evidence"].as_array().unwrap().is_empty());
    assert_eq!(part("votes/pivots").await["votes"].as_array().unwrap().len(), 3);
    let counterfactuals = part("counterfactuals").await;
    let without = counterfactuals["counterfactuals"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["kind"] == "without_agent" && it["agent"] == "ada")
        .unwrap();
    assert_eq!((&without["winner"], &without["changed"]), (&Value::Null, &json!(true)));
    assert!(part("summary").await["summary"].as_str().unwrap().contains("ada"));
    assert_eq!(part("explanation").await["format"], "detailed");
}

#[tokio::test]
async fn debates_are_compared() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let (one, two) = (stored(&tenant, &record()).await, stored(&tenant, &worked_example()).await);
    let body = json!({"debate_ids": [one, two]});
    let compared = tenant.admin.post("/api/explainability/compare", &body).await.must(200);
    assert!(compared.to_string().contains(&one) && compared.to_string().contains(&two));
    let path = format!("/api/explainability/compare?decision_1={one}&decision_2={two}");
    assert_eq!(tenant.admin.get(&path).await.must(200), compared);
    for body in [
        json!({}),
        json!({"debate_ids": []}),
        json!({"debate_ids": [one]}),
        json!({"debate_ids": [one, one]}),
        json!({"debate_ids": "x"}),
        json!({"debate_ids": ["a#", one]}),
        json!({"debate_ids": (0..11).map(|at| format!("deb-{at}")).collect::<Vec<_>>()}),
    ] {
        let reply = tenant.admin.post("/api/explainability/compare", &body).await;
        assert!(reply.status == 400 && reply.names("debate_ids"), "{body}: {}", reply.text());
    }
    let unknown = json!({"debate_ids": [one, "deb-none"]});
    tenant.admin.post("/api/explainability/compare", &unknown).await.must_refuse(404);
}

#[tokio::test]
async fn what_a_record_lacks_is_said() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (record, strength) in [
        (json!({"task": "Which?", "final_answer": "This one.", "confidence": 0.4}), 0.4),
        (json!({"final_answer": "This one."}), 0.0),
        (
            json!({"messages": [{"agent": "ada", "role": "proposer", "round": 0, "content": "This."}]}),
            0.0,
        ),
    ] {
        let id = stored(&tenant, &record).await;
        let explanation = explained(&tenant, &id, "").await;
        near(&explanation["consensus_strength"], strength);
        assert!(!explanation["warnings"].as_array().unwrap().is_empty(), "{explanation}");
        assert!(!explanation["summary"].as_str().unwrap().is_empty());
    }
}
