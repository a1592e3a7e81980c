//! Batch jobs over HTTP: many debates explained by the `explain` function, followed, paged through.

use std::collections::BTreeSet;
use std::time::Duration;

use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Receiver, Session, Tenant};
use http::Method;
use serde_json::{Value, json};

/// What many debates on a busy machine may take.
pub(crate) const LONG: Duration = Duration::from_mins(3);
pub(crate) const BATCH: &str = "/api/explainability/batch";

/// A debate that two of three won.
pub(crate) async fn debate(tenant: &Tenant) -> String {
    let debate = json!({
        "task": "Design a rate limiter",
        "agents": ["claude", "gpt4", "gemini"],
        "proposals": {"claude": "A token bucket per tenant.", "gpt4": "A sliding window."},
        "votes": [
            {"agent": "claude", "choice": "claude", "confidence": 0.9},
            {"agent": "gpt4", "choice": "gpt4", "confidence": 0.8},
            {"agent": "gemini", "choice": "claude", "confidence": 0.7},
        ],
        "consensus_reached": true,
        "final_answer": "A token bucket per tenant.",
        "rounds": 2,
    });
    let stored = tenant.admin.post("/api/debates", &debate).await.must(201);
    stored["debate_id"].as_str().unwrap_or_else(|| panic!("no id in {stored}")).to_owned()
}

/// Ids that nobody has.
pub(crate) fn nobodys(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("deb-none-{number}")).collect()
}

pub(crate) async fn make(tenant: &Tenant, body: &Value) -> Value {
    tenant.admin.post(BATCH, body).await.must(202)
}

pub(crate) fn path(job: &Value) -> String {
    format!("{BATCH}/{}", job["job_id"].as_str().unwrap_or_else(|| panic!("no id in {job}")))
}

pub(crate) async fn get(tenant: &Tenant, job: &Value) -> Value {
    tenant.admin.get(&path(job)).await.must(200)
}

/// The job, once it has this status.
pub(crate) async fn ended(tenant: &Tenant, job: &Value, status: &str) -> Value {
    eventually(LONG, &format!("{} to be {status}", path(job)), async || {
        let now = get(tenant, job).await;
        (now["status"] == status).then_some(now)
    })
    .await
}

/// Total, processed, explained and not.
pub(crate) fn counts(job: &Value) -> [u64; 4] {
    ["total", "processed", "success_count", "failed_count"]
        .map(|field| job[field].as_u64().unwrap_or_else(|| panic!("no {field} in {job}")))
}

pub(crate) async fn results(tenant: &Tenant, job: &Value, limit: usize) -> Vec<Vec<Value>> {
    tenant.pages(&format!("{}/results?limit={limit}", path(job)), "results").await
}

/// How many events of this type the organisation has.
pub(crate) async fn published(tenant: &Tenant, event_type: &str) -> usize {
    let pages = tenant.pages("/api/events?limit=100", "events").await;
    pages.iter().flatten().filter(|event| event["event_type"] == event_type).count()
}

#[tokio::test]
async fn debates_are_explained_and_the_end_is_told() {
    let session = Session::shared().await;
    let (tenant, receiver) = (session.tenant(), Receiver::start().await);
    tenant.subscribe(&receiver.url("/named"), &["explanation.batch_completed"]).await;
    tenant.subscribe(&receiver.url("/all"), &["*"]).await;
    let (one, two) = (debate(&tenant).await, debate(&tenant).await);
    let ids = [&one, "deb-none", &two, &one, "deb-none"];
    let options = json!({"format": "summary", "include_evidence": true, "priority": "high"});
    let job = make(&tenant, &json!({"debate_ids": ids, "options": options})).await;
    assert_eq!((&job["status"], counts(&job)), (&json!("processing"), [3, 0, 0, 0]));
    assert_eq!(job["batch_id"], job["job_id"]);
    assert!(job["job_id"].as_str().unwrap().starts_with("batch-"), "{job}");
    assert_eq!(job["status_url"], path(&job));
    assert_eq!(job["results_url"], format!("{}/results", path(&job)));

    let done = ended(&tenant, &job, "completed").await;
    assert_eq!((counts(&done), &done["progress_pct"]), ([3, 3, 2, 1], &json!(100.0)));
    for (ours, theirs) in [
        ("total", "total_debates"),
        ("processed", "processed_count"),
        ("failed_count", "error_count"),
    ] {
        assert_eq!(done[ours], done[theirs]);
    }
    for time in ["created_at", "started_at", "completed_at"] {
        assert!(done[time].is_string(), "{time} of {done}");
    }
    let status = tenant.admin.get(&format!("{}/status", path(&job))).await.must(200);
    assert_eq!(status, done);
    tenant.admin.delete(&path(&job)).await.must_refuse(409);

    let answer = tenant.admin.get(&format!("{}/results", path(&job))).await.must(200);
    assert_eq!((&answer["count"], &answer["next_cursor"]), (&json!(3), &Value::Null));
    assert_eq!((&answer["status"], counts(&answer)), (&json!("completed"), [3, 3, 2, 1]));
    let found = answer["results"].as_array().unwrap();
    for (result, id) in found.iter().zip([&one, "deb-none", &two]) {
        assert_eq!(result["debate_id"], *id);
        assert!(result["processing_time_ms"].is_u64(), "{result}");
        if id == "deb-none" {
            assert_eq!(
                (&result["status"], &result["explanation"]),
                (&json!("not_found"), &Value::Null)
            );
            assert!(result["error"].is_string(), "{result}");
        } else {
            assert_eq!((&result["status"], &result["error"]), (&json!("success"), &Value::Null));
            let explanation = &result["explanation"];
            assert_eq!(explanation["debate_id"], *id);
            assert_eq!(explanation["format"], "summary");
            assert!(explanation["summary"].as_str().is_some_and(|text| !text.is_empty()));
        }
    }

    for hook in ["/named", "/all"] {
        let told = eventually(PATIENCE, "the event", async || {
            let is_it = |it: &aragora_tests::Received| {
                it.field("event_type") == "explanation.batch_completed"
            };
            receiver.received(hook).into_iter().find(is_it)
        })
        .await;
        let data = &told.json()["data"];
        assert_eq!((&data["job_id"], &data["status"]), (&job["job_id"], &json!("completed")));
        assert_eq!(counts(data), [3, 3, 2, 1]);
        assert_eq!(data["completed_at"], done["completed_at"]);
    }
    assert_eq!(published(&tenant, "explanation.batch_completed").await, 1);
}

#[tokio::test]
async fn another_organisations_debates_are_not_there() {
    let session = Session::shared().await;
    let (tenant, other) = (session.tenant(), session.tenant());
    let theirs = debate(&other).await;
    let job = make(&tenant, &json!({"debate_ids": [theirs]})).await;
    let done = ended(&tenant, &job, "failed").await;
    assert_eq!(counts(&done), [1, 1, 0, 1]);
    let pages = results(&tenant, &job, 10).await;
    assert_eq!(pages[0][0]["status"], "not_found");

    other.admin.get(&path(&job)).await.must_refuse(404);
    other.admin.get(&format!("{}/status", path(&job))).await.must_refuse(404);
    other.admin.get(&format!("{}/results", path(&job))).await.must_refuse(404);
    other.admin.delete(&path(&job)).await.must_refuse(404);
    assert_eq!(other.admin.get(BATCH).await.must(200)["jobs"], json!([]));
    tenant.admin.get(&format!("{BATCH}/batch-none")).await.must_refuse(404);
    tenant.admin.get(&format!("{BATCH}/a%23b/results")).await.must_refuse(404);
}

#[tokio::test]
async fn a_job_without_one_explanation_has_failed() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let job = make(&tenant, &json!({"debate_ids": nobodys(130)})).await;
    let done = ended(&tenant, &job, "failed").await;
    assert_eq!(counts(&done), [130, 130, 0, 130]);
    for limit in [1, 47, 100] {
        if limit == 1 {
            let first =
                tenant.admin.get(&format!("{}/results?limit=1", path(&job))).await.must(200);
            assert_eq!(first["results"].as_array().unwrap().len(), 1);
            continue;
        }
        let pages = results(&tenant, &job, limit).await;
        assert!(pages.iter().all(|page| page.len() <= limit), "{pages:?}");
        let listed: Vec<_> = pages.iter().flatten().map(|it| it["debate_id"].clone()).collect();
        assert_eq!(listed, nobodys(130));
    }
    assert_eq!(published(&tenant, "explanation.batch_completed").await, 1);
    let bad = format!("{}/results?", path(&job));
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("include_partial=maybe", "include_partial"),
    ] {
        let error = tenant.admin.get(&format!("{bad}{query}")).await.must_refuse(400);
        assert_eq!(error["errors"][0]["field"], field, "{error}");
    }
}

#[tokio::test]
async fn mistakes_are_named_and_make_no_job() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for (body, field) in [
        (json!([]), "body"),
        (json!({}), "debate_ids"),
        (json!({"debate_ids": []}), "debate_ids"),
        (json!({"debate_ids": nobodys(1_001)}), "debate_ids"),
        (json!({"debate_ids": {"a": 1}}), "debate_ids"),
        (json!({"debate_ids": ["deb-1", null]}), "debate_ids[1]"),
        (json!({"debate_ids": ["deb-1", "<b>"]}), "debate_ids[1]"),
        (json!({"debate_ids": ["deb-1"], "options": 5}), "options"),
        (json!({"debate_ids": ["deb-1"], "options": {"format": "long"}}), "options.format"),
        (json!({"debate_ids": ["deb-1"], "options": {"priority": 1}}), "options.priority"),
    ] {
        let error = tenant.admin.post(BATCH, &body).await.must_refuse(400);
        assert_eq!(error["errors"][0]["field"], field, "{error}");
    }
    tenant.admin.post_raw(BATCH, vec![b' '; 300 * 1_024]).await.must_refuse(413);
    assert_eq!(tenant.admin.get(BATCH).await.must(200)["jobs"], json!([]));
    tenant.role("viewer").post(BATCH, &json!({"debate_ids": ["a"]})).await.must_refuse(403);
    let job = tenant.role("analyst").post(BATCH, &json!({"debate_ids": ["a"]})).await.must(202);
    tenant.role("viewer").get(&path(&job)).await.must(200);
    tenant.role("viewer").delete(&path(&job)).await.must_refuse(403);
}

#[tokio::test]
async fn the_same_key_gives_the_same_job() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let send = async |ids: &[&str]| {
        let body = json!({"debate_ids": ids});
        let call = tenant.admin.call(Method::POST, BATCH).json(&body);
        call.header("idempotency-key", "once").send().await
    };
    let first = send(&["deb-1"]).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let first = first.must(202);
    let again = send(&["deb-1"]).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.must(202)["job_id"], first["job_id"]);
    let error = send(&["deb-2"]).await.must_refuse(409);
    assert_eq!(error["code"], "idempotency_key_reused");
    assert_eq!(tenant.admin.get(BATCH).await.must(200)["count"], 1);
}

#[tokio::test]
async fn jobs_are_listed_newest_first() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(make(&tenant, &json!({"debate_ids": ["deb-none"]})).await["job_id"].clone());
    }
    made.reverse();
    let pages = tenant.pages(&format!("{BATCH}?limit=2"), "jobs").await;
    assert!(pages.iter().all(|page| page.len() <= 2), "{pages:?}");
    let listed: Vec<_> = pages.iter().flatten().map(|job| job["job_id"].clone()).collect();
    assert_eq!(listed, made);
    assert_eq!(listed.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len(), 5);
    tenant.admin.get(&format!("{BATCH}?cursor=x")).await.must_refuse(400);
    tenant.admin.put(BATCH, &json!({})).await.must_refuse(405);
}
