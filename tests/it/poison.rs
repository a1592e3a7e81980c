//! Messages that can never be read end on a dead-letter queue with a reason, at once, and delay
//! nothing else.

use std::time::Duration;

use aragora_tests::queues::Message;
use aragora_tests::{Receiver, Session};
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

const QUEUES: [&str; 4] = ["events", "deliveries", "retries", "security"];

/// "At once": long before a message could be received too often.
const AT_ONCE: Duration = Duration::from_secs(30);

/// What nobody can read; each says who it is.
fn unreadable(mark: &str) -> [String; 5] {
    [
        format!("garbage {mark}"),
        format!("{{\"unfinished\": \"{mark}"),
        json!({"not": "ours", "mark": mark}).to_string(),
        json!({"v": 999, "version": 999, "mark": mark}).to_string(),
        json!([mark]).to_string(),
    ]
}

/// Takes one message off the queue's own dead-letter queue.
async fn set_aside(session: &Session, queue: &str, body: &str) -> Message {
    let dead_letters = session.queue(&format!("{queue}_dlq"));
    let what = format!("{body} of {queue} on its dead-letter queue");
    dead_letters.take(AT_ONCE, &what, |message| message.body == body).await
}

#[tokio::test]
async fn what_can_never_be_read_is_set_aside_with_a_reason() {
    let session = Session::shared().await;
    let mark = Uuid::now_v7().to_string();
    for queue in QUEUES {
        for body in unreadable(&format!("{mark} {queue}")) {
            session.queue(queue).send(&body).await;
        }
    }
    for queue in QUEUES {
        for body in unreadable(&format!("{mark} {queue}")) {
            let message = set_aside(&session, queue, &body).await;
            let reason = message.attribute("reason").unwrap_or_default();
            assert!(
                !reason.is_empty(),
                "{body} of {queue} has no reason: {:?}",
                message.attributes
            );
        }
    }
}

#[tokio::test]
async fn poison_delays_nothing_else() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let mark = Uuid::now_v7().to_string();
    let bodies: Vec<String> =
        QUEUES.iter().flat_map(|queue| unreadable(&format!("{mark} {queue}"))).collect();
    let events = async {
        for number in 0..10 {
            tenant.publish("vote", json!({"number": number})).await;
        }
    };
    let poison = join_all(QUEUES.iter().enumerate().flat_map(|(at, name)| {
        let queue = session.queue(name);
        bodies[at * 5..at * 5 + 5].iter().map(move |body| {
            let queue = queue.clone();
            async move { queue.send(body).await }
        })
    }));
    tokio::join!(events, poison);
    let requests = receiver.at_least("/hook", 10, AT_ONCE).await;
    assert!(requests.iter().all(|request| request.header("x-delivery-attempt") == "1"));
    for request in &requests {
        tenant.receipt(&webhook, &request.field("event_id"), "DELIVERED").await;
    }
    // They leave nothing for the next search.
    for (at, queue) in QUEUES.iter().enumerate() {
        for body in &bodies[at * 5..at * 5 + 5] {
            set_aside(&session, queue, body).await;
        }
    }
}
