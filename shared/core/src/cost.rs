//! What one invocation spent: the requests and units that AWS bills.
//!
//! The store and queue adapters add to a [`Meter`] from what AWS says it charged
//! (`ReturnConsumedCapacity`), and the runtime prints it once per invocation.

use std::sync::atomic::{AtomicU64, Ordering};

/// Units come in halves and, by transaction, in larger steps; tenths hold them all.
const TENTHS: f64 = 10.0;

/// Counters shared by the adapters of one function process.
#[derive(Debug, Default)]
pub struct Meter {
    write_tenths: AtomicU64,
    read_tenths: AtomicU64,
    dynamodb_requests: AtomicU64,
    sqs_requests: AtomicU64,
}

/// What was spent since the last reading.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// DynamoDB write request units, indexes included.
    pub write_units: f64,
    /// DynamoDB read request units, indexes included.
    pub read_units: f64,
    /// Requests to DynamoDB, not counting the SDK's own retries.
    pub dynamodb_requests: u64,
    /// Requests to SQS; one for each batch of at most ten messages.
    pub sqs_requests: u64,
}

impl Meter {
    /// Adds one request to DynamoDB that wrote `units`.
    pub fn wrote(&self, units: f64) {
        self.dynamodb_requests.fetch_add(1, Ordering::Relaxed);
        self.write_tenths.fetch_add(tenths(units), Ordering::Relaxed);
    }

    /// Adds one request to DynamoDB that read `units`.
    pub fn read(&self, units: f64) {
        self.dynamodb_requests.fetch_add(1, Ordering::Relaxed);
        self.read_tenths.fetch_add(tenths(units), Ordering::Relaxed);
    }

    /// Adds one request to SQS.
    pub fn queued(&self) {
        self.sqs_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// What was spent since the last call, and starts again from nothing.
    pub fn take(&self) -> Spent {
        Spent {
            write_units: units(self.write_tenths.swap(0, Ordering::Relaxed)),
            read_units: units(self.read_tenths.swap(0, Ordering::Relaxed)),
            dynamodb_requests: self.dynamodb_requests.swap(0, Ordering::Relaxed),
            sqs_requests: self.sqs_requests.swap(0, Ordering::Relaxed),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "capacity units are small, non-negative multiples of one half"
)]
fn tenths(units: f64) -> u64 {
    (units.max(0.0) * TENTHS).round() as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "one invocation spends far less than 2^52 tenths of a unit"
)]
fn units(tenths: u64) -> f64 {
    tenths as f64 / TENTHS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_starts_the_count_again() {
        let meter = Meter::default();
        meter.wrote(2.0);
        meter.wrote(1.0);
        meter.read(0.5);
        meter.queued();
        assert_eq!(
            meter.take(),
            Spent { write_units: 3.0, read_units: 0.5, dynamodb_requests: 3, sqs_requests: 1 }
        );
        assert_eq!(meter.take(), Spent::default());
    }
}
