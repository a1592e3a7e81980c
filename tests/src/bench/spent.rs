//! What was spent: each invocation prints what it spent, the queue poller adds one receive and one
//! delete to each batch, and the kernel knows the CPU time of our processes.

use std::ops::{Add, AddAssign};

use crate::functions::Function;
use crate::logs::Line;
use crate::stack::Session;

/// What the poller spends on each batch: one receive, one delete.
const POLLER_REQUESTS: f64 = 2.0;

/// What was spent, in all or for each of what was done.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// `DynamoDB` write request units.
    pub write_units: f64,
    /// `DynamoDB` read request units.
    pub read_units: f64,
    /// Requests to SQS, the poller's included.
    pub sqs_requests: f64,
    /// Lambda invocations.
    pub invocations: f64,
    /// Calls of the HTTP API.
    pub http_requests: f64,
    /// Lambda time by memory, in GB-seconds, as long as the functions say it took here.
    pub gb_seconds: f64,
    /// Bytes written to the logs.
    pub log_bytes: f64,
    /// CPU time of the function processes, in milliseconds.
    pub cpu_ms: f64,
}

impl Spent {
    /// Every figure, by name, for reading and for arithmetic.
    pub fn figures(&self) -> [(&'static str, f64); 8] {
        [
            ("write_units", self.write_units),
            ("read_units", self.read_units),
            ("sqs_requests", self.sqs_requests),
            ("invocations", self.invocations),
            ("http_requests", self.http_requests),
            ("gb_seconds", self.gb_seconds),
            ("log_bytes", self.log_bytes),
            ("cpu_ms", self.cpu_ms),
        ]
    }

    /// Combines the figures of several by `with`.
    pub fn combine(all: &[Self], with: impl Fn(&[f64]) -> f64) -> Self {
        let column =
            |at: usize| with(&all.iter().map(|each| each.figures()[at].1).collect::<Vec<_>>());
        Self {
            write_units: column(0),
            read_units: column(1),
            sqs_requests: column(2),
            invocations: column(3),
            http_requests: column(4),
            gb_seconds: column(5),
            log_bytes: column(6),
            cpu_ms: column(7),
        }
    }

    /// One share of `parts`.
    #[must_use]
    pub fn divided(self, parts: f64) -> Self {
        Self::combine(&[self], |figures| figures[0] / parts)
    }
}

impl Add for Spent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::combine(&[self, other], |figures| figures.iter().sum())
    }
}

impl AddAssign for Spent {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// CPU milliseconds so far, by function.
///
/// # Panics
/// When they are more than a number holds.
pub fn cpu(session: &Session, functions: &[&str]) -> Vec<f64> {
    let of = |name: &&str| {
        session.function(name).processes().iter().map(|process| process.cpu_millis()).sum::<u64>()
    };
    functions.iter().map(|name| as_f64(usize::try_from(of(name)).expect("CPU time fits"))).collect()
}

/// What a function's own lines say since then; `by_queue` when a poller invokes it.
///
/// # Panics
/// When a line lacks a figure.
pub async fn counted(function: &Function, since: u64, by_queue: bool) -> Spent {
    let memory_gb =
        as_f64(usize::try_from(function.memory_mb().await).expect("memory fits")) / 1024.0;
    let mut total = Spent::default();
    for line in function.log().await.since(since).await {
        total += invocation(&line, by_queue, memory_gb);
        total.log_bytes += as_f64(line.message.len());
    }
    total
}

/// What one invocation says it spent; nothing when the line is another.
fn invocation(line: &Line, by_queue: bool, memory_gb: f64) -> Spent {
    let Some(write_units) = line.figure("write_units") else { return Spent::default() };
    let figure =
        |name: &str| line.figure(name).unwrap_or_else(|| panic!("no {name} in {}", line.message));
    let poller = if by_queue { POLLER_REQUESTS } else { 0.0 };
    Spent {
        write_units,
        read_units: figure("read_units"),
        sqs_requests: figure("sqs_requests") + poller,
        invocations: 1.0,
        // Billed by the millisecond begun. The emulator's own report has its waiting in it.
        gb_seconds: (figure("duration_ms") + 1.0) / 1000.0 * memory_gb,
        ..Spent::default()
    }
}

/// A count as a figure: counts here are small enough to be exact.
#[expect(clippy::cast_precision_loss, reason = "counts of one run, far below 2^52")]
pub fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(message: &str) -> Line {
        Line { message: message.to_owned(), at_millis: 0 }
    }

    #[test]
    fn an_invocations_line_is_counted_with_the_pollers_requests() {
        let printed = line(
            r#"{"message": "batch done", "duration_ms": 199, "write_units": 12.5, "read_units": 1, "sqs_requests": 2}"#,
        );
        let spent = invocation(&printed, true, 0.25);
        assert_eq!((spent.write_units, spent.read_units, spent.sqs_requests), (12.5, 1.0, 4.0));
        assert!((spent.gb_seconds - 0.05).abs() < 1e-9);
        assert!((invocation(&printed, false, 0.25).sqs_requests - 2.0).abs() < f64::EPSILON);
        assert_eq!(invocation(&line("START RequestId: 1"), true, 0.25), Spent::default());
    }

    #[test]
    fn shares_add_up() {
        let spent = Spent { write_units: 3.0, cpu_ms: 8.0, ..Spent::default() };
        assert_eq!((spent + spent).divided(2.0), spent);
    }
}
