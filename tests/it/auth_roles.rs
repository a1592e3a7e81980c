//! The role table of the specification, on every route of the webhooks and events functions.

use std::collections::BTreeSet;

use aragora_tests::{Session, Tenant};
use futures_util::stream::{self, StreamExt as _};
use http::Method;
use serde_json::json;

const ROUTES: [(Method, &str, &str); 39] = [
    (Method::GET, "/api/webhooks", "webhooks:read"),
    (Method::GET, "/api/webhooks/wh-none", "webhooks:read"),
    (Method::GET, "/api/webhooks/events", "webhooks:read"),
    (Method::GET, "/api/webhooks/events/categories", "webhooks:read"),
    (Method::GET, "/api/webhooks/wh-none/receipts", "webhooks:read"),
    (Method::GET, "/api/webhooks/wh-none/deliveries", "webhooks:read"),
    (Method::GET, "/api/webhooks/wh-none/receipts/dlv-none", "webhooks:read"),
    (Method::GET, "/api/webhooks/wh-none/deliveries/dlv-none", "webhooks:read"),
    (Method::GET, "/api/webhooks/wh-none/stats", "webhooks:read"),
    (Method::GET, "/api/webhooks/slo/status", "webhooks:read"),
    (Method::POST, "/api/webhooks", "webhooks:write"),
    (Method::PUT, "/api/webhooks/wh-none", "webhooks:write"),
    (Method::PATCH, "/api/webhooks/wh-none", "webhooks:write"),
    (Method::POST, "/api/webhooks/wh-none/receipts/dlv-none/retry", "webhooks:write"),
    (Method::POST, "/api/webhooks/wh-none/regenerate-secret", "webhooks:write"),
    (Method::POST, "/api/webhooks/wh-none/rotate-secret", "webhooks:write"),
    (Method::POST, "/api/webhooks/wh-none/test", "webhooks:write"),
    (Method::POST, "/api/webhooks/bulk", "webhooks:write"),
    (Method::POST, "/api/webhooks/pause-all", "webhooks:write"),
    (Method::POST, "/api/webhooks/resume-all", "webhooks:write"),
    (Method::DELETE, "/api/webhooks/wh-none", "webhooks:delete"),
    (Method::GET, "/api/webhooks/dead-letter", "webhooks:read"),
    (Method::GET, "/api/webhooks/dead-letter/dlv-none", "webhooks:read"),
    (Method::POST, "/api/webhooks/dead-letter/dlv-none/retry", "webhooks:write"),
    (Method::DELETE, "/api/webhooks/dead-letter/dlv-none", "webhooks:delete"),
    (Method::GET, "/api/webhooks/dead-letters", "webhooks:read"),
    (Method::GET, "/api/webhooks/dead-letters/dlv-none", "webhooks:read"),
    (Method::POST, "/api/webhooks/dead-letters/dlv-none/retry", "webhooks:write"),
    (Method::DELETE, "/api/webhooks/dead-letters/dlv-none", "webhooks:delete"),
    (Method::POST, "/api/webhooks/dead-letter/retry", "webhooks:write"),
    (Method::POST, "/api/webhooks/dead-letters/retry", "webhooks:write"),
    (Method::POST, "/api/webhooks/wh-none/recover", "webhooks:write"),
    (Method::GET, "/api/webhooks/jobs", "webhooks:read"),
    (Method::GET, "/api/webhooks/jobs/job-none", "webhooks:read"),
    (Method::DELETE, "/api/webhooks/jobs/job-none", "webhooks:write"),
    (Method::POST, "/api/events", "events:write"),
    (Method::POST, "/api/webhooks/dispatch", "events:write"),
    (Method::GET, "/api/events", "events:read"),
    (Method::GET, "/api/events/evt-none", "events:read"),
];

fn permissions(role: &str) -> BTreeSet<&'static str> {
    let granted: &[&str] = match role {
        "viewer" | "analyst" => &["webhooks:read", "events:read"],
        "member" => &["webhooks:read", "events:read", "events:write"],
        "editor" | "admin" | "owner" => {
            &["webhooks:read", "events:read", "events:write", "webhooks:write", "webhooks:delete"]
        }
        "service" => &["events:read", "events:write"],
        _ => &[],
    };
    granted.iter().copied().collect()
}

async fn check(
    tenant: &Tenant,
    role: &str,
    method: Method,
    path: &str,
    permission: &str,
) -> Option<String> {
    // Bodies are empty objects: whoever is let in gets a 400 or a 404, and nothing is made but a
    // job that finds no dead letters.
    let reply = tenant.role(role).call(method.clone(), path).json(&json!({})).send().await;
    let allowed = permissions(role).contains(permission);
    let right = if allowed {
        ![401, 403].contains(&reply.status) && reply.status < 500
    } else {
        reply.status == 403
    };
    if reply.status == 403 {
        reply.must_refuse(403);
    }
    (!right).then(|| format!("{role} {method} {path}: {} {}", reply.status, reply.text()))
}

#[tokio::test]
async fn each_role_may_do_what_the_table_says_and_no_more() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let roles =
        ["viewer", "analyst", "member", "editor", "admin", "owner", "service", "nobody", "Admin"];
    let cases = roles.iter().flat_map(|role| ROUTES.iter().map(move |route| (*role, route)));
    let checks = cases.map(|(role, (method, path, permission))| {
        check(&tenant, role, method.clone(), path, permission)
    });
    let wrong: Vec<Option<String>> = stream::iter(checks).buffer_unordered(8).collect().await;
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn several_roles_add_up() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut claims = aragora_tests::token::claims(&tenant.user, &tenant.org, "viewer");
    claims["roles"] = json!(["service"]);
    let both = tenant.claiming(&claims);
    both.get("/api/webhooks").await.must(200);
    both.post("/api/events", &json!({"event_type": "vote", "data": {}})).await.must(202);
    both.post("/api/webhooks", &json!({})).await.must_refuse(403);
}

#[tokio::test]
async fn a_refusal_names_the_permission_with_a_colon() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let error = tenant.role("viewer").delete("/api/webhooks/wh-none").await.must_refuse(403);
    assert!(error["error"].as_str().unwrap().contains("webhooks:delete"), "{error}");
}

#[tokio::test]
async fn a_refused_caller_leaves_nothing_behind() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let viewer = tenant.role("viewer");
    let body = json!({"url": "http://127.0.0.1:9/", "event_types": ["*"]});
    viewer.post("/api/webhooks", &body).await.must_refuse(403);
    viewer.post("/api/events", &json!({"event_type": "vote", "data": {}})).await.must_refuse(403);
    let webhook = tenant.subscribe_with(body).await;
    viewer.delete(&webhook.path()).await.must_refuse(403);
    viewer.patch(&webhook.path(), &json!({"enabled": false})).await.must_refuse(403);

    let list = tenant.admin.get("/api/webhooks").await.must(200);
    assert_eq!(list["webhooks"].as_array().unwrap().len(), 1);
    assert_eq!(list["webhooks"][0]["enabled"], true);
}
