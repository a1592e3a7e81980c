//! What accompanies a debate: what agents thought at which time, and evidence.

use serde_json::Value;

use super::fields::{self, Object};
use super::lists;
use super::problem::At;
use super::reading::{MAX_ENTRIES, Reading, Scope};
use super::roster::AUTHOR;
use super::{Debate, Evidence, Position, text};

/// Where evidence is from that does not say so.
const UNNAMED: &str = "unnamed";
const MAX_SOURCE_CHARS: usize = 2_000;

/// Reads `positions`: lists by agent, or one list of objects that name theirs.
pub(crate) fn positions(reading: &mut Reading, debate: &mut Debate, scope: &Scope<'_, '_>) {
    let Some((name, value)) = fields::given(scope.object, &["positions"]) else { return };
    let list = scope.at.key(name);
    match value {
        Value::Object(map) => {
            for (agent, value) in map.iter().filter(|(_, value)| !value.is_null()) {
                let at = list.key(agent);
                let Some(agent) = reading.name(agent, &at) else { continue };
                match value {
                    Value::Array(items) => {
                        if lists::too_many(reading, items.len(), &at) {
                            return;
                        }
                        for (place, item) in items.iter().enumerate() {
                            let round = u32::try_from(place).ok();
                            let at = at.index(place);
                            position(reading, debate, item, Some(&agent), round, &at);
                        }
                    }
                    item => position(reading, debate, item, Some(&agent), None, &at),
                }
            }
        }
        Value::Array(items) => {
            if lists::too_many(reading, items.len(), &list) {
                return;
            }
            for (place, item) in items.iter().enumerate() {
                position(reading, debate, item, None, None, &list.index(place));
            }
        }
        _ => reading.problems.add(&list, "must be an object of lists by agent"),
    }
    // Stable: within a round the record's order is that of time.
    debate.positions.sort_by_key(|position| position.round);
}

/// One position. Without a round its place in the agent's list is one.
fn position(
    reading: &mut Reading,
    debate: &mut Debate,
    item: &Value,
    agent: Option<&str>,
    place: Option<u32>,
    at: &At<'_>,
) {
    let place = place.unwrap_or(0).min(fields::MAX_ROUND);
    let found = match (item, agent) {
        (Value::Null, _) => return,
        (Value::String(sent), Some(agent)) => Some(Position {
            agent: agent.to_owned(),
            position: text::clean(sent),
            confidence: None,
            round: place,
        }),
        (Value::Object(object), agent) => of_object(reading, object, agent, place, at),
        (_, Some(_)) => {
            reading.problems.add(at, "must be text or an object");
            None
        }
        (_, None) => {
            reading.problems.add(at, "must be an object");
            None
        }
    };
    let Some(found) = found.filter(|one| !one.position.trim().is_empty()) else { return };
    if debate.positions.len() >= MAX_ENTRIES {
        reading.problems.add(at, format!("at most {MAX_ENTRIES} positions"));
    } else {
        debate.positions.push(found);
    }
}

fn of_object(
    reading: &mut Reading,
    object: &Object,
    agent: Option<&str>,
    place: u32,
    at: &At<'_>,
) -> Option<Position> {
    let agent = agent.map(str::to_owned).or_else(|| reading.author(object, &AUTHOR, at));
    if agent.is_none() {
        // A wrong type is told before, and a field once.
        reading.problems.add(&at.key("agent"), "is required");
    }
    let names = ["position", "stance", "belief", "content", "text"];
    Some(Position {
        agent: agent?,
        position: fields::text(object, &names, at, &mut reading.problems)
            .map(text::clean)
            .unwrap_or_default(),
        confidence: fields::fraction(object, &["confidence"], at, &mut reading.problems),
        round: fields::round(object, at, &mut reading.problems).unwrap_or(place),
    })
}

/// Reads `evidence`: a list of texts or objects.
pub(crate) fn evidence(reading: &mut Reading, debate: &mut Debate, scope: &Scope<'_, '_>) {
    let Some((name, value)) = fields::given(scope.object, &["evidence"]) else { return };
    let list = scope.at.key(name);
    let Value::Array(items) = value else {
        reading.problems.add(&list, "must be a list");
        return;
    };
    if lists::too_many(reading, items.len(), &list) {
        return;
    }
    for (place, item) in items.iter().enumerate() {
        let at = list.index(place);
        let found = match item {
            Value::Null => None,
            Value::String(sent) => Some(Evidence {
                source: UNNAMED.to_owned(),
                content: text::clean(sent),
                relevance: None,
                agent: None,
                claim: None,
            }),
            Value::Object(object) => piece(reading, object, &at),
            _ => {
                reading.problems.add(&at, "must be text or an object");
                None
            }
        };
        debate.evidence.extend(found.filter(|one| !one.content.trim().is_empty()));
        if reading.problems.full() {
            return;
        }
    }
    if debate.evidence.len() > MAX_ENTRIES {
        reading.problems.add(&list, format!("at most {MAX_ENTRIES} entries"));
    }
}

fn piece(reading: &mut Reading, object: &Object, at: &At<'_>) -> Option<Evidence> {
    let agent = reading.author(object, &["agent", "agent_name", "author"], at);
    let problems = &mut reading.problems;
    let content = fields::text(object, &["content", "text", "snippet", "quote"], at, problems);
    let source = fields::label(object, &["source", "url", "title"], MAX_SOURCE_CHARS, at, problems);
    let relevance = ["relevance", "relevance_score", "score"];
    let relevance = fields::fraction(object, &relevance, at, problems);
    let claim = fields::text(object, &["claim", "supports"], at, problems).map(text::clean);
    Some(Evidence {
        source: source.or_else(|| agent.clone()).unwrap_or_else(|| UNNAMED.to_owned()),
        content: text::clean(content?),
        relevance,
        agent,
        claim,
    })
}
