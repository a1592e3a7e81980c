//! Templates that leave and come back: export and import, steps, what clients call things, news
//! and the audit log.

use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Receiver, Session};
use serde_json::{Value, json};

use crate::marketplace::{TEMPLATES, graph, names, path, person, publish, unique, wish};

const IMPORT: &str = "/api/marketplace/templates/import";

#[tokio::test]
async fn an_exported_template_is_imported_elsewhere() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let made = publish(
        &tenant.admin,
        &json!({"visibility": "public", "description": "d", "documentation": "# How", "tags": ["a", "b"], "category": "data", "version": "2.1.0", "changelog": "new"}),
    )
    .await;
    let reply = other.role("viewer").get(&format!("{}/export", path(&made))).await;
    let disposition = reply.header("content-disposition");
    assert!(
        disposition.starts_with("attachment; filename=\"template-")
            && disposition.ends_with("-2.1.0.json\""),
        "{disposition}"
    );
    let file = reply.must(200);
    // Reading is enough to have it for oneself.
    let imported = other.role("viewer").post(IMPORT, &file).await.must(201);
    assert_ne!(imported["id"], made["id"]);
    assert_eq!(
        (&imported["visibility"], &imported["author"]),
        (&json!("private"), &json!(other.user))
    );
    for field in [
        "name",
        "description",
        "documentation",
        "tags",
        "category",
        "version",
        "changelog",
        "template_data",
    ] {
        assert_eq!(imported[field], made[field], "{field}");
    }
    other.admin.post(IMPORT, &file).await.must_refuse(409);
    let renamed = json!({"template": file, "name": "another name", "visibility": "organization"});
    other.role("viewer").post(IMPORT, &renamed).await.must_refuse(403);
    let second = other.admin.post(IMPORT, &renamed).await.must(201);
    assert_eq!(
        (&second["name"], &second["visibility"]),
        (&json!("another name"), &json!("organization"))
    );
    for (bad, field) in [
        (json!({}), "name"),
        (json!({"template": 5}), "template"),
        (json!({"name": "n", "steps": {}}), "steps"),
        (
            json!({"name": "n", "steps": [{"id": "a", "next_steps": ["b"]}]}),
            "template_data.edges[0]",
        ),
        (json!({"name": "n", "template_data": {"steps": [{}]}}), "steps[0].id"),
    ] {
        assert!(other.admin.post(IMPORT, &bad).await.names(field), "{bad}");
    }
    assert_eq!(tenant.admin.get(&path(&made)).await.must(200)["downloads"], 0);
}

#[tokio::test]
async fn steps_become_a_graph() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let workflow = json!({
        "id": "t", "name": format!("Steps {}", unique()), "version": "1.0.0", "category": "sme", "tags": ["a"],
        "inputs": {"x": "y"}, "is_template": true,
        "steps": [
            {"id": "one", "name": "One", "step_type": "task", "next_steps": ["two"]},
            {"id": "two", "name": "Two", "step_type": "decision", "config": {"conditions": [{"name": "c", "next_step": "one"}], "default_branch": "three"}},
            {"id": "three", "name": "Three", "step_type": "human_checkpoint"},
        ],
    });
    let made = tenant.admin.post(IMPORT, &workflow).await.must(201);
    let data = &made["template_data"];
    assert_eq!(
        (data["nodes"].as_array().unwrap().len(), data["edges"].as_array().unwrap().len()),
        (3, 3)
    );
    assert_eq!(made["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(data["inputs"], json!({"x": "y"}));
}

#[tokio::test]
async fn published_clients_are_understood() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let admin = &tenant.admin;
    let word = format!("w{}", unique());
    // aragora-sdk 2.11.0: its paths, parameters and bodies.
    let wish = json!({"name": word, "config": graph(), "visibility": "organization", "category": "security"});
    let id = admin.post("/api/v2/marketplace/templates", &wish).await.must(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for list in [
        "/api/v2/marketplace/templates?limit=50&offset=0&sort_by=recent&category=security"
            .to_owned(),
        format!("/api/v2/marketplace/templates?q={word}&limit=20&offset=0"),
        format!("/api/marketplace/templates/search?query={word}&limit=20&offset=0"),
        "/api/v1/marketplace/templates?limit=10&sort=downloads".into(),
        "/api/v1/marketplace/templates?limit=10&sort=created_at".into(),
        "/api/v1/marketplace/users/me/templates".into(),
    ] {
        let answer = admin.get(&list).await.must(200);
        assert!(answer["templates"].is_array() && answer["count"].is_number(), "{list}");
    }
    let searched = admin.get(&format!("/api/v2/marketplace/templates?q={word}")).await.must(200);
    assert_eq!(names(&searched), [word.as_str()]);
    let it = format!("/api/v2/marketplace/templates/{id}");
    admin.get(&it).await.must(200);
    let judge = person(&tenant, "rater", "member");
    let rated = judge
        .post(&format!("{it}/ratings"), &json!({"score": 4, "review": "good"}))
        .await
        .must(200);
    assert_eq!((&rated["average_rating"], &rated["success"]), (&json!(4.0), &json!(true)));
    let ratings = admin.get(&format!("{it}/ratings?limit=20&offset=0")).await.must(200);
    assert_eq!((&ratings["average"], &ratings["count"]), (&json!(4.0), &json!(1)));
    assert_eq!(ratings["ratings"][0]["score"], 4);
    admin.get(&format!("{it}/export")).await.must(200);
    assert!(admin.get("/api/v2/marketplace/categories").await.must(200)["categories"].is_array());
    assert!(admin.get("/api/v1/marketplace/featured").await.must(200)["templates"].is_array());
    let shown = admin.get(&it).await.must(200);
    for (one, other) in [
        ("id", "template_id"),
        ("downloads", "download_count"),
        ("avg_rating", "average_rating"),
        ("rating", "average_rating"),
        ("template_data", "config"),
        ("template_data", "workflow_definition"),
    ] {
        assert_eq!(shown[one], shown[other], "{one}");
    }
    // aragora 2.11.1: what describes a template is in `metadata`.
    let form = json!({"metadata": {"id": "x", "name": format!("m {word}"), "description": "d", "version": "1.0.0", "author": "a", "category": "analysis", "tags": ["t"], "visibility": "private"}, "nodes": [{"id": "a"}], "edges": []});
    let made = admin.post("/api/v1/marketplace/templates", &form).await.must(201);
    assert_eq!(
        (&made["category"], &made["template_data"]["nodes"]),
        (&json!("analysis"), &json!([{"id": "a"}]))
    );
}

#[tokio::test]
async fn what_happens_to_templates_is_told_to_webhooks() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let (receiver, foreign) = (Receiver::start().await, Receiver::start().await);
    tenant.subscribe(&receiver.url("/news"), &["template.*"]).await;
    other.subscribe(&foreign.url("/news"), &["*"]).await;
    let made = publish(&tenant.admin, &json!({"visibility": "public"})).await;
    let release = json!({"version": "1.1.0", "template_data": {}, "changelog": "more"});
    tenant.admin.post(&format!("{}/versions", path(&made)), &release).await.must(201);
    other.admin.post(&format!("{}/download", path(&made)), &json!({})).await.must(200);
    let review = json!({"rating": 4, "content": "good"});
    other.admin.post(&format!("{}/reviews", path(&made)), &review).await.must(201);
    let wanted = [
        "template.published",
        "template.version_published",
        "template.downloaded",
        "template.reviewed",
    ];
    let told = eventually(PATIENCE, "all four", async || {
        let arrived = receiver.received("/news");
        (arrived.len() >= 4).then_some(arrived)
    })
    .await;
    for event_type in wanted {
        let of_type: Vec<Value> = told
            .iter()
            .map(aragora_tests::Received::json)
            .filter(|it| it["event_type"] == event_type)
            .collect();
        assert_eq!(of_type.len(), 1, "{event_type}");
        let data = &of_type[0]["data"];
        assert_eq!((&data["template_id"], &data["author_id"]), (&made["id"], &json!(tenant.user)));
        assert!(
            !data.to_string().contains(&other.org) && !data.to_string().contains(&other.user),
            "{data}"
        );
        match event_type {
            "template.version_published" => assert_eq!(data["changelog"], "more"),
            "template.downloaded" => {
                assert_eq!((&data["downloads"], &data["version"]), (&json!(1), &json!("1.1.0")));
            }
            "template.reviewed" => {
                assert_eq!((&data["rating"], &data["average_rating"]), (&json!(4), &json!(4.0)));
            }
            _ => {}
        }
    }
    assert_eq!(foreign.count("/news"), 0, "another organisation is told nothing");
}

#[tokio::test]
async fn who_published_what_is_on_the_audit_log() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = person(&tenant, "ann", "member").post(TEMPLATES, &wish(&json!({}))).await.must(201);
    tenant.admin.delete(&path(&made)).await.must(200);
    for (action, actor) in
        [("template.published", "ann"), ("template.unpublished", tenant.user.as_str())]
    {
        let entry = eventually(PATIENCE, action, async || {
            let log = tenant.admin.get(&format!("/api/audit?action={action}")).await.must(200);
            log["entries"].as_array().and_then(|entries| entries.first().cloned())
        })
        .await;
        assert_eq!((&entry["actor"], &entry["target"]), (&json!(actor), &made["id"]), "{entry}");
    }
}
