//! How many invocations of the deliver worker one organisation may occupy.
//!
//! The queues are fair in what they hand out, but an invocation that waits for a receiver that
//! hangs is occupied for the whole timeout, and there are only so many. So an organisation may
//! occupy four fifths of them; what is left is for the others. For endpoints that never answered,
//! or failed last, it is given three at first, since an event source mapping begins with few and a
//! receiver that hangs could take all of them before anybody knows; and they have to wait longer
//! while a fifth of all, or three, do not get on. While all of them do get on, there will be room in
//! a moment: whoever asks may wait for it where it is, and need not go back to the queue.
//!
//! Who began first goes first: were everybody counted who asks, of many who ask at once nobody
//! would find room.

use crate::time::Millis;

/// From this age on an invocation counts as not getting on.
const SLOW_MS: i64 = 2_000;
/// The wait when an organisation's receivers are slow: at least, and as much again at most.
const SLOW_WAIT_MS: i64 = 20_000;
/// The wait when there are merely many.
const BUSY_WAIT_MS: i64 = 1_000;
/// Invocations for endpoints that have not shown yet that they answer.
const UNPROVEN: usize = 3;

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowded {
    /// When to ask again.
    pub until: Millis,
    /// Whether all invocations get on, so that it is worth while to wait for one to end.
    pub is_moving: bool,
}

/// Whether an organisation's deliveries have to wait; `None` when there is room. `ahead` has the
/// beginnings of the invocations it occupies at `now` that began before the asking one; `maximum` is
/// how many there can be in all; `proven` says that the endpoints answered 2xx when they were last
/// sent anything; `draw` (0 to 1) spreads what waits.
pub fn crowded(
    ahead: &[Millis],
    maximum: u32,
    proven: bool,
    now: Millis,
    draw: f64,
) -> Option<Crowded> {
    let maximum = usize::try_from(maximum).unwrap_or(usize::MAX);
    let most = (maximum.saturating_mul(4) / 5).max(1);
    let room = if proven { most } else { most.min(UNPROVEN) };
    let slow = ahead.iter().filter(|at| now.since(**at) >= SLOW_MS).count();
    let wait = if !proven && slow >= (maximum / 5).max(UNPROVEN) {
        SLOW_WAIT_MS
    } else if ahead.len() >= room {
        BUSY_WAIT_MS
    } else {
        return None;
    };
    let until = now.plus(wait + super::circuit::share(wait, draw));
    Some(Crowded { until, is_moving: slow == 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn asked(slow: usize, young: usize, maximum: u32, proven: bool) -> Option<i64> {
        let ahead: Vec<_> = std::iter::repeat_n(NOW.plus(-SLOW_MS), slow)
            .chain(std::iter::repeat_n(NOW, young))
            .collect();
        let crowded = crowded(&ahead, maximum, proven, NOW, 0.5)?;
        assert_eq!(crowded.is_moving, slow == 0);
        Some(crowded.until.since(NOW))
    }

    #[test]
    fn four_fifths_may_be_taken() {
        for (slow, young, maximum, held) in [
            (0, 0, 50, None),
            (10, 29, 50, None),
            (0, 40, 50, Some(1_500)),
            (20, 20, 50, Some(1_500)),
            (0, 0, 2, None),
            (0, 1, 2, Some(1_500)),
        ] {
            let got = asked(slow, young, maximum, true);
            assert_eq!(got, held, "{slow} slow, {young} young");
        }
    }

    #[test]
    fn who_has_not_answered_yet_waits_longer_beside_the_slow() {
        for (slow, maximum, held) in
            [(2, 8, None), (3, 8, Some(30_000)), (9, 50, Some(1_500)), (10, 50, Some(30_000))]
        {
            assert_eq!(asked(slow, 0, maximum, false), held, "{slow} slow of {maximum}");
        }
    }

    #[test]
    fn who_has_not_answered_yet_gets_three() {
        for (young, maximum, held) in
            [(2, 50, None), (3, 50, Some(1_500)), (0, 2, None), (1, 2, Some(1_500))]
        {
            assert_eq!(asked(0, young, maximum, false), held, "{young} of {maximum}");
        }
    }
}
