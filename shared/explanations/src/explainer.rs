//! One debate explained.

use aragora_core::ids::DebateId;
use aragora_core::time::Millis;
use aragora_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What one debate of a batch came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its explanation.
    Explained(Value),
    /// There is no such debate in the organisation.
    NotFound,
    /// It could not be explained, and why.
    Failed(String),
}

/// How much of an explanation is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The decisive steps.
    Summary,
    /// All of it.
    #[default]
    Detailed,
    /// All of it, and a graph.
    Visual,
}

/// What is wanted of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// How much of it.
    pub format: Format,
    /// Whether with the evidence.
    pub include_evidence: bool,
    /// Whether with what would have come of it otherwise.
    pub include_counterfactuals: bool,
    /// Whether with the votes that decided it.
    pub include_vote_pivots: bool,
}

/// Explains debates.
#[derive(Debug, Clone)]
pub struct Explainer;

impl Explainer {
    /// Explains debates of an organisation; one result per id, in order.
    #[expect(clippy::unused_async, reason = "what replaces it waits for tables")]
    pub async fn explain_many(
        &self,
        _org: &str,
        ids: &[DebateId],
        _options: &Options,
        _now: Millis,
    ) -> Result<Vec<Outcome>, StoreError> {
        Ok(vec![Outcome::NotFound; ids.len()])
    }
}
