//! Who is calling and what they may do: permissions, roles, principals.
//!
//! The lists are those of `spec/decisions.md` ("Roles") and of the permission columns of
//! `spec/http-api.md`. They are closed: a name that is not here grants nothing.

use std::fmt;

use crate::ids::is_key_safe;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A JWT of our own.
    Bearer,
    /// The service token, which speaks for the user and organisation it names.
    ServiceToken,
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

    /// Whether the caller is a person with the role `admin` or `owner`. A service never is, whatever
    /// roles it names.
    pub fn is_admin(&self) -> bool {
        self.credential == Credential::Bearer
            && self.roles.iter().any(|role| role == "admin" || role == "owner")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(role: &str) -> Vec<&'static str> {
        granted_by(role).iter().map(Permission::name).collect()
    }

    #[test]
    fn the_table_is_that_of_the_decisions() {
        let viewer = [
            "marketplace:read",
            "explainability:read",
            "debates:read",
            "webhooks:read",
            "events:read",
        ];
        let analyst = [&viewer[..], &["explainability:batch"]].concat();
        let member = [
            &analyst[..],
            &["marketplace:publish", "marketplace:rate", "debates:write", "events:write"],
        ]
        .concat();
        let workflows = ["read", "create", "update", "delete", "execute", "approve"]
            .map(|it| format!("workflows:{it}"));
        let mut editor = [&member[..], &["webhooks:write", "webhooks:delete"]].concat();
        editor.extend(workflows.iter().map(String::as_str));
        let service = ["events:write", "debates:write", "events:read", "debates:read"];
        for (role, wanted) in [
            ("viewer", viewer.to_vec()),
            ("analyst", analyst),
            ("member", member),
            ("editor", editor),
            ("service", service.to_vec()),
            ("admin", Permission::ALL.iter().map(|it| it.name()).collect()),
            ("owner", Permission::ALL.iter().map(|it| it.name()).collect()),
            ("Admin", vec![]),
            ("root", vec![]),
            ("", vec![]),
        ] {
            let mut wanted: Vec<String> = wanted.into_iter().map(ToOwned::to_owned).collect();
            let mut granted: Vec<String> = names(role).into_iter().map(ToOwned::to_owned).collect();
            wanted.sort_unstable();
            granted.sort_unstable();
            assert_eq!(granted, wanted, "{role}");
        }
        assert_eq!(ROLES.len(), 7);
    }

    #[test]
    fn every_permission_has_a_name_of_its_own_and_reads_back() {
        for &permission in Permission::ALL {
            let name = permission.to_string();
            assert_eq!(Permission::parse(&name), Some(permission));
            assert_eq!(Permission::parse(&name.replace(':', ".")), Some(permission), "{name}");
        }
        assert_eq!(EVERYTHING.iter().count(), Permission::ALL.len());
    }

    #[test]
    fn other_spellings() {
        for (name, permission) in [
            ("view_webhooks", Some(Permission::WebhooksRead)),
            ("manage_webhooks", Some(Permission::WebhooksWrite)),
            ("webhooks", None),
            ("webhooks:", None),
            ("webhooks:*", None),
            ("webhooks:read:all", None),
            ("webhooks:read.all", None),
            ("Webhooks:Read", None),
            (" webhooks:read", None),
            ("webhooks_read", None),
            ("", None),
        ] {
            assert_eq!(Permission::parse(name), permission, "{name:?}");
        }
    }

    #[test]
    fn several_roles_add_up_and_unknown_ones_add_nothing() {
        let caller = |roles: &[&str]| {
            let roles = roles.iter().map(|&role| role.to_owned()).collect();
            Principal::new("user-1", "org-1", roles, Credential::Bearer).unwrap()
        };
        let both = caller(&["viewer", "service", "superuser"]);
        assert!(both.allows(Permission::WebhooksRead) && both.allows(Permission::EventsWrite));
        assert!(!both.allows(Permission::WebhooksWrite) && !both.is_admin());
        assert_eq!(caller(&["superuser"]).permissions(), Permissions::NONE);
        assert_eq!(caller(&[]).permissions(), Permissions::NONE);
        assert!(caller(&["owner"]).is_admin() && caller(&["viewer", "admin"]).is_admin());
        let service =
            Principal::new("user-1", "org-1", vec!["admin".into()], Credential::ServiceToken);
        assert!(!service.unwrap().is_admin());
    }

    #[test]
    fn names_that_would_break_a_key_make_no_principal() {
        let principal =
            |user: &str, org: &str| Principal::new(user, org, vec![], Credential::ServiceToken);
        assert!(principal("a.b:c@d_e-f", "o").is_some_and(|it| it.is_service()));
        for bad in ["", "a#b", "a b", "ä", "a\nb", &"x".repeat(257)] {
            assert_eq!(principal(bad, "o"), None, "{bad:?}");
            assert_eq!(principal("u", bad), None, "{bad:?}");
        }
        assert_eq!(principal("u", PLATFORM_ORG), None);
        for subject in ["auth0|5f7c", "jo+test@example.com", "a/b"] {
            assert!(principal(subject, "o").is_some(), "{subject}");
            assert_eq!(principal("u", &subject.replace('@', "|")), None, "{subject}");
        }
    }
}
