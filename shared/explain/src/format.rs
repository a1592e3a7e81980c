//! An explanation as JSON, with the keys of the API and, beside them, those that published clients
//! read.
//!
//! A [`Document`] borrows and is written out directly, which is several times as fast as building a
//! [`Value`] of it; [`render`] builds one for who wants to add to it.

mod document;
mod graph;
mod part;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use serde_json::Value;

pub use document::{Counterfactual, Document, Evidence, Link, Pivot, Vote};
pub use graph::{Edge, Graph, MAX_NODES, Node};
pub use part::{Part, part};

use crate::explanation::Explanation;
use crate::record::Debate;

/// How much of an explanation is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// The outcome and the decisive steps.
    Summary,
    /// Everything that can be said in words and numbers.
    #[default]
    Detailed,
    /// Everything, and the debate as a graph.
    Visual,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Summary, Self::Detailed, Self::Visual];

    /// Its name in requests and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Detailed => "detailed",
            Self::Visual => "visual",
        }
    }
}

/// A format that there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownFormat;

impl FromStr for Format {
    type Err = UnknownFormat;

    /// # Errors
    /// When there is no such format; names are in lower case.
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL.into_iter().find(|format| format.as_str() == name).ok_or(UnknownFormat)
    }
}

/// Which parts a format is to have; `None` is what it has by itself: a summary none of them, the
/// others all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Parts {
    /// `evidence` and `evidence_chain`.
    pub evidence: Option<bool>,
    /// `counterfactuals` and `smallest_deciding_set`.
    pub counterfactuals: Option<bool>,
    /// `votes` and `vote_pivots`.
    pub vote_pivots: Option<bool>,
}

/// What an explanation does not know about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The debate that it is about.
    pub debate_id: &'a str,
    /// When it was made, RFC 3339.
    pub generated_at: &'a str,
}

/// An explanation in a format, with the parts that the format has by itself.
pub fn render(
    explanation: &Explanation,
    debate: &Debate,
    format: Format,
    identity: Identity<'_>,
) -> Value {
    // Nothing in it can fail to be written: keys are strings, and what is not a number is null.
    serde_json::to_value(Document::new(explanation, debate, format, Parts::default(), identity))
        .unwrap_or_default()
}
