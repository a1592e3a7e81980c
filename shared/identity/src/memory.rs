//! What a warm worker remembers for a while.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use aragora_core::time::Millis;

/// The most things remembered: a few hundred bytes each.
const MOST: usize = 2_000;

/// A bounded map whose entries end by themselves.
pub(crate) struct Memory<K, V>(Mutex<HashMap<K, (Millis, V)>>);

impl<K: Eq + Hash, V: Clone> Memory<K, V> {
    pub(crate) fn new() -> Self {
        Self(Mutex::default())
    }

    /// What is remembered at `now`.
    pub(crate) fn get(&self, key: &K, now: Millis) -> Option<V> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(key).filter(|(until, _)| *until > now).map(|(_, value)| value.clone())
    }

    /// Remembers a value until a time. When there is no room, what has ended is dropped, and if
    /// that is nothing, everything is.
    pub(crate) fn put(&self, key: K, value: V, until: Millis, now: Millis) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST && !known.contains_key(&key) {
            known.retain(|_, (until, _)| *until > now);
            if known.len() >= MOST {
                known.clear();
            }
        }
        known.insert(key, (until, value));
    }
}

/// How much, never what: keys and values are about people.
impl<K, V> fmt::Debug for Memory<K, V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(out, "Memory({} entries)", known.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_end_and_room_is_made() {
        let memory = Memory::new();
        memory.put(0, "a", Millis(10), Millis(0));
        assert_eq!(memory.get(&0, Millis(9)), Some("a"));
        assert_eq!(memory.get(&0, Millis(10)), None);
        for key in 1..=MOST {
            memory.put(key, "b", Millis(100), Millis(20));
        }
        assert_eq!(memory.get(&1, Millis(20)), Some("b"), "the one that had ended made room");
        memory.put(MOST + 1, "c", Millis(100), Millis(20));
        assert_eq!(memory.get(&(MOST + 1), Millis(20)), Some("c"));
        assert_eq!(memory.get(&1, Millis(20)), None);
    }
}
