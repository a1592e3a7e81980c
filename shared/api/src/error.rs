//! What can go wrong with a request, and the one place that says so to the caller.
//!
//! The shape is that of `spec/decisions.md` ("Errors"): flat JSON with `error`, `code`,
//! `request_id` and, for invalid input, `errors`. A cause is kept for the log and never rendered.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use aragora_core::access::Permission;
use aragora_core::audit::Action;
use aragora_core::time::Millis;
use aragora_store::StoreError;
use http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::reply::Reply;
use crate::security::Note;

/// The reason of a request that came without a credential.
const NO_CREDENTIAL: &str = "no credential";

/// The closed list of what a caller can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input breaks a rule; `errors` says which field and how.
    Invalid,
    /// No credential, or not a good one.
    Unauthenticated,
    /// The caller lacks a permission.
    Forbidden,
    /// Nothing of that name that the caller may see.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The request contradicts what is already there.
    Conflict,
    /// The body is over the route's limit.
    TooLarge,
    /// The caller is too fast.
    TooManyRequests,
    /// Our fault.
    Internal,
    /// Something we need does not answer; trying again later may help.
    Unavailable,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: &[Self] = &[
        Self::Invalid,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::TooLarge,
        Self::TooManyRequests,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The HTTP status it is answered with.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The `code` that programs read, unless the error has a more exact one.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid_input",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::TooManyRequests => "too_many_requests",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }
}

/// One field of the input and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// A dotted path such as `retry_policy.max_retries`, the name of a query parameter or header,
    /// or `body` for the whole.
    pub field: String,
    /// What would be right. Never repeats what was sent, which may be a secret.
    pub message: String,
}

impl FieldError {
    /// `message` about `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why a request is not answered with what it asked for.
pub struct ApiError(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    code: &'static str,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    headers: HeaderMap,
    reason: Option<&'static str>,
    notes: Vec<Note>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ApiError {
    fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            code: kind.code(),
            message: message.into(),
            fields: Vec::new(),
            headers: HeaderMap::new(),
            reason: None,
            notes: Vec::new(),
            source: None,
        }))
    }

    /// 400: every field that breaks a rule. The agenta profile will answer its own with 422.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [] => Cow::Borrowed("the input is not valid"),
            [only] => Cow::Owned(format!("{}: {}", only.field, only.message)),
            several => Cow::Owned(format!("{} fields are not valid", several.len())),
        };
        let mut error = Self::new(ErrorKind::Invalid, message);
        error.0.fields = fields;
        error
    }

    /// 400 about one field.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// 401. `reason` is a stable word for the log; the caller only learns `message`.
    pub fn unauthenticated(reason: &'static str, message: &'static str) -> Self {
        let mut error = Self::new(ErrorKind::Unauthenticated, message);
        error.0.reason = Some(reason);
        error.0.headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        // Whoever tries none has not tried one that is not good.
        if reason == NO_CREDENTIAL {
            return error;
        }
        error.noting(Note::new(Action::AuthFailed).with("reason", reason))
    }

    /// 401: the credential is not good. `reason` is a stable word for the log.
    pub fn bad_credential(reason: &'static str) -> Self {
        Self::unauthenticated(reason, "a valid credential is required")
    }

    /// 403: the caller lacks `permission`.
    pub fn forbidden(permission: Permission) -> Self {
        Self::new(ErrorKind::Forbidden, format!("the permission {permission} is missing"))
            .noting(Note::new(Action::PermissionDenied).with("permission", permission))
    }

    /// 403: the route is for people, with a token of their own.
    pub fn people_only() -> Self {
        Self::new(ErrorKind::Forbidden, "a user's own token is needed, not a key or a service's")
            .noting(Note::new(Action::PermissionDenied).with("credential", "token"))
    }

    /// 403: the route is for people with the role `admin` or `owner`.
    pub fn admins_only() -> Self {
        Self::new(ErrorKind::Forbidden, "a token with the role admin or owner is needed")
            .noting(Note::new(Action::PermissionDenied).with("role", "admin"))
    }

    /// 403: the thing is somebody else's, or the caller's own where that is not allowed.
    pub fn not_yours(message: &'static str) -> Self {
        Self::new(ErrorKind::Forbidden, message)
    }

    /// 404: there is no such `what` (a kind of thing, such as `webhook`). Another organisation's is
    /// not found either, so never say whose it is.
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorKind::NotFound, format!("{what} not found"))
    }

    /// 405 with the methods that the path does take.
    pub fn method_not_allowed(allow: &[Method]) -> Self {
        let mut error =
            Self::new(ErrorKind::MethodNotAllowed, "the path does not take this method");
        if let Ok(value) = HeaderValue::try_from(method_list(allow)) {
            error.0.headers.insert(ALLOW, value);
        }
        error
    }

    /// 409.
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// 413: more than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(ErrorKind::TooLarge, format!("the body may have at most {limit} bytes"))
    }

    /// 429 with `Retry-After`.
    pub fn too_many(retry_after_seconds: u32) -> Self {
        Self::new(ErrorKind::TooManyRequests, "too many requests").retry_after(retry_after_seconds)
    }

    /// 429 with `Retry-After`: whole seconds from `now` to `until`, rounded up.
    pub fn too_many_until(until: Millis, now: Millis) -> Self {
        let seconds = until.since(now).max(1).saturating_add(999) / 1_000;
        Self::too_many(u32::try_from(seconds).unwrap_or(u32::MAX))
    }

    /// 500. The cause is logged with its chain and never shown.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, "internal error").caused_by(cause)
    }

    /// 503: what we stand on does not answer. The cause is logged with its chain and never shown.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Unavailable, "the service is not available, try again shortly")
            .caused_by(cause)
            .retry_after(1)
    }

    /// The same error with a more exact `code` for programs.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = code;
        self
    }

    /// The same error with a cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.source = Some(cause.into());
        self
    }

    /// The same error with something to be reported of it.
    #[must_use]
    pub fn noting(mut self, note: Note) -> Self {
        self.0.notes.push(note);
        self
    }

    fn retry_after(mut self, seconds: u32) -> Self {
        self.0.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The `code` in the answer.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// The fields in the answer.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// The word for the log that a caller is not told.
    pub fn reason(&self) -> Option<&'static str> {
        self.0.reason
    }

    /// What is to be reported of it.
    pub fn notes(&self) -> &[Note] {
        &self.0.notes
    }

    /// The answer. This is the only place where errors become text for callers.
    pub fn render(self, request_id: &str) -> Reply {
        let bytes = serde_json::to_vec(&self.body(request_id)).unwrap_or_default();
        let inner = *self.0;
        Reply::rendered_json(inner.kind.status(), bytes).with_headers(inner.headers)
    }

    /// The same text as a value, for one item of a list whose other items went well.
    pub fn into_value(self, request_id: &str) -> Value {
        // Text and lists of text always have a JSON form.
        serde_json::to_value(self.body(request_id)).unwrap_or_default()
    }

    fn body<'a>(&'a self, request_id: &'a str) -> Body<'a> {
        Body { error: &self.0.message, code: self.0.code, request_id, errors: &self.0.fields }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    error: &'a str,
    code: &'a str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt { .. } => Self::internal(error),
            StoreError::Throttled | StoreError::Unavailable(_) | StoreError::Incomplete(_) => {
                Self::unavailable(error)
            }
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.message)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ApiError")
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("fields", &self.0.fields)
            .field("reason", &self.0.reason)
            .field("source", &self.0.source)
            .finish_non_exhaustive()
    }
}

impl Error for ApiError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// An error and all its causes on one line, for the log.
#[derive(Debug)]
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(out, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

/// `GET, POST`, as `Allow` and CORS want it.
pub(crate) fn method_list(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
