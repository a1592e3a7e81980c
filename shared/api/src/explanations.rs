//! Explanations of single debates, comparing them, and the cache of them.

use std::collections::HashSet;

use aragora_core::ids::DebateId;
use aragora_explain::compare;
use aragora_explain::format::{Format, Identity, Part, part};
use aragora_explanations::cache::{CallOff, Statistics};
use aragora_explanations::explainer::{Explainer, Outcome};
use aragora_explanations::views::View;
use futures_util::future::try_join_all;
use http::StatusCode;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, HeaderValue, VARY};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body::BODY;
use crate::debates::debate_id;
use crate::error::{ApiError, FieldError};
use crate::reply::Reply;
use crate::request::Call;
use crate::routes::RouteId;

/// The most debates that are compared at once.
const MAX_COMPARED: usize = 10;
/// The most characters of what is called off.
const MAX_NAME_CHARS: usize = 256;
/// A page or picture of ours has its own styles and nothing else.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
);

/// Answers the routes of the `explanations` function.
///
/// # Errors
/// What the caller is told instead.
pub async fn dispatch(explainer: &Explainer, call: Call) -> Result<Reply, ApiError> {
    match call.route {
        RouteId::ExplainDebate => explain(explainer, &call).await,
        RouteId::DebateEvidence => show_part(explainer, &call, Part::Evidence).await,
        RouteId::DebatePivots => show_part(explainer, &call, Part::Votes).await,
        RouteId::DebateCounterfactuals => show_part(explainer, &call, Part::Counterfactuals).await,
        RouteId::DebateSummary => show_part(explainer, &call, Part::Summary).await,
        RouteId::CompareDebates => compare_debates(explainer, &call).await,
        RouteId::CacheStatistics => {
            let org = call.principal()?.org_id();
            Reply::ok(&shown(&explainer.cache.statistics(org, call.now).await?))
        }
        RouteId::InvalidateCache => invalidate(explainer, &call).await,
        other => Err(ApiError::internal(format!("{other:?} is not a route of explanations"))),
    }
}

async fn explain(explainer: &Explainer, call: &Call) -> Result<Reply, ApiError> {
    let view = view(call)?;
    let text = explained(explainer, call, view).await?;
    let drawn = |media| {
        Reply::raw(StatusCode::OK, media, text.clone().into_bytes())
            .with_header(CONTENT_SECURITY_POLICY, PAGE_POLICY)
    };
    let reply = match view {
        View::Json(..) => json_text(text),
        View::Svg => drawn("image/svg+xml; charset=utf-8"),
        View::Html => drawn("text/html; charset=utf-8"),
    };
    Ok(reply.with_header(VARY, HeaderValue::from_static("Accept")))
}

/// The form that is asked for: `as` says it, else for `visual` the header `Accept`.
fn view(call: &Call) -> Result<View, ApiError> {
    let format = match call.query.one("format")? {
        None => None,
        Some(text) => {
            let wrong = |_| ApiError::field("format", "must be summary, detailed or visual");
            Some(text.parse::<Format>().map_err(wrong)?)
        }
    };
    let json = View::json(format.unwrap_or_default());
    match call.query.one("as")? {
        Some("html") => Ok(View::Html),
        Some("svg") => Ok(View::Svg),
        Some("json") => Ok(json),
        Some(_) => Err(ApiError::field("as", "must be html, svg or json")),
        None if format == Some(Format::Visual) => Ok(accepted(call.header(ACCEPT.as_str())?)),
        None => Ok(json),
    }
}

/// What a caller wants most of what a visual explanation can be. RFC 9110, 12.5.1, without ranges:
/// those who accept anything get JSON.
fn accepted(header: Option<&str>) -> View {
    let json = View::json(Format::Visual);
    let mut best = (0.0_f32, json);
    for range in header.unwrap_or_default().split(',') {
        let mut parts = range.split(';').map(str::trim);
        let view = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "text/html" => View::Html,
            "image/svg+xml" => View::Svg,
            "application/json" => json,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok());
        let weight: f32 = weight.unwrap_or(1.0);
        if weight > best.0 {
            best = (weight, view);
        }
    }
    best.1
}

async fn explained(explainer: &Explainer, call: &Call, view: View) -> Result<String, ApiError> {
    let org = call.principal()?.org_id();
    match explainer.view(org, &debate_id(call)?, view, call.now).await? {
        Outcome::Explained(text) => Ok(text),
        Outcome::NotFound => Err(ApiError::not_found("debate")),
        Outcome::Failed(why) => Err(ApiError::internal(why)),
    }
}

fn json_text(text: String) -> Reply {
    Reply::rendered_json(StatusCode::OK, text.into_bytes())
}

async fn show_part(explainer: &Explainer, call: &Call, wanted: Part) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    let id = debate_id(call)?;
    let (_, explanation) = explainer.explanation(org, &id).await?;
    let generated_at = call.now.rfc3339();
    let identity = Identity { debate_id: id.as_str(), generated_at: &generated_at };
    Reply::ok(&part(&explanation, wanted, identity))
}

/// Which debates are to be compared.
#[derive(Debug, Deserialize)]
struct CompareWish {
    debate_ids: Vec<String>,
}

async fn compare_debates(explainer: &Explainer, call: &Call) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    let ids = compared(call)?;
    let read = ids.iter().map(|id| explainer.explanation(org, id));
    let explanations = try_join_all(read).await?;
    let each = ids.iter().zip(&explanations);
    let pairs: Vec<_> = each.map(|(id, (_, explanation))| (id.as_str(), explanation)).collect();
    Reply::ok(&compare(&pairs))
}

/// The debates of a comparison: in the body, or in the query under the names that published clients
/// use.
fn compared(call: &Call) -> Result<Vec<DebateId>, ApiError> {
    let (texts, field) = if call.method == http::Method::POST {
        (call.json::<CompareWish>()?.debate_ids, "debate_ids")
    } else {
        let named = ["decision_1", "decision_2"].map(|name| call.query.one(name));
        let mut texts: Vec<String> = Vec::new();
        for text in named {
            texts.extend(text?.map(ToOwned::to_owned));
        }
        texts.extend(call.query.all("debate_id").map(ToOwned::to_owned));
        (texts, "decision_1")
    };
    if !(2..=MAX_COMPARED).contains(&texts.len()) {
        return Err(ApiError::field(field, "must have 2 to 10 debates"));
    }
    let mut ids = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        match DebateId::parse(text) {
            Some(id) => ids.push(id),
            None => return Err(ApiError::field(format!("{field}[{at}]"), "is not a debate's id")),
        }
    }
    if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        return Err(ApiError::field(field, "must name each debate once"));
    }
    Ok(ids)
}

/// What is to be called off: one of these.
#[derive(Debug, Deserialize)]
struct InvalidateWish {
    workspace_id: Option<String>,
    agent: Option<String>,
    version: Option<String>,
    tag: Option<String>,
    policy_version: Option<String>,
}

async fn invalidate(explainer: &Explainer, call: &Call) -> Result<Reply, ApiError> {
    let org = call.principal()?.org_id();
    let wish: InvalidateWish = call.json()?;
    let given = [
        ("workspace_id", &wish.workspace_id),
        ("agent", &wish.agent),
        ("version", &wish.version),
        ("tag", &wish.tag),
        ("policy_version", &wish.policy_version),
    ];
    let long = |text: &String| !(1..=MAX_NAME_CHARS).contains(&text.chars().count());
    let problems: Vec<FieldError> = given
        .iter()
        .filter(|(_, text)| text.as_ref().is_some_and(long))
        .map(|(name, _)| FieldError::new(*name, "must be 1 to 256 characters"))
        .collect();
    if !problems.is_empty() {
        return Err(ApiError::invalid(problems));
    }
    let [workspace, agent, version, tag, policy] = given.map(|(_, text)| text.as_deref());
    let (what, by) = match (workspace, agent, version, tag, policy) {
        (Some(id), None, None, None, None) => (CallOff::Workspace(id), "workspace"),
        (None, Some(name), None, None, None) => (CallOff::Agent(name), "agent"),
        (None, Some(name), Some(version), None, None) => {
            (CallOff::AgentVersion(name, version), "agent")
        }
        (None, None, None, Some(tag), None) => (CallOff::Tag(tag), "tag"),
        (None, None, None, None, Some(version)) => {
            explainer.cache.set_policy(org, version).await?;
            return Reply::ok(&json!({
                "by": "policy_version",
                "invalidated": 0,
                "lazy": true,
                "current_policy_version": version,
            }));
        }
        _ => {
            let message = "must have one of workspace_id, agent (with a version or without), tag, \
                           policy_version";
            return Err(ApiError::field(BODY, message));
        }
    };
    let invalidated = explainer.cache.call_off(org, what, call.now).await?;
    Reply::ok(&json!({"by": by, "invalidated": invalidated, "lazy": false}))
}

fn shown(statistics: &Statistics) -> Value {
    json!({
        "total_entries": statistics.total_entries,
        "hit_rate": statistics.hit_rate(),
        "hits": statistics.hits,
        "misses": statistics.misses,
        "invalidations": statistics.invalidations,
        "current_policy_version": statistics.policy,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_a_page_and_programs_json() {
        let json = View::json(Format::Visual);
        for (header, view) in [
            (None, json),
            (Some("*/*"), json),
            (Some("application/json"), json),
            (Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), View::Html),
            (Some("image/svg+xml"), View::Svg),
            (Some("application/json, text/html;q=0.5"), json),
            (Some("text/html;q=0.4, application/json;q=0.9"), json),
            (Some("text/html;q=0"), json),
            (Some(";;,,q=1"), json),
        ] {
            assert_eq!(accepted(header), view, "{header:?}");
        }
    }
}
