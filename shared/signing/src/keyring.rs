//! Secrets at rest: AES-256-GCM (NIST SP 800-38D) of single fields, under keys that can be rotated.
//!
//! Source: `spec/operations.md`, "Encryption and rotation". A sealed field is stored as
//! `{"_encrypted": true, "_value": <base64>}`; the base64 (standard, padded) holds
//!
//! | bytes | |
//! |---|---|
//! | 1 | version, 1 |
//! | 8 | key id: the beginning of a hash of the key |
//! | 4 | place check: the beginning of a hash of table, key and field |
//! | 12 | nonce, random |
//! | n | ciphertext |
//! | 16 | tag |
//!
//! Table, key and field are the associated data, so that a sealed value opens nowhere but where it
//! was written. The place check authenticates nothing; it only lets the error say "moved" instead
//! of "corrupt", which are repaired differently.
//!
//! Random nonces are safe for 2^32 values per key (SP 800-38D, section 8.3), far above what one
//! deployment has of secrets between two rotations.

mod ring;
mod stored;

#[cfg(test)]
mod tests;

pub use ring::{KeyRing, KeyRingError, OpenError, Place, SealError};
pub use stored::{Envelope, NotAStoredValue, Stored};
