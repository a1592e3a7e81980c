//! Tables of the marketplace through their adapter: what is counted stays exact when answers are
//! lost, and lists cost the same however many templates are on them.

use std::collections::BTreeMap;

use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::{Card, Facet, Listing, Scope, Visibility};
use aragora_core::marketplace::rank::Sort;
use aragora_core::marketplace::rating::Tally;
use aragora_core::marketplace::trend::Period;
use aragora_core::marketplace::version::Version;
use aragora_core::marketplace::words;
use aragora_store::StoreError;
use aragora_store::marketplace::{
    About, Download, Edit, Helped, Issue, Marketplace, NewIssue, Reaction, Stored,
};
use aragora_tests::proxy::Fault;
use futures_util::future::join_all;
use serde_json::json;

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    what_is_published_is_read_back_and_counted,
    a_publish_whose_answer_was_lost_is_the_callers_own,
    a_name_is_taken_once,
    an_edit_moves_a_template_between_lists,
    a_download_whose_answer_was_lost_is_counted_once,
    a_transaction_that_met_another_is_tried_again,
    a_rating_whose_answer_was_lost_is_counted_once,
    a_vote_counts_once,
    rows_come_in_order_from_any_place,
    a_page_costs_the_same_of_few_and_many,
    words_come_and_go,
);

const USER: (&str, &str) = ("org", "bob");

fn card(number: i64, name: &str, tags: &[&str]) -> (Card, BTreeMap<String, u8>) {
    let listing = Listing {
        org: "org".into(),
        author: "ann".into(),
        name: name.into(),
        summary: String::new(),
        category: "data".into(),
        tags: tags.iter().map(ToString::to_string).collect(),
        visibility: Visibility::Public,
        version: "1.0.0".into(),
        deprecated: None,
        created_at: T0.plus(number),
        updated_at: T0.plus(number),
    };
    let text =
        words::Text { name, tags: &listing.tags, category: &listing.category, description: "" };
    let words = words::of(&text);
    let card = Card {
        id: TemplateId::mint(T0.plus(number)),
        signature: words::signature(&words, name),
        listing,
        live: true,
        downloads: 0,
        tally: Tally::default(),
        rated: 0,
        ranked: 0,
        rev: 1,
    };
    (card, words)
}

async fn publish(market: &Marketplace, card: &Card) -> Result<Stored, StoreError> {
    let issue = Issue {
        version: card.listing.version.clone(),
        changelog: String::new(),
        warnings: vec![],
        created_at: card.listing.created_at,
    };
    let data = serde_json::from_str(r#"{"a":1.50}"#).unwrap();
    let place = Version::parse(&issue.version).unwrap().sort_key();
    let new = NewIssue { issue: &issue, place: &place, data: &data };
    market.publish(card, &About::default(), &card.listing.name, new).await
}

async fn published(market: &Marketplace, number: i64, name: &str, tags: &[&str]) -> Card {
    let (card, _) = card(number, name, tags);
    assert_eq!(publish(market, &card).await.unwrap(), Stored::Done);
    card
}

async fn total(market: &Marketplace, facet: Facet) -> u64 {
    market.counts(&[(Scope::Public, facet)]).await.unwrap()[0]
}

fn download(id: &TemplateId) -> Download<'_> {
    Download { id, by: USER, version: "1.0.0", at: T0 }
}

async fn what_is_published_is_read_back_and_counted(lab: &Lab) {
    let market = lab.marketplace().await;
    let card = published(&market, 1, "one", &["red", "blue"]).await;
    assert_eq!(market.card(&card.id).await.unwrap(), Some(card.clone()));
    assert_eq!(market.cards(std::slice::from_ref(&card.id)).await.unwrap()[&card.id], card);
    let place = Version::parse("1.0.0").unwrap().sort_key();
    let data = market.data(&card.id, &place).await.unwrap().unwrap();
    assert_eq!(json!(data).to_string(), r#"{"a":1.50}"#);
    let (issues, more) = market.issues(&card.id, None, 10).await.unwrap();
    assert_eq!((issues.len(), more), (1, false));
    for facet in [Facet::All, Facet::category("data"), Facet::tag("Red"), Facet::author("Ann")] {
        assert_eq!(total(&market, facet).await, 1);
    }
    assert_eq!(market.categories(&Scope::Public, 10).await.unwrap(), [("data".to_owned(), 1)]);
}

async fn a_publish_whose_answer_was_lost_is_the_callers_own(lab: &Lab) {
    let market = lab.marketplace().await;
    let (card, _) = card(1, "one", &[]);
    lab.proxy.script("TransactWriteItems", [Fault::LoseAnswer]);
    assert_eq!(publish(&market, &card).await.unwrap(), Stored::Done);
    lab.met("TransactWriteItems", 2);
    assert_eq!(total(&market, Facet::All).await, 1);
}

async fn a_name_is_taken_once(lab: &Lab) {
    let market = lab.marketplace().await;
    let cards: Vec<Card> = (0..5).map(|number| card(number, "same", &[]).0).collect();
    let stored = join_all(cards.iter().map(|card| publish(&market, card))).await;
    let done = stored.iter().filter(|it| matches!(it, Ok(Stored::Done))).count();
    let taken = stored.iter().filter(|it| matches!(it, Ok(Stored::NameTaken))).count();
    assert_eq!((done, taken), (1, 4));
    assert_eq!(total(&market, Facet::All).await, 1);
}

async fn an_edit_moves_a_template_between_lists(lab: &Lab) {
    let market = lab.marketplace().await;
    let before = published(&market, 1, "one", &["red", "blue"]).await;
    let mut after = before.clone();
    after.listing.tags = vec!["blue".into(), "green".into()];
    after.listing.visibility = Visibility::Organization;
    after.rev = 2;
    let edit = Edit { before: &before, after: &after, about: None, looks: None, issue: None };
    assert_eq!(market.edit(edit).await.unwrap(), Stored::Done);
    assert_eq!(market.edit(edit).await.unwrap(), Stored::Outdated, "its revision has passed");
    for facet in [Facet::All, Facet::tag("red"), Facet::tag("blue"), Facet::category("data")] {
        assert_eq!(total(&market, facet).await, 0);
    }
    let own = Scope::Organization("org");
    let lists = [(own, Facet::tag("green")), (own, Facet::tag("red")), (own, Facet::All)];
    assert_eq!(market.counts(&lists).await.unwrap(), [1, 0, 1]);
    let (rows, _) = market.rows(&own, &Facet::All, Sort::Newest, None, 10).await.unwrap();
    assert_eq!(
        (rows.len(), rows[0].tags.as_slice()),
        (1, &["blue".to_owned(), "green".into()][..])
    );
    let mut gone = after.clone();
    (gone.live, gone.rev) = (false, 3);
    let edit =
        Edit { before: &after, after: &gone, about: None, looks: Some(("one", "")), issue: None };
    assert_eq!(market.edit(edit).await.unwrap(), Stored::Done);
    assert_eq!(market.counts(&lists).await.unwrap(), [0, 0, 0]);
    assert_eq!(market.named(&before.listing, "one").await.unwrap(), None);
    assert!(!market.count_download(download(&before.id)).await.unwrap());
}

async fn a_download_whose_answer_was_lost_is_counted_once(lab: &Lab) {
    let market = lab.marketplace().await;
    let card = published(&market, 1, "one", &[]).await;
    lab.proxy.script("TransactWriteItems", [Fault::LoseAnswer, Fault::Pass, Fault::LoseRequest]);
    for _ in 0..2 {
        assert!(market.count_download(download(&card.id)).await.unwrap());
    }
    assert_eq!(market.card(&card.id).await.unwrap().unwrap().downloads, 2);
    let recent = market.recent_downloads(&card.id).await.unwrap();
    assert_eq!(recent.within(Period::Day, T0), 2);
    assert_eq!(market.downloaded(&card.id, USER).await.unwrap(), ["1.0.0"]);
    assert!(market.downloaded(&card.id, ("org", "eve")).await.unwrap().is_empty());
}

async fn a_transaction_that_met_another_is_tried_again(lab: &Lab) {
    let market = lab.marketplace().await;
    let card = published(&market, 1, "one", &[]).await;
    let before = lab.proxy.calls("TransactWriteItems").len();
    let code = "TransactionInProgressException".to_owned();
    let faults = (0..6).map(|_| Fault::Error { status: 400, code: code.clone() });
    lab.proxy.script("TransactWriteItems", faults.collect::<Vec<_>>());
    assert!(market.count_download(download(&card.id)).await.unwrap());
    assert_eq!(lab.proxy.calls("TransactWriteItems").len(), before + 7);
    assert_eq!(market.card(&card.id).await.unwrap().unwrap().downloads, 1);
    // And fifty writers at once are fifty.
    join_all((0..50).map(async |_| market.count_download(download(&card.id)).await.unwrap())).await;
    assert_eq!(market.card(&card.id).await.unwrap().unwrap().downloads, 51);
}

async fn a_rating_whose_answer_was_lost_is_counted_once(lab: &Lab) {
    let market = lab.marketplace().await;
    let card = published(&market, 1, "one", &[]).await;
    lab.proxy.script("TransactWriteItems", [Fault::LoseAnswer, Fault::Pass, Fault::LoseAnswer]);
    for (rating, review) in [(5, None), (2, Some(("t", "c")))] {
        let reaction = Reaction { id: &card.id, by: USER, rating, review, at: T0 };
        let rated = market.rate(reaction).await.unwrap().unwrap();
        assert_eq!(rated.rating, rating);
    }
    let tally = market.card(&card.id).await.unwrap().unwrap().tally;
    assert_eq!(tally, Tally([0, 1, 0, 0, 0]));
    join_all((0..50_u8).map(async |number| {
        let user = format!("user-{}", number / 2);
        let by = ("org", user.as_str());
        let reaction = Reaction { id: &card.id, by, rating: number % 2 + 4, review: None, at: T0 };
        market.rate(reaction).await.unwrap().unwrap();
    }))
    .await;
    let tally = market.card(&card.id).await.unwrap().unwrap().tally;
    assert_eq!((tally.count(), tally.0[3] + tally.0[4]), (26, 25), "{tally:?}");
    let (ratings, reviews) =
        (market.ratings(&card.id, None, 100), market.reviews(&card.id, None, 100));
    let sum: u64 = ratings.await.unwrap().items.iter().map(|it| u64::from(it.rating)).sum();
    assert_eq!(sum, tally.sum(), "the tally is what was rated");
    assert_eq!(reviews.await.unwrap().items.len(), 1);
}

async fn a_vote_counts_once(lab: &Lab) {
    let market = lab.marketplace().await;
    let card = published(&market, 1, "one", &[]).await;
    let reaction = Reaction { id: &card.id, by: USER, rating: 5, review: Some(("t", "c")), at: T0 };
    let (review, ..) = market.rate(reaction).await.unwrap().unwrap().review.unwrap();
    lab.proxy.script("TransactWriteItems", [Fault::LoseAnswer]);
    let voter = (USER, ("org", "eve"));
    assert_eq!(market.help(&card.id, &review, voter).await.unwrap(), Helped::Counted);
    assert_eq!(market.help(&card.id, &review, voter).await.unwrap(), Helped::Before);
    assert_eq!(market.rated(&card.id, USER).await.unwrap().unwrap().helpful, 1);
    assert_eq!(
        market.reviewer(&card.id, &review).await.unwrap(),
        Some(("org".into(), "bob".into()))
    );
}

async fn rows_come_in_order_from_any_place(lab: &Lab) {
    let market = lab.marketplace().await;
    for number in 0..7 {
        published(&market, number, &format!("n{}", 9 - number), &["t"]).await;
    }
    for sort in Sort::ALL {
        let read = async |after: Option<&str>, limit| {
            market.rows(&Scope::Public, &Facet::tag("t"), *sort, after, limit).await.unwrap()
        };
        let (all, more) = read(None, 100).await;
        assert_eq!((all.len(), more), (7, false));
        let places: Vec<&String> = all.iter().map(|row| &row.place).collect();
        let ordered = if sort.is_descending() {
            places.is_sorted_by(|one, other| one > other)
        } else {
            places.is_sorted_by(|one, other| one < other)
        };
        assert!(ordered, "{sort:?}: {places:?}");
        let (rest, _) = read(Some(&all[2].place), 3).await;
        assert_eq!(rest, all[3..6], "{sort:?}");
    }
    let mut first =
        market.rows(&Scope::Public, &Facet::All, Sort::Downloads, None, 1).await.unwrap().0;
    let last = market
        .rows(&Scope::Public, &Facet::All, Sort::Newest, None, 7)
        .await
        .unwrap()
        .0
        .pop()
        .unwrap();
    assert_ne!(first.remove(0).id, last.id);
    // What is downloaded, or rated, has another place.
    let mut card = market.card(&last.id).await.unwrap().unwrap();
    (card.downloads, card.rated, card.tally) = (5, 1, Tally([0, 0, 0, 0, 3]));
    market.rank_by_downloads(&card).await.unwrap();
    market.rank_by_rating(&card).await.unwrap();
    // What is older comes too late.
    (card.downloads, card.rated, card.tally) = (4, 0, Tally::default());
    market.rank_by_downloads(&card).await.unwrap();
    market.rank_by_rating(&card).await.unwrap();
    for sort in [Sort::Downloads, Sort::Rating] {
        let (rows, _) = market.rows(&Scope::Public, &Facet::tag("t"), sort, None, 1).await.unwrap();
        assert_eq!((&rows[0].id, rows[0].milli), (&card.id, 5_000), "{sort:?}");
    }
    assert_eq!(market.featured(None, 10).await.unwrap().0.len(), 1);
}

async fn a_page_costs_the_same_of_few_and_many(lab: &Lab) {
    let market = lab.marketplace().await;
    let mut costs = Vec::new();
    for upto in [30, 120] {
        for number in costs.len().min(1) * 30..upto {
            published(&market, i64::try_from(number).unwrap(), &format!("n{number}"), &["t"]).await;
        }
        let mut of_size = Vec::new();
        for sort in Sort::ALL {
            lab.meter.take();
            let facet = Facet::tag("t");
            let read = market.rows(&Scope::Public, &facet, *sort, None, 20);
            let ids: Vec<TemplateId> =
                read.await.unwrap().0.into_iter().map(|row| row.id).collect();
            market.cards(&ids).await.unwrap();
            of_size.push(lab.meter.take().read_units);
        }
        costs.push(of_size);
    }
    assert_eq!(costs[0], costs[1]);
}

async fn words_come_and_go(lab: &Lab) {
    let market = lab.marketplace().await;
    let (one, one_words) = card(1, "Invoice reader", &[]);
    let (two, two_words) = card(2, "Reader", &["invoice"]);
    for (card, words) in [(&one, &one_words), (&two, &two_words)] {
        market.put_words(card, words).await.unwrap();
    }
    let found = async |word| {
        let (postings, cut) = market.postings(&Scope::Public, word).await.unwrap();
        assert!(!cut);
        postings.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(found("invoice").await, [one.id.clone(), two.id.clone()]);
    assert_eq!(found("rea").await.len(), 2);
    assert!(found("nothing").await.is_empty());
    let (mut after, after_words) = card(1, "Invoice scanner", &[]);
    after.id = one.id.clone();
    market.put_words(&after, &after_words).await.unwrap();
    market.delete_words((&one, &one_words), (&after, &after_words)).await.unwrap();
    assert_eq!(found("reader").await, std::slice::from_ref(&two.id));
    assert_eq!(found("scanner").await, std::slice::from_ref(&one.id));
    let gone = Card { live: false, ..after.clone() };
    market.delete_words((&after, &after_words), (&gone, &BTreeMap::new())).await.unwrap();
    assert_eq!(found("invoice").await, std::slice::from_ref(&two.id));
    assert!(market.postings(&Scope::Organization("org"), "invoice").await.unwrap().0.is_empty());
}
