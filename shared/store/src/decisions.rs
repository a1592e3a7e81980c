//! Table `decision_cache`: explanations that were worked out before.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>#<debate id>` | `<format>` | one explanation; also in index `by_org` (`org`, `pk`) |
//! | `<org>#cache` | `state` | what makes entries of the organisation stale, and how often it was asked |
//!
//! An entry is good only while what it was made from is still so: the debate's content, the policy
//! version, and none of its labels called off since. All of that is decided by whoever reads it
//! ([`Entry::is_good`]), from things read in the same request, so that every worker sees an
//! invalidation at once. TTL is only garbage collection.

use std::collections::BTreeMap;

use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity, ReturnValue};

use crate::dynamo::{BatchRead, Dynamo};
use crate::error::StoreError;
use crate::item::{Item, Reader, delete, key, number, put, readable, text};
use crate::packed::{pack, unpack};

const INDEX_BY_ORG: &str = "by_org";
const STATE: &str = "state";
const PACKED: &str = "z";
/// The largest packed explanation that is kept; a larger one is worked out each time.
const MOST_PACKED_BYTES: usize = 350 * 1_024;
/// More than any explanation has.
const MOST_BYTES: u64 = 8 * 1_024 * 1_024;
/// Labels called off that are remembered; then those are forgotten that no live entry can be older
/// than.
const MOST_STAMPS: usize = 200;

/// An explanation and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The debate.
    pub id: DebateId,
    /// What of it: a format's name.
    pub format: String,
    /// Digest of the record.
    pub hash: String,
    /// The organisation's policy version when it was made.
    pub policy: String,
    /// What it can be called off by; see [`label`].
    pub labels: Vec<String>,
    /// When its making began.
    pub made_at: Millis,
    /// When it is too old.
    pub expires_at: Millis,
    /// The explanation, as it is answered.
    pub text: String,
}

impl Entry {
    /// Whether it is still what would be worked out now, of a record with this digest.
    pub fn is_good(&self, hash: &str, state: &CacheState, now: Millis) -> bool {
        self.hash == hash
            && self.policy == state.policy
            && self.expires_at > now
            && self.made_at > state.emptied_at
            && self.labels.iter().all(|label| {
                state.called_off.get(label).is_none_or(|called_off| self.made_at > *called_off)
            })
    }
}

/// What makes entries stale, and how often the cache was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheState {
    /// The current policy version; empty until there is one.
    pub policy: String,
    /// When labels were called off.
    pub called_off: BTreeMap<String, Millis>,
    /// Entries of this time or before are stale.
    pub emptied_at: Millis,
    /// How often an explanation was asked for.
    pub lookups: u64,
    /// How often it had to be worked out.
    pub misses: u64,
    /// How many entries were called off.
    pub invalidations: u64,
}

/// A page of an organisation's entries, without their explanations.
#[derive(Debug)]
pub struct EntryPage {
    /// Which entries, and what they can be called off by.
    pub entries: Vec<EntryLine>,
    /// The place that the next page begins after.
    pub next: Option<EntryPlace>,
}

/// An entry without its explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryLine {
    /// Which one.
    pub place: EntryPlace,
    /// What it can be called off by.
    pub labels: Vec<String>,
    /// When it is too old.
    pub expires_at: Millis,
}

/// Which entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryPlace {
    org: String,
    pk: String,
    sk: String,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Decisions {
    dynamo: Dynamo,
    table: String,
}

impl Decisions {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// Those of the debates' entries in one format that are there, in any order; ids must differ.
    /// Half a read unit per 4 KB each, 100 a request. Eventually consistent: what was just made may
    /// be missing, and is made again.
    pub async fn entries(
        &self,
        org: &str,
        ids: &[DebateId],
        format: &str,
    ) -> Result<Vec<Entry>, StoreError> {
        let keys = ids.iter().map(|id| key(pk(org, id), format)).collect();
        let read = BatchRead { consistent: false, only: None };
        let items = self.dynamo.get_all(&self.table, keys, read).await?;
        // A damaged one is left out, and so made again.
        Ok(readable(&items, |item| read_entry(org, item)))
    }

    /// Keeps entries, each over the one that is there; those that are too large are left out. A
    /// write unit per KB of the packed text, and one for the index.
    pub async fn put(&self, org: &str, entries: &[Entry]) -> Result<(), StoreError> {
        let mut puts = Vec::with_capacity(entries.len());
        for entry in entries {
            let packed =
                pack(&entry.text).map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            if packed.len() <= MOST_PACKED_BYTES {
                puts.push(put(entry_item(org, entry, packed)));
            }
        }
        self.dynamo.write_all(&self.table, puts).await
    }

    /// Counts `lookups` and gives back what makes entries stale. One write unit.
    pub async fn asked(&self, org: &str, lookups: u64) -> Result<CacheState, StoreError> {
        self.count(org, "lookups", lookups).await
    }

    /// Counts explanations that had to be worked out. One write unit.
    pub async fn missed(&self, org: &str, misses: u64) -> Result<(), StoreError> {
        self.count(org, "misses", misses).await.map(drop)
    }

    /// Counts entries that were called off. One write unit.
    pub async fn invalidated(&self, org: &str, entries: u64) -> Result<(), StoreError> {
        self.count(org, "invalidations", entries).await.map(drop)
    }

    async fn count(
        &self,
        org: &str,
        what: &'static str,
        times: u64,
    ) -> Result<CacheState, StoreError> {
        let update = format!("ADD {what} :times");
        self.update(org, &update, |it| it.expression_attribute_values(":times", number(times)))
            .await
    }

    /// What makes entries stale, as last written. One read unit.
    pub async fn state(&self, org: &str) -> Result<CacheState, StoreError> {
        let item = self.dynamo.get(&self.table, state_key(org), true).await?;
        item.as_ref().map_or_else(|| Ok(CacheState::default()), read_state)
    }

    /// Makes `version` the current policy version: entries of another one are stale from now on.
    /// One write unit.
    pub async fn set_policy(&self, org: &str, version: &str) -> Result<(), StoreError> {
        let set = |it: Update| it.expression_attribute_values(":policy", text(version));
        self.update(org, "SET policy = :policy", set).await.map(drop)
    }

    /// Calls off every entry with this label that is of `now` or before. A write unit per KB: of a
    /// few hundred labels at most. When more were called off since entries last expired, all
    /// entries of the organisation are called off, which is always safe.
    pub async fn call_off(&self, org: &str, label: &str, now: Millis) -> Result<(), StoreError> {
        let attribute = format!("off_{label}");
        let set = |it: Update| {
            it.expression_attribute_names("#label", attribute)
                .expression_attribute_values(":now", number(now.0))
        };
        let state = self.update(org, "SET #label = :now", set).await?;
        if state.called_off.len() > MOST_STAMPS {
            self.empty(org, &state, now).await?;
        }
        Ok(())
    }

    /// One time for all labels instead of one for each. Labels called off meanwhile stay.
    async fn empty(&self, org: &str, state: &CacheState, now: Millis) -> Result<(), StoreError> {
        let names: Vec<String> = (0..state.called_off.len()).map(|at| format!("#l{at}")).collect();
        let update = format!("SET emptied_at = :now REMOVE {}", names.join(", "));
        let set = |mut it: Update| {
            for (name, label) in names.iter().zip(state.called_off.keys()) {
                it = it.expression_attribute_names(name, format!("off_{label}"));
            }
            it.expression_attribute_values(":now", number(now.0))
        };
        self.update(org, &update, set).await.map(drop)
    }

    async fn update(
        &self,
        org: &str,
        expression: &str,
        set: impl FnOnce(Update) -> Update,
    ) -> Result<CacheState, StoreError> {
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(state_key(org)))
            .update_expression(expression)
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = set(update).send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.wrote(answer.consumed_capacity());
        answer.attributes.as_ref().map_or_else(|| Ok(CacheState::default()), read_state)
    }

    /// A page of an organisation's entries from after `after` on, expired ones included. Half a
    /// read unit per 4 KB of the index.
    pub async fn page(
        &self,
        org: &str,
        after: Option<&EntryPlace>,
    ) -> Result<EntryPage, StoreError> {
        let answer = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .index_name(INDEX_BY_ORG)
            .key_condition_expression("org = :org")
            .expression_attribute_values(":org", text(org))
            .set_exclusive_start_key(after.map(|after| {
                let mut start = key(&after.pk, &after.sk);
                start.insert("org".to_owned(), text(&after.org));
                start
            }))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let next = answer.last_evaluated_key.as_ref().map(read_place).transpose()?;
        Ok(EntryPage { entries: readable(answer.items(), read_line), next })
    }

    /// Removes entries. A write unit per KB each.
    pub async fn remove(&self, entries: &[EntryLine]) -> Result<(), StoreError> {
        let deletes = entries.iter().map(|it| delete(key(&it.place.pk, &it.place.sk)));
        self.dynamo.write_all(&self.table, deletes.collect()).await
    }
}

type Update = aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;

fn pk(org: &str, id: &DebateId) -> String {
    format!("{org}#{id}")
}

/// No debate's id can have two `#`, so that this is no debate's partition.
fn state_key(org: &str) -> Item {
    key(format!("{org}##cache"), STATE)
}

fn entry_item(org: &str, entry: &Entry, packed: Vec<u8>) -> Item {
    let mut item = key(pk(org, &entry.id), &entry.format);
    for (name, value) in [("org", org), ("hash", &entry.hash), ("policy", &entry.policy)] {
        item.insert(name.to_owned(), text(value));
    }
    if !entry.labels.is_empty() {
        item.insert("labels".to_owned(), AttributeValue::Ss(entry.labels.clone()));
    }
    item.insert("made_at".to_owned(), number(entry.made_at.0));
    item.insert("expires_at".to_owned(), number(entry.expires_at.unix_seconds()));
    item.insert(PACKED.to_owned(), AttributeValue::B(Blob::new(packed)));
    item
}

fn read_entry(org: &str, item: &Item) -> Result<Entry, StoreError> {
    let read = Reader(item);
    let id = read.text("pk")?.strip_prefix(org).and_then(|rest| rest.strip_prefix('#'));
    let packed = match item.get(PACKED) {
        Some(AttributeValue::B(packed)) => unpack(packed.as_ref(), MOST_BYTES).ok(),
        _ => None,
    };
    Ok(Entry {
        id: id.and_then(DebateId::parse).ok_or_else(|| read.corrupt("pk", "has no id"))?,
        format: read.text("sk")?.to_owned(),
        hash: read.text("hash")?.to_owned(),
        policy: read.text("policy")?.to_owned(),
        labels: labels(item),
        made_at: Millis(read.number("made_at")?),
        expires_at: expiry(&read)?,
        text: packed.ok_or_else(|| read.corrupt(PACKED, "cannot be unpacked"))?,
    })
}

fn read_line(item: &Item) -> Result<EntryLine, StoreError> {
    Ok(EntryLine {
        place: read_place(item)?,
        labels: labels(item),
        expires_at: expiry(&Reader(item))?,
    })
}

fn read_place(item: &Item) -> Result<EntryPlace, StoreError> {
    let read = Reader(item);
    let part = |name| read.text(name).map(ToOwned::to_owned);
    Ok(EntryPlace { org: part("org")?, pk: part("pk")?, sk: part("sk")? })
}

fn labels(item: &Item) -> Vec<String> {
    let mut labels = match item.get("labels") {
        Some(AttributeValue::Ss(labels)) => labels.clone(),
        _ => vec![],
    };
    // DynamoDB keeps no order in sets.
    labels.sort_unstable();
    labels
}

fn expiry(read: &Reader<'_>) -> Result<Millis, StoreError> {
    Ok(Millis(read.number::<i64>("expires_at")?.saturating_mul(1_000)))
}

fn read_state(item: &Item) -> Result<CacheState, StoreError> {
    let read = Reader(item);
    let mut state = CacheState {
        policy: read.maybe_text("policy").unwrap_or_default().to_owned(),
        emptied_at: Millis(read.maybe_number("emptied_at").unwrap_or_default()),
        lookups: read.maybe_number("lookups").unwrap_or_default(),
        misses: read.maybe_number("misses").unwrap_or_default(),
        invalidations: read.maybe_number("invalidations").unwrap_or_default(),
        called_off: BTreeMap::new(),
    };
    for name in item.keys() {
        if let Some(label) = name.strip_prefix("off_") {
            state.called_off.insert(label.to_owned(), Millis(read.number(name)?));
        }
    }
    Ok(state)
}
