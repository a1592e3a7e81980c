//! Who takes part, and which of them a name means.

use std::collections::HashMap;

use serde_json::Value;

use super::Agent;
use super::fields::{self, Object};
use super::problem::At;
use super::reading::{MAX_AGENTS, Reading, Scope};
use super::text;

/// What an agent is called where it is said who did something.
pub(crate) const AUTHOR: [&str; 9] = [
    "agent",
    "agent_name",
    "author",
    "speaker",
    "name",
    "proposer",
    "sender",
    "source",
    "agent_id",
];
/// Stands for whoever did something that has no name on it.
pub(crate) const UNKNOWN: &str = "unknown";
const MAX_LABEL_CHARS: usize = 200;

/// The agents so far, each name once.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    agents: Vec<Agent>,
    by_name: HashMap<String, usize>,
    /// By name in lower case; `None` where several are the same so.
    by_folded: HashMap<String, Option<usize>>,
}

impl Roster {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.agents.len()
    }

    /// Adds an agent by name, unless it is there.
    pub(crate) fn add(&mut self, name: &str) {
        if !self.by_name.contains_key(name) {
            self.put(Agent { name: name.to_owned(), ..Agent::default() });
        }
    }

    /// Adds an agent; of one that is there only what is not known yet is taken.
    fn put(&mut self, agent: Agent) {
        if let Some(known) = self.by_name.get(&agent.name).and_then(|at| self.agents.get_mut(*at)) {
            known.version = known.version.take().or(agent.version);
            known.model = known.model.take().or(agent.model);
            known.elo = known.elo.or(agent.elo);
            known.calibration = known.calibration.or(agent.calibration);
            return;
        }
        let place = self.agents.len();
        self.by_folded
            .entry(agent.name.to_lowercase())
            .and_modify(|several| *several = None)
            .or_insert(Some(place));
        self.by_name.insert(agent.name.clone(), place);
        self.agents.push(agent);
    }

    /// The agent that a name means: the one of that very name, else the only one that differs from
    /// it in capitals.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        let at = self
            .by_name
            .get(name)
            .or_else(|| self.by_folded.get(&name.to_lowercase()).and_then(Option::as_ref))?;
        self.agents.get(*at).map(|agent| agent.name.as_str())
    }

    /// The agents, in the order in which they were added.
    pub(crate) fn into_agents(self) -> Vec<Agent> {
        self.agents
    }
}

impl Reading {
    /// Reads who is said to take part.
    pub(crate) fn agents(&mut self, scopes: &[Scope<'_, '_>]) {
        for scope in scopes {
            let Some((name, value)) = fields::given(scope.object, &["agents", "participants"])
            else {
                continue;
            };
            let list = scope.at.key(name);
            match value {
                Value::Array(items) if items.len() > MAX_AGENTS => {
                    self.problems.add(&list, format!("at most {MAX_AGENTS} agents"));
                }
                Value::Array(items) => {
                    for (place, item) in items.iter().enumerate() {
                        self.agent(item, None, &list.index(place));
                    }
                }
                Value::Object(map) if map.len() > MAX_AGENTS => {
                    self.problems.add(&list, format!("at most {MAX_AGENTS} agents"));
                }
                Value::Object(map) => {
                    for (name, item) in map {
                        self.agent(item, Some(name), &list.key(name));
                    }
                }
                _ => self.problems.add(&list, "must be a list of names or objects"),
            }
        }
        self.odd.agents_listed = self.roster.len() > 0;
    }

    fn agent(&mut self, item: &Value, key: Option<&str>, at: &At<'_>) {
        let problems = &mut self.problems;
        let agent = match (item, key) {
            (Value::Null, None) => return,
            (Value::Null, Some(key)) => {
                fields::name(key, at, problems).map(|name| Agent { name, ..Agent::default() })
            }
            (Value::String(sent), None) => {
                fields::name(sent, at, problems).map(|name| Agent { name, ..Agent::default() })
            }
            (Value::Object(object), key) => {
                let sent = key.or_else(|| {
                    fields::text(
                        object,
                        &["name", "agent", "agent_name", "agent_id", "id"],
                        at,
                        problems,
                    )
                });
                if sent.is_none() {
                    problems.add(&at.key("name"), "is required");
                }
                sent.and_then(|sent| fields::name(sent, &at.key("name"), problems)).map(|name| {
                    Agent {
                        name,
                        version: fields::label(object, &["version"], MAX_LABEL_CHARS, at, problems),
                        model: fields::label(object, &["model"], MAX_LABEL_CHARS, at, problems),
                        elo: fields::number_in(object, &["elo"], &(-1e5..=1e5), at, problems),
                        calibration: fields::number_in(
                            object,
                            &["calibration"],
                            &(0.0..=10.0),
                            at,
                            problems,
                        ),
                    }
                })
            }
            _ => {
                problems.add(at, "must be a name or an object");
                None
            }
        };
        if let Some(agent) = agent {
            self.roster.put(agent);
        }
    }

    /// Who did something, by the first of `names` that is there: a name or an object that has one.
    pub(crate) fn author(
        &mut self,
        object: &Object,
        names: &[&'static str],
        at: &At<'_>,
    ) -> Option<String> {
        for name in names {
            let sent = match object.get(*name) {
                None | Some(Value::Null) => continue,
                Some(Value::Object(agent)) => agent.get("name").and_then(Value::as_str),
                Some(sent) => sent.as_str(),
            };
            let Some(sent) = sent else {
                self.problems.add(&at.key(name), "must be a name");
                return None;
            };
            if !text::line(sent).is_empty() {
                return self.name(sent, &at.key(name));
            }
        }
        None
    }

    /// A name as it is used everywhere: that of a listed agent, where it means one.
    pub(crate) fn name(&mut self, sent: &str, at: &At<'_>) -> Option<String> {
        let name = fields::name(sent, at, &mut self.problems)?;
        Some(self.roster.find(&name).map_or_else(|| name.clone(), str::to_owned))
    }
}
