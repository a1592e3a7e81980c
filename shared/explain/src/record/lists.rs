//! The lists of what was said, in the shapes that engines write: lists of objects, and maps by
//! round, by agent and by target.

use serde_json::Value;

use super::Kind;
use super::fields::{self, Object};
use super::moves::{Draft, Origin};
use super::problem::At;
use super::reading::{MAX_ENTRIES, Reading, Scope};
use super::roster::{AUTHOR, UNKNOWN};
use super::{moves, text, votes};

/// How deep lists and maps may be in each other: round, agent, target, list.
const MAX_LEVELS: u8 = 5;

/// What the keys around an entry say of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    pub(crate) round: Option<u32>,
    pub(crate) agent: Option<String>,
    pub(crate) target: Option<String>,
    levels: u8,
}

impl Around {
    /// Entries of a round that is known.
    pub(crate) fn of(round: Option<u32>) -> Self {
        Self { round, ..Self::default() }
    }
}

/// A shape of list.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Members by which an object is an entry, and not a map of entries.
    pub(crate) members: &'static [&'static str],
    /// Whether a map within an agent's map is by target.
    pub(crate) by_target: bool,
    /// Whether the place in an agent's list is a round.
    pub(crate) by_place: bool,
    /// Takes a text or an object that is an entry.
    pub(crate) take: fn(&mut Reading, &Value, &At<'_>, &Around),
}

const PROPOSALS: Shape = Shape {
    members: &[
        "content",
        "proposal",
        "text",
        "answer",
        "error",
        "agent",
        "agent_name",
        "author",
        "proposer",
    ],
    by_target: false,
    by_place: true,
    take: |reading, entry, at, around| statement(reading, entry, at, around, Origin::Proposals),
};
const FINAL_PROPOSALS: Shape = Shape {
    by_place: false,
    take: |reading, entry, at, around| statement(reading, entry, at, around, Origin::Finals),
    ..PROPOSALS
};
const CRITIQUES: Shape = Shape {
    members: &[
        "content",
        "critique",
        "text",
        "issues",
        "suggestions",
        "severity",
        "reasoning",
        "agent",
        "author",
        "critic",
        "critic_agent",
        "target",
        "target_agent",
        "error",
    ],
    by_target: true,
    by_place: false,
    take: |reading, entry, at, around| statement(reading, entry, at, around, Origin::Critiques),
};
const FAILURES: Shape = Shape {
    members: &["error", "message", "content", "text", "reason", "error_type", "agent"],
    by_target: false,
    by_place: false,
    take: |reading, entry, at, around| statement(reading, entry, at, around, Origin::Failures),
};

/// `messages` and their other names.
pub(crate) fn messages(reading: &mut Reading, scope: &Scope<'_, '_>, round: Option<u32>) {
    for name in ["messages", "history", "transcript", "turns"] {
        let at = scope.at.key(name);
        let items = match scope.object.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => items,
            Some(_) if name == "messages" => {
                reading.problems.add(&at, "must be a list");
                continue;
            }
            // Under the other names engines also keep texts of their own.
            Some(_) => continue,
        };
        if too_many(reading, items.len(), &at) {
            return;
        }
        reading.lists += 1;
        let mut around = Around::of(round);
        for (place, item) in items.iter().enumerate() {
            let at = at.index(place);
            match item {
                Value::Null => {}
                Value::Object(object) => {
                    // Engines that number the rounds once a round leave the rest out.
                    let own = fields::round(object, &at, &mut reading.problems);
                    around.round = own.or(around.round);
                    message(reading, object, &at, &around);
                }
                _ => reading.problems.add(&at, "must be an object"),
            }
            if reading.problems.full() {
                return;
            }
        }
    }
}

/// `proposals` and what else holds answers.
pub(crate) fn proposals(reading: &mut Reading, scope: &Scope<'_, '_>, round: Option<u32>) {
    list(reading, scope, &["proposals"], &PROPOSALS, round);
    list(
        reading,
        scope,
        &["responses", "final_proposals", "revised_proposals"],
        &FINAL_PROPOSALS,
        round,
    );
}

/// `critiques`.
pub(crate) fn critiques(reading: &mut Reading, scope: &Scope<'_, '_>, round: Option<u32>) {
    list(reading, scope, &["critiques", "all_critiques"], &CRITIQUES, round);
}

/// `agent_failures`: what went wrong, by agent.
pub(crate) fn failures(reading: &mut Reading, scope: &Scope<'_, '_>, round: Option<u32>) {
    list(reading, scope, &["agent_failures"], &FAILURES, round);
}

/// Reads every list of the given names.
pub(crate) fn list(
    reading: &mut Reading,
    scope: &Scope<'_, '_>,
    names: &[&'static str],
    shape: &Shape,
    round: Option<u32>,
) {
    for name in names {
        let Some((name, value)) = fields::given(scope.object, &[name]) else { continue };
        let at = scope.at.key(name);
        if !value.is_array() && !value.is_object() {
            reading.problems.add(&at, "must be a list or an object");
            continue;
        }
        reading.lists += 1;
        walk(reading, shape, value, &at, &Around::of(round));
    }
}

fn walk(reading: &mut Reading, shape: &Shape, value: &Value, at: &At<'_>, around: &Around) {
    if around.levels > MAX_LEVELS {
        reading.problems.add(at, "is nested too deep");
        return;
    }
    match value {
        Value::Null => {}
        Value::Array(items) => {
            if too_many(reading, items.len(), at) {
                return;
            }
            for (place, item) in items.iter().enumerate() {
                let mut inner = around.clone();
                inner.levels += 1;
                if shape.by_place && around.agent.is_some() && around.round.is_none() {
                    inner.round = u32::try_from(place).ok().filter(|at| *at <= fields::MAX_ROUND);
                }
                walk(reading, shape, item, &at.index(place), &inner);
                if reading.problems.full() {
                    return;
                }
            }
        }
        Value::Object(map) if shape.members.iter().any(|name| map.contains_key(*name)) => {
            (shape.take)(reading, value, at, around);
        }
        Value::Object(map) => {
            if too_many(reading, map.len(), at) {
                return;
            }
            for (key, item) in map.iter().filter(|(_, item)| !item.is_null()) {
                let at = at.key(key);
                if let Some(inner) = within(reading, shape, key, item, &at, around) {
                    walk(reading, shape, item, &at, &inner);
                }
                if reading.problems.full() {
                    return;
                }
            }
        }
        Value::String(_) if around.agent.is_some() => (shape.take)(reading, value, at, around),
        Value::String(_) => reading.problems.add(at, "must be an object: whose it is, is not said"),
        Value::Bool(_) | Value::Number(_) => reading.problems.add(at, "must be text or an object"),
    }
}

/// What is said of an item by its key; `None`, with a problem, when the key says nothing.
fn within(
    reading: &mut Reading,
    shape: &Shape,
    key: &str,
    item: &Value,
    at: &At<'_>,
    around: &Around,
) -> Option<Around> {
    let mut inner = around.clone();
    inner.levels += 1;
    let is_map = match item {
        Value::Object(map) => !shape.members.iter().any(|name| map.contains_key(*name)),
        other => other.is_array(),
    };
    if around.round.is_none() && around.agent.is_none() && is_map {
        inner.round = number_of(key);
        if inner.round.is_some() {
            return Some(inner);
        }
    }
    if around.agent.is_none() {
        inner.agent = Some(reading.name(key, at)?);
        return Some(inner);
    }
    if shape.by_target && around.target.is_none() {
        inner.target = Some(fields::name(key, at, &mut reading.problems)?);
        return Some(inner);
    }
    reading.problems.add(at, "is not a field of an entry");
    None
}

/// The number of a round that is a key: `2`, `round 2`, `round_2`.
fn number_of(key: &str) -> Option<u32> {
    let key = key.trim().to_ascii_lowercase();
    let digits = key.strip_prefix("round").unwrap_or(&key).trim_start_matches([' ', '_', '-']);
    digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten()
        .filter(|round| *round <= fields::MAX_ROUND)
}

/// Notes that there are too many entries, if so.
pub(crate) fn too_many(reading: &mut Reading, count: usize, at: &At<'_>) -> bool {
    if count > MAX_ENTRIES {
        reading.problems.add(at, format!("at most {MAX_ENTRIES} entries"));
    }
    count > MAX_ENTRIES
}

/// A message: what it is follows from `kind`, else from the author's role, else it is only a message.
fn message(reading: &mut Reading, object: &Object, at: &At<'_>, around: &Around) {
    let problems = &mut reading.problems;
    let role = fields::label(object, &["role"], fields::MAX_NAME_CHARS, at, problems);
    let named = fields::text(object, &["kind", "type", "message_type"], at, problems)
        .and_then(moves::kind_called);
    let kind = named.or_else(|| role.as_deref().and_then(moves::kind_called));
    let critic = (kind == Some(Kind::Critique))
        .then(|| reading.author(object, &["critic", "critic_agent"], at))
        .flatten();
    // Who is not named is known by its part: `system`, `judge`.
    let agent = reading
        .author(object, &AUTHOR, at)
        .or(critic)
        .or_else(|| role.as_deref().and_then(|role| reading.name(role, at)));
    let failed = fields::text(object, &["error"], at, &mut reading.problems).map(text::clean);
    if kind == Some(Kind::Vote) {
        votes::in_message(reading, object, at, around, agent.clone());
    }
    let content = moves::words(reading, object, &["content", "text", "message", "body"], at);
    let mut draft = Draft {
        agent: agent.unwrap_or_default(),
        kind: kind.unwrap_or(Kind::Message),
        // An answer that only its author's role makes a proposal may be a changed one.
        may_be_revision: named.is_none() && kind == Some(Kind::Proposal),
        role,
        round: around.round,
        ..Draft::new(Origin::Messages)
    };
    moves::details(reading, object, at, &mut draft);
    moves::put(reading, draft, content, failed);
}

/// An entry of `proposals`, `critiques` or `agent_failures`.
fn statement(reading: &mut Reading, entry: &Value, at: &At<'_>, around: &Around, origin: Origin) {
    let mut draft = Draft {
        agent: around.agent.clone().unwrap_or_default(),
        kind: match origin {
            Origin::Critiques => Kind::Critique,
            Origin::Failures => Kind::Error,
            Origin::Messages | Origin::Proposals | Origin::Finals => Kind::Proposal,
        },
        may_be_revision: origin == Origin::Finals,
        round: around.round,
        target: around.target.clone(),
        ..Draft::new(origin)
    };
    let object = match entry {
        Value::Object(object) => object,
        Value::String(content) => {
            moves::put(reading, draft, Some(text::clean(content)), None);
            return;
        }
        _ => return,
    };
    if draft.agent.is_empty() {
        let critic = (origin == Origin::Critiques)
            .then(|| reading.author(object, &["critic", "critic_agent"], at))
            .flatten();
        draft.agent = critic.or_else(|| reading.author(object, &AUTHOR, at)).unwrap_or_default();
    }
    draft.round = fields::round(object, at, &mut reading.problems).or(draft.round);
    draft.role =
        fields::label(object, &["role"], fields::MAX_NAME_CHARS, at, &mut reading.problems);
    let failed = fields::text(object, &["error"], at, &mut reading.problems).map(text::clean);
    let names: &[&'static str] = match origin {
        Origin::Critiques => &["content", "critique", "text"],
        Origin::Failures => &["message", "content", "text", "reason", "error_type"],
        _ => &["content", "proposal", "text", "answer"],
    };
    let content = moves::words(reading, object, names, at);
    moves::details(reading, object, at, &mut draft);
    moves::put(reading, draft, content, failed);
}

/// The name under which an unnamed move goes.
pub(crate) fn or_unknown(reading: &mut Reading, agent: String) -> String {
    if agent.is_empty() {
        reading.odd.unnamed += 1;
        return UNKNOWN.to_owned();
    }
    agent
}
