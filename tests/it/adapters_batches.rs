//! Tables of batch jobs through their adapters: chunks counted once, places, the line, results.

use aragora_core::batch::{
    Batch, BatchPlan, BatchStatus, CHUNK, DebateResult, Priority, ResultStatus, Tally, WINDOW,
};
use aragora_core::ids::{BatchId, DebateId};
use aragora_core::time::Millis;
use aragora_store::SWEEP_SHARDS;
use aragora_store::batch_results::{BatchResults, MOST_TEXT_BYTES, PackedResult};
use aragora_store::batches::{BatchKey, Batches, Begun, Chunk, Counted, Ended, Waiting};
use aragora_store::intents::JobNote;
use aragora_tests::proxy::Fault;
use serde_json::json;

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    a_job_is_made_once_and_belongs_to_one_organisation,
    a_chunk_is_counted_once,
    a_count_whose_answer_was_lost_is_the_callers_own,
    a_job_ends_once,
    what_is_done_with_cannot_be_cancelled,
    jobs_are_listed_newest_first,
    a_key_stands_for_its_first_job,
    places_are_few,
    the_line_is_by_priority_then_by_age,
    chunks_are_read_as_they_were_written,
    the_first_result_stays,
    results_are_paged_in_the_order_of_the_request,
    a_page_ends_before_it_is_too_large,
    an_explanation_that_is_too_large_is_an_error,
    notes_of_batch_jobs_are_their_own,
);

pub(crate) fn plan(total: u32, number: i64) -> BatchPlan {
    BatchPlan {
        id: BatchId::mint(T0.plus(number)),
        options: json!({
            "format": "summary", "include_evidence": true, "include_counterfactuals": true,
            "include_vote_pivots": false,
        }),
        priority: Priority::Normal,
        total,
        chunk: CHUNK,
        window: WINDOW,
        request_id: "r".to_owned(),
        created_at: T0.plus(number),
        noted_at: T0.plus(number + 60_000),
    }
}

pub(crate) fn debate(number: u32) -> DebateId {
    DebateId::parse(&format!("deb-{number}")).unwrap()
}

fn explained(number: u32, text: &str) -> DebateResult {
    DebateResult {
        debate_id: debate(number),
        status: ResultStatus::Success,
        explanation: Some(text.to_owned()),
        error: None,
        processing_time_ms: 12,
    }
}

fn pack(place: u32, result: &DebateResult) -> PackedResult {
    PackedResult::new(place, result, T0, |bytes| format!("{bytes} bytes"))
}

fn chunk(number: u32, processed: u32, failed: u32, by: &str) -> Chunk<'_> {
    Chunk { number, tally: Tally { processed, failed }, by, at: T0.plus(i64::from(number)) }
}

async fn stored(lab: &Lab, total: u32) -> (Batches, Batch) {
    let batches = lab.batches().await;
    let job = Batch::new(plan(total, 0));
    batches.create("org", &job).await.unwrap();
    (batches, job)
}

async fn get(batches: &Batches, job: &Batch) -> Batch {
    batches.get("org", &job.plan.id).await.unwrap().unwrap()
}

async fn a_job_is_made_once_and_belongs_to_one_organisation(lab: &Lab) {
    let (batches, job) = stored(lab, 30).await;
    assert_eq!(get(&batches, &job).await, job);
    assert_eq!(batches.get("other", &job.plan.id).await.unwrap(), None);
    let id = &job.plan.id;
    assert_eq!(batches.start("other", id, T0).await.unwrap(), Begun::Over);
    lab.proxy.script("UpdateItem", [Fault::LoseAnswer]);
    let Begun::Now(started) = batches.start("org", id, T0.plus(1)).await.unwrap() else {
        panic!("not begun")
    };
    assert_eq!(lab.proxy.unused(), 0);
    assert_eq!(started.started_at, Some(T0.plus(1)));
    assert_eq!(batches.start("org", id, T0.plus(2)).await.unwrap(), Begun::Before);
    // Made again, it stays as it is.
    batches.create("org", &job).await.unwrap();
    assert_eq!(get(&batches, &job).await, *started);
    let under_way = Batch { started_at: Some(T0.plus(3)), ..Batch::new(plan(1, 3)) };
    batches.create("org", &under_way).await.unwrap();
    assert_eq!(get(&batches, &under_way).await, under_way);
}

async fn a_chunk_is_counted_once(lab: &Lab) {
    let (batches, job) = stored(lab, 100).await;
    let id = &job.plan.id;
    let count = async |chunk: Chunk<'_>| batches.count("org", id, chunk).await.unwrap();
    let Counted::Now(first) = count(chunk(0, 20, 3, "a")).await else { panic!("not counted") };
    assert_eq!(first.tally, Tally { processed: 20, failed: 3 });
    assert_eq!((first.done.len(), first.counted_at), (1, Some(T0)));
    assert_eq!(count(chunk(0, 20, 20, "b")).await, Counted::Before);
    let Counted::Now(second) = count(chunk(3, 20, 0, "c")).await else { panic!("not counted") };
    assert_eq!(second.tally, Tally { processed: 40, failed: 3 });
    assert_eq!(second.done.iter().copied().collect::<Vec<_>>(), [0, 3]);
    assert_eq!(get(&batches, &job).await, *second);
    assert_eq!(count(chunk(3, 20, 0, "a")).await, Counted::Before);
    let none = batches.count("other", id, chunk(0, 20, 0, "a")).await.unwrap();
    assert_eq!(none, Counted::NoJob);
    assert_eq!(batches.get("other", id).await.unwrap(), None, "counting makes no job");
}

async fn a_count_whose_answer_was_lost_is_the_callers_own(lab: &Lab) {
    let (batches, job) = stored(lab, 100).await;
    lab.proxy.script("UpdateItem", [Fault::LoseAnswer]);
    let counted = batches.count("org", &job.plan.id, chunk(2, 20, 1, "a")).await.unwrap();
    let Counted::Now(counted) = counted else { panic!("not counted") };
    assert_eq!(counted.tally, Tally { processed: 20, failed: 1 });
    lab.met("UpdateItem", 2);
    lab.proxy.script("UpdateItem", [Fault::LoseAnswer]);
    let ended = batches.end("org", &job.plan.id, BatchStatus::Completed, T0.plus(9)).await.unwrap();
    let Ended::Now(ended) = ended else { panic!("not ended") };
    assert_eq!((ended.status, ended.completed_at), (BatchStatus::Completed, Some(T0.plus(9))));
    lab.met("UpdateItem", 4);
}

async fn a_job_ends_once(lab: &Lab) {
    let (batches, job) = stored(lab, 1).await;
    let id = &job.plan.id;
    batches.count("org", id, chunk(0, 1, 0, "a")).await.unwrap();
    let end = async |status, at| batches.end("org", id, status, at).await.unwrap();
    let Ended::Now(ended) = end(BatchStatus::Completed, T0).await else { panic!("not ended") };
    assert_eq!((ended.status, ended.completed_at), (BatchStatus::Completed, Some(T0)));
    assert_eq!(end(BatchStatus::Completed, T0).await, Ended::Now(ended.clone()));
    assert_eq!(end(BatchStatus::Failed, T0.plus(1)).await, Ended::Refused(ended.clone()));
    assert_eq!(batches.cancel("org", id, T0).await.unwrap(), Ended::Refused(ended.clone()));
    assert_eq!(batches.start("org", id, T0).await.unwrap(), Begun::Over);
    assert_eq!(get(&batches, &job).await, ended);
    assert_eq!(batches.cancel("other", id, T0).await.unwrap(), Ended::NoJob);
}

async fn what_is_done_with_cannot_be_cancelled(lab: &Lab) {
    let (batches, job) = stored(lab, 40).await;
    let id = &job.plan.id;
    batches.count("org", id, chunk(0, 20, 0, "a")).await.unwrap();
    let Ended::Now(cancelled) = batches.cancel("org", id, T0.plus(7)).await.unwrap() else {
        panic!("not cancelled")
    };
    assert_eq!(
        (cancelled.status, cancelled.completed_at),
        (BatchStatus::Cancelled, Some(T0.plus(7)))
    );
    // What was under way is still counted, and it stays cancelled.
    let Counted::Now(late) = batches.count("org", id, chunk(1, 20, 0, "b")).await.unwrap() else {
        panic!("not counted")
    };
    assert_eq!((late.status, late.tally.processed), (BatchStatus::Cancelled, 40));

    let (batches, job) = stored(lab, 20).await;
    batches.count("org", &job.plan.id, chunk(0, 20, 0, "a")).await.unwrap();
    let refused = batches.cancel("org", &job.plan.id, T0).await.unwrap();
    let Ended::Refused(refused) = refused else { panic!("{refused:?}") };
    assert_eq!(refused.status, BatchStatus::Processing);
}

async fn jobs_are_listed_newest_first(lab: &Lab) {
    let batches = lab.batches().await;
    let mut made = Vec::new();
    for number in 0..7 {
        let job = Batch::new(plan(1, number));
        batches.create("org", &job).await.unwrap();
        batches.take_place("org", &job.plan.id, 9).await.unwrap();
        made.push(job.plan.id);
    }
    batches.create("other", &Batch::new(plan(1, 9))).await.unwrap();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let (page, more) = batches.page("org", after.as_ref(), 3).await.unwrap();
        listed.extend(page.into_iter().map(|job| job.plan.id));
        after = listed.last().cloned();
        if !more {
            break;
        }
    }
    made.reverse();
    assert_eq!(listed, made);
}

async fn a_key_stands_for_its_first_job(lab: &Lab) {
    let batches = lab.batches().await;
    let key = |digest: &str, at: Millis| BatchKey {
        digest: digest.to_owned(),
        batch_id: BatchId::mint(at),
        created_at: at,
    };
    let first = key("one", T0);
    assert_eq!(batches.claim_key("org", "k", &first).await.unwrap(), None);
    let again = key("one", T0.plus(1));
    assert_eq!(batches.claim_key("org", "k", &again).await.unwrap(), Some(first));
    assert_eq!(batches.claim_key("other", "k", &again).await.unwrap(), None);
}

async fn places_are_few(lab: &Lab) {
    let batches = lab.batches().await;
    let ids: Vec<_> = (0..4).map(|number| BatchId::mint(T0.plus(number))).collect();
    let take = async |at: usize| batches.take_place("org", &ids[at], 2).await.unwrap();
    assert!(take(0).await && take(1).await);
    assert!(!take(2).await);
    assert!(take(1).await, "it has one");
    assert!(batches.take_place("other", &ids[2], 2).await.unwrap());
    batches.give_place("org", &ids[0]).await.unwrap();
    batches.give_place("org", &ids[0]).await.unwrap();
    assert!(take(2).await && !take(3).await);
    for id in &ids {
        batches.give_place("org", id).await.unwrap();
    }
    assert!(take(0).await && take(3).await && !take(1).await);
    batches.give_place("nobody", &ids[0]).await.unwrap();
    assert!(batches.take_place("nobody", &ids[0], 1).await.unwrap());
    assert!(!batches.take_place("nobody", &ids[1], 1).await.unwrap());
}

async fn the_line_is_by_priority_then_by_age(lab: &Lab) {
    let batches = lab.batches().await;
    let wait = async |number: i64, priority| {
        let waiting = Waiting::new(BatchId::mint(T0.plus(number)), priority);
        batches.wait("org", &waiting, T0).await.unwrap();
        batches.wait("org", &waiting, T0).await.unwrap();
        waiting
    };
    let low = wait(0, Priority::Low).await;
    let second = wait(2, Priority::Normal).await;
    let high = wait(3, Priority::High).await;
    let first = wait(1, Priority::Normal).await;
    assert_eq!(batches.next_waiting("other").await.unwrap(), None);
    for wanted in [high, first, second, low] {
        assert_eq!(batches.next_waiting("org").await.unwrap().as_ref(), Some(&wanted));
        batches.stop_waiting("org", &wanted).await.unwrap();
        batches.stop_waiting("org", &wanted).await.unwrap();
    }
    assert_eq!(batches.next_waiting("org").await.unwrap(), None);
}

async fn chunks_are_read_as_they_were_written(lab: &Lab) {
    let results = lab.batch_results().await;
    let id = BatchId::mint(T0);
    let debates: Vec<_> = (0..1_000).map(debate).collect();
    let chunks: Vec<_> = debates.chunks(20).collect();
    results.put_chunks("org", &id, &chunks, T0).await.unwrap();
    results.put_chunks("org", &id, &chunks, T0).await.unwrap();
    for number in [0, 7, 49] {
        let wanted = chunks[number as usize];
        assert_eq!(results.chunk("org", &id, number).await.unwrap(), wanted);
    }
    results.chunk("org", &id, 50).await.unwrap_err();
    results.chunk("other", &id, 0).await.unwrap_err();
    let (page, next) = results.page("org", &id, None, 10).await.unwrap();
    assert_eq!((page, next), (vec![], None), "a chunk is no result");
}

async fn the_first_result_stays(lab: &Lab) {
    let results = lab.batch_results().await;
    let id = BatchId::mint(T0);
    let put = async |results: &BatchResults, given: &[DebateResult]| {
        let packed: Vec<_> = (0..).zip(given).map(|(place, it)| pack(place, it)).collect();
        results.put("org", &id, &packed).await.unwrap()
    };
    let not_found = DebateResult {
        status: ResultStatus::NotFound,
        explanation: None,
        error: Some("there is no such debate".to_owned()),
        ..explained(1, "")
    };
    let first = [explained(0, r#"{"summary":"é"}"#), not_found.clone()];
    assert_eq!(put(&results, &first).await, [true, true]);
    let second = [explained(0, "2"), explained(1, "2"), explained(2, &"x ".repeat(3_000))];
    assert_eq!(put(&results, &second).await, [false, false, true]);
    let kept = vec![first[0].clone(), not_found, second[2].clone()];
    assert_eq!(results.page("org", &id, None, 10).await.unwrap(), (kept, None));
    let statuses = results.statuses("org", &id, 0..3).await.unwrap();
    let wanted = [ResultStatus::Success, ResultStatus::NotFound, ResultStatus::Success];
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), (0..).zip(wanted).collect::<Vec<_>>());
    assert_eq!(results.statuses("org", &id, 1..2).await.unwrap().len(), 1);
    assert_eq!(results.statuses("org", &id, 3..20).await.unwrap().len(), 0);

    // Forty of them, of which a batch is refused in part: what was left undone is done.
    lab.proxy.script("BatchExecuteStatement", [Fault::refuse_after(10)]);
    let many: Vec<_> = (100..140).map(|place| pack(place, &explained(place, "{}"))).collect();
    assert_eq!(results.put("org", &id, &many).await.unwrap(), vec![true; 40]);
    assert_eq!(lab.proxy.unused(), 0);
    assert_eq!(results.statuses("org", &id, 100..140).await.unwrap().len(), 40);
}

async fn results_are_paged_in_the_order_of_the_request(lab: &Lab) {
    let results = lab.batch_results().await;
    let (id, other) = (BatchId::mint(T0), BatchId::mint(T0.plus(1)));
    let places: Vec<u32> = (0..45).rev().chain(990..1_000).collect();
    let packed: Vec<_> =
        places.iter().map(|place| pack(*place, &explained(*place, "{}"))).collect();
    results.put("org", &id, &packed).await.unwrap();
    results.put("org", &other, &packed[..3]).await.unwrap();
    for (limit, most) in [(1, 1), (10, 10), (55, 55), (100, 100)] {
        let (mut listed, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = results.page("org", &id, after, limit).await.unwrap();
            assert!(page.len() <= most);
            listed.extend(page.into_iter().map(|result| result.debate_id));
            assert!(after < next || next.is_none(), "it moves on");
            after = next;
            if after.is_none() {
                break;
            }
        }
        let wanted: Vec<_> = (0..45).chain(990..1_000).map(debate).collect();
        assert_eq!(listed, wanted, "by {limit}");
    }
    assert_eq!(results.page("org", &id, Some(u32::MAX), 10).await.unwrap(), (vec![], None));
}

async fn a_page_ends_before_it_is_too_large(lab: &Lab) {
    let results = lab.batch_results().await;
    let id = BatchId::mint(T0);
    // Packs well, and two of them are as much as a page may have.
    let text = format!("\"{}\"", "a".repeat(MOST_TEXT_BYTES / 2 - 2));
    let packed: Vec<_> = (0..5).map(|place| pack(place, &explained(place, &text))).collect();
    results.put("org", &id, &packed).await.unwrap();
    let (page, next) = results.page("org", &id, None, 100).await.unwrap();
    assert_eq!((page.len(), next), (2, Some(1)));
    let (page, next) = results.page("org", &id, next, 100).await.unwrap();
    assert_eq!((page.len(), next), (2, Some(3)));
    let (page, next) = results.page("org", &id, next, 100).await.unwrap();
    assert_eq!((page.len(), next), (1, None));
    assert_eq!(page[0].explanation.as_ref(), Some(&text));
}

/// Text that does not pack: digits of a generator.
pub(crate) fn unpackable(bytes: usize) -> String {
    let mut state: u64 = 88_172_645_463_325_252;
    let alphabet: Vec<char> = ('!'..='~').filter(|it| !"\"\\".contains(*it)).collect();
    (0..bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            alphabet[usize::try_from(state % 1_000_003).unwrap() % alphabet.len()]
        })
        .collect()
}

async fn an_explanation_that_is_too_large_is_an_error(lab: &Lab) {
    let results = lab.batch_results().await;
    let id = BatchId::mint(T0);
    let fits = format!("\"{}\"", unpackable(470_000));
    let item = format!("\"{}\"", unpackable(520_000));
    let answer = format!("\"{}\"", "a".repeat(MOST_TEXT_BYTES));
    let packed: Vec<_> = (0..)
        .zip([&fits, &item, &answer])
        .map(|(place, text)| pack(place, &explained(place, text)))
        .collect();
    let statuses: Vec<_> = packed.iter().map(PackedResult::status).collect();
    assert_eq!(statuses, [ResultStatus::Success, ResultStatus::Error, ResultStatus::Error]);
    assert_eq!(results.put("org", &id, &packed).await.unwrap(), [true; 3]);
    let (page, _) = results.page("org", &id, None, 10).await.unwrap();
    assert_eq!(page[0].explanation.as_ref(), Some(&fits));
    for (result, bytes) in page[1..].iter().zip([item.len(), answer.len()]) {
        assert_eq!((result.status, &result.explanation), (ResultStatus::Error, &None));
        assert_eq!(result.error, Some(format!("{bytes} bytes")));
    }
}

async fn notes_of_batch_jobs_are_their_own(lab: &Lab) {
    let intents = lab.intents().await;
    let job_id = BatchId::mint(T0);
    let note = JobNote { org: "org".to_owned(), job_id, at: T0 };
    intents.note_jobs(std::slice::from_ref(&note)).await.unwrap();
    let (mut batches, mut redeliveries) = (Vec::new(), 0);
    for shard in 0..SWEEP_SHARDS {
        batches.extend(intents.jobs_before::<BatchId>(shard, T0.plus(1), 10).await.unwrap());
        let others = intents.jobs_before::<aragora_core::ids::JobId>(shard, T0.plus(1), 10).await;
        redeliveries += others.unwrap().len();
    }
    assert_eq!((batches.as_slice(), redeliveries), (std::slice::from_ref(&note), 0));
    intents.strike_jobs(&[note]).await.unwrap();
    for shard in 0..SWEEP_SHARDS {
        let left = intents.jobs_before::<BatchId>(shard, T0.plus(1), 10).await.unwrap();
        assert_eq!(left, []);
    }
}
