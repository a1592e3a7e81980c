//! The fewest voters whose removal changes the winner.
//!
//! Removing somebody who was not for the winner never takes the win away, so only its own voters
//! matter, and the heaviest of them take the most. That gives the number; which ones is then found
//! name by name, by asking whether enough can still be removed after this one. A tie ends by removing
//! one voter of each tied choice but one.

use super::{Ballot, Count, top_two};

/// Up to so many voters for the winner, the set is the first by name.
const MAX_BY_NAME: usize = 1_000;

pub(super) fn smallest_set<'a>(count: &Count<'a>) -> Option<Vec<&'a str>> {
    let outcome = count.outcome();
    match outcome.winner {
        Some(winner) => taking_the_win(count, winner),
        None => ending_the_tie(count, &outcome.tied),
    }
}

fn taking_the_win<'a>(count: &Count<'a>, winner: usize) -> Option<Vec<&'a str>> {
    let piles = count.piles(count.ballots.iter().copied());
    let others = piles.iter().enumerate().filter(|(choice, _)| *choice != winner);
    let (best_other, _) = top_two(others.map(|(_, pile)| pile.units));
    let sum = piles.get(winner)?.units;
    // What is to be left at most: a tie, or nothing when nobody else has anything.
    let left = if best_other == 0 { 0 } else { best_other.saturating_add(count.tolerance) };
    let needed = sum.saturating_sub(left);

    let voters: Vec<&Ballot<'a>> =
        count.ballots.iter().filter(|ballot| ballot.choice == winner && ballot.units > 0).collect();
    let mut by_weight: Vec<(usize, u64)> =
        voters.iter().enumerate().map(|(place, ballot)| (place, ballot.units)).collect();
    by_weight.sort_by_key(|(place, units)| (std::cmp::Reverse(*units), *place));
    let fewest = {
        let mut removed = 0_u64;
        1 + by_weight.iter().position(|(_, units)| {
            removed = removed.saturating_add(*units);
            removed >= needed
        })?
    };
    let mut places: Vec<usize> = if voters.len() > MAX_BY_NAME {
        by_weight.iter().take(fewest).map(|(place, _)| *place).collect()
    } else {
        first_by_name(&voters, &by_weight, fewest, needed)
    };
    places.sort_unstable();
    Some(places.iter().filter_map(|place| voters.get(*place)).map(|it| name(it)).collect())
}

/// The first set of so many by name that removes enough.
fn first_by_name(
    voters: &[&Ballot<'_>],
    by_weight: &[(usize, u64)],
    fewest: usize,
    needed: u64,
) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(fewest);
    let mut removed = 0_u64;
    for (place, ballot) in voters.iter().enumerate() {
        if chosen.len() == fewest {
            break;
        }
        let more = fewest - chosen.len() - 1;
        let later = by_weight.iter().filter(|(other, _)| *other > place).take(more);
        let could =
            later.fold(removed + ballot.units, |sum, (_, units)| sum.saturating_add(*units));
        if could >= needed {
            chosen.push(place);
            removed += ballot.units;
        }
    }
    chosen
}

fn ending_the_tie<'a>(count: &Count<'a>, tied: &[usize]) -> Option<Vec<&'a str>> {
    let mut standing = tied.to_vec();
    let mut removed = Vec::new();
    for ballot in count.ballots.iter().filter(|ballot| ballot.units > 0) {
        if standing.len() < 2 {
            break;
        }
        if let Some(place) = standing.iter().position(|choice| *choice == ballot.choice) {
            standing.swap_remove(place);
            removed.push(name(ballot));
        }
    }
    (!removed.is_empty()).then_some(removed)
}

fn name<'a>(ballot: &Ballot<'a>) -> &'a str {
    &ballot.vote.agent
}
