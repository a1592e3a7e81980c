//! What is known of an API key, besides the digest it is recognised by.

use serde::{Deserialize, Serialize};

use crate::access::{Permission, Permissions};
use crate::ids::KeyId;
use crate::time::Millis;

/// The most keys that one user has.
pub const MAX_PER_USER: usize = 25;
/// The most characters of a name.
pub const MAX_NAME_CHARS: usize = 100;
/// The longest life of a key, in days; the most that a user may ask for.
pub const MAX_DAYS: u32 = 3_650;

/// A key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Its id, which its text holds.
    pub id: KeyId,
    /// Who made it, and acts when it is used.
    pub user_id: String,
    /// For people.
    pub name: String,
    /// What it may do, by name: at most what its maker might when it was made.
    pub permissions: Vec<String>,
    /// When it was made.
    pub created_at: Millis,
    /// When it stops being good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
    /// The most requests a second it may make, where that is less than everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit_per_second: Option<f64>,
}

impl ApiKey {
    /// What it may do. A name that is no permission any more grants nothing.
    pub fn permissions(&self) -> Permissions {
        let known: Vec<_> =
            self.permissions.iter().filter_map(|name| Permission::parse(name)).collect();
        Permissions::of(&known)
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: Millis) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_do_what_is_still_a_permission_until_it_expires() {
        let key = ApiKey {
            id: KeyId::parse("key-1").unwrap(),
            user_id: "u".into(),
            name: "ci".into(),
            permissions: vec!["events:write".into(), "gone:read".into()],
            created_at: Millis(0),
            expires_at: Some(Millis(10)),
            rate_limit_per_second: None,
        };
        assert_eq!(key.permissions(), Permissions::of(&[Permission::EventsWrite]));
        assert!(!key.is_expired(Millis(9)) && key.is_expired(Millis(10)));
        assert!(!ApiKey { expires_at: None, ..key }.is_expired(Millis(i64::MAX)));
    }
}
