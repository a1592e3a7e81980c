//! The reasoning chain: what happened, in the order of time, with whom and about what.

use std::collections::HashMap;

use super::{Case, NAMES};
use crate::excerpt::{GIST_CHARS, cut, gist, list, name, plain};
use crate::explanation::{EXCERPT_CHARS, MAX_DECISIVE, MAX_STEPS, Step};
use crate::record::{Kind, Move, Vote};

/// The longest action, in characters.
const ACTION_CHARS: usize = 160;

/// Something that becomes a step.
#[derive(Clone, Copy)]
enum Event<'a> {
    Move(&'a Move),
    /// A vote, by its place among the ballots, and what the voter said with it.
    Vote(usize, &'a Vote, Option<&'a Move>),
    Decision,
}

/// The steps, and the numbers of the decisive ones.
pub(super) fn of(
    case: &Case<'_>,
    pivotal: &[bool],
    warnings: &mut Vec<String>,
) -> (Vec<Step>, Vec<u32>) {
    let events = events(case);
    let mut kept: Vec<(usize, u32, Event<'_>)> =
        events.into_iter().enumerate().map(|(at, (round, event))| (at + 1, round, event)).collect();
    if kept.len() > MAX_STEPS {
        let (all, half) = (kept.len(), MAX_STEPS / 2);
        kept.drain(half..all - half);
        warnings.push(format!(
            "The reasoning chain has {all} steps: the first {half} and the last {half} are listed."
        ));
    }
    let mut decisive: Vec<u32> = decisive(case, pivotal, &kept)
        .into_iter()
        .filter_map(|at| Some(number(kept.get(at)?.0)))
        .collect();
    decisive.sort_unstable();
    (kept.iter().map(|(at, round, event)| step(case, *at, *round, event)).collect(), decisive)
}

/// Everything with its round, in order: in a round first what was said, then the votes.
fn events<'a>(case: &Case<'a>) -> Vec<(u32, Event<'a>)> {
    let debate = case.debate;
    let mut said: HashMap<&str, Option<&Move>> = HashMap::new();
    let votes_are_said = debate.moves.iter().any(|it| it.kind == Kind::Vote);
    if votes_are_said {
        said.extend(case.count.ballots().iter().map(|it| (it.vote.agent.as_str(), None)));
    }
    let mut events: Vec<(u32, u8, Event<'_>)> =
        Vec::with_capacity(debate.moves.len() + case.voters() + 1);
    for it in &debate.moves {
        if it.kind == Kind::Vote
            && let Some(said) = said.get_mut(it.agent.as_str())
        {
            // It is told with the vote that is counted; an agent's last word stands.
            *said = Some(it);
        } else {
            events.push((it.round, 0, Event::Move(it)));
        }
    }
    let last_move = debate.moves.iter().map(|it| it.round).max().unwrap_or(0);
    let last = debate.rounds.max(last_move);
    for (place, ballot) in case.count.ballots().iter().enumerate() {
        let vote = ballot.vote;
        let said = said.get(vote.agent.as_str()).copied().flatten();
        let round = vote.round.or(said.map(|it| it.round)).unwrap_or(last);
        events.push((round, 1, Event::Vote(place, vote, said)));
    }
    events.sort_by_key(|(round, rank, _)| (*round, *rank));
    let last = events.last().map_or(last, |(round, ..)| last.max(*round));
    let mut events: Vec<_> = events.into_iter().map(|(round, _, event)| (round, event)).collect();
    if is_decided(case) {
        events.push((last, Event::Decision));
    }
    events
}

/// Whether the record says anything about how it ended.
fn is_decided(case: &Case<'_>) -> bool {
    case.voters() > 0
        || case.winner.is_some()
        || case.answer().is_some()
        || case.debate.consensus_reached.is_some()
}

/// Places of the steps that the decision is owed to, the most important first: the decision, what
/// the winner proposed last, a failure, the gravest critique and the votes that decided. Where there
/// are few of them, what was said first and last.
fn decisive(case: &Case<'_>, pivotal: &[bool], kept: &[(usize, u32, Event<'_>)]) -> Vec<usize> {
    let moves = || {
        kept.iter().enumerate().filter_map(|(at, (_, _, event))| match event {
            Event::Move(it) => Some((at, *it)),
            _ => None,
        })
    };
    let mut places: Vec<usize> = Vec::with_capacity(MAX_DECISIVE);
    let mut add = |place: Option<usize>| {
        if let Some(place) = place
            && places.len() < MAX_DECISIVE
            && !places.contains(&place)
        {
            places.push(place);
        }
    };
    let is_decision = |event: &Event<'_>| matches!(event, Event::Decision);
    add(kept.iter().position(|(_, _, event)| is_decision(event)));
    let winning = case.winning_move;
    add(moves()
        .find(|(_, it)| winning.is_some_and(|winning| std::ptr::eq(winning, *it)))
        .map(first));
    add(moves().find(|(_, it)| it.kind == Kind::Error).map(first));
    add(gravest(case, moves().filter(|(_, it)| it.kind == Kind::Critique)));
    for (at, (_, _, event)) in kept.iter().enumerate() {
        if let Event::Vote(place, ..) = event
            && pivotal.get(*place) == Some(&true)
        {
            add(Some(at));
        }
    }
    add(moves().find(|(_, it)| it.kind == Kind::Synthesis).map(first));
    add(moves().next().map(first));
    add(moves().next_back().map(first));
    places
}

fn first<A, B>(pair: (A, B)) -> A {
    pair.0
}

/// By severity; then the one aimed at the winner; then the first.
fn gravest<'a>(
    case: &Case<'_>,
    critiques: impl Iterator<Item = (usize, &'a Move)>,
) -> Option<usize> {
    let rank = |it: &Move| {
        let at_winner = it.target.is_some() && it.target.as_deref() == case.winner;
        (it.severity.filter(|severity| !severity.is_nan()).unwrap_or(0.0), at_winner)
    };
    let mut best: Option<(usize, (f64, bool))> = None;
    for (at, it) in critiques {
        let rank = rank(it);
        if best.is_none_or(|(_, best)| rank.0 > best.0 || (rank.0 >= best.0 && rank.1 && !best.1)) {
            best = Some((at, rank));
        }
    }
    best.map(first)
}

fn step(case: &Case<'_>, at: usize, round: u32, event: &Event<'_>) -> Step {
    let step = number(at);
    match event {
        Event::Move(it) => Step {
            step,
            agent: name(&it.agent).into_owned(),
            action: action(it),
            round,
            kind: kind(it.kind),
            excerpt: plain(&it.content, EXCERPT_CHARS),
            timestamp: timestamp(it.timestamp.as_ref()),
        },
        Event::Vote(place, vote, said) => {
            let choice = case.count.ballots().get(*place).map_or(0, |ballot| ballot.choice);
            let words = vote.reasoning.as_deref().or(said.map(|it| it.content.as_str()));
            let time = vote.timestamp.as_ref().or(said.and_then(|it| it.timestamp.as_ref()));
            Step {
                step,
                agent: name(&vote.agent).into_owned(),
                action: format!("Voted for {}", case.choice(choice)),
                round,
                kind: kind(Kind::Vote),
                excerpt: words.map_or_else(String::new, |words| plain(words, EXCERPT_CHARS)),
                timestamp: timestamp(time),
            }
        }
        Event::Decision => Step {
            step,
            agent: String::new(),
            action: cut(decision(case), ACTION_CHARS),
            round,
            kind: "decision",
            excerpt: case.decision(),
            timestamp: timestamp(case.debate.completed_at.as_ref()),
        },
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// As the record has it, but never longer than a time is.
fn timestamp(time: Option<&String>) -> Option<String> {
    time.map(|time| plain(time, 40))
}

/// The name of a kind of move in an explanation.
fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Proposal => "proposal",
        Kind::Critique => "critique",
        Kind::Revision => "revision",
        Kind::Evidence => "evidence",
        Kind::Synthesis => "synthesis",
        Kind::Vote => "vote",
        Kind::Error => "error",
        Kind::Message => "message",
    }
}

/// "Proposed security-first approach", "Challenged gpt4: it does not scale".
fn action(it: &Move) -> String {
    let verb = match it.kind {
        Kind::Proposal => "Proposed",
        Kind::Critique => "Challenged",
        Kind::Revision => "Revised",
        Kind::Evidence => "Provided evidence",
        Kind::Synthesis => "Synthesised",
        Kind::Vote => "Voted",
        Kind::Error => "Failed",
        Kind::Message => "Said",
    };
    let mut action = verb.to_owned();
    let target = it.target.as_deref().filter(|target| !target.is_empty());
    if let Some(target) = target {
        if it.kind != Kind::Critique {
            action.push_str(" for");
        }
        action.push(' ');
        action.push_str(&name(target));
    }
    let about = gist(&it.content, GIST_CHARS);
    if !about.is_empty() {
        // A phrase goes on as the verb's object; a sentence stands by itself.
        let goes_on = target.is_none()
            && about.starts_with(char::is_lowercase)
            && matches!(
                it.kind,
                Kind::Proposal | Kind::Critique | Kind::Revision | Kind::Synthesis
            );
        action.push_str(if goes_on { " " } else { ": " });
        action.push_str(&about);
    }
    cut(action, ACTION_CHARS)
}

fn decision(case: &Case<'_>) -> String {
    if let Some(winner) = case.winner {
        return format!("Decided for {}", name(winner));
    }
    if !case.outcome.tied.is_empty() {
        return format!("Decided nothing: {} are tied", list(&case.tied(), NAMES));
    }
    let about = case.answer().map(|answer| gist(answer, GIST_CHARS)).filter(|it| !it.is_empty());
    match (about, case.debate.consensus_reached) {
        (Some(about), _) => format!("Decided: {about}"),
        (None, Some(true)) => "Decided: the agents agreed".to_owned(),
        _ => "Decided nothing: the agents did not agree".to_owned(),
    }
}
