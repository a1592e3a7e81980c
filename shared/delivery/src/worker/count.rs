//! What attempts add to the statistics of their webhooks.

use std::collections::BTreeMap;

use aragora_core::delivery::Status;
use aragora_core::ids::WebhookId;
use aragora_core::stats::Tally;
use futures_util::future::join_all;

use super::DeliverWorker;
use super::plan::Planned;
use super::record::Made;

/// What one invocation adds, by organisation and webhook.
#[derive(Debug, Default)]
pub(super) struct Tallies(BTreeMap<(String, WebhookId), Tally>);

impl Tallies {
    /// Adds an attempt.
    pub(super) fn attempted(&mut self, planned: &Planned, made: &Made) {
        self.of(planned).attempt(made.attempt.is_success(), made.attempt.latency_ms);
    }

    /// Adds what is stored as the outcome of an attempt, or was given up without one. What was
    /// held back, or taken over from a dead worker, has had no attempt here.
    pub(super) fn ended(&mut self, planned: &Planned, status: Status) {
        self.of(planned).ended(status);
    }

    /// Adds what was counted elsewhere.
    pub(super) fn add(&mut self, other: Self) {
        for (webhook, tally) in other.0 {
            self.0.entry(webhook).or_default().merge(&tally);
        }
    }

    fn of(&mut self, planned: &Planned) -> &mut Tally {
        let order = &planned.job.order;
        self.0.entry((order.org.clone(), order.webhook_id.clone())).or_default()
    }
}

impl DeliverWorker {
    /// Adds an invocation's tallies to the statistics: one write unit for each webhook. A failure
    /// is logged; deliveries are not done again for the sake of numbers.
    pub(super) async fn count(&self, tallies: Tallies) {
        let now = (self.clock)();
        let writes = tallies
            .0
            .iter()
            .map(|((org, webhook), tally)| self.receipts.record(org, webhook, now, tally));
        for error in join_all(writes).await.into_iter().filter_map(Result::err) {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "attempts are missing in the statistics");
        }
    }
}
