//! Requests through the whole gate, with a handler that only reports what it got.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CONTENT_TYPE, ORIGIN, VARY, WWW_AUTHENTICATE,
};
use serde_json::{Value, json};

use super::*;

const NOW: Millis = Millis(1_705_752_000_500);
const TOKEN: &str = "service-token-0123456789";

fn gate(function: Function) -> Gate {
    let origins =
        ["https://app.example.com", "http://localhost:3000/", "*", "null"].map(ToOwned::to_owned);
    Gate::new(function, Authenticator::new(&[], Some(TOKEN.into())), AllowedOrigins::new(origins))
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn run<F, Fut>(function: Function, request: Request<Vec<u8>>, dispatch: F) -> Answer
where
    F: FnOnce(Call) -> Fut,
    Fut: Future<Output = Result<Reply, ApiError>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let gate = gate(function);
    let (parts, body) = runtime.block_on(answer(&gate, request, NOW, dispatch)).into_parts();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn echo(call: Call) -> Result<Reply, ApiError> {
    Reply::ok(&json!({
        "route": format!("{:?}", call.route),
        "org": call.principal().ok().map(Principal::org_id),
        "params": call.params,
        "bytes": call.body().len(),
        "request_id": call.request_id,
        "now": call.now,
    }))
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request<Vec<u8>> {
    let mut builder = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Vec::new()).unwrap()
}

fn as_service<'a>(roles: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut headers = vec![
        ("authorization", "Access service-token-0123456789"),
        ("x-org-id", "org-1"),
        ("x-user-roles", roles),
    ];
    headers.extend(more);
    headers
}

#[test]
fn a_request_reaches_its_handler() {
    let headers = as_service("viewer", &[("x-request-id", "caller-1.2:3_x")]);
    let answer =
        run(Function::Webhooks, request("GET", "/api/v1/webhooks/wh-1/?a=b", &headers), echo);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "route": "GetWebhook", "org": "org-1", "params": [["webhook_id", "wh-1"]], "bytes": 0,
            "request_id": "caller-1.2:3_x", "now": 1_705_752_000_500_i64,
        })
    );
    assert_eq!(answer.header(REQUEST_ID), Some("caller-1.2:3_x"));
    assert_eq!(answer.header(CONTENT_TYPE), Some("application/json"));
    for (name, value) in SECURITY_HEADERS {
        assert_eq!(answer.header(name.clone()), Some(value), "{name}");
    }
}

#[test]
fn refusals_come_in_the_order_path_caller_permission_size() {
    let huge = vec![b' '; 256 * 1024 + 1];
    for (method, uri, roles, body, status) in [
        ("POST", "/api/nothing", None, &huge, 404),
        ("POST", "/api/webhooks/wh-1", None, &huge, 405),
        ("POST", "/api/webhooks", None, &huge, 401),
        ("POST", "/api/webhooks", Some("viewer"), &huge, 403),
        ("POST", "/api/webhooks", Some("root"), &huge, 403),
        ("POST", "/api/webhooks", Some("editor"), &huge, 413),
        ("POST", "/api/webhooks", Some("editor"), &huge[1..].to_vec(), 200),
        ("POST", "/api/events", Some("editor"), &huge, 404),
    ] {
        let headers = roles.map(|roles| as_service(roles, &[])).unwrap_or_default();
        let mut request = request(method, uri, &headers);
        request.body_mut().clone_from(body);
        let reached = std::cell::Cell::new(false);
        let answer = run(Function::Webhooks, request, |call| {
            reached.set(true);
            echo(call)
        });
        assert_eq!(answer.status, status, "{method} {uri} {roles:?}");
        assert_eq!(reached.get(), status == 200, "{method} {uri}: no look-up before the checks");
        assert_eq!(answer.header(WWW_AUTHENTICATE), (status == 401).then_some("Bearer"));
        if status != 200 {
            assert_eq!(answer.json()["request_id"], answer.header(REQUEST_ID).unwrap());
        }
    }
}

#[test]
fn a_service_is_no_administrator_whatever_roles_it_names() {
    for (roles, uri) in [
        ("admin", "/api/system/circuit-breakers"),
        ("owner,admin", "/api/v1/circuit-breakers"),
        ("viewer", "/api/circuit-breakers"),
    ] {
        let answer = run(Function::Webhooks, request("GET", uri, &as_service(roles, &[])), echo);
        assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("forbidden")), "{uri}");
    }
    let anonymous = request("GET", "/api/system/circuit-breakers", &[]);
    assert_eq!(run(Function::Webhooks, anonymous, echo).status, 401);
}

#[test]
fn an_announced_body_over_the_limit_is_413_too() {
    let headers = as_service("editor", &[("content-length", "999999999")]);
    assert_eq!(run(Function::Events, request("POST", "/api/events", &headers), echo).status, 413);
}

#[test]
fn health_needs_no_credential_and_ignores_bad_ones() {
    for headers in [&[][..], &[("authorization", "Bearer nonsense")]] {
        let answer = run(Function::Health, request("GET", "/api/health?token=x", headers), echo);
        assert_eq!((answer.status, &answer.json()["org"]), (200, &Value::Null));
    }
    assert_eq!(run(Function::Health, request("GET", "/favicon.ico", &[]), echo).status, 404);
    assert_eq!(run(Function::Health, request("GET", "/api/webhooks", &[]), echo).status, 404);
}

#[test]
fn a_request_id_is_taken_when_it_is_sane_and_made_otherwise() {
    let long = "x".repeat(129);
    for sent in ["", "a b", "a\tb", "é", "<script>", "a,b", &long] {
        let mut request = request("GET", "/api/health", &[]);
        request.headers_mut().insert(REQUEST_ID, HeaderValue::from_bytes(sent.as_bytes()).unwrap());
        let answer = run(Function::Health, request, echo);
        let made = answer.header(REQUEST_ID).unwrap();
        assert!(made.starts_with("req-018d") && made.len() == 40, "{sent:?} became {made}");
        assert_eq!(answer.json()["request_id"], made);
    }
    let twice = request("GET", "/api/health", &[("x-request-id", "a"), ("x-request-id", "b")]);
    assert!(run(Function::Health, twice, echo).header(REQUEST_ID).unwrap().starts_with("req-"));
    assert_eq!(
        run(Function::Health, request("GET", "/x", &[("x-request-id", "r")]), echo).json()["request_id"],
        "r"
    );
}

#[test]
fn a_panic_is_a_500_without_its_message() {
    let before = run(Function::Health, request("GET", "/api/health", &[]), |_| {
        panic!("the secret is 42");
        #[expect(unreachable_code, reason = "names the future's type")]
        std::future::ready(Ok(Reply::no_content()))
    });
    let inside = run(Function::Health, request("GET", "/api/health", &[]), async |call: Call| {
        call.body().first().map(|_| ()).expect("the secret is 42");
        Ok(Reply::no_content())
    });
    for answer in [before, inside] {
        assert_eq!((answer.status, &answer.json()["code"]), (500, &json!("internal")));
        assert!(!String::from_utf8_lossy(&answer.body).contains("the secret"));
    }
}

#[test]
fn head_is_get_without_the_body() {
    let answer = run(Function::Health, request("HEAD", "/api/health", &[]), echo);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[test]
fn configured_origins_may_read_answers_and_no_others() {
    for (origin, admitted) in [
        ("https://app.example.com", true),
        ("http://localhost:3000", true),
        ("https://APP.example.com", true),
        ("https://app.example.com.evil.com", false),
        ("http://app.example.com", false),
        ("https://app.example.com:8443", false),
        ("https://evil.com", false),
        ("null", false),
        ("*", false),
        ("", false),
    ] {
        for method in ["GET", "OPTIONS", "DELETE"] {
            let answer =
                run(Function::Health, request(method, "/api/health", &[("origin", origin)]), echo);
            let wanted = admitted.then_some(origin);
            assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_ORIGIN), wanted, "{method} {origin}");
            assert_eq!(answer.header(ACCESS_CONTROL_ALLOW_CREDENTIALS), admitted.then_some("true"));
            assert_eq!(answer.header(ACCESS_CONTROL_EXPOSE_HEADERS).is_some(), admitted);
            assert_eq!(
                answer.header(ACCESS_CONTROL_ALLOW_METHODS).is_some(),
                admitted && method == "OPTIONS"
            );
            assert_eq!(answer.header(VARY), Some("Origin"));
        }
    }
}

#[test]
fn options_is_answered_for_paths_that_exist() {
    let headers =
        [("origin", "https://app.example.com"), ("access-control-request-method", "PATCH")];
    let answer = run(Function::Webhooks, request("OPTIONS", "/api/webhooks/wh-1", &headers), echo);
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(
        answer.header(ACCESS_CONTROL_ALLOW_METHODS),
        Some("GET, PUT, PATCH, DELETE, HEAD, OPTIONS")
    );
    assert_eq!(answer.header(ALLOW), Some("GET, PUT, PATCH, DELETE, HEAD, OPTIONS"));
    assert_eq!(
        run(Function::Webhooks, request("OPTIONS", "/api/nothing", &headers), echo).status,
        404
    );
    let plain = run(Function::Events, request("TRACE", "/api/webhooks/dispatch", &[]), echo);
    assert_eq!((plain.status, plain.header(ALLOW)), (405, Some("POST, OPTIONS")));
    assert_eq!(plain.header(ORIGIN), None);
}
