//! Batch jobs: what users do with them ([`desk`]), what they want ([`options`]), an organisation's line of them ([`line`]), the
//! worker behind the `explanations` queue ([`worker`]), how they end ([`ending`]), and the sweep
//! that brings back a job whose message was lost ([`sweep`]).
//!
//! How a job lives is in [`aragora_core::batch`].

pub mod desk;
pub mod ending;
pub mod line;
pub mod options;
pub mod sweep;
pub mod worker;
