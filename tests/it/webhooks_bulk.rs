//! Registering many webhooks at once.

use std::time::{Duration, Instant};

use aragora_tests::{Receiver, Reply, Session, Tenant, hostile_urls};
use serde_json::{Value, json};

const BULK: &str = "/api/webhooks/bulk";
const URL: &str = "http://127.0.0.1:9/hook";

fn wish(url: &str) -> Value {
    json!({"url": url, "event_types": ["vote"]})
}

async fn bulk(tenant: &Tenant, webhooks: &[Value]) -> Reply {
    tenant.admin.post(BULK, &json!({"webhooks": webhooks})).await
}

async fn all_ids(tenant: &Tenant) -> Vec<Value> {
    let pages = tenant.pages("/api/webhooks?limit=100", "webhooks").await;
    pages.into_iter().flatten().map(|webhook| webhook["id"].clone()).collect()
}

#[tokio::test]
async fn one_bad_item_does_not_stop_the_others() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let mut named = wish(&receiver.url("/hook"));
    named["name"] = json!("named");
    let answer = bulk(
        &tenant,
        &[
            wish(URL),
            json!({"url": "http://10.0.0.1/", "event_types": ["nope"]}),
            named,
            json!("no object"),
            json!({"url": 5, "event_types": ["vote"]}),
            json!({}),
        ],
    )
    .await
    .must(201);
    assert_eq!(
        (&answer["created"], &answer["failed"], &answer["count"]),
        (&json!(2), &json!(4), &json!(6))
    );
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    for (at, result) in results.iter().enumerate() {
        assert_eq!(result["index"], at);
        assert_eq!(result["webhook"].is_object(), [0, 2].contains(&at), "{result}");
    }
    assert_eq!(results[2]["webhook"]["name"], "named");
    for (at, fields) in [
        (1, vec!["url", "event_types"]),
        (3, vec!["body"]),
        (4, vec!["url"]),
        (5, vec!["url", "event_types"]),
    ] {
        let result = &results[at];
        assert_eq!(result["code"], "invalid_input", "{result}");
        assert!(result["error"].is_string(), "{result}");
        let errors = result["errors"].as_array().unwrap();
        let named: Vec<&str> = errors.iter().map(|it| it["field"].as_str().unwrap()).collect();
        assert_eq!(named, fields, "{result}");
    }

    // What is said to be registered is, and works.
    let mut ids: Vec<Value> = [0, 2].map(|at| results[at]["webhook"]["id"].clone()).to_vec();
    ids.sort_by_key(ToString::to_string);
    let mut listed = all_ids(&tenant).await;
    listed.sort_by_key(ToString::to_string);
    assert_eq!(listed, ids);
    let secret = results[2]["webhook"]["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && results[0]["webhook"]["secret"] != secret);
    tenant.publish("vote", json!({})).await;
    receiver.nth("/hook", 1).await;
}

#[tokio::test]
async fn a_bare_list_will_do_and_a_hundred_are_taken() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let many = vec![wish(URL); 100];
    let answer = tenant.admin.post(BULK, &json!(many)).await.must(201);
    assert_eq!((&answer["created"], &answer["failed"]), (&json!(100), &json!(0)));
    let secrets: std::collections::BTreeSet<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["webhook"]["secret"].as_str().unwrap())
        .collect();
    assert_eq!(secrets.len(), 100);
    assert_eq!(all_ids(&tenant).await.len(), 100);
}

#[tokio::test]
async fn when_nothing_is_registered_it_is_a_refusal() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let items = [json!({"url": URL}), wish("ftp://example.com/"), json!(5)];
    let reply = bulk(&tenant, &items).await;
    let named = ["webhooks[0].event_types", "webhooks[1].url", "webhooks[2]"];
    assert_eq!(reply.bad_fields(), named);
    let refusal = reply.json();
    assert_eq!((&refusal["created"], &refusal["failed"]), (&json!(0), &json!(3)));
    assert_eq!(refusal["results"][1]["errors"][0]["field"], "url");
    for (body, field) in [
        (json!({"webhooks": []}), "webhooks"),
        (json!({"webhooks": vec![wish(URL); 101]}), "webhooks"),
        (json!({"webhooks": {}}), "webhooks"),
        (json!({}), "webhooks"),
        (json!([]), "body"),
        (json!("x"), "body"),
        (json!(vec![wish(URL); 101]), "body"),
    ] {
        let reply = tenant.admin.post(BULK, &body).await;
        assert!(reply.names(field), "{}", reply.text());
    }
    assert!(all_ids(&tenant).await.is_empty());
}

#[tokio::test]
async fn hostile_urls_are_refused_in_bulk() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    hostile_urls::are_all_refused("webhooks[0].url", async |url| bulk(&tenant, &[wish(url)]).await)
        .await;
    assert!(all_ids(&tenant).await.is_empty());
}

#[tokio::test]
async fn names_are_looked_up_side_by_side() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let unknown: Vec<Value> =
        (0..100).map(|n| wish(&format!("https://no-such-name-{n}.example/"))).collect();
    let started = Instant::now();
    let answer = bulk(&tenant, &unknown).await.must(201);
    assert_eq!(answer["created"], 100);
    // A name is waited for two seconds; one after the other they would be minutes.
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
}
