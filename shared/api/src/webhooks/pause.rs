//! `/api/webhooks/pause-all` and `/api/webhooks/resume-all`.

use aragora_core::ids::is_key_safe;
use aragora_webhooks::registry::Registry;
use serde_json::json;

use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;

/// The body, all of which may be left out.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Wanted {
    project_id: Option<String>,
}

pub(super) async fn pause(registry: &Registry, call: &Call) -> Result<Reply, ApiError> {
    let (org, project) = (call.principal()?.org_id(), project(call)?);
    let paused = registry.pause_all(org, project.as_deref(), call.now).await?;
    Reply::ok(&json!({"paused": paused, "project_id": project}))
}

pub(super) async fn resume(registry: &Registry, call: &Call) -> Result<Reply, ApiError> {
    let (org, project) = (call.principal()?.org_id(), project(call)?);
    let resumed = registry.resume_all(org, project.as_deref(), call.now).await?;
    Reply::ok(&json!({"resumed": resumed, "project_id": project}))
}

/// The project that is meant; `None` for all of them.
fn project(call: &Call) -> Result<Option<String>, ApiError> {
    let wanted: Wanted = call.optional_json()?;
    match wanted.project_id {
        Some(project) if !is_key_safe(&project) => Err(ApiError::field(
            "project_id",
            "must be 1 to 128 letters, digits or any of _ . : @ -",
        )),
        project => Ok(project),
    }
}
