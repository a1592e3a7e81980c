//! Finding templates by words.
//!
//! Every word of a search has to be in the template. The rows of its rarest word are read, at most
//! [`MOST_POSTINGS`] in each scope and the weightiest first, and each says by its signature whether
//! it has the other words and how much they weigh. So a search costs the same however many templates
//! there are, and one for a word that thousands have finds the best three hundred.

use aragora_core::access::Principal;
use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::{Card, Scope};
use aragora_core::marketplace::rank::{Sort, counted};
use aragora_core::marketplace::words::{score, searched};
use aragora_store::StoreError;
use aragora_store::marketplace::Posting;
use futures_util::future::try_join_all;

use crate::desk::Desk;
use crate::error::MarketError;
use crate::listing::{Ask, Found, Place, Start, Total};

#[cfg(doc)]
use aragora_store::marketplace::MOST_POSTINGS;

/// The name of the order by how well a template fits.
pub const RELEVANCE: &str = "relevance";
/// Words of a search whose rows are looked at to find the rarest: the longest ones.
const TRIED: usize = 2;
/// Templates that are read when rows do not say what a search is to be sorted or narrowed by.
const MOST_READ: usize = 100;

/// What fits a search.
struct Fitting {
    /// Templates with how well they fit.
    scored: Vec<(u32, TemplateId)>,
    /// Whether there may be more.
    cut: bool,
}

impl Desk {
    /// A page of templates that `caller` may find and that have all the words of `text`. Nothing
    /// is found by a text without words. Half a read unit for each template, and for about ten rows
    /// of the rarest word; fifty more when they are sorted or narrowed by what is counted.
    ///
    /// # Errors
    /// Of the tables only.
    pub async fn search(
        &self,
        caller: &Principal,
        ask: &Ask,
        text: &str,
    ) -> Result<Found, MarketError> {
        let words = searched(text);
        if words.is_empty() {
            let total = Total { count: 0, exact: true };
            return Ok(Found { cards: vec![], total, next: None });
        }
        let scopes = ask.scopes(caller);
        let fitting = if matches!(&*scopes, [Scope::Mine(..)]) {
            self.fitting_mine(caller, ask, (&words, text)).await?
        } else {
            self.fitting(&scopes, ask, (&words, text)).await?
        };
        let fits = |card: &Card| {
            ask.passes_card(card, caller) && score(&card.signature, &words, text).is_some()
        };
        let Fitting { mut scored, mut cut } = fitting;
        let placed: Vec<(String, TemplateId)> = if ask.sort.is_some() || ask.least_milli.is_some() {
            scored.sort_unstable();
            scored.reverse();
            cut |= scored.len() > MOST_READ;
            scored.truncate(MOST_READ);
            let ids: Vec<TemplateId> = scored.iter().map(|(_, id)| id.clone()).collect();
            let cards = self.shown(&ids, fits).await?;
            let score_of = |card: &Card| {
                let found = scored.iter().find(|(_, id)| *id == card.id);
                found.map_or(0, |(score, _)| u64::from(*score))
            };
            let place = |card: &Card| match ask.sort {
                Some(sort) => sort.key(card),
                None => counted(score_of(card), &card.id),
            };
            cards.iter().map(|card| (place(card), card.id.clone())).collect()
        } else {
            let place = |(score, id): (u32, TemplateId)| (counted(u64::from(score), &id), id);
            scored.into_iter().map(place).collect()
        };
        let (ids, total, next) = page(placed, ask, cut);
        let cards = self.shown(&ids, fits).await?;
        Ok(Found { cards, total, next })
    }

    async fn fitting(
        &self,
        scopes: &[Scope<'_>],
        ask: &Ask,
        (words, text): (&[String], &str),
    ) -> Result<Fitting, StoreError> {
        let mut longest: Vec<&String> = words.iter().collect();
        longest.sort_by_key(|word| std::cmp::Reverse(word.chars().count()));
        let mut rarest: Option<(Vec<Posting>, bool)> = None;
        for word in longest.into_iter().take(TRIED) {
            let parts = try_join_all(scopes.iter().map(|scope| self.store.postings(scope, word)));
            let parts = parts.await?;
            let cut = parts.iter().any(|(_, more)| *more);
            let found: Vec<Posting> = parts.into_iter().flat_map(|(found, _)| found).collect();
            let is_rarer = rarest
                .as_ref()
                .is_none_or(|(known, known_cut)| (cut, found.len()) < (*known_cut, known.len()));
            if is_rarer {
                rarest = Some((found, cut));
            }
            if !cut {
                break;
            }
        }
        let (found, cut) = rarest.unwrap_or_default();
        let folded = ask.tags_folded();
        let fits = |it: Posting| {
            let passes = ask.passes((&it.category, &it.tags, &it.author), &folded);
            let score = score(&it.signature, words, text).filter(|_| passes)?;
            Some((score, it.id))
        };
        let mut scored: Vec<_> = found.into_iter().filter_map(fits).collect();
        // A word that weighs more now may still have its old row.
        scored.sort_unstable();
        scored.dedup();
        Ok(Fitting { scored, cut })
    }

    /// What the caller published is few, and not all of it is in the index of words.
    async fn fitting_mine(
        &self,
        caller: &Principal,
        ask: &Ask,
        (words, text): (&[String], &str),
    ) -> Result<Fitting, MarketError> {
        let all = Ask {
            limit: MOST_READ,
            start: Start::default(),
            sort: Some(Sort::Updated),
            ..ask.clone()
        };
        let found = self.list(caller, &all).await?;
        let scored = found.cards.into_iter();
        let scored =
            scored.filter_map(|card| Some((score(&card.signature, words, text)?, card.id)));
        Ok(Fitting { scored: scored.collect(), cut: found.next.is_some() })
    }
}

/// The part of what was found that is asked for.
fn page(
    mut placed: Vec<(String, TemplateId)>,
    ask: &Ask,
    cut: bool,
) -> (Vec<TemplateId>, Total, Option<Place>) {
    let descending = ask.sort.is_none_or(Sort::is_descending);
    placed.sort();
    if descending {
        placed.reverse();
    }
    let total = Total { count: u64::try_from(placed.len()).unwrap_or(u64::MAX), exact: !cut };
    let skip = match &ask.start {
        Start::Offset(skip) => *skip,
        Start::After(place) => {
            let is_before =
                |key: &String| if descending { *key >= place.key } else { *key <= place.key };
            placed.iter().take_while(|(key, _)| is_before(key)).count()
        }
    };
    let more = placed.len() > skip.saturating_add(ask.limit);
    let shown: Vec<(String, TemplateId)> = placed.into_iter().skip(skip).take(ask.limit).collect();
    let order = ask.sort.map_or(RELEVANCE, Sort::as_str).to_owned();
    let end = shown.last().filter(|_| more).map(|(key, _)| key.clone());
    let next = end.map(|key| Place { order, total, key });
    (shown.into_iter().map(|(_, id)| id).collect(), total, next)
}
