//! One delivery that a user asks for, to see whether the receiver takes it.
//!
//! It looks like any other and goes through the same sender, under the same rules for URLs. But it
//! is made now, once, and leaves nothing behind: no receipt, no count, no retry. So it goes to a
//! disabled webhook too, past its circuit and its rate limit.

use std::time::Duration;

use aragora_core::catalogue::{self, EventType};
use aragora_core::delivery::{Order, RetryPolicy};
use aragora_core::ids::{DeliveryId, EventId, WebhookId};
use aragora_core::pyjson;
use aragora_core::time::Millis;
use aragora_queue::message::{Deliver, InlineEvent};
use aragora_store::StoreError;
use aragora_store::registrations::{Registrations, Webhook};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::prepare::{Ingredients, PrepareError, prepare};
use crate::sealed::UnsealError;
use crate::sender::{Attempt, OutgoingRequest, Sender};
use crate::vault::Vault;

/// The longest wait for the receiver, whatever its webhook's policy says: the answer to whoever
/// asked has to be in time as well.
const LONGEST: Duration = Duration::from_secs(10);
/// What is sent when neither the caller nor the webhook names a type.
const DEFAULT_TYPE: &str = "debate.completed";
/// What tells the receiver that nothing really happened.
const MARK: &str = "test";

/// Makes trial deliveries.
#[derive(Debug)]
pub struct Trials {
    /// Where webhooks are kept.
    pub registrations: Registrations,
    /// Sends.
    pub sender: Sender,
    /// Opens secrets.
    pub vault: Vault,
    /// For webhooks without a policy of their own.
    pub default_policy: RetryPolicy,
}

/// What came of a trial.
#[derive(Debug)]
pub struct Trial {
    /// Its delivery. Nothing is kept under this id.
    pub delivery_id: DeliveryId,
    /// The type that was sent, in the receiver's spelling.
    pub event_type: String,
    /// What the receiver did.
    pub attempt: Attempt,
}

/// Why there was no trial.
#[derive(Debug, Error)]
pub enum TrialError {
    /// There is no such webhook in the organisation.
    #[error("there is no such webhook")]
    NotFound,
    /// The type is neither known nor subscribed to.
    #[error("unknown: neither a known event type nor one the webhook is subscribed to")]
    EventType,
    /// The table did not answer.
    #[error("the webhook could not be read")]
    Store(#[from] StoreError),
    /// Its secret or headers do not open.
    #[error("the webhook cannot be signed for")]
    Unseal(#[from] UnsealError),
    /// What is stored is not as it was checked to be.
    #[error("the request cannot be put together")]
    Prepare(#[from] PrepareError),
    /// An example of ours cannot be printed.
    #[error("the example cannot be printed")]
    Example(#[from] pyjson::DumpError),
}

impl Trials {
    /// Sends an event of `event_type` to a webhook, and waits for what comes of it, 10 seconds at
    /// most. One read unit. Whatever the receiver does is an outcome and no error.
    ///
    /// # Errors
    /// When there is nothing to be sent, or nowhere.
    pub async fn run(
        &self,
        org: &str,
        id: &WebhookId,
        event_type: Option<&str>,
        request_id: &str,
        now: Millis,
    ) -> Result<Trial, TrialError> {
        let webhook = self.registrations.get(org, id).await?.ok_or(TrialError::NotFound)?;
        let patterns = &webhook.config.event_types;
        let event_type = spelling(event_type, patterns).ok_or(TrialError::EventType)?;
        let event = example(&event_type, &webhook, now)?;
        let order = order(&webhook, event_type, request_id, now);
        let unsealed = self.vault.unseal(&webhook, now)?;
        let prepared = prepare(&Ingredients {
            order: &order,
            event: &event,
            secrets: &unsealed.secrets,
            headers: &unsealed.headers,
            attempt: 1,
            now,
        })?;
        let policy = webhook.config.retry_policy.unwrap_or(self.default_policy);
        let patience = u64::try_from(policy.timeout_ms()).unwrap_or_default();
        let request = OutgoingRequest {
            url: &webhook.config.url,
            headers: prepared.headers,
            body: prepared.body,
            timeout: Duration::from_millis(patience).min(LONGEST),
        };
        let attempt = self.sender.send(request).await;
        Ok(Trial { delivery_id: order.delivery_id, event_type: order.event_type, attempt })
    }
}

/// The type to send, in the spelling that a webhook with these patterns gets; `None` when it is
/// neither known nor subscribed to.
fn spelling(wanted: Option<&str>, patterns: &[String]) -> Option<String> {
    let Some(wanted) = wanted else {
        let concrete = patterns.iter().find(|pattern| !pattern.contains('*'));
        return Some(concrete.map_or_else(|| DEFAULT_TYPE.to_owned(), Clone::clone));
    };
    let known = catalogue::find(wanted).map(|_| wanted);
    let subscribed =
        catalogue::is_type_name(wanted).then(|| catalogue::spelling_for(wanted, patterns));
    subscribed.flatten().or(known).map(ToOwned::to_owned)
}

/// An event as its publisher would send it, marked as a test.
fn example(
    event_type: &str,
    webhook: &Webhook,
    now: Millis,
) -> Result<InlineEvent, pyjson::DumpError> {
    let known = catalogue::find(event_type);
    let mut data = known.map_or_else(|| Value::Object(Map::new()), EventType::data_example);
    if let Some(data) = data.as_object_mut() {
        data.insert(MARK.to_owned(), true.into());
    }
    let debate_id =
        known.and_then(|known| Some(known.example().get("debate_id")?.as_str()?.to_owned()));
    Ok(InlineEvent {
        project: webhook.config.project.clone(),
        event_type: event_type.to_owned(),
        debate_id,
        timestamp: now.rfc3339(),
        accepted_at: now,
        data: pyjson::dumps(&data)?,
    })
}

fn order(webhook: &Webhook, event_type: String, request_id: &str, now: Millis) -> Deliver {
    let event_id = EventId::mint_test(now);
    Deliver {
        org: webhook.org.clone(),
        delivery_id: DeliveryId::of(&webhook.org, &event_id, &webhook.id, now),
        webhook_id: webhook.id.clone(),
        event_id,
        event_type,
        accepted_at: now,
        request_id: request_id.to_owned(),
        order: Order::Attempt,
        generation: 0,
        has_receipt: false,
        job: None,
        inline: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_what_the_webhook_would_get() {
        for (wanted, patterns, sent) in [
            (None, &["*"][..], Some("debate.completed")),
            (None, &["debate.*", "vote"], Some("vote")),
            (None, &["debate_end"], Some("debate_end")),
            (Some("debate.completed"), &["debate_end"], Some("debate_end")),
            (Some("debate_end"), &["*"], Some("debate.completed")),
            (Some("vote"), &["debate_end"], Some("vote")),
            (Some("webhook.disabled"), &["*"], Some("webhook.disabled")),
            (Some("custom.thing"), &["custom.*"], Some("custom.thing")),
            (Some("custom.thing"), &["vote"], None),
            (Some("*"), &["*"], None),
            (Some(""), &["*"], None),
            (Some("not a type"), &["*"], None),
        ] {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            assert_eq!(spelling(wanted, &patterns).as_deref(), sent, "{wanted:?} to {patterns:?}");
        }
    }
}
