//! Parts of an explanation, each a JSON object of its own.

use serde_json::{Value, json};

use super::{Identity, document};
use crate::explanation::Explanation;

/// A part that can be asked for alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// What was brought forward.
    Evidence,
    /// The votes and what each did.
    Votes,
    /// The recounts.
    Counterfactuals,
    /// The outcome in sentences.
    Summary,
}

/// One part of an explanation.
pub fn part(explanation: &Explanation, part: Part, identity: Identity<'_>) -> Value {
    let mut body = match part {
        Part::Evidence => json!({
            "evidence_count": explanation.evidence.len(),
            "evidence_quality_score": explanation.scores.evidence_quality,
            "evidence": document::evidence(&explanation.evidence),
        }),
        Part::Votes => json!({
            "winner": explanation.winner,
            "consensus_strength": explanation.consensus_strength,
            "total_votes": explanation.votes.len(),
            "pivotal_votes": explanation.votes.iter().filter(|vote| vote.pivotal).count(),
            "agent_agreement_score": explanation.scores.agent_agreement,
            "votes": document::votes(&explanation.votes),
            "pivots": document::pivots(&explanation.votes),
        }),
        Part::Counterfactuals => json!({
            "winner": explanation.winner,
            "consensus_strength": explanation.consensus_strength,
            "counterfactual_count": explanation.counterfactuals.len(),
            "counterfactuals": document::counterfactuals(&explanation.counterfactuals),
            "smallest_deciding_set": explanation.smallest_deciding_set,
        }),
        Part::Summary => json!({
            "summary": explanation.summary,
            "decision": explanation.decision,
            "winner": explanation.winner,
            "consensus_reached": explanation.consensus_reached,
            "consensus_strength": explanation.consensus_strength,
            "confidence": explanation.confidence,
            "key_factors": explanation.key_factors,
        }),
    };
    if let Some(body) = body.as_object_mut() {
        body.shift_insert(0, "debate_id".to_owned(), json!(identity.debate_id));
        body.insert("generated_at".to_owned(), json!(identity.generated_at));
        body.insert("warnings".to_owned(), json!(explanation.warnings));
    }
    body
}
