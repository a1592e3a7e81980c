//! Table `marketplace_reviews`: one rating for each user and template, with or without a review,
//! and who found which review helpful.
//!
//! A rating and what it changes of the template's tally are one transaction. How helpful a review
//! is, and when it was written, are one number (`hk`: votes, then milliseconds), so that the index
//! `by_helpful` sorts by both and a vote is an `ADD`. Only reviews have it.

use aragora_core::ids::{ReviewId, TemplateId};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use super::Marketplace;
use super::items::{TALLY, card_key, extended};
use crate::error::StoreError;
use crate::item::{Item, Reader, key, number, readable, text};
use crate::transact::{Transacted, Updating, Writes};

/// What a vote adds to the sort key: more than any time in milliseconds.
const VOTE: i64 = 100_000_000_000_000;
/// How often a rating begins anew because the same user rated again in between.
const ROUNDS: usize = 60;

/// What a user thinks of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rated {
    /// The user's organisation.
    pub org: String,
    /// The user.
    pub user: String,
    /// 1 to 5.
    pub rating: u8,
    /// The review, when there is one: its id, title and content.
    pub review: Option<(ReviewId, String, String)>,
    /// How many found it helpful.
    pub helpful: u64,
    /// When it was first written.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
}

/// What a user says about a template.
#[derive(Debug, Clone, Copy)]
pub struct Reaction<'a> {
    /// About what.
    pub id: &'a TemplateId,
    /// Who: organisation and user.
    pub by: (&'a str, &'a str),
    /// 1 to 5.
    pub rating: u8,
    /// A review's title and content; without it, one that is there stays.
    pub review: Option<(&'a str, &'a str)>,
    /// When.
    pub at: Millis,
}

/// A page of reviews or ratings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewPage {
    /// In the order asked for.
    pub items: Vec<Rated>,
    /// After which the list goes on; `None` at its end.
    pub next: Option<String>,
}

/// What came of a vote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Helped {
    /// It is counted.
    Counted,
    /// It was counted before.
    Before,
}

impl Marketplace {
    /// Stores a user's rating, with or without a review, over an earlier one, and changes the
    /// template's tally by the difference; gives back what is stored. `None` when the template is
    /// not published. One read unit and, for a rating alone, four write units.
    pub async fn rate(&self, it: Reaction<'_>) -> Result<Option<Rated>, StoreError> {
        for _ in 0..ROUNDS {
            let (before, rev) = self.rated_at(it.id, it.by).await?;
            let after = merged(before.as_ref(), &it);
            let mut writes = Writes::default();
            let mine = self.put_rated(&mut writes, it.id, &after, rev)?;
            writes.update(
                &self.tables.templates,
                card_key(it.id),
                tallied(before.as_ref(), &it),
            )?;
            let is_new = before.as_ref().is_none_or(|before| before.review.is_none());
            if let (Some((review, ..)), true) = (&after.review, is_new) {
                let whose = [("org", text(&after.org)), ("usr", text(&after.user))];
                writes.put(&self.tables.reviews, extended(whose_key(it.id, review), whose))?;
            }
            match self.dynamo.transact(writes).await? {
                Transacted::Done => return Ok(Some(after)),
                Transacted::Refused(places) if places.contains(&mine) => {}
                Transacted::Refused(_) => return Ok(None),
            }
        }
        Err(StoreError::Throttled)
    }

    fn put_rated(
        &self,
        writes: &mut Writes,
        id: &TemplateId,
        after: &Rated,
        rev: u64,
    ) -> Result<usize, StoreError> {
        let mut set =
            vec!["rating = :rating, created_at = :created, updated_at = :now, rev = :next"];
        let mut values = vec![
            (":rating", number(after.rating)),
            (":created", number(after.created_at.0)),
            (":now", number(after.updated_at.0)),
            (":next", number(rev.saturating_add(1))),
        ];
        if let Some((review, title, content)) = &after.review {
            // Votes may be counted at the same time: they are only given a first value.
            set.push("review = :review, title = :title, content = :content");
            set.push("helpful = if_not_exists(helpful, :none), hk = if_not_exists(hk, :place)");
            values.extend([
                (":review", text(review.as_str())),
                (":title", text(title)),
                (":content", text(content)),
                (":none", number(0)),
                (":place", number(after.updated_at.0)),
            ]);
        }
        let condition = if rev == 0 {
            "attribute_not_exists(pk)"
        } else {
            values.push((":seen", number(rev)));
            "rev = :seen"
        };
        let updating = Updating {
            expression: format!("SET {}", set.join(", ")),
            condition: Some(condition),
            values,
        };
        writes.update(&self.tables.reviews, rated_key(id, (&after.org, &after.user)), updating)
    }

    /// What a user thinks of a template, as last written. One read unit.
    pub async fn rated(
        &self,
        id: &TemplateId,
        by: (&str, &str),
    ) -> Result<Option<Rated>, StoreError> {
        Ok(self.rated_at(id, by).await?.0)
    }

    async fn rated_at(
        &self,
        id: &TemplateId,
        by: (&str, &str),
    ) -> Result<(Option<Rated>, u64), StoreError> {
        let item = self.dynamo.get(&self.tables.reviews, rated_key(id, by), true).await?;
        let Some(item) = item else { return Ok((None, 0)) };
        Ok((Some(read_rated(&item)?), Reader(&item).number("rev")?))
    }

    /// Whose review it is: organisation and user. One read unit.
    pub async fn reviewer(
        &self,
        id: &TemplateId,
        review: &ReviewId,
    ) -> Result<Option<(String, String)>, StoreError> {
        let item = self.dynamo.get(&self.tables.reviews, whose_key(id, review), true).await?;
        let Some(item) = item else { return Ok(None) };
        let read = Reader(&item);
        Ok(Some((read.text("org")?.to_owned(), read.text("usr")?.to_owned())))
    }

    /// Counts that a user found a review helpful, once. Four write units.
    pub async fn help(
        &self,
        id: &TemplateId,
        review: &ReviewId,
        (reviewer, voter): ((&str, &str), (&str, &str)),
    ) -> Result<Helped, StoreError> {
        let mut writes = Writes::default();
        let (org, user) = voter;
        let vote = key(id.as_str(), format!("h#{review}#{org}#{user}"));
        writes.put_new(&self.tables.reviews, vote)?;
        let updating = Updating {
            expression: "ADD helpful :one, hk :vote".to_owned(),
            condition: Some("attribute_exists(review)"),
            values: vec![(":one", number(1)), (":vote", number(VOTE))],
        };
        writes.update(&self.tables.reviews, rated_key(id, reviewer), updating)?;
        match self.dynamo.transact(writes).await? {
            Transacted::Done => Ok(Helped::Counted),
            Transacted::Refused(_) => Ok(Helped::Before),
        }
    }

    /// Reviews of a template, the most helpful first and then the newest, from after `after` on: up
    /// to `limit`. Half a read unit per 4 KB; eventually consistent.
    pub async fn reviews(
        &self,
        id: &TemplateId,
        after: Option<&str>,
        limit: i32,
    ) -> Result<ReviewPage, StoreError> {
        let start = after.and_then(|place| {
            let (hk, user) = place.split_once('#')?;
            let whole = hk.parse::<i128>().ok()?;
            Some(extended(key(id.as_str(), user), [("hk", number(whole))]))
        });
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.tables.reviews)
            .index_name("by_helpful")
            .key_condition_expression("pk = :id")
            .expression_attribute_values(":id", text(id.as_str()))
            .scan_index_forward(false)
            .set_exclusive_start_key(start)
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let next = answer.last_evaluated_key().and_then(|item| {
            let read = Reader(item);
            Some(format!("{}#{}", read.maybe_number::<i128>("hk")?, read.maybe_text("sk")?))
        });
        Ok(ReviewPage { items: readable(answer.items(), read_rated), next })
    }

    /// Ratings of a template, those without a review too, by user, from after `after` on: up to
    /// `limit`. Half a read unit per 4 KB.
    pub async fn ratings(
        &self,
        id: &TemplateId,
        after: Option<&str>,
        limit: i32,
    ) -> Result<ReviewPage, StoreError> {
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.tables.reviews)
            .key_condition_expression("pk = :id AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":id", text(id.as_str()))
            // The least text after `after`; users begin with `u#`.
            .expression_attribute_values(
                ":first",
                text(after.map_or_else(|| "u#".to_owned(), |place| format!("{place}\u{0}"))),
            )
            .expression_attribute_values(":last", text("u$"))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let next = answer.last_evaluated_key();
        let next = next.and_then(|item| Some(Reader(item).maybe_text("sk")?.to_owned()));
        Ok(ReviewPage { items: readable(answer.items(), read_rated), next })
    }
}

/// What is stored after `it` was said over what was there.
fn merged(before: Option<&Rated>, it: &Reaction<'_>) -> Rated {
    let (org, user) = it.by;
    let known = before.and_then(|before| before.review.clone());
    let review = match it.review {
        None => known,
        Some((title, content)) => {
            let id = known.map_or_else(|| ReviewId::mint(it.at), |(id, ..)| id);
            Some((id, title.to_owned(), content.to_owned()))
        }
    };
    Rated {
        org: org.to_owned(),
        user: user.to_owned(),
        rating: it.rating,
        review,
        helpful: before.map_or(0, |before| before.helpful),
        created_at: before.map_or(it.at, |before| before.created_at),
        updated_at: it.at,
    }
}

/// By how much a template's tally changes.
fn tallied(before: Option<&Rated>, it: &Reaction<'_>) -> Updating<'static> {
    let attribute = |rating: u8| {
        let at = usize::from(rating).saturating_sub(1);
        TALLY.get(at).copied().unwrap_or("r5")
    };
    let mut add = vec!["rated :one".to_owned()];
    let mut values = vec![(":one", number(1)), (":yes", AttributeValue::Bool(true))];
    let old = before.map(|before| before.rating);
    if old != Some(it.rating) {
        add.push(format!("{} :one", attribute(it.rating)));
        if let Some(old) = old {
            add.push(format!("{} :less", attribute(old)));
            values.push((":less", number(-1)));
        }
    }
    Updating {
        expression: format!("ADD {}", add.join(", ")),
        condition: Some("live = :yes"),
        values,
    }
}

fn rated_key(id: &TemplateId, (org, user): (&str, &str)) -> Item {
    key(id.as_str(), format!("u#{org}#{user}"))
}

fn whose_key(id: &TemplateId, review: &ReviewId) -> Item {
    key(id.as_str(), format!("r#{review}"))
}

fn read_rated(item: &Item) -> Result<Rated, StoreError> {
    let read = Reader(item);
    let who = read.text("sk")?.strip_prefix("u#").and_then(|who| who.split_once('#'));
    let (org, user) = who.ok_or_else(|| read.corrupt("sk", "is no user"))?;
    let id = read.maybe_text("review").and_then(ReviewId::parse);
    let part = |name| read.maybe_text(name).unwrap_or_default().to_owned();
    Ok(Rated {
        org: org.to_owned(),
        user: user.to_owned(),
        rating: read.number("rating")?,
        review: id.map(|id| (id, part("title"), part("content"))),
        helpful: read.maybe_number("helpful").unwrap_or_default(),
        created_at: Millis(read.number("created_at")?),
        updated_at: Millis(read.number("updated_at")?),
    })
}
