//! Every field of a wrong type or out of range, by name.

use serde_json::{Value, json};

use super::{BODY, MAX_PROBLEMS, read};

fn fields(record: &Value) -> Vec<String> {
    read(record).expect_err("something is wrong").into_iter().map(|problem| problem.field).collect()
}

fn named(table: &[(&str, Value)]) {
    for (field, record) in table {
        assert_eq!(fields(record), [*field], "{record:.200}");
    }
}

#[test]
fn every_wrong_field_of_the_record_is_named() {
    let long_name = "n".repeat(201);
    let huge: Value = serde_json::from_str("1e999").unwrap();
    named(&[
        (BODY, json!([])),
        (BODY, json!("a debate")),
        ("debate_id", json!({"debate_id": 5})),
        ("debate_id", json!({"debate_id": "d".repeat(201)})),
        ("task", json!({"task": 5})),
        ("task", json!({"task": ["t"]})),
        ("task", json!({"task": "t".repeat(20_001)})),
        ("question", json!({"question": "t".repeat(20_001)})),
        ("domain", json!({"domain": false})),
        ("workspace_id", json!({"workspace_id": {}})),
        ("workspace_id", json!({"workspace_id": "w".repeat(201)})),
        ("tags", json!({"tags": 5})),
        ("tags[1]", json!({"tags": ["a", 5]})),
        ("agents", json!({"agents": "nova"})),
        ("agents", json!({"agents": vec!["x"; 1_001]})),
        ("agents[1]", json!({"agents": ["nova", 5]})),
        ("agents[0]", json!({"agents": [" "]})),
        ("agents[0]", json!({"agents": [long_name]})),
        ("agents[0].name", json!({"agents": [{"model": "m"}]})),
        ("agents[0].name", json!({"agents": [{"name": 5}]})),
        ("agents[0].elo", json!({"agents": [{"name": "a", "elo": "high"}]})),
        ("agents[0].elo", json!({"agents": [{"name": "a", "elo": 1e9}]})),
        ("agents[0].calibration", json!({"agents": [{"name": "a", "calibration": -1}]})),
        ("agents[0].version", json!({"agents": [{"name": "a", "version": []}]})),
        ("rounds", json!({"rounds": -1})),
        ("rounds", json!({"rounds": 1.5})),
        ("rounds", json!({"rounds": "3"})),
        ("rounds", json!({"rounds": 1e30})),
        ("rounds", json!({"rounds": {}})),
        ("rounds[0]", json!({"rounds": [5]})),
        ("rounds[0].round", json!({"rounds": [{"round": -1}]})),
        ("rounds_used", json!({"rounds_used": "two"})),
        ("positions", json!({"positions": "x"})),
        ("positions.nova", json!({"positions": {"nova": 5}})),
        ("positions.nova[0]", json!({"positions": {"nova": [5]}})),
        (
            "positions.nova[0].confidence",
            json!({"positions": {"nova": [{"position": "p", "confidence": 1.2}]}}),
        ),
        (
            "positions.nova[0].round",
            json!({"positions": {"nova": [{"position": "p", "round": -1}]}}),
        ),
        ("positions[0].agent", json!({"positions": [{"position": "p"}]})),
        ("evidence", json!({"evidence": {}})),
        ("evidence[0]", json!({"evidence": [5]})),
        ("evidence[0].content", json!({"evidence": [{"source": "s", "content": 5}]})),
        (
            "evidence[0].relevance",
            json!({"evidence": [{"source": "s", "content": "c", "relevance": 1.5}]}),
        ),
        ("consensus", json!({"consensus": "majority"})),
        ("consensus.reached", json!({"consensus": {"reached": "yes"}})),
        ("consensus.confidence", json!({"consensus": {"reached": true, "confidence": 7}})),
        ("consensus_reached", json!({"consensus_reached": 1})),
        ("winner", json!({"winner": 5})),
        ("final_answer", json!({"final_answer": 42})),
        ("confidence", json!({"confidence": 1.2})),
        ("confidence", json!({"confidence": -0.01})),
        ("confidence", json!({"confidence": "high"})),
        ("confidence", json!({"confidence": true})),
        ("confidence", json!({"confidence": huge})),
        ("final_result.confidence", json!({"final_result": {"confidence": 72}})),
        ("consensus_margin", json!({"consensus_margin": 2})),
        ("started_at", json!({"started_at": 5})),
        ("completed_at", json!({"completed_at": true})),
        ("duration_seconds", json!({"duration_seconds": -1})),
        ("duration_seconds", json!({"duration_seconds": "1 m"})),
        ("tokens_used", json!({"tokens_used": 1.5})),
        ("cost_usd", json!({"cost_usd": "1"})),
        ("events", json!({"events": {}})),
        ("events[1]", json!({"events": [{"type": "x"}, 5]})),
        ("events[0].event_type", json!({"events": [{"agent": "a"}]})),
        (
            "events[0].data.confidence",
            json!({"events": [{"type": "vote", "agent": "a", "data": {"choice": "b", "confidence": 2}}]}),
        ),
    ]);
}

#[test]
fn every_wrong_field_of_what_was_said_is_named() {
    named(&[
        ("messages", json!({"messages": "hello"})),
        ("messages", json!({"messages": {"nova": "hello"}})),
        ("messages[1]", json!({"messages": [{"agent": "a", "content": "c"}, "hello"]})),
        ("messages[0].agent", json!({"messages": [{"agent": 5, "content": "c"}]})),
        ("messages[0].agent", json!({"messages": [{"agent": "a".repeat(201), "content": "c"}]})),
        ("messages[0].role", json!({"messages": [{"agent": "a", "role": 1, "content": "c"}]})),
        ("messages[0].kind", json!({"messages": [{"agent": "a", "kind": 1, "content": "c"}]})),
        ("messages[0].content", json!({"messages": [{"agent": "a", "content": 5}]})),
        ("messages[0].content[1]", json!({"messages": [{"agent": "a", "content": ["x", 5]}]})),
        ("messages[0].round", json!({"messages": [{"agent": "a", "content": "c", "round": "1"}]})),
        ("messages[0].round", json!({"messages": [{"agent": "a", "content": "c", "round": 0.5}]})),
        (
            "messages[0].round_num",
            json!({"messages": [{"agent": "a", "content": "c", "round_num": -3}]}),
        ),
        (
            "messages[0].round",
            json!({"messages": [{"agent": "a", "content": "c", "round": 10_001}]}),
        ),
        (
            "messages[0].timestamp",
            json!({"messages": [{"agent": "a", "content": "c", "timestamp": 5}]}),
        ),
        (
            "messages[0].timestamp",
            json!({"messages": [{"agent": "a", "content": "c", "timestamp": []}]}),
        ),
        ("proposals", json!({"proposals": "text"})),
        ("proposals[0]", json!({"proposals": ["text"]})),
        ("proposals.nova", json!({"proposals": {"nova": 5}})),
        ("proposals[0].agent", json!({"proposals": [{"agent": [], "content": "c"}]})),
        ("proposals[0].content", json!({"proposals": [{"agent": "a", "content": true}]})),
        ("proposals.nova.x", json!({"proposals": {"nova": {"x": "y"}}})),
        ("critiques", json!({"critiques": 1})),
        ("critiques[0]", json!({"critiques": [1]})),
        ("critiques[0].critic", json!({"critiques": [{"critic": 1, "content": "c"}]})),
        (
            "critiques[0].target",
            json!({"critiques": [{"critic": "a", "target": 1, "content": "c"}]}),
        ),
        (
            "critiques[0].severity",
            json!({"critiques": [{"critic": "a", "content": "c", "severity": 11}]}),
        ),
        (
            "critiques[0].severity",
            json!({"critiques": [{"critic": "a", "content": "c", "severity": -0.1}]}),
        ),
        (
            "critiques[0].severity",
            json!({"critiques": [{"critic": "a", "content": "c", "severity": "0.5"}]}),
        ),
        ("critiques[0].issues", json!({"critiques": [{"critic": "a", "issues": 5}]})),
        ("critiques[0].issues[0]", json!({"critiques": [{"critic": "a", "issues": [5]}]})),
        ("critiques.1.rex", json!({"critiques": {"1": {"rex": false}}})),
        ("votes", json!({"votes": 7})),
        ("votes", json!({"votes": "nova"})),
        ("votes[1]", json!({"votes": [{"agent": "a", "choice": "b"}, 5]})),
        ("votes[0].agent", json!({"votes": [{"choice": "b"}]})),
        ("votes[0].agent", json!({"votes": [{"agent": 5, "choice": "b"}]})),
        ("votes[0].choice", json!({"votes": [{"agent": "a", "choice": 5}]})),
        ("votes[0].choice", json!({"votes": [{"agent": "a", "choice": "c".repeat(1_001)}]})),
        (
            "votes[0].confidence",
            json!({"votes": [{"agent": "a", "choice": "b", "confidence": 1.2}]}),
        ),
        (
            "votes[0].confidence",
            json!({"votes": [{"agent": "a", "choice": "b", "confidence": -0.1}]}),
        ),
        (
            "votes[0].confidence",
            json!({"votes": [{"agent": "a", "choice": "b", "confidence": "0.5"}]}),
        ),
        ("votes[0].weight", json!({"votes": [{"agent": "a", "choice": "b", "weight": -1}]})),
        ("votes[0].weight", json!({"votes": [{"agent": "a", "choice": "b", "weight": 1e7}]})),
        ("votes[0].reasoning", json!({"votes": [{"agent": "a", "choice": "b", "reasoning": []}]})),
        ("votes[0].round", json!({"votes": [{"agent": "a", "choice": "b", "round": 1.5}]})),
        ("votes.nova", json!({"votes": {"nova": 5}})),
        ("votes.nova.confidence", json!({"votes": {"nova": {"choice": "b", "confidence": 2}}})),
        ("vote_reasoning", json!({"vote_reasoning": []})),
        ("vote_reasoning.nova", json!({"vote_reasoning": {"nova": 5}})),
        ("vote_counts", json!({"vote_counts": []})),
        ("vote_counts.nova", json!({"vote_counts": {"nova": "2"}})),
        ("vote_counts.nova", json!({"vote_counts": {"nova": -2}})),
    ]);
}

#[test]
fn null_and_blank_are_as_if_nothing_were_there() {
    let names = [
        "debate_id",
        "task",
        "domain",
        "workspace_id",
        "agents",
        "rounds",
        "messages",
        "proposals",
        "critiques",
        "votes",
        "vote_reasoning",
        "positions",
        "evidence",
        "consensus",
        "consensus_reached",
        "winner",
        "final_answer",
        "confidence",
        "consensus_margin",
        "vote_counts",
        "started_at",
        "completed_at",
        "duration_seconds",
        "tokens_used",
        "cost_usd",
        "tags",
        "events",
        "result",
    ];
    let empty = read(&json!({})).unwrap();
    for name in names {
        assert_eq!(read(&json!({name: null})).unwrap(), empty, "{name}");
    }
    for name in
        ["debate_id", "task", "domain", "workspace_id", "winner", "final_answer", "started_at"]
    {
        assert_eq!(read(&json!({name: " \n"})).unwrap(), empty, "{name}");
    }
}

#[test]
fn problems_are_few_and_never_repeat_what_was_sent() {
    let votes: Vec<_> =
        (0..500).map(|_| json!({"agent": "a", "choice": "b", "confidence": 77.5})).collect();
    let problems = read(&json!({"votes": votes, "task": 5})).unwrap_err();
    assert_eq!(problems.len(), MAX_PROBLEMS);
    assert!(problems.iter().all(|problem| !problem.message.contains("77.5")));
    let key = format!("{}\u{202e}\0", "k".repeat(500));
    let problem = &read(&json!({"proposals": {key: 5}})).unwrap_err()[0];
    assert!(problem.field.chars().count() <= 210 && !problem.field.contains('\u{202e}'));
}
