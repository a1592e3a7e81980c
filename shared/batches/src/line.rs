//! An organisation's line of jobs: a few are under way, the others wait for one of them to end.
//!
//! Everything here may be done twice. What is left undone by somebody who dies in between is found
//! by the sweep, because a job has a note until it was closed.

use aragora_core::batch::{Batch, MAX_UNDER_WAY};
use aragora_core::ids::BatchId;
use aragora_core::time::Millis;
use aragora_queue::message::{ExplainChunk, encode};
use aragora_queue::{Outgoing, Queue, QueueError};
use aragora_store::StoreError;
use aragora_store::batches::{Batches, Begun, Waiting};
use aragora_store::intents::{Intents, JobNote};

/// The line.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where jobs are kept.
    pub batches: Batches,
    /// Where it is noted when to look for them.
    pub intents: Intents,
    /// The queue of their worker.
    pub queue: Queue,
}

impl Line {
    /// Asks the worker for chunks of a job. One request to SQS for ten.
    ///
    /// # Errors
    /// When one of them may not be on the queue.
    pub async fn send(
        &self,
        org: &str,
        job: &Batch,
        chunks: &[u32],
        give_up: bool,
    ) -> Result<(), QueueError> {
        let message = |chunk: &u32| Outgoing {
            body: encode(&ExplainChunk {
                org: org.to_owned(),
                batch_id: job.plan.id.clone(),
                chunk: *chunk,
                request_id: job.plan.request_id.clone(),
                give_up,
            }),
            group: org.to_owned(),
            request_id: job.plan.request_id.clone(),
            delay_seconds: 0,
            reason: None,
        };
        let messages: Vec<_> = chunks.iter().map(message).collect();
        self.queue.send_all(&messages).await.into_iter().collect()
    }

    /// Asks for the chunks that a job begins with. When that fails, the sweep asks again.
    pub async fn begin(&self, org: &str, job: &Batch) {
        if let Err(error) = self.send(org, job, &job.frontier(), false).await {
            let error = &error as &dyn std::error::Error;
            let job_id = job.plan.id.as_str();
            tracing::warn!(org_id = org, job_id, error, "a batch job waits for the sweep");
        }
    }

    /// Puts a job that has no place into the line, and begins what can be begun. Three write units
    /// and a read unit, and four write units more for each that is begun.
    pub async fn wait(&self, org: &str, job: &Batch, now: Millis) -> Result<(), StoreError> {
        let waiting = Waiting::new(job.plan.id.clone(), job.plan.priority);
        self.batches.wait(org, &waiting, job.plan.created_at).await?;
        // Somebody may have given a place back before the job was in the line, and not seen it.
        self.begin_next(org, now).await
    }

    /// Gives a job's place back, and begins what waits for one. A write unit and a read unit, and
    /// four write units more for each that is begun.
    pub async fn leave(&self, org: &str, id: &BatchId, now: Millis) -> Result<(), StoreError> {
        self.batches.give_place(org, id).await?;
        self.begin_next(org, now).await
    }

    /// Does what is left to do about a job that has ended: its place is given back, and its note
    /// struck out. As [`Self::leave`], and a write unit; one more when it waited.
    pub async fn close(&self, org: &str, job: &Batch, now: Millis) -> Result<(), StoreError> {
        if job.started_at.is_none() {
            let waiting = Waiting::new(job.plan.id.clone(), job.plan.priority);
            self.batches.stop_waiting(org, &waiting).await?;
        }
        self.leave(org, &job.plan.id, now).await?;
        self.intents.strike_jobs(&[first_note(org, job)]).await
    }

    /// Begins jobs of the line while there are places.
    async fn begin_next(&self, org: &str, now: Millis) -> Result<(), StoreError> {
        for _ in 0..MAX_UNDER_WAY {
            let Some(waiting) = self.batches.next_waiting(org).await? else { return Ok(()) };
            if !self.batches.take_place(org, &waiting.id, MAX_UNDER_WAY).await? {
                return Ok(());
            }
            match self.batches.start(org, &waiting.id, now).await? {
                Begun::Now(job) => self.begin(org, &job).await,
                Begun::Before => {}
                // Cancelled while it waited.
                Begun::Over => self.batches.give_place(org, &waiting.id).await?,
            }
            self.batches.stop_waiting(org, &waiting).await?;
        }
        Ok(())
    }
}

/// The note that was made with a job.
pub(crate) fn first_note(org: &str, job: &Batch) -> JobNote<BatchId> {
    JobNote { org: org.to_owned(), job_id: job.plan.id.clone(), at: job.plan.noted_at }
}
