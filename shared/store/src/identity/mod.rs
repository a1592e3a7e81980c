//! Table `identity`: who may call, and how often.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>#api-keys` | `<key id>` | an API key: `doc`, `digest`, `last_used` (a day) |
//! | `<org>#users` | `<user>` | `tv`: the version that the user's tokens must have; `ended_at`: since when |
//! | `<org>#roles` | `roles` | the organisation's own roles: `doc`, `rev` |
//! | `<org>#sessions` | `<session>` | which refresh token is good: `doc`, `rev` |
//! | `<org>#rates` | `<bucket>` | `spent_us`: up to when a bucket's tokens are spent; `per_second`, `burst` |
//! | `failures#<address or account>` | `<window>` | `n`: bad credentials in five minutes |
//!
//! Failures belong to nobody: whose credential it was to be is not known. Everything that ends by
//! itself has `expires_at`.

mod counters;
mod keys;
mod people;

use std::collections::BTreeMap;

use crate::dynamo::Dynamo;

pub use counters::{Bucket, Tokens};
pub use keys::StoredKey;
pub use people::{Rights, StoredSession};

/// An organisation's own roles: by name, the names of what each may do.
pub type OwnRoles = BTreeMap<String, Vec<String>>;

/// The table.
#[derive(Debug, Clone)]
pub struct Identity {
    dynamo: Dynamo,
    table: String,
}

impl Identity {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }
}
