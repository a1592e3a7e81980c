//! What a handler answers with.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::error::ApiError;
use crate::security::Note;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An answer before it is sent: status, headers, and a body of JSON or of other bytes.
#[derive(Debug, Clone)]
pub struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    notes: Vec<Note>,
}

impl Reply {
    /// `value` as JSON. Fails (500) only for values that have no JSON form.
    pub fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Result<Self, ApiError> {
        let bytes = serde_json::to_vec(value).map_err(ApiError::internal)?;
        Ok(Self::rendered_json(status, bytes))
    }

    /// 200 with `value` as JSON.
    pub fn ok<T: Serialize + ?Sized>(value: &T) -> Result<Self, ApiError> {
        Self::json(StatusCode::OK, value)
    }

    /// 201 with `value` as JSON.
    pub fn created<T: Serialize + ?Sized>(value: &T) -> Result<Self, ApiError> {
        Self::json(StatusCode::CREATED, value)
    }

    /// 202 with `value` as JSON.
    pub fn accepted<T: Serialize + ?Sized>(value: &T) -> Result<Self, ApiError> {
        Self::json(StatusCode::ACCEPTED, value)
    }

    const fn of(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Self {
        Self { status, headers, body, notes: Vec::new() }
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::of(StatusCode::NO_CONTENT, HeaderMap::new(), Vec::new())
    }

    /// JSON that is text already.
    pub fn rendered_json(status: StatusCode, bytes: Vec<u8>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, JSON);
        // What an organisation sees is not for the caches between us.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self::of(status, headers, bytes)
    }

    /// Bytes that are not JSON.
    pub fn raw(status: StatusCode, content_type: &'static str, bytes: Vec<u8>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self::of(status, headers, bytes)
    }

    /// The same answer with one more header, replacing one of that name.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same answer with more headers, each replacing one of its name.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers.extend(headers);
        self
    }

    /// The same answer marked as a repeat of an earlier one (`Idempotent-Replayed: true`).
    #[must_use]
    pub fn replayed(self) -> Self {
        self.with_header(
            HeaderName::from_static("idempotent-replayed"),
            HeaderValue::from_static("true"),
        )
    }

    /// The same answer with something to be reported of what was done.
    #[must_use]
    pub fn noting(mut self, note: Note) -> Self {
        self.notes.push(note);
        self
    }

    /// What is to be reported.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The answer in `http`'s terms.
    pub fn into_response(self) -> Response<Vec<u8>> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// `object` with one field more.
pub(crate) fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.insert(name.to_owned(), value);
    }
    object
}
