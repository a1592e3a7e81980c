//! The spec's known answers, and the verifiers seeds 000 and 002 publish.

use std::io::Write as _;
use std::process::{Command, Stdio};

use aragora_core::pyjson;
use serde_json::json;

use super::{body_mac, standard_webhooks, timestamped_mac};
use crate::secret::WebhookSecret;

const BODY: &str = "{\"event_type\": \"debate.completed\", \"event_id\": \"evt-789\", \
    \"timestamp\": \"2024-01-20T12:00:00Z\", \"data\": {\"debate_id\": \"deb-123\", \
    \"task\": \"Design a rate limiter\", \"outcome\": \"consensus\", \"consensus_strength\": 0.92}}";

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::parse(text).unwrap()
}

#[test]
fn the_bodys_known_answer() {
    assert_eq!(BODY.len(), 213);
    assert_eq!(
        body_mac(&secret("your-hmac-secret"), BODY.as_bytes()),
        "sha256=934c5d50189d1fa198ed099cb689a85fc595b3c4ce1f29e6e0bdd4c071290dc8"
    );
}

#[test]
fn the_timestamped_known_answer() {
    assert_eq!(
        timestamped_mac(&secret("your-hmac-secret"), 1_705_752_000, BODY.as_bytes()),
        "t=1705752000,v1=ee383e14f057d63db7fe260c3dc05fb795589c8c74f1b932c26d2cc29518b375"
    );
}

/// The key is the whole text here, prefix and all.
#[test]
fn the_agenta_profiles_known_answer() {
    let secret = WebhookSecret::from_stored("whsec_0123456789abcdef0123456789abcdef".into());
    let body = b"{\"id\":\"11111111-2222-4333-8444-555555555555\",\"type\":\"config.deployed\"}";
    assert_eq!(
        timestamped_mac(&secret, 1_705_318_200, body),
        "t=1705318200,v1=170d7a7e649c694b812bb7b91de21277e5f4b3065a68c084bf8d53c9adcf7717"
    );
}

const STANDARD: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn sign_standard(secrets: &[WebhookSecret]) -> String {
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    standard_webhooks(secrets, id, 1_614_265_330, b"{\"test\": 2432232314}")
}

#[test]
fn the_standard_webhooks_known_answer() {
    assert_eq!(sign_standard(&[secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]), STANDARD);
}

#[test]
fn one_entry_per_live_secret_in_the_order_given() {
    let [new, old] =
        [secret("not-base64-at-all"), secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")];
    let alone = sign_standard(std::slice::from_ref(&new));
    assert_ne!(alone, STANDARD);
    assert_eq!(sign_standard(&[new, old]), format!("{alone} {STANDARD}"));
    assert_eq!(sign_standard(&[]), "");
}

/// The answer is that of Python's `hmac` with the secret's bytes as the key.
#[test]
fn a_secret_without_the_prefix_is_its_own_key() {
    assert_eq!(
        sign_standard(&[secret("not-base64-at-all")]),
        "v1,DDoQRl9+zye2XM+lqngC9+63YShPxC6I5Sa1+H53jL8="
    );
    // As is one that only looks encoded, from before the rule.
    let stored = WebhookSecret::from_stored("whsec_not base64".into());
    assert!(sign_standard(&[stored]).starts_with("v1,"));
}

/// Both published verifiers, as the guides print them: seed 000's over the raw body, seed 002's
/// over `json.dumps` of the parsed one.
const VERIFIERS: &str = r#"
import hmac, hashlib, json, sys

def verify_raw(payload, signature, secret):
    expected = "sha256=" + hmac.new(secret.encode(), payload, hashlib.sha256).hexdigest()
    return hmac.compare_digest(signature, expected)

def verify_dumped(payload, signature, secret):
    expected = "sha256=" + hmac.new(
        secret.encode(), json.dumps(payload).encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)

for line in sys.stdin.buffer:
    secret, signature, body = (bytes.fromhex(part.decode()) for part in line.split())
    secret, signature = secret.decode(), signature.decode()
    print(verify_raw(body, signature, secret), verify_dumped(json.loads(body), signature, secret))
"#;

#[test]
fn the_published_python_verifiers_accept_what_we_sign() {
    let mut lines = String::new();
    let mut expected = String::new();
    for index in 0..300_u32 {
        let secret = match index % 3 {
            0 => WebhookSecret::generate().unwrap(),
            1 => secret(&format!("schlüssel-{index}-🔑")),
            _ => secret(&"k".repeat(8 + usize::try_from(index % 249).unwrap())),
        };
        let payload = json!({
            "event_type": "debate.completed",
            "event_id": format!("evt-{index}"),
            "data": {
                "z": f64::from(index) / 7.0 * 10_f64.powi(i32::try_from(index % 40).unwrap() - 20),
                "a": char::from_u32(index * 211),
                "é\u{7f}/\"": [index, null, true, {"nested": u64::MAX - u64::from(index)}],
            },
        });
        let body = pyjson::dumps(&payload).unwrap();
        let mut signature = body_mac(&secret, body.as_bytes());
        let forged = index % 10 == 9;
        if forged {
            let last = signature.pop().unwrap();
            signature.push(if last == '0' { '1' } else { '0' });
        }
        let parts = [secret.expose(), &signature, &body].map(hex::encode);
        lines.push_str(&(parts.join(" ") + "\n"));
        expected.push_str(if forged { "False False\n" } else { "True True\n" });
    }
    let mut python = Command::new("python3")
        .args(["-c", VERIFIERS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed to run the verifiers the guides publish");
    let mut stdin = python.stdin.take().unwrap();
    let feeder = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    feeder.join().unwrap().unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}
