//! What is odd and read nevertheless.

use serde_json::{Value, json};

use super::read;

fn warnings(record: &Value) -> Vec<String> {
    read(record).expect("odd, not wrong").warnings
}

/// A record without anything odd, with some fields replaced.
fn with(changes: &Value) -> Value {
    let mut record = json!({
        "task": "t", "agents": ["ida", "rex", "nova"], "proposals": {"ida": "One.", "rex": "Two."},
        "votes": {"ida": "ida", "rex": "ida", "nova": "rex"}, "consensus": true, "winner": "ida", "vote_counts": {"ida": 2, "rex": 1}
    });
    for (name, value) in changes.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

#[test]
fn an_ordinary_record_has_none() {
    assert_eq!(warnings(&with(&json!({}))), Vec::<String>::new());
    let options = json!({"votes": {"ida": "left", "rex": "left", "nova": "right"}, "winner": "left", "vote_counts": null});
    assert_eq!(warnings(&with(&options)), Vec::<String>::new(), "votes on options");
    let weights = json!({"votes": [{"agent": "ida", "choice": "ida", "weight": 2.5}, {"agent": "rex", "choice": "rex"}],
                         "vote_counts": {"ida": 2.5, "rex": 1.0}});
    assert_eq!(warnings(&with(&weights)), Vec::<String>::new(), "counts of weights");
}

#[test]
fn each_oddity_is_said() {
    let twenty: serde_json::Map<String, Value> =
        (0..20).map(|at| (format!("a{at:02}"), json!(""))).collect();
    for (changes, warning) in [
        (json!({"task": null}), "The record has no task."),
        (json!({"task": ""}), "The record has no task."),
        (json!({"agents": null}), "The record lists no agents; they are taken from what is in it."),
        (json!({"agents": []}), "The record lists no agents; they are taken from what is in it."),
        (json!({"proposals": null}), "The record has no proposals."),
        (json!({"votes": null, "vote_counts": null}), "The record has no votes."),
        (
            json!({"votes": [{"agent": "ida", "choice": "rex"}, {"agent": "rex", "choice": "ida"}, {"agent": "nova", "choice": "rex"}, {"agent": "ida", "choice": "ida"}],
                "winner": null, "vote_counts": null}),
            "Voted more than once, and the last vote counts: ida.",
        ),
        (
            json!({"votes": {"ida": "ida", "rex": "ida", "nova": "Somebody <b>"}, "vote_counts": null}),
            "A vote for nobody who is in the record: nova.",
        ),
        (
            json!({"votes": {"nova": "zed"}, "winner": "zed", "vote_counts": null}),
            "A vote for nobody who is in the record: nova.",
        ),
        (
            json!({"votes": {"ida": "ida", "rex": "ida", "nova": " "}, "vote_counts": null}),
            "A vote for nothing is left out: nova.",
        ),
        (
            json!({"votes": [{"agent": "ida", "choice": "ida"}, {"agent": "rex"}], "vote_counts": null}),
            "A vote for nothing is left out: rex.",
        ),
        (
            json!({"vote_counts": {"ida": 3}}),
            "The record's count of votes differs from its votes; the votes are what counts.",
        ),
        (json!({"winner": "nova"}), "Nobody voted for the winner that the record names: nova."),
        (
            json!({"votes": {"ida": "ida", "rex": "rex"}, "vote_counts": null}),
            "The record says that the agents agreed, but their votes tie.",
        ),
        (
            json!({"consensus_reached": false}),
            "The record says both that the agents agreed and that they did not.",
        ),
        (
            json!({"final_answer": "[Error generating proposal: x]"}),
            "The final answer is an agent's error and is left out.",
        ),
        (
            json!({"messages": [{"content": "Who said this?"}]}),
            "One entry does not say whose it is and is shown as \"unknown\".",
        ),
        (
            json!({"messages": [{"agent": "ida"}, {"agent": "rex", "content": ""}]}),
            "2 entries have no words and are left out.",
        ),
        (
            json!({"rounds": 1, "messages": [{"agent": "ida", "round": 2, "content": "x"}]}),
            "The record says that there were 1 rounds and has moves of round 2.",
        ),
        (
            json!({"events_left_out": 3}),
            "3 events were more than a record can hold and are left out.",
        ),
        (
            json!({"votes": twenty, "winner": null, "consensus": null, "vote_counts": null}),
            "A vote for nothing is left out: a00, a01, a02, a03, a04, 15 more.",
        ),
    ] {
        let found = warnings(&with(&changes));
        assert!(found.contains(&warning.to_owned()), "{changes}: {found:?}");
        assert!(found.len() <= 2, "{changes}: {found:?}");
    }
}

#[test]
fn counts_without_votes_and_records_with_little() {
    assert_eq!(
        warnings(
            &json!({"task": "t", "proposals": {"a": "x"}, "agents": ["a"], "vote_counts": {"a": 2}})
        ),
        ["The record has no votes.", "The record counts votes and does not say whose they were."]
    );
    assert_eq!(
        warnings(&json!({"task": "t", "final_answer": "Yes.", "confidence": 0.8})),
        ["The record has only an answer and nothing that led to it."]
    );
    assert_eq!(
        warnings(&json!({})),
        ["The record has no task.", "The record has nothing that was said and no votes."]
    );
}

#[test]
fn of_two_votes_the_last_counts_unless_its_round_is_earlier() {
    let choice = |votes: &Value| read(&json!({"votes": votes})).unwrap().votes[0].choice.clone();
    assert_eq!(choice(&json!([{"agent": "a", "choice": "x"}, {"agent": "a", "choice": "y"}])), "y");
    let rounds = json!([{"agent": "a", "choice": "x", "round": 2}, {"agent": "a", "choice": "y", "round": 1}]);
    assert_eq!(choice(&rounds), "x");
    assert_eq!(choice(&json!({"1": {"a": "x"}, "2": {"a": "y"}})), "y");
}

#[test]
fn ratings_may_break_a_tie() {
    let rated = with(&json!({
        "agents": [{"name": "ida", "elo": 1600}, "rex", "nova"],
        "votes": {"ida": "ida", "rex": "rex"}, "vote_counts": null
    }));
    assert_eq!(warnings(&rated), Vec::<String>::new());
}
