//! `/api/webhooks/events` and `/api/webhooks/events/categories`: what can be subscribed to.
//!
//! The same for everybody, and compiled in: an answer costs no request. Neither list has pages.

use aragora_core::catalogue::{Category, EVENT_TYPES, EventType};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;

/// Every type, or those of one `category`, with schema and example.
pub(crate) fn event_types(call: &Call) -> Result<Reply, ApiError> {
    let category = call.query.one("category")?.map(category).transpose()?;
    let wanted = |known: &&EventType| category.is_none_or(|only| known.category == only);
    let events: Vec<Value> = EVENT_TYPES.iter().filter(wanted).map(shown).collect();
    let count = events.len();
    Reply::ok(&json!({"events": events, "count": count, "total": count, "next_cursor": null}))
}

/// Every category, with the names of its types.
pub(crate) fn categories() -> Result<Reply, ApiError> {
    let categories: Vec<Value> = Category::ALL
        .iter()
        .map(|category| {
            let names: Vec<&str> = category.event_types().map(|known| known.name).collect();
            json!({
                "category": category.as_str(),
                "name": category.title(),
                "description": category.description(),
                "count": names.len(),
                "event_types": names,
            })
        })
        .collect();
    let count = categories.len();
    Reply::ok(&json!({"categories": categories, "count": count, "next_cursor": null}))
}

fn category(text: &str) -> Result<Category, ApiError> {
    Category::parse(text).ok_or_else(|| {
        let known: Vec<&str> = Category::ALL.iter().map(|category| category.as_str()).collect();
        let text: String = text.chars().take(60).collect();
        ApiError::field(
            "category",
            format!("unknown: `{text}`, must be one of {}", known.join(", ")),
        )
    })
}

fn shown(known: &EventType) -> Value {
    json!({
        "event_type": known.name,
        "name": known.name,
        "aliases": known.aliases,
        "category": known.category.as_str(),
        "description": known.description,
        "schema": known.schema(),
        "example": known.example(),
    })
}
