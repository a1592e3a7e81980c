//! The same arithmetic once more: slowly, from the specification's words, and without the module's
//! types. Equal sums are those within a billionth of the whole weight.

use std::collections::BTreeMap;

use crate::record::Vote;

fn weight(vote: &Vote) -> f64 {
    vote.weight.unwrap_or(1.0)
}

pub(super) fn winner(votes: &[Vote]) -> Option<String> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for vote in votes {
        *sums.entry(&vote.choice).or_default() += weight(vote);
    }
    let total: f64 = sums.values().sum();
    let most = sums.values().copied().fold(0.0, f64::max);
    let near = 1e-9 * total;
    let leaders: Vec<&&str> =
        sums.iter().filter(|(_, sum)| **sum >= most - near).map(|(choice, _)| choice).collect();
    (most > near && leaders.len() == 1).then(|| (*leaders[0]).to_owned())
}

pub(super) fn strength(votes: &[Vote]) -> f64 {
    let winner = winner(votes).expect("asked only when there is one");
    let total: f64 = votes.iter().map(weight).sum();
    let winning: Vec<&Vote> = votes.iter().filter(|vote| vote.choice == winner).collect();
    let share = winning.iter().map(|vote| weight(vote)).sum::<f64>() / total;
    let given: Vec<f64> = winning.iter().filter_map(|vote| vote.confidence).collect();
    if given.is_empty() {
        return share;
    }
    let number = given.iter().map(|_| 1.0).sum::<f64>();
    share * given.iter().sum::<f64>() / number
}

/// Every set of votes, as bits.
fn subset(votes: &[Vote], bits: u32) -> Vec<Vote> {
    let all = votes.iter().enumerate();
    all.filter(|(at, _)| bits >> at & 1 == 1).map(|(_, vote)| vote.clone()).collect()
}

pub(super) fn influences(votes: &[Vote]) -> Vec<f64> {
    let wins = |set: u32, choice: &str| winner(&subset(votes, set)).as_deref() == Some(choice);
    let one = |at: usize| {
        let without = (0..1_u32 << votes.len()).filter(|set| set >> at & 1 == 0);
        let mut sets = 0_u32;
        let mut decided = 0_u32;
        for set in without {
            let choice = &votes[at].choice;
            sets += 1;
            decided += u32::from(wins(set | 1 << at, choice) && !wins(set, choice));
        }
        f64::from(decided) / f64::from(sets)
    };
    (0..votes.len()).map(one).collect()
}

pub(super) fn smallest_deciding_set(votes: &[Vote]) -> Option<Vec<&str>> {
    let before = winner(votes);
    let mut best: Option<Vec<&str>> = None;
    for removed in 1..1_u32 << votes.len() {
        if winner(&subset(votes, !removed)) == before {
            continue;
        }
        let all = votes.iter().enumerate();
        let mut names: Vec<&str> =
            all.filter(|(at, _)| removed >> at & 1 == 1).map(|(_, vote)| &*vote.agent).collect();
        names.sort_unstable();
        let is_better = best.as_ref().is_none_or(|best| {
            names.len() < best.len() || (names.len() == best.len() && names < *best)
        });
        if is_better {
            best = Some(names);
        }
    }
    best
}

/// For two choices and weights of which no two sets weigh the same: a set decides when the vote's
/// side has less than the other, and more with it.
pub(super) fn two_sided_influences(votes: &[Vote]) -> Vec<f64> {
    let sums = |weights: &[f64]| -> Vec<f64> {
        (0..1_u32 << weights.len())
            .map(|set| {
                let all = weights.iter().enumerate();
                all.filter(|(at, _)| set >> at & 1 == 1).map(|(_, weight)| weight).sum()
            })
            .collect()
    };
    let one = |at: usize| {
        let side = |same: bool| -> Vec<f64> {
            let others = votes.iter().enumerate().filter(|(other, _)| *other != at);
            others
                .filter(|(_, vote)| (vote.choice == votes[at].choice) == same)
                .map(|(_, vote)| weight(vote))
                .collect()
        };
        let (ours, mut theirs) = (sums(&side(true)), sums(&side(false)));
        theirs.sort_by(f64::total_cmp);
        let own = weight(&votes[at]);
        let mut decided = 0.0;
        for sum in &ours {
            // Both empty counts: without the vote nobody wins.
            let from = theirs.partition_point(|their| *their < sum - 1e-9);
            let to = theirs.partition_point(|their| *their < sum + own - 1e-9);
            decided += f64::from(u32::try_from(to - from).expect("a few thousand"));
        }
        let sets = ours.iter().map(|_| 1.0).sum::<f64>() * theirs.iter().map(|_| 1.0).sum::<f64>();
        decided / sets
    };
    (0..votes.len()).map(one).collect()
}
