//! Lists in their five orders, and how many are on each.
//!
//! A row carries what lists are narrowed by, so that a page with filters reads rows, sixteen or so
//! to a read unit, and not cards.

use std::collections::HashMap;

use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::{Card, Facet, Scope};
use aragora_core::marketplace::rank::{Sort, counted, downloads_key, rating_key};
use aragora_core::marketplace::trend::Period;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementRequest, ReturnConsumedCapacity};

use super::Marketplace;
use super::items::{count_key, list_pk, read_tags, row_key};
use crate::dynamo::BatchRead;
use crate::error::StoreError;
use crate::item::{Item, Reader, key, number, readable, text};

/// Rows that one query asks for at most: what 1 MB holds for certain.
const MOST_ROWS: usize = 1_000;
/// What is trending, and what is featured, is kept apart from the lists.
const FEATURED: &str = "featured";
/// Milliseconds for which a place among what is trending is kept beyond its window.
const TREND_KEPT_MS: i64 = 86_400_000;

/// A template's place in a list, and what lists are narrowed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which template.
    pub id: TemplateId,
    /// Its place in the order that was asked for.
    pub place: String,
    /// Its category.
    pub category: String,
    /// Its tags, folded.
    pub tags: Vec<String>,
    /// Its author, folded.
    pub author: String,
    /// Its visibility.
    pub visibility: String,
    /// Its average rating in thousandths, as it was when its place was last written.
    pub milli: u64,
}

/// The index of an order, and the attribute it is sorted by.
const fn index_of(sort: Sort) -> (Option<&'static str>, &'static str) {
    match sort {
        // Ids begin with the time they were made.
        Sort::Newest => (None, "sk"),
        Sort::Downloads => (Some("by_downloads"), "dk"),
        Sort::Rating => (Some("by_rating"), "rk"),
        Sort::Updated => (Some("by_updated"), "uk"),
        Sort::Name => (Some("by_name"), "nk"),
    }
}

impl Marketplace {
    /// Up to `limit` rows of a list in an order, from after the place `after` on, and whether more
    /// may follow. Half a read unit per 4 KB: about sixteen rows. Eventually consistent.
    pub async fn rows(
        &self,
        scope: &Scope<'_>,
        facet: &Facet,
        sort: Sort,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Row>, bool), StoreError> {
        self.walk(&list_pk(scope, facet), sort, after, limit).await
    }

    /// Up to `limit` of what is trending in a scope, best first; their places are of when they
    /// were last downloaded. Half a read unit per 4 KB.
    pub async fn trending(
        &self,
        scope: &Scope<'_>,
        period: Period,
        limit: usize,
    ) -> Result<Vec<TemplateId>, StoreError> {
        let (rows, _) = self.walk(&trend_pk(scope, period), Sort::Downloads, None, limit).await?;
        Ok(rows.into_iter().map(|row| row.id).collect())
    }

    /// Up to `limit` of what is featured, from after the place `after` on, and whether more may
    /// follow. Half a read unit per 4 KB.
    pub async fn featured(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Row>, bool), StoreError> {
        self.walk(&featured_pk(), Sort::Rating, after, limit).await
    }

    async fn walk(
        &self,
        pk: &str,
        sort: Sort,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Row>, bool), StoreError> {
        let mut rows: Vec<Row> = Vec::new();
        let mut after = after.map(ToOwned::to_owned);
        while rows.len() < limit {
            let wanted = limit.saturating_sub(rows.len()).min(MOST_ROWS);
            let answer = self.part(pk, sort, after.as_deref(), wanted).send().await;
            let answer = answer.map_err(StoreError::from_sdk)?;
            self.dynamo.read(answer.consumed_capacity());
            let (_, attribute) = index_of(sort);
            rows.extend(readable(answer.items(), |item| read_row(item, attribute)));
            let last = answer.last_evaluated_key().and_then(|key| key.get(attribute)?.as_s().ok());
            match last {
                None => return Ok((rows, false)),
                Some(last) => after = Some(last.clone()),
            }
        }
        Ok((rows, true))
    }

    fn part(&self, pk: &str, sort: Sort, after: Option<&str>, limit: usize) -> QueryFluentBuilder {
        let (index, attribute) = index_of(sort);
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.tables.index)
            .set_index_name(index.map(ToOwned::to_owned))
            .expression_attribute_values(":pk", text(pk))
            .scan_index_forward(!sort.is_descending())
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let beyond = if sort.is_descending() { "<" } else { ">" };
        match after {
            None => query.key_condition_expression("pk = :pk"),
            Some(after) => query
                .key_condition_expression(format!("pk = :pk AND {attribute} {beyond} :after"))
                .expression_attribute_values(":after", text(after)),
        }
    }

    /// How many templates are on each of these lists, in their order. Half a read unit each.
    pub async fn counts(&self, lists: &[(Scope<'_>, Facet)]) -> Result<Vec<u64>, StoreError> {
        let keys: HashMap<(String, String), Item> = lists
            .iter()
            .map(|(scope, facet)| (name_of(&count_key(scope, facet)), count_key(scope, facet)))
            .collect();
        let read = BatchRead { consistent: false, only: None };
        let keys = keys.into_values().collect();
        let items = self.dynamo.get_all(&self.tables.index, keys, read).await?;
        let counts: HashMap<_, u64> = items
            .iter()
            .map(|item| (name_of(item), Reader(item).maybe_number("n").unwrap_or_default()))
            .collect();
        let of = |list: &(Scope<'_>, Facet)| counts.get(&name_of(&count_key(&list.0, &list.1)));
        Ok(lists.iter().map(|list| of(list).copied().unwrap_or_default()).collect())
    }

    /// The categories of a scope with how many templates each has, by name: up to `limit`. Half a
    /// read unit per 4 KB: about sixty.
    pub async fn categories(
        &self,
        scope: &Scope<'_>,
        limit: i32,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.tables.index)
            .key_condition_expression("pk = :pk AND begins_with(sk, :category)")
            .expression_attribute_values(":pk", text(format!("counts#{}", scope.key())))
            .expression_attribute_values(":category", text("category#"))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let category = |item: &Item| {
            let read = Reader(item);
            let name = read.text("sk")?.trim_start_matches("category#").to_owned();
            Ok((name, read.number("n")?))
        };
        Ok(readable(answer.items(), category))
    }

    /// Writes a template's place by downloads in all its lists, unless a better one is there, and
    /// then that it is written. Three write units for each list, and one.
    pub async fn rank_by_downloads(&self, card: &Card) -> Result<(), StoreError> {
        let place = text(downloads_key(card.downloads, &card.id));
        let statement = |pk, sk| {
            let set = format!("UPDATE \"{}\" SET dk = ?", self.tables.index);
            let condition = "WHERE pk = ? AND sk = ? AND dk < ?";
            (format!("{set} {condition}"), vec![place.clone(), pk, sk, place.clone()])
        };
        self.rewrite(card, statement).await?;
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.tables.templates)
            .set_key(Some(super::items::card_key(&card.id)))
            .update_expression("SET ranked = :now")
            .condition_expression("attribute_not_exists(ranked) OR ranked < :now")
            .expression_attribute_values(":now", number(card.downloads));
        self.dynamo.update_if(update).await?;
        Ok(())
    }

    /// Writes a template's place by rating in all its lists, unless a later one is there: about six
    /// write units for each, since every order shows the rating. And among what is featured.
    pub async fn rank_by_rating(&self, card: &Card) -> Result<(), StoreError> {
        let (milli, count) = (card.tally.milli(), card.tally.count());
        let statement = |pk, sk| {
            let set = format!("UPDATE \"{}\" SET rk = ? SET r = ? SET rv = ?", self.tables.index);
            let place = text(rating_key(milli, count, &card.id));
            let rated = number(card.rated);
            let values = vec![place, number(milli), rated.clone(), pk, sk, rated];
            (format!("{set} WHERE pk = ? AND sk = ? AND rv < ?"), values)
        };
        self.rewrite(card, statement).await?;
        self.feature(card).await
    }

    async fn rewrite(
        &self,
        card: &Card,
        statement: impl Fn(AttributeValue, AttributeValue) -> (String, Vec<AttributeValue>),
    ) -> Result<(), StoreError> {
        let mut requests = Vec::new();
        let mut least_units = 0.0;
        for (scope, facet) in card.listing.lists() {
            let mut key = row_key(&scope, &facet, &card.id);
            let (Some(pk), Some(sk)) = (key.remove("pk"), key.remove("sk")) else { continue };
            let (statement, values) = statement(pk, sk);
            let request = BatchStatementRequest::builder()
                .statement(statement)
                .set_parameters(Some(values))
                .build()
                .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
            requests.push(request);
            least_units += 3.0;
        }
        // What was refused is as good already, or on the list no longer.
        for outcome in self.dynamo.execute_all(requests, least_units).await? {
            outcome?;
        }
        Ok(())
    }

    /// Puts a template among what is featured, or takes it away, unless a later rating has done so.
    async fn feature(&self, card: &Card) -> Result<(), StoreError> {
        let public = card.listing.scope() == Some(Scope::Public);
        let is_featured = card.live && public && card.tally.is_featured();
        let place = is_featured
            .then(|| rating_key(card.tally.weighted_milli(), card.tally.count(), &card.id));
        // Without a place it is not in the index, which is sparse.
        let expression = match place {
            None => "SET rv = :rated REMOVE rk",
            Some(_) => "SET rv = :rated, rk = :place",
        };
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.tables.index)
            .set_key(Some(key(featured_pk(), card.id.as_str())))
            .update_expression(expression)
            .condition_expression("attribute_not_exists(rv) OR rv <= :rated")
            .expression_attribute_values(":rated", number(card.rated));
        let update = match place {
            None => update,
            Some(place) => update.expression_attribute_values(":place", text(place)),
        };
        self.dynamo.update_if(update).await?;
        Ok(())
    }

    /// Writes a template's place among what is trending in a scope, unless a better one is there.
    /// Three write units.
    pub async fn rank_trend(
        &self,
        scope: &Scope<'_>,
        period: Period,
        id: &TemplateId,
        rank: u64,
        now: Millis,
    ) -> Result<(), StoreError> {
        let end = now.plus(period.window_ms().saturating_add(TREND_KEPT_MS)).unix_seconds();
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.tables.index)
            .set_key(Some(key(trend_pk(scope, period), id.as_str())))
            .update_expression("SET dk = :place, expires_at = :end")
            .condition_expression("attribute_not_exists(dk) OR dk < :place")
            .expression_attribute_values(":place", text(counted(rank, id)))
            .expression_attribute_values(":end", number(end));
        self.dynamo.update_if(update).await?;
        Ok(())
    }
}

fn trend_pk(scope: &Scope<'_>, period: Period) -> String {
    format!("{}#trend#{}", scope.key(), period.as_str())
}

fn featured_pk() -> String {
    format!("{}#{FEATURED}", Scope::Public.key())
}

fn name_of(item: &Item) -> (String, String) {
    let read = Reader(item);
    let part = |name| read.maybe_text(name).unwrap_or_default().to_owned();
    (part("pk"), part("sk"))
}

fn read_row(item: &Item, attribute: &str) -> Result<Row, StoreError> {
    let read = Reader(item);
    let maybe = |name| read.maybe_text(name).unwrap_or_default().to_owned();
    Ok(Row {
        id: TemplateId::parse(read.text("sk")?).ok_or_else(|| read.corrupt("sk", "is no id"))?,
        place: read.text(attribute)?.to_owned(),
        category: maybe("c"),
        tags: read_tags(&read),
        author: maybe("a"),
        visibility: maybe("v"),
        milli: read.maybe_number("r").unwrap_or_default(),
    })
}
