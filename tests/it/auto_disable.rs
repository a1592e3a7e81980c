//! Disabling a webhook that only fails, or whose receiver wants nothing more: the real worker and
//! sweep on the emulator's tables, with time passing as the test says.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aragora_core::delivery::{Order, RetryPolicy};
use aragora_core::ids::{DeliveryId, EventId, WebhookId};
use aragora_core::time::Millis;
use aragora_core::url_policy::UrlPolicy;
use aragora_delivery::orders::Lanes;
use aragora_delivery::resolve::SystemResolver;
use aragora_delivery::sender::Sender;
use aragora_delivery::sweep::DeliverySweep;
use aragora_delivery::vault::Vault;
use aragora_delivery::worker::DeliverWorker;
use aragora_events::announce::{Announcement, Announcer};
use aragora_events::publish::Publisher;
use aragora_queue::inbound::{Deadline, InboundMessage};
use aragora_queue::message::{Deliver, InlineEvent, encode};
use aragora_signing::keyring::KeyRing;
use aragora_signing::secret::WebhookSecret;
use aragora_store::registrations::{Health, Webhook, WebhookConfig};
use aragora_tests::proxy::Fault;
use aragora_tests::{Answer, Receiver};
use serde_json::{Value, json};

use crate::adapters::{Lab, T0, on_the_emulator};

const HOUR: i64 = 3_600_000;
/// The time that the worker is told; one test, one clock.
static STEADY: AtomicI64 = AtomicI64::new(T0.0);
static SPARSE: AtomicI64 = AtomicI64::new(T0.0);
static REFUSED: AtomicI64 = AtomicI64::new(T0.0);

fn steady() -> Millis {
    Millis(STEADY.load(Ordering::SeqCst))
}

fn sparse() -> Millis {
    Millis(SPARSE.load(Ordering::SeqCst))
}

fn refused() -> Millis {
    Millis(REFUSED.load(Ordering::SeqCst))
}

fn id() -> WebhookId {
    WebhookId::parse("wh-1").unwrap()
}

async fn worker(lab: &Lab, clock: fn() -> Millis) -> DeliverWorker {
    let (registrations, events) = (lab.registrations().await, lab.events().await);
    let intents = lab.intents().await;
    let (queue, receipts) = (lab.queue().await.0, lab.receipts().await);
    DeliverWorker {
        registrations: registrations.clone(),
        receipts: receipts.clone(),
        events: events.clone(),
        intents: intents.clone(),
        lanes: Lanes {
            attempts: queue.clone(),
            dead_letters: queue.clone(),
            receipts: receipts.clone(),
            listed_ms: 3 * 86_400_000,
        },
        retry_dead_letters: queue.clone(),
        sender: Sender::new(
            UrlPolicy { require_https: false, allow_loopback: true, extra_ports: vec![] },
            SystemResolver,
        )
        .unwrap(),
        vault: Vault::new(KeyRing::parse(&"ab".repeat(32)).unwrap(), Arc::default()),
        default_policy: RetryPolicy { max_retries: 0, ..RetryPolicy::default() },
        grace_ms: 60_000,
        retention_days: 30,
        circuit_open_ms: 60_000,
        maximum_concurrency: 50,
        announcer: Announcer {
            publisher: Publisher { events, intents, queue, retention_days: 30 },
            registrations,
        },
        clock,
    }
}

/// What finds what the worker left behind.
fn sweep(worker: &DeliverWorker) -> DeliverySweep {
    DeliverySweep {
        registrations: worker.registrations.clone(),
        receipts: worker.receipts.clone(),
        intents: worker.intents.clone(),
        lanes: worker.lanes.clone(),
        grace_ms: worker.grace_ms,
        retention_days: worker.retention_days,
        announcer: worker.announcer.clone(),
        max_attempts: 1,
        clock: worker.clock,
    }
}

async fn register(worker: &DeliverWorker, id: &WebhookId, url: &str, event_type: &str) {
    let secret = WebhookSecret::parse("a-secret-of-some-length").unwrap();
    let config = json!({
        "project": "default", "url": url, "event_types": [event_type], "created_at": T0.0,
        "secret": worker.vault.seal_secret("org", id, &secret).unwrap(),
    });
    let webhook = Webhook {
        org: "org".to_owned(),
        id: id.clone(),
        config: serde_json::from_value::<WebhookConfig>(config).unwrap(),
        enabled: true,
        disabled_reason: None,
        updated_at: T0,
        rev: 1,
        health: Health::default(),
    };
    worker.registrations.put(&webhook).await.unwrap();
}

/// One delivery of an event that was accepted just now.
async fn deliver(worker: &DeliverWorker, number: i64) -> Webhook {
    let now = (worker.clock)();
    let event_id = EventId::parse(&format!("evt-{number}")).unwrap();
    let order = Deliver {
        org: "org".to_owned(),
        webhook_id: id(),
        delivery_id: DeliveryId::of("org", &event_id, &id(), now),
        event_id,
        event_type: "vote".to_owned(),
        accepted_at: now,
        request_id: "r".to_owned(),
        order: Order::Attempt,
        generation: 0,
        has_receipt: false,
        job: None,
        inline: Some(InlineEvent {
            project: "default".to_owned(),
            event_type: "vote".to_owned(),
            debate_id: None,
            timestamp: now.rfc3339(),
            accepted_at: now,
            data: "{}".to_owned(),
        }),
    };
    let message = InboundMessage {
        message_id: "m".to_owned(),
        body: encode(&order),
        receive_count: 1,
        request_id: None,
        group: None,
        source_arn: "arn:aws:sqs:us-east-1:1:deliveries".to_owned(),
    };
    let report = worker.handle(vec![message], Deadline(now.plus(60_000))).await;
    assert_eq!((report.failed.len(), report.attempts), (0, 1), "{report:?}");
    worker.registrations.get("org", &id()).await.unwrap().unwrap()
}

async fn failing_receiver() -> Receiver {
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(500)]);
    receiver
}

#[tokio::test]
async fn five_days_of_nothing_but_failures_disable_a_webhook() {
    on_the_emulator(async |lab: &Lab| {
        let receiver = failing_receiver().await;
        let worker = worker(lab, steady).await;
        register(&worker, &id(), &receiver.url("/hook"), "vote").await;
        // Every six hours: the 20th attempt is after four days and 18 hours.
        for number in 0..20 {
            STEADY.store(T0.0 + number * 6 * HOUR, Ordering::SeqCst);
            let webhook = deliver(&worker, number).await;
            assert!(webhook.enabled, "after {number} attempts");
        }
        STEADY.store(T0.0 + 120 * HOUR, Ordering::SeqCst);
        let webhook = deliver(&worker, 20).await;
        assert_eq!((webhook.enabled, webhook.disabled_reason.as_deref()), (false, Some("failing")));
        assert_eq!(webhook.health.circuit.failures, 21);

        let again = Webhook { enabled: true, disabled_reason: None, ..webhook };
        worker.registrations.change(&again, true).await.unwrap();
        STEADY.store(T0.0 + 126 * HOUR, Ordering::SeqCst);
        let webhook = deliver(&worker, 21).await;
        assert!(webhook.enabled, "its five days begin again");
        assert_eq!(webhook.health.circuit.failures, 1);
    })
    .await;
}

#[tokio::test]
async fn few_failures_or_one_success_among_them_do_not() {
    on_the_emulator(async |lab: &Lab| {
        let receiver = Receiver::start().await;
        // The 15th of all attempts succeeds.
        receiver
            .behave("/hook", |request| Answer::status(if request.nth == 15 { 200 } else { 500 }));
        let worker = worker(lab, sparse).await;
        register(&worker, &id(), &receiver.url("/hook"), "vote").await;
        for number in 0..30 {
            SPARSE.store(T0.0 + number * 12 * HOUR, Ordering::SeqCst);
            let webhook = deliver(&worker, number).await;
            assert!(webhook.enabled, "after {number} attempts: {:?}", webhook.health);
        }
        let circuit: Value = json!(
            worker.registrations.get("org", &id()).await.unwrap().unwrap().health.circuit.failures
        );
        assert_eq!(circuit, 15);
    })
    .await;
}

#[tokio::test]
async fn a_webhook_that_a_worker_could_not_disable_is_disabled_by_the_sweep() {
    on_the_emulator(async |lab: &Lab| {
        let receiver = Receiver::start().await;
        receiver.script("/hook", [Answer::status(410)]);
        let worker = worker(lab, refused).await;
        register(&worker, &id(), &receiver.url("/hook"), "vote").await;
        let listener = WebhookId::parse("wh-2").unwrap();
        register(&worker, &listener, &receiver.url("/news"), "webhook.disabled").await;
        // What it learned is lost, and then the change itself: the SDK tries each three times.
        lab.proxy.script("UpdateItem", (0..6).map(|_| Fault::internal()));
        let webhook = deliver(&worker, 0).await;
        assert!(webhook.enabled);
        assert_eq!(lab.proxy.unused(), 0);

        REFUSED.store(T0.0 + HOUR, Ordering::SeqCst);
        let now = refused();
        let report = sweep(&worker).run(Deadline(now.plus(60_000))).await.unwrap();
        assert_eq!((report.leases, report.failed), (1, 0), "{report:?}");
        let webhook = worker.registrations.get("org", &id()).await.unwrap().unwrap();
        assert_eq!((webhook.enabled, webhook.disabled_reason.as_deref()), (false, Some("gone")));
        let news = Announcement::of_webhook(&webhook, "webhook.disabled", Value::Null, now);
        let told = worker.events.get("org", &news.event_id, true).await.unwrap().unwrap();
        assert_eq!(serde_json::from_str::<Value>(&told.data).unwrap()["reason"], "gone");
    })
    .await;
}
