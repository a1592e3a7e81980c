//! Sessions: which refresh token of a family is good.
//!
//! Each use of a refresh token replaces it. A token that was replaced and turns up again was
//! copied: nobody can tell who is the thief, so the whole session ends (RFC 9700, 4.14.2). A client
//! whose answer was lost may ask again for a moment.

use serde::{Deserialize, Serialize};

use crate::time::Millis;

/// How long the token before may still be used, by a client that did not get the answer.
pub const GRACE_MS: i64 = 10_000;

/// Which of a user's tokens were ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    /// The version that the user's tokens must have, at least.
    pub version: u64,
    /// When they were last ended.
    pub at: Option<Millis>,
}

impl Ended {
    /// Whether a token is among them. One that names no version comes from an issuer that knows
    /// none, and is judged by when it was issued, in seconds: of the second in which they were
    /// ended, or without a time, it is.
    pub fn covers(&self, version: Option<u64>, issued_at: Option<i64>) -> bool {
        match (version, self.at) {
            (Some(version), _) => version < self.version,
            (None, None) => false,
            (None, Some(at)) => issued_at.is_none_or(|issued| issued <= at.unix_seconds()),
        }
    }
}

/// What is kept of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The id of the one refresh token that is good.
    pub current: String,
    /// The one it replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// When.
    pub refreshed_at: Millis,
    /// Whether it was ended before its time.
    #[serde(default)]
    pub revoked: bool,
}

/// What a refresh token leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// To new tokens, with this session to be stored.
    Next(Session),
    /// To new tokens under the current id once more: the answer was lost.
    Again,
    /// To the end of the session, to be stored: the token had been used.
    Reused(Session),
    /// Nowhere: the session had ended.
    Ended,
}

impl Session {
    /// A refresh token with the id `token` is used at `now`, in a session that is kept as `stored`,
    /// if it was used before; `fresh` is the id of the next token.
    pub fn turn(stored: Option<&Self>, token: &str, fresh: &str, now: Millis) -> Turn {
        let next = |current: &str| Self {
            current: fresh.to_owned(),
            previous: Some(current.to_owned()),
            refreshed_at: now,
            revoked: false,
        };
        match stored {
            None => Turn::Next(next(token)),
            Some(session) if session.revoked => Turn::Ended,
            Some(session) if session.current == token => Turn::Next(next(token)),
            Some(session)
                if session.previous.as_deref() == Some(token)
                    && now.since(session.refreshed_at) <= GRACE_MS =>
            {
                Turn::Again
            }
            Some(session) => {
                Turn::Reused(Self { revoked: true, refreshed_at: now, ..session.clone() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Millis = Millis(1_700_000_000_000);

    #[test]
    fn tokens_are_ended_by_their_version_or_their_time() {
        let (never, once) = (Ended::default(), Ended { version: 1, at: Some(T0) });
        let seconds = T0.unix_seconds();
        for (version, issued_at, among) in [
            (Some(0), Some(seconds + 9), true),
            (Some(1), None, false),
            (Some(2), Some(0), false),
            (None, Some(seconds), true),
            (None, Some(seconds + 1), false),
            (None, None, true),
        ] {
            assert_eq!(once.covers(version, issued_at), among, "{version:?} {issued_at:?}");
            assert!(!never.covers(version, issued_at), "{version:?} {issued_at:?}");
        }
    }

    fn next(turn: Turn) -> Session {
        match turn {
            Turn::Next(session) => session,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_token_is_good_once() {
        let first = next(Session::turn(None, "a", "b", T0));
        let second = next(Session::turn(Some(&first), "b", "c", T0.plus(60_000)));
        assert_eq!((second.current.as_str(), second.previous.as_deref()), ("c", Some("b")));
        let late = T0.plus(120_000);
        let Turn::Reused(ended) = Session::turn(Some(&second), "b", "d", late) else {
            panic!("a used token was taken")
        };
        assert!(ended.revoked);
        for token in ["a", "b", "c", "d"] {
            assert_eq!(Session::turn(Some(&ended), token, "e", late), Turn::Ended, "{token}");
        }
    }

    #[test]
    fn a_lost_answer_may_be_asked_for_again() {
        let session = next(Session::turn(None, "a", "b", T0));
        assert_eq!(Session::turn(Some(&session), "a", "x", T0.plus(GRACE_MS)), Turn::Again);
        let late = Session::turn(Some(&session), "a", "x", T0.plus(GRACE_MS + 1));
        assert!(matches!(late, Turn::Reused(_)));
        assert!(matches!(Session::turn(Some(&session), "z", "x", T0), Turn::Reused(_)));
    }
}
