//! Who is calling, whether often enough, and whether that may be: the gate's questions about callers.

use aragora_core::access::Principal;
use aragora_core::audit::Action;
use aragora_core::time::Millis;
use aragora_identity::door::{Admitted, Presented, Refused};
use aragora_identity::tokens::Token;
use http::request::Parts;

use super::Gate;
use crate::error::{ApiError, ErrorKind};
use crate::query::Query;
use crate::routes::{Access, Route};
use crate::security::{Note, SourceAddress};

impl Gate {
    /// Who is calling.
    pub(super) async fn authenticate(
        &self,
        parts: &Parts,
        query: &Query,
        now: Millis,
    ) -> Result<Admitted, ApiError> {
        let presented = self.authenticator.authenticate(&parts.headers, query, now);
        let account = presented.as_ref().ok().and_then(account);
        let outcome = match (presented, &self.guard) {
            (Err(error), _) => Err(error),
            (Ok(presented), Some(guard)) => {
                guard.door.admit(presented, now).await.map_err(|refused| match refused {
                    Refused::Bad(reason) => ApiError::bad_credential(reason),
                    Refused::Store(error) => ApiError::unavailable(error),
                })
            }
            (Ok(presented), None) => unguarded(presented),
        };
        match outcome {
            Ok(admitted) => Ok(admitted),
            Err(error) => Err(self.slowed_down(error, parts, account.as_deref(), now).await),
        }
    }

    /// Addresses that sent many bad credentials have to wait, whatever they send.
    pub(super) fn check_address(&self, parts: &Parts, now: Millis) -> Result<(), ApiError> {
        let bouncer = self.guard.as_ref().map(|guard| &guard.bouncer);
        let blocked = bouncer.zip(address(parts)).and_then(|(it, from)| it.blocked(&from, now));
        blocked.map_or(Ok(()), |until| Err(ApiError::too_many_until(until, now)))
    }

    /// A refusal of a credential, counted; 429 instead when there have been too many. Any other
    /// error as it is.
    pub(super) async fn slowed_down(
        &self,
        error: ApiError,
        parts: &Parts,
        account: Option<&str>,
        now: Millis,
    ) -> ApiError {
        let reason = error.reason().filter(|_| error.kind() == ErrorKind::Unauthenticated);
        let Some(reason) = reason else { return error };
        self.counters.auth_failed(reason);
        // Whoever tries none has not tried one that is not good.
        let Some(guard) = self.guard.as_ref().filter(|_| !error.notes().is_empty()) else {
            return error;
        };
        match guard.bouncer.failed(address(parts).as_deref(), account, now).await {
            None => error,
            // From here on this worker looks at nothing of the address: it is told of once.
            Some(until) => ApiError::too_many_until(until, now)
                .noting(Note::new(Action::AuthBlocked).with("reason", reason)),
        }
    }

    pub(super) async fn check_rate(
        &self,
        caller: &Principal,
        per_second: Option<f64>,
        now: Millis,
    ) -> Result<(), ApiError> {
        let Some(guard) = &self.guard else { return Ok(()) };
        match guard.limiter.admit(caller, per_second, now).await {
            None => Ok(()),
            Some(excess) if excess.is_news => {
                Err(ApiError::too_many_until(excess.until, now)
                    .noting(Note::new(Action::RateExceeded)))
            }
            Some(excess) => Err(ApiError::too_many_until(excess.until, now)),
        }
    }

    /// The one permission check, before anything is looked up.
    pub(super) fn check_access(
        &self,
        access: Access,
        route: &Route,
        caller: &Principal,
    ) -> Result<(), ApiError> {
        let (name, refusal) = match access {
            Access::Public | Access::InBody | Access::Anybody => return Ok(()),
            Access::Needs(permission) => (
                permission.name(),
                (!caller.allows(permission)).then(|| ApiError::forbidden(permission)),
            ),
            Access::Person => ("person", (!caller.is_person()).then(ApiError::people_only)),
            Access::Admin => ("admin", (!caller.is_admin()).then(ApiError::admins_only)),
        };
        self.counters.permission_checked(name, route.path, refusal.is_none());
        refusal.map_or(Ok(()), Err)
    }
}

fn address(parts: &Parts) -> Option<String> {
    parts.extensions.get::<SourceAddress>().map(|it| it.0.to_string())
}

/// Whose credential it says it is, where that is not secret.
fn account(presented: &Presented) -> Option<String> {
    match presented {
        Presented::Key(key) => Some(format!("{}#{}", key.org, key.id)),
        Presented::Token(_) | Presented::Service(_) => None,
    }
}

/// A caller as far as nobody was asked.
fn unguarded(presented: Presented) -> Result<Admitted, ApiError> {
    match presented {
        Presented::Token(Token { principal, .. }) | Presented::Service(principal) => {
            Ok(Admitted { principal, per_second: None })
        }
        Presented::Key(_) => Err(ApiError::bad_credential("no key is known")),
    }
}
