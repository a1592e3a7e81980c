//! Batch jobs: many debates explained as one durable piece of work.
//!
//! A job's debates are split into chunks, a message each. The chunks lie in lanes: the first lane
//! has chunk 0, then the one that is [`BatchPlan::window`] later, and so on. Of each lane one chunk
//! is under way at a time, and whoever counts it asks for the next: so a job of a thousand occupies
//! no more of the queue than a few messages, and nobody has to remember what was sent. A chunk is
//! counted once, whoever else explains it again: the set of counted chunks is what is counted
//! under.
//!
//! Nothing here reads or writes.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{BatchId, DebateId};
use crate::time::Millis;

/// The most debates that one job may have.
pub const MAX_DEBATES: usize = 1_000;
/// Debates in one chunk: twice as many as are explained side by side, and few enough that their ids
/// fit into a kilobyte, which is what a write costs by.
pub const CHUNK: u32 = 20;
/// Chunks of one job that are under way at a time.
pub const WINDOW: u32 = 4;
/// Jobs of one organisation that are under way at a time. Others wait for one of them to end.
pub const MAX_UNDER_WAY: u32 = 5;
/// When a job that gets no further is ended: its chunks are no longer tried, their debates recorded
/// as errors. Six hours: longer than a chunk takes to be received as often as it may be.
pub const GIVE_UP_AFTER_MS: i64 = 6 * 3_600_000;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchStatus {
    /// Waiting for its turn, or under way.
    Processing,
    /// Every debate was gone through, and at least one explained.
    Completed,
    /// Every debate was gone through, and none explained.
    Failed,
    /// Somebody cancelled it. What was explained until then stays.
    Cancelled,
}

impl BatchStatus {
    /// Every status.
    pub const ALL: &[Self] = &[Self::Processing, Self::Completed, Self::Failed, Self::Cancelled];

    /// The name used in tables, events and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status whose [`Self::as_str`] this is.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|status| status.as_str() == text)
    }

    /// Whether nothing more will be begun.
    pub const fn has_ended(self) -> bool {
        !matches!(self, Self::Processing)
    }
}

/// In which order an organisation's waiting jobs are begun. It gets nothing ahead of another
/// organisation's, and changes nothing about a job that is under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// After all others.
    Low,
    /// In the order in which they were made.
    #[default]
    Normal,
    /// Before all others.
    High,
}

impl Priority {
    /// Its place among the three, the first being 0.
    pub const fn rank(self) -> u8 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }
}

/// What became of one debate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    /// It was explained.
    Success,
    /// It could not be.
    Error,
    /// There is no such debate in the organisation.
    NotFound,
}

impl ResultStatus {
    const ALL: [Self; 3] = [Self::Success, Self::Error, Self::NotFound];

    /// The name used in tables and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::NotFound => "not_found",
        }
    }

    /// The status whose [`Self::as_str`] this is.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What one debate of a job came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebateResult {
    /// The debate.
    pub debate_id: DebateId,
    /// What became of it.
    pub status: ResultStatus,
    /// Its explanation as JSON text, when it was explained.
    pub explanation: Option<String>,
    /// Why there is none, for people.
    pub error: Option<String>,
    /// How long it took to read and explain it; 0 when its explanation was known.
    pub processing_time_ms: u64,
}

/// Counts of debates that are done with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub processed: u32,
    /// Those without an explanation.
    pub failed: u32,
}

impl Tally {
    /// Counts what became of debates.
    pub fn of<'a>(statuses: impl IntoIterator<Item = &'a ResultStatus>) -> Self {
        statuses.into_iter().fold(Self::default(), |tally, status| Self {
            processed: tally.processed + 1,
            failed: tally.failed + u32::from(*status != ResultStatus::Success),
        })
    }
}

/// What a job is to do. Never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchPlan {
    /// The job.
    pub id: BatchId,
    /// What is wanted of each explanation, in the words of who explains.
    pub options: Value,
    /// When it is begun, if it has to wait.
    pub priority: Priority,
    /// How many debates it has, each once.
    pub total: u32,
    /// Debates in each of its chunks but the last.
    pub chunk: u32,
    /// How many lanes its chunks lie in.
    pub window: u32,
    /// The request that made it.
    pub request_id: String,
    /// When it was made.
    pub created_at: Millis,
    /// The time in the key of the sweep's first note of it.
    pub noted_at: Millis,
}

impl BatchPlan {
    /// How many chunks it has.
    pub fn chunks(&self) -> u32 {
        self.total.div_ceil(self.chunk.max(1))
    }

    /// The places of a chunk's debates in the request, the first being 0; empty when there is no
    /// such chunk.
    pub fn places(&self, chunk: u32) -> Range<u32> {
        let place = |chunk: u32| chunk.saturating_mul(self.chunk.max(1)).min(self.total);
        place(chunk)..place(chunk.saturating_add(1))
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What it is to do.
    pub plan: BatchPlan,
    /// Where it stands.
    pub status: BatchStatus,
    /// The counts of all chunks that were counted.
    pub tally: Tally,
    /// The chunks that were counted.
    pub done: BTreeSet<u32>,
    /// When it was begun; `None` while it waits for its turn.
    pub started_at: Option<Millis>,
    /// When a chunk was last counted.
    pub counted_at: Option<Millis>,
    /// When it ended.
    pub completed_at: Option<Millis>,
}

/// What the sweep finds a job to need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing more: it has ended.
    Nothing,
    /// To be ended: everything was counted.
    Ending,
    /// Its turn.
    Turn,
    /// To be looked at again at this time: it is getting on.
    Time(Millis),
    /// These chunks again, because nothing was counted for a while. When `give_up` is set, they are
    /// not to be tried any more.
    Chunks {
        /// Which.
        chunks: Vec<u32>,
        /// Whether their debates are to be recorded as errors.
        give_up: bool,
    },
}

impl Batch {
    /// A new job that waits for its turn.
    pub const fn new(plan: BatchPlan) -> Self {
        Self {
            plan,
            status: BatchStatus::Processing,
            tally: Tally { processed: 0, failed: 0 },
            done: BTreeSet::new(),
            started_at: None,
            counted_at: None,
            completed_at: None,
        }
    }

    /// The chunks that are under way, or should be: the first of each lane that was not counted.
    pub fn frontier(&self) -> Vec<u32> {
        let (chunks, window) = (self.plan.chunks(), self.plan.window.max(1));
        let first_left = |lane| self.lane_from(lane).find(|chunk| !self.done.contains(chunk));
        (0..window.min(chunks)).filter_map(first_left).collect()
    }

    /// The chunk that whoever counted `chunk` is to ask for; `None` at the end of the lane, and when
    /// the next was counted already, because then it was asked for.
    pub fn next_after(&self, chunk: u32) -> Option<u32> {
        self.lane_from(chunk).nth(1).filter(|next| !self.done.contains(next))
    }

    fn lane_from(&self, chunk: u32) -> impl Iterator<Item = u32> {
        let step = usize::try_from(self.plan.window.max(1)).unwrap_or(usize::MAX);
        (chunk..self.plan.chunks()).step_by(step)
    }

    /// Whether every chunk was counted.
    pub fn is_counted(&self) -> bool {
        (0..self.plan.chunks()).all(|chunk| self.done.contains(&chunk))
    }

    /// What a job ends as that was gone through.
    pub const fn outcome(&self) -> BatchStatus {
        if self.tally.processed > self.tally.failed {
            BatchStatus::Completed
        } else {
            BatchStatus::Failed
        }
    }

    /// Debates that were explained.
    pub const fn explained(&self) -> u32 {
        self.tally.processed.saturating_sub(self.tally.failed)
    }

    /// How far it is, in percent, to a tenth.
    pub fn progress_pct(&self) -> f64 {
        let tenths = u64::from(self.tally.processed) * 1_000 / u64::from(self.plan.total.max(1));
        f64::from(u32::try_from(tenths).unwrap_or(1_000)) / 10.0
    }

    /// What it needs of the sweep at `now`, when something is counted at least every `grace_ms`.
    pub fn need(&self, now: Millis, grace_ms: i64) -> Need {
        if self.status.has_ended() {
            return Need::Nothing;
        }
        if self.is_counted() {
            return Need::Ending;
        }
        let Some(moved_at) = self.counted_at.max(self.started_at) else { return Need::Turn };
        if now.since(moved_at) < grace_ms {
            return Need::Time(moved_at.plus(grace_ms));
        }
        let give_up = now.since(moved_at) >= GIVE_UP_AFTER_MS;
        Need::Chunks { chunks: self.frontier(), give_up }
    }
}

/// How a chunk is to be gone about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// As many side by side as may be.
    Together,
    /// One after the other: one of them may be what ended an earlier attempt.
    OneByOne {
        /// From the last to the first, so that those behind such a one are reached too.
        backwards: bool,
    },
    /// Not at all: what has no result is recorded as an error.
    GiveUp,
}

impl Attempt {
    /// What to do with a message that is received for the `received`th time, of at most `most`.
    /// The last time is for giving up: an attempt that is ended by force leaves nobody to record
    /// it.
    pub const fn at(received: u32, most: u32) -> Self {
        if received <= 1 {
            Self::Together
        } else if received >= most {
            Self::GiveUp
        } else {
            Self::OneByOne { backwards: received % 2 == 1 }
        }
    }
}

#[cfg(test)]
mod tests;
