//! The bytes on the wire: what CPython's `json.dumps` prints, in the envelope's order.

use std::collections::BTreeMap;
use std::time::Duration;

use aragora_tests::{Receiver, Session, python};
use serde_json::{Value, json};

#[tokio::test]
async fn the_envelope_has_its_fields_in_order() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/hook"), &["debate.completed"]).await;
    let event = tenant
        .publish_with(&json!({
            "event_type": "debate.completed", "debate_id": "deb-123", "timestamp": "2024-01-20T12:00:00Z",
            "data": {"z": 1, "a": "/\u{7f}\u{e9}\u{1f600}", "m": [1.50, 1e16, -0.0, 100.0, 1e-5]},
        }))
        .await;
    let request = receiver.nth("/hook", 1).await;
    let delivery = request.field("delivery_id");
    let stamp = request.field("timestamp");
    let expected = format!(
        r#"{{"event_type": "debate.completed", "event_id": "{event}", "timestamp": "{stamp}", "debate_id": "deb-123", "delivery_id": "{delivery}", "data": {{"z": 1, "a": "/\u007f\u00e9\ud83d\ude00", "m": [1.5, 1e+16, -0.0, 100.0, 1e-05]}}}}"#
    );
    assert_eq!(request.text(), expected);
    assert!(stamp.starts_with("2024-01-20T12:00:00") && stamp.ends_with('Z'), "{stamp}");
}

#[tokio::test]
async fn without_a_debate_there_is_no_debate_id() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    tenant.publish("vote", json!({"debate_id": "inside"})).await;
    let request = receiver.nth("/hook", 1).await;
    let body = request.json();
    let keys: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["event_type", "event_id", "timestamp", "delivery_id", "data"]);
}

#[tokio::test]
async fn times_are_utc_however_they_were_given() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    for (number, (given, utc)) in [
        ("2026-01-09T23:03:36.048761", "2026-01-09T23:03:36"),
        ("2026-01-09T23:03:36Z", "2026-01-09T23:03:36"),
        ("2026-01-09T23:03:36+02:00", "2026-01-09T21:03:36"),
    ]
    .into_iter()
    .enumerate()
    {
        tenant.publish_with(&json!({"event_type": "vote", "timestamp": given, "data": {}})).await;
        let stamp = receiver.nth("/hook", number + 1).await.field("timestamp");
        assert!(stamp.starts_with(utc) && stamp.ends_with('Z'), "{given} became {stamp}");
    }
}

/// JSON texts of `data` that are easy to print wrongly.
const AWKWARD: [&str; 18] = [
    "{}",
    r#"{"a": []}"#,
    r#"{"a":1,"b":2,"a":3}"#,
    r#"{"": {"": ""}}"#,
    r#"{"n": [0, -0, 0.0, -0.0, 1.0, 1e0, 1E5, 100.000, 1e15, 1e16, 1e17, 123456789012345678901234567890]}"#,
    r#"{"n": [1e-4, 1e-5, 0.0001, 0.00001, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 1e-400]}"#,
    r#"{"n": [0.1, 0.30000000000000004, 9007199254740993, 9007199254740993.0, 1e22, 1e23, 4.35, 2.675]}"#,
    r#"{"n": [-1, -1.5e-7, 1.0e+2, 12345678.9, 1.2345678901234567890123]}"#,
    r#"{"t": "\u00e9 é \ud83d\ude00 😀 \u2028\u2029 \ufeff \uffff"}"#,
    r#"{"t": "\" \\ \/ / \b\f\n\r\t \u0000 \u001f \u007f \u0080"}"#,
    r#"{"é": {"\u0000": "\ud83d\ude00"}}"#,
    r#"{"b": [true, false, null], "nested": [[[[{"a": [{}]}]]]]}"#,
    "{\"spaced\"\n:\t[ 1 ,\r\n2 ] }",
    r#"{"html": "<script>&amp;</script>", "path": "C:\\x", "quote": "'"}"#,
    r#"{"long": 99999999999999999999999999999999999999999999999999999999999999999999999999999999}"#,
    r#"{"z": 1, "y": 2, "x": 3, "a": 4, "10": 5, "9": 6}"#,
    r#"{"event_type": "inside", "delivery_id": 7, "data": {"data": null}}"#,
    r##"{"__proto__": 1, "constructor": {"$ref": "#"}}"##,
];

/// Publishes every text of `data` in lists and verifies what arrived against it, in Python.
async fn arrive_as_published(texts: &[String]) {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let events: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| {
            format!(r#"{{"event_type": "vote", "event_id": "e-{number}", "data": {text}}}"#)
        })
        .collect();
    for list in events.chunks(100) {
        let answer = tenant
            .admin
            .post_raw("/api/events", format!("[{}]", list.join(",")))
            .await
            .must(202)
            .to_string();
        assert!(!answer.contains("\"error\""), "{answer}");
    }
    let requests = receiver.at_least("/hook", texts.len(), Duration::from_mins(2)).await;
    let by_id: BTreeMap<String, &str> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| (format!("e-{number}"), text.as_str()))
        .collect();
    let signed: Vec<_> = requests
        .iter()
        .map(|request| {
            let published = Some(by_id[&request.field("event_id")]);
            python::Signed { request, secret: &webhook.secret, published }
        })
        .collect();
    python::verify(&signed);
}

#[tokio::test]
async fn awkward_bodies_are_what_python_prints() {
    arrive_as_published(&AWKWARD.map(str::to_owned)).await;
}

#[tokio::test]
async fn generated_bodies_are_what_python_prints() {
    arrive_as_published(&python::generate(20_260_120, 200)).await;
}

#[tokio::test]
async fn data_reads_back_with_its_order_and_numbers() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let data = r#"{"z":1.50,"a":123456789012345678901234567890,"m":{"y":1e2,"b":null}}"#;
    let event = format!(r#"{{"event_type": "vote", "event_id": "e-1", "data": {data}}}"#);
    tenant.admin.post_raw("/api/events", event).await.must(202);
    let text = tenant.admin.get("/api/events/e-1").await.text();
    let read: Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&String> = read["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["z", "a", "m"]);
    assert!(text.contains("123456789012345678901234567890"), "{text}");
}
