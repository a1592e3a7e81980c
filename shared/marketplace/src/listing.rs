//! Lists of templates: five orders, filters, and pages by number, offset and cursor.
//!
//! Of the lists that fit what is asked for (everything, a category, an author, tags) the one with
//! the fewest templates is read, and what remains of the filters is applied to its rows. A page of
//! one list costs the same however many templates there are. With further filters at most
//! [`EVALUATED`] rows are looked at; a page that is cut short by it goes on at its cursor.

use aragora_core::access::Principal;
use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::{Card, Facet, Scope, Visibility, facet_text};
use aragora_core::marketplace::rank::{Sort, id_of};
use aragora_store::StoreError;
use aragora_store::marketplace::Row;
use futures_util::future::try_join_all;

use crate::desk::Desk;
use crate::error::MarketError;

/// Rows that a page with several filters looks at, at most.
pub const EVALUATED: usize = 500;
/// The furthest a page may begin from the start: what is before it is read. Cursors go on for ever.
pub const MOST_OFFSET: usize = 10_000;
/// The most bytes of a place in a cursor.
const MAX_PLACE_BYTES: usize = 400;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ask {
    /// Only what the caller published.
    pub mine: bool,
    /// Only what has this visibility.
    pub visibility: Option<Visibility>,
    /// Only this category.
    pub category: Option<String>,
    /// Only what has any of these tags.
    pub tags: Vec<String>,
    /// Only this author.
    pub author: Option<String>,
    /// Only what is rated at least this, in thousandths.
    pub least_milli: Option<u64>,
    /// The order; when something is searched for, by how well it fits unless this is given.
    pub sort: Option<Sort>,
    /// Where the page begins.
    pub start: Start,
    /// How many templates it has at most: 1 to 100.
    pub limit: usize,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// After that many, at most [`MOST_OFFSET`].
    Offset(usize),
    /// After a place that an earlier page ended at.
    After(Place),
}

impl Default for Start {
    fn default() -> Self {
        Self::Offset(0)
    }
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The name of the order.
    pub order: String,
    /// What the first page said about how many there are.
    pub total: Total,
    /// The place of the last template.
    pub key: String,
}

/// How many templates there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// That many, or more.
    pub count: u64,
    /// Not more.
    pub exact: bool,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// In order.
    pub cards: Vec<Card>,
    /// How many there are in all.
    pub total: Total,
    /// Where it goes on; `None` at the end.
    pub next: Option<Place>,
}

impl Place {
    /// As a cursor holds it.
    pub fn write(&self) -> String {
        let exact = if self.total.exact { "=" } else { "+" };
        format!("{}|{}|{exact}|{}", self.order, self.total.count, self.key)
    }

    /// Reads what [`Self::write`] wrote of the order `order`; `None` for anything else.
    pub fn read(text: &str, order: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '|');
        let (of, count, exact, key) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let exact = match exact {
            "=" => true,
            "+" => false,
            _ => return None,
        };
        let id = id_of(key)?;
        let sound = of == order
            && key.len() <= MAX_PLACE_BYTES
            && id.as_str().starts_with(TemplateId::PREFIX);
        let total = Total { count: count.parse().ok()?, exact };
        sound.then(|| Self { order: of.to_owned(), total, key: key.to_owned() })
    }
}

impl Ask {
    /// The scopes in which `caller` is to find it.
    pub(crate) fn scopes<'a>(&self, caller: &'a Principal) -> Vec<Scope<'a>> {
        let mine = Scope::Mine(caller.org_id(), caller.user_id());
        let own = Scope::Organization(caller.org_id());
        match self.visibility {
            _ if self.mine => vec![mine],
            None => vec![Scope::Public, own],
            Some(Visibility::Public) => vec![Scope::Public],
            Some(Visibility::Organization) => vec![own],
            Some(Visibility::Unlisted | Visibility::Private) => vec![mine],
        }
    }

    /// The lists that hold all of it, each alone or several together.
    fn sources(&self, scopes: &[Scope<'_>]) -> Vec<Vec<Facet>> {
        let mut sources = vec![vec![Facet::All]];
        if matches!(scopes, [Scope::Mine(..)]) {
            return sources;
        }
        sources.extend(self.category.as_deref().map(|slug| vec![Facet::category(slug)]));
        sources.extend(self.author.as_deref().map(|author| vec![Facet::author(author)]));
        if !self.tags.is_empty() {
            sources.push(self.folded_tags().into_iter().map(Facet::Tag).collect());
        }
        sources
    }

    fn folded_tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = self.tags.iter().map(|tag| facet_text(tag)).collect();
        tags.sort();
        tags.dedup();
        tags
    }

    /// Whether reading one list of `read` is all that there is to do.
    fn is_all(&self, read: &[Facet], scopes: &[Scope<'_>]) -> bool {
        let narrows = [self.category.is_some(), self.author.is_some(), !self.tags.is_empty()];
        let wanted = narrows.iter().filter(|it| **it).count();
        let by_list = usize::from(read != [Facet::All]);
        let in_mine = matches!(scopes, [Scope::Mine(..)]) && self.visibility.is_some();
        read.len() == 1 && wanted == by_list && self.least_milli.is_none() && !in_mine
    }

    /// Whether what rows and cards say of a template passes the filters.
    pub(crate) fn passes(
        &self,
        (category, tags, author): (&str, &[String], &str),
        folded: &[String],
    ) -> bool {
        self.category.as_deref().is_none_or(|wanted| wanted == category)
            && self.author.as_deref().is_none_or(|wanted| facet_text(wanted) == author)
            && (folded.is_empty() || folded.iter().any(|tag| tags.contains(tag)))
    }

    fn passes_row(&self, row: &Row, folded: &[String]) -> bool {
        self.passes((&row.category, &row.tags, &row.author), folded)
            && self.visibility.is_none_or(|wanted| wanted.as_str() == row.visibility)
            && self.least_milli.is_none_or(|least| row.milli >= least)
    }

    /// Whether a template is what is asked for, by what is stored of it now.
    pub(crate) fn passes_card(&self, card: &Card, caller: &Principal) -> bool {
        let listing = &card.listing;
        let parts = (&*listing.category, &*listing.folded_tags(), &*facet_text(&listing.author));
        card.is_seen_by(caller)
            && self.passes(parts, &self.folded_tags())
            && self.visibility.is_none_or(|wanted| wanted == listing.visibility)
            && self.least_milli.is_none_or(|least| card.tally.milli() >= least)
            && (!self.mine || card.is_by(caller))
    }

    /// The tags as rows have them.
    pub(crate) fn tags_folded(&self) -> Vec<String> {
        self.folded_tags()
    }
}

/// Rows of several lists in one order, each template once.
struct Merged {
    rows: Vec<Row>,
    /// The place up to which nothing is missing; `None` when everything is there.
    horizon: Option<String>,
}

impl Desk {
    /// A page of templates that `caller` may find. Half a read unit for each template, for each
    /// scope (public, the caller's organisation) and list, and for each 16 rows that are read.
    ///
    /// # Errors
    /// Of the tables only.
    pub async fn list(&self, caller: &Principal, ask: &Ask) -> Result<Found, MarketError> {
        let scopes = ask.scopes(caller);
        let sort = ask.sort.unwrap_or(Sort::Downloads);
        let (source, count) = self.rarest(ask, &scopes).await?;
        let is_all = ask.is_all(&source, &scopes);
        let lists: Vec<(Scope<'_>, Facet)> = scopes
            .iter()
            .flat_map(|scope| source.iter().map(|facet| (*scope, facet.clone())))
            .collect();
        let (skip, after, known) = match &ask.start {
            Start::Offset(skip) => (*skip, None, None),
            Start::After(place) => (0, Some(place.key.as_str()), Some(place.total)),
        };
        let exact = Total { count, exact: true };
        if is_all && u64::try_from(skip).is_ok_and(|skip| skip > 0 && skip >= count) {
            return Ok(Found { cards: vec![], total: exact, next: None });
        }
        let page = ask.limit.saturating_add(1);
        let each = if is_all {
            skip.saturating_add(page)
        } else {
            page.max(EVALUATED / lists.len().max(1))
        };
        let merged = self.merged(&lists, sort, after, each).await?;
        let folded = ask.tags_folded();
        let mut rows = merged.rows;
        rows.retain(|row| is_all || ask.passes_row(row, &folded));
        let matched = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let total = match known {
            _ if is_all => exact,
            Some(known) => known,
            None => Total { count: matched, exact: merged.horizon.is_none() },
        };
        let rest = rows.len() > skip.saturating_add(ask.limit);
        let shown: Vec<Row> = rows.into_iter().skip(skip).take(ask.limit).collect();
        let end = if rest { shown.last().map(|row| row.place.clone()) } else { merged.horizon };
        let next = end.map(|key| Place { order: sort.as_str().to_owned(), total, key });
        let ids: Vec<TemplateId> = shown.into_iter().map(|row| row.id).collect();
        let cards = self.shown(&ids, |card| ask.passes_card(card, caller)).await?;
        Ok(Found { cards, total, next })
    }

    /// Which lists are to be read, and how many templates are on them.
    async fn rarest(
        &self,
        ask: &Ask,
        scopes: &[Scope<'_>],
    ) -> Result<(Vec<Facet>, u64), StoreError> {
        let sources = ask.sources(scopes);
        // Everything is never the rarest when there is anything else.
        let sources =
            if sources.len() > 1 { sources.into_iter().skip(1).collect() } else { sources };
        let lists: Vec<(Scope<'_>, Facet)> = sources
            .iter()
            .flatten()
            .flat_map(|facet| scopes.iter().map(|scope| (*scope, facet.clone())))
            .collect();
        let mut counts = self.store.counts(&lists).await?.into_iter();
        let mut counted = Vec::new();
        for source in sources {
            let of_source = source.len().saturating_mul(scopes.len());
            let count = counts.by_ref().take(of_source).fold(0, u64::saturating_add);
            counted.push((source, count));
        }
        let rarest = counted.into_iter().min_by_key(|(_, count)| *count);
        Ok(rarest.unwrap_or_else(|| (vec![Facet::All], 0)))
    }

    /// Up to `each` rows of each list after a place, as one list.
    async fn merged(
        &self,
        lists: &[(Scope<'_>, Facet)],
        sort: Sort,
        after: Option<&str>,
        each: usize,
    ) -> Result<Merged, StoreError> {
        let reads =
            lists.iter().map(|(scope, facet)| self.store.rows(scope, facet, sort, after, each));
        let parts = try_join_all(reads).await?;
        let ends = parts.iter().filter(|(_, more)| *more).filter_map(|(rows, _)| rows.last());
        let ends = ends.map(|row| row.place.clone());
        // Beyond the end of a list that was cut, others may be complete and this one is not.
        let horizon = if sort.is_descending() { ends.max() } else { ends.min() };
        let mut rows: Vec<Row> = parts.into_iter().flat_map(|(rows, _)| rows).collect();
        rows.sort_by(|one, other| {
            if sort.is_descending() {
                other.place.cmp(&one.place)
            } else {
                one.place.cmp(&other.place)
            }
        });
        rows.dedup_by(|one, other| one.id == other.id);
        if let Some(end) = &horizon {
            let within = |place: &String| {
                if sort.is_descending() { place >= end } else { place <= end }
            };
            rows.retain(|row| within(&row.place));
        }
        Ok(Merged { rows, horizon })
    }

    /// The templates of these ids, in their order: those that are there and `fit`.
    pub(crate) async fn shown(
        &self,
        ids: &[TemplateId],
        fit: impl Fn(&Card) -> bool,
    ) -> Result<Vec<Card>, StoreError> {
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let mut cards = self.store.cards(ids).await?;
        Ok(ids.iter().filter_map(|id| cards.remove(id)).filter(|card| fit(card)).collect())
    }
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
