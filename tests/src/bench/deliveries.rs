//! What a delivery costs, counted from what the functions did: each invocation prints what it
//! spent, the queue poller adds one receive and one delete to each batch, and the kernel knows
//! the CPU time of our processes.
//!
//! Batches are full: the queues are held back until they hold everything.

use std::ops::{Add, AddAssign};
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::now_millis;
use crate::functions::Function;
use crate::logs::Line;
use crate::receiver::{Answer, Receiver};
use crate::stack::Session;
use crate::tenant::Tenant;
use crate::wait::eventually;

/// Deliveries of one run.
pub const DELIVERIES: usize = 1_000;
/// Events of one publish call: as many as there may be.
pub const LIST: usize = 100;
/// What a receiver takes to answer.
pub const RECEIVER_DELAY: Duration = Duration::from_millis(200);
/// Bytes of each event's `data` as it is published.
pub const PAYLOAD: usize = 1024;

/// The functions an event goes through. The first is called over HTTP, the others by a queue.
pub const FUNCTIONS: [&str; 3] = ["events", "fan-out", "deliver"];

/// What the poller spends on each batch: one receive, one delete.
const POLLER_REQUESTS: f64 = 2.0;

const LIMIT: Duration = Duration::from_mins(5);

/// What was spent, in all or for each delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// `DynamoDB` write request units.
    pub write_units: f64,
    /// `DynamoDB` read request units.
    pub read_units: f64,
    /// Requests to SQS, the poller's included.
    pub sqs_requests: f64,
    /// Lambda invocations.
    pub invocations: f64,
    /// Calls of the HTTP API.
    pub http_requests: f64,
    /// Lambda time by memory, in GB-seconds, as long as the functions say it took here.
    pub gb_seconds: f64,
    /// Bytes written to the logs.
    pub log_bytes: f64,
    /// CPU time of the function processes, in milliseconds.
    pub cpu_ms: f64,
}

impl Spent {
    /// Every figure, by name, for reading and for arithmetic.
    pub fn figures(&self) -> [(&'static str, f64); 8] {
        [
            ("write_units", self.write_units),
            ("read_units", self.read_units),
            ("sqs_requests", self.sqs_requests),
            ("invocations", self.invocations),
            ("http_requests", self.http_requests),
            ("gb_seconds", self.gb_seconds),
            ("log_bytes", self.log_bytes),
            ("cpu_ms", self.cpu_ms),
        ]
    }

    /// Combines the figures of several by `with`.
    pub fn combine(all: &[Self], with: impl Fn(&[f64]) -> f64) -> Self {
        let column =
            |at: usize| with(&all.iter().map(|each| each.figures()[at].1).collect::<Vec<_>>());
        Self {
            write_units: column(0),
            read_units: column(1),
            sqs_requests: column(2),
            invocations: column(3),
            http_requests: column(4),
            gb_seconds: column(5),
            log_bytes: column(6),
            cpu_ms: column(7),
        }
    }

    /// One share of `parts`.
    #[must_use]
    pub fn divided(self, parts: f64) -> Self {
        Self::combine(&[self], |figures| figures[0] / parts)
    }
}

impl Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::combine(&[self, other], |figures| figures.iter().sum())
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Sends [`DELIVERIES`] deliveries, `fan_out` of each event, and returns the share of one by
/// function, in the order of [`FUNCTIONS`].
pub async fn measure(session: &Session, fan_out: usize) -> Vec<Spent> {
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(200).after(RECEIVER_DELAY)]);
    for _ in 0..fan_out {
        tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    }
    // Registering publishes events of our own; they are not part of it.
    settle(session).await;

    let cpu_before = cpu(session);
    let since = now_millis();
    run(session, &tenant, &receiver, DELIVERIES / fan_out).await;
    let mut spent = Vec::new();
    for (at, name) in FUNCTIONS.iter().enumerate() {
        let mut total = counted(&session.function(name), since, at > 0).await;
        if at == 0 {
            total.http_requests = total.invocations;
        }
        total.cpu_ms = cpu(session)[at] - cpu_before[at];
        spent.push(total.divided(as_f64(DELIVERIES)));
    }
    spent
}

/// Publishes while the workers are held back, then lets one after the other go.
async fn run(session: &Session, tenant: &Tenant, receiver: &Receiver, events: usize) {
    let fan_out = session.pause("fan-out", "events").await;
    let deliver = session.pause("deliver", "deliveries").await;
    let numbers: Vec<usize> = (0..events).collect();
    for list in numbers.chunks(LIST) {
        let items: Vec<Value> = list.iter().map(|number| event(*number)).collect();
        tenant.admin.post("/api/events", &json!(items)).await.must(202);
    }
    fan_out.resume().await;
    let deliveries = session.queue("deliveries");
    eventually(LIMIT, "the deliveries queue to fill", async || {
        (deliveries.depth().await.visible >= DELIVERIES as u64).then_some(())
    })
    .await;
    deliver.resume().await;
    receiver.at_least("/hook", DELIVERIES, LIMIT).await;
    settle(session).await;
}

fn event(number: usize) -> Value {
    let filled = |text: &str| json!({"number": number, "text": text});
    let around = filled("").to_string().len();
    let text = prose(number, PAYLOAD - around);
    json!({"event_type": "vote", "debate_id": "bench", "data": filled(&text)})
}

/// Words in no order: stored events are packed, and a text of one letter would hardly need a place.
/// It packs to two fifths, much as JSON of agents' messages does.
fn prose(seed: usize, bytes: usize) -> String {
    const SYLLABLES: [&str; 32] = [
        "the ", "ra", "te", "li", "mit", "er ", "should ", "count ", "to", "ken", "s ", "per ",
        "or", "gan", "i", "sa", "tion ", "and ", "not ", "a", "gree", "ment ", "be", "cause ",
        "cost ", "win", "dow ", "of ", "ten ", "se", "cond", "is ",
    ];
    let mut state = u64::try_from(seed).unwrap_or_default().wrapping_add(1);
    let mut text = String::with_capacity(bytes + 8);
    while text.len() < bytes {
        // Knuth's MMIX generator; its high bits are the good ones.
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from(state >> 59).unwrap_or_default();
        text.push_str(SYLLABLES.get(at).copied().unwrap_or_default());
    }
    text.truncate(bytes);
    text
}

/// Waits until no queue has anything left: then every invocation has printed its line.
async fn settle(session: &Session) {
    for name in ["events", "deliveries", "retries"] {
        let queue = session.queue(name);
        eventually(LIMIT, &format!("the queue {name} to be empty"), async || {
            (queue.depth().await.total() == 0).then_some(())
        })
        .await;
    }
}

/// CPU milliseconds so far, by function.
fn cpu(session: &Session) -> Vec<f64> {
    let of = |name: &&str| {
        session.function(name).processes().iter().map(|process| process.cpu_millis()).sum::<u64>()
    };
    FUNCTIONS.iter().map(|name| as_f64(usize::try_from(of(name)).expect("CPU time fits"))).collect()
}

/// What a function's own lines say since then.
async fn counted(function: &Function, since: u64, by_queue: bool) -> Spent {
    let memory_gb =
        as_f64(usize::try_from(function.memory_mb().await).expect("memory fits")) / 1024.0;
    let mut total = Spent::default();
    for line in function.log().await.since(since).await {
        total += invocation(&line, by_queue, memory_gb);
        total.log_bytes += as_f64(line.message.len());
    }
    total
}

/// What one invocation says it spent; nothing when the line is another.
fn invocation(line: &Line, by_queue: bool, memory_gb: f64) -> Spent {
    let Some(write_units) = line.figure("write_units") else { return Spent::default() };
    let figure =
        |name: &str| line.figure(name).unwrap_or_else(|| panic!("no {name} in {}", line.message));
    let poller = if by_queue { POLLER_REQUESTS } else { 0.0 };
    Spent {
        write_units,
        read_units: figure("read_units"),
        sqs_requests: figure("sqs_requests") + poller,
        invocations: 1.0,
        // Billed by the millisecond begun. The emulator's own report has its waiting in it.
        gb_seconds: (figure("duration_ms") + 1.0) / 1000.0 * memory_gb,
        ..Spent::default()
    }
}

/// Counts here are small enough to be exact.
#[expect(clippy::cast_precision_loss, reason = "counts of one run, far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> Line {
        Line { message: message.to_owned(), at_millis: 0 }
    }

    #[test]
    fn an_invocations_line_is_counted_with_the_pollers_requests() {
        let printed = line(
            r#"{"message": "batch done", "duration_ms": 199, "write_units": 12.5, "read_units": 1, "sqs_requests": 2}"#,
        );
        let spent = invocation(&printed, true, 0.25);
        assert_eq!((spent.write_units, spent.read_units, spent.sqs_requests), (12.5, 1.0, 4.0));
        assert!((spent.gb_seconds - 0.05).abs() < 1e-9);
        assert!((invocation(&printed, false, 0.25).sqs_requests - 2.0).abs() < f64::EPSILON);
        assert_eq!(invocation(&line("START RequestId: 1"), true, 0.25), Spent::default());
    }

    #[test]
    fn every_payload_has_the_same_length() {
        for number in [0, 999] {
            assert_eq!(event(number)["data"].to_string().len(), PAYLOAD);
        }
    }

    #[test]
    fn shares_add_up() {
        let spent = Spent { write_units: 3.0, cpu_ms: 8.0, ..Spent::default() };
        assert_eq!((spent + spent).divided(2.0), spent);
    }
}
