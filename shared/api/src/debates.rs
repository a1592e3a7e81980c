//! `/api/debates`: records and streams in, records out, one by one and as an export.

use aragora_core::ids::{DebateId, is_key_safe};
use aragora_core::pyjson;
use aragora_debates::bridge::Streamed;
use aragora_debates::desk::{DebateDesk, DebateError, Taken};
use aragora_debates::records::{RecordError, Recorded};
use aragora_events::publish::{Publication, PublishError};
use aragora_explain::record::Problem;
use aragora_explain::{export, stream};
use aragora_store::debates::{Head, MAX_STREAM_BYTES, MAX_STREAM_EVENTS};
use http::header::{CONTENT_DISPOSITION, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::cursor;
use crate::error::{ApiError, FieldError};
use crate::idempotency;
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;

/// Debates on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;
/// Debates on a page of an export, at most and when the caller does not say.
const EXPORT_LIMIT: u32 = 1_000;
/// The most bytes of records in one page of an export. The record that would go over it is the next
/// page's first; a single one may be larger.
const EXPORT_BYTES: usize = 2 * 1_024 * 1_024;
/// Where an export goes on; the same as `next_cursor` in its JSON.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("x-next-cursor");
/// What the service says of a debate, whatever the record says under these names.
const OURS: [&str; 6] = ["id", "debate_id", "status", "version", "created_at", "updated_at"];

/// Answers the routes of the `debates` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(desk: &DebateDesk, call: Call) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    match call.route {
        RouteId::TakeDebate => take(desk, &call).await,
        RouteId::StreamDebate => stream_events(desk, &call).await,
        RouteId::ListDebates => list(desk, &call).await,
        RouteId::ExportDebates => export_page(desk, &call).await,
        RouteId::GetDebate => Reply::ok(&shown(desk.records.read(org, &debate_id(&call)?).await?)),
        other => Err(ApiError::internal(format!("{other:?} is not a route of debates"))),
    }
}

/// The debate that the path names.
pub(crate) fn debate_id(call: &Call) -> Result<DebateId, ApiError> {
    DebateId::parse(call.param("debate_id")?).ok_or_else(|| ApiError::not_found("debate"))
}

fn publication(call: &Call) -> Result<Publication<'_>, ApiError> {
    let org = call.principal()?.org_id();
    Ok(Publication { org, request_id: &call.request_id, now: call.now })
}

async fn take(desk: &DebateDesk, call: &Call) -> Result<Reply, ApiError> {
    let value = Value::Object(call.json_object()?);
    let key = idempotency::key(call)?.map(|key| (key, call.body()));
    let taken = desk.take(publication(call)?, key, &value).await?;
    let status = if taken.head.version == 1 { StatusCode::CREATED } else { StatusCode::OK };
    let reply = Reply::json(status, &shown_taken(&taken))?;
    Ok(if taken.duplicate { reply.replayed() } else { reply })
}

fn shown_taken(taken: &Taken) -> Value {
    let mut shown = about(&taken.head);
    shown.insert("duplicate".to_owned(), taken.duplicate.into());
    shown.insert("warnings".to_owned(), json!(taken.warnings));
    shown.into()
}

/// What the service knows of a debate by itself.
fn about(head: &Head) -> Map<String, Value> {
    let values = [
        json!(head.id),
        json!(head.id),
        json!(head.status),
        json!(head.version),
        json!(head.created_at.rfc3339()),
        json!(head.updated_at.rfc3339()),
    ];
    OURS.into_iter().map(ToOwned::to_owned).zip(values).collect()
}

/// The record as it was sent, with what the service says of the debate. Where the record says
/// something else under the same name, that is in `given`.
fn shown(recorded: Recorded) -> Value {
    let mut shown = match recorded.value {
        Value::Object(record) => record,
        _ => Map::new(),
    };
    let mut given = Map::new();
    for (name, value) in about(&recorded.head) {
        if let Some(theirs) = shown.insert(name.clone(), value.clone())
            && theirs != value
        {
            given.insert(name, theirs);
        }
    }
    if !given.is_empty() {
        shown.insert("given".to_owned(), given.into());
    }
    shown.into()
}

async fn stream_events(desk: &DebateDesk, call: &Call) -> Result<Reply, ApiError> {
    let id = DebateId::parse(call.param("debate_id")?).ok_or_else(|| {
        ApiError::field("debate_id", "must be 1 to 128 letters, digits or any of _ . : @ -")
    })?;
    let events = stream::read(&call.json_value()?).map_err(invalid)?;
    let total = events.len();
    let streamed = desk.stream(publication(call)?, &id, events).await?;
    let reply = Reply::accepted(&shown_streamed(&streamed, total))?;
    Ok(if streamed.new == 0 { reply.replayed() } else { reply })
}

fn shown_streamed(streamed: &Streamed, total: usize) -> Value {
    let mut shown = about(&streamed.head);
    shown.insert("accepted".to_owned(), streamed.new.into());
    shown.insert("duplicates".to_owned(), total.saturating_sub(streamed.new).into());
    shown.insert("duplicate".to_owned(), (streamed.new == 0).into());
    shown.into()
}

async fn list(desk: &DebateDesk, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(DEFAULT_LIMIT)?;
    let (heads, next) = page(desk, call, limit).await?;
    let debates: Vec<Value> = heads.iter().map(line).collect();
    Reply::ok(&json!({"count": debates.len(), "debates": debates, "next_cursor": next}))
}

/// A page of heads, and the cursor of the next one.
async fn page(
    desk: &DebateDesk,
    call: &Call,
    limit: u32,
) -> Result<(Vec<Head>, Option<String>), ApiError> {
    let before = cursor::read(&call.query, cursor::Kind::Debates, |place| {
        let (time, id) = place.split_once('#')?;
        (time.len() == 13 && time.bytes().all(|digit| digit.is_ascii_digit()) && is_key_safe(id))
            .then(|| place.to_owned())
    })?;
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    let org = call.principal()?.org_id();
    let (heads, next) = desk.records.list(org, before.as_deref(), limit).await?;
    Ok((heads, next.map(|place| cursor::write(cursor::Kind::Debates, &place))))
}

/// A debate in a list: its headline and what the service knows.
fn line(head: &Head) -> Value {
    let headline = pyjson::parse(head.headline.as_bytes()).unwrap_or_default();
    let mut line = about(head);
    if let Value::Object(headline) = headline {
        line.extend(headline);
    }
    line.into()
}

async fn export_page(desk: &DebateDesk, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.whole("limit", 1..=EXPORT_LIMIT)?.unwrap_or(EXPORT_LIMIT);
    match call.query.one("format")?.unwrap_or("json") {
        "csv" => {
            let (heads, next) = page(desk, call, limit).await?;
            // One file, however many pages it takes: the first one has the names.
            let mut text =
                if call.query.cursor()?.is_none() { export::header() } else { String::new() };
            for head in &heads {
                text.push_str(&export_row(head));
            }
            let reply = Reply::raw(StatusCode::OK, "text/csv; charset=utf-8", text.into_bytes());
            Ok(reply.with_headers(download("debates.csv", next.as_deref())))
        }
        "json" => {
            let (heads, next) = page(desk, call, limit).await?;
            let (debates, left) = records(desk, heads).await?;
            let next = left.or(next);
            let answer = json!({"count": debates.len(), "debates": debates, "next_cursor": next});
            Ok(Reply::ok(&answer)?.with_headers(download("debates.json", next.as_deref())))
        }
        _ => Err(ApiError::field("format", "must be json or csv")),
    }
}

/// The records of a page, one after the other, until they come to [`EXPORT_BYTES`]; and the cursor
/// of those that are left.
async fn records(
    desk: &DebateDesk,
    heads: Vec<Head>,
) -> Result<(Vec<Value>, Option<String>), ApiError> {
    let (mut records, mut bytes) = (Vec::new(), 0_usize);
    let mut last: Option<String> = None;
    for head in heads {
        let size = head.body.as_ref().map_or(MAX_STREAM_BYTES, |body| body.bytes);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if !records.is_empty() && bytes.saturating_add(size) > EXPORT_BYTES {
            return Ok((records, last.map(|place| cursor::write(cursor::Kind::Debates, &place))));
        }
        bytes = bytes.saturating_add(size);
        last = Some(head.place());
        records.push(shown(desk.records.of_head(head).await?));
    }
    Ok((records, None))
}

fn download(name: &str, next: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    if let Some(Ok(value)) = next.map(HeaderValue::try_from) {
        headers.insert(NEXT_CURSOR, value);
    }
    headers
}

fn export_row(head: &Head) -> String {
    let line = pyjson::parse(head.headline.as_bytes()).unwrap_or_default();
    let headline = serde_json::from_str(&head.headline).unwrap_or_default();
    export::row(&export::Row {
        debate_id: head.id.as_str(),
        status: head.status.as_str(),
        headline: &headline,
        final_answer: line.get("final_answer").and_then(Value::as_str),
        created_at: &head.created_at.rfc3339(),
        updated_at: &head.updated_at.rfc3339(),
    })
}

/// 400 with every field.
pub(crate) fn invalid(problems: Vec<Problem>) -> ApiError {
    let named = |problem: Problem| FieldError::new(problem.field, problem.message);
    ApiError::invalid(problems.into_iter().map(named).collect())
}

impl From<DebateError> for ApiError {
    fn from(error: DebateError) -> Self {
        match error {
            DebateError::Invalid(problems) => invalid(problems),
            DebateError::NoDebate => Self::not_found("debate"),
            DebateError::KeyReused => idempotency::reused(),
            DebateError::StreamFull => Self::conflict(format!(
                "a debate may have {MAX_STREAM_EVENTS} events of {MAX_STREAM_BYTES} bytes together"
            ))
            .with_code("stream_full"),
            DebateError::Contended => Self::conflict(error.to_string()),
            DebateError::Unpublished(PublishError::Store(error)) | DebateError::Store(error) => {
                error.into()
            }
            DebateError::Unpublished(error) => Self::internal(error),
        }
    }
}

impl From<RecordError> for ApiError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::NoDebate => Self::not_found("debate"),
            RecordError::Contended => Self::conflict(error.to_string()),
            RecordError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use aragora_core::time::Millis;
    use aragora_store::debates::{DebateStatus, Source};

    use super::*;

    #[test]
    fn a_record_is_shown_as_it_was_sent_and_ours_wins() {
        let head = Head {
            org: "org".into(),
            id: DebateId::parse("deb-1").unwrap(),
            status: DebateStatus::Completed,
            source: Source::Given,
            version: 2,
            body: None,
            headline: String::new(),
            created_at: Millis(0),
            updated_at: Millis(0),
            rev: 2,
        };
        let value = json!({"status": "odd", "debate_id": "deb-1", "task": "Which?", "mine": [1]});
        let shown = shown(Recorded { head, value });
        assert_eq!(shown["status"], "completed");
        assert_eq!(shown["given"], json!({"status": "odd"}));
        assert_eq!((&shown["task"], &shown["mine"]), (&json!("Which?"), &json!([1])));
        assert_eq!(shown["version"], 2);
    }
}
