//! Refreshing tokens, and ending them.

use aragora_core::access::Principal;
use aragora_core::ids::{fresh_uuid, is_key_safe};
use aragora_core::session::{Session, Turn};
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::identity::Identity;
use aragora_store::registrations::Changed;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::tokens::{Issue, Kind, NotSigned, Refusal, Token, Tokens};

/// How often a change is tried that others keep getting in the way of.
const ROUNDS: usize = 3;

/// Fresh tokens.
#[derive(Debug)]
pub struct Pair {
    /// For calling.
    pub access: String,
    /// For getting the next pair, once.
    pub refresh: String,
    /// How long the first one lasts.
    pub expires_in_seconds: i64,
}

/// Why there are no fresh tokens.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The refresh token is not good.
    #[error("the refresh token is not good: {0}")]
    Bad(Refusal),
    /// It had been used before: its session is ended.
    #[error("the refresh token had been used before")]
    Reused(Box<Principal>),
    /// Others keep refreshing the same session.
    #[error("the session is being refreshed by somebody else")]
    Contended,
    /// The table did not answer.
    #[error("the sessions did not answer")]
    Store(#[from] StoreError),
    /// No secret is configured.
    #[error("a token could not be issued")]
    NotSigned(#[from] NotSigned),
}

/// Issues and ends tokens.
#[derive(Debug)]
pub struct SessionDesk {
    /// Where sessions are kept.
    pub identity: Identity,
    /// Signs.
    pub tokens: Tokens,
}

impl SessionDesk {
    /// New tokens for a refresh token, which is worth nothing after that. A read unit and a half,
    /// and a write unit.
    ///
    /// # Errors
    /// [`SessionError::Reused`] ends the session: the token was copied.
    pub async fn refresh(&self, text: &str, now: Millis) -> Result<Pair, SessionError> {
        let token = self.tokens.read(text, Kind::Refresh, now).map_err(SessionError::Bad)?;
        let principal = &token.principal;
        let (org, user) = (principal.org_id(), principal.user_id());
        let rights = self.identity.rights(org, user).await?;
        if rights.ended.covers(token.version, token.issued_at) {
            return Err(SessionError::Bad("token revoked"));
        }
        // One that was issued elsewhere may have no id.
        let id = token.id.clone().unwrap_or_else(|| digest(text));
        let session = session_of(&token, &id);
        let end = now.plus(self.tokens.seconds(Kind::Refresh).saturating_mul(1_000));
        for _ in 0..ROUNDS {
            let stored = self.identity.session(org, &session).await?;
            let rev = stored.as_ref().map_or(0, |stored| stored.rev);
            let known = stored.as_ref().map(|stored| &stored.session);
            let fresh = fresh_uuid(now).to_string();
            let (next, outcome) = match Session::turn(known, &id, &fresh, now) {
                Turn::Ended => return Err(SessionError::Bad("session ended")),
                Turn::Again => {
                    let current = known.map(|it| it.current.as_str()).unwrap_or_default();
                    return self.pair(&token, rights.ended.version, &session, current, now);
                }
                Turn::Reused(ended) => {
                    (ended, Err(SessionError::Reused(Box::new(principal.clone()))))
                }
                Turn::Next(next) => {
                    (next, self.pair(&token, rights.ended.version, &session, &fresh, now))
                }
            };
            if self.identity.put_session(org, &session, &next, rev, end).await? == Changed::Done {
                return outcome;
            }
        }
        Err(SessionError::Contended)
    }

    /// Makes every token of the caller worthless that was issued until now; warm workers may take
    /// one for half a minute more. One write unit.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn end_all(&self, caller: &Principal, now: Millis) -> Result<u64, SessionError> {
        Ok(self.identity.end_tokens(caller.org_id(), caller.user_id(), now).await?)
    }

    fn pair(
        &self,
        token: &Token,
        version: u64,
        session: &str,
        refresh_id: &str,
        now: Millis,
    ) -> Result<Pair, SessionError> {
        let access_id = fresh_uuid(now).to_string();
        let issue = |id| Issue { principal: &token.principal, version, session, id };
        Ok(Pair {
            access: self.tokens.issue(Kind::Access, issue(&access_id), now)?,
            refresh: self.tokens.issue(Kind::Refresh, issue(refresh_id), now)?,
            expires_in_seconds: self.tokens.seconds(Kind::Access),
        })
    }
}

/// A session's id is part of a key, whatever the issuer called it.
fn session_of(token: &Token, id: &str) -> String {
    let name = token.session.as_deref().unwrap_or(id);
    if is_key_safe(name) { name.to_owned() } else { digest(name) }
}

fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
