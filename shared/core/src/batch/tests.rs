//! Chunks and lanes by table, and a queue that does its worst.

use proptest::prelude::*;

use super::*;

const NOW: Millis = Millis(1_705_752_000_000);
const GRACE: i64 = 60_000;

fn plan(total: u32, chunk: u32, window: u32) -> BatchPlan {
    BatchPlan {
        id: BatchId::parse("batch-1").unwrap(),
        options: Value::Null,
        priority: Priority::Normal,
        total,
        chunk,
        window,
        request_id: "r".to_owned(),
        created_at: NOW,
        noted_at: NOW.plus(GRACE),
    }
}

fn job(total: u32, done: &[u32]) -> Batch {
    let mut job = Batch::new(plan(total, CHUNK, WINDOW));
    job.done.extend(done);
    job
}

#[test]
fn every_debate_is_in_one_chunk() {
    for (total, chunks) in [(1, 1), (19, 1), (20, 1), (21, 2), (999, 50), (1_000, 50)] {
        let plan = plan(total, CHUNK, WINDOW);
        assert_eq!(plan.chunks(), chunks, "{total}");
        let places: Vec<u32> = (0..chunks).flat_map(|chunk| plan.places(chunk)).collect();
        assert_eq!(places, (0..total).collect::<Vec<_>>(), "{total}");
        assert_eq!(plan.places(chunks).count(), 0, "there is no such chunk");
        assert_eq!(plan.places(u32::MAX).count(), 0);
    }
}

#[test]
fn of_each_lane_one_chunk_is_under_way() {
    for (total, done, frontier) in [
        (1, &[][..], &[0][..]),
        (60, &[], &[0, 1, 2]),
        (1_000, &[], &[0, 1, 2, 3]),
        (1_000, &[0, 2, 4], &[8, 1, 6, 3]),
        (100, &[1, 2, 3], &[0]),
        (100, &[0, 1, 2, 3], &[4]),
        (100, &[0, 1, 2, 3, 4], &[]),
    ] {
        assert_eq!(job(total, done).frontier(), frontier, "{total} {done:?}");
    }
    for (total, done, after, next) in [
        (1_000, &[0][..], 0, Some(4)),
        (1_000, &[0, 4], 0, None),
        (1_000, &[46], 46, None),
        (1_000, &[45], 45, Some(49)),
        (60, &[2], 2, None),
    ] {
        assert_eq!(job(total, done).next_after(after), next, "{total} {done:?} {after}");
    }
}

#[test]
fn a_job_ends_by_what_was_explained() {
    for (processed, failed, status) in [
        (3, 0, BatchStatus::Completed),
        (3, 2, BatchStatus::Completed),
        (3, 3, BatchStatus::Failed),
    ] {
        let mut job = job(3, &[0]);
        job.tally = Tally { processed, failed };
        assert!(job.is_counted());
        assert_eq!((job.outcome(), job.explained()), (status, processed - failed));
    }
    let statuses = [ResultStatus::Success, ResultStatus::Error, ResultStatus::NotFound];
    assert_eq!(Tally::of(&statuses), Tally { processed: 3, failed: 2 });
}

#[test]
fn progress_is_in_percent() {
    for (processed, total, pct) in
        [(0, 3, 0.0), (1, 3, 33.3), (2, 3, 66.6), (3, 3, 100.0), (1, 1_000, 0.1), (1, 0, 100.0)]
    {
        let mut job = job(total, &[]);
        job.tally.processed = processed;
        assert!((job.progress_pct() - pct).abs() < 1e-9, "{processed} of {total}");
    }
}

#[test]
fn the_sweep_sees_what_a_job_needs() {
    let mut waiting = job(100, &[]);
    assert_eq!(waiting.need(NOW, GRACE), Need::Turn);
    waiting.status = BatchStatus::Cancelled;
    assert_eq!(waiting.need(NOW, GRACE), Need::Nothing);

    let mut moving = job(100, &[0, 1]);
    moving.started_at = Some(NOW);
    assert_eq!(moving.need(NOW.plus(1), GRACE), Need::Time(NOW.plus(GRACE)));
    moving.counted_at = Some(NOW.plus(5));
    assert_eq!(moving.need(NOW.plus(GRACE), GRACE), Need::Time(NOW.plus(GRACE + 5)));
    let chunks = vec![4, 2, 3];
    let stalled = Need::Chunks { chunks: chunks.clone(), give_up: false };
    assert_eq!(moving.need(NOW.plus(GRACE + 5), GRACE), stalled);
    assert_eq!(moving.need(NOW.plus(GIVE_UP_AFTER_MS + 4), GRACE), stalled);
    let given_up = Need::Chunks { chunks, give_up: true };
    assert_eq!(moving.need(NOW.plus(GIVE_UP_AFTER_MS + 5), GRACE), given_up);

    moving.done.extend(0..5);
    assert_eq!(moving.need(NOW, GRACE), Need::Ending);
    moving.status = BatchStatus::Completed;
    assert_eq!(moving.need(NOW, GRACE), Need::Nothing);
}

#[test]
fn the_last_attempt_is_none() {
    let forwards = Attempt::OneByOne { backwards: false };
    let backwards = Attempt::OneByOne { backwards: true };
    let wanted = [Attempt::Together, forwards, backwards, forwards, Attempt::GiveUp];
    let got: Vec<_> = (1..=5).map(|received| Attempt::at(received, 5)).collect();
    assert_eq!(got, wanted);
    for (received, most, attempt) in [
        (6, 5, Attempt::GiveUp),
        (1, 1, Attempt::Together),
        (2, 1, Attempt::GiveUp),
        (0, 5, Attempt::Together),
    ] {
        assert_eq!(Attempt::at(received, most), attempt, "{received} of {most}");
    }
}

#[test]
fn names_are_read_as_they_are_written() {
    for status in BatchStatus::ALL {
        assert_eq!(BatchStatus::parse(status.as_str()), Some(*status));
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
    }
    for status in ResultStatus::ALL {
        assert_eq!(ResultStatus::parse(status.as_str()), Some(status));
    }
    assert_eq!((BatchStatus::parse("done"), ResultStatus::parse("")), (None, None));
    let ranks = [Priority::High, Priority::Normal, Priority::Low].map(Priority::rank);
    assert!(ranks.is_sorted());
}

/// What happens to the message that is received next.
#[derive(Debug, Clone, Copy)]
enum Luck {
    /// All goes well.
    Well,
    /// The worker dies before it has counted the chunk.
    DiesBefore,
    /// The worker dies after it has counted it, before it asks for the next.
    DiesAfter,
    /// The message is lost.
    Lost,
    /// The queue hands out a copy besides.
    Doubled,
}

/// A queue and a worker as the rules have them. Returns how often chunks were counted.
fn run(job: &mut Batch, lucks: &[(usize, Luck)]) -> Vec<u32> {
    let mut counted = Vec::new();
    let mut queue: Vec<(u32, u32)> = Vec::new();
    let mut lucks = lucks.iter().copied();
    while !job.is_counted() {
        if queue.is_empty() {
            // At first the desk, later the sweep.
            queue.extend(job.frontier().into_iter().map(|chunk| (chunk, 0)));
            assert!(queue.len() <= job.plan.window as usize);
        }
        let (at, luck) = lucks.next().unwrap_or((0, Luck::Well));
        let (chunk, received) = queue.swap_remove(at % queue.len());
        let received = received + 1;
        match luck {
            Luck::Lost => continue,
            Luck::Doubled => queue.push((chunk, received - 1)),
            Luck::DiesBefore => {
                queue.push((chunk, received));
                continue;
            }
            Luck::Well | Luck::DiesAfter => {}
        }
        let is_new = job.done.insert(chunk);
        if is_new {
            counted.push(chunk);
            job.tally.processed += u32::try_from(job.plan.places(chunk).count()).unwrap();
        }
        if matches!(luck, Luck::DiesAfter) {
            queue.push((chunk, received));
            continue;
        }
        // A copy that comes for the first time and finds its chunk counted has nothing to go on
        // with.
        if is_new || received > 1 {
            queue.extend(job.next_after(chunk).map(|next| (next, 0)));
        }
    }
    counted
}

fn luck() -> impl Strategy<Value = (usize, Luck)> {
    let luck = prop_oneof![
        6 => Just(Luck::Well),
        1 => Just(Luck::DiesBefore),
        1 => Just(Luck::DiesAfter),
        1 => Just(Luck::Lost),
        1 => Just(Luck::Doubled),
    ];
    (any::<usize>(), luck)
}

proptest! {
    #[test]
    fn whatever_the_queue_does_each_chunk_is_counted_once_and_the_job_ends(
        total in 1_u32..=200,
        chunk in 1_u32..=30,
        window in 1_u32..=5,
        lucks in proptest::collection::vec(luck(), 0..300),
    ) {
        let mut job = Batch::new(plan(total, chunk, window));
        let mut counted = run(&mut job, &lucks);
        counted.sort_unstable();
        prop_assert_eq!(counted, (0..job.plan.chunks()).collect::<Vec<_>>());
        prop_assert_eq!(job.tally.processed, total);
        prop_assert_eq!(job.frontier(), Vec::<u32>::new());
    }

    #[test]
    fn without_mishaps_no_chunk_is_asked_for_twice(
        total in 1_u32..=300, chunk in 1_u32..=30, window in 1_u32..=5, order: Vec<usize>,
    ) {
        let mut job = Batch::new(plan(total, chunk, window));
        let mut queue = job.frontier();
        let mut asked = queue.clone();
        let mut order = order.into_iter();
        while !queue.is_empty() {
            let chunk = queue.swap_remove(order.next().unwrap_or(0) % queue.len());
            prop_assert!(job.done.insert(chunk));
            let next = job.next_after(chunk);
            asked.extend(next);
            queue.extend(next);
            prop_assert!(queue.len() <= window as usize);
        }
        asked.sort_unstable();
        prop_assert_eq!(asked, (0..job.plan.chunks()).collect::<Vec<_>>());
    }
}
