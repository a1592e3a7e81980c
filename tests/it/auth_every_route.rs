//! Every route of the one list, with every role, with a service, a key and nothing; and with
//! another organisation's ids.

use aragora_api::routes::{Access, ROUTES, Route, RouteId};
use aragora_core::access::{self, Permission};
use aragora_tests::clock::{now_millis, rfc3339};
use aragora_tests::token::claims;
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Answer, Api, Receiver, Reply, Session, Tenant};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use uuid::Uuid;

/// Ids that nobody has.
const NOBODYS: [(&str, &str); 11] = [
    ("{webhook_id}", "wh-none"),
    ("{delivery_id}", "dlv-none"),
    ("{event_id}", "evt-none"),
    ("{job_id}", "job-none"),
    ("{debate_id}", "deb-none"),
    ("{key_id}", "key-none"),
    ("{role}", "none"),
    ("{template_id}", "tmpl-none"),
    ("{template_version}", "9.9.9"),
    ("{review_id}", "rev-none"),
    ("{batch_id}", "batch-none"),
];

fn with_ids(path: &str, ids: &[(&str, &str)]) -> String {
    ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id))
}

/// A body that gets as far as the look-up.
fn body(id: RouteId) -> Value {
    match id {
        RouteId::RecoverWebhook => json!({"since": rfc3339(now_millis() - 3_600_000)}),
        RouteId::PutRole => json!({"permissions": []}),
        RouteId::PublishVersion => json!({"version": "2.0.0", "template_data": {}}),
        RouteId::RateTemplate | RouteId::ReviewTemplate => json!({"rating": 5, "content": "c"}),
        _ => json!({}),
    }
}

async fn call(api: &Api, route: &Route, ids: &[(&str, &str)]) -> Reply {
    let path = with_ids(route.path, ids);
    api.call(route.method.clone(), &path).json(&body(route.id)).send().await
}

/// A user of the organisation whom no other request is about: one of the routes logs them out.
fn somebody(tenant: &Tenant, role: &str) -> Api {
    let user = format!("user-{}", Uuid::now_v7().simple());
    tenant.claiming(&claims(&user, &tenant.org, role))
}

fn is_let_in(access: Access, role: &str) -> bool {
    match access {
        Access::Public | Access::InBody | Access::Anybody | Access::Person => true,
        Access::Needs(permission) => access::granted_by(role).contains(permission),
        Access::Admin => matches!(role, "admin" | "owner"),
    }
}

#[tokio::test]
async fn every_route_lets_in_whom_its_permission_says() {
    let session = Session::shared().await;
    let roles = access::ROLES.iter().map(|(role, _)| *role).chain(["nobody", "Admin", ""]);
    for role in roles {
        let tenant = session.tenant();
        let wrong: Vec<String> = stream::iter(ROUTES)
            .map(async |route| {
                let reply = call(&somebody(&tenant, role), route, &NOBODYS).await;
                let right = match (is_let_in(route.access, role), reply.status) {
                    (true, status) => status != 403 && status < 500,
                    (false, status) => status == 403,
                };
                let told = || format!("{role} {} {}: {}", route.method, route.path, reply.text());
                (!right).then(told)
            })
            .buffer_unordered(4)
            .filter_map(async |wrong| wrong)
            .collect()
            .await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[tokio::test]
async fn without_a_credential_every_route_but_the_public_ones_is_401() {
    let session = Session::shared().await;
    let anonymous = session.anonymous();
    let is_open = |route: &&Route| matches!(route.access, Access::Public | Access::InBody);
    let open: Vec<_> = ROUTES.iter().filter(is_open).map(|route| route.id).collect();
    assert_eq!(open, [RouteId::RefreshToken, RouteId::Health], "think before adding one");
    for route in ROUTES.iter().filter(|route| !is_open(route)) {
        let reply = call(&anonymous, route, &NOBODYS).await;
        assert_eq!(reply.status, 401, "{} {}: {}", route.method, route.path, reply.text());
    }
}

#[tokio::test]
async fn a_key_is_let_in_by_its_permissions_and_is_no_person_and_no_admin() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let wish = json!({"name": "all"});
    let made = tenant.admin.post("/api/auth/api-key", &wish).await.must(201);
    assert_eq!(made["permissions"].as_array().unwrap().len(), Permission::ALL.len());
    let key = session.anonymous().with_bearer(made["api_key"].as_str().unwrap());
    for route in ROUTES {
        let reply = call(&key, route, &NOBODYS).await;
        let wanted = matches!(route.access, Access::Person | Access::Admin);
        assert_eq!(
            reply.status == 403,
            wanted,
            "{} {}: {}",
            route.method,
            route.path,
            reply.text()
        );
        assert_ne!(reply.status, 401, "{} {}", route.method, route.path);
    }
}

/// One thing of each kind in an organisation, by the parameter that names it.
async fn things(tenant: &Tenant) -> Vec<(&'static str, String)> {
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(500)]);
    let webhook = tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
    let event = tenant.publish("vote", json!({})).await;
    let delivery = tenant.receipt(&webhook, &event, "DEAD_LETTERED").await["delivery_id"].clone();
    let delivery = delivery.as_str().unwrap().to_owned();
    eventually(PATIENCE, "the dead letter", async || {
        let path = format!("/api/webhooks/dead-letter/{delivery}");
        (tenant.admin.get(&path).await.status == 200).then_some(())
    })
    .await;
    let recover = format!("{}/recover", webhook.path());
    let since = json!({"since": rfc3339(now_millis() - 3_600_000)});
    let job = tenant.admin.post(&recover, &since).await.must(202);
    let debates = json!({"debate_ids": ["deb-none"]});
    let batch = tenant.admin.post("/api/explainability/batch", &debates).await.must(202);
    let key = tenant.admin.post("/api/auth/api-key", &json!({"name": "a"})).await.must(201);
    let role = format!("role-{}", Uuid::now_v7().simple());
    let grants = json!({"permissions": ["webhooks:read"]});
    tenant.admin.put(&format!("/api/auth/roles/{role}"), &grants).await.must(200);
    let record = json!({"task": "Which?", "votes": {"a": "b", "b": "b"}});
    let debate = tenant.admin.post("/api/debates", &record).await.must(201);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let version = format!("1.0.0-r{}", Uuid::now_v7().simple());
    let wish = json!({
        "name": "t", "visibility": "organization", "version": version, "template_data": {},
    });
    let template = tenant.admin.post("/api/marketplace/templates", &wish).await.must(201);
    let template = text(&template["id"]);
    let reviews = format!("/api/marketplace/templates/{template}/reviews");
    let opinion = json!({"rating": 5, "content": "c"});
    let review = somebody(tenant, "member").post(&reviews, &opinion).await.must(201);
    vec![
        ("{webhook_id}", webhook.id),
        ("{delivery_id}", delivery),
        ("{event_id}", event),
        ("{job_id}", text(&job["job_id"])),
        ("{debate_id}", text(&debate["debate_id"])),
        ("{key_id}", text(&key["key_id"])),
        ("{role}", role),
        ("{template_id}", template),
        ("{template_version}", version),
        ("{review_id}", text(&review["id"])),
        ("{batch_id}", text(&batch["job_id"])),
    ]
}

/// What a caller can tell answers apart by.
fn seen(reply: &Reply) -> (u16, Value) {
    let mut body = reply.json();
    body.as_object_mut().unwrap().remove("request_id");
    (reply.status, body)
}

fn as_text<'a>(ids: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    ids.iter().map(|(name, id)| (*name, id.as_str())).collect()
}

#[tokio::test]
async fn another_organisations_things_are_like_things_that_never_were() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let (own, theirs) = (things(&tenant).await, things(&other).await);
    let (own, theirs) = (as_text(&own), as_text(&theirs));
    // Under an id that nobody has, these two make a thing of one's own.
    let makes = |id: RouteId| matches!(id, RouteId::PutRole | RouteId::StreamDebate);
    let named = |route: &&Route| route.path.contains('{') && !makes(route.id);
    for route in ROUTES.iter().filter(named) {
        let admin = somebody(&tenant, "admin");
        let told = |what: &str| format!("{what}: {} {}", route.method, route.path);
        let never = seen(&call(&admin, route, &NOBODYS).await);
        assert_eq!(never.0, 404, "{}: {}", told("nobody's"), never.1);
        let foreign = seen(&call(&admin, route, &theirs).await);
        assert_eq!(foreign, never, "{}", told("theirs"));
        // Where there are two ids, one of its own beside a foreign one does not help either.
        let mine = |at: usize| route.path.contains(own[at].0);
        for at in (0..own.len()).filter(|&at| mine(at) && route.path.matches('{').count() > 1) {
            let [mut beside_foreign, mut beside_none] = [theirs.clone(), NOBODYS.to_vec()];
            (beside_foreign[at], beside_none[at]) = (own[at], own[at]);
            let foreign = seen(&call(&admin, route, &beside_foreign).await);
            assert_eq!(foreign.0, 404, "{}: {}", told(own[at].0), foreign.1);
            assert_eq!(
                foreign,
                seen(&call(&admin, route, &beside_none).await),
                "{}",
                told("beside")
            );
        }
    }
    // And nothing happened to them.
    let webhook = format!("/api/webhooks/{}", theirs[0].1);
    assert_eq!(other.admin.get(&webhook).await.must(200)["enabled"], true);
    other.admin.get(&format!("/api/webhooks/dead-letter/{}", theirs[1].1)).await.must(200);
    let roles = other.admin.get("/api/auth/roles").await.must(200);
    assert!(roles.to_string().contains(theirs[6].1), "{roles}");
}
