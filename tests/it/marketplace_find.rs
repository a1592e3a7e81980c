//! Templates found: lists, filters, orders, pages, search, shelves. Most of it within one
//! organisation, whose templates nobody else sees.

use aragora_tests::{Session, Tenant};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::marketplace::{TEMPLATES, listed, names, path, person, publish, unique};

/// Templates of an organisation of its own, published in this order.
async fn shelf(tenant: &Tenant, wishes: &[Value]) -> Vec<Value> {
    let mut made = Vec::new();
    for wish in wishes {
        made.push(publish(&tenant.admin, wish).await);
    }
    made
}

fn own(query: &str) -> String {
    format!("{TEMPLATES}?visibility=organization&{query}")
}

async fn downloads(tenant: &Tenant, template: &Value, count: usize) {
    let download = format!("{}/download", path(template));
    for _ in 0..count {
        tenant.admin.post(&download, &json!({})).await.must(200);
    }
}

#[tokio::test]
async fn lists_are_sorted_in_five_orders() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made =
        shelf(&tenant, &["beta", "Älpha", "alpine", "gamma"].map(|name| json!({"name": name})))
            .await;
    downloads(&tenant, &made[1], 3).await;
    downloads(&tenant, &made[3], 1).await;
    for (user, template, rating) in
        [("u1", 0, 4), ("u2", 0, 5), ("u1", 2, 4), ("u1", 3, 5), ("u2", 3, 5)]
    {
        let rate = format!("{}/rate", path(&made[template]));
        person(&tenant, user, "member").post(&rate, &json!({"rating": rating})).await.must(200);
    }
    tenant.admin.patch(&path(&made[0]), &json!({"description": "newer"})).await.must(200);
    for (sort, wanted) in [
        ("downloads", ["Älpha", "gamma", "alpine", "beta"]),
        ("rating", ["gamma", "beta", "alpine", "Älpha"]),
        ("newest", ["gamma", "alpine", "Älpha", "beta"]),
        ("recent", ["gamma", "alpine", "Älpha", "beta"]),
        ("updated", ["beta", "gamma", "alpine", "Älpha"]),
        ("name", ["Älpha", "alpine", "beta", "gamma"]),
    ] {
        let answer = tenant.admin.get(&own(&format!("sort_by={sort}"))).await.must(200);
        assert_eq!(names(&answer), wanted, "{sort}");
        assert_eq!((&answer["total"], &answer["total_is_exact"]), (&json!(4), &json!(true)));
    }
    assert_eq!(listed(&tenant.admin, &own("")).await[0], "Älpha", "downloads by default");
    assert_eq!(
        listed(&tenant.admin, &own("sort_by=rating&min_rating=4.5")).await,
        ["gamma", "beta"]
    );
    assert_eq!(listed(&tenant.admin, &own("sort_by=name&min_rating=4.5")).await, ["beta", "gamma"]);
    assert_eq!(listed(&tenant.admin, &own("min_rating=1&sort_by=newest")).await.len(), 3);
}

#[tokio::test]
async fn filters_narrow_alone_and_together() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let ann = person(&tenant, "Ann", "member");
    for (name, category, tags, by_ann) in [
        ("one", "data", json!(["red", "Blue"]), false),
        ("two", "data", json!(["blue", "green"]), true),
        ("three", "legal", json!(["RÉD"]), true),
        ("four", "legal", json!([]), false),
    ] {
        let wish = json!({"name": name, "category": category, "tags": tags});
        publish(if by_ann { &ann } else { &tenant.admin }, &wish).await;
    }
    for (query, wanted) in [
        ("category=data", &["one", "two"][..]),
        ("category=DATA", &["one", "two"]),
        ("category=none", &[]),
        ("tags=blue", &["one", "two"]),
        ("tags=BLUE", &["one", "two"]),
        ("tags=red,green", &["one", "three", "two"]),
        ("tags=r%C3%A9d", &["one", "three"]),
        ("tags=none", &[]),
        ("author=Ann", &["three", "two"]),
        ("author=nobody", &[]),
        ("author=Ann&category=data", &["two"]),
        ("category=legal&tags=red", &["three"]),
        ("category=data&tags=red,blue,green&author=ann", &["two"]),
        ("category=legal&min_rating=1", &[]),
    ] {
        let answer = tenant.admin.get(&own(&format!("sort_by=name&{query}"))).await.must(200);
        assert_eq!(names(&answer), wanted, "{query}");
        assert_eq!(answer["total"], wanted.len(), "{query}");
        assert_eq!(answer["total_is_exact"], true, "{query}");
    }
    // What is moved from one category and set of tags to another is counted where it is.
    let one =
        tenant.admin.get(&own("tags=red&category=data")).await.must(200)["templates"][0].clone();
    let change = json!({"category": "legal", "tags": ["violet"]});
    tenant.admin.patch(&path(&one), &change).await.must(200);
    for (query, total) in
        [("category=data", 1), ("category=legal", 3), ("tags=red", 1), ("tags=violet", 1), ("", 4)]
    {
        assert_eq!(tenant.admin.get(&own(query)).await.must(200)["total"], total, "{query}");
    }
}

#[tokio::test]
async fn pages_offsets_and_cursors_agree() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let wishes: Vec<Value> = (0..11).map(|it| json!({"name": format!("t{it:02}"), "tags": ["all", if it % 2 == 0 { "even" } else { "odd" }]})).collect();
    shelf(&tenant, &wishes).await;
    for filter in [
        "",
        "tags=even,odd",
        "author=nobody&tags=all",
        "min_rating=0",
        "category=workflow&tags=all",
    ] {
        for sort in ["newest", "name", "downloads", "rating", "updated"] {
            let base = own(&format!("sort_by={sort}&{filter}"));
            let all = listed(&tenant.admin, &format!("{base}&limit=100")).await;
            let by_cursor: Vec<Vec<String>> = tenant
                .pages(&format!("{base}&limit=4"), "templates")
                .await
                .iter()
                .map(|page| page.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect())
                .collect();
            assert_eq!(by_cursor.concat(), all, "{base}");
            for (at, page) in by_cursor.iter().enumerate() {
                let by_page =
                    listed(&tenant.admin, &format!("{base}&limit=4&page={}", at + 1)).await;
                let by_offset =
                    listed(&tenant.admin, &format!("{base}&limit=4&offset={}", at * 4)).await;
                assert_eq!((&by_page, &by_offset), (page, page), "{base} page {at}");
            }
            let beyond = tenant.admin.get(&format!("{base}&limit=4&page=9")).await.must(200);
            assert_eq!((names(&beyond).len(), &beyond["next_cursor"]), (0, &Value::Null));
        }
    }
}

#[tokio::test]
async fn a_walk_by_cursor_misses_and_repeats_nothing_while_templates_are_added() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let wishes: Vec<Value> = (0..8).map(|it| json!({"name": format!("m{it}")})).collect();
    shelf(&tenant, &wishes).await;
    for sort in ["newest", "name", "downloads"] {
        let mut seen: Vec<String> = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer =
                tenant.admin.get(&own(&format!("sort_by={sort}&limit=3{cursor}"))).await.must(200);
            seen.extend(names(&answer).into_iter().map(ToOwned::to_owned));
            let added = json!({"name": format!("a {}", unique())});
            publish(&tenant.admin, &added).await;
            match answer["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        for wish in &wishes {
            let name = wish["name"].as_str().unwrap();
            assert_eq!(
                seen.iter().filter(|it| *it == name).count(),
                1,
                "{sort} {name} in {seen:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_400() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    shelf(&tenant, &[json!({}), json!({}), json!({})]).await;
    let page = tenant.admin.get(&own("limit=1&sort_by=name")).await.must(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    for (query, field) in [
        ("page=0".to_owned(), "page"),
        ("page=1000000000".into(), "page"),
        ("page=99999999999999999999".into(), "page"),
        ("page=-1".into(), "page"),
        ("limit=0".into(), "limit"),
        ("limit=101".into(), "limit"),
        ("limit=1000000000".into(), "limit"),
        ("offset=-1".into(), "offset"),
        ("offset=1000000000".into(), "offset"),
        ("cursor=forged".into(), "cursor"),
        ("cursor=dDE6bmFtZXwxfD18eA".into(), "cursor"),
        // Of another order, and of another list.
        (format!("cursor={cursor}&sort_by=newest"), "cursor"),
        (format!("cursor={cursor}&sort_by=name&page=2"), "page"),
        ("sort_by=best".into(), "sort_by"),
        ("min_rating=6".into(), "min_rating"),
        ("min_rating=NaN".into(), "min_rating"),
        ("visibility=all".into(), "visibility"),
        ("category=%00".into(), "category"),
        (format!("tags={}", vec!["x"; 21].join(",")), "tags"),
    ] {
        for list in
            [TEMPLATES.to_owned(), format!("{TEMPLATES}/mine"), format!("{TEMPLATES}/search")]
        {
            let reply = tenant.admin.get(&format!("{list}?{query}")).await;
            assert_eq!(reply.status, 400, "{list}?{query}: {}", reply.text());
            assert!(reply.names(field), "{list}?{query}: {}", reply.text());
        }
    }
    tenant.admin.get("/api/marketplace/trending?period=year").await.must_refuse(400);
    for shelf in ["featured", "trending"] {
        assert!(
            tenant.admin.get(&format!("/api/marketplace/{shelf}?limit=0")).await.names("limit")
        );
    }
}

#[tokio::test]
async fn searches_rank_and_fold() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    shelf(
        &tenant,
        &[
            json!({"name": "Papers", "description": "Reads every invoice it is given"}),
            json!({"name": "Reader", "tags": ["Invoice"]}),
            json!({"name": "Invoice pipeline", "category": "accounting"}),
            json!({"name": "Invoice"}),
            json!({"name": "Sécurité für Straßen", "description": "日本のワークフロー"}),
        ],
    )
    .await;
    for (text, wanted) in [
        ("invoice", &["Invoice", "Invoice pipeline", "Reader", "Papers"][..]),
        ("INVOICE", &["Invoice", "Invoice pipeline", "Reader", "Papers"]),
        ("invoice%20pipeline", &["Invoice pipeline"]),
        ("pipeline+invoice", &["Invoice pipeline"]),
        ("invoi", &["Invoice", "Invoice pipeline", "Reader"]),
        ("securite", &["Sécurité für Straßen"]),
        ("S%C3%89CURIT%C3%89", &["Sécurité für Straßen"]),
        ("strassen", &["Sécurité für Straßen"]),
        ("%E6%97%A5%E6%9C%AC", &["Sécurité für Straßen"]),
        ("accounting", &["Invoice pipeline"]),
        ("invoice%20nowhere", &[]),
        ("!!!", &[]),
        ("%F0%9F%9A%80%20%00%20%22%27", &[]),
        ("%FF%FE", &[]),
    ] {
        for name in ["search", "q", "query"] {
            let found = tenant.admin.get(&own(&format!("{name}={text}"))).await.must(200);
            let mut found: Vec<&str> = names(&found);
            let mut wanted = wanted.to_vec();
            if text == "invoi" {
                // The two names weigh the same.
                found.sort_unstable();
                wanted.sort_unstable();
            }
            assert_eq!(found, wanted, "{name}={text}");
        }
    }
    let long = "word ".repeat(1_500).replace(' ', "%20");
    assert!(
        listed(&tenant.admin, &own(&format!("q={}", long.get(..7_000).unwrap()))).await.is_empty()
    );
    assert_eq!(
        listed(&tenant.admin, &own("q=invoice&category=accounting")).await,
        ["Invoice pipeline"]
    );
    assert_eq!(listed(&tenant.admin, &own("q=invoice&tags=INVOICE")).await, ["Reader"]);
    let by_name = ["Invoice", "Invoice pipeline", "Papers", "Reader"];
    assert_eq!(listed(&tenant.admin, &own("q=invoice&sort_by=name")).await, by_name);
    assert!(listed(&tenant.admin, &own("q=invoice&min_rating=1")).await.is_empty());
    let pages = tenant.pages(&own("q=invoice&limit=1"), "templates").await;
    assert_eq!(pages.concat().len(), 4);
    let second = listed(&tenant.admin, &own("q=invoice&limit=2&page=2")).await;
    assert_eq!(second, ["Reader", "Papers"]);
    let other = session.tenant();
    assert!(listed(&other.admin, &own("q=invoice")).await.is_empty());
    // A renamed template is found by its new name only.
    let reader = tenant.admin.get(&own("q=reader")).await.must(200)["templates"][0].clone();
    tenant.admin.patch(&path(&reader), &json!({"name": "Scanner", "tags": []})).await.must(200);
    assert!(listed(&tenant.admin, &own("q=reader")).await.is_empty());
    assert_eq!(listed(&tenant.admin, &own("q=scanner")).await, ["Scanner"]);
    assert_eq!(listed(&tenant.admin, &format!("{TEMPLATES}/mine?q=scanner")).await, ["Scanner"]);
}

#[tokio::test]
async fn categories_are_counted_and_relatives_found() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let slug = format!("c{}", unique());
    let made = shelf(
        &tenant,
        &[
            json!({"name": "a", "category": slug, "tags": ["x", "y"]}),
            json!({"name": "b", "category": slug, "tags": ["x", "y"]}),
            json!({"name": "c", "category": slug, "tags": ["x"]}),
            json!({"name": "d", "category": slug}),
            json!({"name": "e", "category": format!("{slug}2"), "tags": [format!("t{slug}")]}),
        ],
    )
    .await;
    let categories = tenant.admin.get("/api/marketplace/categories").await.must(200);
    let of = |name: &str| {
        let all = categories["categories"].as_array().unwrap();
        all.iter().find(|it| it["category"] == name).map(|it| it["count"].clone())
    };
    assert_eq!(of(&slug), Some(json!(4)));
    assert_eq!(of(&format!("{slug}2")), Some(json!(1)));
    let related = listed(&tenant.admin, &format!("{}/related?limit=3", path(&made[0]))).await;
    assert_eq!(related, ["b", "c", "d"]);
    let alone = tenant.admin.get(&format!("{}/related", path(&made[4]))).await.must(200);
    assert_eq!(names(&alone).len(), 0);
    tenant.admin.delete(&path(&made[4])).await.must(200);
    let categories = tenant.admin.get("/api/marketplace/categories").await.must(200);
    let gone = categories["categories"]
        .as_array()
        .unwrap()
        .iter()
        .all(|it| it["category"] != format!("{slug}2"));
    assert!(gone, "{categories}");
}

#[tokio::test]
async fn what_was_downloaded_lately_is_trending() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let slug = format!("c{}", unique());
    let made = shelf(
        &tenant,
        &["quiet", "once", "often"].map(|name| json!({"name": name, "category": slug})),
    )
    .await;
    downloads(&tenant, &made[1], 1).await;
    downloads(&tenant, &made[2], 3).await;
    for period in ["day", "week", "month"] {
        let path = format!("/api/marketplace/trending?period={period}&category={slug}");
        let answer = tenant.admin.get(&path).await.must(200);
        assert_eq!(names(&answer), ["often", "once"], "{period}");
        let recent: Vec<&Value> = answer["templates"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| &it["recent_downloads"])
            .collect();
        assert_eq!(recent, [3, 1], "{period}");
    }
    let other = session.tenant();
    let foreign =
        other.admin.get(&format!("/api/marketplace/trending?category={slug}")).await.must(200);
    assert_eq!(names(&foreign).len(), 0);
}

#[tokio::test]
async fn public_templates_that_are_rated_well_are_featured() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let name = format!("Featured {}", unique());
    let made = publish(&tenant.admin, &json!({"name": name, "visibility": "public"})).await;
    let is_featured = async || {
        let answer = tenant.admin.get("/api/marketplace/featured?limit=100").await.must(200);
        let same = tenant.admin.get(&format!("{TEMPLATES}/featured?limit=100")).await.must(200);
        assert!(same["templates"].is_array() && same["count"].is_u64(), "{same}");
        names(&answer).contains(&name.as_str())
    };
    let raters: Vec<_> = (0..12).map(|it| person(&tenant, &format!("r{it}"), "member")).collect();
    let rate = format!("{}/rate", path(&made));
    for rater in &raters[..2] {
        rater.post(&rate, &json!({"rating": 5})).await.must(200);
    }
    assert!(!is_featured().await, "two are too few");
    join_all(
        raters[2..].iter().map(async |it| it.post(&rate, &json!({"rating": 5})).await.must(200)),
    )
    .await;
    assert!(is_featured().await);
    tenant.admin.patch(&path(&made), &json!({"visibility": "organization"})).await.must(200);
    assert!(!is_featured().await, "no longer public");
}
