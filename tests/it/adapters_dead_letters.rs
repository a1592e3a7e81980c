//! The list of dead letters through its adapter: putting and striking, walking it both ways, what
//! a filter passes over, and what has left it.

use aragora_core::ids::{DeliveryId, EventId, WebhookId};
use aragora_core::time::Millis;
use aragora_store::receipts::{DeadLetter, DeadLetterKey, DeadLetterQuery, Direction, Receipts};
use aragora_tests::proxy::Fault;

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    what_is_struck_off_is_gone_and_both_is_put,
    many_are_put_and_struck_off_through_faults,
    the_list_is_the_models_both_ways,
    what_a_filter_passes_over_does_not_end_the_list,
    what_is_past_its_time_has_left_the_list,
    organisations_have_lists_of_their_own,
    an_item_costs_a_write_unit,
);

const HOUR: i64 = 3_600_000;

fn webhook(number: u32) -> WebhookId {
    WebhookId::parse(&format!("wh-{number}")).unwrap()
}

/// Dead letter of the event accepted this long after [`T0`], given up a minute later.
fn letter(number: u32, after_ms: i64) -> DeadLetter {
    let event = EventId::parse(&format!("evt-{number}")).unwrap();
    let accepted_at = T0.plus(after_ms);
    let at = accepted_at.plus(60_000);
    DeadLetter {
        org: "org".to_owned(),
        delivery_id: DeliveryId::of("org", &event, &webhook(number % 3), accepted_at),
        webhook_id: webhook(number % 3),
        event_type: ["vote", "debate_end"][number as usize % 2].to_owned(),
        at,
        expires_at: at.plus(72 * HOUR).unix_seconds(),
    }
}

fn letters(count: u32) -> Vec<DeadLetter> {
    // Three share a millisecond.
    let mut all: Vec<_> = (0..count).map(|n| letter(n, i64::from(n / 3) * 500)).collect();
    all.sort_by(|one, other| one.delivery_id.cmp(&other.delivery_id));
    all
}

fn everything(direction: Direction, limit: usize) -> DeadLetterQuery<'static> {
    DeadLetterQuery {
        org: "org",
        webhook_id: None,
        event_types: &[],
        since: None,
        until: None,
        after: None,
        limit,
        direction,
        now: T0.plus(HOUR),
    }
}

async fn put(receipts: &Receipts, letters: &[DeadLetter]) {
    receipts.update_dead_letters(letters, &[]).await.unwrap();
}

fn keys(letters: &[DeadLetter]) -> Vec<DeadLetterKey> {
    letters.iter().map(DeadLetter::key).collect()
}

/// All pages, each of at most `limit`; `next` never goes back.
async fn walked(receipts: &Receipts, query: &DeadLetterQuery<'_>) -> Vec<DeadLetter> {
    let (mut all, mut after) = (Vec::new(), None::<DeliveryId>);
    for _ in 0..1_000 {
        let query = DeadLetterQuery { after: after.as_ref().or(query.after), ..query.clone() };
        let page = receipts.dead_letters(&query).await.unwrap();
        assert!(page.letters.len() <= query.limit);
        all.extend(page.letters);
        let Some(next) = page.next else { return all };
        let moves_on = after.as_ref().is_none_or(|after| match query.direction {
            Direction::NewestFirst => next < *after,
            Direction::OldestFirst => next > *after,
        });
        assert!(moves_on, "the cursor goes back");
        after = Some(next);
    }
    panic!("a list without an end");
}

async fn what_is_struck_off_is_gone_and_both_is_put(lab: &Lab) {
    let receipts = lab.receipts().await;
    let all = letters(4);
    put(&receipts, &all[..3]).await;
    put(&receipts, &all[..3]).await;
    for one in &all[..3] {
        assert_eq!(receipts.dead_letter(&one.key(), T0).await.unwrap().as_ref(), Some(one));
    }
    assert_eq!(receipts.dead_letter(&all[3].key(), T0).await.unwrap(), None);

    // One is put again, and struck off in the same call: it stays, as it was put last.
    let later = DeadLetter { at: all[0].at.plus(5), ..all[0].clone() };
    let struck = keys(&all[..2]);
    for _ in 0..2 {
        receipts.update_dead_letters(std::slice::from_ref(&later), &struck).await.unwrap();
        let expected = [later.clone(), all[2].clone()];
        assert_eq!(walked(&receipts, &everything(Direction::OldestFirst, 10)).await, expected);
    }
    receipts.update_dead_letters(&[], &[]).await.unwrap();
}

async fn many_are_put_and_struck_off_through_faults(lab: &Lab) {
    let receipts = lab.receipts().await;
    let all = letters(60);
    lab.proxy.script("BatchWriteItem", [Fault::refuse_after(7), Fault::LoseAnswer]);
    put(&receipts, &all).await;
    assert_eq!(lab.proxy.unused(), 0);
    assert_eq!(walked(&receipts, &everything(Direction::OldestFirst, 100)).await, all);
    lab.proxy.script("BatchWriteItem", [Fault::refuse_after(3)]);
    receipts.update_dead_letters(&[], &keys(&all[..55])).await.unwrap();
    assert_eq!(lab.proxy.unused(), 0);
    assert_eq!(walked(&receipts, &everything(Direction::OldestFirst, 100)).await, all[55..]);
}

async fn the_list_is_the_models_both_ways(lab: &Lab) {
    let receipts = lab.receipts().await;
    let all = letters(90);
    put(&receipts, &all).await;
    let one = webhook(1);
    let of_one: (Option<&WebhookId>, &[&str]) = (Some(&one), &[]);
    let times = |since: i64, until: i64| (Some(T0.plus(since)), Some(T0.plus(until)));
    let none = (None, None);
    for ((webhook_id, event_types), (since, until)) in [
        ((None, &[][..]), none),
        ((None, &[]), times(500, 7_000)),
        ((None, &[]), times(501, 500)),
        ((None, &[]), (Some(T0.plus(4_000)), None)),
        ((None, &[]), (None, Some(T0.plus(4_000)))),
        (of_one, none),
        ((Some(&one), &["vote", "absent"]), times(1_000, 9_001)),
        ((None, &["debate_end"]), none),
        ((None, &["absent"]), none),
    ] {
        let wanted = |it: &&DeadLetter| {
            let accepted = it.delivery_id.accepted_at().unwrap();
            webhook_id.is_none_or(|id| *id == it.webhook_id)
                && (event_types.is_empty() || event_types.contains(&it.event_type.as_str()))
                && since.is_none_or(|since| accepted >= since)
                && until.is_none_or(|until| accepted < until)
        };
        let mut model: Vec<_> = all.iter().filter(wanted).cloned().collect();
        for direction in [Direction::OldestFirst, Direction::NewestFirst] {
            for limit in [1, 7, 100] {
                let query = DeadLetterQuery {
                    webhook_id,
                    event_types,
                    since,
                    until,
                    ..everything(direction, limit)
                };
                let found = walked(&receipts, &query).await;
                assert_eq!(found, model, "{query:?}");
            }
            model.reverse();
        }
    }
    // Beyond a delivery that is on the list no more, and beyond one that bounds exclude.
    let after = &all[40].delivery_id;
    receipts.update_dead_letters(&[], &[all[40].key()]).await.unwrap();
    let query = DeadLetterQuery { after: Some(after), ..everything(Direction::OldestFirst, 7) };
    assert_eq!(walked(&receipts, &query).await, all[41..]);
    let query = DeadLetterQuery { until: Some(T0), ..query };
    assert_eq!(walked(&receipts, &query).await, []);
}

async fn what_a_filter_passes_over_does_not_end_the_list(lab: &Lab) {
    let receipts = lab.receipts().await;
    // More than one page evaluates, and what is looked for only at both ends.
    let mut all: Vec<_> = (0..1_150).map(|n| letter(n * 6, i64::from(n))).collect();
    for at in [2, 1_147] {
        "critique".clone_into(&mut all[at].event_type);
    }
    put(&receipts, &all).await;
    let query =
        DeadLetterQuery { event_types: &["critique"], ..everything(Direction::NewestFirst, 10) };
    let first = receipts.dead_letters(&query).await.unwrap();
    assert_eq!(first.letters, [all[1_147].clone()]);
    assert!(first.next.is_some());
    assert_eq!(lab.proxy.calls("Query").len(), 10, "queries of one page");
    assert_eq!(walked(&receipts, &query).await, [all[1_147].clone(), all[2].clone()]);
}

async fn what_is_past_its_time_has_left_the_list(lab: &Lab) {
    let receipts = lab.receipts().await;
    // Given up at T0 + 1 min, 1 h + 1 min and 2 h + 1 min, each for 72 hours; nothing is deleted.
    let all: Vec<_> = (0..3).map(|n| letter(n, i64::from(n) * HOUR)).collect();
    put(&receipts, &all).await;
    let end = |at: usize| all[at].at.plus(72 * HOUR);
    let cases: [(Millis, usize); 5] = [
        (T0, 0),
        (end(0).plus(-1_000), 0),
        (end(0), 1),
        (end(1).plus(10 * 60_000), 2),
        (end(2), 3),
    ];
    for (now, left) in cases {
        for limit in [1, 10] {
            let query = DeadLetterQuery { now, ..everything(Direction::OldestFirst, limit) };
            assert_eq!(walked(&receipts, &query).await, all[left..], "{now:?}");
        }
        for (at, one) in all.iter().enumerate() {
            let found = receipts.dead_letter(&one.key(), now).await.unwrap();
            assert_eq!(found.is_some(), at >= left, "{at} at {now:?}");
        }
    }
}

async fn organisations_have_lists_of_their_own(lab: &Lab) {
    let receipts = lab.receipts().await;
    let ours = letter(1, 0);
    let theirs = DeadLetter { org: "org2".to_owned(), ..letter(2, 0) };
    put(&receipts, &[ours.clone(), theirs.clone()]).await;
    assert_eq!(
        walked(&receipts, &everything(Direction::NewestFirst, 10)).await,
        std::slice::from_ref(&ours)
    );
    let foreign = DeadLetterKey { org: "org".to_owned(), ..theirs.key() };
    assert_eq!(receipts.dead_letter(&foreign, T0).await.unwrap(), None);
    receipts.update_dead_letters(&[], &[foreign]).await.unwrap();
    assert_eq!(receipts.dead_letter(&theirs.key(), T0).await.unwrap(), Some(theirs));
}

async fn an_item_costs_a_write_unit(lab: &Lab) {
    let receipts = lab.receipts().await;
    let all = letters(25);
    lab.meter.take();
    put(&receipts, &all).await;
    let spent = lab.meter.take();
    assert_eq!(format!("{} {}", spent.write_units, spent.dynamodb_requests), "25 1");
    receipts.dead_letter(&all[0].key(), T0).await.unwrap();
    assert_eq!(format!("{}", lab.meter.take().read_units), "1");
    receipts.update_dead_letters(&[], &keys(&all)).await.unwrap();
    let spent = lab.meter.take();
    assert_eq!(format!("{} {}", spent.write_units, spent.dynamodb_requests), "25 1");
}
