//! Roles: the product's, and an organisation's own.

use aragora_tests::Session;
use aragora_tests::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

const ROLES: &str = "/api/auth/roles";

fn role<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list["roles"].as_array().unwrap().iter().find(|role| role["role"] == name)
}

#[tokio::test]
async fn every_role_and_permission_is_listed_for_whoever_asks() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let list = tenant.role("nobody").get(ROLES).await.must(200);
    for name in ["viewer", "analyst", "member", "editor", "admin", "owner", "service"] {
        let role = role(&list, name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(role["admin"], json!(matches!(name, "admin" | "owner")), "{name}");
        assert_eq!(role["custom"], false);
    }
    let all = list["permissions"].as_array().unwrap();
    assert_eq!(role(&list, "owner").unwrap()["permissions"].as_array().unwrap(), all);
    session.anonymous().get(ROLES).await.must_refuse(401);
}

#[tokio::test]
async fn an_organisations_own_role_grants_what_it_says_there_and_nowhere_else() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let path = format!("{ROLES}/on-call");
    let body = json!({"permissions": ["webhooks.read", "manage_webhooks"]});
    let stored = tenant.admin.put(&path, &body).await.must(200);
    assert_eq!(stored["permissions"], json!(["webhooks:read", "webhooks:write"]));
    // A worker that has seen the user knows no other roles for half a minute.
    let granted = json!(["webhooks:read", "webhooks:write"]);
    eventually(PATIENCE, "the role to grant something", async || {
        let me = tenant.role("on-call").get("/api/auth/me").await.must(200);
        (me["permissions"] == granted).then_some(())
    })
    .await;
    tenant.role("on-call").get("/api/webhooks").await.must(200);
    tenant.role("on-call").get("/api/events").await.must_refuse(403);
    other.role("on-call").get("/api/webhooks").await.must_refuse(403);
    assert!(role(&other.admin.get(ROLES).await.must(200), "on-call").is_none());

    tenant.admin.delete(&path).await.must(200);
    tenant.admin.delete(&path).await.must_refuse(404);
    eventually(2 * PATIENCE, "the role to grant nothing", async || {
        (tenant.role("on-call").get("/api/webhooks").await.status == 403).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_products_roles_and_bad_ones_cannot_be_made() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let good = json!({"permissions": ["webhooks:read"]});
    for name in ["viewer", "admin", "owner", "Support", "a%20b", "a%23b", &"x".repeat(51)] {
        let reply = tenant.admin.put(&format!("{ROLES}/{name}"), &good).await;
        assert!(reply.status == 400 && reply.names("role"), "{name}: {}", reply.text());
    }
    for body in [json!({}), json!({"permissions": "*"}), json!({"permissions": ["webhooks:*"]})] {
        let reply = tenant.admin.put(&format!("{ROLES}/support"), &body).await;
        assert!(reply.status == 400 && reply.names("permissions"), "{body}: {}", reply.text());
    }
    for role in ["viewer", "editor", "service"] {
        tenant.role(role).put(&format!("{ROLES}/support"), &good).await.must_refuse(403);
    }
}
