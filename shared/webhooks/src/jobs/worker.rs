//! The worker behind the `jobs` queue: takes a job up, goes on with it until shortly before its
//! time is over, and asks for the next invocation.
//!
//! The job is stored before a page is begun and after it is done, each time under its revision: a
//! worker that is refused has lost the job to another, or to somebody who cancelled it, and stops.
//! A note in `intents` says when to look for a job whose worker died.

use aragora_core::delivery::Lease;
use aragora_core::ids::fresh_uuid;
use aragora_core::redelivery::{Claim, JobPage, JobStatus};
use aragora_core::time::Clock;
use aragora_queue::inbound::{Deadline, InboundMessage};
use aragora_queue::message::{GoOn, decode};
use aragora_queue::{Queue, bury};
use aragora_store::StoreError;
use aragora_store::intents::{Intents, JobNote};
use aragora_store::jobs::{Jobs, StoredJob};
use aragora_store::registrations::Changed;
use thiserror::Error;

use super::go_on;
use super::start::{StartError, Starter};
use super::walk::{Walk, WalkError};

/// Time that one page may take, and the end besides.
const MARGIN_MS: i64 = 5_000;
/// How long after a failure it is tried again.
const AGAIN_SECONDS: i32 = 30;

/// The worker.
#[derive(Debug)]
pub struct JobWorker {
    /// Where jobs are kept.
    pub jobs: Jobs,
    /// Where it is noted when to look for them.
    pub intents: Intents,
    /// Finds what they are about.
    pub walk: Walk,
    /// Starts it.
    pub starter: Starter,
    /// The queue it reads, for what is left to the next invocation.
    pub queue: Queue,
    /// Where messages go that can never be read.
    pub dead_letters: Queue,
    /// How long after its time a job may be before the sweep takes it up, in milliseconds.
    pub grace_ms: i64,
    /// The time.
    pub clock: Clock,
}

/// What became of a batch.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct JobReport {
    /// Messages to be received again.
    pub failed: Vec<String>,
    /// Pages done.
    pub pages: usize,
    /// Deliveries on them.
    pub deliveries: usize,
    /// Jobs that ended.
    pub ended: usize,
    /// Messages that can never be read, put on the dead-letter queue.
    pub poison: usize,
}

/// Why a job does not go on in this invocation.
#[derive(Debug, Error)]
enum Stop {
    /// Nothing further can be done, and the job says so.
    #[error("{0}")]
    Hopeless(&'static str),
    /// Something did not answer: another invocation tries again.
    #[error("a page could not be done")]
    Page(#[source] StartError),
    /// The same, of the tables of jobs and notes.
    #[error("a table did not answer")]
    Store(#[from] StoreError),
    /// Another worker has the job, or somebody cancelled it.
    #[error("the job was changed by somebody else")]
    Lost,
}

impl From<WalkError> for Stop {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::NoWebhook => Self::Hopeless("the webhook was deleted"),
            WalkError::WebhookDisabled => Self::Hopeless("the webhook was disabled"),
            WalkError::Store(error) => Self::Store(error),
        }
    }
}

impl JobWorker {
    /// Works on the jobs of a batch until shortly before `deadline`. Besides what its pages cost:
    /// a read unit and four write units per invocation, and for each page a write unit per KB of
    /// the job, once before it and, for the last one, once after it.
    pub async fn handle(&self, batch: Vec<InboundMessage>, deadline: Deadline) -> JobReport {
        let mut report = JobReport::default();
        let mut poison = Vec::new();
        for message in batch {
            match decode::<GoOn>(&message.body) {
                Ok(order) => {
                    // Boxed here and below: nested in place, the future is deeper than rustc looks.
                    let done = Box::pin(self.go_on_with(&order, deadline, &mut report)).await;
                    if let Err(error) = done {
                        let error = &error as &dyn std::error::Error;
                        let job_id = order.job_id.as_str();
                        tracing::error!(org_id = order.org, job_id, error, "a job is stuck");
                        report.failed.push(message.message_id);
                    }
                }
                Err(error) => {
                    let (id, error_text) = (&message.message_id, &error as &dyn std::error::Error);
                    tracing::error!(
                        message_id = id,
                        error = error_text,
                        "poison on the jobs queue"
                    );
                    poison.push((message, error.reason()));
                }
            }
        }
        report.poison = poison.len();
        report.failed.extend(bury(&self.dead_letters, poison).await);
        report
    }

    /// Takes one job up. Its message is done with, unless not even the job could be read or
    /// stored.
    async fn go_on_with(
        &self,
        order: &GoOn,
        deadline: Deadline,
        report: &mut JobReport,
    ) -> Result<(), StoreError> {
        let Some(mut stored) = self.jobs.get(&order.org, &order.job_id).await? else {
            tracing::warn!(job_id = order.job_id.as_str(), "there is no such job any more");
            return Ok(());
        };
        let now = (self.clock)();
        // An id of its own: when the answer to a write is lost, a worker knows what it wrote by it.
        let lease = Lease { id: fresh_uuid(now).to_string(), until: deadline.0 };
        match stored.job.claim(now, lease) {
            // When the worker that has it dies, the note brings the job back.
            Claim::Ended | Claim::Leased => return Ok(()),
            Claim::GivenUp(job) => {
                tracing::error!(job_id = job.id.as_str(), "a job was given up");
                stored.job = job;
                report.ended += 1;
                return self.jobs.write(&mut stored).await.map(drop);
            }
            Claim::Taken(job) => stored.job = job,
        }
        let note = self.note(&stored, deadline);
        // Before the lease: a job that is under way always has a note.
        self.intents.note_jobs(std::slice::from_ref(&note)).await?;
        if self.jobs.write(&mut stored).await? == Changed::Outdated {
            // Whoever was faster has the job. The note stays: it may be that one's, too.
            return Ok(());
        }
        match self.pages(&mut stored, deadline, report).await {
            Ok(()) => {}
            Err(Stop::Lost) => return self.finish_late(&stored).await,
            Err(Stop::Hopeless(why)) => stored.job.fail(why, (self.clock)()),
            Err(error) => {
                log_again(&stored, &error);
                return self.leave(&mut stored, AGAIN_SECONDS).await;
            }
        }
        if !stored.job.status.has_ended() {
            return self.leave(&mut stored, 0).await;
        }
        report.ended += 1;
        match self.jobs.write(&mut stored).await? {
            Changed::Done => self.intents.strike_jobs(&[note]).await,
            Changed::Outdated => self.finish_late(&stored).await,
        }
    }

    fn note(&self, stored: &StoredJob, deadline: Deadline) -> JobNote {
        JobNote {
            org: stored.org.clone(),
            job_id: stored.job.id.clone(),
            at: deadline.0.plus(self.grace_ms),
        }
    }

    /// Goes on page by page, until the job has ended (which is left to the caller to store) or the
    /// time is up.
    async fn pages(
        &self,
        stored: &mut StoredJob,
        deadline: Deadline,
        report: &mut JobReport,
    ) -> Result<(), Stop> {
        loop {
            if !stored.job.progress.in_hand.is_empty() {
                let now = (self.clock)();
                let page = &stored.job.progress.in_hand;
                let page_len = page.len();
                let start = self.starter.start(&stored.org, &stored.job.id, page, now);
                let tally = Box::pin(start).await;
                stored.job.done(tally.map_err(Stop::Page)?, (self.clock)());
                report.pages += 1;
                report.deliveries += page_len;
            }
            if stored.job.progress.walked {
                stored.job.complete((self.clock)());
                return Ok(());
            }
            if deadline.remaining_ms((self.clock)()) < MARGIN_MS {
                return Ok(());
            }
            let page = self.next_page(stored, deadline).await?;
            stored.job.take(page, (self.clock)());
            if self.jobs.write(stored).await? == Changed::Outdated {
                return Err(Stop::Lost);
            }
        }
    }

    /// The next page that has something on it, the last one, or where the time was up: nothing is
    /// stored for pages in between.
    async fn next_page(&self, stored: &StoredJob, deadline: Deadline) -> Result<JobPage, Stop> {
        let job = &stored.job;
        let mut cursor = job.progress.cursor.clone();
        loop {
            let page = Box::pin(self.walk.page(&stored.org, &job.scope, cursor.as_deref())).await?;
            let is_empty = page.targets.is_empty() && page.missing == 0;
            let in_time = deadline.remaining_ms((self.clock)()) >= MARGIN_MS;
            if !is_empty || page.next.is_none() || !in_time {
                return Ok(page);
            }
            cursor = page.next;
        }
    }

    /// Leaves the job to the next invocation. When its message is lost, the note is still there.
    async fn leave(&self, stored: &mut StoredJob, delay_seconds: i32) -> Result<(), StoreError> {
        stored.job.release((self.clock)());
        if self.jobs.write(stored).await? == Changed::Outdated {
            return self.finish_late(stored).await;
        }
        let message = go_on(&stored.org, &stored.job, delay_seconds);
        for outcome in self.queue.send_all(&[message]).await {
            if let Err(error) = outcome {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a job waits for the sweep to be queued");
            }
        }
        Ok(())
    }

    /// Somebody cancelled the job while its page was being started: what was started is counted
    /// nevertheless. A job that another worker has is that one's to count.
    async fn finish_late(&self, mine: &StoredJob) -> Result<(), StoreError> {
        let Some(mut there) = self.jobs.get(&mine.org, &mine.job.id).await? else { return Ok(()) };
        let only_cancelled =
            there.job.status == JobStatus::Cancelled && there.rev == mine.rev.saturating_add(1);
        if only_cancelled {
            there.job.count_late(&mine.job, (self.clock)());
            self.jobs.write(&mut there).await?;
        }
        Ok(())
    }
}

fn log_again(stored: &StoredJob, error: &Stop) {
    let (job_id, error) = (stored.job.id.as_str(), error as &dyn std::error::Error);
    tracing::warn!(org_id = stored.org, job_id, error, "a job is tried again later");
}
