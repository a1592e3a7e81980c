//! Two or three sentences for people.

use super::{Case, NAMES, recounts};
use crate::excerpt::{GIST_CHARS, counted, gist, list, name};
use crate::explanation::MAX_DISSENT;

pub(super) fn of(case: &Case<'_>, pivotal: &[bool]) -> String {
    let mut text = outcome(case);
    let mut more = [decision(case), failures(case), dissent(case)].into_iter().flatten().peekable();
    if more.peek().is_none() {
        let last = if case.voters() > 0 {
            recounts::decisive(case, pivotal)
        } else {
            "What was decided is not recorded.".to_owned()
        };
        return format!("{text} {last}");
    }
    for sentence in more.take(2) {
        text.push(' ');
        text.push_str(&sentence);
    }
    text
}

fn outcome(case: &Case<'_>) -> String {
    let all = case.voters();
    let after = match case.debate.rounds {
        0 => String::new(),
        rounds => {
            format!(" after {}", counted(usize::try_from(rounds).unwrap_or(usize::MAX), "round"))
        }
    };
    if all == 0 {
        return without_votes(case);
    }
    let Some(winner) = case.outcome.winner else { return undecided(case, &after) };
    let winning = case.voters_for(winner);
    let choice = case.choice(winner);
    let by_weight = case.outcome.tied.is_empty()
        && (0..case.choices.len().min(MAX_DISSENT))
            .any(|other| other != winner && case.voters_for(other) >= winning);
    let votes = match (winning, all) {
        (1, 1) => format!("the only vote went to {choice}"),
        _ if winning == all => format!("all {all} voted for {choice}"),
        _ if by_weight => {
            format!("{winning} of {all} voted for {choice}, with the greatest weight")
        }
        _ => format!("{winning} of {all} voted for {choice}"),
    };
    if case.debate.consensus_reached == Some(false) {
        format!("The agents did not reach consensus{after}, although {votes}.")
    } else {
        format!("The agents reached consensus{after}: {votes}.")
    }
}

fn undecided(case: &Case<'_>, after: &str) -> String {
    let tied = case.tied();
    let said = if case.debate.consensus_reached == Some(true) {
        "; the record says that they agreed all the same"
    } else {
        ""
    };
    if tied.is_empty() {
        let votes = counted(case.voters(), "vote");
        return format!("Nothing was decided by vote{after}: {votes} without any weight{said}.");
    }
    format!("The agents did not agree{after}: the vote is a tie of {}{said}.", list(&tied, NAMES))
}

fn without_votes(case: &Case<'_>) -> String {
    let debate = case.debate;
    if debate.moves.is_empty() {
        let answer = if case.answer().is_some() {
            "The record holds only an answer, and not how it came about"
        } else {
            "The record holds neither contributions nor votes nor an answer"
        };
        return match debate.consensus_reached {
            Some(true) => format!("{answer}; it says that the agents agreed."),
            Some(false) => format!("{answer}; it says that the agents did not agree."),
            None => format!("{answer}."),
        };
    }
    let mut names: Vec<&str> = debate.agents.iter().map(|agent| agent.name.as_str()).collect();
    if names.is_empty() {
        names.push("Somebody");
    }
    let contributions = counted(debate.moves.len(), "contribution");
    let rounds = match debate.rounds {
        0 => String::new(),
        rounds => {
            format!(" in {}", counted(usize::try_from(rounds).unwrap_or(usize::MAX), "round"))
        }
    };
    let end = match (debate.consensus_reached, case.winner) {
        (Some(true), Some(winner)) => {
            format!("; the record says that they agreed on {}", name(winner))
        }
        (_, Some(winner)) => format!("; the record names {} as the winner", name(winner)),
        (Some(true), None) => "; the record says that they agreed".to_owned(),
        (Some(false), None) => "; the record says that they did not agree".to_owned(),
        (None, None) => "; the record does not say whether they agreed".to_owned(),
    };
    format!("{} made {contributions}{rounds} without a recorded vote{end}.", list(&names, NAMES))
}

fn decision(case: &Case<'_>) -> Option<String> {
    if let Some(answer) = case.answer() {
        let gist = gist(answer, GIST_CHARS);
        return (!gist.is_empty()).then(|| sentence(format!("The decision: {gist}")));
    }
    let winning = case.winning_move?;
    let gist = gist(&winning.content, GIST_CHARS);
    (!gist.is_empty()).then(|| sentence(format!("{} proposed: {gist}", name(&winning.agent))))
}

fn failures(case: &Case<'_>) -> Option<String> {
    let failed = &case.failed;
    (!failed.is_empty()).then(|| format!("{} failed to answer.", list(failed, NAMES)))
}

fn dissent(case: &Case<'_>) -> Option<String> {
    let winner = case.outcome.winner?;
    let others: Vec<_> =
        case.count.ballots().iter().filter(|ballot| ballot.choice != winner).collect();
    let first = others.first()?;
    let together = others.iter().all(|ballot| ballot.choice == first.choice);
    let names: Vec<&str> = others.iter().map(|ballot| ballot.vote.agent.as_str()).collect();
    let names = list(&names, NAMES);
    let were = if others.len() == 1 { "was" } else { "were" };
    Some(if together {
        format!("{names} {were} for {}.", case.choice(first.choice))
    } else {
        format!("{names} were for others.")
    })
}

/// Ends a sentence that ends in somebody else's words.
fn sentence(mut text: String) -> String {
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}
