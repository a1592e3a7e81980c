//! The debates of one chunk: explained and stored, or recorded as errors.

use std::collections::BTreeMap;

use aragora_core::batch::{Attempt, DebateResult, ResultStatus};
use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aragora_explanations::explainer::{Explained, Outcome};
use aragora_queue::inbound::Deadline;
use aragora_store::StoreError;
use aragora_store::batch_results::PackedResult;
use serde::Deserialize;

use super::{ChunkError, ChunkReport, ChunkWorker, Explains, Task};
use crate::options::Options;

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
        let view = Options::deserialize(&task.job.plan.options)?.view();
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
            let explained = self.explainer.explain(task.org, &ids, view, began).await?;
            let results = group.iter().zip(explained).map(|((place, id), explained)| {
                pack(*place, &result(id, explained), task.job.plan.created_at)
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
            let given_up = Explained { outcome: Outcome::Failed(GIVEN_UP.to_owned()), took_ms: 0 };
            pack(*place, &result(id, given_up), task.job.plan.created_at)
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

fn result(id: &DebateId, explained: Explained) -> DebateResult {
    let (status, explanation, error) = match explained.outcome {
        Outcome::Explained(explanation) => (ResultStatus::Success, Some(explanation), None),
        Outcome::NotFound => (ResultStatus::NotFound, None, Some(NOT_FOUND.to_owned())),
        Outcome::Failed(error) => (ResultStatus::Error, None, Some(error)),
    };
    let processing_time_ms = u64::try_from(explained.took_ms).unwrap_or_default();
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
