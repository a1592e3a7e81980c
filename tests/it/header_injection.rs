//! Line ends and other control characters in everything that a user says and a header could carry:
//! refused, or never put into one.

use std::collections::BTreeSet;

use aragora_tests::{Receiver, Session};
use http::Method;
use serde_json::{Value, json};

/// What would end a header or begin another, as it stands in JSON text.
const BREAKS: [&str; 14] = [
    r"a\r\nX-Injected: 1",
    r"a\u000d\u000aX-Injected: 1",
    r"a\nX-Injected: 1",
    r"a\rX-Injected: 1",
    r"a\r\n\r\n{}",
    r"a\r\n folded",
    r"a\n\tfolded",
    r"a\r\n",
    r"\u000aa",
    r"a\u0000b",
    r"a\u000bb",
    r"a\u001b[2J",
    r"a\u007fb",
    // What turns into a line end when somebody cuts code points down to bytes.
    r"a\u010d\u010aX-Injected: 1",
];

/// Names that are none.
const NAMES: [&str; 9] = [
    r"X-A\r\nX-Injected",
    r"X-A: 1\r\nX-Injected",
    r"X-A\n",
    r"\u0000",
    r"X-A ",
    r" X-A",
    r"X\tA",
    r":authority",
    r"X-\u00c4",
];

#[tokio::test]
async fn headers_that_break_lines_are_refused_at_creation_and_at_change() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe("http://127.0.0.1:9/hook", &["*"]).await;
    let before = tenant.admin.get("/api/webhooks").await.must(200);
    let values = BREAKS.iter().map(|value| format!(r#"{{"X-A": "{value}"}}"#));
    let names = NAMES.iter().map(|name| format!(r#"{{"{name}": "a"}}"#));
    for headers in values.chain(names) {
        let body = format!(
            r#"{{"url": "http://127.0.0.1:9/hook", "event_types": ["*"], "headers": {headers}}}"#
        );
        for (method, path) in [
            (Method::POST, "/api/webhooks"),
            (Method::PATCH, webhook.path().as_str()),
            (Method::PUT, webhook.path().as_str()),
        ] {
            let reply = tenant.admin.call(method.clone(), path).body(body.clone()).send().await;
            assert!(reply.names("headers"), "{method} {headers}: {}", reply.text());
            assert!(!reply.headers.contains_key("x-injected"), "{method} {headers}");
        }
    }
    assert_eq!(tenant.admin.get("/api/webhooks").await.must(200), before);
}

#[tokio::test]
async fn types_and_ids_that_break_lines_are_refused_at_publication() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    for value in BREAKS {
        for field in ["event_type", "event_id", "project_id", "timestamp"] {
            let event_type = if field == "event_type" { value } else { "vote" };
            let more = if field == "event_type" {
                String::new()
            } else {
                format!(r#", "{field}": "{value}""#)
            };
            let body = format!(r#"{{"event_type": "{event_type}", "data": {{}}{more}}}"#);
            let reply = tenant.admin.post_raw("/api/events", body).await;
            assert!(reply.names(field), "{field} {value}: {}", reply.text());
        }
        let pattern = format!(r#"{{"url": "http://127.0.0.1:9/", "event_types": ["{value}"]}}"#);
        let reply = tenant.admin.post_raw("/api/webhooks", pattern).await;
        assert!(reply.names("event_types"), "{value}: {}", reply.text());
    }
    assert_eq!(tenant.admin.get("/api/events").await.must(200)["events"], json!([]));
}

#[tokio::test]
async fn what_may_hold_any_text_is_in_no_header_and_is_escaped_in_the_body() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let text = "a\r\nX-Injected: 1\r\n\r\n\0\u{1b}[2J\u{85}\u{2028}";
    let webhook = json!({
        "url": receiver.url("/hook"), "event_types": ["*"], "name": text, "description": text,
        "metadata": {text: text}, "headers": {"X-Own": "1"},
    });
    let created = tenant.admin.post("/api/webhooks", &webhook).await;
    assert!(!created.text().chars().any(|at| at.is_ascii_control()), "{:?}", created.text());
    let id = created.must(201)["id"].as_str().unwrap().to_owned();
    let shown = tenant.admin.get(&format!("/api/webhooks/{id}")).await;
    assert!(!shown.headers.contains_key("x-injected"));
    for field in ["name", "description", "metadata"] {
        assert_eq!(shown.json()[field], webhook[field], "{field}");
    }

    let plain = json!({"event_type": "vote", "data": {}});
    let odd = json!({"event_type": "vote", "debate_id": text, "data": {text: text}});
    let mut requests = Vec::new();
    for (nth, event) in [plain, odd].iter().enumerate() {
        tenant.publish_with(event).await;
        requests.push(receiver.nth("/hook", nth + 1).await);
    }
    let names = |nth: usize| -> BTreeSet<&str> {
        requests[nth].headers.keys().map(http::HeaderName::as_str).collect()
    };
    assert_eq!(names(0), names(1));
    assert_eq!(requests[1].header("x-own"), "1");
    assert!(!requests[1].text().chars().any(char::is_control), "{:?}", requests[1].text());
    let body = requests[1].json();
    assert_eq!((&body["debate_id"], &body["data"]), (&json!(text), &json!({text: text})));
    let list: Value = tenant.admin.get("/api/events").await.must(200);
    assert!(list["events"].as_array().unwrap().iter().any(|event| event["debate_id"] == text));
}
