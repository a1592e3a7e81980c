//! The chain: each entry's hash covers what it says, its place, and the hash of the one before it.
//!
//! The hash is SHA-256 over a row of netstrings (<https://cr.yp.to/proto/netstrings.txt>): each
//! text as its length in bytes, a colon, its bytes, a comma. A length before every text is what
//! makes the row unambiguous: no text can be moved from one field into the next. The row is, in
//! order:
//!
//! `aragora-audit-1`, organisation, sequence number, time of recording, hash before it (64 hex
//! digits; zeros for the first), id, time of happening, action, outcome, actor, credential, target,
//! address, request id, number of details, then name and value of each by the order of their names.
//! Times are milliseconds since 1970; all numbers are decimal.
//!
//! What is found and what is not: a changed, dropped, inserted or moved entry is found by the next
//! one. Somebody who may write the table can cut entries off the end, or work all later hashes out
//! anew; so the newest hash of each append also goes to the log of the worker, where the table's
//! writers do not get.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Happening;
use crate::time::Millis;

/// What the row begins with. A new form of it has a new name.
const FORM: &str = "aragora-audit-1";

/// A SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first entry of a chain has before it.
    pub const NONE: Self = Self([0; 32]);

    /// Reads 64 hexadecimal digits as [`fmt::Display`] prints them: lower case only, so that there
    /// is one spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0_u8; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        let hash = Self(bytes);
        (hash.to_string() == text).then_some(hash)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A place in a chain: what the next entry follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its number, from 1; 0 before the first.
    pub seq: u64,
    /// When it was recorded.
    pub at: Millis,
    /// Its hash.
    pub hash: Hash,
}

impl Link {
    /// Before the first entry.
    pub const START: Self = Self { seq: 0, at: Millis(0), hash: Hash::NONE };
}

/// One entry of an organisation's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When it was recorded. Never before the one before it, whatever the clocks of two workers
    /// say.
    pub at: Millis,
    /// What happened.
    pub happening: Happening,
    /// The hash of the entry before it.
    pub prev_hash: Hash,
    /// Its own.
    pub hash: Hash,
}

impl Entry {
    /// The entry for `happening` that follows `previous`, recorded at `now`.
    pub fn after(previous: Link, happening: Happening, now: Millis) -> Self {
        let mut entry = Self {
            seq: previous.seq.saturating_add(1),
            at: now.max(previous.at),
            happening,
            prev_hash: previous.hash,
            hash: Hash::NONE,
        };
        entry.hash = entry.digest();
        entry
    }

    /// Its place, for the one that follows it.
    pub const fn link(&self) -> Link {
        Link { seq: self.seq, at: self.at, hash: self.hash }
    }

    /// What its hash must be.
    pub fn digest(&self) -> Hash {
        let it = &self.happening;
        let (seq, at) = (self.seq.to_string(), self.at.0.to_string());
        let (prev, happened) = (self.prev_hash.to_string(), it.at.0.to_string());
        let details = it.detail.len().to_string();
        let fields = [
            FORM,
            &it.org,
            &seq,
            &at,
            &prev,
            &it.id,
            &happened,
            it.action.as_str(),
            it.outcome.as_str(),
            &it.actor,
            &it.credential,
            &it.target,
            &it.address,
            &it.request_id,
            &details,
        ];
        let pairs = it.detail.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let mut digest = Sha256::new();
        for field in fields.into_iter().chain(pairs) {
            digest.update(field.len().to_string().as_bytes());
            digest.update(b":");
            digest.update(field.as_bytes());
            digest.update(b",");
        }
        Hash(digest.finalize().into())
    }
}

/// Why an entry does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Its hash is not that of what it says, or it cannot be read.
    Altered,
    /// It is not there, and later ones are.
    Missing,
    /// It is there, but not in its place.
    Reordered,
    /// Its own hash is right, but it does not follow the one before it: one of the two was put
    /// there in another's stead.
    Unlinked,
}

/// The first entry that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Its number.
    pub seq: u64,
    /// Why.
    pub fault: Fault,
}

/// Checks that `entries` follow `previous` and each other; gives the last one's place. Without
/// `previous` the first of them is taken as the beginning, because what is older may have expired;
/// only an entry with the number 1 must follow nothing.
///
/// # Errors
/// The first entry that does not hold.
pub fn verify(previous: Option<Link>, entries: &[Entry]) -> Result<Option<Link>, Broken> {
    let mut before = previous;
    let mut rest = entries;
    while let [entry, later @ ..] = rest {
        let expected = before.map_or_else(|| start_of(entry), |link| link.seq.saturating_add(1));
        if entry.seq != expected {
            let elsewhere = later.iter().any(|other| other.seq == expected);
            let is_later = entry.seq > expected;
            let fault = if elsewhere || !is_later { Fault::Reordered } else { Fault::Missing };
            return Err(Broken { seq: expected, fault });
        }
        if entry.hash != entry.digest() {
            return Err(Broken { seq: entry.seq, fault: Fault::Altered });
        }
        let follows = match before {
            Some(link) => entry.prev_hash == link.hash && entry.at >= link.at,
            None => entry.seq > 1 || entry.prev_hash == Hash::NONE,
        };
        if !follows {
            return Err(Broken { seq: entry.seq, fault: Fault::Unlinked });
        }
        before = Some(entry.link());
        rest = later;
    }
    Ok(before)
}

/// Where a chain without a known beginning begins: at its first entry, which has a number.
fn start_of(first: &Entry) -> u64 {
    first.seq.max(1)
}
