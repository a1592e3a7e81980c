//! Statistics in table `webhook_delivery_receipts` through their adapter: adding, and reading
//! what was added.

use aragora_core::delivery::Status;
use aragora_core::ids::WebhookId;
use aragora_core::stats::{BUCKETS, HOURS, Sketch, Tally, UtcDay};
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::receipts::{Query, Receipts, StoredDay};
use aragora_tests::proxy::Fault;
use futures_util::future::join_all;

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    what_is_recorded_is_read_by_day,
    workers_add_side_by_side,
    an_empty_tally_costs_nothing,
    a_full_day_is_still_one_write_unit,
    a_repeated_request_counts_twice,
    statistics_are_no_receipts,
);

const UPDATE: &str = "UpdateItem";
const HOUR_MS: i64 = 3_600_000;

fn webhook(number: u32) -> WebhookId {
    WebhookId::parse(&format!("wh-{number}")).unwrap()
}

/// One delivery that succeeded after `latency_ms`, and one that was given up.
fn tally(latency_ms: u64) -> Tally {
    let mut tally = Tally::default();
    tally.attempt(true, latency_ms);
    tally.ended(Status::Delivered);
    tally.attempt(false, 30_000);
    tally.ended(Status::DeadLettered);
    tally
}

/// All days that a webhook has, two to the left and right of [`T0`].
async fn days(receipts: &Receipts, org: &str, number: u32) -> Vec<StoredDay> {
    let today = UtcDay::of(T0);
    receipts.days(org, &webhook(number), today.plus(-2), today.plus(2)).await.unwrap()
}

async fn what_is_recorded_is_read_by_day(lab: &Lab) {
    let receipts = lab.receipts().await;
    let start = UtcDay::of(T0).start();
    for (org, number, after_hours, latency) in [
        ("org", 1, 0, 10),
        ("org", 1, 23, 20),
        ("org", 1, 24, 30),
        ("org", 1, -1, 40),
        ("org", 1, 24 * 9, 50),
        ("org", 2, 0, 60),
        ("other", 1, 0, 70),
    ] {
        let at = start.plus(after_hours * HOUR_MS);
        receipts.record(org, &webhook(number), at, &tally(latency)).await.unwrap();
    }

    let found = days(&receipts, "org", 1).await;
    let dates: Vec<_> = found.iter().map(|each| each.day).collect();
    let today = UtcDay::of(T0);
    assert_eq!(dates, [today.plus(-1), today, today.plus(1)]);
    let mut both = tally(10);
    both.merge(&tally(20));
    assert_eq!(found[1].stats.total(), both);
    assert_eq!(
        (found[0].stats.hours[23], found[1].stats.hours[0]),
        (tally(0).counts, tally(0).counts)
    );
    assert_eq!(found[1].stats.hours[1].delivered, 0);
    assert_eq!(found[2].stats.total(), tally(30));
    assert_eq!(days(&receipts, "other", 1).await[0].stats.total(), tally(70));
    assert_eq!(receipts.days("org", &webhook(1), today, today).await.unwrap(), [found[1].clone()]);

    let yesterday = today.plus(-1);
    let wanted = [(1, today), (1, yesterday), (2, today), (2, yesterday), (3, today), (1, today)];
    let wanted = wanted.map(|(number, day)| (webhook(number), day));
    let mut many = receipts.days_of_many("org", &wanted).await.unwrap();
    many.sort_by_key(|each| (each.webhook_id.clone(), each.day));
    let keys: Vec<_> = many.iter().map(|each| (each.webhook_id.clone(), each.day)).collect();
    assert_eq!(keys, [(webhook(1), yesterday), (webhook(1), today), (webhook(2), today)]);
    assert_eq!(many[1], found[1]);
    assert_eq!(receipts.days_of_many("org", &[]).await.unwrap(), []);
}

async fn workers_add_side_by_side(lab: &Lab) {
    let receipts = lab.receipts().await;
    let one = webhook(1);
    let tallies: Vec<_> = (1..=20).map(|latency| tally(latency * 10)).collect();
    let writes = tallies.iter().map(|tally| receipts.record("org", &one, T0, tally));
    for outcome in join_all(writes).await {
        outcome.unwrap();
    }
    let mut sum = Tally::default();
    for tally in &tallies {
        sum.merge(tally);
    }
    assert_eq!(days(&receipts, "org", 1).await[0].stats.total(), sum);
}

async fn an_empty_tally_costs_nothing(lab: &Lab) {
    let receipts = lab.receipts().await;
    receipts.record("org", &webhook(1), T0, &Tally::default()).await.unwrap();
    lab.met(UPDATE, 0);
    assert_eq!(days(&receipts, "org", 1).await, []);
}

/// The last write to an item that has every attribute there is, with five digits each.
async fn a_full_day_is_still_one_write_unit(lab: &Lab) {
    let receipts = lab.receipts().await;
    let org = "o".repeat(96);
    let one = WebhookId::mint(T0);
    let start = UtcDay::of(T0).start();
    let mut tally = Tally { retried: 41_000, latency_sum_ms: 83_000_000, ..Tally::default() };
    tally.counts.delivered = 41_666;
    tally.counts.failed_attempts = 41_666;
    tally.counts.dead_lettered = 41_666;
    tally.latencies = Sketch::from_counts((0..BUCKETS).map(|bucket| (bucket, 1_000)));
    for hour in 0..i64::try_from(HOURS).unwrap() {
        lab.meter.take();
        receipts.record(&org, &one, start.plus(hour * HOUR_MS), &tally).await.unwrap();
        let spent = lab.meter.take();
        assert_eq!((format!("{}", spent.write_units), spent.dynamodb_requests), ("1".into(), 1));
    }
    let today = UtcDay::of(T0);
    let found = receipts.days(&org, &one, today, today).await.unwrap();
    assert_eq!(found[0].stats.total().attempts(), 1_000 * 24 * u64::try_from(BUCKETS).unwrap());
}

/// As documented: an ADD that is sent again because its answer was lost adds again.
async fn a_repeated_request_counts_twice(lab: &Lab) {
    let receipts = lab.receipts().await;
    lab.proxy.script(UPDATE, [Fault::LoseAnswer]);
    receipts.record("org", &webhook(1), T0, &tally(10)).await.unwrap();
    lab.met(UPDATE, 2);
    assert_eq!(days(&receipts, "org", 1).await[0].stats.total().attempts(), 4);

    lab.proxy.script(UPDATE, [Fault::LoseRequest, Fault::throttled()]);
    receipts.record("org", &webhook(2), T0, &tally(10)).await.unwrap();
    assert_eq!(days(&receipts, "org", 2).await[0].stats.total().attempts(), 2);

    lab.proxy.script(UPDATE, (0..3).map(|_| Fault::internal()));
    let error = receipts.record("org", &webhook(3), T0, &tally(10)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(days(&receipts, "org", 3).await, []);
}

async fn statistics_are_no_receipts(lab: &Lab) {
    let receipts = lab.receipts().await;
    let one = webhook(1);
    for after in 0..3 {
        receipts.record("org", &one, T0.plus(after * 24 * HOUR_MS), &tally(10)).await.unwrap();
    }
    let query = Query {
        org: "org",
        webhook_id: &one,
        statuses: &[],
        event_types: &[],
        since: Some(Millis(0)),
        until: None,
        after: None,
        limit: 100,
        max_attempts: 6,
    };
    let listed = receipts.list(&query).await.unwrap();
    assert_eq!((listed.receipts, listed.next), (vec![], None));
}
