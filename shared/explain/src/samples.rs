//! Debates with their explanations, made by hand: what pictures and pages are tested and looked at
//! with.

mod extremes;

pub(crate) use extremes::{crowd, hostile, names, only_answer, only_errors};

use crate::explanation::{
    BeliefChange, Counterfactual, Dissent, EvidenceItem, Explanation, Factor, Scores, Step,
    WeighedVote,
};
use crate::record::{Agent, Debate, Kind, Move};

/// A debate and what is said about it.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) debate: Debate,
    pub(crate) explanation: Explanation,
}

/// What is tried in every field: markup, references, ends of sections, controls, directions.
pub(crate) const HOSTILE: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img onerror=alert(1) src=x>",
    "' onmouseover='alert(1)",
    "]]>",
    "<![CDATA[",
    "<!-- ",
    "--></style></title></svg><svg onload=alert(1)>",
    "&#x0;&#0;&bogus;",
    "\0\u{1}\u{8}\u{b}\u{c}\u{1f}\u{7f}\u{9f}",
    "\u{fffe}\u{ffff}\u{10ffff}\u{fdd0}",
    "\u{202e}\u{2066}\u{2069}\u{202a}",
    "javascript:alert(1) url(http://example.com/x)",
    "<a href=\"http://example.com\" xlink:href=\"#x\">",
    "\r\n\t\u{2028}\u{200d}\u{301}",
];

/// Every sample.
pub(crate) fn all() -> Vec<Sample> {
    vec![
        typical(),
        tie(),
        no_votes(),
        rounds(),
        names(),
        crowd("\"&<>' "),
        only_answer(),
        only_errors(),
        hostile("<b>&\"'"),
    ]
}

pub(crate) fn agent(name: &str) -> Agent {
    Agent { name: name.to_owned(), ..Agent::default() }
}

pub(crate) fn step(agent: &str, kind: Kind, round: u32, content: &str) -> Move {
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

pub(crate) fn critique(agent: &str, target: &str, round: u32, content: &str) -> Move {
    Move {
        target: Some(target.to_owned()),
        severity: Some(0.6),
        ..step(agent, Kind::Critique, round, content)
    }
}

pub(crate) fn vote(agent: &str, choice: &str, weight: f64, pivotal: bool) -> WeighedVote {
    WeighedVote {
        agent: agent.to_owned(),
        choice: choice.to_owned(),
        weight,
        confidence: Some(0.8),
        influence: if pivotal { 0.5 } else { 0.25 },
        pivotal,
        reasoning: Some("The rollback story is the only one that was rehearsed.".to_owned()),
    }
}

pub(crate) fn factor(name: &'static str, contribution: f64, description: &str) -> Factor {
    Factor { name, contribution, weight: contribution, description: description.to_owned() }
}

fn chain(steps: &[(&str, &str, u32, &'static str, &str)]) -> Vec<Step> {
    let step = |(at, (agent, action, round, kind, excerpt)): (
        usize,
        &(&str, &str, u32, &'static str, &str),
    )| Step {
        step: u32::try_from(at + 1).unwrap(),
        agent: (*agent).to_owned(),
        action: (*action).to_owned(),
        round: *round,
        kind,
        excerpt: (*excerpt).to_owned(),
        timestamp: None,
    };
    steps.iter().enumerate().map(step).collect()
}

const BLUE_GREEN: &str = "# Two fleets, one switch\n\nRun the new billing service **beside** the old one for two weeks and compare every invoice.\n\n---\n\n- No customer sees a number that nobody has checked.\n- `make switch` moves 1 % of the traffic; the way back is the same command.\n\n> A migration is finished when the old thing is off, not when the new thing is on.";
const BIG_BANG: &str = "## One weekend, one cut\n\nFreeze writes on Friday at 22:00, copy, verify with checksums, open on Sunday. Two systems at once means two sources of truth, and **reconciliation is the part that everybody underestimates**.";
const STRANGLER: &str = "Move one endpoint after the other behind a proxy, starting with the read-only ones. Slow, but each step is small enough to be understood by the person on call.";

/// Three agents, two rounds, critiques, a vote of two to one.
pub(crate) fn typical() -> Sample {
    let (a, b, c) = ("claude-opus", "gpt-pragmatist", "gemini-visionary");
    let debate = Debate {
        task: "How do we move billing to the new service without a customer ever seeing a wrong invoice?".to_owned(),
        agents: vec![
            Agent { elo: Some(1580.0), calibration: Some(0.92), ..agent(a) },
            Agent { elo: Some(1495.0), calibration: Some(0.88), ..agent(b) },
            Agent { elo: Some(1510.0), ..agent(c) },
        ],
        rounds: 2,
        moves: vec![
            step(a, Kind::Proposal, 1, BLUE_GREEN),
            step(b, Kind::Proposal, 1, BIG_BANG),
            step(c, Kind::Proposal, 1, STRANGLER),
            critique(a, b, 1, "A weekend has no room for a second attempt. What happens at 03:00 when the checksums differ?"),
            critique(b, a, 1, "Comparing every invoice needs a comparison that understands rounding. Who writes it?"),
            critique(b, c, 1, "At one endpoint a week this ends in 2029."),
            critique(c, b, 1, "Freezing writes is an outage by another name."),
            step(c, Kind::Evidence, 2, "Of the last five cut-overs here, three were rolled back within a day."),
            step(a, Kind::Revision, 2, "The comparison ignores differences below half a cent and lists the others by customer."),
            step(b, Kind::Revision, 2, "Cut per region instead of all at once."),
        ],
        ..Debate::default()
    };
    let explanation = Explanation {
        summary: "Two of three agents voted for claude-opus, whose plan runs both systems side by side and compares every invoice. gemini-visionary preferred to move endpoint by endpoint. Without either of the two votes there would have been a tie.".to_owned(),
        winner: Some(a.to_owned()),
        decision: BLUE_GREEN.chars().take(280).collect(),
        consensus_reached: true,
        consensus_strength: 0.674,
        confidence: 0.81,
        reasoning_chain: chain(&[
            (a, "Proposed", 1, "proposal", BLUE_GREEN),
            (b, "Proposed", 1, "proposal", BIG_BANG),
            (c, "Proposed", 1, "proposal", STRANGLER),
            (a, "Challenged gpt-pragmatist", 1, "critique", "A weekend has no room for a second attempt. What happens at 03:00 when the checksums differ?"),
            (c, "Provided evidence", 2, "evidence", "Of the last five cut-overs here, three were rolled back within a day."),
            (a, "Revised", 2, "revision", "The comparison ignores differences below half a cent and lists the others by customer."),
            (b, "Voted for claude-opus", 2, "vote", "The rollback story is the only one that was rehearsed."),
            ("", "Decided for claude-opus", 2, "decision", ""),
        ]),
        key_factors: vec![
            "claude-opus and gpt-pragmatist carried the vote, 2 to 1".to_owned(),
            "Proposals by claude-opus, gpt-pragmatist and gemini-visionary were highly relevant".to_owned(),
            "Strongest evidence: gemini-visionary on earlier cut-overs".to_owned(),
        ],
        factors: vec![
            factor("evidence", 0.46, "What was brought forward had much to do with the task (0.77 on average)."),
            factor("consensus", 0.34, "The winner led by a third of all weight."),
            factor("efficiency", 0.12, "It took 2 rounds."),
            factor("calibration", 0.08, "Votes were weighed by rating and calibration."),
        ],
        votes: vec![vote(a, a, 1.24, true), vote(c, c, 1.31, false), vote(b, a, 1.14, true)],
        evidence: vec![
            EvidenceItem { source: a.to_owned(), kind: "proposal", content: BLUE_GREEN.chars().take(280).collect(), relevance: 0.8, agent: Some(a.to_owned()), claim: None, ..EvidenceItem::default() },
            EvidenceItem { source: "incident log 2025".to_owned(), kind: "evidence", content: "Of the last five cut-overs here, three were rolled back within a day.".to_owned(), relevance: 0.9, agent: Some(c.to_owned()), claim: Some("A cut in one weekend is risky".to_owned()), ..EvidenceItem::default() },
            EvidenceItem { source: b.to_owned(), kind: "critique", content: "At one endpoint a week this ends in 2029.".to_owned(), relevance: 0.7, agent: Some(b.to_owned()), claim: None, ..EvidenceItem::default() },
        ],
        counterfactuals: vec![
            Counterfactual { kind: "without_agent", agent: Some(a.to_owned()), winner: Some(c.to_owned()), changed: true, consensus_strength: 0.53, description: "Without claude-opus, gemini-visionary would have won.".to_owned() },
            Counterfactual { kind: "without_agent", agent: Some(c.to_owned()), winner: Some(a.to_owned()), changed: false, consensus_strength: 0.8, description: "Without gemini-visionary, claude-opus would still have won.".to_owned() },
            Counterfactual { kind: "ignore_weights", agent: None, winner: Some(a.to_owned()), changed: false, consensus_strength: 0.67, description: "With every vote weighing the same, claude-opus would still have won.".to_owned() },
        ],
        smallest_deciding_set: Some(vec![a.to_owned()]),
        belief_changes: vec![BeliefChange { agent: b.to_owned(), round: 2, from: "One weekend, one cut.".to_owned(), to: "Cut per region, after a comparison.".to_owned(), confidence_before: Some(0.85), confidence_after: Some(0.6) }],
        dissent: vec![Dissent { agent: c.to_owned(), choice: c.to_owned(), reasoning: "Small steps are the only ones that a tired person can take back.".to_owned() }],
        scores: Scores { agent_agreement: Some(0.666_667), belief_stability: Some(0.833_333), evidence_quality: Some(0.766_667) },
        warnings: vec!["No start and end times: how long the debate took is not known.".to_owned()], ..Explanation::default() };
    Sample { name: "typical", debate, explanation }
}

/// One round, two agents, each for itself.
fn tie() -> Sample {
    let Sample { mut debate, mut explanation, .. } = typical();
    debate.agents.truncate(2);
    debate.moves.retain(|step| {
        step.round == 1
            && step.agent != "gemini-visionary"
            && step.target.as_deref() != Some("gemini-visionary")
    });
    debate.rounds = 1;
    explanation.winner = None;
    explanation.decision = String::new();
    explanation.consensus_reached = false;
    explanation.consensus_strength = 0.5;
    explanation.votes = vec![
        vote("claude-opus", "claude-opus", 1.0, true),
        vote("gpt-pragmatist", "gpt-pragmatist", 1.0, true),
    ];
    explanation.summary = "The votes are tied between claude-opus and gpt-pragmatist.".to_owned();
    explanation.dissent.clear();
    Sample { name: "tie", debate, explanation }
}

/// Only messages and an answer.
fn no_votes() -> Sample {
    let Sample { mut debate, mut explanation, .. } = typical();
    debate.moves = vec![
        step("claude-opus", Kind::Message, 0, "Let us start with what an invoice is."),
        step("gpt-pragmatist", Kind::Message, 1, "A row in a table that somebody pays."),
        step("gemini-visionary", Kind::Error, 1, "[Error: the tool timed out]"),
        step("claude-opus", Kind::Synthesis, 1, "Run both, compare, switch."),
    ];
    explanation.votes.clear();
    explanation.dissent.clear();
    explanation.counterfactuals.clear();
    explanation.winner = None;
    explanation.consensus_strength = 0.8;
    explanation.scores = Scores { evidence_quality: Some(0.5), ..Scores::default() };
    explanation.warnings = vec![
        "The record has no votes: the strength is the record's own confidence.".to_owned(),
        "gemini-visionary failed in round 1: [Error: the tool timed out]".to_owned(),
    ];
    Sample { name: "no_votes", debate, explanation }
}

/// Eight agents, seven rounds, five choices.
fn rounds() -> Sample {
    let people = ["ada", "bertrand", "carla", "dmitri", "edith", "farid", "grace", "hiro"];
    let Sample { mut debate, mut explanation, .. } = typical();
    debate.agents = people
        .iter()
        .map(|name| Agent { model: Some("large-7".to_owned()), ..agent(name) })
        .collect();
    debate.moves.clear();
    for round in 0..7 {
        for (at, name) in people.iter().enumerate() {
            let at = u32::try_from(at).unwrap();
            match (round + at) % 5 {
                0 => debate.moves.push(step(name, Kind::Proposal, round, "A proposal.")),
                1 => debate.moves.push(critique(name, "ada", round, "An objection.")),
                2 => debate.moves.push(step(name, Kind::Revision, round, "Changed.")),
                3 => debate.moves.push(step(name, Kind::Evidence, round, "A figure.")),
                _ => debate.moves.push(critique(name, "dmitri", round, "Another objection.")),
            }
        }
        debate.moves.push(step("grace", Kind::Synthesis, round, "All of it together."));
    }
    debate.rounds = 7;
    let choices = ["ada", "ada", "dmitri", "dmitri", "edith", "ada", "the status quo", "ada"];
    explanation.votes = people
        .iter()
        .zip(choices)
        .zip([1.0, 0.7, 1.9, 0.4, 1.0, 1.2, 0.0, 0.5])
        .map(|((name, choice), weight)| vote(name, choice, weight, *name == "ada"))
        .collect();
    explanation.winner = Some("ada".to_owned());
    explanation.consensus_reached = false;
    explanation.consensus_strength = 0.41;
    Sample { name: "rounds", debate, explanation }
}
