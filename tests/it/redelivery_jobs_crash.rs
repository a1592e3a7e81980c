//! Redelivery jobs that are interrupted: cancelled, killed again and again, or with their message
//! lost. These stop and kill parts of the stack, so they take it for themselves.

use std::time::Duration;

use aragora_tests::processes::Process;
use aragora_tests::wait::{PATIENCE, eventually, holds_for};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::json;

use crate::redelivery_jobs::{
    JOBS, LONG, RETRY, counts, ended, get, given_up, id, listed, requests_by_delivery,
};

/// Longer than a message takes from its queue to a receiver.
const A_WHILE: Duration = Duration::from_secs(4);

/// So many dead letters, whose receiver has recovered.
async fn dead(session: &Session, count: usize) -> (Tenant, Receiver) {
    let (tenant, receiver) = (session.tenant(), Receiver::start().await);
    receiver.behave("/hook", |_| Answer::status(500));
    given_up(&tenant, &receiver.url("/hook"), count).await;
    receiver.behave("/hook", |_| Answer::status(200));
    (tenant, receiver)
}

/// Each delivery came twice, once when it failed and once from the job, and the job says so.
async fn all_sent_once_more(tenant: &Tenant, receiver: &Receiver, job: &str, count: usize) {
    let done = ended(tenant, job, "completed").await;
    let wanted = u64::try_from(count).unwrap();
    assert_eq!(counts(&done), [wanted, wanted, wanted, 0], "{done}");
    receiver.at_least("/hook", 2 * count, LONG).await;
    holds_for(A_WHILE, "no more requests", async || receiver.count("/hook") == 2 * count).await;
    assert_eq!(requests_by_delivery(receiver, "/hook"), vec![2; count]);
    assert_eq!(listed(tenant).await, 0);
}

#[tokio::test]
async fn a_job_whose_worker_is_killed_sends_each_delivery_once() {
    const COUNT: usize = 110;
    let session = Session::alone().await;
    let (tenant, receiver) = dead(&session, COUNT).await;
    let job = id(&tenant.admin.post(RETRY, &json!({})).await.must(202));
    let redeliver = session.function("redeliver");
    let mut kills = 0;
    eventually(LONG, "the job to end in spite of its worker's deaths", async || {
        let now = get(&tenant, &job).await;
        if now["status"] == "completed" {
            return Some(());
        }
        // In the middle: a page is begun, and the last one is not.
        let begun = now["status"] == "running" && now["processed"].as_u64() < Some(100);
        if begun && kills < 3 && !redeliver.processes().is_empty() {
            redeliver.processes().into_iter().for_each(Process::kill);
            kills += 1;
            eventually(LONG, "the job to be taken up again", async || {
                session.function("sweep").tick().await;
                let after = get(&tenant, &job).await;
                (after["updated_at"] != now["updated_at"]).then_some(())
            })
            .await;
        }
        None
    })
    .await;
    assert!(kills > 0, "the job was over before anything could be killed");
    all_sent_once_more(&tenant, &receiver, &job, COUNT).await;
}

#[tokio::test]
async fn a_job_whose_message_is_lost_is_found_by_the_sweep() {
    let session = Session::alone().await;
    let (tenant, receiver) = dead(&session, 3).await;
    let paused = session.pause("redeliver", "jobs").await;
    let job = id(&tenant.admin.post(RETRY, &json!({})).await.must(202));
    let queue = session.queue("jobs");
    queue.take(PATIENCE, "the job's message", |message| message.body.contains(&job)).await;
    paused.resume().await;
    assert_eq!(get(&tenant, &job).await["status"], "queued");
    eventually(LONG, "the sweep to bring the job back", async || {
        session.function("sweep").tick().await;
        (get(&tenant, &job).await["status"] == "completed").then_some(())
    })
    .await;
    all_sent_once_more(&tenant, &receiver, &job, 3).await;
}

#[tokio::test]
async fn a_cancelled_job_sends_nothing_more() {
    let session = Session::alone().await;
    let (tenant, receiver) = dead(&session, 3).await;
    let paused = session.pause("redeliver", "jobs").await;
    let job = id(&tenant.admin.post(RETRY, &json!({})).await.must(202));
    let path = format!("{JOBS}/{job}");
    let cancelled = tenant.admin.delete(&path).await.must(200);
    assert_eq!((&cancelled["status"], counts(&cancelled)), (&json!("cancelled"), [3, 0, 0, 0]));
    tenant.admin.delete(&path).await.must_refuse(409);
    paused.resume().await;
    session.function("sweep").tick().await;
    holds_for(A_WHILE, "three requests", async || receiver.count("/hook") == 3).await;
    assert_eq!(get(&tenant, &job).await, cancelled);
    assert_eq!(listed(&tenant).await, 3);

    // The next job has them all.
    let job = id(&tenant.admin.post(RETRY, &json!({})).await.must(202));
    all_sent_once_more(&tenant, &receiver, &job, 3).await;
}

#[tokio::test]
async fn doubled_messages_of_a_job_are_one_job() {
    let session = Session::alone().await;
    let (tenant, receiver) = dead(&session, 30).await;
    let paused = session.pause("redeliver", "jobs").await;
    let job = id(&tenant.admin.post(RETRY, &json!({})).await.must(202));
    let queue = session.queue("jobs");
    let message =
        queue.take(PATIENCE, "the job's message", |message| message.body.contains(&job)).await;
    futures_util::future::join_all((0..5).map(|_| queue.send_copy(&message))).await;
    paused.resume().await;
    all_sent_once_more(&tenant, &receiver, &job, 30).await;
}
