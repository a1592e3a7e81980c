//! Receivers that attack: answers that no honest server gives. Each ends in time with a status or
//! a class, and none of them reaches anything but its own attempt.

use std::time::Duration;

use aragora_delivery::sender::{Attempt, ErrorClass, Outcome, OutgoingRequest};
use futures_util::future::join_all;
use http::HeaderMap;
use tokio::time::Instant;

use crate::receiver::{Connection, Receiver};
use crate::{PATIENT, SHORT, answer, failure, local_sender, post, url};

/// What a busy machine may add to a limit; far below what a limit that is not kept would take.
const LATE: Duration = Duration::from_secs(4);

/// A receiver that reads a request, writes `reply` and keeps the connection open.
async fn saying(reply: Vec<u8>) -> Receiver {
    Receiver::start(move |mut connection| {
        let reply = reply.clone();
        async move {
            connection.request().await;
            connection.write(reply).await;
            connection.hung_up().await;
        }
    })
    .await
}

/// What comes of a reply, within the limit.
async fn attempt_on(reply: impl Into<Vec<u8>>, limit: Duration) -> Attempt {
    let receiver = saying(reply.into()).await;
    let started = Instant::now();
    let attempt = post(&local_sender(receiver.port), &url(receiver.port), limit).await;
    let elapsed = started.elapsed();
    assert!(elapsed < limit + LATE, "took {elapsed:?}");
    attempt
}

/// A short name for an outcome: its status, or its class.
fn named(attempt: &Attempt) -> String {
    match &attempt.outcome {
        Outcome::Answered(answer) => answer.status.to_string(),
        Outcome::Failed(failure) => failure.class.to_string(),
    }
}

/// Every reply has its outcome; all are tried side by side.
async fn outcomes(cases: &[(&str, &str)]) {
    let tried = cases.iter().map(|(reply, expected)| async move {
        let got = named(&attempt_on(*reply, SHORT * 2).await);
        (got != *expected).then(|| format!("{reply:?}: {got}, not {expected}"))
    });
    let wrong: Vec<String> = join_all(tried).await.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn what_is_not_http_1_is_no_answer() {
    outcomes(&[
        // HTTP/0.9: a body and nothing else.
        ("<html>it works</html>\n", "protocol"),
        // HTTP/2: the client's preface, and a server's SETTINGS frame.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "protocol"),
        ("\0\0\u{6}\u{4}\0\0\0\0\0\0\u{3}\0\0\0\u{64}", "protocol"),
        ("HTTP/3 200 OK\r\n\r\n", "protocol"),
        ("HTTP/1.2 200 OK\r\n\r\n", "protocol"),
        ("ICY 200 OK\r\n\r\n", "protocol"),
        // A request.
        ("POST / HTTP/1.1\r\nhost: a\r\n\r\n", "protocol"),
        // A TLS alert.
        ("\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{28}", "protocol"),
        ("HTTP/1.1 20 OK\r\n\r\n", "protocol"),
        ("HTTP/1.1 2000 OK\r\n\r\n", "protocol"),
        ("HTTP/1.1 -200 OK\r\n\r\n", "protocol"),
        ("HTTP/1.1 099 Low\r\n\r\n", "protocol"),
        ("HTTP/1.1 2x0 OK\r\n\r\n", "protocol"),
        // What is merely old, terse or unheard of is an answer.
        ("HTTP/1.0 200 OK\r\n\r\n", "200"),
        ("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", "200"),
        ("HTTP/1.1 200 OK\ncontent-length: 0\n\n", "200"),
        ("HTTP/1.1 999 Beyond\r\ncontent-length: 0\r\n\r\n", "999"),
    ])
    .await;
}

#[tokio::test]
async fn headers_that_cannot_be_read_are_no_answer() {
    outcomes(&[
        ("HTTP/1.1 200 OK\r\nx-a: 1\0\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\n: no name\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\nx a: 1\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\nx-a: 1\r\n folded\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx", "protocol"),
        ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\nx", "protocol"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0x10\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\n", "protocol"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551615\r\n\r\n", "protocol"),
    ])
    .await;
}

#[tokio::test]
async fn one_huge_header_or_thousands_are_refused_before_they_are_held() {
    let huge = format!("HTTP/1.1 200 OK\r\nx-huge: {}\r\n\r\n", "h".repeat(1024 * 1024));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x-many: 1\r\n".repeat(5_000));
    for reply in [huge, many] {
        let got = failure(attempt_on(reply, PATIENT).await);
        assert_eq!(got.class, ErrorClass::Protocol);
    }
}

#[tokio::test]
async fn odd_transfer_codings_end_in_time_and_keep_the_status() {
    let chunk_extension = format!(
        "HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n5;{}\r\nhello\r\n0\r\n\r\n",
        "e".repeat(100_000)
    );
    let trailers = format!(
        "HTTP/1.1 500 No\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n{}",
        "x-trailer: 1\r\n".repeat(50_000)
    );
    let head = "HTTP/1.1 500 No\r\ntransfer-encoding:";
    let odd = [
        format!("{head} chunked\r\ncontent-length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        format!("{head} chunked\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        format!("{head} gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
        format!("{head} identity\r\n\r\nhello"),
        format!("{head} xchunked\r\n\r\nhello"),
        format!("{head} chunked, gzip\r\n\r\nhello"),
        format!("{head} chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nhello"),
        format!("{head} chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\nhello"),
        format!("{head} chunked\r\n\r\n-5\r\nhello"),
        format!("{head} chunked\r\n\r\n5\r\nhelloTOO MUCH"),
        chunk_extension,
        trailers,
    ];
    let got = join_all(odd.iter().map(|reply| attempt_on(reply.as_bytes(), SHORT * 2))).await;
    for (reply, attempt) in odd.iter().zip(got) {
        let reply: String = reply.chars().take(120).collect();
        let got = answer(attempt);
        assert_eq!(got.status, 500, "{reply}");
        let excerpt = got.excerpt.unwrap_or_default();
        assert!(["", "hello"].contains(&excerpt.as_str()), "{reply}: {excerpt}");
    }
}

#[tokio::test]
async fn answers_without_a_body_end_at_their_headers_whatever_they_announce() {
    for (status, said) in [
        (204, "content-length: 1000000\r\n"),
        (304, "content-length: 1000000\r\n"),
        (204, "transfer-encoding: chunked\r\n"),
    ] {
        let started = Instant::now();
        let reply = format!("HTTP/1.1 {status} So\r\n{said}\r\n");
        assert_eq!(answer(attempt_on(reply, PATIENT).await).status, status);
        assert!(started.elapsed() < PATIENT / 4);
    }
}

#[tokio::test]
async fn a_flood_of_informational_answers_ends_at_the_timeout() {
    for said in
        ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=x\r\n\r\n"]
    {
        let flood = Receiver::start(move |mut connection: Connection| async move {
            connection.request().await;
            let flood = said.repeat(1_000);
            while connection.write(&flood).await.is_some() {}
        })
        .await;
        let started = Instant::now();
        let attempt = post(&local_sender(flood.port), &url(flood.port), SHORT).await;
        assert_eq!(failure(attempt).class, ErrorClass::Timeout);
        assert!(started.elapsed() < SHORT + LATE);
        // One that ends is only a slow answer.
        let reply = format!("{}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", said.repeat(1_000));
        assert!(attempt_on(reply, PATIENT).await.is_success());
    }
}

#[tokio::test]
async fn a_byte_a_second_is_not_an_answer_however_long_it_goes_on() {
    let limit = Duration::from_millis(1_500);
    // Headers; and a success and a failure whose bodies drip instead.
    let drips = [
        ("", "timeout"),
        ("HTTP/1.1 200 OK\r\n", "timeout"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", "200"),
        ("HTTP/1.1 500 No\r\ncontent-length: 9\r\n\r\n", "500"),
    ];
    join_all(drips.into_iter().map(|(head, expected)| async move {
        let receiver = Receiver::start(move |mut connection| async move {
            connection.request().await;
            connection.write(head).await;
            let mut drip = tokio::time::interval(Duration::from_secs(1));
            for byte in b"HTTP/1.1 200 OK\r\n\r\n" {
                drip.tick().await;
                if connection.write([*byte]).await.is_none() {
                    return;
                }
            }
        })
        .await;
        let started = Instant::now();
        let attempt = post(&local_sender(receiver.port), &url(receiver.port), limit).await;
        let elapsed = started.elapsed();
        assert_eq!(named(&attempt), expected, "{head:?}");
        assert!(elapsed < limit + LATE, "{head:?}: {elapsed:?}");
    }))
    .await;
}

#[tokio::test]
async fn a_receiver_that_never_reads_is_given_up_at_the_timeout() {
    let receiver = Receiver::start(|connection| async move {
        tokio::time::sleep(PATIENT).await;
        drop(connection);
    })
    .await;
    // More than the sockets of both ends take in.
    let request = OutgoingRequest {
        url: &url(receiver.port),
        headers: HeaderMap::new(),
        body: vec![b'x'; 32 * 1024 * 1024],
        timeout: SHORT,
    };
    let started = Instant::now();
    let got = failure(local_sender(receiver.port).send(request).await);
    assert_eq!(got.class, ErrorClass::Timeout);
    assert!(started.elapsed() < SHORT + LATE);
}

#[tokio::test]
async fn a_connection_reset_in_the_middle_is_closed_or_keeps_its_status() {
    for (said, expected) in [
        ("", "closed"),
        ("HTTP/1.1 200 O", "closed"),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf", "200"),
        ("HTTP/1.1 500 No\r\ncontent-length: 10\r\n\r\nhalf", "500"),
    ] {
        let receiver = Receiver::start(move |mut connection| async move {
            connection.request().await;
            connection.write(said).await;
            // Long enough for what was said to be read before the reset throws it away.
            tokio::time::sleep(Duration::from_millis(150)).await;
            connection.stream.set_zero_linger().expect("it can be reset");
        })
        .await;
        let attempt = post(&local_sender(receiver.port), &url(receiver.port), PATIENT).await;
        assert_eq!(named(&attempt), expected, "{said:?}");
    }
}

#[tokio::test]
async fn an_answer_nobody_asked_for_is_not_taken_for_the_next_ones() {
    // A second answer, or the rest of a body, behind the end of the first: whoever read it as the
    // next delivery's answer would take a failure for a success.
    let success = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    for first in [
        format!("{success}{success}"),
        format!("HTTP/1.1 204 So\r\ncontent-length: 40\r\n\r\n{success}"),
        format!("HTTP/1.1 500 No\r\ncontent-length: 2\r\n\r\nno{success}"),
        format!(
            "HTTP/1.1 500 No\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n\
             0\r\n\r\n{success}"
        ),
    ] {
        let mut receiver = Receiver::start(move |mut connection| {
            let first = first.clone();
            async move {
                let first = if connection.number == 0 { first } else { String::new() };
                while connection.request().await.is_some() {
                    let said = if first.is_empty() {
                        "HTTP/1.1 418 The true one\r\ncontent-length: 0\r\n\r\n"
                    } else {
                        &first
                    };
                    connection.write(said).await;
                }
            }
        })
        .await;
        let sender = local_sender(receiver.port);
        post(&sender, &url(receiver.port), PATIENT).await;
        receiver.seen().await;
        for _ in 0..2 {
            let attempt = post(&sender, &url(receiver.port), PATIENT).await;
            assert_eq!(answer(attempt).status, 418);
            assert_ne!(receiver.seen().await.connection, 0, "the poisoned one is not used again");
        }
    }
}

#[tokio::test]
async fn nothing_an_answer_says_changes_the_next_request() {
    let mut receiver = Receiver::answering(
        "HTTP/1.1 401 Who\r\nset-cookie: id=1\r\nwww-authenticate: Basic realm=\"x\"\r\n\
         proxy-authenticate: Basic realm=\"y\"\r\nrefresh: 0; url=/elsewhere\r\n\
         alt-svc: h2=\"127.0.0.1:1\"\r\nstrict-transport-security: max-age=9\r\n\
         location: /elsewhere\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let sender = local_sender(receiver.port);
    let mut heads = Vec::new();
    for _ in 0..2 {
        let attempt = post(&sender, &url(receiver.port), PATIENT).await;
        assert_eq!(answer(attempt).status, 401);
        heads.push(receiver.seen().await.head);
    }
    assert_eq!(heads.first(), heads.last());
}

#[tokio::test]
async fn what_a_failure_says_is_kept_as_plain_text() {
    let page = b"<html><script>alert('x')</script>\0\x1b]0;title\x07\xff\xfe</html>\r\n\x9b2J";
    let mut reply = format!(
        "HTTP/1.1 500 No\r\ncontent-type: text/html; charset=utf-16\r\ncontent-length: {}\r\n\r\n",
        page.len()
    )
    .into_bytes();
    reply.extend_from_slice(page);
    let got = answer(attempt_on(reply, PATIENT).await);
    assert_eq!(
        got.excerpt.as_deref(),
        Some(
            "<html><script>alert('x')</script>\u{fffd}\u{fffd}]0;title\u{fffd}\u{fffd}\u{fffd}\
             </html>\n\u{fffd}2J"
        )
    );
    // Marks that turn a line of text around, wherever it is shown.
    let turned = "\u{61c}a\u{200f}b\u{202e}c\u{2067}d\u{206a}e\u{feff}f";
    let reply = format!("HTTP/1.1 500 No\r\ncontent-length: {}\r\n\r\n{turned}", turned.len());
    let got = answer(attempt_on(reply, PATIENT).await);
    let expected = "\u{fffd}a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}f";
    assert_eq!(got.excerpt.as_deref(), Some(expected));
}

#[tokio::test]
async fn absurd_retry_afters_are_passed_on_short_and_printable_or_not_at_all() {
    let nines = "9".repeat(64);
    for (value, expected) in [
        ("-1", Some("-1")),
        ("1e999", Some("1e999")),
        (nines.as_str(), Some(nines.as_str())),
        ("Fri, 31 Dec 9999 23:59:59 GMT", Some("Fri, 31 Dec 9999 23:59:59 GMT")),
        ("120, 60", Some("120, 60")),
        ("", Some("")),
        ("\u{663}\u{660}", None),
        ("1\u{1}2", None),
    ] {
        let reply = format!(
            "HTTP/1.1 429 No\r\nretry-after: {value}\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"
        );
        match attempt_on(reply, PATIENT).await.outcome {
            Outcome::Answered(got) => assert_eq!(got.retry_after.as_deref(), expected, "{value:?}"),
            // A control character makes it no header at all.
            Outcome::Failed(failure) => {
                assert_eq!((failure.class, expected), (ErrorClass::Protocol, None), "{value:?}");
            }
        }
    }
}
