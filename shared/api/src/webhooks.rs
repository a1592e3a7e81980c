//! `/api/webhooks` and `/api/webhooks/{webhook_id}`; the way to [`catalogue`] and to the rest of
//! what is done to webhooks.

mod bulk;
mod circuits;
mod pause;
mod secrets;

use aragora_core::audit::Action;
use aragora_core::ids::WebhookId;
use aragora_core::rotation;
use aragora_core::time::Millis;
use aragora_store::registrations::Webhook;
use aragora_webhooks::registry::{Registered, Registry, RegistryError};
use aragora_webhooks::wish::{Problem, Wish};
use serde_json::{Map, Value, json};

use crate::body;
use crate::catalogue;
use crate::cursor;
use crate::error::{ApiError, FieldError};
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;
use crate::security::Note;

/// Names that the published clients use for fields of ours.
const SYNONYMS: &[(&str, &str)] = &[("events", "event_types"), ("active", "enabled")];
/// Webhooks on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;

/// Answers the routes of the `webhooks` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(registry: &Registry, call: Call) -> Result<Reply, ApiError> {
    match call.route {
        RouteId::CreateWebhook => create(registry, &call).await,
        RouteId::ListWebhooks => list(registry, &call).await,
        RouteId::GetWebhook => {
            let webhook = registry.get(call.principal()?.org_id(), &webhook_id(&call)?).await?;
            Reply::ok(&shown(&webhook, registry, call.now))
        }
        RouteId::UpdateWebhook => {
            let wish = read_wish(&call)?;
            let sets_secret = wish.secret.is_some();
            let (org, id) = (call.principal()?.org_id(), webhook_id(&call)?);
            let webhook = registry.change(org, &id, wish, call.now).await?;
            let reply = Reply::ok(&shown(&webhook, registry, call.now))?;
            // A secret that is set is the only one from then on.
            Ok(if sets_secret { secrets::note_rotation(reply, &id, None) } else { reply })
        }
        RouteId::DeleteWebhook => {
            let id = webhook_id(&call)?;
            registry.delete(call.principal()?.org_id(), &id, call.now).await?;
            let reply = Reply::ok(&json!({"deleted": true, "id": id, "webhook_id": id}))?;
            Ok(reply.noting(Note::new(Action::SecretRevoked).to(&id).with("cause", "deleted")))
        }
        RouteId::CreateWebhooks => bulk::create(registry, &call).await,
        RouteId::PauseWebhooks => pause::pause(registry, &call).await,
        RouteId::ResumeWebhooks => pause::resume(registry, &call).await,
        RouteId::ListCircuits => circuits::list(registry, &call).await,
        RouteId::RotateSecret => secrets::rotate(registry, &call).await,
        RouteId::ListEventTypes => catalogue::event_types(&call),
        RouteId::ListEventCategories => catalogue::categories(),
        other => Err(ApiError::internal(format!("{other:?} is not a route of webhooks"))),
    }
}

async fn create(registry: &Registry, call: &Call) -> Result<Reply, ApiError> {
    let wish = read_wish(call)?;
    let registered = registry.register(call.principal()?.org_id(), wish, call.now).await?;
    let reply = Reply::created(&created(&registered, registry, call.now))?;
    Ok(reply.noting(note_of(&registered)))
}

/// That a new webhook has a secret.
fn note_of(registered: &Registered) -> Note {
    let webhook = &registered.webhook;
    Note::new(Action::SecretCreated).to(&webhook.id).with("project_id", &webhook.config.project)
}

/// A new webhook with its secret, for the only time that it is shown.
fn created(registered: &Registered, registry: &Registry, now: Millis) -> Map<String, Value> {
    let mut answer = shown(&registered.webhook, registry, now);
    answer.insert("secret".to_owned(), registered.secret.expose().into());
    answer
}

async fn list(registry: &Registry, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(DEFAULT_LIMIT)? as usize;
    let active_only = call.query.flag("active_only")?.unwrap_or(false);
    let after = cursor::read(&call.query, cursor::Kind::Webhooks, WebhookId::parse)?;
    let org = call.principal()?.org_id();
    let (webhooks, next) = registry.list(org, active_only, after.as_ref(), limit).await?;
    let shown: Vec<_> = webhooks.iter().map(|webhook| shown(webhook, registry, call.now)).collect();
    let next = next.map(|id| cursor::write(cursor::Kind::Webhooks, id.as_str()));
    Reply::ok(&json!({"count": shown.len(), "webhooks": shown, "next_cursor": next}))
}

/// The id in the path. What cannot be an id is nobody's: 404 like any other unknown one.
pub(crate) fn webhook_id(call: &Call) -> Result<WebhookId, ApiError> {
    WebhookId::parse(call.param("webhook_id")?).ok_or_else(|| ApiError::not_found("webhook"))
}

fn read_wish(call: &Call) -> Result<Wish, ApiError> {
    wish_from(call.json_object()?)
}

fn wish_from(mut fields: Map<String, Value>) -> Result<Wish, ApiError> {
    for &(synonym, name) in SYNONYMS {
        if let Some(value) = fields.shift_remove(synonym) {
            fields.entry(name).or_insert(value);
        }
    }
    // A derived reader would take a list of its fields in order as well; nobody means that.
    if fields.get("retry_policy").is_some_and(|policy| !policy.is_object() && !policy.is_null()) {
        return Err(ApiError::field("retry_policy", "must be an object"));
    }
    body::read(Value::Object(fields), "").map_err(|problem| ApiError::invalid(vec![problem]))
}

/// What of a webhook may be shown to anybody who may read it: no secret, no header's value.
fn shown(webhook: &Webhook, registry: &Registry, now: Millis) -> Map<String, Value> {
    let (config, health) = (&webhook.config, &webhook.health);
    let time = |at: Option<Millis>| at.map(Millis::rfc3339);
    let headers: Map<String, Value> =
        config.header_names.iter().map(|name| (name.clone(), "***".into())).collect();
    let old_secrets: Vec<String> =
        rotation::live(&config.old_secrets, now).map(|old| old.valid_until.rfc3339()).collect();
    let shown = json!({
        "id": webhook.id,
        "webhook_id": webhook.id,
        "project_id": config.project,
        "url": config.url,
        "event_types": config.event_types,
        "events": config.event_types,
        "enabled": webhook.enabled,
        "active": webhook.enabled,
        "disabled_reason": webhook.disabled_reason,
        "name": config.name,
        "description": config.description,
        "headers": headers,
        "secret_count": old_secrets.len() + 1,
        "old_secrets_valid_until": old_secrets,
        "filters": config.filters,
        "retry_policy": config.retry_policy.unwrap_or(registry.default_policy),
        "rate_limit_per_second": config.rate_limit_per_second,
        "metadata": config.metadata,
        "failure_count": health.circuit.failures,
        "circuit_state": health.circuit.state(now).as_str(),
        "last_triggered_at": time(health.last_triggered_at),
        "last_success_at": time(health.last_success_at),
        "last_failure_at": time(health.last_failure_at),
        "last_failure_reason": health.last_failure_reason,
        "created_at": config.created_at.rfc3339(),
        "updated_at": webhook.updated_at.rfc3339(),
    });
    match shown {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Invalid(problems) => {
                let refusal = problems.iter().find_map(|problem| problem.refusal);
                let field = |it: Problem| FieldError::new(it.field, it.message);
                let error = Self::invalid(problems.into_iter().map(field).collect());
                // Never the URL: people put credentials into it.
                match refusal.filter(|refusal| refusal.is_suspicious()) {
                    Some(refusal) => {
                        error.noting(Note::new(Action::UrlBlocked).with("rule", refusal.rule()))
                    }
                    None => error,
                }
            }
            RegistryError::NotFound => Self::not_found("webhook"),
            RegistryError::Contended => {
                Self::conflict("the webhook is being changed by somebody else")
            }
            RegistryError::TooManySecrets(_) => {
                Self::conflict(error.to_string()).with_code("too_many_secrets")
            }
            RegistryError::Store(error) => error.into(),
            error @ (RegistryError::Random(_) | RegistryError::Seal(_)) => Self::internal(error),
        }
    }
}
