//! Who may call, and how often: credentials turned into callers, keys, sessions, roles, limits.
//!
//! | module | what it holds |
//! |---|---|
//! | [`tokens`] | reading and issuing JWTs |
//! | [`door`] | a presented credential turned into a caller, or into a refusal |
//! | [`guard`] | all that stands between a credential and a handler |
//! | [`keys`] | a user's API keys |
//! | [`sessions`] | refreshing tokens, ending them |
//! | [`roles`] | an organisation's own roles |
//! | [`limits`] | requests per second of organisations and credentials |
//! | [`guesses`] | slowing down those who try credentials |
//!
//! What is read of the table is remembered by a warm worker for [`REMEMBERED_MS`], so that most
//! requests ask nothing, and what is revoked is revoked everywhere within a minute.

pub mod door;
pub mod guard;
pub mod guesses;
pub mod keys;
pub mod limits;
mod memory;
pub mod roles;
pub mod sessions;
pub mod tokens;

/// How long a worker believes what it read.
pub const REMEMBERED_MS: i64 = 30_000;
