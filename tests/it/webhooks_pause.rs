//! Pausing all of an organisation's webhooks, and resuming them.

use aragora_tests::tenant::Webhook;
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::{Value, json};

const URL: &str = "http://127.0.0.1:9/hook";

async fn post(tenant: &Tenant, what: &str, body: &Value) -> Value {
    tenant.admin.post(&format!("/api/webhooks/{what}"), body).await.must(200)
}

async fn state(tenant: &Tenant, webhook: &Webhook) -> (Value, Value) {
    let shown = tenant.admin.get(&webhook.path()).await.must(200);
    (shown["enabled"].clone(), shown["disabled_reason"].clone())
}

fn paused() -> (Value, Value) {
    (json!(false), json!("paused"))
}

fn enabled() -> (Value, Value) {
    (json!(true), Value::Null)
}

#[tokio::test]
async fn what_was_paused_is_resumed_and_nothing_else() {
    let session = Session::shared().await;
    let (tenant, stranger) = (session.tenant(), session.tenant());
    let receiver = Receiver::start().await;
    let theirs = stranger.subscribe(URL, &["vote"]).await;
    let one = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let two = tenant.subscribe(URL, &["debate.started"]).await;
    let off =
        tenant.subscribe_with(json!({"url": URL, "event_types": ["vote"], "enabled": false})).await;

    assert_eq!(tenant.admin.post_raw("/api/webhooks/pause-all", "").await.must(200)["paused"], 2);
    assert_eq!(state(&tenant, &one).await, paused());
    assert_eq!(state(&tenant, &two).await, paused());
    assert_eq!(state(&tenant, &off).await, (json!(false), Value::Null));
    assert_eq!(state(&stranger, &theirs).await, enabled());
    assert_eq!(post(&tenant, "pause-all", &json!({})).await["paused"], 0, "again is safe");

    // Registered since, and so not paused: what it gets has been fanned out, to whoever was enabled.
    tenant.subscribe(&receiver.url("/witness"), &["vote"]).await;
    let unheard = tenant.publish("vote", json!({"n": 1})).await;
    assert_eq!(receiver.nth("/witness", 1).await.field("event_id"), unheard);
    assert_eq!(post(&tenant, "resume-all", &json!({})).await["resumed"], 2);
    assert_eq!(state(&tenant, &one).await, enabled());
    assert_eq!(state(&tenant, &two).await, enabled());
    assert_eq!(state(&tenant, &off).await, (json!(false), Value::Null));
    assert_eq!(post(&tenant, "resume-all", &json!({})).await["resumed"], 0);

    let heard = tenant.publish("vote", json!({"n": 2})).await;
    tenant.receipt(&one, &heard, "DELIVERED").await;
    let first = receiver.nth("/hook", 1).await;
    assert_eq!(first.field("event_id"), heard, "what was published meanwhile makes no delivery");
    assert_ne!(first.field("event_id"), unheard);
}

#[tokio::test]
async fn a_paused_webhook_may_be_switched_by_itself() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let (on, off) =
        (tenant.subscribe(URL, &["vote"]).await, tenant.subscribe(URL, &["vote"]).await);
    post(&tenant, "pause-all", &json!({})).await;
    tenant.admin.patch(&on.path(), &json!({"description": "still paused"})).await.must(200);
    assert_eq!(state(&tenant, &on).await, paused());
    tenant.admin.patch(&on.path(), &json!({"enabled": true})).await.must(200);
    assert_eq!(state(&tenant, &on).await, enabled());
    tenant.admin.patch(&off.path(), &json!({"enabled": false})).await.must(200);
    assert_eq!(state(&tenant, &off).await, (json!(false), Value::Null));
    assert_eq!(post(&tenant, "resume-all", &json!({})).await["resumed"], 0);
    assert_eq!(state(&tenant, &off).await, (json!(false), Value::Null), "its user disabled it");
}

#[tokio::test]
async fn one_project_may_be_paused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let of = |project: &str| json!({"url": URL, "event_types": ["vote"], "project_id": project});
    let mine = tenant.subscribe_with(of("mine")).await;
    let other = tenant.subscribe_with(of("other")).await;
    let only = json!({"project_id": "mine"});
    assert_eq!(post(&tenant, "pause-all", &only).await["paused"], 1);
    assert_eq!((state(&tenant, &mine).await, state(&tenant, &other).await), (paused(), enabled()));
    post(&tenant, "pause-all", &json!({"project_id": null})).await;
    assert_eq!(post(&tenant, "resume-all", &only).await["resumed"], 1);
    assert_eq!((state(&tenant, &mine).await, state(&tenant, &other).await), (enabled(), paused()));
    for what in ["pause-all", "resume-all"] {
        for bad in [json!({"project_id": 5}), json!({"project_id": "a#b"})] {
            let reply = tenant.admin.post(&format!("/api/webhooks/{what}"), &bad).await;
            assert!(reply.names("project_id"), "{}", reply.text());
        }
    }
}

#[tokio::test]
async fn more_than_a_page_of_them() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let many = vec![json!({"url": URL, "event_types": ["vote"]}); 100];
    for _ in 0..2 {
        tenant.admin.post("/api/webhooks/bulk", &json!(many)).await.must(201);
    }
    tenant.subscribe(URL, &["vote"]).await;
    assert_eq!(post(&tenant, "pause-all", &json!({})).await["paused"], 201);
    assert_eq!(post(&tenant, "resume-all", &json!({})).await["resumed"], 201);
    let pages = tenant.pages("/api/webhooks?limit=100&active_only=true", "webhooks").await;
    assert_eq!(pages.into_iter().flatten().count(), 201);
}

#[tokio::test]
async fn two_at_once_count_each_webhook_once() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let many = vec![json!({"url": URL, "event_types": ["vote"]}); 40];
    tenant.admin.post("/api/webhooks/bulk", &json!(many)).await.must(201);
    let nothing = json!({});
    let (one, other) = futures_util::join!(
        post(&tenant, "pause-all", &nothing),
        post(&tenant, "pause-all", &nothing)
    );
    assert_eq!(one["paused"].as_u64().unwrap() + other["paused"].as_u64().unwrap(), 40);
}

#[tokio::test]
async fn a_clean_slate_after_a_pause_and_for_another_url() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(500)]);
    let webhook = tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
    let failures =
        async || tenant.admin.get(&webhook.path()).await.must(200)["failure_count"].clone();
    let fail = async |n: u32| {
        let event = tenant.publish("vote", json!({"n": n})).await;
        tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
        aragora_tests::wait::eventually(
            aragora_tests::wait::PATIENCE,
            "the failure to count",
            async || (failures().await == 1).then_some(()),
        )
        .await;
    };
    fail(1).await;
    post(&tenant, "pause-all", &json!({})).await;
    assert_eq!(failures().await, 1);
    post(&tenant, "resume-all", &json!({})).await;
    assert_eq!(failures().await, 0);
    fail(2).await;
    tenant.admin.patch(&webhook.path(), &json!({"description": "d"})).await.must(200);
    assert_eq!(failures().await, 1, "any other change leaves it");
    let moved = json!({"url": receiver.url("/elsewhere")});
    assert_eq!(tenant.admin.patch(&webhook.path(), &moved).await.must(200)["failure_count"], 0);
    assert_eq!(failures().await, 0);
}
