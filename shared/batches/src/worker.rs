//! The worker behind the `explanations` queue: explains the debates of a chunk, counts it, and asks
//! for the next of its lane.
//!
//! Results are stored before the chunk is counted, and what is counted is what is stored: of two
//! workers at one chunk, one's result of a debate stays, and one of them counts. Whoever counted
//! asks for the next chunk, or ends the job; when it dies first, its message comes back and finds
//! the chunk counted.

mod chunk;

use std::collections::BTreeMap;

use aragora_core::batch::{Attempt, Batch, ResultStatus, Tally};
use aragora_core::ids::{DebateId, fresh_uuid};
use aragora_core::time::{Clock, Millis};
use aragora_explanations::explainer::{Explained, Explainer};
use aragora_explanations::views::View;
use aragora_queue::inbound::{Deadline, InboundMessage};
use aragora_queue::message::{ExplainChunk, decode};
use aragora_queue::{Queue, QueueError, bury};
use aragora_store::StoreError;
use aragora_store::batch_results::BatchResults;
use aragora_store::batches::{Chunk, Counted};
use thiserror::Error;

use crate::ending::Ending;

/// The reason on a dead letter whose debates were recorded as errors.
const GIVEN_UP: &str = "given_up";
/// The reason on a dead letter that names no chunk of its job.
const NO_CHUNK: &str = "no_such_chunk";

/// What explains debates.
pub trait Explains: Send + Sync {
    /// Explains debates of an organisation in one form; one result per id, in order.
    ///
    /// # Errors
    /// When nothing can be said about any of them, and it may be tried again.
    fn explain(
        &self,
        org: &str,
        ids: &[DebateId],
        view: View,
        now: Millis,
    ) -> impl Future<Output = Result<Vec<Explained>, StoreError>> + Send;
}

impl Explains for Explainer {
    async fn explain(
        &self,
        org: &str,
        ids: &[DebateId],
        view: View,
        now: Millis,
    ) -> Result<Vec<Explained>, StoreError> {
        self.view_many(org, ids, view, now).await
    }
}

/// The worker.
#[derive(Debug)]
pub struct ChunkWorker<E = Explainer> {
    /// Ends jobs, and knows where they are kept.
    pub ending: Ending,
    /// Where chunks and results are kept.
    pub results: BatchResults,
    /// Explains.
    pub explainer: E,
    /// Where messages go that can never be read, or were given up.
    pub dead_letters: Queue,
    /// How many debates are explained side by side.
    pub at_once: usize,
    /// How often the queue hands a message out.
    pub most_receives: u32,
    /// The time.
    pub clock: Clock,
}

/// What became of a batch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ChunkReport {
    /// Messages to be received again.
    pub failed: Vec<String>,
    /// Chunks counted.
    pub chunks: usize,
    /// Results stored.
    pub results: usize,
    /// Jobs that ended.
    pub ended: usize,
    /// Chunks that were given up, also put on the dead-letter queue.
    pub given_up: usize,
    /// Messages that can never be read, put on the dead-letter queue.
    pub poison: usize,
}

/// Why a chunk is to be received again.
#[derive(Debug, Error)]
enum ChunkError {
    /// A table did not answer.
    #[error("a table did not answer")]
    Store(#[from] StoreError),
    /// What comes next is not known to be on the queue.
    #[error("the next chunk could not be queued")]
    Unqueued(#[from] QueueError),
    /// The time was up.
    #[error("there was no time for it")]
    NoTime {
        /// Whether some of it has results.
        is_further: bool,
    },
    /// What is wanted of the explanations cannot be read.
    #[error("the options of the job cannot be read")]
    Options(#[from] serde_json::Error),
}

/// What is done with a message.
enum Done {
    /// It can go.
    Through,
    /// It goes to the dead letters, for this reason.
    Buried(&'static str),
}

/// One chunk at hand.
struct Task<'a> {
    org: &'a str,
    job: &'a Batch,
    chunk: u32,
}

impl<E: Explains> ChunkWorker<E> {
    /// Works on the chunks of a batch until shortly before `deadline`. For a chunk of twenty: a
    /// read unit each for the job and the chunk, what explaining costs, a write unit per KB of each
    /// result, a write unit for the count, and a request to SQS.
    pub async fn handle(&self, batch: Vec<InboundMessage>, deadline: Deadline) -> ChunkReport {
        let mut report = ChunkReport::default();
        let mut buried = Vec::new();
        for message in batch {
            let order: ExplainChunk = match decode(&message.body) {
                Ok(order) => order,
                Err(error) => {
                    report.poison += 1;
                    buried.push((message, error.reason()));
                    continue;
                }
            };
            // Boxed here and below: nested in place, the future is deeper than rustc looks.
            let done = Box::pin(self.take(&order, &message, deadline, &mut report)).await;
            match done {
                Ok(Done::Through) => {}
                Ok(Done::Buried(reason)) => buried.push((message, reason)),
                Err(error) => {
                    log_failure(&order, &error);
                    report.failed.push(message.message_id);
                }
            }
        }
        for (message, reason) in &buried {
            let id = &message.message_id;
            tracing::error!(message_id = id, reason, "a dead letter of the explanations queue");
        }
        report.failed.extend(bury(&self.dead_letters, buried).await);
        report
    }

    async fn take(
        &self,
        order: &ExplainChunk,
        message: &InboundMessage,
        deadline: Deadline,
        report: &mut ChunkReport,
    ) -> Result<Done, ChunkError> {
        let org = order.org.as_str();
        let Some(job) = self.ending.line.batches.get(org, &order.batch_id).await? else {
            tracing::warn!(job_id = order.batch_id.as_str(), "there is no such job any more");
            return Ok(Done::Through);
        };
        // What is left to do about a job that has ended is under its note.
        if job.status.has_ended() {
            return Ok(Done::Through);
        }
        if job.plan.places(order.chunk).is_empty() {
            return Ok(Done::Buried(NO_CHUNK));
        }
        let task = Task { org, job: &job, chunk: order.chunk };
        if job.done.contains(&order.chunk) {
            // A copy that comes for the first time: whoever counted the chunk goes on.
            if message.receive_count > 1 {
                self.go_on(&task, &job, report).await?;
            }
            return Ok(Done::Through);
        }
        let attempt = if order.give_up {
            Attempt::GiveUp
        } else {
            Attempt::at(message.receive_count, self.most_receives)
        };
        let statuses = match attempt {
            Attempt::GiveUp => self.give_up(&task, report).await,
            Attempt::Together | Attempt::OneByOne { .. } => {
                Box::pin(self.explain(&task, attempt, deadline, report)).await
            }
        };
        let statuses = match statuses {
            // A message of its own: that there was no time for all of it is no failure.
            Err(ChunkError::NoTime { is_further: true }) => {
                self.ending.line.send(org, &job, &[order.chunk], false).await?;
                return Ok(Done::Through);
            }
            statuses => statuses?,
        };
        self.count(&task, &statuses, report).await?;
        Ok(if attempt == Attempt::GiveUp { Done::Buried(GIVEN_UP) } else { Done::Through })
    }

    /// Counts what is stored, and goes on.
    async fn count(
        &self,
        task: &Task<'_>,
        statuses: &BTreeMap<u32, ResultStatus>,
        report: &mut ChunkReport,
    ) -> Result<(), ChunkError> {
        let at = (self.clock)();
        // By this a worker knows its own count when the answer was lost.
        let by = fresh_uuid(at).to_string();
        let tally = Tally::of(statuses.values());
        let chunk = Chunk { number: task.chunk, tally, by: &by, at };
        let batches = &self.ending.line.batches;
        match batches.count(task.org, &task.job.plan.id, chunk).await? {
            Counted::Now(job) => {
                report.chunks += 1;
                self.go_on(task, &job, report).await
            }
            // Whoever did goes on.
            Counted::Before | Counted::NoJob => Ok(()),
        }
    }

    /// What follows a chunk that was counted: the next of its lane, or the end of `job`.
    async fn go_on(
        &self,
        task: &Task<'_>,
        job: &Batch,
        report: &mut ChunkReport,
    ) -> Result<(), ChunkError> {
        if job.status.has_ended() {
            return Ok(());
        }
        if job.is_counted() {
            Box::pin(self.ending.finish(task.org, job, (self.clock)())).await?;
            report.ended += 1;
        } else if let Some(next) = job.next_after(task.chunk) {
            self.ending.line.send(task.org, job, &[next], false).await?;
        }
        Ok(())
    }
}

fn log_failure(order: &ExplainChunk, error: &ChunkError) {
    let (org_id, job_id, chunk) = (order.org.as_str(), order.batch_id.as_str(), order.chunk);
    let error = error as &dyn std::error::Error;
    tracing::error!(org_id, job_id, chunk, error, "a chunk of a batch job comes back");
}
