//! What of a request is reported as a security happening.
//!
//! A handler says what happened, as a [`Note`] on its answer or on its error; who did it, from
//! where and by which request is added here, in one place, and reported once the answer is there.
//! Refusals that always deserve a note carry it from where they are made: a forged cursor, a
//! missing permission, a bad credential ([`crate::error`]).

use std::fmt;

use aragora_audit::Reporter;
use aragora_core::access::{PLATFORM_ORG, Principal};
use aragora_core::audit::{ANONYMOUS, Action, Happening, NO_CREDENTIAL};
use aragora_core::time::Millis;

use crate::error::ApiError;
use crate::reply::Reply;

/// Something about a request that is to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    action: Action,
    by: Option<Principal>,
    target: Option<String>,
    detail: Vec<(&'static str, String)>,
}

impl Note {
    /// That `action` happened.
    pub const fn new(action: Action) -> Self {
        Self { action, by: None, target: None, detail: Vec::new() }
    }

    /// The same, done by `principal`, where the route knows no caller.
    #[must_use]
    pub fn by(mut self, principal: Principal) -> Self {
        self.by = Some(principal);
        self
    }

    /// The same, done to `target` (an id). Without one it was done to the request's path.
    #[must_use]
    pub fn to(mut self, target: impl fmt::Display) -> Self {
        self.target = Some(target.to_string());
        self
    }

    /// The same with one more thing to say. Never a secret, nor text that may hold one.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.detail.push((name, value.to_string()));
        self
    }

    /// What happened.
    pub const fn action(&self) -> Action {
        self.action
    }
}

/// The address a request came from, as the gateway saw it: among the extensions of the
/// [`http::Request`] that the gate gets. What a caller writes into `X-Forwarded-For` is not
/// believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceAddress(pub std::net::IpAddr);

/// Who asked for what, from where.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The caller; `None` when the credential was not good.
    pub principal: Option<&'a Principal>,
    /// The address the request came from.
    pub address: Option<&'a SourceAddress>,
    /// The path as it was sent.
    pub path: &'a str,
    /// The request.
    pub request_id: &'a str,
    /// When it arrived.
    pub now: Millis,
}

/// Reports what requests leave notes of.
#[derive(Debug, Clone)]
pub struct Watch {
    reporter: Reporter,
}

impl Watch {
    /// Reports by `reporter`.
    pub const fn new(reporter: Reporter) -> Self {
        Self { reporter }
    }

    /// Reports the notes on an outcome: nothing without notes, else one request to SQS. Never
    /// fails.
    pub async fn tell(&self, scene: &Scene<'_>, outcome: Result<&Reply, &ApiError>) {
        let notes = outcome.map_or_else(ApiError::notes, Reply::notes);
        let told = notes.iter().map(|note| scene.happening(note)).collect();
        self.reporter.report(told).await;
    }
}

impl Scene<'_> {
    /// What is reported of a note. What nobody known did goes to the platform's own log.
    fn happening(&self, note: &Note) -> Happening {
        let caller = self.principal.or(note.by.as_ref());
        let detail = note.detail.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Happening {
            org: caller.map_or(PLATFORM_ORG, Principal::org_id).to_owned(),
            actor: caller.map_or(ANONYMOUS, Principal::user_id).to_owned(),
            credential: caller.map_or(NO_CREDENTIAL, |it| it.credential().kind()).to_owned(),
            target: note.target.clone().unwrap_or_else(|| self.path.to_owned()),
            address: self.address.map(|address| address.0.to_string()).unwrap_or_default(),
            request_id: self.request_id.to_owned(),
            detail: detail.collect(),
            ..Happening::new(note.action, self.now)
        }
        .bounded()
    }
}

#[cfg(test)]
mod tests {
    use aragora_core::access::{Credential, Permission};

    use super::*;

    const NOW: Millis = Millis(1_795_275_000_000);

    fn scene(principal: Option<&Principal>) -> Scene<'_> {
        Scene { principal, address: None, path: "/api/webhooks", request_id: "req-1", now: NOW }
    }

    #[test]
    fn a_note_becomes_what_the_caller_did() {
        let caller = Principal::new("u", "org", vec![], Credential::Bearer).unwrap();
        let note = Note::new(Action::UrlBlocked).to("wh-1").with("rule", "address");
        let address = SourceAddress("192.0.2.7".parse().unwrap());
        let it = Scene { address: Some(&address), ..scene(Some(&caller)) }.happening(&note);
        let said = [&it.org, &it.actor, &it.credential, &it.target, &it.address, &it.request_id];
        assert_eq!(said, ["org", "u", "bearer", "wh-1", "192.0.2.7", "req-1"]);
        assert_eq!(
            (it.action, it.at, it.detail["rule"].as_str()),
            (Action::UrlBlocked, NOW, "address")
        );
        assert!(it.is_sound());
    }

    #[test]
    fn what_nobody_known_did_is_the_platforms() {
        let it = scene(None).happening(&Note::new(Action::AuthFailed));
        assert_eq!([&it.org, &it.actor, &it.credential], ["-", "anonymous", "none"]);
        assert_eq!((it.target.as_str(), it.address.as_str()), ("/api/webhooks", ""));
        assert!(it.is_sound());
    }

    #[test]
    fn refusals_carry_their_notes() {
        let actions = |error: &ApiError| error.notes().iter().map(Note::action).collect::<Vec<_>>();
        for (error, wanted) in [
            (crate::Query::bad_cursor(), vec![Action::CursorForged]),
            (ApiError::forbidden(Permission::EventsRead), vec![Action::PermissionDenied]),
            (ApiError::admins_only(), vec![Action::PermissionDenied]),
            (ApiError::unauthenticated("expired", "no"), vec![Action::AuthFailed]),
            // Not a bad credential: every scanner of the network comes without one.
            (ApiError::unauthenticated("no credential", "no"), vec![]),
            (ApiError::not_found("webhook"), vec![]),
            (ApiError::field("limit", "no"), vec![]),
        ] {
            assert_eq!(actions(&error), wanted, "{error}");
        }
    }
}
