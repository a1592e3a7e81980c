//! `GET /api/system/circuit-breakers`, for administrators.

use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::{Value, json};

const PATHS: [&str; 2] = ["/api/system/circuit-breakers", "/api/circuit-breakers"];
const URL: &str = "http://127.0.0.1:9/hook";

/// A webhook whose circuit is not closed, and stays so: nothing is sent to it any more.
async fn broken(tenant: &Tenant, receiver: &Receiver) -> Webhook {
    receiver.script("/hook", [Answer::status(500)]);
    let webhook = tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
    for n in 0..5 {
        let event = tenant.publish("vote", json!({"n": n})).await;
        tenant.receipt(&webhook, &event, "DEAD_LETTERED").await;
    }
    eventually(PATIENCE, "the circuit to open", async || {
        let state = tenant.admin.get(&webhook.path()).await.must(200)["circuit_state"].clone();
        (state != "closed").then_some(())
    })
    .await;
    webhook
}

fn ids(circuits: &[Value]) -> Vec<&str> {
    circuits.iter().map(|circuit| circuit["webhook_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_not_closed_comes_first() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    session.tenant().subscribe(URL, &["debate.started"]).await;
    let (one, two) = (
        tenant.subscribe(URL, &["debate.started"]).await,
        tenant.subscribe(URL, &["debate.started"]).await,
    );
    let webhook = broken(&tenant, &receiver).await;
    let fourth = tenant.subscribe(URL, &["debate.started"]).await;

    let list = tenant.admin.get(PATHS[0]).await.must(200);
    let circuits = list["circuit_breakers"].as_array().unwrap();
    assert_eq!(ids(circuits), [&webhook.id, &one.id, &two.id, &fourth.id]);
    assert_eq!((&list["count"], &list["next_cursor"]), (&json!(4), &Value::Null));
    let open = circuits.iter().filter(|circuit| circuit["state"] == "open").count();
    assert_eq!(list["open"], open);
    let first = &circuits[0];
    assert!(["open", "half_open"].contains(&first["state"].as_str().unwrap()), "{first}");
    assert!(first["open_until"].is_string() && first["last_failure_at"].is_string(), "{first}");
    assert_eq!(
        (&first["name"], &first["url"], &first["failure_count"], &first["opened_count"]),
        (&json!(webhook.id), &json!(receiver.url("/hook")), &json!(5), &json!(1))
    );
    assert!(first["last_failure_reason"].as_str().is_some_and(|it| !it.is_empty()), "{first}");
    assert_eq!(
        (&circuits[1]["state"], &circuits[1]["open_until"], &circuits[1]["failure_count"]),
        (&json!("closed"), &Value::Null, &json!(0))
    );

    let closed = tenant.admin.get(&format!("{}?state=closed", PATHS[1])).await.must(200);
    assert_eq!(ids(closed["circuit_breakers"].as_array().unwrap()), [&one.id, &two.id, &fourth.id]);
    // It is open for three seconds and half open from then on.
    eventually(PATIENCE, "the circuit to be half open", async || {
        let list = tenant.admin.get(&format!("{}?state=half_open", PATHS[0])).await.must(200);
        (list["count"] == 1).then_some(())
    })
    .await;
    let open = tenant.admin.get(&format!("{}?state=open", PATHS[0])).await.must(200);
    assert_eq!((&open["count"], &open["open"]), (&json!(0), &json!(0)));

    for limit in 1..=4 {
        let pages = tenant.pages(&format!("{}?limit={limit}", PATHS[0]), "circuit_breakers").await;
        let walked: Vec<Value> = pages.into_iter().flatten().collect();
        assert_eq!(ids(&walked), [&webhook.id, &one.id, &two.id, &fourth.id], "{limit}");
    }
}

#[tokio::test]
async fn only_people_who_are_admins_see_it() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let service = session
        .anonymous()
        .with_header("authorization", &format!("Access {}", session.stack.service_token))
        .with_header("x-org-id", &tenant.org)
        .with_header("x-user-roles", "admin,owner");
    for path in PATHS {
        for role in ["viewer", "analyst", "member", "editor", "service", "Admin", "nobody"] {
            tenant.role(role).get(path).await.must_refuse(403);
        }
        service.get(path).await.must_refuse(403);
        session.anonymous().get(path).await.must_refuse(401);
        for role in ["admin", "owner"] {
            assert_eq!(tenant.role(role).get(path).await.must(200)["circuit_breakers"], json!([]));
        }
        for version in ["v1", "v2"] {
            let path = path.replacen("/api/", &format!("/api/{version}/"), 1);
            tenant.admin.get(&path).await.must(200);
        }
        assert!(tenant.admin.get(&format!("{path}?state=ajar")).await.names("state"));
        assert!(tenant.admin.get(&format!("{path}?limit=0")).await.names("limit"));
        assert!(tenant.admin.get(&format!("{path}?cursor=x")).await.names("cursor"));
        assert_eq!(tenant.admin.post(path, &json!({})).await.status, 405);
    }
}
