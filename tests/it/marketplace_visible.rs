//! Who sees what: what one may not see is nowhere.

use aragora_tests::{Api, Session};
use serde_json::{Value, json};

use crate::marketplace::{TEMPLATES, listed, names, path, person, publish, unique};

/// Whether a caller finds the template on each list there is, and by its id.
async fn found(caller: &Api, template: &Value, word: &str, relative: &Value) -> (bool, bool) {
    let name = template["name"].as_str().unwrap();
    let category = template["category"].as_str().unwrap();
    let lists = [
        format!("{TEMPLATES}?category={category}&limit=100"),
        format!("{TEMPLATES}?tags={word}&limit=100"),
        format!("{TEMPLATES}?tags={word},other{word}&sort_by=newest&limit=100"),
        format!("{TEMPLATES}?q={word}"),
        format!("{TEMPLATES}/search?query={word}"),
        format!("{TEMPLATES}?q={word}&sort_by=name"),
        format!("/api/marketplace/trending?category={category}&limit=100"),
        format!("{}/related?limit=100", path(relative)),
    ];
    let mut on = Vec::new();
    for list in &lists {
        on.push(listed(caller, list).await.iter().any(|it| it == name));
    }
    let categories = caller.get("/api/marketplace/categories").await.must(200);
    let counts = categories["categories"].as_array().unwrap();
    let count = counts
        .iter()
        .find(|it| it["category"] == category)
        .map_or(0, |it| it["count"].as_u64().unwrap());
    let total = caller.get(&lists[0]).await.must(200)["total"].as_u64().unwrap();
    // The relative is in the category, and everybody sees it.
    on.extend([count == 2, total == 2]);
    let anywhere = on.iter().any(|it| *it);
    assert!(on.iter().all(|it| *it == anywhere), "{name}: {on:?}");
    let answers = [
        caller.get(&path(template)).await.status,
        caller.get(&format!("{}/versions", path(template))).await.status,
        caller.get(&format!("{}/versions/1.0.0", path(template))).await.status,
        caller.get(&format!("{}/reviews", path(template))).await.status,
        caller.get(&format!("{}/ratings", path(template))).await.status,
        caller.get(&format!("{}/export", path(template))).await.status,
        caller.get(&format!("{}/related", path(template))).await.status,
        caller
            .call(http::Method::HEAD, &format!("{}/download", path(template)))
            .send()
            .await
            .status,
    ];
    let there = answers[0] == 200;
    assert!(
        answers.iter().all(|status| *status == if there { 200 } else { 404 }),
        "{name}: {answers:?}"
    );
    (anywhere, there)
}

#[tokio::test]
async fn what_one_may_not_see_is_nowhere() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let (ann, bob) = (person(&tenant, "ann", "member"), person(&tenant, "bob", "member"));
    for (visibility, on_lists, by_id) in [
        ("public", [true, true, true, true], [true, true, true, true]),
        ("organization", [true, true, true, false], [true, true, true, false]),
        ("unlisted", [false, false, false, false], [true, true, true, true]),
        ("private", [false, false, false, false], [true, false, true, false]),
    ] {
        let word = format!("w{}", unique());
        let of = |name: &str, visibility: &str| json!({"name": format!("{name} {word}"), "category": word, "tags": [word], "visibility": visibility});
        let relative = publish(&other.admin, &of("relative", "public")).await;
        let made = publish(&ann, &of("it", visibility)).await;
        ann.post(&format!("{}/download", path(&made)), &json!({})).await.must(200);
        let callers = [&ann, &bob, &tenant.admin, &other.admin];
        for ((caller, listed), seen) in callers.into_iter().zip(on_lists).zip(by_id) {
            assert_eq!(
                found(caller, &made, &word, &relative).await,
                (listed, seen),
                "{visibility}"
            );
        }
        assert!(
            crate::marketplace::listed(&ann, &format!("{TEMPLATES}/mine"))
                .await
                .contains(&made["name"].as_str().unwrap().to_owned())
        );
        for stranger in [&bob, &other.admin] {
            assert!(
                !crate::marketplace::listed(stranger, &format!("{TEMPLATES}/mine"))
                    .await
                    .contains(&made["name"].as_str().unwrap().to_owned())
            );
        }
        let foreign =
            other.admin.post(&format!("{}/rate", path(&made)), &json!({"rating": 5})).await;
        assert_eq!(foreign.status, if by_id[3] { 200 } else { 404 }, "{visibility}");
        let download = other.admin.post(&format!("{}/download", path(&made)), &json!({})).await;
        assert_eq!(download.status, if by_id[3] { 200 } else { 404 }, "{visibility}");
        let review = json!({"rating": 5, "content": "c"});
        assert_eq!(
            other.admin.post(&format!("{}/reviews", path(&made)), &review).await.status,
            if by_id[3] { 201 } else { 404 }
        );
    }
}

#[tokio::test]
async fn visibility_can_change_and_lists_follow() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let word = format!("w{}", unique());
    let made =
        publish(&tenant.admin, &json!({"name": word, "category": word, "visibility": "private"}))
            .await;
    let list = format!("{TEMPLATES}?category={word}");
    for (visibility, own, theirs) in [
        ("public", 1, 1),
        ("organization", 1, 0),
        ("unlisted", 0, 0),
        ("public", 1, 1),
        ("private", 0, 0),
        ("organization", 1, 0),
    ] {
        tenant.admin.patch(&path(&made), &json!({"visibility": visibility})).await.must(200);
        for (caller, count) in [(&tenant.admin, own), (&other.admin, theirs)] {
            let answer = caller.get(&list).await.must(200);
            assert_eq!(
                (names(&answer).len(), &answer["total"]),
                (count, &json!(count)),
                "{visibility}"
            );
            assert_eq!(
                listed(caller, &format!("{TEMPLATES}?q={word}")).await.len(),
                count,
                "{visibility}"
            );
        }
        let mine = tenant.admin.get(&format!("{TEMPLATES}/mine")).await.must(200);
        assert_eq!(mine["total"], 1);
        let by_visibility =
            tenant.admin.get(&format!("{TEMPLATES}/mine?visibility={visibility}")).await.must(200);
        assert_eq!(names(&by_visibility).len(), 1, "{visibility}");
    }
    let hidden = tenant.admin.get(&format!("{TEMPLATES}?visibility=private")).await.must(200);
    assert_eq!(names(&hidden).len(), 0);
}
