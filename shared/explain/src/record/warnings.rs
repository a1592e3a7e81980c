//! What a record lacks and what is odd about it, in words. Each is said once, of at most a few
//! names.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::Odd;
use super::{Debate, Kind, Vote, text};

/// The most names in a sentence.
const MAX_NAMES: usize = 5;
const MAX_NAME_CHARS: usize = 60;
/// Sums of weights that differ by less are the same.
const TOLERANCE: f64 = 1e-6;

/// The warnings about a debate.
pub(super) fn of(debate: &Debate, odd: &Odd) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |sentence: String| warnings.push(sentence);
    if debate.task.is_empty() {
        warn("The record has no task.".to_owned());
    }
    if debate.moves.is_empty() && debate.votes.is_empty() {
        warn(if debate.final_answer.is_some() {
            "The record has only an answer and nothing that led to it.".to_owned()
        } else {
            "The record has nothing that was said and no votes.".to_owned()
        });
    } else {
        lacks(debate, odd, &mut warn);
    }
    said(debate, odd, &mut warn);
    votes(debate, odd, &mut warn);
    counts(debate, &mut warn);
    decision(debate, odd, &mut warn);
    warnings
}

fn lacks(debate: &Debate, odd: &Odd, warn: &mut impl FnMut(String)) {
    if !odd.agents_listed && !debate.agents.is_empty() {
        warn("The record lists no agents; they are taken from what is in it.".to_owned());
    }
    let proposes = |kind| matches!(kind, Kind::Proposal | Kind::Revision | Kind::Synthesis);
    if !debate.moves.iter().any(|one| proposes(one.kind)) {
        warn("The record has no proposals.".to_owned());
    }
    if debate.votes.is_empty() {
        warn("The record has no votes.".to_owned());
    }
}

fn said(debate: &Debate, odd: &Odd, warn: &mut impl FnMut(String)) {
    if odd.unnamed > 0 {
        warn(match odd.unnamed {
            1 => "One entry does not say whose it is and is shown as \"unknown\".".to_owned(),
            many => {
                format!("{many} entries do not say whose they are and are shown as \"unknown\".")
            }
        });
    }
    match odd.silent {
        0 => {}
        1 => warn("One entry has no words and is left out.".to_owned()),
        many => warn(format!("{many} entries have no words and are left out.")),
    }
    match odd.left_out {
        0 => {}
        1 => warn("One event was more than a record can hold and is left out.".to_owned()),
        many => warn(format!("{many} events were more than a record can hold and are left out.")),
    }
    let highest = debate.moves.iter().map(|one| one.round).max().unwrap_or(0);
    if let Some(said) = odd.rounds_said.filter(|said| *said < highest) {
        warn(format!(
            "The record says that there were {said} rounds and has moves of round {highest}."
        ));
    }
}

fn votes(debate: &Debate, odd: &Odd, warn: &mut impl FnMut(String)) {
    if let Some(names) = listed(&odd.blank_votes) {
        warn(format!("A vote for nothing is left out: {names}."));
    }
    if let Some(names) = listed(&odd.voted_twice) {
        warn(format!("Voted more than once, and the last vote counts: {names}."));
    }
    let known: BTreeSet<&str> = debate.agents.iter().map(|agent| agent.name.as_str()).collect();
    let mut voters: BTreeMap<&str, usize> = BTreeMap::new();
    for vote in &debate.votes {
        *voters.entry(&vote.choice).or_default() += 1;
    }
    // Where no choice is an agent's name, agents vote on something else than each other.
    let for_agents = debate.votes.len() == 1 || voters.keys().any(|choice| known.contains(choice));
    let strange = |vote: &&Vote| {
        let choice = vote.choice.as_str();
        !known.contains(choice) && voters.get(choice) == Some(&1)
    };
    if for_agents {
        let strangers: Vec<_> =
            debate.votes.iter().filter(strange).map(|vote| vote.agent.clone()).collect();
        if let Some(names) = listed(&strangers) {
            warn(format!("A vote for nobody who is in the record: {names}."));
        }
    }
}

fn counts(debate: &Debate, warn: &mut impl FnMut(String)) {
    if debate.vote_counts.is_empty() {
        return;
    }
    if debate.votes.is_empty() {
        warn("The record counts votes and does not say whose they were.".to_owned());
        return;
    }
    let agrees = |of: &dyn Fn(&Vote) -> f64| {
        let sums = sums(&debate.votes, of);
        let choices: BTreeSet<&str> =
            sums.keys().copied().chain(debate.vote_counts.keys().map(String::as_str)).collect();
        choices.iter().all(|choice| {
            let counted = debate.vote_counts.get(*choice).copied().unwrap_or(0.0);
            (counted - sums.get(choice).copied().unwrap_or(0.0)).abs() < TOLERANCE
        })
    };
    if !agrees(&|_| 1.0) && !agrees(&|vote| vote.weight.unwrap_or(1.0)) {
        warn(
            "The record's count of votes differs from its votes; the votes are what counts."
                .to_owned(),
        );
    }
}

fn decision(debate: &Debate, odd: &Odd, warn: &mut impl FnMut(String)) {
    if odd.two_minds {
        warn("The record says both that the agents agreed and that they did not.".to_owned());
    }
    if odd.failed_answer {
        warn("The final answer is an agent's error and is left out.".to_owned());
    }
    if debate.votes.is_empty() {
        return;
    }
    if let Some(winner) = &debate.winner
        && !debate.votes.iter().any(|vote| vote.choice == *winner)
    {
        let winner = text::cut(winner, MAX_NAME_CHARS);
        warn(format!("Nobody voted for the winner that the record names: {winner}."));
    }
    // Ratings weigh votes too; with them a tie of numbers need not be one.
    let voters: BTreeSet<&str> = debate.votes.iter().map(|vote| vote.agent.as_str()).collect();
    let rated = debate.agents.iter().any(|agent| {
        voters.contains(agent.name.as_str()) && (agent.elo.is_some() || agent.calibration.is_some())
    });
    let sums = sums(&debate.votes, &|vote| vote.weight.unwrap_or(1.0));
    let most = sums.values().copied().fold(0.0, f64::max);
    let first = sums.values().filter(|sum| most - **sum < TOLERANCE).count();
    if debate.consensus_reached == Some(true) && first > 1 && !rated {
        warn("The record says that the agents agreed, but their votes tie.".to_owned());
    }
}

fn sums<'d>(votes: &'d [Vote], of: &dyn Fn(&Vote) -> f64) -> BTreeMap<&'d str, f64> {
    let mut sums = BTreeMap::new();
    for vote in votes {
        *sums.entry(vote.choice.as_str()).or_insert(0.0) += of(vote);
    }
    sums
}

/// The names in order, each once, at most a few of them; `None` without any.
fn listed(names: &[String]) -> Option<String> {
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut shown: Vec<_> =
        names.iter().take(MAX_NAMES).map(|name| text::cut(name, MAX_NAME_CHARS)).collect();
    if names.len() > MAX_NAMES {
        shown.push(format!("{} more", names.len() - MAX_NAMES));
    }
    (!shown.is_empty()).then(|| shown.join(", "))
}
