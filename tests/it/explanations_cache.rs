//! The cache of explanations: never an old one, and called off in four ways.

use aragora_tests::{Session, Tenant};
use serde_json::{Value, json};

use crate::debates::{record, stored};

async fn explained(tenant: &Tenant, id: &str) -> Value {
    tenant.admin.get(&format!("/api/explainability/debate/{id}")).await.must(200)
}

async fn statistics(tenant: &Tenant) -> Value {
    tenant.admin.get("/api/explainability/cache").await.must(200)
}

async fn call_off(tenant: &Tenant, what: &Value) -> Value {
    tenant.admin.post("/api/explainability/cache/invalidate", what).await.must(200)
}

#[tokio::test]
async fn what_was_explained_is_remembered_until_the_debate_changes() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut record = record();
    record["debate_id"] = json!("remembered");
    let id = stored(&tenant, &record).await;
    let first = explained(&tenant, &id).await;
    for _ in 0..5 {
        assert_eq!(explained(&tenant, &id).await, first, "with the time of its making");
    }
    let known = statistics(&tenant).await;
    assert_eq!((&known["total_entries"], &known["misses"]), (&json!(1), &json!(1)));
    assert_eq!(known["hits"], 5);
    assert!((known["hit_rate"].as_f64().unwrap() - 5.0 / 6.0).abs() < 1e-9);
    record["winner"] = json!("cy");
    record["votes"] = json!({"ada": "cy", "bob": "cy", "cy": "cy"});
    stored(&tenant, &record).await;
    for _ in 0..5 {
        assert_eq!(explained(&tenant, &id).await["winner"], "cy");
    }
    assert_eq!(statistics(&tenant).await["misses"], 2);
}

#[tokio::test]
async fn it_is_called_off_by_workspace_agent_and_tag() {
    let session = Session::shared().await;
    for (what, count) in [
        (json!({"workspace_id": "ws-1"}), 1),
        (json!({"workspace_id": "ws-2"}), 0),
        (json!({"agent": "bob"}), 1),
        (json!({"agent": "bob", "version": "2.1"}), 1),
        (json!({"agent": "bob", "version": "2.0"}), 0),
        (json!({"agent": "eve"}), 0),
        (json!({"tag": "urgent"}), 1),
        (json!({"tag": "calm"}), 0),
    ] {
        let tenant = session.tenant();
        let id = stored(&tenant, &record()).await;
        let first = explained(&tenant, &id).await;
        // The index that they are counted by is eventually consistent, their staleness is not.
        let answer = call_off(&tenant, &what).await;
        assert_eq!(
            (&answer["invalidated"], &answer["lazy"]),
            (&json!(count), &json!(false)),
            "{what}"
        );
        let again = explained(&tenant, &id).await;
        assert_eq!(again["generated_at"] == first["generated_at"], count == 0, "{what}");
        let known = statistics(&tenant).await;
        assert_eq!(known["invalidations"], count, "{what}");
        assert_eq!(known["misses"], 1 + count, "{what}");
    }
}

#[tokio::test]
async fn a_new_policy_version_makes_all_stale() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let id = stored(&tenant, &record()).await;
    let first = explained(&tenant, &id).await;
    let answer = call_off(&tenant, &json!({"policy_version": "v2.0.0"})).await;
    assert_eq!((&answer["invalidated"], &answer["lazy"]), (&json!(0), &json!(true)));
    let known = statistics(&tenant).await;
    assert_eq!(
        (&known["current_policy_version"], &known["total_entries"]),
        (&json!("v2.0.0"), &json!(1))
    );
    let second = explained(&tenant, &id).await;
    assert_ne!(second["generated_at"], first["generated_at"]);
    assert_eq!(explained(&tenant, &id).await, second);
    // Nothing of it is another organisation's.
    assert_eq!(statistics(&session.tenant()).await["current_policy_version"], "");
}

#[tokio::test]
async fn what_is_no_invalidation_is_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (body, field) in [
        (json!({}), "body"),
        (json!({"workspace_id": "a", "tag": "b"}), "body"),
        (json!({"version": "1"}), "body"),
        (json!({"tag": ""}), "tag"),
        (json!({"tag": 5}), "tag"),
        (json!({"agent": "x".repeat(257)}), "agent"),
    ] {
        let reply = tenant.admin.post("/api/explainability/cache/invalidate", &body).await;
        assert!(reply.status == 400 && reply.names(field), "{body}: {}", reply.text());
    }
    let editor = tenant.role("editor");
    let body = json!({"tag": "a"});
    editor.post("/api/explainability/cache/invalidate", &body).await.must_refuse(403);
    editor.get("/api/explainability/cache").await.must(200);
}
