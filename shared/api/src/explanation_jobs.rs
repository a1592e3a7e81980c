//! The `explanation-jobs` function: many debates explained in the background,
//! `/api/explainability/batch`.

use std::collections::HashSet;

use aragora_batches::desk::{Asked, BatchDesk, BatchError, Wish};
use aragora_batches::ending::results_path;
use aragora_batches::options::Options;
use aragora_core::batch::{Batch, BatchStatus, DebateResult, MAX_DEBATES, Priority};
use aragora_core::ids::{BatchId, DebateId};
use aragora_core::time::Millis;
use aragora_explain::format::Format;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::cursor;
use crate::error::{ApiError, FieldError};
use crate::idempotency;
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;

/// Jobs or results on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 50;

/// What may be said of a job.
#[derive(Debug, Deserialize)]
struct JobWish {
    debate_ids: Vec<String>,
    #[serde(default)]
    options: Option<OptionsWish>,
}

/// What may be said of its explanations. What is left out is as for one explanation.
#[derive(Debug, Default, Deserialize)]
struct OptionsWish {
    format: Option<String>,
    include_evidence: Option<bool>,
    include_counterfactuals: Option<bool>,
    include_vote_pivots: Option<bool>,
    priority: Option<Priority>,
}

/// Answers the routes of the `explanation-jobs` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(desk: &BatchDesk, call: Call) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    match call.route {
        RouteId::CreateBatch => create(desk, &call).await,
        RouteId::ListBatches => list(desk, &call).await,
        RouteId::GetBatch => Reply::ok(&shown(&desk.get(org, &batch_id(&call)?).await?)),
        RouteId::BatchResults => results(desk, &call).await,
        RouteId::CancelBatch => {
            Reply::ok(&shown(&desk.cancel(org, &batch_id(&call)?, call.now).await?))
        }
        other => Err(ApiError::internal(format!("{other:?} is not a route of batch jobs"))),
    }
}

async fn create(desk: &BatchDesk, call: &Call) -> Result<Reply, ApiError> {
    let key = idempotency::key(call)?;
    let wish = read_wish(call.json()?)?;
    let asked = Asked {
        org: call.principal()?.org_id(),
        request_id: &call.request_id,
        now: call.now,
        key: key.map(|key| (key, call.body())),
    };
    let made = desk.make(asked, wish).await?;
    let reply = Reply::accepted(&shown(&made.job))?;
    Ok(if made.replayed { reply.replayed() } else { reply })
}

/// The debates, each once, and what is wanted of them.
fn read_wish(wish: JobWish) -> Result<Wish, ApiError> {
    let debates = debate_ids(&wish.debate_ids)?;
    let options = wish.options.unwrap_or_default();
    let format = match options.format {
        None => Format::default(),
        Some(name) => name.parse().map_err(|_| {
            ApiError::field("options.format", "must be summary, detailed or visual")
        })?,
    };
    Ok(Wish {
        debates,
        options: Options {
            format,
            include_evidence: options.include_evidence,
            include_counterfactuals: options.include_counterfactuals,
            include_vote_pivots: options.include_vote_pivots,
        },
        priority: options.priority.unwrap_or_default(),
    })
}

fn debate_ids(wanted: &[String]) -> Result<Vec<DebateId>, ApiError> {
    if !(1..=MAX_DEBATES).contains(&wanted.len()) {
        return Err(ApiError::field("debate_ids", "must have 1 to 1,000 ids"));
    }
    let (mut seen, mut problems) = (HashSet::new(), Vec::new());
    let mut ids = Vec::with_capacity(wanted.len());
    for (at, text) in wanted.iter().enumerate() {
        match DebateId::parse(text) {
            Some(id) if seen.insert(text) => ids.push(id),
            Some(_) => {}
            None => {
                let field = format!("debate_ids[{at}]");
                problems.push(FieldError::new(field, "is not a debate's id"));
            }
        }
    }
    if problems.is_empty() { Ok(ids) } else { Err(ApiError::invalid(problems)) }
}

async fn list(desk: &BatchDesk, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(DEFAULT_LIMIT)? as usize;
    let after = cursor::read(&call.query, cursor::Kind::Batches, BatchId::parse)?;
    let page = desk.list(call.principal()?.org_id(), after.as_ref(), limit).await?;
    let shown: Vec<_> = page.jobs.iter().map(shown).collect();
    let next = page.next.map(|id| cursor::write(cursor::Kind::Batches, id.as_str()));
    Reply::ok(&json!({"count": shown.len(), "jobs": shown, "next_cursor": next}))
}

/// A page of results: of the job's own fields, and a list.
#[derive(Serialize)]
struct ResultPage<'a> {
    #[serde(flatten)]
    job: Value,
    count: usize,
    results: Vec<ShownResult<'a>>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct ShownResult<'a> {
    debate_id: &'a DebateId,
    status: &'static str,
    /// As it is kept: it is not read in between.
    explanation: Option<&'a RawValue>,
    error: Option<&'a str>,
    processing_time_ms: u64,
}

async fn results(desk: &BatchDesk, call: &Call) -> Result<Reply, ApiError> {
    let (org, id) = (call.principal()?.org_id(), batch_id(call)?);
    let limit = call.query.limit(DEFAULT_LIMIT)? as usize;
    let place = |place: &str| place.parse().ok();
    let after = cursor::read(&call.query, cursor::Kind::BatchResults, place)?;
    let with_partial = call.query.flag("include_partial")?.unwrap_or(false);
    let job = desk.get(org, &id).await?;
    let mut page = ResultPage { job: shown(&job), count: 0, results: vec![], next_cursor: None };
    if job.status == BatchStatus::Processing && !with_partial {
        return Reply::json(StatusCode::ACCEPTED, &page);
    }
    let found = desk.results(org, &id, after, limit).await?;
    page.results = found.results.iter().map(shown_result).collect::<Result<_, _>>()?;
    page.count = page.results.len();
    let next = found.next.map(|place| place.to_string());
    page.next_cursor = next.map(|place| cursor::write(cursor::Kind::BatchResults, &place));
    Reply::ok(&page)
}

fn shown_result(result: &DebateResult) -> Result<ShownResult<'_>, ApiError> {
    let explanation = result.explanation.as_deref().map(serde_json::from_str);
    Ok(ShownResult {
        debate_id: &result.debate_id,
        status: result.status.as_str(),
        explanation: explanation.transpose().map_err(ApiError::internal)?,
        error: result.error.as_deref(),
        processing_time_ms: result.processing_time_ms,
    })
}

fn batch_id(call: &Call) -> Result<BatchId, ApiError> {
    BatchId::parse(call.param("batch_id")?).ok_or_else(|| ApiError::not_found("job"))
}

/// A job, under our names and under those of the published clients.
fn shown(job: &Batch) -> Value {
    let (plan, tally) = (&job.plan, job.tally);
    let id = plan.id.as_str();
    json!({
        "job_id": id,
        "batch_id": id,
        "status": job.status,
        "total": plan.total,
        "total_debates": plan.total,
        "processed": tally.processed,
        "processed_count": tally.processed,
        "success_count": job.explained(),
        "failed_count": tally.failed,
        "error_count": tally.failed,
        "progress_pct": job.progress_pct(),
        "options": plan.options,
        "priority": plan.priority,
        "created_at": plan.created_at.rfc3339(),
        "started_at": job.started_at.map(Millis::rfc3339),
        "completed_at": job.completed_at.map(Millis::rfc3339),
        "status_url": format!("/api/explainability/batch/{id}"),
        "results_url": results_path(id),
    })
}

impl From<BatchError> for ApiError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::NoJob => Self::not_found("job"),
            BatchError::KeyReused => idempotency::reused(),
            BatchError::Ended(_) | BatchError::Done => Self::conflict(error.to_string()),
            BatchError::Options(error) => Self::internal(error),
            BatchError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
#[path = "explanation_jobs_tests.rs"]
mod tests;
