//! Each kind of error, as a caller sees it.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::{Value, json};

use super::*;

fn rendered(error: ApiError) -> (u16, Value, HeaderMap) {
    let reply = error.render("req-1");
    let body = serde_json::from_slice(reply.body()).unwrap();
    (reply.status().as_u16(), body, reply.headers().clone())
}

#[derive(Debug)]
struct Cause(Option<Box<Self>>, &'static str);

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.1)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|cause| cause as _)
    }
}

fn cause() -> Cause {
    Cause(Some(Box::new(Cause(None, "connection refused"))), "table secret-table")
}

#[test]
fn every_kind_has_its_status_and_code() {
    for (error, status, code, text) in [
        (ApiError::field("url", "is required"), 400, "invalid_input", "url: is required"),
        (
            ApiError::unauthenticated("expired", "a credential"),
            401,
            "unauthenticated",
            "a credential",
        ),
        (
            ApiError::forbidden(Permission::WebhooksWrite),
            403,
            "forbidden",
            "the permission webhooks:write is missing",
        ),
        (ApiError::not_found("webhook"), 404, "not_found", "webhook not found"),
        (
            ApiError::method_not_allowed(&[Method::GET]),
            405,
            "method_not_allowed",
            "the path does not take this method",
        ),
        (ApiError::conflict("used with another body"), 409, "conflict", "used with another body"),
        (ApiError::too_large(10), 413, "too_large", "the body may have at most 10 bytes"),
        (ApiError::too_many(7), 429, "too_many_requests", "too many requests"),
        (ApiError::internal(cause()), 500, "internal", "internal error"),
        (
            ApiError::unavailable(cause()),
            503,
            "unavailable",
            "the service is not available, try again shortly",
        ),
    ] {
        let kind = error.kind();
        let (rendered_status, body, headers) = rendered(error);
        assert_eq!(rendered_status, status);
        assert_eq!(kind.status().as_u16(), status);
        assert_eq!((&body["code"], &body["error"]), (&json!(code), &json!(text)));
        assert_eq!(body["request_id"], "req-1");
        assert_eq!(headers[CONTENT_TYPE], "application/json");
        assert_eq!(headers[CACHE_CONTROL], "no-store");
        assert_eq!(body.get("errors").is_some(), kind == ErrorKind::Invalid);
    }
    assert_eq!(ErrorKind::ALL.len(), 10);
}

#[test]
fn headers_that_belong_to_a_kind() {
    let header = |error: ApiError, name: &str| rendered(error).2[name].to_str().unwrap().to_owned();
    assert_eq!(header(ApiError::unauthenticated("x", "y"), "www-authenticate"), "Bearer");
    assert_eq!(
        header(ApiError::method_not_allowed(&[Method::GET, Method::PUT]), "allow"),
        "GET, PUT"
    );
    assert_eq!(header(ApiError::too_many(7), "retry-after"), "7");
    assert_eq!(header(ApiError::unavailable(cause()), "retry-after"), "1");
}

#[test]
fn several_fields_are_all_named() {
    let fields =
        vec![FieldError::new("url", "is required"), FieldError::new("events[1]", "is unknown")];
    let (_, body, _) = rendered(ApiError::invalid(fields));
    assert_eq!(body["error"], "2 fields are not valid");
    assert_eq!(
        body["errors"],
        json!([
            {"field": "url", "message": "is required"},
            {"field": "events[1]", "message": "is unknown"},
        ])
    );
}

#[test]
fn a_cause_is_for_the_log_only() {
    let error = ApiError::internal(cause());
    assert_eq!(Chain(&error).to_string(), "internal error: table secret-table: connection refused");
    assert!(!rendered(error).1.to_string().contains("secret-table"));
}

#[test]
fn a_more_exact_code_replaces_the_general_one() {
    let (status, body, _) = rendered(ApiError::conflict("x").with_code("idempotency_key_reused"));
    assert_eq!((status, &body["code"]), (409, &json!("idempotency_key_reused")));
}
