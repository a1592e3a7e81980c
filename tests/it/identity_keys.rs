//! API keys over HTTP: made, used, limited, revoked.

use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Api, Session, Tenant};
use futures_util::future::join_all;
use serde_json::{Value, json};

const KEY: &str = "/api/auth/api-key";
const KEYS: &str = "/api/auth/api-keys";

async fn make(api: &Api, wish: Value) -> Value {
    api.post(KEY, &wish).await.must(201)
}

fn with_key(session: &Session, made: &Value) -> Api {
    session.anonymous().with_bearer(made["api_key"].as_str().unwrap())
}

fn ids(list: &Value) -> Vec<String> {
    let keys = list["api_keys"].as_array().unwrap();
    keys.iter().map(|key| key["key_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_key_is_shown_once_and_does_what_it_was_made_for() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = make(
        &tenant.admin,
        json!({"name": "ci", "permissions": ["webhooks:read", "events.write"], "expires_in_days": 7}),
    )
    .await;
    assert_eq!(made["permissions"], json!(["webhooks:read", "events:write"]));
    let text = made["api_key"].as_str().unwrap();
    assert!(text.starts_with("ara_") && made["key"] == made["api_key"]);

    let api = with_key(&session, &made);
    let me = api.get("/api/auth/me").await.must(200);
    assert_eq!((&me["user_id"], &me["org_id"]), (&json!(tenant.user), &json!(tenant.org)));
    assert_eq!(
        (&me["credential"], &me["permissions"], &me["is_admin"]),
        (&json!("api_key"), &json!(["webhooks:read", "events:write"]), &json!(false))
    );
    api.get("/api/webhooks").await.must(200);
    api.post("/api/events", &json!({"event_type": "vote", "data": {}})).await.must(202);
    api.post("/api/webhooks", &json!({})).await.must_refuse(403);
    // Whatever its maker may do, a key is nobody's admin and makes no keys.
    let all = make(&tenant.admin, json!({"name": "all"})).await;
    let api = with_key(&session, &all);
    api.get("/api/system/rate-limits").await.must_refuse(403);
    api.post(KEY, &json!({"name": "x"})).await.must_refuse(403);
    api.get(KEYS).await.must_refuse(403);

    let list = tenant.admin.get(KEYS).await.must(200);
    assert!(!list.to_string().contains("ara_"), "{list}");
    assert_eq!(ids(&list), [&made, &all].map(|it| it["key_id"].as_str().unwrap()));
    let of = |name: &str| list["api_keys"][0][name].as_str().unwrap();
    assert!(of("created_at").split('T').next() <= Some(of("last_used_on")), "{list}");
}

#[tokio::test]
async fn what_is_almost_a_key_is_401() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let made = make(&tenant.admin, json!({"name": "a"})).await;
    let text = made["api_key"].as_str().unwrap().to_owned();
    let changed = |at: usize| {
        let mut characters: Vec<char> = text.chars().collect();
        characters[at] = if characters[at] == 'A' { 'B' } else { 'A' };
        characters.into_iter().collect::<String>()
    };
    let cut: String = text.chars().take(50).collect();
    for bad in [changed(10), changed(40), changed(text.len() - 1), cut] {
        let reply = session.anonymous().with_bearer(&bad).get("/api/webhooks").await;
        reply.must_refuse(401);
        assert!(!reply.text().contains(&bad), "{}", reply.text());
    }
    let in_url = session.anonymous().get(&format!("/api/webhooks?api_key={text}")).await;
    in_url.must_refuse(401);
    // Nobody else's admin sees it or revokes it.
    let id = made["key_id"].as_str().unwrap();
    assert_eq!(ids(&other.admin.get(KEYS).await.must(200)), [""; 0]);
    other.admin.delete(&format!("{KEYS}/{id}")).await.must_refuse(404);
    with_key(&session, &made).get("/api/webhooks").await.must(200);
}

#[tokio::test]
async fn a_revoked_key_is_good_nowhere_within_a_minute() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = make(&tenant.admin, json!({"name": "a"})).await;
    let api = with_key(&session, &made);
    // Several warm workers know it.
    join_all((0..8).map(|_| api.get("/api/webhooks"))).await;
    let revoked = tenant.admin.call(http::Method::DELETE, KEY);
    let revoked = revoked.json(&json!({"key_id": made["key_id"]})).send().await.must(200);
    assert_eq!(revoked["revoked"], true);
    tenant
        .admin
        .delete(&format!("{KEYS}/{}", made["key_id"].as_str().unwrap()))
        .await
        .must_refuse(404);
    assert_eq!(ids(&tenant.admin.get(KEYS).await.must(200)), [""; 0]);
    eventually(2 * PATIENCE, "the key to be refused by all", async || {
        let replies = join_all((0..8).map(|_| api.get("/api/webhooks"))).await;
        // Or 429, once it was tried often enough.
        replies.iter().all(|reply| matches!(reply.status, 401 | 429)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn users_have_keys_of_their_own_and_admins_see_all() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut claims = aragora_tests::token::claims("somebody-else", &tenant.org, "viewer");
    claims["sub"] = json!("somebody-else");
    let viewer = tenant.claiming(&claims);
    let (hers, mine) = (
        make(&viewer, json!({"name": "v"})).await,
        make(&tenant.admin, json!({"name": "a"})).await,
    );
    let id = |made: &Value| made["key_id"].as_str().unwrap().to_owned();
    assert_eq!(ids(&viewer.get(KEYS).await.must(200)), [id(&hers)]);
    viewer.get(&format!("{KEYS}?all=true")).await.must_refuse(403);
    viewer.delete(&format!("{KEYS}/{}", id(&mine))).await.must_refuse(404);
    let all = ids(&tenant.admin.get(&format!("{KEYS}?all=true")).await.must(200));
    assert!(all.len() == 2 && all.contains(&id(&hers)) && all.contains(&id(&mine)), "{all:?}");
    tenant.admin.delete(&format!("{KEYS}/{}", id(&hers))).await.must(200);
    // More than she has herself she cannot give.
    let reply = viewer.post(KEY, &json!({"name": "v", "permissions": ["webhooks:write"]})).await;
    assert!(reply.status == 400 && reply.names("permissions"), "{}", reply.text());
}

#[tokio::test]
async fn bad_wishes_are_named() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (wish, field) in [
        (json!({}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": 5}), "name"),
        (json!({"name": "a", "permissions": "webhooks:read"}), "permissions"),
        (json!({"name": "a", "permissions": ["root"]}), "permissions"),
        (json!({"name": "a", "expires_in_days": 0}), "expires_in_days"),
        (json!({"name": "a", "expires_in_days": 1.5}), "expires_in_days"),
        (json!({"name": "a", "rate_limit_per_second": -1}), "rate_limit_per_second"),
    ] {
        let reply = tenant.admin.post(KEY, &wish).await;
        assert!(reply.status == 400 && reply.names(field), "{wish}: {}", reply.text());
    }
    let reply = tenant.admin.call(http::Method::DELETE, KEY).json(&json!({})).send().await;
    assert!(reply.status == 400 && reply.names("key_id"), "{}", reply.text());
}

#[tokio::test]
async fn a_keys_own_limit_holds_and_says_when_to_come_back() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = make(&tenant.admin, json!({"name": "slow", "rate_limit_per_second": 0.5})).await;
    let api = with_key(&session, &made);
    let refused = eventually(PATIENCE, "a request too many", async || {
        let reply = api.get("/api/auth/me").await;
        (reply.status != 200).then_some(reply)
    })
    .await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&wait), "{wait}");
    refused.must_refuse(429);
    // Nobody else has to wait for it.
    tenant.admin.get("/api/auth/me").await.must(200);
    let limits = tenant.admin.get("/api/system/rate-limits").await.must(200);
    assert_eq!(limits["limits"]["organisation"]["requests_per_second"], json!(1_000.0));
    let bucket = format!("key:{}", made["key_id"].as_str().unwrap());
    let its = limits["buckets"].as_array().unwrap().iter().find(|it| it["name"] == bucket.as_str());
    let its = its.unwrap_or_else(|| panic!("no {bucket} in {limits}"));
    assert_eq!((&its["requests_per_second"], &its["remaining"]), (&json!(0.5), &json!(0.0)));
    let names: Vec<_> =
        limits["buckets"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert!(names.contains(&&json!(bucket)) && names.contains(&&json!("organisation")), "{limits}");
}

#[tokio::test]
async fn making_keys_is_limited() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let replies = join_all((0..16).map(|n| {
        let wish = json!({"name": format!("key {n}")});
        let api = tenant.admin.clone();
        async move { api.post(KEY, &wish).await }
    }))
    .await;
    let count = |status: u16| replies.iter().filter(|it| it.status == status).count();
    assert_eq!(count(201) + count(429), 16);
    assert!((8..=11).contains(&count(201)), "{} made", count(201));
}

#[tokio::test]
async fn guessing_a_keys_secret_is_slowed_down() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = make(&tenant.admin, json!({"name": "a"})).await;
    tenant.admin.delete(&format!("{KEYS}/{}", made["key_id"].as_str().unwrap())).await.must(200);
    let api = with_key(&session, &made);
    let refused = eventually(PATIENCE, "somebody to be told to wait", async || {
        let replies = join_all((0..4).map(|_| api.get("/api/webhooks"))).await;
        replies.into_iter().find(|reply| !matches!(reply.status, 200 | 401))
    })
    .await;
    assert_eq!(refused.status, 429, "{}", refused.text());
    tenant.admin.get("/api/webhooks").await.must(200);
}

#[tokio::test]
async fn making_and_revoking_is_on_record() {
    let session = Session::shared().await;
    let tenant: Tenant = session.tenant();
    let made = make(&tenant.admin, json!({"name": "a"})).await;
    let id = made["key_id"].as_str().unwrap();
    tenant.admin.delete(&format!("{KEYS}/{id}")).await.must(200);
    let entries = eventually(PATIENCE, "both entries", async || {
        let log = tenant.admin.get("/api/audit").await.must(200);
        let entries = log["entries"].as_array()?.clone();
        (entries.len() == 2).then_some(entries)
    })
    .await;
    let actions: Vec<_> = entries.iter().map(|it| (&it["action"], &it["target"])).collect();
    let wanted = [(&json!("key.revoked"), &json!(id)), (&json!("key.created"), &json!(id))];
    assert!(wanted.iter().all(|it| actions.contains(it)), "{entries:?}");
}
