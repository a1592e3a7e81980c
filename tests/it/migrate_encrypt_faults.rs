//! The migration of stored secrets when AWS fails, time runs out, or two of it run at once.

use std::collections::BTreeMap;

use aragora_migrate::cursor::Cursor;
use aragora_migrate::encrypt::Order;
use aragora_queue::inbound::Deadline;
use aragora_signing::fields::Store;
use aragora_tests::proxy::Fault;

use crate::adapters::{Lab, T0, on_both_engines};
use crate::migrate_encrypt::{ENDLESS, NEW, OLD, STORE, Scene, counts, opens, under};

on_both_engines!(
    a_lost_answer_is_counted_once,
    a_throttled_table_is_waited_for,
    a_table_that_does_not_answer_ends_the_run_with_a_place_to_go_on,
    two_at_once_share_the_work,
    what_met_its_time_limit_goes_on_where_it_was,
);

async fn a_lost_answer_is_counted_once(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    scene.put(1, under(OLD, 1)).await;
    lab.proxy.script("UpdateItem", [Fault::LoseAnswer]);
    let (seen, told) = scene.run(true).await;
    assert_eq!((seen, told["wh-001"].as_str()), (counts(1, 0, 0), "migrated"));
    lab.met("UpdateItem", 2);
    let after = scene.read(1).await;
    assert_eq!(after.rev, 2);
    assert!(opens(NEW, &after));
}

async fn a_throttled_table_is_waited_for(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    scene.put(1, under(OLD, 1)).await;
    // The SDK tries three times by itself.
    lab.proxy.script("Scan", std::iter::repeat_n(Fault::throttled(), 4));
    lab.proxy.script("UpdateItem", std::iter::repeat_n(Fault::throttled(), 4));
    assert_eq!(scene.run(true).await.0, counts(1, 0, 0));
    lab.met("UpdateItem", 5);
    assert!(opens(NEW, &scene.read(1).await));
}

async fn a_table_that_does_not_answer_ends_the_run_with_a_place_to_go_on(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    for number in 1..=3 {
        scene.put(number, under(OLD, number)).await;
    }
    let away = std::iter::repeat_n(Fault::internal(), 15);
    lab.proxy.script("Scan", std::iter::once(Fault::Pass).chain(away));
    let order = Order { execute: true, ..Order::default() };
    let (report, told) = scene.carry_out(&order, ENDLESS).await;
    assert_eq!(lab.proxy.unused(), 0);
    assert_eq!((report.total(), told.len()), (counts(2, 0, 0), 2));
    assert!(report.stopped.is_some());
    let order = Order { from: report.next, ..order };
    let (report, _) = scene.carry_out(&order, ENDLESS).await;
    assert_eq!(report.total(), counts(1, 0, 0));
    assert!(report.next.is_none() && report.stopped.is_none());
}

async fn two_at_once_share_the_work(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    let number = 24;
    for number in 1..=number {
        scene.put(number, under(OLD, number)).await;
    }
    let ((one, _), (other, _)) = tokio::join!(scene.run(true), scene.run(true));
    let number = u64::from(number);
    assert_eq!(one.migrated + other.migrated, number, "{one:?} {other:?}");
    assert_eq!(one.current + other.current, number, "{one:?} {other:?}");
    assert_eq!(one.failed + other.failed, 0, "{one:?} {other:?}");
    for number in 1..=24 {
        let after = scene.read(number).await;
        assert_eq!(after.rev, 2);
        assert!(opens(NEW, &after) && !opens(OLD, &after));
    }
}

async fn what_met_its_time_limit_goes_on_where_it_was(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    for number in 1..=5 {
        scene.put(number, under(OLD, number)).await;
    }
    let mut order = Order { store: Store::named(STORE), execute: true, ..Order::default() };
    let (mut all, mut runs) = (BTreeMap::new(), 0);
    loop {
        // There is never time for more than the one page that each run may read.
        let (report, told) = scene.carry_out(&order, Deadline(T0)).await;
        assert!(told.len() <= 2 && report.stopped.is_none());
        all.extend(told);
        runs += 1;
        let Some(next) = report.next else { break };
        order.from = Some(next.to_string().parse::<Cursor>().unwrap());
    }
    assert!((3..=4).contains(&runs), "{runs}");
    assert_eq!(all.into_values().collect::<Vec<_>>(), ["migrated"; 5]);
    assert_eq!(scene.run(false).await.0, counts(0, 5, 0));
}
