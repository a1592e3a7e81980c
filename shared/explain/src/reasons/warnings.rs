//! What the record lacks, and where it contradicts itself.

use super::evidence::Brought;
use super::{Case, NAMES};
use crate::count::fraction;
use crate::excerpt::{counted, list, name, plain};
use crate::explanation::{
    MAX_AGENTS, MAX_BELIEF_CHANGES, MAX_DISSENT, MAX_EVIDENCE, MAX_VOTES, MAX_WARNINGS,
};

/// The longest warning of the record that is passed on, in characters.
const WARNING_CHARS: usize = 240;
/// The most warnings of the record that are passed on.
const MAX_OF_RECORD: usize = 40;

/// Adds to `warnings`, which may hold some, the record's own first.
pub(super) fn add(
    case: &Case<'_>,
    evidence: &Brought,
    changes: usize,
    sampled: bool,
    warnings: &mut Vec<String>,
) {
    let mut all: Vec<String> = Vec::new();
    let debate = case.debate;
    let of_record = debate.warnings.iter().take(MAX_OF_RECORD);
    all.extend(of_record.map(|warning| plain(warning, WARNING_CHARS)));
    if debate.warnings.len() > MAX_OF_RECORD {
        let more = debate.warnings.len() - MAX_OF_RECORD;
        all.push(format!(
            "{} about the record {} left out.",
            counted(more, "more warning"),
            are(more)
        ));
    }
    if !case.failed.is_empty() {
        all.push(format!("{} failed to answer at least once.", list(&case.failed, NAMES)));
    }
    votes(case, &mut all);
    contents(case, evidence, &mut all);
    if sampled {
        all.push("The influence of votes is estimated from samples: there are too many to count every set of them.".to_owned());
    }
    all.append(warnings);
    for (what, there_are, listed) in [
        ("agents", debate.agents.len(), MAX_AGENTS),
        ("votes", case.voters(), MAX_VOTES),
        ("dissenters", dissenters(case), MAX_DISSENT),
        ("pieces of evidence", evidence.pieces, MAX_EVIDENCE),
        ("changes of mind", changes, MAX_BELIEF_CHANGES),
    ] {
        if there_are > listed {
            all.push(format!("{listed} of {there_are} {what} are listed; all are counted."));
        }
    }
    all.truncate(MAX_WARNINGS);
    *warnings = all;
}

fn dissenters(case: &Case<'_>) -> usize {
    let Some(winner) = case.outcome.winner else { return 0 };
    case.voters() - case.voters_for(winner)
}

fn votes(case: &Case<'_>, all: &mut Vec<String>) {
    let debate = case.debate;
    if case.voters() == 0 {
        all.push(match fraction(debate.confidence) {
            Some(_) => {
                "The record holds no votes: the consensus strength is its confidence.".to_owned()
            }
            None => "The record holds neither votes nor a confidence: the consensus strength is 0."
                .to_owned(),
        });
        return;
    }
    let unsure = case.count.ballots().iter().filter(|ballot| ballot.confidence.is_none()).count();
    if unsure == case.voters() {
        all.push("The votes carry no confidence: each counts as fully sure.".to_owned());
    } else if unsure > 0 {
        let carry = if unsure == 1 { "carries" } else { "carry" };
        all.push(format!(
            "{} {carry} no confidence: the mean is over the others.",
            counted(unsure, "vote")
        ));
    }
    match case.outcome.winner {
        None if case.outcome.tied.is_empty() => {
            all.push("No vote weighs anything: there is no winner.".to_owned());
        }
        None => {
            all.push(format!(
                "The vote is a tie of {}: there is no winner.",
                list(&case.tied(), NAMES)
            ));
        }
        Some(_) => {}
    }
    if let Some(named) = &debate.winner
        && case.winner != Some(named.as_str())
    {
        let counted = match case.winner {
            Some(winner) => format!("the votes are for {}", name(winner)),
            None => "the votes are for nobody".to_owned(),
        };
        all.push(format!("The record names {} as the winner, but {counted}.", name(named)));
    }
    match (debate.consensus_reached, case.outcome.winner) {
        (Some(true), None) => {
            all.push("The record says that the agents agreed, but their votes do not.".to_owned());
        }
        (None, _) => {
            all.push(
                "The record does not say whether the agents agreed: that is taken from the votes."
                    .to_owned(),
            );
        }
        _ => {}
    }
    if counts_differ(case) {
        all.push("The record's own count of the votes is another than the votes give.".to_owned());
    }
}

/// Records count voters or weights; either is right.
fn counts_differ(case: &Case<'_>) -> bool {
    let given = &case.debate.vote_counts;
    if given.is_empty() {
        return false;
    }
    let choices = case.count.choices();
    let mut voters = vec![0.0; choices.len()];
    let mut weights = vec![0.0; choices.len()];
    for ballot in case.count.ballots() {
        if let (Some(voters), Some(weight)) =
            (voters.get_mut(ballot.choice), weights.get_mut(ballot.choice))
        {
            *voters += 1.0;
            *weight += ballot.weight;
        }
    }
    let agrees = |counts: &[f64]| {
        let others =
            given.iter().filter(|(choice, _)| choices.binary_search(&choice.as_str()).is_err());
        others.into_iter().all(|(_, count)| *count <= 0.0)
            && choices.iter().zip(counts).all(|(choice, count)| {
                let given = given.get(*choice).copied().unwrap_or(0.0);
                (given - count).abs() <= 1e-6 * count.abs().max(1.0)
            })
    };
    !agrees(&voters) && !agrees(&weights)
}

fn contents(case: &Case<'_>, evidence: &Brought, all: &mut Vec<String>) {
    let debate = case.debate;
    if debate.moves.is_empty() {
        all.push("The record holds no messages, proposals or critiques.".to_owned());
    } else if evidence.pieces == 0 {
        all.push("The record holds no proposals, critiques or evidence.".to_owned());
    }
    if case.voters() == 0 && debate.consensus_reached.is_none() {
        all.push("The record does not say whether the agents agreed.".to_owned());
    }
    if debate.rounds == 0 {
        all.push("The record does not say how many rounds there were.".to_owned());
    }
    if debate.positions.is_empty() {
        all.push("The record holds no positions: changes of mind are not known.".to_owned());
    }
    if case.answer().is_none() {
        all.push("The record does not say in words what was decided.".to_owned());
    }
}

fn are(count: usize) -> &'static str {
    if count == 1 { "is" } else { "are" }
}
