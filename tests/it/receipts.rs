//! Receipts: their fields, the list and its filters, and the manual retry.

use std::collections::BTreeSet;

use aragora_tests::clock::{millis_of, now_millis, rfc3339};
use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::{Value, json};

/// A webhook whose receiver answers each event as its data asks.
async fn as_asked(tenant: &Tenant, receiver: &Receiver, max_retries: u32) -> Webhook {
    receiver.behave("/hook", |request| {
        let status = request.json()["data"]["answer"].as_u64().unwrap();
        Answer::status(u16::try_from(status).unwrap())
    });
    let policy =
        json!({"max_retries": max_retries, "base_delay_seconds": 600, "max_delay_seconds": 600});
    let body = json!({"url": receiver.url("/hook"), "event_types": ["*"], "retry_policy": policy});
    tenant.subscribe_with(body).await
}

fn ids(receipts: &[Value]) -> BTreeSet<String> {
    receipts.iter().map(|each| each["event_id"].as_str().unwrap().to_owned()).collect()
}

async fn listed(tenant: &Tenant, webhook: &Webhook, query: &str) -> BTreeSet<String> {
    ids(&tenant.receipts(webhook, query).await)
}

fn set(of: &[&String]) -> BTreeSet<String> {
    of.iter().copied().cloned().collect()
}

#[tokio::test]
async fn a_receipt_has_every_field() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["debate_end"]).await;
    let event = tenant.publish("debate.completed", json!({})).await;
    let receipt = tenant.receipt(&webhook, &event, "DELIVERED").await;
    let delivery = receiver.received("/hook")[0].field("delivery_id");
    for id in ["id", "receipt_id", "delivery_id"] {
        assert_eq!(receipt[id], json!(delivery), "{id}");
    }
    assert_eq!((&receipt["webhook_id"], &receipt["event_id"]), (&json!(webhook.id), &json!(event)));
    assert!(["debate.completed", "debate_end"].contains(&receipt["event_type"].as_str().unwrap()));
    assert_eq!((&receipt["attempt_count"], &receipt["max_attempts"]), (&json!(1), &json!(6)));
    for field in [
        "delivery_status",
        "http_status",
        "latency_ms",
        "error_message",
        "response_body",
        "created_at",
        "delivered_at",
        "next_retry_at",
        "attempts",
    ] {
        assert!(receipt.get(field).is_some(), "{field} in {receipt}");
    }
    let created = millis_of(receipt["created_at"].as_str().unwrap());
    let delivered = millis_of(receipt["delivered_at"].as_str().unwrap());
    assert!(created <= delivered && delivered <= now_millis() + 2_000, "{receipt}");
    assert_eq!(tenant.receipt_of(&webhook, &delivery).await["delivery_id"], json!(delivery));
}

#[tokio::test]
async fn a_delivery_that_waits_for_its_turn_is_pending() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let paused = session.pause("deliver", "deliveries").await;
    let event = tenant.publish("vote", json!({})).await;
    let receipt = tenant.receipt(&webhook, &event, "PENDING").await;
    assert_eq!((&receipt["attempt_count"], &receipt["attempts"]), (&json!(0), &json!([])));
    assert_eq!(listed(&tenant, &webhook, "?status=pending").await, set(&[&event]));
    assert_eq!(receiver.count("/hook"), 0);
    paused.resume().await;
    let after = tenant.receipt(&webhook, &event, "DELIVERED").await;
    assert_eq!(
        (&after["delivery_id"], &after["created_at"]),
        (&receipt["delivery_id"], &receipt["created_at"])
    );
}

#[tokio::test]
async fn deliveries_is_another_name_for_receipts() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let event = tenant.publish("vote", json!({})).await;
    let receipt = tenant.receipt(&webhook, &event, "DELIVERED").await;
    let delivery = receipt["delivery_id"].as_str().unwrap();
    let base = format!("{}/deliveries", webhook.path());
    let list = tenant.admin.get(&base).await.must(200);
    assert!(list.to_string().contains(delivery), "{list}");
    assert_eq!(tenant.admin.get(&format!("{base}/{delivery}")).await.must(200), receipt);
    tenant.admin.post(&format!("{base}/{delivery}/retry"), &json!({})).await.must_succeed();
    receiver.nth("/hook", 2).await;
}

#[tokio::test]
async fn unknown_receipts_are_404() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe("http://127.0.0.1:9/", &["vote"]).await;
    for id in ["dlv-00000000-0000-7000-8000-000000000000", "nothing"] {
        tenant.admin.get(&format!("{}/{id}", webhook.receipts())).await.must_refuse(404);
        tenant
            .admin
            .post(&format!("{}/{id}/retry", webhook.receipts()), &json!({}))
            .await
            .must_refuse(404);
    }
}

#[tokio::test]
async fn receipts_are_filtered_by_status() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = as_asked(&tenant, &receiver, 1).await;
    let delivered = tenant.publish("vote", json!({"answer": 200})).await;
    let retrying = tenant.publish("vote", json!({"answer": 500})).await;
    let dead = tenant.publish("vote", json!({"answer": 410})).await;
    for (event, status) in
        [(&delivered, "DELIVERED"), (&retrying, "RETRYING"), (&dead, "DEAD_LETTERED")]
    {
        tenant.receipt(&webhook, event, status).await;
    }
    for (status, expected) in [
        ("DELIVERED", vec![&delivered]),
        ("RETRYING", vec![&retrying]),
        ("DEAD_LETTERED", vec![&dead]),
        ("PENDING", vec![]),
        ("IN_PROGRESS", vec![]),
        ("delivered", vec![&delivered]),
        ("pending", vec![&retrying]),
        ("failed", vec![&dead]),
    ] {
        assert_eq!(
            listed(&tenant, &webhook, &format!("?status={status}")).await,
            set(&expected),
            "{status}"
        );
    }
}

#[tokio::test]
async fn receipts_are_filtered_by_event_type_in_either_spelling() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = as_asked(&tenant, &receiver, 0).await;
    let vote = tenant.publish("vote", json!({"answer": 200})).await;
    let start = tenant.publish("debate_start", json!({"answer": 200})).await;
    for event in [&vote, &start] {
        tenant.receipt(&webhook, event, "DELIVERED").await;
    }
    for (event_type, expected) in [
        ("vote", vec![&vote]),
        ("debate_start", vec![&start]),
        ("debate.started", vec![&start]),
        ("critique", vec![]),
    ] {
        let found = listed(&tenant, &webhook, &format!("?event_type={event_type}")).await;
        assert_eq!(found, set(&expected), "{event_type}");
    }
}

#[tokio::test]
async fn receipts_are_filtered_by_time() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = as_asked(&tenant, &receiver, 0).await;
    let first = tenant.publish("vote", json!({"answer": 200})).await;
    tenant.receipt(&webhook, &first, "DELIVERED").await;
    let between = eventually(PATIENCE, "a second to pass", async || {
        let created =
            tenant.receipts(&webhook, "").await[0]["created_at"].as_str().map(millis_of).unwrap();
        let now = now_millis();
        (now > created + 1_500).then_some(now)
    })
    .await;
    eventually(PATIENCE, "another second to pass", async || {
        (now_millis() > between + 1_500).then_some(())
    })
    .await;
    let second = tenant.publish("vote", json!({"answer": 200})).await;
    tenant.receipt(&webhook, &second, "DELIVERED").await;

    let (between, early, late) =
        (rfc3339(between), rfc3339(between - 600_000), rfc3339(between + 600_000));
    for (query, expected) in [
        (format!("since={between}"), vec![&second]),
        (format!("until={between}"), vec![&first]),
        (format!("since={early}&until={late}"), vec![&first, &second]),
        (format!("since={late}"), vec![]),
        (format!("until={early}"), vec![]),
        (format!("since={early}&until={between}&status=DELIVERED&event_type=vote"), vec![&first]),
    ] {
        assert_eq!(
            listed(&tenant, &webhook, &format!("?{query}")).await,
            set(&expected),
            "{query}"
        );
    }
}

#[tokio::test]
async fn bad_filters_are_named() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe("http://127.0.0.1:9/", &["vote"]).await;
    for (query, field) in [
        ("status=lost", "status"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("since=yesterday", "since"),
        ("until=5", "until"),
        ("cursor=!!", "cursor"),
    ] {
        let reply = tenant.admin.get(&format!("{}?{query}", webhook.receipts())).await;
        assert!(reply.names(field), "{query}: {}", reply.text());
    }
}

#[tokio::test]
async fn the_cursor_walks_without_gaps_or_repeats_newest_first() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = as_asked(&tenant, &receiver, 0).await;
    let item = |number: u64| json!({"event_type": "vote", "data": {"answer": if number.is_multiple_of(3) { 500 } else { 200 }}});
    let items: Vec<Value> = (0..25).map(item).collect();
    tenant.admin.post("/api/events", &json!(items)).await.must(202);
    eventually(PATIENCE, "all deliveries to end", async || {
        let done = tenant.receipts(&webhook, "?limit=100").await;
        let ended = |each: &&Value| {
            ["DELIVERED", "DEAD_LETTERED"].contains(&each["status"].as_str().unwrap())
        };
        (done.iter().filter(ended).count() == 25).then_some(())
    })
    .await;
    for (query, count) in [
        ("limit=10", 25),
        ("limit=4&status=delivered", 16),
        ("limit=1&status=failed", 9),
        ("limit=25", 25),
    ] {
        let pages = tenant.pages(&format!("{}?{query}", webhook.receipts()), "receipts").await;
        let walked: Vec<Value> = pages.into_iter().flatten().collect();
        assert_eq!((walked.len(), ids(&walked).len()), (count, count), "{query}");
        let times: Vec<u64> =
            walked.iter().map(|each| millis_of(each["created_at"].as_str().unwrap())).collect();
        assert!(times.windows(2).all(|pair| pair[0] >= pair[1]), "{query}: {times:?}");
    }
}

#[tokio::test]
async fn delivered_and_dead_receipts_can_be_retried_and_others_not() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/dead", [Answer::status(500), Answer::status(200)]);
    receiver.script("/waiting", [Answer::status(500)]);
    let delivered = tenant.subscribe(&receiver.url("/delivered"), &["vote"]).await;
    let dead = tenant.subscribe_once(&receiver.url("/dead"), &["vote"]).await;
    let policy = json!({"max_retries": 1, "base_delay_seconds": 600, "max_delay_seconds": 600});
    let waiting = tenant.subscribe_retrying(&receiver.url("/waiting"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;

    for (webhook, status, path) in
        [(&delivered, "DELIVERED", "/delivered"), (&dead, "DEAD_LETTERED", "/dead")]
    {
        let before = tenant.receipt(webhook, &event, status).await;
        let delivery = before["delivery_id"].as_str().unwrap();
        tenant
            .admin
            .post(&format!("{}/{delivery}/retry", webhook.receipts()), &json!({}))
            .await
            .must_succeed();
        let again = receiver.nth(path, 2).await;
        assert_eq!(again.header("x-webhook-delivery-id"), delivery);
        assert_eq!(again.header("x-delivery-attempt"), "1");
        let after = tenant.receipt(webhook, &event, "DELIVERED").await;
        assert_eq!(after["delivery_id"], before["delivery_id"]);
        assert_eq!(after["attempt_count"], 1);
    }
    let receipt = tenant.receipt(&waiting, &event, "RETRYING").await;
    let path = format!("{}/{}/retry", waiting.receipts(), receipt["delivery_id"].as_str().unwrap());
    tenant.admin.post(&path, &json!({})).await.must_refuse(409);
    assert_eq!(receiver.count("/waiting"), 1);
}
