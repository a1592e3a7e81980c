//! `/api/webhooks/{webhook_id}/regenerate-secret`, also `/rotate-secret`.

use aragora_core::rotation::DEFAULT_GRACE_SECONDS;
use aragora_core::time::Millis;
use aragora_webhooks::registry::Registry;
use aragora_webhooks::registry::secrets::Rotation;
use serde_json::{Value, json};

use super::webhook_id;
use crate::body;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;

/// The body, all of which may be left out.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Wanted {
    grace_period_seconds: Option<u32>,
    secret: Option<String>,
}

pub(super) async fn rotate(registry: &Registry, call: &Call) -> Result<Reply, ApiError> {
    let wanted: Wanted = body::read(Value::Object(call.optional_object()?), "")
        .map_err(|problem| ApiError::invalid(vec![problem]))?;
    let rotation = Rotation {
        grace_seconds: wanted.grace_period_seconds.unwrap_or(DEFAULT_GRACE_SECONDS),
        secret: wanted.secret,
    };
    let (org, id) = (call.principal()?.org_id(), webhook_id(call)?);
    let rotated = registry.rotate(org, &id, &rotation, call.now).await?;
    Reply::ok(&json!({
        "id": id,
        "webhook_id": id,
        "secret": rotated.secret.expose(),
        "old_secret_valid_until": rotated.old_valid_until.map(Millis::rfc3339),
    }))
}
