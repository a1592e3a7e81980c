//! Where deliveries may go: the table of hostile URLs, over HTTP, at creation and at change. The
//! local stack has the loopback switch on and does not insist on https.

use aragora_tests::hostile_urls::{self, LOOPBACK, MAX_CHARS};
use aragora_tests::{Reply, Session, Tenant};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

/// How many requests are under way at a time.
const WIDTH: usize = 8;

async fn create(tenant: &Tenant, url: &str) -> Reply {
    tenant.admin.post("/api/webhooks", &json!({"url": url, "event_types": ["*"]})).await
}

async fn accepted<'a>(urls: impl IntoIterator<Item = &'a str>) {
    let session = Session::shared().await;
    let tenant = &session.tenant();
    let requests = urls.into_iter().map(|url| async move { (url, create(tenant, url).await) });
    let replies: Vec<(&str, Reply)> =
        stream::iter(requests).buffer_unordered(WIDTH).collect().await;
    for (url, reply) in replies {
        assert_eq!(reply.status, 201, "{url}: {}", reply.text());
    }
}

/// A tenant with one webhook, before and after which nothing else may be there.
async fn unharmed(attack: impl AsyncFn(&Tenant, &str)) {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe("http://127.0.0.1:9/hook", &["*"]).await;
    let before = tenant.admin.get("/api/webhooks?limit=100").await.must(200);
    attack(&tenant, &webhook.path()).await;
    assert_eq!(tenant.admin.get("/api/webhooks?limit=100").await.must(200), before);
}

#[tokio::test]
async fn hostile_urls_are_refused_at_creation() {
    unharmed(async |tenant, _| {
        hostile_urls::are_all_refused("url", async |url| create(tenant, url).await).await;
    })
    .await;
}

#[tokio::test]
async fn hostile_urls_are_refused_at_a_change() {
    unharmed(async |tenant, path| {
        let patch = async |url: &str| tenant.admin.patch(path, &json!({"url": url})).await;
        hostile_urls::are_all_refused("url", patch).await;
    })
    .await;
}

#[tokio::test]
async fn hostile_urls_are_refused_at_a_replacement() {
    unharmed(async |tenant, path| {
        let put = async |url: &str| {
            tenant.admin.put(path, &json!({"url": url, "event_types": ["*"]})).await
        };
        hostile_urls::are_all_refused("url", put).await;
    })
    .await;
}

#[tokio::test]
async fn urls_that_are_no_texts_are_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for url in
        [Value::Null, json!(5), json!(["http://127.0.0.1/"]), json!({"href": "http://127.0.0.1/"})]
    {
        let reply =
            tenant.admin.post("/api/webhooks", &json!({"url": url, "event_types": ["*"]})).await;
        assert!(reply.names("url"), "{}", reply.text());
    }
}

#[tokio::test]
async fn the_web_ports_and_the_longest_url_are_allowed() {
    accepted([
        "https://example.com:443/",
        "http://example.com:80/",
        "http://example.com:443/",
        &hostile_urls::of_length(MAX_CHARS),
    ])
    .await;
}

#[tokio::test]
async fn the_neighbours_of_special_addresses_are_allowed() {
    accepted([
        "http://1.0.0.1/",
        "http://9.255.255.255/",
        "http://11.0.0.1/",
        "http://100.63.255.255/",
        "http://100.128.0.1/",
        "http://126.255.255.255/",
        "http://128.0.0.1/",
        "http://169.253.255.255/",
        "http://169.255.0.1/",
        "http://172.15.255.255/",
        "http://172.32.0.1/",
        "http://192.0.1.1/",
        "http://192.0.3.1/",
        "http://192.167.255.255/",
        "http://192.169.0.1/",
        "http://198.17.255.255/",
        "http://198.20.0.1/",
        "http://198.51.99.1/",
        "http://198.51.101.1/",
        "http://203.0.112.1/",
        "http://203.0.114.1/",
        "http://223.255.255.255/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://[2a00:1450::1]/",
        "https://[2001:200::1]/",
    ])
    .await;
}

#[tokio::test]
async fn the_loopback_switch_admits_loopback() {
    accepted(LOOPBACK).await;
}

#[tokio::test]
async fn international_names_and_names_that_do_not_resolve_are_allowed() {
    accepted([
        "https://b\u{fc}cher.example/",
        "https://xn--bcher-kva.example/",
        "https://no-such-name-at-all.example/hook?x=1",
        "https://example.com/p\u{e4}th",
        "HTTPS://EXAMPLE.COM/",
    ])
    .await;
}
