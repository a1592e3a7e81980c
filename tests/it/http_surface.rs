//! What every route has in common: health, unknown paths, methods, CORS and request ids.

use aragora_tests::{Reply, Session};
use http::Method;
use serde_json::json;

#[tokio::test]
async fn health_needs_no_credential_and_says_what_was_checked() {
    let session = Session::shared().await;
    let api = session.anonymous();
    for path in ["/api/health", "/api/v1/health", "/api/v2/health", "/api/health/"] {
        let health = api.call(Method::GET, path).follow().await.must(200);
        assert_eq!(health["status"], "healthy", "{health}");
        assert!(
            health["version"].is_string() && health["timestamp"].as_str().unwrap().ends_with('Z'),
            "{health}"
        );
        assert!(health["uptime"].is_number() && health["uptime_seconds"].is_number(), "{health}");
        let checks = health["checks"].as_object().unwrap();
        assert!(!checks.is_empty() && checks.values().all(|passed| passed == true), "{health}");
    }
}

#[tokio::test]
async fn unknown_paths_are_404_in_our_own_words() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for path in [
        "/",
        "/api",
        "/api/nothing",
        "/api/webhooks/wh-1/nothing",
        "/webhooks",
        "/api/v3/webhooks",
        "/favicon.ico",
    ] {
        tenant.admin.get(path).await.must_refuse(404);
        session.anonymous().get(path).await.must_refuse(404);
    }
}

#[tokio::test]
async fn known_paths_refuse_other_methods_and_name_theirs() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (method, path, allowed) in [
        (Method::DELETE, "/api/webhooks", "POST"),
        (Method::POST, "/api/webhooks/wh-1", "PATCH"),
        (Method::GET, "/api/webhooks/dispatch", "POST"),
        (Method::DELETE, "/api/events", "GET"),
        (Method::PUT, "/api/events/evt-1", "GET"),
        (Method::DELETE, "/api/webhooks/wh-1/receipts", "GET"),
        (Method::GET, "/api/webhooks/wh-1/receipts/dlv-1/retry", "POST"),
        (Method::POST, "/api/webhooks/dead-letter", "GET"),
        (Method::PUT, "/api/webhooks/dead-letters/dlv-1", "DELETE"),
        (Method::POST, "/api/health", "GET"),
    ] {
        let reply = tenant.admin.call(method.clone(), path).json(&json!({})).send().await;
        assert_eq!(reply.status, 405, "{method} {path}: {}", reply.text());
        reply.must_refuse(405);
        assert!(
            reply.header("allow").contains(allowed),
            "{method} {path}: {}",
            reply.header("allow")
        );
    }
}

#[tokio::test]
async fn a_request_id_is_taken_and_returned() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let traced = tenant.admin.clone().with_header("x-request-id", "req-of-mine-1");
    let reply = traced.get("/api/webhooks").await;
    assert_eq!(reply.header("x-request-id"), "req-of-mine-1");
    let error = traced.get("/api/webhooks/wh-none").await.must_refuse(404);
    assert_eq!(error["request_id"], "req-of-mine-1");
}

#[tokio::test]
async fn a_request_id_is_made_when_there_is_none_or_a_bad_one() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let first = tenant.admin.get("/api/webhooks").await.header("x-request-id").to_owned();
    let second = tenant.admin.get("/api/webhooks").await.header("x-request-id").to_owned();
    assert!(!first.is_empty() && first != second);
    let long = "x".repeat(5000);
    for bad in ["with spaces and \"quotes\"", long.as_str()] {
        let reply =
            tenant.admin.clone().with_header("x-request-id", bad).get("/api/webhooks").await;
        let taken = reply.header("x-request-id");
        assert!(!taken.is_empty() && taken != bad && taken.len() <= 200, "{taken}");
    }
}

async fn preflight(session: &Session, path: &str, origin: &str) -> Reply {
    let call = session.anonymous().call(Method::OPTIONS, path);
    call.header("origin", origin).header("access-control-request-method", "POST").send().await
}

#[tokio::test]
async fn a_configured_origin_is_admitted_by_name() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (function, path) in [
        ("webhooks", "/api/webhooks"),
        ("events", "/api/events"),
        ("receipts", "/api/webhooks/wh-1/receipts"),
        ("redeliveries", "/api/webhooks/dead-letter"),
    ] {
        let environment = session.function(function).environment().await;
        let Some(origin) =
            environment["ARAGORA_ALLOWED_ORIGINS"].split(',').find(|each| !each.is_empty())
        else {
            return;
        };
        let answer = preflight(&session, path, origin).await;
        assert!((200..300).contains(&answer.status), "{path}: {}", answer.status);
        assert_eq!(answer.header("access-control-allow-origin"), origin, "{path}");
        assert!(
            answer.header("access-control-allow-methods").contains("GET"),
            "{path}: {:?}",
            answer.headers
        );
        assert!(
            answer.header("access-control-allow-headers").to_lowercase().contains("authorization"),
            "{path}"
        );
        let answer = tenant.admin.clone().with_header("origin", origin).get("/api/webhooks").await;
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert!(answer.header("vary").to_lowercase().contains("origin"), "{:?}", answer.headers);
    }
}

#[tokio::test]
async fn other_origins_get_no_cors_headers() {
    let session = Session::shared().await;
    for path in ["/api/webhooks", "/api/events", "/api/webhooks/wh-1/receipts", "/api/health"] {
        let answer = preflight(&session, path, "https://evil.example").await;
        assert!(answer.status < 500 && answer.status != 401, "{path}: {}", answer.status);
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}
