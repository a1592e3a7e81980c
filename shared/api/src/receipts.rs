//! `/api/webhooks/{webhook_id}/receipts` and below, also as `deliveries`.

use aragora_core::catalogue;
use aragora_core::delivery::{AttemptRecord, Receipt, Status};
use aragora_core::ids::DeliveryId;
use aragora_core::time::Millis;
use aragora_webhooks::receipts::{Narrowed, ReceiptDesk, ReceiptError};
use serde_json::{Value, json};

use crate::cursor;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;
use crate::webhooks::webhook_id;

/// Receipts on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;
/// Every state, and the words that stand for several.
const STATUSES: &[(&str, &[Status])] = &[
    ("PENDING", &[Status::Pending]),
    ("IN_PROGRESS", &[Status::InProgress]),
    ("DELIVERED", &[Status::Delivered]),
    ("RETRYING", &[Status::Retrying]),
    ("DEAD_LETTERED", &[Status::DeadLettered]),
    ("pending", &[Status::Pending, Status::InProgress, Status::Retrying]),
    ("delivered", &[Status::Delivered]),
    ("failed", &[Status::DeadLettered]),
];

/// Answers the routes of the `receipts` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(desk: &ReceiptDesk, call: Call) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    match call.route {
        RouteId::ListReceipts => list(desk, &call).await,
        RouteId::GetReceipt => {
            let receipt = desk.get(org, &webhook_id(&call)?, &delivery_id(&call)?).await?;
            Reply::ok(&shown(&receipt))
        }
        RouteId::RetryReceipt => {
            let receipt =
                desk.retry(org, &webhook_id(&call)?, &delivery_id(&call)?, call.now).await?;
            Reply::accepted(&shown(&receipt))
        }
        other => Err(ApiError::internal(format!("{other:?} is not a route of receipts"))),
    }
}

async fn list(desk: &ReceiptDesk, call: &Call) -> Result<Reply, ApiError> {
    let narrowed = Narrowed {
        statuses: statuses(call.query.one("status")?)?,
        event_types: event_types(call.query.one("event_type")?)?,
        since: call.query.time("since")?,
        until: call.query.time("until")?,
        after: cursor::read(&call.query, cursor::Kind::Receipts, place)?,
        limit: call.query.limit(DEFAULT_LIMIT)? as usize,
    };
    let listed =
        desk.list(call.principal()?.org_id(), &webhook_id(call)?, &narrowed, call.now).await?;
    let shown: Vec<_> = listed.receipts.iter().map(shown).collect();
    let next = listed.next.map(|id| cursor::write(cursor::Kind::Receipts, id.as_str()));
    Reply::ok(&json!({"count": shown.len(), "receipts": shown, "next_cursor": next}))
}

pub(crate) fn place(text: &str) -> Option<DeliveryId> {
    DeliveryId::parse(text).filter(|id| id.accepted_at().is_some())
}

fn statuses(wanted: Option<&str>) -> Result<Vec<Status>, ApiError> {
    let Some(wanted) = wanted else { return Ok(vec![]) };
    // `failed` and `FAILED`, `delivered` and `DELIVERED` mean the same; only `pending` does not.
    let known = STATUSES.iter().find(|(name, _)| *name == wanted);
    let known =
        known.or_else(|| STATUSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)));
    known.map(|(_, statuses)| statuses.to_vec()).ok_or_else(|| {
        let names: Vec<_> = STATUSES.iter().map(|(name, _)| *name).collect();
        ApiError::field("status", format!("must be one of {}", names.join(", ")))
    })
}

/// A type in all its spellings: receipts have the one their receiver gets.
pub(crate) fn event_types(wanted: Option<&str>) -> Result<Vec<String>, ApiError> {
    let Some(wanted) = wanted else { return Ok(vec![]) };
    if !catalogue::is_type_name(wanted) {
        return Err(ApiError::field("event_type", "is not an event type"));
    }
    Ok(catalogue::find(wanted).map_or_else(
        || vec![wanted.to_owned()],
        |known| known.aliases.iter().chain([&known.name]).map(ToString::to_string).collect(),
    ))
}

pub(crate) fn delivery_id(call: &Call) -> Result<DeliveryId, ApiError> {
    DeliveryId::parse(call.param("delivery_id")?).ok_or_else(|| ApiError::not_found("delivery"))
}

/// A receipt as it is answered. `response_body` is untrusted text of the receiver's.
pub(crate) fn shown(receipt: &Receipt) -> Value {
    let state = &receipt.state;
    let last = receipt.attempts.last();
    let time = |at: Option<Millis>| at.map(Millis::rfc3339);
    json!({
        "id": receipt.delivery_id,
        "receipt_id": receipt.delivery_id,
        "delivery_id": receipt.delivery_id,
        "webhook_id": receipt.webhook_id,
        "event_id": receipt.event_id,
        "event_type": receipt.event_type,
        "delivery_status": state.status,
        "status": state.status,
        "reason": state.reason,
        "http_status": last.and_then(|attempt| attempt.http_status),
        "attempt_count": state.attempts,
        "max_attempts": receipt.max_attempts,
        "generation": state.generation,
        "latency_ms": last.map(|attempt| attempt.latency_ms),
        "error_message": receipt.error_message,
        "response_body": receipt.response_body,
        "request_id": receipt.request_id,
        "created_at": receipt.created_at.rfc3339(),
        "delivered_at": time(receipt.delivered_at),
        "next_retry_at": time(state.next_attempt_at),
        "attempts": receipt.attempts.iter().map(attempt).collect::<Vec<_>>(),
    })
}

fn attempt(attempt: &AttemptRecord) -> Value {
    json!({
        "attempted_at": attempt.at.rfc3339(),
        "http_status": attempt.http_status,
        "latency_ms": attempt.latency_ms,
        "error_class": attempt.error,
        "trigger": attempt.trigger,
    })
}

impl From<ReceiptError> for ApiError {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::NoWebhook => Self::not_found("webhook"),
            ReceiptError::NoReceipt => Self::not_found("delivery"),
            ReceiptError::UnderWay(_)
            | ReceiptError::WebhookDisabled
            | ReceiptError::WebhookDeleted => Self::conflict(error.to_string()),
            ReceiptError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_state_or_a_word_for_several() {
        assert_eq!(statuses(None).unwrap(), []);
        assert_eq!(statuses(Some("RETRYING")).unwrap(), [Status::Retrying]);
        assert_eq!(statuses(Some("PENDING")).unwrap(), [Status::Pending]);
        assert_eq!(statuses(Some("pending")).unwrap().len(), 3);
        assert_eq!(statuses(Some("failed")).unwrap(), [Status::DeadLettered]);
        assert_eq!(statuses(Some("FAILED")).unwrap(), [Status::DeadLettered]);
        assert_eq!(statuses(Some("dead_lettered")).unwrap(), [Status::DeadLettered]);
        assert!(statuses(Some("lost")).is_err() && statuses(Some("")).is_err());
    }

    #[test]
    fn a_type_is_looked_for_in_every_spelling() {
        let mut spellings = event_types(Some("error")).unwrap();
        spellings.sort();
        assert_eq!(spellings, ["agent.error", "agent_error", "error"]);
        assert_eq!(event_types(Some("custom.type")).unwrap(), ["custom.type"]);
        assert!(event_types(Some("a b")).is_err());
    }
}
