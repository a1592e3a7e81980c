//! One organisation's endpoint hangs, with a thousand deliveries waiting for it, and another
//! organisation's deliveries arrive as before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aragora_tests::api::results;
use aragora_tests::clock::now_millis;
use aragora_tests::tenant::Webhook;
use aragora_tests::wait::eventually;
use aragora_tests::{Answer, Receiver, Session, Tenant};
use futures_util::future::join_all;
use serde_json::{Value, json};

const WAITING: usize = 1_000;
const IN_A_REQUEST: usize = 100;
/// Of a hundred samples the p99 is the second longest.
const SAMPLES: u32 = 100;
/// The quiet organisation publishes this often, whatever became of its event before: if it waited,
/// it would publish least while it is served worst.
const EVERY: Duration = Duration::from_millis(200);
const LIMIT: Duration = Duration::from_mins(5);

/// How long events took from their acceptance to their arrival, in milliseconds, shortest first.
#[derive(Debug)]
struct Latencies(Vec<u64>);

impl Latencies {
    /// Publishes [`SAMPLES`] events at a steady pace and waits for the arrival of each at `path`.
    async fn measure(tenant: &Tenant, receiver: &Receiver, path: &str) -> Self {
        let accepted: Vec<(String, u64)> = join_all((0..SAMPLES).map(async |number| {
            tokio::time::sleep(EVERY * number).await;
            let event = tenant.publish("vote", json!({"number": number})).await;
            (event, now_millis())
        }))
        .await;
        let arrivals = eventually(LIMIT, "all events of the quiet organisation", async || {
            let arrivals = first_arrivals(receiver, path);
            accepted.iter().all(|(event, _)| arrivals.contains_key(event)).then_some(arrivals)
        })
        .await;
        // An event may arrive before its publisher has the answer.
        let mut millis: Vec<u64> =
            accepted.iter().map(|(event, at)| arrivals[event].saturating_sub(*at)).collect();
        millis.sort_unstable();
        Self(millis)
    }

    /// The smallest latency that `percent` of a hundred are not above.
    fn percentile(&self, percent: usize) -> u64 {
        self.0[(self.0.len() * percent).div_ceil(100) - 1]
    }
}

fn first_arrivals(receiver: &Receiver, path: &str) -> BTreeMap<String, u64> {
    let mut arrivals = BTreeMap::new();
    for request in receiver.received(path) {
        arrivals.entry(request.field("event_id")).or_insert(request.at_millis);
    }
    arrivals
}

async fn publish_many(tenant: &Tenant, count: usize) -> BTreeSet<String> {
    let events = vec![json!({"event_type": "vote", "data": {}}); IN_A_REQUEST];
    let mut ids = BTreeSet::new();
    for _ in 0..count / IN_A_REQUEST {
        let answer = tenant.admin.post("/api/events", &json!(events)).await.must(202);
        ids.extend(
            results(&answer).iter().map(|each| each["event_id"].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!(ids.len(), count);
    ids
}

/// Every receipt of a webhook by its event.
async fn receipts(tenant: &Tenant, webhook: &Webhook) -> BTreeMap<String, Value> {
    let pages = tenant.pages(&format!("{}?limit=100", webhook.receipts()), "receipts").await;
    let by_event = |receipt: Value| (receipt["event_id"].as_str().unwrap().to_owned(), receipt);
    pages.into_iter().flatten().map(by_event).collect()
}

#[tokio::test]
#[ignore = "takes minutes, and a machine that does nothing else: make fairness"]
async fn a_hanging_endpoint_does_not_slow_down_another_organisation() {
    let session = Session::alone().await;
    let (quiet, noisy) = (session.tenant(), session.tenant());
    let receiver = Receiver::start().await;
    receiver.script("/hang", [Answer::hang()]);
    quiet.subscribe(&receiver.url("/quick"), &["vote"]).await;
    // Far enough away that what was tried once stays away for the rest of the test.
    let policy = json!({
        "timeout_seconds": 5, "max_retries": 3, "base_delay_seconds": 3_600, "max_delay_seconds": 3_600,
    });
    let hanging = noisy.subscribe_retrying(&receiver.url("/hang"), &["vote"], &policy).await;

    // The first events of all start processes.
    Latencies::measure(&quiet, &receiver, "/quick").await;
    let alone = Latencies::measure(&quiet, &receiver, "/quick").await;
    let events = publish_many(&noisy, WAITING).await;
    eventually(LIMIT, "a thousand deliveries to wait", async || {
        (receipts(&noisy, &hanging).await.len() == WAITING).then_some(())
    })
    .await;
    let beside = Latencies::measure(&quiet, &receiver, "/quick").await;

    let known: BTreeMap<String, Value> = receipts(&noisy, &hanging).await;
    assert_eq!(known.into_keys().collect::<BTreeSet<_>>(), events, "a delivery is lost");
    let tried = receiver.count("/hang");
    assert!((1..WAITING).contains(&tried), "{tried} of {WAITING} tried: nothing was waiting");
    let (before, after) = (alone.percentile(99), beside.percentile(99));
    let figures = format!(
        "p50 {} ms and p99 {before} ms alone, p50 {} ms and p99 {after} ms beside a hanging endpoint",
        alone.percentile(50),
        beside.percentile(50),
    );
    eprintln!("{figures}; {tried} of {WAITING} tried");
    assert!(after <= 2 * before, "{figures}");
}
