//! Taking the events of a debate under way, in any order and with repeats.
//!
//! Each event is an item of its own, stored unless it is there; the record is built from all of
//! them when one comes in that says how the debate ended, and again for every one that comes in
//! after that.

use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aragora_events::publish::{Publication, PublishError};
use aragora_explain::record;
use aragora_explain::stream::{self, StreamEvent};
use aragora_store::debates::{DebateStatus, Head, MAX_EVENT_BYTES, Source, StreamItem};
use aragora_store::registrations::Changed;

use crate::desk::{DebateDesk, DebateError, Put, Record, headline};
use crate::news;

/// How often somebody else may be faster before a request gives up.
const ROUNDS: usize = 5;

/// Events that were taken in.
#[derive(Debug)]
pub struct Streamed {
    /// The debate as it now is.
    pub head: Head,
    /// How many of the events were new.
    pub new: usize,
    /// How many had been taken in before.
    pub duplicates: usize,
}

impl DebateDesk {
    /// Takes events of a debate in, and tells subscribers each of them.
    ///
    /// Costs a write unit for the count, one per KB of each event, and what
    /// [`aragora_events::publish::Publisher::publish`] does; for the first request of a debate two
    /// more, and when the debate has ended, what reading all its events and storing its record do.
    ///
    /// # Errors
    /// [`DebateError::StreamFull`] stores nothing. After any other, the same request can be made
    /// again.
    pub async fn stream(
        &self,
        by: Publication<'_>,
        id: &DebateId,
        events: Vec<StreamEvent>,
    ) -> Result<Streamed, DebateError> {
        let items = items(events, by.now)?;
        let bytes: usize = items.iter().map(|(_, item)| item.doc.len()).sum();
        let count = (as_u64(items.len()), as_u64(bytes));
        let counted = self.records.debates.count_events(by.org, id, count).await?;
        let mut head = match counted.ok_or(DebateError::StreamFull)? {
            Some(head) => head,
            None => self.open(by, id).await?,
        };
        let (events, items): (Vec<StreamEvent>, Vec<StreamItem>) = items.into_iter().unzip();
        let new = self.records.debates.put_events(by.org, id, &items).await?;
        self.tell(by, &head, &events).await?;
        if head.source == Source::Stream && needs_all(&head, &events) {
            head = self.build(by, head).await?;
        }
        let new = new.into_iter().filter(|is_new| *is_new).count();
        Ok(Streamed { head, new, duplicates: events.len() - new })
    }

    /// The first head of a debate.
    async fn open(&self, by: Publication<'_>, id: &DebateId) -> Result<Head, DebateError> {
        let mut head = Head {
            org: by.org.to_owned(),
            id: id.clone(),
            status: DebateStatus::Running,
            source: Source::Stream,
            version: 0,
            body: None,
            headline: headline(&record::Debate::default()),
            created_at: by.now,
            updated_at: by.now,
            rev: 0,
        };
        for _ in 0..ROUNDS {
            if self.records.debates.write_head(&mut head, 0).await? == Changed::Done {
                return Ok(head);
            }
            if let Some(theirs) = self.records.debates.head(by.org, id).await? {
                return Ok(theirs);
            }
        }
        Err(DebateError::Contended)
    }

    async fn tell(
        &self,
        by: Publication<'_>,
        head: &Head,
        events: &[StreamEvent],
    ) -> Result<(), DebateError> {
        let told = events.iter().filter_map(|event| news::of_event(head, event, by.now)).collect();
        for outcome in self.publisher.publish(by, told).await {
            match outcome {
                // A repeat that says something else: the first stands.
                Ok(_) | Err(PublishError::IdTaken(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Brings the debate's line in lists, and when it has ended its record, up to date with all of
    /// its events. The head is read before the events: of two that do this at once, the one that
    /// read fewer events is refused, and reads again.
    async fn build(&self, by: Publication<'_>, mut head: Head) -> Result<Head, DebateError> {
        for _ in 0..ROUNDS {
            let events = self.records.events(by.org, &head.id).await?;
            let value = stream::record_of(&events);
            let debate = record::read(&value).map_err(DebateError::Invalid)?;
            if stream::is_closed(&events) {
                let record = Record { value: &value, debate: &debate, source: Source::Stream };
                match self.put_after(by, &head.id.clone(), record, Some(head)).await? {
                    Put::Done(head) | Put::Known(head) => return Ok(head),
                    Put::Outdated(there) => head = there.ok_or(DebateError::NoDebate)?,
                }
            } else {
                let mut next = Head { headline: headline(&debate), updated_at: by.now, ..head };
                let rev = next.rev;
                if self.records.debates.write_head(&mut next, rev).await? == Changed::Done {
                    return Ok(next);
                }
                let there = self.records.debates.head(by.org, &next.id).await?;
                head = there.ok_or(DebateError::NoDebate)?;
            }
            // Somebody gave the record whole in the meantime.
            if head.source == Source::Given {
                return Ok(head);
            }
        }
        Err(DebateError::Contended)
    }
}

/// Whether these events change what is known of the debate without its events.
fn needs_all(head: &Head, events: &[StreamEvent]) -> bool {
    let is_first = head.rev <= 1;
    let tells = |event: &StreamEvent| {
        ["debate_start", "consensus", "debate_end"].contains(&event.event_type.as_str())
    };
    head.body.is_some() || is_first || events.iter().any(tells)
}

/// Events as they are stored: of repeats among them the first.
fn items(
    events: Vec<StreamEvent>,
    now: Millis,
) -> Result<Vec<(StreamEvent, StreamItem)>, DebateError> {
    let mut items: Vec<(StreamEvent, StreamItem)> = Vec::with_capacity(events.len());
    for (at, mut event) in events.into_iter().enumerate() {
        event.arrived = arrival(now, at);
        let doc = serde_json::to_string(&event).unwrap_or_default();
        if doc.len() > MAX_EVENT_BYTES {
            return Err(DebateError::Invalid(vec![record::Problem {
                field: format!("[{at}]"),
                message: "must be at most 300 KiB".to_owned(),
            }]));
        }
        let key = event.key();
        if items.iter().all(|(_, item)| item.key != key) {
            items.push((event, StreamItem { key, doc }));
        }
    }
    Ok(items)
}

/// Greater for later requests, and within one in the order of its events. Of two requests in the
/// same millisecond neither is the later one.
fn arrival(now: Millis, at: usize) -> u64 {
    u64::try_from(now.0).unwrap_or_default().saturating_mul(1_000).saturating_add(as_u64(at))
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
