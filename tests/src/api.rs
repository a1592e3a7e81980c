//! A client of the HTTP API: a base URL and the headers of a credential.

use http::{Method, Request};
use hyper::body::Bytes;
use serde_json::Value;

pub use crate::http_client::Reply;
use crate::http_client::{HttpClient, target};

/// The results of publishing a list, one for each item in order.
///
/// # Panics
/// When there are none.
pub fn results(answer: &Value) -> &Vec<Value> {
    let wrapped = ["results", "events"].iter().find_map(|key| answer[*key].as_array());
    answer.as_array().or(wrapped).unwrap_or_else(|| panic!("no results in {answer}"))
}

/// A caller of the API.
#[derive(Debug, Clone)]
pub struct Api {
    http: HttpClient,
    base: String,
    headers: Vec<(String, String)>,
}

impl Api {
    /// A caller without a credential.
    pub fn anonymous(http: HttpClient, base: &str) -> Self {
        Self { http, base: base.trim_end_matches('/').to_owned(), headers: Vec::new() }
    }

    /// The same caller with one more header on every request.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same caller with a bearer token.
    #[must_use]
    pub fn with_bearer(self, token: &str) -> Self {
        self.with_header("authorization", &format!("Bearer {token}"))
    }

    /// A request to be completed and sent.
    pub fn call(&self, method: Method, path: &str) -> Call {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = target(&self.base, path);
        let call = Call { http: self.http.clone(), request };
        self.headers.iter().fold(call, |call, (name, value)| call.header(name, value))
    }

    /// `GET path`.
    pub async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path).send().await
    }

    /// `DELETE path`.
    pub async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path).send().await
    }

    /// `POST path` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::POST, path).json(body).send().await
    }

    /// `PUT path` with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::PUT, path).json(body).send().await
    }

    /// `PATCH path` with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::PATCH, path).json(body).send().await
    }

    /// `POST path` with the body's bytes as they are.
    pub async fn post_raw(&self, path: &str, body: impl Into<Bytes>) -> Reply {
        self.call(Method::POST, path).body(body).send().await
    }
}

/// One request of an [`Api`].
#[derive(Debug)]
pub struct Call {
    http: HttpClient,
    request: Request<Bytes>,
}

impl Call {
    /// Adds a header; one that is there already stays beside it.
    ///
    /// # Panics
    /// When the text cannot be a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: http::HeaderName = name.parse().expect("a header name");
        self.request.headers_mut().append(name, value.parse().expect("a header value"));
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// Sets the body's bytes, said to be JSON.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        let mut call = self.header("content-type", "application/json");
        *call.request.body_mut() = body.into();
        call
    }

    /// Sends the request.
    pub async fn send(self) -> Reply {
        self.http.send(self.request).await
    }

    /// Sends the request, and once more where a permanent redirect of the same origin sends it,
    /// as every HTTP client does.
    ///
    /// # Panics
    /// When a redirect leads nowhere.
    pub async fn follow(self) -> Reply {
        let Self { http, request } = self;
        let mut again = request.clone();
        let reply = http.send(request).await;
        if reply.status != 308 {
            return reply;
        }
        let origin = again.uri().clone();
        let base = format!(
            "{}://{}",
            origin.scheme_str().unwrap_or("http"),
            origin.authority().expect("an origin")
        );
        *again.uri_mut() = target(&base, reply.header("location"));
        http.send(again).await
    }
}
