//! Bringing back a job whose message was lost, or whose worker died with it.

use aragora_core::redelivery::Job;
use aragora_core::time::{Clock, Millis};
use aragora_queue::Queue;
use aragora_queue::inbound::Deadline;
use aragora_store::intents::{Intents, JobNote};
use aragora_store::jobs::Jobs;
use aragora_store::{SWEEP_SHARDS, StoreError};
use futures_util::future::join_all;

use super::go_on;

/// Notes taken up in one run of one shard; what is left is for the next minute.
const ROUND: i32 = 100;
/// Time that one note may take.
const MARGIN_MS: i64 = 5_000;
/// When a note without a job is one that nobody will store any more: well after the function that
/// was to was ended by force.
const ABANDONED_AFTER_MS: i64 = 60_000;
/// When a job that was queued again counts as lost in turn: while the queue is backed up, the sweep
/// must not add to it every minute.
const RESENT_GRACE_MS: i64 = 5 * 60_000;

/// Finds jobs that nothing moves.
#[derive(Debug, Clone)]
pub struct JobSweep {
    /// Where jobs are kept.
    pub jobs: Jobs,
    /// Where it is noted when to look for them.
    pub intents: Intents,
    /// The queue of their worker.
    pub queue: Queue,
    /// The time.
    pub clock: Clock,
}

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct JobSweepReport {
    /// Jobs queued again.
    pub requeued: usize,
    /// Jobs that could not be queued and are found again.
    pub failed: usize,
}

impl JobSweep {
    /// Sweeps all shards, side by side, until shortly before `deadline`. Half a read unit per
    /// shard when there is nothing to do; for a note that is due, a read unit for its job and two
    /// write units. Two sweeps at once queue a job twice, which does no harm: one worker has it at
    /// a time.
    ///
    /// # Errors
    /// When a table does not answer; what was done until then stays done.
    pub async fn run(&self, deadline: Deadline) -> Result<JobSweepReport, StoreError> {
        let mut total = JobSweepReport::default();
        for report in join_all((0..SWEEP_SHARDS).map(|shard| self.shard(shard, deadline))).await {
            let report = report?;
            total.requeued += report.requeued;
            total.failed += report.failed;
        }
        Ok(total)
    }

    async fn shard(&self, shard: u8, deadline: Deadline) -> Result<JobSweepReport, StoreError> {
        let mut report = JobSweepReport::default();
        for note in self.intents.jobs_before(shard, (self.clock)(), ROUND).await? {
            let now = (self.clock)();
            if deadline.remaining_ms(now) < MARGIN_MS {
                break;
            }
            self.take_up(note, now, &mut report).await?;
        }
        Ok(report)
    }

    /// A new note is made before the old one is struck out; it comes up again only if this message
    /// is lost too.
    async fn take_up(
        &self,
        note: JobNote,
        now: Millis,
        report: &mut JobSweepReport,
    ) -> Result<(), StoreError> {
        let Some(stored) = self.jobs.get(&note.org, &note.job_id).await? else {
            if now.since(note.at) <= ABANDONED_AFTER_MS {
                return Ok(());
            }
            return self.intents.strike_jobs(&[note]).await;
        };
        // Whoever has it made a note of its own, for when the lease is over.
        if !stored.job.status.has_ended() && !stored.job.is_leased(now) {
            let again = JobNote { at: now.plus(RESENT_GRACE_MS), ..note.clone() };
            self.intents.note_jobs(&[again]).await?;
            self.queue_again(&stored.org, &stored.job, report).await;
        }
        self.intents.strike_jobs(&[note]).await
    }

    async fn queue_again(&self, org: &str, job: &Job, report: &mut JobSweepReport) {
        for outcome in self.queue.send_all(&[go_on(org, job, 0)]).await {
            let Err(error) = outcome else {
                report.requeued += 1;
                continue;
            };
            let error = &error as &dyn std::error::Error;
            tracing::warn!(job_id = job.id.as_str(), error, "a lost job could not be queued");
            report.failed += 1;
        }
    }
}
