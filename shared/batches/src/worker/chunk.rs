//! The debates of one chunk: explained and stored, or recorded as errors.

use std::collections::BTreeMap;

use aragora_core::batch::{Attempt, DebateResult, ResultStatus};
use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aragora_explanations::explainer::{Options, Outcome};
use aragora_queue::inbound::Deadline;
use aragora_store::StoreError;
use aragora_store::batch_results::PackedResult;
use serde::Deserialize;

use super::{ChunkError, ChunkReport, ChunkWorker, Explains, Task};

/// Time that debates side by side may take, and the end besides.
const MARGIN_MS: i64 = 5_000;
/// What is said of a debate that is not there.
const NOT_FOUND: &str = "there is no such debate";
/// What is said of a debate whose chunk was given up.
const GIVEN_UP: &str = "it could not be explained, in several attempts";

/// Statuses by place in the request.
type Statuses = BTreeMap<u32, ResultStatus>;

impl<E: Explains> ChunkWorker<E> {
    /// Explains and stores what has no result yet. Gives back what is stored of the whole chunk.
    ///
    /// # Errors
    /// [`ChunkError::NoTime`] when the time was up: what was stored until then stays, and the next
    /// attempt goes on.
    pub(super) async fn explain(
        &self,
        task: &Task<'_>,
        attempt: Attempt,
        deadline: Deadline,
        report: &mut ChunkReport,
    ) -> Result<Statuses, ChunkError> {
        let options = Options::deserialize(&task.job.plan.options)?;
        let mut known = self.statuses(task).await?;
        let mut left = self.left(task, &known).await?;
        let side_by_side = if attempt == Attempt::Together { self.at_once.max(1) } else { 1 };
        if attempt == (Attempt::OneByOne { backwards: true }) {
            left.reverse();
        }
        let mut is_mine = true;
        for group in left.chunks(side_by_side) {
            let began = (self.clock)();
            if deadline.remaining_ms(began) < MARGIN_MS {
                return Err(ChunkError::NoTime { is_further: !known.is_empty() });
            }
            let ids: Vec<DebateId> = group.iter().map(|(_, id)| id.clone()).collect();
            let outcomes = self.explainer.explain(task.org, &ids, &options, began).await?;
            let millis = (self.clock)().since(began);
            let millis = u64::try_from(millis).unwrap_or_default();
            let results = group.iter().zip(outcomes).map(|((place, id), outcome)| {
                pack(*place, &result(id, outcome, millis), task.job.plan.created_at)
            });
            let results: Vec<_> = results.collect();
            is_mine &= self.store(task, &results, report).await?;
            known.extend(results.iter().map(|result| (result.place(), result.status())));
        }
        // Somebody else's results are in the place of some of these.
        if is_mine { Ok(known) } else { Ok(self.statuses(task).await?) }
    }

    /// Records what has no result as an error. Gives back what is stored of the whole chunk.
    pub(super) async fn give_up(
        &self,
        task: &Task<'_>,
        report: &mut ChunkReport,
    ) -> Result<Statuses, ChunkError> {
        let known = self.statuses(task).await?;
        let left = self.left(task, &known).await?;
        let error = |(place, id): &(u32, DebateId)| {
            let result = result(id, Outcome::Failed(GIVEN_UP.to_owned()), 0);
            pack(*place, &result, task.job.plan.created_at)
        };
        let results: Vec<_> = left.iter().map(error).collect();
        self.store(task, &results, report).await?;
        report.given_up += 1;
        Ok(self.statuses(task).await?)
    }

    async fn statuses(&self, task: &Task<'_>) -> Result<Statuses, StoreError> {
        let plan = &task.job.plan;
        self.results.statuses(task.org, &plan.id, plan.places(task.chunk)).await
    }

    /// The debates of the chunk that have no result, with their places.
    async fn left(
        &self,
        task: &Task<'_>,
        known: &Statuses,
    ) -> Result<Vec<(u32, DebateId)>, StoreError> {
        let plan = &task.job.plan;
        let ids = self.results.chunk(task.org, &plan.id, task.chunk).await?;
        let placed = plan.places(task.chunk).zip(ids);
        Ok(placed.filter(|(place, _)| !known.contains_key(place)).collect())
    }

    /// Stores results; gives back whether all of them are those that stay.
    async fn store(
        &self,
        task: &Task<'_>,
        results: &[PackedResult],
        report: &mut ChunkReport,
    ) -> Result<bool, StoreError> {
        let stays = self.results.put(task.org, &task.job.plan.id, results).await?;
        report.results += stays.iter().filter(|stays| **stays).count();
        Ok(stays.into_iter().all(|stays| stays))
    }
}

fn result(id: &DebateId, outcome: Outcome, processing_time_ms: u64) -> DebateResult {
    let (status, explanation, error) = match outcome {
        Outcome::Explained(explanation) => {
            (ResultStatus::Success, Some(explanation.to_string()), None)
        }
        Outcome::NotFound => (ResultStatus::NotFound, None, Some(NOT_FOUND.to_owned())),
        Outcome::Failed(error) => (ResultStatus::Error, None, Some(error)),
    };
    DebateResult { debate_id: id.clone(), status, explanation, error, processing_time_ms }
}

fn pack(place: u32, result: &DebateResult, created_at: Millis) -> PackedResult {
    PackedResult::new(place, result, created_at, |bytes| {
        format!(
            "its explanation has {bytes} bytes, more than a result may: \
             GET /api/explainability/debate/{} answers it",
            result.debate_id
        )
    })
}
