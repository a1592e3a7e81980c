//! What is done about one delivery, by its receipt, its webhook and what is known of its event.

use std::sync::Arc;

use aragora_core::cost::Meter;
use aragora_core::delivery::{Delivery, Reason, RetryPolicy};
use aragora_core::ids::DeliveryId;
use aragora_queue::{Queue, Sqs};
use aragora_store::Dynamo;
use aragora_store::receipts::Receipts;
use aragora_store::registrations::{Health, Registrations, WebhookConfig};
use serde_json::{Map, json};

use super::*;

const NOW: Millis = Millis(1_705_752_000_000);

/// One that reaches nothing: a plan needs no table.
fn starter() -> Starter {
    let meter = Arc::new(Meter::default());
    let dynamo = Dynamo::new(|| unreachable!("no table is needed"), Arc::clone(&meter));
    let sqs = Sqs::new(|| unreachable!("no queue is needed"), meter);
    Starter {
        desk: ReceiptDesk {
            registrations: Registrations::new(dynamo.clone(), String::new()),
            receipts: Receipts::new(dynamo.clone(), String::new()),
            deliveries: Queue::new(sqs, String::new()),
            default_policy: RetryPolicy::default(),
            grace_ms: 60_000,
            retention_days: 30,
        },
        events: Events::new(dynamo, String::new()),
    }
}

fn webhook(enabled: bool) -> Webhook {
    Webhook {
        org: "org".into(),
        id: WebhookId::parse("wh-1").unwrap(),
        config: WebhookConfig {
            project: "default".into(),
            url: "https://example.com".into(),
            event_types: vec!["vote".into()],
            name: None,
            description: None,
            secret: json!("s"),
            old_secrets: vec![],
            header_names: vec![],
            headers: None,
            filters: Map::new(),
            retry_policy: None,
            rate_limit_per_second: None,
            metadata: Map::new(),
            created_at: Millis(0),
        },
        enabled,
        disabled_reason: None,
        updated_at: Millis(0),
        rev: 1,
        health: Health::default(),
    }
}

fn stored(status: Status, reason: Option<Reason>, job: Option<&str>) -> StoredReceipt {
    let receipt = Receipt {
        delivery_id: DeliveryId::parse("dlv-1").unwrap(),
        webhook_id: WebhookId::parse("wh-1").unwrap(),
        event_id: EventId::parse("evt-1").unwrap(),
        event_type: "vote".into(),
        request_id: "r".into(),
        created_at: Millis(0),
        state: Delivery { status, reason, generation: 1, ..Delivery::pending() },
        max_attempts: 6,
        delivered_at: None,
        error_message: None,
        response_body: None,
        held_by: None,
        job: job.map(str::to_owned),
        attempts: vec![],
    };
    StoredReceipt { org: "org".into(), receipt, rev: 3, watched: false }
}

#[test]
fn each_delivery_is_started_once_if_it_can_be() {
    let (starter, mine) = (starter(), JobId::parse("job-1").unwrap());
    let event =
        Unattempted { event_id: EventId::parse("evt-1").unwrap(), event_type: "vote".into() };
    let target = |unattempted| Target {
        webhook_id: WebhookId::parse("wh-1").unwrap(),
        delivery_id: DeliveryId::parse("dlv-1").unwrap(),
        unattempted,
    };
    let (on_record, unattempted) = (target(None), target(Some(event)));
    let (enabled, disabled) = (webhook(true), webhook(false));
    let dead = |job| stored(Status::DeadLettered, Some(Reason::Exhausted), job);
    let discarded = stored(Status::DeadLettered, Some(Reason::Discarded), None);
    for (stored, target, webhook, wanted) in [
        (Some(dead(None)), &on_record, Some(&enabled), "restart"),
        (Some(dead(Some("job-0"))), &on_record, Some(&enabled), "restart"),
        (Some(dead(Some("job-1"))), &on_record, Some(&enabled), "started"),
        (Some(stored(Status::Pending, None, Some("job-1"))), &on_record, Some(&enabled), "queue"),
        (Some(stored(Status::Delivered, None, Some("job-1"))), &on_record, None, "started"),
        (Some(stored(Status::InProgress, None, Some("job-1"))), &on_record, None, "started"),
        (Some(stored(Status::Pending, None, None)), &on_record, Some(&enabled), "skip"),
        (Some(stored(Status::Delivered, None, None)), &on_record, Some(&enabled), "skip"),
        (Some(discarded), &on_record, Some(&enabled), "skip"),
        (Some(dead(None)), &on_record, Some(&disabled), "fail"),
        (Some(dead(None)), &on_record, None, "fail"),
        (None, &on_record, Some(&enabled), "fail"),
        (None, &unattempted, Some(&enabled), "first"),
        (None, &unattempted, Some(&disabled), "fail"),
        (Some(stored(Status::InProgress, None, None)), &unattempted, Some(&enabled), "skip"),
    ] {
        let plan = starter.plan(&mine, target, stored.as_ref(), webhook, NOW);
        let got = match &plan {
            Plan::Restart(write) => {
                assert_eq!(write.receipt.job.as_deref(), Some("job-1"));
                assert_eq!(write.receipt.state.status, Status::Pending);
                assert_eq!(write.receipt.state.generation, 2);
                assert_eq!(write.watch_at, Some(NOW.plus(60_000)));
                "restart"
            }
            Plan::Queue(_) => "queue",
            Plan::First(..) => "first",
            Plan::Started => "started",
            Plan::Fail => "fail",
            Plan::Skip => "skip",
        };
        assert_eq!(got, wanted, "{stored:?} {target:?}");
    }
}
