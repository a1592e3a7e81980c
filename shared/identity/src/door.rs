//! A presented credential turned into a caller, or into a refusal.

use aragora_core::access::Principal;
use aragora_core::ids::KeyId;
use aragora_core::stats::UtcDay;
use aragora_core::time::Millis;
use aragora_signing::api_key::{KeyDigest, PresentedKey};
use aragora_store::StoreError;
use aragora_store::identity::{Identity, Rights, StoredKey};
use thiserror::Error;

use crate::REMEMBERED_MS;
use crate::memory::Memory;
use crate::tokens::{Refusal, Token};

/// A credential that is well-formed, and of which a table has to say whether it is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// A JWT whose signature and times are good.
    Token(Token),
    /// An API key.
    Key(PresentedKey),
    /// The service token, with whom it speaks for.
    Service(Principal),
}

/// Why nobody was let in.
#[derive(Debug, Error)]
pub enum Refused {
    /// The credential is not good, for this reason.
    #[error("the credential is not good: {0}")]
    Bad(Refusal),
    /// Nobody can tell: the table did not answer.
    #[error("credentials cannot be checked")]
    Store(#[from] StoreError),
}

/// A caller, and the most requests a second of an API key that has a limit of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Admitted {
    /// Who it is.
    pub principal: Principal,
    /// The key's own limit.
    pub per_second: Option<f64>,
}

/// Checks credentials against the table.
#[derive(Debug)]
pub struct Door {
    identity: Identity,
    keys: Memory<(String, KeyId), Option<StoredKey>>,
    rights: Memory<(String, String), Rights>,
}

impl Door {
    /// A door in front of the table.
    pub fn new(identity: Identity) -> Self {
        Self { identity, keys: Memory::new(), rights: Memory::new() }
    }

    /// The caller. Nothing is asked for a service, or for what a warm worker remembers; else one
    /// read unit and one request, and one write unit for the first use of a key on a day.
    ///
    /// # Errors
    /// [`Refused`]. When the table does not answer nobody is let in: a credential may have been
    /// revoked.
    pub async fn admit(&self, presented: Presented, now: Millis) -> Result<Admitted, Refused> {
        match presented {
            Presented::Service(principal) => Ok(Admitted { principal, per_second: None }),
            Presented::Token(token) => {
                let principal = self.bearer(token, now).await?;
                Ok(Admitted { principal, per_second: None })
            }
            Presented::Key(key) => self.key(&key, now).await,
        }
    }

    async fn bearer(&self, token: Token, now: Millis) -> Result<Principal, Refused> {
        let rights = self.rights(&token.principal, now).await?;
        if rights.ended.covers(token.version, token.issued_at) {
            return Err(Refused::Bad("token revoked"));
        }
        Ok(token.principal.with_own_roles(&rights.roles))
    }

    async fn rights(&self, principal: &Principal, now: Millis) -> Result<Rights, StoreError> {
        let who = (principal.org_id().to_owned(), principal.user_id().to_owned());
        if let Some(rights) = self.rights.get(&who, now) {
            return Ok(rights);
        }
        let rights = self.identity.rights(&who.0, &who.1).await?;
        self.rights.put(who, rights.clone(), now.plus(REMEMBERED_MS), now);
        Ok(rights)
    }

    async fn key(&self, presented: &PresentedKey, now: Millis) -> Result<Admitted, Refused> {
        let at = (presented.org.clone(), KeyId::of(presented.id));
        let stored = if let Some(stored) = self.keys.get(&at, now) {
            stored
        } else {
            let stored = self.identity.key(&at.0, &at.1).await?;
            self.keys.put(at.clone(), stored.clone(), now.plus(REMEMBERED_MS), now);
            stored
        };
        let stored = stored.ok_or(Refused::Bad("no such key"))?;
        let kept = KeyDigest::from_hex(&stored.digest).ok_or(Refused::Bad("key unreadable"))?;
        if kept != *presented.digest() {
            return Err(Refused::Bad("wrong key"));
        }
        if stored.key.is_expired(now) {
            return Err(Refused::Bad("key expired"));
        }
        let principal = Principal::of_key(&at.0, &stored.key).ok_or(Refused::Bad("key unsafe"))?;
        let per_second = stored.key.rate_limit_per_second;
        self.note_use(at, stored, now).await;
        Ok(Admitted { principal, per_second })
    }

    /// The day of a key's last use is for people: that it cannot be noted stops nobody.
    async fn note_use(&self, at: (String, KeyId), stored: StoredKey, now: Millis) {
        let today = UtcDay::of(now);
        if stored.last_used >= Some(today) {
            return;
        }
        if let Err(error) = self.identity.key_used(&at.0, &at.1, today).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(key_id = %at.1, error, "the use of a key could not be noted");
        }
        let used = StoredKey { last_used: Some(today), ..stored };
        self.keys.put(at, Some(used), now.plus(REMEMBERED_MS), now);
    }
}
