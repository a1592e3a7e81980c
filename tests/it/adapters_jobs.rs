//! Tables of redelivery jobs through their adapters: jobs under their revision, idempotency keys,
//! notes for the sweep, and the events of a window.

use aragora_core::ids::{EventId, JobId};
use aragora_core::redelivery::{DeadLetterScope, Job, Scope};
use aragora_core::time::Millis;
use aragora_store::SWEEP_SHARDS;
use aragora_store::events::{Events, StoredEvent};
use aragora_store::idempotency::KEY_KEPT_MS;
use aragora_store::intents::JobNote;
use aragora_store::jobs::{JobKey, StoredJob};
use aragora_store::registrations::Changed;
use aragora_tests::proxy::Fault;

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    a_job_is_made_once,
    of_two_changes_one_is_refused,
    a_change_whose_answer_was_lost_is_the_callers_own,
    jobs_are_listed_newest_first_by_organisation,
    a_key_stands_for_its_first_job,
    a_note_is_found_from_its_time_on,
    the_events_of_a_window_are_listed_oldest_first,
);

fn job(number: i64) -> Job {
    let at = T0.plus(number);
    let scope = Scope::DeadLetters(DeadLetterScope::default());
    Job::new(JobId::mint(at), scope, 3, "r".to_owned(), at)
}

async fn stored(lab: &Lab) -> (aragora_store::jobs::Jobs, StoredJob) {
    let jobs = lab.jobs().await;
    let new = job(0);
    jobs.create("org", &new).await.unwrap();
    let stored = jobs.get("org", &new.id).await.unwrap().unwrap();
    (jobs, stored)
}

async fn a_job_is_made_once(lab: &Lab) {
    let (jobs, mut stored) = stored(lab).await;
    assert_eq!((stored.org.as_str(), stored.rev), ("org", 1));
    let first = stored.job.clone();
    stored.job.complete(T0.plus(1));
    assert_eq!(jobs.write(&mut stored).await.unwrap(), Changed::Done);
    jobs.create("org", &first).await.unwrap();
    assert_eq!(jobs.get("org", &first.id).await.unwrap(), Some(stored));
    assert_eq!(jobs.get("other", &first.id).await.unwrap(), None);
}

async fn of_two_changes_one_is_refused(lab: &Lab) {
    let (jobs, mut mine) = stored(lab).await;
    let mut other = mine.clone();
    other.job = other.job.cancelled(T0.plus(1)).unwrap();
    assert_eq!(jobs.write(&mut other).await.unwrap(), Changed::Done);
    assert_eq!(other.rev, 2);
    mine.job.complete(T0.plus(2));
    assert_eq!(jobs.write(&mut mine).await.unwrap(), Changed::Outdated);
    assert_eq!(mine.rev, 1);
    assert_eq!(jobs.get("org", &mine.job.id).await.unwrap(), Some(other));
}

async fn a_change_whose_answer_was_lost_is_the_callers_own(lab: &Lab) {
    let (jobs, mut mine) = stored(lab).await;
    mine.job.complete(T0.plus(2));
    lab.proxy.script("PutItem", [Fault::LoseAnswer]);
    assert_eq!(jobs.write(&mut mine).await.unwrap(), Changed::Done);
    assert_eq!(mine.rev, 2);
    assert_eq!(jobs.get("org", &mine.job.id).await.unwrap(), Some(mine));
}

async fn jobs_are_listed_newest_first_by_organisation(lab: &Lab) {
    let jobs = lab.jobs().await;
    let mut made = Vec::new();
    for number in 0..7 {
        let job = job(number);
        jobs.create("org", &job).await.unwrap();
        made.push(job.id);
    }
    jobs.create("other", &job(9)).await.unwrap();
    let key = JobKey { digest: "d".to_owned(), job_id: made[0].clone(), created_at: T0 };
    jobs.claim_key("org", "k", &key).await.unwrap();

    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let (page, more) = jobs.page("org", after.as_ref(), 3).await.unwrap();
        listed.extend(page.iter().map(|stored| stored.job.id.clone()));
        after = listed.last().cloned();
        if !more {
            break;
        }
    }
    made.reverse();
    assert_eq!(listed, made);
}

async fn a_key_stands_for_its_first_job(lab: &Lab) {
    let jobs = lab.jobs().await;
    let key = |digest: &str, at: Millis| JobKey {
        digest: digest.to_owned(),
        job_id: JobId::mint(at),
        created_at: at,
    };
    let first = key("one", T0);
    assert_eq!(jobs.claim_key("org", "k", &first).await.unwrap(), None);
    assert_eq!(jobs.claim_key("org", "k", &first).await.unwrap(), None, "the caller's own");
    let last_moment = key("other", T0.plus(KEY_KEPT_MS));
    assert_eq!(jobs.claim_key("org", "k", &last_moment).await.unwrap(), Some(first));
    assert_eq!(jobs.claim_key("org", "another", &last_moment).await.unwrap(), None);
    assert_eq!(jobs.claim_key("other", "k", &last_moment).await.unwrap(), None);
    let later = key("other", T0.plus(KEY_KEPT_MS + 1));
    assert_eq!(jobs.claim_key("org", "k", &later).await.unwrap(), None, "forgotten");
}

async fn a_note_is_found_from_its_time_on(lab: &Lab) {
    let intents = lab.intents().await;
    let notes: Vec<_> = (0..20)
        .map(|number| JobNote {
            org: "org".to_owned(),
            job_id: JobId::parse(&format!("job-{number}")).unwrap(),
            at: T0.plus(number),
        })
        .collect();
    intents.note_jobs(&notes).await.unwrap();
    intents.note_jobs(&notes[..1]).await.unwrap();
    let found = async |before: Millis| {
        let mut found = Vec::new();
        for shard in 0..SWEEP_SHARDS {
            let notes = intents.jobs_before(shard, before, 100).await.unwrap();
            assert!(notes.is_sorted_by_key(|note| note.at));
            found.extend(notes);
        }
        found.sort_by_key(|note| note.at);
        found
    };
    assert_eq!(found(T0).await, []);
    assert_eq!(found(T0.plus(12)).await, notes[..12]);
    intents.strike_jobs(&notes[..19]).await.unwrap();
    assert_eq!(found(T0.plus(100)).await, notes[19..]);
}

/// The ids of a window, over pages of `limit`.
async fn accepted(events: &Events, since: i64, until: i64, limit: i32) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None::<String>);
    loop {
        let (since, until) = (T0.plus(since), T0.plus(until));
        let page = events.accepted_between("org", since, until, after.as_deref(), limit).await;
        let (page, next) = page.unwrap();
        ids.extend(page.into_iter().map(|event| event.id.as_str().to_owned()));
        after = next;
        if after.is_none() {
            return ids;
        }
    }
}

async fn the_events_of_a_window_are_listed_oldest_first(lab: &Lab) {
    let events = lab.events().await;
    // Two in each millisecond, and another organisation's.
    for (org, number) in (0..20).map(|number| ("org", number)).chain([("other", 30)]) {
        let accepted_at = T0.plus(number / 2);
        let event = StoredEvent {
            org: org.to_owned(),
            id: EventId::parse(&format!("evt-{number:02}")).unwrap(),
            project: "default".to_owned(),
            event_type: "vote".to_owned(),
            debate_id: None,
            timestamp: accepted_at.rfc3339(),
            accepted_at,
            data: "{}".to_owned(),
            request_id: "r".to_owned(),
            digest: "d".to_owned(),
            expires_at: accepted_at.unix_seconds() + 86_400,
        };
        events.put(&event).await.unwrap();
    }
    let ids = |range: std::ops::Range<i64>| {
        range.map(|number| format!("evt-{number:02}")).collect::<Vec<_>>()
    };
    for (since, until, wanted) in [
        (0, 10, 0..20),
        (-5, 100, 0..20),
        (2, 4, 4..8),
        (9, 10, 18..20),
        (3, 3, 0..0),
        (10, 20, 0..0),
    ] {
        for limit in [1, 3, 100] {
            let got = accepted(&events, since, until, limit).await;
            assert_eq!(got, ids(wanted.clone()), "{since} to {until} by {limit}");
        }
    }
}
