//! What is said about the different kinds of records.

use super::*;

struct Expected {
    summary: &'static str,
    warnings: &'static [&'static str],
}

fn assert_said(debate: &Debate, expected: &Expected) -> Explanation {
    let explanation = explain(debate);
    assert_eq!(explanation.summary, expected.summary);
    let sentences = explanation.summary.matches(". ").count() + 1;
    assert!((2..=3).contains(&sentences), "{}", explanation.summary);
    for warning in expected.warnings {
        let all = &explanation.warnings;
        assert!(all.iter().any(|it| it.contains(warning)), "{warning} in {all:?}");
    }
    explanation
}

#[test]
fn a_tie() {
    let mut debate = voted(vec![sure("claude", "claude", 0.9), sure("gpt4", "gpt4", 0.7)]);
    debate.rounds = 2;
    debate.consensus_reached = Some(false);
    let explanation = assert_said(
        &debate,
        &Expected {
            summary: "The agents did not agree after 2 rounds: the vote is a tie of claude and \
                      gpt4. Without any one of the votes the outcome would have been another.",
            warnings: &["The vote is a tie of claude and gpt4: there is no winner."],
        },
    );
    assert_eq!(explanation.winner, None);
    assert!(!explanation.consensus_reached);
    assert_close(explanation.consensus_strength, 0.45, "that of the first");
    assert!(explanation.votes.iter().all(|vote| vote.pivotal));
    assert!(explanation.dissent.is_empty());
    assert_eq!(explanation.reasoning_chain[2].action, "Decided nothing: claude and gpt4 are tied");
    assert!(explanation.counterfactuals.iter().all(|it| it.kind != "vote_moved"));
}

#[test]
fn a_tie_that_the_record_calls_agreement() {
    let mut debate = voted(vec![vote("a", "X"), vote("b", "Y")]);
    debate.consensus_reached = Some(true);
    let explanation = assert_said(
        &debate,
        &Expected {
            summary: "The agents did not agree: the vote is a tie of X and Y; the record says that \
                      they agreed all the same. Without any one of the votes the outcome would have \
                      been another.",
            warnings: &["The record says that the agents agreed, but their votes do not."],
        },
    );
    assert!(explanation.consensus_reached);
}

#[test]
fn all_of_one_mind() {
    let mut debate = voted(vec![vote("a", "X"), vote("b", "X"), vote("c", "X")]);
    debate.rounds = 1;
    assert_said(
        &debate,
        &Expected {
            summary: "The agents reached consensus after 1 round: all 3 voted for X. No single vote \
                      was decisive.",
            warnings: &["holds no messages, proposals or critiques", "does not say in words"],
        },
    );
}

#[test]
fn a_winner_by_weight_against_the_records_word() {
    let mut debate = voted(vec![weighed("a", "X", 5.0), vote("b", "Y"), vote("c", "Y")]);
    debate.consensus_reached = Some(false);
    let explanation = assert_said(
        &debate,
        &Expected {
            summary: "The agents did not reach consensus, although 1 of 3 voted for X, with the \
                      greatest weight. b and c were for Y.",
            warnings: &[],
        },
    );
    let unweighted = explanation.counterfactuals.last().unwrap();
    assert_eq!((unweighted.kind, unweighted.winner.as_deref()), ("ignore_weights", Some("Y")));
    assert!(unweighted.changed);
}

#[test]
fn only_messages() {
    let debate = Debate {
        agents: ["claude", "gpt4"].map(agent).to_vec(),
        rounds: 2,
        moves: vec![
            said("claude", Kind::Message, 1, "Stabilise the interface first."),
            said("gpt4", Kind::Message, 2, "Agreed."),
        ],
        consensus_reached: Some(true),
        confidence: Some(0.72),
        ..Debate::default()
    };
    let explanation = assert_said(
        &debate,
        &Expected {
            summary: "claude and gpt4 made 2 contributions in 2 rounds without a recorded vote; the \
                      record says that they agreed. What was decided is not recorded.",
            warnings: &[
                "The record holds no votes: the consensus strength is its confidence.",
                "holds no proposals, critiques or evidence",
            ],
        },
    );
    assert_close(explanation.consensus_strength, 0.72, "the record's confidence");
    assert!(explanation.counterfactuals.is_empty());
    assert_eq!(explanation.smallest_deciding_set, None);
    assert_eq!(explanation.decisive, [1, 2, 3]);
}

#[test]
fn only_an_answer() {
    let debate =
        Debate { final_answer: Some("Use B-trees. They fit.".to_owned()), ..Debate::default() };
    let explanation = assert_said(
        &debate,
        &Expected {
            summary: "The record holds only an answer, and not how it came about. The decision: Use \
                      B-trees.",
            warnings: &[
                "neither votes nor a confidence: the consensus strength is 0",
                "does not say whether the agents agreed",
                "does not say how many rounds",
            ],
        },
    );
    assert_eq!(explanation.consensus_strength.to_bits(), 0.0_f64.to_bits());
    assert!(explanation.factors.is_empty() && explanation.key_factors.is_empty());
    assert_eq!(explanation.reasoning_chain.len(), 1);
    assert_eq!(explanation.reasoning_chain[0].action, "Decided: Use B-trees");
}

#[test]
fn nothing_at_all() {
    let explanation = assert_said(
        &Debate::default(),
        &Expected {
            summary: "The record holds neither contributions nor votes nor an answer. What was \
                      decided is not recorded.",
            warnings: &["does not say in words what was decided"],
        },
    );
    assert!(explanation.reasoning_chain.is_empty());
}

#[test]
fn an_agent_that_failed() {
    let mut critique = said("codex", Kind::Critique, 1, "There is nothing to evaluate.");
    critique.target = Some("gemini".to_owned());
    let debate = Debate {
        agents: ["gemini", "codex"].map(agent).to_vec(),
        rounds: 1,
        moves: vec![
            said("gemini", Kind::Error, 0, "[Error generating proposal: no key]"),
            critique,
        ],
        final_answer: Some("## A viewer for debates\n\nIt shows them.".to_owned()),
        consensus_reached: Some(true),
        confidence: Some(0.8),
        ..Debate::default()
    };
    let explanation = assert_said(
        &debate,
        &Expected {
            summary: "gemini and codex made 2 contributions in 1 round without a recorded vote; the \
                      record says that they agreed. The decision: A viewer for debates. gemini failed \
                      to answer.",
            warnings: &["gemini failed to answer at least once."],
        },
    );
    assert_eq!(explanation.reasoning_chain[0].action, "Failed: Error generating proposal: no key]");
    assert_eq!(explanation.reasoning_chain[0].kind, "error");
    assert!(explanation.evidence.iter().all(|item| item.agent.as_deref() != Some("gemini")));
    assert_eq!(explanation.decisive, [1, 2, 3]);
}

#[test]
fn votes_without_weight() {
    let debate = voted(vec![weighed("a", "X", 0.0), weighed("b", "Y", 0.0)]);
    let explanation = assert_said(
        &debate,
        &Expected {
            summary: "Nothing was decided by vote: 2 votes without any weight. No single vote was \
                      decisive.",
            warnings: &["No vote weighs anything: there is no winner."],
        },
    );
    assert_eq!(explanation.winner, None);
    assert_eq!(
        explanation.counterfactuals[0].description,
        "Without a, no vote would have weighed anything."
    );
}

#[test]
fn the_records_winner_stands_without_votes() {
    let debate = Debate {
        agents: vec![agent("a")],
        moves: vec![said("a", Kind::Proposal, 0, "Do it.")],
        winner: Some("a".to_owned()),
        ..Debate::default()
    };
    let explanation = assert_said(
        &debate,
        &Expected {
            summary: "a made 1 contribution without a recorded vote; the record names a as the \
                      winner. a proposed: Do it.",
            warnings: &[],
        },
    );
    assert_eq!(explanation.winner.as_deref(), Some("a"));
}
