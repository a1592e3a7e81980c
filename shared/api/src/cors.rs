//! Which browsers may read our answers: those of the configured origins and no others.
//!
//! <https://fetch.spec.whatwg.org/#http-cors-protocol>. Origins are compared exactly and never
//! answered with `*`: credentials are allowed, and a wildcard would give them to every page.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW,
    HeaderValue, ORIGIN, VARY,
};
use http::{HeaderMap, Method};

use crate::error::method_list;
use crate::reply::Reply;

const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, X-Request-ID, traceparent",
);
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "X-Request-ID, X-Next-Cursor, Idempotent-Replayed, Location, Retry-After",
);
/// Browsers cap it at two hours or less.
const PREFLIGHT_SECONDS: HeaderValue = HeaderValue::from_static("7200");

/// The origins whose pages may call us.
#[derive(Debug, Clone, Default)]
pub struct AllowedOrigins(Vec<String>);

impl AllowedOrigins {
    /// Origins as browsers send them, such as `https://app.example.com`. Anything that is not an
    /// origin, `*` and `null` included, never matches one.
    pub fn new(origins: impl IntoIterator<Item = String>) -> Self {
        let origins =
            origins.into_iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase());
        Self(
            origins
                .filter(|origin| origin.starts_with("https://") || origin.starts_with("http://"))
                .collect(),
        )
    }

    fn admits(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let text = origin.to_str().ok()?.to_ascii_lowercase();
        self.0.contains(&text).then(|| origin.clone())
    }

    /// Adds to any answer what lets an admitted page read it. `Vary` is set in either case: a cache
    /// must not give one origin's answer to another.
    pub(crate) fn mark(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        let vary = match answer.get(VARY).and_then(|value| value.to_str().ok()) {
            Some(others) => HeaderValue::try_from(format!("{others}, Origin")).ok(),
            None => None,
        };
        answer.insert(VARY, vary.unwrap_or(HeaderValue::from_static("Origin")));
        if let Some(origin) = self.admits(request) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS);
        }
    }

    /// Answers `OPTIONS` for a path that takes `methods`.
    pub(crate) fn preflight(&self, request: &HeaderMap, methods: &[Method]) -> Reply {
        let methods = HeaderValue::try_from(method_list(methods))
            .unwrap_or(HeaderValue::from_static("OPTIONS"));
        let reply = Reply::no_content().with_header(ALLOW, methods.clone());
        if self.admits(request).is_none() {
            return reply;
        }
        reply
            .with_header(ACCESS_CONTROL_ALLOW_METHODS, methods)
            .with_header(ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS)
            .with_header(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS)
    }
}
