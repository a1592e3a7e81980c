//! What a job becomes, step by step.

use super::*;

const NOW: Millis = Millis(1_705_752_000_000);
const LATER: Millis = Millis(1_705_752_060_000);

fn job() -> Job {
    let scope = Scope::DeadLetters(DeadLetterScope::default());
    Job::new(JobId::parse("job-1").unwrap(), scope, 5, "r".into(), NOW)
}

fn target(number: u32) -> Target {
    Target {
        webhook_id: WebhookId::parse("wh-1").unwrap(),
        delivery_id: DeliveryId::parse(&format!("dlv-{number}")).unwrap(),
        unattempted: number.is_multiple_of(2).then(|| Unattempted {
            event_id: EventId::parse("evt-1").unwrap(),
            event_type: "vote".into(),
        }),
    }
}

fn page(targets: std::ops::Range<u32>, next: Option<&str>) -> JobPage {
    JobPage { targets: targets.map(target).collect(), missing: 0, next: next.map(str::to_owned) }
}

fn lease(until: Millis) -> Lease {
    Lease { id: "worker".into(), until }
}

fn taken(job: &Job, now: Millis) -> Job {
    match job.claim(now, lease(now.plus(30_000))) {
        Claim::Taken(job) => job,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_window_is_in_the_past_and_at_most_14_days_long() {
    let day = 86_400_000;
    for (since, until, wanted) in [
        (-day, None, Ok((-day, 0))),
        (-14 * day, None, Ok((-14 * day, 0))),
        (-14 * day - 1, None, Err("since")),
        (-20 * day, Some(-6 * day), Ok((-20 * day, -6 * day))),
        (-20 * day, Some(-6 * day + 1), Err("since")),
        (1, Some(day), Err("since")),
        (0, None, Err("since")),
        (-1, Some(-1), Err("since")),
        (-1, Some(-day), Err("since")),
        (-1, Some(day), Ok((-1, day))),
    ] {
        let got = window(NOW.plus(since), until.map(|until| NOW.plus(until)), NOW);
        let got = got.map(|(since, until)| (since.since(NOW), until.since(NOW)));
        assert_eq!(got.map_err(|(field, _)| field), wanted, "{since} to {until:?}");
    }
}

#[test]
fn one_worker_at_a_time_has_a_job() {
    let first = taken(&job(), NOW);
    assert_eq!(first.status, JobStatus::Running);
    assert_eq!(first.lease, Some(lease(NOW.plus(30_000))));
    assert_eq!(first.claim(NOW.plus(29_999), lease(LATER)), Claim::Leased);
    assert!(matches!(first.claim(NOW.plus(30_000), lease(LATER)), Claim::Taken(_)));
    let mut released = first;
    released.release(LATER);
    assert!(matches!(released.claim(LATER, lease(LATER.plus(1))), Claim::Taken(_)));
}

#[test]
fn a_page_is_in_hand_until_it_is_counted() {
    let mut job = taken(&job(), NOW);
    job.take(page(0..3, Some("c")), NOW);
    assert_eq!((job.progress.in_hand.len(), job.processed), (3, 0));
    job.done(Tally { succeeded: 1, failed: 1, skipped: 1 }, NOW);
    assert_eq!(
        (job.processed, job.succeeded, job.failed, job.progress.cursor.as_deref()),
        (3, 1, 1, Some("c"))
    );
    assert!(job.progress.in_hand.is_empty() && !job.progress.walked);
    job.take(JobPage { missing: 2, ..page(3..4, None) }, NOW);
    assert!(job.progress.walked);
    assert_eq!((job.processed, job.failed, job.total), (5, 3, 6), "more than was counted");
    job.done(Tally { succeeded: 1, ..Tally::default() }, NOW);
    job.complete(LATER);
    assert_eq!((job.status, job.total, job.processed), (JobStatus::Completed, 6, 6));
    assert_eq!((job.lease, job.updated_at), (None, LATER));
}

#[test]
fn fewer_than_were_counted_are_all_there_were() {
    let mut job = taken(&job(), NOW);
    job.take(page(0..0, None), NOW);
    job.complete(NOW);
    assert_eq!((job.total, job.processed), (0, 0));
}

#[test]
fn a_job_that_gets_nowhere_is_given_up() {
    let mut stuck = job();
    for _ in 0..MAX_TRIES {
        stuck = taken(&stuck, NOW);
        stuck.release(NOW);
    }
    let Claim::GivenUp(failed) = stuck.claim(NOW, lease(LATER)) else { panic!("{stuck:?}") };
    assert_eq!(failed.status, JobStatus::Failed);
    assert!(failed.error.is_some());

    // A finished page sets it back, and so does the next one.
    let (mut finished, mut further) = (stuck.clone(), stuck);
    finished.done(Tally::default(), NOW);
    assert!(matches!(finished.claim(NOW, lease(LATER)), Claim::Taken(_)));
    further.take(page(0..0, Some("c")), NOW);
    assert!(matches!(further.claim(NOW, lease(LATER)), Claim::Taken(_)));
}

#[test]
fn what_has_ended_stays_as_it_is() {
    let (mut completed, mut failed) = (job(), job());
    completed.complete(NOW);
    failed.fail("no", NOW);
    let cancelled = taken(&job(), NOW).cancelled(NOW).unwrap();
    assert_eq!((cancelled.status, &cancelled.lease), (JobStatus::Cancelled, &None));
    for ended in [completed, failed, cancelled] {
        assert!(ended.status.has_ended());
        assert_eq!(ended.claim(LATER, lease(LATER)), Claim::Ended);
        assert_eq!(ended.cancelled(LATER), None);
    }
}

#[test]
fn what_was_begun_before_a_cancel_is_counted() {
    let mut worker = taken(&job(), NOW);
    worker.take(page(0..2, Some("c")), NOW);
    let mut cancelled = worker.cancelled(NOW).unwrap();
    worker.done(Tally { succeeded: 1, failed: 1, skipped: 0 }, NOW);
    cancelled.count_late(&worker, LATER);
    assert_eq!((cancelled.processed, cancelled.succeeded, cancelled.failed), (2, 1, 1));
    assert_eq!((cancelled.status, cancelled.total), (JobStatus::Cancelled, 5));
    assert!(cancelled.progress.in_hand.is_empty());
}

#[test]
fn a_job_is_read_as_it_was_written() {
    let mut written = taken(&job(), NOW);
    written.take(page(0..2, Some("c")), NOW);
    for scope in [
        written.scope.clone(),
        Scope::Recover(RecoverScope {
            webhook_id: WebhookId::parse("wh-1").unwrap(),
            since: NOW,
            until: LATER,
            event_types: vec!["debate.*".into()],
        }),
    ] {
        written.scope = scope;
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), written, "{text}");
    }
}
