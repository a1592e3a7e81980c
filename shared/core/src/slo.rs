//! The objective that deliveries are held to, and how the last 24 hours compare with it.
//!
//! The seeds name a dashboard of objectives (`slo-tracking.json`) and no figures; these are ours.

use crate::stats::{Window, percent};

/// Deliveries of a thousand that are to be delivered rather than given up.
pub const DELIVERED_PER_MILLE: u64 = 999;
/// The percentile of attempts' latencies that [`LATENCY_MS`] is for.
pub const LATENCY_PERCENTILE: u8 = 95;
/// How long that attempt may take, in milliseconds.
pub const LATENCY_MS: u64 = 5_000;

/// Whether the objective is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Both parts of it are.
    Met,
    /// One of them is not.
    Breached,
    /// Nothing was delivered or given up, and nothing tried.
    NoData,
}

/// What the objective says of a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Assessment {
    /// Whether it is met.
    pub standing: Standing,
    /// Whether enough deliveries were delivered. True when none ended.
    pub delivery_met: bool,
    /// Whether attempts were fast enough, as far as the sketch can tell (8 %). True when there
    /// were none.
    pub latency_met: bool,
    /// The share, 0 to 1, of the dead letters the objective admits that is still to be spent.
    pub error_budget_remaining: f64,
}

impl Standing {
    /// The name used in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Breached => "breached",
            Self::NoData => "no_data",
        }
    }
}

/// The objective for deliveries in percent.
pub fn delivery_objective() -> f64 {
    percent(DELIVERED_PER_MILLE, 1_000).unwrap_or_default()
}

/// Compares a window with the objective.
pub fn assess(window: &Window) -> Assessment {
    let counts = &window.counts;
    // Both in thousandths of a delivery.
    let admitted = counts.ended().saturating_mul(1_000 - DELIVERED_PER_MILLE);
    let spent = counts.dead_lettered.saturating_mul(1_000);
    let delivery_met = spent <= admitted;
    let slow = window.latencies.percentile(LATENCY_PERCENTILE);
    let latency_met = slow.is_none_or(|latency| latency <= LATENCY_MS);
    let standing = match (delivery_met, latency_met) {
        (true, true) if counts.ended() == 0 && slow.is_none() => Standing::NoData,
        (true, true) => Standing::Met,
        _ => Standing::Breached,
    };
    let left = percent(admitted.saturating_sub(spent), admitted).unwrap_or(100.0);
    Assessment { standing, delivery_met, latency_met, error_budget_remaining: left / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{Counts, Sketch};

    fn window(delivered: u64, dead_lettered: u64, latencies: &[(u64, u64)]) -> Window {
        let mut sketch = Sketch::default();
        for (latency, times) in latencies {
            let mut one = Sketch::default();
            one.add(*latency);
            sketch.merge(&one.times(*times));
        }
        let counts = Counts { delivered, dead_lettered, failed_attempts: 0 };
        Window { counts, latencies: sketch }
    }

    #[test]
    fn both_parts_must_be_met() {
        use Standing::{Breached, Met, NoData};
        for (delivered, dead, latencies, standing, budget) in [
            (0, 0, &[][..], NoData, 1.0),
            (1, 0, &[(20, 1)][..], Met, 1.0),
            (999, 1, &[(20, 1_000)][..], Met, 0.0),
            (1_998, 1, &[(20, 1)][..], Met, 0.499_749),
            (998, 1, &[(20, 1)][..], Breached, 0.0),
            (0, 1, &[][..], Breached, 0.0),
            (100, 0, &[(20, 95), (20_000, 5)][..], Met, 1.0),
            (100, 0, &[(20, 94), (20_000, 6)][..], Breached, 1.0),
            // Attempts that all still wait for their retry.
            (0, 0, &[(20, 3)][..], Met, 1.0),
            (0, 0, &[(20_000, 3)][..], Breached, 1.0),
        ] {
            let assessed = assess(&window(delivered, dead, latencies));
            assert_eq!(assessed.standing, standing, "{delivered} {dead} {latencies:?}");
            let off = (assessed.error_budget_remaining - budget).abs();
            assert!(off < 1e-5, "{delivered} {dead}: {}", assessed.error_budget_remaining);
            assert_eq!(assessed.delivery_met && assessed.latency_met, standing != Breached);
        }
    }

    #[test]
    fn the_objective_in_percent() {
        assert!((delivery_objective() - 99.9).abs() < 1e-9);
    }
}
