//! Table `events` through its adapter: what is new, what was there, and what a repeat is told.

use aragora_core::ids::{EventId, WebhookId};
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::events::{
    Events, FanOutRecord, KeyClaim, KeyRecord, ListedEvent, Stored, StoredEvent,
};
use aragora_store::idempotency::KEY_KEPT_MS;
use aragora_tests::proxy::Fault;

use crate::adapters::{Lab, T0, on_both_engines, on_dynoxide};

on_both_engines!(
    an_event_is_stored_once,
    an_event_that_cannot_be_read_is_not_taken_for_absent,
    a_repeated_put_is_known_by_its_own_acceptance,
    a_put_that_fails_says_how,
    a_key_stands_for_its_first_request,
    a_key_is_forgotten_after_two_days,
    a_repeated_claim_is_the_callers_own,
    lists_go_from_new_to_old_without_gaps,
    lists_can_be_of_one_project,
    the_first_record_of_a_fan_out_stays,
    many_are_read_over_what_a_batch_leaves_undone,
    long_data_is_packed_and_read_as_it_was,
    an_event_costs_its_kilobytes_and_its_place_in_the_index,
);

fn id(text: &str) -> EventId {
    EventId::parse(text).unwrap()
}

fn event(name: &str, accepted_at: Millis) -> StoredEvent {
    StoredEvent {
        org: "org".to_owned(),
        id: id(name),
        project: "default".to_owned(),
        event_type: "vote".to_owned(),
        debate_id: Some("d-1".to_owned()),
        timestamp: accepted_at.rfc3339(),
        accepted_at,
        data: "{\"n\": 1e+16, \"t\": \"é\\u0000\"}".to_owned(),
        request_id: "r-1".to_owned(),
        digest: format!("digest of {name}"),
        expires_at: accepted_at.unix_seconds() + 30 * 86_400,
    }
}

fn existing(of: &StoredEvent) -> Stored {
    Stored::Existing { digest: of.digest.clone(), accepted_at: of.accepted_at }
}

async fn an_event_is_stored_once(lab: &Lab) {
    let events = lab.events().await;
    events.answers().await.unwrap();
    let first = event("evt-1", T0);
    assert_eq!(events.get("org", &first.id, true).await.unwrap(), None);
    assert_eq!(events.put(&first).await.unwrap(), Stored::New);
    let later = StoredEvent { accepted_at: T0.plus(7), ..first.clone() };
    let other = StoredEvent { digest: "another".to_owned(), debate_id: None, ..later.clone() };
    for again in [&first, &later, &other] {
        assert_eq!(events.put(again).await.unwrap(), existing(&first));
    }
    for consistent in [true, false] {
        assert_eq!(events.get("org", &first.id, consistent).await.unwrap(), Some(first.clone()));
    }
    // An id belongs to an organisation.
    let foreign = StoredEvent { org: "org2".to_owned(), ..other };
    assert_eq!(events.get("org2", &first.id, true).await.unwrap(), None);
    assert_eq!(events.put(&foreign).await.unwrap(), Stored::New);
    assert_eq!(events.get("org2", &first.id, true).await.unwrap(), Some(foreign));
    assert_eq!(events.get("org", &first.id, true).await.unwrap(), Some(first));
}

async fn an_event_that_cannot_be_read_is_not_taken_for_absent(lab: &Lab) {
    let events = lab.events().await;
    // No parser lets this id in, and so none reads it back.
    let damaged = serde_json::from_value(serde_json::json!("a b")).unwrap();
    let damaged = StoredEvent { id: damaged, ..event("evt-1", T0) };
    assert_eq!(events.put(&damaged).await.unwrap(), Stored::New);
    let read = events.get_many(&[("org".to_owned(), damaged.id)], true).await;
    assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{read:?}");
}

async fn long_data_is_packed_and_read_as_it_was(lab: &Lab) {
    const WORDS: &str = "an agent answers \\u00e9 1e+16 with what it holds to be true; ";
    let events = lab.events().await;
    for (number, times) in [0, 6, 16, 4_000].into_iter().enumerate() {
        let data = WORDS.repeat(times);
        let stored = StoredEvent { data, ..event(&format!("evt-{number}"), T0) };
        assert_eq!(events.put(&stored).await.unwrap(), Stored::New);
        assert_eq!(events.get("org", &stored.id, true).await.unwrap(), Some(stored));
    }
    // The index and one kilobyte each for the first three; the last is 240 KB as text.
    let spent = lab.meter.take();
    assert!(spent.write_units <= 4.0 * 2.0 + 3.0, "{spent:?}");
}

async fn a_repeated_put_is_known_by_its_own_acceptance(lab: &Lab) {
    let events = lab.events().await;
    let event = event("evt-1", T0);
    lab.proxy.script("PutItem", [Fault::LoseAnswer]);
    assert_eq!(events.put(&event).await.unwrap(), existing(&event));
    lab.met("PutItem", 2);
    assert_eq!(events.get("org", &event.id, true).await.unwrap(), Some(event));
}

async fn a_put_that_fails_says_how(lab: &Lab) {
    let events = lab.events().await;
    lab.proxy.script("PutItem", [Fault::throttled(), Fault::LoseRequest]);
    assert_eq!(events.put(&event("evt-1", T0)).await.unwrap(), Stored::New);
    lab.met("PutItem", 3);

    let second = event("evt-2", T0);
    lab.proxy.script("PutItem", (0..3).map(|_| Fault::throttled()));
    let error = events.put(&second).await.unwrap_err();
    assert!(matches!(error, StoreError::Throttled), "{error:?}");
    lab.proxy.script("PutItem", (0..3).map(|_| Fault::internal()));
    let error = events.put(&second).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    lab.met("PutItem", 9);
    assert_eq!(events.get("org", &second.id, true).await.unwrap(), None);

    // Not heard of, and stored all the same.
    lab.proxy.script("PutItem", (0..3).map(|_| Fault::LoseAnswer));
    let error = events.put(&second).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    lab.met("PutItem", 12);
    assert_eq!(events.put(&second).await.unwrap(), existing(&second));
}

fn record(name: &str, accepted_at: Millis) -> KeyRecord {
    KeyRecord { digest: name.to_owned(), event_ids: vec![id("evt-1"), id("evt-2")], accepted_at }
}

async fn claim(events: &Events, record: &KeyRecord) -> KeyClaim {
    events.claim_key("org", "key", record).await.unwrap()
}

async fn a_key_stands_for_its_first_request(lab: &Lab) {
    let events = lab.events().await;
    let first = record("one", T0);
    assert_eq!(claim(&events, &first).await, KeyClaim::Claimed);
    for other in [record("one", T0.plus(1)), record("two", T0.plus(1)), record("two", T0)] {
        assert_eq!(claim(&events, &other).await, KeyClaim::Known(first.clone()));
    }
    let other = record("other", T0.plus(2));
    for (org, key) in [("org2", "key"), ("org", "key2")] {
        assert_eq!(events.claim_key(org, key, &other).await.unwrap(), KeyClaim::Claimed);
    }
    assert_eq!(claim(&events, &other).await, KeyClaim::Known(first));
}

async fn a_key_is_forgotten_after_two_days(lab: &Lab) {
    let events = lab.events().await;
    let first = record("one", T0);
    assert_eq!(claim(&events, &first).await, KeyClaim::Claimed);
    let on_time = record("two", T0.plus(KEY_KEPT_MS));
    assert_eq!(claim(&events, &on_time).await, KeyClaim::Known(first));
    let late = record("two", T0.plus(KEY_KEPT_MS + 1));
    assert_eq!(claim(&events, &late).await, KeyClaim::Claimed);
    let next = record("three", T0.plus(KEY_KEPT_MS + 2));
    assert_eq!(claim(&events, &next).await, KeyClaim::Known(late));
}

async fn a_repeated_claim_is_the_callers_own(lab: &Lab) {
    let events = lab.events().await;
    let first = record("one", T0);
    lab.proxy.script("PutItem", [Fault::LoseAnswer]);
    assert_eq!(claim(&events, &first).await, KeyClaim::Claimed);
    lab.met("PutItem", 2);
    assert_eq!(claim(&events, &record("two", T0)).await, KeyClaim::Known(first));
    // Also where an old one was written over.
    lab.proxy.script("PutItem", [Fault::LoseAnswer]);
    let late = record("two", T0.plus(KEY_KEPT_MS + 1));
    assert_eq!(claim(&events, &late).await, KeyClaim::Claimed);
    assert_eq!(lab.proxy.unused(), 0);
}

/// All pages of a list, each of at most `limit`.
async fn listed(events: &Events, project: Option<&str>, limit: usize) -> Vec<ListedEvent> {
    let (mut all, mut place) = (Vec::new(), None::<String>);
    for _ in 0..100 {
        let most = i32::try_from(limit).unwrap();
        let (page, next) = events.list("org", project, place.as_deref(), most).await.unwrap();
        assert!(page.len() <= limit);
        all.extend(page);
        place = next;
        if place.is_none() {
            return all;
        }
    }
    panic!("a list without an end");
}

async fn lists_go_from_new_to_old_without_gaps(lab: &Lab) {
    let events = lab.events().await;
    let mut expected = Vec::new();
    for number in [3, 0, 7, 5, 11, 2, 9, 6, 1, 10, 4, 8] {
        // Pairs are of one millisecond, and every third is another project's.
        let mut event = event(&format!("evt-{number:02}"), T0.plus(number / 2));
        if number % 3 == 0 {
            (event.project, event.debate_id) = ("p2".to_owned(), None);
        }
        assert_eq!(events.put(&event).await.unwrap(), Stored::New);
        expected.push(ListedEvent {
            id: event.id,
            project: event.project,
            event_type: event.event_type,
            debate_id: event.debate_id,
            accepted_at: event.accepted_at,
        });
    }
    let foreign = StoredEvent { org: "org2".to_owned(), ..event("evt-99", T0) };
    events.put(&foreign).await.unwrap();
    claim(&events, &record("not an event", T0)).await;
    expected.sort_by(|one, other| other.id.cmp(&one.id));
    for limit in [1, 2, 5, 12, 50] {
        assert_eq!(listed(&events, None, limit).await, expected, "{limit}");
    }
}

async fn lists_can_be_of_one_project(lab: &Lab) {
    let events = lab.events().await;
    let mut expected = Vec::new();
    for number in 0..12 {
        let mut event = event(&format!("evt-{number:02}"), T0.plus(number / 2));
        if number % 3 == 0 {
            "p2".clone_into(&mut event.project);
        }
        assert_eq!(events.put(&event).await.unwrap(), Stored::New);
        expected.push((event.id, event.project));
    }
    expected.reverse();
    for limit in [1, 2, 5, 12, 50] {
        for (project, count) in [("default", 8), ("p2", 4), ("p3", 0)] {
            let mine: Vec<_> =
                expected.iter().filter(|(_, of)| of == project).map(|(id, _)| id.clone()).collect();
            assert_eq!(mine.len(), count);
            let found = listed(&events, Some(project), limit).await;
            let found: Vec<_> = found.into_iter().map(|event| event.id).collect();
            assert_eq!(found, mine, "{project} by {limit}");
        }
    }
}

async fn the_first_record_of_a_fan_out_stays(lab: &Lab) {
    let events = lab.events().await;
    let record = |number: usize, webhook: &str| FanOutRecord {
        org: "org".to_owned(),
        event_id: id(&format!("evt-{number}")),
        webhooks: vec![WebhookId::parse(webhook).unwrap(), WebhookId::parse("wh-x").unwrap()],
        expires_at: T0.unix_seconds(),
    };
    let of = async |number: usize| {
        let event_id = id(&format!("evt-{number}"));
        let webhooks = events.fanned_out_to("org", &event_id).await.unwrap();
        webhooks.first().map(|first| first.as_str().to_owned())
    };
    events.put_fan_outs(&[]).await.unwrap();
    events.put_fan_outs(&[record(3, "wh-first")]).await.unwrap();
    assert_eq!((of(3).await.as_deref(), of(4).await), (Some("wh-first"), None));
    // More than one request, and half of one of them throttled.
    lab.proxy.script("BatchExecuteStatement", [Fault::refuse_after(4)]);
    let all: Vec<_> = (0..30).map(|number| record(number, "wh-second")).collect();
    events.put_fan_outs(&all).await.unwrap();
    lab.met("BatchExecuteStatement", 4);
    for number in 0..30 {
        let expected = if number == 3 { "wh-first" } else { "wh-second" };
        assert_eq!(of(number).await.as_deref(), Some(expected), "{number}");
    }
    lab.proxy.script("BatchExecuteStatement", (0..5).map(|_| Fault::refuse_after(0)));
    let error = events.put_fan_outs(&[record(40, "wh-late")]).await.unwrap_err();
    assert!(matches!(error, StoreError::Throttled), "{error:?}");
    assert_eq!(of(40).await, None);
}

async fn many_are_read_over_what_a_batch_leaves_undone(lab: &Lab) {
    let events = lab.events().await;
    let all: Vec<_> = (0..20).map(|n| event(&format!("evt-{n:03}"), T0.plus(n))).collect();
    for event in &all {
        events.put(event).await.unwrap();
    }
    let mut ids: Vec<_> =
        (0..110).map(|n| ("org".to_owned(), id(&format!("evt-{n:03}")))).collect();
    ids.extend_from_within(..5);
    lab.proxy.script("BatchGetItem", [Fault::refuse_after(1), Fault::refuse_after(0)]);
    let mut found = events.get_many(&ids, true).await.unwrap();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(found, all);
    lab.met("BatchGetItem", 4);
}

async fn an_event_costs_its_kilobytes_and_its_place_in_the_index(lab: &Lab) {
    let events = lab.events().await;
    // What repeats itself packs to nothing, digits of no order to a little more than half.
    let noise =
        (0_u64..250).map(|at| format!("{:016x}", (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    for (name, data, units) in [
        ("evt-1", "x".repeat(10), 2.0),
        ("evt-2", "x".repeat(2_500), 2.0),
        ("evt-3", noise.collect(), 4.0),
    ] {
        let length = data.len();
        let event = StoredEvent { data, ..event(name, T0) };
        events.put(&event).await.unwrap();
        let spent = lab.meter.take();
        assert_eq!(
            (spent.write_units, spent.read_units, spent.dynamodb_requests),
            (units, 0.0, 1),
            "{length} bytes"
        );
    }
    claim(&events, &record("one", T0)).await;
    assert_eq!((lab.meter.take().write_units, 0), (1.0, 0));
}

/// The stack's emulator does not say what it charges for a batch of reads.
#[tokio::test]
async fn a_consistent_read_costs_twice_as_much() {
    on_dynoxide(async |lab: &Lab| {
        let events = lab.events().await;
        events.put(&event("evt-1", T0)).await.unwrap();
        lab.meter.take();
        for (consistent, units) in [(true, 1.0), (false, 0.5)] {
            events.get("org", &id("evt-1"), consistent).await.unwrap();
            let spent = lab.meter.take();
            assert_eq!((spent.read_units, spent.dynamodb_requests), (units, 1));
        }
    })
    .await;
}
