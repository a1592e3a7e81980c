//! The circuits of an organisation's webhooks, those first that hold something back.
//!
//! There is no index of open circuits: they are rare, and each entry would cost a write in a
//! storm. The webhooks are read twice instead, first for the ones and then for the others.

use aragora_core::delivery::circuit::CircuitState;
use aragora_core::ids::WebhookId;
use aragora_core::time::Millis;
use aragora_store::registrations::Webhook;

use super::{Registry, RegistryError};

/// Webhooks read in one request.
const PAGE: i32 = 200;
/// Requests for one page of the list: at most 2,000 webhooks are looked at.
const ROUNDS: usize = 10;

/// Where the list goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whether those come now whose circuit is closed.
    pub closed: bool,
    /// The last one looked at.
    pub after: Option<WebhookId>,
}

impl Registry {
    /// A page of webhooks by their circuits at `now`: those that are not closed, then the closed
    /// ones, each in the order they were registered; only those in the state `only` when there is
    /// one. One read unit per 4 KB of all webhooks looked at. A page may be shorter than asked for.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn circuits(
        &self,
        org: &str,
        only: Option<CircuitState>,
        from: Option<Place>,
        limit: usize,
        now: Millis,
    ) -> Result<(Vec<Webhook>, Option<Place>), RegistryError> {
        let only_closed = only == Some(CircuitState::Closed);
        let mut place = from.unwrap_or(Place { closed: only_closed, after: None });
        let mut found = Vec::new();
        for _ in 0..ROUNDS {
            let (page, next) = self.registrations.page(org, place.after.as_ref(), PAGE).await?;
            for webhook in page {
                let id = webhook.id.clone();
                if belongs(webhook.health.circuit.state(now), place.closed, only) {
                    if found.len() == limit {
                        return Ok((found, Some(place)));
                    }
                    found.push(webhook);
                }
                place.after = Some(id);
            }
            if next.is_some() {
                place.after = next;
                continue;
            }
            // The end of one half; an open or half-open one is never in the other.
            if place.closed || only.is_some() {
                return Ok((found, None));
            }
            place = Place { closed: true, after: None };
        }
        Ok((found, Some(place)))
    }
}

fn belongs(state: CircuitState, closed: bool, only: Option<CircuitState>) -> bool {
    (state == CircuitState::Closed) == closed && only.is_none_or(|only| only == state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_in_one_half() {
        use CircuitState::{Closed, HalfOpen, Open};
        for (state, only, halves) in [
            (Closed, None, (false, true)),
            (Open, None, (true, false)),
            (HalfOpen, None, (true, false)),
            (Open, Some(Open), (true, false)),
            (HalfOpen, Some(Open), (false, false)),
            (Closed, Some(Open), (false, false)),
            (Closed, Some(Closed), (false, true)),
        ] {
            let found = (belongs(state, false, only), belongs(state, true, only));
            assert_eq!(found, halves, "{state:?} {only:?}");
        }
    }
}
