//! The JSON object of an explanation.

use serde::Serialize;

use super::graph::{Graph, graph};
use super::{Format, Identity, Parts};
use crate::explanation::{
    self, BeliefChange, Dissent, EvidenceItem, Explanation, Factor, Scores, Step, WeighedVote,
};
use crate::record::Debate;

/// An explanation in a format, ready to be written as JSON. Its fields are the keys.
#[derive(Debug, Clone, Serialize)]
pub struct Document<'a> {
    debate_id: &'a str,
    format: &'static str,
    summary: &'a str,
    decision: &'a str,
    winner: Option<&'a str>,
    reasoning_chain: Vec<&'a Step>,
    key_factors: &'a [String],
    consensus_strength: f64,
    consensus_reached: bool,
    confidence: f64,
    generated_at: &'a str,
    warnings: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agents: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rounds: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    factors: Option<&'a [Factor]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    votes: Option<Vec<Vote<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vote_pivots: Option<Vec<Pivot<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Vec<Evidence<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_chain: Option<Vec<Link<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counterfactuals: Option<Vec<Counterfactual<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smallest_deciding_set: Option<DecidingSet<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    belief_changes: Option<&'a [BeliefChange]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dissent: Option<&'a [Dissent]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<&'a Scores>,
    #[serde(skip_serializing_if = "Option::is_none")]
    graph: Option<Graph<'a>>,
}

/// `null` where no removal changes the winner, which is not to be without the key.
#[derive(Debug, Clone, Serialize)]
struct DecidingSet<'a>(Option<&'a [String]>);

/// A vote, also under the names of published clients.
#[derive(Debug, Clone, Serialize)]
pub struct Vote<'a> {
    agent: &'a str,
    choice: &'a str,
    weight: f64,
    confidence: Option<f64>,
    influence: f64,
    pivotal: bool,
    reasoning: Option<&'a str>,
    agent_id: &'a str,
    #[serde(rename = "vote_value")]
    value: &'a str,
    influence_score: f64,
    changed_outcome: bool,
}

/// A vote as published clients read it.
#[derive(Debug, Clone, Serialize)]
pub struct Pivot<'a> {
    agent: &'a str,
    choice: &'a str,
    weight: f64,
    agent_id: &'a str,
    vote_value: &'a str,
    influence_score: f64,
    changed_outcome: bool,
    /// Left out where there is none: clients format it as a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    reasoning: &'a str,
}

/// A piece of evidence, also under the names of published clients.
#[derive(Debug, Clone, Serialize)]
pub struct Evidence<'a> {
    id: String,
    source: &'a str,
    kind: &'static str,
    content: &'a str,
    relevance: f64,
    agent: Option<&'a str>,
    claim: Option<&'a str>,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supporting_claims: Option<[&'a str; 1]>,
}

/// A piece of evidence as published clients read it.
#[derive(Debug, Clone, Serialize)]
pub struct Link<'a> {
    id: String,
    source: &'a str,
    content: &'a str,
    confidence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    round_number: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supporting_claims: Option<[&'a str; 1]>,
}

/// A recount, also under the names of published clients.
#[derive(Debug, Clone, Serialize)]
pub struct Counterfactual<'a> {
    id: String,
    #[serde(flatten)]
    recount: &'a explanation::Counterfactual,
    scenario: &'static str,
    alternative_outcome: &'a str,
}

impl<'a> Document<'a> {
    /// An explanation in a format, with some of its parts or all.
    pub fn new(
        explanation: &'a Explanation,
        debate: &'a Debate,
        format: Format,
        parts: Parts,
        identity: Identity<'a>,
    ) -> Self {
        let all = format != Format::Summary;
        let with_evidence = parts.evidence.unwrap_or(all);
        let with_votes = parts.vote_pivots.unwrap_or(all);
        let with_counterfactuals = parts.counterfactuals.unwrap_or(all);
        let (graph, graph_warning) = if format == Format::Visual {
            let (graph, warning) = graph(explanation, debate);
            (Some(graph), warning)
        } else {
            (None, None)
        };
        let in_chain = |step: &&Step| all || explanation.decisive.binary_search(&step.step).is_ok();
        let listed = explanation.warnings.iter().map(String::as_str);
        Self {
            debate_id: identity.debate_id,
            format: format.as_str(),
            summary: &explanation.summary,
            decision: &explanation.decision,
            winner: explanation.winner.as_deref(),
            reasoning_chain: explanation.reasoning_chain.iter().filter(in_chain).collect(),
            key_factors: &explanation.key_factors,
            consensus_strength: explanation.consensus_strength,
            consensus_reached: explanation.consensus_reached,
            confidence: explanation.confidence,
            generated_at: identity.generated_at,
            warnings: listed.chain(graph_warning).collect(),
            agents: all.then_some(&explanation.agents),
            rounds: all.then_some(explanation.rounds),
            factors: all.then_some(&explanation.factors),
            votes: with_votes.then(|| votes(&explanation.votes)),
            vote_pivots: with_votes.then(|| pivots(&explanation.votes)),
            evidence: with_evidence.then(|| evidence(&explanation.evidence)),
            evidence_chain: with_evidence.then(|| links(&explanation.evidence)),
            counterfactuals: with_counterfactuals
                .then(|| counterfactuals(&explanation.counterfactuals)),
            smallest_deciding_set: with_counterfactuals
                .then_some(DecidingSet(explanation.smallest_deciding_set.as_deref())),
            belief_changes: all.then_some(&explanation.belief_changes),
            dissent: all.then_some(&explanation.dissent),
            scores: all.then_some(&explanation.scores),
            graph,
        }
    }
}

pub(super) fn votes(votes: &[WeighedVote]) -> Vec<Vote<'_>> {
    votes
        .iter()
        .map(|vote| Vote {
            agent: &vote.agent,
            choice: &vote.choice,
            weight: vote.weight,
            confidence: vote.confidence,
            influence: vote.influence,
            pivotal: vote.pivotal,
            reasoning: vote.reasoning.as_deref(),
            agent_id: &vote.agent,
            value: &vote.choice,
            influence_score: vote.influence,
            changed_outcome: vote.pivotal,
        })
        .collect()
}

/// The most influential first.
pub(super) fn pivots(votes: &[WeighedVote]) -> Vec<Pivot<'_>> {
    let mut votes: Vec<&WeighedVote> = votes.iter().collect();
    votes.sort_by(|a, b| b.influence.total_cmp(&a.influence));
    votes
        .into_iter()
        .map(|vote| Pivot {
            agent: &vote.agent,
            choice: &vote.choice,
            weight: vote.weight,
            agent_id: &vote.agent,
            vote_value: &vote.choice,
            influence_score: vote.influence,
            changed_outcome: vote.pivotal,
            confidence: vote.confidence,
            reasoning: vote.reasoning.as_deref().unwrap_or(""),
        })
        .collect()
}

pub(super) fn evidence(items: &[EvidenceItem]) -> Vec<Evidence<'_>> {
    items
        .iter()
        .enumerate()
        .map(|(place, item)| Evidence {
            id: evidence_id(place),
            source: &item.source,
            kind: item.kind,
            content: &item.content,
            relevance: item.relevance,
            agent: item.agent.as_deref(),
            claim: item.claim.as_deref(),
            confidence: item.relevance,
            round_number: item.round,
            agent_id: item.agent.as_deref(),
            supporting_claims: item.claim.as_deref().map(|claim| [claim]),
        })
        .collect()
}

fn links(items: &[EvidenceItem]) -> Vec<Link<'_>> {
    items
        .iter()
        .enumerate()
        .map(|(place, item)| Link {
            id: evidence_id(place),
            source: &item.source,
            content: &item.content,
            confidence: item.relevance,
            round_number: item.round,
            agent_id: item.agent.as_deref(),
            supporting_claims: item.claim.as_deref().map(|claim| [claim]),
        })
        .collect()
}

fn evidence_id(place: usize) -> String {
    format!("evidence-{}", place + 1)
}

pub(super) fn counterfactuals(recounts: &[explanation::Counterfactual]) -> Vec<Counterfactual<'_>> {
    recounts
        .iter()
        .enumerate()
        .map(|(place, recount)| Counterfactual {
            id: format!("counterfactual-{}", place + 1),
            recount,
            scenario: recount.kind,
            alternative_outcome: recount.winner.as_deref().unwrap_or("no winner"),
        })
        .collect()
}
