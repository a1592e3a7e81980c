//! What holds for every debate.

use proptest::prelude::*;

use super::*;
use crate::record::Vote;

fn any_move() -> impl Strategy<Value = Move> {
    let kind = proptest::sample::select(vec![
        Kind::Proposal,
        Kind::Critique,
        Kind::Revision,
        Kind::Evidence,
        Kind::Synthesis,
        Kind::Vote,
        Kind::Error,
        Kind::Message,
    ]);
    let agent = proptest::sample::select(vec!["a", "b", "c", "d"]);
    (agent.clone(), kind, 0_u32..3, any::<String>(), proptest::option::of(agent), any::<f64>())
        .prop_map(|(agent, kind, round, content, target, severity)| Move {
            target: target.map(str::to_owned),
            severity: Some(severity),
            ..said(agent, kind, round, &content)
        })
}

fn any_vote() -> impl Strategy<Value = Vote> {
    let number = || proptest::option::of(prop_oneof![0.0_f64..2.0, any::<f64>()]);
    ("[a-f]", "[X-Z]", number(), number(), proptest::option::of(0_u32..4)).prop_map(
        |(agent, choice, weight, confidence, round)| Vote {
            confidence,
            weight,
            round,
            ..vote(&agent, &choice)
        },
    )
}

fn any_debate() -> impl Strategy<Value = Debate> {
    (
        proptest::collection::vec(any_move(), 0..12),
        proptest::collection::btree_map("[a-f]", any_vote(), 0..6),
        0_u32..7,
        proptest::option::of(any::<bool>()),
        proptest::option::of(any::<f64>()),
        proptest::option::of(any::<String>()),
        proptest::option::of("[X-Z]"),
        proptest::option::of(any::<f64>()),
        proptest::option::of(any::<f64>()),
    )
        .prop_map(
            |(mut moves, votes, rounds, agreed, confidence, answer, winner, margin, elo)| {
                moves.sort_by_key(|it| it.round);
                Debate {
                    agents: vec![Agent { elo, ..agent("a") }, agent("b"), agent("c")],
                    rounds,
                    moves,
                    votes: votes.into_iter().map(|(agent, vote)| Vote { agent, ..vote }).collect(),
                    consensus_reached: agreed,
                    consensus_margin: margin,
                    confidence,
                    final_answer: answer,
                    winner,
                    ..Debate::default()
                }
            },
        )
}

proptest! {
    #[test]
    fn numbers_are_shares(debate in any_debate()) {
        let explanation = explain(&debate);
        let is_share = |number: f64| (0.0..=1.0).contains(&number);
        prop_assert!(is_share(explanation.consensus_strength));
        prop_assert!(is_share(explanation.confidence));
        prop_assert!(explanation.counterfactuals.iter().all(|it| is_share(it.consensus_strength)));
        prop_assert!(explanation.votes.iter().all(|it| is_share(it.influence)));
        prop_assert!(explanation.votes.iter().all(|it| it.weight.is_finite() && it.weight >= 0.0));
        prop_assert!(explanation.factors.iter().all(|it| is_share(it.contribution)));
        if !explanation.factors.is_empty() {
            let sum: f64 = explanation.factors.iter().map(|it| it.contribution).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9, "{}", sum);
            prop_assert!(explanation.factors.is_sorted_by(|a, b| a.contribution >= b.contribution));
        }
        let scores = &explanation.scores;
        for score in [scores.agent_agreement, scores.belief_stability, scores.evidence_quality] {
            prop_assert!(score.is_none_or(is_share));
        }
        // Numbers that are none would be written as null, which no field that has to be there is.
        let text = serde_json::to_string(&explanation.factors).unwrap()
            + &serde_json::to_string(&explanation.counterfactuals.iter().map(|it| it.consensus_strength).collect::<Vec<_>>()).unwrap();
        prop_assert!(!text.contains("null"));
    }

    #[test]
    fn steps_are_whole(debate in any_debate()) {
        let explanation = explain(&debate);
        let chain = &explanation.reasoning_chain;
        prop_assert!(chain.is_sorted_by_key(|it| it.round));
        prop_assert!(chain.iter().zip(1..).all(|(it, step)| it.step == step));
        prop_assert!(chain.iter().all(|it| !it.action.is_empty()));
        prop_assert!(explanation.decisive.len() <= MAX_DECISIVE);
        prop_assert!(explanation.decisive.is_sorted_by(|a, b| a < b));
        prop_assert!(explanation.decisive.iter().all(|it| (*it as usize) <= chain.len()));
        prop_assert!(chain.is_empty() || !explanation.decisive.is_empty());
        let failed = debate.moves.iter().filter(|it| it.kind == Kind::Error).count();
        prop_assert_eq!(chain.iter().filter(|it| it.action.starts_with("Failed")).count(), failed);
    }

    #[test]
    fn pivotal_votes_are_those_whose_removal_changes_the_winner(mut debate in any_debate()) {
        // A recount keeps the scale of the whole: what weighs nothing beside the heaviest vote
        // weighs nothing without it either.
        for vote in &mut debate.votes {
            vote.weight = vote.weight.filter(|weight| (0.01..2.0).contains(weight));
        }
        let explanation = explain(&debate);
        for vote in &explanation.votes {
            let mut fewer = debate.clone();
            fewer.votes.retain(|it| it.agent != vote.agent);
            fewer.winner = None;
            let without = explain(&fewer);
            prop_assert_eq!(vote.pivotal, without.winner != explanation.winner);
            let recount = explanation
                .counterfactuals
                .iter()
                .find(|it| it.kind == "without_agent" && it.agent.as_deref() == Some(&vote.agent))
                .expect("there is one for each voter");
            prop_assert_eq!(recount.changed, vote.pivotal);
            prop_assert_eq!(&recount.winner, &without.winner);
            if !fewer.votes.is_empty() {
                let (a, b) = (recount.consensus_strength, without.consensus_strength);
                prop_assert!((a - b).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn order_changes_nothing_but_the_order(
        (debate, votes, moves) in any_debate().prop_flat_map(|debate| {
            let (votes, moves) = (debate.votes.clone(), debate.moves.clone());
            (Just(debate), Just(votes).prop_shuffle(), Just(moves).prop_shuffle())
        })
    ) {
        let before = explain(&debate);
        let after = explain(&Debate { votes, ..debate.clone() });
        prop_assert_eq!(&before, &after);

        // In one round the order is that of the record; everything else is the same.
        let mut moves = moves;
        moves.sort_by_key(|it| it.round);
        let after = explain(&Debate { moves, ..debate });
        let steps = |it: &Explanation| {
            let mut steps: Vec<_> =
                it.reasoning_chain.iter().map(|it| (it.round, it.agent.clone(), it.kind)).collect();
            steps.sort_unstable();
            steps
        };
        prop_assert_eq!(steps(&before), steps(&after));
        prop_assert_eq!(&before.winner, &after.winner);
        prop_assert_eq!(&before.votes, &after.votes);
        prop_assert_eq!(&before.counterfactuals, &after.counterfactuals);
        prop_assert_eq!(&before.scores, &after.scores);
        prop_assert_eq!(&before.factors, &after.factors);
    }
}
