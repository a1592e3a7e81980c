//! What a delivery costs, counted from what the functions did.
//!
//! Batches are full: the queues are held back until they hold everything.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bench::spent::{Spent, as_f64, counted, cpu};
use crate::clock::now_millis;
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

const LIMIT: Duration = Duration::from_mins(5);

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

    let cpu_before = cpu(session, &FUNCTIONS);
    let since = now_millis();
    run(session, &tenant, &receiver, DELIVERIES / fan_out).await;
    let mut spent = Vec::new();
    for (at, name) in FUNCTIONS.iter().enumerate() {
        let mut total = counted(&session.function(name), since, at > 0).await;
        if at == 0 {
            total.http_requests = total.invocations;
        }
        total.cpu_ms = cpu(session, &FUNCTIONS)[at] - cpu_before[at];
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
pub(crate) fn prose(seed: usize, bytes: usize) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_has_the_same_length() {
        for number in [0, 999] {
            assert_eq!(event(number)["data"].to_string().len(), PAYLOAD);
        }
    }
}
