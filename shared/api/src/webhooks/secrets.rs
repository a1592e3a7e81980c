//! `/api/webhooks/{webhook_id}/regenerate-secret`, also `/rotate-secret`.

use aragora_core::audit::Action;
use aragora_core::ids::WebhookId;
use aragora_core::rotation::DEFAULT_GRACE_SECONDS;
use aragora_core::time::Millis;
use aragora_webhooks::registry::Registry;
use aragora_webhooks::registry::secrets::Rotation;
use serde_json::json;

use super::webhook_id;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;
use crate::security::Note;

/// The body, all of which may be left out.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Wanted {
    grace_period_seconds: Option<u32>,
    secret: Option<String>,
}

pub(super) async fn rotate(registry: &Registry, call: &Call) -> Result<Reply, ApiError> {
    let wanted: Wanted = call.optional_json()?;
    let rotation = Rotation {
        grace_seconds: wanted.grace_period_seconds.unwrap_or(DEFAULT_GRACE_SECONDS),
        secret: wanted.secret,
    };
    let (org, id) = (call.principal()?.org_id(), webhook_id(call)?);
    let rotated = registry.rotate(org, &id, &rotation, call.now).await?;
    let reply = Reply::ok(&json!({
        "id": id,
        "webhook_id": id,
        "secret": rotated.secret.expose(),
        "old_secret_valid_until": rotated.old_valid_until.map(Millis::rfc3339),
    }))?;
    Ok(note_rotation(reply, &id, rotated.old_valid_until))
}

/// Notes on `reply` that a webhook has another secret; and, when the ones before are not good any
/// more, that too.
pub(super) fn note_rotation(reply: Reply, id: &WebhookId, old: Option<Millis>) -> Reply {
    let rotated = Note::new(Action::SecretRotated).to(id);
    match old {
        Some(until) => reply.noting(rotated.with("old_secret_valid_until", until.rfc3339())),
        None => reply
            .noting(rotated)
            .noting(Note::new(Action::SecretRevoked).to(id).with("cause", "rotated")),
    }
}
