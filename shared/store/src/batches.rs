//! Table `batch_explainability_jobs`: batch jobs, how far each is, and which of an organisation's
//! are under way.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>` | `<batch id>` | one job: `doc` (its plan, which never changes), `st`, `debates`, `gone`, `bad` (how many it has, those that are done with, and of them those without an explanation), `done` (the chunks that were counted), `started_at`, `counted_at`, `counted_by`, `completed_at` |
//! | `<org>#places` | `places` | `jobs`: those that are under way |
//! | `<org>#waiting` | `<rank>#<batch id>` | a job that waits for a place |
//! | `<org>#idempotency#<digest of the key>` | `key` | the job that one `Idempotency-Key` made |
//!
//! Counters and the set of counted chunks are changed by one update under one condition, so that a
//! chunk is counted once, whoever counts and however often. Jobs and what waits are kept for 30
//! days, a key for 48 hours, by TTL.

mod places;

use std::collections::BTreeSet;

use aragora_core::batch::{Batch, BatchPlan, BatchStatus, Tally};
use aragora_core::ids::BatchId;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use serde::{Deserialize, Serialize};

use crate::dynamo::{Dynamo, Updated};
use crate::error::StoreError;
use crate::idempotency;
use crate::item::{Item, Reader, json, key, number, readable, text};

pub use places::Waiting;

/// How long a job and its results are kept: 30 days.
pub(crate) const KEPT_SECONDS: i64 = 30 * 86_400;

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchKey {
    /// Digest of what was asked for.
    pub digest: String,
    /// The job it made.
    pub batch_id: BatchId,
    /// When.
    pub created_at: Millis,
}

/// A chunk that is done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Which of the job's.
    pub number: u32,
    /// What its debates came to.
    pub tally: Tally,
    /// Who counts it: different for every attempt.
    pub by: &'a str,
    /// When.
    pub at: Millis,
}

/// What came of beginning a job. It is as it is then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is begun now: its chunks are to be asked for.
    Now(Box<Batch>),
    /// Somebody else began it.
    Before,
    /// It has ended, or there is no such job.
    Over,
}

/// What came of counting a chunk. The job is as it is then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// It is counted now.
    Now(Box<Batch>),
    /// Somebody else counted it before.
    Before,
    /// There is no such job any more.
    NoJob,
}

/// What came of ending a job. The job is as it is then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It has ended now, or in the same way at the same time.
    Now(Batch),
    /// It had ended before, or is not to be ended this way.
    Refused(Batch),
    /// There is no such job.
    NoJob,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Batches {
    dynamo: Dynamo,
    table: String,
}

impl Batches {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// Stores a new job; one of the same id that is there already stays as it is. One write unit
    /// per KB.
    pub async fn create(&self, org: &str, job: &Batch) -> Result<(), StoreError> {
        let plan = &job.plan;
        let mut item = key(org, plan.id.as_str());
        item.insert("doc".to_owned(), text(json(plan)?));
        item.insert("st".to_owned(), text(job.status.as_str()));
        for (name, count) in [
            // Besides in the plan, for conditions.
            ("debates", plan.total),
            ("gone", job.tally.processed),
            ("bad", job.tally.failed),
        ] {
            item.insert(name.to_owned(), number(count));
        }
        if let Some(at) = job.started_at {
            item.insert("started_at".to_owned(), number(at.0));
        }
        let expires_at = plan.created_at.unix_seconds() + KEPT_SECONDS;
        item.insert("expires_at".to_owned(), number(expires_at));
        self.dynamo.put_new(&self.table, item, None).await?;
        Ok(())
    }

    /// Makes an idempotency key stand for `wanted`, unless it stands for another job that is not
    /// older than 48 hours: then gives that back. One write unit.
    pub async fn claim_key(
        &self,
        org: &str,
        key_digest: &str,
        wanted: &BatchKey,
    ) -> Result<Option<BatchKey>, StoreError> {
        let at = wanted.created_at;
        idempotency::claim(&self.dynamo, &self.table, (org, key_digest), wanted, at).await
    }

    /// One job, as last written. One read unit per 4 KB.
    pub async fn get(&self, org: &str, id: &BatchId) -> Result<Option<Batch>, StoreError> {
        let item = self.dynamo.get(&self.table, key(org, id.as_str()), true).await?;
        item.as_ref().map(read_job).transpose()
    }

    /// Up to `limit` jobs of an organisation, newest first, from older than `before` on, and
    /// whether more may follow. Half a read unit per 4 KB. Eventually consistent.
    pub async fn page(
        &self,
        org: &str,
        before: Option<&BatchId>,
        limit: i32,
    ) -> Result<(Vec<Batch>, bool), StoreError> {
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .scan_index_forward(false)
            .expression_attribute_values(":org", text(org))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let query = match before {
            None => query.key_condition_expression("pk = :org"),
            Some(before) => query
                .key_condition_expression("pk = :org AND sk < :before")
                .expression_attribute_values(":before", text(before.as_str())),
        };
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        Ok((readable(answer.items(), read_job), answer.last_evaluated_key.is_some()))
    }

    /// Notes that a job is begun. One write unit per KB.
    pub async fn start(&self, org: &str, id: &BatchId, at: Millis) -> Result<Begun, StoreError> {
        let update = self
            .update(org, id)
            .update_expression("SET started_at = :at")
            .condition_expression("st = :processing AND attribute_not_exists(started_at)")
            .expression_attribute_values(":at", number(at.0))
            .expression_attribute_values(":processing", text(BatchStatus::Processing.as_str()));
        let (Updated::Done(item) | Updated::Refused(item)) = self.dynamo.update_to(update).await?;
        if item.is_empty() {
            return Ok(Begun::Over);
        }
        let job = read_job(&item)?;
        Ok(match job.started_at {
            _ if job.status.has_ended() => Begun::Over,
            // Also when the SDK repeats a write whose answer was lost, and then meets its own.
            Some(begun) if begun == at => Begun::Now(Box::new(job)),
            _ => Begun::Before,
        })
    }

    /// Counts a chunk, unless it was counted. One write unit per KB; a job has about one. A job
    /// that was cancelled while the chunk was under way counts it too: its results are there.
    pub async fn count(
        &self,
        org: &str,
        id: &BatchId,
        chunk: Chunk<'_>,
    ) -> Result<Counted, StoreError> {
        let this = chunk.number.to_string();
        let update = self
            .update(org, id)
            .update_expression(
                "SET counted_at = :at, counted_by = :by ADD done :these, gone :gone, bad :bad",
            )
            .condition_expression("attribute_exists(pk) AND NOT contains(done, :this)")
            .expression_attribute_values(":at", number(chunk.at.0))
            .expression_attribute_values(":by", text(chunk.by))
            .expression_attribute_values(":these", AttributeValue::Ns(vec![this.clone()]))
            .expression_attribute_values(":this", AttributeValue::N(this))
            .expression_attribute_values(":gone", number(chunk.tally.processed))
            .expression_attribute_values(":bad", number(chunk.tally.failed));
        match self.dynamo.update_to(update).await? {
            Updated::Done(item) => counted(&item),
            Updated::Refused(item) if item.is_empty() => Ok(Counted::NoJob),
            // The SDK repeats a write whose answer was lost, and then meets its own.
            Updated::Refused(item) if Reader(&item).maybe_text("counted_by") == Some(chunk.by) => {
                counted(&item)
            }
            Updated::Refused(_) => Ok(Counted::Before),
        }
    }

    /// Ends a job that was gone through. One write unit per KB.
    pub async fn end(
        &self,
        org: &str,
        id: &BatchId,
        status: BatchStatus,
        at: Millis,
    ) -> Result<Ended, StoreError> {
        let update = self.update(org, id).condition_expression("st = :processing");
        self.set_end(update, status, at).await
    }

    /// Cancels a job, unless all of it is done with. One write unit per KB.
    pub async fn cancel(&self, org: &str, id: &BatchId, at: Millis) -> Result<Ended, StoreError> {
        let update =
            self.update(org, id).condition_expression("st = :processing AND gone < debates");
        self.set_end(update, BatchStatus::Cancelled, at).await
    }

    async fn set_end(
        &self,
        update: UpdateItemFluentBuilder,
        status: BatchStatus,
        at: Millis,
    ) -> Result<Ended, StoreError> {
        let update = update
            .update_expression("SET st = :st, completed_at = :at")
            .expression_attribute_values(":st", text(status.as_str()))
            .expression_attribute_values(":at", number(at.0))
            .expression_attribute_values(":processing", text(BatchStatus::Processing.as_str()));
        match self.dynamo.update_to(update).await? {
            Updated::Done(item) => read_job(&item).map(Ended::Now),
            Updated::Refused(item) if item.is_empty() => Ok(Ended::NoJob),
            Updated::Refused(item) => {
                let job = read_job(&item)?;
                // The SDK repeats a write whose answer was lost, and then meets its own.
                let is_own = job.status == status && job.completed_at == Some(at);
                Ok(if is_own { Ended::Now(job) } else { Ended::Refused(job) })
            }
        }
    }

    fn update(&self, org: &str, id: &BatchId) -> UpdateItemFluentBuilder {
        self.dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(org, id.as_str())))
    }
}

fn counted(item: &Item) -> Result<Counted, StoreError> {
    Ok(Counted::Now(Box::new(read_job(item)?)))
}

fn read_job(item: &Item) -> Result<Batch, StoreError> {
    let read = Reader(item);
    let plan: BatchPlan = read.json("doc")?;
    let time = |name| read.maybe_number(name).map(Millis);
    Ok(Batch {
        plan,
        status: BatchStatus::parse(read.text("st")?)
            .ok_or_else(|| read.corrupt("st", "is no status"))?,
        tally: Tally { processed: read.number("gone")?, failed: read.number("bad")? },
        done: numbers(item).ok_or_else(|| read.corrupt("done", "is no set of numbers"))?,
        started_at: time("started_at"),
        counted_at: time("counted_at"),
        completed_at: time("completed_at"),
    })
}

/// The chunks that were counted: none while there is no such set, because sets are never empty.
fn numbers(item: &Item) -> Option<BTreeSet<u32>> {
    let Some(done) = item.get("done") else { return Some(BTreeSet::new()) };
    done.as_ns().ok()?.iter().map(|number| number.parse().ok()).collect()
}
