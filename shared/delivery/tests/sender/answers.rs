//! Answers: what is sent for them, how they are reported, and connections used again.

use aragora_delivery::sender::{Attempt, Outcome, OutgoingRequest};
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;

use crate::receiver::{Receiver, Trap};
use crate::{PATIENT, SHORT, answer, local_sender, post, url};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_delivery_arrives_byte_for_byte_with_its_headers() {
    let mut receiver = Receiver::answering(OK).await;
    let sender = local_sender(receiver.port);
    let mut headers = HeaderMap::new();
    for (name, value) in [("x-webhook-id", "w1"), ("x-own", "a b"), ("user-agent", "Aragora/1")] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let body = "{\"n\": \"\\u00e9\u{e9}\"}".as_bytes().to_vec();
    let attempt = sender
        .send(OutgoingRequest {
            url: &url(receiver.port),
            headers,
            body: body.clone(),
            timeout: PATIENT,
        })
        .await;
    assert!(attempt.is_success());
    assert_eq!(answer(attempt).excerpt, None);

    let seen = receiver.seen().await;
    assert!(
        seen.head.starts_with("POST /hidden-path?key=hidden-in-query HTTP/1.1\r\n"),
        "{}",
        seen.head
    );
    assert_eq!(seen.body, body);
    assert_eq!(seen.header("x-webhook-id"), ["w1"]);
    assert_eq!(seen.header("x-own"), ["a b"]);
    assert_eq!(seen.header("user-agent"), ["Aragora/1"]);
    assert_eq!(seen.header("host"), [format!("receiver.test:{}", receiver.port)]);
    assert!(seen.header("accept-encoding").is_empty());
}

#[tokio::test]
async fn host_and_framing_are_not_the_callers() {
    let mut receiver = Receiver::answering(OK).await;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "elsewhere.test"),
        ("content-length", "1"),
        ("transfer-encoding", "chunked"),
        ("connection", "x-own, close"),
        ("x-own", "kept"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let attempt = local_sender(receiver.port)
        .send(OutgoingRequest {
            url: &url(receiver.port),
            headers,
            body: b"{}".to_vec(),
            timeout: PATIENT,
        })
        .await;
    assert!(attempt.is_success());
    let seen = receiver.seen().await;
    assert_eq!(seen.header("host"), [format!("receiver.test:{}", receiver.port)]);
    assert_eq!(seen.header("content-length"), ["2"]);
    assert!(seen.header("transfer-encoding").is_empty());
    assert!(seen.header("connection").is_empty());
    assert_eq!(seen.header("x-own"), ["kept"]);
}

#[tokio::test]
async fn every_2xx_is_success_and_nothing_else_is() {
    for (status, success) in
        [(200, true), (204, true), (299, true), (304, false), (404, false), (500, false)]
    {
        let reply = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: 0\r\n\r\n");
        let receiver = Receiver::answering(reply).await;
        let attempt = post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await;
        assert_eq!(attempt.is_success(), success, "{status}");
        assert_eq!(answer(attempt).status, status);
    }
}

#[tokio::test]
async fn redirects_are_reported_and_not_followed() {
    let trap = Trap::set();
    for status in [300, 301, 302, 303, 305, 306, 307, 308] {
        let reply = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: http://127.0.0.1:{}/\r\ncontent-length: 0\r\n\r\n",
            trap.port()
        );
        let receiver = Receiver::answering(reply).await;
        let attempt = post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await;
        assert_eq!(answer(attempt).status, status);
    }
    trap.assert_untouched();
}

#[tokio::test]
async fn retry_after_is_passed_on_as_received() {
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    let long = "9".repeat(65);
    let cases = [
        (429, "120", Some("120")),
        (503, date, Some(date)),
        (410, "soon", Some("soon")),
        (429, long.as_str(), None),
        (429, "\u{e9}", None),
    ];
    for (status, value, expected) in cases {
        let reply = format!(
            "HTTP/1.1 {status} No\r\nretry-after: {value}\r\ncontent-length: 4\r\n\r\nbusy"
        );
        let receiver = Receiver::answering(reply).await;
        let got = answer(post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await);
        assert_eq!(got.status, status);
        assert_eq!(got.retry_after.as_deref(), expected);
        assert_eq!(got.excerpt.as_deref(), Some("busy"));
    }
}

#[tokio::test]
async fn informational_answers_are_not_the_answer() {
    let reply = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let receiver = Receiver::answering(reply).await;
    assert!(post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await.is_success());
}

#[tokio::test]
async fn an_unasked_upgrade_is_a_failure_that_ends() {
    let reply =
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nxxxx";
    let receiver = Receiver::stalling_after(reply).await;
    let attempt = post(&local_sender(receiver.port), &url(receiver.port), SHORT).await;
    assert!(!attempt.is_success());
}

#[tokio::test]
async fn a_connection_is_used_again_after_success_and_after_failure() {
    for reply in [OK, "HTTP/1.1 500 Oh\r\ncontent-length: 4\r\n\r\nsad!"] {
        let mut receiver = Receiver::answering(reply).await;
        let sender = local_sender(receiver.port);
        for _ in 0..5 {
            let attempt = post(&sender, &url(receiver.port), PATIENT).await;
            assert!(matches!(attempt.outcome, Outcome::Answered(_)));
            assert_eq!(receiver.seen().await.connection, 0);
        }
    }
}

#[tokio::test]
async fn a_connection_closed_in_the_meantime_is_replaced_without_a_failure() {
    let (closed, mut closings) = mpsc::unbounded_channel();
    let mut receiver = Receiver::start(move |mut connection| {
        let closed = closed.clone();
        async move {
            connection.request().await;
            connection.write(OK).await;
            drop(connection);
            closed.send(()).expect("the test is waiting");
        }
    })
    .await;
    let sender = local_sender(receiver.port);
    for expected in 0..20 {
        assert!(post(&sender, &url(receiver.port), PATIENT).await.is_success());
        assert_eq!(receiver.seen().await.connection, expected);
        closings.recv().await.expect("the receiver hangs up");
    }
}

#[tokio::test]
async fn ten_deliveries_at_once_all_arrive() {
    let mut receiver = Receiver::answering(OK).await;
    let sender = local_sender(receiver.port);
    let target = url(receiver.port);
    let attempts =
        futures_util::future::join_all((0..10).map(|_| post(&sender, &target, PATIENT))).await;
    assert!(attempts.iter().all(Attempt::is_success));
    for _ in 0..10 {
        receiver.seen().await;
    }
}
