//! Explanations, one or many, through the cache.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use aragora_core::ids::DebateId;
use aragora_core::time::{Clock, Millis};
use aragora_debates::records::{RecordError, Records};
use aragora_explain::explain;
use aragora_explain::explanation::Explanation;
use aragora_explain::record::{self, Debate};
use aragora_store::StoreError;
use aragora_store::debates::Head;
use aragora_store::decisions::{CacheState, Entry};
use futures_util::StreamExt as _;
use futures_util::stream::iter;

use crate::cache::{Cache, labels};
use crate::views::View;

/// Explains debates of one organisation at a time.
#[derive(Debug, Clone)]
pub struct Explainer {
    /// Where debates are read.
    pub records: Records,
    /// What was worked out before.
    pub cache: Cache,
    /// How many records are fetched side by side. One at a time is unpacked and explained, so that
    /// it is packed records that take memory, a fraction of their size.
    pub at_once: usize,
    /// The time.
    pub clock: Clock,
}

/// What came of one debate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its explanation, as it is answered.
    Explained(String),
    /// There is no such debate in the organisation.
    NotFound,
    /// It could not be explained; why, for people.
    Failed(String),
}

/// What came of one debate, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What came of it.
    pub outcome: Outcome,
    /// Milliseconds of reading and explaining; 0 for what was known already.
    pub took_ms: i64,
}

impl Explained {
    const fn at_once(outcome: Outcome) -> Self {
        Self { outcome, took_ms: 0 }
    }
}

impl Explainer {
    /// Explanations of debates in one form; one result for each id, in order. A failure or a panic
    /// about one debate never touches the others.
    ///
    /// A read unit for each head, half of one per 4 KB of each known explanation, and one write unit
    /// for all lookups; for those that have to be worked out, half a read unit per 4 KB of the
    /// packed record, a write unit per KB of the packed explanation and one for the index, and one
    /// for the count.
    ///
    /// # Errors
    /// When the heads cannot be read.
    pub async fn view_many(
        &self,
        org: &str,
        ids: &[DebateId],
        view: View,
        now: Millis,
    ) -> Result<Vec<Explained>, StoreError> {
        let mut distinct: Vec<DebateId> = ids.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let (heads, known) = futures_util::join!(
            self.records.debates.heads(org, &distinct),
            self.known(org, &distinct, view)
        );
        let heads: HashMap<DebateId, Head> =
            heads?.into_iter().map(|head| (head.id.clone(), head)).collect();
        let known = self.good(org, view, known, &heads, now).await;
        let (mut results, mut left) = (HashMap::new(), Vec::new());
        for id in distinct {
            let Some(head) = heads.get(&id) else {
                results.insert(id, Explained::at_once(Outcome::NotFound));
                continue;
            };
            match known.texts.get(&id) {
                Some(text) => {
                    results.insert(id, Explained::at_once(Outcome::Explained(text.clone())));
                }
                None => left.push(head.clone()),
            }
        }
        let policy = known.state.as_ref().map(|state| state.policy.as_str());
        results.extend(self.work_out(org, left, view, policy, now).await);
        let missing = || Explained::at_once(Outcome::NotFound);
        Ok(ids.iter().map(|id| results.get(id).cloned().unwrap_or_else(missing)).collect())
    }

    /// What the cache has, and what makes it stale. The cache only saves work: when its table does
    /// not answer, everything is worked out.
    async fn known(
        &self,
        org: &str,
        ids: &[DebateId],
        view: View,
    ) -> Option<(Vec<Entry>, CacheState)> {
        let name = view.name();
        let looked_up = futures_util::try_join!(
            self.cache.known(org, ids, &name),
            self.cache.asked(org, ids.len())
        );
        looked_up.inspect_err(|error| log_cache(error)).ok()
    }

    /// The explanations among what is known that still hold.
    async fn good(
        &self,
        org: &str,
        view: View,
        known: Option<(Vec<Entry>, CacheState)>,
        heads: &HashMap<DebateId, Head>,
        now: Millis,
    ) -> Known {
        let Some((entries, state)) = known else { return Known::default() };
        let (mut texts, mut stale) = (HashMap::new(), Vec::new());
        for entry in entries {
            match heads.get(&entry.id).and_then(|head| head.body.as_ref()) {
                Some(body) if entry.is_good(&body.hash, &state, now) => {
                    texts.insert(entry.id, entry.text);
                }
                Some(_) => stale.push(entry.id),
                None => {}
            }
        }
        // What this worker remembers may be stale where another one has made a new one.
        match self.cache.second_look(org, &stale, &view.name()).await {
            Ok(entries) => {
                for entry in entries {
                    let body = heads.get(&entry.id).and_then(|head| head.body.as_ref());
                    if body.is_some_and(|body| entry.is_good(&body.hash, &state, now)) {
                        texts.insert(entry.id, entry.text);
                    }
                }
            }
            Err(error) => log_cache(&error),
        }
        Known { texts, state: Some(state) }
    }

    /// Works explanations out, and keeps them if the policy version that they are made under is
    /// known.
    async fn work_out(
        &self,
        org: &str,
        heads: Vec<Head>,
        view: View,
        policy: Option<&str>,
        now: Millis,
    ) -> Vec<(DebateId, Explained)> {
        if heads.is_empty() {
            return vec![];
        }
        let misses = heads.len();
        let each = |head: Head| async move {
            let id = head.id.clone();
            let began = (self.clock)();
            let (outcome, made) = self.work_out_one(head, view, now).await;
            let took_ms = (self.clock)().since(began).max(0);
            (id, Explained { outcome, took_ms }, made)
        };
        let done: Vec<_> = iter(heads).map(each).buffer_unordered(self.at_once).collect().await;
        let (mut results, mut entries) = (Vec::with_capacity(done.len()), Vec::new());
        for (id, explained, made) in done {
            if let (Some(made), Some(policy), Outcome::Explained(text)) =
                (made, policy, &explained.outcome)
            {
                entries.push(Entry {
                    id: id.clone(),
                    format: view.name(),
                    hash: made.hash,
                    policy: policy.to_owned(),
                    labels: made.labels,
                    made_at: now,
                    expires_at: self.cache.expiry(now),
                    text: text.clone(),
                });
            }
            results.push((id, explained));
        }
        if policy.is_some()
            && let Err(error) = self.cache.keep(org, &entries, misses).await
        {
            log_cache(&error);
        }
        results
    }

    async fn work_out_one(&self, head: Head, view: View, now: Millis) -> (Outcome, Option<Made>) {
        let id = head.id.clone();
        let recorded = match self.records.of_head(head).await {
            Ok(recorded) => recorded,
            Err(RecordError::NoDebate) => return (Outcome::NotFound, None),
            Err(error) => {
                log_failed(&id, &error);
                return (Outcome::Failed("its record could not be read".to_owned()), None);
            }
        };
        // From here on without a pause, so that one record at a time is in memory as a whole.
        let work = || {
            let debate = record::read(&recorded.value).ok()?;
            Some((view.render(&debate, &id, now), labels(&debate)))
        };
        match catch_unwind(AssertUnwindSafe(work)) {
            Ok(Some((text, labels))) => {
                let made = recorded.head.body.map(|body| Made { hash: body.hash, labels });
                (Outcome::Explained(text), made)
            }
            Ok(None) => (Outcome::Failed("its record is not one of a debate".to_owned()), None),
            Err(_) => {
                tracing::error!(debate_id = id.as_str(), "explaining a debate panicked");
                (Outcome::Failed("it could not be explained".to_owned()), None)
            }
        }
    }

    /// One explanation in one form. What [`Self::view_many`] costs.
    ///
    /// # Errors
    /// When the head cannot be read.
    pub async fn view(
        &self,
        org: &str,
        id: &DebateId,
        view: View,
        now: Millis,
    ) -> Result<Outcome, StoreError> {
        let results = self.view_many(org, std::slice::from_ref(id), view, now).await?;
        Ok(results.into_iter().next().map_or(Outcome::NotFound, |explained| explained.outcome))
    }

    /// A debate and its explanation, worked out now: for what needs more than a form of it.
    ///
    /// # Errors
    /// [`RecordError::NoDebate`], also for one of another organisation.
    pub async fn explanation(
        &self,
        org: &str,
        id: &DebateId,
    ) -> Result<(Debate, Explanation), RecordError> {
        let recorded = self.records.read(org, id).await?;
        let debate = record::read(&recorded.value).map_err(|problems| {
            let what = problems.first().map(|it| format!("{}: {}", it.field, it.message));
            StoreError::Corrupt { key: id.to_string(), what: what.unwrap_or_default() }
        })?;
        let explanation = explain(&debate);
        Ok((debate, explanation))
    }
}

/// Explanations that hold, and what they were judged by; `None` when that could not be read.
#[derive(Debug, Default)]
struct Known {
    texts: HashMap<DebateId, String>,
    state: Option<CacheState>,
}

/// What an explanation was made from.
#[derive(Debug)]
struct Made {
    hash: String,
    labels: Vec<String>,
}

fn log_cache(error: &StoreError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "the cache of explanations did not answer");
}

fn log_failed(id: &DebateId, error: &RecordError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(debate_id = id.as_str(), error, "a record could not be read");
}
