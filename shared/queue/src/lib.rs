//! The queues: what is written on messages, and sending them.
//!
//! Queues carry ids and, when it is small, the event itself; nothing on a queue is the only copy
//! of anything. Messages have a version, and the reader takes the versions it knows: old and new
//! code run side by side during a deployment.

pub mod inbound;
pub mod message;

mod dead_letter;
mod sqs;

pub use dead_letter::bury;
pub use sqs::{Outgoing, Queue, QueueError, Sqs};

/// Seconds that SQS can hold a message back: 15 minutes.
pub const LONGEST_DELAY_SECONDS: i64 = 900;
