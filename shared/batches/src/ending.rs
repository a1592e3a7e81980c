//! How a job ends that was gone through: the event is published, then the job says that it has
//! ended, then its place goes to another.
//!
//! Whoever does this dies, perhaps, between any two of these; whoever does it again comes to the
//! same event, the same status and the same time, because all of them follow from what was counted.

use std::sync::Arc;

use aragora_core::batch::{Batch, BatchStatus};
use aragora_core::ids::EventId;
use aragora_core::metrics::Counters;
use aragora_core::time::Millis;
use aragora_events::publish::{NewEvent, Publication, PublishError, Publisher};
use aragora_store::StoreError;
use aragora_store::batches::Ended;
use serde_json::json;

use crate::line::Line;

/// The type of the event.
const COMPLETED: &str = "explanation.batch_completed";
/// The project whose webhooks hear of it: jobs belong to none.
const PROJECT: &str = "default";

/// Ends jobs.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Their line.
    pub line: Line,
    /// Takes the event in.
    pub publisher: Publisher,
    /// Where ended jobs are counted.
    pub counters: Arc<Counters>,
}

impl Ending {
    /// Ends a job all of whose chunks were counted. What publishing costs, a write unit, and what
    /// [`Line::close`] costs. Doing it twice is doing it once.
    ///
    /// # Errors
    /// When not all of it is known to be done: it is to be done again.
    pub async fn finish(&self, org: &str, job: &Batch, now: Millis) -> Result<(), StoreError> {
        let (id, status) = (&job.plan.id, job.outcome());
        let at = job.counted_at.unwrap_or(now);
        self.publish(org, job, status, at, now).await?;
        if let Ended::Now(ended) = self.line.batches.end(org, id, status, at).await? {
            self.counters.batch_job(ended.status.as_str());
            let millis = at.since(ended.plan.created_at);
            self.counters.batch_took(u64::try_from(millis).unwrap_or_default());
        }
        self.line.close(org, job, now).await
    }

    async fn publish(
        &self,
        org: &str,
        job: &Batch,
        status: BatchStatus,
        at: Millis,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (plan, id) = (&job.plan, &job.plan.id);
        let data = json!({
            "job_id": id,
            "batch_id": id,
            "status": status,
            "total": plan.total,
            "processed": job.tally.processed,
            "success_count": job.explained(),
            "failed_count": job.tally.failed,
            "created_at": plan.created_at.rfc3339(),
            "completed_at": at.rfc3339(),
            "results_url": results_path(id.as_str()),
        });
        let event = NewEvent {
            event_type: COMPLETED.to_owned(),
            data,
            event_id: Some(EventId::of(&[org, COMPLETED, id.as_str()], plan.created_at)),
            debate_id: None,
            project: PROJECT.to_owned(),
            timestamp: Some(at.rfc3339()),
        };
        let by = Publication { org, request_id: &plan.request_id, now };
        for outcome in self.publisher.publish(by, vec![event]).await {
            match outcome {
                Ok(_) => {}
                Err(PublishError::Store(error)) => return Err(error),
                // A job does not stay open for the sake of an event that can never be published.
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(org_id = org, job_id = id.as_str(), error, "no event of a job");
                }
            }
        }
        Ok(())
    }
}

/// Where a job's results are found.
pub fn results_path(job_id: &str) -> String {
    format!("/api/explainability/batch/{job_id}/results")
}
