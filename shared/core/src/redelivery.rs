//! Redelivery jobs: many deliveries sent again as one durable piece of work.
//!
//! A job goes through a list page by page. Before anything is done about a page, its deliveries
//! are written down in the job ([`Progress::in_hand`]), and only when all of them are done is the
//! next page written in their place together with the counts. So a worker that takes over after a
//! crash knows which deliveries may have been begun, and those carry the job's id in their
//! receipts: each is started once, and counted once.
//!
//! Nothing here reads or writes: `(job, what happened, now) -> job`.

use serde::{Deserialize, Serialize};

use crate::delivery::Lease;
use crate::ids::{DeliveryId, EventId, JobId, WebhookId};
use crate::time::Millis;

/// The longest window of `recover`: 14 days.
pub const MAX_WINDOW_MS: i64 = 14 * 86_400_000;
/// The most deliveries that one request may name.
pub const MAX_DELIVERY_IDS: usize = 1_000;
/// How often a job may be taken up without getting any further before it is given up.
pub const MAX_TRIES: u32 = 10;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Stored, and no worker has taken it up.
    Queued,
    /// Under way, in one invocation after the other.
    Running,
    /// Everything in its scope was gone through.
    Completed,
    /// Given up; `error` says why.
    Failed,
    /// Somebody cancelled it. What it had begun until then stays begun.
    Cancelled,
}

impl JobStatus {
    /// The name used in tables and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will be done.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What a job is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Scope {
    /// Dead letters of the organisation.
    DeadLetters(DeadLetterScope),
    /// What one webhook did not get in a window.
    Recover(RecoverScope),
}

impl Scope {
    /// The `kind` in answers.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DeadLetters(_) => "dead_letters",
            Self::Recover(_) => "recover",
        }
    }

    /// The one webhook that it is about, when it is about one.
    pub const fn webhook_id(&self) -> Option<&WebhookId> {
        match self {
            Self::DeadLetters(scope) => scope.webhook_id.as_ref(),
            Self::Recover(scope) => Some(&scope.webhook_id),
        }
    }
}

/// Which dead letters are meant: those that pass all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterScope {
    /// Of this webhook; of all when `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_id: Option<WebhookId>,
    /// Of this type, in any of these spellings; of all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<String>,
    /// Accepted at or after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
    /// Accepted before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
    /// These and no others, at most [`MAX_DELIVERY_IDS`], each once; all when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delivery_ids: Vec<DeliveryId>,
}

/// Which events are meant, and who is to get them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoverScope {
    /// Who.
    pub webhook_id: WebhookId,
    /// Accepted at or after this time.
    pub since: Millis,
    /// Accepted before this time.
    pub until: Millis,
    /// Only types that one of these patterns matches; all that the webhook is subscribed to when
    /// empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub event_types: Vec<String>,
}

/// What is wrong with a window: the field, and what would be right.
pub type WindowProblem = (&'static str, &'static str);

/// The window of a `recover` that was asked for at `now`. Without `until` it ends then.
pub fn window(
    since: Millis,
    until: Option<Millis>,
    now: Millis,
) -> Result<(Millis, Millis), WindowProblem> {
    let end = until.unwrap_or(now);
    if since > now {
        return Err(("since", "must not be in the future"));
    }
    if since >= end {
        return Err(("since", "must be before `until`"));
    }
    if end.since(since) > MAX_WINDOW_MS {
        return Err(("since", "must be at most 14 days before `until`"));
    }
    Ok((since, end))
}

/// One delivery that a job is to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Whom it goes to.
    #[serde(rename = "w")]
    pub webhook_id: WebhookId,
    /// The delivery.
    #[serde(rename = "d")]
    pub delivery_id: DeliveryId,
    /// What it carries, where it may never have been attempted: it has no receipt that says so.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub unattempted: Option<Unattempted>,
}

/// What a delivery that was never attempted carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unattempted {
    /// The event.
    #[serde(rename = "e")]
    pub event_id: EventId,
    /// Its type, in the receiver's spelling.
    #[serde(rename = "t")]
    pub event_type: String,
}

/// One page of what a job goes through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobPage {
    /// What is to be started.
    pub targets: Vec<Target>,
    /// Deliveries that were named and are not there: done with, and failed.
    pub missing: u64,
    /// Where the next page begins; `None` when this is the last.
    pub next: Option<String>,
}

/// What became of deliveries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Started by this job.
    pub succeeded: u64,
    /// Could not be started: the webhook is gone or disabled, the event is no longer kept.
    pub failed: u64,
    /// Left alone: in the meantime they were no longer to be started.
    pub skipped: u64,
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where the next page begins; `None` at the start, and when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Whether the last page has been taken in hand.
    #[serde(default)]
    pub walked: bool,
    /// The deliveries that are being started: any of them may have been already.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_hand: Vec<Target>,
    /// How often it was taken up since it last got any further.
    #[serde(default)]
    pub tries: u32,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it is about.
    pub scope: Scope,
    /// Where it stands.
    pub status: JobStatus,
    /// How many deliveries it will come to: what was counted when it was made, or more.
    pub total: u64,
    /// How many it is done with: those that succeeded, that failed, and that were left alone.
    pub processed: u64,
    /// How many it started.
    pub succeeded: u64,
    /// How many could not be started.
    pub failed: u64,
    /// How far it is.
    #[serde(default)]
    pub progress: Progress,
    /// The one worker that has it to itself, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The request that made it.
    pub request_id: String,
    /// When it was made.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// What a worker may do with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Work on it, once this is stored.
    Taken(Job),
    /// Nothing, once this is stored: it was taken up too often without getting anywhere.
    GivenUp(Job),
    /// Nothing: another worker has it.
    Leased,
    /// Nothing: it has ended.
    Ended,
}

impl Job {
    /// A new job of `total` deliveries.
    pub const fn new(id: JobId, scope: Scope, total: u64, request_id: String, now: Millis) -> Self {
        Self {
            id,
            scope,
            status: JobStatus::Queued,
            total,
            processed: 0,
            succeeded: 0,
            failed: 0,
            progress: Progress { cursor: None, walked: false, in_hand: Vec::new(), tries: 0 },
            lease: None,
            error: None,
            request_id,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether a worker has it.
    pub fn is_leased(&self, now: Millis) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.until > now)
    }

    /// Takes the job up under `lease`, which lasts until the invocation is ended by force.
    pub fn claim(&self, now: Millis, lease: Lease) -> Claim {
        if self.status.has_ended() {
            return Claim::Ended;
        }
        if self.is_leased(now) {
            return Claim::Leased;
        }
        let mut job = self.clone();
        if job.progress.tries >= MAX_TRIES {
            job.fail("it was taken up too often without getting any further", now);
            return Claim::GivenUp(job);
        }
        job.status = JobStatus::Running;
        job.lease = Some(lease);
        job.progress.tries += 1;
        job.updated_at = now;
        Claim::Taken(job)
    }

    /// Takes a page in hand. To be stored before anything is done about it.
    pub fn take(&mut self, page: JobPage, now: Millis) {
        self.progress.walked = page.next.is_none();
        self.progress.cursor = page.next;
        self.progress.in_hand = page.targets;
        // It got further, if only past events of which nothing is to be sent.
        self.progress.tries = 0;
        self.add(Tally { failed: page.missing, ..Tally::default() });
        self.updated_at = now;
    }

    /// The page in hand is done, with this result.
    pub fn done(&mut self, tally: Tally, now: Millis) {
        self.progress.in_hand.clear();
        self.progress.tries = 0;
        self.add(tally);
        self.updated_at = now;
    }

    fn add(&mut self, tally: Tally) {
        self.succeeded += tally.succeeded;
        self.failed += tally.failed;
        self.processed += tally.succeeded + tally.failed + tally.skipped;
        let in_sight = u64::try_from(self.progress.in_hand.len()).unwrap_or(u64::MAX);
        self.total = self.total.max(self.processed.saturating_add(in_sight));
    }

    /// The worker stops here, and another may go on.
    pub fn release(&mut self, now: Millis) {
        self.lease = None;
        self.updated_at = now;
    }

    /// Everything was gone through. Fewer may have been left than were counted.
    pub fn complete(&mut self, now: Millis) {
        self.total = self.processed;
        self.end(JobStatus::Completed, now);
    }

    /// The job is given up.
    pub fn fail(&mut self, error: &str, now: Millis) {
        self.error = Some(error.to_owned());
        self.end(JobStatus::Failed, now);
    }

    /// The job as it is when it is cancelled; `None` when it has ended.
    pub fn cancelled(&self, now: Millis) -> Option<Self> {
        let mut job = (!self.status.has_ended()).then(|| self.clone())?;
        job.end(JobStatus::Cancelled, now);
        Some(job)
    }

    /// Somebody cancelled the job while `worker` was at a page: what that came to is counted
    /// nevertheless.
    pub fn count_late(&mut self, worker: &Self, now: Millis) {
        self.processed = worker.processed;
        self.succeeded = worker.succeeded;
        self.failed = worker.failed;
        self.total = self.total.max(self.processed);
        self.progress.in_hand.clear();
        self.updated_at = now;
    }

    fn end(&mut self, status: JobStatus, now: Millis) {
        self.status = status;
        self.lease = None;
        self.updated_at = now;
    }
}

#[cfg(test)]
mod tests;
