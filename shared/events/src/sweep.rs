//! Queueing again what was stored and never fanned out.

use aragora_core::ids::EventId;
use aragora_core::time::{Clock, Millis};
use aragora_queue::Queue;
use aragora_queue::inbound::Deadline;
use aragora_store::events::{Events, StoredEvent};
use aragora_store::intents::{FanOutNote, Intents};
use aragora_store::{SWEEP_SHARDS, StoreError};

use futures_util::future::join_all;

use crate::fan_out_order;

/// Notes taken up in one round of one shard.
const ROUND: i32 = 100;
/// Rounds of one sweep and shard; what is left is for the next minute.
const MAX_ROUNDS: usize = 10;
/// Time that one round may take.
const MARGIN_MS: i64 = 5_000;
/// When a note without an event is one that nobody will store any more: well after the publisher's
/// function was ended by force.
const ABANDONED_AFTER_MS: i64 = 60_000;

/// When a fan-out that the sweep asked for counts as lost in turn: while the queue is backed up, the
/// sweep must not add to it every minute.
const RESENT_GRACE_MS: i64 = 5 * 60_000;

/// Finds events whose fan-out was interrupted.
#[derive(Debug, Clone)]
pub struct FanOutSweep {
    /// Where events are kept.
    pub events: Events,
    /// Where the events to be fanned out are noted.
    pub intents: Intents,
    /// The queue of the fan-out.
    pub queue: Queue,
    /// How long a fan-out may take before it counts as lost, in milliseconds.
    pub grace_ms: i64,
    /// The time.
    pub clock: Clock,
}

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct FanOutSweepReport {
    /// Events queued again.
    pub requeued: usize,
    /// Notes of events that were never stored, struck out.
    pub abandoned: usize,
    /// Events that could not be queued and are found again.
    pub failed: usize,
}

impl FanOutSweep {
    /// Sweeps all shards, side by side, until shortly before `deadline`. Half a read unit per shard when there is nothing to do. Two sweeps at
    /// once queue an event twice, which does no harm.
    ///
    /// # Errors
    /// When the table does not answer; what was done until then stays done.
    pub async fn run(&self, deadline: Deadline) -> Result<FanOutSweepReport, StoreError> {
        let mut total = FanOutSweepReport::default();
        for report in join_all((0..SWEEP_SHARDS).map(|shard| self.shard(shard, deadline))).await {
            let report = report?;
            total.requeued += report.requeued;
            total.abandoned += report.abandoned;
            total.failed += report.failed;
        }
        Ok(total)
    }

    async fn shard(&self, shard: u8, deadline: Deadline) -> Result<FanOutSweepReport, StoreError> {
        let mut report = FanOutSweepReport::default();
        for _ in 0..MAX_ROUNDS {
            let now = (self.clock)();
            if deadline.remaining_ms(now) < MARGIN_MS {
                break;
            }
            let before = now.plus(-self.grace_ms);
            let notes = self.intents.fan_outs_before(shard, before, ROUND).await?;
            self.take_up(&notes, now, &mut report).await?;
            // Asking again at once could give the same notes: the reads are not consistent.
            if i32::try_from(notes.len()).is_ok_and(|count| count < ROUND) {
                break;
            }
        }
        Ok(report)
    }

    /// Queues the events of `notes` under new notes. A new one is made before the old is struck
    /// out; it comes up again only if this fan-out is lost too.
    async fn take_up(
        &self,
        notes: &[FanOutNote],
        now: Millis,
        report: &mut FanOutSweepReport,
    ) -> Result<(), StoreError> {
        let ids: Vec<(String, EventId)> =
            notes.iter().map(|note| (note.org.clone(), note.event_id.clone())).collect();
        let events = self.events.get_many(&ids, true).await?;
        let again_at = now.plus(RESENT_GRACE_MS);
        let renewed: Vec<_> = events.iter().map(|event| renewed_note(event, again_at)).collect();
        self.intents.note_fan_outs(&renewed).await?;
        let orders: Vec<_> = events.iter().map(|event| fan_out_order(event, again_at)).collect();
        for outcome in self.queue.send_all(&orders).await {
            match outcome {
                Ok(()) => report.requeued += 1,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "a lost event could not be queued"
                    );
                    report.failed += 1;
                }
            }
        }
        let is_stored = |note: &&FanOutNote| {
            events.iter().any(|event| event.id == note.event_id && event.org == note.org)
        };
        let is_abandoned = |note: &&FanOutNote| now.since(note.at) > ABANDONED_AFTER_MS;
        report.abandoned += notes.iter().filter(|it| !is_stored(it) && is_abandoned(it)).count();
        let settled: Vec<_> =
            notes.iter().filter(|it| is_stored(it) || is_abandoned(it)).cloned().collect();
        self.intents.strike_fan_outs(&settled).await
    }
}

fn renewed_note(event: &StoredEvent, at: Millis) -> FanOutNote {
    FanOutNote { org: event.org.clone(), event_id: event.id.clone(), at }
}
