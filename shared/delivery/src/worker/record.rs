//! Sending what was claimed, and recording what came of it while the rest is still under way.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use aragora_core::catalogue;
use aragora_core::delivery::{Effect, Happening, Receipt, Status, Step, Trigger};
use aragora_core::time::Millis;
use aragora_events::announce::Announcement;
use aragora_queue::message::INLINE_BYTES;
use aragora_store::StoreError;
use aragora_store::receipts::WriteOutcome;
use aragora_store::registrations::{Changed, Webhook};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use futures_util::{FutureExt as _, join};
use serde_json::json;

use super::claim::Claimed;
use super::count::Tallies;
use super::observe::Sightings;
use super::plan::{Found, Planned, receipt_key};
use super::{DeliverReport, DeliverWorker, draw};
use crate::classify;
use crate::orders::{LONGEST_ON_QUEUE_MS, Wanted};
use crate::prepare::{Ingredients, prepare};
use crate::sealed;
use crate::sender::{Attempt, ErrorClass, Failure, Outcome, OutgoingRequest};

/// How long the first outcome waits for others to share its request.
const GATHER: Duration = Duration::from_millis(100);

/// Why a webhook is disabled whose receiver said 410.
pub(crate) const GONE: &str = "gone";

/// In the aragora profile 410 means "send me nothing more".
const GONE_DISABLES: bool = true;

/// An attempt, and the claim it was made under.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) attempt: Attempt,
    lease_id: String,
    generation: u32,
    trigger: Trigger,
    begun_at: Millis,
    pub(super) ended_at: Millis,
}

/// What recording came to.
#[derive(Debug, Default)]
struct Recorded {
    report: DeliverReport,
    /// Whether something is left for the sweep, so that the note of the leases must stay.
    unfinished: bool,
    sightings: Sightings,
    tallies: Tallies,
    /// What is to be told to those who want to know.
    news: Vec<Announcement>,
}

impl DeliverWorker {
    /// Sends what was claimed, records and queues what comes of it, and strikes the note out when
    /// nothing is left to be found.
    pub(super) async fn send_and_record(
        &self,
        claimed: Claimed,
        found: &Found,
        report: &mut DeliverReport,
    ) {
        let (to_send, settled): (Vec<_>, Vec<_>) =
            claimed.planned.into_iter().partition(Planned::sends);
        let mut total = Recorded { unfinished: !claimed.certain, ..Recorded::default() };
        self.strike_redriven(&to_send).await;

        let mut sending: FuturesUnordered<_> =
            to_send.into_iter().map(|planned| self.attempt(planned, found)).collect();
        let mut recording = FuturesUnordered::new();
        recording.push(self.settle(settled, found).boxed());
        let mut gathered: Vec<(Planned, Made)> = Vec::new();
        let window = tokio::time::sleep(GATHER);
        tokio::pin!(window);
        loop {
            tokio::select! {
                Some(made) = sending.next(), if !sending.is_empty() => {
                    if gathered.is_empty() {
                        window.as_mut().reset(tokio::time::Instant::now() + GATHER);
                    }
                    gathered.push(made);
                }
                Some(recorded) = recording.next(), if !recording.is_empty() => total.add(recorded),
                () = &mut window, if !gathered.is_empty() => {
                    recording.push(self.record(std::mem::take(&mut gathered), found).boxed());
                }
                else => break,
            }
            if sending.is_empty() && !gathered.is_empty() {
                recording.push(self.record(std::mem::take(&mut gathered), found).boxed());
            }
        }
        let sightings = std::mem::take(&mut total.sightings);
        let tallies = std::mem::take(&mut total.tallies);
        let (learned, ()) = join!(self.observe(&found.webhooks, sightings), self.count(tallies));
        total.news.extend(learned);
        // Boxed, as it is rare and large.
        total.unfinished |= !self.announcer.announce(&total.news, (self.clock)()).boxed().await;
        // Past its end the note may be the sweep's, which might not finish with it.
        total.unfinished |= (self.clock)() >= claimed.note.until;
        if !total.unfinished
            && let Err(error) = self.intents.strike_leases(&[claimed.note]).await
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a finished note waits for the sweep"
            );
        }
        report.add(total.report);
    }

    /// Takes redriven dead letters off their list, before they can be given up and listed again. A
    /// failure does no harm: readers of the list leave out what is under way.
    async fn strike_redriven(&self, to_send: &[Planned]) {
        let off_the_list = |plan: &&Planned| plan.effects.contains(&Effect::StrikeDeadLetter);
        let strike = |plan| wanted(plan, Effect::StrikeDeadLetter);
        let strikes: Vec<_> = to_send.iter().filter(off_the_list).map(strike).collect();
        if !strikes.is_empty() {
            self.lanes.put(&strikes, (self.clock)()).await;
        }
    }

    /// One attempt. A panic in it is a failed attempt, and touches no other.
    async fn attempt(&self, planned: Planned, found: &Found) -> (Planned, Made) {
        if let Some(at) = planned.pass.not_before {
            let wait = u64::try_from(at.since((self.clock)())).unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        let begun_at = (self.clock)();
        let sent = AssertUnwindSafe(self.send(&planned, found, begun_at)).catch_unwind().await;
        let made = Made {
            attempt: sent.unwrap_or_else(|_| ours("the attempt was broken off by a fault of ours")),
            lease_id: planned
                .receipt
                .state
                .lease
                .as_ref()
                .map(|lease| lease.id.clone())
                .unwrap_or_default(),
            generation: planned.receipt.state.generation,
            trigger: planned.receipt.trigger(),
            begun_at,
            ended_at: (self.clock)(),
        };
        (planned, made)
    }

    async fn send(&self, planned: &Planned, found: &Found, now: Millis) -> Attempt {
        let order = &planned.job.order;
        let (Some(webhook), Some(event)) = (found.webhook(order), found.event(order)) else {
            return ours("the webhook or the event was not found");
        };
        let sealed::Unsealed { secrets, headers } = match self.vault.unseal(webhook, now) {
            Ok(unsealed) => unsealed,
            Err(error) => {
                tracing::error!(webhook_id = %webhook.id, error = &error as &dyn std::error::Error, "a webhook cannot be signed for");
                return ours("the webhook's secret or headers cannot be decrypted");
            }
        };
        let attempt = planned.receipt.state.attempts;
        match prepare(&Ingredients {
            order,
            event,
            secrets: &secrets,
            headers: &headers,
            attempt,
            now,
        }) {
            Ok(prepared) => {
                // Never beyond the lease: another worker may send from then on.
                let lease = planned.receipt.state.lease.as_ref();
                let lease_ms = lease.map_or(0, |lease| lease.until.since(now));
                let timeout = planned.policy.timeout_ms().min(lease_ms);
                let Some(timeout) = u64::try_from(timeout).ok().filter(|millis| *millis > 0) else {
                    return ours("the attempt's time was over before it began");
                };
                let timeout = Duration::from_millis(timeout);
                let (url, headers, body) = (&webhook.config.url, prepared.headers, prepared.body);
                self.sender.send(OutgoingRequest { url, headers, body, timeout }).await
            }
            Err(error) => {
                tracing::error!(webhook_id = %webhook.id, error = &error as &dyn std::error::Error, "a request cannot be put together");
                ours("the request cannot be put together")
            }
        }
    }

    /// What the claim itself decided, without an attempt: given up, or a dead worker's lease.
    async fn settle(&self, settled: Vec<Planned>, found: &Found) -> Recorded {
        let mut recorded = Recorded::default();
        let dead = settled.iter().filter(|plan| plan.receipt.state.status == Status::DeadLettered);
        for plan in dead {
            recorded.report.dead_lettered += 1;
            recorded.tallies.ended(plan, Status::DeadLettered);
        }
        self.carry_out(&settled, found, &mut recorded).await;
        recorded
    }

    async fn record(&self, attempted: Vec<(Planned, Made)>, found: &Found) -> Recorded {
        let mut recorded = Recorded::default();
        recorded.report.attempts = attempted.len();
        recorded.report.delivered =
            attempted.iter().filter(|(_, made)| made.attempt.is_success()).count();
        for (planned, made) in &attempted {
            recorded.sightings.see(planned, made);
            recorded.tallies.attempted(planned, made);
        }
        let moved = attempted.into_iter().filter_map(|(planned, made)| {
            let from = planned.receipt.clone();
            Some((self.answered(planned, &made, from)?, made))
        });
        let written = self.write_outcomes(moved.collect(), &mut recorded).await;
        for plan in &written {
            let status = plan.receipt.state.status;
            recorded.report.dead_lettered += usize::from(status == Status::DeadLettered);
            recorded.tallies.ended(plan, status);
        }
        self.carry_out(&written, found, &mut recorded).await;
        recorded
    }

    /// The delivery in the state that an attempt leads to from `from`; `None` when it is no longer
    /// ours to change.
    fn answered(&self, planned: Planned, made: &Made, mut receipt: Receipt) -> Option<Planned> {
        let answer = classify::answer(&made.attempt, GONE_DISABLES, made.ended_at);
        let happening = Happening::Answered {
            lease_id: made.lease_id.clone(),
            generation: made.generation,
            answer,
        };
        let Step::Move(transition) =
            receipt.state.step(&happening, &planned.policy, made.ended_at, draw(made.ended_at))
        else {
            return None;
        };
        receipt.state = transition.next;
        classify::record(&mut receipt, &made.attempt, made.begun_at, made.trigger, made.ended_at);
        let watch_at = receipt.watched_at(made.ended_at, self.grace_ms, LONGEST_ON_QUEUE_MS);
        Some(Planned { receipt, effects: transition.effects, watch_at, ..planned })
    }

    /// Writes outcomes; those refused once are tried on what is there instead. Gives back what is
    /// stored and may now be carried out.
    async fn write_outcomes(
        &self,
        moved: Vec<(Planned, Made)>,
        recorded: &mut Recorded,
    ) -> Vec<Planned> {
        let now = (self.clock)();
        let writes: Vec<_> =
            moved.iter().map(|(plan, _)| plan.write(self.retention_days, now)).collect();
        let outcomes = match self.receipts.write_many(&writes).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                recorded.lost(moved.into_iter().map(|(plan, _)| plan), &error);
                return vec![];
            }
        };
        let mut written = Vec::with_capacity(moved.len());
        let mut refused = Vec::new();
        for ((mut plan, made), outcome) in moved.into_iter().zip(outcomes) {
            match outcome {
                WriteOutcome::Written(rev) => {
                    plan.written(rev);
                    written.push(plan);
                }
                WriteOutcome::Refused => refused.push((plan, made)),
                WriteOutcome::Failed(error) => recorded.lost([plan], &error),
            }
        }
        if !refused.is_empty() {
            written.extend(self.write_late(refused, recorded).await);
        }
        written
    }

    /// Outcomes that did not fit what is stored: the lease ended and the sweep was there, or the
    /// SDK wrote twice.
    async fn write_late(
        &self,
        refused: Vec<(Planned, Made)>,
        recorded: &mut Recorded,
    ) -> Vec<Planned> {
        let keys: Vec<_> = refused.iter().map(|(plan, _)| receipt_key(&plan.job.order)).collect();
        let stored = match self.receipts.get_many(&keys).await {
            Ok(stored) => stored,
            Err(error) => {
                recorded.lost(refused.into_iter().map(|(plan, _)| plan), &error);
                return vec![];
            }
        };
        let mut written = Vec::new();
        let mut again = Vec::new();
        for (plan, made) in refused {
            let there = stored.iter().find(|it| it.receipt.delivery_id == plan.receipt.delivery_id);
            match there {
                Some(there) if there.receipt == plan.receipt => written.push(plan),
                Some(there) => {
                    let plan = Planned { over: Some(there.over()), ..plan };
                    again.extend(self.answered(plan, &made, there.receipt.clone()));
                }
                None => {}
            }
        }
        let now = (self.clock)();
        let writes: Vec<_> =
            again.iter().map(|plan: &Planned| plan.write(self.retention_days, now)).collect();
        match self.receipts.write_many(&writes).await {
            Ok(outcomes) => {
                for (plan, outcome) in again.into_iter().zip(outcomes) {
                    match outcome {
                        WriteOutcome::Written(_) => written.push(plan),
                        // Moved on in the meantime; or our own write, repeated by the SDK.
                        WriteOutcome::Refused => recorded.unfinished = true,
                        WriteOutcome::Failed(error) => recorded.lost([plan], &error),
                    }
                }
            }
            Err(error) => recorded.lost(again, &error),
        }
        written
    }

    /// Carries out what the new states want, in the order disable, then queues.
    async fn carry_out(&self, written: &[Planned], found: &Found, recorded: &mut Recorded) {
        let now = (self.clock)();
        for plan in written.iter().filter(|plan| plan.effects.contains(&Effect::DisableWebhook)) {
            let order = &plan.job.order;
            match self.registrations.disable(&order.org, &order.webhook_id, GONE, now).await {
                Ok(Changed::Done) => {
                    let webhook = found.webhook(order);
                    let news = webhook.and_then(|it| news_of_gone(it, &order.event_type, now));
                    recorded.news.extend(news);
                }
                Ok(Changed::Outdated) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "a webhook that is gone could not be disabled");
                    recorded.unfinished = true;
                }
            }
        }
        let effects: Vec<_> = written
            .iter()
            .flat_map(|plan| plan.effects.iter().map(move |&effect| (plan, effect)))
            .map(|(plan, effect)| Wanted {
                inline: found
                    .event(&plan.job.order)
                    .filter(|event| event.data.len() <= INLINE_BYTES),
                ..wanted(plan, effect)
            })
            .collect();
        recorded.unfinished |= self.lanes.put(&effects, now).await > 0;
        let news = effects.iter().filter_map(|it| {
            let project = found.webhook_of(it.org, &it.receipt.webhook_id)?.config.project.clone();
            Announcement::of_delivery(it.org, project, it.receipt, it.effect)
        });
        recorded.news.extend(news);
    }
}

impl Recorded {
    /// An outcome that could not be written: the message comes back after the lease has ended.
    fn lost(&mut self, plans: impl IntoIterator<Item = Planned>, error: &StoreError) {
        tracing::error!(error = error as &dyn std::error::Error, "outcomes could not be recorded");
        self.unfinished = true;
        self.report.failed.extend(plans.into_iter().flat_map(|plan| plan.job.message_ids));
    }

    fn add(&mut self, other: Self) {
        self.report.add(other.report);
        self.unfinished |= other.unfinished;
        self.sightings.add(other.sightings);
        self.tallies.add(other.tallies);
        self.news.extend(other.news);
    }
}

impl DeliverReport {
    fn add(&mut self, other: Self) {
        self.failed.extend(other.failed);
        self.attempts += other.attempts;
        self.delivered += other.delivered;
        self.dead_lettered += other.dead_lettered;
        self.held += other.held;
        self.ignored += other.ignored;
        self.poison += other.poison;
    }
}

fn wanted(plan: &Planned, effect: Effect) -> Wanted<'_> {
    Wanted { org: &plan.job.order.org, receipt: &plan.receipt, effect, inline: None }
}

/// An attempt that failed on our side, before anything was sent.
fn ours(message: &'static str) -> Attempt {
    Attempt {
        outcome: Outcome::Failed(Failure { class: ErrorClass::Internal, message: message.into() }),
        latency_ms: 0,
    }
}

/// News of a webhook that was disabled because its receiver said 410 to an event of this type. An
/// operational one that is refused disables its webhook as well; it is only not told, since that
/// would be refused in turn.
pub(crate) fn news_of_gone(
    webhook: &Webhook,
    event_type: &str,
    now: Millis,
) -> Option<Announcement> {
    let of = || Announcement::of_webhook(webhook, "webhook.disabled", json!({"reason": GONE}), now);
    (!catalogue::is_operational(event_type)).then(of)
}
