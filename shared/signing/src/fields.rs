//! Every field of every table that holds a secret, declared once.
//!
//! Sealing, opening and migrating work from this list: values are sealed in a [`Place`], only a
//! [`Field`] gives places, and fields are only made here. So whatever is sealed is migrated. A new
//! field is a line of `stores!` below. Source: `spec/operations.md`, "Encryption and rotation".
//!
//! A store is a table whose items carry a JSON document; a path leads to a secret in it. Values are
//! bound to the store's name, the item's key and the field's name, and not to the path: a value may
//! move between the paths of one field, as a rotation moves a secret, and nowhere else. Neither
//! name ever changes.

mod reseal;

use secrecy::SecretString;
use serde_json::Value;
use thiserror::Error;

use crate::keyring::{KeyRing, NotAStoredValue, OpenError, Place, SealError, Stored};

pub use reseal::{Resealed, Trouble, Why};

/// A kind of secret in the documents of one store.
#[derive(Debug)]
pub struct Field {
    store: &'static str,
    name: &'static str,
    /// Member names with dots between them; `[]` behind a name means each of its list.
    paths: &'static [&'static str],
}

/// A table with secrets in its documents.
#[derive(Debug)]
pub struct Store {
    name: &'static str,
    fields: &'static [&'static Field],
}

/// Declares stores with their fields, and lists both.
macro_rules! stores {
    ($($store:ident { $($(#[$doc:meta])+ $field:ident = $name:literal at [$($path:literal),+];)+ })+) => {
        $($(
            $(#[$doc])+
            pub static $field: Field =
                Field { store: stringify!($store), name: $name, paths: &[$($path),+] };
        )+)+

        /// Every store.
        pub static STORES: &[Store] =
            &[$(Store { name: stringify!($store), fields: &[$(&$field),+] }),+];
    };
}

stores! {
    webhook_registrations {
        /// A webhook's signing secrets: the newest, and those it replaced.
        WEBHOOK_SECRET = "secret" at ["secret", "old_secrets[].secret"];
        /// The headers a webhook adds, as one text: their values are credentials.
        WEBHOOK_HEADERS = "headers" at ["headers"];
    }
}

/// Why a stored value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// It cannot be decrypted.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It is neither plain text nor an envelope.
    #[error(transparent)]
    Kind(#[from] NotAStoredValue),
}

impl Store {
    /// The table's name in the documents, the same in every deployment.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The store of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        STORES.iter().find(|store| store.name == name)
    }

    /// Where in a document its secrets may be, in the notation of the registry.
    pub fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().flat_map(|field| field.paths.iter().copied())
    }
}

impl Field {
    /// Where a value of the item with this key lives; the key is made by [`item_key`].
    pub const fn place<'a>(&'a self, key: &'a str) -> Place<'a> {
        Place { table: self.store, key, field: self.name }
    }

    /// Encrypts a value for the item with this key, as it is to be stored.
    ///
    /// # Errors
    /// Only when the system has no random bytes.
    pub fn seal(
        &self,
        keys: &KeyRing,
        key: &str,
        plain: &SecretString,
    ) -> Result<Value, SealError> {
        Ok(keys.seal(&self.place(key), plain)?.to_json())
    }

    /// Decrypts a stored value of the item with this key; plain text of old is given as it is.
    ///
    /// # Errors
    /// When it was stored for another place, under a key that is not in the ring, or not by us.
    pub fn open(
        &self,
        keys: &KeyRing,
        key: &str,
        stored: &Value,
    ) -> Result<SecretString, ReadError> {
        Ok(keys.open(&self.place(key), &Stored::from_json(stored)?)?)
    }
}

/// The key that an item's values are bound to: partition and sort key. Ids never contain `#`.
pub fn item_key(partition: &str, sort: &str) -> String {
    format!("{partition}#{sort}")
}

#[cfg(test)]
mod tests;
