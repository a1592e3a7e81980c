//! Which credentials count.

use aragora_tests::clock::now_seconds;
use aragora_tests::token::{Algorithm, claims};
use aragora_tests::{Api, Session, Tenant};
use http::Method;
use serde_json::{Value, json};

/// The claims of a good token with one of them replaced, or taken out by `null`.
fn but(tenant: &Tenant, claim: &str, value: Value) -> Value {
    let mut changed = claims(&tenant.user, &tenant.org, "admin");
    if value.is_null() {
        changed.as_object_mut().unwrap().remove(claim);
    } else {
        changed[claim] = value;
    }
    changed
}

async fn unauthorised(api: &Api, what: &str) {
    for path in ["/api/webhooks", "/api/events"] {
        let reply = api.get(path).await;
        assert_eq!(reply.status, 401, "{what} on {path}: {}", reply.text());
        reply.must_refuse(401);
    }
}

#[tokio::test]
async fn a_good_token_counts() {
    let session = Session::shared().await;
    session.tenant().admin.get("/api/webhooks").await.must(200);
}

#[tokio::test]
async fn no_credential_is_401_on_every_route() {
    let session = Session::shared().await;
    let api = session.anonymous();
    for (method, path) in [
        (Method::GET, "/api/webhooks"),
        (Method::POST, "/api/webhooks"),
        (Method::GET, "/api/webhooks/wh-1"),
        (Method::PUT, "/api/webhooks/wh-1"),
        (Method::PATCH, "/api/webhooks/wh-1"),
        (Method::DELETE, "/api/webhooks/wh-1"),
        (Method::GET, "/api/webhooks/wh-1/receipts"),
        (Method::GET, "/api/webhooks/wh-1/deliveries"),
        (Method::GET, "/api/webhooks/wh-1/receipts/dlv-1"),
        (Method::POST, "/api/webhooks/wh-1/receipts/dlv-1/retry"),
        (Method::GET, "/api/webhooks/dead-letter"),
        (Method::GET, "/api/webhooks/dead-letters"),
        (Method::GET, "/api/webhooks/dead-letter/dlv-1"),
        (Method::POST, "/api/webhooks/dead-letter/dlv-1/retry"),
        (Method::DELETE, "/api/webhooks/dead-letter/dlv-1"),
        (Method::POST, "/api/webhooks/dispatch"),
        (Method::POST, "/api/events"),
        (Method::GET, "/api/events"),
        (Method::GET, "/api/events/evt-1"),
    ] {
        let reply = api.call(method.clone(), path).json(&json!({})).send().await;
        assert_eq!(reply.status, 401, "{method} {path}: {}", reply.text());
        reply.must_refuse(401);
    }
}

#[tokio::test]
async fn what_is_no_bearer_token_is_refused() {
    let session = Session::shared().await;
    let token = "eyJhbGciOiJIUzI1NiJ9.e30.AAAA";
    for value in [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer a.b",
        "Bearer a.b.c",
        "Bearer ..",
        "Basic dXNlcjpwYXNz",
        token,
        "Token abc",
        "Bearer ara_not-a-key",
    ] {
        unauthorised(&session.anonymous().with_header("authorization", value), value).await;
    }
}

#[tokio::test]
async fn only_hs256_counts() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for algorithm in [Algorithm::None, Algorithm::Hs512, Algorithm::Rs256WithHmac] {
        unauthorised(&tenant.algorithm(algorithm), &format!("{algorithm:?}")).await;
    }
}

#[tokio::test]
async fn another_key_does_not_count() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let good = claims(&tenant.user, &tenant.org, "admin");
    for secret in ["", "another-secret-of-more-than-32-characters", "\0"] {
        unauthorised(&tenant.signed(&good, secret, Algorithm::Hs256), secret).await;
    }
}

#[tokio::test]
async fn claims_that_do_not_hold_are_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (claim, value) in [
        ("exp", json!(now_seconds() - 3600)),
        ("exp", json!("tomorrow")),
        ("exp", Value::Null),
        ("nbf", json!(now_seconds() + 3600)),
        ("type", json!("refresh")),
        ("type", Value::Null),
        ("org_id", Value::Null),
        ("org_id", json!("")),
        ("org_id", json!(5)),
        ("org_id", json!("org#1")),
        ("sub", Value::Null),
        ("sub", json!("")),
    ] {
        let what = format!("{claim} {value}");
        unauthorised(&tenant.claiming(&but(&tenant, claim, value)), &what).await;
    }
}

#[tokio::test]
async fn roles_are_one_text_or_a_list() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let with_roles = |roles: Value| {
        let mut changed = but(&tenant, "role", Value::Null);
        changed["roles"] = roles;
        tenant.claiming(&changed)
    };
    with_roles(json!(["editor"])).get("/api/webhooks").await.must(200);
    with_roles(json!(["nobody", "viewer"])).get("/api/webhooks").await.must(200);
    with_roles(json!([])).get("/api/webhooks").await.must_refuse(403);
    // A text where a list belongs must not be read letter by letter, nor break anything.
    for odd in [json!("admin"), json!(5), json!([["admin"]]), json!({"admin": true})] {
        let status = with_roles(odd.clone()).get("/api/webhooks").await.status;
        assert!(
            [200, 401, 403].contains(&status) && (status != 200 || odd == "admin"),
            "{odd}: {status}"
        );
    }
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let twice = tenant.admin.clone().with_bearer("nonsense");
    let reply = twice.get("/api/webhooks").await;
    assert!([400, 401].contains(&reply.status), "{} {}", reply.status, reply.text());
    let access = format!("Access {}", session.stack.service_token);
    let mixed = tenant
        .role("viewer")
        .with_header("authorization", &access)
        .with_header("x-user-roles", "admin");
    let reply = mixed.post("/api/webhooks", &json!({})).await;
    assert!([400, 401].contains(&reply.status), "{} {}", reply.status, reply.text());
}

#[tokio::test]
async fn identity_headers_do_not_count_beside_a_bearer_token() {
    let session = Session::shared().await;
    let (ours, theirs) = (session.tenant(), session.tenant());
    let forged = ours
        .role("viewer")
        .with_header("x-user-roles", "admin")
        .with_header("x-org-id", &theirs.org);
    let body = json!({"url": "http://127.0.0.1:9/", "event_types": ["*"]});
    forged.post("/api/webhooks", &body).await.must_refuse(403);

    theirs.subscribe("http://127.0.0.1:9/", &["*"]).await;
    assert_eq!(forged.get("/api/webhooks").await.must(200)["webhooks"], json!([]));
}

#[tokio::test]
async fn identity_headers_alone_are_no_credential() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let forged = session
        .anonymous()
        .with_header("x-user-id", &tenant.user)
        .with_header("x-org-id", &tenant.org)
        .with_header("x-user-roles", "admin");
    unauthorised(&forged, "headers alone").await;
    unauthorised(
        &forged.clone().with_header("authorization", "Access wrong"),
        "a wrong service token",
    )
    .await;
    unauthorised(&forged.with_header("authorization", "Access "), "an empty service token").await;
}

#[tokio::test]
async fn the_service_token_speaks_for_the_organisation_it_names() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe("http://127.0.0.1:9/", &["*"]).await;
    let access = format!("Access {}", session.stack.service_token);
    let service = |roles: &str| {
        session
            .anonymous()
            .with_header("authorization", &access)
            .with_header("x-user-id", "svc-1")
            .with_header("x-org-id", &tenant.org)
            .with_header("x-user-roles", roles)
    };
    let event = json!({"event_type": "vote", "data": {}});
    service("service").post("/api/events", &event).await.must(202);
    service("service").get("/api/webhooks").await.must_refuse(403);
    service("viewer").post("/api/events", &event).await.must_refuse(403);
    let list = service("service,viewer").get("/api/webhooks").await.must(200);
    assert_eq!(list["webhooks"][0]["id"], json!(webhook.id));
}

#[tokio::test]
async fn the_service_token_without_an_organisation_is_refused() {
    let session = Session::shared().await;
    let access = format!("Access {}", session.stack.service_token);
    let nobody = session
        .anonymous()
        .with_header("authorization", &access)
        .with_header("x-user-roles", "admin");
    let reply = nobody.get("/api/webhooks").await;
    assert!([400, 401].contains(&reply.status), "{} {}", reply.status, reply.text());
}
