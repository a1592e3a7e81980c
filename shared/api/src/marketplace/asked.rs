//! Lists, searches and shelves: what is asked for in queries.

use aragora_core::marketplace::Visibility;
use aragora_core::marketplace::draft::{MAX_TAGS, is_slug};
use aragora_core::marketplace::rank::Sort;
use aragora_core::marketplace::trend::Period;
use aragora_marketplace::Desk;
use aragora_marketplace::listing::{Ask, Found, MOST_OFFSET, Place, Start};
use aragora_marketplace::search::RELEVANCE;
use serde_json::{Value, json};

use super::{DEFAULT_LIMIT, SHELF_LIMIT, shown, template_id};
use crate::cursor::{self, Kind};
use crate::error::ApiError;
use crate::query::Query;
use crate::reply::Reply;
use crate::request::Call;

/// Parameters that say what is searched for.
const SEARCHED: [&str; 3] = ["search", "q", "query"];
/// Parameters that say how a list is sorted.
const SORTED: [&str; 2] = ["sort_by", "sort"];
/// The highest rating.
const MOST_STARS: f64 = 5.0;

pub(super) async fn list(desk: &Desk, call: &Call, mine: bool) -> Result<Reply, ApiError> {
    let query = &call.query;
    let search = SEARCHED.iter().find_map(|name| query.one(name).transpose()).transpose()?;
    let (ask, page) = read(query, mine, search.is_some())?;
    let found = match search {
        Some(text) => desk.search(call.principal()?, &ask, text).await?,
        None => desk.list(call.principal()?, &ask).await?,
    };
    Reply::ok(&answer(&found, &ask, page))
}

fn answer(found: &Found, ask: &Ask, page: Option<u32>) -> Value {
    let templates: Vec<Value> = found.cards.iter().map(shown::card).collect();
    let offset = match ask.start {
        Start::Offset(offset) => Some(offset),
        Start::After(_) => None,
    };
    json!({
        "count": templates.len(),
        "templates": templates,
        "total": found.total.count,
        "total_is_exact": found.total.exact,
        "page": page,
        "limit": ask.limit,
        "offset": offset,
        "next_cursor": found.next.as_ref().map(|place| cursor::write(Kind::Templates, &place.write())),
    })
}

fn read(query: &Query, mine: bool, searched: bool) -> Result<(Ask, Option<u32>), ApiError> {
    let limit = query.limit(DEFAULT_LIMIT)?;
    let sort = sort(query, searched)?;
    let order = match sort {
        None if searched => RELEVANCE,
        sort => sort.unwrap_or(Sort::Downloads).as_str(),
    };
    let (start, page) = start(query, limit, order)?;
    let ask = Ask {
        mine,
        visibility: visibility(query)?,
        category: category(query)?,
        tags: tags(query)?,
        author: query.one("author")?.map(ToOwned::to_owned),
        least_milli: least_milli(query)?,
        sort,
        start,
        limit: limit as usize,
    };
    Ok((ask, page))
}

fn start(query: &Query, limit: u32, order: &str) -> Result<(Start, Option<u32>), ApiError> {
    let most = u32::try_from(MOST_OFFSET).unwrap_or(u32::MAX);
    let offset = query.whole("offset", 0..=most)?;
    // The last page that begins no further than the furthest offset.
    let page = query.whole("page", 1..=most / limit + 1)?;
    let place = cursor::read(query, Kind::Templates, |place| Place::read(place, order))?;
    let several = [offset.is_some(), page.is_some(), place.is_some()];
    if several.iter().filter(|given| **given).count() > 1 {
        return Err(ApiError::field("page", "use one of page, offset and cursor"));
    }
    if let Some(place) = place {
        return Ok((Start::After(place), None));
    }
    let skipped = match (page, offset) {
        (Some(page), _) => (page - 1).saturating_mul(limit),
        (None, offset) => offset.unwrap_or(0),
    };
    Ok((Start::Offset(skipped as usize), Some(skipped / limit + 1)))
}

fn sort(query: &Query, searched: bool) -> Result<Option<Sort>, ApiError> {
    let Some(name) = SORTED.into_iter().find(|name| !matches!(query.one(name), Ok(None))) else {
        return Ok(None);
    };
    match query.one(name)? {
        None => Ok(None),
        Some(RELEVANCE) if searched => Ok(None),
        Some(text) => Sort::parse(text).map(Some).ok_or_else(|| {
            let known: Vec<&str> = Sort::ALL.iter().map(|sort| sort.as_str()).collect();
            ApiError::field(name, format!("must be one of {}", known.join(", ")))
        }),
    }
}

fn visibility(query: &Query) -> Result<Option<Visibility>, ApiError> {
    let Some(text) = query.one("visibility")? else { return Ok(None) };
    Visibility::parse(text).map(Some).ok_or_else(|| {
        ApiError::field("visibility", "must be public, organization, unlisted or private")
    })
}

fn category(query: &Query) -> Result<Option<String>, ApiError> {
    let Some(text) = query.one("category")? else { return Ok(None) };
    let slug = text.trim().to_ascii_lowercase();
    if is_slug(&slug) {
        return Ok(Some(slug));
    }
    Err(ApiError::field("category", "must be a slug of a-z, 0-9, - and _"))
}

fn tags(query: &Query) -> Result<Vec<String>, ApiError> {
    let given = query.all("tags").chain(query.all("tag")).flat_map(|text| text.split(','));
    let tags: Vec<String> =
        given.map(str::trim).filter(|tag| !tag.is_empty()).map(ToOwned::to_owned).collect();
    if tags.len() > MAX_TAGS {
        return Err(ApiError::field("tags", "must be at most 20"));
    }
    Ok(tags)
}

/// `min_rating`, in thousandths; none when it lets everything through.
fn least_milli(query: &Query) -> Result<Option<u64>, ApiError> {
    let Some(text) = query.one("min_rating")? else { return Ok(None) };
    let stars: Option<f64> = text.parse().ok();
    let stars = stars.filter(|stars| (0.0..=MOST_STARS).contains(stars));
    let stars =
        stars.ok_or_else(|| ApiError::field("min_rating", "must be a number from 0 to 5"))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 5,000"
    )]
    let milli = (stars * 1_000.0).floor() as u64;
    Ok(Some(milli).filter(|milli| *milli > 0))
}

pub(super) async fn featured(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(SHELF_LIMIT)? as usize;
    let cards = desk.featured(call.principal()?, limit).await?;
    shelf(&cards.iter().map(shown::card).collect::<Vec<_>>())
}

pub(super) async fn related(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(SHELF_LIMIT)? as usize;
    let cards = desk.related(call.principal()?, &template_id(call)?, limit).await?;
    shelf(&cards.iter().map(shown::card).collect::<Vec<_>>())
}

pub(super) async fn trending(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(SHELF_LIMIT)? as usize;
    let period = match call.query.one("period")? {
        None => Period::Week,
        Some(text) => Period::parse(text)
            .ok_or_else(|| ApiError::field("period", "must be day, week or month"))?,
    };
    let category = category(&call.query)?;
    let asked = (category.as_deref(), limit);
    let trending = desk.trending(call.principal()?, period, asked, call.now).await?;
    let shown: Vec<Value> = trending
        .iter()
        .map(|it| {
            let score = (it.score * 1_000.0).round() / 1_000.0;
            let more = json!({"recent_downloads": it.recent, "trending_score": score});
            shown::with(shown::card(&it.card), more)
        })
        .collect();
    let answer = json!({
        "period": period.as_str(), "count": shown.len(), "templates": shown, "next_cursor": null,
    });
    Reply::ok(&answer)
}

pub(super) async fn categories(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let counts = desk.categories(call.principal()?).await?;
    let shown: Vec<Value> = counts
        .iter()
        .map(|(name, count)| json!({"category": name, "name": name, "id": name, "count": count}))
        .collect();
    Reply::ok(&json!({"count": shown.len(), "categories": shown, "next_cursor": null}))
}

fn shelf(templates: &[Value]) -> Result<Reply, ApiError> {
    Reply::ok(&json!({"count": templates.len(), "templates": templates, "next_cursor": null}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(raw: &str) -> Result<(Ask, Option<u32>), String> {
        let query = Query::parse(raw);
        read(&query, false, query.has_any(&["q"])).map_err(|error| error.fields()[0].field.clone())
    }

    #[test]
    fn pages_and_offsets_are_bounded() {
        for (raw, skip, page) in [
            ("", 0, 1),
            ("page=1", 0, 1),
            ("page=3&limit=10", 20, 3),
            ("offset=25&limit=10", 25, 3),
            ("page=101&limit=100", 10_000, 101),
            ("offset=10000", 10_000, 501),
        ] {
            let (ask, shown) = asked(raw).unwrap();
            assert_eq!((ask.start, shown), (Start::Offset(skip), Some(page)), "{raw}");
        }
        for (raw, field) in [
            ("page=0", "page"),
            ("page=-1", "page"),
            ("page=1000000000", "page"),
            ("page=102&limit=100", "page"),
            ("page=1.5", "page"),
            ("offset=10001", "offset"),
            ("offset=-1", "offset"),
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=1000000000", "limit"),
            ("page=1&offset=0", "page"),
            ("cursor=forged", "cursor"),
            ("cursor=dDE6", "cursor"),
        ] {
            assert_eq!(asked(raw).unwrap_err(), field, "{raw}");
        }
    }

    #[test]
    fn filters_are_read_and_checked() {
        let (ask, _) = asked(
            "category=Data&tags=a,%20b,,&tag=c&author=x&min_rating=4.5&visibility=public&sort_by=recent",
        )
        .unwrap();
        assert_eq!((ask.category.as_deref(), ask.sort), (Some("data"), Some(Sort::Newest)));
        assert_eq!(
            (ask.tags, ask.least_milli),
            (vec!["a".into(), "b".into(), "c".into()], Some(4_500))
        );
        assert_eq!(asked("min_rating=0").unwrap().0.least_milli, None);
        let many = format!("tags={}", vec!["x"; 21].join(","));
        for (raw, field) in [
            ("min_rating=6", "min_rating"),
            ("min_rating=-1", "min_rating"),
            ("min_rating=NaN", "min_rating"),
            ("min_rating=true", "min_rating"),
            ("visibility=secret", "visibility"),
            ("category=%00", "category"),
            ("sort_by=best", "sort_by"),
            ("sort=best", "sort"),
            ("sort_by=relevance", "sort_by"),
            (&many, "tags"),
        ] {
            assert_eq!(asked(raw).unwrap_err(), field, "{raw}");
        }
        assert_eq!(asked("q=x&sort_by=relevance").unwrap().0.sort, None);
        assert_eq!(asked("sort=created_at").unwrap().0.sort, Some(Sort::Newest));
    }
}
