//! Who is calling: a JWT of ours, or a service with the service token.
//!
//! `spec/http-api.md` ("Identity"). HS256 is the only algorithm; a token that names another one,
//! `none` included, is refused before its signature is looked at (RFC 8725, 3.1). Every refusal is
//! the same 401 to the caller, and says to the log why.

use std::fmt;

use aragora_core::access::{Credential, Principal, ROLES, SERVICE_ROLE, SERVICE_USER};
use aragora_core::time::Millis;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;

use crate::error::ApiError;
use crate::query::Query;

/// Longer than any token we issue. Checked before anything is decoded.
const MAX_TOKEN_BYTES: usize = 8 * 1024;
/// How far the clock of the issuer may be ahead of ours. There is no grace after `exp`.
const NOT_BEFORE_LEEWAY_SECONDS: f64 = 5.0;
/// Where people put credentials and where they would be logged by everything on the way.
const CREDENTIAL_PARAMETERS: &[&str] = &["api_key", "apikey", "api-key", "token", "access_token"];

const USER_HEADER: &str = "x-user-id";
const ORG_HEADER: &str = "x-org-id";
const ROLES_HEADER: &str = "x-user-roles";

/// Checks credentials.
pub struct Authenticator {
    keys: Vec<DecodingKey>,
    validation: Validation,
    service_token: Option<SecretString>,
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Authenticator").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// Why a credential was not good, in a word for the log.
type Refusal = &'static str;

impl Authenticator {
    /// Accepts tokens signed with any of `jwt_secrets` (the current one and, during a rotation,
    /// the one before), and `service_token` after `Authorization: Access`. Without secrets no token
    /// is good.
    pub fn new(jwt_secrets: &[SecretString], service_token: Option<SecretString>) -> Self {
        let keys = jwt_secrets
            .iter()
            .map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()));
        let mut validation = Validation::new(Algorithm::HS256);
        // Times are checked here, against the time of the request. The library's own check reads
        // the clock, and cannot read a number that serde_json hands over as text.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self {
            keys: keys.collect(),
            validation,
            service_token: service_token.filter(|token| !token.expose_secret().is_empty()),
        }
    }

    /// The caller, or 401.
    pub fn authenticate(
        &self,
        headers: &HeaderMap,
        query: &Query,
        now: Millis,
    ) -> Result<Principal, ApiError> {
        if query.has_any(CREDENTIAL_PARAMETERS) {
            return Err(ApiError::unauthenticated(
                "credential in the URL",
                "credentials are taken in the Authorization header, never in the URL",
            ));
        }
        let message = "a valid credential is required";
        self.caller(headers, now).map_err(|reason| ApiError::unauthenticated(reason, message))
    }

    fn caller(&self, headers: &HeaderMap, now: Millis) -> Result<Principal, Refusal> {
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
            self.bearer(credential, now)
        } else if scheme.eq_ignore_ascii_case("access") {
            self.service(credential, headers)
        } else {
            Err("unknown scheme")
        }
    }

    /// `X-User-ID`, `X-Org-ID` and `X-User-Roles` are not read here: beside a bearer token they
    /// mean nothing.
    fn bearer(&self, token: &str, now: Millis) -> Result<Principal, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| "not a token")?;
        // RFC 7515, 4.1.11: extensions that must be understood and are not.
        if header.alg != Algorithm::HS256 || header.crit.is_some() {
            return Err("algorithm refused");
        }
        let claims = self.keys.iter().find_map(|key| {
            jsonwebtoken::decode::<Map<String, Value>>(token, key, &self.validation).ok()
        });
        let claims = claims.ok_or("signature or claims unreadable")?.claims;
        check_times(&claims, now)?;
        if text(&claims, "type") != Some("access") {
            return Err("not an access token");
        }
        let subject = text(&claims, "sub").ok_or("no subject")?;
        let organisation = text(&claims, "org_id").ok_or("no organisation")?;
        Principal::new(subject, organisation, token_roles(&claims)?, Credential::Bearer)
            .ok_or("unsafe subject or organisation")
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

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Value::as_str)
}

/// A `NumericDate` (RFC 7519, 2): seconds, fractions allowed.
fn seconds(claim: &Value) -> Result<f64, Refusal> {
    claim.as_f64().filter(|seconds| seconds.is_finite()).ok_or("time claim unreadable")
}

fn check_times(claims: &Map<String, Value>, now: Millis) -> Result<(), Refusal> {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^52")]
    let now = now.0 as f64 / 1_000.0;
    if seconds(claims.get("exp").ok_or("no expiry")?)? <= now {
        return Err("expired");
    }
    match claims.get("nbf") {
        Some(not_before) if seconds(not_before)? > now + NOT_BEFORE_LEEWAY_SECONDS => {
            Err("not valid yet")
        }
        _ => Ok(()),
    }
}

/// `role` is one name and `roles` a list of names; either, both or neither. Any other shape is not
/// a token of ours.
fn token_roles(claims: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
    let mut roles = Vec::new();
    match claims.get("role") {
        None | Some(Value::Null) => {}
        Some(Value::String(role)) => roles.push(role.clone()),
        Some(_) => return Err("role is not text"),
    }
    match claims.get("roles") {
        None | Some(Value::Null) => {}
        Some(Value::Array(list)) => {
            for role in list {
                roles.push(role.as_str().ok_or("roles are not text")?.to_owned());
            }
        }
        Some(_) => return Err("roles are not a list"),
    }
    Ok(roles)
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
