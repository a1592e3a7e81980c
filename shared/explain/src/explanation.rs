//! What is said about a debate.

use serde::Serialize;

/// The longest excerpt of a move, in characters.
pub const EXCERPT_CHARS: usize = 280;
/// The most steps of a reasoning chain.
pub const MAX_STEPS: usize = 1_000;
/// The most steps of a summary.
pub const MAX_DECISIVE: usize = 5;
/// The most votes that are listed, and looked at one by one. All are counted.
pub const MAX_VOTES: usize = 500;
/// The most pieces of evidence that are listed. All are measured.
pub const MAX_EVIDENCE: usize = 200;
/// The most changes of mind that are listed. All are counted.
pub const MAX_BELIEF_CHANGES: usize = 200;
/// The most dissenters that are listed.
pub const MAX_DISSENT: usize = 200;
/// The most agents that are listed.
pub const MAX_AGENTS: usize = 500;
/// The most warnings, the record's own included.
pub const MAX_WARNINGS: usize = 60;

/// The whole explanation. The formats are parts of it; every list is in its final order.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Explanation {
    /// Two or three sentences for people.
    pub summary: String,
    /// Whom or what the votes decided for; without votes, the record's winner. `None` in a tie.
    pub winner: Option<String>,
    /// What was decided, in words, cut to [`EXCERPT_CHARS`]: the record's answer; where it has none,
    /// what the winner proposed last; empty when the record does not say.
    pub decision: String,
    /// Who took part, at most [`MAX_AGENTS`].
    pub agents: Vec<String>,
    /// How many rounds there were; 0 when the record does not say.
    pub rounds: u32,
    /// Whether the agents agreed, by the record; by the votes where it does not say.
    pub consensus_reached: bool,
    /// From 0 to 1.
    pub consensus_strength: f64,
    /// The record's own confidence; the strength where it has none.
    pub confidence: f64,
    /// What led to it, step by step: at most [`MAX_STEPS`], the first and the last of them.
    pub reasoning_chain: Vec<Step>,
    /// The numbers of the steps that the decision is owed to, at most [`MAX_DECISIVE`].
    #[serde(skip)]
    pub decisive: Vec<u32>,
    /// What mattered most, as short labels that name agents.
    pub key_factors: Vec<String>,
    /// What the outcome is owed to; their contributions add up to 1. Greatest first.
    pub factors: Vec<Factor>,
    /// Votes in the order of their voters' names, at most [`MAX_VOTES`].
    pub votes: Vec<WeighedVote>,
    /// What was brought forward: proposals, critiques and given evidence, most relevant first, at
    /// most [`MAX_EVIDENCE`].
    pub evidence: Vec<EvidenceItem>,
    /// What would have come of it otherwise.
    pub counterfactuals: Vec<Counterfactual>,
    /// The fewest voters whose removal changes the winner; `None` without votes, or when no removal
    /// does.
    pub smallest_deciding_set: Option<Vec<String>>,
    /// Who changed their mind, at most [`MAX_BELIEF_CHANGES`] times.
    pub belief_changes: Vec<BeliefChange>,
    /// Who voted and was not for the winner, at most [`MAX_DISSENT`]; nobody in a tie.
    pub dissent: Vec<Dissent>,
    /// Measures of the debate.
    pub scores: Scores,
    /// What the record lacks, and what is odd about it.
    pub warnings: Vec<String>,
}

/// A step towards the decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Step {
    /// 1 and up.
    pub step: u32,
    /// Who; empty for the decision of all.
    pub agent: String,
    /// What they did: a verb, and about what.
    pub action: String,
    /// When.
    pub round: u32,
    /// `proposal`, `critique`, `revision`, `evidence`, `synthesis`, `vote`, `error`, `message` or
    /// `decision`.
    pub kind: &'static str,
    /// Its words, cut.
    pub excerpt: String,
    /// When, as the record has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
}

/// Something the outcome is owed to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Factor {
    /// `consensus`, `evidence`, `calibration` or `efficiency`.
    pub name: &'static str,
    /// Its share, from 0 to 1.
    pub contribution: f64,
    /// The same under a published client's name.
    pub weight: f64,
    /// A sentence for people.
    pub description: String,
}

/// A vote and what it did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct WeighedVote {
    /// Who.
    pub agent: String,
    /// For whom or what.
    pub choice: String,
    /// What it weighed.
    pub weight: f64,
    /// How sure the voter was.
    pub confidence: Option<f64>,
    /// Banzhaf power, from 0 to 1.
    pub influence: f64,
    /// Whether removing it alone changes the winner.
    pub pivotal: bool,
    /// Why, cut.
    pub reasoning: Option<String>,
}

/// Something brought forward.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct EvidenceItem {
    /// Where it is from: for a proposal or critique, the agent.
    pub source: String,
    /// `proposal`, `critique` or `evidence`.
    pub kind: &'static str,
    /// Its words, cut.
    pub content: String,
    /// From 0 to 1.
    pub relevance: f64,
    /// When; `None` for given evidence, of which records do not say it.
    pub round: Option<u32>,
    /// Who brought it forward.
    pub agent: Option<String>,
    /// What it is to support.
    pub claim: Option<String>,
}

/// A recount under another assumption.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Counterfactual {
    /// `without_agent`, `vote_moved`, `ignore_confidence` or `ignore_weights`.
    pub kind: &'static str,
    /// Whose vote it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Who would have won; `None` in a tie or without votes.
    pub winner: Option<String>,
    /// Whether that is another outcome.
    pub changed: bool,
    /// How strong the consensus would have been.
    pub consensus_strength: f64,
    /// A sentence for people.
    pub description: String,
}

/// A change of mind.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BeliefChange {
    /// Who.
    pub agent: String,
    /// When.
    pub round: u32,
    /// What they thought before, cut.
    pub from: String,
    /// What they thought then, cut.
    pub to: String,
    /// How sure they were before.
    pub confidence_before: Option<f64>,
    /// How sure they were then.
    pub confidence_after: Option<f64>,
}

/// Somebody who was not for the winner.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Dissent {
    /// Who.
    pub agent: String,
    /// Whom or what they were for.
    pub choice: String,
    /// Why, cut; empty when they did not say.
    pub reasoning: String,
}

/// Measures of a debate, each from 0 to 1; `None` where the record has nothing to measure.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Share of votes on the most common choice.
    pub agent_agreement: Option<f64>,
    /// How few changed their minds.
    pub belief_stability: Option<f64>,
    /// Mean relevance of what was brought forward.
    pub evidence_quality: Option<f64>,
}
