//! Batch jobs that are interrupted: cancelled, killed again and again, or with their messages lost
//! or doubled. These stop and kill parts of the stack, so they take it for themselves.

use std::time::Duration;

use aragora_tests::processes::Process;
use aragora_tests::wait::{PATIENCE, eventually, holds_for};
use aragora_tests::{Session, Tenant};
use serde_json::{Value, json};

use crate::explanation_jobs::{
    LONG, counts, debate, ended, get, make, nobodys, path, published, results,
};

/// Longer than a message takes from its queue to the end of its job.
const A_WHILE: Duration = Duration::from_secs(4);
const COMPLETED: &str = "explanation.batch_completed";

/// Each debate has one result, and the end was told once.
async fn once_and_for_all(tenant: &Tenant, job: &Value, ids: &[String]) {
    let pages = results(tenant, job, 100).await;
    let listed: Vec<_> = pages.iter().flatten().map(|it| it["debate_id"].clone()).collect();
    assert_eq!(listed, ids);
    let done = get(tenant, job).await;
    holds_for(A_WHILE, "the job as it ended", async || get(tenant, job).await == done).await;
    assert_eq!(published(tenant, COMPLETED).await, 1);
}

#[tokio::test]
async fn a_job_whose_worker_is_killed_counts_each_debate_once() {
    const COUNT: usize = 600;
    let session = Session::alone().await;
    let tenant = session.tenant();
    let ids = nobodys(COUNT);
    let job = make(&tenant, &json!({"debate_ids": ids})).await;
    let explain = session.function("explain");
    let mut kills = 0;
    let done = eventually(LONG, "the job to end in spite of its workers' deaths", async || {
        let now = get(&tenant, &job).await;
        if now["status"] == "failed" {
            return Some(now);
        }
        let processes = explain.processes();
        // In the middle: something is counted, and the last is not.
        let in_the_middle = (1..500).contains(&now["processed"].as_u64().unwrap());
        if in_the_middle && kills < 3 && !processes.is_empty() {
            processes.into_iter().for_each(Process::kill);
            kills += 1;
        }
        session.function("sweep").tick().await;
        None
    })
    .await;
    assert!(kills > 0, "the job was over before anything could be killed");
    let count = u64::try_from(COUNT).unwrap();
    assert_eq!(counts(&done), [count, count, 0, count]);
    once_and_for_all(&tenant, &job, &ids).await;
}

#[tokio::test]
async fn a_job_whose_message_is_lost_is_found_by_the_sweep() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let paused = session.pause("explain", "explanations").await;
    let ids = nobodys(3);
    let job = make(&tenant, &json!({"debate_ids": ids})).await;
    let id = job["job_id"].as_str().unwrap();
    session
        .queue("explanations")
        .take(PATIENCE, "the job's message", |message| message.body.contains(id))
        .await;
    paused.resume().await;
    assert_eq!(get(&tenant, &job).await["status"], "processing");
    eventually(LONG, "the sweep to bring the job back", async || {
        session.function("sweep").tick().await;
        (get(&tenant, &job).await["status"] == "failed").then_some(())
    })
    .await;
    once_and_for_all(&tenant, &job, &ids).await;
}

#[tokio::test]
async fn doubled_messages_of_a_chunk_count_once() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let mut ids = nobodys(25);
    ids.insert(3, debate(&tenant).await);
    let paused = session.pause("explain", "explanations").await;
    let job = make(&tenant, &json!({"debate_ids": ids})).await;
    let id = job["job_id"].as_str().unwrap().to_owned();
    let queue = session.queue("explanations");
    for chunk in 0..2 {
        let message =
            queue.take(PATIENCE, "a chunk's message", |message| message.body.contains(&id)).await;
        futures_util::future::join_all((0..5).map(|_| queue.send_copy(&message))).await;
        assert!(message.group.is_some(), "chunk {chunk} has no group");
        // Out of the way of the next search.
        if chunk == 0 {
            while queue.search(|found| found.body == message.body).await.is_some() {}
        }
    }
    paused.resume().await;
    let done = ended(&tenant, &job, "completed").await;
    assert_eq!(counts(&done), [26, 26, 1, 25]);
    once_and_for_all(&tenant, &job, &ids).await;
}

#[tokio::test]
async fn a_job_under_way_shows_partial_results_to_those_who_ask() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let paused = session.pause("explain", "explanations").await;
    let job = make(&tenant, &json!({"debate_ids": nobodys(2)})).await;
    let results = format!("{}/results", path(&job));
    let waiting = tenant.admin.get(&results).await.must(202);
    assert_eq!((&waiting["status"], counts(&waiting)), (&json!("processing"), [2, 0, 0, 0]));
    assert_eq!((&waiting["results"], &waiting["next_cursor"]), (&json!([]), &Value::Null));
    assert_eq!(waiting["progress_pct"], json!(0.0));
    let partial = tenant.admin.get(&format!("{results}?include_partial=true")).await.must(200);
    assert_eq!(partial["results"], json!([]));
    paused.resume().await;
    ended(&tenant, &job, "failed").await;
    let whole = tenant.admin.get(&results).await.must(200);
    assert_eq!(whole["results"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_cancelled_job_explains_nothing_more() {
    let session = Session::alone().await;
    let tenant = session.tenant();
    let paused = session.pause("explain", "explanations").await;
    let job = make(&tenant, &json!({"debate_ids": nobodys(100)})).await;
    let cancelled = tenant.admin.delete(&path(&job)).await.must(200);
    assert_eq!((&cancelled["status"], counts(&cancelled)), (&json!("cancelled"), [100, 0, 0, 0]));
    assert!(cancelled["completed_at"].is_string(), "{cancelled}");
    tenant.admin.delete(&path(&job)).await.must_refuse(409);
    paused.resume().await;
    session.function("sweep").tick().await;
    holds_for(A_WHILE, "the cancelled job", async || get(&tenant, &job).await == cancelled).await;
    let answer = tenant.admin.get(&format!("{}/results", path(&job))).await.must(200);
    assert_eq!((&answer["status"], &answer["results"]), (&json!("cancelled"), &json!([])));
    assert_eq!(published(&tenant, COMPLETED).await, 0);
}
