//! Debates for the tests of this crate.

use crate::record::{Agent, Debate, Kind, Move, Position, Vote};

/// An agent of whom only the name is known.
pub(crate) fn agent(name: &str) -> Agent {
    Agent { name: name.to_owned(), ..Agent::default() }
}

/// A vote without anything else.
pub(crate) fn vote(agent: &str, choice: &str) -> Vote {
    Vote { agent: agent.to_owned(), choice: choice.to_owned(), ..Vote::default() }
}

/// A vote with a weight of its own.
pub(crate) fn weighed(agent: &str, choice: &str, weight: f64) -> Vote {
    Vote { weight: Some(weight), ..vote(agent, choice) }
}

/// A vote with a confidence.
pub(crate) fn sure(agent: &str, choice: &str, confidence: f64) -> Vote {
    Vote { confidence: Some(confidence), ..vote(agent, choice) }
}

/// Something that an agent did.
pub(crate) fn said(agent: &str, kind: Kind, round: u32, content: &str) -> Move {
    Move {
        agent: agent.to_owned(),
        kind,
        role: None,
        round,
        content: content.to_owned(),
        target: None,
        severity: None,
        timestamp: None,
    }
}

/// What an agent thought.
pub(crate) fn position(agent: &str, position: &str, confidence: f64, round: u32) -> Position {
    Position {
        agent: agent.to_owned(),
        position: position.to_owned(),
        confidence: Some(confidence),
        round,
    }
}

/// A debate with nothing but votes.
pub(crate) fn voted(votes: Vec<Vote>) -> Debate {
    let mut votes = votes;
    votes.sort_by(|a, b| a.agent.cmp(&b.agent));
    let agents = votes.iter().map(|vote| agent(&vote.agent)).collect();
    Debate { agents, votes, ..Debate::default() }
}

/// The specification's worked example.
pub(crate) fn worked_example() -> Debate {
    let mut critique = said(
        "gemini",
        Kind::Critique,
        1,
        "## Scalability\nThe limiter holds all its state in one process.",
    );
    critique.target = Some("gpt4".to_owned());
    critique.severity = Some(0.6);
    Debate {
        task: "Design a rate limiter".to_owned(),
        agents: ["claude", "gpt4", "gemini"].map(agent).to_vec(),
        rounds: 3,
        moves: vec![
            said("claude", Kind::Proposal, 0, "security-first approach: count per key at the edge"),
            said("gpt4", Kind::Proposal, 0, "A **token bucket** in each process. It is simple."),
            critique,
        ],
        votes: vec![vote("claude", "A"), vote("gemini", "A"), vote("gpt4", "B")],
        positions: vec![
            position("gemini", "B", 0.5, 1),
            position("claude", "A", 0.8, 1),
            position("gemini", "A", 0.7, 2),
        ],
        consensus_reached: Some(true),
        consensus_margin: Some(0.5),
        final_answer: Some("Count per key at the edge.".to_owned()),
        confidence: Some(0.8),
        ..Debate::default()
    }
}
