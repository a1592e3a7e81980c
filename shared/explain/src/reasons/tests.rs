mod kinds;
mod permuted;

use super::*;
use crate::explanation::{MAX_DECISIVE, MAX_STEPS};
use crate::fixtures::{agent, said, sure, vote, voted, weighed, worked_example};
use crate::record::{Agent, Evidence};

fn assert_close(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() < 5e-7, "{what}: {found}, not {expected}");
}

#[test]
fn the_worked_example_digit_by_digit() {
    let explanation = explain(&worked_example());

    assert_close(explanation.scores.evidence_quality.unwrap(), 0.766_667, "mean relevance");
    assert_close(explanation.scores.agent_agreement.unwrap(), 0.666_667, "agreement");
    assert_close(explanation.scores.belief_stability.unwrap(), 0.888_889, "stability");
    let factors: Vec<(&str, f64)> =
        explanation.factors.iter().map(|it| (it.name, it.contribution)).collect();
    for ((name, found), (expected_name, expected)) in
        factors.into_iter().zip([("evidence", 0.46), ("consensus", 0.40), ("efficiency", 0.14)])
    {
        assert_eq!(name, expected_name);
        assert_close(found, expected, name);
    }
    assert_eq!(explanation.factors.len(), 3);
    assert_close(explanation.consensus_strength, 0.666_667, "strength");

    assert_eq!(explanation.winner.as_deref(), Some("A"));
    assert!(explanation.consensus_reached);
    assert_close(explanation.confidence, 0.8, "confidence");
    let votes: Vec<_> =
        explanation.votes.iter().map(|it| (it.agent.as_str(), it.influence, it.pivotal)).collect();
    assert_eq!(votes, [("claude", 0.5, true), ("gemini", 0.5, true), ("gpt4", 0.25, false)]);
    assert_eq!(explanation.smallest_deciding_set, Some(vec!["claude".to_owned()]));
    let without_claude = &explanation.counterfactuals[0];
    assert_eq!(without_claude.kind, "without_agent");
    assert_eq!(without_claude.winner, None);
    assert!(without_claude.changed);
    assert_eq!(without_claude.description, "Without claude, A and B would have been tied.");

    let change = &explanation.belief_changes[0];
    assert_eq!((change.agent.as_str(), change.round), ("gemini", 2));
    assert_eq!((change.from.as_str(), change.to.as_str()), ("B", "A"));
    assert_eq!(explanation.belief_changes.len(), 1);
    assert_eq!(explanation.dissent.len(), 1);
    assert_eq!(explanation.dissent[0].agent, "gpt4");
    assert_eq!(
        explanation.summary,
        "The agents reached consensus after 3 rounds: 2 of 3 voted for A. The decision: Count per \
         key at the edge. gpt4 was for B."
    );
    assert_eq!(
        explanation.key_factors,
        [
            "proposals by claude and gpt4, critique by gemini",
            "2 of 3 voted for A",
            "claude's proposal: security-first approach: count per key at the…",
        ]
    );
}

#[test]
fn the_chain_has_agents_verbs_and_what_it_was_about() {
    let chain = explain(&worked_example()).reasoning_chain;
    let told: Vec<(u32, &str, &str, &str)> =
        chain.iter().map(|it| (it.round, it.agent.as_str(), it.kind, it.action.as_str())).collect();
    assert_eq!(
        told,
        [
            (
                0,
                "claude",
                "proposal",
                "Proposed security-first approach: count per key at the edge"
            ),
            (0, "gpt4", "proposal", "Proposed: A token bucket in each process"),
            (1, "gemini", "critique", "Challenged gpt4: Scalability"),
            (3, "claude", "vote", "Voted for A"),
            (3, "gemini", "vote", "Voted for A"),
            (3, "gpt4", "vote", "Voted for B"),
            (3, "", "decision", "Decided for A"),
        ]
    );
    assert_eq!(chain.iter().map(|it| it.step).collect::<Vec<_>>(), (1..=7).collect::<Vec<_>>());
    assert_eq!(chain[2].excerpt, "Scalability The limiter holds all its state in one process.");
}

#[test]
fn every_kind_has_its_verb() {
    for (kind, name, expected) in [
        (Kind::Proposal, "proposal", "Proposed: It works"),
        (Kind::Critique, "critique", "Challenged: It works"),
        (Kind::Revision, "revision", "Revised: It works"),
        (Kind::Evidence, "evidence", "Provided evidence: It works"),
        (Kind::Synthesis, "synthesis", "Synthesised: It works"),
        (Kind::Vote, "vote", "Voted: It works"),
        (Kind::Error, "error", "Failed: It works"),
        (Kind::Message, "message", "Said: It works"),
    ] {
        let debate = Debate { moves: vec![said("a", kind, 1, "It works.")], ..Debate::default() };
        let chain = explain(&debate).reasoning_chain;
        assert_eq!(chain.len(), 1);
        assert_eq!((chain[0].kind, chain[0].action.as_str()), (name, expected));
    }
}

#[test]
fn votes_are_told_where_they_were_cast() {
    let mut early = vote("a", "X");
    early.round = Some(1);
    early.reasoning = Some("It is cheap.".to_owned());
    let mut voice = said("b", Kind::Vote, 1, "I am for Y because it is safe.");
    voice.timestamp = Some("2026-01-01T00:00:00Z".to_owned());
    let debate = Debate {
        rounds: 2,
        moves: vec![
            said("a", Kind::Proposal, 1, "use X"),
            voice,
            said("c", Kind::Vote, 1, "I abstain."),
            said("b", Kind::Message, 2, "Well."),
        ],
        votes: vec![early, vote("b", "Y")],
        ..Debate::default()
    };
    let chain = explain(&debate).reasoning_chain;
    let told: Vec<(u32, &str, &str)> =
        chain.iter().map(|it| (it.round, it.action.as_str(), it.excerpt.as_str())).collect();
    assert_eq!(
        told,
        [
            (1, "Proposed use X", "use X"),
            (1, "Voted: I abstain", "I abstain."),
            (1, "Voted for X", "It is cheap."),
            (1, "Voted for Y", "I am for Y because it is safe."),
            (2, "Said: Well", "Well."),
            (2, "Decided nothing: X and Y are tied", ""),
        ]
    );
    assert_eq!(chain[3].timestamp.as_deref(), Some("2026-01-01T00:00:00Z"));
}

#[test]
fn long_chains_keep_their_beginning_and_end() {
    let moves = (0..3_000).map(|at| said("a", Kind::Message, at / 10, &format!("word {at}")));
    let debate =
        Debate { moves: moves.collect(), votes: vec![vote("a", "X")], ..Debate::default() };
    let explanation = explain(&debate);
    let chain = &explanation.reasoning_chain;
    assert_eq!(chain.len(), MAX_STEPS);
    assert_eq!((chain[0].step, chain[499].step, chain[500].step), (1, 500, 2_503));
    assert_eq!(chain[MAX_STEPS - 1].kind, "decision");
    assert_eq!(chain[MAX_STEPS - 1].step, 3_002);
    assert!(explanation.warnings.iter().any(|it| it.contains("3002 steps")));
}

#[test]
fn few_steps_are_decisive_and_the_decision_is_one_of_them() {
    let mut moves = vec![said("z", Kind::Error, 0, "no key")];
    for round in 0..4 {
        for name in ["a", "b", "c"] {
            moves.push(said(name, Kind::Proposal, round, "a plan"));
            moves.push(said(name, Kind::Critique, round, "a flaw"));
        }
    }
    moves[3].severity = Some(0.2);
    moves[8].severity = Some(0.9);
    let mut debate = voted(vec![vote("a", "b"), vote("b", "b"), vote("c", "a")]);
    debate.moves = moves;
    let explanation = explain(&debate);
    assert_eq!(explanation.decisive.len(), MAX_DECISIVE);
    let steps: Vec<(&str, &str)> = explanation
        .decisive
        .iter()
        .map(|step| &explanation.reasoning_chain[*step as usize - 1])
        .map(|step| (step.agent.as_str(), step.kind))
        .collect();
    assert_eq!(
        steps,
        [("z", "error"), ("a", "critique"), ("b", "proposal"), ("a", "vote"), ("", "decision")]
    );
}

#[test]
fn factors_follow_their_formulas() {
    let mut debate = voted(vec![weighed("a", "X", 2.0), vote("b", "Y"), vote("c", "X")]);
    debate.rounds = 8;
    debate.evidence = vec![
        Evidence {
            source: "paper".to_owned(),
            content: "It scales.".to_owned(),
            relevance: Some(0.9),
            agent: Some("a".to_owned()),
            claim: None,
        },
        Evidence {
            source: "b".to_owned(),
            content: "Perhaps.".to_owned(),
            relevance: None,
            agent: None,
            claim: Some("It may not.".to_owned()),
        },
    ];
    let explanation = explain(&debate);
    let (consensus, evidence) = (0.4 * (3.0 - 1.0) / 4.0, 0.3 * 0.7);
    let (calibration, efficiency) = ((4.0_f64 / 3.0 - 0.5) * 0.2, 0.05);
    let total = consensus + evidence + calibration + efficiency;
    for (factor, (name, expected)) in explanation.factors.iter().zip([
        ("evidence", evidence),
        ("consensus", consensus),
        ("calibration", calibration),
        ("efficiency", efficiency),
    ]) {
        assert_eq!(factor.name, name);
        assert_close(factor.contribution, expected / total, name);
        assert_eq!(factor.weight.to_bits(), factor.contribution.to_bits());
    }
    assert_eq!(
        explanation.key_factors,
        ["evidence by a and b", "2 of 3 voted for X", "the weight of a", "paper by a: It scales",]
    );
}

#[test]
fn ratings_weigh_without_votes_too() {
    let rated = Agent { elo: Some(1500.0), ..agent("a") };
    let debate = Debate { agents: vec![rated, agent("b")], rounds: 5, ..Debate::default() };
    let explanation = explain(&debate);
    let shares: Vec<_> = explanation.factors.iter().map(|it| (it.name, it.contribution)).collect();
    let calibration = (1.15 - 0.5) * 0.2;
    assert_close(shares[0].1, calibration / (calibration + 0.05), shares[0].0);
}

#[test]
fn the_winners_own_proposal_is_the_strongest_among_equals() {
    let mut debate = voted(vec![vote("a", "b"), vote("b", "b")]);
    debate.moves =
        vec![said("a", Kind::Proposal, 0, "Plan one."), said("b", Kind::Proposal, 0, "Plan two.")];
    let explanation = explain(&debate);
    assert_eq!(explanation.key_factors.last().unwrap(), "b's proposal: Plan two");
    // Without words of its own, the record means what the winner proposed.
    assert_eq!(explanation.decision, "Plan two.");
}

#[test]
fn evidence_sent_and_listed_counts_once() {
    let debate = Debate {
        moves: vec![
            said("a", Kind::Evidence, 1, "It took 3 ms."),
            said("b", Kind::Evidence, 1, "It took 9 ms."),
        ],
        evidence: vec![Evidence {
            source: "a".to_owned(),
            content: "It took 3 ms.".to_owned(),
            relevance: Some(1.0),
            agent: None,
            claim: None,
        }],
        ..Debate::default()
    };
    let explanation = explain(&debate);
    assert_eq!(explanation.evidence.len(), 2);
    assert_close(explanation.scores.evidence_quality.unwrap(), 0.75, "mean");
}

#[test]
fn stability_counts_changes_per_agent() {
    let mut debate = worked_example();
    debate.rounds = 0;
    assert_eq!(explain(&debate).scores.belief_stability, None);
    debate.rounds = 3;
    debate.positions.clear();
    assert_eq!(explain(&debate).scores.belief_stability, None);
}

#[test]
fn contradictions_are_said() {
    let mut debate = voted(vec![sure("a", "X", 0.5), vote("b", "X")]);
    debate.winner = Some("Y".to_owned());
    debate.vote_counts = [("X".to_owned(), 1.0), ("Y".to_owned(), 4.0)].into();
    let warnings = explain(&debate).warnings.join("\n");
    for expected in [
        "The record names Y as the winner, but the votes are for X.",
        "The record's own count of the votes is another than the votes give.",
        "1 vote carries no confidence",
        "does not say whether the agents agreed",
    ] {
        assert!(warnings.contains(expected), "{expected} in {warnings}");
    }

    for counts in [[("X", 2.0)], [("X", 2.000_000_1)]] {
        debate.vote_counts = counts.map(|(choice, count)| (choice.to_owned(), count)).into();
        let warnings = explain(&debate).warnings.join("\n");
        assert!(!warnings.contains("own count"), "{warnings}");
    }
    // Counts may be of weights.
    debate.votes[0].weight = Some(0.5);
    debate.vote_counts = [("X".to_owned(), 1.5)].into();
    assert!(!explain(&debate).warnings.join("\n").contains("own count"));
}

#[test]
fn everything_is_bounded() {
    let long = "wörd 😀 ".repeat(5_000);
    let names: Vec<String> = (0..1_200).map(|at| format!("{at} {long}")).collect();
    let debate = Debate {
        agents: names.iter().map(|name| agent(name)).collect(),
        rounds: u32::MAX,
        moves: names
            .iter()
            .map(|name| said(name, Kind::Proposal, u32::MAX, &long))
            .chain(names.iter().map(|name| said(name, Kind::Error, 0, &long)))
            .collect(),
        votes: names.iter().map(|name| vote(name, &long)).collect(),
        evidence: names
            .iter()
            .map(|name| Evidence {
                source: name.clone(),
                content: long.clone(),
                relevance: Some(f64::NAN),
                agent: Some(name.clone()),
                claim: Some(long.clone()),
            })
            .collect(),
        winner: Some(long.clone()),
        final_answer: Some(long.clone()),
        warnings: vec![long.clone(); 200],
        ..Debate::default()
    };
    let explanation = explain(&debate);
    let bytes = serde_json::to_string(&explanation).unwrap().len();
    assert!(bytes < 4 << 20, "{bytes}");
    let chars = |text: &str| text.chars().count();
    assert!(explanation.summary.chars().count() < 1_000, "{}", explanation.summary);
    assert!(explanation.key_factors.iter().all(|it| chars(it) <= 120));
    assert!(explanation.warnings.iter().all(|it| chars(it) <= 600));
    assert!(explanation.reasoning_chain.iter().all(|it| chars(&it.action) <= 160));
    assert!(explanation.reasoning_chain.iter().all(|it| chars(&it.excerpt) <= EXCERPT_CHARS));
    assert_eq!(explanation.votes.len(), MAX_VOTES);
    assert_eq!(explanation.smallest_deciding_set, None, "1,200 are too many to list");
}
