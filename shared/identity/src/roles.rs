//! An organisation's own roles: names for sets of permissions, beside the product's.

use aragora_core::access::{Permission, ROLES};
use aragora_store::StoreError;
use aragora_store::identity::{Identity, OwnRoles};
use aragora_store::registrations::Changed;
use thiserror::Error;

/// The most roles of one organisation.
pub const MAX_ROLES: usize = 50;
/// The most characters of a name.
pub const MAX_NAME_CHARS: usize = 50;
/// How often a change is tried that others keep getting in the way of.
const ROUNDS: usize = 5;

/// Why a role was not changed.
#[derive(Debug, Error)]
pub enum RoleError {
    /// A field of it is bad: which, and what it must be.
    #[error("{0} {1}")]
    Invalid(&'static str, String),
    /// The organisation has no such role.
    #[error("there is no such role")]
    NotFound,
    /// Others keep changing the roles.
    #[error("the roles are being changed by somebody else")]
    Contended,
    /// The table did not answer.
    #[error("the roles did not answer")]
    Store(#[from] StoreError),
}

/// What admins do with roles. A change is seen by warm workers within half a minute.
#[derive(Debug, Clone)]
pub struct RoleDesk {
    /// Where they are kept.
    pub identity: Identity,
}

impl RoleDesk {
    /// The organisation's own roles. One read unit per 4 KB.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn list(&self, org: &str) -> Result<OwnRoles, RoleError> {
        Ok(self.identity.own_roles(org).await?.0)
    }

    /// Makes a role, or changes what it grants; gives the permissions as they are stored. A read
    /// unit per 4 KB and a write unit per KB of the organisation's roles.
    ///
    /// # Errors
    /// [`RoleError::Invalid`] also for the names of the product's roles, which are not to change.
    pub async fn put(
        &self,
        org: &str,
        name: &str,
        permissions: &[String],
    ) -> Result<Vec<String>, RoleError> {
        check_name(name)?;
        let permissions = known(permissions)?;
        self.change(org, |roles| {
            if !roles.contains_key(name) && roles.len() >= MAX_ROLES {
                let message = format!("is one too many: an organisation has at most {MAX_ROLES}");
                return Err(RoleError::Invalid("role", message));
            }
            roles.insert(name.to_owned(), permissions.clone());
            Ok(())
        })
        .await?;
        Ok(permissions)
    }

    /// Deletes a role; whoever has it is granted nothing by it any more. Costs the same.
    ///
    /// # Errors
    /// [`RoleError::NotFound`] when there is none.
    pub async fn delete(&self, org: &str, name: &str) -> Result<(), RoleError> {
        self.change(org, |roles| roles.remove(name).map(drop).ok_or(RoleError::NotFound)).await
    }

    async fn change(
        &self,
        org: &str,
        change: impl Fn(&mut OwnRoles) -> Result<(), RoleError>,
    ) -> Result<(), RoleError> {
        for _ in 0..ROUNDS {
            let (mut roles, rev) = self.identity.own_roles(org).await?;
            change(&mut roles)?;
            if self.identity.put_own_roles(org, &roles, rev).await? == Changed::Done {
                return Ok(());
            }
        }
        Err(RoleError::Contended)
    }
}

fn check_name(name: &str) -> Result<(), RoleError> {
    let is_slug = (1..=MAX_NAME_CHARS).contains(&name.len())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
        });
    if !is_slug {
        let message = format!("must be 1 to {MAX_NAME_CHARS} of a-z, 0-9, _ and -");
        return Err(RoleError::Invalid("role", message));
    }
    if ROLES.iter().any(|(known, _)| *known == name) {
        return Err(RoleError::Invalid("role", "is one of the product's own".to_owned()));
    }
    Ok(())
}

/// The permissions in our spelling, each once.
fn known(names: &[String]) -> Result<Vec<String>, RoleError> {
    let mut permissions = Vec::new();
    for name in names {
        let permission = Permission::parse(name).ok_or_else(|| {
            RoleError::Invalid("permissions", "must be names of permissions".to_owned())
        })?;
        if !permissions.iter().any(|known| known == permission.name()) {
            permissions.push(permission.name().to_owned());
        }
    }
    Ok(permissions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_slugs_and_not_the_products() {
        for good in ["support", "on-call_2", &"x".repeat(50)] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Admin", "admin", "owner", "service", "a b", "ä", "a#b", &"x".repeat(51)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn permissions_are_known_and_named_once() {
        let of =
            |names: &[&str]| known(&names.iter().map(|&it| it.to_owned()).collect::<Vec<_>>()).ok();
        let read = Some(vec!["webhooks:read".to_owned()]);
        assert_eq!(of(&["webhooks.read", "view_webhooks", "webhooks:read"]), read);
        assert_eq!(of(&[]), Some(vec![]));
        assert_eq!(of(&["webhooks:read", "*"]), None);
    }
}
