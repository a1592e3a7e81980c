//! What may be asked of a batch job, how a mistake is named, and what a job looks like.

use std::collections::BTreeSet;

use aragora_core::batch::{BatchPlan, CHUNK, ResultStatus, Tally, WINDOW};

use super::*;
use crate::body;

const NOW: Millis = Millis(1_705_752_000_000);

fn read(value: Value) -> Result<Wish, ApiError> {
    let wish = body::read(value, "").map_err(|problem| ApiError::invalid(vec![problem]))?;
    read_wish(wish)
}

#[test]
fn every_mistake_is_named() {
    let ids = |count: usize| (0..count).map(|number| format!("deb-{number}")).collect::<Vec<_>>();
    let options = |options: Value| json!({"debate_ids": ["deb-1"], "options": options});
    for (value, wanted) in [
        (json!({"debate_ids": ids(1)}), &[][..]),
        (json!({"debate_ids": ids(1_000), "options": null}), &[]),
        (options(json!({"format": "visual", "include_evidence": false, "priority": "low"})), &[]),
        (options(json!({"unknown": 1})), &[]),
        (json!({}), &["debate_ids"]),
        (json!({"debate_ids": []}), &["debate_ids"]),
        (json!({"debate_ids": ids(1_001)}), &["debate_ids"]),
        (json!({"debate_ids": vec!["deb-1"; 1_001]}), &["debate_ids"]),
        (json!({"debate_ids": "deb-1"}), &["debate_ids"]),
        (json!({"debate_ids": null}), &["debate_ids"]),
        (json!({"debate_ids": ["deb-1", 7]}), &["debate_ids[1]"]),
        (
            json!({"debate_ids": ["a b", "deb-1", "", "a#b"]}),
            &["debate_ids[0]", "debate_ids[2]", "debate_ids[3]"],
        ),
        (options(json!([])), &["options"]),
        (options(json!({"format": "full"})), &["options.format"]),
        (options(json!({"format": 1})), &["options.format"]),
        (options(json!({"include_evidence": "yes"})), &["options.include_evidence"]),
        (options(json!({"include_counterfactuals": 1})), &["options.include_counterfactuals"]),
        (options(json!({"include_vote_pivots": {}})), &["options.include_vote_pivots"]),
        (options(json!({"priority": "urgent"})), &["options.priority"]),
    ] {
        let wish = read(value.clone());
        let fields = |error: &ApiError| {
            error.fields().iter().map(|field| field.field.clone()).collect::<Vec<_>>()
        };
        assert_eq!(wish.as_ref().map_or_else(fields, |_| vec![]), wanted, "{value}");
    }
}

#[test]
fn what_is_left_out_is_as_for_a_single_explanation() {
    let wish = read(json!({"debate_ids": ["b", "a", "b", "c", "a"]})).unwrap();
    let ids: Vec<_> = wish.debates.iter().map(DebateId::as_str).collect();
    assert_eq!((ids, wish.priority), (vec!["b", "a", "c"], Priority::Normal));
    assert_eq!(wish.options, Options::default());
    let options =
        json!({"include_evidence": true, "include_vote_pivots": false, "format": "summary"});
    let wish = read(json!({"debate_ids": ["a"], "options": options})).unwrap();
    let some = Options {
        format: Format::Summary,
        include_evidence: Some(true),
        include_counterfactuals: None,
        include_vote_pivots: Some(false),
    };
    assert_eq!(wish.options, some);
}

#[test]
fn a_job_has_the_names_of_the_specification_and_of_the_clients() {
    let mut job = Batch::new(BatchPlan {
        id: BatchId::parse("batch-1").unwrap(),
        options: json!({"format": "summary"}),
        priority: Priority::High,
        total: 4,
        chunk: CHUNK,
        window: WINDOW,
        request_id: "r".to_owned(),
        created_at: NOW,
        noted_at: NOW,
    });
    job.tally = Tally { processed: 3, failed: 1 };
    job.started_at = Some(NOW);
    let shown = shown(&job);
    let fields: BTreeSet<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    for (ours, theirs) in [
        ("job_id", "batch_id"),
        ("total", "total_debates"),
        ("processed", "processed_count"),
        ("failed_count", "error_count"),
    ] {
        assert_eq!(shown[ours], shown[theirs]);
        assert!(fields.contains(ours));
    }
    assert_eq!(
        (&shown["total"], &shown["processed"], &shown["success_count"], &shown["failed_count"]),
        (&json!(4), &json!(3), &json!(2), &json!(1))
    );
    assert_eq!((shown["progress_pct"].as_f64(), &shown["priority"]), (Some(75.0), &json!("high")));
    assert_eq!(shown["status"], "processing");
    assert_eq!(
        (&shown["started_at"], &shown["completed_at"]),
        (&shown["created_at"], &Value::Null)
    );
    assert_eq!(shown["status_url"], "/api/explainability/batch/batch-1");
    assert_eq!(shown["results_url"], "/api/explainability/batch/batch-1/results");
}

#[test]
fn an_explanation_is_shown_as_it_is_kept() {
    let text = r#"{"n":1.50,"s":"<b>\"","deep":[{"a":null}]}"#;
    let result = DebateResult {
        debate_id: DebateId::parse("deb-1").unwrap(),
        status: ResultStatus::Success,
        explanation: Some(text.to_owned()),
        error: None,
        processing_time_ms: 7,
    };
    let page = ResultPage {
        job: json!({"job_id": "batch-1"}),
        count: 1,
        results: vec![shown_result(&result).unwrap()],
        next_cursor: None,
    };
    let wanted = format!(
        r#"{{"job_id":"batch-1","count":1,"results":[{{"debate_id":"deb-1","status":"success","explanation":{text},"error":null,"processing_time_ms":7}}],"next_cursor":null}}"#
    );
    let printed = String::from_utf8(Reply::ok(&page).unwrap().body().to_vec()).unwrap();
    assert_eq!(printed, wanted);
    let damaged = DebateResult { explanation: Some("{".to_owned()), ..result };
    assert!(shown_result(&damaged).is_err());
}
