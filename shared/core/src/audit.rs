//! Security happenings, and the log that keeps them so that nobody can change it unnoticed.
//!
//! A [`Happening`] is what a function saw: who did what to which thing, from where, and whether it
//! was let through. An [`Entry`] is its place in the chain of its organisation ([`chain`]). Pure:
//! time comes in, and nothing here knows a table. Source: issue 4, point 5;
//! `docs/decisions/0008-audit-chain.md`.

pub mod chain;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::PLATFORM_ORG;
use crate::ids::{EventId, fresh_uuid, is_key_safe};
use crate::time::Millis;

pub use chain::{Entry, Fault, Hash, Link};

/// The actor of what somebody did whom nobody knows.
pub const ANONYMOUS: &str = "anonymous";
/// The credential of who had none, or none that was good.
pub const NO_CREDENTIAL: &str = "none";

/// The most characters of a happening's id.
pub const MAX_ID_CHARS: usize = 64;
/// The most characters of an actor.
pub const MAX_ACTOR_CHARS: usize = 256;
/// The most characters of a kind of credential.
pub const MAX_CREDENTIAL_CHARS: usize = 32;
/// The most characters of a target.
pub const MAX_TARGET_CHARS: usize = 256;
/// The most characters of an address: an IPv6 address with a zone has fewer.
pub const MAX_ADDRESS_CHARS: usize = 64;
/// The most characters of a request id, as the gate takes them.
pub const MAX_REQUEST_ID_CHARS: usize = 128;
/// The most fields of a detail.
pub const MAX_DETAILS: usize = 8;
/// The most characters of a detail's name.
pub const MAX_DETAIL_NAME_CHARS: usize = 64;
/// The most characters of a detail's value.
pub const MAX_DETAIL_CHARS: usize = 256;

/// How much a happening deserves somebody's attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Somebody did what they may do.
    Info,
    /// Somebody was refused, or changed what others may do.
    Warning,
    /// Somebody is very likely attacking.
    Critical,
}

impl Severity {
    /// The name in answers and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $action:literal, $severity:ident, $outcome:ident;)+) => {
        /// The closed list of what is told.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Action {
            $($(#[$doc])* #[serde(rename = $action)] $name,)+
        }

        impl Action {
            /// Every action, in the order of the catalogue.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name in the log, in filters and in answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $action),+ }
            }

            /// The type of the event that tells it.
            pub const fn event_type(self) -> &'static str {
                match self { $(Self::$name => concat!("security.", $action)),+ }
            }

            /// How much attention it deserves.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),+ }
            }

            /// What usually came of it: the refusals are told because they were refused.
            pub const fn usual_outcome(self) -> Outcome {
                match self { $(Self::$name => Outcome::$outcome),+ }
            }
        }
    };
}

actions! {
    /// A credential was not good.
    AuthFailed = "auth.failed", Warning, Refused;
    /// An address or an account is held off after too many failures.
    AuthBlocked = "auth.blocked", Critical, Refused;
    /// A caller lacks a permission.
    PermissionDenied = "permission.denied", Warning, Refused;
    /// A caller was faster than allowed.
    RateExceeded = "rate.exceeded", Warning, Refused;
    /// A cursor came back that we did not write.
    CursorForged = "cursor.forged", Warning, Refused;
    /// A URL that may not be called was given as a receiver.
    UrlBlocked = "url.blocked", Warning, Refused;
    /// A webhook got its first secret.
    SecretCreated = "secret.created", Info, Success;
    /// A webhook got another secret.
    SecretRotated = "secret.rotated", Info, Success;
    /// A webhook's secrets are no longer good.
    SecretRevoked = "secret.revoked", Info, Success;
    /// An API key was made.
    KeyCreated = "key.created", Info, Success;
    /// An API key is no longer good.
    KeyRevoked = "key.revoked", Info, Success;
    /// A user's sessions were ended.
    SessionRevoked = "session.revoked", Info, Success;
    /// A refresh token was used a second time: one of the two users stole it.
    RefreshReused = "refresh.reused", Critical, Refused;
    /// What a role grants was changed.
    RoleChanged = "role.changed", Warning, Success;
    /// A role was deleted.
    RoleDeleted = "role.deleted", Warning, Success;
    /// A template was put on the marketplace.
    TemplatePublished = "template.published", Info, Success;
    /// A template was taken off the marketplace.
    TemplateUnpublished = "template.unpublished", Info, Success;
    /// Stored secrets were encrypted anew.
    EncryptionMigrated = "encryption.migrated", Info, Success;
}

impl Action {
    /// The action whose [`Self::as_str`] this is.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text)
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was not let through.
    Refused,
    /// It was let through and did not work.
    Failed,
}

impl Outcome {
    /// The name in answers and events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Something that happened and is to be remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// A UUID of its own, by which a repeated report is recognised.
    pub id: String,
    /// Whose log it belongs to; [`PLATFORM_ORG`] when nobody knows.
    pub org: String,
    /// When it happened.
    pub at: Millis,
    /// What was done, or tried.
    pub action: Action,
    /// What came of it.
    pub outcome: Outcome,
    /// The user or the key that did it, or [`ANONYMOUS`].
    pub actor: String,
    /// The kind of credential, or [`NO_CREDENTIAL`].
    pub credential: String,
    /// What it was done to: a webhook's id, a route. Empty when there is nothing to name.
    #[serde(default)]
    pub target: String,
    /// The address the request came from. Empty when it is not known.
    #[serde(default)]
    pub address: String,
    /// The request it goes back to.
    #[serde(default)]
    pub request_id: String,
    /// What else there is to say. Never a secret.
    #[serde(default)]
    pub detail: BTreeMap<String, String>,
}

impl Happening {
    /// Something that an unknown somebody did at `now`, under a fresh id, on the platform's own
    /// log; the fields are there to be filled in.
    pub fn new(action: Action, now: Millis) -> Self {
        Self {
            id: fresh_uuid(now).to_string(),
            org: PLATFORM_ORG.to_owned(),
            at: now,
            action,
            outcome: action.usual_outcome(),
            actor: ANONYMOUS.to_owned(),
            credential: NO_CREDENTIAL.to_owned(),
            target: String::new(),
            address: String::new(),
            request_id: String::new(),
            detail: BTreeMap::new(),
        }
    }

    /// The same with every text cut to its bound, on a character's boundary, and without control
    /// characters: what callers send ends up in it.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for (text, most) in [
            (&mut self.actor, MAX_ACTOR_CHARS),
            (&mut self.credential, MAX_CREDENTIAL_CHARS),
            (&mut self.target, MAX_TARGET_CHARS),
            (&mut self.address, MAX_ADDRESS_CHARS),
            (&mut self.request_id, MAX_REQUEST_ID_CHARS),
        ] {
            *text = clean(text, most);
        }
        let detail = std::mem::take(&mut self.detail).into_iter().map(|(name, value)| {
            (clean(&name, MAX_DETAIL_NAME_CHARS), clean(&value, MAX_DETAIL_CHARS))
        });
        self.detail = detail.collect::<BTreeMap<_, _>>().into_iter().take(MAX_DETAILS).collect();
        self
    }

    /// Whether it is as [`Self::bounded`] leaves it and its names fit a table's keys: what comes
    /// off a queue is not believed.
    pub fn is_sound(&self) -> bool {
        let id = is_key_safe(&self.id) && self.id.len() <= MAX_ID_CHARS;
        id && is_key_safe(&self.org) && self.at.0 >= 0 && self.clone().bounded() == *self
    }

    /// The id of the event that tells it: the same however often it is told.
    pub fn event_id(&self) -> EventId {
        EventId::of(&[&self.org, "security", &self.id], self.at)
    }

    /// The data of that event.
    pub fn event_data(&self) -> Value {
        json!({
            "happening_id": self.id,
            "action": self.action.as_str(),
            "severity": self.action.severity().as_str(),
            "outcome": self.outcome.as_str(),
            "occurred_at": self.at.rfc3339(),
            "actor": self.actor,
            "credential": self.credential,
            "target": self.target,
            "address": self.address,
            "request_id": self.request_id,
            "detail": self.detail,
        })
    }
}

fn clean(text: &str, most: usize) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(most).collect()
}

#[cfg(test)]
mod tests;
