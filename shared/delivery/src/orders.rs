//! The messages that ask for an attempt or for a redrive, and carrying out what the state machine
//! wants done on queues and on the list of dead letters.

use aragora_core::delivery::{Effect, Order, Receipt};
use aragora_core::time::Millis;
use aragora_queue::message::{Deliver, InlineEvent, encode};
use aragora_queue::{LONGEST_DELAY_SECONDS, Outgoing, Queue, QueueError};
use aragora_store::receipts::{DeadLetter, DeadLetterKey, Receipts};

/// Milliseconds that a queue can hold a message back.
pub const LONGEST_ON_QUEUE_MS: i64 = LONGEST_DELAY_SECONDS * 1_000;

/// Something a receipt's new state wants done.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Whose it is.
    pub org: &'a str,
    /// The receipt in its new state.
    pub receipt: &'a Receipt,
    /// What is wanted.
    pub effect: Effect,
    /// The event, when it is at hand and small.
    pub inline: Option<&'a InlineEvent>,
}

/// The queues that deliveries move on, and the list of those that were given up.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// Where attempts wait for their time.
    pub attempts: Queue,
    /// Where given-up deliveries lie until they are redriven.
    pub dead_letters: Queue,
    /// Where given-up deliveries are listed.
    pub receipts: Receipts,
    /// How long a given-up delivery is listed, in milliseconds.
    pub listed_ms: i64,
}

impl Lanes {
    /// Brings the list of dead letters up to date, then puts what is wanted on its queue: 25 items
    /// and ten messages a request, a write unit for each item, and no request when nothing is
    /// wanted. An attempt that is further away than a queue can hold is left to the index of what
    /// waits. Gives back how many items and messages are not known to be written. Doing it twice
    /// sends a message twice, which does no harm.
    pub async fn put(&self, wanted: &[Wanted<'_>], now: Millis) -> usize {
        // The list first: once its message is out, a delivery may be given up again, and must not
        // be struck off after that.
        let unlisted = self.update_list(wanted, now).await;
        unlisted + self.send(wanted, now).await
    }

    /// Sends deliveries back to a queue as they came, each to stay there until its time; the
    /// outcomes are in the same order. Ten a request.
    pub async fn defer(
        &self,
        orders: &[(&Deliver, Millis)],
        now: Millis,
    ) -> Vec<Result<(), QueueError>> {
        let messages = orders.iter().map(|(order, until)| Outgoing {
            body: encode(*order),
            group: order.org.clone(),
            request_id: order.request_id.clone(),
            delay_seconds: delay_seconds(until.since(now)),
            reason: None,
        });
        self.attempts.send_all(&messages.collect::<Vec<_>>()).await
    }

    /// Gives back how many items are not known to be written.
    async fn update_list(&self, wanted: &[Wanted<'_>], now: Millis) -> usize {
        let having = |effect| wanted.iter().filter(move |it| it.effect == effect);
        let put: Vec<_> =
            having(Effect::DeadLetter).map(|it| listed(it, self.listed_ms, now)).collect();
        let strike: Vec<_> = having(Effect::StrikeDeadLetter).map(list_key).collect();
        let Err(error) = self.receipts.update_dead_letters(&put, &strike).await else { return 0 };
        let error = &error as &dyn std::error::Error;
        tracing::warn!(
            error,
            "the list of dead letters waits for the sweep to be brought up to date"
        );
        put.len() + strike.len()
    }

    /// Gives back how many messages are not known to be queued.
    async fn send(&self, wanted: &[Wanted<'_>], now: Millis) -> usize {
        let attempts: Vec<_> = wanted.iter().filter_map(|it| attempt(it, now)).collect();
        let letters: Vec<_> = wanted.iter().filter_map(dead_letter).collect();
        let (attempts, letters) = futures_util::join!(
            self.attempts.send_all(&attempts),
            self.dead_letters.send_all(&letters)
        );
        let lost = attempts.into_iter().chain(letters).filter_map(Result::err);
        lost.map(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a message waits for the sweep to be queued"
            );
        })
        .count()
    }
}

/// The message for an attempt that is wanted; `None` when something else is, or it is further away
/// than a queue can hold.
pub fn attempt(wanted: &Wanted<'_>, now: Millis) -> Option<Outgoing> {
    let Effect::Queue(at) = wanted.effect else { return None };
    let wait_ms = at.since(now).max(0);
    if wait_ms > LONGEST_ON_QUEUE_MS {
        return None;
    }
    let delay_seconds = delay_seconds(wait_ms);
    Some(Outgoing { delay_seconds, ..order(wanted, Order::Attempt) })
}

/// Rounded up: a message that arrives before its time is turned away.
fn delay_seconds(wait_ms: i64) -> i32 {
    let seconds = wait_ms.saturating_add(999) / 1_000;
    i32::try_from(seconds.clamp(0, LONGEST_DELAY_SECONDS)).unwrap_or(i32::MAX)
}

fn dead_letter(wanted: &Wanted<'_>) -> Option<Outgoing> {
    let reason = wanted.receipt.state.reason.filter(|_| wanted.effect == Effect::DeadLetter)?;
    Some(Outgoing { reason: Some(reason.as_str()), ..order(wanted, Order::Redrive) })
}

/// The item of a delivery on the list of dead letters, given up at `now`.
fn listed(wanted: &Wanted<'_>, listed_ms: i64, now: Millis) -> DeadLetter {
    let receipt = wanted.receipt;
    DeadLetter {
        org: wanted.org.to_owned(),
        delivery_id: receipt.delivery_id.clone(),
        webhook_id: receipt.webhook_id.clone(),
        event_type: receipt.event_type.clone(),
        at: now,
        expires_at: now.plus(listed_ms).unix_seconds(),
    }
}

fn list_key(wanted: &Wanted<'_>) -> DeadLetterKey {
    DeadLetterKey { org: wanted.org.to_owned(), delivery_id: wanted.receipt.delivery_id.clone() }
}

fn order(wanted: &Wanted<'_>, order: Order) -> Outgoing {
    let receipt = wanted.receipt;
    let message = Deliver {
        org: wanted.org.to_owned(),
        webhook_id: receipt.webhook_id.clone(),
        event_id: receipt.event_id.clone(),
        delivery_id: receipt.delivery_id.clone(),
        event_type: receipt.event_type.clone(),
        accepted_at: receipt.created_at,
        request_id: receipt.request_id.clone(),
        order,
        generation: receipt.state.generation,
        has_receipt: true,
        job: receipt.job.clone(),
        inline: wanted.inline.cloned(),
    };
    Outgoing {
        body: encode(&message),
        group: wanted.org.to_owned(),
        request_id: receipt.request_id.clone(),
        delay_seconds: 0,
        reason: None,
    }
}

#[cfg(test)]
mod tests {
    use aragora_core::delivery::{Delivery, Reason, Status};
    use aragora_core::ids::{DeliveryId, EventId, WebhookId};
    use aragora_queue::message::decode;

    use super::*;

    fn receipt(state: Delivery) -> Receipt {
        Receipt {
            delivery_id: DeliveryId::parse("dlv-1").unwrap(),
            webhook_id: WebhookId::parse("wh-1").unwrap(),
            event_id: EventId::parse("evt-1").unwrap(),
            event_type: "vote".into(),
            request_id: "r".into(),
            created_at: Millis(0),
            state,
            max_attempts: 6,
            delivered_at: None,
            error_message: None,
            response_body: None,
            held_by: None,
            job: None,
            attempts: vec![],
        }
    }

    #[test]
    fn an_attempt_rides_the_queue_for_at_most_a_quarter_of_an_hour() {
        let receipt = receipt(Delivery { generation: 2, ..Delivery::pending() });
        let delay = |at| {
            let wanted = Wanted {
                org: "org",
                receipt: &receipt,
                effect: Effect::Queue(Millis(at)),
                inline: None,
            };
            attempt(&wanted, Millis(10_000)).map(|message| message.delay_seconds)
        };
        assert_eq!(
            [delay(0), delay(10_000), delay(10_001), delay(11_000), delay(910_000), delay(910_001)],
            [Some(0), Some(0), Some(1), Some(1), Some(900), None]
        );
    }

    #[test]
    fn a_dead_letter_is_an_order_to_redrive_its_generation() {
        let state = Delivery {
            status: Status::DeadLettered,
            generation: 2,
            reason: Some(Reason::Exhausted),
            ..Delivery::pending()
        };
        let receipt = receipt(state);
        let wanted =
            Wanted { org: "org", receipt: &receipt, effect: Effect::DeadLetter, inline: None };
        let letter = dead_letter(&wanted).unwrap();
        let order: Deliver = decode(&letter.body).unwrap();
        assert_eq!(
            (order.order, order.generation, letter.reason),
            (Order::Redrive, 2, Some("exhausted"))
        );
        assert_eq!(attempt(&wanted, Millis(0)), None);
    }
}
