//! Reading debates.

use aragora_core::ids::DebateId;
use aragora_core::pyjson;
use aragora_explain::stream::{self, StreamEvent};
use aragora_store::StoreError;
use aragora_store::debates::{Debates, Head, StreamItem};
use serde_json::Value;
use thiserror::Error;

/// How often a newer record may take the place of the one that is being read.
const ROUNDS: usize = 5;

/// Reads debates.
#[derive(Debug, Clone)]
pub struct Records {
    /// Where they are kept.
    pub debates: Debates,
}

/// A debate and its record.
#[derive(Debug)]
pub struct Recorded {
    /// The debate.
    pub head: Head,
    /// Its record: as it was sent, or as its events make it.
    pub value: Value,
}

/// Why there is no record.
#[derive(Debug, Error)]
pub enum RecordError {
    /// There is no such debate in the organisation.
    #[error("there is no such debate")]
    NoDebate,
    /// New records keep coming in.
    #[error("the debate is being changed by somebody else")]
    Contended,
    /// A table did not answer.
    #[error("a table did not answer")]
    Store(#[from] StoreError),
}

impl Records {
    /// A debate with its record. A read unit, and half of one per 4 KB of the packed record; of a
    /// debate under way, a read unit per 4 KB of its packed events.
    ///
    /// # Errors
    /// [`RecordError::NoDebate`], also for one of another organisation.
    pub async fn read(&self, org: &str, id: &DebateId) -> Result<Recorded, RecordError> {
        let head = self.debates.head(org, id).await?.ok_or(RecordError::NoDebate)?;
        self.of_head(head).await
    }

    /// The record of a debate whose head was just read. What [`Self::read`] costs without the head.
    ///
    /// # Errors
    /// [`RecordError::NoDebate`] does not happen.
    pub async fn of_head(&self, mut head: Head) -> Result<Recorded, RecordError> {
        for _ in 0..ROUNDS {
            if head.body.is_none() {
                let events = self.events(&head.org, &head.id).await?;
                return Ok(Recorded { head, value: stream::record_of(&events) });
            }
            if let Some(packed) = self.debates.bodies(&[&head]).await?.pop().flatten() {
                let value = parse(&head.id, &packed.unpack()?)?;
                return Ok(Recorded { head, value });
            }
            // A newer record took its place since the head was read.
            let there = self.debates.head(&head.org, &head.id).await?;
            head = there.ok_or(RecordError::NoDebate)?;
        }
        Err(RecordError::Contended)
    }

    /// Every event of a debate's stream. A read unit per 4 KB.
    ///
    /// # Errors
    /// When the table does not answer, or an event cannot be read.
    pub async fn events(&self, org: &str, id: &DebateId) -> Result<Vec<StreamEvent>, StoreError> {
        let items = self.debates.events(org, id).await?;
        items.iter().map(|item| read_item(id, item)).collect()
    }

    /// Debates of an organisation, newest first, and the place after which the list goes on. Half a
    /// read unit per 4 KB of the list.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn list(
        &self,
        org: &str,
        before: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Head>, Option<String>), StoreError> {
        self.debates.page(org, before, limit).await
    }
}

/// A record from its text.
///
/// # Errors
/// When it is not what was stored.
fn parse(id: &DebateId, text: &str) -> Result<Value, StoreError> {
    // Not serde_json's reader: that one gives some keys a meaning of its own.
    pyjson::parse(text.as_bytes()).map_err(|error| unreadable(id.to_string(), &error))
}

fn read_item(id: &DebateId, item: &StreamItem) -> Result<StreamEvent, StoreError> {
    serde_json::from_str(&item.doc)
        .map_err(|error| unreadable(format!("{id}/{}", item.key), &error))
}

fn unreadable(key: String, error: &dyn std::error::Error) -> StoreError {
    StoreError::Corrupt { key, what: error.to_string() }
}
