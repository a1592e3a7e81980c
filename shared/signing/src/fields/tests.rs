//! The registry's own rules, and documents before and after.

use std::collections::BTreeSet;

use proptest::prelude::*;
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::*;

const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0";
const KEY: &str = "org-1#wh-1";

fn ring(list: &str) -> KeyRing {
    KeyRing::parse(list).unwrap()
}

fn both() -> KeyRing {
    ring(&format!("{NEW},{OLD}"))
}

fn store() -> &'static Store {
    Store::named("webhook_registrations").unwrap()
}

fn sealed(keys: &KeyRing, field: &Field, text: &str) -> Value {
    field.seal(keys, KEY, &SecretString::from(text)).unwrap()
}

fn opened(keys: &KeyRing, field: &Field, stored: &Value) -> String {
    field.open(keys, KEY, stored).unwrap().expose_secret().to_owned()
}

/// The troubles as they are reported.
fn told(resealed: &Resealed) -> Vec<(String, String)> {
    resealed.troubles.iter().map(|it| (it.path.clone(), it.why.to_string())).collect()
}

#[test]
fn names_and_paths_are_there_once() {
    let mut names = BTreeSet::new();
    for store in STORES {
        assert!(names.insert(store.name().to_owned()), "{} twice", store.name());
        assert_eq!(Store::named(store.name()).unwrap().name(), store.name());
        let mut paths = BTreeSet::new();
        assert!(store.paths().all(|path| paths.insert(path)), "{} twice a path", store.name());
        let mut fields = BTreeSet::new();
        for field in store.fields {
            assert_eq!(field.store, store.name());
            assert!(fields.insert(field.name), "{} {} twice", store.name(), field.name);
        }
    }
    assert!(Store::named("webhooks").is_none());
}

#[test]
fn a_field_is_bound_to_the_names_that_stored_values_have() {
    let place = WEBHOOK_SECRET.place(KEY);
    assert_eq!((place.table, place.key, place.field), ("webhook_registrations", KEY, "secret"));
    assert_eq!(WEBHOOK_HEADERS.place(KEY).field, "headers");
    assert_eq!(item_key("org-1", "wh-1"), KEY);
}

#[test]
fn what_is_plain_or_under_an_older_key_is_sealed_and_nothing_else_changes() {
    let (old, keys, new) = (ring(OLD), both(), ring(NEW));
    let before = json!({
        "url": "https://example.com/", "n": 1.0,
        "secret": sealed(&old, &WEBHOOK_SECRET, "newest"),
        "old_secrets": [
            {"secret": "plain of old", "valid_until": 5},
            {"secret": sealed(&keys, &WEBHOOK_SECRET, "current"), "valid_until": 6},
            {"secret": sealed(&old, &WEBHOOK_SECRET, "older"), "valid_until": 7},
        ],
        "headers": sealed(&old, &WEBHOOK_HEADERS, "[[\"X-A\",\"1\"]]"),
        "metadata": {"secret": "the user's own word"},
    });
    let mut after = before.clone();
    let resealed = store().reseal(&keys, KEY, &mut after);
    assert_eq!((resealed.sealed, told(&resealed)), (4, vec![]));

    let secret = |stored: &Value| opened(&new, &WEBHOOK_SECRET, stored);
    assert_eq!(secret(&after["secret"]), "newest");
    assert_eq!(secret(&after["old_secrets"][0]["secret"]), "plain of old");
    assert_eq!(secret(&after["old_secrets"][2]["secret"]), "older");
    assert_eq!(opened(&new, &WEBHOOK_HEADERS, &after["headers"]), "[[\"X-A\",\"1\"]]");
    assert_eq!(after["old_secrets"][1], before["old_secrets"][1], "it was current");
    let blank = |mut document: Value| {
        for path in ["/secret", "/headers", "/old_secrets/0/secret", "/old_secrets/2/secret"] {
            *document.pointer_mut(path).unwrap() = Value::Null;
        }
        document.to_string()
    };
    assert_eq!(blank(after.clone()), blank(before));

    let once = after.clone();
    let again = store().reseal(&keys, KEY, &mut after);
    assert_eq!((again.sealed, told(&again)), (0, vec![]));
    assert_eq!(after, once);
}

#[test]
fn what_cannot_be_read_is_named_and_left_and_the_rest_goes_on() {
    let (old, keys) = (ring(OLD), both());
    let moved = WEBHOOK_SECRET.seal(&old, "org-1#wh-2", &"x".into()).unwrap();
    let mut truncated = sealed(&keys, &WEBHOOK_SECRET, "a-secret-value");
    truncated["_value"] = json!(truncated["_value"].as_str().unwrap().get(..40).unwrap());
    let unknown = sealed(&ring(&"ab".repeat(32)), &WEBHOOK_SECRET, "x");
    let before = json!({
        "secret": moved,
        "old_secrets": [
            {"secret": truncated}, {"secret": unknown}, {"secret": {"a-secret-value": 1}}, {},
            "a-secret-value", {"secret": sealed(&old, &WEBHOOK_SECRET, "good")},
        ],
        "headers": sealed(&old, &WEBHOOK_SECRET, "another field's"),
    });
    let mut after = before.clone();
    let resealed = store().reseal(&keys, KEY, &mut after);
    assert_eq!(resealed.sealed, 1);
    let wanted = [
        ("secret", "the encrypted value was written for another place"),
        ("old_secrets[0].secret", "the encrypted value is corrupt"),
        ("old_secrets[1].secret", "which the key ring does not have"),
        ("old_secrets[2].secret", "neither plain text nor an encryption envelope"),
        ("old_secrets[4]", "is no object"),
        ("headers", "the encrypted value was written for another place"),
    ];
    let told = told(&resealed);
    assert_eq!(told.len(), wanted.len(), "{told:?}");
    for ((path, why), (wanted_path, wanted_why)) in told.iter().zip(wanted) {
        assert_eq!(path, wanted_path);
        assert!(why.contains(wanted_why), "{path}: {why}");
        assert!(!why.contains("a-secret-value"), "{why}");
    }
    assert_eq!(opened(&ring(NEW), &WEBHOOK_SECRET, &after["old_secrets"][5]["secret"]), "good");
    after["old_secrets"][5] = before["old_secrets"][5].clone();
    assert_eq!(after, before);
}

#[test]
fn other_shapes() {
    for (mut document, wanted) in [
        (json!({}), vec![]),
        (json!({"secret": null, "old_secrets": null, "headers": null}), vec![]),
        (json!({"old_secrets": []}), vec![]),
        (json!([]), vec![("", "is no object")]),
        (json!("secret"), vec![("", "is no object")]),
        (json!({"old_secrets": {"secret": "x"}}), vec![("old_secrets", "is no list")]),
    ] {
        let resealed = store().reseal(&both(), KEY, &mut document);
        let told = told(&resealed);
        let told: Vec<_> = told.iter().map(|(path, why)| (path.as_str(), why.as_str())).collect();
        assert_eq!((resealed.sealed, told), (0, wanted), "{document}");
    }
}

/// Any JSON, with the registry's names often where they may stand.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        "[A-Za-z0-9+/]{0,80}".prop_map(|text| json!({"_encrypted": true, "_value": text})),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let name = prop_oneof![Just("secret"), Just("old_secrets"), Just("headers"), Just("a")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4)
                .prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn once_is_enough_for_any_document(mut document in any_json()) {
        let keys = both();
        let first = store().reseal(&keys, KEY, &mut document);
        let after = document.clone();
        let second = store().reseal(&keys, KEY, &mut document);
        prop_assert_eq!(second.sealed, 0);
        prop_assert_eq!(told(&second), told(&first));
        prop_assert_eq!(document, after);
    }
}
