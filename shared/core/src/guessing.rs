//! Slowing down those who try credentials.
//!
//! Failures are counted by the address they come from and by the account they are for, in windows
//! of five minutes. Beyond the limit each further one doubles a time in which no credential of that
//! address, or no bad one for that account, is looked at. Source: seed 002 ("Security Metrics
//! Dashboard": more than five failures a minute per address).

use crate::time::Millis;

/// How long failures are counted together.
pub const WINDOW_MS: i64 = 5 * 60_000;
/// The longest wait.
const LONGEST_MS: i64 = WINDOW_MS;
/// The first one.
const FIRST_MS: i64 = 1_000;

/// The window that `now` is in.
pub const fn window(now: Millis) -> i64 {
    now.0.div_euclid(WINDOW_MS)
}

/// Until when nothing is looked at after `failures` of them in one window, of which `limit` are
/// free.
pub fn blocked_until(failures: u64, limit: u64, now: Millis) -> Option<Millis> {
    let beyond = failures.checked_sub(limit).filter(|&beyond| beyond > 0)?;
    let doublings = u32::try_from(beyond - 1).unwrap_or(u32::MAX);
    let wait = 1_i64.checked_shl(doublings.min(40)).unwrap_or(i64::MAX).saturating_mul(FIRST_MS);
    Some(now.plus(wait.min(LONGEST_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_beyond_the_limit_doubles_the_wait() {
        let now = Millis(1_700_000_000_000);
        let waits = |failures| blocked_until(failures, 20, now).map(|until| until.since(now));
        for (failures, wait) in [
            (0, None),
            (20, None),
            (21, Some(1_000)),
            (22, Some(2_000)),
            (25, Some(16_000)),
            (30, Some(300_000)),
            (90, Some(300_000)),
            (u64::MAX, Some(300_000)),
        ] {
            assert_eq!(waits(failures), wait, "{failures}");
        }
    }

    #[test]
    fn a_window_is_five_minutes() {
        assert_eq!(window(Millis(WINDOW_MS - 1)), 0);
        assert_eq!(window(Millis(WINDOW_MS)), 1);
    }
}
