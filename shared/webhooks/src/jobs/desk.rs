//! What users do with redelivery jobs: count first, start one, follow it, cancel it.

use aragora_core::ids::JobId;
use aragora_core::redelivery::{Job, JobStatus, Scope};
use aragora_core::time::Millis;
use aragora_queue::Queue;
use aragora_store::StoreError;
use aragora_store::intents::{Intents, JobNote};
use aragora_store::jobs::{JobKey, Jobs};
use aragora_store::registrations::Changed;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::go_on;
use super::walk::{Counted, Walk, WalkError};

/// How often a cancel looks again when a worker was faster.
const ROUNDS: usize = 5;

/// The desk.
#[derive(Debug, Clone)]
pub struct JobDesk {
    /// Where jobs are kept.
    pub jobs: Jobs,
    /// Where it is noted when to look for them.
    pub intents: Intents,
    /// Finds what they are about.
    pub walk: Walk,
    /// The queue of their worker.
    pub queue: Queue,
    /// How long a job may wait for its worker before the sweep queues it again, in milliseconds.
    pub grace_ms: i64,
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

/// A job that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The job.
    pub job: Job,
    /// Whether an earlier request with the same key made it.
    pub replayed: bool,
}

/// A page of jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobList {
    /// Newest first.
    pub jobs: Vec<Job>,
    /// The job after which the list goes on; `None` at its end.
    pub next: Option<JobId>,
}

/// Why there is no job, or no change to one.
#[derive(Debug, Error)]
pub enum JobError {
    /// There is no such job in the organisation.
    #[error("there is no such job")]
    NoJob,
    /// There is no such webhook in the organisation.
    #[error("there is no such webhook")]
    NoWebhook,
    /// Nothing is sent to a webhook that is switched off.
    #[error("the webhook is disabled")]
    WebhookDisabled,
    /// It has ended, so it cannot be cancelled.
    #[error("the job is {}", .0.as_str())]
    Ended(JobStatus),
    /// Its worker was faster each time.
    #[error("the job is being changed by somebody else")]
    Contended,
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// A table did not answer.
    #[error("a table did not answer")]
    Store(#[from] StoreError),
}

impl From<WalkError> for JobError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::NoWebhook => Self::NoWebhook,
            WalkError::WebhookDisabled => Self::WebhookDisabled,
            WalkError::Store(error) => Self::Store(error),
        }
    }
}

impl JobDesk {
    /// How many deliveries a job would start. Stores nothing; costs what [`Walk::count`] reads.
    pub async fn count(&self, org: &str, scope: &Scope) -> Result<Counted, JobError> {
        Ok(self.walk.count(org, scope).await?)
    }

    /// Makes a job. Counts first, then: a write unit for the note, one per KB for the job, a
    /// request to SQS, and a write unit for an idempotency key. When that request fails, the sweep
    /// queues it.
    ///
    /// With a key, the same key and body give the same job again, for 48 hours; `scope` is made
    /// from the time at which the key was first used, so that a window that ends "now" is the same.
    ///
    /// # Errors
    /// [`JobError::NoWebhook`] and [`JobError::WebhookDisabled`] for a recovery.
    pub async fn make<E: From<JobError>>(
        &self,
        asked: Asked<'_>,
        scope: impl FnOnce(Millis) -> Result<Scope, E>,
    ) -> Result<Made, E> {
        let (claimed, is_known) = self.claim_key(asked).await?;
        let (id, now) = (claimed.job_id, claimed.created_at);
        if is_known {
            // None when the first request was refused, or died before it stored the job.
            let job = self.jobs.get(asked.org, &id).await.map_err(JobError::from)?;
            if let Some(stored) = job {
                return Ok(Made { job: stored.job, replayed: true });
            }
        }
        let scope = scope(now)?;
        let counted = self.count(asked.org, &scope).await?;
        let job = Job::new(id, scope, counted.total, asked.request_id.to_owned(), now);
        self.store_and_queue(asked, &job).await?;
        Ok(Made { job, replayed: false })
    }

    /// The job that the request's key stands for already, or the one that it is to make; and
    /// whether it is the former.
    async fn claim_key(&self, asked: Asked<'_>) -> Result<(JobKey, bool), JobError> {
        let mut mine =
            JobKey { digest: String::new(), job_id: JobId::mint(asked.now), created_at: asked.now };
        let Some((key, body)) = asked.key else { return Ok((mine, false)) };
        mine.digest = digest(body);
        match self.jobs.claim_key(asked.org, &digest(key.as_bytes()), &mine).await? {
            None => Ok((mine, false)),
            Some(known) if known.digest == mine.digest => Ok((known, true)),
            Some(_) => Err(JobError::KeyReused),
        }
    }

    /// The note first, so that there is never a job without one; then the job, so that a worker
    /// finds it; and if the message is lost, the note is still there for the sweep.
    async fn store_and_queue(&self, asked: Asked<'_>, job: &Job) -> Result<(), JobError> {
        let note = JobNote {
            org: asked.org.to_owned(),
            job_id: job.id.clone(),
            // As of now, also for a job that counts as made earlier.
            at: asked.now.plus(self.grace_ms),
        };
        self.intents.note_jobs(&[note]).await?;
        self.jobs.create(asked.org, job).await?;
        for outcome in self.queue.send_all(&[go_on(asked.org, job, 0)]).await {
            if let Err(error) = outcome {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a job waits for the sweep to be queued");
            }
        }
        Ok(())
    }

    /// One job, as last written. A read unit per 4 KB.
    pub async fn get(&self, org: &str, id: &JobId) -> Result<Job, JobError> {
        let stored = self.jobs.get(org, id).await?;
        stored.map(|stored| stored.job).ok_or(JobError::NoJob)
    }

    /// A page of the organisation's jobs, newest first. Half a read unit per 4 KB.
    pub async fn list(
        &self,
        org: &str,
        after: Option<&JobId>,
        limit: usize,
    ) -> Result<JobList, JobError> {
        let wanted = i32::try_from(limit).unwrap_or(i32::MAX);
        let (stored, more) = self.jobs.page(org, after, wanted).await?;
        let jobs: Vec<Job> = stored.into_iter().map(|stored| stored.job).collect();
        let next = jobs.last().filter(|_| more).map(|last| last.id.clone());
        Ok(JobList { jobs, next })
    }

    /// Cancels a job that has not ended. What its worker has in hand at that moment, at most a
    /// page, is still started. A read unit and a write unit per KB.
    ///
    /// # Errors
    /// [`JobError::Ended`] when it has, also by an earlier cancel.
    pub async fn cancel(&self, org: &str, id: &JobId, now: Millis) -> Result<Job, JobError> {
        for _ in 0..ROUNDS {
            let mut stored = self.jobs.get(org, id).await?.ok_or(JobError::NoJob)?;
            let Some(cancelled) = stored.job.cancelled(now) else {
                return Err(JobError::Ended(stored.job.status));
            };
            stored.job = cancelled;
            if self.jobs.write(&mut stored).await? == Changed::Done {
                return Ok(stored.job);
            }
        }
        Err(JobError::Contended)
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
