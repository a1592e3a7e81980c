//! Reading an organisation's log, and verifying that nobody changed it.

use aragora_core::audit::chain::{Broken, verify};
use aragora_core::audit::{Entry, Fault, Link};
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::audit::{AuditLog, Listed, Narrowed, Place};

/// Answers questions about logs.
#[derive(Debug, Clone)]
pub struct AuditDesk {
    /// Where they are.
    pub log: AuditLog,
}

/// What checking a part of a chain came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Entries that were checked and hold.
    pub checked: u64,
    /// The first entry that was checked.
    pub first_seq: Option<u64>,
    /// The last one that holds.
    pub last_seq: Option<u64>,
    /// The first that does not.
    pub broken: Option<Broken>,
    /// Where checking goes on; `None` at the end of the chain, or where it is broken.
    pub next_from_seq: Option<u64>,
}

impl AuditDesk {
    /// A page of a log, newest first. See [`AuditLog::list`].
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn list(&self, narrowed: &Narrowed<'_>) -> Result<Listed, StoreError> {
        self.log.list(narrowed).await
    }

    /// Checks up to `limit` entries from the number `from` on, as last written, and that they
    /// follow what is before them. What has expired counts as gone: then the chain begins at the
    /// first entry that has not. A read unit per 4 KB of entries, and one more unless `from` is 1.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn verify(
        &self,
        org: &str,
        from: u64,
        limit: u16,
        now: Millis,
    ) -> Result<Verified, StoreError> {
        let before = if from > 1 { self.log.last_before(org, from).await? } else { None };
        let (places, more) = self.log.chain(org, from, limit).await?;
        let last_read = places.last().map(|place| place.seq);
        let has_expired = |place: &Place| place.expires_at <= now.unix_seconds();
        let before = before.filter(|place| !has_expired(place));
        let skipped = if before.is_some() {
            0
        } else {
            places.iter().take_while(|it| has_expired(it)).count()
        };
        let live = places.get(skipped..).unwrap_or_default();
        let mut verified = check(before.as_ref(), live);
        if verified.broken.is_none() && more {
            verified.next_from_seq = last_read.and_then(|seq| seq.checked_add(1));
        }
        Ok(verified)
    }
}

/// Checks what was read. An entry that cannot be read was altered.
fn check(before: Option<&Place>, places: &[Place]) -> Verified {
    let readable: Vec<Entry> = places.iter().map_while(|place| place.entry.clone()).collect();
    let unreadable = places.get(readable.len());
    // What is before was checked with its own page; only an unreadable one cannot be followed.
    let link: Option<Link> = before.and_then(|place| place.entry.as_ref()).map(Entry::link);
    let altered = |place: &Place| Broken { seq: place.seq, fault: Fault::Altered };
    let broken = match (before, link) {
        (Some(place), None) => Some(altered(place)),
        _ => verify(link, &readable).err().or_else(|| unreadable.map(altered)),
    };
    let holds = |entry: &&Entry| broken.is_none_or(|broken| entry.seq < broken.seq);
    let held: Vec<&Entry> = readable.iter().take_while(holds).collect();
    Verified {
        checked: u64::try_from(held.len()).unwrap_or(u64::MAX),
        first_seq: places.first().map(|place| place.seq),
        last_seq: held.last().map(|entry| entry.seq),
        broken,
        next_from_seq: None,
    }
}

#[cfg(test)]
mod tests {
    use aragora_core::audit::{Action, Happening};

    use super::*;

    const NOW: Millis = Millis(1_795_275_000_000);

    fn places(count: u64) -> Vec<Place> {
        let mut link = Link::START;
        let entries = (0..count).map(|_| {
            let entry = Entry::after(link, Happening::new(Action::KeyCreated, NOW), NOW);
            link = entry.link();
            Place { seq: entry.seq, entry: Some(entry), expires_at: 0 }
        });
        entries.collect()
    }

    fn verified(checked: u64, first: u64, last: u64, broken: Option<(u64, Fault)>) -> Verified {
        let some = |seq: u64| Some(seq).filter(|seq| *seq > 0);
        Verified {
            checked,
            first_seq: some(first),
            last_seq: some(last),
            broken: broken.map(|(seq, fault)| Broken { seq, fault }),
            next_from_seq: None,
        }
    }

    #[test]
    fn what_holds_is_counted_up_to_what_does_not() {
        let all = places(5);
        assert_eq!(check(None, &all), verified(5, 1, 5, None));
        assert_eq!(check(all.get(1), &all[2..]), verified(3, 3, 5, None));
        assert_eq!(check(None, &all[2..]), verified(3, 3, 5, None));
        assert_eq!(check(None, &[]), verified(0, 0, 0, None));

        let mut gone = all.clone();
        gone.remove(2);
        assert_eq!(check(None, &gone), verified(2, 1, 2, Some((3, Fault::Missing))));
        assert_eq!(check(all.first(), &all[2..]), verified(0, 3, 0, Some((2, Fault::Missing))));

        let mut unreadable = all.clone();
        unreadable[3].entry = None;
        assert_eq!(check(None, &unreadable), verified(3, 1, 3, Some((4, Fault::Altered))));
        let before = unreadable.get(3);
        assert_eq!(check(before, &all[4..]), verified(0, 5, 0, Some((4, Fault::Altered))));

        let mut altered = all;
        if let Some(entry) = &mut altered[0].entry {
            entry.happening.actor = "another".to_owned();
        }
        assert_eq!(check(None, &altered), verified(0, 1, 0, Some((1, Fault::Altered))));
    }
}
