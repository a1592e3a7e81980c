//! Everything that stands between a credential and a handler.

use crate::door::Door;
use crate::guesses::Bouncer;
use crate::limits::Limiter;

/// What guards a function that answers HTTP.
#[derive(Debug)]
pub struct Guard {
    /// Turns credentials into callers.
    pub door: Door,
    /// Counts requests.
    pub limiter: Limiter,
    /// Counts bad credentials.
    pub bouncer: Bouncer,
}
