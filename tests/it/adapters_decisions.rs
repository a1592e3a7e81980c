//! Table `decision_cache` through its adapter: entries, and what makes them stale.

use std::fmt::Write as _;

use aragora_core::ids::DebateId;
use aragora_store::decisions::{CacheState, Entry};

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    entries_come_back_by_format_and_organisation,
    an_entry_is_good_until_something_changes,
    every_use_is_counted,
    entries_are_listed_and_removed,
    too_many_labels_called_off_call_all_off,
    an_entry_that_is_too_large_is_left_out,
);

fn entry(number: u32, labels: &[&str]) -> Entry {
    Entry {
        id: DebateId::parse(&format!("deb-{number}")).unwrap(),
        format: "detailed".into(),
        hash: "hash".into(),
        policy: String::new(),
        labels: labels.iter().map(ToString::to_string).collect(),
        made_at: T0,
        expires_at: T0.plus(60_000),
        text: format!(r#"{{"number":{number}}}"#),
    }
}

async fn entries_come_back_by_format_and_organisation(lab: &Lab) {
    let decisions = lab.decisions().await;
    let (one, two) = (entry(1, &["a", "b"]), entry(2, &[]));
    decisions.put("org", &[one.clone(), two.clone()]).await.unwrap();
    let ids = [one.id.clone(), two.id.clone(), entry(3, &[]).id];
    let mut found = decisions.entries("org", &ids, "detailed").await.unwrap();
    found.sort_by_key(|entry| entry.id.clone());
    assert_eq!(found, [one, two]);
    assert_eq!(decisions.entries("org", &ids, "summary").await.unwrap(), []);
    assert_eq!(decisions.entries("other", &ids, "detailed").await.unwrap(), []);
}

async fn an_entry_is_good_until_something_changes(lab: &Lab) {
    let decisions = lab.decisions().await;
    let made = entry(1, &["a", "b"]);
    let fresh = decisions.asked("org", 1).await.unwrap();
    assert!(made.is_good("hash", &fresh, T0.plus(1)));
    assert!(!made.is_good("other", &fresh, T0.plus(1)));
    assert!(!made.is_good("hash", &fresh, T0.plus(60_000)));
    decisions.call_off("org", "c", T0).await.unwrap();
    assert!(made.is_good("hash", &decisions.state("org").await.unwrap(), T0.plus(1)));
    decisions.call_off("org", "b", T0).await.unwrap();
    let state = decisions.asked("org", 1).await.unwrap();
    assert!(!made.is_good("hash", &state, T0.plus(1)));
    let later = Entry { made_at: T0.plus(1), ..made.clone() };
    assert!(later.is_good("hash", &state, T0.plus(1)));
    decisions.set_policy("org", "v2").await.unwrap();
    let state = decisions.state("org").await.unwrap();
    assert!(!later.is_good("hash", &state, T0.plus(1)));
    assert!(Entry { policy: "v2".into(), ..later }.is_good("hash", &state, T0.plus(1)));
    // Nothing of it is anybody else's.
    assert_eq!(decisions.state("other").await.unwrap(), CacheState::default());
}

async fn every_use_is_counted(lab: &Lab) {
    let decisions = lab.decisions().await;
    decisions.asked("org", 3).await.unwrap();
    decisions.missed("org", 2).await.unwrap();
    decisions.invalidated("org", 5).await.unwrap();
    let state = decisions.asked("org", 4).await.unwrap();
    assert_eq!((state.lookups, state.misses, state.invalidations), (7, 2, 5));
}

async fn entries_are_listed_and_removed(lab: &Lab) {
    let decisions = lab.decisions().await;
    let entries: Vec<Entry> = (1..=30).map(|number| entry(number, &["a"])).collect();
    decisions.put("org", &entries).await.unwrap();
    decisions.put("other", &entries[..2]).await.unwrap();
    decisions.asked("org", 1).await.unwrap();
    let page = decisions.page("org", None).await.unwrap();
    assert_eq!((page.entries.len(), page.next), (30, None));
    assert!(page.entries.iter().all(|line| line.labels == ["a"] && line.expires_at > T0));
    decisions.remove(&page.entries[..29]).await.unwrap();
    assert_eq!(decisions.page("org", None).await.unwrap().entries, page.entries[29..]);
    assert_eq!(decisions.page("other", None).await.unwrap().entries.len(), 2);
}

async fn too_many_labels_called_off_call_all_off(lab: &Lab) {
    let decisions = lab.decisions().await;
    for number in 0..=200 {
        decisions.call_off("org", &format!("label{number}"), T0.plus(number)).await.unwrap();
    }
    let state = decisions.state("org").await.unwrap();
    assert_eq!((state.called_off.len(), state.emptied_at), (0, T0.plus(200)));
    assert!(!entry(1, &["never"]).is_good("hash", &state, T0.plus(300)));
    let later = Entry { made_at: T0.plus(201), ..entry(1, &["label3"]) };
    assert!(later.is_good("hash", &state, T0.plus(300)));
}

async fn an_entry_that_is_too_large_is_left_out(lab: &Lab) {
    let decisions = lab.decisions().await;
    let mut noise = String::new();
    for at in 0..120_000_u64 {
        write!(noise, "{:08x}", at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 13).unwrap();
    }
    let large = Entry { text: noise, ..entry(1, &[]) };
    decisions.put("org", &[large.clone(), entry(2, &[])]).await.unwrap();
    let ids = [large.id, entry(2, &[]).id];
    assert_eq!(decisions.entries("org", &ids, "detailed").await.unwrap(), [entry(2, &[])]);
}
