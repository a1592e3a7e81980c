//! Explanations that were worked out before: in the memory of a warm worker, and in a table that
//! all of them share.
//!
//! Neither is believed by itself. What makes an entry stale (a newer record, another policy
//! version, a label called off) is read with every request, so that no worker answers with what
//! another one has called off.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aragora_explain::record::Debate;
use aragora_store::StoreError;
use aragora_store::decisions::{CacheState, Decisions, Entry, EntryLine};
use lru::LruCache;
use sha2::{Digest as _, Sha256};

/// Entries that a worker has in memory.
const IN_MEMORY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);
/// The longest explanation that it keeps there, in bytes: 16 MB for all.
const MOST_IN_MEMORY: usize = 256 * 1_024;

type Place = (String, DebateId, String);

/// The cache.
#[derive(Debug, Clone)]
pub struct Cache {
    decisions: Decisions,
    memory: Arc<Mutex<LruCache<Place, Entry>>>,
    kept_ms: i64,
}

/// What is called off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOff<'a> {
    /// Explanations of debates of this workspace.
    Workspace(&'a str),
    /// Of debates with this agent, whatever its version.
    Agent(&'a str),
    /// Of debates with this agent in this version.
    AgentVersion(&'a str, &'a str),
    /// Of debates with this tag.
    Tag(&'a str),
}

impl CallOff<'_> {
    /// The label: 64 bits of a digest, so that an entry of a debate with two hundred agents stays
    /// small. Two names that share one are called off together, which is always safe.
    fn label(self) -> String {
        let text = match self {
            Self::Workspace(name) => format!("workspace\0{name}"),
            Self::Agent(name) => format!("agent\0{name}"),
            Self::AgentVersion(name, version) => format!("agent\0{name}\0{version}"),
            Self::Tag(name) => format!("tag\0{name}"),
        };
        let digest = Sha256::digest(text);
        hex::encode(digest.get(..8).unwrap_or(&digest))
    }
}

/// How the cache of an organisation is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Entries that have not expired; those called off and not yet removed are among them.
    pub total_entries: usize,
    /// Lookups that an entry answered.
    pub hits: u64,
    /// Lookups that none did.
    pub misses: u64,
    /// Entries called off.
    pub invalidations: u64,
    /// The current policy version; empty until there is one.
    pub policy: String,
}

impl Statistics {
    /// Hits among lookups, from 0 to 1; 0 without any.
    pub fn hit_rate(&self) -> f64 {
        let float = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let lookups = self.hits.saturating_add(self.misses);
        if lookups == 0 { 0.0 } else { float(self.hits) / float(lookups) }
    }
}

/// Everything an explanation of a debate can be called off by, each once.
pub fn labels(debate: &Debate) -> Vec<String> {
    let mut labels: Vec<String> = Vec::new();
    labels.extend(debate.workspace_id.as_deref().map(|it| CallOff::Workspace(it).label()));
    labels.extend(debate.tags.iter().map(|it| CallOff::Tag(it).label()));
    for agent in &debate.agents {
        labels.push(CallOff::Agent(&agent.name).label());
        let version = agent.version.as_deref();
        labels.extend(version.map(|it| CallOff::AgentVersion(&agent.name, it).label()));
    }
    labels.sort_unstable();
    labels.dedup();
    labels
}

impl Cache {
    /// A cache in this table, whose entries are kept for `kept_ms`.
    pub fn new(decisions: Decisions, kept_ms: i64) -> Self {
        Self { decisions, memory: Arc::new(Mutex::new(LruCache::new(IN_MEMORY))), kept_ms }
    }

    /// When an entry that is made at `now` is too old.
    pub fn expiry(&self, now: Millis) -> Millis {
        now.plus(self.kept_ms)
    }

    /// What is known of the debates in one format, from memory and, for those that are not there,
    /// from the table; good or not. Half a read unit per 4 KB of those.
    pub(crate) async fn known(
        &self,
        org: &str,
        ids: &[DebateId],
        format: &str,
    ) -> Result<Vec<Entry>, StoreError> {
        let (mut known, mut left) = (Vec::new(), Vec::new());
        {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            for id in ids {
                match memory.get(&(org.to_owned(), id.clone(), format.to_owned())) {
                    Some(entry) => known.push(entry.clone()),
                    None => left.push(id.clone()),
                }
            }
        }
        if !left.is_empty() {
            let found = self.decisions.entries(org, &left, format).await?;
            self.remember(org, &found);
            known.extend(found);
        }
        Ok(known)
    }

    /// The table's entry where memory had a stale one. Half a read unit per 4 KB.
    pub(crate) async fn second_look(
        &self,
        org: &str,
        ids: &[DebateId],
        format: &str,
    ) -> Result<Vec<Entry>, StoreError> {
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let found = self.decisions.entries(org, ids, format).await?;
        self.remember(org, &found);
        Ok(found)
    }

    fn remember(&self, org: &str, entries: &[Entry]) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries.iter().filter(|entry| entry.text.len() <= MOST_IN_MEMORY) {
            memory.put((org.to_owned(), entry.id.clone(), entry.format.clone()), entry.clone());
        }
    }

    /// Counts lookups and gives back what makes entries stale. One write unit.
    pub(crate) async fn asked(&self, org: &str, lookups: usize) -> Result<CacheState, StoreError> {
        self.decisions.asked(org, u64::try_from(lookups).unwrap_or(u64::MAX)).await
    }

    /// Keeps what had to be worked out. A write unit per KB of the packed text and one for the index
    /// each, and one for the count.
    pub(crate) async fn keep(
        &self,
        org: &str,
        entries: &[Entry],
        misses: usize,
    ) -> Result<(), StoreError> {
        self.remember(org, entries);
        let misses = u64::try_from(misses).unwrap_or(u64::MAX);
        let (stored, counted) = futures_util::join!(
            self.decisions.put(org, entries),
            self.decisions.missed(org, misses)
        );
        stored.and(counted)
    }

    /// Calls entries off, for all workers at once; gives back how many there were. A write unit, and
    /// as it removes them, half a read unit per 4 KB of the organisation's index of entries and a
    /// write unit per KB of what is removed.
    ///
    /// # Errors
    /// When the table does not answer. They are called off nevertheless once that was written.
    pub async fn call_off(
        &self,
        org: &str,
        what: CallOff<'_>,
        now: Millis,
    ) -> Result<usize, StoreError> {
        let label = what.label();
        self.decisions.call_off(org, &label, now).await?;
        let (mut place, mut removed) = (None, 0);
        loop {
            let page = self.decisions.page(org, place.as_ref()).await?;
            let hit = |line: &EntryLine| line.labels.contains(&label) && line.expires_at > now;
            let (gone, _): (Vec<EntryLine>, Vec<EntryLine>) =
                page.entries.into_iter().partition(hit);
            self.decisions.remove(&gone).await?;
            removed += gone.len();
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        self.decisions.invalidated(org, u64::try_from(removed).unwrap_or(u64::MAX)).await?;
        Ok(removed)
    }

    /// Makes `version` the current policy version: what was made under another one is worked out
    /// anew when it is next asked for. One write unit.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn set_policy(&self, org: &str, version: &str) -> Result<(), StoreError> {
        self.decisions.set_policy(org, version).await
    }

    /// How the cache is doing. A read unit, and half of one per 4 KB of the organisation's index of
    /// entries.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn statistics(&self, org: &str, now: Millis) -> Result<Statistics, StoreError> {
        let state = self.decisions.state(org).await?;
        let (mut place, mut total_entries) = (None, 0);
        loop {
            let page = self.decisions.page(org, place.as_ref()).await?;
            total_entries += page.entries.iter().filter(|it| it.expires_at > now).count();
            place = page.next;
            if place.is_none() {
                break;
            }
        }
        Ok(Statistics {
            total_entries,
            hits: state.lookups.saturating_sub(state.misses),
            misses: state.misses,
            invalidations: state.invalidations,
            policy: state.policy,
        })
    }
}
