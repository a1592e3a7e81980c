//! Latencies in a bounded number of buckets, each about a sixth wider than the one below it, so
//! that a percentile read off them is within 8 % of the true one whatever the latencies are (the
//! idea of `DDSketch`, with a fixed range because an attempt has a timeout).

/// How many buckets there are: from 1 ms to beyond a minute.
pub const BUCKETS: usize = 67;
/// How much wider each bucket is than the one below, in thousandths. The error of a bucket's
/// middle is (w - 1) / (w + 1): less than 8 %.
const WIDENING: u64 = 1_173;

/// The highest latency of each bucket, in milliseconds. What is higher than the last is in it.
const UPPER: [u64; BUCKETS] = upper_bounds();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which sees every index")]
const fn upper_bounds() -> [u64; BUCKETS] {
    let mut bounds = [1; BUCKETS];
    let mut at = 1;
    while at < BUCKETS {
        let below = bounds[at - 1];
        let wider = below * WIDENING / 1_000;
        // A bucket holds at least one whole millisecond.
        bounds[at] = if wider > below { wider } else { below + 1 };
        at += 1;
    }
    bounds
}

/// How many latencies fell into each bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    counts: [u64; BUCKETS],
}

impl Default for Sketch {
    fn default() -> Self {
        Self { counts: [0; BUCKETS] }
    }
}

impl Sketch {
    /// A sketch with these counts by bucket; a bucket beyond the last is the last.
    pub fn from_counts(counts: impl IntoIterator<Item = (usize, u64)>) -> Self {
        let mut sketch = Self::default();
        for (bucket, count) in counts {
            sketch.put(bucket, count);
        }
        sketch
    }

    /// Adds a latency. Less than a millisecond counts as one.
    pub fn add(&mut self, latency_ms: u64) {
        self.put(UPPER.partition_point(|upper| *upper < latency_ms), 1);
    }

    /// Adds another sketch.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count = count.saturating_add(more);
        }
    }

    /// The same latencies, each as if it had occurred this many times: the way to give sketches
    /// different weights in a sum.
    #[must_use]
    pub fn times(&self, weight: u64) -> Self {
        Self { counts: self.counts.map(|count| count.saturating_mul(weight)) }
    }

    /// How many latencies there are.
    pub fn total(&self) -> u64 {
        self.counts.iter().fold(0, |total, count| total.saturating_add(*count))
    }

    /// The buckets that hold something, with their counts.
    pub fn filled(&self) -> impl Iterator<Item = (usize, u64)> {
        self.counts.iter().copied().enumerate().filter(|(_, count)| *count > 0)
    }

    /// The latency in milliseconds that `percent` of a hundred do not exceed (the nearest rank),
    /// to within 8 % and rounded; `None` when there are none. 0 gives the lowest.
    pub fn percentile(&self, percent: u8) -> Option<u64> {
        let total = u128::from(self.total());
        let rank = (total * u128::from(percent)).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += u128::from(*count);
            seen >= rank
        })?;
        middle(bucket)
    }

    fn put(&mut self, bucket: usize, more: u64) {
        if let Some(count) = self.counts.get_mut(bucket.min(BUCKETS - 1)) {
            *count = count.saturating_add(more);
        }
    }
}

/// What stands for all latencies of a bucket: the harmonic mean of its ends, from which both are
/// equally far in proportion.
fn middle(bucket: usize) -> Option<u64> {
    let high = *UPPER.get(bucket)?;
    let low = bucket.checked_sub(1).and_then(|below| UPPER.get(below)).map_or(1, |below| below + 1);
    Some((2 * low * high + u64::midpoint(low, high)) / (low + high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(latencies: &[u64]) -> Sketch {
        let mut sketch = Sketch::default();
        for latency in latencies {
            sketch.add(*latency);
        }
        sketch
    }

    fn merged(one: &Sketch, other: &Sketch) -> Sketch {
        let mut both = one.clone();
        both.merge(other);
        both
    }

    /// Whether `found` is within 8 % of `exact`, but for its being rounded to a millisecond.
    fn is_near(found: u64, exact: u64) -> bool {
        found.abs_diff(exact) * 100 <= exact * 8 + 50
    }

    #[test]
    fn every_latency_of_the_range_is_found_again_within_8_percent() {
        assert!(UPPER.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(UPPER[BUCKETS - 2] < 60_000 && UPPER[BUCKETS - 1] >= 60_000);
        for latency in 1..=60_000 {
            let found = of(&[latency]).percentile(50).unwrap();
            assert!(is_near(found, latency), "{latency}: {found}");
        }
    }

    #[test]
    fn the_ends_of_the_range_and_no_latencies() {
        assert_eq!(Sketch::default().percentile(50), None);
        assert_eq!(of(&[0]), of(&[1]));
        assert_eq!(of(&[u64::MAX]), of(&[60_000]));
        assert_eq!(Sketch::from_counts([(BUCKETS + 5, 3)]).total(), 3);
        let two = of(&[1, 10_000]);
        assert_eq!(two.percentile(0), Some(1));
        assert_eq!(two.percentile(50), Some(1));
        assert!(is_near(two.percentile(51).unwrap(), 10_000));
        assert!(is_near(two.percentile(100).unwrap(), 10_000));
    }

    #[test]
    fn weights_shift_percentiles() {
        let (fast, slow) = (of(&[10]), of(&[1_000]));
        assert_eq!(merged(&fast.times(99), &slow).percentile(99), Some(10));
        assert!(merged(&fast, &slow.times(99)).percentile(2).unwrap() > 900);
        assert_eq!(merged(&fast, &slow.times(0)), fast);
        assert_eq!(of(&[7]).times(u64::MAX).times(2).total(), u64::MAX);
    }

    proptest! {
        #[test]
        fn a_percentile_is_within_8_percent_of_the_exact_one(
            mut latencies in prop::collection::vec(1_u64..60_000, 1..400),
            percent in 0_u8..=100,
        ) {
            let found = of(&latencies).percentile(percent).unwrap();
            latencies.sort_unstable();
            let rank = (latencies.len() * usize::from(percent)).div_ceil(100).max(1);
            prop_assert!(is_near(found, latencies[rank - 1]), "{found} for {}", latencies[rank - 1]);
        }

        #[test]
        fn merging_is_adding_in_any_order_and_grouping(
            one in prop::collection::vec(any::<u64>(), 0..50),
            two in prop::collection::vec(0_u64..70_000, 0..50),
            three in prop::collection::vec(0_u64..100, 0..50),
        ) {
            let (a, b, c) = (of(&one), of(&two), of(&three));
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &b), of(&[one, two].concat()));
        }

        #[test]
        fn what_is_filled_makes_the_sketch_again(latencies in prop::collection::vec(any::<u64>(), 0..300)) {
            let sketch = of(&latencies);
            prop_assert!(sketch.filled().count() <= BUCKETS);
            prop_assert_eq!(Sketch::from_counts(sketch.filled()), sketch);
        }
    }
}
