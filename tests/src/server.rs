//! A small HTTP/1 server on a loopback port of its own: the ground of the receiver, of the
//! fault-injecting proxy and of the bench's Runtime API. A handler may also answer with nothing,
//! and the connection is cut.

use std::convert::Infallible;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What a handler answers with.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// What a handler returns: a response, or `None` to cut the connection.
pub type Outcome = BoxFuture<'static, Option<Response<Body>>>;

type Handler = Arc<dyn Fn(Request<Incoming>) -> Outcome + Send + Sync>;

/// A server that runs until it is dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Dropped with the server, and all its connections with it.
    _tasks: JoinSet<()>,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Server({})", self.address)
    }
}

impl Server {
    /// Listens on a free loopback port and hands every request to `handler`.
    pub async fn start(
        handler: impl Fn(Request<Incoming>) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free loopback port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::new(handler)));
        Self { address, _tasks: tasks }
    }

    /// The origin to reach it at, without a trailing slash.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A body that is there at once.
pub fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

async fn accept(listener: TcpListener, handler: Handler) {
    let mut connections = JoinSet::new();
    loop {
        // The peer may have gone before it was accepted; that is its own affair.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&handler)));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(stream: TcpStream, handler: Handler) {
    let service = service_fn(move |request| {
        let outcome = handler(request);
        async move { outcome.await.ok_or("cut on purpose") }
    });
    // Ends with an error when the connection was cut, by either side.
    drop(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service)
            .await,
    );
}
