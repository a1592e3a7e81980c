//! Ratings and reviews.

use aragora_core::ids::ReviewId;
use aragora_core::marketplace::{Card, draft};
use aragora_marketplace::{Desk, MarketError};
use aragora_store::marketplace::{Rated, ReviewPage};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{DEFAULT_LIMIT, shown, template_id};
use crate::body;
use crate::cursor::{self, Kind};
use crate::error::ApiError;
use crate::query::Query;
use crate::reply::Reply;
use crate::request::Call;

/// The furthest a page of reviews may begin from the start.
const MOST_OFFSET: u32 = 1_000;
/// The most bytes of a place in a list of reviews: less than a sort key may have.
const MAX_PLACE_BYTES: usize = 600;
/// The most digits of a place by votes and time.
const MAX_DIGITS: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    title: Option<String>,
    #[serde(alias = "review", alias = "comment")]
    content: Option<String>,
}

/// Where a list of opinions begins.
struct Start {
    skip: u32,
    after: Option<String>,
    limit: i32,
}

/// `POST .../rate`, and `POST .../ratings`, where published clients may also say why.
pub(super) async fn rate(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let fields = call.json_object()?;
    let given = rating(&fields).cloned();
    let said = said(fields)?;
    let (caller, id) = (call.principal()?, template_id(call)?);
    let (card, rated) = if said.content.is_some() {
        let review = draft::review(given.as_ref(), said.title, said.content);
        let review = review.map_err(MarketError::from)?;
        desk.review(caller, &id, &review, call.now).await?
    } else {
        let rating = draft::rating(given.as_ref()).map_err(MarketError::from)?;
        desk.rate(caller, &id, rating, call.now).await?
    };
    Reply::ok(&tally(&card, &rated))
}

pub(super) async fn review(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let fields = call.json_object()?;
    let given = rating(&fields).cloned();
    let said = said(fields)?;
    let review = draft::review(given.as_ref(), said.title, said.content);
    let review = review.map_err(MarketError::from)?;
    let (caller, id) = (call.principal()?, template_id(call)?);
    let (card, rated) = desk.review(caller, &id, &review, call.now).await?;
    Reply::created(&shown::with(shown::review(&card.id, &rated), tally_of(&card)))
}

pub(super) async fn helpful(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let (caller, id) = (call.principal()?, template_id(call)?);
    let review = ReviewId::parse(call.param("review_id")?);
    let review = review.ok_or_else(|| ApiError::not_found("review"))?;
    let rated = desk.helpful(caller, &id, &review).await?;
    Reply::ok(&shown::review(&id, &rated))
}

pub(super) async fn reviews(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let start = start(&call.query, Kind::Reviews, is_review_place)?;
    let (caller, id) = (call.principal()?, template_id(call)?);
    let mut after = start.after;
    let mut skip = start.skip;
    let (card, page) = loop {
        let limit = if skip > 0 { skip.min(100).cast_signed() } else { start.limit };
        let (card, page) = desk.reviews(caller, &id, after.as_deref(), limit).await?;
        if skip == 0 {
            break (card, page);
        }
        skip = skip.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        match page.next {
            Some(next) => after = Some(next),
            None => break (card, ReviewPage { items: vec![], next: None }),
        }
    };
    let shown: Vec<Value> = page.items.iter().map(|it| shown::review(&card.id, it)).collect();
    let next = page.next.map(|place| cursor::write(Kind::Reviews, &place));
    let answer = json!({"count": shown.len(), "reviews": shown, "next_cursor": next});
    Reply::ok(&shown::with(answer, tally_of(&card)))
}

pub(super) async fn ratings(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let start = start(&call.query, Kind::Ratings, |place| place.starts_with("u#"))?;
    let (caller, id) = (call.principal()?, template_id(call)?);
    let mut after = start.after;
    let mut skip = start.skip;
    let (card, page) = loop {
        let limit = if skip > 0 { skip.min(100).cast_signed() } else { start.limit };
        let (card, page) = desk.ratings(caller, &id, after.as_deref(), limit).await?;
        if skip == 0 {
            break (card, page);
        }
        skip = skip.saturating_sub(u32::try_from(page.items.len()).unwrap_or(u32::MAX));
        match page.next {
            Some(next) => after = Some(next),
            None => break (card, ReviewPage { items: vec![], next: None }),
        }
    };
    let shown: Vec<Value> = page.items.iter().map(|it| shown::review(&card.id, it)).collect();
    Reply::ok(&json!({
        "template_id": card.id,
        "ratings": shown,
        "average": card.tally.average(),
        "average_rating": card.tally.average(),
        "count": card.tally.count(),
        "rating_count": card.tally.count(),
        "next_cursor": page.next.map(|place| cursor::write(Kind::Ratings, &place)),
    }))
}

/// The rating in a body, under either name.
fn rating(fields: &Map<String, Value>) -> Option<&Value> {
    fields.get("rating").or_else(|| fields.get("score"))
}

/// What else is in it. Of several names for the content, ours counts.
fn said(mut fields: Map<String, Value>) -> Result<Said, ApiError> {
    for synonym in ["review", "comment"] {
        if let Some(value) = fields.shift_remove(synonym) {
            fields.entry("content").or_insert(value);
        }
    }
    body::read(Value::Object(fields), "").map_err(|problem| ApiError::invalid(vec![problem]))
}

fn start(query: &Query, kind: Kind, is_place: impl Fn(&str) -> bool) -> Result<Start, ApiError> {
    let limit = query.limit(DEFAULT_LIMIT)?.cast_signed();
    let skip = query.whole("offset", 0..=MOST_OFFSET)?;
    let after = cursor::read(query, kind, |place| {
        (place.len() <= MAX_PLACE_BYTES && is_place(place)).then(|| place.to_owned())
    })?;
    if skip.is_some() && after.is_some() {
        return Err(ApiError::field("offset", "use one of offset and cursor"));
    }
    Ok(Start { skip: skip.unwrap_or(0), after, limit })
}

fn is_review_place(place: &str) -> bool {
    place.split_once('#').is_some_and(|(number, user)| {
        let digits = (1..=MAX_DIGITS).contains(&number.len());
        digits && number.bytes().all(|byte| byte.is_ascii_digit()) && user.starts_with("u#")
    })
}

fn tally(card: &Card, rated: &Rated) -> Value {
    let more = json!({
        "success": true,
        "template_id": card.id,
        "your_rating": rated.rating,
        "your_review_id": rated.review.as_ref().map(|(id, ..)| id),
    });
    shown::with(tally_of(card), more)
}

fn tally_of(card: &Card) -> Value {
    json!({"average_rating": card.tally.average(), "rating_count": card.tally.count()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_we_did_not_write_are_refused() {
        for good in ["1790000000000#u#org#ann", "200001790000000000#u#o#a#b"] {
            assert!(is_review_place(good), "{good}");
        }
        for bad in ["", "x#u#o#a", "#u#o#a", "-1#u#o#a", "1#h#o#a", "123456789012345678901#u#o#a"] {
            assert!(!is_review_place(bad), "{bad}");
        }
        let long = cursor::write(Kind::Ratings, &format!("u#o#{}", "x".repeat(600)));
        let query = Query::parse(&format!("cursor={long}"));
        assert!(start(&query, Kind::Ratings, |place| place.starts_with("u#")).is_err());
    }
}
