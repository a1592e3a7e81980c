//! The one order of a set of events.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::StreamEvent;
use crate::moment;

struct Placed<'e> {
    event: &'e StreamEvent,
    instant: Option<i128>,
    /// The number at the end of its id, if ids are numbered.
    number: Option<u64>,
}

/// The events without repeats, in their order.
pub(super) fn ordered(events: &[StreamEvent]) -> Vec<&StreamEvent> {
    let mut placed: Vec<_> = distinct(events)
        .into_iter()
        .map(|event| {
            let instant = event.timestamp.as_deref().and_then(moment::instant);
            Placed { event, instant, number: None }
        })
        .collect();
    number(&mut placed);
    let (mut by_seq, others): (Vec<_>, Vec<_>) =
        placed.into_iter().partition(|one| one.event.seq.is_some());
    let (mut by_time, mut by_arrival): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|one| one.instant.is_some());
    by_seq.sort_by(|one, other| one.event.seq.cmp(&other.event.seq).then_with(|| tie(one, other)));
    by_time.sort_by(tie);
    by_arrival.sort_by(|one, other| arrival(one.event, other.event));

    // The time of an event with a number is the latest so far: a clock that runs behind must not
    // put it before its number.
    let numbered = with_latest(by_seq, i128::MIN, |one| one.instant);
    let timed = by_time.into_iter().map(|one| (one.instant.unwrap_or(i128::MIN), one)).collect();
    let known = merge(numbered, timed);
    let known = with_latest(known, 0, |one| Some(one.event.arrived));
    let rest = by_arrival.into_iter().map(|one| (one.event.arrived, one)).collect();
    merge(known, rest).into_iter().map(|one| one.event).collect()
}

/// The first arrival of each event.
fn distinct(events: &[StreamEvent]) -> Vec<&StreamEvent> {
    let mut all: Vec<&StreamEvent> = events.iter().collect();
    all.sort_by(|one, other| arrival(one, other));
    let mut seen = HashSet::new();
    all.retain(|event| {
        let identities = event.identities();
        let is_new = identities.iter().all(|identity| !seen.contains(identity));
        if is_new {
            seen.extend(identities);
        }
        is_new
    });
    all
}

fn arrival(one: &StreamEvent, other: &StreamEvent) -> Ordering {
    one.arrived.cmp(&other.arrived).then_with(|| one.digest().cmp(&other.digest()))
}

fn tie(one: &Placed<'_>, other: &Placed<'_>) -> Ordering {
    one.instant
        .cmp(&other.instant)
        .then_with(|| one.number.cmp(&other.number))
        .then_with(|| arrival(one.event, other.event))
}

/// Numbers events by the digits at the end of their ids, if all ids of those without a `seq` are
/// the same before them: `run-7-e0001`, `run-7-e0002`.
fn number(placed: &mut [Placed<'_>]) {
    let mut common: Option<&str> = None;
    let mut numbers = Vec::new();
    for one in placed.iter().filter(|one| one.event.seq.is_none()) {
        let Some(id) = one.event.event_id.as_deref() else { return };
        let start = id.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = id.get(start.len()..).unwrap_or_default();
        let Ok(number) = digits.parse::<u64>() else { return };
        if *common.get_or_insert(start) != start {
            return;
        }
        numbers.push(number);
    }
    let unnumbered = placed.iter_mut().filter(|one| one.event.seq.is_none());
    for (one, number) in unnumbered.zip(numbers) {
        one.number = Some(number);
    }
}

/// Each with the greatest value so far.
fn with_latest<'e, K: Ord + Copy>(
    list: Vec<Placed<'e>>,
    least: K,
    of: impl Fn(&Placed<'e>) -> Option<K>,
) -> Vec<(K, Placed<'e>)> {
    let mut latest = least;
    list.into_iter()
        .map(|one| {
            latest = of(&one).map_or(latest, |value| value.max(latest));
            (latest, one)
        })
        .collect()
}

/// Two lists in the order of their keys as one; of equal keys the first list's go first.
fn merge<'e, K: Ord>(first: Vec<(K, Placed<'e>)>, second: Vec<(K, Placed<'e>)>) -> Vec<Placed<'e>> {
    let mut all = Vec::with_capacity(first.len() + second.len());
    let mut rest = second.into_iter().peekable();
    for (key, one) in first {
        while let Some((_, earlier)) = rest.next_if(|(other, _)| *other < key) {
            all.push(earlier);
        }
        all.push(one);
    }
    all.extend(rest.map(|(_, one)| one));
    all
}
