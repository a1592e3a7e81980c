//! The `redeliveries` function: [dead letters](dead_letters) one by one, and [jobs] that send many
//! deliveries again.

use aragora_webhooks::dead_letters::DeadLetterDesk;
use aragora_webhooks::jobs::desk::JobDesk;

use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;
use crate::{dead_letters, jobs};

/// What the function stands on.
#[derive(Debug, Clone)]
pub struct RedeliveriesApp {
    /// Dead letters one by one.
    pub dead_letters: DeadLetterDesk,
    /// Many at once.
    pub jobs: JobDesk,
}

/// Answers the routes of the `redeliveries` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(app: &RedeliveriesApp, call: Call) -> Result<Reply, ApiError> {
    match call.route {
        RouteId::RetryDeadLetters
        | RouteId::RecoverWebhook
        | RouteId::ListJobs
        | RouteId::GetJob
        | RouteId::CancelJob => jobs::answer(&app.jobs, &call).await,
        _ => dead_letters::dispatch(&app.dead_letters, call).await,
    }
}
