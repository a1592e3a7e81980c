mod naive;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fixtures::{agent, sure, vote, voted, weighed};

fn winner(count: &Count<'_>, outcome: &Outcome) -> Option<String> {
    outcome.winner.map(|winner| count.choices()[winner].to_owned())
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// Votes with weights and confidences, some of them equal, some of them none.
fn any_votes(voters: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Vec<Vote>> {
    let weight = prop_oneof![
        4 => Just(None),
        4 => proptest::sample::select(vec![0.0, 0.1, 0.2, 0.3, 0.5, 0.6, 1.0, 1.5, 2.0]).prop_map(Some),
        2 => (0.01_f64..5.0).prop_map(Some),
    ];
    let confidence = prop_oneof![Just(None), (0.0_f64..=1.0).prop_map(Some)];
    let one = (proptest::sample::select(vec!["A", "B", "C", "D"]), weight, confidence);
    proptest::collection::vec(one, voters).prop_map(|votes| {
        let all = votes.into_iter().enumerate();
        all.map(|(at, (choice, weight, confidence))| Vote {
            confidence,
            weight,
            ..vote(&format!("agent-{at:03}"), choice)
        })
        .collect()
    })
}

#[test]
fn weights_come_from_ratings_unless_given() {
    let weight = |elo: Option<f64>, calibration: Option<f64>| {
        weight_of_agent(&Agent { elo, calibration, ..agent("x") })
    };
    for (elo, calibration, expected) in [
        (None, None, 1.0),
        (Some(1000.0), None, 1.0),
        (Some(1500.0), None, 1.3),
        (Some(1250.0), None, 1.15),
        (Some(500.0), None, 0.7),
        (Some(0.0), None, 0.5),
        (Some(-1e300), None, 0.5),
        (Some(2666.0), None, 1.9996),
        (Some(3000.0), None, 2.0),
        (Some(f64::INFINITY), None, 2.0),
        (None, Some(0.5), 0.5),
        (Some(1500.0), Some(0.9), 1.17),
        (Some(f64::NAN), Some(f64::NAN), 1.0),
        (None, Some(-3.0), 0.0),
        (Some(3000.0), Some(f64::INFINITY), MAX_WEIGHT),
    ] {
        let weight = weight(elo, calibration);
        assert!(close(weight, expected), "{elo:?} {calibration:?}: {weight}");
    }

    let votes = [weighed("a", "X", 0.25), vote("b", "X"), vote("c", "X")];
    let agents = [
        Agent { elo: Some(1500.0), ..agent("a") },
        Agent { elo: Some(1500.0), ..agent("b") },
        agent("d"),
    ];
    let count = Count::new(&votes, &agents);
    let weights: Vec<f64> = count.ballots().iter().map(|ballot| ballot.weight).collect();
    assert_eq!(weights, [0.25, 1.3, 1.0]);
}

#[test]
fn the_greatest_sum_wins_and_equal_sums_tie() {
    for (votes, expected, strength) in [
        (vec![], None, 0.0),
        (vec![vote("a", "X")], Some("X"), 1.0),
        (vec![vote("a", "X"), vote("b", "Y")], None, 0.5),
        (vec![vote("a", "X"), vote("b", "Y"), vote("c", "X")], Some("X"), 2.0 / 3.0),
        (vec![weighed("a", "X", 0.1), weighed("b", "X", 0.2), weighed("c", "Y", 0.3)], None, 0.5),
        (vec![weighed("a", "X", 3.0), vote("b", "Y"), vote("c", "Y")], Some("X"), 0.6),
        (vec![weighed("a", "X", 0.0)], None, 0.0),
        (vec![weighed("a", "X", 0.0), vote("b", "Y")], Some("Y"), 1.0),
        // The mean is over those that carry a confidence.
        (
            vec![sure("a", "X", 0.8), vote("b", "X"), sure("c", "Y", 0.1)],
            Some("X"),
            2.0 / 3.0 * 0.8,
        ),
        (vec![sure("a", "X", 0.8), sure("b", "X", 0.4)], Some("X"), 0.6),
        // In a tie, that of the first.
        (vec![sure("a", "Y", 0.2), sure("b", "X", 0.8)], None, 0.4),
        (vec![sure("a", "X", 7.0)], Some("X"), 1.0),
        (vec![sure("a", "X", -7.0)], Some("X"), 0.0),
        (vec![sure("a", "X", f64::NAN)], Some("X"), 1.0),
        (vec![weighed("a", "X", 1e300), weighed("b", "Y", f64::INFINITY)], None, 0.5),
        (vec![weighed("a", "X", 5e-324), weighed("b", "X", 5e-324)], Some("X"), 1.0),
        (vec![weighed("a", "X", -1.0), weighed("b", "Y", f64::NAN)], Some("Y"), 1.0),
    ] {
        let count = Count::new(&votes, &[]);
        let outcome = count.outcome();
        assert_eq!(winner(&count, &outcome).as_deref(), expected, "{votes:?}");
        assert!(close(outcome.strength, strength), "{votes:?}: {}", outcome.strength);
    }
}

#[test]
fn ties_are_those_of_all_leaders() {
    let votes = [vote("a", "X"), vote("b", "Y"), vote("c", "Z"), vote("d", "Z"), vote("e", "X")];
    let count = Count::new(&votes, &[]);
    assert_eq!(count.outcome().tied, [0, 2]);
    assert!(count.outcome().margin.abs() < f64::EPSILON);
}

#[test]
fn margins_are_shares_of_the_whole_weight() {
    let votes = [weighed("a", "X", 3.0), vote("b", "Y"), vote("c", "Z"), weighed("d", "Z", 0.5)];
    let count = Count::new(&votes, &[]);
    assert!(close(count.outcome().margin, 1.5 / 5.5));
    assert_eq!(count.runner_up(0), Some(2));
}

#[test]
fn the_runner_up_among_equals_is_the_first_by_name() {
    let votes = [vote("a", "Z"), vote("b", "Z"), vote("c", "Y"), vote("d", "X")];
    let count = Count::new(&votes, &[]);
    assert_eq!(count.runner_up(2), Some(0));
    let alone = [vote("a", "Z")];
    assert_eq!(Count::new(&alone, &[]).runner_up(0), None);
}

#[test]
fn two_to_one_is_a_half_each_and_a_quarter() {
    let votes = [vote("a", "X"), vote("b", "X"), vote("c", "Y")];
    let influences = Count::new(&votes, &[]).influences();
    assert_eq!(influences, Influences { of_ballots: vec![0.5, 0.5, 0.25], sampled: false });
}

#[test]
fn influence_is_exact_for_hundreds_of_equal_votes() {
    // P(Binomial(199, 1/2) = 99) and its like, by logarithms of factorials.
    let votes: Vec<Vote> =
        (0..200).map(|at| vote(&format!("agent-{at}"), if at < 110 { "X" } else { "Y" })).collect();
    let influences = Count::new(&votes, &[]).influences();
    assert!(!influences.sampled);
    let ln_factorial = |n: u32| (1..=n).map(|each| f64::from(each).ln()).sum::<f64>();
    let binomial = |n: u32, k: u32| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
    // A set decides when it holds as many for X as for Y: by Vandermonde, C(199, 90) of 2^199.
    let expected = (binomial(199, 90) - 199.0 * 2.0_f64.ln()).exp();
    let (at, of_x) = influences
        .of_ballots
        .iter()
        .enumerate()
        .find(|(at, _)| votes[*at].choice == "X")
        .expect("somebody is for X");
    assert!((of_x - expected).abs() < 1e-12, "{at}: {of_x}, not {expected}");
}

#[test]
fn many_different_votes_are_sampled_closely() {
    let votes: Vec<Vote> = (0..30)
        .map(|at: u32| {
            let weight = 1.0 + f64::from(at * at + 2).sqrt().fract();
            weighed(&format!("agent-{at:02}"), if at.is_multiple_of(2) { "X" } else { "Y" }, weight)
        })
        .collect();
    let count = Count::new(&votes, &[]);
    let influences = count.influences();
    assert!(influences.sampled);
    let exact = naive::two_sided_influences(&votes);
    for (at, (sampled, exact)) in influences.of_ballots.iter().zip(exact).enumerate() {
        // Five standard deviations of 4,096 draws.
        assert!((sampled - exact).abs() < 0.04, "{at}: {sampled} and {exact}");
    }
    let mut shuffled = votes.clone();
    shuffled.reverse();
    shuffled.swap(3, 17);
    assert_eq!(Count::new(&shuffled, &[]).influences(), influences);
}

#[test]
fn thousands_of_votes_are_counted() {
    let votes: Vec<Vote> = (0..20_000)
        .map(|at: u32| weighed(&at.to_string(), ["X", "Y", "Z"][at as usize % 3], f64::from(at)))
        .collect();
    let count = Count::new(&votes, &[]);
    let influences = count.influences();
    assert!(influences.sampled);
    assert!(influences.of_ballots.iter().all(|it| (0.0..=1.0).contains(it)));
    assert!(count.smallest_deciding_set().is_some());
}

#[test]
fn deciding_sets_are_the_fewest_and_then_the_first_by_name() {
    for (votes, expected) in [
        (vec![], None),
        (vec![weighed("a", "X", 0.0)], None),
        (vec![vote("b", "X"), vote("a", "X")], Some(vec!["a", "b"])),
        (vec![vote("a", "X"), vote("b", "X"), vote("c", "Y")], Some(vec!["a"])),
        // The heavier one is needed, whatever its name.
        (vec![vote("a", "X"), weighed("z", "X", 2.0), vote("c", "Y")], Some(vec!["z"])),
        (vec![vote("c", "Y"), vote("b", "X")], Some(vec!["b"])),
        (vec![vote("a", "X"), vote("b", "Y"), vote("c", "Z")], Some(vec!["a", "b"])),
        (vec![vote("a", "X"), vote("b", "X"), vote("c", "Y"), vote("d", "Y")], Some(vec!["a"])),
    ] {
        let debate = voted(votes);
        let set = Count::of(&debate).smallest_deciding_set();
        assert_eq!(set, expected, "{:?}", debate.votes);
    }
}

#[test]
fn more_voters_than_are_tried_by_name_still_give_the_fewest() {
    let votes: Vec<Vote> = (0..1_500)
        .map(|at| weighed(&format!("{at:04}"), "X", if at < 1_400 { 1.0 } else { 10.0 }))
        .chain([weighed("rival", "Y", 1_500.0)])
        .collect();
    let set = Count::new(&votes, &[]).smallest_deciding_set().expect("X can lose");
    // 900 of 2,400 are to go: 90 heavy ones.
    assert_eq!(set.len(), 90);
}

proptest! {
    #[test]
    fn outcomes_are_those_of_a_naive_count(votes in any_votes(0..=12)) {
        let count = Count::new(&votes, &[]);
        let outcome = count.outcome();
        prop_assert_eq!(winner(&count, &outcome), naive::winner(&votes));
        prop_assert!((0.0..=1.0).contains(&outcome.strength));
        prop_assert!((0.0..=1.0).contains(&outcome.margin));
        if outcome.winner.is_some() {
            prop_assert!(close(outcome.strength, naive::strength(&votes)));
        }
        prop_assert!(outcome.tied.is_empty() || outcome.tied.len() > 1);
    }

    #[test]
    fn recounts_are_those_of_a_naive_count(votes in any_votes(1..=9)) {
        let count = Count::new(&votes, &[]);
        for at in 0..votes.len() {
            let mut fewer = votes.clone();
            fewer.remove(at);
            let without = count.without(at);
            prop_assert_eq!(winner(&count, &without), naive::winner(&fewer));
            if without.winner.is_some() {
                prop_assert!(close(without.strength, naive::strength(&fewer)));
            }
            for (place, choice) in count.choices().iter().enumerate() {
                let mut moved = votes.clone();
                moved[at].choice = (*choice).to_owned();
                prop_assert_eq!(winner(&count, &count.moved(at, place)), naive::winner(&moved));
            }
        }
        let mut unsure = votes.clone();
        for vote in &mut unsure {
            vote.confidence = None;
        }
        let outcome = count.ignoring_confidence();
        prop_assert_eq!(winner(&count, &outcome), naive::winner(&unsure));
        if outcome.winner.is_some() {
            prop_assert!(close(outcome.strength, naive::strength(&unsure)));
        }
        let mut alike = votes.clone();
        for vote in &mut alike {
            vote.weight = None;
        }
        let outcome = count.ignoring_weights();
        prop_assert_eq!(winner(&count, &outcome), naive::winner(&alike));
        if outcome.winner.is_some() {
            prop_assert!(close(outcome.strength, naive::strength(&alike)));
        }
    }

    #[test]
    fn influences_are_those_of_all_sets(votes in any_votes(1..=10)) {
        let influences = Count::new(&votes, &[]).influences();
        prop_assert!(!influences.sampled);
        // To the last digit: they are multiples of 2^-15.
        prop_assert_eq!(influences.of_ballots, naive::influences(&votes));
    }

    #[test]
    fn deciding_sets_are_those_of_all_sets(votes in any_votes(1..=9)) {
        let count = Count::new(&votes, &[]);
        let set = count.smallest_deciding_set();
        prop_assert_eq!(set, naive::smallest_deciding_set(&votes));
    }

    #[test]
    fn the_order_of_votes_changes_nothing(
        (votes, shuffled) in any_votes(0..=24)
            .prop_flat_map(|votes| (Just(votes.clone()), Just(votes).prop_shuffle()))
    ) {
        let (count, other) = (Count::new(&votes, &[]), Count::new(&shuffled, &[]));
        prop_assert_eq!(count.outcome(), other.outcome());
        prop_assert_eq!(count.influences(), other.influences());
        prop_assert_eq!(count.smallest_deciding_set(), other.smallest_deciding_set());
        prop_assert_eq!(count.mean_weight().to_bits(), other.mean_weight().to_bits());
    }

    #[test]
    fn any_numbers_give_fractions(
        votes in proptest::collection::vec(
            ("[a-c]{0,2}", "[A-C]?", proptest::option::of(any::<f64>()), proptest::option::of(any::<f64>())),
            0..20,
        )
    ) {
        let votes: Vec<Vote> = votes
            .into_iter()
            .map(|(agent, choice, weight, confidence)| Vote {
                confidence, weight, ..vote(&agent, &choice)
            })
            .collect();
        let count = Count::new(&votes, &[]);
        let outcome = count.outcome();
        prop_assert!((0.0..=1.0).contains(&outcome.strength));
        prop_assert!((0.0..=1.0).contains(&outcome.margin));
        prop_assert!(count.mean_weight().is_finite());
        prop_assert!(count.influences().of_ballots.iter().all(|it| (0.0..=1.0).contains(it)));
        let names: BTreeMap<&str, usize> = count.choices().iter().map(|it| (*it, 1)).collect();
        prop_assert_eq!(names.len(), count.choices().len());
    }
}
