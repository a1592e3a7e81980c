//! Moves: what each thing said is, which of them are the same one told twice, and their order.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::Value;

use super::fields::{self, Object, TIME};
use super::problem::{At, ROOT};
use super::reading::{MAX_ENTRIES, Reading};
use super::roster::Roster;
use super::{Kind, Move, Vote, critique, failure, lists, text};

/// Texts that begin with the same characters, this many, are the same if one goes on where the
/// other was cut off.
const SAME_HEAD_CHARS: usize = 200;
/// How many candidates for being the same are looked at.
const MAX_CANDIDATES: usize = 8;

/// Which list of the record something is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Proposals,
    Messages,
    Critiques,
    Finals,
    Failures,
}

/// A move before all of the record is known.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) agent: String,
    pub(crate) kind: Kind,
    /// A proposal unless the agent made one in an earlier round.
    pub(crate) may_be_revision: bool,
    pub(crate) role: Option<String>,
    pub(crate) round: Option<u32>,
    pub(crate) content: String,
    pub(crate) target: Option<String>,
    pub(crate) severity: Option<f64>,
    pub(crate) timestamp: Option<String>,
    pub(crate) origin: Origin,
    /// Which list of the record, by number.
    pub(crate) list: usize,
    /// The first issue of a critique that has no words of its own.
    pub(crate) issue: Option<String>,
}

impl Draft {
    /// Nothing yet, from a list of that kind.
    pub(crate) const fn new(origin: Origin) -> Self {
        Self {
            agent: String::new(),
            kind: Kind::Message,
            may_be_revision: false,
            role: None,
            round: None,
            content: String::new(),
            target: None,
            severity: None,
            timestamp: None,
            origin,
            list: 0,
            issue: None,
        }
    }
}

/// The kind that an engine means by the word for a kind or a role.
pub(crate) fn kind_called(word: &str) -> Option<Kind> {
    Some(match word.trim().to_ascii_lowercase().as_str() {
        "proposal" | "proposer" | "propose" | "proposals" | "agent_proposal"
        | "initial_proposal" => Kind::Proposal,
        "critique" | "critic" | "critiques" | "challenge" | "challenger" | "objection"
        | "rebuttal" | "agent_critique" | "reviewer" => Kind::Critique,
        "revision" | "reviser" | "revised" | "revise" | "refinement" | "refiner"
        | "revised_proposal" => Kind::Revision,
        "evidence" | "evidence_found" | "citation" | "researcher" => Kind::Evidence,
        "synthesis" | "synthesizer" | "synthesiser" | "synthesize" | "agent_synthesis"
        | "judge" | "judgment" => Kind::Synthesis,
        "vote" | "voter" | "voting" | "ballot" | "agent_vote" => Kind::Vote,
        "error" | "failure" | "failed" | "agent_error" => Kind::Error,
        _ => return None,
    })
}

/// The words of an entry under the first of `names` that has any: text, a list of texts, or an
/// object that has the words.
pub(crate) fn words(
    reading: &mut Reading,
    object: &Object,
    names: &[&'static str],
    at: &At<'_>,
) -> Option<String> {
    for name in names {
        let found = match object.get(*name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(sent)) => text::clean(sent),
            Some(Value::Object(inner)) => {
                let at = at.key(name);
                let inner = fields::text(
                    inner,
                    &["content", "text", "message"],
                    &at,
                    &mut reading.problems,
                );
                text::clean(inner.unwrap_or_default())
            }
            Some(Value::Array(items)) => {
                critique::texts(items, &at.key(name), &mut reading.problems).join("\n")
            }
            Some(_) => {
                reading.problems.add(&at.key(name), "must be text");
                return None;
            }
        };
        if !found.trim().is_empty() {
            return Some(found);
        }
    }
    None
}

/// What entries of every list may have: target, severity and time; issues make up for words.
pub(crate) fn details(reading: &mut Reading, object: &Object, at: &At<'_>, draft: &mut Draft) {
    let problems = &mut reading.problems;
    let target = fields::label(
        object,
        &["target", "target_agent", "target_name"],
        fields::MAX_NAME_CHARS,
        at,
        problems,
    );
    draft.target = target.or_else(|| draft.target.take());
    draft.severity = critique::severity(object, at, problems);
    draft.timestamp = fields::time(object, &TIME, at, problems);
    if draft.kind == Kind::Critique {
        (draft.content, draft.issue) = critique::composed(object, at, problems);
    }
}

/// Adds a move with its words. `failed` is an error that the entry names as such.
pub(crate) fn put(
    reading: &mut Reading,
    mut draft: Draft,
    content: Option<String>,
    failed: Option<String>,
) {
    match (content, failed) {
        (_, Some(error)) => {
            draft.kind = Kind::Error;
            draft.content = error;
        }
        (Some(content), None) => {
            draft.content = content;
            draft.issue = None;
        }
        (None, None) => {}
    }
    if draft.content.trim().is_empty() {
        reading.odd.silent += usize::from(draft.kind != Kind::Vote);
        return;
    }
    if draft.kind != Kind::Vote && failure::is_one(&draft.content) {
        draft.kind = Kind::Error;
    }
    if draft.kind == Kind::Error {
        draft.may_be_revision = false;
    }
    if draft.kind == Kind::Critique && draft.severity.is_none() {
        draft.severity = critique::stated_severity(&draft.content);
    }
    draft.agent = lists::or_unknown(reading, draft.agent);
    draft.list = reading.lists;
    reading.drafts.push(draft);
    if reading.drafts.len() > MAX_ENTRIES {
        reading.drafts.pop();
        reading.problems.add(&ROOT, format!("at most {MAX_ENTRIES} moves"));
    }
}

/// The moves in the order of time: by round; within a round proposals, then messages in their
/// order, then votes; listed critiques come before the first message that answers them.
pub(crate) fn settled(reading: &mut Reading, votes: &[Vote]) -> Vec<Move> {
    let counted =
        |agent: &str| votes.binary_search_by(|vote| vote.agent.as_str().cmp(agent)).is_ok();
    let mut drafts = merged(std::mem::take(&mut reading.drafts));
    drafts.retain(|draft| draft.kind != Kind::Vote || !counted(&draft.agent));
    rounds(&mut drafts, reading.odd.rounds_said);
    revisions(&mut drafts);
    critique::scale(&mut drafts);

    let mut answers: HashMap<u32, usize> = HashMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        let answers_critiques = matches!(draft.kind, Kind::Revision | Kind::Synthesis | Kind::Vote);
        if draft.origin == Origin::Messages && answers_critiques {
            answers.entry(draft.round.unwrap_or(0)).or_insert(place);
        }
    }
    let mut keyed: Vec<_> = drafts
        .into_iter()
        .enumerate()
        .map(|(place, draft)| {
            let round = draft.round.unwrap_or(0);
            let group = match draft.origin {
                Origin::Proposals => 0,
                Origin::Messages if answers.get(&round).is_none_or(|from| place < *from) => 1,
                Origin::Failures => 1,
                Origin::Critiques => 2,
                Origin::Messages => 3,
                Origin::Finals => 4,
            };
            ((round, group, place), draft)
        })
        .collect();
    keyed.sort_unstable_by_key(|(key, _)| *key);
    keyed.into_iter().map(|((round, ..), draft)| done(draft, round)).collect()
}

fn done(draft: Draft, round: u32) -> Move {
    Move {
        agent: draft.agent,
        kind: draft.kind,
        role: draft.role,
        round,
        content: draft.content,
        target: draft.target,
        severity: draft.severity,
        timestamp: draft.timestamp,
    }
}

/// Finds the agents that targets mean, and the targets that critiques only name in their text.
pub(crate) fn resolve(roster: &Roster, moves: &mut [Move]) {
    for one in moves {
        if let Some(target) = &mut one.target
            && let Some(name) = roster.find(target)
        {
            name.clone_into(target);
        }
        if one.kind == Kind::Critique && one.target.is_none() {
            one.target = critique::stated_target(&one.content, &one.agent, roster);
        }
    }
}

/// Rounds of what does not say its own: answers are given before the first, critiques in it.
fn rounds(drafts: &mut [Draft], said: Option<u32>) {
    let last =
        drafts.iter().filter_map(|draft| draft.round).max().unwrap_or(0).max(said.unwrap_or(0));
    for draft in drafts {
        draft.round = draft.round.or(match draft.origin {
            Origin::Critiques => Some(1),
            Origin::Finals => Some(last.min(fields::MAX_ROUND)),
            _ => Some(0),
        });
    }
}

/// What may be a changed answer is one, if its author answered in an earlier round or, for final
/// answers, otherwise.
fn revisions(drafts: &mut [Draft]) {
    let mut first: HashMap<String, (u32, Origin)> = HashMap::new();
    for draft in drafts.iter().filter(|draft| draft.kind == Kind::Proposal) {
        let round = draft.round.unwrap_or(0);
        match first.entry(draft.agent.clone()) {
            Entry::Vacant(empty) => {
                empty.insert((round, draft.origin));
            }
            Entry::Occupied(mut known) if round < known.get().0 => {
                known.insert((round, draft.origin));
            }
            Entry::Occupied(_) => {}
        }
    }
    for draft in drafts.iter_mut().filter(|draft| draft.may_be_revision) {
        let Some((round, origin)) = first.get(&draft.agent) else { continue };
        let is_final = draft.origin == Origin::Finals && *origin != Origin::Finals;
        if draft.kind == Kind::Proposal && (draft.round.unwrap_or(0) > *round || is_final) {
            draft.kind = Kind::Revision;
        }
    }
}

/// The drafts without those that only repeat what another list has.
fn merged(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut kept: Vec<Draft> = Vec::with_capacity(drafts.len());
    let mut by_head: HashMap<(String, String), Vec<usize>> = HashMap::new();
    let mut critiques: HashMap<String, Vec<usize>> = HashMap::new();
    for draft in drafts {
        let head: String = draft.content.trim().chars().take(SAME_HEAD_CHARS).collect();
        let same = by_head.entry((draft.agent.clone(), head)).or_default();
        let mut found = same
            .iter()
            .take(MAX_CANDIDATES)
            .copied()
            .find(|at| kept.get(*at).is_some_and(|known| is_repeat(known, &draft)));
        if found.is_none()
            && let Some(issue) = &draft.issue
            && let Some(candidates) = critiques.get_mut(&draft.agent)
        {
            let place = candidates.iter().take(MAX_CANDIDATES).position(|at| {
                kept.get(*at).is_some_and(|known| critique::tells(known, &draft, issue))
            });
            found = place.map(|place| candidates.remove(place));
        }
        if let Some(known) = found.and_then(|at| kept.get_mut(at)) {
            join(known, draft);
            continue;
        }
        same.push(kept.len());
        if draft.kind == Kind::Critique && draft.origin == Origin::Messages {
            critiques.entry(draft.agent.clone()).or_default().push(kept.len());
        }
        kept.push(draft);
    }
    kept
}

/// Whether two drafts of one author with the same beginning are one move.
fn is_repeat(known: &Draft, draft: &Draft) -> bool {
    let (one, other) = (known.content.trim(), draft.content.trim());
    let same_text = one == other
        || (text::is_longer(one, SAME_HEAD_CHARS - 1)
            && text::is_longer(other, SAME_HEAD_CHARS - 1)
            && (one.starts_with(other) || other.starts_with(one)));
    let same_round = known.round.is_none() || draft.round.is_none() || known.round == draft.round;
    same_text && known.list != draft.list && (same_round || known.origin != draft.origin)
}

/// Adds what a repeat knows and the first does not.
fn join(known: &mut Draft, repeat: Draft) {
    if known.kind == Kind::Message {
        known.kind = repeat.kind;
    }
    // A structured critique's own words are made up here; what was said is what was said.
    if repeat.issue.is_none() && repeat.content.trim().len() > known.content.trim().len() {
        known.content = repeat.content;
    }
    known.role = known.role.take().or(repeat.role);
    known.round = known.round.or(repeat.round);
    known.target = known.target.take().or(repeat.target);
    known.severity = repeat.severity.or(known.severity);
    known.timestamp = known.timestamp.take().or(repeat.timestamp);
}
