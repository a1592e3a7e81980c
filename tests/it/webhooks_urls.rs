//! Where deliveries may go: the URL table, over HTTP, at creation and at change. The local stack
//! has the loopback switch on and does not insist on https.

use aragora_tests::{Reply, Session, Tenant};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

/// How many requests are under way at a time.
const WIDTH: usize = 8;

async fn each<'a>(
    urls: impl IntoIterator<Item = &'a str>,
    send: impl AsyncFn(&str) -> Reply,
) -> Vec<(String, Reply)> {
    let send = &send;
    let requests = urls.into_iter().map(|url| async move { (url.to_owned(), send(url).await) });
    stream::iter(requests).buffer_unordered(WIDTH).collect().await
}

async fn create(tenant: &Tenant, url: &str) -> Reply {
    tenant.admin.post("/api/webhooks", &json!({"url": url, "event_types": ["*"]})).await
}

/// Every URL is refused at creation and at change, and changes nothing.
async fn refused(urls: &[&str]) {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe("http://127.0.0.1:9/hook", &["*"]).await;
    let created = each(urls.iter().copied(), async |url| create(&tenant, url).await).await;
    let changed = each(urls.iter().copied(), async |url| {
        tenant.admin.patch(&webhook.path(), &json!({"url": url})).await
    })
    .await;
    for (url, reply) in created.into_iter().chain(changed) {
        assert!(
            reply.status == 400 && reply.names("url"),
            "{url}: {} {}",
            reply.status,
            reply.text()
        );
    }
    let list = tenant.admin.get("/api/webhooks?limit=100").await.must(200);
    let urls: Vec<&Value> =
        list["webhooks"].as_array().unwrap().iter().map(|each| &each["url"]).collect();
    assert_eq!(urls, ["http://127.0.0.1:9/hook"]);
}

async fn accepted(urls: &[&str]) {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (url, reply) in each(urls.iter().copied(), async |url| create(&tenant, url).await).await {
        assert_eq!(reply.status, 201, "{url}: {}", reply.text());
    }
}

#[tokio::test]
async fn what_is_no_http_url_is_refused() {
    refused(&[
        "",
        " ",
        "example.com",
        "/hook",
        "//example.com/hook",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "javascript:alert(1)",
        "http://",
        "https://:443/",
        "https://exa mple.com/",
        "http://[::1",
        "https://example.com:99999/",
        "unix:/run/docker.sock",
        "https://exam\u{0}ple.com/",
    ])
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
async fn user_information_and_fragments_are_refused() {
    refused(&[
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://:password@example.com/",
        "https://example.com/#fragment",
        "https://example.com/hook#",
        "https://example.com@127.0.0.1/",
    ])
    .await;
}

#[tokio::test]
async fn only_the_web_ports_are_allowed() {
    refused(&[
        "https://example.com:8443/",
        "http://example.com:22/",
        "https://93.184.215.14:6379/",
        "http://example.com:8080/",
    ])
    .await;
    accepted(&["https://example.com:443/", "http://example.com:80/", "http://example.com:443/"])
        .await;
}

#[tokio::test]
async fn urls_have_at_most_2048_characters() {
    let of_length = |length: usize| {
        let start = "https://example.com/";
        format!("{start}{}", "x".repeat(length - start.len()))
    };
    accepted(&[&of_length(2048)]).await;
    refused(&[&of_length(2049), &of_length(10_000)]).await;
}

#[tokio::test]
async fn internal_names_are_refused() {
    refused(&[
        "http://metadata.google.internal/",
        "http://metadata.goog/",
        "http://instance-data/",
        "http://instance-data./",
        "https://printer.local/",
        "https://app.localhost/",
        "https://db.internal/",
        "https://nas.lan/",
        "https://intranet.corp/",
        "https://router.home/",
        "https://vault.private/",
        "https://DB.InTeRnAl/",
        "https://db.internal./",
        "https://a.b.c.local/",
        "http://metadata.google.internal./computeMetadata/v1/",
        "http://metadata.google\u{3002}internal/",
        "http://\u{ff4d}etadata.goog/",
    ])
    .await;
}

#[tokio::test]
async fn special_ipv4_addresses_are_refused() {
    refused(&[
        "http://0.0.0.0/",
        "http://0.1.2.3/",
        "http://10.0.0.1/",
        "http://10.255.255.255/",
        "http://100.64.0.1/",
        "http://100.127.255.255/",
        "http://169.254.169.254/latest/meta-data/",
        "http://169.254.0.1/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.0.0.1/",
        "http://192.0.2.1/",
        "http://192.88.99.1/",
        "http://192.168.0.1/",
        "http://192.168.255.255/",
        "http://198.18.0.1/",
        "http://198.19.255.255/",
        "http://198.51.100.1/",
        "http://203.0.113.1/",
        "http://224.0.0.1/",
        "http://239.255.255.255/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://10.0.0.1./",
    ])
    .await;
}

#[tokio::test]
async fn their_neighbours_are_allowed() {
    accepted(&[
        "http://1.0.0.1/",
        "http://9.255.255.255/",
        "http://11.0.0.1/",
        "http://100.63.255.255/",
        "http://100.128.0.1/",
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
    ])
    .await;
}

#[tokio::test]
async fn legacy_spellings_are_read_as_the_addresses_they_are() {
    refused(&[
        "http://10.1/",
        "http://167772161/",
        "http://0xa.1/",
        "http://0x0a000001/",
        "http://012.0.0.1/",
        "http://0xA9FEA9FE/",
        "http://2852039166/",
        "http://169.254.43518/",
        "http://0251.0376.0251.0376/",
        "http://3232235521/",
        "http://0/",
        "http://\u{ff11}\u{ff10}.0.0.1/",
    ])
    .await;
}

#[tokio::test]
async fn special_ipv6_addresses_are_refused() {
    refused(&[
        "http://[::]/",
        "http://[::2]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[::10.0.0.1]/",
        "http://[64:ff9b::10.0.0.1]/",
        "http://[64:ff9b:1::1]/",
        "http://[100::1]/",
        "http://[2001::1]/",
        "http://[2001:1ff::1]/",
        "http://[2001:db8::1]/",
        "http://[2002:a00:1::]/",
        "http://[3fff::1]/",
        "http://[5f00::1]/",
        "http://[fc00::1]/",
        "http://[fdff::1]/",
        "http://[fe80::1]/",
        "http://[febf::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
    ])
    .await;
    accepted(&[
        "https://[2606:4700:4700::1111]/",
        "https://[2a00:1450::1]/",
        "https://[2001:200::1]/",
    ])
    .await;
}

#[tokio::test]
async fn the_loopback_switch_admits_loopback_and_nothing_else() {
    accepted(&[
        "http://127.0.0.1/",
        "http://127.0.0.1:3999/hook",
        "http://127.255.255.254:1/",
        "http://[::1]/",
        "http://[::1]:8080/hook",
        "http://localhost/",
        "http://localhost:8080/",
        "https://localhost:8443/",
    ])
    .await;
    refused(&[
        "http://[::ffff:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://0.0.0.0:8080/",
        "http://app.localhost:8080/",
        "http://10.0.0.1:8080/",
        "http://192.168.0.1/",
        "http://128.0.0.1:8080/",
    ])
    .await;
}

#[tokio::test]
async fn international_names_and_names_that_do_not_resolve_are_allowed() {
    accepted(&[
        "https://b\u{fc}cher.example/",
        "https://xn--bcher-kva.example/",
        "https://no-such-name-at-all.example/hook?x=1",
        "https://example.com/p\u{e4}th",
        "HTTPS://EXAMPLE.COM/",
    ])
    .await;
}

#[tokio::test]
async fn a_refusal_says_blocked_and_no_address() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for url in ["http://2852039166/", "http://metadata.google.internal/"] {
        let text = create(&tenant, url).await.text();
        assert!(text.contains("blocked") && !text.contains("169.254"), "{text}");
    }
}
