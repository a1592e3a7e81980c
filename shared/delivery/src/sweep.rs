//! What dead workers left behind, and retries that are overdue.

use aragora_core::delivery::{Effect, Happening, Receipt, RetryPolicy, Status, Step};
use aragora_core::ids::fresh_uuid;
use aragora_core::time::{Clock, Millis};
use aragora_events::announce::{Announcement, Announcer};
use aragora_queue::inbound::Deadline;
use aragora_store::intents::{Intents, LeaseNote};
use aragora_store::receipts::{ReceiptKey, Receipts, StoredReceipt, WriteOutcome, WriteReceipt};
use aragora_store::registrations::{Changed, Registrations, Webhook};
use aragora_store::{SWEEP_SHARDS, StoreError};
use futures_util::future::{join_all, try_join_all};

use crate::orders::{LONGEST_ON_QUEUE_MS, Lanes, Wanted};
use crate::worker::{GONE, expires_at, jitter, news_of_gone};

/// Entries taken up in one round of one shard.
const ROUND: u8 = 100;
/// Rounds of one sweep and shard; what is left is for the next minute.
const MAX_ROUNDS: usize = 10;
/// Time that one round may take.
const MARGIN_MS: i64 = 5_000;
/// How long after its end a note is left alone: a worker looks at the clock before it writes a
/// claim, and that write may take as long as a call to AWS may.
const SETTLED_MS: i64 = 10_000;
/// When a message that the sweep sent counts as lost in turn. Longer than the grace of a first
/// one: while a queue is backed up, the sweep must not add to it every minute.
const RESENT_GRACE_MS: i64 = 5 * 60_000;

/// Finds deliveries that nobody is working on any more.
#[derive(Debug, Clone)]
pub struct DeliverySweep {
    /// Where webhooks are kept.
    pub registrations: Registrations,
    /// Where what became of deliveries is kept.
    pub receipts: Receipts,
    /// Where claims are noted.
    pub intents: Intents,
    /// Where found deliveries go.
    pub lanes: Lanes,
    /// How long a message may take before it counts as lost, in milliseconds.
    pub grace_ms: i64,
    /// Days that receipts are kept.
    pub retention_days: i64,
    /// Tells those who want to know what became of deliveries.
    pub announcer: Announcer,
    /// Attempts that a delivery without a receipt of its own may have.
    pub max_attempts: u32,
    /// The time.
    pub clock: Clock,
}

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct DeliverySweepReport {
    /// Claims whose worker died.
    pub leases: usize,
    /// Retries that were overdue, or too far away for a queue until now.
    pub overdue: usize,
    /// Deliveries that could not be mended and are found again.
    pub failed: usize,
}

/// A receipt in the state it is to have, and what that wants done.
struct Mended {
    org: String,
    receipt: Receipt,
    write: Option<WriteReceipt>,
    effects: Vec<Effect>,
}

impl DeliverySweep {
    /// Sweeps all shards, side by side, until shortly before `deadline`. One read unit per shard
    /// when there is nothing to do. Two sweeps at once send a message twice, which does no harm.
    ///
    /// # Errors
    /// When the tables do not answer; what was done until then stays done.
    pub async fn run(&self, deadline: Deadline) -> Result<DeliverySweepReport, StoreError> {
        let mut total = DeliverySweepReport::default();
        for report in join_all((0..SWEEP_SHARDS).map(|shard| self.shard(shard, deadline))).await {
            let report = report?;
            total.leases += report.leases;
            total.overdue += report.overdue;
            total.failed += report.failed;
        }
        Ok(total)
    }

    /// Overdue retries and dead workers' claims by turns. A round that is not full is the last of
    /// its kind: the reads are not consistent, and would give the same again.
    async fn shard(
        &self,
        shard: u8,
        deadline: Deadline,
    ) -> Result<DeliverySweepReport, StoreError> {
        let mut report = DeliverySweepReport::default();
        let (mut more_due, mut more_leases) = (true, true);
        for _ in 0..MAX_ROUNDS {
            let now = (self.clock)();
            if deadline.remaining_ms(now) < MARGIN_MS {
                break;
            }
            if more_due {
                let due = self.receipts.due_before(shard, now, ROUND.into()).await?;
                let keys: Vec<_> = due.into_iter().map(|due| due.key).collect();
                more_due = is_full(keys.len());
                self.take_up_overdue(&keys, now, &mut report).await?;
            }
            if more_leases {
                let ended = now.plus(-SETTLED_MS);
                let notes = self.intents.leases_before(shard, ended, ROUND.into()).await?;
                more_leases = is_full(notes.len());
                self.take_up_leases(&notes, now, &mut report).await?;
            }
            if !more_due && !more_leases {
                break;
            }
        }
        Ok(report)
    }

    /// Looks at everything that dead workers had claimed, and strikes a note out when all that was
    /// on it is mended.
    async fn take_up_leases(
        &self,
        notes: &[LeaseNote],
        now: Millis,
        report: &mut DeliverySweepReport,
    ) -> Result<(), StoreError> {
        let outcomes = try_join_all(notes.iter().map(|note| self.take_up_lease(note, now))).await?;
        report.leases += outcomes.iter().map(|(found, _)| found).sum::<usize>();
        report.failed += outcomes.iter().map(|(_, failed)| failed).sum::<usize>();
        let mended = notes.iter().zip(&outcomes).filter(|(_, (_, failed))| *failed == 0);
        let struck: Vec<_> = mended.map(|(note, _)| note.clone()).collect();
        self.intents.strike_leases(&struck).await
    }

    /// How many deliveries of a note were to be mended, and how many could not be.
    async fn take_up_lease(
        &self,
        note: &LeaseNote,
        now: Millis,
    ) -> Result<(usize, usize), StoreError> {
        let keys = note
            .deliveries
            .iter()
            .map(|it| ReceiptKey::new(&it.org, &it.webhook_id, &it.delivery_id));
        let stored = self.load(&keys.collect::<Vec<_>>()).await?;
        let mended: Vec<_> = stored.iter().filter_map(|stored| self.mend(stored, now)).collect();
        Ok((mended.len(), self.carry_out(mended, now).await?))
    }

    /// The receipts; a delivery that was never claimed is taken from its page.
    async fn load(&self, keys: &[ReceiptKey]) -> Result<Vec<StoredReceipt>, StoreError> {
        let mut stored = self.receipts.get_many(keys).await?;
        for key in keys {
            if stored.iter().all(|it| it.receipt.delivery_id != key.delivery_id) {
                stored.extend(self.receipts.get(key, self.max_attempts).await?);
            }
        }
        Ok(stored)
    }

    async fn take_up_overdue(
        &self,
        keys: &[ReceiptKey],
        now: Millis,
        report: &mut DeliverySweepReport,
    ) -> Result<(), StoreError> {
        let stored = self.receipts.get_many(keys).await?;
        let mended: Vec<_> = stored
            .iter()
            .filter(|stored| {
                matches!(stored.receipt.state.status, Status::Retrying | Status::Pending)
            })
            .filter_map(|stored| self.mend(stored, now))
            .map(|mended| Mended {
                write: Some(self.write(
                    &mended.org,
                    &mended.receipt,
                    stored_of(&stored, &mended.receipt),
                    Some(now.plus(RESENT_GRACE_MS)),
                    now,
                )),
                ..mended
            })
            .collect();
        report.overdue += mended.len();
        report.failed += self.carry_out(mended, now).await?;
        Ok(())
    }

    fn mend(&self, stored: &StoredReceipt, now: Millis) -> Option<Mended> {
        let mut receipt = stored.receipt.clone();
        // The receipt has the budget; the pace is the default's, since the webhook may be gone.
        let policy = RetryPolicy {
            max_retries: receipt.max_attempts.saturating_sub(1),
            ..RetryPolicy::default()
        };
        let draw = jitter(&fresh_uuid(now));
        match receipt.state.step(&Happening::Swept, &policy, now, draw) {
            Step::Ignore(_) => None,
            Step::Repeat(effects) => {
                Some(Mended { org: stored.org.clone(), receipt, write: None, effects })
            }
            Step::Move(transition) => {
                receipt.state = transition.next;
                receipt.error_message =
                    Some("the worker stopped before it could record an answer".to_owned());
                let watch_at = receipt.watched_at(now, self.grace_ms, LONGEST_ON_QUEUE_MS);
                let write = self.write(&stored.org, &receipt, Some(stored), watch_at, now);
                Some(Mended {
                    org: stored.org.clone(),
                    receipt,
                    write: Some(write),
                    effects: transition.effects,
                })
            }
        }
    }

    fn write(
        &self,
        org: &str,
        receipt: &Receipt,
        over: Option<&StoredReceipt>,
        watch_at: Option<Millis>,
        now: Millis,
    ) -> WriteReceipt {
        WriteReceipt {
            org: org.to_owned(),
            receipt: receipt.clone(),
            over: over.map(StoredReceipt::over),
            watch_at,
            expires_at: expires_at(receipt, self.retention_days, now),
        }
    }

    /// Stores the new states, then carries out what they want; gives back how many failed, or may
    /// have.
    async fn carry_out(&self, mended: Vec<Mended>, now: Millis) -> Result<usize, StoreError> {
        let writes: Vec<_> = mended.iter().filter_map(|it| it.write.clone()).collect();
        let mut outcomes = self.receipts.write_many(&writes).await?.into_iter();
        let (mut wanted, mut failed) = (Vec::new(), 0);
        for it in &mended {
            let outcome = if it.write.is_some() { outcomes.next() } else { None };
            match outcome {
                None | Some(WriteOutcome::Written(_)) => {
                    wanted.extend(it.effects.iter().map(|&effect| Wanted {
                        org: &it.org,
                        receipt: &it.receipt,
                        effect,
                        inline: None,
                    }));
                }
                // Moved on by somebody else; or the SDK repeated a write of ours whose answer was
                // lost, and nobody carries out what it wants. The next sweep sees which.
                Some(WriteOutcome::Refused) => failed += 1,
                Some(WriteOutcome::Failed(error)) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a lost delivery could not be mended"
                    );
                    failed += 1;
                }
            }
        }
        let (disabled, not_disabled) = self.disable_gone(&wanted, now).await;
        failed += not_disabled;
        failed += self.lanes.put(&wanted, now).await;
        let is_news =
            |it: &&Wanted<'_>| matches!(it.effect, Effect::DeadLetter | Effect::AnnounceRecovery);
        let news: Vec<_> = wanted.iter().filter(is_news).chain(disabled).collect();
        if !self.announce(&news, now).await? {
            failed += 1;
        }
        Ok(failed)
    }

    /// Tells what the states want told, for webhooks that are still there.
    async fn announce(&self, news: &[&Wanted<'_>], now: Millis) -> Result<bool, StoreError> {
        if news.is_empty() {
            return Ok(true);
        }
        let ids = news.iter().map(|it| (it.org.to_owned(), it.receipt.webhook_id.clone()));
        let webhooks = self.registrations.get_many(&ids.collect::<Vec<_>>(), false).await?;
        let told = news.iter().filter_map(|it| {
            let of =
                |webhook: &&Webhook| webhook.id == it.receipt.webhook_id && webhook.org == it.org;
            let webhook = webhooks.iter().find(of)?;
            if it.effect == Effect::DisableWebhook {
                return news_of_gone(webhook, &it.receipt.event_type, now);
            }
            let project = webhook.config.project.clone();
            Announcement::of_delivery(it.org, project, it.receipt, it.effect)
        });
        Ok(self.announcer.announce(&told.collect::<Vec<_>>(), now).await)
    }

    /// Disables the webhooks whose receiver said 410 to a worker that died right after; gives back
    /// which of them it did, and how many could not be.
    async fn disable_gone<'a, 'b>(
        &self,
        wanted: &'b [Wanted<'a>],
        now: Millis,
    ) -> (Vec<&'b Wanted<'a>>, usize) {
        let (mut disabled, mut failed) = (Vec::new(), 0);
        for it in wanted.iter().filter(|it| it.effect == Effect::DisableWebhook) {
            let webhook = &it.receipt.webhook_id;
            match self.registrations.disable(it.org, webhook, GONE, now).await {
                Ok(Changed::Done) => disabled.push(it),
                Ok(Changed::Outdated) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "a webhook that is gone could not be disabled");
                    failed += 1;
                }
            }
        }
        (disabled, failed)
    }
}

fn stored_of<'a>(stored: &'a [StoredReceipt], receipt: &Receipt) -> Option<&'a StoredReceipt> {
    stored.iter().find(|it| it.receipt.delivery_id == receipt.delivery_id)
}

const fn is_full(round: usize) -> bool {
    round >= ROUND as usize
}
