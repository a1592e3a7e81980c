//! What is told, within its bounds, and the chain that finds every change.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::chain::{Broken, verify};
use super::*;
use crate::catalogue;

const NOW: Millis = Millis(1_795_275_000_000);

fn happening() -> Happening {
    let mut it = Happening::new(Action::SecretRotated, NOW);
    it.id = "0192f0c1-0000-7000-8000-000000000001".to_owned();
    it.org = "org-1".to_owned();
    it.actor = "user-1".to_owned();
    it.credential = "bearer".to_owned();
    it.target = "wh-1".to_owned();
    it.address = "192.0.2.1".to_owned();
    it.request_id = "req-1".to_owned();
    it.detail.insert("grace_period_seconds".to_owned(), "3600".to_owned());
    it.detail.insert("é".to_owned(), "a,b:c".to_owned());
    it
}

/// The row was printed and hashed with Python's hashlib, from the description in [`chain`].
#[test]
fn the_hash_is_what_the_description_says() {
    let first = Entry::after(Link::START, happening(), NOW.plus(250));
    assert_eq!((first.seq, first.at), (1, NOW.plus(250)));
    assert_eq!(
        first.hash.to_string(),
        "7ea3cae5ec42730e9c127d0b255bafb2993b140bbda1cab8537662315f58f6f0"
    );
    let second = Entry::after(first.link(), happening(), NOW);
    assert_eq!((second.seq, second.at), (2, NOW.plus(250)), "time does not go back");
    assert_eq!(
        second.hash.to_string(),
        "ae617ccdce5b61c41fd2989693f46b3ead3b926c9243412f3fb2b57d10a37fba"
    );
}

#[test]
fn hashes_have_one_spelling() {
    let hash = happening_hash();
    assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
    for bad in ["", "00", &hash.to_string().to_uppercase(), &format!("{hash}0"), &"g".repeat(64)] {
        assert_eq!(Hash::parse(bad), None, "{bad}");
    }
}

fn happening_hash() -> Hash {
    Entry::after(Link::START, happening(), NOW).hash
}

#[test]
fn every_action_is_an_operational_event_of_the_catalogue() {
    let names: BTreeSet<&str> = Action::ALL.iter().map(|action| action.event_type()).collect();
    assert_eq!(names.len(), Action::ALL.len());
    for &action in Action::ALL {
        assert_eq!(Action::parse(action.as_str()), Some(action));
        let known = catalogue::find(action.event_type()).unwrap();
        assert!(catalogue::is_operational(known.name));
        let example = known.data_example();
        assert_eq!(example["action"], action.as_str());
        assert_eq!(example["severity"], action.severity().as_str());
        assert_eq!(example["outcome"], action.usual_outcome().as_str());
        let mut it = Happening { action, ..happening() };
        it.outcome = action.usual_outcome();
        for data in [it.event_data(), Happening::new(action, NOW).event_data()] {
            let schema = jsonschema::draft202012::new(&known.data_schema()).unwrap();
            schema.validate(&data).unwrap_or_else(|error| panic!("{}: {error}", known.name));
            let known: BTreeSet<&String> = example.as_object().unwrap().keys().collect();
            assert_eq!(data.as_object().unwrap().keys().collect::<BTreeSet<_>>(), known);
        }
    }
    let of_catalogue = catalogue::EVENT_TYPES.iter().filter(|it| it.name.starts_with("security."));
    assert_eq!(of_catalogue.count(), Action::ALL.len());
}

#[test]
fn only_those_who_name_them_get_security_events() {
    for (pattern, reached) in [
        ("*", false),
        ("s*", false),
        ("*.failed", false),
        ("webhook.*", false),
        ("security.*", true),
        ("security.auth.*", true),
        ("security.auth.failed", true),
        ("security.url.blocked", false),
    ] {
        let patterns = [pattern.to_owned()];
        let spelling = catalogue::spelling_for(Action::AuthFailed.event_type(), &patterns);
        assert_eq!(spelling.is_some(), reached, "{pattern}");
    }
}

#[test]
fn a_happening_is_told_under_one_id() {
    let it = happening();
    assert_eq!(it.event_id(), it.clone().event_id());
    let elsewhere = Happening { org: "org-2".to_owned(), ..it.clone() };
    assert_ne!(it.event_id(), elsewhere.event_id());
    assert_ne!(Happening::new(it.action, NOW).id, Happening::new(it.action, NOW).id);
}

#[test]
fn what_a_queue_brings_is_not_believed() {
    assert!(happening().is_sound());
    assert!(Happening::new(Action::AuthFailed, NOW).is_sound());
    let changed = |change: fn(&mut Happening)| {
        let mut it = happening();
        change(&mut it);
        it.is_sound()
    };
    assert!(!changed(|it| it.id = "a#b".to_owned()));
    assert!(!changed(|it| it.id = "x".repeat(65)));
    assert!(!changed(|it| it.org = "a#b".to_owned()));
    assert!(!changed(|it| it.org = String::new()));
    assert!(!changed(|it| it.at = Millis(-1)));
    assert!(!changed(|it| it.actor = "x".repeat(257)));
    assert!(!changed(|it| it.target = "a\u{1b}[2Jb".to_owned()));
    assert!(!changed(|it| it.detail = (0..9).map(|n| (n.to_string(), String::new())).collect()));
}

fn chain_of(count: u64) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for number in 0..count {
        let before = entries.last().map_or(Link::START, Entry::link);
        let mut it = happening();
        it.id = format!("id-{number}");
        let at = NOW.plus(i64::try_from(number).unwrap());
        entries.push(Entry::after(before, it, at));
    }
    entries
}

#[test]
fn a_chain_holds_from_its_beginning_and_from_anywhere() {
    let entries = chain_of(6);
    let last = entries.last().map(Entry::link);
    assert_eq!(verify(None, &entries), Ok(last));
    assert_eq!(verify(Some(Link::START), &entries), Ok(last));
    assert_eq!(verify(None, &entries[3..]), Ok(last), "what is older may have expired");
    assert_eq!(verify(Some(entries[2].link()), &entries[3..]), Ok(last));
    assert_eq!(verify(None, &[]), Ok(None));
    assert_eq!(verify(last, &[]), Ok(last));
}

#[test]
fn the_first_entry_that_does_not_hold_is_told_and_why() {
    let entries = chain_of(6);
    let broken = |seq, fault| Err(Broken { seq, fault });

    let mut one_less = entries.clone();
    one_less.remove(2);
    assert_eq!(verify(None, &one_less), broken(3, Fault::Missing));
    assert_eq!(verify(Some(entries[1].link()), &entries[3..]), broken(3, Fault::Missing));
    assert_eq!(verify(Some(Link::START), &entries[1..]), broken(1, Fault::Missing));

    let mut swapped = entries.clone();
    swapped.swap(2, 3);
    assert_eq!(verify(None, &swapped), broken(3, Fault::Reordered));
    let mut twice = entries.clone();
    twice.insert(3, entries[2].clone());
    assert_eq!(verify(None, &twice), broken(4, Fault::Reordered));

    let mut altered = entries.clone();
    altered[2].happening.actor = "somebody-else".to_owned();
    assert_eq!(verify(None, &altered), broken(3, Fault::Altered));
    // With its hash worked out anew, it is the next one that does not follow.
    altered[2].hash = altered[2].digest();
    assert_eq!(verify(None, &altered), broken(4, Fault::Unlinked));

    let mut first = entries;
    first[0].prev_hash = first[1].hash;
    first[0].hash = first[0].digest();
    assert_eq!(verify(None, &first), broken(1, Fault::Unlinked));
}

/// Every field of an entry and of what it tells, changed one at a time.
const CHANGES: [fn(&mut Entry, &str); 13] = [
    |entry, _| entry.seq += 1,
    |entry, _| entry.at = entry.at.plus(1),
    |entry, _| entry.prev_hash = entry.hash,
    |entry, more| entry.happening.id.push_str(more),
    |entry, more| entry.happening.org.push_str(more),
    |entry, _| entry.happening.at = entry.happening.at.plus(-1),
    |entry, _| entry.happening.action = Action::KeyRevoked,
    |entry, _| entry.happening.outcome = Outcome::Failed,
    |entry, more| entry.happening.actor.push_str(more),
    |entry, more| entry.happening.credential.push_str(more),
    |entry, more| entry.happening.target.push_str(more),
    |entry, more| entry.happening.address.push_str(more),
    |entry, more| entry.happening.request_id.push_str(more),
];

/// Moves text from the end of one field to the beginning of the next: the row of both is the same
/// but for the lengths.
fn shift(entry: &mut Entry, letters: usize) -> bool {
    let it = &mut entry.happening;
    let keep = it.actor.chars().count().saturating_sub(letters);
    let moved: String = it.actor.chars().skip(keep).collect();
    it.actor = it.actor.chars().take(keep).collect();
    it.credential.insert_str(0, &moved);
    !moved.is_empty()
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let texts = prop::collection::vec(any::<String>(), 5);
    let detail = prop::collection::btree_map(any::<String>(), any::<String>(), 0..12);
    (0..Action::ALL.len(), texts, detail).prop_map(|(action, texts, detail)| {
        let mut it = Happening::new(Action::ALL[action], NOW);
        let [actor, credential, target, address, request_id] = texts.try_into().unwrap();
        (it.actor, it.credential, it.target) = (actor.repeat(20), credential, target.repeat(20));
        (it.address, it.request_id, it.detail) = (address, request_id, detail);
        it
    })
}

proptest! {
    #[test]
    fn what_is_bounded_is_sound_and_stays_as_it_is(it in any_happening()) {
        let bounded = it.bounded();
        prop_assert!(bounded.is_sound());
        prop_assert_eq!(bounded.clone().bounded(), bounded.clone());
        let text = serde_json::to_string(&bounded).unwrap();
        prop_assert_eq!(serde_json::from_str::<Happening>(&text).unwrap(), bounded);
    }

    #[test]
    fn any_changed_field_is_found(
        it in any_happening(), at in 0_usize..5, change in 0..CHANGES.len(), more in ".{1,5}",
        rehashed in any::<bool>(),
    ) {
        let mut entries = chain_of(3);
        for _ in 0..2 {
            let before = entries[entries.len() - 1].link();
            entries.push(Entry::after(before, it.clone().bounded(), NOW));
        }
        prop_assert!(verify(None, &entries).is_ok());
        let before = entries[at].clone();
        CHANGES[change](&mut entries[at], &more);
        prop_assume!(entries[at] != before);
        if rehashed {
            entries[at].hash = entries[at].digest();
        }
        // The last entry has nobody behind it: with its hash worked out anew only the log of the
        // worker shows it, unless its place gives it away.
        let place = entries[at].seq != before.seq || entries[at].prev_hash != before.prev_hash;
        if !rehashed || at < 4 || place {
            let found = verify(None, &entries).unwrap_err().seq;
            prop_assert!((before.seq..=before.seq + 2).contains(&found), "{found}");
        }
        prop_assert_ne!(entries[at].digest(), before.hash);
    }

    #[test]
    fn text_that_moves_between_fields_and_details_is_found(
        it in any_happening(), letters in 1_usize..6,
    ) {
        let entry = Entry::after(Link::START, it.bounded(), NOW);
        let mut moved = entry.clone();
        if shift(&mut moved, letters) {
            prop_assert_ne!(moved.digest(), entry.hash);
        }
        let mut more = entry.clone();
        more.happening.detail.insert("\u{1}new".to_owned(), String::new());
        prop_assert_ne!(more.digest(), entry.hash);
        let mut less = entry.clone();
        if less.happening.detail.pop_last().is_some() {
            prop_assert_ne!(less.digest(), entry.hash);
        }
    }

    #[test]
    fn a_dropped_swapped_or_inserted_entry_is_found(
        count in 3_u64..12, one in 0_usize..12, other in 0_usize..12, how in 0..3,
    ) {
        let mut entries = chain_of(count);
        let (one, other) = (one % entries.len(), other % entries.len());
        match how {
            // Dropping the first is what expiry does, and dropping the last is cutting off.
            0 => {
                prop_assume!(one > 0 && one + 1 < entries.len());
                entries.remove(one);
            }
            1 => {
                prop_assume!(one != other);
                entries.swap(one, other);
            }
            _ => {
                prop_assume!(one > 0);
                let forged = Entry::after(entries[one - 1].link(), happening(), NOW.plus(99));
                entries.insert(one, forged);
            }
        }
        prop_assert!(verify(None, &entries).is_err());
    }
}
