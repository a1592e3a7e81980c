//! A user's API keys.

use aragora_core::access::{Permission, Principal};
use aragora_core::api_keys::{ApiKey, MAX_DAYS, MAX_NAME_CHARS, MAX_PER_USER};
use aragora_core::ids::{KeyId, fresh_uuid};
use aragora_core::time::Millis;
use aragora_signing::api_key;
use aragora_signing::secret::RandomUnavailable;
use aragora_store::StoreError;
use aragora_store::identity::{Identity, StoredKey};
use secrecy::SecretString;
use thiserror::Error;

const DAY_MS: i64 = 86_400_000;
/// Keys read in one request.
const PAGE: i32 = 100;
/// The most keys of one organisation that are looked through for one user's.
const MOST: usize = 1_000;

/// What a user asks for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wish {
    /// For people.
    pub name: Option<String>,
    /// What it may do; all that the user may, when none is given.
    pub permissions: Option<Vec<String>>,
    /// Days until it expires; never, when none are given.
    pub expires_in_days: Option<u32>,
    /// The most requests a second.
    pub rate_limit_per_second: Option<f64>,
}

/// A field of a wish that cannot be granted, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The field.
    pub field: &'static str,
    /// What it must be.
    pub message: String,
}

/// Why there is no key.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The wish cannot be granted.
    #[error("the key breaks {} rules", .0.len())]
    Invalid(Vec<Problem>),
    /// The user, or the organisation, has as many as may be.
    #[error("there are as many keys as there may be")]
    TooMany,
    /// The organisation has no such key, or it is somebody else's.
    #[error("there is no such key")]
    NotFound,
    /// The table did not answer.
    #[error("the keys did not answer")]
    Store(#[from] StoreError),
    /// No random bytes.
    #[error("a key could not be generated")]
    Random(#[from] RandomUnavailable),
}

/// A new key, and its text for the only time it is shown.
#[derive(Debug)]
pub struct Minted {
    /// The key.
    pub key: ApiKey,
    /// Its text.
    pub text: SecretString,
}

/// What users do with their keys.
#[derive(Debug, Clone)]
pub struct KeyDesk {
    /// Where they are kept.
    pub identity: Identity,
}

impl KeyDesk {
    /// Makes a key for its caller. One write unit, and a read unit per 4 KB of the organisation's
    /// keys: there is a limit to their number.
    ///
    /// # Errors
    /// [`KeyError::Invalid`] names every field that breaks a rule; among them a permission that the
    /// caller does not have.
    pub async fn mint(
        &self,
        caller: &Principal,
        wish: Wish,
        now: Millis,
    ) -> Result<Minted, KeyError> {
        let uuid = fresh_uuid(now);
        let key = grant(caller, wish, KeyId::of(uuid), now).map_err(KeyError::Invalid)?;
        let (all, complete) = self.all(caller.org_id()).await?;
        let own = all.iter().filter(|stored| stored.key.user_id == caller.user_id()).count();
        if own >= MAX_PER_USER || !complete {
            return Err(KeyError::TooMany);
        }
        let (text, digest) = api_key::mint(caller.org_id(), uuid)?;
        let stored = StoredKey { key, digest: digest.to_hex(), last_used: None };
        self.identity.put_key(caller.org_id(), &stored).await?;
        Ok(Minted { key: stored.key, text })
    }

    /// The caller's keys, in the order they were made; the whole organisation's when `everybodys`,
    /// which is for admins. One read unit per 4 KB.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn list(
        &self,
        caller: &Principal,
        everybodys: bool,
    ) -> Result<Vec<StoredKey>, KeyError> {
        let (mut keys, _) = self.all(caller.org_id()).await?;
        keys.retain(|stored| everybodys || stored.key.user_id == caller.user_id());
        Ok(keys)
    }

    /// Revokes a key: the caller's own, or for an admin anybody's of the organisation. Warm workers
    /// may take it for half a minute more. A read unit and a write unit.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] also for somebody else's.
    pub async fn revoke(&self, caller: &Principal, id: &KeyId) -> Result<ApiKey, KeyError> {
        let org = caller.org_id();
        let stored = self.identity.key(org, id).await?.ok_or(KeyError::NotFound)?;
        if stored.key.user_id != caller.user_id() && !caller.is_admin() {
            return Err(KeyError::NotFound);
        }
        // Somebody else may have been faster; then it is revoked.
        self.identity.delete_key(org, id).await?;
        Ok(stored.key)
    }

    async fn all(&self, org: &str) -> Result<(Vec<StoredKey>, bool), StoreError> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.identity.keys(org, after.as_ref(), PAGE).await?;
            all.extend(page);
            after = next;
            if after.is_none() || all.len() >= MOST {
                return Ok((all, after.is_none()));
            }
        }
    }
}

fn grant(caller: &Principal, wish: Wish, id: KeyId, now: Millis) -> Result<ApiKey, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut problem = |field, message: String| problems.push(Problem { field, message });
    let name = wish.name.unwrap_or_default().trim().to_owned();
    if !(1..=MAX_NAME_CHARS).contains(&name.chars().count()) || name.contains(char::is_control) {
        problem("name", format!("must have 1 to {MAX_NAME_CHARS} printable characters"));
    }
    let permissions: Vec<String> = match &wish.permissions {
        None => caller.permissions().iter().map(|it| it.name().to_owned()).collect(),
        Some(wanted) if wanted.is_empty() => {
            problem("permissions", "must name at least one".to_owned());
            vec![]
        }
        Some(wanted) => wanted
            .iter()
            .filter_map(|name| match Permission::parse(name) {
                Some(permission) if caller.allows(permission) => Some(permission.name().to_owned()),
                Some(permission) => {
                    problem("permissions", format!("you do not have {permission} yourself"));
                    None
                }
                None => {
                    problem("permissions", "must be names of permissions".to_owned());
                    None
                }
            })
            .collect(),
    };
    if wish.expires_in_days.is_some_and(|days| !(1..=MAX_DAYS).contains(&days)) {
        problem("expires_in_days", format!("must be a whole number from 1 to {MAX_DAYS}"));
    }
    if wish.rate_limit_per_second.is_some_and(|rate| !(0.1..=10_000.0).contains(&rate)) {
        problem("rate_limit_per_second", "must be a number from 0.1 to 10,000".to_owned());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(ApiKey {
        id,
        user_id: caller.user_id().to_owned(),
        name,
        permissions,
        created_at: now,
        expires_at: wish
            .expires_in_days
            .map(|days| now.plus(i64::from(days).saturating_mul(DAY_MS))),
        rate_limit_per_second: wish.rate_limit_per_second,
    })
}

#[cfg(test)]
mod tests {
    use aragora_core::access::Credential;

    use super::*;

    const NOW: Millis = Millis(1_700_000_000_000);

    fn of(role: &str, wish: Wish) -> Result<ApiKey, Vec<&'static str>> {
        let caller = Principal::new("u", "o", vec![role.to_owned()], Credential::Bearer).unwrap();
        let id = KeyId::parse("key-1").unwrap();
        grant(&caller, wish, id, NOW).map_err(|all| all.into_iter().map(|it| it.field).collect())
    }

    fn named(name: &str) -> Wish {
        Wish { name: Some(name.to_owned()), ..Wish::default() }
    }

    #[test]
    fn a_key_has_at_most_what_its_maker_has() {
        let all = of("viewer", named("ci")).unwrap();
        assert_eq!(all.permissions.len(), 5);
        let some = |names: &[&str]| {
            let permissions = Some(names.iter().map(|&it| it.to_owned()).collect());
            of("viewer", Wish { permissions, ..named("ci") })
        };
        assert_eq!(some(&["events.read"]).unwrap().permissions, ["events:read"]);
        for bad in [&["events:write"][..], &["events:read", "everything"], &["*"], &[]] {
            assert_eq!(some(bad), Err(vec!["permissions"]), "{bad:?}");
        }
    }

    #[test]
    fn every_bad_field_is_named() {
        let wish = Wish {
            name: Some(" \n ".into()),
            permissions: Some(vec!["x".into()]),
            expires_in_days: Some(0),
            rate_limit_per_second: Some(f64::NAN),
        };
        let fields = ["name", "permissions", "expires_in_days", "rate_limit_per_second"];
        assert_eq!(of("viewer", wish), Err(fields.to_vec()));
        assert_eq!(of("viewer", Wish::default()), Err(vec!["name"]));
        assert_eq!(of("viewer", named(&"x".repeat(101))), Err(vec!["name"]));
        let month = Wish { expires_in_days: Some(30), ..named("ci") };
        assert_eq!(of("viewer", month).unwrap().expires_at, Some(NOW.plus(30 * DAY_MS)));
    }
}
