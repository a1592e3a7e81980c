//! Who is calling and what they may do: permissions, roles, principals.
//!
//! The lists are those of `spec/decisions.md` ("Roles") and of the permission columns of
//! `spec/http-api.md`. They are closed: a name that is not here grants nothing.

use std::collections::BTreeMap;
use std::fmt;

use crate::api_keys::ApiKey;
use crate::ids::{KeyId, is_key_safe};

/// The user that a service acts as when it names none.
pub const SERVICE_USER: &str = "service";

/// The organisation of what is nobody's: the platform's own audit log. No caller can belong to it.
pub const PLATFORM_ORG: &str = "-";

/// One thing a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Permission {
    /// `marketplace:read`
    MarketplaceRead,
    /// `marketplace:publish`
    MarketplacePublish,
    /// `marketplace:rate`
    MarketplaceRate,
    /// `explainability:read`
    ExplainabilityRead,
    /// `explainability:batch`
    ExplainabilityBatch,
    /// `debates:read`
    DebatesRead,
    /// `debates:write`
    DebatesWrite,
    /// `webhooks:read`, which is also Agenta's `view_webhooks`
    WebhooksRead,
    /// `webhooks:write`, which is also Agenta's `manage_webhooks`
    WebhooksWrite,
    /// `webhooks:delete`
    WebhooksDelete,
    /// `events:read`
    EventsRead,
    /// `events:write`
    EventsWrite,
    /// `workflows:read`
    WorkflowsRead,
    /// `workflows:create`
    WorkflowsCreate,
    /// `workflows:update`
    WorkflowsUpdate,
    /// `workflows:delete`
    WorkflowsDelete,
    /// `workflows:execute`
    WorkflowsExecute,
    /// `workflows:approve`
    WorkflowsApprove,
}

impl Permission {
    /// Every permission, in the order in which lists of them are printed.
    pub const ALL: &[Self] = &[
        Self::MarketplaceRead,
        Self::MarketplacePublish,
        Self::MarketplaceRate,
        Self::ExplainabilityRead,
        Self::ExplainabilityBatch,
        Self::DebatesRead,
        Self::DebatesWrite,
        Self::WebhooksRead,
        Self::WebhooksWrite,
        Self::WebhooksDelete,
        Self::EventsRead,
        Self::EventsWrite,
        Self::WorkflowsRead,
        Self::WorkflowsCreate,
        Self::WorkflowsUpdate,
        Self::WorkflowsDelete,
        Self::WorkflowsExecute,
        Self::WorkflowsApprove,
    ];

    /// The name as we print it, with a colon.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MarketplaceRead => "marketplace:read",
            Self::MarketplacePublish => "marketplace:publish",
            Self::MarketplaceRate => "marketplace:rate",
            Self::ExplainabilityRead => "explainability:read",
            Self::ExplainabilityBatch => "explainability:batch",
            Self::DebatesRead => "debates:read",
            Self::DebatesWrite => "debates:write",
            Self::WebhooksRead => "webhooks:read",
            Self::WebhooksWrite => "webhooks:write",
            Self::WebhooksDelete => "webhooks:delete",
            Self::EventsRead => "events:read",
            Self::EventsWrite => "events:write",
            Self::WorkflowsRead => "workflows:read",
            Self::WorkflowsCreate => "workflows:create",
            Self::WorkflowsUpdate => "workflows:update",
            Self::WorkflowsDelete => "workflows:delete",
            Self::WorkflowsExecute => "workflows:execute",
            Self::WorkflowsApprove => "workflows:approve",
        }
    }

    /// Reads a name. `:` and `.` mean the same (decision 6), and Agenta's two names are aliases.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "view_webhooks" => return Some(Self::WebhooksRead),
            "manage_webhooks" => return Some(Self::WebhooksWrite),
            _ => {}
        }
        let (area, action) = name.split_once([':', '.'])?;
        Self::ALL.iter().copied().find(|known| known.name().split_once(':') == Some((area, action)))
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u32);

impl Permissions {
    /// No permission at all.
    pub const NONE: Self = Self(0);

    /// The set of `list`.
    pub const fn of(list: &[Permission]) -> Self {
        let (mut bits, mut left) = (0, list);
        while let [first, rest @ ..] = left {
            bits |= 1 << (*first as u32);
            left = rest;
        }
        Self(bits)
    }

    /// What either set has.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set has `permission`.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << (permission as u32)) != 0
    }

    /// The members, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |&permission| self.contains(permission))
    }
}

const VIEWER: Permissions = Permissions::of(&[
    Permission::MarketplaceRead,
    Permission::ExplainabilityRead,
    Permission::DebatesRead,
    Permission::WebhooksRead,
    Permission::EventsRead,
]);
const ANALYST: Permissions = VIEWER.union(Permissions::of(&[Permission::ExplainabilityBatch]));
const MEMBER: Permissions = ANALYST.union(Permissions::of(&[
    Permission::MarketplacePublish,
    Permission::MarketplaceRate,
    Permission::DebatesWrite,
    Permission::EventsWrite,
]));
const EDITOR: Permissions = MEMBER.union(Permissions::of(&[
    Permission::WebhooksWrite,
    Permission::WebhooksDelete,
    Permission::WorkflowsRead,
    Permission::WorkflowsCreate,
    Permission::WorkflowsUpdate,
    Permission::WorkflowsDelete,
    Permission::WorkflowsExecute,
    Permission::WorkflowsApprove,
]));
const EVERYTHING: Permissions = Permissions::of(Permission::ALL);
const SERVICE: Permissions = Permissions::of(&[
    Permission::EventsWrite,
    Permission::DebatesWrite,
    Permission::EventsRead,
    Permission::DebatesRead,
]);

/// The role of a service that names no roles.
pub const SERVICE_ROLE: &str = "service";

/// The role table. Names are compared exactly.
pub const ROLES: &[(&str, Permissions)] = &[
    ("viewer", VIEWER),
    ("analyst", ANALYST),
    ("member", MEMBER),
    ("editor", EDITOR),
    ("admin", EVERYTHING),
    ("owner", EVERYTHING),
    (SERVICE_ROLE, SERVICE),
];

/// What a role grants; nothing when the table does not have it.
pub fn granted_by(role: &str) -> Permissions {
    ROLES.iter().find(|(name, _)| *name == role).map_or(Permissions::NONE, |&(_, grants)| grants)
}

/// How a caller proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A JWT of our own.
    Bearer,
    /// The service token, which speaks for the user and organisation it names.
    ServiceToken,
    /// An API key of a user.
    ApiKey(KeyId),
}

impl Credential {
    /// The kind, in a word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::ServiceToken => "service_token",
            Self::ApiKey(_) => "api_key",
        }
    }
}

/// A caller whose credential was good, in the organisation it belongs to.
///
/// Only [`Principal::new`] makes one, so that its names are always safe as parts of table keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    user_id: String,
    org_id: String,
    roles: Vec<String>,
    permissions: Permissions,
    credential: Credential,
}

/// `#` separates the parts of keys, and a user's things will be kept under a key one day.
fn is_subject(text: &str) -> bool {
    (1..=256).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

impl Principal {
    /// A caller with the union of what `roles` grant. `None` when the organisation could not be
    /// part of a table key (see [`is_key_safe`]) or is [`PLATFORM_ORG`], or the user is not 1 to
    /// 256 visible ASCII characters: identity providers put `|`, `+` and `/` into subjects.
    pub fn new(
        user_id: &str,
        org_id: &str,
        roles: Vec<String>,
        credential: Credential,
    ) -> Option<Self> {
        if !is_subject(user_id) || !is_key_safe(org_id) || org_id == PLATFORM_ORG {
            return None;
        }
        let permissions =
            roles.iter().fold(Permissions::NONE, |granted, role| granted.union(granted_by(role)));
        Some(Self {
            user_id: user_id.to_owned(),
            org_id: org_id.to_owned(),
            roles,
            permissions,
            credential,
        })
    }

    /// The caller that an API key of an organisation acts as: its maker, with what the key may do.
    /// `None` as for [`Self::new`].
    pub fn of_key(org_id: &str, key: &ApiKey) -> Option<Self> {
        let credential = Credential::ApiKey(key.id.clone());
        let mut principal = Self::new(&key.user_id, org_id, vec![], credential)?;
        principal.permissions = key.permissions();
        Some(principal)
    }

    /// The caller with what the organisation's own roles grant besides: by name, the names of
    /// permissions. The product's roles cannot be changed by it.
    #[must_use]
    pub fn with_own_roles(mut self, own: &BTreeMap<String, Vec<String>>) -> Self {
        let granted = self.roles.iter().filter_map(|role| own.get(role)).flatten();
        let granted: Vec<_> = granted.filter_map(|name| Permission::parse(name)).collect();
        self.permissions = self.permissions.union(Permissions::of(&granted));
        self
    }

    /// How the caller proved who they are.
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Who is calling.
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The organisation whose data the call is about: part of every partition key.
    pub fn org_id(&self) -> &str {
        &self.org_id
    }

    /// The roles as the credential named them, unknown ones included.
    pub fn roles(&self) -> &[String] {
        &self.roles
    }

    /// Everything the caller may do.
    pub fn permissions(&self) -> Permissions {
        self.permissions
    }

    /// Whether the caller may do this.
    pub fn allows(&self, permission: Permission) -> bool {
        self.permissions.contains(permission)
    }

    /// Whether another service is calling, rather than a user.
    pub fn is_service(&self) -> bool {
        self.credential == Credential::ServiceToken
    }

    /// Whether a person is calling, with a token of their own.
    pub fn is_person(&self) -> bool {
        self.credential == Credential::Bearer
    }

    /// Whether the caller is a person with the role `admin` or `owner`. A service never is, whatever
    /// roles it names.
    pub fn is_admin(&self) -> bool {
        self.is_person() && self.roles.iter().any(|role| role == "admin" || role == "owner")
    }
}

#[cfg(test)]
#[path = "access_tests.rs"]
mod tests;
