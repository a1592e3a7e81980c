//! The worker behind the `explanations` queue: what it stores, what comes back, what is given up.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, Ordering};

use aragora_batches::worker::{ChunkReport, ChunkWorker};
use aragora_core::batch::{Batch, BatchStatus, ResultStatus, Tally};
use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aragora_explanations::explainer::Outcome;
use aragora_queue::inbound::Deadline;
use aragora_queue::message::{ExplainChunk, decode, encode};
use aragora_tests::proxy::Fault;
use futures_util::FutureExt;
use serde_json::{Value, json};

use crate::adapters::{T0, on_the_emulator};
use crate::adapters_batches::unpackable;
use crate::batch_stage::{DEADLINE, Stage, Told, explained, order, received};

async fn take(
    worker: &ChunkWorker<Told>,
    job: &Batch,
    chunk: u32,
    receive_count: u32,
) -> ChunkReport {
    worker.handle(received(encode(&order(job, chunk)), receive_count), DEADLINE).await
}

fn by_number(id: &DebateId) -> Outcome {
    match id.as_str() {
        "deb-1" => Outcome::NotFound,
        "deb-2" => Outcome::Failed("it has no votes".to_owned()),
        "deb-3" => Outcome::Explained(format!("\"{}\"", unpackable(600_000))),
        _ => explained(id),
    }
}

#[tokio::test]
async fn a_job_of_one_chunk_is_done_and_ended() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(12).await;
        assert_eq!((job.status, job.started_at), (BatchStatus::Processing, Some(T0)));
        assert_eq!(stage.queued(1).await, [order(&job, 0)]);
        let worker = stage.worker(Told::new(by_number));
        let report = take(&worker, &job, 0, 1).await;
        let wanted = ChunkReport { chunks: 1, results: 12, ended: 1, ..ChunkReport::default() };
        assert_eq!(report, wanted);
        assert_eq!(worker.explainer.sizes(), [10, 2]);

        let done = stage.get(&job).await;
        assert_eq!(
            (done.status, done.tally),
            (BatchStatus::Completed, Tally { processed: 12, failed: 3 })
        );
        assert_eq!(done.completed_at, Some(T0));
        let list = stage.desk.results("org", &job.plan.id, None, 100).await.unwrap();
        assert_eq!((list.results.len(), list.next), (12, None));
        let shown: Value =
            serde_json::from_str(list.results[0].explanation.as_ref().unwrap()).unwrap();
        assert_eq!(shown, json!({"debate_id": "deb-0", "summary": "They agreed."}));
        assert_eq!(list.results[0].processing_time_ms, 7);
        let told = |at: usize| {
            let result = &list.results[at];
            (result.status, result.error.clone().unwrap_or_default())
        };
        assert_eq!(told(1), (ResultStatus::NotFound, "there is no such debate".to_owned()));
        assert_eq!(told(2), (ResultStatus::Error, "it has no votes".to_owned()));
        let (status, error) = told(3);
        assert_eq!(status, ResultStatus::Error);
        assert!(error.contains("600002 bytes"), "{error}");
        assert!(error.contains("/api/explainability/debate/deb-3"), "{error}");

        let event = stage.event(&job).await.unwrap();
        assert_eq!((&event["status"], &event["total"]), (&json!("completed"), &json!(12)));
        assert_eq!((&event["success_count"], &event["failed_count"]), (&json!(9), &json!(3)));
        assert_eq!(event["job_id"], json!(job.plan.id));
        let counted = [(vec!["completed"], 1), (vec!["processing"], 1), (vec![], 1)];
        assert_eq!(stage.counted(), counted);
    })
    .await;
}

#[tokio::test]
async fn whoever_counted_asks_for_the_next_and_a_copy_does_nothing() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(110).await;
        let chunks: Vec<_> = stage.queued(4).await.into_iter().map(|it| it.chunk).collect();
        assert_eq!(chunks, [0, 1, 2, 3]);
        let worker = stage.worker(Told::new(explained));
        take(&worker, &job, 1, 1).await;
        assert_eq!(stage.queued(1).await, [order(&job, 5)]);
        assert_eq!(worker.explainer.sizes(), [10, 10]);
        let after = stage.get(&job).await;
        assert_eq!((after.tally.processed, after.done.len()), (20, 1));

        // A copy: nothing is explained, counted or asked for.
        assert_eq!(take(&worker, &job, 1, 1).await, ChunkReport::default());
        // Its own message, because it died before it asked: only that.
        assert_eq!(take(&worker, &job, 1, 2).await, ChunkReport::default());
        assert_eq!(stage.queued(1).await, [order(&job, 5)]);
        assert_eq!(worker.explainer.sizes(), [0; 0]);
        assert_eq!(stage.get(&job).await, after);

        // The last of its lane asks for nothing.
        let report = take(&worker, &job, 5, 1).await;
        assert_eq!((report.results, report.ended), (10, 0));
        assert_eq!(take(&worker, &job, 1, 2).await, ChunkReport::default());
        assert_eq!(stage.queue.depth().await.total(), 0);
        for chunk in [0, 4, 2, 3] {
            take(&worker, &job, chunk, 1).await;
        }
        let done = stage.get(&job).await;
        assert_eq!((done.status, done.tally.processed), (BatchStatus::Completed, 110));
        assert_eq!(stage.event(&job).await.unwrap()["processed"], 110);
    })
    .await;
}

#[tokio::test]
async fn two_at_one_chunk_count_it_once_and_by_what_is_stored() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(4).await;
        // The other one's results came first, and it has not counted them yet.
        let first = stage.worker(Told::new(|_| Outcome::NotFound));
        lab.proxy.script("UpdateItem", vec![Fault::throttled(); 3]);
        assert_eq!(take(&first, &job, 0, 1).await.failed, ["1"]);
        assert_eq!(lab.proxy.unused(), 0);
        let second = stage.worker(Told::new(explained));
        let report = take(&second, &job, 0, 1).await;
        assert_eq!((report.chunks, report.results, report.ended), (1, 0, 1));
        let done = stage.get(&job).await;
        assert_eq!(
            (done.status, done.tally),
            (BatchStatus::Failed, Tally { processed: 4, failed: 4 })
        );
        assert_eq!(stage.statuses(&job).await, [ResultStatus::NotFound; 4]);
    })
    .await;
}

#[tokio::test]
async fn what_comes_back_is_explained_one_by_one_and_at_last_given_up() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(23).await;
        let worker = stage.worker(Told::new(explained));
        worker.explainer.fail_next(1);
        assert_eq!(take(&worker, &job, 0, 1).await.failed, ["1"]);
        assert_eq!(worker.explainer.sizes(), [10]);
        // Forwards: the first is what ends it. Backwards: all others are reached.
        worker.explainer.fail_next(1);
        assert_eq!(take(&worker, &job, 0, 2).await.failed, ["1"]);
        assert_eq!(worker.explainer.sizes(), [1]);
        let mortal = stage.worker(Told::new(|id| match id.as_str() {
            "deb-0" => panic!("out of memory"),
            _ => explained(id),
        }));
        AssertUnwindSafe(take(&mortal, &job, 0, 3)).catch_unwind().await.unwrap_err();
        assert_eq!(stage.statuses(&job).await.len(), 19);

        let report = take(&worker, &job, 0, 5).await;
        assert_eq!((report.chunks, report.results, report.given_up), (1, 1, 1));
        assert_eq!((report.failed.len(), worker.explainer.sizes().len()), (0, 0));
        let letter = stage.dead_letter().await;
        assert_eq!(letter.attribute("reason"), Some("given_up"));
        assert_eq!(decode::<ExplainChunk>(&letter.body).unwrap(), order(&job, 0));
        let list = stage.desk.results("org", &job.plan.id, None, 100).await.unwrap();
        let error = list.results[0].error.as_ref().unwrap();
        assert!(error.contains("several attempts"), "{error}");

        take(&worker, &job, 1, 1).await;
        let done = stage.get(&job).await;
        assert_eq!(
            (done.status, done.tally),
            (BatchStatus::Completed, Tally { processed: 23, failed: 1 })
        );
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_died_after_it_counted_ends_the_job_the_next_time() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(3).await;
        let worker = stage.worker(Told::new(explained));
        // The event cannot be stored.
        lab.proxy.script("PutItem", vec![Fault::throttled(); 3]);
        let report = take(&worker, &job, 0, 1).await;
        assert_eq!((report.failed.len(), report.chunks, report.ended), (1, 1, 0));
        assert_eq!(lab.proxy.unused(), 0);
        let counted = stage.get(&job).await;
        assert_eq!((counted.status, counted.tally.processed), (BatchStatus::Processing, 3));
        assert_eq!(stage.event(&job).await, None);

        let report = take(&worker, &job, 0, 2).await;
        assert_eq!((report.chunks, report.results, report.ended), (0, 0, 1));
        let event = stage.event(&job).await.unwrap();
        let done = stage.get(&job).await;
        assert_eq!((done.status, done.completed_at), (BatchStatus::Completed, counted.counted_at));

        // And once more, as when it died after that: nothing changes.
        stage.ending.finish("org", &counted, T0.plus(5_000)).await.unwrap();
        assert_eq!((stage.get(&job).await, stage.event(&job).await), (done, Some(event)));
    })
    .await;
}

static TICKS: AtomicI64 = AtomicI64::new(0);

/// A quarter of a minute later each time.
fn hurried() -> Millis {
    T0.plus(TICKS.fetch_add(15_000, Ordering::SeqCst))
}

#[tokio::test]
async fn what_there_is_no_time_for_is_left_to_a_message_of_its_own() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(20).await;
        stage.queued(1).await;
        let worker = ChunkWorker { clock: hurried, ..stage.worker(Told::new(explained)) };
        let report =
            worker.handle(received(encode(&order(&job, 0)), 1), Deadline(T0.plus(18_000))).await;
        assert_eq!(report, ChunkReport { results: 10, ..ChunkReport::default() });
        assert_eq!(stage.queued(1).await, [order(&job, 0)]);
        // Without any progress it is a failure.
        let report = worker.handle(received(encode(&order(&job, 0)), 1), Deadline(T0)).await;
        assert_eq!(report, ChunkReport::default());
        assert_eq!(stage.queued(1).await, [order(&job, 0)]);
        let other = stage.job(1).await;
        let report = worker.handle(received(encode(&order(&other, 0)), 1), Deadline(T0)).await;
        assert_eq!(report.failed, ["1"]);

        let worker = stage.worker(Told::new(explained));
        let report = take(&worker, &job, 0, 1).await;
        assert_eq!((report.results, report.ended), (10, 1));
        assert_eq!(worker.explainer.sizes(), [10]);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_ours_is_set_aside_and_what_is_over_goes() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(30).await;
        let worker = stage.worker(Told::new(explained));
        for (body, reason) in [
            ("garbage".to_owned(), "malformed"),
            (r#"{"v":9}"#.to_owned(), "unknown_version"),
            (encode(&order(&job, 2)), "no_such_chunk"),
        ] {
            let report = worker.handle(received(body, 1), DEADLINE).await;
            assert_eq!((report.failed.len(), report.chunks), (0, 0));
            assert_eq!(stage.dead_letter().await.attribute("reason"), Some(reason));
        }
        let gone = ExplainChunk { org: "nobody".to_owned(), ..order(&job, 0) };
        let report = worker.handle(received(encode(&gone), 1), DEADLINE).await;
        assert_eq!(report, ChunkReport::default());

        stage.desk.cancel("org", &job.plan.id, T0.plus(1)).await.unwrap();
        for receive_count in [1, 2, 5] {
            assert_eq!(take(&worker, &job, 0, receive_count).await, ChunkReport::default());
        }
        assert_eq!(worker.explainer.sizes(), [0; 0]);
        assert_eq!(stage.get(&job).await.tally, Tally::default());
        assert_eq!(stage.event(&job).await, None);
        assert_eq!(stage.dead.depth().await.total(), 0);
    })
    .await;
}
