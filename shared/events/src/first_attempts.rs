//! First attempts of deliveries: what makes them visible, and what asks for them. Used by the
//! fan-out, and by a recovery of what was never attempted.

use std::collections::BTreeMap;

use aragora_core::delivery::Order;
use aragora_core::ids::{DeliveryId, JobId, WebhookId};
use aragora_core::time::Millis;
use aragora_queue::Outgoing;
use aragora_queue::message::{Deliver, encode};
use aragora_store::events::StoredEvent;
use aragora_store::receipts::{PageEntry, PendingPage};

use crate::inline;

/// The pages that make deliveries visible until they are claimed. To be written before the
/// messages are sent.
pub fn pages(messages: &[&Deliver], retention_days: i64) -> Vec<PendingPage> {
    let mut by_webhook: BTreeMap<(&str, &WebhookId), Vec<PageEntry>> = BTreeMap::new();
    for message in messages {
        by_webhook.entry((&message.org, &message.webhook_id)).or_default().push(PageEntry {
            delivery_id: message.delivery_id.clone(),
            event_id: message.event_id.clone(),
            event_type: message.event_type.clone(),
            accepted_at: message.accepted_at,
        });
    }
    by_webhook
        .into_iter()
        .flat_map(|((org, webhook_id), entries)| {
            let newest = entries.iter().map(|entry| entry.accepted_at).max().unwrap_or(Millis(0));
            PendingPage::fill(org, webhook_id, entries, expires_at(newest, retention_days))
        })
        .collect()
}

/// When what is written about an event of `from` leaves its table, in Unix seconds.
pub const fn expires_at(from: Millis, retention_days: i64) -> i64 {
    from.unix_seconds() + retention_days * 86_400
}

/// The first attempt of an event at a webhook that `job` asks for, with the type in the webhook's
/// spelling.
pub fn of(event: &StoredEvent, webhook: &WebhookId, event_type: &str, job: &JobId) -> Deliver {
    Deliver {
        org: event.org.clone(),
        webhook_id: webhook.clone(),
        event_id: event.id.clone(),
        delivery_id: DeliveryId::of(&event.org, &event.id, webhook, event.accepted_at),
        event_type: event_type.to_owned(),
        accepted_at: event.accepted_at,
        request_id: event.request_id.clone(),
        order: Order::Attempt,
        generation: 0,
        has_receipt: false,
        job: Some(job.as_str().to_owned()),
        inline: inline(event),
    }
}

/// The message that asks for the attempt.
pub fn outgoing(message: &Deliver) -> Outgoing {
    Outgoing {
        body: encode(message),
        group: message.org.clone(),
        request_id: message.request_id.clone(),
        delay_seconds: 0,
        reason: None,
    }
}
