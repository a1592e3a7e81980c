//! `/api/system/circuit-breakers`, also `/api/circuit-breakers`: for administrators.

use aragora_core::delivery::circuit::CircuitState;
use aragora_core::ids::WebhookId;
use aragora_core::time::Millis;
use aragora_store::registrations::Webhook;
use aragora_webhooks::registry::Registry;
use aragora_webhooks::registry::circuits::Place;
use serde_json::{Value, json};

use crate::cursor;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;

/// Circuits on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;
/// How a place begins among those that are not closed, and among those that are.
const HALVES: [(&str, bool); 2] = [("held:", false), ("closed:", true)];

pub(super) async fn list(registry: &Registry, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(DEFAULT_LIMIT)? as usize;
    let only = call.query.one("state")?.map(state).transpose()?;
    let from = cursor::read(&call.query, cursor::Kind::Circuits, place)?;
    let org = call.principal()?.org_id();
    let (webhooks, next) = registry.circuits(org, only, from, limit, call.now).await?;
    let is_open = |it: &&Webhook| matches!(it.health.circuit.state(call.now), CircuitState::Open);
    let open = webhooks.iter().filter(is_open).count();
    let shown: Vec<Value> = webhooks.iter().map(|webhook| shown(webhook, call.now)).collect();
    Reply::ok(&json!({
        "count": shown.len(),
        "circuit_breakers": shown,
        "open": open,
        "next_cursor": next.map(|place| cursor::write(cursor::Kind::Circuits, &written(&place))),
    }))
}

fn state(text: &str) -> Result<CircuitState, ApiError> {
    let known = [CircuitState::Closed, CircuitState::Open, CircuitState::HalfOpen];
    known
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| ApiError::field("state", "must be closed, open or half_open"))
}

fn written(place: &Place) -> String {
    let [(held, _), (closed, _)] = HALVES;
    let after = place.after.as_ref().map(WebhookId::as_str).unwrap_or_default();
    format!("{}{after}", if place.closed { closed } else { held })
}

fn place(text: &str) -> Option<Place> {
    let (after, closed) =
        HALVES.into_iter().find_map(|(half, closed)| Some((text.strip_prefix(half)?, closed)))?;
    let after = if after.is_empty() { None } else { Some(WebhookId::parse(after)?) };
    Some(Place { closed, after })
}

fn shown(webhook: &Webhook, now: Millis) -> Value {
    let (health, circuit) = (&webhook.health, &webhook.health.circuit);
    json!({
        "name": webhook.id,
        "webhook_id": webhook.id,
        "url": webhook.config.url,
        "state": circuit.state(now).as_str(),
        "failure_count": circuit.failures,
        "opened_count": circuit.opened,
        "open_until": circuit.open_until.map(Millis::rfc3339),
        "last_failure_at": health.last_failure_at.map(Millis::rfc3339),
        "last_failure_reason": health.last_failure_reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_as_it_went() {
        for (closed, after) in
            [(false, None), (true, None), (false, Some("wh-1")), (true, Some("wh-2"))]
        {
            let there = Place { closed, after: after.and_then(WebhookId::parse) };
            assert_eq!(place(&written(&there)), Some(there));
        }
        for bad in ["", "wh-1", "open:wh-1", "held:#", "closed"] {
            assert_eq!(place(bad), None, "{bad}");
        }
    }
}
