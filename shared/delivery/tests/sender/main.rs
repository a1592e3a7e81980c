//! The guarded sender against real sockets: what it reports, what it never does, and how long it
//! lets a receiver keep it waiting.

#![expect(clippy::expect_used, reason = "a helper that cannot go on fails the test it helps")]

mod answers;
mod bodies;
mod failures;
mod guard;
mod hostile;
mod memory;
mod names;
mod proxies;
mod receiver;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aragora_core::url_policy::UrlPolicy;
use aragora_delivery::resolve::{LookupError, Resolver};
use aragora_delivery::sender::{Answer, Attempt, Failure, Outcome, OutgoingRequest, Sender};
use http::{HeaderMap, HeaderValue};

pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// An address of the public Internet; no test ever gets as far as sending to it.
pub(crate) const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14));

/// Long enough never to matter.
pub(crate) const PATIENT: Duration = Duration::from_secs(20);
/// For tests that wait for it to pass.
pub(crate) const SHORT: Duration = Duration::from_millis(500);

/// The tests' name server: gives its answers in turn and then the last one again.
#[derive(Debug)]
pub(crate) struct Names {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

impl Names {
    pub(crate) fn in_turn<const N: usize>(answers: [&[IpAddr]; N]) -> Self {
        let reversed = answers.iter().rev().map(|answer| answer.to_vec()).collect();
        Self { answers: Mutex::new(reversed), asked: AtomicUsize::new(0) }
    }

    pub(crate) fn always(addresses: &[IpAddr]) -> Self {
        Self::in_turn([addresses])
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolver for Names {
    async fn lookup(&self, _host: &str) -> Result<Vec<IpAddr>, LookupError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().expect("no test panics while it holds this");
        let answer = if answers.len() > 1 { answers.pop() } else { answers.last().cloned() };
        answer.ok_or(LookupError::NotFound)
    }
}

/// A policy that admits plain HTTP on `port`, and loopback if asked.
pub(crate) fn policy(port: u16, allow_loopback: bool) -> UrlPolicy {
    UrlPolicy { require_https: false, allow_loopback, extra_ports: vec![port] }
}

/// A sender that may call `port` on this machine, where every name leads.
pub(crate) fn local_sender(port: u16) -> Sender {
    Sender::new(policy(port, true), Names::always(&[LOOPBACK])).expect("the sender can be built")
}

/// The URL every test calls; its query must never turn up in a message.
pub(crate) fn url(port: u16) -> String {
    format!("http://receiver.test:{port}/hidden-path?key=hidden-in-query")
}

/// Sends a small body with one header and checks what must hold for every outcome.
pub(crate) async fn post(sender: &Sender, url: &str, timeout: Duration) -> Attempt {
    let mut headers = HeaderMap::new();
    headers.insert("x-signature-sha256", HeaderValue::from_static("hidden-in-header"));
    let body = br#"{"event_type": "debate.completed"}"#.to_vec();
    let attempt = sender.send(OutgoingRequest { url, headers, body, timeout }).await;
    if let Outcome::Failed(Failure { message, .. }) = &attempt.outcome {
        assert!(!message.is_empty());
        for secret in ["hidden", "127.", "::1", ".test"] {
            assert!(!message.contains(secret), "{message} tells {secret}");
        }
    }
    attempt
}

/// The answer of an attempt that got one.
pub(crate) fn answer(attempt: Attempt) -> Answer {
    match attempt.outcome {
        Outcome::Answered(answer) => answer,
        Outcome::Failed(failure) => panic!("no answer: {failure:?}"),
    }
}

/// The failure of an attempt that got no answer.
pub(crate) fn failure(attempt: Attempt) -> Failure {
    match attempt.outcome {
        Outcome::Failed(failure) => failure,
        Outcome::Answered(answer) => panic!("an answer: {answer:?}"),
    }
}
