//! Redelivery jobs: what users do with them ([`desk`]), how what they are about is found ([`walk`])
//! and started ([`start`]), the worker behind the `jobs` queue ([`worker`]), and the sweep that
//! brings back a job whose message was lost ([`sweep`]).
//!
//! How a job lives is in [`aragora_core::redelivery`].

pub mod desk;
pub mod start;
pub mod sweep;
pub mod walk;
pub mod worker;

use aragora_core::redelivery::Job;
use aragora_queue::Outgoing;
use aragora_queue::message::{GoOn, encode};

/// The message that makes a worker go on with a job, `delay_seconds` (at most 900) from now.
fn go_on(org: &str, job: &Job, delay_seconds: i32) -> Outgoing {
    let order =
        GoOn { org: org.to_owned(), job_id: job.id.clone(), request_id: job.request_id.clone() };
    Outgoing {
        body: encode(&order),
        group: org.to_owned(),
        request_id: job.request_id.clone(),
        delay_seconds,
        reason: None,
    }
}
