//! Redelivery jobs: `/api/webhooks/dead-letter/retry`, `/api/webhooks/{webhook_id}/recover` and
//! `/api/webhooks/jobs`.

use std::collections::HashSet;

use aragora_core::catalogue;
use aragora_core::ids::{DeliveryId, JobId, WebhookId};
use aragora_core::redelivery::{
    DeadLetterScope, Job, JobStatus, MAX_DELIVERY_IDS, RecoverScope, Scope, window,
};
use aragora_core::time::Millis;
use aragora_webhooks::jobs::desk::{Asked, JobDesk, JobError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cursor;
use crate::error::{ApiError, FieldError};
use crate::idempotency;
use crate::receipts::event_types;
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;
use crate::webhooks::webhook_id;

/// Jobs on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;
/// The most patterns of types in one request, as for a webhook.
const MAX_PATTERNS: usize = 50;

/// What may be said of dead letters.
#[derive(Debug, Default, Deserialize)]
struct RetryWish {
    webhook_id: Option<String>,
    event_type: Option<String>,
    since: Option<String>,
    until: Option<String>,
    delivery_ids: Option<Vec<String>>,
    dry_run: Option<bool>,
}

/// What may be said of a recovery.
#[derive(Debug, Deserialize)]
struct RecoverWish {
    since: String,
    until: Option<String>,
    #[serde(alias = "events")]
    event_types: Option<Vec<String>>,
    dry_run: Option<bool>,
}

/// Answers the routes of jobs.
pub(crate) async fn answer(desk: &JobDesk, call: &Call) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    match call.route {
        RouteId::RetryDeadLetters => {
            // Without a body, all of them are meant.
            let wish: RetryWish =
                if call.body().is_empty() { RetryWish::default() } else { call.json()? };
            let dry_run = wish.dry_run.unwrap_or_default();
            let scope = Scope::DeadLetters(dead_letter_scope(wish)?);
            make(desk, call, dry_run, |_| Ok(scope)).await
        }
        RouteId::RecoverWebhook => {
            let webhook = webhook_id(call)?;
            let wish: RecoverWish = call.json()?;
            let dry_run = wish.dry_run.unwrap_or_default();
            // Before anything is stored, and with the time of a repeated request's first.
            recover_scope(webhook.clone(), &wish, call.now)?;
            make(desk, call, dry_run, |now| Ok(Scope::Recover(recover_scope(webhook, &wish, now)?)))
                .await
        }
        RouteId::ListJobs => list(desk, call).await,
        RouteId::GetJob => Reply::ok(&shown(&desk.get(org, &job_id(call)?).await?)),
        RouteId::CancelJob => Reply::ok(&shown(&desk.cancel(org, &job_id(call)?, call.now).await?)),
        other => Err(ApiError::internal(format!("{other:?} is not a route of jobs"))),
    }
}

async fn make(
    desk: &JobDesk,
    call: &Call,
    dry_run: bool,
    scope: impl FnOnce(Millis) -> Result<Scope, ApiError>,
) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    let key = idempotency::key(call)?;
    if dry_run {
        return count(desk, call, &scope(call.now)?).await;
    }
    // What the key stands for: this body, to this route, about this webhook.
    let about = call.param("webhook_id").unwrap_or_default();
    let said = [format!("{:?} {about}\n", call.route).as_bytes(), call.body()].concat();
    let asked = Asked {
        org,
        request_id: &call.request_id,
        now: call.now,
        key: key.map(|key| (key, said.as_slice())),
    };
    let made = desk.make(asked, scope).await?;
    let reply = Reply::accepted(&shown(&made.job))?;
    Ok(if made.replayed { reply.replayed() } else { reply })
}

/// The answer to a dry run: a job that is over before it began.
async fn count(desk: &JobDesk, call: &Call, scope: &Scope) -> Result<Reply, ApiError> {
    let counted = desk.count(call.principal()?.org_id(), scope).await?;
    let now = call.now.rfc3339();
    Reply::ok(&json!({
        "job_id": null,
        "kind": scope.kind(),
        "webhook_id": scope.webhook_id(),
        "status": JobStatus::Completed,
        "total": counted.total,
        "complete": counted.complete,
        "processed": 0,
        "succeeded": 0,
        "failed": 0,
        "dry_run": true,
        "error": null,
        "created_at": now,
        "updated_at": now,
    }))
}

async fn list(desk: &JobDesk, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(DEFAULT_LIMIT)? as usize;
    let after = cursor::read(&call.query, cursor::Kind::Jobs, JobId::parse)?;
    let page = desk.list(call.principal()?.org_id(), after.as_ref(), limit).await?;
    let shown: Vec<_> = page.jobs.iter().map(shown).collect();
    let next = page.next.map(|id| cursor::write(cursor::Kind::Jobs, id.as_str()));
    Reply::ok(&json!({"count": shown.len(), "jobs": shown, "next_cursor": next}))
}

fn job_id(call: &Call) -> Result<JobId, ApiError> {
    JobId::parse(call.param("job_id")?).ok_or_else(|| ApiError::not_found("job"))
}

fn shown(job: &Job) -> Value {
    json!({
        "id": job.id,
        "job_id": job.id,
        "kind": job.scope.kind(),
        "webhook_id": job.scope.webhook_id(),
        "status": job.status,
        "total": job.total,
        "processed": job.processed,
        "succeeded": job.succeeded,
        "failed": job.failed,
        "dry_run": false,
        "error": job.error,
        "created_at": job.created_at.rfc3339(),
        "updated_at": job.updated_at.rfc3339(),
    })
}

fn dead_letter_scope(wish: RetryWish) -> Result<DeadLetterScope, ApiError> {
    let mut problems = Vec::new();
    let since = time("since", wish.since.as_deref(), &mut problems);
    let until = time("until", wish.until.as_deref(), &mut problems);
    let webhook_id = wish.webhook_id.as_deref().and_then(|text| {
        let id = WebhookId::parse(text);
        if id.is_none() {
            problems.push(FieldError::new("webhook_id", "is not a webhook's id"));
        }
        id
    });
    let event_types = event_types(wish.event_type.as_deref()).unwrap_or_else(|error| {
        problems.extend_from_slice(error.fields());
        vec![]
    });
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        problems.push(FieldError::new("since", "must be before `until`"));
    }
    let delivery_ids = delivery_ids(wish.delivery_ids, &mut problems);
    if problems.is_empty() {
        Ok(DeadLetterScope { webhook_id, event_types, since, until, delivery_ids })
    } else {
        Err(ApiError::invalid(problems))
    }
}

/// The ids, each once.
fn delivery_ids(wanted: Option<Vec<String>>, problems: &mut Vec<FieldError>) -> Vec<DeliveryId> {
    let Some(wanted) = wanted else { return vec![] };
    if !(1..=MAX_DELIVERY_IDS).contains(&wanted.len()) {
        problems.push(FieldError::new("delivery_ids", "must have 1 to 1,000 ids"));
        return vec![];
    }
    let mut seen = HashSet::new();
    let mut ids = Vec::with_capacity(wanted.len());
    for (at, text) in wanted.iter().enumerate() {
        match DeliveryId::parse(text).filter(|id| id.accepted_at().is_some()) {
            Some(id) if seen.insert(id.clone()) => ids.push(id),
            Some(_) => {}
            None => problems
                .push(FieldError::new(format!("delivery_ids[{at}]"), "is not a delivery's id")),
        }
    }
    ids
}

fn recover_scope(
    webhook_id: WebhookId,
    wish: &RecoverWish,
    now: Millis,
) -> Result<RecoverScope, ApiError> {
    let mut problems = Vec::new();
    let since = time("since", Some(&wish.since), &mut problems);
    let until = time("until", wish.until.as_deref(), &mut problems);
    let window = since.filter(|_| problems.is_empty()).and_then(|since| {
        let refused = |(field, message)| problems.push(FieldError::new(field, message));
        window(since, until, now).map_err(refused).ok()
    });
    let event_types = wish.event_types.clone().unwrap_or_default();
    if wish.event_types.is_some() && !(1..=MAX_PATTERNS).contains(&event_types.len()) {
        problems.push(FieldError::new("event_types", "must have 1 to 50 types or patterns"));
    }
    let is_bad = |text: &&String| !catalogue::is_pattern(text) && !catalogue::is_type_name(text);
    for (at, _) in event_types.iter().enumerate().filter(|(_, text)| is_bad(text)) {
        let field = format!("event_types[{at}]");
        problems.push(FieldError::new(field, "is not an event type or a pattern of such"));
    }
    match window {
        Some((since, until)) if problems.is_empty() => {
            Ok(RecoverScope { webhook_id, since, until, event_types })
        }
        _ => Err(ApiError::invalid(problems)),
    }
}

fn time(name: &str, text: Option<&str>, problems: &mut Vec<FieldError>) -> Option<Millis> {
    let text = text?;
    let time = Millis::parse(text);
    if time.is_none() {
        problems.push(FieldError::new(name, "must be a time such as 2024-01-20T12:00:00Z"));
    }
    time
}

impl From<JobError> for ApiError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::NoJob => Self::not_found("job"),
            JobError::NoWebhook => Self::not_found("webhook"),
            JobError::KeyReused => idempotency::reused(),
            JobError::WebhookDisabled | JobError::Ended(_) | JobError::Contended => {
                Self::conflict(error.to_string())
            }
            JobError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;
