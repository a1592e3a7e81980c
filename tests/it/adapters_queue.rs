//! A real queue through its adapter: batches, and what becomes of each message of one.

use std::collections::BTreeSet;

use aragora_core::delivery::Order;
use aragora_core::ids::{DeliveryId, EventId, WebhookId};
use aragora_queue::inbound::InboundMessage;
use aragora_queue::message::{Deliver, InlineEvent, decode, encode};
use aragora_queue::{Outgoing, QueueError, bury};
use aragora_tests::proxy::Fault;
use aragora_tests::queues::{self, Message};
use aragora_tests::wait::{PATIENCE, eventually};
use serde_json::Value;

use crate::adapters::{Lab, T0, on_the_emulator};

const SEND: &str = "SendMessageBatch";

fn outgoing(body: &str) -> Outgoing {
    Outgoing {
        body: body.to_owned(),
        group: "org".to_owned(),
        request_id: "r-1".to_owned(),
        delay_seconds: 0,
        reason: None,
    }
}

fn numbered(count: usize) -> Vec<Outgoing> {
    (0..count).map(|number| outgoing(&format!("body {number}"))).collect()
}

/// Takes this many messages off the queue, after which it must be empty.
async fn taken(queue: &queues::Queue, count: usize) -> Vec<Message> {
    let mut all = Vec::new();
    eventually(PATIENCE, "all messages", async || {
        all.extend(queue.receive(300).await);
        (all.len() >= count).then_some(())
    })
    .await;
    for message in &all {
        queue.delete(message).await;
    }
    assert_eq!((all.len(), queue.depth().await.total()), (count, 0));
    all
}

fn bodies<'a>(messages: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    messages.into_iter().map(ToOwned::to_owned).collect()
}

fn all_sent(outcomes: &[Result<(), QueueError>]) -> bool {
    outcomes.iter().all(Result::is_ok)
}

/// How many entries each call had.
fn batches(lab: &Lab) -> Vec<usize> {
    let entries = |input: &Value| input["Entries"].as_array().unwrap().len();
    lab.proxy.calls(SEND).iter().map(entries).collect()
}

#[tokio::test]
async fn messages_arrive_ten_a_request() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        assert!(queue.send_all(&[]).await.is_empty());
        let messages = numbered(25);
        let outcomes = queue.send_all(&messages).await;
        assert!(outcomes.len() == 25 && all_sent(&outcomes), "{outcomes:?}");
        let mut sizes = batches(lab);
        sizes.sort_unstable();
        assert_eq!(sizes, [5, 10, 10]);
        let spent = lab.meter.take();
        assert_eq!((spent.sqs_requests, spent.dynamodb_requests), (3, 0));
        let arrived = taken(&seen, 25).await;
        assert_eq!(
            bodies(arrived.iter().map(|message| message.body.as_str())),
            bodies(messages.iter().map(|message| message.body.as_str()))
        );
        assert!(queue.is(&format!("arn:aws:sqs:us-east-1:000000000000:{}", seen.name())));
        assert!(!queue.is("arn:aws:sqs:us-east-1:000000000000:another"));
    })
    .await;
}

#[tokio::test]
async fn what_is_encoded_is_decoded_on_the_other_side() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        let message = Deliver {
            org: "org".to_owned(),
            webhook_id: WebhookId::parse("wh-1").unwrap(),
            event_id: EventId::parse("evt-1").unwrap(),
            delivery_id: DeliveryId::parse("dlv-1").unwrap(),
            event_type: "vote".to_owned(),
            accepted_at: T0,
            request_id: "r-1".to_owned(),
            order: Order::Redrive,
            generation: 2,
            has_receipt: true,
            job: None,
            inline: Some(InlineEvent {
                project: "default".to_owned(),
                event_type: "vote".to_owned(),
                debate_id: Some("d-1".to_owned()),
                timestamp: T0.rfc3339(),
                accepted_at: T0,
                data: "{\"n\": 1e+16, \"t\": \"é <&>\\u0000 \u{1f600}\"}".to_owned(),
            }),
        };
        let first = Outgoing { group: "org:1".to_owned(), ..outgoing(&encode(&message)) };
        let bare = Outgoing {
            request_id: String::new(),
            reason: Some("malformed"),
            ..outgoing("not ours")
        };
        assert!(all_sent(&queue.send_all(&[first, bare]).await));
        let mut arrived = taken(&seen, 2).await;
        arrived.sort_by_key(|message| message.body == "not ours");
        assert_eq!(decode::<Deliver>(&arrived[0].body).unwrap(), message);
        assert_eq!(arrived[0].group.as_deref(), Some("org:1"));
        assert_eq!(arrived[0].attribute("request_id"), Some("r-1"));
        assert_eq!(arrived[0].attribute("reason"), None);
        assert!(decode::<Deliver>(&arrived[1].body).is_err());
        assert_eq!(arrived[1].group.as_deref(), Some("org"));
        assert_eq!(arrived[1].attribute("request_id"), None);
        assert_eq!(arrived[1].attribute("reason"), Some("malformed"));
    })
    .await;
}

#[tokio::test]
async fn a_delay_holds_a_message_back() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        let later = Outgoing { delay_seconds: 900, ..outgoing("later") };
        assert!(all_sent(&queue.send_all(&[later, outgoing("now")]).await));
        let depth = seen.depth().await;
        assert_eq!((depth.visible, depth.delayed), (1, 1));
        assert_eq!(seen.receive(30).await[0].body, "now");
    })
    .await;
}

#[tokio::test]
async fn refused_entries_are_sent_again_and_no_others() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        lab.proxy.script(SEND, [Fault::refuse_after(4), Fault::refuse_after(0)]);
        assert!(all_sent(&queue.send_all(&numbered(9)).await));
        assert_eq!((batches(lab), lab.proxy.unused()), (vec![9, 5, 5], 0));
        let arrived = taken(&seen, 9).await;
        assert_eq!(bodies(arrived.iter().map(|message| message.body.as_str())).len(), 9);
        assert_eq!(lab.meter.take().sqs_requests, 3);
    })
    .await;
}

#[tokio::test]
async fn what_stays_refused_is_told_of_its_own_message() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        lab.proxy.script(SEND, [2, 1, 0].map(Fault::refuse_after));
        let outcomes = queue.send_all(&numbered(5)).await;
        assert_eq!((batches(lab), lab.proxy.unused()), (vec![5, 3, 2], 0));
        assert!(all_sent(&outcomes[..3]), "{outcomes:?}");
        for outcome in &outcomes[3..] {
            let refused =
                matches!(outcome, Err(QueueError::Refused(code)) if code == "ThrottlingError");
            assert!(refused, "{outcomes:?}");
        }
        let arrived = taken(&seen, 3).await;
        let expected = bodies(["body 0", "body 1", "body 2"]);
        assert_eq!(bodies(arrived.iter().map(|message| message.body.as_str())), expected);
    })
    .await;
}

#[tokio::test]
async fn a_call_that_fails_says_so_for_each_of_its_messages() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        let messages = numbered(14);
        // Not worth a repeat; one of the two requests meets it, and the other passes.
        let code = "AWS.SimpleQueueService.NonExistentQueue".to_owned();
        lab.proxy.script(SEND, [Fault::Error { status: 400, code }]);
        let outcomes = queue.send_all(&messages).await;
        lab.met(SEND, 2);
        let (sent, failed) = if outcomes[0].is_ok() { (0..10, 10..14) } else { (10..14, 0..10) };
        assert!(all_sent(&outcomes[sent.clone()]), "{outcomes:?}");
        let unavailable = |outcome: &_| matches!(outcome, Err(QueueError::Unavailable(_)));
        assert!(outcomes[failed].iter().all(unavailable), "{outcomes:?}");
        let arrived = taken(&seen, sent.len()).await;
        assert_eq!(
            bodies(arrived.iter().map(|message| message.body.as_str())),
            bodies(messages[sent].iter().map(|message| message.body.as_str()))
        );
    })
    .await;
}

#[tokio::test]
async fn whole_calls_are_repeated_and_may_send_twice() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        lab.proxy.script(SEND, [Fault::throttled(), Fault::LoseAnswer]);
        assert!(all_sent(&queue.send_all(&numbered(2)).await));
        lab.met(SEND, 3);
        let arrived = taken(&seen, 4).await;
        assert_eq!(bodies(arrived.iter().map(|message| message.body.as_str())).len(), 2);

        lab.proxy.script(SEND, (0..3).map(|_| Fault::internal()));
        let outcomes = queue.send_all(&numbered(2)).await;
        assert!(outcomes.len() == 2 && outcomes.iter().all(Result::is_err), "{outcomes:?}");
        lab.met(SEND, 6);
        assert_eq!(seen.depth().await.total(), 0);
    })
    .await;
}

#[tokio::test]
async fn requests_stay_below_a_mebibyte() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        let large = "x".repeat(300 * 1024);
        let messages: Vec<_> = (0..5).map(|n| outgoing(&format!("{n}{large}"))).collect();
        assert!(all_sent(&queue.send_all(&messages).await));
        let mut sizes = batches(lab);
        sizes.sort_unstable();
        assert_eq!(sizes, [1, 2, 2]);
        // Billed by 64 KiB: 10 for two of them, 5 for one.
        assert_eq!(lab.meter.take().sqs_requests, 25);
        assert_eq!(taken(&seen, 5).await.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn what_is_too_large_goes_alone_and_fails_alone() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        let messages = [outgoing("one"), outgoing(&"x".repeat(1_100_000)), outgoing("two")];
        let outcomes = queue.send_all(&messages).await;
        assert!(outcomes[0].is_ok() && outcomes[1].is_err() && outcomes[2].is_ok(), "{outcomes:?}");
        assert_eq!(taken(&seen, 2).await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn poison_is_buried_with_its_reason() {
    on_the_emulator(async |lab: &Lab| {
        let (queue, seen) = lab.queue().await;
        let poison = |number: usize, group: Option<&str>| InboundMessage {
            message_id: format!("m-{number}"),
            body: format!("poison {number}"),
            receive_count: 1,
            request_id: group.map(|_| "r-1".to_owned()),
            group: group.map(ToOwned::to_owned),
            source_arn: "arn".to_owned(),
        };
        let letters =
            vec![(poison(0, Some("org")), "malformed"), (poison(1, None), "unknown_version")];
        lab.proxy.script(SEND, [Fault::refuse_after(1)]);
        assert_eq!(bury(&queue, letters.clone()).await, [] as [String; 0]);
        let mut arrived = taken(&seen, 2).await;
        arrived.sort_by(|one, other| one.body.cmp(&other.body));
        let told = |message: &Message| {
            let attribute = |name| message.attribute(name).map(ToOwned::to_owned);
            (message.group.clone(), attribute("reason"), attribute("request_id"))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(told(&arrived[0]), (some("org"), some("malformed"), some("r-1")));
        assert_eq!(told(&arrived[1]), (some("unknown"), some("unknown_version"), None));

        lab.proxy.script(SEND, [1, 0, 0].map(Fault::refuse_after));
        assert_eq!(bury(&queue, letters).await, ["m-1"]);
    })
    .await;
}
