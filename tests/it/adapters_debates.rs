//! Table `debates` through its adapter: heads under their revision, records of any size, events.

use std::fmt::Write as _;

use aragora_core::ids::DebateId;
use aragora_store::debates::{
    Body, DebateKey, DebateStatus, Debates, Head, MAX_STREAM_BYTES, Source, StreamItem,
};
use aragora_store::registrations::Changed;
use aragora_tests::proxy::Fault;

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    a_head_is_written_under_its_revision,
    a_record_of_any_size_comes_back,
    a_record_that_is_gone_is_none,
    debates_are_listed_newest_first_by_organisation,
    events_are_stored_once,
    a_stream_has_its_limits,
    a_count_alone_is_no_debate,
    a_key_stands_for_its_first_debate,
    what_a_batch_leaves_undone_is_done,
);

fn id(number: i64) -> DebateId {
    DebateId::parse(&format!("deb-{number}")).unwrap()
}

fn head(number: i64) -> Head {
    Head {
        org: "org".into(),
        id: id(number),
        status: DebateStatus::Running,
        source: Source::Stream,
        version: 0,
        body: None,
        headline: r#"{"task":"Which?"}"#.into(),
        created_at: T0.plus(number),
        updated_at: T0.plus(number),
        rev: 0,
    }
}

/// Text that packs badly: hex digits of a generator.
fn noise(bytes: usize) -> String {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut text = String::with_capacity(bytes);
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        write!(text, "{state:016x}").unwrap();
    }
    text.truncate(bytes);
    text
}

async fn with_record(debates: &Debates, number: i64, record: &str) -> Head {
    let mut head = head(number);
    let body = debates.put_body(("org", &head.id), (1, "hash"), record).await.unwrap();
    head.body = Some(body);
    (head.status, head.version) = (DebateStatus::Completed, 1);
    assert_eq!(debates.write_head(&mut head, 0).await.unwrap(), Changed::Done);
    head
}

async fn a_head_is_written_under_its_revision(lab: &Lab) {
    let debates = lab.debates().await;
    assert_eq!(debates.head("org", &id(1)).await.unwrap(), None);
    let mut first = head(1);
    assert_eq!(debates.write_head(&mut first, 0).await.unwrap(), Changed::Done);
    assert_eq!(debates.head("org", &id(1)).await.unwrap(), Some(first.clone()));
    assert_eq!(debates.head("other", &id(1)).await.unwrap(), None);
    // Of two who read the same head, one is refused; so is whoever thinks that there is none.
    let mut mine = Head { status: DebateStatus::Completed, version: 1, ..first.clone() };
    mine.body = Some(Body { hash: "h".into(), rev: 2, parts: 0, bytes: 0 });
    assert_eq!(debates.write_head(&mut mine, 1).await.unwrap(), Changed::Done);
    assert_eq!(mine.rev, 2);
    assert_eq!(debates.write_head(&mut first, 1).await.unwrap(), Changed::Outdated);
    assert_eq!(debates.write_head(&mut head(1), 0).await.unwrap(), Changed::Outdated);
    assert_eq!(debates.head("org", &id(1)).await.unwrap(), Some(mine.clone()));
    // A write whose answer is lost is refused when the SDK repeats it, and has taken effect.
    lab.proxy.script("UpdateItem", [Fault::LoseAnswer]);
    assert_eq!(debates.write_head(&mut mine, 2).await.unwrap(), Changed::Outdated);
    assert_eq!(debates.head("org", &id(1)).await.unwrap().unwrap().rev, 3);
    let both = debates.heads("org", &[id(1), id(2)]).await.unwrap();
    assert_eq!(both.len(), 1);
}

async fn a_record_of_any_size_comes_back(lab: &Lab) {
    let debates = lab.debates().await;
    let records = [String::new(), "{}".to_owned(), noise(40_000), noise(2_500_000)];
    let mut heads = Vec::new();
    for (number, record) in (1..).zip(&records) {
        heads.push(with_record(&debates, number, record).await);
    }
    let parts: Vec<_> = heads.iter().map(|head| head.body.as_ref().unwrap().parts).collect();
    assert!(parts[2] == 1 && parts[3] >= 3, "{parts:?}");
    let wanted: Vec<&Head> = heads.iter().rev().collect();
    let found = debates.bodies(&wanted).await.unwrap();
    for (record, found) in records.iter().rev().zip(found) {
        assert!(found.unwrap().unpack().unwrap() == *record);
    }
}

async fn a_record_that_is_gone_is_none(lab: &Lab) {
    let debates = lab.debates().await;
    let head = with_record(&debates, 1, "{}").await;
    debates.delete_body("org", &head.id, head.body.as_ref().unwrap()).await.unwrap();
    let bare = Head { body: None, ..head.clone() };
    let found = debates.bodies(&[&head, &bare]).await.unwrap();
    assert!(found.iter().all(Option::is_none));
}

async fn debates_are_listed_newest_first_by_organisation(lab: &Lab) {
    let debates = lab.debates().await;
    for number in 1..=5 {
        debates.write_head(&mut head(number), 0).await.unwrap();
    }
    let mut theirs = Head { org: "other".into(), ..head(9) };
    debates.write_head(&mut theirs, 0).await.unwrap();
    let (mut seen, mut place) = (Vec::new(), None);
    loop {
        let (page, next) = debates.page("org", place.as_deref(), 2).await.unwrap();
        seen.extend(page.into_iter().map(|head| head.id));
        place = next;
        if place.is_none() {
            break;
        }
    }
    assert_eq!(seen, [5, 4, 3, 2, 1].map(id));
    let (page, _) = debates.page("org", Some(&head(3).place()), 2).await.unwrap();
    assert_eq!(page.into_iter().map(|head| head.id).collect::<Vec<_>>(), [2, 1].map(id));
}

fn item(number: u64, text: &str) -> StreamItem {
    StreamItem { key: format!("seq:{number:020}"), doc: format!(r#"{{"text":"{text}"}}"#) }
}

async fn events_are_stored_once(lab: &Lab) {
    let debates = lab.debates().await;
    let first = [item(2, "two"), item(1, "one")];
    assert_eq!(debates.put_events("org", &id(1), &first).await.unwrap(), [true, true]);
    let again = [item(2, "other"), item(3, &noise(20_000))];
    assert_eq!(debates.put_events("org", &id(1), &again).await.unwrap(), [false, true]);
    let events = debates.events("org", &id(1)).await.unwrap();
    assert_eq!(events, [item(1, "one"), item(2, "two"), again[1].clone()]);
    assert_eq!(debates.events("other", &id(1)).await.unwrap(), []);
    // A head is none of them.
    debates.write_head(&mut head(1), 0).await.unwrap();
    assert_eq!(debates.events("org", &id(1)).await.unwrap().len(), 3);
}

async fn a_stream_has_its_limits(lab: &Lab) {
    let debates = lab.debates().await;
    debates.write_head(&mut head(1), 0).await.unwrap();
    let counted = debates.count_events("org", &id(1), (3, MAX_STREAM_BYTES - 10)).await.unwrap();
    assert_eq!(counted.unwrap().unwrap().id, id(1));
    assert_eq!(debates.count_events("org", &id(1), (1, 11)).await.unwrap(), None);
    assert!(debates.count_events("org", &id(1), (1, 10)).await.unwrap().is_some());
    assert_eq!(debates.count_events("org", &id(1), (1, 1)).await.unwrap(), None);
}

async fn a_count_alone_is_no_debate(lab: &Lab) {
    let debates = lab.debates().await;
    assert_eq!(debates.count_events("org", &id(1), (1, 1)).await.unwrap(), Some(None));
    assert_eq!(debates.head("org", &id(1)).await.unwrap(), None);
    assert_eq!(debates.heads("org", &[id(1)]).await.unwrap(), []);
    assert_eq!(debates.page("org", None, 10).await.unwrap().0, []);
    // It becomes one, and its count stays.
    assert_eq!(debates.write_head(&mut head(1), 0).await.unwrap(), Changed::Done);
    assert_eq!(debates.count_events("org", &id(1), (1, MAX_STREAM_BYTES)).await.unwrap(), None);
}

async fn a_key_stands_for_its_first_debate(lab: &Lab) {
    let debates = lab.debates().await;
    let key = |number: i64| DebateKey {
        digest: "d".into(),
        debate_id: id(number),
        created_at: T0.plus(number),
    };
    assert_eq!(debates.claim_key("org", "k", &key(1)).await.unwrap(), None);
    assert_eq!(debates.claim_key("org", "k", &key(2)).await.unwrap(), Some(key(1)));
    assert_eq!(debates.claim_key("other", "k", &key(2)).await.unwrap(), None);
}

async fn what_a_batch_leaves_undone_is_done(lab: &Lab) {
    let debates = lab.debates().await;
    let record = noise(1_500_000);
    lab.proxy.script("BatchWriteItem", [Fault::refuse_after(1)]);
    let head = with_record(&debates, 1, &record).await;
    lab.proxy.script("BatchGetItem", [Fault::refuse_after(1)]);
    let found = debates.bodies(&[&head]).await.unwrap().pop().flatten().unwrap();
    assert!(found.unpack().unwrap() == record);
}
