//! A webhook receiver on a loopback port: it answers as it is told, and remembers what it got.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::clock::now_millis;
use crate::server::{self, Server};
use crate::wait::PATIENCE;

/// How a receiver answers one request.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    delay: Duration,
    ending: Ending,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Whole,
    EndlessBody,
    Hang,
    Cut,
}

impl Answer {
    /// An empty answer with this status.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: String::new(),
            delay: Duration::ZERO,
            ending: Ending::Whole,
        }
    }

    /// Never answers; the connection stays open.
    pub fn hang() -> Self {
        Self { ending: Ending::Hang, ..Self::status(200) }
    }

    /// Reads the request, then closes the connection.
    pub fn cut() -> Self {
        Self { ending: Ending::Cut, ..Self::status(200) }
    }

    /// Sends the head of the answer at once, a first part of a body, and never the end of it.
    pub fn endless(status: u16) -> Self {
        Self { ending: Ending::EndlessBody, ..Self::status(status) }
    }

    /// The same answer with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same answer with a body.
    #[must_use]
    pub fn body(self, body: &str) -> Self {
        Self { body: body.to_owned(), ..self }
    }

    /// The same answer, later.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    async fn give(self) -> Option<Response<server::Body>> {
        tokio::time::sleep(self.delay).await;
        let body = match self.ending {
            Ending::Whole => server::whole(self.body),
            Ending::EndlessBody => endless_body(),
            Ending::Hang => std::future::pending().await,
            Ending::Cut => return None,
        };
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        Some(response.body(body).expect("a scripted answer is a response"))
    }
}

/// A first chunk, and then nothing more while the connection is open.
fn endless_body() -> server::Body {
    let first = Frame::data(Bytes::from_static(b"the first of many"));
    let frames = futures_util::stream::unfold(Some(first), async |next| match next {
        Some(frame) => Some((Ok(frame), None)),
        None => std::future::pending().await,
    });
    StreamBody::new(frames).boxed_unsync()
}

/// One request that arrived.
#[derive(Debug, Clone)]
pub struct Received {
    /// The path it came to.
    pub path: String,
    /// The how manyth on this path, from 1.
    pub nth: usize,
    /// All its headers.
    pub headers: HeaderMap,
    /// Its body, byte for byte.
    pub body: Bytes,
    /// When it had been read, in milliseconds since 1970.
    pub at_millis: u64,
}

impl Received {
    /// The value of a header that must be there exactly once.
    ///
    /// # Panics
    /// When it is not.
    pub fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().unwrap_or_else(|| panic!("no {name} in {:?}", self.headers));
        assert!(values.next().is_none(), "{name} twice in {:?}", self.headers);
        value.to_str().expect("a header in ASCII")
    }

    /// The body as text.
    ///
    /// # Panics
    /// When it is not UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// A text of the body's top level.
    ///
    /// # Panics
    /// When there is none.
    pub fn field(&self, name: &str) -> String {
        self.json()[name]
            .as_str()
            .unwrap_or_else(|| panic!("no text at {name:?} in {}", self.text()))
            .to_owned()
    }
}

type Behaviour = Arc<dyn Fn(&Received) -> Answer + Send + Sync>;

#[derive(Default)]
struct State {
    received: HashMap<String, Vec<Received>>,
    behaviours: HashMap<String, Behaviour>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    arrived: Notify,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panicked while it held the receiver")
    }

    async fn take(self: Arc<Self>, request: Request<Incoming>) -> Option<Response<server::Body>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        let answer = self.remember(head.uri.path(), head.headers, body);
        self.arrived.notify_waiters();
        answer.give().await
    }

    fn remember(&self, path: &str, headers: HeaderMap, body: Bytes) -> Answer {
        let mut state = self.state();
        let seen = state.received.entry(path.to_owned()).or_default();
        let request = Received {
            path: path.to_owned(),
            nth: seen.len() + 1,
            headers,
            body,
            at_millis: now_millis(),
        };
        seen.push(request.clone());
        match state.behaviours.get(path).cloned() {
            Some(behaviour) => behaviour(&request),
            None => Answer::status(200),
        }
    }
}

/// A receiver. Unless told otherwise it answers 200 on every path.
pub struct Receiver {
    server: Server,
    shared: Arc<Shared>,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Receiver({})", self.server.address)
    }
}

impl Receiver {
    /// Starts one on a free loopback port; it ends when it is dropped.
    pub async fn start() -> Self {
        let shared = Arc::new(Shared::default());
        let handler = Arc::clone(&shared);
        let server =
            Server::start(move |request| Box::pin(Arc::clone(&handler).take(request))).await;
        Self { server, shared }
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.server.origin())
    }

    /// Answers requests to `path` in this order, and the last for ever after.
    ///
    /// # Panics
    /// When there are no answers.
    pub fn script(&self, path: &str, answers: impl Into<Vec<Answer>>) {
        let answers = answers.into();
        assert!(!answers.is_empty(), "a script has at least one answer");
        self.behave(path, move |request| answers[request.nth.min(answers.len()) - 1].clone());
    }

    /// Answers requests to `path` by what they carry.
    pub fn behave(
        &self,
        path: &str,
        behaviour: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) {
        self.shared.state().behaviours.insert(path.to_owned(), Arc::new(behaviour));
    }

    /// What came to `path` so far, in order.
    pub fn received(&self, path: &str) -> Vec<Received> {
        self.shared.state().received.get(path).cloned().unwrap_or_default()
    }

    /// How many requests came to `path` so far.
    pub fn count(&self, path: &str) -> usize {
        self.shared.state().received.get(path).map_or(0, Vec::len)
    }

    /// Waits until `path` got its `nth` request (from 1) and returns it.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn nth(&self, path: &str, nth: usize) -> Received {
        self.at_least(path, nth, PATIENCE).await.swap_remove(nth - 1)
    }

    /// Waits until `path` got at least `count` requests and returns them all.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub async fn at_least(&self, path: &str, count: usize, limit: Duration) -> Vec<Received> {
        let started = Instant::now();
        loop {
            let arrived = self.shared.arrived.notified();
            if self.count(path) >= count {
                return self.received(path);
            }
            let left = limit.saturating_sub(started.elapsed());
            let woken = timeout(left, arrived).await.is_ok();
            assert!(woken, "{} of {count} requests to {path} after {limit:?}", self.count(path));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http_client::{HttpClient, target};

    fn post(receiver: &Receiver, path: &str) -> Request<Bytes> {
        Request::post(target(&receiver.server.origin(), path))
            .body(Bytes::from_static(b"{\"a\": 1}"))
            .unwrap()
    }

    #[tokio::test]
    async fn a_script_is_followed_and_its_last_answer_stays() {
        let receiver = Receiver::start().await;
        receiver.script(
            "/a",
            [Answer::status(503).header("retry-after", "2").body("busy"), Answer::status(204)],
        );
        let http = HttpClient::new();
        let first = http.send(post(&receiver, "/a")).await;
        assert_eq!(
            (first.status, first.header("retry-after"), first.text().as_str()),
            (503, "2", "busy")
        );
        for _ in 0..2 {
            assert_eq!(http.send(post(&receiver, "/a")).await.status, 204);
        }
        assert_eq!(http.send(post(&receiver, "/b")).await.status, 200);
        assert_eq!(receiver.count("/a"), 3);
        let third = receiver.nth("/a", 3).await;
        assert_eq!(
            (third.nth, third.text(), third.json()["a"].as_u64()),
            (3, "{\"a\": 1}", Some(1))
        );
    }

    #[tokio::test]
    async fn a_cut_connection_is_no_answer() {
        let receiver = Receiver::start().await;
        receiver.script("/a", [Answer::cut()]);
        assert!(HttpClient::new().try_send(post(&receiver, "/a")).await.is_err());
        assert_eq!(receiver.count("/a"), 1);
    }

    #[tokio::test]
    async fn hanging_and_endless_answers_do_not_end() {
        let receiver = Receiver::start().await;
        receiver.script("/hang", [Answer::hang()]);
        receiver.script("/endless", [Answer::endless(200)]);
        let http = HttpClient::new();
        for path in ["/hang", "/endless"] {
            let answer =
                timeout(Duration::from_millis(200), http.try_send(post(&receiver, path))).await;
            assert!(answer.is_err(), "{path} ended");
            assert_eq!(receiver.count(path), 1);
        }
    }
}
