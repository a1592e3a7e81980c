//! Bringing the secrets of one document up to the first key of the ring.

use serde_json::Value;
use thiserror::Error;

use super::{Field, ReadError, Store};
use crate::keyring::{KeyRing, SealError, Stored};

/// What became of a document.
#[derive(Debug, Default)]
pub struct Resealed {
    /// Values that were plain or under an older key, and are sealed under the first one now.
    pub sealed: usize,
    /// What was left as it is because it cannot be read.
    pub troubles: Vec<Trouble>,
}

/// One place in a document that cannot be brought up to date. No value is repeated.
#[derive(Debug)]
pub struct Trouble {
    /// The way to it, such as `old_secrets[1].secret`; empty for the document itself.
    pub path: String,
    /// What is wrong.
    pub why: Why,
}

/// What is wrong with a place in a document.
#[derive(Debug, Error)]
pub enum Why {
    /// The value cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It could not be sealed again.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// There is something else where an object should be.
    #[error("is no object")]
    NoObject,
    /// There is something else where a list should be.
    #[error("is no list")]
    NoList,
}

impl Store {
    /// Seals every secret of a document that is plain or under an older key of the ring anew, and
    /// touches nothing else. `key` is what [`item_key`](super::item_key) gives for its item. What
    /// is up to date is opened as well: that its key is the first one does not mean that it opens.
    /// Doing it twice changes nothing the second time.
    pub fn reseal(&self, keys: &KeyRing, key: &str, document: &mut Value) -> Resealed {
        let mut all = Resealed::default();
        for field in self.fields {
            for path in field.paths {
                let mut each = |stored: &mut Value| field.reseal(keys, key, stored);
                walk(document, path, String::new(), &mut each, &mut all);
            }
        }
        all
    }
}

impl Field {
    /// Whether the value had to be sealed anew.
    fn reseal(&self, keys: &KeyRing, key: &str, stored: &mut Value) -> Result<bool, Why> {
        let plain = self.open(keys, key, stored)?;
        if Stored::from_json(stored).is_ok_and(|stored| keys.is_current(&stored)) {
            return Ok(false);
        }
        *stored = self.seal(keys, key, &plain)?;
        Ok(true)
    }
}

/// Calls `each` with every value that `path` leads to. What is absent or null is not there: fields
/// are optional.
fn walk(
    value: &mut Value,
    path: &str,
    at: String,
    each: &mut impl FnMut(&mut Value) -> Result<bool, Why>,
    all: &mut Resealed,
) {
    if path.is_empty() {
        match each(value) {
            Ok(sealed) => all.sealed += usize::from(sealed),
            Err(why) => all.trouble(at, why),
        }
        return;
    }
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(members) = value.as_object_mut() else { return all.trouble(at, Why::NoObject) };
    let name = step.trim_end_matches("[]");
    let Some(member) = members.get_mut(name).filter(|member| !member.is_null()) else { return };
    let at = if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
    if name == step {
        return walk(member, rest, at, each, all);
    }
    let Some(entries) = member.as_array_mut() else { return all.trouble(at, Why::NoList) };
    for (index, entry) in entries.iter_mut().enumerate() {
        walk(entry, rest, format!("{at}[{index}]"), each, all);
    }
}

impl Resealed {
    /// Two paths may end at the same obstacle, which is told once.
    fn trouble(&mut self, path: String, why: Why) {
        if self.troubles.iter().all(|known| known.path != path) {
            self.troubles.push(Trouble { path, why });
        }
    }
}
