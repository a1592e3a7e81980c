//! The way of every request: an id, a route, a caller, one permission check, a handler, an answer.

mod callers;

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use aragora_core::access::Principal;
use aragora_core::cost::{Meter, Spent};
use aragora_core::ids::fresh_uuid;
use aragora_core::metrics::Counters;
use aragora_core::time::Millis;
use aragora_identity::guard::Guard;
use futures_util::FutureExt;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use tracing::Instrument;

use crate::auth::Authenticator;
use crate::cors::AllowedOrigins;
use crate::error::{ApiError, Chain};
use crate::query::Query;
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::{Access, Found, Function, Route, find};
use crate::security::{Scene, SourceAddress, Watch};

/// The header by which a request is found again.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID_CHARS: usize = 128;
/// On every answer, unless the handler says otherwise: answers are data of one organisation, to be
/// kept by nobody, shown in no frame, and never taken for anything else. OWASP, REST Security Cheat
/// Sheet, "Security Headers".
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
];

/// What every request of one function passes.
#[derive(Debug)]
pub struct Gate {
    function: Function,
    authenticator: Authenticator,
    origins: AllowedOrigins,
    meter: Arc<Meter>,
    counters: Arc<Counters>,
    guard: Option<Guard>,
    watch: Option<Watch>,
}

/// What is said about a request in its one log line.
struct Noted {
    started: Instant,
    route: Option<&'static str>,
    is_in_body: bool,
    principal: Option<Principal>,
}

impl Gate {
    /// The gate of `function`, which answers its own routes only.
    pub fn new(function: Function, authenticator: Authenticator, origins: AllowedOrigins) -> Self {
        Self {
            function,
            authenticator,
            origins,
            meter: Arc::default(),
            counters: Arc::default(),
            guard: None,
            watch: None,
        }
    }

    /// The same gate, whose log lines say what `meter` counted.
    #[must_use]
    pub fn metered(mut self, meter: Arc<Meter>) -> Self {
        self.meter = meter;
        self
    }

    /// The same gate, which counts its checks on `counters`.
    #[must_use]
    pub fn counting(mut self, counters: Arc<Counters>) -> Self {
        self.counters = counters;
        self
    }

    /// The same gate, which asks `guard` about credentials, and counts requests. Without a guard
    /// nobody knows what was revoked: API keys are refused, and tokens taken as they are.
    #[must_use]
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// The same gate, which reports by `watch` what answers and refusals leave notes of.
    #[must_use]
    pub fn watched(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }
}

/// Answers a request that arrived at `now`. Never fails and never panics: what goes wrong inside
/// `dispatch` is a 500.
pub async fn answer<F, Fut>(
    gate: &Gate,
    request: Request<Vec<u8>>,
    now: Millis,
    dispatch: F,
) -> Response<Vec<u8>>
where
    F: FnOnce(Call) -> Fut,
    Fut: Future<Output = Result<Reply, ApiError>>,
{
    let (parts, body) = request.into_parts();
    let request_id = request_id(&parts.headers, now);
    let mut noted =
        Noted { started: Instant::now(), route: None, is_in_body: false, principal: None };
    // Boxed, as it holds what three tables are asked with.
    let admitted = gate.admit(&parts, body, now, &request_id, &mut noted).boxed_local();
    let outcome = match admitted.await {
        Ok(Passed::Call(call)) => {
            // Of level error, so that it is there at every level of the log.
            let span = tracing::error_span!("request", request_id);
            match contain(dispatch, *call).instrument(span).await {
                Err(error) if noted.is_in_body => {
                    Err(gate.slowed_down(error, &parts, None, now).boxed_local().await)
                }
                outcome => outcome,
            }
        }
        Ok(Passed::Answered(reply)) => Ok(reply),
        Err(error) => Err(error),
    };
    if let Some(watch) = &gate.watch {
        let scene = Scene {
            principal: noted.principal.as_ref(),
            address: parts.extensions.get::<SourceAddress>(),
            path: parts.uri.path(),
            request_id: &request_id,
            now,
        };
        watch.tell(&scene, outcome.as_ref()).await;
    }
    noted.log(&parts, &request_id, outcome.as_ref(), gate.meter.take());
    let reply = outcome.unwrap_or_else(|error| error.render(&request_id));
    gate.finish(&parts, reply, &request_id)
}

/// A permanent redirect that keeps the method (308) to the same path without its last slash.
fn without_slash(parts: &Parts) -> Option<Passed> {
    let path = parts.uri.path().strip_suffix('/').filter(|path| path.starts_with("/api/"))?;
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let location = HeaderValue::try_from(format!("{path}{query}")).ok()?;
    let reply = Reply::raw(StatusCode::PERMANENT_REDIRECT, "text/plain", vec![]);
    Some(Passed::Answered(reply.with_header(LOCATION, location)))
}

enum Passed {
    Call(Box<Call>),
    Answered(Reply),
}

impl Gate {
    async fn admit(
        &self,
        parts: &Parts,
        body: Vec<u8>,
        now: Millis,
        request_id: &str,
        noted: &mut Noted,
    ) -> Result<Passed, ApiError> {
        let (route, params) = match find(&parts.method, parts.uri.path()) {
            Found::Route(route, params) if route.function == self.function => (route, params),
            Found::OtherMethods(methods) => return self.other_method(parts, methods),
            // API Gateway takes `/api/events/` for another path than `/api/events` and sends it
            // where unknown paths go.
            Found::Route(..) => {
                return without_slash(parts).ok_or_else(|| ApiError::not_found("path"));
            }
            Found::Nothing => return Err(ApiError::not_found("path")),
        };
        noted.route = Some(route.path);
        noted.is_in_body = route.access == Access::InBody;
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let principal = match route.access {
            Access::Public => None,
            Access::InBody => {
                self.check_address(parts, now)?;
                None
            }
            access => {
                self.check_address(parts, now)?;
                let admitted = self.authenticate(parts, &query, now).await?;
                let caller = &*noted.principal.insert(admitted.principal);
                self.check_rate(caller, admitted.per_second, now).await?;
                self.check_access(access, route, caller)?;
                Some(caller.clone())
            }
        };
        check_size(route, parts, &body)?;
        Ok(Passed::Call(Box::new(Call {
            route: route.id,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            query,
            request_id: request_id.to_owned(),
            now,
            params,
            headers: parts.headers.clone(),
            body,
            principal,
        })))
    }

    fn other_method(&self, parts: &Parts, mut methods: Vec<Method>) -> Result<Passed, ApiError> {
        if methods.contains(&Method::GET) {
            methods.push(Method::HEAD);
        }
        methods.push(Method::OPTIONS);
        if parts.method == Method::OPTIONS {
            return Ok(Passed::Answered(self.origins.preflight(&parts.headers, &methods)));
        }
        Err(ApiError::method_not_allowed(&methods))
    }

    fn finish(&self, parts: &Parts, reply: Reply, request_id: &str) -> Response<Vec<u8>> {
        let mut response = reply.into_response();
        let headers = response.headers_mut();
        for (name, value) in SECURITY_HEADERS {
            headers.entry(name).or_insert(HeaderValue::from_static(value));
        }
        if let Ok(value) = HeaderValue::try_from(request_id) {
            headers.insert(REQUEST_ID, value);
        }
        self.origins.mark(&parts.headers, headers);
        if parts.method == Method::HEAD {
            response.body_mut().clear();
        }
        response
    }
}

/// 413 by what was sent, or by what was announced and cut on the way.
fn check_size(route: &Route, parts: &Parts, body: &[u8]) -> Result<(), ApiError> {
    let announced = parts.headers.get(http::header::CONTENT_LENGTH);
    let announced =
        announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok()).unwrap_or(0);
    if body.len().max(announced) > route.body_limit {
        Err(ApiError::too_large(route.body_limit))
    } else {
        Ok(())
    }
}

/// Runs the handler; a panic in it, wherever it happens, is a 500.
async fn contain<F, Fut>(dispatch: F, call: Call) -> Result<Reply, ApiError>
where
    F: FnOnce(Call) -> Fut,
    Fut: Future<Output = Result<Reply, ApiError>>,
{
    let run = AssertUnwindSafe(async move { dispatch(call).await });
    run.catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(ApiError::internal(said_by(panic.as_ref()))))
}

fn said_by(panic: &(dyn Any + Send)) -> String {
    let said = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the handler panicked: {}", said.unwrap_or("without a message"))
}

/// The caller's id when it is fit for headers, logs and message attributes; else a new one.
fn request_id(headers: &HeaderMap, now: Millis) -> String {
    let mut sent = headers.get_all(REQUEST_ID).iter();
    let sane = |text: &&str| {
        (1..=MAX_REQUEST_ID_CHARS).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte))
    };
    match (sent.next().and_then(|value| value.to_str().ok()).filter(sane), sent.next()) {
        (Some(id), None) => id.to_owned(),
        _ => format!("req-{}", fresh_uuid(now)),
    }
}

impl Noted {
    /// One line per request, with the cause of a failure once. Never the query string, a body or a
    /// header: those hold what people should not have put there.
    fn log(
        &self,
        parts: &Parts,
        request_id: &str,
        outcome: Result<&Reply, &ApiError>,
        spent: Spent,
    ) {
        let status = outcome.map_or_else(|error| error.kind().status(), Reply::status).as_u16();
        let principal = self.principal.as_ref();
        macro_rules! line {
            ($level:ident, $($more:tt)*) => {
                tracing::$level!(
                    request_id,
                    method = parts.method.as_str(),
                    route = self.route.unwrap_or("none"),
                    path = self.route.is_none().then_some(parts.uri.path()),
                    status,
                    duration_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
                    org_id = principal.map(Principal::org_id),
                    user_id = principal.map(Principal::user_id),
                    write_units = spent.write_units,
                    read_units = spent.read_units,
                    dynamodb_requests = spent.dynamodb_requests,
                    sqs_requests = spent.sqs_requests,
                    $($more)*
                )
            };
        }
        match outcome {
            Ok(_) => line!(info, "request answered"),
            Err(error) if status >= 500 => {
                line!(error, code = error.code(), error = %Chain(error), "request failed");
            }
            Err(error) => {
                line!(info, code = error.code(), reason = error.reason(), "request refused");
            }
        }
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
