//! The arithmetic of votes: what each weighs, who wins, how strongly, and what single votes did.
//!
//! Votes are counted in the order of their voters' names, whatever order they are given in, so that
//! the same votes always add up to the same numbers.
//!
//! # When sums are equal
//! Sums of fractions are not exact (0.1 + 0.2 is not 0.3), so winners are found in whole units: the
//! heaviest vote is 2^40 of them, and each vote is rounded to the next one. Sums that differ by no
//! more than one unit for each vote are equal, which is more than rounding can add up to and less
//! than 10^-12 of what as many heaviest votes would weigh. A vote of no more than twice that weighs
//! nothing.

mod deciding;
mod power;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::record::{Agent, Debate, Vote};

/// What the heaviest vote of a count is in units.
const HEAVIEST_UNITS: f64 = 1_099_511_627_776.0;
/// The most that a vote can weigh; records that say more are taken at this.
pub const MAX_WEIGHT: f64 = 1e12;

/// Votes that can be counted again and again.
#[derive(Debug, Clone)]
pub struct Count<'a> {
    /// In the order of the voters' names.
    ballots: Vec<Ballot<'a>>,
    /// What was voted for, in the order of names, each once.
    choices: Vec<&'a str>,
    /// Sums that differ by no more units are equal.
    tolerance: u64,
}

/// A vote as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Ballot<'a> {
    /// The vote itself.
    pub vote: &'a Vote,
    /// Its choice's place among [`Count::choices`].
    pub choice: usize,
    /// What it weighs.
    pub weight: f64,
    /// How sure the voter was, from 0 to 1.
    pub confidence: Option<f64>,
    units: u64,
}

/// What came of a count.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The choice that has the greatest sum, alone.
    pub winner: Option<usize>,
    /// Those that share the greatest sum, two or more; empty when there is a winner, or no vote that
    /// weighs anything.
    pub tied: Vec<usize>,
    /// From 0 to 1: the winner's share of the whole weight times how sure its voters were on
    /// average. In a tie, that of the first of the tied choices; 0 without a vote that weighs
    /// anything.
    pub strength: f64,
    /// The winner's lead over the next, as a share of the whole weight; 0 in a tie.
    pub margin: f64,
}

/// How much each vote counted for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Influences {
    /// Banzhaf power from 0 to 1, in the order of [`Count::ballots`].
    pub of_ballots: Vec<f64>,
    /// Whether they are estimated from samples.
    pub sampled: bool,
}

/// What a choice has.
#[derive(Debug, Clone, Copy, Default)]
struct Pile {
    units: u64,
    weight: f64,
    confidence: f64,
    sure: u32,
}

impl<'a> Count<'a> {
    /// Weighs the votes of a debate.
    pub fn of(debate: &'a Debate) -> Self {
        Self::new(&debate.votes, &debate.agents)
    }

    /// Weighs votes: by their own weight, or by their voters' ratings and calibrations.
    pub fn new(votes: &'a [Vote], agents: &'a [Agent]) -> Self {
        let mut choices: Vec<&str> = votes.iter().map(|vote| vote.choice.as_str()).collect();
        choices.sort_unstable();
        choices.dedup();
        let rated: HashMap<&str, f64> = agents
            .iter()
            .filter(|agent| is_rated(agent))
            .map(|agent| (agent.name.as_str(), weight_of_agent(agent)))
            .collect();
        let mut ballots: Vec<Ballot<'_>> = votes
            .iter()
            .map(|vote| Ballot {
                vote,
                choice: choices.binary_search(&vote.choice.as_str()).unwrap_or_default(),
                weight: weight_of_vote(vote, &rated),
                confidence: fraction(vote.confidence),
                units: 0,
            })
            .collect();
        ballots.sort_by(|a, b| {
            let key = |ballot: &Ballot<'a>| (ballot.vote.agent.as_str(), ballot.choice);
            key(a).cmp(&key(b)).then(a.weight.total_cmp(&b.weight))
        });
        let tolerance = u64::try_from(ballots.len()).unwrap_or(u64::MAX);
        let heaviest = ballots.iter().map(|ballot| ballot.weight).fold(0.0, f64::max);
        for ballot in &mut ballots {
            let units = in_units(ballot.weight, heaviest);
            ballot.units = if units > tolerance.saturating_mul(2) { units } else { 0 };
        }
        Self { ballots, choices, tolerance }
    }

    /// The votes, in the order of their voters' names.
    pub fn ballots(&self) -> &[Ballot<'a>] {
        &self.ballots
    }

    /// What was voted for, in the order of names, each once.
    pub fn choices(&self) -> &[&'a str] {
        &self.choices
    }

    /// The mean weight of the votes; 0 when there are none.
    pub fn mean_weight(&self) -> f64 {
        mean(self.ballots.iter().map(|ballot| ballot.weight))
    }

    /// Counts all votes.
    pub fn outcome(&self) -> Outcome {
        self.count(self.ballots.iter().copied())
    }

    /// Counts all but one vote, by its place among [`Self::ballots`].
    pub fn without(&self, place: usize) -> Outcome {
        let others = self.ballots.iter().enumerate().filter(|(at, _)| *at != place);
        self.count(others.map(|(_, ballot)| *ballot))
    }

    /// Counts with one vote given to another choice.
    pub fn moved(&self, place: usize, choice: usize) -> Outcome {
        self.count(
            self.ballots.iter().enumerate().map(|(at, ballot)| {
                if at == place { Ballot { choice, ..*ballot } } else { *ballot }
            }),
        )
    }

    /// Counts without asking how sure the voters were.
    pub fn ignoring_confidence(&self) -> Outcome {
        self.count(self.ballots.iter().map(|ballot| Ballot { confidence: None, ..*ballot }))
    }

    /// Counts with each vote weighing the same.
    pub fn ignoring_weights(&self) -> Outcome {
        let units = in_units(1.0, 1.0);
        self.count(self.ballots.iter().map(|ballot| Ballot { weight: 1.0, units, ..*ballot }))
    }

    /// The choice that comes second after `winner`; among equals the first by name.
    pub fn runner_up(&self, winner: usize) -> Option<usize> {
        let piles = self.piles(self.ballots.iter().copied());
        let others = || piles.iter().enumerate().filter(|(choice, _)| *choice != winner);
        let most = others().map(|(_, pile)| pile.units).max()?;
        others().find(|(_, pile)| most - pile.units <= self.tolerance).map(|(choice, _)| choice)
    }

    /// How much each vote counted for: the share of the sets of other votes, the empty one included,
    /// for which its own choice is the sole winner with it and is not without it.
    ///
    /// Exact to 16 votes, and beyond as long as the sums that votes can add up to are few (as they
    /// are when many weigh the same); else estimated from 4,096 samples that depend on the votes
    /// and not on their order, fewer above 4,096 votes.
    pub fn influences(&self) -> Influences {
        power::influences(self)
    }

    /// The fewest voters whose removal changes the winner, in the order of their names: among
    /// sets of as many the first by name. `None` when no removal does.
    ///
    /// Exact; with more than 1,000 voters for the winner among equals the heaviest instead.
    pub fn smallest_deciding_set(&self) -> Option<Vec<&'a str>> {
        deciding::smallest_set(self)
    }

    fn count(&self, ballots: impl Iterator<Item = Ballot<'a>>) -> Outcome {
        let piles = self.piles(ballots);
        let total: f64 = piles.iter().map(|pile| pile.weight).sum();
        let (most, second) = top_two(piles.iter().map(|pile| pile.units));
        if most == 0 || total <= 0.0 {
            return Outcome::default();
        }
        let leads = |pile: &Pile| most - pile.units <= self.tolerance;
        let mut leaders = piles.iter().enumerate().filter(|(_, pile)| leads(pile));
        let Some((first, pile)) = leaders.next() else { return Outcome::default() };
        let share = pile.weight / total;
        let confidence = if pile.sure == 0 { 1.0 } else { pile.confidence / f64::from(pile.sure) };
        let strength = (share * confidence).clamp(0.0, 1.0);
        if most - second <= self.tolerance {
            let tied = std::iter::once(first).chain(leaders.map(|(choice, _)| choice)).collect();
            return Outcome { winner: None, tied, strength, margin: 0.0 };
        }
        let others = piles.iter().enumerate().filter(|(choice, _)| *choice != first);
        let next = others.map(|(_, pile)| pile.weight).fold(0.0, f64::max);
        let margin = ((pile.weight - next) / total).clamp(0.0, 1.0);
        Outcome { winner: Some(first), tied: Vec::new(), strength, margin }
    }

    fn piles(&self, ballots: impl Iterator<Item = Ballot<'a>>) -> Vec<Pile> {
        let mut piles = vec![Pile::default(); self.choices.len()];
        for ballot in ballots {
            let Some(pile) = piles.get_mut(ballot.choice) else { continue };
            pile.units = pile.units.saturating_add(ballot.units);
            pile.weight += ballot.weight;
            if let Some(confidence) = ballot.confidence {
                pile.confidence += confidence;
                pile.sure += 1;
            }
        }
        piles
    }

    /// Whether a choice with this sum wins over the best of the others.
    fn wins(&self, sum: u64, best_other: u64) -> bool {
        sum.saturating_sub(best_other) > self.tolerance
    }
}

/// Whether anything is known of how good an agent is.
pub fn is_rated(agent: &Agent) -> bool {
    agent.elo.is_some() || agent.calibration.is_some()
}

/// What a vote of this agent weighs where the vote itself does not say:
/// `clamp(1 + 0.3 * (elo - 1000) / 500, 0.5, 2.0) * calibration`, absent terms being 1.
pub fn weight_of_agent(agent: &Agent) -> f64 {
    let rating = agent.elo.filter(|elo| !elo.is_nan());
    let skill = rating.map_or(1.0, |elo| (1.0 + 0.3 * (elo - 1000.0) / 500.0).clamp(0.5, 2.0));
    let calibration = agent.calibration.filter(|calibration| !calibration.is_nan()).unwrap_or(1.0);
    (skill * calibration).clamp(0.0, MAX_WEIGHT)
}

fn weight_of_vote(vote: &Vote, rated: &HashMap<&str, f64>) -> f64 {
    match vote.weight.filter(|weight| !weight.is_nan()) {
        Some(weight) => weight.clamp(0.0, MAX_WEIGHT),
        None if rated.is_empty() => 1.0,
        None => rated.get(vote.agent.as_str()).copied().unwrap_or(1.0),
    }
}

/// A fraction from 0 to 1, whatever number it was.
pub(crate) fn fraction(number: Option<f64>) -> Option<f64> {
    number.filter(|number| !number.is_nan()).map(|number| number.clamp(0.0, 1.0))
}

/// The mean of some numbers; 0 when there are none.
pub(crate) fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = numbers.fold((0.0, 0.0), |(sum, count), number| (sum + number, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "from 0 to 2^40 and rounded; not a number becomes 0"
)]
fn in_units(weight: f64, heaviest: f64) -> u64 {
    (weight / heaviest * HEAVIEST_UNITS).round() as u64
}

/// The greatest and the next: the same number twice when two have it; 0 for what there is not.
fn top_two(sums: impl Iterator<Item = u64>) -> (u64, u64) {
    sums.fold(
        (0, 0),
        |(most, second), sum| {
            if sum > most { (sum, most) } else { (most, second.max(sum)) }
        },
    )
}
