//! Receivers that behave as told, byte by byte, and traps that nobody may touch.

use std::future::Future;
use std::io::ErrorKind;
use std::net::TcpListener as StdListener;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// One request as it arrived.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The number of its connection, from 0.
    pub(crate) connection: usize,
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The values of a header, in order.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }
}

/// One connection at the receiving end.
pub(crate) struct Connection {
    pub(crate) number: usize,
    pub(crate) stream: TcpStream,
    seen: mpsc::UnboundedSender<Seen>,
}

impl Connection {
    /// Reads the next request; `None` when the sender has hung up.
    pub(crate) async fn request(&mut self) -> Option<()> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if self.stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let body = bytes.split_off(end);
        let head = String::from_utf8(bytes).ok()?;
        let mut seen = Seen { connection: self.number, head, body };
        let length = seen.header("content-length").first()?.parse().ok()?;
        while seen.body.len() < length {
            if self.stream.read_buf(&mut seen.body).await.ok()? == 0 {
                return None;
            }
        }
        self.seen.send(seen).ok()
    }

    /// Writes bytes; `None` when the sender no longer takes them.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Option<()> {
        self.stream.write_all(bytes.as_ref()).await.ok()
    }

    /// Waits until the sender hangs up.
    pub(crate) async fn hung_up(&mut self) {
        let mut rest = Vec::new();
        // A reset is a hanging up too.
        if self.stream.read_to_end(&mut rest).await.is_err() {}
    }
}

/// A receiver on a port of its own. Ends when dropped.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    requests: mpsc::UnboundedReceiver<Seen>,
    _serving: JoinSet<()>,
}

impl Receiver {
    /// Runs `serve` once per connection.
    pub(crate) async fn start<S, F>(serve: S) -> Self
    where
        S: Fn(Connection) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let (seen, requests) = mpsc::unbounded_channel();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            let mut number = 0;
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(Connection { number, stream, seen: seen.clone() }));
                number += 1;
            }
        });
        Self { port, requests, _serving: serving }
    }

    /// Answers every request with the same bytes and keeps the connection open.
    pub(crate) async fn answering(reply: impl Into<Vec<u8>>) -> Self {
        let reply = reply.into();
        Self::start(move |mut connection| {
            let reply = reply.clone();
            async move {
                while connection.request().await.is_some() {
                    if connection.write(&reply).await.is_none() {
                        break;
                    }
                }
            }
        })
        .await
    }

    /// Reads one request, writes `reply` and then nothing until the sender hangs up.
    pub(crate) async fn stalling_after(reply: &'static [u8]) -> Self {
        Self::start(move |mut connection| async move {
            connection.request().await;
            connection.write(reply).await;
            connection.hung_up().await;
        })
        .await
    }

    /// The next request.
    pub(crate) async fn seen(&mut self) -> Seen {
        self.requests.recv().await.expect("a request arrives")
    }

    /// No request has arrived that was not looked at.
    pub(crate) fn assert_quiet(&mut self) {
        assert!(self.requests.is_empty(), "{:?}", self.requests.try_recv());
    }
}

/// A port where no connection may ever arrive.
pub(crate) struct Trap(StdListener);

impl Trap {
    pub(crate) fn set() -> Self {
        let listener = StdListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("sockets can be non-blocking");
        Self(listener)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().expect("it is bound").port()
    }

    /// Nobody has connected. Exact without waiting: on loopback a connection is in the queue
    /// before `connect` returns to whoever made it.
    pub(crate) fn assert_untouched(&self) {
        match self.0.accept() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            other => panic!("somebody connected: {other:?}"),
        }
    }
}
