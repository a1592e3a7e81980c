//! Bodies: bounded, harmless, and never able to change a status that has arrived.

use std::time::Duration;

use aragora_delivery::sender::OutgoingRequest;
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::receiver::{Connection, Receiver};
use crate::{PATIENT, SHORT, answer, local_sender, post, url};

const CHUNK: usize = 16 * 1024;

/// A chunk of a chunked body.
fn chunk() -> Vec<u8> {
    let mut bytes = format!("{CHUNK:x}\r\n").into_bytes();
    bytes.resize(bytes.len() + CHUNK, b'x');
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// More than the socket buffers of both ends hold; what a receiver can write beyond it is read.
const BUFFERED: usize = 24 * 1024 * 1024;

/// Answers `status` with a body without end, for as long as anybody reads it; gives its length.
async fn endless(connection: &mut Connection, status: u16) -> usize {
    connection.request().await;
    let head = format!("HTTP/1.1 {status} So\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = chunk();
    connection.write(head).await;
    let mut written = 0;
    while connection.write(&chunk).await.is_some() {
        written += CHUNK;
    }
    written
}

#[tokio::test]
async fn an_excerpt_is_two_thousand_characters_of_harmless_text() {
    let body = format!("\u{1b}[2J{}", "\u{e9}".repeat(3_000));
    let reply = format!("HTTP/1.1 400 No\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let receiver = Receiver::answering(reply).await;
    let got = answer(post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await);
    let expected = format!("\u{fffd}[2J{}", "\u{e9}".repeat(1_996));
    assert_eq!(got.excerpt, Some(expected));
}

#[tokio::test]
async fn an_endless_body_ends_at_the_bound_and_keeps_its_status() {
    for (status, kept) in [(500, Some("x".repeat(2_000))), (200, None)] {
        let (report, mut reports) = mpsc::unbounded_channel();
        let receiver = Receiver::start(move |mut connection| {
            let report = report.clone();
            async move {
                let written = endless(&mut connection, status).await;
                report.send(written).expect("the test is waiting");
            }
        })
        .await;
        let started = Instant::now();
        let got = answer(post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await);
        assert_eq!((got.status, got.excerpt), (status, kept));
        assert!(started.elapsed() < PATIENT / 2);
        let written = reports.recv().await.expect("the receiver reports");
        assert!(written < BUFFERED, "{written} bytes were taken");
    }
}

#[tokio::test]
async fn fifty_megabytes_are_not_read() {
    const SIZE: usize = 50 * 1024 * 1024;
    for status in [200, 502] {
        let (report, mut reports) = mpsc::unbounded_channel();
        let receiver = Receiver::start(move |mut connection| {
            let report = report.clone();
            async move {
                connection.request().await;
                let head = format!("HTTP/1.1 {status} So\r\ncontent-length: {SIZE}\r\n\r\n");
                connection.write(head).await;
                let piece = vec![b'y'; CHUNK];
                let mut written = 0;
                while written < SIZE && connection.write(&piece).await.is_some() {
                    written += CHUNK;
                }
                report.send(written).expect("the test is waiting");
            }
        })
        .await;
        let got = answer(post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await);
        assert_eq!(got.status, status);
        let written = reports.recv().await.expect("the receiver reports");
        assert!(written < BUFFERED, "{written} bytes were taken");
    }
}

#[tokio::test]
async fn a_large_body_announced_is_not_waited_for() {
    let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nthe beginning";
    let mut quickest = PATIENT;
    // A busy machine may delay any one of them.
    for _ in 0..5 {
        let receiver = Receiver::stalling_after(reply).await;
        let started = Instant::now();
        assert!(
            post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await.is_success()
        );
        quickest = quickest.min(started.elapsed());
    }
    assert!(quickest < Duration::from_millis(200), "{quickest:?}");
}

#[tokio::test]
async fn a_body_that_comes_a_little_later_does_not_cost_the_connection() {
    for (status, body) in [(200, "thanks"), (500, "sorry")] {
        let mut receiver = Receiver::start(move |mut connection| async move {
            while connection.request().await.is_some() {
                let length = body.len();
                let head = format!("HTTP/1.1 {status} So\r\ncontent-length: {length}\r\n\r\n");
                connection.write(head).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
                connection.write(body).await;
            }
        })
        .await;
        let sender = local_sender(receiver.port);
        for _ in 0..2 {
            let attempt = post(&sender, &url(receiver.port), PATIENT).await;
            assert_eq!(answer(attempt).status, status);
            assert_eq!(receiver.seen().await.connection, 0);
        }
    }
}

#[tokio::test]
async fn one_timeout_covers_headers_and_body() {
    let limit = Duration::from_millis(1_500);
    let receiver = Receiver::start(|mut connection| async move {
        connection.request().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        connection.write("HTTP/1.1 500 No\r\ncontent-length: 100\r\n\r\nso far").await;
        connection.hung_up().await;
    })
    .await;
    let started = Instant::now();
    let attempt = post(&local_sender(receiver.port), &url(receiver.port), limit).await;
    let elapsed = started.elapsed();
    assert!(elapsed < limit + Duration::from_millis(600), "{elapsed:?}");
    assert!(
        (1_000..1_500).contains(&attempt.latency_ms),
        "until the headers: {}",
        attempt.latency_ms
    );
    assert_eq!(answer(attempt).excerpt.as_deref(), Some("so far"));
}

#[tokio::test]
async fn a_stalled_failure_body_ends_at_the_timeout_and_keeps_what_came() {
    let receiver =
        Receiver::stalling_after(b"HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\nthe beginning")
            .await;
    let started = Instant::now();
    let attempt = post(&local_sender(receiver.port), &url(receiver.port), SHORT).await;
    let elapsed = started.elapsed();
    assert!(elapsed >= SHORT, "it waited for the body: {elapsed:?}");
    assert!(elapsed < SHORT + Duration::from_secs(5), "{elapsed:?}");
    assert!(u128::from(attempt.latency_ms) < SHORT.as_millis(), "the body is not latency");
    let got = answer(attempt);
    assert_eq!((got.status, got.excerpt.as_deref()), (503, Some("the beginning")));
}

#[tokio::test]
async fn a_dripping_failure_body_ends_at_the_timeout() {
    let receiver = Receiver::start(|mut connection| async move {
        connection.request().await;
        connection.write("HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let mut drip = tokio::time::interval(Duration::from_millis(5));
        while connection.write("1\r\nd\r\n").await.is_some() {
            drip.tick().await;
        }
    })
    .await;
    let got = answer(post(&local_sender(receiver.port), &url(receiver.port), SHORT).await);
    assert_eq!(got.status, 500);
    assert!(got.excerpt.expect("some of it came").chars().all(|character| character == 'd'));
}

#[tokio::test]
async fn a_success_is_not_undone_or_held_up_by_its_body() {
    for reply in [
        // Never complete.
        &b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nthe beginning"[..],
        // Nonsense instead of a chunk.
        &b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnot-a-length\r\n"[..],
    ] {
        let receiver = Receiver::stalling_after(reply).await;
        let started = Instant::now();
        let attempt = post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await;
        assert!(attempt.is_success());
        assert!(started.elapsed() < PATIENT / 4);
    }
}

#[tokio::test]
async fn a_failure_body_that_breaks_off_keeps_its_status() {
    let receiver = Receiver::start(|mut connection| async move {
        connection.request().await;
        connection.write("HTTP/1.1 500 No\r\ncontent-length: 100\r\n\r\nhalf").await;
    })
    .await;
    let got = answer(post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await);
    assert_eq!((got.status, got.excerpt.as_deref()), (500, Some("half")));
}

#[tokio::test]
async fn compressed_bodies_are_never_decoded() {
    // `printf decoded | gzip -n`. One decoder is as good as another: a bomb only differs in size.
    let packed: &[u8] = &[
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x4b, 0x49, 0x4d, 0xce, 0x4f,
        0x49, 0x4d, 0x01, 0x00, 0xf6, 0x9a, 0xf0, 0x1a, 0x07, 0x00, 0x00, 0x00,
    ];
    for coding in ["gzip", "br", "deflate, gzip"] {
        let mut reply = format!(
            "HTTP/1.1 500 No\r\ncontent-encoding: {coding}\r\ncontent-length: {}\r\n\r\n",
            packed.len()
        )
        .into_bytes();
        reply.extend_from_slice(packed);
        let receiver = Receiver::answering(reply).await;
        let got = answer(post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await);
        assert_eq!((got.status, got.excerpt), (500, None), "{coding}");
    }
}

#[tokio::test]
async fn credentials_that_a_receiver_repeats_are_not_kept() {
    // As error pages do that print the request: at once, again and again, and across the end of
    // what is kept.
    let token = "SENTINEL-0123456789";
    for before in [String::new(), token.repeat(200), "x".repeat(7_995), "\u{1f600}".repeat(1_997)] {
        let page = format!("{before}Authorization: Bearer {token} blue {}", token.repeat(900));
        let head = format!("HTTP/1.1 500 No\r\ncontent-length: {}\r\n\r\n", page.len());
        let receiver = Receiver::answering(format!("{head}{page}")).await;
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("authorization", format!("Bearer {token}")), ("x-team", "blue".into())]
        {
            let mut value = HeaderValue::from_str(&value).expect("a value");
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let request = OutgoingRequest {
            url: &url(receiver.port),
            headers,
            body: b"{}".to_vec(),
            timeout: PATIENT,
        };
        let kept = answer(local_sender(receiver.port).send(request).await).excerpt.expect("a page");
        assert!(!kept.contains("SENTINEL"), "{kept}");
        if before.is_empty() {
            assert!(kept.starts_with("Authorization: [redacted] blue [redacted]"), "{kept}");
        }
    }
}
