//! No answer: every way a receiver can withhold one, and the class it is reported as.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use aragora_delivery::sender::{ErrorClass, Sender};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use crate::receiver::{Connection, Receiver, Trap};
use crate::{LOOPBACK, Names, PATIENT, SHORT, failure, local_sender, policy, post, url};

/// Sends with a short timeout and gives the class of the failure.
async fn class_of(port: u16, target: &str, limit: Duration) -> ErrorClass {
    let started = Instant::now();
    let attempt = post(&local_sender(port), target, limit).await;
    let elapsed = started.elapsed();
    assert!(elapsed < limit + Duration::from_secs(5), "took {elapsed:?}");
    failure(attempt).class
}

#[tokio::test]
async fn nobody_listens() {
    let trap = Trap::set();
    let port = trap.port();
    drop(trap);
    assert_eq!(class_of(port, &url(port), PATIENT).await, ErrorClass::Connect);
}

#[tokio::test]
async fn a_full_queue_of_connections_never_accepts() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::new(LOOPBACK, 0)).expect("a free port");
    let listener = socket.listen(1).expect("it listens");
    let address = listener.local_addr().expect("it is bound");
    // Until a connection hangs, which is when the kernel drops what comes.
    let mut queued = Vec::new();
    while let Ok(Ok(stream)) = timeout(SHORT, TcpStream::connect(address)).await {
        queued.push(stream);
    }
    assert_eq!(class_of(address.port(), &url(address.port()), SHORT).await, ErrorClass::Timeout);
}

#[tokio::test]
async fn silence_after_the_request() {
    let receiver = Receiver::stalling_after(b"").await;
    let got = failure(post(&local_sender(receiver.port), &url(receiver.port), SHORT).await);
    assert_eq!(got.class, ErrorClass::Timeout);
    assert_eq!(got.message, "no answer within 0.5 s");
}

#[tokio::test]
async fn headers_that_drip_or_never_end() {
    let dripping = Receiver::start(|mut connection| async move {
        connection.request().await;
        let mut drip = tokio::time::interval(Duration::from_millis(5));
        for byte in b"HTTP/1.1 200 OK\r\nx-long: ".iter().chain([b'x'; 4_096].iter()) {
            drip.tick().await;
            if connection.write([*byte]).await.is_none() {
                break;
            }
        }
        connection.hung_up().await;
    })
    .await;
    assert_eq!(class_of(dripping.port, &url(dripping.port), SHORT).await, ErrorClass::Timeout);

    let hinting = Receiver::start(|mut connection| async move {
        connection.request().await;
        let mut drip = tokio::time::interval(Duration::from_millis(5));
        while connection.write("HTTP/1.1 103 Early Hints\r\n\r\n").await.is_some() {
            drip.tick().await;
        }
    })
    .await;
    assert_eq!(class_of(hinting.port, &url(hinting.port), SHORT).await, ErrorClass::Timeout);

    for line in ["x-one: more\r\n", "x"] {
        let endless = Receiver::start(move |mut connection: Connection| async move {
            connection.request().await;
            connection.write("HTTP/1.1 200 OK\r\n").await;
            let lines = line.repeat(1_000);
            while connection.write(&lines).await.is_some() {}
        })
        .await;
        assert_eq!(class_of(endless.port, &url(endless.port), PATIENT).await, ErrorClass::Protocol);
    }
}

#[tokio::test]
async fn connections_closed_before_the_answer() {
    for said in ["", "HTT", "HTTP/1.1 200 OK\r\ncontent-le"] {
        // The whole connection.
        let closing = Receiver::start(move |mut connection| async move {
            connection.request().await;
            connection.write(said).await;
        })
        .await;
        assert_eq!(class_of(closing.port, &url(closing.port), PATIENT).await, ErrorClass::Closed);
        // Only the receiver's half of it.
        let half = Receiver::start(move |mut connection| async move {
            connection.request().await;
            connection.write(said).await;
            connection.stream.shutdown().await.expect("half can be closed");
            connection.hung_up().await;
        })
        .await;
        assert_eq!(class_of(half.port, &url(half.port), PATIENT).await, ErrorClass::Closed);
    }
}

#[tokio::test]
async fn a_connection_closed_without_reading() {
    let receiver = Receiver::start(|connection| async move { drop(connection) }).await;
    assert_eq!(class_of(receiver.port, &url(receiver.port), PATIENT).await, ErrorClass::Closed);
}

#[tokio::test]
async fn bytes_that_are_not_http() {
    for noise in ["SSH-2.0-OpenSSH_9.9\r\n", "HTTP/2 200\r\n\r\n", "\0\0\0\0\0\0\r\n\r\n"] {
        let receiver = Receiver::answering(noise).await;
        let class = class_of(receiver.port, &url(receiver.port), PATIENT).await;
        assert_eq!(class, ErrorClass::Protocol, "{noise:?}");
    }
}

#[tokio::test]
async fn something_other_than_tls() {
    let noise = Receiver::start(|mut connection| async move {
        connection.write("HTTP/1.1 400 This is not TLS\r\n\r\n").await;
        connection.hung_up().await;
    })
    .await;
    let target = format!("https://receiver.test:{}/hook", noise.port);
    assert_eq!(class_of(noise.port, &target, PATIENT).await, ErrorClass::Tls);
    // The same for a literal address, which has no name to verify.
    let target = format!("https://127.0.0.1:{}/hook", noise.port);
    assert_eq!(class_of(noise.port, &target, PATIENT).await, ErrorClass::Tls);

    let gone = Receiver::start(|connection| async move { drop(connection) }).await;
    let target = format!("https://receiver.test:{}/hook", gone.port);
    assert_eq!(class_of(gone.port, &target, PATIENT).await, ErrorClass::Tls);

    let silent = Receiver::start(|mut connection| async move { connection.hung_up().await }).await;
    let target = format!("https://receiver.test:{}/hook", silent.port);
    assert_eq!(class_of(silent.port, &target, SHORT).await, ErrorClass::Timeout);
}

#[tokio::test]
async fn a_tls_handshake_that_never_ends() {
    // The header of a handshake record of 16 KiB and of a ServerHello in it, and then a byte now
    // and again; or records without end that are legal by themselves (change cipher spec).
    for (first, then) in [
        (&b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"[..], &b"\x03"[..]),
        (b"", b"\x16\x03\x03\x00\x01\x02"),
        (b"", b"\x14\x03\x03\x00\x01\x01"),
    ] {
        let receiver = Receiver::start(move |mut connection: Connection| async move {
            connection.write(first).await;
            let mut drip = tokio::time::interval(Duration::from_millis(50));
            while connection.write(then).await.is_some() {
                drip.tick().await;
            }
        })
        .await;
        let target = format!("https://receiver.test:{}/hook", receiver.port);
        let class = class_of(receiver.port, &target, SHORT).await;
        assert!([ErrorClass::Timeout, ErrorClass::Tls].contains(&class), "{first:?}: {class}");
    }
}

#[tokio::test]
async fn a_request_that_is_given_up_closes_its_connection() {
    let (report, mut reports) = tokio::sync::mpsc::unbounded_channel();
    let receiver = Receiver::start(move |mut connection| {
        let report = report.clone();
        async move {
            connection.request().await;
            connection.hung_up().await;
            report.send(()).expect("the test is waiting");
        }
    })
    .await;
    assert_eq!(class_of(receiver.port, &url(receiver.port), SHORT).await, ErrorClass::Timeout);
    reports.recv().await.expect("the sender has hung up");
}

#[tokio::test]
async fn a_name_without_an_address() {
    let names = Arc::new(Names::always(&[]));
    let sender = Sender::new(policy(80, false), Arc::clone(&names)).expect("it can be built");
    let got = failure(post(&sender, "http://receiver.test/hook", PATIENT).await);
    assert_eq!(got.class, ErrorClass::Dns);
    assert_eq!(names.asked(), 1);
}

#[test]
fn classes_are_stored_under_their_names() {
    for class in [
        ErrorClass::Blocked,
        ErrorClass::InvalidUrl,
        ErrorClass::Dns,
        ErrorClass::Connect,
        ErrorClass::Tls,
        ErrorClass::Timeout,
        ErrorClass::Closed,
        ErrorClass::Protocol,
        ErrorClass::Internal,
    ] {
        let stored = serde_json::to_string(&class).expect("it serialises");
        assert_eq!(stored, format!("\"{class}\""));
        let read: ErrorClass = serde_json::from_str(&stored).expect("it deserialises");
        assert_eq!(read, class);
    }
}
