//! The samples of `docs/verify/` answer as the library does: to a table in which every check
//! fails, to generated deliveries signed with the real MACs, and to deliveries of a running stack.
//!
//! Only the last is a system test; the others need no stack.

#[path = "verify_samples_cases.rs"]
mod cases;
#[path = "verify_samples_generated.rs"]
mod generated;

use std::collections::BTreeMap;
use std::path::Path;

use aragora_tests::clock::now_seconds;
use aragora_tests::samples::{self, Sample};
use aragora_tests::{Receiver, Session, python};
use cases::{Case, SCHEMES, table};
use generated::generated;
use serde_json::{Value, json};

/// Every word there is; `docs/verify/README.md` explains them.
const WORDS: [&str; 8] = [
    "valid",
    "no_secret",
    "header_missing",
    "header_malformed",
    "timestamp_not_a_number",
    "too_old",
    "too_far_ahead",
    "mismatch",
];

fn all_samples() -> Vec<Sample> {
    samples::all(env!("CARGO_BIN_EXE_verify-sample"), Path::new(env!("CARGO_TARGET_TMPDIR")))
}

/// Fails with every case in which the library or a sample does not answer as expected.
fn every_sample_answers(cases: &[(Case, &str)]) {
    let input: Vec<Value> = cases.iter().map(|(case, _)| case.json()).collect();
    let mut wrong = Vec::new();
    for sample in all_samples() {
        for ((case, expected), answer) in cases.iter().zip(sample.answers(&input)) {
            if answer != *expected {
                wrong.push(format!("{}: {answer}, not {expected}: {case:?}", sample.language));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_library_answers_the_table() {
    for (case, expected) in table() {
        assert_eq!(case.library(), expected, "{case:?}");
    }
}

#[test]
fn every_sample_answers_the_table() {
    every_sample_answers(&table());
}

#[test]
fn the_table_has_every_answer_of_every_scheme() {
    let table = table();
    for scheme in SCHEMES {
        for word in WORDS {
            let has = |(case, expected): &(Case, &str)| case.scheme == scheme && *expected == word;
            assert!(table.iter().any(has), "{} never answers {word}", scheme.name());
        }
    }
}

#[test]
fn every_sample_answers_generated_deliveries_as_the_library_does() {
    let cases: Vec<(Case, &str)> = generated(20_261_121, 600)
        .into_iter()
        .map(|case| {
            let answer = case.library();
            (case, answer)
        })
        .collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, answer) in &cases {
        *seen.entry(answer).or_default() += 1;
    }
    for word in WORDS.iter().filter(|word| **word != "no_secret") {
        assert!(seen.get(word).is_some_and(|count| *count >= 5), "{word} is rare: {seen:?}");
    }
    every_sample_answers(&cases);
}

#[test]
fn the_readme_explains_every_answer() {
    let readme = aragora_tests::workspace::read("docs/verify/README.md");
    for word in WORDS {
        assert!(readme.contains(&format!("| `{word}` |")), "{word} is not in the table");
    }
}

#[tokio::test]
async fn real_deliveries_verify_with_every_sample() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let own = json!({"url": receiver.url("/own"), "event_types": ["*"], "secret": "pässwörd 🔑"});
    let webhooks = [
        ("/own", tenant.subscribe_with(own).await),
        ("/generated", tenant.subscribe(&receiver.url("/generated"), &["*"]).await),
    ];
    tenant.publish("debate.completed", json!({"task": "é 🔑 \u{7f}", "n": 1e16})).await;
    let mut cases = Vec::new();
    for (path, webhook) in &webhooks {
        let request = receiver.nth(path, 1).await;
        python::verify_one(&request, &webhook.secret);
        for scheme in SCHEMES {
            let valid = Case {
                what: format!("a real delivery to {path}"),
                scheme,
                secrets: vec!["not-yet-sent-with".to_owned(), webhook.secret.clone()],
                headers: headers(&request.headers),
                body: request.body.to_vec(),
                now: i64::try_from(now_seconds()).unwrap(),
                max_age_seconds: 300,
            };
            let mut changed = valid.clone();
            changed.body[1] ^= 1;
            let wrong = Case { secrets: vec!["another-secret".to_owned()], ..valid.clone() };
            let late = Case { now: valid.now + 600, ..valid.clone() };
            let early = Case { now: valid.now - 600, ..valid.clone() };
            cases.extend([
                (valid, "valid"),
                (changed, "mismatch"),
                (wrong, "mismatch"),
                (late, "too_old"),
                (early, "too_far_ahead"),
            ]);
        }
    }
    for (case, expected) in &cases {
        assert_eq!(case.library(), *expected, "{case:?}");
    }
    every_sample_answers(&cases);
}

fn headers(received: &http::HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.to_string(), value.to_str().expect("headers in ASCII").to_owned())
    };
    received.iter().map(text).collect()
}
