//! Table `intents` through its adapter: notes, and batches that DynamoDB leaves half done.

use std::collections::BTreeSet;

use aragora_core::ids::{DeliveryId, EventId, WebhookId, fresh_uuid};
use aragora_core::time::Millis;
use aragora_store::intents::{FanOutNote, Intents, LeaseNote, LeasedDelivery};
use aragora_store::{SWEEP_SHARDS, StoreError};
use aragora_tests::proxy::Fault;

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    notes_are_found_until_they_are_struck_out,
    the_same_note_twice_is_one,
    leases_are_found_after_they_ended,
    the_live_leases_of_an_organisation_are_counted,
    what_a_batch_leaves_undone_is_repeated,
    what_stays_undone_is_an_error,
    a_note_costs_one_unit_to_make_and_one_to_strike_out,
);

fn note(number: i64) -> FanOutNote {
    let event_id = EventId::parse(&format!("evt-{number}")).unwrap();
    FanOutNote { org: "org".to_owned(), event_id, at: T0.plus(number) }
}

fn notes(count: i64) -> Vec<FanOutNote> {
    (0..count).map(note).collect()
}

/// What all shards together hold; each must be in order.
async fn found(intents: &Intents, before: Millis) -> BTreeSet<Millis> {
    let mut all = BTreeSet::new();
    for shard in 0..SWEEP_SHARDS {
        let notes = intents.fan_outs_before(shard, before, 100).await.unwrap();
        assert!(notes.is_sorted_by_key(|note| note.at), "{notes:?}");
        for found in notes {
            assert_eq!(found, note(found.at.since(T0)));
            assert!(all.insert(found.at), "in two shards: {found:?}");
        }
    }
    all
}

fn times(count: i64) -> BTreeSet<Millis> {
    (0..count).map(|number| T0.plus(number)).collect()
}

async fn notes_are_found_until_they_are_struck_out(lab: &Lab) {
    let intents = lab.intents().await;
    intents.note_fan_outs(&[]).await.unwrap();
    intents.note_fan_outs(&notes(60)).await.unwrap();
    assert_eq!(found(&intents, T0).await, times(0));
    assert_eq!(found(&intents, T0.plus(40)).await, times(40));
    assert_eq!(found(&intents, T0.plus(60)).await, times(60));
    for shard in 0..SWEEP_SHARDS {
        let all = intents.fan_outs_before(shard, T0.plus(60), 100).await.unwrap();
        let oldest = intents.fan_outs_before(shard, T0.plus(60), 2).await.unwrap();
        assert_eq!(oldest, all[..2]);
    }

    intents.strike_fan_outs(&notes(60)[1..]).await.unwrap();
    assert_eq!(found(&intents, T0.plus(60)).await, times(1));
    intents.strike_fan_outs(&notes(60)).await.unwrap();
    assert_eq!(found(&intents, T0.plus(60)).await, times(0));
}

async fn the_same_note_twice_is_one(lab: &Lab) {
    let intents = lab.intents().await;
    let twice = [notes(3), notes(3)].concat();
    intents.note_fan_outs(&twice).await.unwrap();
    intents.note_fan_outs(&twice).await.unwrap();
    assert_eq!(found(&intents, T0.plus(9)).await, times(3));
    intents.strike_fan_outs(&twice).await.unwrap();
    intents.strike_fan_outs(&twice).await.unwrap();
    assert_eq!(found(&intents, T0.plus(9)).await, times(0));
}

async fn leases_are_found_after_they_ended(lab: &Lab) {
    let intents = lab.intents().await;
    let delivery = |number: i64| LeasedDelivery {
        org: "org".to_owned(),
        webhook_id: WebhookId::parse("wh-1").unwrap(),
        delivery_id: DeliveryId::parse(&format!("dlv-{number}")).unwrap(),
    };
    let lease = |number: i64| LeaseNote {
        org: format!("org-{number}"),
        id: format!("lease-{number}"),
        until: T0.plus(number),
        deliveries: (0..number).map(delivery).collect(),
    };
    let leases: Vec<_> = (0..9).map(lease).collect();
    for lease in &leases {
        intents.note_lease(lease).await.unwrap();
    }
    let ended = async |before| {
        let mut all = Vec::new();
        for shard in 0..SWEEP_SHARDS {
            all.extend(intents.leases_before(shard, before, 100).await.unwrap());
        }
        all.sort_by_key(|lease| lease.until);
        all
    };
    assert_eq!(ended(T0).await, []);
    assert_eq!(ended(T0.plus(5)).await, leases[..5]);
    intents.strike_leases(&leases[..3]).await.unwrap();
    intents.strike_leases(&leases[..3]).await.unwrap();
    assert_eq!(ended(T0.plus(9)).await, leases[3..]);
    assert_eq!(found(&intents, T0.plus(9)).await, times(0));
}

async fn the_live_leases_of_an_organisation_are_counted(lab: &Lab) {
    let intents = lab.intents().await;
    let note = |org: &str, begun: i64| LeaseNote {
        org: org.to_owned(),
        id: fresh_uuid(T0.plus(begun)).simple().to_string(),
        until: T0.plus(begun + 100),
        deliveries: vec![],
    };
    for (org, begun) in [("org", 0), ("org", 50), ("org", 60), ("org-b", 60), ("org2", 60)] {
        intents.note_lease(&note(org, begun)).await.unwrap();
    }
    let mut live = intents.live_leases("org", T0.plus(120), 50).await.unwrap();
    // In the order of the ids, which is that of the beginnings.
    live.sort();
    let begun: Vec<_> = live.into_iter().map(|(_, begun)| begun).collect();
    assert_eq!(begun, [T0.plus(50), T0.plus(60)]);
    assert_eq!(intents.live_leases("org", T0.plus(120), 1).await.unwrap().len(), 1);
    assert_eq!(intents.live_leases("nobody", T0, 50).await.unwrap(), []);
    let ended: usize = {
        let mut count = 0;
        for shard in 0..SWEEP_SHARDS {
            count += intents.leases_before(shard, T0.plus(155), 100).await.unwrap().len();
        }
        count
    };
    assert_eq!(ended, 2, "those of before 155: begun at 0 and at 50");
}

async fn what_a_batch_leaves_undone_is_repeated(lab: &Lab) {
    let intents = lab.intents().await;
    lab.proxy.script(
        "BatchWriteItem",
        [Fault::refuse_after(3), Fault::throttled(), Fault::refuse_after(0), Fault::LoseAnswer],
    );
    intents.note_fan_outs(&notes(20)).await.unwrap();
    lab.met("BatchWriteItem", 5);
    assert_eq!(found(&intents, T0.plus(20)).await, times(20));
    let sizes: Vec<_> = lab
        .proxy
        .calls("BatchWriteItem")
        .iter()
        .map(|input| input["RequestItems"].as_object().unwrap().values().next().cloned().unwrap())
        .map(|requests| requests.as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [20, 17, 17, 17, 17]);

    lab.proxy.script("BatchWriteItem", [Fault::refuse_after(19)]);
    intents.strike_fan_outs(&notes(20)).await.unwrap();
    assert_eq!(found(&intents, T0.plus(20)).await, times(0));
}

async fn what_stays_undone_is_an_error(lab: &Lab) {
    let intents = lab.intents().await;
    lab.proxy.script("BatchWriteItem", [Fault::refuse_after(2)]);
    lab.proxy.script("BatchWriteItem", (0..4).map(|_| Fault::refuse_after(0)));
    let error = intents.note_fan_outs(&notes(7)).await.unwrap_err();
    assert!(matches!(error, StoreError::Incomplete(5)), "{error:?}");
    lab.met("BatchWriteItem", 5);
    assert_eq!(found(&intents, T0.plus(7)).await.len(), 2);

    lab.proxy.script("BatchWriteItem", (0..3).map(|_| Fault::throttled()));
    let error = intents.note_fan_outs(&notes(7)).await.unwrap_err();
    assert!(matches!(error, StoreError::Throttled), "{error:?}");
    lab.met("BatchWriteItem", 8);
}

async fn a_note_costs_one_unit_to_make_and_one_to_strike_out(lab: &Lab) {
    let intents = lab.intents().await;
    intents.note_fan_outs(&notes(1)).await.unwrap();
    let spent = lab.meter.take();
    assert_eq!((spent.write_units, spent.read_units, spent.dynamodb_requests), (1.0, 0.0, 1));
    intents.strike_fan_outs(&notes(1)).await.unwrap();
    let spent = lab.meter.take();
    assert_eq!((spent.write_units, spent.dynamodb_requests), (1.0, 1));
    // 30 notes are two requests.
    intents.note_fan_outs(&notes(30)).await.unwrap();
    let spent = lab.meter.take();
    assert_eq!((spent.write_units, spent.dynamodb_requests), (30.0, 2));
    intents.fan_outs_before(0, T0, 10).await.unwrap();
    let spent = lab.meter.take();
    assert_eq!((spent.write_units, spent.read_units), (0.0, 0.5));
}
