//! `/api/auth/...` and `/api/system/rate-limits`: who one is, API keys, tokens, roles, limits.

use aragora_core::access::{Permission, Permissions, Principal, ROLES};
use aragora_core::allowance::Allowance;
use aragora_core::api_keys::ApiKey;
use aragora_core::audit::Action;
use aragora_core::ids::KeyId;
use aragora_core::time::Millis;
use aragora_identity::keys::{KeyDesk, KeyError, Wish};
use aragora_identity::limits::Limiter;
use aragora_identity::roles::{RoleDesk, RoleError};
use aragora_identity::sessions::{SessionDesk, SessionError};
use aragora_store::identity::StoredKey;
use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{ApiError, FieldError};
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;
use crate::security::Note;

/// Keys and tokens that one user may ask for: ten at once, then one every six seconds.
const HANDED_OUT: Allowance = Allowance { per_second: 1.0 / 6.0, burst: 10.0 };

/// What the `identity` function stands on.
#[derive(Debug)]
pub struct IdentityApp {
    /// API keys.
    pub keys: KeyDesk,
    /// Tokens.
    pub sessions: SessionDesk,
    /// The organisation's own roles.
    pub roles: RoleDesk,
    /// How often credentials may be asked for.
    pub limiter: Limiter,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WantedKey {
    name: Option<String>,
    #[serde(alias = "scopes")]
    permissions: Option<Vec<String>>,
    expires_in_days: Option<u32>,
    rate_limit_per_second: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NamedKey {
    #[serde(alias = "id")]
    key_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Grant {
    grant_type: Option<String>,
    refresh_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WantedRole {
    permissions: Option<Vec<String>>,
}

/// Answers the routes of the `identity` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(app: &IdentityApp, call: Call) -> Result<Reply, ApiError> {
    match call.route {
        RouteId::Me => me(call.principal()?),
        RouteId::CreateKey => create_key(app, &call).await,
        RouteId::ListKeys => list_keys(app, &call).await,
        RouteId::RevokeKey => revoke_key(app, &call).await,
        RouteId::RefreshToken => refresh(app, &call).await,
        RouteId::EndSessions => end_sessions(app, &call).await,
        RouteId::ListRoles => list_roles(app, &call).await,
        RouteId::PutRole => put_role(app, &call).await,
        RouteId::DeleteRole => delete_role(app, &call).await,
        RouteId::ShowLimits => show_limits(app, &call).await,
        other => Err(ApiError::internal(format!("{other:?} is not a route of identity"))),
    }
}

fn me(caller: &Principal) -> Result<Reply, ApiError> {
    Reply::ok(&json!({
        "user_id": caller.user_id(),
        "id": caller.user_id(),
        "org_id": caller.org_id(),
        "roles": caller.roles(),
        "role": caller.roles().first(),
        "permissions": names(caller.permissions()),
        "is_admin": caller.is_admin(),
        "credential": caller.credential().kind(),
    }))
}

async fn create_key(app: &IdentityApp, call: &Call) -> Result<Reply, ApiError> {
    let caller = call.principal()?;
    let wanted: WantedKey = call.optional_json()?;
    handed_out(app, caller, call.now).await?;
    let wish = Wish {
        name: wanted.name,
        permissions: wanted.permissions,
        expires_in_days: wanted.expires_in_days,
        rate_limit_per_second: wanted.rate_limit_per_second,
    };
    let minted = app.keys.mint(caller, wish, call.now).await?;
    // The only time that it is shown; under both names that clients read.
    let text = minted.text.expose_secret();
    let mut shown = json!({"api_key": text, "key": text});
    if let (Some(shown), Value::Object(rest)) = (shown.as_object_mut(), key(&minted.key, None)) {
        shown.extend(rest);
    }
    let note = Note::new(Action::KeyCreated).to(&minted.key.id);
    Ok(Reply::json(StatusCode::CREATED, &shown)?.noting(note))
}

async fn list_keys(app: &IdentityApp, call: &Call) -> Result<Reply, ApiError> {
    let caller = call.principal()?;
    let everybodys = match call.query.one("all")? {
        None | Some("false") => false,
        Some("true") if caller.is_admin() => true,
        Some("true") => return Err(ApiError::admins_only()),
        Some(_) => return Err(ApiError::field("all", "must be true or false")),
    };
    let keys = app.keys.list(caller, everybodys).await?;
    let shown: Vec<_> = keys.iter().map(|stored| key(&stored.key, Some(stored))).collect();
    Reply::ok(&json!({"count": shown.len(), "api_keys": shown, "next_cursor": null}))
}

/// The id is in the path, in the query, or in the body, as published clients send it.
async fn revoke_key(app: &IdentityApp, call: &Call) -> Result<Reply, ApiError> {
    let caller = call.principal()?;
    let named: NamedKey = call.optional_json()?;
    let text = match call.param("key_id") {
        Ok(id) => Some(id.to_owned()),
        Err(_) => call.query.one("key_id")?.map(ToOwned::to_owned).or(named.key_id),
    };
    let text = text.ok_or_else(|| ApiError::field("key_id", "is required"))?;
    let id = KeyId::parse(&text).ok_or(KeyError::NotFound)?;
    let revoked = app.keys.revoke(caller, &id).await?;
    let note = Note::new(Action::KeyRevoked).to(&revoked.id);
    Ok(Reply::ok(&json!({"key_id": revoked.id, "id": revoked.id, "revoked": true}))?.noting(note))
}

async fn refresh(app: &IdentityApp, call: &Call) -> Result<Reply, ApiError> {
    let grant: Grant = call.optional_json()?;
    if grant.grant_type.as_deref() != Some("refresh_token") {
        return Err(ApiError::field("grant_type", "must be refresh_token"));
    }
    let token =
        grant.refresh_token.ok_or_else(|| ApiError::field("refresh_token", "is required"))?;
    let pair = app.sessions.refresh(&token, call.now).await?;
    Reply::ok(&json!({
        "access_token": pair.access,
        "refresh_token": pair.refresh,
        "token_type": "Bearer",
        "expires_in": pair.expires_in_seconds,
    }))
}

async fn end_sessions(app: &IdentityApp, call: &Call) -> Result<Reply, ApiError> {
    let caller = call.principal()?;
    app.sessions.end_all(caller, call.now).await?;
    let note = Note::new(Action::SessionRevoked).to(caller.user_id());
    Ok(Reply::ok(&json!({"user_id": caller.user_id(), "revoked": true}))?.noting(note))
}

async fn list_roles(app: &IdentityApp, call: &Call) -> Result<Reply, ApiError> {
    let own = app.roles.list(call.principal()?.org_id()).await?;
    let products = ROLES.iter().map(|(name, grants)| {
        let is_admin = matches!(*name, "admin" | "owner");
        json!({
            "role": name, "permissions": names(*grants), "admin": is_admin, "custom": false,
        })
    });
    let own = own.iter().map(|(name, permissions)| role(name, permissions));
    let roles: Vec<_> = products.chain(own).collect();
    let permissions: Vec<_> = Permission::ALL.iter().map(|it| it.name()).collect();
    Reply::ok(&json!({"roles": roles, "permissions": permissions, "next_cursor": null}))
}

async fn put_role(app: &IdentityApp, call: &Call) -> Result<Reply, ApiError> {
    let wanted: WantedRole = call.optional_json()?;
    let permissions =
        wanted.permissions.ok_or_else(|| ApiError::field("permissions", "is required"))?;
    let (org, name) = (call.principal()?.org_id(), call.param("role")?);
    let stored = app.roles.put(org, name, &permissions).await?;
    let note = Note::new(Action::RoleChanged).to(name).with("permissions", stored.join(" "));
    Ok(Reply::ok(&role(name, &stored))?.noting(note))
}

async fn delete_role(app: &IdentityApp, call: &Call) -> Result<Reply, ApiError> {
    let (org, name) = (call.principal()?.org_id(), call.param("role")?);
    app.roles.delete(org, name).await?;
    let note = Note::new(Action::RoleDeleted).to(name);
    Ok(Reply::ok(&json!({"role": name, "deleted": true}))?.noting(note))
}

async fn show_limits(app: &IdentityApp, call: &Call) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    let limits = app.limiter.limits();
    let limit = |it: &Allowance| json!({"requests_per_second": it.per_second, "burst": it.burst});
    let buckets = app.limiter.show(org, call.now).await?;
    let shown = buckets.iter().map(|bucket| {
        json!({
            "name": bucket.name,
            "remaining": bucket.remaining.floor(),
            "requests_per_second": bucket.per_second,
        })
    });
    Reply::ok(&json!({
        "limits": {
            "organisation": limit(&limits.organisation),
            "credential": limit(&limits.credential),
            "credentials_handed_out": limit(&HANDED_OUT),
        },
        "buckets": shown.collect::<Vec<_>>(),
    }))
}

async fn handed_out(app: &IdentityApp, caller: &Principal, now: Millis) -> Result<(), ApiError> {
    match app.limiter.admit_one(caller, "credentials", &HANDED_OUT, now).await {
        None => Ok(()),
        Some(excess) => Err(ApiError::too_many_until(excess.until, now)),
    }
}

fn names(permissions: Permissions) -> Vec<&'static str> {
    permissions.iter().map(Permission::name).collect()
}

fn role(name: &str, permissions: &[String]) -> Value {
    json!({"role": name, "permissions": permissions, "admin": false, "custom": true})
}

fn key(key: &ApiKey, stored: Option<&StoredKey>) -> Value {
    json!({
        "key_id": key.id,
        "id": key.id,
        "name": key.name,
        "user_id": key.user_id,
        "permissions": key.permissions,
        "created_at": key.created_at.rfc3339(),
        "expires_at": key.expires_at.map(Millis::rfc3339),
        "last_used_on": stored.and_then(|it| it.last_used).map(|day| day.to_string()),
        "rate_limit_per_second": key.rate_limit_per_second,
    })
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Invalid(problems) => Self::invalid(
                problems.into_iter().map(|it| FieldError::new(it.field, it.message)).collect(),
            ),
            KeyError::TooMany => Self::conflict("there are as many keys as there may be"),
            KeyError::NotFound => Self::not_found("API key"),
            KeyError::Store(error) => error.into(),
            KeyError::Random(_) => Self::internal(error),
        }
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Bad(reason) => Self::bad_credential(reason),
            SessionError::Reused(who) => {
                let note = Note::new(Action::RefreshReused).to(who.user_id()).by(*who);
                Self::bad_credential("refresh token reused").noting(note)
            }
            SessionError::Contended => Self::conflict(error.to_string()),
            SessionError::Store(error) => error.into(),
            SessionError::NotSigned(_) => Self::internal(error),
        }
    }
}

impl From<RoleError> for ApiError {
    fn from(error: RoleError) -> Self {
        match error {
            RoleError::Invalid(field, message) => Self::field(field, message),
            RoleError::NotFound => Self::not_found("role"),
            RoleError::Contended => Self::conflict(error.to_string()),
            RoleError::Store(error) => error.into(),
        }
    }
}
