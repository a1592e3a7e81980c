//! Table `redelivery_jobs`: many deliveries sent again as one piece of work, and how far it is.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>` | `<job id>` | one job: `doc`, `rev` |
//! | `<org>#idempotency#<digest of the key>` | `key` | the job that one `Idempotency-Key` made |
//!
//! A job is one JSON document, changed only under a condition on `rev`: of two workers, or of a
//! worker and somebody who cancels, one is refused and looks again. Kept for 30 days, a key for 48
//! hours, by TTL.

use aragora_core::ids::JobId;
use aragora_core::redelivery::Job;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use serde::{Deserialize, Serialize};

use crate::dynamo::Dynamo;
use crate::error::StoreError;
use crate::idempotency;
use crate::item::{Item, Reader, json, key, number, readable, text};
use crate::registrations::Changed;

/// How long a job is kept: 30 days.
const KEPT_SECONDS: i64 = 30 * 86_400;

/// A job and the revision it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredJob {
    /// Whose it is.
    pub org: String,
    /// The job.
    pub job: Job,
    /// Goes up with every write.
    pub rev: u64,
}

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobKey {
    /// Digest of what was asked for.
    pub digest: String,
    /// The job it made.
    pub job_id: JobId,
    /// When.
    pub created_at: Millis,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Jobs {
    dynamo: Dynamo,
    table: String,
}

impl Jobs {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// Stores a new job; one of the same id that is there already stays as it is. One write unit
    /// per KB: a job that names a thousand deliveries has 42.
    pub async fn create(&self, org: &str, job: &Job) -> Result<(), StoreError> {
        let item = job_item(&StoredJob { org: org.to_owned(), job: job.clone(), rev: 1 })?;
        self.dynamo.put_new(&self.table, item, None).await?;
        Ok(())
    }

    /// Makes an idempotency key stand for `wanted`, unless it stands for another job that is not
    /// older than 48 hours: then gives that back. One write unit.
    pub async fn claim_key(
        &self,
        org: &str,
        key_digest: &str,
        wanted: &JobKey,
    ) -> Result<Option<JobKey>, StoreError> {
        let at = wanted.created_at;
        idempotency::claim(&self.dynamo, &self.table, (org, key_digest), wanted, at).await
    }

    /// One job, as last written. One read unit per 4 KB.
    pub async fn get(&self, org: &str, id: &JobId) -> Result<Option<StoredJob>, StoreError> {
        let item = self.dynamo.get(&self.table, key(org, id.as_str()), true).await?;
        item.as_ref().map(read_job).transpose()
    }

    /// Up to `limit` jobs of an organisation, newest first, from older than `before` on, and
    /// whether more may follow. Half a read unit per 4 KB. Eventually consistent.
    pub async fn page(
        &self,
        org: &str,
        before: Option<&JobId>,
        limit: i32,
    ) -> Result<(Vec<StoredJob>, bool), StoreError> {
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

    /// Stores what became of a job, if nobody changed it since `stored.rev` was read; then the
    /// revision goes up. One write unit per KB.
    pub async fn write(&self, stored: &mut StoredJob) -> Result<Changed, StoreError> {
        let next = StoredJob { rev: stored.rev.saturating_add(1), ..stored.clone() };
        if !self.dynamo.put_over(&self.table, job_item(&next)?, stored.rev).await? {
            return Ok(Changed::Outdated);
        }
        stored.rev = next.rev;
        Ok(Changed::Done)
    }
}

fn job_item(stored: &StoredJob) -> Result<Item, StoreError> {
    let job = &stored.job;
    let mut item = key(&stored.org, job.id.as_str());
    item.insert("doc".to_owned(), text(json(job)?));
    item.insert("rev".to_owned(), number(stored.rev));
    item.insert("expires_at".to_owned(), number(job.created_at.unix_seconds() + KEPT_SECONDS));
    Ok(item)
}

fn read_job(item: &Item) -> Result<StoredJob, StoreError> {
    let read = Reader(item);
    Ok(StoredJob {
        org: read.text("pk")?.to_owned(),
        job: read.json("doc")?,
        rev: read.number("rev")?,
    })
}
