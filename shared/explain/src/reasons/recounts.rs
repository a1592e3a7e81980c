//! Counterfactuals: the votes counted again under another assumption, never a phrase.

use super::{Case, number};
use crate::count::Outcome;
use crate::excerpt::{list, name};
use crate::explanation::{Counterfactual, MAX_VOTES};

/// What recounts say.
#[derive(Default)]
pub(super) struct Recounts {
    /// In the order of their kinds, then of the voters' names.
    pub(super) counterfactuals: Vec<Counterfactual>,
    /// Whether removing the vote alone changes the winner, in the order of the ballots, the first
    /// [`MAX_VOTES`] of them.
    pub(super) pivotal: Vec<bool>,
}

pub(super) fn of(case: &Case<'_>) -> Recounts {
    let mut recounts = Recounts::default();
    if case.voters() == 0 {
        return recounts;
    }
    let ballots = || case.count.ballots().iter().enumerate().take(MAX_VOTES);
    let all = &mut recounts.counterfactuals;
    for (place, ballot) in ballots() {
        let agent = name(&ballot.vote.agent);
        let outcome = case.count.without(place);
        let changed = outcome.winner != case.outcome.winner;
        recounts.pivotal.push(changed);
        let result = if case.voters() == 1 {
            "nobody would have voted".to_owned()
        } else {
            result(case, &outcome)
        };
        let description = format!("Without {agent}, {result}.");
        all.push(counterfactual(case, "without_agent", Some(&agent), &outcome, description));
    }
    if let Some(winner) = case.outcome.winner
        && let Some(runner_up) = case.count.runner_up(winner)
    {
        let other = case.choice(runner_up);
        for (place, ballot) in ballots().filter(|(_, ballot)| ballot.choice != runner_up) {
            let agent = name(&ballot.vote.agent);
            let outcome = case.count.moved(place, runner_up);
            let result = result(case, &outcome);
            let description = format!("Had {agent} voted for {other}, {result}.");
            all.push(counterfactual(case, "vote_moved", Some(&agent), &outcome, description));
        }
    }
    for (kind, condition, outcome) in [
        (
            "ignore_confidence",
            "Had nobody asked how sure the voters were",
            case.count.ignoring_confidence(),
        ),
        ("ignore_weights", "Had every vote weighed the same", case.count.ignoring_weights()),
    ] {
        let description = format!("{condition}, {}.", result(case, &outcome));
        all.push(counterfactual(case, kind, None, &outcome, description));
    }
    recounts
}

fn counterfactual(
    case: &Case<'_>,
    kind: &'static str,
    agent: Option<&str>,
    outcome: &Outcome,
    description: String,
) -> Counterfactual {
    Counterfactual {
        kind,
        agent: agent.map(str::to_owned),
        winner: outcome.winner.map(|winner| case.choice(winner).to_owned()),
        changed: outcome.winner != case.outcome.winner,
        consensus_strength: outcome.strength,
        description,
    }
}

/// Who would have won, as the end of a sentence.
fn result(case: &Case<'_>, outcome: &Outcome) -> String {
    let still = if outcome.winner == case.outcome.winner { "still " } else { "" };
    if let Some(winner) = outcome.winner {
        return format!("{} would {still}have won", case.choice(winner));
    }
    if outcome.tied.is_empty() {
        return "no vote would have weighed anything".to_owned();
    }
    let tied: Vec<&str> = outcome.tied.iter().map(|choice| case.choice(*choice)).collect();
    format!("{} would {still}have been tied", list(&tied, super::NAMES))
}

/// Who decided, as a sentence: for a summary.
pub(super) fn decisive(case: &Case<'_>, pivotal: &[bool]) -> String {
    let decisive: Vec<&str> = case
        .count
        .ballots()
        .iter()
        .zip(pivotal)
        .filter(|(_, pivotal)| **pivotal)
        .map(|(ballot, _)| ballot.vote.agent.as_str())
        .collect();
    match decisive.len() {
        0 => "No single vote was decisive.".to_owned(),
        1 => format!(
            "Without the vote of {} the outcome would have been another.",
            list(&decisive, super::NAMES)
        ),
        all if number(all) >= number(case.voters()) => {
            "Without any one of the votes the outcome would have been another.".to_owned()
        }
        _ => format!(
            "Each vote of {} was decisive: without it the outcome would have been another.",
            list(&decisive, super::NAMES)
        ),
    }
}
