//! Who is calling: a JWT of ours, an API key, or a service with the service token.
//!
//! `spec/http-api.md` ("Identity"). What is read here is well-formed and not altered; whether it was
//! revoked, [`Door`](aragora_identity::door::Door) finds out. Every refusal is the same 401 to the
//! caller, and says to the log why.

use std::fmt;

use aragora_core::access::{Credential, Principal, ROLES, SERVICE_ROLE, SERVICE_USER};
use aragora_core::time::Millis;
use aragora_identity::door::Presented;
use aragora_identity::tokens::{Kind, Refusal, Tokens};
use aragora_signing::api_key::{self, PresentedKey};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::error::ApiError;
use crate::query::Query;

/// Longer than any token we issue. Checked before anything is decoded.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// Where people put credentials and where they would be logged by everything on the way.
const CREDENTIAL_PARAMETERS: &[&str] = &["api_key", "apikey", "api-key", "token", "access_token"];

const USER_HEADER: &str = "x-user-id";
const ORG_HEADER: &str = "x-org-id";
const ROLES_HEADER: &str = "x-user-roles";

/// Reads credentials.
pub struct Authenticator {
    tokens: Tokens,
    service_token: Option<SecretString>,
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Authenticator").field("tokens", &self.tokens).finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Accepts tokens signed with any of `jwt_secrets` (the current one and, during a rotation,
    /// the one before), API keys, and `service_token` after `Authorization: Access`. Without
    /// secrets no token is good.
    pub fn new(jwt_secrets: &[SecretString], service_token: Option<SecretString>) -> Self {
        Self {
            tokens: Tokens::new(jwt_secrets),
            service_token: service_token.filter(|token| !token.expose_secret().is_empty()),
        }
    }

    /// The credential, or 401.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        query: &Query,
        now: Millis,
    ) -> Result<Presented, ApiError> {
        if query.has_any(CREDENTIAL_PARAMETERS) {
            return Err(ApiError::unauthenticated(
                "credential in the URL",
                "credentials are taken in the Authorization header, never in the URL",
            ));
        }
        self.presented(headers, now).map_err(ApiError::bad_credential)
    }

    fn presented(&self, headers: &HeaderMap, now: Millis) -> Result<Presented, Refusal> {
        let value = single(headers, AUTHORIZATION.as_str())?.ok_or("no credential")?;
        if value.len() > MAX_TOKEN_BYTES {
            return Err("credential too long");
        }
        let (scheme, credential) = value.split_once(' ').ok_or("no scheme")?;
        let credential = credential.trim();
        // API Gateway joins repeated headers with commas, and no credential of ours has one.
        if credential.is_empty() || credential.contains([',', ' ']) {
            return Err("not one credential");
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            // `X-User-ID`, `X-Org-ID` and `X-User-Roles` are not read: beside a bearer token they
            // mean nothing.
            if credential.starts_with(api_key::PREFIX) {
                return PresentedKey::parse(credential)
                    .map(Presented::Key)
                    .ok_or("not a key, or mistyped");
            }
            self.tokens.read(credential, Kind::Access, now).map(Presented::Token)
        } else if scheme.eq_ignore_ascii_case("access") {
            self.service(credential, headers).map(Presented::Service)
        } else {
            Err("unknown scheme")
        }
    }

    fn service(&self, token: &str, headers: &HeaderMap) -> Result<Principal, Refusal> {
        let known = self.service_token.as_ref().ok_or("no service token is configured")?;
        if !bool::from(known.expose_secret().as_bytes().ct_eq(token.as_bytes())) {
            return Err("wrong service token");
        }
        // Every route so far is about an organisation's data.
        let organisation = single(headers, ORG_HEADER)?.ok_or("service without organisation")?;
        let user = single(headers, USER_HEADER)?.unwrap_or(SERVICE_USER);
        let roles = match single(headers, ROLES_HEADER)? {
            None => vec![SERVICE_ROLE.to_owned()],
            Some(list) => known_roles(list),
        };
        Principal::new(user, organisation, roles, Credential::ServiceToken)
            .ok_or("unsafe user or organisation")
    }
}

/// A header's text; refused when it was sent twice or is not visible ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err("header sent twice");
    }
    first.to_str().map(|text| Some(text.trim())).map_err(|_| "header unreadable")
}

/// The names in a comma list that the role table has.
fn known_roles(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim);
    names
        .filter(|name| ROLES.iter().any(|(known, _)| known == name))
        .map(ToOwned::to_owned)
        .collect()
}

#[cfg(test)]
#[path = "auth_tests.rs"]
mod tests;
