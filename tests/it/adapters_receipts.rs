//! Table `webhook_delivery_receipts` through its adapter: writes under a condition each, and the
//! index of what waits. The list has a file of its own.

use aragora_core::delivery::{Delivery, Status};
use aragora_core::ids::{DeliveryId, EventId, WebhookId};
use aragora_core::time::Millis;
use aragora_store::receipts::{
    DeliveryBound, Over, PageEntry, PendingPage, ReceiptKey, Receipts, StoredReceipt, WriteOutcome,
    WriteReceipt,
};
use aragora_store::{SWEEP_SHARDS, StoreError};
use aragora_tests::proxy::Fault;

use crate::adapters::{Lab, T0, on_both_engines};

#[path = "adapters_receipts_list.rs"]
mod list;

on_both_engines!(
    a_write_needs_what_it_expects,
    each_statement_has_its_own_outcome,
    throttled_statements_are_repeated_and_no_others,
    what_stays_throttled_has_failed,
    a_repeated_write_is_refused_by_its_own_content,
    the_index_gains_and_loses_entries,
    a_delivery_that_is_only_on_a_page_is_pending,
    pages_are_put_twice_as_once,
    a_receipt_costs_its_kilobytes_and_its_index_entries,
);

const BATCH: &str = "BatchExecuteStatement";
const MAX_ATTEMPTS: u32 = 6;

fn webhook() -> WebhookId {
    WebhookId::parse("wh-1").unwrap()
}

/// The line of an event accepted this long after [`T0`].
fn line(number: u32, after_ms: i64) -> PageEntry {
    let event_id = EventId::parse(&format!("evt-{number}")).unwrap();
    let accepted_at = T0.plus(after_ms);
    PageEntry {
        delivery_id: DeliveryId::of("org", &event_id, &webhook(), accepted_at),
        event_id,
        event_type: ["vote", "debate_end"][number as usize % 2].to_owned(),
        accepted_at,
    }
}

fn key(line: &PageEntry) -> ReceiptKey {
    ReceiptKey::new("org", &webhook(), &line.delivery_id)
}

fn write(line: &PageEntry, status: Status, over: Option<Over>) -> WriteReceipt {
    let mut receipt = line.receipt(&webhook(), MAX_ATTEMPTS);
    receipt.state = Delivery { status, attempts: 1, ..Delivery::pending() };
    WriteReceipt {
        org: "org".to_owned(),
        receipt,
        over,
        watch_at: None,
        expires_at: T0.unix_seconds() + 30 * 86_400,
    }
}

fn watched(write: WriteReceipt, at: Millis) -> WriteReceipt {
    WriteReceipt { watch_at: Some(at), ..write }
}

fn stored(write: &WriteReceipt, rev: u64) -> StoredReceipt {
    StoredReceipt {
        org: write.org.clone(),
        receipt: write.receipt.clone(),
        rev,
        watched: write.watch_at.is_some(),
    }
}

async fn read(receipts: &Receipts, line: &PageEntry) -> Option<StoredReceipt> {
    receipts.get_many(&[key(line)]).await.unwrap().pop()
}

/// `w` and the revision, `r` or `f` for each write.
async fn outcomes(receipts: &Receipts, writes: &[WriteReceipt]) -> String {
    let outcomes = receipts.write_many(writes).await.unwrap();
    assert_eq!(outcomes.len(), writes.len());
    let letter = |outcome: &WriteOutcome| match outcome {
        WriteOutcome::Written(rev) => format!("w{rev}"),
        WriteOutcome::Refused => "r".to_owned(),
        WriteOutcome::Failed(StoreError::Throttled) => "f".to_owned(),
        WriteOutcome::Failed(error) => panic!("{error:?}"),
    };
    outcomes.iter().map(letter).collect::<Vec<_>>().join(" ")
}

async fn a_write_needs_what_it_expects(lab: &Lab) {
    let receipts = lab.receipts().await;
    assert!(receipts.write_many(&[]).await.unwrap().is_empty());
    let line = line(1, 0);
    let at_rev = |status, rev| write(&line, status, Some(Over { rev, watched: false }));
    assert_eq!(outcomes(&receipts, &[at_rev(Status::Delivered, 1)]).await, "r");
    assert_eq!(read(&receipts, &line).await, None);

    let first = write(&line, Status::InProgress, None);
    assert_eq!(outcomes(&receipts, std::slice::from_ref(&first)).await, "w1");
    assert_eq!(read(&receipts, &line).await, Some(stored(&first, 1)));
    assert_eq!(outcomes(&receipts, &[write(&line, Status::Delivered, None)]).await, "r");
    for wrong in [0, 2] {
        assert_eq!(outcomes(&receipts, &[at_rev(Status::Delivered, wrong)]).await, "r");
    }
    assert_eq!(read(&receipts, &line).await, Some(stored(&first, 1)));

    let second = at_rev(Status::Delivered, 1);
    assert_eq!(outcomes(&receipts, std::slice::from_ref(&second)).await, "w2");
    assert_eq!(outcomes(&receipts, &[at_rev(Status::Retrying, 1)]).await, "r");
    assert_eq!(read(&receipts, &line).await, Some(stored(&second, 2)));
    assert_eq!(receipts.get(&key(&line), 9).await.unwrap(), Some(stored(&second, 2)));
}

async fn each_statement_has_its_own_outcome(lab: &Lab) {
    let receipts = lab.receipts().await;
    let lines: Vec<_> = (0..60).map(|number| line(number, i64::from(number))).collect();
    let odd: Vec<_> = lines
        .iter()
        .filter(|line| line.accepted_at.0 % 2 == 1)
        .map(|line| write(line, Status::InProgress, None))
        .collect();
    assert_eq!(outcomes(&receipts, &odd).await, ["w1"; 30].join(" "));
    // Three requests; what is there already refuses, and the others are done.
    let all: Vec<_> = lines.iter().map(|line| write(line, Status::Retrying, None)).collect();
    assert_eq!(outcomes(&receipts, &all).await, ["w1 r"; 30].join(" "));
    let keys: Vec<_> = lines.iter().map(key).collect();
    let mut found = receipts.get_many(&[keys.clone(), keys].concat()).await.unwrap();
    found.sort_by(|one, other| one.receipt.delivery_id.cmp(&other.receipt.delivery_id));
    let statuses: Vec<_> = found.iter().map(|stored| stored.receipt.state.status).collect();
    assert_eq!(statuses, [Status::Retrying, Status::InProgress].repeat(30));
}

/// How many statements each call had.
fn batches(lab: &Lab) -> Vec<usize> {
    let calls = lab.proxy.calls(BATCH);
    calls.iter().map(|input| input["Statements"].as_array().unwrap().len()).collect()
}

async fn throttled_statements_are_repeated_and_no_others(lab: &Lab) {
    let receipts = lab.receipts().await;
    let writes: Vec<_> = (0..6).map(|n| write(&line(n, 0), Status::InProgress, None)).collect();
    assert_eq!(outcomes(&receipts, &writes[4..5]).await, "w1");
    lab.proxy.script(BATCH, [2, 0, 1].map(Fault::refuse_after));
    assert_eq!(outcomes(&receipts, &writes).await, "w1 w1 w1 w1 r w1");
    assert_eq!(batches(lab), [1, 6, 4, 4, 3]);
    assert_eq!(lab.proxy.unused(), 0);

    // The whole call, too.
    lab.proxy.script(BATCH, [Fault::throttled(), Fault::LoseRequest]);
    let over = Some(Over { rev: 1, watched: false });
    assert_eq!(outcomes(&receipts, &[write(&line(0, 0), Status::Delivered, over)]).await, "w2");
    assert_eq!((lab.proxy.calls(BATCH).len(), lab.proxy.unused()), (8, 0));
}

async fn what_stays_throttled_has_failed(lab: &Lab) {
    let receipts = lab.receipts().await;
    let writes: Vec<_> = (0..3).map(|n| write(&line(n, 0), Status::InProgress, None)).collect();
    lab.proxy.script(BATCH, [1, 0, 0, 0, 0].map(Fault::refuse_after));
    assert_eq!(outcomes(&receipts, &writes).await, "w1 f f");
    assert_eq!(batches(lab), [3, 2, 2, 2, 2]);
    assert_eq!(read(&receipts, &line(0, 0)).await, Some(stored(&writes[0], 1)));
    assert_eq!(read(&receipts, &line(1, 0)).await, None);

    lab.proxy.script(BATCH, (0..3).map(|_| Fault::throttled()));
    let error = receipts.write_many(&writes).await.unwrap_err();
    assert!(matches!(error, StoreError::Throttled), "{error:?}");
    // What is not worth a repeat, and is no refusal either.
    let code = "ValidationError".to_owned();
    lab.proxy.script(BATCH, [Fault::RefuseAfter { kept: 1, code }]);
    let mixed = receipts.write_many(&writes[1..]).await.unwrap();
    assert!(
        matches!(
            mixed.as_slice(),
            [WriteOutcome::Written(1), WriteOutcome::Failed(StoreError::Unavailable(_))]
        ),
        "{mixed:?}"
    );
    assert_eq!(lab.proxy.unused(), 0);
}

async fn a_repeated_write_is_refused_by_its_own_content(lab: &Lab) {
    let receipts = lab.receipts().await;
    let line = line(1, 0);
    let first = write(&line, Status::InProgress, None);
    lab.proxy.script(BATCH, [Fault::LoseAnswer]);
    assert_eq!(outcomes(&receipts, std::slice::from_ref(&first)).await, "r");
    assert_eq!(read(&receipts, &line).await, Some(stored(&first, 1)));

    let second = write(&line, Status::Delivered, Some(Over { rev: 1, watched: false }));
    lab.proxy.script(BATCH, [Fault::LoseAnswer]);
    assert_eq!(outcomes(&receipts, std::slice::from_ref(&second)).await, "r");
    assert_eq!(read(&receipts, &line).await, Some(stored(&second, 2)));
    lab.met(BATCH, 4);
}

/// What all shards together hold, by time.
async fn due(receipts: &Receipts, before: Millis) -> Vec<(Millis, DeliveryId)> {
    let mut all = Vec::new();
    for shard in 0..SWEEP_SHARDS {
        let due = receipts.due_before(shard, before, 100).await.unwrap();
        assert!(due.is_sorted_by_key(|due| due.due_at), "{due:?}");
        if let [first, ..] = due.as_slice() {
            let one = receipts.due_before(shard, before, 1).await.unwrap();
            assert_eq!(one, std::slice::from_ref(first));
        }
        for due in due {
            assert_eq!((due.key.org.as_str(), due.key.webhook_id), ("org", webhook()));
            all.push((due.due_at, due.key.delivery_id));
        }
    }
    all.sort();
    all
}

async fn the_index_gains_and_loses_entries(lab: &Lab) {
    let receipts = lab.receipts().await;
    let lines: Vec<_> = (0..12).map(|number| line(number, 0)).collect();
    let at = |number: usize| T0.plus(i64::try_from(number).unwrap());
    let writes: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(number, line)| watched(write(line, Status::Retrying, None), at(number)))
        .chain([write(&line(99, 0), Status::Delivered, None)])
        .collect();
    receipts.write_many(&writes).await.unwrap();
    let entry = |number: usize| (at(number), lines[number].delivery_id.clone());
    let all: Vec<_> = (0..12).map(entry).collect();
    assert_eq!(due(&receipts, at(12)).await, all);
    assert_eq!(due(&receipts, at(5)).await, all[..5]);
    assert_eq!(read(&receipts, &lines[0]).await, Some(stored(&writes[0], 1)));

    // One is done, one waits longer, one only moves on, and one write comes too late.
    let over = |watched| Some(Over { rev: 1, watched });
    let done = write(&lines[0], Status::Delivered, over(true));
    let changes = [
        done.clone(),
        watched(write(&lines[1], Status::Retrying, over(true)), at(50)),
        watched(write(&lines[2], Status::Pending, over(true)), at(2)),
        write(&lines[3], Status::Delivered, Some(Over { rev: 7, watched: true })),
        watched(write(&line(99, 0), Status::Retrying, over(false)), at(60)),
    ];
    assert_eq!(outcomes(&receipts, &changes).await, "w2 w2 w2 r w2");
    let moved = (at(50), lines[1].delivery_id.clone());
    let late = (at(60), line(99, 0).delivery_id);
    let expected = [all[2..].to_vec(), vec![moved, late]].concat();
    assert_eq!(due(&receipts, at(99)).await, expected);
    assert_eq!(read(&receipts, &lines[0]).await, Some(stored(&done, 2)));
}

async fn a_delivery_that_is_only_on_a_page_is_pending(lab: &Lab) {
    let receipts = lab.receipts().await;
    // The oldest line of a page has the newest one's id in its key, almost a second away.
    let lines: Vec<_> = (0..5).map(|n| line(n, i64::from(n) * 249)).collect();
    let pages = PendingPage::fill("org", &webhook(), lines.clone(), 0);
    assert_eq!(pages.len(), 1);
    receipts.put_pages(&pages).await.unwrap();
    for line in &lines {
        let found = receipts.get(&key(line), MAX_ATTEMPTS).await.unwrap().unwrap();
        let receipt = line.receipt(&webhook(), MAX_ATTEMPTS);
        assert_eq!((found.receipt, found.rev, found.watched), (receipt, 0, false));
        assert_eq!(read(&receipts, line).await, None);
    }
    let claimed = write(&lines[2], Status::InProgress, None);
    receipts.write_many(std::slice::from_ref(&claimed)).await.unwrap();
    let found = receipts.get(&key(&lines[2]), MAX_ATTEMPTS).await.unwrap();
    assert_eq!(found, Some(stored(&claimed, 1)));

    let foreign = ReceiptKey { org: "org2".to_owned(), ..key(&lines[0]) };
    let unknown = key(&line(77, 100));
    let no_uuid = ReceiptKey { delivery_id: DeliveryId::parse("dlv-x").unwrap(), ..key(&lines[0]) };
    for absent in [foreign, unknown, no_uuid] {
        assert_eq!(receipts.get(&absent, MAX_ATTEMPTS).await.unwrap(), None, "{absent:?}");
    }
}

async fn pages_are_put_twice_as_once(lab: &Lab) {
    let receipts = lab.receipts().await;
    let lines: Vec<_> = (0..300).map(|n| line(n, i64::from(n) * 7)).collect();
    let fill = |lines: &[PageEntry]| PendingPage::fill("org", &webhook(), lines.to_vec(), 0);
    receipts.put_pages(&[]).await.unwrap();
    // A first fan-out that was interrupted had other pages.
    receipts.put_pages(&fill(&lines[..13])).await.unwrap();
    lab.proxy.script("BatchWriteItem", [Fault::refuse_after(7), Fault::LoseAnswer]);
    receipts.put_pages(&fill(&lines)).await.unwrap();
    receipts.put_pages(&fill(&lines)).await.unwrap();
    assert_eq!(lab.proxy.unused(), 0);
    let newest_first: Vec<_> = {
        let mut sorted = lines.clone();
        sorted.sort_by(|one, other| other.delivery_id.cmp(&one.delivery_id));
        sorted
    };
    let everything = DeliveryBound::none();
    for limit in [1, 99, 300, 1_000] {
        let found = receipts.queued("org", &webhook(), "", &everything, limit).await.unwrap();
        assert_eq!(found, newest_first[..limit.min(300)]);
    }
    let from = &newest_first[200].delivery_id;
    let before = DeliveryBound::below(&newest_first[100].delivery_id);
    let found = receipts.queued("org", &webhook(), from.as_str(), &before, 1_000).await.unwrap();
    assert_eq!(found, newest_first[101..=200]);
}

async fn a_receipt_costs_its_kilobytes_and_its_index_entries(lab: &Lab) {
    let receipts = lab.receipts().await;
    let spent = async |write: WriteReceipt| {
        receipts.write_many(&[write]).await.unwrap();
        let spent = lab.meter.take();
        assert_eq!((spent.read_units, spent.dynamodb_requests), (0.0, 1));
        // Whole units: compared as such.
        format!("{}", spent.write_units)
    };
    let over = |rev, watched| Some(Over { rev, watched });
    let (small, waiting) = (line(1, 0), line(2, 0));
    assert_eq!(spent(write(&small, Status::InProgress, None)).await, "1");
    assert_eq!(spent(write(&small, Status::Delivered, over(1, false))).await, "1");
    assert_eq!(spent(watched(write(&waiting, Status::Retrying, None), T0)).await, "2");
    assert_eq!(spent(write(&waiting, Status::Delivered, over(1, true))).await, "2");
    let mut large = write(&line(3, 0), Status::DeadLettered, None);
    large.receipt.response_body = Some("x".repeat(2_048));
    assert_eq!(spent(large).await, "3");

    receipts.put_pages(&PendingPage::fill("org", &webhook(), vec![small], 0)).await.unwrap();
    assert_eq!((lab.meter.take().write_units, 0), (1.0, 0));
}
