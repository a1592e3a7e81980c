//! Round trips, rotation, and what each kind of damage is called.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{Envelope, KeyRing, KeyRingError, NotAStoredValue, OpenError, Place, Stored};

const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const NEW: &str = "FFfefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0";
const PLACE: Place<'_> =
    Place { table: "webhook_registrations", key: "org-1|wh-1", field: "secret" };

fn ring(list: &str) -> KeyRing {
    KeyRing::parse(list).unwrap()
}

fn seal(ring: &KeyRing, text: &str) -> Envelope {
    ring.seal(&PLACE, &SecretString::from(text)).unwrap()
}

fn open(ring: &KeyRing, place: Place<'_>, envelope: Envelope) -> Result<String, OpenError> {
    ring.open(&place, &Stored::Sealed(envelope)).map(|text| text.expose_secret().to_owned())
}

fn altered(envelope: &Envelope, change: impl FnOnce(&mut Vec<u8>)) -> Envelope {
    let mut bytes = STANDARD.decode(envelope.value()).unwrap();
    change(&mut bytes);
    Envelope::from_value(STANDARD.encode(bytes))
}

#[test]
fn what_is_sealed_opens_and_shows_nothing() {
    let ring = ring(OLD);
    for text in ["", "x", "your-hmac-secret", "schlüssel 🔑", &"long".repeat(10_000)] {
        let envelope = seal(&ring, text);
        let bytes = STANDARD.decode(envelope.value()).unwrap();
        assert_eq!(bytes.len(), 1 + 8 + 4 + 12 + text.len() + 16);
        if text.len() > 8 {
            assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()));
        }
        assert_eq!(open(&ring, PLACE, envelope).unwrap(), text);
    }
}

#[test]
fn the_same_value_is_never_sealed_the_same_way_twice() {
    let ring = ring(OLD);
    let nonce = |envelope: &Envelope| STANDARD.decode(envelope.value()).unwrap()[13..25].to_vec();
    let [one, two] = [seal(&ring, "same"), seal(&ring, "same")];
    assert_ne!(nonce(&one), nonce(&two));
    assert_ne!(one, two);
}

/// Made with Python's `cryptography` from the layout in the module's documentation, so that a
/// change of layout, associated data or hashes that would strand stored values is noticed.
#[test]
fn a_value_of_version_1_still_opens() {
    let envelope = Envelope::from_value(
        "AanR13rRRcW4taDwT2RlZmdoaWprbG1ubzF0qxRUgTv/XU8sjbkXD4kBlxGKvlcSNMTtQbU8bRCI",
    );
    assert_eq!(open(&ring(OLD), PLACE, envelope).unwrap(), "your-hmac-secret");
    assert_eq!(ring(OLD).key_ids(), ["a9d1d77ad145c5b8"]);
}

#[test]
fn the_first_key_seals_and_all_open() {
    let [old, new, both] = [ring(OLD), ring(NEW), ring(&format!(" {NEW} ,\n{OLD}"))];
    let by_old = seal(&old, "secret");
    let by_both = seal(&both, "secret");
    assert_eq!(open(&both, PLACE, by_old.clone()).unwrap(), "secret");
    assert_eq!(open(&new, PLACE, by_both.clone()).unwrap(), "secret");
    assert_eq!(both.key_ids(), [new.key_ids(), old.key_ids()].concat());

    let unknown = |ring: &KeyRing| OpenError::UnknownKey { key_id: ring.key_ids().swap_remove(0) };
    assert_eq!(open(&old, PLACE, by_both.clone()), Err(unknown(&new)));
    assert_eq!(open(&new, PLACE, by_old.clone()), Err(unknown(&old)));

    assert!(both.is_current(&Stored::Sealed(by_both.clone())));
    assert!(new.is_current(&Stored::Sealed(by_both)));
    assert!(!both.is_current(&Stored::Sealed(by_old)));
    assert!(!both.is_current(&Stored::Plain("secret".into())));
    assert!(!both.is_current(&Stored::Sealed(Envelope::from_value("AQ=="))));
}

#[test]
fn a_value_opens_only_where_it_was_written() {
    let ring = ring(OLD);
    let envelope = seal(&ring, "secret");
    for place in [
        Place { table: "webhook_registrations2", ..PLACE },
        Place { key: "org-1|wh-2", ..PLACE },
        Place { field: "old_secret", ..PLACE },
        // The same letters, divided elsewhere.
        Place { table: "webhook_registrationsorg-1", key: "|wh-1", ..PLACE },
        Place { key: "org-1|wh-1s", field: "ecret", ..PLACE },
        Place { table: "org-1|wh-1", key: "webhook_registrations", ..PLACE },
    ] {
        assert_eq!(open(&ring, place, envelope.clone()), Err(OpenError::Moved), "{place:?}");
        // The check that names the mistake authenticates nothing: the cipher refuses by itself.
        let elsewhere = ring.seal(&place, &SecretString::from("other")).unwrap();
        let there = STANDARD.decode(elsewhere.value()).unwrap();
        let forged = altered(&envelope, |bytes| {
            bytes[9..13].copy_from_slice(&there[9..13]);
        });
        assert_eq!(open(&ring, place, forged), Err(OpenError::Corrupt));
    }
}

#[test]
fn damage_is_called_corrupt() {
    let ring = ring(OLD);
    let envelope = seal(&ring, "secret");
    for position in [0, 13, 24, 25, 30, 31, 46] {
        let changed = altered(&envelope, |bytes| bytes[position] ^= 1);
        assert_eq!(open(&ring, PLACE, changed), Err(OpenError::Corrupt), "byte {position}");
    }
    for length in [0, 1, 9, 13, 25, 40, 46] {
        let cut = altered(&envelope, |bytes| bytes.truncate(length));
        assert_eq!(open(&ring, PLACE, cut), Err(OpenError::Corrupt), "{length} bytes");
    }
    let longer = altered(&envelope, |bytes| bytes.push(0));
    assert_eq!(open(&ring, PLACE, longer), Err(OpenError::Corrupt));
    for text in ["not base64!", "", "AQ", "your-hmac-secret"] {
        assert_eq!(open(&ring, PLACE, Envelope::from_value(text)), Err(OpenError::Corrupt));
    }
    let other_key = altered(&envelope, |bytes| bytes[1] ^= 1);
    assert!(matches!(open(&ring, PLACE, other_key), Err(OpenError::UnknownKey { .. })));
}

#[test]
fn stored_values_are_plain_text_or_the_envelope() {
    let ring = ring(OLD);
    let json = seal(&ring, "secret").to_json();
    assert_eq!(json["_encrypted"], json!(true));
    assert_eq!(json.as_object().unwrap().len(), 2);
    for value in [json, json!("secret")] {
        let stored = Stored::from_json(&value).unwrap();
        assert_eq!(ring.open(&PLACE, &stored).unwrap().expose_secret(), "secret");
    }
    for value in [
        json!(null),
        json!(1),
        json!({}),
        json!({"_value": "AQ=="}),
        json!({"_encrypted": true}),
        json!({"_encrypted": true, "_value": 1}),
        json!({"_encrypted": false, "_value": "AQ=="}),
        json!({"_encrypted": "true", "_value": "AQ=="}),
    ] {
        assert_eq!(Stored::from_json(&value).unwrap_err(), NotAStoredValue, "{value}");
    }
}

#[test]
fn a_list_of_keys_is_read_strictly() {
    for (list, error) in [
        (String::new(), KeyRingError::Empty),
        (" ".to_owned(), KeyRingError::Empty),
        ("replace-me".to_owned(), KeyRingError::NotAKey { position: 1 }),
        (format!("{OLD}0"), KeyRingError::NotAKey { position: 1 }),
        (format!("{OLD}00"), KeyRingError::NotAKey { position: 1 }),
        (OLD.replace("1f", ""), KeyRingError::NotAKey { position: 1 }),
        (OLD.replace("1f", "1g"), KeyRingError::NotAKey { position: 1 }),
        (format!("{OLD},"), KeyRingError::NotAKey { position: 2 }),
        (format!(",{OLD}"), KeyRingError::NotAKey { position: 1 }),
        (format!("{OLD},{NEW},x"), KeyRingError::NotAKey { position: 3 }),
        (format!("{OLD} {NEW}"), KeyRingError::NotAKey { position: 1 }),
    ] {
        let refused = KeyRing::parse(&list).unwrap_err();
        assert_eq!(refused, error, "{list:?}");
        assert!(!refused.to_string().contains("0001"));
    }
    assert_eq!(ring(&OLD.to_uppercase()).key_ids(), ring(OLD).key_ids());
}

#[test]
fn a_generated_ring_has_one_key_of_its_own() {
    let [one, other] = [KeyRing::generate().unwrap(), KeyRing::generate().unwrap()];
    let envelope = seal(&one, "secret");
    assert_eq!(open(&one, PLACE, envelope.clone()).unwrap(), "secret");
    assert!(matches!(open(&other, PLACE, envelope), Err(OpenError::UnknownKey { .. })));
    assert_eq!(one.key_ids().len(), 1);
}

#[test]
fn debug_output_shows_no_key_and_no_value() {
    let ring = ring(&format!("{OLD},{NEW}"));
    let shown = format!("{ring:?} {:?}", Stored::Plain("do-not-show".into()));
    assert!(!shown.contains("0001020304") && !shown.contains("do-not-show"), "{shown}");
    assert!(shown.contains(&ring.key_ids()[1]));
}

proptest! {
    #[test]
    fn any_text_in_any_place_comes_back(
        text in any::<String>(), table in any::<String>(), key in any::<String>(), field in any::<String>(),
    ) {
        let ring = ring(&format!("{NEW},{OLD}"));
        let place = Place { table: &table, key: &key, field: &field };
        let envelope = ring.seal(&place, &SecretString::from(text.as_str())).unwrap();
        prop_assert_eq!(open(&ring, place, envelope), Ok(text));
    }

    #[test]
    fn any_bytes_are_answered(mut bytes in prop::collection::vec(any::<u8>(), 0..80), versioned: bool) {
        if let (true, Some(first)) = (versioned, bytes.first_mut()) {
            *first = 1;
        }
        let envelope = Envelope::from_value(STANDARD.encode(&bytes));
        prop_assert!(open(&ring(OLD), PLACE, envelope).is_err());
    }
}
