//! The list of receipts against a model: whatever is claimed or not, filtered or not, and however
//! it is cut into pages, every delivery is in it once, newest first.

use aragora_core::delivery::{Receipt, Status};
use aragora_core::ids::DeliveryId;
use aragora_core::time::Millis;
use aragora_store::receipts::{PageEntry, PendingPage, Query, Receipts};

use super::{MAX_ATTEMPTS, line, webhook, write};
use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    random_mixes_are_listed_as_the_model_has_them,
    a_range_that_ends_before_it_begins_is_empty,
    pages_far_apart_are_listed_without_gaps,
    many_rows_that_a_filter_passes_over_do_not_end_a_list,
);

/// A generator of reproducible choices (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        let at = self.below(u64::try_from(choices.len()).unwrap());
        choices[usize::try_from(at).unwrap()].clone()
    }
}

/// What is asked of a list, over all its pages.
#[derive(Debug, Clone, Default)]
struct Wish {
    statuses: Vec<Status>,
    event_types: Vec<&'static str>,
    since: Option<Millis>,
    until: Option<Millis>,
}

impl Wish {
    fn random(dice: &mut Dice) -> Self {
        use Status::{DeadLettered, Delivered, InProgress, Pending, Retrying};
        let statuses: [&[Status]; 7] = [
            &[],
            &[],
            &[Pending],
            &[Delivered],
            &[Pending, Delivered],
            &[InProgress, Retrying],
            &[DeadLettered],
        ];
        let types: [&[&'static str]; 4] = [&[], &[], &["vote"], &["vote", "no_such"]];
        let mut time = |choices: u64| {
            (dice.below(choices) == 0).then(|| T0.plus(i64::try_from(dice.below(5_000)).unwrap()))
        };
        let (since, until) = (time(3), time(3));
        Self {
            statuses: dice.one_of(&statuses).to_vec(),
            event_types: dice.one_of(&types).to_vec(),
            since,
            until,
        }
    }

    fn wants(&self, receipt: &Receipt) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&receipt.state.status))
            && (self.event_types.is_empty()
                || self.event_types.contains(&receipt.event_type.as_str()))
            && self.since.is_none_or(|since| receipt.created_at >= since)
            && self.until.is_none_or(|until| receipt.created_at < until)
    }
}

/// All pages of a list, each of at most `limit`.
async fn listed(receipts: &Receipts, wish: &Wish, limit: usize) -> Vec<Receipt> {
    let webhook = webhook();
    let (mut all, mut after) = (Vec::new(), None::<DeliveryId>);
    for _ in 0..1_000 {
        let query = Query {
            org: "org",
            webhook_id: &webhook,
            statuses: &wish.statuses,
            event_types: &wish.event_types,
            since: wish.since,
            until: wish.until,
            after: after.as_ref(),
            limit,
            max_attempts: MAX_ATTEMPTS,
        };
        let page = receipts.list(&query).await.unwrap();
        assert!(page.receipts.len() <= limit);
        all.extend(page.receipts);
        let Some(next) = page.next else { return all };
        assert!(after.is_none_or(|after| next < after), "the cursor goes back");
        after = Some(next);
    }
    panic!("a list without an end");
}

async fn compare(receipts: &Receipts, model: &[Receipt], wish: &Wish, limit: usize) {
    let expected: Vec<_> = model
        .iter()
        .filter(|receipt| wish.wants(receipt))
        .map(|receipt| (&receipt.delivery_id, receipt))
        .collect();
    let found = listed(receipts, wish, limit).await;
    let found: Vec<_> = found.iter().map(|receipt| (&receipt.delivery_id, receipt)).collect();
    let ids = |list: &[(&DeliveryId, &Receipt)]| -> Vec<String> {
        list.iter().map(|(id, receipt)| format!("{id} {}", receipt.state.status.as_str())).collect()
    };
    assert_eq!(ids(&found), ids(&expected), "{wish:?} by {limit}");
    assert_eq!(found, expected, "{wish:?} by {limit}");
}

/// Writes these lines, those with a status also or (without a page) only as a receipt, and gives
/// back what the list must have.
async fn fill(receipts: &Receipts, lines: &[(PageEntry, Option<Status>, bool)]) -> Vec<Receipt> {
    let paged = lines.iter().filter(|(.., paged)| *paged).map(|(line, ..)| line.clone());
    receipts.put_pages(&PendingPage::fill("org", &webhook(), paged.collect(), 0)).await.unwrap();
    let writes: Vec<_> =
        lines.iter().filter_map(|(line, status, _)| Some(write(line, (*status)?, None))).collect();
    receipts.write_many(&writes).await.unwrap();
    let mut model: Vec<_> = lines
        .iter()
        .filter(|(_, status, paged)| *paged || status.is_some())
        .map(|(line, status, _)| match status {
            Some(status) => write(line, *status, None).receipt,
            None => line.receipt(&webhook(), MAX_ATTEMPTS),
        })
        .collect();
    model.sort_by(|one, other| other.delivery_id.cmp(&one.delivery_id));
    model
}

async fn random_mixes_are_listed_as_the_model_has_them(lab: &Lab) {
    for seed in [0x9e37_79b9_7f4a_7c15, 0x1234_5678_9abc_def1, 0xdead_beef_cafe_f00d] {
        let mut dice = Dice(seed);
        let receipts = lab.receipts().await;
        let count = 65 + u32::try_from(dice.below(60)).unwrap();
        let mut lines = Vec::new();
        for number in 0..count {
            // Many share a millisecond; a few seconds in all.
            let after = i64::try_from(dice.below(90) * dice.below(55)).unwrap();
            let status = dice.one_of(&[
                None,
                None,
                Some(Status::Delivered),
                Some(Status::InProgress),
                Some(Status::Retrying),
                Some(Status::Pending),
                Some(Status::DeadLettered),
            ]);
            lines.push((line(number, after), status, status.is_none() || dice.below(4) > 0));
        }
        let model = fill(&receipts, &lines).await;
        assert!(model.len() > 60);
        // A fan-out that was repeated for some of its events has left pages that overlap.
        let some: Vec<_> = lines
            .iter()
            .filter(|(.., paged)| *paged && dice.below(3) == 0)
            .map(|(line, ..)| line.clone())
            .collect();
        receipts.put_pages(&PendingPage::fill("org", &webhook(), some, 0)).await.unwrap();
        for limit in [1, 2, 7, 50, 100] {
            compare(&receipts, &model, &Wish::default(), limit).await;
        }
        for _ in 0..25 {
            let wish = Wish::random(&mut dice);
            let limit = usize::try_from(1 + dice.below(20)).unwrap();
            compare(&receipts, &model, &wish, limit).await;
        }
    }
}

async fn a_range_that_ends_before_it_begins_is_empty(lab: &Lab) {
    let receipts = lab.receipts().await;
    let lines = [(line(1, 0), None, true), (line(2, 500), Some(Status::Delivered), true)];
    let model = fill(&receipts, &lines).await;
    for (since, until) in [(400, 100), (4_000, 100), (400, 400), (500, 501)] {
        let (since, until) = (Some(T0.plus(since)), Some(T0.plus(until)));
        let wish = Wish { since, until, ..Wish::default() };
        compare(&receipts, &model, &wish, 10).await;
    }
    // A cursor from a list with an earlier `since`.
    let (webhook, oldest) = (webhook(), line(1, 0).delivery_id);
    let query = Query {
        org: "org",
        webhook_id: &webhook,
        statuses: &[],
        event_types: &[],
        since: Some(T0.plus(300)),
        until: None,
        after: Some(&oldest),
        limit: 10,
        max_attempts: MAX_ATTEMPTS,
    };
    let page = receipts.list(&query).await.unwrap();
    assert_eq!((page.receipts, page.next), (vec![], None));
}

async fn pages_far_apart_are_listed_without_gaps(lab: &Lab) {
    let receipts = lab.receipts().await;
    // A page each: more pages than one query reads.
    let lines: Vec<_> = (0..130)
        .map(|number| {
            let status = (number % 9 == 0).then_some(Status::Delivered);
            (line(number, i64::from(number) * 1_500), status, true)
        })
        .collect();
    let model = fill(&receipts, &lines).await;
    for limit in [10, 60, 100] {
        compare(&receipts, &model, &Wish::default(), limit).await;
        let statuses = vec![Status::Pending];
        compare(&receipts, &model, &Wish { statuses, ..Wish::default() }, limit).await;
    }
    let wish =
        Wish { since: Some(T0.plus(30_000)), until: Some(T0.plus(90_000)), ..Wish::default() };
    compare(&receipts, &model, &wish, 25).await;
}

async fn many_rows_that_a_filter_passes_over_do_not_end_a_list(lab: &Lab) {
    let receipts = lab.receipts().await;
    // More rows than one page of the list evaluates, and what is looked for only at both ends.
    let lines: Vec<_> = (0..1_150)
        .map(|number| {
            let status =
                if [3, 1_148].contains(&number) { Status::DeadLettered } else { Status::Delivered };
            (line(number, i64::from(number)), Some(status), false)
        })
        .chain([(line(2_000, 5), None, true), (line(2_001, 1_140), None, true)])
        .collect();
    let model = fill(&receipts, &lines).await;
    for status in [Status::DeadLettered, Status::Pending] {
        let wish = Wish { statuses: vec![status], ..Wish::default() };
        compare(&receipts, &model, &wish, 10).await;
    }
}
