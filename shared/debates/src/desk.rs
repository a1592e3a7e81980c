//! Taking records in.
//!
//! A record is stored before it is acknowledged, and what subscribers are told of it is published
//! before that too, under ids that are worked out from the record: whoever gets no answer asks
//! again, and what was done already is not done twice.

use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aragora_events::publish::{Publication, PublishError, Publisher};
use aragora_explain::record::{self, Debate, Problem};
use aragora_store::StoreError;
use aragora_store::debates::{Body, DebateKey, DebateStatus, Head, Source};
use aragora_store::registrations::Changed;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::news;
use crate::records::Records;

/// How often somebody else may be faster before a writer gives up.
const ROUNDS: usize = 5;
/// The most characters of what was decided that lists show.
const MAX_ANSWER_CHARS: usize = 280;

/// Where debates are taken in.
#[derive(Debug, Clone)]
pub struct DebateDesk {
    /// Where they are kept.
    pub records: Records,
    /// Tells subscribers.
    pub publisher: Publisher,
}

/// A record that was taken in.
#[derive(Debug)]
pub struct Taken {
    /// The debate as it now is.
    pub head: Head,
    /// Whether it had this very record before.
    pub duplicate: bool,
    /// What was odd about the record.
    pub warnings: Vec<String>,
}

/// Why a record is not taken in.
#[derive(Debug, Error)]
pub enum DebateError {
    /// Fields that cannot be what they should be.
    #[error("the record cannot be read")]
    Invalid(Vec<Problem>),
    /// There is no such debate in the organisation.
    #[error("there is no such debate")]
    NoDebate,
    /// The idempotency key was used with another body.
    #[error("the idempotency key was used with another body")]
    KeyReused,
    /// The events of the debate would be more than it may have.
    #[error("the debate would have too many events")]
    StreamFull,
    /// Others keep changing the same debate.
    #[error("the debate is being changed by somebody else")]
    Contended,
    /// It is stored, and subscribers could not be told.
    #[error("the debate's events could not be published")]
    Unpublished(#[from] PublishError),
    /// A table did not answer.
    #[error("a table did not answer")]
    Store(#[from] StoreError),
}

impl DebateDesk {
    /// Takes a record in. Without an id of its own the debate gets one of ours; with an idempotency
    /// key, the one that the key stands for. The same content again is a no-op, other content is a
    /// new version.
    ///
    /// Costs a write unit per KB of the packed record, two for the head and its place in the list,
    /// and what [`Publisher::publish`] does for two to four events; a read unit more for a debate
    /// that may be there already, and a write unit with a key.
    ///
    /// # Errors
    /// [`DebateError::Invalid`] names fields. After any other, the same request can be made again.
    pub async fn take(
        &self,
        by: Publication<'_>,
        key: Option<(&str, &[u8])>,
        value: &Value,
    ) -> Result<Taken, DebateError> {
        let debate = record::read(value).map_err(DebateError::Invalid)?;
        let (id, is_new) = self.id_of(by, key, value).await?;
        let (head, duplicate) = self
            .store(by, &id, Record { value, debate: &debate, source: Source::Given }, is_new)
            .await?;
        let events = news::of_record(&head, &debate);
        for outcome in self.publisher.publish(by, events).await {
            outcome?;
        }
        Ok(Taken { head, duplicate, warnings: debate.warnings })
    }

    /// The debate's id, and whether nobody can have used it before.
    async fn id_of(
        &self,
        by: Publication<'_>,
        key: Option<(&str, &[u8])>,
        value: &Value,
    ) -> Result<(DebateId, bool), DebateError> {
        if let Some(given) = given_id(value)? {
            return Ok((given, false));
        }
        let id = DebateId::mint(by.now);
        let Some((key, body)) = key else { return Ok((id, true)) };
        let mine = DebateKey { digest: digest(body), debate_id: id, created_at: by.now };
        match self.records.debates.claim_key(by.org, &digest(key.as_bytes()), &mine).await? {
            None => Ok((mine.debate_id, true)),
            Some(known) if known.digest == mine.digest => Ok((known.debate_id, false)),
            Some(_) => Err(DebateError::KeyReused),
        }
    }

    /// Stores a record as the debate's next version, unless it has it already.
    async fn store(
        &self,
        by: Publication<'_>,
        id: &DebateId,
        record: Record<'_>,
        is_new: bool,
    ) -> Result<(Head, bool), DebateError> {
        let mut seen = if is_new { None } else { self.records.debates.head(by.org, id).await? };
        for _ in 0..ROUNDS {
            match self.put_after(by, id, record, seen).await? {
                Put::Done(head) => return Ok((head, false)),
                Put::Known(head) => return Ok((head, true)),
                Put::Outdated(head) => seen = head,
            }
        }
        Err(DebateError::Contended)
    }

    /// Stores a record as the one after the record of `seen`, if that is still the debate's head.
    pub(crate) async fn put_after(
        &self,
        by: Publication<'_>,
        id: &DebateId,
        record: Record<'_>,
        seen: Option<Head>,
    ) -> Result<Put, DebateError> {
        let hash = digest(record::canonical(record.value).as_bytes());
        if let Some(head) = seen.as_ref().filter(|head| names(head, &hash)) {
            return Ok(Put::Known(head.clone()));
        }
        let rev = seen.as_ref().map_or(0, |head| head.rev);
        let text = record.value.to_string();
        let body = self.records.debates.put_body((by.org, id), (rev + 1, &hash), &text).await?;
        let mut next = record.head(by, id, seen.as_ref());
        next.body = Some(body.clone());
        if self.records.debates.write_head(&mut next, rev).await? == Changed::Done {
            self.forget(by.org, id, seen.and_then(|head| head.body)).await;
            return Ok(Put::Done(next));
        }
        let there = self.records.debates.head(by.org, id).await?;
        match there {
            // Our own, when the answer to its writing was lost; or the same record, by somebody
            // who wrote it at the same time.
            Some(head) if head.body.as_ref() == Some(&body) => Ok(Put::Done(head)),
            there => {
                self.forget(by.org, id, Some(body)).await;
                Ok(Put::Outdated(there))
            }
        }
    }

    /// Removes a record that no head names. When that fails it only takes room.
    async fn forget(&self, org: &str, id: &DebateId, body: Option<Body>) {
        let Some(body) = body else { return };
        if let Err(error) = self.records.debates.delete_body(org, id, &body).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(debate_id = id.as_str(), error, "an old record was left behind");
        }
    }
}

/// What came of storing a record.
#[derive(Debug)]
pub(crate) enum Put {
    /// It is the debate's record now.
    Done(Head),
    /// It was that before.
    Known(Head),
    /// Somebody else was faster: this is the head now.
    Outdated(Option<Head>),
}

/// A record on its way in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) value: &'a Value,
    pub(crate) debate: &'a Debate,
    pub(crate) source: Source,
}

impl Record<'_> {
    fn head(&self, by: Publication<'_>, id: &DebateId, seen: Option<&Head>) -> Head {
        Head {
            org: by.org.to_owned(),
            id: id.clone(),
            status: DebateStatus::Completed,
            source: self.source,
            version: seen.map_or(0, |head| head.version) + 1,
            body: None,
            headline: headline(self.debate),
            created_at: seen.map_or(by.now, |head| head.created_at),
            updated_at: by.now,
            rev: 0,
        }
    }
}

/// The line of a debate in lists: its headline and the beginning of what was decided.
pub(crate) fn headline(debate: &Debate) -> String {
    let mut line = serde_json::to_value(record::headline(debate)).unwrap_or_default();
    if let (Some(line), Some(answer)) = (line.as_object_mut(), &debate.final_answer) {
        let beginning: String = answer.chars().take(MAX_ANSWER_CHARS).collect();
        line.insert("final_answer".to_owned(), beginning.into());
    }
    line.to_string()
}

fn names(head: &Head, hash: &str) -> bool {
    head.body.as_ref().is_some_and(|body| body.hash == hash)
}

/// The record's own id.
fn given_id(value: &Value) -> Result<Option<DebateId>, DebateError> {
    let refused = |message: &str| {
        Err(DebateError::Invalid(vec![Problem {
            field: "debate_id".to_owned(),
            message: message.to_owned(),
        }]))
    };
    match value.get("debate_id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => match DebateId::parse(text) {
            Some(id) => Ok(Some(id)),
            None => refused("must be 1 to 128 letters, digits or any of _ . : @ -"),
        },
        Some(_) => refused("must be a string"),
    }
}

/// 128 bits of SHA-256, in hex.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    hex::encode(digest.get(..16).unwrap_or(&digest))
}

/// When something happened by the record, where that is a time.
pub(crate) fn time_of(text: Option<&String>) -> Option<String> {
    text.filter(|text| text.len() <= 64 && Millis::parse(text).is_some()).cloned()
}
