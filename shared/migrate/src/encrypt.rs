//! Sealing every secret of every store under the first key of the ring: what is plain because it
//! is older than encryption, and what an older key sealed.
//!
//! It reads whole tables, page by page, and changes one record at a time under its revision, so
//! that it may run beside everything else, twice at once, and again after it broke off: what is up
//! to date is passed over. A record that cannot be read is told and counted, and the rest go on.
//! Source: `spec/operations.md`, "Encryption and rotation".

use std::time::Duration;

use aragora_core::time::Clock;
use aragora_queue::inbound::Deadline;
use aragora_signing::fields::{self, Store, item_key};
use aragora_signing::keyring::KeyRing;
use aragora_store::StoreError;
use aragora_store::documents::{Document, Documents, ItemKey, Page};
use aragora_store::registrations::Changed;
use futures_util::stream::{self, StreamExt as _};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::cursor::Cursor;

/// Records read in one request.
pub const PAGE: i32 = 100;
/// Records changed at a time.
const WIDTH: usize = 16;
/// How often a record is tried that others keep changing.
const CHANGE_ROUNDS: usize = 5;
/// How often a call is made that the table does not answer, beyond what the SDK does by itself: a
/// migration has time, and beginning again costs more.
const CALL_ROUNDS: u32 = 5;
/// What is left of the time when no further page is begun, in milliseconds.
const MARGIN_MS: i64 = 10_000;

/// What migrates.
#[derive(Debug)]
pub struct Migration {
    /// The first key seals, all open.
    pub keys: KeyRing,
    /// Every store, and its table.
    pub stores: Vec<(&'static Store, Documents)>,
    /// Records read in one request, [`PAGE`].
    pub page: i32,
    /// Where the time comes from.
    pub clock: Clock,
}

/// What is to be done.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// One store only.
    pub store: Option<&'static Store>,
    /// Whether anything is written; otherwise it is only counted what would be.
    pub execute: bool,
    /// Where an earlier run stopped.
    pub from: Option<Cursor>,
}

/// What became of the records of a store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Sealed anew, or to be sealed anew when nothing was to be written.
    pub migrated: u64,
    /// As they should be.
    pub current: u64,
    /// With something that cannot be read or written; what could be sealed anew was.
    pub failed: u64,
}

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// What became of the records, by store, in the order in which they were gone through.
    pub stores: Vec<(&'static str, Counts)>,
    /// Where to go on, when it did not get to the end.
    pub next: Option<Cursor>,
    /// Why it did not, when it was not the time.
    pub stopped: Option<StoreError>,
}

/// What became of one record.
#[derive(Debug)]
pub enum Outcome {
    /// Sealed anew, or to be.
    Migrated,
    /// As it should be.
    Current,
    /// Deleted meanwhile.
    Gone,
    /// What is wrong with it.
    Failed(Vec<Failure>),
}

/// Something about a record that cannot be brought up to date. No value is repeated.
#[derive(Debug)]
pub struct Failure {
    /// The way to it in the document, such as `old_secrets[1].secret`; empty for all of it.
    pub path: String,
    /// What is wrong.
    pub why: Why,
}

/// Why a record, or a field of it, was not brought up to date.
#[derive(Debug, Error)]
pub enum Why {
    /// The field is not what it should be.
    #[error(transparent)]
    Field(fields::Why),
    /// Its document is no JSON.
    #[error("is no JSON")]
    NoJson,
    /// The item has no document, or the table did not answer.
    #[error(transparent)]
    Store(StoreError),
    /// Others kept changing it.
    #[error("is being changed by somebody else")]
    Contended,
}

/// The order asks for one store and goes on in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the cursor is of another store than the one that was asked for")]
pub struct OtherStore;

/// One record that was gone through.
#[derive(Debug)]
pub struct Seen {
    /// Its store.
    pub store: &'static str,
    /// Which record.
    pub key: ItemKey,
    /// What became of it.
    pub outcome: Outcome,
}

impl Migration {
    /// Goes through the records of one store or of all, and tells of each. Costs one read unit per
    /// 4 KB of the tables, and for each migrated record a write unit per KB.
    ///
    /// It ends before `deadline`, as far as the table answers in time, and says where to go on.
    /// The first page is read however late it is, so that a run always gets further.
    ///
    /// # Errors
    /// When the order contradicts itself; what goes wrong later is in the report.
    pub async fn run(
        &self,
        order: &Order,
        deadline: Deadline,
        tell: &mut (dyn FnMut(&Seen) + Send),
    ) -> Result<Report, OtherStore> {
        let mut report = Report::default();
        let mut from = order.from.clone();
        if let (Some(only), Some(from)) = (order.store, &from)
            && only.name() != from.store.name()
        {
            return Err(OtherStore);
        }
        for (store, documents) in &self.stores {
            let before = |from: &Cursor| from.store.name() != store.name();
            if order.store.is_some_and(|only| only.name() != store.name())
                || from.as_ref().is_some_and(before)
            {
                continue;
            }
            let after = from.take().and_then(|from| from.after);
            let through = Through { migration: self, store, documents, execute: order.execute };
            let (counts, end) = through.run(after, deadline, &report, tell).await;
            report.stores.push((store.name(), counts));
            if let Some((after, stopped)) = end {
                report.next = Some(Cursor { store, after });
                report.stopped = stopped;
                break;
            }
        }
        Ok(report)
    }
}

/// Where and why a store was left before its end.
type Broken = (Option<ItemKey>, Option<StoreError>);

/// The way through one store.
struct Through<'a> {
    migration: &'a Migration,
    store: &'static Store,
    documents: &'a Documents,
    execute: bool,
}

impl Through<'_> {
    async fn run(
        &self,
        mut after: Option<ItemKey>,
        deadline: Deadline,
        earlier: &Report,
        tell: &mut (dyn FnMut(&Seen) + Send),
    ) -> (Counts, Option<Broken>) {
        let mut counts = Counts::default();
        let mut first = earlier.stores.is_empty();
        loop {
            if !first && deadline.remaining_ms((self.migration.clock)()) < MARGIN_MS {
                return (counts, Some((after, None)));
            }
            first = false;
            let read = || self.documents.page(after.as_ref(), self.migration.page);
            let Page { items, next } = match patiently(read).await {
                Ok(page) => page,
                Err(error) => return (counts, Some((after, Some(error)))),
            };
            let records: Vec<_> =
                items.into_iter().map(|(key, document)| self.record(key, document)).collect();
            let mut records = stream::iter(records).buffered(WIDTH);
            while let Some(seen) = records.next().await {
                counts.count(&seen.outcome);
                tell(&seen);
            }
            after = next;
            if after.is_none() {
                return (counts, None);
            }
        }
    }

    async fn record(&self, key: ItemKey, document: Result<Document, StoreError>) -> Seen {
        let outcome = match document {
            Ok(document) => self.bring_up(document).await,
            Err(error) => Err(Why::Store(error)),
        };
        let failed = |why| Outcome::Failed(vec![Failure { path: String::new(), why }]);
        Seen { store: self.store.name(), key, outcome: outcome.unwrap_or_else(failed) }
    }

    /// Seals what is to be sealed of one record, and starts over from what is there when somebody
    /// changed it meanwhile.
    async fn bring_up(&self, mut read: Document) -> Result<Outcome, Why> {
        let key = item_key(&read.key.pk, &read.key.sk);
        for _ in 0..CHANGE_ROUNDS {
            let mut document: Value = serde_json::from_str(&read.text).map_err(|_| Why::NoJson)?;
            let resealed = self.store.reseal(&self.migration.keys, &key, &mut document);
            let sealed = resealed.sealed;
            let outcome = Outcome::of(resealed);
            if sealed == 0 || !self.execute {
                return Ok(outcome);
            }
            let document = document.to_string();
            let replace = || self.documents.replace(&read, &document);
            if patiently(replace).await.map_err(Why::Store)? == Changed::Done {
                return Ok(outcome);
            }
            let again = patiently(|| self.documents.get(&read.key)).await.map_err(Why::Store)?;
            let Some(there) = again else { return Ok(Outcome::Gone) };
            // No two envelopes are alike. When ours are there, they were stored, and the table was
            // asked a second time because its answer was lost.
            if there.text == document {
                return Ok(outcome);
            }
            read = there;
        }
        Err(Why::Contended)
    }
}

impl Outcome {
    fn of(resealed: fields::Resealed) -> Self {
        let failure = |it: fields::Trouble| Failure { path: it.path, why: Why::Field(it.why) };
        match (resealed.troubles.is_empty(), resealed.sealed) {
            (true, 0) => Self::Current,
            (true, _) => Self::Migrated,
            (false, _) => Self::Failed(resealed.troubles.into_iter().map(failure).collect()),
        }
    }
}

impl Counts {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Migrated => self.migrated += 1,
            Outcome::Current => self.current += 1,
            Outcome::Failed(_) => self.failed += 1,
            Outcome::Gone => {}
        }
    }
}

impl Report {
    /// The records of all stores together.
    pub fn total(&self) -> Counts {
        self.stores.iter().fold(Counts::default(), |sum, (_, each)| Counts {
            migrated: sum.migrated + each.migrated,
            current: sum.current + each.current,
            failed: sum.failed + each.failed,
        })
    }
}

/// Makes a call until the table answers it: 200 ms after the first time, then twice as long each
/// time. A write that took effect and lost its answer is refused the second time.
async fn patiently<T, F>(mut call: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut round = 0;
    loop {
        match call().await {
            Err(StoreError::Throttled | StoreError::Unavailable(_)) if round + 1 < CALL_ROUNDS => {
                tokio::time::sleep(Duration::from_millis(200 << round)).await;
                round += 1;
            }
            outcome => return outcome,
        }
    }
}
