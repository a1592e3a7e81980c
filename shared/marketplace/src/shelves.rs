//! What is put before people: featured, trending, related, and categories.

use std::collections::BTreeMap;

use aragora_core::access::Principal;
use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::{Card, Facet, Scope, Visibility};
use aragora_core::marketplace::rank::Sort;
use aragora_core::marketplace::trend::Period;
use aragora_core::time::Millis;
use futures_util::future::try_join_all;

use crate::desk::Desk;
use crate::error::MarketError;

/// What is read beyond what is asked for, in place of what is there no longer.
const SPARE: usize = 10;
/// Tags by which a template's relatives are looked for.
const RELATED_TAGS: usize = 5;
/// Templates that are looked at of each list that a template is on.
const RELATED_ROWS: usize = 20;
/// Categories that are counted of each scope.
const MOST_CATEGORIES: i32 = 1_000;

/// A template that is trending.
#[derive(Debug, Clone, PartialEq)]
pub struct Trending {
    /// Which.
    pub card: Card,
    /// Downloads in the window.
    pub recent: u64,
    /// The same, each counting less the longer ago it was.
    pub score: f64,
}

fn scopes(caller: &Principal) -> [Scope<'_>; 2] {
    [Scope::Public, Scope::Organization(caller.org_id())]
}

impl Desk {
    /// Public templates that enough people rated well, best first: up to `limit`. About half a
    /// read unit each.
    ///
    /// # Errors
    /// Of the tables only.
    pub async fn featured(
        &self,
        caller: &Principal,
        limit: usize,
    ) -> Result<Vec<Card>, MarketError> {
        let (rows, _) = self.store.featured(None, limit.saturating_add(SPARE)).await?;
        let ids: Vec<TemplateId> = rows.into_iter().map(|row| row.id).collect();
        let fits = |card: &Card| {
            let public = card.listing.visibility == Visibility::Public;
            public && card.is_seen_by(caller) && card.tally.is_featured()
        };
        let mut cards = self.shown(&ids, fits).await?;
        cards.truncate(limit);
        Ok(cards)
    }

    /// Templates that were downloaded in the window, those first that were most often and most
    /// recently: up to `limit`, of one category when that is given. About one read unit for each
    /// and each scope.
    ///
    /// # Errors
    /// Of the tables only.
    pub async fn trending(
        &self,
        caller: &Principal,
        period: Period,
        (category, limit): (Option<&str>, usize),
        now: Millis,
    ) -> Result<Vec<Trending>, MarketError> {
        // Of one category there may be few among the first.
        let each = limit.saturating_add(SPARE).max(if category.is_some() { 100 } else { 0 });
        let scopes = scopes(caller);
        let reads = scopes.iter().map(|scope| self.store.trending(scope, period, each));
        let ids: Vec<TemplateId> = try_join_all(reads).await?.into_iter().flatten().collect();
        let fits = |card: &Card| {
            let wanted = category.is_none_or(|category| card.listing.category == category);
            wanted && card.listing.scope().is_some() && card.is_seen_by(caller)
        };
        let cards = self.shown(&ids, fits).await?;
        let ids: Vec<TemplateId> = cards.iter().map(|card| card.id.clone()).collect();
        let recent = self.store.recent_downloads_of(&ids).await?;
        let mut trending: Vec<Trending> = cards
            .into_iter()
            .zip(recent)
            .map(|(card, recent)| Trending {
                card,
                recent: recent.within(period, now),
                score: recent.score(period, now),
            })
            .filter(|it| it.recent > 0)
            .collect();
        trending.sort_by(|one, other| {
            other.score.total_cmp(&one.score).then_with(|| other.card.id.cmp(&one.card.id))
        });
        trending.truncate(limit);
        Ok(trending)
    }

    /// Categories with how many templates of each the caller can find, the largest first. Half a
    /// read unit for about sixty.
    ///
    /// # Errors
    /// Of the tables only.
    pub async fn categories(&self, caller: &Principal) -> Result<Vec<(String, u64)>, MarketError> {
        let scopes = scopes(caller);
        let reads = scopes.iter().map(|scope| self.store.categories(scope, MOST_CATEGORIES));
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (category, count) in try_join_all(reads).await?.into_iter().flatten() {
            let sum = counts.entry(category).or_default();
            *sum = sum.saturating_add(count);
        }
        let mut counts: Vec<(String, u64)> =
            counts.into_iter().filter(|(_, count)| *count > 0).collect();
        counts.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        Ok(counts)
    }

    /// Templates that share tags or the category with one, those first that share most, then by
    /// downloads: up to `limit`. Half a read unit for each, and about one for each of six lists in
    /// each scope.
    ///
    /// # Errors
    /// When there is no such template that the caller may see.
    pub async fn related(
        &self,
        caller: &Principal,
        id: &TemplateId,
        limit: usize,
    ) -> Result<Vec<Card>, MarketError> {
        let card = self.seen(caller, id).await?;
        let tags = card.listing.folded_tags();
        let facets = tags.iter().take(RELATED_TAGS).cloned().map(Facet::Tag);
        let facets: Vec<Facet> = facets.chain([Facet::category(&card.listing.category)]).collect();
        let scopes = scopes(caller);
        let lists = scopes.iter().flat_map(|scope| facets.iter().map(move |facet| (scope, facet)));
        let reads = lists.map(|(scope, facet)| {
            self.store.rows(scope, facet, Sort::Downloads, None, RELATED_ROWS)
        });
        let mut ranked: Vec<(usize, String, TemplateId)> = try_join_all(reads)
            .await?
            .into_iter()
            .flat_map(|(rows, _)| rows)
            .filter(|row| row.id != *id)
            .map(|row| {
                let shared = row.tags.iter().filter(|tag| tags.contains(tag)).count();
                let same = usize::from(row.category == card.listing.category);
                (2 * shared + same, row.place, row.id)
            })
            .collect();
        ranked.sort_unstable();
        ranked.reverse();
        ranked.dedup();
        let ids: Vec<TemplateId> =
            ranked.into_iter().map(|(.., id)| id).take(limit.saturating_add(SPARE)).collect();
        let fits = |it: &Card| it.listing.scope().is_some() && it.is_seen_by(caller);
        let mut cards = self.shown(&ids, fits).await?;
        cards.truncate(limit);
        Ok(cards)
    }
}
