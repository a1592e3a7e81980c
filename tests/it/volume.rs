//! 2,000 events to 3 webhooks while the deliver function is killed again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aragora_tests::queues::Queue;
use aragora_tests::tenant::Webhook;
use aragora_tests::wait::eventually;
use aragora_tests::{Receiver, Session, Tenant};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

const EVENTS: usize = 2_000;
const AT_A_TIME: usize = 32;
const PATHS: [&str; 3] = ["/a", "/b", "/c"];
const KILLS: usize = 10;
const LIMIT: Duration = Duration::from_mins(15);

async fn publish_all(tenant: &Tenant) -> BTreeSet<String> {
    let publish =
        |number| tenant.publish("vote", json!({"number": number, "text": "x".repeat(400)}));
    let ids: Vec<String> =
        stream::iter((0..EVENTS).map(publish)).buffer_unordered(AT_A_TIME).collect().await;
    ids.into_iter().collect()
}

/// Kills the deliver processes each time another share of the deliveries has come.
async fn kill_along_the_way(session: &Session, receiver: &Receiver) -> usize {
    let deliver = session.function("deliver");
    let mut killed = 0;
    for round in 1..=KILLS {
        let share = round * EVENTS * PATHS.len() / (KILLS + 2);
        eventually(LIMIT, &format!("{share} deliveries"), async || {
            let count: usize = PATHS.iter().map(|path| receiver.count(path)).sum();
            (count >= share).then_some(())
        })
        .await;
        let victims = eventually(LIMIT, "a deliver process", async || {
            Some(deliver.processes()).filter(|processes| !processes.is_empty())
        })
        .await;
        for victim in &victims {
            victim.kill();
        }
        killed += 1;
    }
    killed
}

/// Which events came to a path, each under one delivery id however often it came.
fn arrived(receiver: &Receiver, path: &str) -> BTreeSet<String> {
    let mut deliveries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for request in receiver.received(path) {
        deliveries
            .entry(request.field("event_id"))
            .or_default()
            .insert(request.field("delivery_id"));
    }
    assert!(
        deliveries.values().all(|ids| ids.len() == 1),
        "an event came to {path} under two delivery ids"
    );
    deliveries.into_keys().collect()
}

async fn count(tenant: &Tenant, webhook: &Webhook, status: &str) -> usize {
    let pages = tenant
        .pages(&format!("{}?limit=100&status={status}", webhook.receipts()), "receipts")
        .await;
    pages.iter().map(Vec::len).sum()
}

async fn dead_letters_of(queue: &Queue, events: &BTreeSet<String>) -> usize {
    let held = queue.receive(1).await;
    held.iter().filter(|message| events.iter().any(|event| message.body.contains(event))).count()
}

#[tokio::test]
async fn volume_6000_deliveries_survive_ten_kills_of_their_worker() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let mut webhooks = Vec::new();
    for path in PATHS {
        webhooks.push(tenant.subscribe(&receiver.url(path), &["vote"]).await);
    }
    let (events, kills) =
        tokio::join!(publish_all(&tenant), kill_along_the_way(&session, &receiver));
    assert_eq!((events.len(), kills), (EVENTS, KILLS));

    for (path, webhook) in PATHS.iter().zip(&webhooks) {
        receiver.at_least(path, EVENTS, LIMIT).await;
        let all = |ids: BTreeSet<String>| (ids == events).then_some(());
        eventually(LIMIT, &format!("all events at {path}"), async || all(arrived(&receiver, path)))
            .await;
        eventually(LIMIT, &format!("all receipts of {path}"), async || {
            (count(&tenant, webhook, "DELIVERED").await == EVENTS).then_some(())
        })
        .await;
        assert_eq!(
            count(&tenant, webhook, "pending").await + count(&tenant, webhook, "failed").await,
            0,
            "{path}"
        );
    }
    assert_eq!(dead_letters_of(&session.queue("deliveries_dlq"), &events).await, 0);
    let read =
        tenant.admin.get(&format!("/api/events/{}", events.first().unwrap())).await.must(200);
    let statuses: Vec<&Value> =
        read["deliveries"].as_array().unwrap().iter().map(|each| &each["status"]).collect();
    assert_eq!(statuses, ["DELIVERED", "DELIVERED", "DELIVERED"]);
}
