//! Ratings, added up so that averages are exact: how often each of the five was given.

/// How often a template was given each rating, 1 first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally(pub [u64; 5]);

/// The least ratings with which a template can be featured.
pub const LEAST_FEATURED: u64 = 3;
/// The least weighted rating, in thousandths, with which it can.
const LEAST_FEATURED_MILLI: u64 = 3_500;
/// What a template is taken to have been given beside its ratings: as many of the middle one.
const PRIOR_COUNT: u64 = 5;
const PRIOR_RATING: u64 = 3;

impl Tally {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.iter().fold(0, |sum, it| sum.saturating_add(*it))
    }

    /// All of them added up.
    pub fn sum(&self) -> u64 {
        let weighted =
            self.0.iter().zip(1_u64..).map(|(count, rating)| count.saturating_mul(rating));
        weighted.fold(0, u64::saturating_add)
    }

    /// The average, to two digits after the point; 0 when there is none.
    pub fn average(&self) -> f64 {
        let hundredths = match self.count() {
            0 => 0,
            count => (self.sum().saturating_mul(200) / count).div_ceil(2),
        };
        hundredths_as_float(hundredths)
    }

    /// The average in thousandths, rounded down; 0 when there is none.
    pub fn milli(&self) -> u64 {
        self.sum().saturating_mul(1_000).checked_div(self.count()).unwrap_or_default()
    }

    /// The average in thousandths as it is when few ratings say little: with five more in the
    /// middle (3). One single 5 comes to 3,333, and twenty of them to 4,600.
    pub fn weighted_milli(&self) -> u64 {
        let sum = self.sum().saturating_add(PRIOR_COUNT * PRIOR_RATING);
        sum.saturating_mul(1_000) / self.count().saturating_add(PRIOR_COUNT)
    }

    /// Whether it is good enough, by enough people, to be featured.
    pub fn is_featured(&self) -> bool {
        self.count() >= LEAST_FEATURED && self.weighted_milli() >= LEAST_FEATURED_MILLI
    }
}

#[expect(clippy::cast_precision_loss, reason = "an average is at most 500 hundredths")]
fn hundredths_as_float(hundredths: u64) -> f64 {
    hundredths as f64 / 100.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn averages_are_rounded_to_two_digits() {
        for (tally, average, milli) in [
            ([0, 0, 0, 0, 0], 0.0, 0),
            ([0, 0, 0, 0, 1], 5.0, 5_000),
            ([1, 0, 0, 0, 1], 3.0, 3_000),
            ([0, 0, 0, 1, 2], 4.67, 4_666),
            ([0, 0, 0, 2, 1], 4.33, 4_333),
            ([1, 0, 0, 7, 0], 3.63, 3_625),
        ] {
            assert_eq!(
                (Tally(tally).average(), Tally(tally).milli()),
                (average, milli),
                "{tally:?}"
            );
        }
    }

    #[test]
    fn few_ratings_say_little() {
        assert_eq!(Tally([0, 0, 0, 0, 1]).weighted_milli(), 3_333);
        assert_eq!(Tally([0, 0, 0, 0, 20]).weighted_milli(), 4_600);
        assert!(!Tally([0, 0, 0, 0, 2]).is_featured());
        assert!(Tally([0, 0, 0, 0, 3]).is_featured());
        assert!(!Tally([0, 0, 0, 3, 0]).is_featured());
        assert!(!Tally([3, 0, 0, 0, 3]).is_featured());
    }

    proptest! {
        #[test]
        fn an_average_is_between_the_least_and_the_most(tally in prop::array::uniform5(0_u64..1_000_000)) {
            let it = Tally(tally);
            prop_assume!(it.count() > 0);
            prop_assert!((1.0..=5.0).contains(&it.average()));
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let exact = it.sum() as f64 / it.count() as f64;
            prop_assert!((it.average() - exact).abs() <= 0.005_001);
        }
    }
}
