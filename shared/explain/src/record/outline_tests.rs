//! The text that is hashed and the outline that is listed.

use serde_json::{Value, json};

use super::{Headline, canonical, headline, read};

#[test]
fn canonical_text_is_of_the_content() {
    let one: Value =
        serde_json::from_str(r#"{"b": [1, 1.50, "\u0001\"\\ü"], "a": {"d": null, "c": true}}"#)
            .unwrap();
    let other: Value =
        serde_json::from_str(r#"{"a":{"c":true,"d":null},"b":[1,1.50,"\u0001\"\\ü"]}"#).unwrap();
    assert_eq!(canonical(&one), canonical(&other));
    assert_eq!(canonical(&one), r#"{"a":{"c":true,"d":null},"b":[1,1.50,"\u0001\"\\ü"]}"#);
    let differs: Value =
        serde_json::from_str(r#"{"a":{"c":true,"d":null},"b":[1,1.5,"\u0001\"\\ü"]}"#).unwrap();
    assert_ne!(canonical(&one), canonical(&differs));
}

#[test]
fn a_headline_is_small() {
    let agents: Vec<_> = (0..200).map(|at| format!("{}-{at}", "ä".repeat(150))).collect();
    let debate = read(&json!({
        "task": "line one\nline two ".repeat(900), "agents": agents, "domain": "d".repeat(200), "workspace_id": "ws-1",
        "winner": "w".repeat(900), "votes": {"a": "b"}, "confidence": 0.123_456_789, "rounds": 3,
        "started_at": "2026-01-01T00:00:00Z", "completed_at": "2026-01-01T00:01:00Z"
    }))
    .unwrap();
    let headline = headline(&debate);
    assert_eq!((headline.agents, headline.votes, headline.rounds), (201, 1, 3));
    assert_eq!(headline.task.chars().count(), 200);
    assert!(headline.task.starts_with("line one line two"));
    assert!(!headline.names.is_empty() && headline.names.len() <= 20);
    assert_eq!(headline.duration_seconds, Some(60.0));
    let text = serde_json::to_string(&headline).unwrap();
    assert!(text.len() < 1_300, "{} bytes", text.len());
    assert_eq!(serde_json::from_str::<Headline>(&text).unwrap(), headline);
}
