//! The sweep of batch jobs and an organisation's line of them, on the emulator: whatever was lost,
//! and whoever died, the job ends and its place goes to the next.

use aragora_batches::sweep::{BatchSweep, BatchSweepReport};
use aragora_core::batch::{Batch, BatchStatus, GIVE_UP_AFTER_MS, MAX_UNDER_WAY, Priority, Tally};
use aragora_core::ids::BatchId;
use aragora_core::time::{Clock, Millis};
use aragora_queue::message::encode;
use aragora_store::batches::Chunk;
use aragora_store::intents::JobNote;
use aragora_tests::proxy::Fault;

use crate::adapters::{T0, on_the_emulator};
use crate::batch_stage::{DEADLINE, Stage, Told, explained, order, received};

/// So long after T0.
macro_rules! at {
    ($millis:expr) => {{
        fn clock() -> Millis {
            T0.plus($millis)
        }
        clock
    }};
}

const MINUTE: i64 = 60_000;

async fn sweep(stage: &Stage, clock: Clock) -> BatchSweepReport {
    let sweep = BatchSweep { ending: stage.ending.clone(), grace_ms: MINUTE, clock };
    let deadline = aragora_queue::inbound::Deadline(clock().plus(MINUTE));
    sweep.run(deadline).await.unwrap()
}

/// Whether the organisation has a place for one more job.
async fn has_room(stage: &Stage) -> bool {
    let id = BatchId::mint(T0);
    let batches = &stage.desk.line.batches;
    let has = batches.take_place("org", &id, MAX_UNDER_WAY).await.unwrap();
    batches.give_place("org", &id).await.unwrap();
    has
}

async fn done(stage: &Stage, job: &Batch) {
    let worker = stage.worker(Told::new(explained));
    for chunk in 0..job.plan.chunks() {
        worker.handle(received(encode(&order(job, chunk)), 1), DEADLINE).await;
    }
    assert_eq!(stage.get(job).await.status, BatchStatus::Completed);
}

#[tokio::test]
async fn a_job_whose_messages_are_lost_is_queued_again() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(110).await;
        stage.queued(4).await;
        assert_eq!(sweep(&stage, at!(MINUTE)).await, BatchSweepReport::default(), "too early");
        let worker = stage.worker(Told::new(explained));
        worker.handle(received(encode(&order(&job, 1)), 1), DEADLINE).await;
        stage.queued(1).await;

        let again = BatchSweepReport { requeued: 1, ..BatchSweepReport::default() };
        assert_eq!(sweep(&stage, at!(MINUTE + 1)).await, again);
        let chunks: Vec<_> = stage.queued(4).await.into_iter().map(|it| it.chunk).collect();
        assert_eq!(chunks, [0, 2, 3, 5]);
        // While the queue is backed up, not every minute.
        assert_eq!(sweep(&stage, at!(5 * MINUTE)).await, BatchSweepReport::default());
        assert_eq!(sweep(&stage, at!(6 * MINUTE + 2)).await, again);
        stage.queued(4).await;
        done(&stage, &job).await;
        assert_eq!(sweep(&stage, at!(20 * MINUTE)).await, BatchSweepReport::default());
    })
    .await;
}

#[tokio::test]
async fn a_job_that_gets_on_is_left_alone() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(110).await;
        stage.queued(4).await;
        let tally = Tally { processed: 20, failed: 0 };
        let chunk = Chunk { number: 0, tally, by: "a", at: T0.plus(MINUTE) };
        stage.desk.line.batches.count("org", &job.plan.id, chunk).await.unwrap();
        assert_eq!(sweep(&stage, at!(MINUTE + 1)).await, BatchSweepReport::default());
        assert_eq!(stage.queue.depth().await.total(), 0);
        assert_eq!(sweep(&stage, at!(2 * MINUTE + 1)).await.requeued, 1);
        stage.queued(4).await;
    })
    .await;
}

#[tokio::test]
async fn a_job_that_never_gets_on_is_given_up() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(30).await;
        stage.queued(2).await;
        assert_eq!(sweep(&stage, at!(GIVE_UP_AFTER_MS)).await.requeued, 1);
        let orders = stage.queued(2).await;
        assert!(orders.iter().all(|order| order.give_up), "{orders:?}");
        let worker = stage.worker(Told::new(|_| panic!("it was not to be tried")));
        for order in orders {
            let report = worker.handle(received(encode(&order), 1), DEADLINE).await;
            assert_eq!((report.given_up, report.failed.len()), (1, 0));
        }
        let ended = stage.get(&job).await;
        let failed = Tally { processed: 30, failed: 30 };
        assert_eq!((ended.status, ended.tally), (BatchStatus::Failed, failed));
        assert_eq!(stage.event(&job).await.unwrap()["status"], "failed");
    })
    .await;
}

#[tokio::test]
async fn a_job_that_was_counted_and_not_ended_is_ended() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let job = stage.job(3).await;
        let tally = Tally { processed: 3, failed: 1 };
        let chunk = Chunk { number: 0, tally, by: "a", at: T0.plus(9) };
        stage.desk.line.batches.count("org", &job.plan.id, chunk).await.unwrap();
        let report = sweep(&stage, at!(MINUTE + 1)).await;
        assert_eq!(report, BatchSweepReport { ended: 1, ..BatchSweepReport::default() });
        let ended = stage.get(&job).await;
        let wanted = (BatchStatus::Completed, Some(T0.plus(9)));
        assert_eq!((ended.status, ended.completed_at), wanted);
        assert_eq!(stage.event(&job).await.unwrap()["success_count"], 2);
    })
    .await;
}

#[tokio::test]
async fn only_a_few_jobs_are_under_way_and_the_next_is_begun_when_one_ends() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let mut jobs = Vec::new();
        for number in 0..i64::from(MAX_UNDER_WAY) {
            jobs.push(stage.job_at(1, T0.plus(number), Priority::Normal).await);
        }
        stage.queued(jobs.len()).await;
        let low = stage.job_at(1, T0.plus(10), Priority::Low).await;
        let normal = stage.job_at(1, T0.plus(11), Priority::Normal).await;
        let high = stage.job_at(1, T0.plus(12), Priority::High).await;
        for waiting in [&low, &normal, &high] {
            assert_eq!((waiting.status, waiting.started_at), (BatchStatus::Processing, None));
        }
        assert_eq!(stage.queue.depth().await.total(), 0);
        assert!(!has_room(&stage).await);

        for (ended, begun) in jobs.iter().zip([&high, &normal, &low]) {
            done(&stage, ended).await;
            assert_eq!(stage.queued(1).await, [order(begun, 0)]);
            assert_eq!(stage.get(begun).await.started_at, Some(T0));
        }
        done(&stage, &jobs[3]).await;
        assert!(has_room(&stage).await);
        assert_eq!(stage.queue.depth().await.total(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_job_leaves_the_line_and_its_place() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        let mut jobs = Vec::new();
        for number in 0..i64::from(MAX_UNDER_WAY) + 2 {
            jobs.push(stage.job_at(1, T0.plus(number), Priority::Normal).await);
        }
        stage.queued(5).await;
        let cancel = async |at: usize| {
            stage.desk.cancel("org", &jobs[at].plan.id, T0.plus(99)).await.unwrap()
        };
        assert_eq!(cancel(5).await.started_at, None);
        assert_eq!(stage.queue.depth().await.total(), 0, "nobody's turn");
        assert_eq!(cancel(0).await.status, BatchStatus::Cancelled);
        assert_eq!(stage.queued(1).await, [order(&jobs[6], 0)]);
        let wanted = [(vec!["cancelled"], 2), (vec!["processing"], 7)];
        assert_eq!(stage.counted(), wanted);
    })
    .await;
}

#[tokio::test]
async fn what_a_dying_function_leaves_of_the_line_is_put_right() {
    on_the_emulator(async |lab| {
        let stage = Stage::new(lab).await;
        // It died when it had a place and no job.
        let batches = &stage.desk.line.batches;
        let nobody = BatchId::mint(T0);
        let note = JobNote { org: "org".to_owned(), job_id: nobody.clone(), at: T0 };
        stage.desk.line.intents.note_jobs(&[note]).await.unwrap();
        assert!(batches.take_place("org", &nobody, MAX_UNDER_WAY).await.unwrap());
        let mut jobs = Vec::new();
        for number in 1..i64::from(MAX_UNDER_WAY) {
            jobs.push(stage.job_at(1, T0.plus(number), Priority::Normal).await);
        }
        stage.queued(4).await;
        // It died when it had made a job and not put it into the line.
        lab.proxy.script(
            "PutItem",
            [Fault::Pass, Fault::throttled(), Fault::throttled(), Fault::throttled()],
        );
        let asked =
            aragora_batches::desk::Asked { org: "org", request_id: "r", now: T0, key: None };
        let wish = aragora_batches::desk::Wish {
            debates: vec![crate::adapters_batches::debate(1)],
            options: serde_json::from_value(jobs[0].plan.options.clone()).unwrap(),
            priority: Priority::Normal,
        };
        stage.desk.make(asked, wish).await.unwrap_err();
        assert_eq!(lab.proxy.unused(), 0);
        let list = stage.desk.list("org", None, 100).await.unwrap();
        let waiting = list.jobs.iter().find(|job| job.started_at.is_none()).unwrap();

        assert_eq!(sweep(&stage, at!(MINUTE)).await, BatchSweepReport::default(), "too early");
        // The nobody's place is given back, and the job in no line is begun in it.
        sweep(&stage, at!(MINUTE + 10)).await;
        let mut queued = stage.queued_once(5).await;
        queued.retain(|it| it.batch_id == waiting.plan.id);
        assert_eq!(queued, [order(waiting, 0)]);

        // It died when it had cancelled a job and not closed it.
        batches.cancel("org", &jobs[0].plan.id, T0).await.unwrap();
        assert!(!has_room(&stage).await);
        sweep(&stage, at!(10 * MINUTE)).await;
        assert!(has_room(&stage).await);
    })
    .await;
}
