//! Registering, reading, changing and deleting one webhook.

use aragora_tests::clock::{millis_of, now_millis};
use aragora_tests::{Session, Tenant};
use http::Method;
use serde_json::{Value, json};

const URL: &str = "http://127.0.0.1:9/hook";

fn everything() -> Value {
    json!({
        "url": URL,
        "event_types": ["debate.completed", "consensus.reached"],
        "description": "Production webhook",
        "name": "production",
        "headers": {"X-Team": "blue"},
        "filters": {"outcome": "consensus", "data.round": [1, 2]},
        "retry_policy": {
            "max_retries": 7, "base_delay_seconds": 0.5, "max_delay_seconds": 60, "timeout_seconds": 12.5,
        },
        "rate_limit_per_second": 50,
        "metadata": {"owner": "platform", "tier": 1},
    })
}

/// Whether an answer holds what was sent: numbers by value, objects perhaps with more in them.
fn holds(answered: &Value, sent: &Value) -> bool {
    match (answered, sent) {
        (Value::Number(_), Value::Number(_)) => answered.as_f64() == sent.as_f64(),
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(our, their)| holds(our, their))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            theirs.iter().all(|(key, their)| ours.get(key).is_some_and(|our| holds(our, their)))
        }
        _ => answered == sent,
    }
}

async fn created(tenant: &Tenant) -> Value {
    tenant.admin.post("/api/webhooks", &everything()).await.must(201)
}

/// What stays the same when other fields are changed.
const UNTOUCHED: [&str; 8] = [
    "url",
    "event_types",
    "name",
    "filters",
    "retry_policy",
    "rate_limit_per_second",
    "metadata",
    "created_at",
];

#[tokio::test]
async fn a_registered_webhook_has_every_field() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let before = now_millis();
    let webhook = created(&tenant).await;

    assert!(webhook["id"].as_str().unwrap().starts_with("wh-"), "{webhook}");
    assert_eq!(webhook["url"], URL);
    assert_eq!(webhook["event_types"], json!(["debate.completed", "consensus.reached"]));
    assert_eq!(webhook["description"], "Production webhook");
    assert_eq!(webhook["enabled"], true);
    assert_eq!(webhook["failure_count"], 0);
    assert_eq!(webhook["circuit_state"], "closed");
    for empty in [
        "disabled_reason",
        "last_triggered_at",
        "last_success_at",
        "last_failure_at",
        "last_failure_reason",
    ] {
        assert!(webhook.get(empty).is_some_and(Value::is_null), "{empty} in {webhook}");
    }
    for time in ["created_at", "updated_at"] {
        let text = webhook[time].as_str().unwrap();
        assert!(text.ends_with('Z'), "{time} {text}");
        assert!(
            (before - 2_000..=now_millis() + 2_000).contains(&millis_of(text)),
            "{time} {text}"
        );
    }
}

#[tokio::test]
async fn answers_carry_both_names_of_a_field() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = created(&tenant).await;
    for (ours, theirs) in [("id", "webhook_id"), ("event_types", "events"), ("enabled", "active")] {
        assert_eq!(webhook[ours], webhook[theirs], "{ours} and {theirs}");
        assert!(!webhook[ours].is_null());
    }
}

#[tokio::test]
async fn the_published_clients_names_are_taken() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let body = json!({"url": URL, "events": ["debate_start"], "active": false});
    let webhook = tenant.admin.post("/api/webhooks", &body).await.must(201);
    assert_eq!(webhook["event_types"], json!(["debate_start"]));
    assert_eq!(webhook["enabled"], false);

    let path = format!("/api/webhooks/{}", webhook["id"].as_str().unwrap());
    let changed =
        tenant.admin.put(&path, &json!({"events": ["vote"], "active": true})).await.must(200);
    assert_eq!(changed["event_types"], json!(["vote"]));
    assert_eq!(changed["enabled"], true);
}

#[tokio::test]
async fn a_webhook_reads_back_as_it_was_registered() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut webhook = created(&tenant).await;
    let path = format!("/api/webhooks/{}", webhook["id"].as_str().unwrap());
    let read = tenant.admin.get(&path).await.must(200);
    webhook.as_object_mut().unwrap().remove("secret");
    let mut read_without = read.clone();
    read_without.as_object_mut().unwrap().remove("secret");
    assert_eq!(read_without, webhook);
    for (field, sent) in everything().as_object().unwrap() {
        // The values of headers may be secrets: they are not shown.
        if field != "headers" {
            assert!(holds(&read[field], sent), "{field}: {} for {sent}", read[field]);
        }
    }
}

#[tokio::test]
async fn put_and_patch_change_only_the_fields_given() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = created(&tenant).await;
    let path = format!("/api/webhooks/{}", webhook["id"].as_str().unwrap());

    let patched = tenant.admin.patch(&path, &json!({"description": "patched"})).await.must(200);
    let put = tenant.admin.put(&path, &json!({"enabled": false})).await.must(200);
    let read = tenant.admin.get(&path).await.must(200);

    assert_eq!((&patched["description"], &patched["enabled"]), (&json!("patched"), &json!(true)));
    assert_eq!((&put["description"], &put["enabled"]), (&json!("patched"), &json!(false)));
    for after in [&patched, &put, &read] {
        for field in UNTOUCHED {
            assert_eq!(after[field], webhook[field], "{field}");
        }
    }
    let updated = |of: &Value| millis_of(of["updated_at"].as_str().unwrap());
    assert!(updated(&webhook) <= updated(&patched) && updated(&patched) <= updated(&put));
    assert_eq!(read["updated_at"], put["updated_at"]);
}

#[tokio::test]
async fn every_field_can_be_changed() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let path = format!("/api/webhooks/{}", created(&tenant).await["id"].as_str().unwrap());
    let changes = json!({
        "url": "http://127.0.0.1:9/other", "event_types": ["*"], "description": "other", "name": "other",
        "filters": {"data.x": true}, "retry_policy": {"max_retries": 0}, "rate_limit_per_second": 2,
        "metadata": {"a": [1]}, "enabled": false,
    });
    let after = tenant.admin.patch(&path, &changes).await.must(200);
    for (field, sent) in changes.as_object().unwrap() {
        assert!(holds(&after[field], sent), "{field}: {} for {sent}", after[field]);
    }
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut body = everything();
    body["colour"] = json!("blue");
    let webhook = tenant.admin.post("/api/webhooks", &body).await.must(201);
    assert!(webhook.get("colour").is_none());
}

#[tokio::test]
async fn a_deleted_webhook_is_gone() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let id = created(&tenant).await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/webhooks/{id}");
    tenant.admin.delete(&path).await.must_succeed();

    tenant.admin.get(&path).await.must_refuse(404);
    tenant.admin.delete(&path).await.must_refuse(404);
    tenant.admin.patch(&path, &json!({"enabled": true})).await.must_refuse(404);
    tenant.admin.get(&format!("{path}/receipts")).await.must_refuse(404);
    let list = tenant.admin.get("/api/webhooks").await.must(200);
    assert_eq!(list["webhooks"], json!([]));
}

#[tokio::test]
async fn versioned_paths_and_trailing_slashes_mean_the_same() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let id = created(&tenant).await["id"].as_str().unwrap().to_owned();
    let plain = tenant.admin.get(&format!("/api/webhooks/{id}")).await.must(200);
    for base in ["/api/webhooks", "/api/v1/webhooks", "/api/v2/webhooks"] {
        for slash in ["", "/"] {
            let list = tenant.admin.call(Method::GET, &format!("{base}{slash}?limit=5"));
            assert_eq!(
                list.follow().await.must(200)["webhooks"][0]["id"],
                json!(id),
                "{base}{slash}"
            );
            let one = tenant.admin.call(Method::GET, &format!("{base}/{id}{slash}"));
            assert_eq!(one.follow().await.must(200), plain, "{base}/id{slash}");
        }
    }
}

#[tokio::test]
async fn concurrent_changes_of_different_fields_all_last() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let path = format!("/api/webhooks/{}", created(&tenant).await["id"].as_str().unwrap());
    let changes =
        [json!({"description": "d"}), json!({"name": "n"}), json!({"metadata": {"m": 1}})];
    let answers = changes.iter().map(|change| tenant.admin.patch(&path, change));
    for answer in futures_util::future::join_all(answers).await {
        answer.must(200);
    }
    let read = tenant.admin.get(&path).await.must(200);
    assert_eq!(
        (&read["description"], &read["name"], &read["metadata"]),
        (&json!("d"), &json!("n"), &json!({"m": 1}))
    );
}
