use super::*;

fn names(role: &str) -> Vec<&'static str> {
    granted_by(role).iter().map(Permission::name).collect()
}

#[test]
fn the_table_is_that_of_the_decisions() {
    let viewer =
        ["marketplace:read", "explainability:read", "debates:read", "webhooks:read", "events:read"];
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
    let service = Principal::new("user-1", "org-1", vec!["admin".into()], Credential::ServiceToken);
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
