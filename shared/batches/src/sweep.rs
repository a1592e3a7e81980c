//! Bringing back a job whose message was lost, or whose worker died with it; and doing what is left
//! to do about one that has ended.

use aragora_core::batch::{Batch, Need};
use aragora_core::ids::BatchId;
use aragora_core::time::{Clock, Millis};
use aragora_queue::inbound::Deadline;
use aragora_store::intents::JobNote;
use aragora_store::{SWEEP_SHARDS, StoreError};
use futures_util::future::join_all;

use crate::ending::Ending;

/// Notes taken up in one run of one shard; what is left is for the next minute.
const ROUND: i32 = 100;
/// Time that one note may take.
const MARGIN_MS: i64 = 5_000;
/// When a note without a job is one that nobody will store any more: well after the function that
/// was to was ended by force.
const ABANDONED_AFTER_MS: i64 = 60_000;
/// When to look again at a job whose chunks were queued again, or that waits: while the queue is
/// backed up, the sweep must not add to it every minute.
const AGAIN_MS: i64 = 5 * 60_000;

/// Finds jobs that nothing moves.
#[derive(Debug, Clone)]
pub struct BatchSweep {
    /// Ends what was gone through.
    pub ending: Ending,
    /// How long a job that is under way may go without a chunk being counted, in milliseconds.
    pub grace_ms: i64,
    /// The time.
    pub clock: Clock,
}

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct BatchSweepReport {
    /// Jobs of which chunks were queued again.
    pub requeued: usize,
    /// Jobs that were ended.
    pub ended: usize,
    /// Jobs that could not be queued and are found again.
    pub failed: usize,
}

impl BatchSweep {
    /// Sweeps all shards, side by side, until shortly before `deadline`. Half a read unit per
    /// shard when there is nothing to do; for a note that is due, a read unit for its job and two
    /// write units, and what is done about it. Two sweeps at once queue a chunk twice, which is
    /// counted once.
    ///
    /// # Errors
    /// When a table does not answer; what was done until then stays done.
    pub async fn run(&self, deadline: Deadline) -> Result<BatchSweepReport, StoreError> {
        let mut total = BatchSweepReport::default();
        for report in join_all((0..SWEEP_SHARDS).map(|shard| self.shard(shard, deadline))).await {
            let report = report?;
            total.requeued += report.requeued;
            total.ended += report.ended;
            total.failed += report.failed;
        }
        Ok(total)
    }

    async fn shard(&self, shard: u8, deadline: Deadline) -> Result<BatchSweepReport, StoreError> {
        let mut report = BatchSweepReport::default();
        let intents = &self.ending.line.intents;
        for note in intents.jobs_before::<BatchId>(shard, (self.clock)(), ROUND).await? {
            let now = (self.clock)();
            if deadline.remaining_ms(now) < MARGIN_MS {
                break;
            }
            // Boxed: nested in place, the future is deeper than rustc looks.
            Box::pin(self.take_up(note, now, &mut report)).await?;
        }
        Ok(report)
    }

    async fn take_up(
        &self,
        note: JobNote<BatchId>,
        now: Millis,
        report: &mut BatchSweepReport,
    ) -> Result<(), StoreError> {
        let line = &self.ending.line;
        let Some(job) = line.batches.get(&note.org, &note.job_id).await? else {
            if now.since(note.at) <= ABANDONED_AFTER_MS {
                return Ok(());
            }
            line.leave(&note.org, &note.job_id, now).await?;
            return line.intents.strike_jobs(&[note]).await;
        };
        match job.need(now, self.grace_ms) {
            Need::Nothing => line.close(&note.org, &job, now).await?,
            Need::Ending => {
                self.ending.finish(&note.org, &job, now).await?;
                report.ended += 1;
            }
            // A new note is made before the old one is struck out.
            Need::Time(at) => self.note_again(&note, at).await?,
            Need::Turn => {
                self.note_again(&note, now.plus(AGAIN_MS)).await?;
                line.wait(&note.org, &job, now).await?;
            }
            Need::Chunks { chunks, give_up } => {
                self.note_again(&note, now.plus(AGAIN_MS)).await?;
                self.queue_again(&note.org, &job, &chunks, give_up, report).await;
            }
        }
        line.intents.strike_jobs(&[note]).await
    }

    async fn note_again(&self, note: &JobNote<BatchId>, at: Millis) -> Result<(), StoreError> {
        let again = JobNote { at, ..note.clone() };
        self.ending.line.intents.note_jobs(&[again]).await
    }

    async fn queue_again(
        &self,
        org: &str,
        job: &Batch,
        chunks: &[u32],
        give_up: bool,
        report: &mut BatchSweepReport,
    ) {
        let job_id = job.plan.id.as_str();
        if give_up {
            tracing::error!(org_id = org, job_id, "a batch job is given up");
        }
        match self.ending.line.send(org, job, chunks, give_up).await {
            Ok(()) => report.requeued += 1,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(org_id = org, job_id, error, "a lost batch job could not be queued");
                report.failed += 1;
            }
        }
    }
}
