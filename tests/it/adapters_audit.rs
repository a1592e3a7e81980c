//! Table `audit_log` through its adapter: a chain that two workers append to, and that nobody
//! changes unnoticed.

use aragora_audit::desk::{AuditDesk, Verified};
use aragora_core::audit::chain::{Broken, verify};
use aragora_core::audit::{Action, Entry, Fault, Happening, Link};
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::audit::{AuditLog, Narrowed, Terms};
use aragora_tests::proxy::Fault as Wrong;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    happenings_are_appended_once,
    a_put_whose_answer_was_lost_is_the_callers_own,
    an_append_that_breaks_off_is_gone_on_with,
    two_at_once_make_one_chain,
    organisations_have_chains_of_their_own,
    lists_go_from_new_to_old_and_are_narrowed,
    what_was_changed_dropped_or_moved_is_found,
    a_chain_is_verified_in_pages,
    what_expired_is_the_beginning_no_more,
    expiry_only_goes_up,
);

const DAY_MS: i64 = 86_400_000;

fn happening(number: i64) -> Happening {
    let at = T0.plus(number);
    Happening { org: "org".to_owned(), ..Happening::new(Action::CursorForged, at) }
}

fn terms(now: Millis) -> Terms {
    Terms { now, retention_days: 400, look_back: 25 }
}

async fn filled(lab: &Lab, count: i64) -> (AuditLog, String, Vec<Entry>) {
    let (log, table) = lab.audit_log().await;
    let happenings: Vec<_> = (0..count).map(happening).collect();
    let entries = log.append("org", &happenings, terms(T0)).await.unwrap().entries;
    (log, table, entries)
}

async fn stored(log: &AuditLog, org: &str) -> Vec<Entry> {
    let (places, more) = log.chain(org, 1, 1_000).await.unwrap();
    assert!(!more);
    places.into_iter().map(|place| place.entry.unwrap()).collect()
}

async fn happenings_are_appended_once(lab: &Lab) {
    let (log, _, entries) = filled(lab, 3).await;
    assert_eq!(entries.iter().map(|it| it.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(verify(Some(Link::START), &entries), Ok(entries.last().map(Entry::link)));
    assert_eq!(stored(&log, "org").await, entries);

    let (known, new) = (entries[1].happening.clone(), happening(9));
    let again = [known.clone(), new.clone(), new.clone(), known];
    let appended = log.append("org", &again, terms(T0.plus(5))).await.unwrap();
    assert_eq!((appended.entries.len(), appended.known), (1, 3));
    assert_eq!((appended.entries[0].seq, &appended.entries[0].happening), (4, &new));
    assert_eq!(stored(&log, "org").await.len(), 4);
    assert_eq!(log.append("org", &[], terms(T0)).await.unwrap().entries, []);
}

async fn a_put_whose_answer_was_lost_is_the_callers_own(lab: &Lab) {
    let (log, _) = lab.audit_log().await;
    lab.proxy.script("PutItem", [Wrong::LoseAnswer, Wrong::Pass, Wrong::LoseAnswer]);
    let appended = log.append("org", &[happening(1), happening(2)], terms(T0)).await.unwrap();
    assert_eq!((appended.entries.len(), appended.known), (2, 0));
    lab.met("PutItem", 4);
    lab.met("Query", 1);
    assert_eq!(stored(&log, "org").await, appended.entries);
}

async fn an_append_that_breaks_off_is_gone_on_with(lab: &Lab) {
    let (log, _) = lab.audit_log().await;
    let happenings: Vec<_> = (0..3).map(happening).collect();
    lab.proxy.script(
        "PutItem",
        [Wrong::Pass, Wrong::throttled(), Wrong::throttled(), Wrong::throttled()],
    );
    let error = log.append("org", &happenings, terms(T0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Throttled), "{error:?}");
    let appended = log.append("org", &happenings, terms(T0.plus(1))).await.unwrap();
    assert_eq!((appended.entries.len(), appended.known), (2, 1));
    let all = stored(&log, "org").await;
    assert_eq!(all.iter().map(|it| it.happening.clone()).collect::<Vec<_>>(), happenings);
    assert!(verify(Some(Link::START), &all).is_ok());
}

async fn two_at_once_make_one_chain(lab: &Lab) {
    let (log, _) = lab.audit_log().await;
    let batches: Vec<Vec<Happening>> =
        (0..4).map(|n| (0..5).map(|k| happening(n * 5 + k)).collect()).collect();
    let appends = batches.iter().map(|batch| log.append("org", batch, terms(T0)));
    let appended: usize =
        join_all(appends).await.into_iter().map(|it| it.unwrap().entries.len()).sum();
    assert_eq!(appended, 20);
    let all = stored(&log, "org").await;
    assert_eq!(all.len(), 20);
    assert!(verify(Some(Link::START), &all).is_ok());
    for happening in batches.iter().flatten() {
        assert_eq!(all.iter().filter(|it| it.happening == *happening).count(), 1);
    }
}

async fn organisations_have_chains_of_their_own(lab: &Lab) {
    let (log, _, entries) = filled(lab, 2).await;
    let other = Happening { org: "-".to_owned(), ..entries[0].happening.clone() };
    let theirs = log.append("-", std::slice::from_ref(&other), terms(T0)).await.unwrap().entries;
    assert_eq!(theirs[0].seq, 1);
    assert_ne!(theirs[0].hash, entries[0].hash);
    assert_eq!((stored(&log, "org").await, stored(&log, "-").await), (entries, theirs));
    assert_eq!(stored(&log, "other").await, []);
}

fn all(limit: usize) -> Narrowed<'static> {
    Narrowed {
        org: "org",
        action: None,
        actor: None,
        since: None,
        until: None,
        before: None,
        limit,
        now: T0,
    }
}

async fn numbers(log: &AuditLog, narrowed: Narrowed<'_>) -> Vec<u64> {
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = log.list(&Narrowed { before, ..narrowed.clone() }).await.unwrap();
        assert!(page.entries.len() <= narrowed.limit);
        seen.extend(page.entries.iter().map(|entry| entry.seq));
        match page.next {
            Some(next) => {
                assert!(before.is_none_or(|before| next < before), "it does not move on");
                before = Some(next);
            }
            None => return seen,
        }
    }
}

async fn lists_go_from_new_to_old_and_are_narrowed(lab: &Lab) {
    let (log, _) = lab.audit_log().await;
    for number in 0..9 {
        let mut it = happening(number * 1_000);
        if number % 3 == 0 {
            it.action = Action::KeyCreated;
        }
        it.actor = format!("user-{}", number % 2);
        log.append("org", &[it], terms(T0.plus(number * 1_000 + 10))).await.unwrap();
    }
    for limit in [1, 2, 4, 9, 100] {
        assert_eq!(numbers(&log, all(limit)).await, [9, 8, 7, 6, 5, 4, 3, 2, 1], "{limit}");
        let created = Narrowed { action: Some(Action::KeyCreated), ..all(limit) };
        assert_eq!(numbers(&log, created.clone()).await, [7, 4, 1], "{limit}");
        let of_one = Narrowed { actor: Some("user-1"), ..created };
        assert_eq!(numbers(&log, of_one).await, [4], "{limit}");
        let (since, until) = (Some(T0.plus(2_000)), Some(T0.plus(6_000)));
        let window = Narrowed { since, until, ..all(limit) };
        assert_eq!(numbers(&log, window).await, [6, 5, 4, 3], "{limit}");
        assert_eq!(numbers(&log, Narrowed { org: "other", ..all(limit) }).await, [0_u64; 0]);
    }
    let late = Narrowed { now: T0.plus(401 * DAY_MS), ..all(5) };
    assert_eq!(numbers(&log, late).await, [0_u64; 0], "expired, though TTL is late");
}

async fn verified(log: &AuditLog, from: u64, limit: u16, now: Millis) -> Verified {
    AuditDesk { log: log.clone() }.verify("org", from, limit, now).await.unwrap()
}

fn sort_key(seq: u64) -> Value {
    json!({"pk": {"S": "org"}, "sk": {"S": format!("{seq:016}")}})
}

async fn item(lab: &Lab, table: &str, seq: u64) -> Value {
    let key = json!({"TableName": table, "Key": sort_key(seq), "ConsistentRead": true});
    lab.tamper("GetItem", &key).await["Item"].clone()
}

async fn put(lab: &Lab, table: &str, item: &Value) {
    lab.tamper("PutItem", &json!({"TableName": table, "Item": item})).await;
}

async fn what_was_changed_dropped_or_moved_is_found(lab: &Lab) {
    let (log, table, _) = filled(lab, 5).await;
    let broken = async || verified(&log, 1, 1_000, T0).await.broken;
    assert_eq!(broken().await, None);
    let (third, fourth) = (item(lab, &table, 3).await, item(lab, &table, 4).await);

    for (attribute, value) in [
        ("doc", json!({"S": third["doc"]["S"].as_str().unwrap().replace("anonymous", "somebody")})),
        ("doc", json!({"S": "{}"})),
        ("doc", json!({"S": third["doc"]["S"].as_str().unwrap().replace("\"org\"", "\"other\"")})),
        ("recorded_at", json!({"N": "5"})),
        ("prev", fourth["prev"].clone()),
        ("hash", fourth["hash"].clone()),
        ("hash", json!({"S": "none"})),
    ] {
        let mut altered = third.clone();
        assert_ne!(altered[attribute], value, "{attribute}");
        altered[attribute] = value;
        put(lab, &table, &altered).await;
        let found = broken().await;
        assert_eq!(found, Some(Broken { seq: 3, fault: Fault::Altered }), "{attribute}");
    }

    // The two entries in each other's places.
    for (item, place) in [(&third, 4), (&fourth, 3)] {
        let mut moved = item.clone();
        moved["sk"] = sort_key(place)["sk"].clone();
        put(lab, &table, &moved).await;
    }
    assert_eq!(broken().await, Some(Broken { seq: 3, fault: Fault::Reordered }));

    put(lab, &table, &fourth).await;
    lab.tamper("DeleteItem", &json!({"TableName": table, "Key": sort_key(3)})).await;
    let gone = Some(Broken { seq: 3, fault: Fault::Missing });
    assert_eq!(broken().await, gone);
    assert_eq!(verified(&log, 4, 10, T0).await.broken, gone, "also by who begins behind the gap");

    put(lab, &table, &third).await;
    assert_eq!(broken().await, None, "as it was");
}

async fn a_chain_is_verified_in_pages(lab: &Lab) {
    let (log, _, entries) = filled(lab, 7).await;
    let page = |checked, first, last, next| Verified {
        checked,
        first_seq: Some(first),
        last_seq: Some(last),
        broken: None,
        next_from_seq: next,
    };
    assert_eq!(verified(&log, 1, 3, T0).await, page(3, 1, 3, Some(4)));
    assert_eq!(verified(&log, 4, 3, T0).await, page(3, 4, 6, Some(7)));
    assert_eq!(verified(&log, 7, 3, T0).await, page(1, 7, 7, None));
    assert_eq!(verified(&log, 1, 1_000, T0).await, page(7, 1, 7, None));
    let past = verified(&log, 8, 3, T0).await;
    assert_eq!((past.checked, past.first_seq, past.broken), (0, None, None));
    assert_eq!(entries.len(), 7);
}

async fn what_expired_is_the_beginning_no_more(lab: &Lab) {
    let (log, table) = lab.audit_log().await;
    for number in 0..4 {
        let now = T0.plus(number * DAY_MS);
        log.append("org", &[happening(number)], terms(now)).await.unwrap();
    }
    // TTL takes them in no order, when it comes to it.
    lab.tamper("DeleteItem", &json!({"TableName": table, "Key": sort_key(2)})).await;
    let found = verified(&log, 1, 100, T0).await.broken;
    assert_eq!(found, Some(Broken { seq: 2, fault: Fault::Missing }));
    let now = T0.plus(401 * DAY_MS + 1_000);
    let late = verified(&log, 1, 100, now).await;
    assert_eq!((late.broken, late.first_seq, late.checked), (None, Some(3), 2));
    let from_there = verified(&log, 3, 100, now).await;
    assert_eq!((from_there.broken, from_there.first_seq, from_there.checked), (None, Some(3), 2));
}

async fn expiry_only_goes_up(lab: &Lab) {
    let (log, _) = lab.audit_log().await;
    for (number, retention_days) in [400, 10, 500].into_iter().enumerate() {
        let now = T0.plus(i64::try_from(number).unwrap());
        let terms = Terms { retention_days, ..terms(now) };
        log.append("org", &[happening(now.0)], terms).await.unwrap();
    }
    let (places, _) = log.chain("org", 1, 10).await.unwrap();
    let days: Vec<_> =
        places.iter().map(|it| (it.expires_at - T0.unix_seconds()) / 86_400).collect();
    assert_eq!(days, [400, 400, 500]);
}
