//! Requests per second of organisations and credentials.
//!
//! Each has a token bucket in the table; a worker takes blocks of tokens and spends them without
//! asking. When the table does not answer, everybody is let through: a limit protects from too
//! much, and must not be what stops everything.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use aragora_core::access::{Credential, Principal};
use aragora_core::allowance::{Allowance, Held};
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::identity::{Identity, Tokens};

/// The most buckets a worker remembers.
const MOST: usize = 5_000;
/// The most buckets that are shown.
const SHOWN: i32 = 100;
/// How often a worker says of the same bucket that it is empty.
const TOLD_EVERY_MS: i64 = 60_000;
/// The bucket of the whole organisation.
const ORGANISATION: &str = "organisation";

/// A deployment's limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Of an organisation.
    pub organisation: Allowance,
    /// Of one credential: a user, an API key, a service.
    pub credential: Allowance,
}

/// One bucket, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// `organisation`, `user:…`, `key:…`, `service:…`, or one of those and what is limited apart.
    pub name: String,
    /// The tokens left.
    pub remaining: f64,
    /// The tokens that flow in per second.
    pub per_second: f64,
}

/// Too many requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// When to come again.
    pub until: Millis,
    /// Whether this worker hears of it for the first time in a while.
    pub is_news: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Known {
    held: Held,
    spent_us: i64,
    refused_until: Millis,
    told_at: Millis,
}

/// Lets requests through, or not.
pub struct Limiter {
    identity: Identity,
    limits: Limits,
    known: Mutex<HashMap<(String, String), Known>>,
}

impl fmt::Debug for Limiter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Limiter").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Limiter {
    /// Buckets of the table, of these sizes.
    pub fn new(identity: Identity, limits: Limits) -> Self {
        Self { identity, limits, known: Mutex::default() }
    }

    /// The deployment's limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Counts a request of a caller, whose key may have a limit of its own; gives until when
    /// it has to wait when there are too many. Asks nothing while tokens are at hand; else
    /// one write unit for each of two buckets. The organisation's only when the credential's lets it
    /// through: one credential that calls in vain must not use up what is everybody's.
    pub async fn admit(
        &self,
        caller: &Principal,
        per_second: Option<f64>,
        now: Millis,
    ) -> Option<Excess> {
        let credential = bucket_of(caller);
        let own = per_second.map_or(self.limits.credential, Allowance::of);
        let org = caller.org_id();
        match self.spend(org, &credential, &own, now).await {
            None => self.spend(org, ORGANISATION, &self.limits.organisation, now).await,
            excess => excess,
        }
    }

    /// Counts one `what` of a caller against an allowance of its own.
    pub async fn admit_one(
        &self,
        caller: &Principal,
        what: &str,
        allowance: &Allowance,
        now: Millis,
    ) -> Option<Excess> {
        let bucket = format!("{}:{what}", bucket_of(caller));
        self.spend(caller.org_id(), &bucket, allowance, now).await
    }

    /// The buckets of an organisation that were used lately. Half a read unit per 4 KB.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn show(&self, org: &str, now: Millis) -> Result<Vec<Shown>, StoreError> {
        let buckets = self.identity.buckets(org, SHOWN).await?;
        let shown = buckets.into_iter().map(|bucket| Shown {
            remaining: bucket.allowance.left(bucket.spent_us, now),
            per_second: bucket.allowance.per_second,
            name: bucket.name,
        });
        Ok(shown.collect())
    }

    async fn spend(
        &self,
        org: &str,
        bucket: &str,
        allowance: &Allowance,
        now: Millis,
    ) -> Option<Excess> {
        let key = (org.to_owned(), bucket.to_owned());
        let mut known = self.recall(&key);
        if known.refused_until > now {
            return Some(Excess { until: known.refused_until, is_news: false });
        }
        if known.held.spend(now) {
            self.remember(key, known);
            return None;
        }
        let mut block = known.held.next_block(allowance, now);
        let take = |tokens, seen_us| {
            self.identity.take_tokens(org, bucket, allowance, tokens, seen_us, now)
        };
        let mut taken = take(block, known.spent_us).await;
        // There may be no block left, and yet a token.
        if let (Ok((Tokens::Refused(_), seen_us)), 2..) = (&taken, block) {
            block = 1;
            taken = take(block, *seen_us).await;
        }
        let refused = match taken {
            Ok((Tokens::Granted, spent_us)) => {
                let held = Held::taken(block, now);
                known = Known { held, spent_us, refused_until: Millis(0), ..known };
                known.held.spend(now);
                None
            }
            Ok((Tokens::Refused(until), spent_us)) => {
                let is_news = now.since(known.told_at) >= TOLD_EVERY_MS;
                known = Known {
                    held: Held::default(),
                    spent_us,
                    refused_until: until,
                    told_at: if is_news { now } else { known.told_at },
                };
                Some(Excess { until, is_news })
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(org_id = org, error, "a limit cannot be asked for");
                // A while without asking: the table has enough to do.
                known.held = Held::taken(block, now);
                None
            }
        };
        self.remember(key, known);
        refused
    }

    fn recall(&self, key: &(String, String)) -> Known {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).copied().unwrap_or_default()
    }

    fn remember(&self, key: (String, String), value: Known) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(&key) {
            known.clear();
        }
        known.insert(key, value);
    }
}

fn bucket_of(caller: &Principal) -> String {
    match caller.credential() {
        Credential::Bearer => format!("user:{}", caller.user_id()),
        Credential::ServiceToken => format!("service:{}", caller.user_id()),
        Credential::ApiKey(id) => format!("key:{id}"),
    }
}
