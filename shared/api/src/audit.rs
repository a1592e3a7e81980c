//! `/api/audit` and `/api/audit/verify`: an organisation's security happenings, for its admins.

use aragora_audit::desk::{AuditDesk, Verified};
use aragora_core::audit::{Action, Entry};
use aragora_store::audit::Narrowed;
use serde_json::{Map, Value, json};

use crate::cursor;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;

/// Entries on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;
/// The most entries that one request verifies, and how many when the caller does not say.
const MAX_VERIFIED: u32 = 1_000;
/// The most characters of an actor that can be asked for.
const MAX_ACTOR_CHARS: usize = 256;

/// Answers the routes of the `audit-api` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(desk: &AuditDesk, call: Call) -> Result<Reply, ApiError> {
    match call.route {
        RouteId::ListAudit => list(desk, &call).await,
        RouteId::VerifyAudit => verify(desk, &call).await,
        other => Err(ApiError::internal(format!("{other:?} is not a route of audit-api"))),
    }
}

async fn list(desk: &AuditDesk, call: &Call) -> Result<Reply, ApiError> {
    let narrowed = Narrowed {
        org: call.principal()?.org_id(),
        action: call.query.one("action")?.map(action).transpose()?,
        actor: call.query.one("actor")?.map(actor).transpose()?,
        since: call.query.time("since")?,
        until: call.query.time("until")?,
        before: cursor::read(&call.query, cursor::Kind::Audit, number)?,
        limit: call.query.limit(DEFAULT_LIMIT)? as usize,
        now: call.now,
    };
    let page = desk.list(&narrowed).await?;
    let shown: Vec<_> = page.entries.iter().map(shown).collect();
    let next = page.next.map(|seq| cursor::write(cursor::Kind::Audit, &seq.to_string()));
    Reply::ok(&json!({"count": shown.len(), "entries": shown, "next_cursor": next}))
}

async fn verify(desk: &AuditDesk, call: &Call) -> Result<Reply, ApiError> {
    let from = match call.query.one("from_seq")? {
        None => 1,
        Some(text) => number(text).ok_or_else(|| {
            ApiError::field("from_seq", "must be the number of an entry, the first being 1")
        })?,
    };
    let limit = call.query.whole("limit", 1..=MAX_VERIFIED)?.unwrap_or(MAX_VERIFIED);
    let limit = u16::try_from(limit).map_err(ApiError::internal)?;
    let org = call.principal()?.org_id();
    Reply::ok(&result(&desk.verify(org, from, limit, call.now).await?))
}

fn result(verified: &Verified) -> Map<String, Value> {
    let mut result = Map::from_iter([
        ("valid".to_owned(), verified.broken.is_none().into()),
        ("checked".to_owned(), verified.checked.into()),
        ("first_seq".to_owned(), verified.first_seq.into()),
        ("last_seq".to_owned(), verified.last_seq.into()),
    ]);
    if let Some(broken) = verified.broken {
        result.insert("broken_at".to_owned(), broken.seq.into());
        result.insert("reason".to_owned(), json!(broken.fault));
    }
    if let Some(next) = verified.next_from_seq {
        result.insert("next_from_seq".to_owned(), next.into());
    }
    result
}

fn shown(entry: &Entry) -> Value {
    let it = &entry.happening;
    json!({
        "seq": entry.seq,
        "id": it.id,
        "at": it.at.rfc3339(),
        "recorded_at": entry.at.rfc3339(),
        "action": it.action.as_str(),
        "severity": it.action.severity().as_str(),
        "outcome": it.outcome.as_str(),
        "actor": it.actor,
        "credential": it.credential,
        "target": it.target,
        "address": it.address,
        "request_id": it.request_id,
        "detail": it.detail,
        "prev_hash": entry.prev_hash.to_string(),
        "hash": entry.hash.to_string(),
    })
}

fn action(text: &str) -> Result<Action, ApiError> {
    Action::parse(text).ok_or_else(|| {
        let known: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
        ApiError::field("action", format!("must be one of {}", known.join(", ")))
    })
}

fn actor(text: &str) -> Result<&str, ApiError> {
    if text.chars().count() > MAX_ACTOR_CHARS {
        let message = format!("must be at most {MAX_ACTOR_CHARS} characters");
        return Err(ApiError::field("actor", message));
    }
    Ok(text)
}

/// The number of an entry: from 1, of at most 16 digits, as keys have it.
fn number(text: &str) -> Option<u64> {
    let digits = (1..=16).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|seq| *seq > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_from_1_to_16_digits() {
        for (text, wanted) in [
            ("1", Some(1)),
            ("0042", Some(42)),
            ("9999999999999999", Some(9_999_999_999_999_999)),
            ("0", None),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.0", None),
            ("99999999999999999", None),
            ("１", None),
        ] {
            assert_eq!(number(text), wanted, "{text}");
        }
    }
}
