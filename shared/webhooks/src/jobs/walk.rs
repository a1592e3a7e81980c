//! Finding the deliveries that a job is about, page by page, oldest first. Only reads.

use std::collections::HashMap;

use aragora_core::filters::Subject;
use aragora_core::ids::{DeliveryId, EventId};
use aragora_core::redelivery::{
    DeadLetterScope, JobPage, RecoverScope, Scope, Target, Unattempted,
};
use aragora_core::time::{Clock, Millis};
use aragora_core::{catalogue, pyjson};
use aragora_store::StoreError;
use aragora_store::events::{Events, ListedEvent};
use aragora_store::receipts::{
    DeadLetter, DeadLetterKey, DeadLetterQuery, Direction, ReceiptKey, Receipts, StoredReceipt,
};
use aragora_store::registrations::{Registrations, Webhook};
use thiserror::Error;

/// Dead letters on a page: as many as are written in one request.
const DEAD_LETTER_PAGE: usize = 25;
/// Events on a page, of which usually few are to be sent again.
const EVENT_PAGE: i32 = 100;
/// Pages that are counted at most.
const COUNTED_PAGES: usize = 80;
/// How long a count may take, in milliseconds; what was counted until then is the answer.
const COUNTING_MS: i64 = 5_000;

/// Where what jobs are about is looked up.
#[derive(Debug, Clone)]
pub struct Walk {
    /// Where webhooks are kept.
    pub registrations: Registrations,
    /// Where what became of deliveries is kept, and the list of dead letters.
    pub receipts: Receipts,
    /// Where events are kept.
    pub events: Events,
    /// The time.
    pub clock: Clock,
}

/// Why there is nothing to walk through.
#[derive(Debug, Error)]
pub enum WalkError {
    /// There is no such webhook in the organisation.
    #[error("there is no such webhook")]
    NoWebhook,
    /// Nothing is sent to a webhook that is switched off.
    #[error("the webhook is disabled")]
    WebhookDisabled,
    /// A table did not answer.
    #[error("a table did not answer")]
    Store(#[from] StoreError),
}

/// How many deliveries a job would start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// As many as were found.
    pub total: u64,
    /// Whether everything was gone through.
    pub complete: bool,
}

impl Walk {
    /// The page of a job after `cursor`. Of dead letters, half a read unit for twenty and one for
    /// each receipt; of events, half a read unit for twenty, one for the receipt of each that
    /// matches and, where the webhook has filters, half of one per 4 KB of each.
    ///
    /// # Errors
    /// [`WalkError::NoWebhook`] and [`WalkError::WebhookDisabled`] only for a recovery.
    pub async fn page(
        &self,
        org: &str,
        scope: &Scope,
        cursor: Option<&str>,
    ) -> Result<JobPage, WalkError> {
        match scope {
            Scope::DeadLetters(scope) if scope.delivery_ids.is_empty() => {
                Ok(self.listed(org, scope, cursor).await?)
            }
            Scope::DeadLetters(scope) => Ok(self.named(org, scope, cursor).await?),
            Scope::Recover(scope) => self.missed(org, scope, cursor).await,
        }
    }

    /// How many deliveries a job would start, or fail to: at most 80 pages and five seconds of
    /// counting.
    ///
    /// # Errors
    /// As [`Walk::page`].
    pub async fn count(&self, org: &str, scope: &Scope) -> Result<Counted, WalkError> {
        let started = (self.clock)();
        let mut total = 0;
        let mut cursor: Option<String> = None;
        for _ in 0..COUNTED_PAGES {
            let page = self.page(org, scope, cursor.as_deref()).await?;
            total += page.missing + u64::try_from(page.targets.len()).unwrap_or(u64::MAX);
            cursor = page.next;
            if cursor.is_none() {
                return Ok(Counted { total, complete: true });
            }
            if (self.clock)().since(started) > COUNTING_MS {
                break;
            }
        }
        Ok(Counted { total, complete: false })
    }

    /// Dead letters from the list.
    async fn listed(
        &self,
        org: &str,
        scope: &DeadLetterScope,
        cursor: Option<&str>,
    ) -> Result<JobPage, StoreError> {
        let event_types: Vec<&str> = scope.event_types.iter().map(String::as_str).collect();
        let after = cursor.and_then(DeliveryId::parse);
        let query = DeadLetterQuery {
            org,
            webhook_id: scope.webhook_id.as_ref(),
            event_types: &event_types,
            since: scope.since,
            until: scope.until,
            after: after.as_ref(),
            limit: DEAD_LETTER_PAGE,
            direction: Direction::OldestFirst,
            now: (self.clock)(),
        };
        let page = self.receipts.dead_letters(&query).await?;
        let targets = self.still_dead(org, page.letters).await?;
        Ok(JobPage { targets, missing: 0, next: page.next.map(|id| id.as_str().to_owned()) })
    }

    /// Dead letters that the request named; the cursor counts them.
    async fn named(
        &self,
        org: &str,
        scope: &DeadLetterScope,
        cursor: Option<&str>,
    ) -> Result<JobPage, StoreError> {
        let from = cursor.and_then(|cursor| cursor.parse::<usize>().ok()).unwrap_or_default();
        let ids = scope.delivery_ids.iter().skip(from).take(DEAD_LETTER_PAGE);
        let keys: Vec<_> =
            ids.map(|id| DeadLetterKey { org: org.to_owned(), delivery_id: id.clone() }).collect();
        let mut letters = self.receipts.dead_letters_named(&keys, (self.clock)()).await?;
        letters.retain(|letter| is_meant(letter, scope));
        let targets = self.still_dead(org, letters).await?;
        let missing = u64::try_from(keys.len() - targets.len()).unwrap_or_default();
        let to = from + keys.len();
        let next = (to < scope.delivery_ids.len()).then(|| to.to_string());
        Ok(JobPage { targets, missing, next })
    }

    /// Those whose receipts say so: the list is written after them.
    async fn still_dead(
        &self,
        org: &str,
        letters: Vec<DeadLetter>,
    ) -> Result<Vec<Target>, StoreError> {
        let keys: Vec<_> = letters
            .iter()
            .map(|it| ReceiptKey::new(org, &it.webhook_id, &it.delivery_id))
            .collect();
        let receipts = by_delivery(self.receipts.get_many(&keys).await?);
        let is_dead = |letter: &DeadLetter| {
            receipts.get(&letter.delivery_id).is_some_and(|it| it.receipt.state.is_dead_letter())
        };
        let dead = letters.into_iter().filter(is_dead).map(|letter| Target {
            webhook_id: letter.webhook_id,
            delivery_id: letter.delivery_id,
            unattempted: None,
        });
        Ok(dead.collect())
    }

    /// What a webhook did not get.
    async fn missed(
        &self,
        org: &str,
        scope: &RecoverScope,
        cursor: Option<&str>,
    ) -> Result<JobPage, WalkError> {
        let webhook =
            self.registrations.get(org, &scope.webhook_id).await?.ok_or(WalkError::NoWebhook)?;
        if !webhook.enabled {
            return Err(WalkError::WebhookDisabled);
        }
        let (events, next) =
            self.events.accepted_between(org, scope.since, scope.until, cursor, EVENT_PAGE).await?;
        let matched = events.iter().filter_map(|event| subscribed(event, &webhook, scope));
        let matched = self.filtered(org, &webhook, matched.collect()).await?;
        let deliveries: Vec<(DeliveryId, Unattempted)> = matched
            .into_iter()
            .map(|(event, spelling)| {
                let id = DeliveryId::of(org, &event.id, &webhook.id, event.accepted_at);
                let event_id = event.id.clone();
                (id, Unattempted { event_id, event_type: spelling.to_owned() })
            })
            .collect();
        let keys: Vec<_> =
            deliveries.iter().map(|(id, _)| ReceiptKey::new(org, &webhook.id, id)).collect();
        let receipts = by_delivery(self.receipts.get_many(&keys).await?);
        let targets = deliveries.into_iter().filter_map(|(delivery_id, event)| {
            let state = receipts.get(&delivery_id).map(|stored| &stored.receipt.state);
            let unattempted = match state {
                None => Some(event),
                Some(state) if state.is_dead_letter() => None,
                Some(_) => return None,
            };
            Some(Target { webhook_id: webhook.id.clone(), delivery_id, unattempted })
        });
        Ok(JobPage { targets: targets.collect(), missing: 0, next })
    }

    /// Those that pass the webhook's filters; what they contain is only read when it has any.
    async fn filtered<'a>(
        &self,
        org: &str,
        webhook: &Webhook,
        matched: Vec<(&'a ListedEvent, &'a str)>,
    ) -> Result<Vec<(&'a ListedEvent, &'a str)>, StoreError> {
        let subscription = webhook.subscription();
        if !subscription.has_filters() {
            return Ok(matched);
        }
        let ids: Vec<_> =
            matched.iter().map(|(event, _)| (org.to_owned(), event.id.clone())).collect();
        let stored: HashMap<EventId, String> = self
            .events
            .get_many(&ids, false)
            .await?
            .into_iter()
            .map(|event| (event.id, event.data))
            .collect();
        let passes = |(event, _): &(&ListedEvent, &str)| {
            stored.get(&event.id).is_some_and(|data| {
                subscription.passes(&Subject {
                    event_type: &event.event_type,
                    debate_id: event.debate_id.as_deref(),
                    project: &event.project,
                    data: &pyjson::parse(data.as_bytes()).unwrap_or_default(),
                })
            })
        };
        Ok(matched.into_iter().filter(passes).collect())
    }
}

/// The event and the spelling in which the webhook gets it, when it does and the job wants it.
fn subscribed<'a>(
    event: &'a ListedEvent,
    webhook: &'a Webhook,
    scope: &RecoverScope,
) -> Option<(&'a ListedEvent, &'a str)> {
    let is_wanted = scope.event_types.is_empty()
        || catalogue::spelling_for(&event.event_type, &scope.event_types).is_some();
    let spelling = webhook.subscription().spelling(&event.project, &event.event_type)?;
    is_wanted.then_some((event, spelling))
}

fn is_meant(letter: &DeadLetter, scope: &DeadLetterScope) -> bool {
    let accepted = letter.delivery_id.accepted_at().unwrap_or(Millis(0));
    scope.webhook_id.as_ref().is_none_or(|wanted| *wanted == letter.webhook_id)
        && (scope.event_types.is_empty() || scope.event_types.contains(&letter.event_type))
        && scope.since.is_none_or(|since| accepted >= since)
        && scope.until.is_none_or(|until| accepted < until)
}

/// Whether it was given up, and nobody deleted it since: that is an order not to send it.
pub(super) fn by_delivery(stored: Vec<StoredReceipt>) -> HashMap<DeliveryId, StoredReceipt> {
    stored.into_iter().map(|stored| (stored.receipt.delivery_id.clone(), stored)).collect()
}
