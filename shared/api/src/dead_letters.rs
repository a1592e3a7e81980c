//! `/api/webhooks/dead-letter` and below, also as `dead-letters`.

use aragora_core::ids::WebhookId;
use aragora_webhooks::dead_letters::{Dead, DeadLetterDesk, NarrowedDead};
use serde_json::{Value, json};

use crate::cursor;
use crate::error::ApiError;
use crate::events::shown_event;
use crate::receipts::{delivery_id, event_types, place, shown as shown_receipt};
use crate::reply::{Reply, with};
use crate::request::Call;
use crate::routes::RouteId;

/// Dead letters on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;

/// Answers the routes of dead letters.
///
/// # Errors
/// What the caller is told instead.
pub(crate) async fn dispatch(desk: &DeadLetterDesk, call: Call) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    match call.route {
        RouteId::ListDeadLetters => list(desk, &call).await,
        RouteId::GetDeadLetter => {
            let (dead, event) = desk.inspect(org, &delivery_id(&call)?, call.now).await?;
            let event = event.as_ref().map_or(Value::Null, shown_event);
            Reply::ok(&with(shown(&dead), "event", event))
        }
        RouteId::RetryDeadLetter => {
            let receipt = desk.retry(org, &delivery_id(&call)?, call.now).await?;
            Reply::accepted(&shown_receipt(&receipt))
        }
        RouteId::DeleteDeadLetter => {
            let id = delivery_id(&call)?;
            desk.discard(org, &id, call.now).await?;
            Reply::ok(&json!({"deleted": true, "delivery_id": id}))
        }
        other => Err(ApiError::internal(format!("{other:?} is not a route of redeliveries"))),
    }
}

async fn list(desk: &DeadLetterDesk, call: &Call) -> Result<Reply, ApiError> {
    let narrowed = NarrowedDead {
        webhook_id: call.query.one("webhook_id")?.map(webhook_id).transpose()?,
        event_types: event_types(call.query.one("event_type")?)?,
        since: call.query.time("since")?,
        until: call.query.time("until")?,
        after: cursor::read(&call.query, cursor::Kind::DeadLetters, place)?,
        limit: call.query.limit(DEFAULT_LIMIT)? as usize,
    };
    let page = desk.list(call.principal()?.org_id(), &narrowed, call.now).await?;
    let shown: Vec<_> = page.letters.iter().map(shown).collect();
    let next = page.next.map(|id| cursor::write(cursor::Kind::DeadLetters, id.as_str()));
    Reply::ok(&json!({"count": shown.len(), "dead_letters": shown, "next_cursor": next}))
}

fn webhook_id(text: &str) -> Result<WebhookId, ApiError> {
    WebhookId::parse(text).ok_or_else(|| ApiError::field("webhook_id", "is not a webhook's id"))
}

fn shown(dead: &Dead) -> Value {
    with(shown_receipt(&dead.receipt), "dead_lettered_at", dead.at.rfc3339().into())
}
