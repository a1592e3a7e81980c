//! `/api/health`, for anybody.

use aragora_core::time::Millis;
use aragora_store::events::Events;
use http::StatusCode;
use serde_json::json;

use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;

/// What the `health` function stands on.
#[derive(Debug, Clone)]
pub struct HealthApp {
    /// The table whose answer is the check.
    pub events: Events,
    /// The release that is running.
    pub version: String,
    /// When this process started.
    pub started_at: Millis,
}

/// Answers the routes of the `health` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(app: &HealthApp, call: Call) -> Result<Reply, ApiError> {
    match call.route {
        RouteId::Health => health(app, &call).await,
        other => Err(ApiError::internal(format!("{other:?} is not a route of health"))),
    }
}

/// Half a read unit. `uptime` is that of the process that answers: a function that is called
/// seldom is always young.
async fn health(app: &HealthApp, call: &Call) -> Result<Reply, ApiError> {
    let tables = app.events.answers().await;
    if let Err(error) = &tables {
        tracing::error!(
            error = error as &dyn std::error::Error,
            "the health check's table does not answer"
        );
    }
    let uptime = call.now.since(app.started_at) / 1_000;
    let (status, word) = if tables.is_ok() {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    };
    let answer = json!({
        "status": word,
        "version": app.version,
        "uptime": uptime,
        "uptime_seconds": uptime,
        "checks": {"database": tables.is_ok()},
        "timestamp": call.now.rfc3339(),
    });
    Reply::json(status, &answer)
}
