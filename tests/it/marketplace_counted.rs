//! Downloads, ratings, reviews and votes, exact under many writers.

use aragora_tests::{Session, Tenant};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::marketplace::{path, person, publish};

const WRITERS: usize = 50;

fn user(tenant: &Tenant, number: usize) -> aragora_tests::Api {
    person(tenant, &format!("user-{number}"), "member")
}

#[tokio::test]
async fn fifty_downloads_at_once_are_fifty() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = publish(&tenant.admin, &json!({})).await;
    let download = format!("{}/download", path(&made));
    let replies = join_all((0..WRITERS).map(async |number| {
        let caller = user(&tenant, number % 10);
        // Either method counts.
        if number % 2 == 0 {
            caller.post(&download, &json!({})).await.must(200)
        } else {
            caller.get(&download).await.must(200)
        }
    }))
    .await;
    let most = replies.iter().map(|it| it["downloads"].as_u64().unwrap()).max();
    assert_eq!(most, Some(50));
    let whole = tenant.admin.get(&path(&made)).await.must(200);
    assert_eq!((&whole["downloads"], &whole["download_count"]), (&json!(50), &json!(50)));
    let head = tenant.admin.call(http::Method::HEAD, &download).send().await;
    assert_eq!(head.status, 200);
    assert_eq!(
        tenant.admin.get(&path(&made)).await.must(200)["downloads"],
        50,
        "HEAD counts nothing"
    );
    let listed =
        tenant.admin.get("/api/marketplace/templates?visibility=organization").await.must(200);
    assert_eq!(listed["templates"][0]["downloads"], 50);
    let trending =
        tenant.admin.get("/api/marketplace/trending?period=day&limit=100").await.must(200);
    let own = trending["templates"].as_array().unwrap().iter().find(|it| it["id"] == made["id"]);
    assert_eq!(own.unwrap()["recent_downloads"], 50);
}

#[tokio::test]
async fn fifty_ratings_at_once_and_again_are_fifty() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = publish(&tenant.admin, &json!({})).await;
    let rate = format!("{}/rate", path(&made));
    for round in 0..2 {
        join_all((0..WRITERS).map(async |number| {
            let rating = (number + round) % 5 + 1;
            let answer =
                user(&tenant, number).post(&rate, &json!({"rating": rating})).await.must(200);
            assert_eq!(answer["your_rating"], rating);
        }))
        .await;
        let whole = tenant.admin.get(&path(&made)).await.must(200);
        assert_eq!(
            (&whole["rating_count"], &whole["average_rating"]),
            (&json!(50), &json!(3.0)),
            "{round}"
        );
        assert_eq!(
            whole["rating_distribution"],
            json!({"1": 10, "2": 10, "3": 10, "4": 10, "5": 10})
        );
    }
    // One user many times at once is one rating.
    join_all((0..10).map(async |number| {
        user(&tenant, 0).post(&rate, &json!({"rating": number % 5 + 1})).await.must(200);
    }))
    .await;
    let last = user(&tenant, 0).post(&rate, &json!({"rating": 1})).await.must(200);
    assert_eq!((&last["rating_count"], &last["average_rating"]), (&json!(50), &json!(2.98)));
}

#[tokio::test]
async fn only_whole_numbers_from_1_to_5_are_ratings() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = publish(&tenant.admin, &json!({})).await;
    let other = user(&tenant, 1);
    for route in ["rate", "ratings", "reviews"] {
        let route = format!("{}/{route}", path(&made));
        for bad in [
            json!(0),
            json!(6),
            json!(4.5),
            json!(true),
            json!("5"),
            json!(-1),
            json!([]),
            json!({}),
            json!(null),
        ] {
            for name in ["rating", "score"] {
                let reply = other.post(&route, &json!({name: bad, "content": "c"})).await;
                assert!(reply.status == 400 && reply.names("rating"), "{bad}: {}", reply.text());
            }
        }
        assert!(other.post(&route, &json!({})).await.names("rating"));
        assert_eq!(other.post_raw(&route, r#"{"rating": 1e999}"#).await.status, 400);
        assert_eq!(other.post_raw(&route, "[5]").await.status, 400);
    }
    let rate = format!("{}/rate", path(&made));
    tenant.admin.post(&rate, &json!({"rating": 5})).await.must_refuse(403);
    let reviews = format!("{}/reviews", path(&made));
    tenant.admin.post(&reviews, &json!({"rating": 5, "content": "mine"})).await.must_refuse(403);
    tenant.role("viewer").post(&rate, &json!({"rating": 5})).await.must_refuse(403);
    for (body, field) in [
        (json!({"rating": 5}), "content"),
        (json!({"rating": 5, "content": ""}), "content"),
        (json!({"rating": 5, "content": " \n"}), "content"),
        (json!({"rating": 5, "content": 7}), "content"),
        (json!({"rating": 5, "content": "x".repeat(2_001)}), "content"),
        (json!({"rating": 5, "content": "c", "title": "x".repeat(101)}), "title"),
        (json!({"rating": 5, "content": "c", "title": []}), "title"),
    ] {
        assert!(other.post(&reviews, &body).await.names(field), "{field}");
    }
    assert_eq!(tenant.admin.get(&path(&made)).await.must(200)["rating_count"], 0);
}

#[tokio::test]
async fn a_user_has_one_review_which_sets_the_rating() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = publish(&tenant.admin, &json!({})).await;
    let (rate, reviews, ratings) = ("rate", "reviews", "ratings").into_paths(&made);
    let (ann, bob) = (user(&tenant, 1), user(&tenant, 2));
    ann.post(&rate, &json!({"rating": 1})).await.must(200);
    let first = ann
        .post(&reviews, &json!({"rating": 4, "title": "Great!", "content": "Easy."}))
        .await
        .must(201);
    assert_eq!((&first["average_rating"], &first["rating_count"]), (&json!(4.0), &json!(1)));
    assert!(first["review_id"].as_str().unwrap().starts_with("rev-"));
    let again = ann.post(&reviews, &json!({"score": 2, "comment": "Less."})).await.must(201);
    assert_eq!((&again["review_id"], &again["content"]), (&first["review_id"], &json!("Less.")));
    // A rating alone leaves the review.
    ann.post(&rate, &json!({"score": 5})).await.must(200);
    bob.post(&ratings, &json!({"score": 3, "review": "Fine."})).await.must(200);
    user(&tenant, 3).post(&rate, &json!({"rating": 4})).await.must(200);
    let listed = tenant.admin.get(&reviews).await.must(200);
    let shown: Vec<_> = listed["reviews"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["content"].clone(), it["rating"].clone()))
        .collect();
    assert_eq!(shown.len(), 2);
    assert!(
        shown.contains(&(json!("Less."), json!(5))) && shown.contains(&(json!("Fine."), json!(3)))
    );
    assert_eq!((&listed["average_rating"], &listed["rating_count"]), (&json!(4.0), &json!(3)));
    let all = tenant.admin.get(&ratings).await.must(200);
    assert_eq!((&all["count"], &all["average"]), (&json!(3), &json!(4.0)));
    let of_bob =
        all["ratings"].as_array().unwrap().iter().find(|it| it["user_id"] == "user-2").unwrap();
    assert_eq!((&of_bob["score"], &of_bob["review"]), (&json!(3), &json!("Fine.")));
    assert!(of_bob["created_at"].is_string());
    let walked = tenant.pages(&format!("{ratings}?limit=1"), "ratings").await.concat();
    assert_eq!(walked.len(), 3);
    assert_eq!(
        tenant.admin.get(&format!("{ratings}?offset=2&limit=20")).await.must(200)["ratings"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    for query in ["cursor=x", "limit=0", "offset=-1", "offset=1000000000", "limit=1000000000"] {
        for list in [&ratings, &reviews] {
            assert_eq!(tenant.admin.get(&format!("{list}?{query}")).await.status, 400, "{query}");
        }
    }
}

trait IntoPaths {
    fn into_paths(self, template: &Value) -> (String, String, String);
}

impl IntoPaths for (&str, &str, &str) {
    fn into_paths(self, template: &Value) -> (String, String, String) {
        let of = |part: &str| format!("{}/{part}", path(template));
        (of(self.0), of(self.1), of(self.2))
    }
}

#[tokio::test]
async fn helpful_reviews_come_first_and_votes_count_once() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let made = publish(&tenant.admin, &json!({})).await;
    let reviews = format!("{}/reviews", path(&made));
    let mut ids = Vec::new();
    for number in 0..3 {
        let body = json!({"rating": 5, "content": format!("review {number}")});
        let made = user(&tenant, number).post(&reviews, &body).await.must(201);
        ids.push(made["review_id"].as_str().unwrap().to_owned());
    }
    let contents = async || {
        let listed = tenant.admin.get(&reviews).await.must(200);
        listed["reviews"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["content"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(contents().await, ["review 2", "review 1", "review 0"]);
    let helpful = |at: usize| format!("{reviews}/{}/helpful", ids[at]);
    join_all((10..30).map(async |number| {
        user(&tenant, number).post(&helpful(1), &json!({})).await.must(200);
    }))
    .await;
    for _ in 0..3 {
        let voted = user(&tenant, 10).post(&helpful(1), &json!({})).await.must(200);
        assert_eq!(voted["helpful_count"], 20, "once each");
    }
    user(&tenant, 10).post(&helpful(0), &json!({})).await.must(200);
    assert_eq!(contents().await, ["review 1", "review 0", "review 2"]);
    assert_eq!(tenant.pages(&format!("{reviews}?limit=1"), "reviews").await.concat().len(), 3);
    user(&tenant, 1).post(&helpful(1), &json!({})).await.must_refuse(403);
    user(&tenant, 2)
        .post(&format!("{reviews}/rev-none/helpful"), &json!({}))
        .await
        .must_refuse(404);
    // What is said anew keeps its votes.
    user(&tenant, 1).post(&reviews, &json!({"rating": 1, "content": "changed"})).await.must(201);
    assert_eq!(contents().await[0], "changed");
}
