//! The header by which a caller says that two requests are one.

use http::HeaderName;

use crate::error::ApiError;
use crate::request::Call;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const MAX_CHARS: usize = 255;

/// The request's `Idempotency-Key`: 1 to 255 characters, when it is given.
pub(crate) fn key(call: &Call) -> Result<Option<&str>, ApiError> {
    let key = call.header(IDEMPOTENCY_KEY.as_str())?;
    if key.is_some_and(|key| key.is_empty() || key.len() > MAX_CHARS) {
        return Err(ApiError::field(IDEMPOTENCY_KEY.as_str(), "must be 1 to 255 characters"));
    }
    Ok(key)
}

/// 409: the key stands for another request.
pub(crate) fn reused() -> ApiError {
    ApiError::conflict("the idempotency key was used with another body")
        .with_code("idempotency_key_reused")
}
