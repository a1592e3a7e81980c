//! The client side of HTTP: one connection pool for a test, and answers with their shape
//! checked where a test reads them.

use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A plain HTTP client. Clones share their connections.
#[derive(Debug, Clone)]
pub struct HttpClient(Client<HttpConnector, Full<Bytes>>);

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpClient {
    /// A client with no connections yet. Make one in each test: its connections live in the
    /// test's own runtime.
    pub fn new() -> Self {
        Self(Client::builder(TokioExecutor::new()).build_http())
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Panics
    /// When there is no whole answer.
    pub async fn send(&self, request: Request<Bytes>) -> Reply {
        let target = format!("{} {}", request.method(), request.uri());
        self.try_send(request).await.unwrap_or_else(|error| panic!("{target}: {error}"))
    }

    /// Sends a request and reads the whole answer; the error says what broke.
    pub async fn try_send(&self, request: Request<Bytes>) -> Result<Reply, String> {
        let answer = self.0.request(request.map(Full::new)).await.map_err(|error| chain(&error))?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| chain(&error))?.to_bytes();
        Ok(Reply { status: head.status.as_u16(), headers: head.headers, body })
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Parses `base` + `path` as the target of a request.
///
/// # Panics
/// When they make no URI.
pub fn target(base: &str, path: &str) -> Uri {
    format!("{base}{path}").parse().unwrap_or_else(|error| panic!("{base}{path}: {error}"))
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Bytes,
}

impl Reply {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in ASCII"))
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error} in the {} answer {:?}", self.status, self.text())
        })
    }

    /// The JSON body of an answer that must have this status.
    ///
    /// # Panics
    /// When it has another, showing the body.
    pub fn must(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// An answer that must be one of the 2xx.
    ///
    /// # Panics
    /// When it is not, showing the body.
    pub fn must_succeed(&self) {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text());
    }

    /// The JSON body of an error that must have this status and the flat shape that every
    /// error has.
    ///
    /// # Panics
    /// When the status or the shape is another.
    pub fn must_refuse(&self, status: u16) -> Value {
        let error = self.must(status);
        let text = |key: &str| {
            error[key]
                .as_str()
                .unwrap_or_else(|| panic!("no text at {key:?} in {error}"))
                .to_owned()
        };
        assert!(!text("error").is_empty(), "{error}");
        let code = text("code");
        let machine_readable =
            |at: char| at.is_ascii_lowercase() || at.is_ascii_digit() || at == '_';
        assert!(!code.is_empty() && code.chars().all(machine_readable), "code {code:?}");
        assert_eq!(text("request_id"), self.header("x-request-id"), "{error}");
        assert!(self.header("content-type").starts_with("application/json"), "{:?}", self.headers);
        error
    }

    /// The fields that a 400 names.
    ///
    /// # Panics
    /// When it is no 400, or says nothing of fields.
    pub fn bad_fields(&self) -> Vec<String> {
        let error = self.must_refuse(400);
        let errors = error["errors"].as_array().unwrap_or_else(|| panic!("no errors[] in {error}"));
        let named = errors.iter().map(|each| {
            assert!(each["message"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
            each["field"].as_str().unwrap_or_else(|| panic!("no field in {error}")).to_owned()
        });
        named.collect()
    }

    /// Whether a 400 names `field`, or something inside it (`field.inner`, `field[0]`).
    pub fn names(&self, field: &str) -> bool {
        let inside = |named: &String| {
            named
                .strip_prefix(field)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.bad_fields().iter().any(inside)
    }
}
