//! `/api/events`, `/api/events/{event_id}` and `/api/webhooks/dispatch`.

use aragora_core::catalogue;
use aragora_core::ids::{EventId, is_key_safe};
use aragora_core::time::Millis;
use aragora_events::publish::{
    Accepted, MAX_BATCH, NewEvent, Publication, PublishError, Published, Publisher, RequestError,
};
use aragora_events::read::{EventReader, EventWithDeliveries};
use aragora_store::events::{ListedEvent, StoredEvent};
use aragora_webhooks::wish::DEFAULT_PROJECT;
use http::StatusCode;
use serde_json::{Value, json};

use crate::body;
use crate::cursor;
use crate::error::{ApiError, FieldError};
use crate::idempotency;
use crate::receipts;
use crate::reply::{Reply, with};
use crate::request::Call;
use crate::routes::RouteId;

/// Events on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;
/// The most characters of a debate's id.
const MAX_DEBATE_ID_CHARS: usize = 256;

/// What the `events` function stands on.
#[derive(Debug, Clone)]
pub struct EventsApp {
    /// Takes events in.
    pub publisher: Publisher,
    /// Answers questions about them.
    pub reader: EventReader,
}

/// Answers the routes of the `events` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(app: &EventsApp, call: Call) -> Result<Reply, ApiError> {
    match call.route {
        RouteId::PublishEvents | RouteId::DispatchEvents => publish(app, &call).await,
        RouteId::ListEvents => list(app, &call).await,
        RouteId::GetEvent => {
            let id = EventId::parse(call.param("event_id")?)
                .ok_or_else(|| ApiError::not_found("event"))?;
            let found = app.reader.get(call.principal()?.org_id(), &id).await?;
            Reply::ok(&shown(&found.ok_or_else(|| ApiError::not_found("event"))?))
        }
        other => Err(ApiError::internal(format!("{other:?} is not a route of events"))),
    }
}

async fn publish(app: &EventsApp, call: &Call) -> Result<Reply, ApiError> {
    let (items, is_list) = match call.json_value()? {
        Value::Array(items) if (1..=MAX_BATCH).contains(&items.len()) => (items, true),
        Value::Array(_) => {
            return Err(ApiError::field(
                body::BODY,
                format!("a list must have 1 to {MAX_BATCH} events"),
            ));
        }
        single => (vec![single], false),
    };
    let read: Vec<_> = items
        .into_iter()
        .enumerate()
        .map(|(at, item)| read_event(item, &place(is_list, at)))
        .collect();
    let valid: Vec<NewEvent> =
        read.iter().filter_map(|event| event.as_ref().ok().cloned()).collect();
    let published = publish_valid(app, call, valid).await?;
    let mut results = published.results.into_iter();
    let results: Vec<Result<Accepted, ApiError>> = read
        .into_iter()
        .enumerate()
        .map(|(at, event)| {
            event.map_err(ApiError::invalid)?;
            let published =
                results.next().ok_or_else(|| ApiError::internal("fewer results than events"))?;
            published.map_err(|error| refusal(error, &place(is_list, at)))
        })
        .collect();
    let repeated = results.iter().all(|result| result.as_ref().is_ok_and(|it| it.duplicate));
    let reply = if is_list { many(results, &call.request_id) } else { single(results) }?;
    Ok(if published.replayed || repeated { reply.replayed() } else { reply })
}

async fn publish_valid(
    app: &EventsApp,
    call: &Call,
    valid: Vec<NewEvent>,
) -> Result<Published, ApiError> {
    let by = Publication {
        org: call.principal()?.org_id(),
        request_id: &call.request_id,
        now: call.now,
    };
    let key = idempotency::key(call)?;
    match key {
        // Nothing to remember of a request that says nothing valid.
        Some(key) if !valid.is_empty() => {
            match app.publisher.publish_keyed(by, key, call.body(), valid).await {
                Ok(published) => Ok(published),
                Err(RequestError::KeyReused) => Err(idempotency::reused()),
                Err(RequestError::Store(error)) => Err(error.into()),
            }
        }
        _ => Ok(Published { results: app.publisher.publish(by, valid).await, replayed: false }),
    }
}

/// Where an event stands in the body, as a prefix of field names.
fn place(is_list: bool, at: usize) -> String {
    if is_list { format!("[{at}]") } else { String::new() }
}

fn single(mut results: Vec<Result<Accepted, ApiError>>) -> Result<Reply, ApiError> {
    let result =
        results.pop().unwrap_or_else(|| Err(ApiError::internal("no result for an event")))?;
    Reply::accepted(&accepted(&result))
}

/// One result per event, in order. A list of which nothing was accepted is refused as a whole:
/// 400 with every field, or the first of what else went wrong.
fn many(results: Vec<Result<Accepted, ApiError>>, request_id: &str) -> Result<Reply, ApiError> {
    if results.iter().all(Result::is_err) {
        let fields: Vec<FieldError> = results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .flat_map(|error| error.fields().to_vec())
            .collect();
        let all_invalid = results
            .iter()
            .filter_map(|result| result.as_ref().err())
            .all(|error| !error.fields().is_empty());
        let first = results.into_iter().find_map(Result::err);
        return Err(if all_invalid {
            ApiError::invalid(fields)
        } else {
            first.unwrap_or_else(|| ApiError::invalid(fields))
        });
    }
    let (mut shown, mut rejected) = (Vec::with_capacity(results.len()), 0_usize);
    for result in results {
        shown.push(match result {
            Ok(result) => accepted(&result),
            Err(error) => {
                rejected += 1;
                error.into_value(request_id)
            }
        });
    }
    let answer = json!({"accepted": shown.len() - rejected, "rejected": rejected, "results": shown, "events": shown});
    Reply::json(StatusCode::ACCEPTED, &answer)
}

fn accepted(result: &Accepted) -> Value {
    json!({"event_id": result.event_id, "duplicate": result.duplicate})
}

fn refusal(error: PublishError, place: &str) -> ApiError {
    let field =
        |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match error {
        PublishError::Data(error) => ApiError::field(field("data"), error.to_string()),
        PublishError::TooLarge => ApiError::too_large(aragora_core::envelope::MAX_BODY_BYTES),
        PublishError::IdTaken(_) => {
            ApiError::conflict(error.to_string()).with_code("event_id_taken")
        }
        PublishError::Store(error) => error.into(),
    }
}

/// Reads one event; every field that breaks a rule is named. `data` is taken as it is, without
/// passing through a typed reader that could change it.
fn read_event(item: Value, place: &str) -> Result<NewEvent, Vec<FieldError>> {
    let at =
        |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    let Value::Object(mut fields) = item else {
        let whole = if place.is_empty() { body::BODY } else { place };
        return Err(vec![FieldError::new(whole, "must be a JSON object")]);
    };
    let mut problems = Vec::new();
    let data = fields.shift_remove("data").or_else(|| fields.shift_remove("payload"));
    let data = data.unwrap_or_default();
    if !data.is_object() {
        problems.push(FieldError::new(at("data"), "is required, and must be an object"));
    }
    let mut text = |name: &str| match fields.shift_remove(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => {
            problems.push(FieldError::new(at(name), "must be a string"));
            None
        }
    };
    let (type_, type_synonym) = (text("event_type"), text("type"));
    let event_type = type_.or(type_synonym);
    let (event_id, debate_id) = (text("event_id"), text("debate_id"));
    let (project_id, timestamp) = (text("project_id"), text("timestamp"));
    let mut rule = |broken: bool, name: &str, message: &str| {
        if broken && problems.iter().all(|problem| problem.field != at(name)) {
            problems.push(FieldError::new(at(name), message));
        }
    };
    let name = event_type.as_deref().unwrap_or_default();
    rule(event_type.is_none(), "event_type", "is required");
    rule(
        !catalogue::is_type_name(name),
        "event_type",
        "must be letters, digits, `_`, `.` and `-`, at most 128",
    );
    rule(catalogue::is_operational(name), "event_type", "is published by the service itself");
    let id = event_id.as_deref().map(EventId::parse);
    rule(id == Some(None), "event_id", "must be 1 to 128 letters, digits or any of _ . : @ -");
    let debate_length = debate_id.as_deref().map_or(1, |id| id.chars().count());
    rule(
        !(1..=MAX_DEBATE_ID_CHARS).contains(&debate_length),
        "debate_id",
        "must be 1 to 256 characters",
    );
    rule(
        project_id.as_deref().is_some_and(|id| !is_key_safe(id)),
        "project_id",
        "must be 1 to 128 letters, digits or any of _ . : @ -",
    );
    rule(
        timestamp.as_deref().is_some_and(|at| at.len() > 64 || Millis::parse(at).is_none()),
        "timestamp",
        "must be a time such as 2024-01-20T12:00:00Z",
    );
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(NewEvent {
        event_type: name.to_owned(),
        data,
        event_id: id.flatten(),
        debate_id,
        project: project_id.unwrap_or_else(|| DEFAULT_PROJECT.to_owned()),
        timestamp,
    })
}

async fn list(app: &EventsApp, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(DEFAULT_LIMIT)? as usize;
    let project = call.query.one("project_id")?;
    let after = cursor::read(&call.query, cursor::Kind::Events, |place| {
        let (time, id) = place.split_once('#')?;
        (time.len() == 13 && time.bytes().all(|digit| digit.is_ascii_digit()) && is_key_safe(id))
            .then(|| place.to_owned())
    })?;
    let page =
        app.reader.list(call.principal()?.org_id(), project, after.as_deref(), limit).await?;
    let shown: Vec<_> = page.events.iter().map(shown_line).collect();
    let next = page.next.map(|place| cursor::write(cursor::Kind::Events, &place));
    Reply::ok(&json!({"count": shown.len(), "events": shown, "next_cursor": next}))
}

fn shown_line(event: &ListedEvent) -> Value {
    json!({
        "id": event.id,
        "event_id": event.id,
        "event_type": event.event_type,
        "project_id": event.project,
        "debate_id": event.debate_id,
        "created_at": event.accepted_at.rfc3339(),
    })
}

fn shown(found: &EventWithDeliveries) -> Value {
    let deliveries = found.deliveries.iter().map(receipts::shown).collect();
    with(shown_event(&found.event), "deliveries", deliveries)
}

/// An event with its data as it was published.
pub(crate) fn shown_event(event: &StoredEvent) -> Value {
    // What was printed by us is JSON; the publisher's numbers keep their digits.
    let data = aragora_core::pyjson::parse(event.data.as_bytes()).unwrap_or_default();
    json!({
        "id": event.id,
        "event_id": event.id,
        "event_type": event.event_type,
        "project_id": event.project,
        "debate_id": event.debate_id,
        "timestamp": event.timestamp,
        "created_at": event.accepted_at.rfc3339(),
        "request_id": event.request_id,
        "data": data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: Value) -> Result<NewEvent, Vec<String>> {
        read_event(event, "")
            .map_err(|problems| problems.into_iter().map(|problem| problem.field).collect())
    }

    #[test]
    fn every_broken_rule_names_its_field() {
        let event = |field: &str, value: Value| {
            let mut event = json!({"event_type": "vote", "data": {}});
            event[field] = value;
            event
        };
        for (event, field) in [
            (json!([]), "body"),
            (json!("x"), "body"),
            (json!({"data": {}}), "event_type"),
            (event("event_type", json!(null)), "event_type"),
            (event("event_type", json!(5)), "event_type"),
            (event("event_type", json!("")), "event_type"),
            (event("event_type", json!("de bate")), "event_type"),
            (event("event_type", json!("webhook.disabled")), "event_type"),
            (event("event_type", json!("delivery.anything")), "event_type"),
            (event("data", json!([1])), "data"),
            (event("data", json!("x")), "data"),
            (event("data", json!(null)), "data"),
            (event("event_id", json!("a#b")), "event_id"),
            (event("event_id", json!("")), "event_id"),
            (event("event_id", json!(7)), "event_id"),
            (event("debate_id", json!("")), "debate_id"),
            (event("debate_id", json!({})), "debate_id"),
            (event("project_id", json!("a b")), "project_id"),
            (event("timestamp", json!("yesterday")), "timestamp"),
            (event("timestamp", json!(1_705_752_000)), "timestamp"),
        ] {
            assert_eq!(read(event.clone()).unwrap_err(), [field], "{event}");
        }
        assert_eq!(
            read_event(json!({"data": 1}), "[3]")
                .unwrap_err()
                .iter()
                .map(|it| it.field.as_str())
                .collect::<Vec<_>>(),
            ["[3].data", "[3].event_type"]
        );
    }

    #[test]
    fn the_clients_names_are_taken_too() {
        let event = read(json!({"event_type": "debate_end", "payload": {"a": 1}})).unwrap();
        assert_eq!((event.data, event.project.as_str()), (json!({"a": 1}), "default"));
        assert_eq!(
            read(json!({"type": "custom.type", "data": {}})).unwrap().event_type,
            "custom.type"
        );
    }
}
