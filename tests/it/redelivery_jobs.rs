//! Redelivery jobs over HTTP: counted first, worked off by the `redeliver` function, followed and
//! cancelled.

use std::time::Duration;

use aragora_tests::clock::{now_millis, rfc3339};
use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually, holds_for};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use http::Method;
use serde_json::{Value, json};

/// Longer than a message takes from its queue to a receiver.
const A_WHILE: Duration = Duration::from_secs(4);
/// What many deliveries on a busy machine may take.
pub(crate) const LONG: Duration = Duration::from_mins(3);
pub(crate) const RETRY: &str = "/api/webhooks/dead-letter/retry";
pub(crate) const JOBS: &str = "/api/webhooks/jobs";

/// `count` deliveries that are given up at once, each to a webhook of its own at `url`: several
/// failures in a row would open a circuit and hold the rest back.
pub(crate) async fn given_up(tenant: &Tenant, url: &str, count: usize) {
    let webhook = json!({
        "url": url,
        "event_types": ["vote"],
        "retry_policy": {"max_retries": 0, "timeout_seconds": 5},
    });
    for chunk in vec![webhook; count].chunks(100) {
        tenant.admin.post("/api/webhooks/bulk", &json!({"webhooks": chunk})).await.must(201);
    }
    tenant.publish("vote", json!({})).await;
    eventually(LONG, &format!("{count} dead letters"), async || {
        (listed(tenant).await == count).then_some(())
    })
    .await;
}

pub(crate) async fn listed(tenant: &Tenant) -> usize {
    let path = "/api/webhooks/dead-letter?limit=100";
    tenant.pages(path, "dead_letters").await.iter().map(Vec::len).sum()
}

pub(crate) fn id(job: &Value) -> String {
    job["job_id"].as_str().unwrap_or_else(|| panic!("no job_id in {job}")).to_owned()
}

pub(crate) async fn get(tenant: &Tenant, id: &str) -> Value {
    tenant.admin.get(&format!("{JOBS}/{id}")).await.must(200)
}

/// The job, once it has this status.
pub(crate) async fn ended(tenant: &Tenant, id: &str, status: &str) -> Value {
    eventually(LONG, &format!("job {id} to be {status}"), async || {
        let job = get(tenant, id).await;
        (job["status"] == status).then_some(job)
    })
    .await
}

/// Total, processed, succeeded and failed.
pub(crate) fn counts(job: &Value) -> [u64; 4] {
    ["total", "processed", "succeeded", "failed"]
        .map(|field| job[field].as_u64().unwrap_or_else(|| panic!("no {field} in {job}")))
}

/// How many requests each delivery came with, in all.
pub(crate) fn requests_by_delivery(receiver: &Receiver, path: &str) -> Vec<usize> {
    let mut ids: Vec<String> = receiver
        .received(path)
        .iter()
        .map(|request| request.header("x-webhook-delivery-id").to_owned())
        .collect();
    ids.sort();
    ids.chunk_by(|one, other| one == other).map(<[String]>::len).collect()
}

async fn switch(tenant: &Tenant, webhook: &Webhook, enabled: bool) {
    tenant.admin.patch(&webhook.path(), &json!({"enabled": enabled})).await.must(200);
}

fn ago(millis: u64) -> String {
    rfc3339(now_millis() - millis)
}

/// A webhook that was disabled while events were published.
async fn missed(tenant: &Tenant, receiver: &Receiver, events: &[&str]) -> Webhook {
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote", "debate.*"]).await;
    switch(tenant, &webhook, false).await;
    let mut published = Vec::new();
    for event_type in events {
        published.push(tenant.publish(event_type, json!({"a": 1})).await);
    }
    // The index that a recovery walks through is written a moment later.
    eventually(PATIENCE, "the events to be listed", async || {
        let list = tenant.admin.get("/api/events?limit=100").await.must(200).to_string();
        published.iter().all(|id| list.contains(id.as_str())).then_some(())
    })
    .await;
    // And the fan-out of the last has found it disabled.
    let marker = tenant.subscribe(&receiver.url("/marker"), &["critique"]).await;
    let event = tenant.publish("critique", json!({})).await;
    tenant.receipt(&marker, &event, "DELIVERED").await;
    webhook
}

#[tokio::test]
async fn many_dead_letters_are_sent_once_more() {
    let session = Session::shared().await;
    let (tenant, receiver) = (session.tenant(), Receiver::start().await);
    receiver.behave("/hook", |_| Answer::status(500));
    given_up(&tenant, &receiver.url("/hook"), 30).await;
    receiver.behave("/hook", |_| Answer::status(200));

    let dry = tenant.admin.post(RETRY, &json!({"dry_run": true})).await.must(200);
    assert_eq!((&dry["dry_run"], &dry["complete"]), (&json!(true), &json!(true)));
    assert_eq!((counts(&dry), &dry["job_id"]), ([30, 0, 0, 0], &Value::Null));
    assert_eq!(dry["status"], "completed");
    let none = tenant.admin.get(JOBS).await.must(200);
    assert_eq!((&none["jobs"], &none["next_cursor"]), (&json!([]), &Value::Null));
    holds_for(A_WHILE, "30 requests", async || receiver.count("/hook") == 30).await;

    let job = tenant.admin.post(RETRY, &json!({})).await.must(202);
    assert_eq!((&job["kind"], &job["dry_run"]), (&json!("dead_letters"), &json!(false)));
    assert_eq!((job["status"].as_str(), job["total"].as_u64()), (Some("queued"), Some(30)));
    let done = ended(&tenant, &id(&job), "completed").await;
    assert_eq!(counts(&done), [30, 30, 30, 0]);
    receiver.at_least("/hook", 60, LONG).await;
    holds_for(A_WHILE, "60 requests", async || receiver.count("/hook") == 60).await;
    assert_eq!(requests_by_delivery(&receiver, "/hook"), vec![2; 30]);
    assert_eq!(listed(&tenant).await, 0);
    assert_eq!(get(&tenant, &id(&job)).await, done);
    tenant.admin.delete(&format!("{JOBS}/{}", id(&job))).await.must_refuse(409);
}

#[tokio::test]
async fn only_those_that_are_meant_are_sent_again() {
    let session = Session::shared().await;
    let (tenant, receiver) = (session.tenant(), Receiver::start().await);
    receiver.behave("/one", |_| Answer::status(500));
    receiver.behave("/two", |_| Answer::status(500));
    receiver.behave("/three", |_| Answer::status(500));
    let one = tenant.subscribe_once(&receiver.url("/one"), &["vote"]).await;
    let two = tenant.subscribe_once(&receiver.url("/two"), &["vote"]).await;
    let three = tenant.subscribe_once(&receiver.url("/three"), &["vote"]).await;
    let events = [tenant.publish("vote", json!({})).await, tenant.publish("vote", json!({})).await];
    let mut deliveries = Vec::new();
    for event in &events {
        for webhook in [&one, &two, &three] {
            let receipt = tenant.receipt(webhook, event, "DEAD_LETTERED").await;
            deliveries.push(receipt["delivery_id"].as_str().unwrap().to_owned());
        }
    }
    eventually(PATIENCE, "6 dead letters", async || (listed(&tenant).await == 6).then_some(()))
        .await;
    let total = async |body: Value| {
        let mut body = body;
        body["dry_run"] = json!(true);
        tenant.admin.post(RETRY, &body).await.must(200)["total"].clone()
    };
    assert_eq!(total(json!({"webhook_id": one.id})).await, 2);
    assert_eq!(total(json!({"webhook_id": "wh-none"})).await, 0);
    assert_eq!(total(json!({"event_type": "vote"})).await, 6);
    assert_eq!(total(json!({"event_type": "consensus"})).await, 0);
    assert_eq!(total(json!({"since": ago(0)})).await, 0);
    assert_eq!(total(json!({"until": ago(600_000)})).await, 0);
    assert_eq!(total(json!({"since": ago(600_000), "webhook_id": two.id})).await, 2);
    let unknown = "dlv-018d2728-0a00-7000-8000-000000000000";
    let named = json!({"delivery_ids": [deliveries[0], unknown, deliveries[1], deliveries[0]]});
    assert_eq!(total(named.clone()).await, 3);

    // One that is there, one that is not, and one whose webhook is gone.
    tenant.admin.delete(&two.path()).await.must(200);
    receiver.behave("/one", |_| Answer::status(200));
    let job = tenant.admin.post("/api/webhooks/dead-letters/retry", &named).await.must(202);
    let done = ended(&tenant, &id(&job), "completed").await;
    assert_eq!(counts(&done), [3, 3, 1, 2]);
    tenant.receipt(&one, &events[0], "DELIVERED").await;
    assert_eq!((receiver.count("/one"), receiver.count("/two")), (3, 2));

    // A disabled webhook's are not sent.
    switch(&tenant, &three, false).await;
    let job = tenant.admin.post(RETRY, &json!({"webhook_id": three.id})).await.must(202);
    assert_eq!(job["webhook_id"], json!(three.id));
    let done = ended(&tenant, &id(&job), "completed").await;
    assert_eq!((counts(&done), receiver.count("/three")), ([2, 2, 0, 2], 2));
}

#[tokio::test]
async fn what_was_published_during_a_pause_is_recovered_once() {
    let session = Session::shared().await;
    let (tenant, receiver) = (session.tenant(), Receiver::start().await);
    let since = ago(1_000);
    let webhook = missed(&tenant, &receiver, &["vote", "debate_end", "consensus", "vote"]).await;
    let path = format!("{}/recover", webhook.path());
    let refused = tenant.admin.post(&path, &json!({"since": since})).await.must_refuse(409);
    assert!(refused["error"].as_str().unwrap().contains("disabled"), "{refused}");
    switch(&tenant, &webhook, true).await;

    let dry = async |body: Value| {
        let mut body = body;
        body["dry_run"] = json!(true);
        body["since"] = json!(since);
        tenant.admin.post(&path, &body).await.must(200)["total"].clone()
    };
    assert_eq!(dry(json!({})).await, 3, "consensus is not subscribed to");
    assert_eq!(dry(json!({"event_types": ["debate.*"]})).await, 1);
    assert_eq!(dry(json!({"events": ["consensus"]})).await, 0);
    assert_eq!(receiver.count("/hook"), 0);

    let job = tenant.admin.post(&path, &json!({"since": since})).await.must(202);
    assert_eq!((&job["kind"], &job["webhook_id"]), (&json!("recover"), &json!(webhook.id)));
    let done = ended(&tenant, &id(&job), "completed").await;
    assert_eq!(counts(&done), [3, 3, 3, 0]);
    let requests = receiver.at_least("/hook", 3, PATIENCE).await;
    let mut types: Vec<_> = requests.iter().map(|request| request.field("event_type")).collect();
    types.sort();
    assert_eq!(types, ["debate.completed", "vote", "vote"]);
    eventually(PATIENCE, "three receipts", async || {
        (tenant.receipts(&webhook, "?status=DELIVERED").await.len() == 3).then_some(())
    })
    .await;

    let again = tenant.admin.post(&path, &json!({"since": since})).await.must(202);
    let done = ended(&tenant, &id(&again), "completed").await;
    assert_eq!(counts(&done), [0, 0, 0, 0]);
    holds_for(A_WHILE, "three requests", async || receiver.count("/hook") == 3).await;
}

#[tokio::test]
async fn a_recovery_sends_what_was_given_up_and_what_the_filters_let_through() {
    let session = Session::shared().await;
    let (tenant, receiver) = (session.tenant(), Receiver::start().await);
    let since = ago(1_000);
    receiver.behave("/hook", |_| Answer::status(500));
    let webhook = tenant
        .subscribe_with(json!({
            "url": receiver.url("/hook"), "event_types": ["vote"], "filters": {"domain": "law"},
            "retry_policy": {"max_retries": 0, "timeout_seconds": 5},
        }))
        .await;
    let failed = tenant.publish("vote", json!({"domain": "law"})).await;
    tenant.receipt(&webhook, &failed, "DEAD_LETTERED").await;
    switch(&tenant, &webhook, false).await;
    let paused = tenant.publish("vote", json!({"domain": "law"})).await;
    let filtered = tenant.publish("vote", json!({"domain": "art"})).await;
    let marker = tenant.subscribe(&receiver.url("/marker"), &["critique"]).await;
    let event = tenant.publish("critique", json!({})).await;
    tenant.receipt(&marker, &event, "DELIVERED").await;
    // An event from before a webhook counts as well: its window is the caller's own choice.
    switch(&tenant, &webhook, true).await;
    receiver.behave("/hook", |_| Answer::status(200));

    let path = format!("{}/recover", webhook.path());
    let job = tenant.admin.post(&path, &json!({"since": since})).await.must(202);
    let done = ended(&tenant, &id(&job), "completed").await;
    assert_eq!(counts(&done), [2, 2, 2, 0]);
    let first = tenant.receipt(&webhook, &failed, "DELIVERED").await;
    assert_eq!((&first["generation"], &first["attempt_count"]), (&json!(1), &json!(1)));
    let second = tenant.receipt(&webhook, &paused, "DELIVERED").await;
    assert_eq!((&second["generation"], &second["attempt_count"]), (&json!(0), &json!(1)));
    let receipts = tenant.receipts(&webhook, "?limit=100").await;
    assert!(receipts.iter().all(|receipt| receipt["event_id"] != json!(filtered)));
    holds_for(A_WHILE, "three requests", async || receiver.count("/hook") == 3).await;
}

#[tokio::test]
async fn events_from_before_a_webhook_are_recovered_when_the_window_names_them() {
    let session = Session::shared().await;
    let (tenant, receiver) = (session.tenant(), Receiver::start().await);
    let since = ago(1_000);
    let event = tenant.publish("vote", json!({"early": true})).await;
    let until = rfc3339(now_millis() + 60_000);
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let path = format!("{}/recover", webhook.path());
    // Registered within the slack of two hosts' clocks, the fan-out may have brought it already.
    let body = json!({"since": since, "until": until});
    let job = tenant.admin.post(&path, &body).await.must(202);
    ended(&tenant, &id(&job), "completed").await;
    tenant.receipt(&webhook, &event, "DELIVERED").await;
    holds_for(A_WHILE, "one request", async || receiver.count("/hook") == 1).await;
}

#[tokio::test]
async fn jobs_are_listed_newest_first_and_belong_to_one_organisation() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(id(&tenant.admin.post(RETRY, &json!({})).await.must(202)));
    }
    made.reverse();
    for id in &made {
        ended(&tenant, id, "completed").await;
    }
    let pages = tenant.pages(&format!("{JOBS}?limit=2"), "jobs").await;
    assert!(pages.iter().all(|page| page.len() <= 2), "{pages:?}");
    assert_eq!(pages.iter().flatten().map(id).collect::<Vec<_>>(), made);

    let path = format!("{JOBS}/{}", made[0]);
    other.admin.get(&path).await.must_refuse(404);
    other.admin.delete(&path).await.must_refuse(404);
    assert_eq!(other.admin.get(JOBS).await.must(200)["jobs"], json!([]));
    let webhook = tenant.subscribe("http://127.0.0.1:9/", &["vote"]).await;
    let path = format!("{}/recover", webhook.path());
    other.admin.post(&path, &json!({"since": ago(1_000)})).await.must_refuse(404);
    tenant.admin.get(&format!("{JOBS}/job-none")).await.must_refuse(404);
    tenant.admin.get(&format!("{JOBS}/a%23b")).await.must_refuse(404);
    tenant.admin.get(&format!("{JOBS}?cursor=x")).await.must_refuse(400);
}

#[tokio::test]
async fn mistakes_are_named() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe("http://127.0.0.1:9/", &["vote"]).await;
    let recover = format!("{}/recover", webhook.path());
    let day = 86_400_000;
    for (path, body, field) in [
        (RETRY, json!([]), "body"),
        (RETRY, json!({"dry_run": "yes"}), "dry_run"),
        (RETRY, json!({"webhook_id": "a b"}), "webhook_id"),
        (RETRY, json!({"event_type": "a b"}), "event_type"),
        (RETRY, json!({"since": "soon"}), "since"),
        (RETRY, json!({"delivery_ids": "all"}), "delivery_ids"),
        (RETRY, json!({"delivery_ids": ["dlv-1"]}), "delivery_ids[0]"),
        (&recover, json!({}), "since"),
        (&recover, json!({"since": 5}), "since"),
        (&recover, json!({"since": "yesterday"}), "since"),
        (&recover, json!({"since": rfc3339(now_millis() + day)}), "since"),
        (&recover, json!({"since": ago(15 * day)}), "since"),
        (&recover, json!({"since": ago(day), "until": ago(2 * day)}), "since"),
        (&recover, json!({"since": ago(day), "until": "x"}), "until"),
        (&recover, json!({"since": ago(day), "event_types": ["a b"]}), "event_types[0]"),
    ] {
        let error = tenant.admin.post(path, &body).await.must_refuse(400);
        assert_eq!(error["errors"][0]["field"], field, "{path} {body}: {error}");
    }
    let since = json!({"since": ago(day)});
    tenant.admin.post("/api/webhooks/wh-none/recover", &since).await.must_refuse(404);
    assert_eq!(tenant.admin.get(JOBS).await.must(200)["jobs"], json!([]));
}

#[tokio::test]
async fn the_same_key_gives_the_same_job() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe("http://127.0.0.1:9/", &["vote"]).await;
    let other = tenant.subscribe("http://127.0.0.1:9/", &["vote"]).await;
    let since = ago(1_000);
    let send = async |webhook: &Webhook, body: Value| {
        let path = format!("{}/recover", webhook.path());
        let call = tenant.admin.call(Method::POST, &path).json(&body);
        call.header("idempotency-key", "once").send().await
    };
    let first = send(&webhook, json!({"since": since})).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let first = first.must(202);
    let again = send(&webhook, json!({"since": since})).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.must(202)["job_id"], first["job_id"]);
    let error = send(&webhook, json!({"since": since, "until": ago(0)})).await.must_refuse(409);
    assert_eq!(error["code"], "idempotency_key_reused");
    send(&other, json!({"since": since})).await.must_refuse(409);
    assert_eq!(tenant.admin.get(JOBS).await.must(200)["count"], 1);
}
