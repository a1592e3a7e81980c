//! Reading events back, with the deliveries they caused.

use std::collections::BTreeSet;

use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Answer, Receiver, Session};
use serde_json::json;

#[tokio::test]
async fn an_event_lists_the_deliveries_it_caused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/bad", [Answer::status(500)]);
    let good = tenant.subscribe(&receiver.url("/good"), &["vote"]).await;
    let bad = tenant.subscribe_once(&receiver.url("/bad"), &["vote"]).await;
    tenant.subscribe(&receiver.url("/other"), &["debate.started"]).await;
    let id = tenant.publish("vote", json!({})).await;

    let path = format!("/api/events/{id}");
    let deliveries = eventually(PATIENCE, "both deliveries to end", async || {
        let event = tenant.admin.get(&path).await.must(200);
        let deliveries = event["deliveries"].as_array().unwrap().clone();
        let ended = |each: &serde_json::Value| {
            ["DELIVERED", "DEAD_LETTERED"].contains(&each["status"].as_str().unwrap())
        };
        (deliveries.len() == 2 && deliveries.iter().all(ended)).then_some(deliveries)
    })
    .await;
    for (webhook, status) in [(&good, "DELIVERED"), (&bad, "DEAD_LETTERED")] {
        let delivery =
            deliveries.iter().find(|each| each["webhook_id"] == json!(webhook.id)).unwrap();
        assert_eq!(delivery["status"], status);
        let receipt = tenant.receipt(webhook, &id, status).await;
        assert_eq!(delivery["delivery_id"], receipt["delivery_id"]);
    }
}

#[tokio::test]
async fn an_unknown_event_is_404() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for id in ["evt-00000000-0000-7000-8000-000000000000", "nothing", "a%23b"] {
        tenant.admin.get(&format!("/api/events/{id}")).await.must_refuse(404);
    }
}

#[tokio::test]
async fn the_list_is_newest_first_and_walks_without_gaps_or_repeats() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut published = Vec::new();
    for number in 0..7 {
        published.push(tenant.publish("vote", json!({"number": number})).await);
    }
    published.reverse();
    // The list comes from an index, which follows the table a moment later.
    eventually(PATIENCE, "all events in the list", async || {
        let pages = tenant.pages("/api/events?limit=3", "events").await;
        assert!(pages.iter().all(|page| page.len() <= 3));
        let listed: Vec<String> = pages
            .iter()
            .flatten()
            .map(|each| each["event_id"].as_str().unwrap().to_owned())
            .collect();
        let unique: BTreeSet<_> = listed.iter().collect();
        assert_eq!(unique.len(), listed.len(), "a repeat in {listed:?}");
        (listed == published).then_some(())
    })
    .await;
}

#[tokio::test]
async fn listed_events_say_what_and_when() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let body = json!({"event_type": "debate_end", "debate_id": "deb-1", "project_id": "p-1", "data": {"a": 1}});
    let id = tenant.publish_with(&body).await;
    let event = eventually(PATIENCE, "the event in the list", async || {
        tenant.admin.get("/api/events").await.must(200)["events"]
            .as_array()
            .unwrap()
            .first()
            .cloned()
    })
    .await;
    assert_eq!(event["event_id"], json!(id));
    assert_eq!(event["debate_id"], "deb-1");
    assert_eq!(event["project_id"], "p-1");
    assert!(
        ["debate_end", "debate.completed"].contains(&event["event_type"].as_str().unwrap()),
        "{event}"
    );
}

#[tokio::test]
async fn bad_page_parameters_are_named() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (query, field) in [("limit=many", "limit"), ("limit=0", "limit"), ("cursor=!!", "cursor")] {
        let reply = tenant.admin.get(&format!("/api/events?{query}")).await;
        assert!(reply.names(field), "{query}: {}", reply.text());
    }
}
