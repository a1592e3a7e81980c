//! Banzhaf power: how often a vote makes its own choice the winner, over all sets of other votes.
//!
//! The votes for different choices fall into a set independently of each other, so no set is ever
//! looked at by itself: it is enough to know, for each choice, how often its votes add up to which
//! sum. All shares are multiples of a power of two, so to 16 votes (and long after) no digit is lost.

use super::{Ballot, Count, Influences, top_two};

/// To so many votes the result is exact whatever they weigh.
const EXACT_VOTES: usize = 16;
/// Above [`EXACT_VOTES`], the most sums of one choice's votes.
const MAX_SUMS: usize = 4_096;
/// Above [`EXACT_VOTES`], about the most steps for all sums together.
const MAX_STEPS: usize = 1 << 22;
/// Above this many votes there are always samples.
const MAX_EXACT_VOTES: usize = 1_000;
/// How many samples there are, in words of one bit for each.
const SAMPLE_WORDS: u64 = 64;
/// The most samples of single votes.
const MAX_DRAWS: u64 = 1 << 24;

/// Sums and how often each comes up, the smallest first.
type Sums = Vec<(u64, f64)>;

pub(super) fn influences(count: &Count<'_>) -> Influences {
    // Votes that weigh the same for the same choice have the same power.
    let mut alike: Vec<(usize, u64)> =
        count.ballots.iter().map(|ballot| (ballot.choice, ballot.units)).collect();
    alike.sort_unstable();
    alike.dedup();
    let exact = exactly(count, &alike);
    let sampled = exact.is_none();
    let powers = exact.unwrap_or_else(|| by_samples(count, &alike));
    let of = |ballot: &Ballot<'_>| {
        let place = alike.binary_search(&(ballot.choice, ballot.units)).unwrap_or(usize::MAX);
        powers.get(place).copied().unwrap_or(0.0)
    };
    Influences { of_ballots: count.ballots.iter().map(of).collect(), sampled }
}

/// `None` when that would take too long.
fn exactly(count: &Count<'_>, alike: &[(usize, u64)]) -> Option<Vec<f64>> {
    let bounded = count.ballots.len() > EXACT_VOTES;
    if count.ballots.len() > MAX_EXACT_VOTES {
        return None;
    }
    let mut units: Vec<Vec<u64>> = vec![Vec::new(); count.choices.len()];
    for ballot in &count.ballots {
        units.get_mut(ballot.choice)?.push(ballot.units);
    }
    let totals: Vec<u64> = units.iter().map(|of_choice| of_choice.iter().sum()).collect();
    let (most, second) = top_two(totals.iter().copied());
    // A choice that has more than all of any other wins whatever else it has.
    let enough = |choice: usize| {
        let rivals = if totals.get(choice) == Some(&most) { second } else { most };
        rivals.saturating_add(count.tolerance)
    };
    let limit = if bounded { MAX_SUMS } else { usize::MAX };
    let mut all: Vec<Sums> = Vec::with_capacity(units.len());
    for (choice, of_choice) in units.iter().enumerate() {
        all.push(at_most(sums(of_choice, enough(choice), limit)?));
    }
    let steps: usize = alike
        .iter()
        .map(|(choice, _)| {
            let votes = units.get(*choice).map_or(0, Vec::len);
            all.get(*choice).map_or(0, Vec::len).saturating_mul(votes + all.len())
        })
        .fold(0, usize::saturating_add);
    if bounded && steps > MAX_STEPS {
        return None;
    }
    alike
        .iter()
        .map(|&(choice, own)| {
            let mut others = units.get(choice)?.clone();
            others.swap_remove(others.iter().position(|units| *units == own)?);
            let wins = |sum: u64| -> f64 {
                let Some(below) = sum.checked_sub(count.tolerance) else { return 0.0 };
                let rivals = all.iter().enumerate().filter(|(at, _)| *at != choice);
                rivals.map(|(_, sums)| share_below(sums, below)).product()
            };
            let sums = sums(&others, enough(choice), usize::MAX)?;
            Some(sums.iter().map(|(sum, share)| share * (wins(sum + own) - wins(*sum))).sum())
        })
        .collect()
}

/// What subsets of these add up to, and how often; sums above `enough` are left out. `None` when
/// there are more than `limit`.
fn sums(units: &[u64], enough: u64, limit: usize) -> Option<Sums> {
    let mut sums: Sums = vec![(0, 1.0)];
    let mut next: Sums = Vec::new();
    for &unit in units.iter().filter(|unit| **unit > 0) {
        next.clear();
        next.reserve(sums.len() * 2);
        let mut with = sums.iter().map(|(sum, share)| (sum + unit, share * 0.5)).peekable();
        let mut without = sums.iter().map(|(sum, share)| (*sum, share * 0.5)).peekable();
        loop {
            let (sum, share) = match (without.peek(), with.peek()) {
                (Some(a), Some(b)) if a.0 == b.0 => {
                    let both = (a.0, a.1 + b.1);
                    without.next();
                    with.next();
                    both
                }
                (Some(a), Some(b)) if a.0 > b.0 => with.next()?,
                (Some(_), _) => without.next()?,
                (None, Some(_)) => with.next()?,
                (None, None) => break,
            };
            if sum > enough {
                break;
            }
            next.push((sum, share));
        }
        if next.len() > limit {
            return None;
        }
        std::mem::swap(&mut sums, &mut next);
    }
    Some(sums)
}

/// Makes each share that of its sum and all smaller ones.
fn at_most(mut sums: Sums) -> Sums {
    let mut total = 0.0;
    for (_, share) in &mut sums {
        total += *share;
        *share = total;
    }
    sums
}

/// How often the sum is below a number.
fn share_below(at_most: &[(u64, f64)], number: u64) -> f64 {
    let below = at_most.partition_point(|(sum, _)| *sum < number);
    below.checked_sub(1).and_then(|last| at_most.get(last)).map_or(0.0, |(_, share)| *share)
}

/// Draws sets of votes, each vote by its voter's name.
fn by_samples(count: &Count<'_>, alike: &[(usize, u64)]) -> Vec<f64> {
    struct Drawn {
        choice: usize,
        units: u64,
        group: usize,
        seed: u64,
        bits: u64,
    }
    let mut drawn: Vec<Drawn> = count
        .ballots
        .iter()
        .map(|ballot| Drawn {
            choice: ballot.choice,
            units: ballot.units,
            group: alike.binary_search(&(ballot.choice, ballot.units)).unwrap_or(usize::MAX),
            seed: seed(&ballot.vote.agent),
            bits: 0,
        })
        .collect();
    let votes = u64::try_from(drawn.len()).unwrap_or(u64::MAX).max(1);
    let words = (MAX_DRAWS / 64 / votes).clamp(1, SAMPLE_WORDS);
    // How often a vote of the group decided, and in how many draws.
    let mut groups = vec![(0_u32, 0_u32); alike.len()];
    let mut sums = vec![0_u64; count.choices.len()];
    for word in 0..words {
        for vote in &mut drawn {
            vote.bits = scrambled(vote.seed.wrapping_add(word));
        }
        for sample in 0..u64::BITS {
            let is_in = |vote: &Drawn| vote.bits >> sample & 1 == 1;
            sums.fill(0);
            for vote in drawn.iter().filter(|vote| is_in(vote)) {
                if let Some(sum) = sums.get_mut(vote.choice) {
                    *sum += vote.units;
                }
            }
            let (most, second) = top_two(sums.iter().copied());
            for vote in &drawn {
                let all = sums.get(vote.choice).copied().unwrap_or(0);
                let best_other = if all == most { second } else { most };
                let without = if is_in(vote) { all.saturating_sub(vote.units) } else { all };
                let decides = count.wins(without + vote.units, best_other)
                    && !count.wins(without, best_other);
                if let Some((decided, draws)) = groups.get_mut(vote.group) {
                    *decided += u32::from(decides);
                    *draws += 1;
                }
            }
        }
    }
    groups.iter().map(|(decided, draws)| f64::from(*decided) / f64::from((*draws).max(1))).collect()
}

/// FNV-1a: the same on every machine and in every release.
fn seed(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// `SplitMix64`'s output function over its own sequence.
fn scrambled(state: u64) -> u64 {
    let mut bits = state.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}
