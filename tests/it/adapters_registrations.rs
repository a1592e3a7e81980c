//! Table `webhook_registrations` through its adapter: changes that meet each other.

use std::collections::BTreeSet;

use aragora_core::delivery::RetryPolicy;
use aragora_core::delivery::circuit::Circuit;
use aragora_core::delivery::pace::Slot;
use aragora_core::ids::WebhookId;
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::registrations::{
    Changed, Health, Observed, Registrations, Webhook, WebhookConfig,
};
use aragora_tests::proxy::Fault;
use serde_json::{Map, Value, json};

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    what_is_put_is_read,
    a_change_needs_the_revision_it_was_made_from,
    only_the_enabled_are_disabled,
    only_what_was_disabled_for_a_reason_is_enabled_again,
    observing_keeps_what_the_user_set,
    one_worker_opens_a_circuit_and_one_probes_it,
    slots_are_taken_by_one_worker_after_the_other,
    a_webhook_that_is_gone_stays_gone,
    pages_go_in_order_of_registration,
    a_page_of_damaged_items_is_gone_past,
    a_repeated_change_is_told_as_outdated_and_stays,
    reads_finish_what_a_batch_leaves_undone,
);

fn id(number: u32) -> WebhookId {
    WebhookId::parse(&format!("wh-{number:03}")).unwrap()
}

fn webhook(number: u32) -> Webhook {
    let config = json!({
        "project": "default", "url": "https://example.com/hook", "event_types": ["vote", "debate_*"],
        "name": "näme", "secret": {"v": 1, "ct": "sealed"}, "header_names": ["X-One"],
        "headers": {"v": 1, "ct": "sealed"}, "filters": {"data.n": [1, 1e300]},
        "rate_limit_per_second": 2.5, "metadata": {"z": null, "a": {"deep": [true]}},
        "created_at": T0.0,
    });
    Webhook {
        org: "org".to_owned(),
        id: id(number),
        config: serde_json::from_value::<WebhookConfig>(config).unwrap(),
        enabled: true,
        disabled_reason: None,
        updated_at: T0,
        rev: 1,
        health: Health::default(),
    }
}

fn failed(at: Millis, failures: u64) -> Observed {
    Observed { at, failures, succeeded: false, failure_reason: Some("timeout".to_owned()) }
}

async fn read(registrations: &Registrations, number: u32) -> Webhook {
    registrations.get("org", &id(number)).await.unwrap().unwrap()
}

async fn what_is_put_is_read(lab: &Lab) {
    let registrations = lab.registrations().await;
    let mut disabled = webhook(2);
    (disabled.enabled, disabled.disabled_reason) = (false, Some("gone".to_owned()));
    for webhook in [webhook(1), disabled] {
        registrations.put(&webhook).await.unwrap();
        registrations.put(&webhook).await.unwrap();
        assert_eq!(registrations.get("org", &webhook.id).await.unwrap(), Some(webhook));
    }
    assert_eq!(registrations.get("other", &id(1)).await.unwrap(), None);
    let ids = [("org".to_owned(), id(1)), ("org".to_owned(), id(1)), ("other".to_owned(), id(2))];
    for consistent in [true, false] {
        assert_eq!(registrations.get_many(&ids, consistent).await.unwrap(), [webhook(1)]);
    }
    assert_eq!(registrations.get_many(&[], true).await.unwrap(), []);
}

async fn a_change_needs_the_revision_it_was_made_from(lab: &Lab) {
    let registrations = lab.registrations().await;
    registrations.put(&webhook(1)).await.unwrap();
    let (mut one, mut other) = (webhook(1), webhook(1));
    "https://one.example/".clone_into(&mut one.config.url);
    (one.updated_at, one.enabled) = (T0.plus(1), false);
    one.disabled_reason = Some("by hand".to_owned());
    "https://other.example/".clone_into(&mut other.config.url);
    let (first, second) =
        tokio::join!(registrations.change(&one, false), registrations.change(&other, false));
    let outcomes = [first.unwrap(), second.unwrap()];
    let (winner, loser) = match outcomes {
        [Changed::Done, Changed::Outdated] => (one, other),
        [Changed::Outdated, Changed::Done] => (other, one),
        both => panic!("{both:?}"),
    };
    assert_eq!(read(&registrations, 1).await, Webhook { rev: 2, ..winner });

    // Read again, it can be changed; a reason that is no longer given goes away.
    let again = Webhook { rev: 2, disabled_reason: None, ..loser };
    assert_eq!(registrations.change(&again, false).await.unwrap(), Changed::Done);
    assert_eq!(read(&registrations, 1).await, Webhook { rev: 3, ..again });
}

async fn only_what_was_disabled_for_a_reason_is_enabled_again(lab: &Lab) {
    let registrations = lab.registrations().await;
    registrations.put(&webhook(1)).await.unwrap();
    registrations.observe("org", &id(1), &failed(T0, 7)).await.unwrap();
    let again = async |number: u32, reason: &str| {
        registrations.enable_again("org", &id(number), reason, T0.plus(9)).await.unwrap()
    };
    assert_eq!(again(1, "paused").await, Changed::Outdated, "it is enabled");
    registrations.disable("org", &id(1), "paused", T0.plus(5)).await.unwrap();
    assert_eq!(again(1, "gone").await, Changed::Outdated, "it is disabled for another reason");
    assert_eq!(again(2, "paused").await, Changed::Outdated, "there is none");
    assert_eq!(again(1, "paused").await, Changed::Done);
    let stored = read(&registrations, 1).await;
    assert_eq!((stored.enabled, &stored.disabled_reason, stored.rev), (true, &None, 3));
    assert_eq!((stored.updated_at, stored.health.circuit), (T0.plus(9), Circuit::default()));
    assert_eq!(stored.health.last_failure_at, Some(T0), "what happened stays known");
    assert_eq!(again(1, "paused").await, Changed::Outdated, "once is enough");
}

async fn only_the_enabled_are_disabled(lab: &Lab) {
    let registrations = lab.registrations().await;
    registrations.put(&webhook(1)).await.unwrap();
    let disable =
        async |reason: &str, at| registrations.disable("org", &id(1), reason, at).await.unwrap();
    assert_eq!(disable("gone", T0.plus(5)).await, Changed::Done);
    let expected = Webhook {
        enabled: false,
        disabled_reason: Some("gone".to_owned()),
        updated_at: T0.plus(5),
        rev: 2,
        ..webhook(1)
    };
    assert_eq!(read(&registrations, 1).await, expected);
    assert_eq!(disable("another", T0.plus(6)).await, Changed::Outdated);
    assert_eq!(read(&registrations, 1).await, expected);
    // A user's change from before it was disabled does not enable it again.
    assert_eq!(registrations.change(&webhook(1), false).await.unwrap(), Changed::Outdated);
    assert_eq!(read(&registrations, 1).await, expected);
}

async fn observing_keeps_what_the_user_set(lab: &Lab) {
    let registrations = lab.registrations().await;
    registrations.put(&webhook(1)).await.unwrap();
    let observe = async |seen: &Observed| {
        let before = read(&registrations, 1).await;
        assert_eq!(registrations.observe("org", &id(1), seen).await.unwrap(), Some(before));
        read(&registrations, 1).await
    };
    observe(&failed(T0.plus(1), 2)).await;
    let mut expected = webhook(1);
    expected.health = Health {
        circuit: failing(5, T0.plus(1)),
        last_triggered_at: Some(T0.plus(2)),
        last_success_at: None,
        last_failure_at: Some(T0.plus(2)),
        last_failure_reason: Some("timeout".to_owned()),
        ..Health::default()
    };
    assert_eq!(observe(&failed(T0.plus(2), 3)).await, expected);

    // It needs no revision and takes none.
    let mut changed = Webhook { enabled: false, ..webhook(1) };
    changed.config.metadata = Map::from_iter([("n".to_owned(), Value::from(7))]);
    assert_eq!(registrations.change(&changed, false).await.unwrap(), Changed::Done);
    expected = Webhook { rev: 2, health: expected.health, ..changed };
    assert_eq!(read(&registrations, 1).await, expected);

    let success = Observed { at: T0.plus(9), failures: 1, succeeded: true, failure_reason: None };
    expected.health.circuit = failing(1, T0.plus(9));
    expected.health.last_triggered_at = Some(T0.plus(9));
    expected.health.last_success_at = Some(T0.plus(9));
    assert_eq!(observe(&success).await, expected);
    let nothing = Observed { at: T0.plus(10), failures: 0, succeeded: false, failure_reason: None };
    expected.health.last_triggered_at = Some(T0.plus(10));
    assert_eq!(observe(&nothing).await, expected);

    assert_eq!(registrations.change(&expected, true).await.unwrap(), Changed::Done);
    expected.health.circuit = Circuit::default();
    assert_eq!(read(&registrations, 1).await, Webhook { rev: 3, ..expected });
}

fn failing(failures: u64, since: Millis) -> Circuit {
    Circuit { failures, failing_since: Some(since), ..Circuit::default() }
}

async fn one_worker_opens_a_circuit_and_one_probes_it(lab: &Lab) {
    let registrations = lab.registrations().await;
    registrations.put(&webhook(1)).await.unwrap();
    let open = async |before, until| {
        registrations.open_circuit("org", &id(1), before, until, 1).await.unwrap()
    };
    let probe = async |open_until, now: Millis| {
        let until = now.plus(10);
        registrations.claim_probe("org", &id(1), open_until, until, now).await.unwrap()
    };
    registrations.observe("org", &id(1), &failed(T0, 4)).await.unwrap();
    assert_eq!(open(None, T0.plus(60)).await, Changed::Outdated, "four are too few");
    registrations.observe("org", &id(1), &failed(T0, 1)).await.unwrap();
    assert_eq!(open(None, T0.plus(60)).await, Changed::Done);
    assert_eq!(open(None, T0.plus(70)).await, Changed::Outdated);
    assert_eq!(read(&registrations, 1).await.health.circuit.open_until, Some(T0.plus(60)));

    assert_eq!(probe(T0.plus(50), T0.plus(60)).await, Changed::Outdated, "of another opening");
    assert_eq!(probe(T0.plus(60), T0.plus(60)).await, Changed::Done);
    assert_eq!(probe(T0.plus(60), T0.plus(69)).await, Changed::Outdated);
    assert_eq!(probe(T0.plus(60), T0.plus(70)).await, Changed::Done, "the first has lapsed");

    registrations.open_circuit("org", &id(1), Some(T0.plus(60)), T0.plus(130), 2).await.unwrap();
    let circuit = read(&registrations, 1).await.health.circuit;
    assert_eq!((circuit.open_until, circuit.opened), (Some(T0.plus(130)), 2));
    assert_eq!((circuit.failures, circuit.probe_until), (5, None));

    let success = Observed { at: T0, failures: 0, succeeded: true, failure_reason: None };
    registrations.observe("org", &id(1), &success).await.unwrap();
    assert_eq!(read(&registrations, 1).await.health.circuit, Circuit::default());
    assert_eq!(open(None, T0.plus(200)).await, Changed::Outdated, "nothing has failed since");
}

async fn slots_are_taken_by_one_worker_after_the_other(lab: &Lab) {
    let registrations = lab.registrations().await;
    registrations.put(&webhook(1)).await.unwrap();
    // Each of them has read the webhook before any took a slot.
    let stale = read(&registrations, 1).await;
    let take = || registrations.take_slots(&stale, 5.0, 2, T0);
    let taken = futures_util::future::join_all((0..3).map(|_| take())).await;
    let mut sent = BTreeSet::new();
    let mut held = BTreeSet::new();
    for slot in taken.into_iter().flat_map(|slots| slots.unwrap().unwrap()) {
        match slot {
            Slot::SendAt(at) => assert!(sent.insert(at.since(T0))),
            Slot::HeldUntil(at) => assert!(held.insert(at.since(T0))),
        }
    }
    assert_eq!(sent.into_iter().collect::<Vec<_>>(), [0, 200, 400, 600, 800]);
    assert_eq!(held.into_iter().collect::<Vec<_>>(), [1_000]);
}

async fn a_webhook_that_is_gone_stays_gone(lab: &Lab) {
    let registrations = lab.registrations().await;
    registrations.put(&webhook(1)).await.unwrap();
    assert_eq!(registrations.delete("other", &id(1)).await.unwrap(), None);
    assert!(registrations.delete("org", &id(1)).await.unwrap().is_some_and(|it| it.id == id(1)));
    assert_eq!(registrations.delete("org", &id(1)).await.unwrap(), None);
    for outcome in [
        registrations.change(&webhook(1), true).await,
        registrations.disable("org", &id(1), "gone", T0).await,
        registrations.open_circuit("org", &id(1), None, T0, 1).await,
        registrations.claim_probe("org", &id(1), T0, T0, T0).await,
    ] {
        assert_eq!(outcome.unwrap(), Changed::Outdated);
    }
    assert_eq!(registrations.observe("org", &id(1), &failed(T0, 1)).await.unwrap(), None);
    assert_eq!(registrations.take_slots(&webhook(1), 1.0, 1, T0).await.unwrap(), None);
    assert_eq!(registrations.get("org", &id(1)).await.unwrap(), None);
}

async fn pages_go_in_order_of_registration(lab: &Lab) {
    let registrations = lab.registrations().await;
    for number in [4, 0, 3, 6, 1, 2, 5] {
        registrations.put(&webhook(number)).await.unwrap();
    }
    registrations.put(&Webhook { org: "org2".to_owned(), ..webhook(9) }).await.unwrap();
    let (mut seen, mut after) = (Vec::new(), None::<WebhookId>);
    loop {
        let (page, next) = registrations.page("org", after.as_ref(), 3).await.unwrap();
        assert!(page.len() <= 3);
        seen.extend(page);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..7).map(webhook).collect::<Vec<_>>());
}

async fn a_page_of_damaged_items_is_gone_past(lab: &Lab) {
    let registrations = lab.registrations().await;
    for number in 0..5 {
        let mut webhook = webhook(number);
        if (1..4).contains(&number) {
            // JSON has no such number, and so it cannot be read back.
            let broken = RetryPolicy { base_delay_seconds: f64::NAN, ..RetryPolicy::default() };
            webhook.config.retry_policy = Some(broken);
        }
        registrations.put(&webhook).await.unwrap();
    }
    let (page, after) = registrations.page("org", Some(&id(0)), 2).await.unwrap();
    assert_eq!((page, after.as_ref()), (vec![], Some(&id(2))));
    let (page, _) = registrations.page("org", after.as_ref(), 2).await.unwrap();
    assert_eq!(page, [webhook(4)]);
}

async fn a_repeated_change_is_told_as_outdated_and_stays(lab: &Lab) {
    let registrations = lab.registrations().await;
    registrations.put(&webhook(1)).await.unwrap();
    let mut changed = webhook(1);
    changed.config.name = Some("new".to_owned());
    lab.proxy.script("UpdateItem", [Fault::LoseAnswer]);
    // Whoever changes it reads again and finds nothing left to change.
    assert_eq!(registrations.change(&changed, false).await.unwrap(), Changed::Outdated);
    lab.met("UpdateItem", 2);
    assert_eq!(read(&registrations, 1).await, Webhook { rev: 2, ..changed.clone() });

    lab.proxy.script("UpdateItem", [Fault::LoseRequest, Fault::throttled()]);
    changed.rev = 2;
    assert_eq!(registrations.change(&changed, false).await.unwrap(), Changed::Done);
    lab.met("UpdateItem", 5);
    lab.proxy.script("UpdateItem", [Fault::internal(), Fault::internal(), Fault::internal()]);
    let error = registrations.change(&Webhook { rev: 3, ..changed }, false).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(read(&registrations, 1).await.rev, 3);
}

async fn reads_finish_what_a_batch_leaves_undone(lab: &Lab) {
    let registrations = lab.registrations().await;
    let all: Vec<_> = (0..30).map(webhook).collect();
    for webhook in &all {
        registrations.put(webhook).await.unwrap();
    }
    let ids: Vec<_> = (0..130).map(|number| ("org".to_owned(), id(number))).collect();
    lab.proxy.script("BatchGetItem", [Fault::refuse_after(10), Fault::refuse_after(0)]);
    let mut found = registrations.get_many(&ids, false).await.unwrap();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    assert_eq!(found, all);
    lab.met("BatchGetItem", 4);

    lab.proxy.script("BatchGetItem", (0..5).map(|_| Fault::refuse_after(0)));
    let error = registrations.get_many(&ids[..9], true).await.unwrap_err();
    assert!(matches!(error, StoreError::Incomplete(9)), "{error:?}");
    assert_eq!(lab.proxy.unused(), 0);
}
