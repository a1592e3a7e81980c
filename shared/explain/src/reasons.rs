//! From a debate to its explanation. Nothing is guessed and no model is asked: every number comes
//! from the record by the arithmetic of `count`, and every text is cut out of it.

mod attribution;
mod chain;
mod evidence;
mod recounts;
mod summary;
mod warnings;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::count::{Count, Outcome, fraction};
use crate::excerpt::{name, plain};
use crate::explanation::{
    BeliefChange, Dissent, EXCERPT_CHARS, Explanation, MAX_AGENTS, MAX_BELIEF_CHANGES, MAX_DISSENT,
    MAX_VOTES, Scores, WeighedVote,
};
use crate::record::{Debate, Kind, Move, Position};

/// How many names a sentence lists before it only counts them.
const NAMES: usize = 3;

/// A debate, its votes counted.
struct Case<'a> {
    debate: &'a Debate,
    count: Count<'a>,
    outcome: Outcome,
    /// What was voted for as it is shown, in the order of the count's choices.
    choices: Vec<Cow<'a, str>>,
    /// By the votes; without any, by the record.
    winner: Option<&'a str>,
    /// What the winner proposed last.
    winning_move: Option<&'a Move>,
    /// Who failed to answer at least once, each name once.
    failed: Vec<&'a str>,
}

/// Explains a debate.
pub fn explain(debate: &Debate) -> Explanation {
    let case = Case::of(debate);
    let mut warnings = Vec::new();
    let strength = case.strength();
    let influences = case.count.influences();
    let recounts = recounts::of(&case);
    let evidence = evidence::of(debate);
    let factors = attribution::factors(&case, &evidence);
    let key_factors = attribution::key_factors(&case, &factors, &evidence);
    let (reasoning_chain, decisive) = chain::of(&case, &recounts.pivotal, &mut warnings);
    let changes = belief_changes(&debate.positions);
    let scores = Scores {
        agent_agreement: case.agreement(),
        belief_stability: stability(debate, changes.len()),
        evidence_quality: (evidence.pieces > 0).then_some(evidence.mean_relevance),
    };
    warnings::add(&case, &evidence, changes.len(), influences.sampled, &mut warnings);

    Explanation {
        summary: summary::of(&case, &recounts.pivotal),
        winner: case.winner.map(|winner| name(winner).into_owned()),
        decision: case.decision(),
        agents: agents(debate),
        rounds: debate.rounds,
        consensus_reached: debate.consensus_reached.unwrap_or(case.outcome.winner.is_some()),
        consensus_strength: strength,
        confidence: fraction(debate.confidence).unwrap_or(strength),
        reasoning_chain,
        decisive,
        key_factors,
        factors,
        votes: case.votes(&influences.of_ballots, &recounts.pivotal),
        evidence: evidence.items,
        counterfactuals: recounts.counterfactuals,
        smallest_deciding_set: case.deciding_set(),
        belief_changes: changes.iter().take(MAX_BELIEF_CHANGES).map(belief_change).collect(),
        dissent: case.dissent(),
        scores,
        warnings,
    }
}

impl<'a> Case<'a> {
    fn of(debate: &'a Debate) -> Self {
        let count = Count::of(debate);
        let outcome = count.outcome();
        let choices = count.choices().iter().map(|choice| name(choice)).collect();
        let winner = match outcome.winner {
            Some(winner) => count.choices().get(winner).copied(),
            None if debate.votes.is_empty() => debate.winner.as_deref(),
            None => None,
        };
        let proposes = |it: &&Move| matches!(it.kind, Kind::Proposal | Kind::Revision);
        let winning_move = winner.and_then(|winner| {
            debate.moves.iter().filter(proposes).rev().find(|it| it.agent == winner)
        });
        let mut failed: Vec<&str> = Vec::new();
        for it in debate.moves.iter().filter(|it| it.kind == Kind::Error) {
            if failed.len() < MAX_AGENTS && !failed.contains(&it.agent.as_str()) {
                failed.push(&it.agent);
            }
        }
        Self { debate, count, outcome, choices, winner, winning_move, failed }
    }

    fn voters(&self) -> usize {
        self.count.ballots().len()
    }

    /// How many voted for a choice.
    fn voters_for(&self, choice: usize) -> usize {
        self.count.ballots().iter().filter(|ballot| ballot.choice == choice).count()
    }

    fn choice(&self, choice: usize) -> &str {
        self.choices.get(choice).map_or("", |name| name)
    }

    /// The names of the tied choices.
    fn tied(&self) -> Vec<&str> {
        self.outcome.tied.iter().map(|choice| self.choice(*choice)).collect()
    }

    fn strength(&self) -> f64 {
        if self.voters() > 0 {
            self.outcome.strength
        } else {
            fraction(self.debate.confidence).unwrap_or(0.0)
        }
    }

    fn answer(&self) -> Option<&'a str> {
        let answer = self.debate.final_answer.as_deref().map(str::trim);
        answer.filter(|answer| !answer.is_empty())
    }

    fn decision(&self) -> String {
        let words = self.answer().or(self.winning_move.map(|it| it.content.as_str()));
        words.map_or_else(String::new, |words| plain(words, EXCERPT_CHARS))
    }

    fn agreement(&self) -> Option<f64> {
        let mut most = 0;
        let mut voters = vec![0_u32; self.choices.len()];
        for ballot in self.count.ballots() {
            if let Some(voters) = voters.get_mut(ballot.choice) {
                *voters += 1;
                most = most.max(*voters);
            }
        }
        (most > 0).then(|| f64::from(most) / number(self.voters()))
    }

    fn votes(&self, influences: &[f64], pivotal: &[bool]) -> Vec<WeighedVote> {
        let votes = self.count.ballots().iter().zip(influences).zip(pivotal).take(MAX_VOTES);
        votes
            .map(|((ballot, influence), pivotal)| WeighedVote {
                agent: name(&ballot.vote.agent).into_owned(),
                choice: self.choice(ballot.choice).to_owned(),
                weight: ballot.weight,
                confidence: ballot.confidence,
                influence: *influence,
                pivotal: *pivotal,
                reasoning: ballot.vote.reasoning.as_deref().map(|it| plain(it, EXCERPT_CHARS)),
            })
            .collect()
    }

    /// `None` also when it is too long to be listed.
    fn deciding_set(&self) -> Option<Vec<String>> {
        let set = self.count.smallest_deciding_set().filter(|set| set.len() <= MAX_VOTES)?;
        Some(set.into_iter().map(|agent| name(agent).into_owned()).collect())
    }

    fn dissent(&self) -> Vec<Dissent> {
        let Some(winner) = self.outcome.winner else { return Vec::new() };
        let others = self.count.ballots().iter().filter(|ballot| ballot.choice != winner);
        others
            .take(MAX_DISSENT)
            .map(|ballot| Dissent {
                agent: name(&ballot.vote.agent).into_owned(),
                choice: self.choice(ballot.choice).to_owned(),
                reasoning: plain(ballot.vote.reasoning.as_deref().unwrap_or(""), EXCERPT_CHARS),
            })
            .collect()
    }
}

fn agents(debate: &Debate) -> Vec<String> {
    debate.agents.iter().take(MAX_AGENTS).map(|agent| name(&agent.name).into_owned()).collect()
}

/// What an agent thought, and what it thought next, where that is something else.
fn belief_changes(positions: &[Position]) -> Vec<(&Position, &Position)> {
    let mut last: BTreeMap<&str, &Position> = BTreeMap::new();
    let mut changes = Vec::new();
    for position in positions {
        if let Some(before) = last.insert(&position.agent, position)
            && before.position.trim() != position.position.trim()
        {
            changes.push((before, position));
        }
    }
    changes
}

fn belief_change((before, after): &(&Position, &Position)) -> BeliefChange {
    BeliefChange {
        agent: name(&after.agent).into_owned(),
        round: after.round,
        from: plain(&before.position, EXCERPT_CHARS),
        to: plain(&after.position, EXCERPT_CHARS),
        confidence_before: fraction(before.confidence),
        confidence_after: fraction(after.confidence),
    }
}

fn stability(debate: &Debate, changes: usize) -> Option<f64> {
    let most = number(debate.agents.len()) * f64::from(debate.rounds);
    let is_measurable = !debate.positions.is_empty() && most > 0.0;
    is_measurable.then(|| (1.0 - number(changes) / most).max(0.0))
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A share as people read it: "67 %".
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
