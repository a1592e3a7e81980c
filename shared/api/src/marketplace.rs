//! `/api/marketplace`: templates, found by everybody and looked after by their authors.

mod asked;
mod files;
mod opinions;
mod shown;
mod wished;

use aragora_core::audit::Action;
use aragora_core::ids::TemplateId;
use aragora_core::marketplace::Visibility;
use aragora_core::marketplace::version::Version;
use aragora_marketplace::{Desk, MarketError};
use http::Method;
use serde_json::json;

use crate::cursor::{self, Kind};
use crate::error::{ApiError, FieldError};
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;
use crate::security::Note;

/// Things on a page when the caller does not say.
const DEFAULT_LIMIT: u32 = 20;
/// Templates on a shelf when the caller does not say.
const SHELF_LIMIT: u32 = 10;

/// Answers the routes of the `marketplace` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(desk: &Desk, call: Call) -> Result<Reply, ApiError> {
    match call.route {
        RouteId::ListTemplates | RouteId::SearchTemplates => asked::list(desk, &call, false).await,
        RouteId::MyTemplates => asked::list(desk, &call, true).await,
        RouteId::FeaturedTemplates => asked::featured(desk, &call).await,
        RouteId::TrendingTemplates => asked::trending(desk, &call).await,
        RouteId::TemplateCategories => asked::categories(desk, &call).await,
        RouteId::RelatedTemplates => asked::related(desk, &call).await,
        RouteId::PublishTemplate => publish(desk, &call).await,
        RouteId::ImportTemplate => files::import(desk, &call).await,
        RouteId::ExportTemplate => files::export(desk, &call).await,
        RouteId::GetTemplate => {
            let whole = desk.whole(call.principal()?, &template_id(&call)?).await?;
            Reply::ok(&shown::whole(&whole))
        }
        RouteId::UpdateTemplate => {
            let (id, wanted) = (template_id(&call)?, wished::change(&call)?);
            let whole = desk.change(call.principal()?, &id, wanted, call.now).await?;
            Reply::ok(&shown::whole(&whole))
        }
        RouteId::UnpublishTemplate => unpublish(desk, &call).await,
        RouteId::ListVersions => list_versions(desk, &call).await,
        RouteId::PublishVersion => {
            let (id, wish) = (template_id(&call)?, wished::wish(&call)?);
            let (card, issue) = desk.release(call.principal()?, &id, wish, call.now).await?;
            Reply::created(&shown::issue(&card.id, &issue))
        }
        RouteId::GetVersion => get_version(desk, &call).await,
        RouteId::DownloadTemplate => download(desk, &call).await,
        RouteId::RateTemplate => opinions::rate(desk, &call).await,
        RouteId::ListRatings => opinions::ratings(desk, &call).await,
        RouteId::ListReviews => opinions::reviews(desk, &call).await,
        RouteId::ReviewTemplate => opinions::review(desk, &call).await,
        RouteId::ReviewHelped => opinions::helpful(desk, &call).await,
        other => Err(ApiError::internal(format!("{other:?} is not a route of marketplace"))),
    }
}

async fn publish(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let wish = wished::wish(call)?;
    let whole = desk.publish(call.principal()?, wish, Visibility::Public, call.now).await?;
    published(&whole)
}

/// The answer to publishing, and what is remembered of it.
fn published(whole: &aragora_marketplace::desk::Whole) -> Result<Reply, ApiError> {
    let listing = &whole.card.listing;
    let note = Note::new(Action::TemplatePublished)
        .to(&whole.card.id)
        .with("visibility", listing.visibility.as_str())
        .with("version", &listing.version);
    Ok(Reply::created(&shown::whole(whole))?.noting(note))
}

async fn unpublish(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let card = desk.unpublish(call.principal()?, &template_id(call)?).await?;
    let note = Note::new(Action::TemplateUnpublished)
        .to(&card.id)
        .with("visibility", card.listing.visibility.as_str())
        .with("author", &card.listing.author);
    let answer =
        json!({"deleted": true, "unpublished": true, "id": card.id, "template_id": card.id});
    Ok(Reply::ok(&answer)?.noting(note))
}

async fn list_versions(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let limit = call.query.limit(DEFAULT_LIMIT)?;
    let before = cursor::read(&call.query, Kind::Versions, Version::parse)?;
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    let (caller, id) = (call.principal()?, template_id(call)?);
    let (card, issues, more) = desk.versions(caller, &id, before.as_ref(), limit).await?;
    let next = issues.last().filter(|_| more);
    let next = next.map(|issue| cursor::write(Kind::Versions, &issue.version));
    let shown: Vec<_> = issues.iter().map(|issue| shown::issue(&card.id, issue)).collect();
    Reply::ok(&json!({
        "template_id": card.id,
        "latest": card.listing.version,
        "count": shown.len(),
        "versions": shown,
        "next_cursor": next,
    }))
}

async fn get_version(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let (caller, id) = (call.principal()?, template_id(call)?);
    let version = call.param("template_version")?;
    let (card, issue, data) = desk.one_version(caller, &id, version).await?;
    Reply::ok(&shown::with_data(shown::issue(&card.id, &issue), &data))
}

async fn download(desk: &Desk, call: &Call) -> Result<Reply, ApiError> {
    let (caller, id) = (call.principal()?, template_id(call)?);
    let version = call.query.one("version")?;
    if call.method == Method::HEAD {
        // Whoever only asks whether it is there takes nothing away.
        let card = desk.seen(caller, &id).await?;
        let wanted = version.unwrap_or(&card.listing.version);
        let (card, issue, data) = desk.one_version(caller, &id, wanted).await?;
        return Reply::ok(&shown::downloaded(&card, &issue, &data));
    }
    let it = desk.download(caller, &id, version, call.now).await?;
    Reply::ok(&shown::downloaded(&it.card, &it.issue, &it.data))
}

/// The id in the path. What cannot be an id is nobody's: 404 like any other unknown one.
fn template_id(call: &Call) -> Result<TemplateId, ApiError> {
    TemplateId::parse(call.param("template_id")?).ok_or_else(|| ApiError::not_found("template"))
}

impl From<MarketError> for ApiError {
    fn from(error: MarketError) -> Self {
        match error {
            MarketError::Invalid(problems) => Self::invalid(
                problems.into_iter().map(|it| FieldError::new(it.field, it.message)).collect(),
            ),
            MarketError::NotFound(what) => Self::not_found(what),
            MarketError::NotYours => Self::not_yours("only its author may change a template"),
            MarketError::Own(message) => Self::not_yours(message),
            MarketError::NameTaken => Self::conflict(error.to_string()).with_code("name_taken"),
            MarketError::VersionTaken => {
                Self::conflict(error.to_string()).with_code("version_taken")
            }
            MarketError::Contended => Self::conflict(error.to_string()),
            MarketError::Store(error) => error.into(),
        }
    }
}
