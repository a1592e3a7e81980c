//! What users do with webhooks, told to those who subscribe to it.

use std::collections::BTreeMap;
use std::time::Duration;

use aragora_tests::wait::{PATIENCE, eventually, holds_for};
use aragora_tests::{Received, Receiver, Session, Tenant};
use serde_json::{Value, json};

const URL: &str = "http://127.0.0.1:9/hook";

/// What `/news` was told of a webhook, by type.
fn told(receiver: &Receiver, webhook: &str) -> BTreeMap<String, Vec<Value>> {
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let of_it = |request: &Received| request.json()["data"]["webhook_id"] == webhook;
    for request in receiver.received("/news").iter().filter(|request| of_it(request)) {
        told.entry(request.field("event_type")).or_default().push(request.json()["data"].clone());
    }
    told
}

async fn news(receiver: &Receiver, webhook: &str, event_type: &str, count: usize) -> Vec<Value> {
    eventually(PATIENCE, &format!("{count} of {event_type}"), async || {
        let of_type = told(receiver, webhook).remove(event_type).unwrap_or_default();
        (of_type.len() == count).then_some(of_type)
    })
    .await
}

async fn watched(session: &Session) -> (Tenant, Receiver) {
    let (tenant, receiver) = (session.tenant(), Receiver::start().await);
    tenant.subscribe(&receiver.url("/news"), &["webhook.*"]).await;
    (tenant, receiver)
}

#[tokio::test]
async fn the_whole_life_of_a_webhook_is_told() {
    let session = Session::shared().await;
    let (tenant, receiver) = watched(&session).await;
    let webhook = tenant.subscribe(URL, &["vote"]).await;
    let plain = json!({"webhook_id": webhook.id, "url": URL, "reason": null});
    let id = webhook.id.as_str();
    assert_eq!(news(&receiver, id, "webhook.created", 1).await[0], plain);

    tenant.admin.patch(&webhook.path(), &json!({"description": "d"})).await.must(200);
    assert_eq!(news(&receiver, id, "webhook.updated", 1).await[0], plain);

    let rotated =
        tenant.admin.post(&format!("{}/rotate-secret", webhook.path()), &json!({})).await.must(200);
    let mut data = plain.clone();
    data["old_secret_valid_until"] = rotated["old_secret_valid_until"].clone();
    assert!(data["old_secret_valid_until"].is_string());
    assert_eq!(news(&receiver, id, "webhook.secret_rotated", 1).await, [data]);

    tenant.admin.patch(&webhook.path(), &json!({"secret": "another secret"})).await.must(200);
    let rotations = news(&receiver, id, "webhook.secret_rotated", 2).await;
    assert!(rotations.iter().any(|data| data["old_secret_valid_until"].is_null()));

    tenant.admin.patch(&webhook.path(), &json!({"enabled": false})).await.must(200);
    let disabled = news(&receiver, id, "webhook.disabled", 1).await;
    assert_eq!(disabled[0]["reason"], "user");
    tenant.admin.patch(&webhook.path(), &json!({"enabled": true})).await.must(200);
    assert_eq!(news(&receiver, id, "webhook.enabled", 1).await[0], plain);

    tenant.admin.delete(&webhook.path()).await.must_succeed();
    assert_eq!(news(&receiver, id, "webhook.deleted", 1).await[0], plain);
    assert_eq!(told(&receiver, id)["webhook.updated"].len(), 1, "flips and secrets are no updates");
    for request in receiver.received("/news") {
        let text = request.text();
        let new = rotated["secret"].as_str().unwrap();
        for secret in [webhook.secret.as_str(), new, "another secret"] {
            assert!(!text.contains(secret), "news tells a secret");
        }
    }
}

#[tokio::test]
async fn what_changes_nothing_is_no_news() {
    let session = Session::shared().await;
    let (tenant, receiver) = watched(&session).await;
    let webhook = tenant.subscribe(URL, &["vote"]).await;
    tenant.admin.patch(&webhook.path(), &json!({})).await.must(200);
    tenant.admin.patch(&webhook.path(), &json!({"enabled": true, "url": URL})).await.must(200);
    assert!(tenant.admin.patch(&webhook.path(), &json!({"url": ""})).await.names("url"));
    news(&receiver, &webhook.id, "webhook.created", 1).await;
    holds_for(Duration::from_secs(2), "nothing but its creation", async || {
        told(&receiver, &webhook.id).len() == 1
    })
    .await;
}

#[tokio::test]
async fn many_at_once_are_told_one_by_one() {
    let session = Session::shared().await;
    let (tenant, receiver) = watched(&session).await;
    let wish = json!({"url": URL, "event_types": ["vote"]});
    let list = json!({"webhooks": [wish, {"url": "ftp://x/"}, wish]});
    let answer = tenant.admin.post("/api/webhooks/bulk", &list).await.must(201);
    for at in [0, 2] {
        let id = answer["results"][at]["webhook"]["id"].as_str().unwrap();
        news(&receiver, id, "webhook.created", 1).await;
    }
    // Paused, nobody hears; resumed, everybody does.
    let path = |what: &str| format!("/api/webhooks/{what}");
    tenant.admin.post(&path("pause-all"), &json!({})).await.must(200);
    assert_eq!(tenant.admin.post(&path("resume-all"), &json!({})).await.must(200)["resumed"], 3);
    for at in [0, 2] {
        let id = answer["results"][at]["webhook"]["id"].as_str().unwrap();
        news(&receiver, id, "webhook.enabled", 1).await;
    }
}

#[tokio::test]
async fn news_stays_in_its_project_and_organisation() {
    let session = Session::shared().await;
    let (tenant, receiver) = watched(&session).await;
    let other = json!({"url": URL, "event_types": ["vote"], "project_id": "other"});
    let elsewhere = tenant.subscribe_with(other).await;
    let theirs = session.tenant().subscribe(URL, &["vote"]).await;
    let ours = tenant.subscribe(URL, &["vote"]).await;
    news(&receiver, &ours.id, "webhook.created", 1).await;
    holds_for(Duration::from_secs(2), "no news of others", async || {
        told(&receiver, &theirs.id).is_empty() && told(&receiver, &elsewhere.id).is_empty()
    })
    .await;
}
