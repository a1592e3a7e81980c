//! `/api/audit`: what users do about secrets and URLs is on their organisation's log, can be
//! verified, and is told to those who subscribe to it.

use aragora_tests::clock::now_millis;
use aragora_tests::wait::{PATIENCE, eventually, holds_for};
use aragora_tests::{Receiver, Session, Tenant};
use serde_json::{Value, json};

const URL: &str = "http://127.0.0.1:9/hook";

async fn entries(tenant: &Tenant, query: &str) -> Vec<Value> {
    let page = tenant.admin.get(&format!("/api/audit{query}")).await.must(200);
    let entries = page["entries"].as_array().unwrap().clone();
    assert_eq!(page["count"], entries.len());
    entries
}

/// The entries of an action, oldest first, when there are this many.
async fn of(tenant: &Tenant, action: &str, count: usize) -> Vec<Value> {
    eventually(PATIENCE, &format!("{count} entries of {action}"), async || {
        let mut found = entries(tenant, &format!("?action={action}&limit=100")).await;
        found.reverse();
        (found.len() == count).then_some(found)
    })
    .await
}

#[tokio::test]
async fn the_life_of_a_secret_is_on_the_log() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let began = now_millis();
    let webhook = tenant.subscribe(URL, &["vote"]).await;
    let created = of(&tenant, "secret.created", 1).await.remove(0);
    for (key, wanted) in [
        ("seq", json!(1)),
        ("action", json!("secret.created")),
        ("severity", json!("info")),
        ("outcome", json!("success")),
        ("actor", json!(tenant.user)),
        ("credential", json!("bearer")),
        ("target", json!(webhook.id)),
        ("detail", json!({"project_id": "default"})),
        ("prev_hash", json!("0".repeat(64))),
    ] {
        assert_eq!(created[key], wanted, "{key} of {created}");
    }
    assert!(created["request_id"].as_str().unwrap().starts_with("req-"), "{created}");
    let address: std::net::IpAddr = created["address"].as_str().unwrap().parse().unwrap();
    assert!(address.is_loopback(), "{created}");

    let rotate = format!("{}/rotate-secret", webhook.path());
    tenant.admin.post(&rotate, &json!({"grace_period_seconds": 60})).await.must(200);
    let rotated = of(&tenant, "secret.rotated", 1).await;
    assert!(rotated[0]["detail"]["old_secret_valid_until"].is_string(), "{rotated:?}");
    tenant.admin.post(&rotate, &json!({"grace_period_seconds": 0})).await.must(200);
    tenant.admin.patch(&webhook.path(), &json!({"secret": "another secret"})).await.must(200);
    tenant.admin.patch(&webhook.path(), &json!({"name": "n"})).await.must(200);
    tenant.admin.delete(&webhook.path()).await.must_succeed();
    of(&tenant, "secret.rotated", 3).await;
    let mut causes: Vec<String> = of(&tenant, "secret.revoked", 3)
        .await
        .iter()
        .map(|it| it["detail"]["cause"].as_str().unwrap().to_owned())
        .collect();
    causes.sort();
    assert_eq!(causes, ["deleted", "rotated", "rotated"]);

    let all = entries(&tenant, "?limit=100").await;
    assert_eq!(all.len(), 7);
    let text = json!(all).to_string();
    assert!(!text.contains(&webhook.secret) && !text.contains("another secret"));
    let verified = tenant.admin.get("/api/audit/verify").await.must(200);
    assert_eq!(
        verified,
        json!({"valid": true, "checked": 7, "first_seq": 1, "last_seq": 7}),
        "since {began}"
    );
}

#[tokio::test]
async fn many_registrations_are_reported_together() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let wish = json!({"url": URL, "event_types": ["vote"]});
    let bad = json!({"url": "http://10.0.0.1/", "event_types": ["vote"]});
    let mut list = vec![wish; 40];
    list.insert(7, bad);
    tenant.admin.post("/api/webhooks/bulk", &json!({"webhooks": list})).await.must(201);
    let created = of(&tenant, "secret.created", 40).await;
    assert_eq!(of(&tenant, "url.blocked", 1).await[0]["detail"], json!({"rule": "address"}));
    let requests: std::collections::BTreeSet<_> =
        created.iter().map(|it| it["request_id"].to_string()).collect();
    assert_eq!(requests.len(), 1);

    let pages = tenant.pages("/api/audit?limit=9", "entries").await;
    let numbers: Vec<u64> = pages.iter().flatten().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=41).rev().collect::<Vec<_>>());
    let mut from = 1;
    let mut checked = 0;
    loop {
        let path = format!("/api/audit/verify?limit=15&from_seq={from}");
        let page = tenant.admin.get(&path).await.must(200);
        assert_eq!(page["valid"], true, "{page}");
        checked += page["checked"].as_u64().unwrap();
        match page["next_from_seq"].as_u64() {
            Some(next) => from = next,
            None => break,
        }
    }
    assert_eq!(checked, 41);
}

#[tokio::test]
async fn urls_that_may_not_be_called_are_on_the_log_without_the_url() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let register = |url: &str| json!({"url": url, "event_types": ["vote"]});
    for url in ["http://169.254.169.254/?k=TOPSECRET", "http://u:TOPSECRET@example.com/"] {
        tenant.admin.post("/api/webhooks", &register(url)).await.must_refuse(400);
    }
    // No more than slips of the pen.
    for url in ["", "example.com", "http://example.com/#x"] {
        tenant.admin.post("/api/webhooks", &register(url)).await.must_refuse(400);
    }
    let webhook = tenant.subscribe(URL, &["vote"]).await;
    let change = json!({"url": "http://localhost.internal/"});
    tenant.admin.patch(&webhook.path(), &change).await.must_refuse(400);
    let blocked = of(&tenant, "url.blocked", 3).await;
    let mut rules: Vec<&str> =
        blocked.iter().map(|it| it["detail"]["rule"].as_str().unwrap()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["address", "host_name", "userinfo"]);
    assert!(blocked.iter().all(|it| it["outcome"] == "refused" && it["severity"] == "warning"));
    assert!(blocked.iter().any(|it| it["target"] == json!(webhook.path())), "{blocked:?}");
    assert!(!json!(blocked).to_string().contains("TOPSECRET"));
}

#[tokio::test]
async fn forged_cursors_are_on_the_log_of_whoever_sends_them() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let paths = [
        "/api/webhooks",
        "/api/events",
        "/api/webhooks/dead-letter",
        "/api/webhooks/jobs",
        "/api/audit",
        "/api/v1/system/circuit-breakers",
    ];
    for path in paths {
        let forged = format!("{path}?cursor=Zm9yZ2Vk");
        tenant
            .admin
            .call(http::Method::GET, &forged)
            .header("x-request-id", "forger-1")
            .send()
            .await
            .must_refuse(400);
    }
    let found = of(&tenant, "cursor.forged", paths.len()).await;
    let mut targets: Vec<&str> = found.iter().map(|it| it["target"].as_str().unwrap()).collect();
    targets.sort_unstable();
    let mut wanted = paths;
    wanted.sort_unstable();
    assert_eq!(targets, wanted);
    assert!(found.iter().all(|it| it["request_id"] == "forger-1"));
    assert_eq!(entries(&other, "").await, Vec::<Value>::new(), "nobody else's");
}

#[tokio::test]
async fn those_who_subscribe_are_told_and_star_does_not_subscribe() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let watcher = tenant.subscribe(&receiver.url("/security"), &["security.*"]).await;
    tenant.subscribe(&receiver.url("/named"), &["security.url.blocked"]).await;
    tenant.subscribe(&receiver.url("/all"), &["*", "webhook.*"]).await;
    let body = json!({"url": "http://10.0.0.1/", "event_types": ["vote"]});
    tenant.admin.post("/api/webhooks", &body).await.must_refuse(400);
    let told = receiver.at_least("/named", 1, PATIENCE).await[0].json();
    let entry = of(&tenant, "url.blocked", 1).await.remove(0);
    assert_eq!(told["event_type"], "security.url.blocked");
    assert_eq!(told["data"]["happening_id"], entry["id"]);
    assert_eq!(told["data"]["occurred_at"], entry["at"]);
    for key in
        ["action", "severity", "outcome", "actor", "credential", "target", "address", "detail"]
    {
        assert_eq!(told["data"][key], entry[key], "{key}");
    }
    eventually(PATIENCE, "the glob to be told of it", async || {
        let told = receiver.received("/security");
        told.iter().any(|it| it.json()["data"]["happening_id"] == entry["id"]).then_some(())
    })
    .await;
    holds_for(std::time::Duration::from_secs(2), "`*` has none of it", async || {
        receiver.received("/all").iter().all(|it| !it.text().contains("security."))
    })
    .await;
    assert_eq!(receiver.received("/named").len(), 1, "once");
    // What is ours nobody else publishes.
    let forged = json!({"event_type": "security.auth.failed", "data": {}});
    assert!(tenant.admin.post("/api/events", &forged).await.names("event_type"));
    assert!(!watcher.id.is_empty());
}

#[tokio::test]
async fn only_admins_read_the_log() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for path in ["/api/audit", "/api/audit/verify", "/api/v2/audit", "/api/v1/audit/verify"] {
        for role in ["viewer", "editor", "service", "nobody"] {
            tenant.role(role).get(path).await.must_refuse(403);
        }
        tenant.role("owner").get(path).await.must(200);
        session.anonymous().get(path).await.must_refuse(401);
        let service = session
            .anonymous()
            .with_header("authorization", &format!("Access {}", session.stack.service_token))
            .with_header("x-org-id", &tenant.org)
            .with_header("x-user-roles", "admin");
        service.get(path).await.must_refuse(403);
        tenant.admin.post(path, &json!({})).await.must_refuse(405);
    }
    // The refusals are on its log by now; nothing is on another's.
    let nothing = session.tenant().admin.get("/api/audit/verify").await.must(200);
    assert_eq!(nothing["valid"], true);
    assert_eq!((&nothing["checked"], &nothing["first_seq"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn the_platforms_organisation_is_nobodys() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let claims = aragora_tests::token::claims(&tenant.user, "-", "owner");
    tenant.claiming(&claims).get("/api/audit").await.must_refuse(401);
    let service = session
        .anonymous()
        .with_header("authorization", &format!("Access {}", session.stack.service_token))
        .with_header("x-org-id", "-");
    service.get("/api/events").await.must_refuse(401);
}

#[tokio::test]
async fn bad_questions_are_named() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (query, field) in [
        ("?action=auth.fail", "action"),
        ("?action=", ""),
        ("?since=yesterday", "since"),
        ("?until=5", "until"),
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?cursor=YTE6MA", "cursor"),
        ("?actor=a&actor=b", "actor"),
        ("/verify?from_seq=0", "from_seq"),
        ("/verify?from_seq=-1", "from_seq"),
        ("/verify?from_seq=1e3", "from_seq"),
        ("/verify?from_seq=99999999999999999999", "from_seq"),
        ("/verify?limit=1001", "limit"),
        ("/verify?limit=0", "limit"),
    ] {
        let reply = tenant.admin.get(&format!("/api/audit{query}")).await;
        let right = if field.is_empty() { reply.status == 200 } else { reply.names(field) };
        assert!(right, "{query}: {} {}", reply.status, reply.text());
    }
    let long = format!("/api/audit?actor={}", "x".repeat(257));
    assert!(tenant.admin.get(&long).await.names("actor"));
}

#[tokio::test]
async fn a_change_behind_our_back_is_found_over_http() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for _ in 0..3 {
        tenant.subscribe(URL, &["vote"]).await;
    }
    of(&tenant, "secret.created", 3).await;
    let key = json!({"pk": {"S": tenant.org}, "sk": {"S": format!("{:016}", 2)}});
    let input = json!({
        "TableName": session.stack.tables["audit_log"],
        "Key": key,
        "UpdateExpression": "SET recorded_at = recorded_at + :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    });
    session.aws().call(aragora_tests::aws::DYNAMODB, "UpdateItem", &input).await;
    let verified = tenant.admin.get("/api/audit/verify").await.must(200);
    assert_eq!(
        verified,
        json!({
            "valid": false, "checked": 1, "first_seq": 1, "last_seq": 1,
            "broken_at": 2, "reason": "altered",
        })
    );
}

#[tokio::test]
async fn what_is_reported_is_counted_in_one_line_of_the_functions_log() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let began = now_millis() - 1_000;
    let id = format!("counted-{}", tenant.org);
    let body = json!({"url": "http://10.0.0.1/", "event_types": ["vote"]});
    let call = tenant.admin.call(http::Method::POST, "/api/webhooks").header("x-request-id", &id);
    call.json(&body).send().await.must_refuse(400);
    let log = session.function("webhooks").log().await;
    eventually(PATIENCE, "a line of metrics", async || {
        let lines = log.since(began).await;
        lines.iter().filter_map(aragora_tests::logs::Line::json).find(|line| {
            let metric = "aragora_security_events_total";
            let head = line.get("_aws").cloned().unwrap_or_default();
            let directive = json!({
                "Namespace": "Aragora", "Dimensions": [["action"]],
                "Metrics": [{"Name": metric, "Unit": "Count"}],
            });
            line.get(metric) == Some(&json!(1))
                && line.get("action") == Some(&json!("url.blocked"))
                && head["CloudWatchMetrics"].as_array().is_some_and(|it| it.contains(&directive))
        })
    })
    .await;
}
