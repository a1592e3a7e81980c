//! The list of dead letters over HTTP: what is given up is on it, and what is started again, by
//! whatever means, or deleted, is not.

use std::time::Duration;

use aragora_tests::clock::{millis_of, now_millis, rfc3339};
use aragora_tests::queues::Message;
use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually, holds_for};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use http::Method;
use serde_json::{Value, json};

/// Longer than a message takes from its queue to a receiver.
const A_WHILE: Duration = Duration::from_secs(4);
const PATH: &str = "/api/webhooks/dead-letter";

/// A delivery that was given up after one attempt; the next would succeed.
struct Dead {
    session: Session,
    tenant: Tenant,
    receiver: Receiver,
    webhook: Webhook,
    event: String,
    delivery: String,
}

impl Dead {
    async fn letter() -> Self {
        let session = Session::shared().await;
        let tenant = session.tenant();
        let receiver = Receiver::start().await;
        receiver.script("/hook", [Answer::status(500).body("no"), Answer::status(200)]);
        let webhook = tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
        let (event, delivery) = given_up(&tenant, &webhook, "vote").await;
        Self { session, tenant, receiver, webhook, event, delivery }
    }

    fn path(&self) -> String {
        format!("{PATH}/{}", self.delivery)
    }

    /// Takes its message off the dead-letter queue.
    async fn message(&self) -> Message {
        let what = format!("the dead letter of {}", self.delivery);
        let queue = self.session.queue("deliveries_dlq");
        queue.take(PATIENCE, &what, |message| message.body.contains(&self.delivery)).await
    }
}

/// Publishes, and waits until the delivery is listed; gives back event and delivery.
async fn given_up(tenant: &Tenant, webhook: &Webhook, event_type: &str) -> (String, String) {
    let event = tenant.publish(event_type, json!({"number": 1.50, "z": 1, "a": "ü"})).await;
    let receipt = tenant.receipt(webhook, &event, "DEAD_LETTERED").await;
    let delivery = receipt["delivery_id"].as_str().unwrap().to_owned();
    eventually(PATIENCE, "the list to have it", async || {
        listed(tenant, "?limit=100").await.contains(&delivery).then_some(())
    })
    .await;
    (event, delivery)
}

/// Delivery ids on the list's pages, in order.
async fn listed(tenant: &Tenant, query: &str) -> Vec<String> {
    let pages = tenant.pages(&format!("{PATH}{query}"), "dead_letters").await;
    let id = |each: &Value| each["delivery_id"].as_str().unwrap().to_owned();
    pages.iter().flatten().map(id).collect()
}

#[tokio::test]
async fn what_is_given_up_is_on_the_list_and_on_the_queue() {
    let dead = Dead::letter().await;
    let list = dead.tenant.admin.get(PATH).await.must(200);
    assert_eq!((&list["count"], &list["next_cursor"]), (&json!(1), &Value::Null));
    let mut letter = list["dead_letters"][0].clone();
    let at = millis_of(letter["dead_lettered_at"].as_str().unwrap());
    assert!(at >= millis_of(letter["created_at"].as_str().unwrap()) && at <= now_millis() + 2_000);
    letter.as_object_mut().unwrap().remove("dead_lettered_at");
    assert_eq!(letter, dead.tenant.receipt_of(&dead.webhook, &dead.delivery).await);
    assert_eq!((&letter["reason"], &letter["response_body"]), (&json!("exhausted"), &json!("no")));
    let message = dead.message().await;
    assert_eq!(message.attribute("reason"), Some("exhausted"));
}

#[tokio::test]
async fn a_dead_letter_is_inspected_with_its_event() {
    let dead = Dead::letter().await;
    let letter = dead.tenant.admin.get(&dead.path()).await.must(200);
    let list = dead.tenant.admin.get(PATH).await.must(200);
    for (field, value) in list["dead_letters"][0].as_object().unwrap() {
        assert_eq!(&letter[field], value, "{field}");
    }
    let mut event = dead.tenant.admin.get(&format!("/api/events/{}", dead.event)).await.must(200);
    event.as_object_mut().unwrap().remove("deliveries");
    assert_eq!(letter["event"], event);
    let data = letter["event"]["data"].to_string();
    assert_eq!(data, r#"{"number":1.5,"z":1,"a":"ü"}"#, "keys in the publisher's order");
    let plural = format!("{PATH}s/{}", dead.delivery);
    assert_eq!(dead.tenant.admin.get(&plural).await.must(200), letter);
}

#[tokio::test]
async fn a_retry_empties_the_list_and_delivers_under_the_same_id() {
    let dead = Dead::letter().await;
    let old = dead.message().await;
    let path = format!("{}/retry", dead.path());
    let receipt = dead.tenant.admin.post(&path, &json!({})).await.must(202);
    assert_eq!((&receipt["status"], &receipt["generation"]), (&json!("PENDING"), &json!(1)));
    assert_eq!(listed(&dead.tenant, "").await, [""; 0]);
    dead.tenant.admin.get(&dead.path()).await.must_refuse(404);

    let again = dead.receiver.nth("/hook", 2).await;
    assert_eq!(again.header("x-webhook-delivery-id"), dead.delivery);
    let after = dead.tenant.receipt(&dead.webhook, &dead.event, "DELIVERED").await;
    assert_eq!((&after["generation"], &after["delivery_id"]), (&json!(1), &json!(dead.delivery)));
    assert_eq!(after["attempts"][1]["trigger"], "manual");
    // What lies on the queue is worthless now, and there is nothing left to retry.
    dead.session.queue("deliveries").send_copy(&old).await;
    dead.tenant.admin.post(&path, &json!({})).await.must_refuse(404);
    holds_for(A_WHILE, "two requests", async || dead.receiver.count("/hook") == 2).await;
}

#[tokio::test]
async fn moving_the_message_back_takes_it_off_the_list() {
    let dead = Dead::letter().await;
    dead.session.queue("deliveries").send_copy(&dead.message().await).await;
    dead.tenant.receipt(&dead.webhook, &dead.event, "DELIVERED").await;
    assert_eq!(listed(&dead.tenant, "").await, [""; 0]);
    dead.tenant.admin.get(&dead.path()).await.must_refuse(404);
    dead.tenant.admin.delete(&dead.path()).await.must_refuse(404);
    assert_eq!(dead.receiver.received("/hook")[1].header("x-webhook-delivery-id"), dead.delivery);
}

#[tokio::test]
async fn what_is_given_up_again_is_on_the_list_again() {
    let dead = Dead::letter().await;
    dead.receiver.script("/hook", [Answer::status(502)]);
    let first = dead.tenant.admin.get(&dead.path()).await.must(200);
    dead.tenant.admin.post(&format!("{}/retry", dead.path()), &json!({})).await.must(202);
    let again = eventually(PATIENCE, "the list to have it again", async || {
        let reply = dead.tenant.admin.get(&dead.path()).await;
        (reply.status == 200).then(|| reply.json())
    })
    .await;
    assert_eq!((&again["generation"], &again["http_status"]), (&json!(1), &json!(502)));
    assert!(again["dead_lettered_at"].as_str() > first["dead_lettered_at"].as_str(), "{again}");
    assert_eq!(listed(&dead.tenant, "").await, [dead.delivery]);
}

#[tokio::test]
async fn what_is_deleted_is_gone_and_its_message_sends_nothing() {
    let dead = Dead::letter().await;
    let message = dead.message().await;
    let deleted = dead.tenant.admin.delete(&dead.path()).await.must(200);
    assert_eq!(deleted, json!({"deleted": true, "delivery_id": dead.delivery}));
    assert_eq!(listed(&dead.tenant, "").await, [""; 0]);
    let receipt = dead.tenant.receipt_of(&dead.webhook, &dead.delivery).await;
    assert_eq!(
        (&receipt["status"], &receipt["reason"]),
        (&json!("DEAD_LETTERED"), &json!("discarded"))
    );
    dead.tenant.admin.delete(&dead.path()).await.must_refuse(404);
    dead.tenant.admin.get(&dead.path()).await.must_refuse(404);
    dead.tenant.admin.post(&format!("{}/retry", dead.path()), &json!({})).await.must_refuse(404);

    dead.session.queue("deliveries").send_copy(&message).await;
    holds_for(A_WHILE, "one request", async || dead.receiver.count("/hook") == 1).await;
    assert_eq!(dead.tenant.receipt_of(&dead.webhook, &dead.delivery).await, receipt);
    assert_eq!(listed(&dead.tenant, "").await, [""; 0]);
}

#[tokio::test]
async fn a_disabled_or_deleted_webhook_gets_nothing_and_its_dead_letters_stay() {
    let dead = Dead::letter().await;
    let retry = format!("{}/retry", dead.path());
    dead.tenant.admin.patch(&dead.webhook.path(), &json!({"enabled": false})).await.must(200);
    let refused = dead.tenant.admin.post(&retry, &json!({})).await.must_refuse(409);
    assert!(refused["error"].as_str().unwrap().contains("disabled"), "{refused}");

    dead.tenant.admin.delete(&dead.webhook.path()).await.must(200);
    let refused = dead.tenant.admin.post(&retry, &json!({})).await.must_refuse(409);
    assert!(refused["error"].as_str().unwrap().contains("deleted"), "{refused}");
    assert_eq!(dead.tenant.admin.get(&dead.path()).await.must(200)["status"], "DEAD_LETTERED");
    assert_eq!(listed(&dead.tenant, "").await, std::slice::from_ref(&dead.delivery));
    dead.tenant.admin.delete(&dead.path()).await.must(200);
    assert_eq!(listed(&dead.tenant, "").await, [""; 0]);
    assert_eq!(dead.receiver.count("/hook"), 1);
}

#[tokio::test]
async fn the_list_is_filtered() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.behave("/hook", |_| Answer::status(500));
    let one = tenant.subscribe_once(&receiver.url("/hook"), &["vote", "debate_start"]).await;
    let other = tenant.subscribe_once(&receiver.url("/hook"), &["critique"]).await;
    let (_, vote) = given_up(&tenant, &one, "vote").await;
    let between = eventually(PATIENCE, "a moment to pass", async || {
        let last = tenant.admin.get(PATH).await.must(200)["dead_letters"][0].clone();
        let now = now_millis();
        (now > millis_of(last["created_at"].as_str().unwrap()) + 1_500).then_some(now)
    })
    .await;
    eventually(PATIENCE, "another moment to pass", async || {
        (now_millis() > between + 1_500).then_some(())
    })
    .await;
    let (_, start) = given_up(&tenant, &one, "debate_start").await;
    let (_, critique) = given_up(&tenant, &other, "critique").await;

    let between = rfc3339(between);
    for (query, expected) in [
        (String::new(), vec![&critique, &start, &vote]),
        (format!("?webhook_id={}", one.id), vec![&start, &vote]),
        (format!("?webhook_id={}", other.id), vec![&critique]),
        ("?webhook_id=wh-none".to_owned(), vec![]),
        ("?event_type=vote".to_owned(), vec![&vote]),
        ("?event_type=debate.started".to_owned(), vec![&start]),
        ("?event_type=debate_start".to_owned(), vec![&start]),
        (format!("?since={between}"), vec![&critique, &start]),
        (format!("?until={between}"), vec![&vote]),
        (format!("?since={between}&webhook_id={}&event_type=vote", one.id), vec![]),
        (format!("?until={between}&webhook_id={}&event_type=vote", one.id), vec![&vote]),
        ("?limit=1".to_owned(), vec![&critique, &start, &vote]),
        (format!("?limit=1&webhook_id={}", one.id), vec![&start, &vote]),
    ] {
        assert_eq!(listed(&tenant, &query).await.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    for (query, field) in [
        ("webhook_id=a%23b", "webhook_id"),
        ("event_type=a%20b", "event_type"),
        ("since=yesterday", "since"),
        ("until=5", "until"),
        ("limit=0", "limit"),
        ("cursor=!!", "cursor"),
    ] {
        let reply = tenant.admin.get(&format!("{PATH}?{query}")).await;
        assert!(reply.names(field), "{query}: {}", reply.text());
    }
}

#[tokio::test]
async fn the_cursor_walks_without_gaps_or_repeats() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.behave("/hook", |_| Answer::status(500));
    tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
    let items = vec![json!({"event_type": "vote", "data": {}}); 23];
    tenant.admin.post("/api/events", &json!(items)).await.must(202);
    let all = eventually(PATIENCE, "all to be listed", async || {
        let all = listed(&tenant, "?limit=100").await;
        (all.len() == 23).then_some(all)
    })
    .await;
    assert!(all.is_sorted_by(|one, other| one > other), "newest first: {all:?}");
    for limit in [1, 5, 23] {
        assert_eq!(listed(&tenant, &format!("?limit={limit}")).await, all, "{limit}");
    }
    let plural = tenant.admin.get(&format!("{PATH}s?limit=100")).await.must(200);
    assert_eq!(plural, tenant.admin.get(&format!("{PATH}?limit=100")).await.must(200));
}

#[tokio::test]
async fn unknown_and_other_organisations_dead_letters_are_404() {
    let dead = Dead::letter().await;
    let stranger = dead.session.tenant();
    let unknown = "dlv-00000000-0000-7000-8000-000000000000";
    for (api, id) in [
        (&stranger.admin, dead.delivery.as_str()),
        (&stranger.admin, unknown),
        (&dead.tenant.admin, unknown),
        (&dead.tenant.admin, "nothing"),
        (&dead.tenant.admin, "a%23b"),
    ] {
        for path in [PATH.to_owned(), format!("{PATH}s")] {
            for (method, path) in [
                (Method::GET, format!("{path}/{id}")),
                (Method::DELETE, format!("{path}/{id}")),
                (Method::POST, format!("{path}/{id}/retry")),
            ] {
                api.call(method, &path).json(&json!({})).send().await.must_refuse(404);
            }
        }
    }
    assert_eq!(listed(&stranger, "").await, [""; 0]);
    assert_eq!(listed(&dead.tenant, "").await, [dead.delivery]);
    assert_eq!(dead.receiver.count("/hook"), 1);
}

#[tokio::test]
async fn what_is_on_its_way_is_neither_listed_nor_retried() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(500), Answer::status(200)]);
    let policy = json!({"max_retries": 1, "base_delay_seconds": 600, "max_delay_seconds": 600});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    let event = tenant.publish("vote", json!({})).await;
    let receipt = tenant.receipt(&webhook, &event, "RETRYING").await;
    assert_eq!(listed(&tenant, "").await, [""; 0]);
    let path = format!("{PATH}/{}", receipt["delivery_id"].as_str().unwrap());
    tenant.admin.post(&format!("{path}/retry"), &json!({})).await.must_refuse(404);
    tenant.admin.delete(&path).await.must_refuse(404);
    assert_eq!(tenant.receipt(&webhook, &event, "RETRYING").await, receipt);
}
