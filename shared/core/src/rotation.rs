//! Which of a webhook's secrets are good, and what a rotation does to them.
//!
//! The newest secret is good until it is replaced; what it replaced stays good for a while, so that
//! a receiver has time to change over. Source: `webhook-delivery.md`, Headers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::time::Millis;

/// The most secrets of a webhook that are good at a time, the newest included.
pub const MAX_LIVE: usize = 10;
/// Seconds that a replaced secret stays good when the caller does not say: 24 hours.
pub const DEFAULT_GRACE_SECONDS: u32 = 86_400;
/// The most seconds that a replaced secret stays good: 7 days.
pub const MAX_GRACE_SECONDS: u32 = 604_800;

/// A secret that was replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OldSecret {
    /// The secret, as an encryption envelope.
    pub secret: Value,
    /// Deliveries are signed with it before this time.
    pub valid_until: Millis,
}

/// There are [`MAX_LIVE`] good secrets already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("there are {MAX_LIVE} live secrets already")]
pub struct TooManySecrets {
    /// When the first of them ends.
    pub until: Millis,
}

/// Those of the replaced secrets that are good at `now`, the newest first.
pub fn live(old: &[OldSecret], now: Millis) -> impl Iterator<Item = &OldSecret> {
    old.iter().filter(move |it| it.valid_until > now)
}

/// The replaced secrets after `current` is replaced as well, the newest first. Earlier ones keep
/// their time; without a grace all of them end at once.
///
/// # Errors
/// When there would be more than [`MAX_LIVE`] with the one that comes in.
pub fn rotated(
    current: Value,
    old: &[OldSecret],
    grace_seconds: u32,
    now: Millis,
) -> Result<Vec<OldSecret>, TooManySecrets> {
    if grace_seconds == 0 {
        return Ok(vec![]);
    }
    let valid_until = now.plus(i64::from(grace_seconds) * 1_000);
    let mut after = vec![OldSecret { secret: current, valid_until }];
    after.extend(live(old, now).cloned());
    if after.len() < MAX_LIVE {
        return Ok(after);
    }
    let until = live(old, now).map(|it| it.valid_until).min().unwrap_or(valid_until);
    Err(TooManySecrets { until })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn old(ends: &[i64]) -> Vec<OldSecret> {
        let each = |end: &i64| OldSecret { secret: (*end).into(), valid_until: NOW.plus(*end) };
        ends.iter().map(each).collect()
    }

    fn ends(old: &[OldSecret]) -> Vec<i64> {
        old.iter().map(|it| it.valid_until.since(NOW)).collect()
    }

    #[test]
    fn each_keeps_its_own_time_and_what_ended_is_dropped() {
        for (before, grace, after) in [
            (&[][..], 60, Some(vec![60_000])),
            (&[5_000], 60, Some(vec![60_000, 5_000])),
            (&[90_000, 1, 0, -1], 60, Some(vec![60_000, 90_000, 1])),
            (&[90_000, 5_000], 0, Some(vec![])),
            (&[1; 8], 60, Some([vec![60_000], vec![1; 8]].concat())),
            (&[1; 9], 60, None),
            (&[1; 9], 0, Some(vec![])),
            (&[1, 1, 1, 1, 0, 1, 1, 1, 1], 60, Some([vec![60_000], vec![1; 8]].concat())),
        ] {
            let rotated = rotated("current".into(), &old(before), grace, NOW);
            assert_eq!(rotated.ok().map(|it| ends(&it)), after, "{before:?} {grace}");
        }
    }

    #[test]
    fn the_refusal_says_when_there_is_room_again() {
        let refused = rotated("current".into(), &old(&[9, 8, 7, 3, 6, 5, 4, 9, 9]), 60, NOW);
        assert_eq!(refused, Err(TooManySecrets { until: NOW.plus(3) }));
    }

    proptest! {
        #[test]
        fn there_are_never_more_than_ten(steps in prop::collection::vec((0_u32..=5, 0_i64..3_000), 0..60)) {
            let (mut kept, mut now) = (Vec::new(), NOW);
            for (grace, wait) in steps {
                now = now.plus(wait);
                if let Ok(after) = rotated("current".into(), &kept, grace, now) {
                    kept = after;
                }
                prop_assert!(live(&kept, now).count() < MAX_LIVE);
                prop_assert!(kept.len() < MAX_LIVE);
            }
        }
    }
}
