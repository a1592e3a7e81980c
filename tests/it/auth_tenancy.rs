//! Organisations do not see each other: another's id is as unknown as one that never was.

use aragora_tests::{Api, Receiver, Session};
use http::Method;
use serde_json::{Value, json};

/// The answer without what differs between any two requests.
async fn answer(api: &Api, method: &Method, path: &str, id: &str) -> (u16, Value) {
    let reply = api.call(method.clone(), path).json(&json!({"enabled": false})).send().await;
    let mut body = reply.json();
    body.as_object_mut().unwrap().remove("request_id");
    let text = body.to_string().replace(id, "ID");
    (reply.status, serde_json::from_str(&text).unwrap())
}

/// Every call of another's id gets exactly what the same call of an unknown id gets: a 404.
async fn as_if_unknown(api: &Api, calls: &[(Method, &str)], theirs: &str, unknown: &str) {
    for (method, path) in calls {
        let of_theirs = answer(api, method, &path.replace("{}", theirs), theirs).await;
        let of_unknown = answer(api, method, &path.replace("{}", unknown), unknown).await;
        assert_eq!(of_theirs.0, 404, "{method} {path}: {}", of_theirs.1);
        assert_eq!(of_theirs, of_unknown, "{method} {path}");
    }
}

#[tokio::test]
async fn another_organisations_webhook_is_unknown() {
    let session = Session::shared().await;
    let (ours, theirs) = (session.tenant(), session.tenant());
    let webhook = theirs.subscribe("http://127.0.0.1:9/", &["*"]).await;
    let before = theirs.admin.get(&webhook.path()).await.must(200);
    let calls = [
        (Method::GET, "/api/webhooks/{}"),
        (Method::PUT, "/api/webhooks/{}"),
        (Method::PATCH, "/api/webhooks/{}"),
        (Method::DELETE, "/api/webhooks/{}"),
        (Method::GET, "/api/webhooks/{}/receipts"),
        (Method::GET, "/api/webhooks/{}/deliveries"),
        (Method::GET, "/api/webhooks/{}/receipts/dlv-none"),
        (Method::POST, "/api/webhooks/{}/receipts/dlv-none/retry"),
    ];
    let unknown = "wh-00000000-0000-7000-8000-000000000000";
    as_if_unknown(&ours.admin, &calls, &webhook.id, unknown).await;
    assert_eq!(theirs.admin.get(&webhook.path()).await.must(200), before);
    assert_eq!(ours.admin.get("/api/webhooks").await.must(200)["webhooks"], json!([]));
}

#[tokio::test]
async fn another_organisations_receipt_is_unknown() {
    let session = Session::shared().await;
    let (ours, theirs) = (session.tenant(), session.tenant());
    let receiver = Receiver::start().await;
    let their_webhook = theirs.subscribe(&receiver.url("/theirs"), &["vote"]).await;
    let our_webhook = ours.subscribe(&receiver.url("/ours"), &["vote"]).await;
    let event = theirs.publish("vote", json!({})).await;
    let receipt = theirs.receipt(&their_webhook, &event, "DELIVERED").await;
    let delivery = receipt["delivery_id"].as_str().unwrap();

    let under_ours = format!("{}/{{}}", our_webhook.receipts());
    let retry_under_ours = format!("{under_ours}/retry");
    let calls = [(Method::GET, under_ours.as_str()), (Method::POST, retry_under_ours.as_str())];
    as_if_unknown(&ours.admin, &calls, delivery, "dlv-00000000-0000-7000-8000-000000000000").await;
    let under_theirs = format!("{}/{delivery}", their_webhook.receipts());
    ours.admin.get(&under_theirs).await.must_refuse(404);
    ours.admin.post(&format!("{under_theirs}/retry"), &json!({})).await.must_refuse(404);
    assert_eq!(receiver.count("/theirs"), 1);
}

#[tokio::test]
async fn another_organisations_event_is_unknown() {
    let session = Session::shared().await;
    let (ours, theirs) = (session.tenant(), session.tenant());
    let event = theirs.publish("vote", json!({"secret": "plan"})).await;
    let unknown = "evt-00000000-0000-7000-8000-000000000000";
    as_if_unknown(&ours.admin, &[(Method::GET, "/api/events/{}")], &event, unknown).await;
    assert_eq!(ours.admin.get("/api/events").await.must(200)["events"], json!([]));
}

#[tokio::test]
async fn the_same_event_id_and_key_are_free_in_every_organisation() {
    let session = Session::shared().await;
    let (ours, theirs) = (session.tenant(), session.tenant());
    for (tenant, data) in [(&theirs, json!({"of": "theirs"})), (&ours, json!({"of": "ours"}))] {
        let body = json!({"event_type": "vote", "event_id": "evt-same", "data": data});
        let accepted = tenant.admin.post("/api/events", &body).await.must(202);
        assert_eq!(accepted, json!({"event_id": "evt-same", "duplicate": false}));
        let keyed = tenant.admin.clone().with_header("idempotency-key", "the-same-key");
        let accepted =
            keyed.post("/api/events", &json!({"event_type": "vote", "data": data})).await.must(202);
        assert_eq!(accepted["duplicate"], false);
        let read = tenant.admin.get("/api/events/evt-same").await.must(200);
        assert_eq!(read["data"], data);
    }
}

#[tokio::test]
async fn events_reach_the_webhooks_of_their_own_organisation_only() {
    let session = Session::shared().await;
    let (ours, theirs) = (session.tenant(), session.tenant());
    let receiver = Receiver::start().await;
    ours.subscribe(&receiver.url("/ours"), &["*"]).await;
    theirs.subscribe(&receiver.url("/theirs"), &["*"]).await;
    for (tenant, of) in [(&theirs, "theirs"), (&ours, "ours"), (&theirs, "theirs")] {
        tenant.publish("vote", json!({"of": of})).await;
    }
    for (path, of, count) in [("/ours", "ours", 1), ("/theirs", "theirs", 2)] {
        receiver.nth(path, count).await;
        assert!(
            receiver.received(path).iter().all(|request| request.json()["data"]["of"] == of),
            "{path}"
        );
        assert_eq!(receiver.count(path), count);
    }
}
