//! The receiver's side of a delivery in a real `python3`: our bodies must be what CPython prints,
//! and our signatures what the documents' Python verifiers accept.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::receiver::Received;

const SCRIPT: &str = include_str!("receiver_side.py");

/// One delivery to verify.
#[derive(Debug)]
pub struct Signed<'a> {
    /// The request as it arrived.
    pub request: &'a Received,
    /// The webhook's secret.
    pub secret: &'a str,
    /// The `data` as it was published, as JSON text, when the body must carry exactly that.
    pub published: Option<&'a str>,
}

/// Verifies every delivery: the body against `json.dumps`, each signature against its verifier.
///
/// # Panics
/// When one does not verify, saying what was wrong with which.
pub fn verify(deliveries: &[Signed<'_>]) {
    let input: Vec<Value> = deliveries.iter().map(description).collect();
    let output = run(&["check"], &json!(input).to_string());
    let problems: Vec<Vec<String>> =
        serde_json::from_str(&output).expect("a list of problems for each");
    assert_eq!(problems.len(), deliveries.len());
    for (delivery, problems) in deliveries.iter().zip(problems) {
        assert!(problems.is_empty(), "{problems:?} in {}", delivery.request.text());
    }
}

/// Verifies one delivery under one secret.
///
/// # Panics
/// As [`verify`].
pub fn verify_one(request: &Received, secret: &str) {
    verify(&[Signed { request, secret, published: None }]);
}

/// JSON objects as publishers might write them, the same for the same seed.
pub fn generate(seed: u64, count: usize) -> Vec<String> {
    let output = run(&["generate", &seed.to_string(), &count.to_string()], "");
    serde_json::from_str(&output).expect("a list of texts")
}

fn description(delivery: &Signed<'_>) -> Value {
    let named = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), json!(value.to_str().expect("headers in ASCII")))
    };
    let headers: Map<String, Value> = delivery.request.headers.iter().map(named).collect();
    json!({
        "secret": delivery.secret, "headers": headers, "published_data": delivery.published,
        "body": STANDARD.encode(&delivery.request.body),
    })
}

/// Runs the script with these arguments and returns what it printed.
fn run(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("python3")
        .args(["-c", SCRIPT])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    child
        .stdin
        .take()
        .expect("a pipe")
        .write_all(input.as_bytes())
        .expect("python3 reads its input");
    let output = child.wait_with_output().expect("python3 ends");
    assert!(output.status.success(), "python3 {arguments:?}: {}", output.status);
    String::from_utf8(output.stdout).expect("python3 prints UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use hyper::body::Bytes;

    /// The known answers of the specification.
    fn known() -> Received {
        let body = r#"{"event_type": "debate.completed", "event_id": "evt-789", "timestamp": "2024-01-20T12:00:00Z", "data": {"debate_id": "deb-123", "task": "Design a rate limiter", "outcome": "consensus", "consensus_strength": 0.92}}"#;
        let mac = "sha256=934c5d50189d1fa198ed099cb689a85fc595b3c4ce1f29e6e0bdd4c071290dc8";
        let stamped =
            "t=1705752000,v1=ee383e14f057d63db7fe260c3dc05fb795589c8c74f1b932c26d2cc29518b375";
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-signature-sha256", mac),
            ("x-webhook-signature", mac),
            ("x-aragora-signature", mac),
            ("x-aragora-timestamp", "1705752000"),
            ("x-aragora-signature-timestamped", stamped),
            ("webhook-id", "evt-789"),
            ("webhook-timestamp", "1705752000"),
            ("webhook-signature", "v1,F9sFqDscgfiLJyCvGsbtg9ds8qyE4hWICOLfLlTMq3o="),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        Received { path: "/".to_owned(), nth: 1, headers, body: Bytes::from(body), at_millis: 0 }
    }

    #[test]
    fn the_known_answers_verify() {
        verify_one(&known(), "your-hmac-secret");
    }

    #[test]
    #[should_panic(expected = "json.dumps prints")]
    fn a_body_that_python_prints_otherwise_is_found() {
        let mut compact = known();
        compact.body = Bytes::from_static(b"{\"a\":1}");
        verify_one(&compact, "your-hmac-secret");
    }

    #[test]
    #[should_panic(expected = "X-Signature-SHA256 does not verify")]
    fn a_wrong_secret_is_found() {
        verify_one(&known(), "another-secret");
    }

    #[test]
    fn generated_texts_are_json_and_repeatable() {
        let texts = generate(7, 50);
        assert_eq!(texts, generate(7, 50));
        assert!(texts.iter().all(|text| serde_json::from_str::<Value>(text).unwrap().is_object()));
    }
}
