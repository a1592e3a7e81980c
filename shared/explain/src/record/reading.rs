//! Reading a record, from the outside in: which objects hold its fields, then its lists, then what
//! follows from all of them together.

use serde_json::Value;

use super::fields::{self, Object};
use super::moves::Draft;
use super::problem::{At, Problem, Problems, ROOT};
use super::roster::Roster;
use super::votes::Ballot;
use super::{Debate, aside, lists, moves, outcome, votes, warnings};
use crate::stream;

/// The most entries of each kind in a record: moves, votes, positions, pieces of evidence.
pub const MAX_ENTRIES: usize = 50_000;
/// The most agents of a record.
pub const MAX_AGENTS: usize = 1_000;

/// Members that hold the record, or the end of it, once more.
const WRAPPERS: [&str; 8] = [
    "final_result",
    "result",
    "debate_result",
    "debate",
    "record",
    "consensus_proof",
    "trace",
    "trace_data",
];

/// What has been read so far.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) problems: Problems,
    pub(crate) roster: Roster,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) ballots: Vec<Ballot>,
    /// How many lists have been read: the same thing said in two of them is one move.
    pub(crate) lists: usize,
    pub(crate) odd: Odd,
}

/// What is told in warnings and not seen in what was read.
#[derive(Debug, Default)]
pub(crate) struct Odd {
    /// Whether the record itself says who took part.
    pub(crate) agents_listed: bool,
    /// Moves without a name.
    pub(crate) unnamed: usize,
    /// Moves without words.
    pub(crate) silent: usize,
    /// Voters whose vote names nothing.
    pub(crate) blank_votes: Vec<String>,
    /// Voters with more than one vote.
    pub(crate) voted_twice: Vec<String>,
    /// The final answer was an agent's error.
    pub(crate) failed_answer: bool,
    /// `consensus` and `consensus_reached` differ.
    pub(crate) two_minds: bool,
    /// Events that were more than a record can hold.
    pub(crate) left_out: u32,
    /// The number of rounds that the record itself says.
    pub(crate) rounds_said: Option<u32>,
}

/// An object that may hold fields of the record, and where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'v, 'a> {
    pub(crate) object: &'v Object,
    pub(crate) at: At<'a>,
}

/// Reads a record; see [`super::read`].
pub(super) fn read(record: &Value) -> Result<Debate, Vec<Problem>> {
    let mut reading = Reading::default();
    let Value::Object(top) = record else {
        reading.problems.add(&ROOT, "must be a JSON object");
        return reading.problems.or(Debate::default());
    };
    let mut scopes = vec![Scope { object: top, at: ROOT }];
    scopes.extend(WRAPPERS.iter().filter_map(|name| {
        let object = top.get(*name)?.as_object()?;
        Some(Scope { object, at: ROOT.key(name) })
    }));
    let from_events = events(&scopes, &mut reading.problems);
    if let Some(Value::Object(object)) = &from_events {
        scopes.push(Scope { object, at: ROOT.key("events") });
    }

    let mut debate = Debate::default();
    outcome::identity(&mut reading, top);
    reading.agents(&scopes);
    outcome::fields(&mut reading, &mut debate, &scopes);
    for scope in &scopes {
        reading.said(scope, None);
    }
    rounds(&mut reading, &scopes);
    for scope in &scopes {
        aside::positions(&mut reading, &mut debate, scope);
        aside::evidence(&mut reading, &mut debate, scope);
    }
    // What follows is about the whole; with something amiss nobody would see it.
    if !reading.problems.is_empty() {
        return reading.problems.or(debate);
    }

    votes::from_messages(&mut reading);
    debate.votes = votes::settled(&mut reading, &scopes);
    debate.moves = moves::settled(&mut reading, &debate.votes);
    reading.take_part(&debate);
    if reading.roster.len() > MAX_AGENTS {
        let message = format!("at most {MAX_AGENTS} agents may take part");
        reading.problems.add(&ROOT.key("agents"), message);
        return reading.problems.or(debate);
    }
    votes::resolve(&reading.roster, &mut debate);
    moves::resolve(&reading.roster, &mut debate.moves);
    outcome::rounds(&reading, &mut debate);
    debate.agents = std::mem::take(&mut reading.roster).into_agents();
    debate.warnings = warnings::of(&debate, &reading.odd);
    reading.problems.or(debate)
}

impl Reading {
    /// Everything that is said in an object: messages, proposals, critiques and votes. `round` is
    /// the round of the object as a whole.
    fn said(&mut self, scope: &Scope<'_, '_>, round: Option<u32>) {
        lists::messages(self, scope, round);
        lists::proposals(self, scope, round);
        lists::critiques(self, scope, round);
        lists::failures(self, scope, round);
        votes::read(self, scope, round);
    }

    /// Everybody who only appears in the record, in a fixed order that does not depend on the order
    /// of the votes.
    fn take_part(&mut self, debate: &Debate) {
        for agent in debate.moves.iter().map(|one| &one.agent) {
            self.roster.add(agent);
        }
        for agent in debate.votes.iter().map(|vote| &vote.agent) {
            self.roster.add(agent);
        }
        for agent in debate.positions.iter().map(|one| &one.agent) {
            self.roster.add(agent);
        }
        for agent in debate.evidence.iter().filter_map(|one| one.agent.as_ref()) {
            self.roster.add(agent);
        }
    }
}

/// `rounds` as a list: each round is an object with what was said in it.
fn rounds(reading: &mut Reading, scopes: &[Scope<'_, '_>]) {
    for scope in scopes {
        let Some(Value::Array(rounds)) = scope.object.get("rounds") else { continue };
        let list = scope.at.key("rounds");
        if rounds.len() > fields::MAX_ROUND as usize {
            reading.problems.add(&list, format!("at most {} rounds", fields::MAX_ROUND));
            return;
        }
        for (place, round) in rounds.iter().enumerate() {
            let at = list.index(place);
            let Value::Object(object) = round else {
                reading.problems.add(&at, "must be an object");
                continue;
            };
            let number = outcome::number_of_round(object, &at, &mut reading.problems);
            let number = number.or(u32::try_from(place + 1).ok());
            reading.said(&Scope { object, at }, number);
            if reading.problems.full() {
                return;
            }
        }
    }
}

/// The record that the events in the record make; `None` without events.
fn events(scopes: &[Scope<'_, '_>], problems: &mut Problems) -> Option<Value> {
    let mut all = Vec::new();
    for scope in scopes {
        let Some((name, value)) = fields::given(scope.object, &["events"]) else { continue };
        let at = scope.at.key(name);
        match value {
            Value::Array(list) if list.len() > MAX_ENTRIES => {
                problems.add(&at, format!("at most {MAX_ENTRIES} events"));
            }
            Value::Array(list) => all.extend(stream::read_all(list, &at, problems)),
            _ => problems.add(&at, "must be a list of events"),
        }
    }
    // A place in the list is the time of arrival.
    for (event, place) in all.iter_mut().zip(0..) {
        event.arrived = place;
    }
    // What is wrong with an event is told of the event, and not of the record it makes.
    (problems.is_empty() && !all.is_empty()).then(|| stream::record_of(&all))
}
