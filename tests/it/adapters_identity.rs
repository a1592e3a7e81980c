//! Table `identity` through its adapter: keys, rights, sessions, and buckets that many take from.

use aragora_core::access::{Credential, Principal};
use aragora_core::allowance::Allowance;
use aragora_core::api_keys::ApiKey;
use aragora_core::ids::KeyId;
use aragora_core::session::{Ended, Session};
use aragora_core::stats::UtcDay;
use aragora_identity::limits::{Limiter, Limits};
use aragora_store::identity::{OwnRoles, Rights, StoredKey, StoredSession, Tokens};
use aragora_store::registrations::Changed;
use aragora_tests::proxy::Fault;
use futures_util::future::join_all;

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    a_key_is_kept_listed_and_gone,
    the_day_of_a_keys_use_only_goes_forward,
    rights_are_a_users_version_and_an_organisations_roles,
    of_two_who_change_roles_one_is_told_to_look_again,
    a_session_whose_answer_was_lost_is_stored,
    many_take_from_a_bucket_what_it_holds_and_no_more,
    one_who_calls_in_vain_uses_up_nothing_of_everybodys,
    failures_are_counted_by_window,
);

fn id(number: u32) -> KeyId {
    KeyId::parse(&format!("key-{number:03}")).unwrap()
}

fn stored(number: u32) -> StoredKey {
    StoredKey {
        key: ApiKey {
            id: id(number),
            user_id: format!("user-{}", number % 2),
            name: "näme".to_owned(),
            permissions: vec!["events:read".to_owned()],
            created_at: T0,
            expires_at: (number == 1).then(|| T0.plus(1_000)),
            rate_limit_per_second: Some(0.5),
        },
        digest: "ab".repeat(32),
        last_used: None,
    }
}

async fn a_key_is_kept_listed_and_gone(lab: &Lab) {
    let identity = lab.identity().await;
    for number in [2, 0, 1] {
        identity.put_key("org", &stored(number)).await.unwrap();
    }
    identity.put_key("org2", &stored(9)).await.unwrap();
    assert_eq!(identity.key("org", &id(1)).await.unwrap(), Some(stored(1)));
    assert_eq!(identity.key("org2", &id(1)).await.unwrap(), None);
    let (page, next) = identity.keys("org", None, 2).await.unwrap();
    assert_eq!((page, next.as_ref()), (vec![stored(0), stored(1)], Some(&id(1))));
    let (page, next) = identity.keys("org", next.as_ref(), 2).await.unwrap();
    assert_eq!((page, next), (vec![stored(2)], None));
    assert_eq!(identity.delete_key("org2", &id(1)).await.unwrap(), None);
    assert_eq!(identity.delete_key("org", &id(1)).await.unwrap(), Some(stored(1)));
    assert_eq!(identity.delete_key("org", &id(1)).await.unwrap(), None);
}

async fn the_day_of_a_keys_use_only_goes_forward(lab: &Lab) {
    let identity = lab.identity().await;
    identity.put_key("org", &stored(0)).await.unwrap();
    let today = UtcDay::of(T0);
    for day in [today, today.plus(1), today] {
        identity.key_used("org", &id(0), day).await.unwrap();
    }
    let used = identity.key("org", &id(0)).await.unwrap().unwrap().last_used;
    assert_eq!(used, Some(today.plus(1)));
    identity.key_used("org", &id(1), today).await.unwrap();
    assert_eq!(identity.key("org", &id(1)).await.unwrap(), None, "a key that is gone stays so");
}

async fn rights_are_a_users_version_and_an_organisations_roles(lab: &Lab) {
    let identity = lab.identity().await;
    assert_eq!(identity.rights("org", "roles").await.unwrap(), Rights::default());
    assert_eq!(identity.end_tokens("org", "roles", T0).await.unwrap(), 1);
    assert_eq!(identity.end_tokens("org", "roles", T0.plus(5)).await.unwrap(), 2);
    let roles = OwnRoles::from([("on-call".to_owned(), vec!["events:read".to_owned()])]);
    assert_eq!(identity.put_own_roles("org", &roles, 0).await.unwrap(), Changed::Done);
    let ended = Ended { version: 2, at: Some(T0.plus(5)) };
    let rights = Rights { ended, roles: roles.clone() };
    assert_eq!(identity.rights("org", "roles").await.unwrap(), rights);
    let others = Rights { ended: Ended::default(), roles };
    assert_eq!(identity.rights("org", "somebody").await.unwrap(), others);
    assert_eq!(identity.rights("org2", "roles").await.unwrap(), Rights::default());
}

async fn of_two_who_change_roles_one_is_told_to_look_again(lab: &Lab) {
    let identity = lab.identity().await;
    let (one, other) = (
        OwnRoles::from([("one".to_owned(), vec![])]),
        OwnRoles::from([("two".to_owned(), vec![])]),
    );
    assert_eq!(identity.own_roles("org").await.unwrap(), (OwnRoles::new(), 0));
    assert_eq!(identity.put_own_roles("org", &one, 0).await.unwrap(), Changed::Done);
    assert_eq!(identity.put_own_roles("org", &other, 0).await.unwrap(), Changed::Outdated);
    assert_eq!(identity.own_roles("org").await.unwrap(), (one, 1));
    assert_eq!(identity.put_own_roles("org", &other, 1).await.unwrap(), Changed::Done);
    assert_eq!(identity.own_roles("org").await.unwrap(), (other, 2));
}

async fn a_session_whose_answer_was_lost_is_stored(lab: &Lab) {
    let identity = lab.identity().await;
    let session = |current: &str| Session {
        current: current.to_owned(),
        previous: None,
        refreshed_at: T0,
        revoked: false,
    };
    let end = T0.plus(1_000);
    lab.proxy.script("PutItem", [Fault::LoseAnswer]);
    // The SDK repeats it and meets its own.
    let first = identity.put_session("org", "s", &session("a"), 0, end).await.unwrap();
    assert_eq!(first, Changed::Done);
    lab.met("PutItem", 2);
    let stored = StoredSession { session: session("a"), rev: 1 };
    assert_eq!(identity.session("org", "s").await.unwrap(), Some(stored));
    let late = identity.put_session("org", "s", &session("b"), 0, end).await.unwrap();
    assert_eq!(late, Changed::Outdated);
    assert_eq!(identity.session("org2", "s").await.unwrap(), None);
}

async fn many_take_from_a_bucket_what_it_holds_and_no_more(lab: &Lab) {
    let identity = lab.identity().await;
    let allowance = Allowance { per_second: 1.0, burst: 10.0 };
    let take = |tokens, seen, now| {
        let (identity, allowance) = (identity.clone(), allowance);
        async move { identity.take_tokens("org", "b", &allowance, tokens, seen, now).await.unwrap() }
    };
    // Nobody has looked at it before; all take at once.
    let taken = join_all((0..16).map(|_| take(1, 0, T0))).await;
    let granted = taken.iter().filter(|(tokens, _)| *tokens == Tokens::Granted).count();
    assert_eq!(granted, 10, "{taken:?}");
    let wait = taken.iter().find_map(|(tokens, _)| match tokens {
        Tokens::Refused(until) => Some(*until),
        Tokens::Granted => None,
    });
    assert_eq!(wait, Some(T0.plus(1_000)));
    // With an old hint, and with a good one.
    let (later, seen) = take(1, 5, T0.plus(2_000)).await;
    assert_eq!(later, Tokens::Granted);
    assert_eq!(take(1, seen, T0.plus(2_000)).await.0, Tokens::Granted);
    assert!(matches!(take(1, seen, T0.plus(2_000)).await.0, Tokens::Refused(_)));
    // Long after it is full again, and another organisation's always was.
    assert_eq!(take(10, seen, T0.plus(3_600_000)).await.0, Tokens::Granted);
    let others = identity.take_tokens("org2", "b", &allowance, 10, 0, T0).await.unwrap();
    assert_eq!(others.0, Tokens::Granted);
    let buckets = identity.buckets("org", 10).await.unwrap();
    assert_eq!((buckets.len(), buckets[0].name.as_str()), (1, "b"));
    assert_eq!(buckets[0].allowance, allowance);
}

async fn one_who_calls_in_vain_uses_up_nothing_of_everybodys(lab: &Lab) {
    let limits = Limits {
        organisation: Allowance { per_second: 1.0, burst: 100.0 },
        credential: Allowance { per_second: 1.0, burst: 5.0 },
    };
    let limiter = Limiter::new(lab.identity().await, limits);
    let caller = |user| Principal::new(user, "org", vec![], Credential::Bearer).unwrap();
    let mut admitted = 0;
    for _ in 0..50 {
        admitted += u32::from(limiter.admit(&caller("greedy"), None, T0).await.is_none());
    }
    assert_eq!(admitted, 5);
    let shown = limiter.show("org", T0).await.unwrap();
    let left = shown.iter().find(|it| it.name == "organisation").unwrap().remaining;
    // Five were let through; the worker holds a few besides.
    assert!(left > 90.0, "{left} left");
    assert_eq!(limiter.admit(&caller("other"), None, T0).await, None);
}

async fn failures_are_counted_by_window(lab: &Lab) {
    let identity = lab.identity().await;
    for wanted in 1..=3 {
        assert_eq!(identity.count_failure("address:1", T0).await.unwrap(), wanted);
    }
    assert_eq!(identity.count_failure("address:2", T0).await.unwrap(), 1);
    assert_eq!(identity.count_failure("address:1", T0.plus(300_000)).await.unwrap(), 1);
}
