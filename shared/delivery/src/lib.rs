//! Deliveries: claimed, signed, sent, and their outcome kept.
//!
//! | module | stage |
//! |---|---|
//! | [`worker`] | the worker behind the `deliveries` and `retries` queues, from batch to report |
//! | [`prepare`] | pure: webhook, event and secret to body and headers |
//! | [`sender`], [`resolve`] | the one client towards receivers, and which addresses it may reach |
//! | [`classify`] | pure: what an attempt came to |
//! | [`sealed`] | secrets as they are stored |
//! | [`vault`] | the same, with every use counted |
//! | [`orders`] | the messages that ask for an attempt or for a redrive |
//! | [`trial`] | one delivery that a user asks for, outside of all this |
//! | [`sweep`] | what a dead worker left behind, and retries that are overdue |
//!
//! What becomes of a delivery is decided by [`aragora_core::delivery::machine`] alone.

pub mod classify;
pub mod orders;
pub mod prepare;
pub mod resolve;
pub mod sealed;
pub mod sender;
pub mod sweep;
pub mod trial;
pub mod vault;
pub mod worker;
