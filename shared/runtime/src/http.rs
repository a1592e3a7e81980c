//! Functions that answer HTTP, behind an HTTP API with payload format 2.0.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
//!
//! The event is read here and not by `lambda_http`'s adapter, which panics on a query string with
//! a `<`, on an odd `X-Forwarded-Proto`, and fails on a header that is not ASCII: each of them in
//! any caller's power, and each a raw 502 without our error shape. What a caller sends is answered
//! with `Ok` whatever it is; `Err` would count as an error of the function.

use std::collections::HashMap;
use std::sync::Arc;

use aragora_api::auth::Authenticator;
use aragora_api::cors::AllowedOrigins;
use aragora_api::security::{SourceAddress, Watch};
use aragora_api::{ApiError, Call, Function, Gate, Reply, gate};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::FutureExt;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, Uri};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::lambda_runtime::Runtime;
use lambda_http::{Body, LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::apps;
use crate::boot::{Boot, BootError, BoxError, forever, invocation, serve};
use crate::clock;
use crate::config::HttpFunction;

/// Runs a function that answers HTTP: reads its configuration, builds its application, and hands
/// every request that passes the gate to `dispatch`.
///
/// ```ignore
/// run_http(Function::Webhooks, apps::webhooks, aragora_api::webhooks::dispatch).await
/// ```
pub async fn run_http<C, A, B, D, Fut>(
    function: Function,
    build: B,
    dispatch: D,
) -> Result<(), BootError>
where
    C: HttpFunction,
    A: Send + Sync + 'static,
    B: FnOnce(Boot<C>) -> Result<A, BoxError>,
    D: Fn(&'static A, Call) -> Fut,
    Fut: Future<Output = Result<Reply, ApiError>> + Send,
{
    let boot = Boot::<C>::from_process()?;
    let http = boot.config.http();
    let authenticator = Authenticator::new(&http.jwt_secrets, http.service_token.clone());
    let origins = AllowedOrigins::new(http.allowed_origins.iter().cloned());
    let gate = Gate::new(function, authenticator, origins)
        .metered(boot.aws.meter())
        .counting(Arc::clone(&boot.counters))
        .guarded(apps::guard(&boot, http))
        .watched(Watch::new(apps::reporter(&boot, http.security_queue_url.clone())));
    let metrics = boot.metrics();
    let app = forever(build(boot))?;
    let (gate, dispatch, metrics) = (&gate, &dispatch, &metrics);
    let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let span = invocation(&event.context);
        // Boxed, because the types of nested futures grow beyond what the compiler will lay out.
        async move {
            let answered = answer(gate, &event, |call| dispatch(app, call).boxed()).await;
            metrics.flush(clock::now());
            Ok::<_, LambdaError>(answered)
        }
        .instrument(span)
    });
    serve(Runtime::new(service).run()).await
}

type LambdaError = lambda_http::Error;

/// The longest body that goes out as text. An answer may have 6 MB as JSON, where a body of JSON can
/// be twice as long for its quotes; as base64 it is a third longer, whatever it has in it.
const MOST_TEXT_BYTES: usize = 3_000_000;

async fn answer<D, Fut>(
    gate: &Gate,
    event: &LambdaEvent<Box<RawValue>>,
    dispatch: D,
) -> ApiGatewayV2httpResponse
where
    D: FnOnce(Call) -> Fut,
    Fut: Future<Output = Result<Reply, ApiError>>,
{
    match read(event.payload.get()) {
        Ok(request) => into_lambda(gate::answer(gate, request, clock::now(), dispatch).await),
        Err(error) => {
            tracing::warn!(code = error.code(), "the event is no HTTP request");
            into_lambda(error.render(&event.context.request_id).into_response())
        }
    }
}

/// What we need of an event of format 2.0, read leniently.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpEvent {
    raw_path: String,
    raw_query_string: Option<String>,
    headers: Option<HashMap<String, String>>,
    request_context: RequestContext,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

#[derive(Deserialize)]
struct RequestContext {
    http: HttpContext,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpContext {
    method: String,
    source_ip: Option<String>,
}

fn read(payload: &str) -> Result<Request<Vec<u8>>, ApiError> {
    let event: HttpEvent = serde_json::from_str(payload).map_err(|error| {
        ApiError::field("event", "must be an HTTP request of payload format 2.0").caused_by(error)
    })?;
    let body = match event.body {
        Some(text) if event.is_base64_encoded == Some(true) => {
            BASE64_STANDARD.decode(text).map_err(|_| ApiError::field("body", "must be base64"))?
        }
        Some(text) => text.into_bytes(),
        None => Vec::new(),
    };
    let mut request = Request::new(body);
    *request.method_mut() = Method::from_bytes(event.request_context.http.method.as_bytes())
        .map_err(|_| ApiError::field("method", "must be an HTTP method"))?;
    *request.uri_mut() =
        uri(&event.raw_path, event.raw_query_string.as_deref().unwrap_or_default());
    *request.headers_mut() = headers(event.headers.unwrap_or_default());
    // What is no address is left out: it would be the gateway's mistake, and not worth a refusal.
    let source = event.request_context.http.source_ip.and_then(|text| text.parse().ok());
    if let Some(address) = source {
        request.extensions_mut().insert(SourceAddress(address));
    }
    Ok(request)
}

/// The path and the query as a URI. The gateway decodes paths and leaves queries as they were
/// sent; in either, what a URI cannot hold is encoded again. What is still no URI leads nowhere.
fn uri(path: &str, query: &str) -> Uri {
    let mut text = encode(path);
    if !text.starts_with('/') {
        text.insert(0, '/');
    }
    if !query.is_empty() {
        text.push('?');
        text.push_str(&encode(query));
    }
    Uri::try_from(text).unwrap_or_else(|_| Uri::from_static("/"))
}

fn encode(text: &str) -> String {
    let digit =
        |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase();
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.extend(['%', digit(byte >> 4), digit(byte & 0xf)]);
        }
    }
    encoded
}

/// Header values may hold more than ASCII; whoever needs text from one checks it.
fn headers(sent: HashMap<String, String>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(sent.len());
    for (name, value) in sent {
        let parsed =
            (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value.as_bytes()));
        if let (Ok(name), Ok(value)) = parsed {
            headers.append(name, value);
        }
    }
    headers
}

fn into_lambda(response: Response<Vec<u8>>) -> ApiGatewayV2httpResponse {
    let (parts, bytes) = response.into_parts();
    let mut answer = ApiGatewayV2httpResponse::default();
    answer.status_code = i64::from(parts.status.as_u16());
    answer.headers = parts.headers;
    match String::from_utf8(bytes) {
        Ok(text) if text.is_empty() => {}
        Ok(text) if text.len() > MOST_TEXT_BYTES => {
            answer.is_base64_encoded = true;
            answer.body = Some(Body::Binary(text.into_bytes()));
        }
        Ok(text) => answer.body = Some(Body::Text(text)),
        Err(binary) => {
            answer.is_base64_encoded = true;
            answer.body = Some(Body::Binary(binary.into_bytes()));
        }
    }
    answer
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
