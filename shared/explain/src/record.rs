//! A debate as the rules see it, whatever shape its engine wrote.
//!
//! [`read`] takes the canonical record and what real engines write:
//!
//! | part | shapes |
//! |---|---|
//! | the record | its fields at the top, or in `final_result`, `result`, `debate`, `trace` and the like, the top going first; `events` make a record of their own, which goes last |
//! | `agents`, `participants` | names, objects with a `name`, or a map by name |
//! | `messages`, `history` | objects; without a round, that of the message before |
//! | `proposals`, `final_proposals`, `responses` | a list of objects, or a map by agent, or by round and agent, of texts, objects or lists of them |
//! | `critiques` | the same, and by agent and target; words, or `issues`, `suggestions` and `reasoning` |
//! | `votes` | a list of objects, or a map by voter, or by round and voter, of choices or objects |
//! | `rounds` | a number, or a list of objects with what was said in each |
//! | `consensus` | a boolean, or an object that says what was decided |
//!
//! `null` is as if a field were not there; so is blank text. What is not known is ignored; what is
//! known and of another type or out of range is a [`Problem`] that names its field.
//!
//! **Rulings.** The same words of one agent in two lists are one move. Names differ by capitals
//! only where both are in the record. Of two votes the last counts. A round that nothing says is 0
//! for answers (before the first round) and 1 for critiques. A severity may be from 0 to 10: if one
//! in a record is above 1, all of that record are divided by ten. An agent's error in place of an
//! answer is [`Kind::Error`]. Control characters except tab and newline, characters that turn the
//! direction of text, and the two that no XML may hold are taken out of every text; nothing is
//! escaped here.

mod aside;
mod canonical;
mod critique;
mod failure;
mod fields;
mod headline;
mod lists;
mod moves;
mod outcome;
mod problem;
mod reading;
mod roster;
mod text;
mod votes;
mod warnings;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod problem_tests;
#[cfg(test)]
mod shape_tests;
#[cfg(test)]
mod warning_tests;

use std::collections::BTreeMap;

use serde_json::Value;

pub use canonical::canonical;
pub use headline::{Headline, headline};
pub use outcome::MAX_TASK_CHARS;
pub(crate) use problem::{At, Problems, ROOT};
pub use problem::{BODY, MAX_PROBLEMS, Problem};
pub use reading::{MAX_AGENTS, MAX_ENTRIES};

pub(crate) use fields::{MAX_NAME_CHARS, MAX_ROUND, Object, ROUND};
pub(crate) use roster::AUTHOR;
pub(crate) use text::{is_longer, line};

/// Reads a record of any shape that this module knows.
///
/// # Errors
/// What is wrong with it, at most [`MAX_PROBLEMS`] fields.
pub fn read(record: &Value) -> Result<Debate, Vec<Problem>> {
    reading::read(record)
}

/// A debate.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Debate {
    /// What was debated; empty when the record does not say.
    pub task: String,
    /// The field it is from.
    pub domain: Option<String>,
    /// The workspace it belongs to: what a cache can be told to forget.
    pub workspace_id: Option<String>,
    /// Labels: what a cache can be told to forget.
    pub tags: Vec<String>,
    /// Everybody who took part, each name once: those the record lists, then those who only appear
    /// in it.
    pub agents: Vec<Agent>,
    /// How many rounds there were: the record's number, or the highest that anything in it has.
    pub rounds: u32,
    /// Everything that happened, in the order of time: round, then the place in the record.
    pub moves: Vec<Move>,
    /// One vote for each voter, in the order of their names.
    pub votes: Vec<Vote>,
    /// What agents thought, in time order.
    pub positions: Vec<Position>,
    /// What was brought forward, given as such; proposals and critiques are not among it.
    pub evidence: Vec<Evidence>,
    /// Whether the record says that the agents agreed.
    pub consensus_reached: Option<bool>,
    /// Whom or what the record names as the winner.
    pub winner: Option<String>,
    /// What was decided, in words.
    pub final_answer: Option<String>,
    /// The record's confidence in it, from 0 to 1.
    pub confidence: Option<f64>,
    /// The record's lead of the winner, from 0 to 1.
    pub consensus_margin: Option<f64>,
    /// Votes by choice as the record counts them, which need not agree with `votes`.
    pub vote_counts: BTreeMap<String, f64>,
    /// When it began, as the record has it.
    pub started_at: Option<String>,
    /// When it ended, as the record has it.
    pub completed_at: Option<String>,
    /// How long it took, in seconds.
    pub duration_seconds: Option<f64>,
    /// What was odd about the record and is read nevertheless, in words.
    pub warnings: Vec<String>,
}

/// Somebody who took part.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Agent {
    /// The name it has everywhere in the record.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// The model behind it.
    pub model: Option<String>,
    /// Its rating.
    pub elo: Option<f64>,
    /// How far its confidence can be trusted, 1 being fully.
    pub calibration: Option<f64>,
}

/// What a move is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An answer to the task.
    Proposal,
    /// An objection to somebody's answer.
    Critique,
    /// An answer that was changed.
    Revision,
    /// Something brought forward in support.
    Evidence,
    /// Parts put together into one answer.
    Synthesis,
    /// Saying whom one is for. Votes that are counted are in [`Debate::votes`].
    Vote,
    /// The agent failed to answer.
    Error,
    /// Anything else that was said.
    Message,
}

/// Something an agent did.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// Who.
    pub agent: String,
    /// What.
    pub kind: Kind,
    /// The agent's part, as the record calls it.
    pub role: Option<String>,
    /// When: 0 is before the first round.
    pub round: u32,
    /// Its words, whole.
    pub content: String,
    /// At whom it is aimed: a critique's target.
    pub target: Option<String>,
    /// How grave a critique is, from 0 to 1.
    pub severity: Option<f64>,
    /// When, as the record has it.
    pub timestamp: Option<String>,
}

/// A vote.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vote {
    /// Who votes.
    pub agent: String,
    /// For whom or what.
    pub choice: String,
    /// How sure the voter is, from 0 to 1.
    pub confidence: Option<f64>,
    /// Why.
    pub reasoning: Option<String>,
    /// What the vote weighs, where the record says so; not negative.
    pub weight: Option<f64>,
    /// In which round, where the record says so.
    pub round: Option<u32>,
    /// When, as the record has it.
    pub timestamp: Option<String>,
}

/// What an agent thought at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Who.
    pub agent: String,
    /// What.
    pub position: String,
    /// How sure, from 0 to 1.
    pub confidence: Option<f64>,
    /// When.
    pub round: u32,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Where it is from.
    pub source: String,
    /// What it says.
    pub content: String,
    /// How much it has to do with the task, from 0 to 1.
    pub relevance: Option<f64>,
    /// Who brought it forward.
    pub agent: Option<String>,
    /// What it is to support.
    pub claim: Option<String>,
}
