//! JWTs: reading those of anybody who has the secret, issuing our own.
//!
//! HS256 is the only algorithm; a token that names another one, `none` included, is refused before
//! its signature is looked at (RFC 8725, 3.1).

use std::fmt;

use aragora_core::access::{Credential, Principal};
use aragora_core::time::Millis;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use thiserror::Error;

/// How far the clock of the issuer may be ahead of ours. There is no grace after `exp`.
const NOT_BEFORE_LEEWAY_SECONDS: f64 = 5.0;

/// Why a token was not good, in a word for the log.
pub type Refusal = &'static str;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Calling.
    Access,
    /// Getting new tokens, and nothing else.
    Refresh,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// A token whose signature and times are good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Whose it is, with what its roles grant by the product's own table.
    pub principal: Principal,
    /// The version it was issued under (`tv`), if it names one.
    pub version: Option<u64>,
    /// When it was issued (`iat`), in whole seconds.
    pub issued_at: Option<i64>,
    /// Its own id (`jti`).
    pub id: Option<String>,
    /// The session it belongs to (`sid`).
    pub session: Option<String>,
}

/// What a token is issued with.
#[derive(Debug, Clone, Copy)]
pub struct Issue<'a> {
    /// Whose it is.
    pub principal: &'a Principal,
    /// The version that the user's tokens have.
    pub version: u64,
    /// The session it belongs to.
    pub session: &'a str,
    /// Its own id.
    pub id: &'a str,
}

/// No token can be issued: no secret is configured.
#[derive(Debug, Error)]
#[error("no token can be signed")]
pub struct NotSigned(#[source] Option<jsonwebtoken::errors::Error>);

/// The secrets of tokens: the first signs, all verify.
pub struct Tokens {
    verifying: Vec<DecodingKey>,
    signing: Option<EncodingKey>,
    validation: Validation,
    access_seconds: i64,
    refresh_seconds: i64,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tokens").field("keys", &self.verifying.len()).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Accepts tokens signed with any of `secrets` (the current one and, during a rotation, the one
    /// before). Without secrets no token is good.
    pub fn new(secrets: &[SecretString]) -> Self {
        let verifying = secrets
            .iter()
            .map(|secret| DecodingKey::from_secret(secret.expose_secret().as_bytes()));
        let mut validation = Validation::new(Algorithm::HS256);
        // Times are checked here, against the time of the request. The library's own check reads
        // the clock, and cannot read a number that serde_json hands over as text.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        Self {
            verifying: verifying.collect(),
            signing: secrets
                .first()
                .map(|secret| EncodingKey::from_secret(secret.expose_secret().as_bytes())),
            validation,
            access_seconds: 24 * 3_600,
            refresh_seconds: 30 * 86_400,
        }
    }

    /// The same, whose own tokens last this long.
    #[must_use]
    pub fn lasting(mut self, access_seconds: i64, refresh_seconds: i64) -> Self {
        (self.access_seconds, self.refresh_seconds) = (access_seconds, refresh_seconds);
        self
    }

    /// How long a token of ours lasts, in seconds.
    pub const fn seconds(&self, kind: Kind) -> i64 {
        match kind {
            Kind::Access => self.access_seconds,
            Kind::Refresh => self.refresh_seconds,
        }
    }

    /// Reads a token.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn read(&self, token: &str, kind: Kind, now: Millis) -> Result<Token, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| "not a token")?;
        // RFC 7515, 4.1.11: extensions that must be understood and are not.
        if header.alg != Algorithm::HS256 || header.crit.is_some() {
            return Err("algorithm refused");
        }
        let claims = self.verifying.iter().find_map(|key| {
            jsonwebtoken::decode::<Map<String, Value>>(token, key, &self.validation).ok()
        });
        let claims = claims.ok_or("signature or claims unreadable")?.claims;
        check_times(&claims, now)?;
        if text(&claims, "type") != Some(kind.name()) {
            return Err(match kind {
                Kind::Access => "not an access token",
                Kind::Refresh => "not a refresh token",
            });
        }
        let subject = text(&claims, "sub").ok_or("no subject")?;
        let organisation = text(&claims, "org_id").ok_or("no organisation")?;
        let principal = Principal::new(subject, organisation, roles(&claims)?, Credential::Bearer)
            .ok_or("unsafe subject or organisation")?;
        let version = match claims.get("tv") {
            None | Some(Value::Null) => None,
            Some(version) => Some(version.as_u64().ok_or("token version unreadable")?),
        };
        #[expect(clippy::cast_possible_truncation, reason = "seconds; a float saturates")]
        let issued_at = claims.get("iat").and_then(Value::as_f64).map(|at| at.floor() as i64);
        let id = |name| text(&claims, name).map(ToOwned::to_owned);
        Ok(Token { principal, version, issued_at, id: id("jti"), session: id("sid") })
    }

    /// Signs a token with the newest secret.
    ///
    /// # Errors
    /// When no secret is configured.
    pub fn issue(&self, kind: Kind, issue: Issue<'_>, now: Millis) -> Result<String, NotSigned> {
        let key = self.signing.as_ref().ok_or(NotSigned(None))?;
        let principal = issue.principal;
        let issued_at = now.unix_seconds();
        let claims = json!({
            "sub": principal.user_id(),
            "org_id": principal.org_id(),
            "roles": principal.roles(),
            "type": kind.name(),
            "iat": issued_at,
            "exp": issued_at.saturating_add(self.seconds(kind)),
            "tv": issue.version,
            "sid": issue.session,
            "jti": issue.id,
        });
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, key)
            .map_err(|error| NotSigned(Some(error)))
    }
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
fn roles(claims: &Map<String, Value>) -> Result<Vec<String>, Refusal> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_705_752_000_000);

    fn principal() -> Principal {
        Principal::new("u", "o", vec!["editor".into()], Credential::Bearer).unwrap()
    }

    #[test]
    fn what_is_issued_is_read_until_it_expires() {
        let tokens = Tokens::new(&["a".repeat(32).into()]).lasting(60, 120);
        let who = principal();
        let issue = Issue { principal: &who, version: 3, session: "s", id: "j" };
        for (kind, other, seconds) in
            [(Kind::Access, Kind::Refresh, 60), (Kind::Refresh, Kind::Access, 120)]
        {
            let token = tokens.issue(kind, issue, NOW).unwrap();
            let read = tokens.read(&token, kind, NOW).unwrap();
            assert_eq!(read.principal, who);
            assert_eq!(
                (read.version, read.id.as_deref(), read.session.as_deref()),
                (Some(3), Some("j"), Some("s"))
            );
            assert!(tokens.read(&token, other, NOW).is_err());
            assert!(tokens.read(&token, kind, NOW.plus(seconds * 1_000 - 1)).is_ok());
            assert_eq!(tokens.read(&token, kind, NOW.plus(seconds * 1_000)), Err("expired"));
        }
    }

    #[test]
    fn the_newest_secret_signs_and_the_one_before_verifies() {
        let (old, new): (SecretString, SecretString) =
            ("a".repeat(32).into(), "b".repeat(32).into());
        let who = principal();
        let issue = Issue { principal: &who, version: 0, session: "s", id: "j" };
        let rotated = Tokens::new(&[new.clone(), old.clone()]);
        let before = Tokens::new(std::slice::from_ref(&old));
        let token = before.issue(Kind::Access, issue, NOW).unwrap();
        assert!(rotated.read(&token, Kind::Access, NOW).is_ok());
        let token = rotated.issue(Kind::Access, issue, NOW).unwrap();
        assert!(before.read(&token, Kind::Access, NOW).is_err());
        assert!(Tokens::new(&[new]).read(&token, Kind::Access, NOW).is_ok());
        assert!(Tokens::new(&[]).issue(Kind::Access, issue, NOW).is_err());
    }
}
