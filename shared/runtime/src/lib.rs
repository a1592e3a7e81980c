//! The process around a function: the only crate that knows Lambda, and how AWS is reached.
//!
//! A function's `main` is one call of [`http::run_http`], [`queue::run_sqs`],
//! [`schedule::run_schedule`] or [`invoked::run_invoked`]. Each of them reads the configuration
//! ([`config`]), starts the log ([`logging`]), builds the application from a [`boot::Boot`] and
//! polls; clients ([`aws`]) are built when they are first used. Handlers are plain functions over
//! plain types.

pub mod apps;
pub mod aws;
pub mod boot;
pub mod clock;
pub mod config;
pub mod http;
pub mod invoked;
pub mod logging;
mod metrics;
pub mod queue;
pub mod schedule;

pub use self::http::run_http;
pub use boot::{Boot, BootError, BoxError};
pub use invoked::run_invoked;
pub use queue::{BatchReport, run_sqs};
pub use schedule::{Counts, run_schedule};
