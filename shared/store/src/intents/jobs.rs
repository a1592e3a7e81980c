//! Notes of jobs: when each is to be looked at next.

use aragora_core::ids::{BatchId, JobId};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::WriteRequest;

use super::{Intents, KEPT_SECONDS, leading_time, sortable};
use crate::error::StoreError;
use crate::item::{Item, Reader, delete, key, number, put, readable, text};
use crate::shard_of;

/// "This job is not over, and nothing may be moving it after this time."
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobNote<I = JobId> {
    /// Whose job it is.
    pub org: String,
    /// The job.
    pub job_id: I,
    /// When the sweep is to look at it; part of its key.
    pub at: Millis,
}

/// The id of a kind of job that has notes.
pub trait NotedJob: Sized {
    /// What the partitions of its notes begin with.
    const KIND: &'static str;
    /// The id as text.
    fn as_text(&self) -> &str;
    /// The id from text; `None` for what is none.
    fn read(text: &str) -> Option<Self>;
}

/// Redelivery jobs.
impl NotedJob for JobId {
    const KIND: &'static str = "job";

    fn as_text(&self) -> &str {
        self.as_str()
    }

    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// Batch jobs.
impl NotedJob for BatchId {
    const KIND: &'static str = "batch";

    fn as_text(&self) -> &str {
        self.as_str()
    }

    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl<I: NotedJob> JobNote<I> {
    fn key(&self) -> Item {
        let id = self.job_id.as_text();
        let sk = format!("{}#{}#{id}", sortable(self.at), self.org);
        key(format!("{}#{}", I::KIND, shard_of(id)), sk)
    }
}

impl Intents {
    /// Notes when jobs are to be looked at. One write unit each. Doing it twice changes nothing.
    pub async fn note_jobs<I: NotedJob>(&self, notes: &[JobNote<I>]) -> Result<(), StoreError> {
        self.write(notes.iter().map(put_job)).await
    }

    /// Strikes out notes of jobs. One write unit each. Doing it twice changes nothing.
    pub async fn strike_jobs<I: NotedJob>(&self, notes: &[JobNote<I>]) -> Result<(), StoreError> {
        self.write(notes.iter().map(|note| delete(note.key()))).await
    }

    /// Jobs of a kind to be looked at before `before` in one shard, oldest first. Half a read unit
    /// per 4 KB.
    pub async fn jobs_before<I: NotedJob>(
        &self,
        shard: u8,
        before: Millis,
        limit: i32,
    ) -> Result<Vec<JobNote<I>>, StoreError> {
        let items = self.before(format!("{}#{shard}", I::KIND), before, limit).await?;
        Ok(readable(&items, read_job))
    }
}

fn put_job<I: NotedJob>(note: &JobNote<I>) -> WriteRequest {
    let mut item = note.key();
    item.insert("org".to_owned(), text(&note.org));
    item.insert("job_id".to_owned(), text(note.job_id.as_text()));
    item.insert("expires_at".to_owned(), number(note.at.unix_seconds() + KEPT_SECONDS));
    put(item)
}

fn read_job<I: NotedJob>(item: &Item) -> Result<JobNote<I>, StoreError> {
    let read = Reader(item);
    Ok(JobNote {
        org: read.text("org")?.to_owned(),
        job_id: I::read(read.text("job_id")?).ok_or_else(|| read.corrupt("job_id", "is no id"))?,
        at: leading_time(read.text("sk")?).ok_or_else(|| read.corrupt("sk", "has no time"))?,
    })
}
