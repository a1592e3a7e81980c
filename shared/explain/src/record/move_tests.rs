//! What is one move and of which kind.

use serde_json::{Value, json};

use super::{Debate, Kind, Move, read};

fn debate(record: &Value) -> Debate {
    read(record).expect("a record of a known shape")
}

/// Kind, agent, round and words of every move.
fn told(debate: &Debate) -> Vec<(Kind, &str, u32, &str)> {
    let one = |one: &'_ Move| (one.kind, one.round);
    debate
        .moves
        .iter()
        .map(|step| (one(step).0, step.agent.as_str(), one(step).1, step.content.as_str()))
        .collect()
}

fn votes(debate: &Debate) -> Vec<(&str, &str)> {
    debate.votes.iter().map(|vote| (vote.agent.as_str(), vote.choice.as_str())).collect()
}

#[test]
fn the_same_words_in_two_lists_are_one_move() {
    let long = format!("{} end", "word ".repeat(80));
    let debate = debate(&json!({
        "messages": [
            {"agent": "ida", "role": "proposer", "round": 1, "content": "Short."},
            {"agent": "rex", "role": "proposer", "round": 1, "content": long.get(..300), "timestamp": "2026-01-01T00:00:00Z"},
            {"agent": "ida", "round": 2, "content": "Yes."}, {"agent": "ida", "round": 3, "content": "Yes."}
        ],
        "proposals": {"ida": "Short.\n", "rex": long, "nova": "Short."}
    }));
    assert_eq!(
        told(&debate),
        [
            (Kind::Proposal, "nova", 0, "Short."),
            (Kind::Proposal, "ida", 1, "Short."),
            (Kind::Proposal, "rex", 1, long.as_str()),
            (Kind::Message, "ida", 2, "Yes."),
            (Kind::Message, "ida", 3, "Yes."),
        ]
    );
    assert!(debate.moves[2].timestamp.is_some());
}

#[test]
fn later_answers_of_a_proposer_are_revisions() {
    let debate = debate(&json!({"messages": [
        {"agent": "ida", "role": "proposer", "round": 0, "content": "One."},
        {"agent": "rex", "role": "proposer", "round": 2, "content": "The first of rex."},
        {"agent": "ida", "role": "proposer", "round": 2, "content": "One, better."},
        {"agent": "ida", "role": "proposer", "kind": "proposal", "round": 3, "content": "Said to be one."},
        {"agent": "max", "role": "proposer", "round": 0, "content": "[Error generating proposal: x]"},
        {"agent": "max", "role": "proposer", "round": 1, "content": "At last."}
    ]}));
    let kinds: Vec<_> = debate.moves.iter().map(|one| (one.agent.as_str(), one.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("ida", Kind::Proposal),
            ("max", Kind::Error),
            ("max", Kind::Proposal),
            ("rex", Kind::Proposal),
            ("ida", Kind::Revision),
            ("ida", Kind::Proposal),
        ]
    );
}

#[test]
fn votes_in_messages_are_votes_once() {
    let debate = debate(&json!({
        "agents": ["ida", "rex", "nova", "max", "zoe"],
        "messages": [
            {"agent": "ida", "kind": "vote", "round": 2, "content": "I am for rex.", "timestamp": "2026-01-01T00:00:00Z"},
            {"agent": "rex", "kind": "vote", "round": 2, "choice": "rex", "confidence": 0.5, "content": "Me."},
            {"agent": "nova", "role": "voter", "round": 2, "content": "CHOICE: ida\nREASONING: why not"},
            {"agent": "max", "role": "voter", "round": 2, "content": "Rex"},
            {"agent": "zoe", "role": "voter", "round": 2, "content": "I would rather not say."}
        ],
        "votes": [{"agent": "ida", "choice": "rex"}]
    }));
    assert_eq!(votes(&debate), [("ida", "rex"), ("max", "rex"), ("nova", "ida"), ("rex", "rex")]);
    assert_eq!(debate.votes[0].round, Some(2));
    assert_eq!(debate.votes[0].reasoning.as_deref(), Some("I am for rex."));
    assert_eq!(debate.votes[3].confidence, Some(0.5));
    assert_eq!(told(&debate), [(Kind::Vote, "zoe", 2, "I would rather not say.")]);
}
