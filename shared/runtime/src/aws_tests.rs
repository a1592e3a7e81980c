//! The clients, against a listener of our own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::*;

/// Answers every request on every connection with `status` and keeps what it was sent.
fn listen(status: &'static str, body: &'static str) -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (send, received) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let send = send.clone();
            thread::spawn(move || {
                while let Some(request) = serve(&stream, status, body) {
                    drop(send.send(request));
                }
            });
        }
    });
    (url, received)
}

fn serve(mut stream: &TcpStream, status: &str, body: &str) -> Option<String> {
    let mut text = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        let read = stream.read(&mut chunk).ok().filter(|&read| read > 0)?;
        text.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&text).into_owned();
        let Some((head, sent)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if sent.len() >= length.unwrap_or(0) {
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\n");
            write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).ok()?;
            return Some(text);
        }
    }
}

fn aws(endpoint_url: &str, keys: bool) -> Aws {
    Aws::new(AwsSettings {
        region: "eu-west-3".to_owned(),
        endpoint_url: Some(endpoint_url.to_owned()),
        keys: keys.then(|| AwsKeys {
            access_key_id: "AKIAEXAMPLE".to_owned(),
            secret_access_key: "secret".into(),
            session_token: Some("session".into()),
        }),
    })
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn requests_are_signed_and_go_to_the_endpoint() {
    let (url, received) = listen("200 OK", r#"{"TableNames": []}"#);
    let client = aws(&url, true).dynamodb()();
    block_on(client.list_tables().send()).unwrap();
    let request = received.recv().unwrap();
    assert!(request.contains("x-amz-target: DynamoDB_20120810.ListTables"), "{request}");
    assert!(request.contains("Credential=AKIAEXAMPLE/"), "{request}");
    assert!(request.contains("/eu-west-3/dynamodb/aws4_request"), "{request}");
    assert!(request.contains("x-amz-security-token: session"), "{request}");
}

#[test]
fn both_clients_share_one_configuration() {
    let (url, received) = listen("200 OK", r#"{"QueueUrls": [], "TableNames": []}"#);
    let aws = aws(&url, true);
    let (dynamodb, sqs) = (aws.dynamodb()(), aws.sqs()());
    block_on(async {
        dynamodb.list_tables().send().await.unwrap();
        sqs.list_queues().send().await.unwrap();
    });
    assert_eq!(received.try_iter().count(), 2);
}

#[test]
fn a_server_error_is_tried_three_times() {
    let (url, received) = listen("503 Service Unavailable", "{}");
    let client = aws(&url, true).dynamodb()();
    block_on(client.list_tables().send()).unwrap_err();
    assert_eq!(received.try_iter().count(), 3);
}

#[test]
fn building_is_left_to_the_first_use() {
    let aws = aws("http://127.0.0.1:1", false);
    let (dynamodb, sqs) = (aws.dynamodb(), aws.sqs());
    assert!(LazyLock::get(&aws.shared).is_none());
    drop((dynamodb(), sqs));
    assert!(LazyLock::get(&aws.shared).is_some());
}

/// The roots are read when the first TLS connection is made, and a bad one panics there.
#[test]
fn the_pinned_roots_are_readable_and_trust_nobody_else() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let settings = AwsSettings {
        region: "us-east-1".to_owned(),
        // Amazon's name, so that Amazon's roots are used; nothing listens there.
        endpoint_url: Some(format!("https://vpce.amazonaws.com.localhost:{port}")),
        keys: None,
    };
    assert!(!is_amazon(settings.endpoint_url.as_deref().unwrap()));
    for (url, amazon) in [
        ("https://vpce-1.dynamodb.us-east-1.vpce.amazonaws.com", true),
        ("https://sqs.cn-north-1.amazonaws.com.cn/x", true),
        ("https://dynamodb.us-east-1.api.aws:443", true),
        ("https://amazonaws.com.evil.example", false),
        ("https://localhost:4566", false),
    ] {
        assert_eq!(is_amazon(url), amazon, "{url}");
    }
    let mut config = aws("http://127.0.0.1:1", true).sdk_config().to_builder();
    config.set_endpoint_url(Some(format!("https://127.0.0.1:{port}")));
    config.set_retry_config(Some(RetryConfig::disabled()));
    let client = aws_sdk_dynamodb::Client::new(&config.build());
    let error = block_on(client.list_tables().send()).unwrap_err();
    assert!(error.as_service_error().is_none());
}
