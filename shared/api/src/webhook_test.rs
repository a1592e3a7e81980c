//! `/api/webhooks/{webhook_id}/test`: one delivery now, and what the receiver said to it.

use aragora_core::audit::Action;
use aragora_delivery::classify;
use aragora_delivery::sender::Outcome;
use aragora_delivery::trial::{TrialError, Trials};
use serde_json::json;

use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;
use crate::security::Note;
use crate::webhooks::webhook_id;

/// The body, all of which may be left out.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Wanted {
    event_type: Option<String>,
}

/// Answers the route of the `webhook-test` function.
///
/// # Errors
/// What the caller is told instead. What the receiver says is none.
pub async fn dispatch(trials: &Trials, call: Call) -> Result<Reply, ApiError> {
    match call.route {
        RouteId::TestWebhook => test(trials, &call).await,
        other => Err(ApiError::internal(format!("{other:?} is not a route of webhook-test"))),
    }
}

async fn test(trials: &Trials, call: &Call) -> Result<Reply, ApiError> {
    let wanted: Wanted = call.optional_json()?;
    let (org, id) = (call.principal()?.org_id(), webhook_id(call)?);
    let event_type = wanted.event_type.as_deref();
    let trial = trials.run(org, &id, event_type, &call.request_id, call.now).await?;
    let success = trial.attempt.is_success();
    let reply = Reply::ok(&json!({
        "success": success,
        "status": if success { "delivered" } else { "failed" },
        "status_code": trial.attempt.status(),
        "latency_ms": trial.attempt.latency_ms,
        "error": classify::error_message(&trial.attempt),
        "delivery_id": trial.delivery_id,
        "webhook_id": id,
        "event_type": trial.event_type,
    }))?;
    Ok(match &trial.attempt.outcome {
        Outcome::Failed(failure) if failure.is_refusal() => {
            let rule = failure.class.as_str();
            reply.noting(Note::new(Action::UrlBlocked).to(&id).with("rule", rule))
        }
        Outcome::Answered(_) | Outcome::Failed(_) => reply,
    })
}

impl From<TrialError> for ApiError {
    fn from(error: TrialError) -> Self {
        match error {
            TrialError::NotFound => Self::not_found("webhook"),
            TrialError::EventType => Self::field("event_type", error.to_string()),
            TrialError::Store(error) => error.into(),
            TrialError::Unseal(_) | TrialError::Prepare(_) | TrialError::Example(_) => {
                Self::internal(error)
            }
        }
    }
}
