//! Claiming: the note of the leases first, then one conditional write per delivery.

use std::collections::BTreeMap;

use aragora_core::ids::fresh_uuid;
use aragora_core::time::Millis;
use aragora_queue::inbound::Deadline;
use aragora_store::StoreError;
use aragora_store::intents::{LeaseNote, LeasedDelivery};
use aragora_store::receipts::WriteOutcome;
use futures_util::FutureExt as _;

use super::admit::Pass;
use super::plan::{Found, Planned, receipt_key};
use super::{DeliverReport, DeliverWorker, Job, MARGIN_MS};

/// What a worker may now do, and the note to strike out when all of it is done.
#[derive(Debug)]
pub(super) struct Claimed {
    pub(super) planned: Vec<Planned>,
    pub(super) note: LeaseNote,
    /// Whether every write is known to have been made or refused. Otherwise the note stays.
    pub(super) certain: bool,
}

impl DeliverWorker {
    /// Claims what the messages ask for and the state machine allows. `None` when there is
    /// nothing to do.
    pub(super) async fn claim(
        &self,
        jobs: Vec<Job>,
        found: &Found,
        deadline: Deadline,
        report: &mut DeliverReport,
    ) -> Option<Claimed> {
        let now = (self.clock)();
        let lease_id = fresh_uuid(now).simple().to_string();
        let mut planned = Vec::with_capacity(jobs.len());
        for job in jobs {
            let policy = self.policy(found.webhook(&job.order));
            if deadline.remaining_ms(now) < policy.timeout_ms() + MARGIN_MS {
                report.failed.extend(job.message_ids);
                continue;
            }
            let stored = found.receipt(&job.order);
            match self.plan(&job, found, stored, &lease_id, Pass::default(), now) {
                Some(plan) => planned.push(plan),
                None => report.ignored += job.message_ids.len(),
            }
        }
        if planned.is_empty() {
            return None;
        }
        let note = lease_note(lease_id, &planned, now);
        if let Err(error) = self.intents.note_lease(&note).await {
            tracing::error!(error = &error as &dyn std::error::Error, "leases could not be noted");
            report.failed.extend(planned.into_iter().flat_map(|plan| plan.job.message_ids));
            return None;
        }
        // After the note, so that of two that ask for the last place the later one sees the other.
        let admission = self.admit(planned, &note.org, &note.id, found).boxed().await;
        let held = admission.planned.iter().filter(|plan| plan.receipt.held_by.is_some());
        report.held += held.count() + admission.deferred.len();
        self.defer(admission.deferred, report).await;
        Some(self.write_claims(admission.planned, note, found, now, report).await)
    }

    /// Sends deliveries back to the queue as they came. What cannot be comes back by itself.
    async fn defer(&self, deferred: Vec<(Job, Millis)>, report: &mut DeliverReport) {
        if deferred.is_empty() {
            return;
        }
        let orders: Vec<_> = deferred.iter().map(|(job, until)| (&job.order, *until)).collect();
        let outcomes = self.lanes.defer(&orders, (self.clock)()).await;
        for ((job, _), outcome) in deferred.into_iter().zip(outcomes) {
            if let Err(error) = outcome {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a delivery could not be sent back to the queue");
                report.failed.extend(job.message_ids);
            }
        }
    }

    async fn write_claims(
        &self,
        planned: Vec<Planned>,
        note: LeaseNote,
        found: &Found,
        now: Millis,
        report: &mut DeliverReport,
    ) -> Claimed {
        let mut claimed =
            Claimed { planned: Vec::with_capacity(planned.len()), note, certain: true };
        let refused = self.write_round(planned, &mut claimed, report, now).await;
        if refused.is_empty() {
            return claimed;
        }
        // Somebody was faster, or this delivery has a receipt although its message says not.
        match self.plan_again(refused, found, &mut claimed, report, now).await {
            Ok(again) => {
                // Refused twice: it is moving under other hands; the message comes back later.
                let lost = self.write_round(again, &mut claimed, report, now).await;
                // Or our own write was repeated by the SDK: its effects are the sweep's then.
                claimed.certain &= lost.is_empty();
                report.failed.extend(lost.into_iter().flat_map(|plan| plan.job.message_ids));
            }
            Err((jobs, error)) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "refused claims could not be read"
                );
                claimed.certain = false;
                report.failed.extend(jobs.into_iter().flat_map(|job| job.message_ids));
            }
        }
        claimed
    }

    /// Writes claims; gives back those that were refused.
    async fn write_round(
        &self,
        planned: Vec<Planned>,
        claimed: &mut Claimed,
        report: &mut DeliverReport,
        now: Millis,
    ) -> Vec<Planned> {
        // The sweep may have taken the note up already, and would not find what is claimed now.
        if (self.clock)() >= claimed.note.until {
            report.failed.extend(planned.into_iter().flat_map(|plan| plan.job.message_ids));
            return vec![];
        }
        if planned.is_empty() {
            return vec![];
        }
        let writes: Vec<_> =
            planned.iter().map(|plan| plan.write(self.retention_days, now)).collect();
        let outcomes = match self.receipts.write_many(&writes).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "claims could not be written"
                );
                claimed.certain = false;
                report.failed.extend(planned.into_iter().flat_map(|plan| plan.job.message_ids));
                return vec![];
            }
        };
        let mut refused = Vec::new();
        for (mut plan, outcome) in planned.into_iter().zip(outcomes) {
            match outcome {
                WriteOutcome::Written(rev) => {
                    plan.written(rev);
                    claimed.planned.push(plan);
                }
                WriteOutcome::Refused => refused.push(plan),
                WriteOutcome::Failed(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a claim could not be written"
                    );
                    claimed.certain = false;
                    report.failed.extend(plan.job.message_ids);
                }
            }
        }
        refused
    }

    /// Reads what stood in the way of refused claims and plans on it. A claim of ours that the
    /// SDK wrote twice counts as written.
    async fn plan_again(
        &self,
        refused: Vec<Planned>,
        found: &Found,
        claimed: &mut Claimed,
        report: &mut DeliverReport,
        now: Millis,
    ) -> Result<Vec<Planned>, (Vec<Job>, StoreError)> {
        let keys: Vec<_> = refused.iter().map(|plan| receipt_key(&plan.job.order)).collect();
        let stored = match self.receipts.get_many(&keys).await {
            Ok(stored) => stored,
            Err(error) => return Err((refused.into_iter().map(|plan| plan.job).collect(), error)),
        };
        let mut again = Vec::new();
        for mut plan in refused {
            let there = stored.iter().find(|it| it.receipt.delivery_id == plan.receipt.delivery_id);
            match there {
                Some(there) if there.receipt == plan.receipt => {
                    plan.written(there.rev);
                    claimed.planned.push(plan);
                }
                there => match self.plan(&plan.job, found, there, &claimed.note.id, plan.pass, now)
                {
                    Some(newer) => again.push(newer),
                    None => report.ignored += plan.job.message_ids.len(),
                },
            }
        }
        Ok(again)
    }
}

fn lease_note(id: String, planned: &[Planned], now: Millis) -> LeaseNote {
    // Also for what is not to be sent as far as is known: a claim that is refused is planned again.
    let longest = planned.iter().map(|plan| plan.policy.timeout_ms()).max().unwrap_or_default();
    let deliveries = planned.iter().map(|plan| LeasedDelivery {
        org: plan.job.order.org.clone(),
        webhook_id: plan.job.order.webhook_id.clone(),
        delivery_id: plan.job.order.delivery_id.clone(),
    });
    LeaseNote {
        org: most_common_org(planned),
        id,
        until: now.plus(longest + MARGIN_MS),
        deliveries: deliveries.collect(),
    }
}

/// Whose deliveries are the most of a batch.
fn most_common_org(planned: &[Planned]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for plan in planned {
        *counts.entry(&plan.job.order.org).or_default() += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map_or_else(String::new, |(org, _)| org.to_owned())
}
