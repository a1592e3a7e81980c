//! Signatures of deliveries, the secrets they are made with, and secrets at rest.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mac`] | the three signatures a delivery carries |
//! | [`secret`] | a webhook's secret: parsing a client's own, generating ours |
//! | [`verify`] | what a receiver checks, as a library function |
//! | [`keyring`] | AES-256-GCM of single fields, with keys that can be rotated |
//!
//! No I/O but the operating system's random bytes, no clock: callers pass the time.

pub mod keyring;
pub mod mac;
pub mod secret;
pub mod verify;
