//! Templates as their authors see them: published, changed, given versions, unpublished.

use aragora_tests::Session;
use serde_json::{Value, json};

use crate::marketplace::{TEMPLATES, graph, listed, path, person, publish, unique, wish};

#[tokio::test]
async fn what_is_published_is_there_with_its_defaults() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let name = format!("A workflow {}", unique());
    let body = json!({
        "name": format!("  {name} "), "template_data": graph(), "author": "somebody",
        "author_id": "somebody", "downloads": 99, "average_rating": 5, "org": "other",
        "description": "d".repeat(300), "tags": ["One", "one", "two"], "visibility": "private",
    });
    let made = tenant.role("member").post(TEMPLATES, &body).await.must(201);
    assert!(made["id"].as_str().unwrap().starts_with("tmpl-"));
    for (field, value) in [
        ("template_id", made["id"].clone()),
        ("name", json!(name)),
        ("author", json!(tenant.user)),
        ("author_id", json!(tenant.user)),
        ("category", json!("workflow")),
        ("visibility", json!("private")),
        ("version", json!("1.0.0")),
        ("tags", json!(["One", "two"])),
        ("downloads", json!(0)),
        ("download_count", json!(0)),
        ("average_rating", json!(0.0)),
        ("rating_count", json!(0)),
        ("warnings", json!([])),
        ("deprecated", json!(false)),
        ("description", json!("d".repeat(300))),
        ("template_data", graph()),
        ("workflow_definition", graph()),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    assert_eq!(tenant.role("member").get(&path(&made)).await.must(200), made);
    // Lists are short.
    let mine = tenant.role("member").get(&format!("{TEMPLATES}/mine")).await.must(200);
    let item = &mine["templates"][0];
    assert_eq!(item["description"].as_str().unwrap().chars().count(), 200);
    assert!(item.get("template_data").is_none() && item.get("documentation").is_none());
    let public = publish(
        &tenant.admin,
        &json!({"visibility": "public", "config": {"a": 1}, "template_data": null}),
    )
    .await;
    assert_eq!((&public["visibility"], &public["config"]), (&json!("public"), &json!({"a": 1})));
}

#[tokio::test]
async fn every_broken_rule_is_named() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let deep = |levels: usize| {
        format!(
            r#"{{"name":"n","template_data":{}1{}}}"#,
            r#"{"a":"#.repeat(levels),
            "}".repeat(levels)
        )
    };
    let big = json!({"prompt": "x".repeat(101 * 1024)});
    let cases: Vec<(Value, &str)> = vec![
        (json!({"name": null}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": "   "}), "name"),
        (json!({"name": 5}), "name"),
        (json!({"name": ["a"]}), "name"),
        (json!({"name": "x".repeat(101)}), "name"),
        (json!({"name": "a\u{0}b"}), "name"),
        (json!({"name": "\u{200b}\u{feff}"}), "name"),
        (json!({"category": "two words"}), "category"),
        (json!({"category": "../../etc"}), "category"),
        (json!({"category": 1}), "category"),
        (json!({"description": "x".repeat(5_001)}), "description"),
        (json!({"description": {}}), "description"),
        (json!({"visibility": "secret"}), "visibility"),
        (json!({"visibility": true}), "visibility"),
        (json!({"template_data": null}), "template_data"),
        (json!({"template_data": []}), "template_data"),
        (json!({"template_data": "x"}), "template_data"),
        (json!({"template_data": big}), "template_data"),
        (json!({"template_data": {"n": 1}, "tags": "a,b"}), "tags"),
        (json!({"tags": (0..21).map(|it| it.to_string()).collect::<Vec<_>>()}), "tags"),
        (json!({"tags": ["ok", "x".repeat(51)]}), "tags[1]"),
        (json!({"tags": ["ok", 7]}), "tags[1]"),
        (json!({"tags": [""]}), "tags[0]"),
        (json!({"version": "1.0"}), "version"),
        (json!({"version": "v1.0.0"}), "version"),
        (json!({"version": 1}), "version"),
        (json!({"documentation": []}), "documentation"),
        (json!({"template_data": {"nodes": {}}}), "template_data.nodes"),
        (json!({"template_data": {"nodes": [{}]}}), "template_data.nodes[0].id"),
        (
            json!({"template_data": {"nodes": [{"id": "a"}, {"id": "a"}]}}),
            "template_data.nodes[1].id",
        ),
        (
            json!({"template_data": {"nodes": [{"id": "a"}], "edges": [{"source": "a", "target": "z"}]}}),
            "template_data.edges[0]",
        ),
        (
            json!({"template_data": {"nodes": [{"id": "s"}, {"id": "a"}, {"id": "b"}], "edges": [["a", "b"], ["b", "a"]]}}),
            "template_data.nodes",
        ),
    ];
    for (more, field) in cases {
        let reply = tenant.admin.post(TEMPLATES, &wish(&more)).await;
        assert_eq!(reply.status, 400, "{field}: {}", reply.text());
        assert!(reply.names(field), "{field}: {}", reply.text());
    }
    for body in [
        deep(200),
        deep(100_000),
        "[".repeat(100_000),
        "{".into(),
        "[]".into(),
        "null".into(),
        String::new(),
    ] {
        let reply = tenant.admin.post_raw(TEMPLATES, body).await;
        assert!(
            reply.status == 400 && reply.names("body") || reply.status == 413,
            "{}",
            reply.text()
        );
    }
    let huge = json!({"name": "n", "template_data": {"a": "x".repeat(300 * 1024)}});
    tenant.admin.post(TEMPLATES, &huge).await.must_refuse(413);
    let number = r#"{"name": "n", "template_data": {"a": 1e999}}"#;
    assert!(tenant.admin.post_raw(TEMPLATES, number).await.names("template_data.a"));
    assert!(
        listed(&tenant.admin, &format!("{TEMPLATES}/mine")).await.is_empty(),
        "nothing is left"
    );
}

#[tokio::test]
async fn cycles_are_warnings_and_data_comes_back_as_it_went() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let data = json!({"nodes": [{"id": "a"}, {"id": "b"}], "edges": [["a", "b"], ["b", "a"]]});
    let made = publish(&tenant.admin, &json!({"template_data": data})).await;
    assert_eq!(made["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(tenant.admin.get(&path(&made)).await.must(200)["warnings"], made["warnings"]);
    let hostile = json!({
        "__proto__": {"x": 1}, "$where": "1", "a": "<script>alert('x')</script>\u{202e}\u{0}",
        "'; DROP TABLE templates; --": [1.50, 1e2, -0.0, null, true], "é\u{301}": "🚀", "#": "a#b",
        "\u{1f}": {"S": "x"},
    });
    let made = publish(&tenant.admin, &json!({"template_data": hostile, "name": format!("'\"><svg/onload=x> {{{{7*7}}}} {}", unique())})).await;
    let read = tenant.admin.get(&path(&made)).await.must(200);
    assert_eq!(read["template_data"], hostile);
    assert_eq!(read["name"], made["name"]);
}

#[tokio::test]
async fn names_that_look_the_same_are_taken() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let stem = unique();
    let member = person(&tenant, "ann", "member");
    let name = format!("Scope {stem}");
    publish(&member, &json!({"name": name})).await;
    for same in [
        name.clone(),
        name.to_uppercase(),
        format!("scope   {stem}"),
        format!(" SCOPE {stem} "),
        format!("Ѕсоре {stem}"),
        format!("Ｓｃｏｐｅ {stem}"),
    ] {
        let refused = member.post(TEMPLATES, &wish(&json!({"name": same}))).await.must_refuse(409);
        assert_eq!(refused["code"], "name_taken", "{same}");
    }
    // Another author may.
    publish(&person(&tenant, "bob", "member"), &json!({"name": name})).await;
    let other = publish(&member, &json!({"name": format!("Other {stem}")})).await;
    let rename = json!({"name": format!("sCOPE {stem}")});
    member.patch(&path(&other), &rename).await.must_refuse(409);
    // One's own may be written differently, and a name that is given up is free.
    member.patch(&path(&other), &json!({"name": format!("OTHER {stem}")})).await.must(200);
    member.patch(&path(&other), &json!({"name": format!("Third {stem}")})).await.must(200);
    publish(&member, &json!({"name": format!("other {stem}")})).await;
    member.delete(&path(&other)).await.must(200);
    publish(&member, &json!({"name": format!("third {stem}")})).await;
}

#[tokio::test]
async fn versions_only_go_up_and_never_change() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = publish(&tenant.admin, &json!({"version": "1.2.0"})).await;
    let versions = format!("{}/versions", path(&made));
    let release = |version: &str| json!({"version": version, "changelog": format!("to {version}"), "template_data": {"v": version}});
    for version in ["1.3.0-beta.1", "1.3.0", "2.0.0"] {
        let new = tenant.admin.post(&versions, &release(version)).await.must(201);
        assert_eq!(
            (&new["version"], &new["changelog"]),
            (&json!(version), &json!(format!("to {version}")))
        );
    }
    for lower in ["1.2.9", "1.0.0", "2.0.0-rc.1"] {
        let reply = tenant.admin.post(&versions, &release(lower)).await;
        assert_eq!(reply.status, 400, "{lower}: {}", reply.text());
        assert!(reply.names("version"), "{lower}");
    }
    for there in ["2.0.0", "1.3.0", "2.0.0+build"] {
        tenant.admin.post(&versions, &release(there)).await.must_refuse(409);
    }
    for (body, field) in [
        (json!({"template_data": {}}), "version"),
        (json!({"version": "3.0.0"}), "template_data"),
        (json!({"version": "3", "template_data": {}}), "version"),
        (json!({"version": "3.0.0", "template_data": {"nodes": 1}}), "template_data.nodes"),
    ] {
        assert!(tenant.admin.post(&versions, &body).await.names(field), "{field}");
    }
    let pages = tenant.pages(&format!("{versions}?limit=3"), "versions").await;
    let listed: Vec<&str> =
        pages.iter().flatten().map(|it| it["version"].as_str().unwrap()).collect();
    assert_eq!(listed, ["2.0.0", "1.3.0", "1.3.0-beta.1", "1.2.0"]);
    assert!(pages.iter().flatten().all(|it| it.get("template_data").is_none()));
    assert_eq!(
        tenant.admin.get(&path(&made)).await.must(200)["template_data"],
        json!({"v": "2.0.0"})
    );
    let old = tenant.admin.get(&format!("{versions}/1.3.0")).await.must(200);
    assert_eq!(old["template_data"], json!({"v": "1.3.0"}));
    for none in ["9.9.9", "x", "1.3.0+b", "%2e%2e"] {
        tenant.admin.get(&format!("{versions}/{none}")).await.must_refuse(404);
    }
    for fixed in ["version", "template_data", "changelog"] {
        let value = if fixed == "template_data" { json!({}) } else { json!("9.0.0") };
        assert!(tenant.admin.patch(&path(&made), &json!({fixed: value})).await.names(fixed));
    }
}

#[tokio::test]
async fn one_version_is_published_once_by_many() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = publish(&tenant.admin, &json!({})).await;
    let versions = format!("{}/versions", path(&made));
    let body = json!({"version": "1.1.0", "template_data": {}});
    let replies =
        futures_util::future::join_all((0..6).map(|_| tenant.admin.post(&versions, &body))).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn only_its_author_and_administrators_change_a_template() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let author = person(&tenant, "ann", "member");
    let made =
        publish(&author, &json!({"visibility": "public", "tags": ["a"], "documentation": "doc"}))
            .await;
    let change = json!({"description": "mine", "tags": ["b"], "category": "Data"});
    for stranger in [person(&tenant, "bob", "editor"), other.admin.clone()] {
        stranger.patch(&path(&made), &change).await.must_refuse(403);
        stranger.put(&path(&made), &change).await.must_refuse(403);
        stranger.delete(&path(&made)).await.must_refuse(403);
        let release = json!({"version": "2.0.0", "template_data": {}});
        stranger.post(&format!("{}/versions", path(&made)), &release).await.must_refuse(403);
    }
    let changed = author.patch(&path(&made), &change).await.must(200);
    let shown = [
        &changed["description"],
        &changed["category"],
        &changed["documentation"],
        &changed["tags"],
    ];
    assert_eq!(shown, [&json!("mine"), &json!("data"), &json!("doc"), &json!(["b"])]);
    let admin = tenant
        .admin
        .put(&path(&made), &json!({"deprecated": true, "deprecation_message": "use B"}))
        .await
        .must(200);
    assert_eq!(
        (&admin["deprecated"], &admin["deprecation_message"]),
        (&json!(true), &json!("use B"))
    );
    assert_eq!(admin["author"], "ann");
    assert_eq!(
        author.patch(&path(&made), &json!({"deprecated": false})).await.must(200)["deprecated"],
        false
    );
    assert!(author.patch(&path(&made), &json!({"name": ""})).await.names("name"));
    assert!(
        author.patch(&path(&made), &json!({"visibility": "x", "tags": [1]})).await.status == 400
    );
    tenant.admin.delete(&path(&made)).await.must(200);
    author.get(&path(&made)).await.must_refuse(404);
}

#[tokio::test]
async fn what_was_downloaded_stays_for_those_who_had_it() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let author = person(&tenant, "ann", "member");
    let made = publish(&author, &json!({"visibility": "public", "version": "1.0.0"})).await;
    let download = format!("{}/download", path(&made));
    other.admin.post(&download, &json!({})).await.must(200);
    author.delete(&path(&made)).await.must(200);
    // To everybody it is not there, also to its author.
    for caller in [&author, &tenant.admin, &other.admin] {
        caller.get(&path(&made)).await.must_refuse(404);
        caller.post(&download, &json!({})).await.must_refuse(404);
        caller.get(&format!("{}/versions", path(&made))).await.must_refuse(404);
        caller.get(&format!("{}/export", path(&made))).await.must_refuse(404);
        caller.get(&format!("{}/reviews", path(&made))).await.must_refuse(404);
        caller.post(&format!("{}/rate", path(&made)), &json!({"rating": 5})).await.must_refuse(404);
    }
    assert!(listed(&author, &format!("{TEMPLATES}/mine")).await.is_empty());
    let kept = other.admin.post(&format!("{download}?version=1.0.0"), &json!({})).await.must(200);
    assert_eq!((&kept["template_data"], &kept["downloads"]), (&graph(), &json!(1)));
    other.admin.get(&format!("{download}?version=2.0.0")).await.must_refuse(404);
    for stranger in [&author, &tenant.admin, &person(&other, "eve", "admin")] {
        stranger.get(&format!("{download}?version=1.0.0")).await.must_refuse(404);
    }
    author.delete(&path(&made)).await.must_refuse(404);
}
