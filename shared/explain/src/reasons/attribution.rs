//! What the outcome is owed to, in numbers and in words.

use super::evidence::Brought;
use super::{Case, NAMES, percent};
use crate::count::{fraction, is_rated, mean, weight_of_agent};
use crate::excerpt::{counted, cut, gist, list};
use crate::explanation::{EvidenceItem, Factor};

/// Factors below this share are not named among the key factors.
const KEY_SHARE: f64 = 0.15;
/// The longest label, in characters.
const LABEL_CHARS: usize = 120;
/// The longest gist of the strongest evidence in its label, in characters.
const EVIDENCE_GIST_CHARS: usize = 48;

/// Rounds beyond this take nothing more from the efficiency.
const MOST_ROUNDS: u32 = 5;

/// The factors with their shares, greatest first. Empty when there is only an answer.
pub(super) fn factors(case: &Case<'_>, evidence: &Brought) -> Vec<Factor> {
    let debate = case.debate;
    let given_margin = fraction(debate.consensus_margin);
    let only_an_answer = case.voters() == 0 && evidence.pieces == 0 && debate.moves.is_empty();
    if only_an_answer && given_margin.is_none() && debate.rounds == 0 {
        return Vec::new();
    }
    let mut raw: Vec<(&'static str, f64)> =
        vec![("consensus", 0.4 * given_margin.unwrap_or(case.outcome.margin))];
    if evidence.pieces > 0 {
        raw.push(("evidence", 0.3 * evidence.mean_relevance));
    }
    if weights_matter(case) {
        raw.push(("calibration", (mean_weight(case) - 0.5).abs() * 0.2));
    }
    let rounds = f64::from(debate.rounds.min(MOST_ROUNDS));
    raw.push(("efficiency", 0.1 * (1.0 - 0.5 * rounds / f64::from(MOST_ROUNDS))));

    // Efficiency is never 0.
    let total: f64 = raw.iter().map(|(_, share)| share).sum();
    raw.sort_by(|a, b| b.1.total_cmp(&a.1));
    raw.into_iter()
        .map(|(name, share)| {
            let contribution = share / total;
            let description = description(case, evidence, name);
            Factor { name, contribution, weight: contribution, description }
        })
        .collect()
}

/// Whether the record says anything about how much votes weigh.
fn weights_matter(case: &Case<'_>) -> bool {
    case.debate.agents.iter().any(is_rated)
        || case.debate.votes.iter().any(|vote| vote.weight.is_some())
}

/// Of the votes; without any, what the agents' would weigh.
fn mean_weight(case: &Case<'_>) -> f64 {
    if case.voters() > 0 {
        case.count.mean_weight()
    } else {
        mean(case.debate.agents.iter().map(weight_of_agent))
    }
}

fn description(case: &Case<'_>, evidence: &Brought, factor: &str) -> String {
    match factor {
        "consensus" => consensus_description(case),
        "evidence" => format!(
            "{} brought forward; their mean relevance is {}.",
            counted_pieces(evidence.pieces),
            percent(evidence.mean_relevance)
        ),
        "calibration" => {
            format!(
                "By ratings, calibration and given weights a vote weighs {:.2} on average.",
                mean_weight(case)
            )
        }
        _ => match case.debate.rounds {
            0 => "The record does not say how many rounds there were.".to_owned(),
            1 => "There was 1 round.".to_owned(),
            rounds => format!("There were {rounds} rounds; fewer count for more."),
        },
    }
}

fn counted_pieces(pieces: usize) -> String {
    if pieces == 1 {
        "1 piece of evidence was".to_owned()
    } else {
        format!("{pieces} pieces of evidence were")
    }
}

fn consensus_description(case: &Case<'_>) -> String {
    let votes = votes_label(case);
    let margin = match fraction(case.debate.consensus_margin) {
        Some(margin) => format!("the record gives a lead of {}.", percent(margin)),
        None if case.voters() == 0 => return "The record holds no votes and no lead.".to_owned(),
        None if case.outcome.winner.is_none() => "nobody has a lead.".to_owned(),
        None => format!("a lead of {} of the weight.", percent(case.outcome.margin)),
    };
    match votes {
        Some(votes) => format!("{votes}: {margin}"),
        None => format!("Without votes, {margin}"),
    }
}

/// How the votes fell; `None` without votes.
fn votes_label(case: &Case<'_>) -> Option<String> {
    let all = case.voters();
    if all == 0 {
        return None;
    }
    Some(match case.outcome.winner {
        Some(winner) => {
            let voters = case.voters_for(winner);
            format!("{voters} of {all} voted for {}", case.choice(winner))
        }
        None if case.outcome.tied.is_empty() => format!("{} of no weight", counted(all, "vote")),
        None => format!("{} are tied", list(&case.tied(), NAMES)),
    })
}

/// The factors that matter and the strongest evidence, for people.
pub(super) fn key_factors(case: &Case<'_>, factors: &[Factor], evidence: &Brought) -> Vec<String> {
    let matters = |factor: &&Factor| factor.contribution >= KEY_SHARE;
    let labels = factors.iter().filter(matters).map(|factor| label(case, evidence, factor.name));
    let strongest = strongest(case, &evidence.items).map(evidence_label);
    let mut labels: Vec<String> =
        labels.chain(strongest).map(|label| cut(label, LABEL_CHARS)).collect();
    labels.dedup();
    labels
}

fn label(case: &Case<'_>, evidence: &Brought, factor: &str) -> String {
    match factor {
        "consensus" => votes_label(case).unwrap_or_else(|| match case.winner {
            Some(winner) => format!("{} in the lead", crate::excerpt::name(winner)),
            None => format!("the agreement of {}", everybody(case)),
        }),
        "evidence" => brought_by(evidence),
        "calibration" => format!("the weight of {}", weighed(case)),
        _ => match case.debate.rounds {
            0 => format!("no rounds recorded for {}", everybody(case)),
            1 => format!("1 round of {}", everybody(case)),
            rounds => format!("{rounds} rounds of {}", everybody(case)),
        },
    }
}

fn everybody(case: &Case<'_>) -> String {
    let names: Vec<&str> = case.debate.agents.iter().map(|agent| agent.name.as_str()).collect();
    if names.is_empty() { "the agents".to_owned() } else { list(&names, NAMES) }
}

/// Whose votes have a weight of their own.
fn weighed(case: &Case<'_>) -> String {
    let rated = case.debate.agents.iter().filter(|agent| is_rated(agent));
    let mut names: Vec<&str> = rated.map(|agent| agent.name.as_str()).collect();
    for ballot in case.count.ballots().iter().filter(|ballot| ballot.vote.weight.is_some()) {
        // Only so many are named; the rest need not be told apart.
        if names.len() > NAMES || !names.contains(&ballot.vote.agent.as_str()) {
            names.push(&ballot.vote.agent);
        }
    }
    list(&names, NAMES)
}

/// "proposals by claude and gpt4, critique by gemini".
fn brought_by(evidence: &Brought) -> String {
    let mut parts = Vec::new();
    for (kind, one) in
        [("proposal", "proposal"), ("critique", "critique"), ("evidence", "evidence")]
    {
        let of_kind = || evidence.items.iter().filter(|item| item.kind == kind);
        let mut names: Vec<&str> = Vec::new();
        for item in of_kind() {
            let who = item.agent.as_deref().unwrap_or(&item.source);
            if !who.is_empty() && !names.contains(&who) {
                names.push(who);
            }
        }
        let plural = if of_kind().count() == 1 || kind == "evidence" { "" } else { "s" };
        if !names.is_empty() {
            parts.push(format!("{one}{plural} by {}", list(&names, 2)));
        }
    }
    if parts.is_empty() {
        counted(evidence.pieces, "piece") + " of evidence"
    } else {
        parts.join(", ")
    }
}

/// Among equals the winner's, then the first.
fn strongest<'a>(case: &Case<'_>, items: &'a [EvidenceItem]) -> Option<&'a EvidenceItem> {
    let first = items.first()?;
    let winner = case.winner.map(crate::excerpt::name);
    let best = items.iter().take_while(|item| item.relevance >= first.relevance);
    best.into_iter().find(|item| item.agent.as_deref() == winner.as_deref()).or(Some(first))
}

fn evidence_label(item: &EvidenceItem) -> String {
    let gist = gist(&item.content, EVIDENCE_GIST_CHARS);
    let what = match (item.kind, item.agent.as_deref()) {
        ("proposal", _) => format!("{}'s proposal", item.source),
        ("critique", _) => format!("{}'s critique", item.source),
        (_, Some(agent)) if agent != item.source => format!("{} by {agent}", item.source),
        _ if item.source.is_empty() => "evidence".to_owned(),
        _ => item.source.clone(),
    };
    if gist.is_empty() { what } else { format!("{what}: {gist}") }
}
