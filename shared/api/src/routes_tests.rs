//! Which request leads where.

use std::collections::HashSet;

use super::*;

fn id(method: &Method, path: &str) -> Option<RouteId> {
    match find(method, path) {
        Found::Route(route, _) => Some(route.id),
        _ => None,
    }
}

fn params(method: &Method, path: &str) -> Vec<(&'static str, String)> {
    match find(method, path) {
        Found::Route(_, params) => params,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn each_route_is_found_under_each_version() {
    for route in ROUTES {
        let path = route.path.replace("{webhook_id}", "wh-1").replace("{delivery_id}", "dlv-1");
        let path = path.replace("{event_id}", "evt-1");
        for version in ["/api/", "/api/v1/", "/api/v2/"] {
            let path = path.replacen("/api/", version, 1);
            assert_eq!(id(&route.method, &path), Some(route.id), "{} {path}", route.method);
            assert_eq!(id(&route.method, &format!("{path}/")), Some(route.id), "{path}/");
        }
    }
}

#[test]
fn no_method_of_a_path_is_listed_twice_and_a_path_has_one_function() {
    let mut seen = HashSet::new();
    for route in ROUTES {
        assert!(seen.insert((&route.method, route.path)), "{} {}", route.method, route.path);
        assert!(route.path.starts_with("/api/") && !route.path.ends_with('/'));
        for other in ROUTES.iter().filter(|other| other.path == route.path) {
            assert_eq!(other.function, route.function, "{}", route.path);
        }
        assert_eq!(route.access == Access::Public, route.id == RouteId::Health, "{}", route.path);
    }
}

#[test]
fn the_literal_path_wins() {
    assert_eq!(id(&Method::POST, "/api/webhooks/dispatch"), Some(RouteId::DispatchEvents));
    assert_eq!(
        find(&Method::GET, "/api/webhooks/dispatch"),
        Found::OtherMethods(vec![Method::POST])
    );
    assert_eq!(id(&Method::GET, "/api/webhooks/dispatcher"), Some(RouteId::GetWebhook));
    assert_eq!(id(&Method::GET, "/api/webhooks/events"), Some(RouteId::ListEventTypes));
    assert_eq!(
        find(&Method::PATCH, "/api/webhooks/events"),
        Found::OtherMethods(vec![Method::GET])
    );
    assert_eq!(id(&Method::GET, "/api/webhooks/events/receipts"), Some(RouteId::ListReceipts));
}

#[test]
fn what_is_not_there() {
    for path in [
        "",
        "/",
        "/api",
        "/api/",
        "/api//",
        "api/webhooks",
        "/API/webhooks",
        "/api/Webhooks",
        "/api/webhooks//",
        "/api/webhooks//receipts",
        "/api/v3/webhooks",
        "/api/v1",
        "/api/v1/v1/webhooks",
        "/v1/webhooks",
        "/api/webhooks/a/b",
        "/api/webhooks/a/receipts/b/retry/c",
        "/api/webhooks/%zz",
        "/api/webhooks/%ff",
        "/health",
        "/api/healthz",
        "/api/events/a/b",
        "/prod/api/webhooks",
        "*",
    ] {
        assert_eq!(find(&Method::GET, path), Found::Nothing, "{path}");
    }
}

#[test]
fn another_method_lists_the_ones_there_are() {
    let all = [Method::GET, Method::PUT, Method::PATCH, Method::DELETE];
    assert_eq!(find(&Method::POST, "/api/webhooks/wh-1"), Found::OtherMethods(all.to_vec()));
    assert_eq!(
        find(&Method::OPTIONS, "/api/v1/webhooks/"),
        Found::OtherMethods(vec![Method::POST, Method::GET])
    );
    assert_eq!(id(&Method::HEAD, "/api/health"), Some(RouteId::Health));
    assert_eq!(
        find(&Method::HEAD, "/api/webhooks/dispatch"),
        Found::OtherMethods(vec![Method::POST])
    );
}

#[test]
fn parameters_are_decoded() {
    assert_eq!(params(&Method::GET, "/api/webhooks/wh%2D1"), [("webhook_id", "wh-1".to_owned())]);
    assert_eq!(params(&Method::GET, "/api/events/a%2Fb%20c"), [("event_id", "a/b c".to_owned())]);
    assert_eq!(
        params(&Method::POST, "/api/v2/webhooks/w/deliveries/d/retry/"),
        [("webhook_id", "w".to_owned()), ("delivery_id", "d".to_owned())]
    );
}

#[test]
fn only_what_takes_lists_takes_large_bodies() {
    for route in ROUTES {
        let takes_lists = matches!(
            route.id,
            RouteId::PublishEvents
                | RouteId::DispatchEvents
                | RouteId::CreateWebhooks
                | RouteId::StreamDebate
        );
        assert_eq!(route.body_limit == BATCH_BODY_LIMIT, takes_lists, "{}", route.path);
    }
}

#[test]
fn the_versioned_spelling_of_the_template() {
    assert_eq!(ROUTES.first().unwrap().versioned_path(), "/api/{version}/webhooks");
}
