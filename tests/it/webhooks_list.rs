//! Listing an organisation's webhooks, page by page.

use std::collections::BTreeSet;

use aragora_tests::{Session, Tenant};
use serde_json::{Value, json};

async fn register(tenant: &Tenant, count: usize) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for number in 0..count {
        let url = format!("http://127.0.0.1:9/{number}");
        ids.insert(tenant.subscribe(&url, &["debate.started"]).await.id);
    }
    ids
}

fn id(webhook: &Value) -> String {
    webhook["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_organisation_starts_with_no_webhooks() {
    let session = Session::shared().await;
    let list = session.tenant().admin.get("/api/webhooks").await.must(200);
    assert_eq!(list["webhooks"], json!([]));
    assert_eq!(list["count"], 0);
    assert!(list["next_cursor"].is_null());
}

#[tokio::test]
async fn the_cursor_walks_without_gaps_or_repeats() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let registered = register(&tenant, 7).await;
    let pages = tenant.pages("/api/webhooks?limit=3", "webhooks").await;
    assert!(pages.iter().all(|page| page.len() <= 3));
    let listed: Vec<String> = pages.iter().flatten().map(id).collect();
    assert_eq!(listed.len(), 7);
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), registered);
}

#[tokio::test]
async fn active_only_leaves_out_the_disabled() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let registered = register(&tenant, 3).await;
    let off = registered.first().unwrap();
    tenant.admin.patch(&format!("/api/webhooks/{off}"), &json!({"enabled": false})).await.must(200);

    let active = tenant.pages("/api/webhooks?active_only=true&limit=2", "webhooks").await;
    let active: BTreeSet<String> = active.iter().flatten().map(id).collect();
    assert_eq!(active, registered.iter().filter(|each| *each != off).cloned().collect());
    let all = tenant.admin.get("/api/webhooks?active_only=false").await.must(200);
    assert_eq!(all["webhooks"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn listed_webhooks_have_every_field_and_no_secret() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    register(&tenant, 1).await;
    let list = tenant.admin.get("/api/webhooks").await.must(200);
    let webhook = list["webhooks"][0].as_object().unwrap();
    for field in [
        "id",
        "url",
        "event_types",
        "enabled",
        "disabled_reason",
        "description",
        "failure_count",
        "circuit_state",
        "last_triggered_at",
        "last_success_at",
        "last_failure_at",
        "last_failure_reason",
        "created_at",
        "updated_at",
    ] {
        assert!(webhook.contains_key(field), "{field} in {webhook:?}");
    }
    assert!(webhook.get("secret").is_none_or(Value::is_null));
}

#[tokio::test]
async fn bad_page_parameters_are_named() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (query, field) in [
        ("limit=many", "limit"),
        ("limit=-1", "limit"),
        ("limit=0", "limit"),
        ("limit=1.5", "limit"),
        ("cursor=!!", "cursor"),
        ("cursor=bm90IG91cnM", "cursor"),
        ("active_only=perhaps", "active_only"),
    ] {
        let reply = tenant.admin.get(&format!("/api/webhooks?{query}")).await;
        assert!(reply.names(field), "{query}: {}", reply.text());
    }
}

#[tokio::test]
async fn another_organisations_cursor_shows_nothing_of_it() {
    let session = Session::shared().await;
    let (theirs, ours) = (session.tenant(), session.tenant());
    register(&theirs, 3).await;
    let page = theirs.admin.get("/api/webhooks?limit=1").await.must(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let stolen = ours.admin.get(&format!("/api/webhooks?cursor={cursor}")).await;
    match stolen.status {
        200 => assert_eq!(stolen.json()["webhooks"], json!([])),
        _ => assert!(stolen.names("cursor"), "{}", stolen.text()),
    }
}
