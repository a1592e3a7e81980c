//! What users do with batch jobs: make one, follow it, read its results, cancel it.

use std::sync::Arc;

use aragora_core::batch::{
    Batch, BatchPlan, BatchStatus, CHUNK, DebateResult, MAX_UNDER_WAY, Priority, WINDOW,
};
use aragora_core::ids::{BatchId, DebateId};
use aragora_core::metrics::Counters;
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::batch_results::BatchResults;
use aragora_store::batches::{BatchKey, Ended};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::line::{Line, first_note};
use crate::options::Options;

/// The desk.
#[derive(Debug, Clone)]
pub struct BatchDesk {
    /// The line of jobs, and where they are kept.
    pub line: Line,
    /// Where chunks and results are kept.
    pub results: BatchResults,
    /// How long a job may wait for its worker before the sweep looks at it, in milliseconds.
    pub grace_ms: i64,
    /// Where jobs are counted.
    pub counters: Arc<Counters>,
}

/// Who asks for a job, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Whose job it is.
    pub org: &'a str,
    /// The request.
    pub request_id: &'a str,
    /// Now.
    pub now: Millis,
    /// The request's idempotency key, and the body that it stands for.
    pub key: Option<(&'a str, &'a [u8])>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The debates, 1 to [`aragora_core::batch::MAX_DEBATES`], each once.
    pub debates: Vec<DebateId>,
    /// What is wanted of each explanation.
    pub options: Options,
    /// When it is begun, if it has to wait.
    pub priority: Priority,
}

/// A job that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The job.
    pub job: Batch,
    /// Whether an earlier request with the same key made it.
    pub replayed: bool,
}

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchList {
    /// Newest first.
    pub jobs: Vec<Batch>,
    /// The job after which the list goes on; `None` at its end.
    pub next: Option<BatchId>,
}

/// A page of a job's results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultList {
    /// In the order of the request.
    pub results: Vec<DebateResult>,
    /// The place in the request after which the list goes on; `None` at its end.
    pub next: Option<u32>,
}

/// Why there is no job, or no change to one.
#[derive(Debug, Error)]
pub enum BatchError {
    /// There is no such job in the organisation.
    #[error("there is no such job")]
    NoJob,
    /// It has ended, so it cannot be cancelled.
    #[error("the job is {}", .0.as_str())]
    Ended(BatchStatus),
    /// Every debate is done with, and it is about to end.
    #[error("every debate of the job is done with")]
    Done,
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// The options have no JSON form.
    #[error("the options cannot be stored")]
    Options(#[from] serde_json::Error),
    /// A table did not answer.
    #[error("a table did not answer")]
    Store(#[from] StoreError),
}

impl BatchDesk {
    /// Makes a job. A write unit each for its note, its place and itself, one per KB of its ids, a
    /// request to SQS, and a write unit for an idempotency key; three more and a read unit when it
    /// has to wait. When that request fails, the sweep repeats it.
    ///
    /// With a key, the same key and body give the same job again, for 48 hours.
    ///
    /// # Errors
    /// [`BatchError::KeyReused`]; or when a table did not answer: perhaps the job was made, and
    /// with a key the same request says so.
    pub async fn make(&self, asked: Asked<'_>, wish: Wish) -> Result<Made, BatchError> {
        let (claimed, is_known) = self.claim_key(asked).await?;
        if is_known {
            // None when the first request died before it stored the job.
            let job = self.line.batches.get(asked.org, &claimed.batch_id).await?;
            if let Some(job) = job {
                return Ok(Made { job, replayed: true });
            }
        }
        let job = Batch::new(BatchPlan {
            id: claimed.batch_id,
            options: serde_json::to_value(wish.options)?,
            priority: wish.priority,
            total: u32::try_from(wish.debates.len()).unwrap_or(u32::MAX),
            chunk: CHUNK,
            window: WINDOW,
            request_id: asked.request_id.to_owned(),
            created_at: claimed.created_at,
            // As of now, also for a job that counts as made earlier.
            noted_at: asked.now.plus(self.grace_ms),
        });
        let job = self.store_and_begin(asked, job, &wish.debates).await?;
        self.counters.batch_job(job.status.as_str());
        Ok(Made { job, replayed: false })
    }

    /// The job that the request's key stands for already, or the one that it is to make; and
    /// whether it is the former.
    async fn claim_key(&self, asked: Asked<'_>) -> Result<(BatchKey, bool), BatchError> {
        let batch_id = BatchId::mint(asked.now);
        let mut mine = BatchKey { digest: String::new(), batch_id, created_at: asked.now };
        let Some((key, body)) = asked.key else { return Ok((mine, false)) };
        mine.digest = digest(body);
        let known = self.line.batches.claim_key(asked.org, &digest(key.as_bytes()), &mine).await?;
        match known {
            None => Ok((mine, false)),
            Some(known) if known.digest == mine.digest => Ok((known, true)),
            Some(_) => Err(BatchError::KeyReused),
        }
    }

    /// The note first, so that there is never a job without one; then its chunks, so that a worker
    /// finds them; then its place, so that the job says whether it was begun; then the job; and if
    /// its messages are lost, the note is still there for the sweep.
    async fn store_and_begin(
        &self,
        asked: Asked<'_>,
        mut job: Batch,
        debates: &[DebateId],
    ) -> Result<Batch, StoreError> {
        let (org, id) = (asked.org, job.plan.id.clone());
        self.line.intents.note_jobs(&[first_note(org, &job)]).await?;
        let chunk = usize::try_from(job.plan.chunk).unwrap_or(usize::MAX);
        let chunks: Vec<&[DebateId]> = debates.chunks(chunk.max(1)).collect();
        self.results.put_chunks(org, &id, &chunks, job.plan.created_at).await?;
        let has_place = self.line.batches.take_place(org, &id, MAX_UNDER_WAY).await?;
        job.started_at = has_place.then_some(asked.now);
        self.line.batches.create(org, &job).await?;
        if has_place {
            self.line.begin(org, &job).await;
        } else {
            self.line.wait(org, &job, asked.now).await?;
        }
        Ok(job)
    }

    /// One job, as last written. A read unit per 4 KB.
    ///
    /// # Errors
    /// [`BatchError::NoJob`], also for another organisation's.
    pub async fn get(&self, org: &str, id: &BatchId) -> Result<Batch, BatchError> {
        self.line.batches.get(org, id).await?.ok_or(BatchError::NoJob)
    }

    /// A page of the organisation's jobs, newest first. Half a read unit per 4 KB.
    ///
    /// # Errors
    /// When the table did not answer.
    pub async fn list(
        &self,
        org: &str,
        after: Option<&BatchId>,
        limit: usize,
    ) -> Result<BatchList, BatchError> {
        let wanted = i32::try_from(limit).unwrap_or(i32::MAX);
        let (jobs, more) = self.line.batches.page(org, after, wanted).await?;
        let next = jobs.last().filter(|_| more).map(|last| last.plan.id.clone());
        Ok(BatchList { jobs, next })
    }

    /// A page of a job's results in the order of the request, from after the place `after` on. Half
    /// a read unit per 4 KB, packed.
    ///
    /// # Errors
    /// When the table did not answer.
    pub async fn results(
        &self,
        org: &str,
        id: &BatchId,
        after: Option<u32>,
        limit: usize,
    ) -> Result<ResultList, BatchError> {
        let wanted = i32::try_from(limit).unwrap_or(i32::MAX);
        let (results, next) = self.results.page(org, id, after, wanted).await?;
        Ok(ResultList { results, next })
    }

    /// Cancels a job that has not ended. Chunks that workers have in hand at that moment are still
    /// explained and counted. A write unit, and what [`Line::close`] costs.
    ///
    /// # Errors
    /// [`BatchError::Ended`] when it has, also by an earlier cancel, and [`BatchError::Done`] when
    /// it is about to.
    pub async fn cancel(&self, org: &str, id: &BatchId, now: Millis) -> Result<Batch, BatchError> {
        let job = match self.line.batches.cancel(org, id, now).await? {
            Ended::Now(job) => job,
            Ended::Refused(job) if job.status.has_ended() => {
                return Err(BatchError::Ended(job.status));
            }
            Ended::Refused(_) => return Err(BatchError::Done),
            Ended::NoJob => return Err(BatchError::NoJob),
        };
        self.counters.batch_job(job.status.as_str());
        if let Err(error) = self.line.close(org, &job, now).await {
            let error = &error as &dyn std::error::Error;
            let job_id = id.as_str();
            tracing::warn!(org_id = org, job_id, error, "a cancelled job waits for the sweep");
        }
        Ok(job)
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
