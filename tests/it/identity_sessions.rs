//! Refresh tokens, and ending all of a user's tokens.

use aragora_tests::clock::now_seconds;
use aragora_tests::token::{Algorithm, claims, mint};
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Reply, Session, Tenant};
use serde_json::{Value, json};
use uuid::Uuid;

const TOKEN: &str = "/api/auth/token";

/// A refresh token as an identity provider with our secret would issue it.
fn refresh_token(session: &Session, tenant: &Tenant, change: &Value) -> String {
    let mut of = claims(&tenant.user, &tenant.org, "editor");
    of["type"] = json!("refresh");
    of["jti"] = json!(Uuid::now_v7().to_string());
    for (name, value) in change.as_object().unwrap() {
        of[name] = value.clone();
    }
    let secret = session.stack.jwt_secret.split(',').next().unwrap();
    mint(&of, secret, Algorithm::Hs256)
}

async fn refresh(session: &Session, token: &str) -> Reply {
    let body = json!({"grant_type": "refresh_token", "refresh_token": token});
    session.anonymous().post(TOKEN, &body).await
}

#[tokio::test]
async fn a_refresh_token_gets_a_pair_once() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let first = refresh_token(&session, &tenant, &json!({}));
    let pair = refresh(&session, &first).await.must(200);
    assert_eq!((&pair["token_type"], &pair["expires_in"]), (&json!("Bearer"), &json!(86_400)));
    let api = session.anonymous().with_bearer(pair["access_token"].as_str().unwrap());
    let me = api.get("/api/auth/me").await.must(200);
    assert_eq!((&me["user_id"], &me["roles"]), (&json!(tenant.user), &json!(["editor"])));
    // An access token refreshes nothing, and a refresh token calls nothing.
    refresh(&session, pair["access_token"].as_str().unwrap()).await.must_refuse(401);
    let next = pair["refresh_token"].as_str().unwrap();
    session.anonymous().with_bearer(next).get("/api/auth/me").await.must_refuse(401);

    let third = refresh(&session, next).await.must(200);
    let third = third["refresh_token"].as_str().unwrap();
    // The first was replaced twice: whoever has it copied it, and the session is over.
    refresh(&session, &first).await.must_refuse(401);
    refresh(&session, third).await.must_refuse(401);
    let entry = eventually(PATIENCE, "the reuse on record", async || {
        let log = tenant.admin.get("/api/audit?action=refresh.reused").await.must(200);
        log["entries"].as_array()?.first().cloned()
    })
    .await;
    assert_eq!((&entry["actor"], &entry["severity"]), (&json!(tenant.user), &json!("critical")));
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let first = refresh_token(&session, &tenant, &json!({}));
    refresh(&session, &first).await.must(200);
    let again = refresh(&session, &first).await.must(200);
    refresh(&session, again["refresh_token"].as_str().unwrap()).await.must(200);
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for change in [
        json!({"type": "access"}),
        json!({"exp": now_seconds() - 1}),
        json!({"nbf": now_seconds() + 600}),
        json!({"sub": null}),
        json!({"org_id": null}),
        json!({"tv": "1"}),
    ] {
        let token = refresh_token(&session, &tenant, &change);
        let reply = refresh(&session, &token).await;
        assert_eq!(reply.status, 401, "{change}: {}", reply.text());
        assert!(!reply.text().contains(&token));
    }
    let forged = mint(&json!({"type": "refresh"}), "another-secret", Algorithm::Hs256);
    refresh(&session, &forged).await.must_refuse(401);
    refresh(&session, &"x".repeat(100_000)).await.must_refuse(401);
    for (body, field) in [
        (json!({}), "grant_type"),
        (json!({"grant_type": "password", "refresh_token": "x"}), "grant_type"),
        (json!({"grant_type": "refresh_token"}), "refresh_token"),
        (json!({"grant_type": "refresh_token", "refresh_token": 5}), "refresh_token"),
    ] {
        let reply = session.anonymous().post(TOKEN, &body).await;
        assert!(reply.status == 400 && reply.names(field), "{body}: {}", reply.text());
    }
}

#[tokio::test]
async fn logging_out_everywhere_ends_every_token_of_the_user_and_no_other() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut of = claims("leaver", &tenant.org, "editor");
    of["sub"] = json!("leaver");
    let leaver = tenant.claiming(&of);
    let kept = refresh_token(&session, &tenant, &json!({"sub": "leaver"}));
    leaver.get("/api/webhooks").await.must(200);
    leaver.post("/api/auth/logout-all", &json!({})).await.must(200);
    let ended = now_seconds();
    eventually(2 * PATIENCE, "the tokens to be worthless", async || {
        (leaver.get("/api/webhooks").await.status == 401).then_some(())
    })
    .await;
    refresh(&session, &kept).await.must_refuse(401);
    tenant.admin.get("/api/webhooks").await.must(200);
    // One that was issued since then is good, and one of the version after that. A token names
    // the second in which it was issued, and all those of the second of the end are ended.
    eventually(PATIENCE, "the next second", async || (now_seconds() > ended).then_some(())).await;
    let since = claims("leaver", &tenant.org, "editor");
    tenant.claiming(&since).get("/api/webhooks").await.must(200);
    of["tv"] = json!(1);
    tenant.claiming(&of).get("/api/webhooks").await.must(200);
}
