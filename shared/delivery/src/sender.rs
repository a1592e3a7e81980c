//! The one place that calls receivers, and the only user of reqwest.
//!
//! [`Sender::send`] posts one prepared body and says what came of it: a status, or the class of
//! what went wrong. It decides nothing: whether a status is a success worth recording, when to try
//! again and whether to give up is the engine's.
//!
//! What holds for every request: the URL passes the policy, then every new connection looks its
//! name up once, refuses it if any address is refused, and connects to what was checked.
//! Redirects are answers like others. The proxy environment is not read, cookies do not exist,
//! nothing is decompressed, and the host and the framing of the request are ours.

mod body;
mod connect;
mod credentials;
mod failure;
#[cfg(test)]
mod https_tests;
mod tls;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aragora_core::url_policy::UrlPolicy;
use http::header::{self, HeaderMap, HeaderName};
use http::{Method, StatusCode};
use reqwest::{Client, Request, Response, redirect, retry};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout};

use self::connect::CheckedLookup;
use self::credentials::Credentials;
pub use self::failure::{ErrorClass, Failure};
use crate::resolve::Resolver;

/// How long an unused connection is kept. Below the 5 s after which common servers (Node, Apache,
/// uvicorn) hang up: a request written to a connection that is just being closed fails, and is
/// not repeated here because the receiver may have read it. It also bounds what a thawed function
/// finds in its pool; a connection already known to be closed is replaced without a failure.
const IDLE_LIMIT: Duration = Duration::from_secs(4);

/// Unused connections kept per receiver: one batch of ten.
const IDLE_PER_HOST: usize = 10;

/// Longest `Retry-After` passed on, in bytes; the longest legal form, an HTTP date of RFC 850,
/// has 33.
const RETRY_AFTER_LIMIT: usize = 64;

/// Headers that say where a request goes and where it ends. They are the connection's business,
/// so a caller's are dropped (registration refuses them already).
const OURS: [HeaderName; 8] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
];

/// The guarded client towards receivers. Built once per process; clones share its connections.
#[derive(Debug, Clone)]
pub struct Sender {
    policy: Arc<UrlPolicy>,
    client: Client,
}

/// One POST, ready to go.
pub struct OutgoingRequest<'a> {
    /// Where to; checked again before anything else happens.
    pub url: &'a str,
    /// All headers except those of the connection (`Host`, `Content-Length`, ...). Values marked
    /// sensitive are cut out of what is kept of the answer.
    pub headers: HeaderMap,
    /// The exact bytes the signatures were made over.
    pub body: Vec<u8>,
    /// For everything: look-up, connecting, TLS, sending, the answer's headers and what is read
    /// of its body.
    pub timeout: Duration,
}

/// URL, headers and body stay out: they carry credentials, signatures and the tenant's data.
impl fmt::Debug for OutgoingRequest<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("OutgoingRequest")
            .field("body_bytes", &self.body.len())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What came of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// An answer or a failure.
    pub outcome: Outcome,
    /// Milliseconds until the answer's headers were there, or until it failed. Reading the body
    /// is not in it.
    pub latency_ms: u64,
}

/// An answer of any status, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver answered.
    Answered(Answer),
    /// It did not.
    Failed(Failure),
}

/// A receiver's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status as received; 2xx is success and nothing else is.
    pub status: u16,
    /// `Retry-After` as received, at most 64 printable ASCII characters: seconds, an HTTP date, or
    /// nonsense. From any status; what counts is the reader's to decide.
    pub retry_after: Option<String>,
    /// The first 2,000 characters of a failure's body, made harmless and without the credentials
    /// of the request. `None` on success, when the body is empty and when it is compressed.
    pub excerpt: Option<String>,
}

impl Attempt {
    /// The status the receiver answered with, if it did.
    pub fn status(&self) -> Option<u16> {
        match &self.outcome {
            Outcome::Answered(answer) => Some(answer.status),
            Outcome::Failed(_) => None,
        }
    }

    /// Whether the receiver has taken the delivery (2xx).
    pub fn is_success(&self) -> bool {
        matches!(&self.outcome, Outcome::Answered(answer) if (200..300).contains(&answer.status))
    }
}

/// The client could not be built: a fault of the build or of this module, not of the
/// configuration.
#[derive(Debug, thiserror::Error)]
pub enum SenderSetupError {
    /// The crypto provider offers no usable protocol version.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// reqwest refused its options, for one because it links another rustls than we do.
    #[error("the HTTP client could not be built")]
    Client(#[source] reqwest::Error),
}

impl Sender {
    /// A sender with its own, empty connection pool. Opens no connection and reads no file;
    /// must not outlive the tokio runtime it first sends on.
    ///
    /// # Errors
    ///
    /// [`SenderSetupError`], which no input can cause.
    pub fn new<R: Resolver>(policy: UrlPolicy, resolver: R) -> Result<Self, SenderSetupError> {
        let tls = tls::public_roots().map_err(SenderSetupError::Tls)?;
        Self::with_tls(policy, resolver, tls)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the guarded sender the others are sent to"
    )]
    fn with_tls<R: Resolver>(
        policy: UrlPolicy,
        resolver: R,
        tls: ClientConfig,
    ) -> Result<Self, SenderSetupError> {
        let policy = Arc::new(policy);
        let lookup = CheckedLookup { policy: Arc::clone(&policy), resolver: Arc::new(resolver) };
        // What no feature of ours enables is switched off all the same: features add up over the
        // whole build, and one crate that wants gzip would give it to this client too.
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(lookup)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .http1_only()
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .build()
            .map_err(SenderSetupError::Client)?;
        Ok(Self { policy, client })
    }

    /// Sends one request and waits for what comes of it, at most `request.timeout`.
    ///
    /// Never an error: whatever happens is the attempt's outcome. Dropping the future gives the
    /// request up and closes its connection. A connection that the receiver had closed before the
    /// request was written is replaced silently; a request that was written is not repeated.
    pub async fn send(&self, request: OutgoingRequest<'_>) -> Attempt {
        let limit = request.timeout;
        let started = Instant::now();
        let credentials = Credentials::of(&request.headers);
        let answered = match self.prepare(request) {
            Ok(prepared) => exchange(&self.client, prepared, limit).await,
            Err(failure) => Err(failure),
        };
        let elapsed = started.elapsed();
        let outcome = match answered {
            Ok(response) => {
                let remaining = limit.saturating_sub(elapsed);
                Outcome::Answered(read(response, &credentials, remaining).await)
            }
            Err(failure) => Outcome::Failed(failure),
        };
        Attempt { outcome, latency_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX) }
    }

    fn prepare(&self, request: OutgoingRequest<'_>) -> Result<Request, Failure> {
        let checked = self.policy.check(request.url).map_err(Failure::refused)?;
        let mut prepared = Request::new(Method::POST, checked.url().clone());
        *prepared.headers_mut() = request.headers;
        for name in OURS {
            prepared.headers_mut().remove(name);
        }
        *prepared.body_mut() = Some(request.body.into());
        Ok(prepared)
    }
}

async fn exchange(client: &Client, request: Request, limit: Duration) -> Result<Response, Failure> {
    match timeout(limit, client.execute(request)).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(error)) => Err(Failure::of(&error)),
        Err(_elapsed) => Err(Failure::timed_out(limit)),
    }
}

async fn read(response: Response, credentials: &Credentials, remaining: Duration) -> Answer {
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let excerpt = if status.is_success() {
        body::discard(response, remaining).await;
        None
    } else if status == StatusCode::SWITCHING_PROTOCOLS {
        // What follows is not a body but another protocol, which we did not ask for.
        None
    } else {
        body::excerpt(response, credentials, remaining).await
    };
    Answer { status: status.as_u16(), retry_after, excerpt }
}

fn retry_after(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    (value.len() <= RETRY_AFTER_LIMIT).then(|| value.to_owned())
}
