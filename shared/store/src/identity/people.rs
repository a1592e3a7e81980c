//! Users, the roles of organisations, sessions.

use aragora_core::session::{Ended, Session};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValue};

use super::{Identity, OwnRoles};
use crate::dynamo::BatchRead;
use crate::error::StoreError;
use crate::item::{Item, Reader, json, key, number, text};
use crate::registrations::Changed;

/// What a user's credential is judged by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rights {
    /// Which of the user's tokens were ended.
    pub ended: Ended,
    /// The organisation's own roles.
    pub roles: OwnRoles,
}

/// A session and the revision it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The session.
    pub session: Session,
    /// Goes up with every write.
    pub rev: u64,
}

impl Identity {
    /// A user's rights. Half a read unit, and half of one per 4 KB of the organisation's own roles,
    /// in one request; eventually consistent: a change may take a second to be seen.
    pub async fn rights(&self, org: &str, user: &str) -> Result<Rights, StoreError> {
        let keys = vec![user_key(org, user), roles_key(org)];
        let read = BatchRead { consistent: false, only: None };
        let mut rights = Rights::default();
        for item in self.dynamo.get_all(&self.table, keys, read).await? {
            let read = Reader(&item);
            if item.contains_key("tv") {
                let at = read.maybe_number("ended_at").map(Millis);
                rights.ended = Ended { version: read.number("tv")?, at };
            } else {
                rights.roles = read.json("doc")?;
            }
        }
        Ok(rights)
    }

    /// Makes all tokens of a user that were issued until `now` worthless; gives the version that new
    /// ones must have. One write unit. Twice is once more.
    pub async fn end_tokens(&self, org: &str, user: &str, now: Millis) -> Result<u64, StoreError> {
        let answer = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(user_key(org, user)))
            .update_expression("SET ended_at = :now ADD tv :one")
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.wrote(answer.consumed_capacity());
        let attributes = answer.attributes.unwrap_or_default();
        Reader(&attributes).number("tv")
    }

    /// An organisation's own roles, as last written, and their revision; 0 when there are none.
    /// One read unit per 4 KB.
    pub async fn own_roles(&self, org: &str) -> Result<(OwnRoles, u64), StoreError> {
        match self.dynamo.get(&self.table, roles_key(org), true).await? {
            None => Ok((OwnRoles::new(), 0)),
            Some(item) => Ok((Reader(&item).json("doc")?, Reader(&item).number("rev")?)),
        }
    }

    /// Stores an organisation's own roles, if nobody changed them since `rev` was read. One write
    /// unit per KB.
    pub async fn put_own_roles(
        &self,
        org: &str,
        roles: &OwnRoles,
        rev: u64,
    ) -> Result<Changed, StoreError> {
        let mut item = roles_key(org);
        item.insert("doc".to_owned(), text(json(roles)?));
        self.put_over(item, rev).await
    }

    /// A session, as last written. One read unit.
    pub async fn session(&self, org: &str, id: &str) -> Result<Option<StoredSession>, StoreError> {
        let item = self.dynamo.get(&self.table, session_key(org, id), true).await?;
        let read = |item: &Item| {
            let read = Reader(item);
            Ok(StoredSession { session: read.json("doc")?, rev: read.number("rev")? })
        };
        item.as_ref().map(read).transpose()
    }

    /// Stores a session until `end`, if nobody changed it since `rev` (0: there was none). One
    /// write unit.
    pub async fn put_session(
        &self,
        org: &str,
        id: &str,
        session: &Session,
        rev: u64,
        end: Millis,
    ) -> Result<Changed, StoreError> {
        let mut item = session_key(org, id);
        item.insert("doc".to_owned(), text(json(session)?));
        item.insert("expires_at".to_owned(), number(end.unix_seconds()));
        self.put_over(item, rev).await
    }

    async fn put_over(&self, mut item: Item, rev: u64) -> Result<Changed, StoreError> {
        item.insert("rev".to_owned(), number(rev.saturating_add(1)));
        Ok(Changed::if_done(self.dynamo.put_over(&self.table, item, rev).await?))
    }
}

fn user_key(org: &str, user: &str) -> Item {
    key(format!("{org}#users"), user)
}

fn roles_key(org: &str) -> Item {
    key(format!("{org}#roles"), "roles")
}

fn session_key(org: &str, id: &str) -> Item {
    key(format!("{org}#sessions"), id)
}
