//! A request as a handler sees it: routed, its caller known, its body within the limit.

use aragora_core::access::Principal;
use aragora_core::time::Millis;
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::body;
use crate::error::{ApiError, FieldError};
use crate::query::Query;
use crate::routes::RouteId;

/// A request that passed the gate.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is asked for.
    pub route: RouteId,
    /// The method: tells `PUT` from `PATCH`, where that matters.
    pub method: Method,
    /// The path as it was sent.
    pub path: String,
    /// The query string.
    pub query: Query,
    /// The id by which this request is found in every log, ours and the workers'.
    pub request_id: String,
    /// When the request arrived. Handlers take the time from here.
    pub now: Millis,
    pub(crate) params: Vec<(&'static str, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) principal: Option<Principal>,
}

impl Call {
    /// Who is calling. On a route that needs a permission there always is somebody.
    pub fn principal(&self) -> Result<&Principal, ApiError> {
        self.principal.as_ref().ok_or_else(|| {
            ApiError::unauthenticated("no principal on this route", "a credential is required")
        })
    }

    /// A parameter of the path, decoded. Fails (500) for a name that the route does not have.
    pub fn param(&self, name: &str) -> Result<&str, ApiError> {
        let found = self.params.iter().find(|(known, _)| *known == name);
        let found = found.map(|(_, value)| value.as_str());
        found.ok_or_else(|| ApiError::internal(format!("{:?} has no parameter {name}", self.route)))
    }

    /// A header that may be given once: 400 when it is given twice or is not visible ASCII.
    pub fn header(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.headers.get_all(name).iter();
        let Some(first) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(ApiError::field(name, "may be given once"));
        }
        let text = first.to_str().map_err(|_| ApiError::field(name, "must be visible ASCII"))?;
        Ok(Some(text.trim()))
    }

    /// The body's bytes, already within the route's limit.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as any JSON value, for routes that take an object or a list.
    pub fn json_value(&self) -> Result<Value, ApiError> {
        body::parse(&self.body).map_err(one)
    }

    /// The body, which must be a JSON object with its keys in order, or nothing at all, which is
    /// the same as an empty object.
    pub fn optional_object(&self) -> Result<Map<String, Value>, ApiError> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Map::new());
        }
        self.json_object()
    }

    /// The body as the type a route wants; no body is an empty object.
    pub fn optional_json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        body::read(Value::Object(self.optional_object()?), "").map_err(one)
    }

    /// The body as the type a route wants; it must be a JSON object.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        body::read(Value::Object(self.json_object()?), "").map_err(one)
    }

    /// The body, which must be a JSON object, with its keys in order.
    pub fn json_object(&self) -> Result<Map<String, Value>, ApiError> {
        body::parse_object(&self.body).map_err(one)
    }
}

fn one(field: FieldError) -> ApiError {
    ApiError::invalid(vec![field])
}
