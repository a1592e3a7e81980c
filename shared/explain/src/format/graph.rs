//! A debate as a graph: who proposed, criticised and voted for what.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;

use crate::count::Count;
use crate::excerpt::{gist, name};
use crate::explanation::Explanation;
use crate::record::{Debate, Kind, Move};

/// The most nodes of a graph: agents and the decision first, then votes, then what was said.
pub const MAX_NODES: usize = 2_000;

/// The longest label, in characters.
const LABEL_CHARS: usize = 60;

/// Nodes and what connects them. Every edge is between nodes that are there.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Graph<'a> {
    /// The nodes, each id once.
    pub nodes: Vec<Node<'a>>,
    /// The edges.
    pub edges: Vec<Edge>,
}

/// An agent, or something it did.
#[derive(Debug, Clone, Serialize)]
pub struct Node<'a> {
    /// `agent-1`, `proposal-1`, ...: numbers, because names can hold anything.
    pub id: String,
    /// `agent`, `proposal`, `critique`, `vote` or `decision`.
    pub kind: &'static str,
    /// What to write on it; untrusted.
    pub label: Cow<'a, str>,
    /// When; `null` for agents.
    pub round: Option<u32>,
}

/// A connection.
#[derive(Debug, Clone, Serialize)]
pub struct Edge {
    /// The id of a node.
    pub from: String,
    /// The id of a node.
    pub to: String,
    /// `proposed`, `criticised`, `voted`, `targets`, `for` or `leads_to`.
    pub kind: &'static str,
}

/// Nodes on the way to be a graph.
struct Drawing<'a> {
    graph: Graph<'a>,
    /// How many nodes there would be.
    wanted: usize,
    agents: HashMap<&'a str, String>,
    /// What an agent proposed last.
    proposals: HashMap<&'a str, String>,
}

/// The graph, and a warning when not everything fits into it.
pub(super) fn graph<'a>(
    explanation: &'a Explanation,
    debate: &'a Debate,
) -> (Graph<'a>, Option<&'static str>) {
    let mut drawing = Drawing {
        graph: Graph::default(),
        wanted: 0,
        agents: HashMap::new(),
        proposals: HashMap::new(),
    };
    let decision = drawing.decision(explanation, debate);
    for (at, agent) in debate.agents.iter().enumerate() {
        let id = drawing.node("agent", at, name(&agent.name), None);
        if let Some(id) = id {
            drawing.agents.insert(&agent.name, id);
        }
    }
    let count = Count::of(debate);
    let votes: Vec<Option<String>> = count
        .ballots()
        .iter()
        .enumerate()
        .map(|(at, ballot)| {
            let label = name(&ballot.vote.choice);
            let id = drawing.node("vote", at, label, ballot.vote.round)?;
            drawing.edge_from_agent(&ballot.vote.agent, &id, "voted");
            Some(id)
        })
        .collect();
    drawing.moves(&debate.moves);

    let winner = count.outcome().winner;
    for (ballot, id) in count.ballots().iter().zip(votes) {
        let Some(id) = id else { continue };
        let choice = ballot.vote.choice.as_str();
        if let Some(chosen) = drawing.proposals.get(choice).or(drawing.agents.get(choice)) {
            let chosen = chosen.clone();
            drawing.edge(id.clone(), chosen, "for");
        }
        if winner == Some(ballot.choice)
            && let Some(decision) = &decision
        {
            drawing.edge(id, decision.clone(), "leads_to");
        }
    }
    let winner = match winner {
        Some(winner) => count.choices().get(winner).copied(),
        None if debate.votes.is_empty() => debate.winner.as_deref(),
        None => None,
    };
    if let Some(proposal) = winner.and_then(|winner| drawing.proposals.get(winner)).cloned()
        && let Some(decision) = decision
    {
        drawing.edge(proposal, decision, "leads_to");
    }
    let left_out = drawing.wanted > drawing.graph.nodes.len();
    let warning = "The graph holds the first 2,000 nodes: agents, votes, then what was said first.";
    (drawing.graph, left_out.then_some(warning))
}

impl<'a> Drawing<'a> {
    /// `None` when there is no room for it.
    fn node(
        &mut self,
        kind: &'static str,
        at: usize,
        label: Cow<'a, str>,
        round: Option<u32>,
    ) -> Option<String> {
        self.wanted += 1;
        if self.graph.nodes.len() >= MAX_NODES {
            return None;
        }
        let id = if kind == "decision" { kind.to_owned() } else { format!("{kind}-{}", at + 1) };
        self.graph.nodes.push(Node { id: id.clone(), kind, label, round });
        Some(id)
    }

    fn edge(&mut self, from: String, to: String, kind: &'static str) {
        self.graph.edges.push(Edge { from, to, kind });
    }

    fn edge_from_agent(&mut self, agent: &str, to: &str, kind: &'static str) {
        if let Some(from) = self.agents.get(agent).cloned() {
            self.edge(from, to.to_owned(), kind);
        }
    }

    fn decision(&mut self, explanation: &'a Explanation, debate: &Debate) -> Option<String> {
        let decided = explanation.reasoning_chain.last().filter(|step| step.kind == "decision")?;
        let round = Some(decided.round.max(debate.rounds));
        self.node("decision", 0, Cow::Borrowed(decided.action.as_str()), round)
    }

    fn moves(&mut self, moves: &'a [Move]) {
        let (mut proposals, mut critiques) = (0, 0);
        for it in moves {
            let label = || {
                let gist = gist(&it.content, LABEL_CHARS);
                Cow::Owned(if gist.is_empty() { name(&it.agent).into_owned() } else { gist })
            };
            // What is left out needs no label.
            let full = self.graph.nodes.len() >= MAX_NODES;
            match it.kind {
                Kind::Proposal | Kind::Revision | Kind::Synthesis | Kind::Critique if full => {
                    self.wanted += 1;
                }
                Kind::Proposal | Kind::Revision | Kind::Synthesis => {
                    let Some(id) = self.node("proposal", proposals, label(), Some(it.round)) else {
                        continue;
                    };
                    proposals += 1;
                    self.edge_from_agent(&it.agent, &id, "proposed");
                    self.proposals.insert(&it.agent, id);
                }
                Kind::Critique => {
                    let Some(id) = self.node("critique", critiques, label(), Some(it.round)) else {
                        continue;
                    };
                    critiques += 1;
                    self.edge_from_agent(&it.agent, &id, "criticised");
                    let Some(target) = it.target.as_deref() else { continue };
                    let aim = self.proposals.get(target).or(self.agents.get(target));
                    if let Some(aim) = aim.cloned() {
                        self.edge(id, aim, "targets");
                    }
                }
                Kind::Evidence | Kind::Vote | Kind::Error | Kind::Message => {}
            }
        }
    }
}
