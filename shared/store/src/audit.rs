//! Table `audit_log`: security happenings, in one chain for each organisation.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>` | `<number, 16 digits>` | one entry: `seq`, `recorded_at`, `prev`, `hash`, `doc`; `id`, `act`, `actor`, `happened_at` of what is in `doc`, to find it by |
//!
//! Entries are put once, under the condition that their place is free, and never changed or deleted
//! but by TTL. An entry expires no earlier than the one before it, whatever the retention was set
//! to in between: what is left is always the end of the chain, without holes.

use std::collections::HashSet;

use aragora_core::audit::{Action, Entry, Happening, Hash, Link};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use crate::dynamo::Dynamo;
use crate::error::StoreError;
use crate::item::{Item, Reader, json, key, number, text};

/// How often an append begins anew because another worker was faster.
const ROUNDS: usize = 20;
/// Rows that one query of a list evaluates at most.
const PAGE_ROWS: i32 = 100;
/// Queries that one list makes at most; a list cut short by it goes on at its cursor.
const MAX_QUERIES: usize = 10;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// The table.
#[derive(Debug, Clone)]
pub struct AuditLog {
    dynamo: Dynamo,
    table: String,
}

/// How entries are appended.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// When.
    pub now: Millis,
    /// How many days they are kept.
    pub retention_days: i64,
    /// How many entries back a happening is looked for that was reported before.
    pub look_back: u16,
}

/// What an append came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// The new entries, in order.
    pub entries: Vec<Entry>,
    /// Happenings that were there already.
    pub known: usize,
}

/// What a list is narrowed to.
#[derive(Debug, Clone)]
pub struct Narrowed<'a> {
    /// Whose log.
    pub org: &'a str,
    /// Only this action.
    pub action: Option<Action>,
    /// Only what this user or key did.
    pub actor: Option<&'a str>,
    /// What happened at or after this time.
    pub since: Option<Millis>,
    /// What happened before this time.
    pub until: Option<Millis>,
    /// Older than the entry with this number.
    pub before: Option<u64>,
    /// How many: 1 to 100.
    pub limit: usize,
    /// What has expired by now is not listed, even when TTL is late.
    pub now: Millis,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The entries, newest first.
    pub entries: Vec<Entry>,
    /// The entry after which the list goes on; `None` at its end.
    pub next: Option<u64>,
}

/// A place in the stored chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The number it is stored under.
    pub seq: u64,
    /// What is there; `None` when it cannot be read.
    pub entry: Option<Entry>,
    /// When it expires, in seconds since 1970.
    pub expires_at: i64,
}

/// The end of a chain.
struct Head {
    link: Link,
    expires_at: i64,
    /// The happenings of its last entries.
    recent: HashSet<String>,
}

impl AuditLog {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// Appends what is not among the last entries already, each under the condition that its place
    /// is free: of two workers one is refused and reads again. A read unit per 4 KB of the last
    /// entries and a write unit per KB of each new one. Twice is once, as far as `terms` look back.
    ///
    /// # Errors
    /// What was appended before an error stays, and is known when it is appended again.
    pub async fn append(
        &self,
        org: &str,
        happenings: &[Happening],
        terms: Terms,
    ) -> Result<Appended, StoreError> {
        let mut appended = Appended::default();
        for _ in 0..ROUNDS {
            let head = self.head(org, terms.look_back).await?;
            if self.extend(org, head, happenings, terms, &mut appended.entries).await? {
                appended.known = happenings.len().saturating_sub(appended.entries.len());
                return Ok(appended);
            }
        }
        Err(StoreError::Incomplete(happenings.len().saturating_sub(appended.entries.len())))
    }

    /// Puts what is new behind `head`; `false` when somebody else's entry stands in the way.
    async fn extend(
        &self,
        org: &str,
        mut head: Head,
        happenings: &[Happening],
        terms: Terms,
        appended: &mut Vec<Entry>,
    ) -> Result<bool, StoreError> {
        // What came before a conflict may be further back by now than is looked.
        head.recent.extend(appended.iter().map(|entry| entry.happening.id.clone()));
        for happening in happenings {
            if !head.recent.insert(happening.id.clone()) {
                continue;
            }
            let entry = Entry::after(head.link, happening.clone(), terms.now);
            let expires_at = entry.at.plus(terms.retention_days.saturating_mul(DAY_MS));
            let expires_at = expires_at.unix_seconds().max(head.expires_at);
            let item = item(org, &entry, expires_at)?;
            if let Some(there) = self.dynamo.put_new(&self.table, item, None).await? {
                // The SDK repeats a write whose answer was lost, and then meets its own.
                let hash = entry.hash.to_string();
                if Reader(&there).maybe_text("hash") != Some(hash.as_str()) {
                    return Ok(false);
                }
            }
            (head.link, head.expires_at) = (entry.link(), expires_at);
            appended.push(entry);
        }
        Ok(true)
    }

    /// The end of a chain, as last written.
    async fn head(&self, org: &str, look_back: u16) -> Result<Head, StoreError> {
        let query = self
            .query(org)
            .key_condition_expression("pk = :org")
            .projection_expression("pk, sk, seq, recorded_at, #hash, id, expires_at")
            .expression_attribute_names("#hash", "hash")
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(i32::from(look_back.max(1)));
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let id = |item| Some(Reader(item).maybe_text("id")?.to_owned());
        let recent = answer.items().iter().filter_map(id).collect();
        let Some(last) = answer.items().first() else {
            return Ok(Head { link: Link::START, expires_at: 0, recent });
        };
        let read = Reader(last);
        let link = Link {
            seq: read.number("seq")?,
            at: Millis(read.number("recorded_at")?),
            hash: hash(&read, "hash")?,
        };
        Ok(Head { link, expires_at: read.number("expires_at")?, recent })
    }

    /// A page of a log, newest first. Half a read unit per 4 KB evaluated; with filters, at most a
    /// thousand entries are evaluated for one page. Eventually consistent. An entry that cannot be
    /// read is logged and left out; verifying finds it.
    pub async fn list(&self, narrowed: &Narrowed<'_>) -> Result<Listed, StoreError> {
        let mut entries = Vec::new();
        let mut before = narrowed.before;
        for _ in 0..MAX_QUERIES {
            let answer = narrowed.filter(self.query(narrowed.org), before).send().await;
            let answer = answer.map_err(StoreError::from_sdk)?;
            self.dynamo.read(answer.consumed_capacity());
            for item in answer.items() {
                let place = place(item)?;
                let too_old = |entry: &Entry| narrowed.since.is_some_and(|since| entry.at < since);
                if place.expires_at <= narrowed.now.unix_seconds()
                    || place.entry.as_ref().is_some_and(too_old)
                {
                    return Ok(Listed { entries, next: None });
                }
                if let Some(entry) = place.entry {
                    entries.push(entry);
                }
                if entries.len() == narrowed.limit {
                    return Ok(Listed { entries, next: Some(place.seq).filter(|seq| *seq > 1) });
                }
            }
            let last = answer.last_evaluated_key().and_then(|key| key.get("sk")?.as_s().ok());
            match last.and_then(|sk| sk.parse().ok()) {
                Some(seq) => before = Some(seq),
                None => return Ok(Listed { entries, next: None }),
            }
        }
        Ok(Listed { entries, next: before })
    }

    /// What is stored from the number `from` on, oldest first, up to `limit`, and whether more may
    /// follow. As last written: one read unit per 4 KB.
    pub async fn chain(
        &self,
        org: &str,
        from: u64,
        limit: u16,
    ) -> Result<(Vec<Place>, bool), StoreError> {
        let query = self
            .query(org)
            .key_condition_expression("pk = :org AND sk >= :from")
            .expression_attribute_values(":from", text(sort_key(from)))
            .consistent_read(true)
            .limit(i32::from(limit));
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let places: Result<Vec<_>, _> = answer.items().iter().map(place).collect();
        Ok((places?, answer.last_evaluated_key().is_some()))
    }

    /// What is stored last before the number `before`. One read unit.
    pub async fn last_before(&self, org: &str, before: u64) -> Result<Option<Place>, StoreError> {
        let query = self
            .query(org)
            .key_condition_expression("pk = :org AND sk < :before")
            .expression_attribute_values(":before", text(sort_key(before)))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(1);
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        answer.items().first().map(place).transpose()
    }

    fn query(&self, org: &str) -> QueryFluentBuilder {
        self.dynamo
            .client()
            .query()
            .table_name(&self.table)
            .expression_attribute_values(":org", text(org))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }
}

impl Narrowed<'_> {
    fn filter(&self, query: QueryFluentBuilder, before: Option<u64>) -> QueryFluentBuilder {
        let mut query = query.scan_index_forward(false);
        query = match before {
            None => query.key_condition_expression("pk = :org"),
            Some(before) => query
                .key_condition_expression("pk = :org AND sk < :before")
                .expression_attribute_values(":before", text(sort_key(before))),
        };
        let mut conditions = Vec::new();
        for (condition, name, value) in [
            ("act = :act", ":act", self.action.map(|action| text(action.as_str()))),
            ("actor = :actor", ":actor", self.actor.map(text)),
            ("happened_at >= :since", ":since", self.since.map(|time| number(time.0))),
            ("happened_at < :until", ":until", self.until.map(|time| number(time.0))),
        ] {
            if let Some(value) = value {
                conditions.push(condition);
                query = query.expression_attribute_values(name, value);
            }
        }
        if conditions.is_empty() {
            return query.limit(i32::try_from(self.limit).unwrap_or(PAGE_ROWS));
        }
        // Few may pass.
        query.filter_expression(conditions.join(" AND ")).limit(PAGE_ROWS)
    }
}

fn sort_key(seq: u64) -> String {
    format!("{seq:016}")
}

fn item(org: &str, entry: &Entry, expires_at: i64) -> Result<Item, StoreError> {
    let it = &entry.happening;
    let mut item = key(org, sort_key(entry.seq));
    let attributes = [
        ("seq", number(entry.seq)),
        ("recorded_at", number(entry.at.0)),
        ("prev", text(entry.prev_hash.to_string())),
        ("hash", text(entry.hash.to_string())),
        ("doc", text(json(it)?)),
        ("id", text(&it.id)),
        ("act", text(it.action.as_str())),
        ("actor", text(&it.actor)),
        ("happened_at", number(it.at.0)),
        ("expires_at", number(expires_at)),
    ];
    item.extend(attributes.map(|(name, value)| (name.to_owned(), value)));
    Ok(item)
}

/// What is at a place. Only a place without a number is an error: everything else that is wrong
/// with an entry is for verifying to tell.
fn place(item: &Item) -> Result<Place, StoreError> {
    let read = Reader(item);
    let seq = read.text("sk")?.parse().map_err(|_| read.corrupt("sk", "is no number"))?;
    let entry = entry(&read).inspect_err(|error| {
        tracing::error!(error = error as &dyn std::error::Error, "an audit entry cannot be read");
    });
    let expires_at = read.maybe_number("expires_at").unwrap_or(i64::MAX);
    Ok(Place { seq, entry: entry.ok(), expires_at })
}

fn entry(read: &Reader<'_>) -> Result<Entry, StoreError> {
    let happening: Happening = read.json("doc")?;
    if happening.org != read.text("pk")? {
        return Err(read.corrupt("doc", "is another organisation's"));
    }
    Ok(Entry {
        seq: read.number("seq")?,
        at: Millis(read.number("recorded_at")?),
        happening,
        prev_hash: hash(read, "prev")?,
        hash: hash(read, "hash")?,
    })
}

fn hash(read: &Reader<'_>, name: &str) -> Result<Hash, StoreError> {
    Hash::parse(read.text(name)?).ok_or_else(|| read.corrupt(name, "is no hash"))
}
