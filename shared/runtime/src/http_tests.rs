//! Real events of payload format 2.0, read with the JSON features of this workspace
//! (`arbitrary_precision` changes how numbers reach generic readers), and their answers.

use std::time::Duration;

use lambda_http::Context;
use serde_json::{Value, json};

use super::*;

/// The example of AWS's documentation, shortened where lists repeat.
fn event() -> Value {
    json!({
        "version": "2.0",
        "routeKey": "ANY /api/webhooks/{webhook_id}",
        "rawPath": "/api/webhooks/wh-1",
        "rawQueryString": "parameter1=value1&parameter1=value2&parameter2=value",
        "cookies": ["cookie1", "cookie2"],
        "headers": {"header1": "value1", "x-request-id": "req-7", "content-length": "20"},
        "queryStringParameters": {"parameter1": "value1,value2", "parameter2": "value"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api-id",
            "authentication": null,
            "authorizer": {"jwt": {"claims": {"claim1": "value1"}, "scopes": null}},
            "domainName": "id.execute-api.us-east-1.amazonaws.com",
            "domainPrefix": "id",
            "http": {
                "method": "PATCH", "path": "/api/webhooks/wh-1", "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1", "userAgent": "agent"
            },
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1_583_348_638_390_u64
        },
        "body": "{\"enabled\": false}",
        "pathParameters": {"webhook_id": "wh-1"},
        "isBase64Encoded": false,
        "stageVariables": {"stageVariable1": "value1"}
    })
}

fn changed(change: impl FnOnce(&mut Value)) -> Request<Vec<u8>> {
    let mut event = event();
    change(&mut event);
    read(&event.to_string()).unwrap()
}

#[test]
fn a_real_event() {
    let request = changed(|_| {});
    assert_eq!(request.method(), Method::PATCH);
    assert_eq!(
        request.uri(),
        "/api/webhooks/wh-1?parameter1=value1&parameter1=value2&parameter2=value"
    );
    assert_eq!(request.headers()["x-request-id"], "req-7");
    assert_eq!(request.body(), br#"{"enabled": false}"#);
    let address = SourceAddress("192.0.2.1".parse().unwrap());
    assert_eq!(request.extensions().get(), Some(&address));
    for unknown in [json!("somewhere"), Value::Null] {
        let request = changed(|event| event["requestContext"]["http"]["sourceIp"] = unknown);
        assert_eq!(request.extensions().get::<SourceAddress>(), None);
    }
}

#[test]
fn the_libraries_read_real_events_with_our_json_features() {
    let typed: lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequest =
        serde_json::from_str(&event().to_string()).unwrap();
    let request = lambda_http::request::from_str(&event().to_string()).unwrap();
    assert_eq!(request.uri().path(), "/api/webhooks/wh-1");
    assert_eq!(typed.request_context.time_epoch, 1_583_348_638_390);
}

#[test]
fn base64_bodies_are_decoded() {
    let request = changed(|event| {
        event["isBase64Encoded"] = json!(true);
        event["body"] = json!("/wAB");
    });
    assert_eq!(request.body(), &[0xff, 0, 1]);
    let mut bad = event();
    bad["isBase64Encoded"] = json!(true);
    assert_eq!(read(&bad.to_string()).unwrap_err().fields()[0].field, "body");
}

#[test]
fn what_callers_send_does_not_break_the_function() {
    let uri = |path: &str, query: &str| {
        changed(|event| {
            event["rawPath"] = json!(path);
            event["rawQueryString"] = json!(query);
        })
        .uri()
        .to_string()
    };
    assert_eq!(uri("/a b/é", ""), "/a%20b/%C3%A9");
    assert_eq!(
        uri("/a%20b", "q=<script>&x=\"é{}|^`"),
        "/a%20b?q=%3Cscript%3E&x=%22%C3%A9%7B%7D%7C%5E%60"
    );
    assert_eq!(uri("", ""), "/");
    assert_eq!(uri("a", "b"), "/a?b");
    assert_eq!(uri("//evil.example/x", ""), "//evil.example/x");
    assert_eq!(uri(&format!("/{}", "x".repeat(70_000)), ""), "/");
    let request = changed(|event| {
        event["headers"] = json!({
            "user-agent": "Jürgen", "x-forwarded-proto": "!!", "host": "a b", "bad name": "x", "bad-value": "a\nb",
            "X-Upper": "1"
        });
        event["body"] = Value::Null;
        event["rawQueryString"] = Value::Null;
    });
    assert_eq!(request.headers().len(), 4);
    assert_eq!(request.headers()["x-upper"], "1");
    assert_eq!(request.headers()["user-agent"].as_bytes(), "Jürgen".as_bytes());
}

#[test]
fn answers_in_lambdas_shape() {
    let reply = Reply::ok(&json!({"a": 1})).unwrap();
    let answer = serde_json::to_value(into_lambda(reply.into_response())).unwrap();
    assert_eq!((&answer["statusCode"], &answer["body"]), (&json!(200), &json!("{\"a\":1}")));
    assert_eq!(
        (&answer["isBase64Encoded"], &answer["headers"]["content-type"]),
        (&json!(false), &json!("application/json"))
    );
    let binary = Reply::raw(http::StatusCode::OK, "application/octet-stream", vec![0xff, 0]);
    let answer = serde_json::to_value(into_lambda(binary.into_response())).unwrap();
    assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    let empty = serde_json::to_value(into_lambda(Reply::no_content().into_response())).unwrap();
    assert_eq!((&empty["statusCode"], &empty["body"]), (&json!(204), &Value::Null));
}

#[test]
fn a_long_answer_fits_into_lambdas_limit_whatever_it_says() {
    let quotes = |bytes: usize| into_lambda(Response::new(vec![b'"'; bytes]));
    for (bytes, is_base64) in [(3_000_000, false), (3_000_001, true), (4_500_000, true)] {
        let answer = quotes(bytes);
        assert_eq!(answer.is_base64_encoded, is_base64, "{bytes}");
        // https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
        assert!(serde_json::to_vec(&answer).unwrap().len() < 6 * 1_024 * 1_024, "{bytes}");
    }
}

#[test]
fn an_event_that_is_no_request_is_answered_all_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let gate =
        Gate::new(Function::Health, Authenticator::new(&[], None), AllowedOrigins::default());
    for payload in [
        "{}",
        "[]",
        "null",
        "5",
        r#"{"Records": []}"#,
        r#"{"version": "1.0", "path": "/api/health"}"#,
    ] {
        let event = LambdaEvent::new(
            RawValue::from_string(payload.to_owned()).unwrap(),
            Context::default(),
        );
        let answered = runtime.block_on(answer(&gate, &event, async |_| {
            tokio::time::sleep(Duration::ZERO).await;
            Ok(Reply::no_content())
        }));
        assert_eq!(answered.status_code, 400, "{payload}");
    }
}
