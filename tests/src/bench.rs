//! The figures of `make bench`: what a delivery costs, how a function starts, how large it is.
//!
//! Nothing here is asserted: the table is for people, and `bench.json` for whoever compares runs.

pub mod deliveries;
pub mod prices;
pub mod report;
pub mod sizes;
pub mod spent;
pub mod start;

/// The middle of some figures; the mean of the two middle ones when their count is even.
///
/// # Panics
/// When there are none.
pub fn median(figures: &[f64]) -> f64 {
    assert!(!figures.is_empty(), "no figures");
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_in_the_middle() {
        assert!((super::median(&[3.0, 1.0, 100.0]) - 3.0).abs() < f64::EPSILON);
        assert!((super::median(&[4.0, 1.0, 2.0, 100.0]) - 3.0).abs() < f64::EPSILON);
    }
}
