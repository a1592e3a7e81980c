//! Counting, and putting together what was counted.

use proptest::prelude::*;

use super::*;
use crate::time::Millis;

/// 2026-11-21T15:30:00Z
const NOW: Millis = Millis(1_795_275_000_000);

fn tally(attempts: &[(bool, u64)], ends: &[Status]) -> Tally {
    let mut tally = Tally::default();
    for (succeeded, latency) in attempts {
        tally.attempt(*succeeded, *latency);
    }
    for status in ends {
        tally.ended(*status);
    }
    tally
}

fn counts(delivered: u64, dead_lettered: u64, failed_attempts: u64) -> Counts {
    Counts { delivered, dead_lettered, failed_attempts }
}

#[test]
fn a_tally_counts_attempts_and_ends() {
    use Status::{DeadLettered, Delivered, InProgress, Pending, Retrying};
    let tally = tally(
        &[(true, 10), (false, 30), (false, 20)],
        &[Delivered, Retrying, DeadLettered, DeadLettered, Pending, InProgress],
    );
    assert_eq!(tally.counts, counts(1, 2, 2));
    assert_eq!((tally.attempts(), tally.succeeded_attempts(), tally.retried), (3, 1, 1));
    assert_eq!(tally.success_rate(), Some(33.333_333));
    assert_eq!(tally.counts.delivery_rate(), Some(33.333_333));
    assert_eq!(tally.average_latency_ms(), Some(20));
    assert!(!tally.is_empty());
}

#[test]
fn nothing_has_no_rates() {
    let nothing = tally(&[], &[Status::Pending]);
    assert!(nothing.is_empty());
    assert_eq!((nothing.success_rate(), nothing.average_latency_ms()), (None, None));
    assert_eq!((nothing.counts.delivery_rate(), nothing.counts.success_rate()), (None, None));
}

#[test]
fn only_all_of_them_are_a_hundred_percent() {
    assert_eq!(percent(3, 3), Some(100.0));
    assert!(percent(u64::MAX - 1, u64::MAX).unwrap() < 100.0);
    assert_eq!(percent(0, 7), Some(0.0));
    assert_eq!(percent(0, 0), None);
}

#[test]
fn days_are_in_utc() {
    let day = UtcDay::of(NOW);
    assert_eq!(day.to_string(), "2026-11-21");
    assert_eq!(UtcDay::parse("2026-11-21"), Some(day));
    assert_eq!(UtcDay::parse("2026-11-31"), None);
    assert_eq!(day.plus(-21).to_string(), "2026-10-31");
    assert_eq!(UtcDay::of(day.start()), day);
    assert_eq!(UtcDay::of(day.start().plus(-1)), day.plus(-1));
    assert_eq!((hour_of(NOW), hour_of(day.start()), hour_of(day.start().plus(-1))), (15, 0, 23));
}

/// A day whose every hour has one delivery more than the hour before, from `first` on.
fn rising(first: u64) -> DayStats {
    let mut day = DayStats::default();
    for (hour, delivered) in day.hours.iter_mut().zip(first..) {
        hour.delivered = delivered;
    }
    day
}

#[test]
fn the_window_is_the_running_hour_and_the_23_before_it() {
    for (hour, expected) in [
        // Of a day of 1 to 24 before a day of 101 to 124: the last 24 hours up to `hour`.
        (0, (2..=24).sum::<u64>() + 101),
        (15, (17..=24).sum::<u64>() + (101..=116).sum::<u64>()),
        (23, (101..=124).sum::<u64>()),
    ] {
        let now = UtcDay::of(NOW).start().plus(hour * 3_600_000 + 60_000);
        let mut today = rising(101);
        let later = usize::try_from(hour).unwrap() + 1;
        for hour in today.hours.iter_mut().skip(later) {
            *hour = Counts::default();
        }
        assert_eq!(Window::of(&today, &rising(1), now).counts, counts(expected, 0, 0), "{hour}");
        assert_eq!(Window::start(now), now.plus(-60_000 - 23 * 3_600_000));
    }
}

#[test]
fn yesterdays_latencies_weigh_as_many_attempts_as_are_in_the_window() {
    let day = |hour: usize, delivered: u64, latency: u64| {
        let mut day = DayStats::default();
        day.hours[hour].delivered = delivered;
        day.latencies = Sketch::default();
        for _ in 0..delivered {
            day.latencies.add(latency);
        }
        day
    };
    // Before the window: forgotten. Inside it: they count fully.
    let fast = day(15, 10, 10);
    assert_eq!(Window::of(&fast, &day(15, 90, 1_000), NOW).latencies.percentile(99), Some(10));
    let slow = Window::of(&fast, &day(16, 90, 1_000), NOW).latencies;
    assert_eq!(slow.percentile(10), Some(10));
    assert!(slow.percentile(11).unwrap() > 900);
    // A tenth of yesterday is inside: a tenth of its latencies' weight.
    let mut mixed = day(15, 90, 1_000);
    mixed.hours[15].delivered = 81;
    mixed.hours[16].failed_attempts = 9;
    let mixed = Window::of(&day(15, 9, 10), &mixed, NOW).latencies;
    assert_eq!(mixed.percentile(50), Some(10));
    assert!(mixed.percentile(51).unwrap() > 900);
    assert_eq!(Window::of(&fast, &DayStats::default(), NOW).latencies, fast.latencies);
}

fn any_tally() -> impl Strategy<Value = Tally> {
    let attempts = prop::collection::vec((any::<bool>(), 0_u64..100_000), 0..20);
    let status = prop::sample::select(vec![
        Status::Delivered,
        Status::DeadLettered,
        Status::Retrying,
        Status::InProgress,
    ]);
    (attempts, prop::collection::vec(status, 0..20))
        .prop_map(|(attempts, ends)| tally(&attempts, &ends))
}

proptest! {
    #[test]
    fn tallies_add_up_in_any_order(one in any_tally(), other in any_tally(), third in any_tally()) {
        let sum = |tallies: [&Tally; 3]| {
            tallies.into_iter().fold(Tally::default(), |mut total, tally| {
                total.merge(tally);
                total
            })
        };
        prop_assert_eq!(sum([&one, &other, &third]), sum([&third, &one, &other]));
        prop_assert_eq!(
            sum([&one, &other, &third]).attempts(),
            one.attempts() + other.attempts() + third.attempts()
        );
    }

    #[test]
    fn a_sum_of_days_is_the_sum_of_their_totals(hours in prop::collection::vec((0_usize..24, 0_u64..9, 0_u64..9), 0..20)) {
        let mut sum_of_days = DayStats::default();
        let mut sum_of_totals = Tally::default();
        for (hour, delivered, failed) in hours {
            let mut day = DayStats { retried: failed, ..DayStats::default() };
            day.hours[hour] = counts(delivered, failed, failed);
            day.latencies.add(delivered * 100);
            day.latency_sum_ms = delivered * 100;
            sum_of_days.merge(&day);
            sum_of_totals.merge(&day.total());
        }
        prop_assert_eq!(sum_of_days.total(), sum_of_totals);
    }
}
