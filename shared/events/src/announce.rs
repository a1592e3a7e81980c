//! Events of our own: what became of webhooks and deliveries, for those who subscribe to it.
//!
//! They go the way of every event. What nobody in the organisation subscribes to is not published
//! at all: a receiver that fails for a day must not cost twice as much. The failing of such an
//! event's own delivery is never announced, so there is no recursion. Source:
//! `webhook-delivery.md`, Auto-disable; `decisions.md` ("`*` and globs").

use std::collections::{BTreeMap, BTreeSet};

use aragora_core::catalogue;
use aragora_core::delivery::{Effect, Reason, Receipt};
use aragora_core::ids::EventId;
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::registrations::{Registrations, Webhook};
use serde_json::{Map, Value, json};

use crate::publish::{NewEvent, Publication, PublishError, Publisher};

/// Webhooks read in one request.
const PAGE: i32 = 500;
/// What the request id of our own events begins with.
const REQUEST: &str = "operational";

/// Something that happened to a webhook or a delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Announcement {
    /// Whose it is.
    pub org: String,
    /// The project of the webhook.
    pub project: String,
    /// An operational type of the catalogue.
    pub event_type: &'static str,
    /// The same for the same happening, however often it is announced.
    pub event_id: EventId,
    /// The webhook's or delivery's state. Never a secret or a header.
    pub data: Value,
}

/// Publishes what happened.
#[derive(Debug, Clone)]
pub struct Announcer {
    /// Takes the events in.
    pub publisher: Publisher,
    /// Who wants to be told.
    pub registrations: Registrations,
}

impl Announcement {
    /// News of a webhook at a time; `more` (an object) goes beside its id and URL.
    pub fn of_webhook(
        webhook: &Webhook,
        event_type: &'static str,
        more: Value,
        at: Millis,
    ) -> Self {
        let mut data = Map::from_iter([
            ("webhook_id".to_owned(), webhook.id.as_str().into()),
            ("url".to_owned(), webhook.config.url.as_str().into()),
            ("reason".to_owned(), Value::Null),
        ]);
        if let Value::Object(more) = more {
            data.extend(more);
        }
        Self {
            org: webhook.org.clone(),
            project: webhook.config.project.clone(),
            event_type,
            event_id: EventId::of(&[&webhook.org, event_type, webhook.id.as_str()], at),
            data: Value::Object(data),
        }
    }

    /// News of a delivery that a state of it wants told; `None` when `effect` is none, or when the
    /// delivery is itself of such news.
    pub fn of_delivery(
        org: &str,
        project: String,
        receipt: &Receipt,
        effect: Effect,
    ) -> Option<Self> {
        let event_type = match effect {
            Effect::DeadLetter => "delivery.dead_lettered",
            Effect::AnnounceRecovery => "delivery.recovered",
            _ => return None,
        };
        if catalogue::is_operational(&receipt.event_type) {
            return None;
        }
        let (state, last) = (&receipt.state, receipt.attempts.last());
        let mut data = json!({
            "webhook_id": receipt.webhook_id,
            "delivery_id": receipt.delivery_id,
            "event_id": receipt.event_id,
            "event_type": receipt.event_type,
            "attempt_count": state.attempts,
        });
        if effect == Effect::DeadLetter
            && let Some(data) = data.as_object_mut()
        {
            data.insert("reason".to_owned(), state.reason.map(Reason::as_str).into());
            data.insert("http_status".to_owned(), last.and_then(|it| it.http_status).into());
            data.insert("error_message".to_owned(), receipt.error_message.clone().into());
        }
        let (id, generation) = (receipt.delivery_id.as_str(), state.generation.to_string());
        let event_id = EventId::of(&[org, event_type, id, &generation], receipt.created_at);
        Some(Self { org: org.to_owned(), project, event_type, event_id, data })
    }
}

impl Announcer {
    /// Publishes what somebody subscribes to; gives back whether all of it is taken in. Nothing is
    /// asked or written when there is no news; else one read unit per 4 KB of an organisation's
    /// webhooks, and what publishing costs. Twice is once.
    pub async fn announce(&self, news: &[Announcement], now: Millis) -> bool {
        let mut by_org: BTreeMap<&str, Vec<&Announcement>> = BTreeMap::new();
        for it in news {
            by_org.entry(&it.org).or_default().push(it);
        }
        let mut complete = true;
        for (org, news) in by_org {
            let told = self.announce_in(org, news, now).await;
            complete &= told.unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(org_id = org, error, "news of webhooks could not be published");
                false
            });
        }
        complete
    }

    async fn announce_in(
        &self,
        org: &str,
        news: Vec<&Announcement>,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let wanted = self.wanted(org, &news).await?;
        let new = |it: &Announcement| NewEvent {
            event_type: it.event_type.to_owned(),
            data: it.data.clone(),
            event_id: Some(it.event_id.clone()),
            debate_id: None,
            project: it.project.clone(),
            timestamp: None,
        };
        let heard = news.into_iter().filter(|it| wanted.contains(&it.event_id));
        let events: Vec<_> = heard.map(new).collect();
        if events.is_empty() {
            return Ok(true);
        }
        let request_id = format!("{REQUEST}-{}", now.0);
        let by = Publication { org, request_id: &request_id, now };
        let mut complete = true;
        for outcome in self.publisher.publish(by, events).await {
            match outcome {
                // The id is of the happening: what was told before in other words stays told.
                Ok(_) | Err(PublishError::IdTaken(_)) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(org_id = org, error, "news of a webhook could not be published");
                    complete = false;
                }
            }
        }
        Ok(complete)
    }

    /// Which of the news some enabled webhook of the organisation subscribes to.
    async fn wanted(
        &self,
        org: &str,
        news: &[&Announcement],
    ) -> Result<BTreeSet<EventId>, StoreError> {
        let mut wanted = BTreeSet::new();
        let mut after = None;
        loop {
            let (page, next) = self.registrations.page(org, after.as_ref(), PAGE).await?;
            for it in news {
                if page.iter().any(|webhook| hears(webhook, it)) {
                    wanted.insert(it.event_id.clone());
                }
            }
            after = next;
            if after.is_none() || wanted.len() == news.len() {
                return Ok(wanted);
            }
        }
    }
}

fn hears(webhook: &Webhook, news: &Announcement) -> bool {
    let config = &webhook.config;
    webhook.enabled
        && config.project == news.project
        && catalogue::spelling_for(news.event_type, &config.event_types).is_some()
}

#[cfg(test)]
mod tests {
    use aragora_core::delivery::{Delivery, Status};
    use aragora_core::ids::{DeliveryId, WebhookId};

    use super::*;

    fn receipt(event_type: &str) -> Receipt {
        Receipt {
            delivery_id: DeliveryId::parse("dlv-1").unwrap(),
            webhook_id: WebhookId::parse("wh-1").unwrap(),
            event_id: EventId::parse("evt-1").unwrap(),
            event_type: event_type.into(),
            request_id: "r".into(),
            created_at: Millis(5),
            state: Delivery {
                status: Status::DeadLettered,
                attempts: 3,
                reason: Some(Reason::Exhausted),
                ..Delivery::pending()
            },
            max_attempts: 3,
            delivered_at: None,
            error_message: Some("the receiver answered 500".into()),
            response_body: None,
            held_by: None,
            job: None,
            attempts: vec![],
        }
    }

    #[test]
    fn news_of_a_delivery_is_the_same_however_often_it_is_told() {
        let of = |receipt: &Receipt, effect| {
            Announcement::of_delivery("org", "default".into(), receipt, effect)
        };
        let news = of(&receipt("vote"), Effect::DeadLetter).unwrap();
        assert_eq!(of(&receipt("vote"), Effect::DeadLetter).unwrap(), news);
        assert_eq!(news.data["reason"], "exhausted");
        let mut later = receipt("vote");
        later.state.generation = 1;
        assert_ne!(of(&later, Effect::DeadLetter).unwrap().event_id, news.event_id);
        assert_ne!(of(&receipt("vote"), Effect::AnnounceRecovery).unwrap().event_id, news.event_id);
        assert_eq!(of(&receipt("vote"), Effect::Send), None);
    }

    #[test]
    fn the_failing_of_news_is_no_news() {
        for event_type in ["webhook.disabled", "delivery.dead_lettered", "webhook.anything"] {
            let receipt = receipt(event_type);
            let news = Announcement::of_delivery("org", "p".into(), &receipt, Effect::DeadLetter);
            assert_eq!(news, None, "{event_type}");
        }
    }
}
