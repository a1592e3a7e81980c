//! Votes: one for each voter, whatever list or message it is from.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{self, Object, TIME};
use super::lists::{self, Around, Shape};
use super::problem::At;
use super::reading::{Reading, Scope};
use super::roster::{AUTHOR, Roster};
use super::{Debate, Vote, text};

/// The most characters of what a vote is for: a name, or an option in a few words.
const MAX_CHOICE_CHARS: usize = 1_000;
/// The greatest weight of a vote; sums of all of them stay exact enough.
const MAX_WEIGHT: f64 = 1e6;
const CHOICE: [&str; 6] = ["choice", "vote", "vote_value", "voted_for", "vote_for", "candidate"];

const VOTES: Shape = Shape {
    members: &[
        "choice",
        "vote",
        "vote_value",
        "voted_for",
        "vote_for",
        "candidate",
        "agent",
        "agent_name",
        "voter",
    ],
    by_target: false,
    by_place: false,
    take: ballot,
};

/// A vote as one place of the record has it.
#[derive(Debug)]
pub(crate) struct Ballot {
    vote: Vote,
    /// From a message: a vote in a list goes before it.
    in_message: bool,
    /// The message's words, which may say the choice.
    said: String,
}

/// Reads `votes`: a list of objects, or a map by voter, or by round and voter.
pub(crate) fn read(reading: &mut Reading, scope: &Scope<'_, '_>, round: Option<u32>) {
    lists::list(reading, scope, &["votes"], &VOTES, round);
}

fn ballot(reading: &mut Reading, entry: &Value, at: &At<'_>, around: &Around) {
    let vote = match entry {
        Value::Object(object) => {
            let own =
                reading.author(object, &["agent", "voter", "agent_name", "name", "agent_id"], at);
            let Some(agent) = around.agent.clone().or(own) else {
                if fields::given(object, &["agent", "voter"]).is_none() {
                    reading.problems.add(&at.key("agent"), "is required");
                }
                return;
            };
            vote_of(reading, object, agent, at, around)
        }
        Value::String(choice) => {
            let Some(agent) = around.agent.clone() else { return };
            let choice = text::line(choice);
            if text::is_longer(&choice, MAX_CHOICE_CHARS) {
                let message = format!("must have at most {MAX_CHOICE_CHARS} characters");
                reading.problems.add(at, message);
                return;
            }
            Vote { agent, choice, round: around.round, ..Vote::default() }
        }
        _ => return,
    };
    reading.ballots.push(Ballot { vote, in_message: false, said: String::new() });
}

fn vote_of(
    reading: &mut Reading,
    object: &Object,
    agent: String,
    at: &At<'_>,
    around: &Around,
) -> Vote {
    let problems = &mut reading.problems;
    let reasoning = ["reasoning", "rationale", "reason", "explanation"];
    Vote {
        agent,
        choice: fields::label(object, &CHOICE, MAX_CHOICE_CHARS, at, problems).unwrap_or_default(),
        confidence: fields::fraction(object, &["confidence"], at, problems),
        reasoning: fields::text(object, &reasoning, at, problems).map(text::clean),
        weight: fields::number_in(object, &["weight"], &(0.0..=MAX_WEIGHT), at, problems),
        round: fields::round(object, at, problems).or(around.round),
        timestamp: fields::time(object, &TIME, at, problems),
    }
}

/// Reads the vote in a message of the kind.
pub(crate) fn in_message(
    reading: &mut Reading,
    object: &Object,
    at: &At<'_>,
    around: &Around,
    agent: Option<String>,
) {
    let voter = agent.or_else(|| reading.author(object, &["voter"], at));
    let Some(voter) = voter.or_else(|| reading.author(object, &AUTHOR, at)) else { return };
    let vote = vote_of(reading, object, voter, at, around);
    let said = object.get("content").and_then(Value::as_str).map(text::clean).unwrap_or_default();
    reading.ballots.push(Ballot { vote, in_message: true, said });
}

/// Finds the choices that messages state in their words.
pub(crate) fn from_messages(reading: &mut Reading) {
    if !reading.ballots.iter().any(|ballot| ballot.in_message && ballot.vote.choice.is_empty()) {
        return;
    }
    for draft in &reading.drafts {
        reading.roster.add(&draft.agent);
    }
    let roster = &reading.roster;
    for ballot in
        reading.ballots.iter_mut().filter(|one| one.in_message && one.vote.choice.is_empty())
    {
        if let Some(choice) = stated_choice(&ballot.said, roster) {
            ballot.vote.choice = choice;
        }
    }
}

/// The choice that words state: `CHOICE: nova` on a line, or only an agent's name.
fn stated_choice(said: &str, roster: &Roster) -> Option<String> {
    let stated = said.lines().find_map(|line| {
        let (word, choice) = line.trim_start_matches(['*', ' ', '#']).split_once(':')?;
        let is_choice =
            ["choice", "vote", "my vote"].iter().any(|one| word.trim().eq_ignore_ascii_case(one));
        let choice = text::line(choice.trim_matches([' ', '*', '`', '"']));
        (is_choice && !choice.is_empty() && !text::is_longer(&choice, fields::MAX_NAME_CHARS))
            .then_some(choice)
    });
    stated.or_else(|| {
        let whole = said.trim();
        (!text::is_longer(whole, fields::MAX_NAME_CHARS))
            .then(|| roster.find(whole))
            .flatten()
            .map(str::to_owned)
    })
}

/// One vote for each voter, by name: of several the last, unless it is of an earlier round.
pub(crate) fn settled(reading: &mut Reading, scopes: &[Scope<'_, '_>]) -> Vec<Vote> {
    let ballots = std::mem::take(&mut reading.ballots);
    let (in_messages, listed): (Vec<_>, Vec<_>) =
        ballots.into_iter().partition(|one| one.in_message);
    let mut votes = BTreeMap::new();
    let odd = &mut reading.odd;
    for ballot in listed {
        if ballot.vote.choice.is_empty() {
            odd.blank_votes.push(ballot.vote.agent);
        } else {
            cast(&mut votes, ballot.vote, &mut odd.voted_twice);
        }
    }
    let mut others = BTreeMap::new();
    for Ballot { vote, said, .. } in in_messages {
        if let Some(known) = votes.get_mut(&vote.agent) {
            known.confidence = known.confidence.or(vote.confidence);
            known.round = known.round.or(vote.round);
            known.timestamp = known.timestamp.take().or(vote.timestamp);
            let said = Some(said).filter(|said| !said.trim().is_empty());
            known.reasoning = known.reasoning.take().or(vote.reasoning).or(said);
        } else if !vote.choice.is_empty() {
            let reasoning = vote.reasoning.or(Some(said)).filter(|said| !said.trim().is_empty());
            cast(&mut others, Vote { reasoning, ..vote }, &mut odd.voted_twice);
        }
    }
    votes.append(&mut others);
    reasons(reading, scopes, &mut votes);
    votes.into_values().collect()
}

fn cast(votes: &mut BTreeMap<String, Vote>, vote: Vote, twice: &mut Vec<String>) {
    let Some(known) = votes.get_mut(&vote.agent) else {
        votes.insert(vote.agent.clone(), vote);
        return;
    };
    twice.push(vote.agent.clone());
    let is_earlier = known.round.zip(vote.round).is_some_and(|(known, this)| this < known);
    if !is_earlier {
        *known = vote;
    }
}

/// Joins in `vote_reasoning`, a map of texts by voter.
fn reasons(reading: &mut Reading, scopes: &[Scope<'_, '_>], votes: &mut BTreeMap<String, Vote>) {
    for scope in scopes {
        let Some((name, value)) = fields::given(scope.object, &["vote_reasoning"]) else {
            continue;
        };
        let list = scope.at.key(name);
        let Value::Object(by_voter) = value else {
            reading.problems.add(&list, "must be an object of texts by voter");
            continue;
        };
        for (key, reason) in by_voter.iter().filter(|(_, reason)| !reason.is_null()) {
            let Value::String(reason) = reason else {
                reading.problems.add(&list.key(key), "must be text");
                continue;
            };
            let name = text::line(key);
            let known = reading.roster.find(&name).unwrap_or(&name);
            if let Some(vote) = votes.get_mut(known)
                && vote.reasoning.is_none()
            {
                vote.reasoning = Some(text::clean(reason)).filter(|text| !text.trim().is_empty());
            }
        }
    }
}

/// Finds the agents that choices, the winner and counts mean.
pub(crate) fn resolve(roster: &Roster, debate: &mut Debate) {
    let meant = |name: &mut String| {
        if let Some(known) = roster.find(name) {
            known.clone_into(name);
        }
    };
    debate.votes.iter_mut().for_each(|vote| meant(&mut vote.choice));
    debate.winner.iter_mut().for_each(meant);
    let mut counts = BTreeMap::new();
    for (mut choice, count) in std::mem::take(&mut debate.vote_counts) {
        meant(&mut choice);
        *counts.entry(choice).or_insert(0.0) += count;
    }
    debate.vote_counts = counts;
}
