//! `/api/webhooks/bulk`: up to 100 registrations in one request, each judged by itself.

use aragora_webhooks::registry::bulk::MAX_BULK;
use aragora_webhooks::registry::{Registered, Registry};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{created, note_of, wish_from};
use crate::body;
use crate::error::{ApiError, FieldError};
use crate::reply::Reply;
use crate::request::Call;
use crate::security::Note;

/// The field with the list, where the body is not the list itself.
const LIST: &str = "webhooks";

pub(super) async fn create(registry: &Registry, call: &Call) -> Result<Reply, ApiError> {
    let (items, list) = match call.json_value()? {
        Value::Array(items) => (items, ""),
        Value::Object(mut fields) => match fields.shift_remove(LIST) {
            Some(Value::Array(items)) => (items, LIST),
            Some(_) => return Err(ApiError::field(LIST, "must be a list")),
            None => return Err(ApiError::field(LIST, "is required")),
        },
        _ => return Err(ApiError::field(body::BODY, "must be a JSON object or a list")),
    };
    if !(1..=MAX_BULK).contains(&items.len()) {
        let field = if list.is_empty() { body::BODY } else { list };
        return Err(ApiError::field(field, format!("must have 1 to {MAX_BULK} webhooks")));
    }
    let (mut wishes, mut unreadable) = (Vec::new(), Vec::new());
    for item in items {
        // An outcome for each item that can be read, and the reason for each other, in order.
        unreadable.push(match item {
            Value::Object(fields) => wish_from(fields).map(|wish| wishes.push(wish)).err(),
            _ => Some(ApiError::field(body::BODY, "must be a JSON object")),
        });
    }
    let org = call.principal()?.org_id();
    let mut outcomes = registry.register_many(org, wishes, call.now).await.into_iter();
    let results = unreadable.into_iter().map(|error| match error {
        Some(error) => Err(error),
        None => match outcomes.next() {
            Some(outcome) => outcome.map_err(ApiError::from),
            None => Err(ApiError::internal("fewer outcomes than webhooks")),
        },
    });
    answer(results.collect(), list, registry, call)
}

/// 201 with what became of each, when at least one is registered. Else 400 with every field, and
/// the same list; or, when not all of them were invalid, the first of what else went wrong.
fn answer(
    results: Vec<Result<Registered, ApiError>>,
    list: &str,
    registry: &Registry,
    call: &Call,
) -> Result<Reply, ApiError> {
    let failed = results.iter().filter(|result| result.is_err()).count();
    let ours = |result: &Result<Registered, ApiError>| {
        result.as_ref().is_err_and(|error| error.fields().is_empty())
    };
    let all_failed = failed == results.len();
    let mut results = results;
    if all_failed && let Some(at) = results.iter().position(ours) {
        return results.swap_remove(at).and(Err(ApiError::internal("no webhook was registered")));
    }
    let fields: Vec<FieldError> = results
        .iter()
        .enumerate()
        .filter_map(|(at, result)| Some((at, result.as_ref().err()?)))
        .flat_map(|(at, error)| {
            error.fields().iter().map(move |it| {
                let inside =
                    if it.field == body::BODY { String::new() } else { format!(".{}", it.field) };
                FieldError::new(format!("{list}[{at}]{inside}"), it.message.clone())
            })
        })
        .collect();
    let count = results.len();
    let notes: Vec<Note> = results.iter().flat_map(notes_of).collect();
    let marked = |reply: Reply| notes.into_iter().fold(reply, Reply::noting);
    let shown: Vec<Value> = results
        .into_iter()
        .enumerate()
        .map(|(at, result)| shown(at, result, registry, call))
        .collect();
    let summary =
        json!({"results": shown, "created": count - failed, "failed": failed, "count": count});
    if !all_failed {
        return Reply::created(&summary).map(marked);
    }
    let mut refusal = ApiError::invalid(fields).into_value(&call.request_id);
    if let (Value::Object(refusal), Value::Object(summary)) = (&mut refusal, summary) {
        refusal.extend(summary);
    }
    Reply::json(StatusCode::BAD_REQUEST, &refusal).map(marked)
}

/// What is reported of one.
fn notes_of(result: &Result<Registered, ApiError>) -> Vec<Note> {
    match result {
        Ok(registered) => vec![note_of(registered)],
        Err(error) => error.notes().to_vec(),
    }
}

/// What became of one, with its place in the request.
fn shown(
    at: usize,
    result: Result<Registered, ApiError>,
    registry: &Registry,
    call: &Call,
) -> Value {
    let mut entry = Map::from_iter([("index".to_owned(), Value::from(at))]);
    match result {
        Ok(registered) => {
            let webhook = created(&registered, registry, call.now);
            entry.insert("webhook".to_owned(), Value::Object(webhook));
        }
        Err(error) => {
            if let Value::Object(error) = error.into_value(&call.request_id) {
                entry.extend(error);
            }
        }
    }
    Value::Object(entry)
}
