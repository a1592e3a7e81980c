//! What of the claimable may be sent now: the circuit of its webhook, the share of its
//! organisation, the pace of its webhook, in this order, since only the last cannot be given back.
//!
//! What its circuit or its pace holds back is written down: it may take long. What only waits for
//! its organisation to finish something goes back to the queue as it came, which costs a tenth of a
//! request: for the state machine it is a message that took its time.

use std::collections::BTreeMap;
use std::iter;
use std::time::Duration;

use aragora_core::delivery::HeldBy;
use aragora_core::delivery::circuit::Admission as Circuit;
use aragora_core::delivery::crowd::{self, Crowded};
use aragora_core::delivery::pace::Slot;
use aragora_core::ids::WebhookId;
use aragora_core::time::Millis;
use aragora_store::registrations::{Changed, Webhook};
use futures_util::future::join_all;

use super::plan::{Found, Planned};
use super::{DeliverWorker, Job, MARGIN_MS, draw};

/// How long a delivery waits when its webhook's pace or probe cannot be asked for.
const UNKNOWN_WAIT_MS: i64 = 2_000;
/// How often a worker waits for room of its organisation, and how long each time: at least, and as
/// much again at most. Others may need the worker.
const PATIENCE: usize = 4;
const MOMENT: Duration = Duration::from_millis(100);

/// What one delivery may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pass {
    /// Not now: it comes back at this time, for this reason.
    pub(super) held: Option<(Millis, HeldBy)>,
    /// Not before this time, which is less than a second away.
    pub(super) not_before: Option<Millis>,
    /// It is the probe of a circuit that was open until this time.
    pub(super) probes: Option<Millis>,
}

/// What becomes of a batch.
#[derive(Debug)]
pub(super) struct Admission {
    /// What is sent, or written down as held back.
    pub(super) planned: Vec<Planned>,
    /// What goes back to the queue, and the time until which it is to stay there.
    pub(super) deferred: Vec<(Job, Millis)>,
}

/// What becomes of one webhook's part of it.
enum Decided {
    Each(Vec<Pass>),
    Deferred(Millis),
}

impl Pass {
    const fn held(until: Millis, by: HeldBy) -> Self {
        Self { held: Some((until, by)), not_before: None, probes: None }
    }
}

impl DeliverWorker {
    /// Decides what of `planned` is sent, and plans the rest again as held back. One consistent
    /// read of the notes of `crowd_of`, the organisation that most of the batch belongs to; one
    /// write for each webhook with a rate limit or an ended circuit; nothing for the others.
    pub(super) async fn admit(
        &self,
        planned: Vec<Planned>,
        crowd_of: &str,
        lease_id: &str,
        found: &Found,
    ) -> Admission {
        let now = (self.clock)();
        let mut senders: BTreeMap<(&str, &WebhookId), Vec<usize>> = BTreeMap::new();
        for (at, plan) in planned.iter().enumerate().filter(|(_, plan)| plan.sends()) {
            let order = &plan.job.order;
            senders.entry((&order.org, &order.webhook_id)).or_default().push(at);
        }
        let sends = |org: &str, webhook: &WebhookId| {
            let held = |it: &Webhook| matches!(self.circuit(it, 0.0, now), Circuit::HeldUntil(_));
            found.webhook_of(org, webhook).is_some_and(|it| !held(it))
        };
        let asks = senders.keys().any(|(org, webhook)| *org == crowd_of && sends(org, webhook));
        let mut its = senders.keys().filter(|(org, _)| *org == crowd_of);
        let proven = its.all(|(org, id)| found.webhook_of(org, id).is_some_and(is_proven));
        let crowded =
            if asks { self.wait_for_room(crowd_of, lease_id, proven).await } else { None };
        let groups = senders.into_iter().filter_map(|((org, id), members)| {
            let webhook = found.webhook_of(org, id)?;
            let crowded = crowded.filter(|_| org == crowd_of);
            Some(async move { (self.decide(webhook, members.len(), crowded, now).await, members) })
        });
        let (mut passes, mut waits) = (BTreeMap::new(), BTreeMap::new());
        for (decided, members) in join_all(groups).await {
            match decided {
                Decided::Each(each) => passes.extend(members.into_iter().zip(each)),
                Decided::Deferred(until) => waits.extend(members.into_iter().map(|at| (at, until))),
            }
        }
        let mut admission = Admission { planned: Vec::new(), deferred: Vec::new() };
        for (at, plan) in planned.into_iter().enumerate() {
            if let Some(until) = waits.get(&at) {
                admission.deferred.push((plan.job, *until));
                continue;
            }
            admission.planned.extend(match passes.get(&at) {
                None => Some(plan),
                Some(pass) if pass.held.is_none() => Some(Planned { pass: *pass, ..plan }),
                Some(pass) => {
                    let stored = found.receipt(&plan.job.order);
                    self.plan(&plan.job, found, stored, lease_id, *pass, now)
                }
            });
        }
        admission
    }

    fn circuit(&self, webhook: &Webhook, draw: f64, now: Millis) -> Circuit {
        webhook.health.circuit.admission(now, draw, self.circuit_open_ms)
    }

    /// Until when an organisation's deliveries have to wait, because it occupies its share. While its
    /// invocations get on, there is room in a moment: then it is waited for here.
    async fn wait_for_room(&self, org: &str, lease_id: &str, proven: bool) -> Option<Millis> {
        let mut crowded = self.crowded(org, lease_id, proven).await;
        for _ in 0..PATIENCE {
            if !crowded.is_some_and(|crowded| crowded.is_moving) {
                break;
            }
            tokio::time::sleep(MOMENT.mul_f64(1.0 + draw((self.clock)()))).await;
            crowded = self.crowded(org, lease_id, proven).await;
        }
        crowded.map(|crowded| crowded.until)
    }

    async fn crowded(&self, org: &str, lease_id: &str, proven: bool) -> Option<Crowded> {
        let now = (self.clock)();
        // Of both queues.
        let limit = i32::try_from(self.maximum_concurrency.saturating_mul(2)).unwrap_or(i32::MAX);
        match self.intents.live_leases(org, now, limit).await {
            Ok(live) => {
                let before = live.into_iter().filter(|(id, _)| id.as_str() < lease_id);
                let ahead: Vec<_> = before.map(|(_, begun)| begun).collect();
                crowd::crowded(&ahead, self.maximum_concurrency, proven, now, draw(now))
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(org_id = org, error, "the share of an organisation is not known");
                None
            }
        }
    }

    /// What becomes of `wanted` deliveries to one webhook.
    async fn decide(
        &self,
        webhook: &Webhook,
        wanted: usize,
        crowded: Option<Millis>,
        now: Millis,
    ) -> Decided {
        Decided::Each(match (self.circuit(webhook, 0.0, now), crowded) {
            // The first on time, to be the probe, the rest spread.
            (Circuit::HeldUntil(on_time), _) => {
                let rest = (1..wanted).map(|_| match self.circuit(webhook, draw(now), now) {
                    Circuit::HeldUntil(until) => until,
                    Circuit::All | Circuit::Probe => on_time,
                });
                let times = iter::once(on_time).chain(rest);
                times.map(|until| Pass::held(until, HeldBy::Circuit)).collect()
            }
            (Circuit::All | Circuit::Probe, Some(until)) => return Decided::Deferred(until),
            (Circuit::Probe, None) => self.probe(webhook, wanted, now).await,
            (Circuit::All, None) => match webhook.config.rate_limit_per_second {
                None => vec![Pass::default(); wanted],
                Some(rate) => self.pace(webhook, rate, wanted, now).await,
            },
        })
    }

    /// The first of the group is the probe, if this worker gets to make it.
    async fn probe(&self, webhook: &Webhook, wanted: usize, now: Millis) -> Vec<Pass> {
        let Some(open_until) = webhook.health.circuit.open_until else { return vec![] };
        let until = now.plus(self.policy(Some(webhook)).timeout_ms() + MARGIN_MS);
        let claim =
            self.registrations.claim_probe(&webhook.org, &webhook.id, open_until, until, now).await;
        let mine = match claim {
            Ok(changed) => changed == Changed::Done,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(webhook_id = %webhook.id, error, "a probe could not be claimed");
                false
            }
        };
        let mut passes: Vec<_> =
            (0..wanted).map(|_| Pass::held(soon(now), HeldBy::Circuit)).collect();
        if mine && let Some(first) = passes.first_mut() {
            *first = Pass { probes: Some(open_until), ..Pass::default() };
        }
        passes
    }

    async fn pace(&self, webhook: &Webhook, rate: f64, wanted: usize, now: Millis) -> Vec<Pass> {
        let slots = self.registrations.take_slots(webhook, rate, wanted, now).await;
        let slots = slots.unwrap_or_else(|error| {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(webhook_id = %webhook.id, error, "slots could not be taken");
            None
        });
        let Some(slots) = slots else {
            return (0..wanted).map(|_| Pass::held(soon(now), HeldBy::RateLimit)).collect();
        };
        slots
            .into_iter()
            .map(|slot| match slot {
                Slot::SendAt(at) => Pass { not_before: Some(at), ..Pass::default() },
                Slot::HeldUntil(until) => Pass::held(until, HeldBy::RateLimit),
            })
            .collect()
    }
}

/// When to ask again for what cannot be known now: up to three seconds later than at the earliest,
/// so that what waits for the same thing does not come back at once.
#[expect(clippy::cast_possible_truncation, reason = "a few seconds in milliseconds")]
fn soon(now: Millis) -> Millis {
    now.plus(UNKNOWN_WAIT_MS + (draw(now) * 3_000.0) as i64)
}

/// Whether a webhook's receiver answered 2xx when it was last sent anything.
fn is_proven(webhook: &Webhook) -> bool {
    webhook.health.circuit.failures == 0 && webhook.health.last_success_at.is_some()
}
