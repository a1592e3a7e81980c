//! Templates, versions and reviews as answers show them, under every name that clients read.

use aragora_core::ids::TemplateId;
use aragora_core::marketplace::Card;
use aragora_marketplace::desk::Whole;
use aragora_store::marketplace::{Data, Issue, Rated};
use serde_json::{Map, Value, json};

/// A template as lists show it.
pub(super) fn card(card: &Card) -> Value {
    let (listing, tally) = (&card.listing, &card.tally);
    let average = tally.average();
    let stars = ["1", "2", "3", "4", "5"].into_iter().map(ToOwned::to_owned);
    let distribution: Map<String, Value> = stars.zip(tally.0.map(Value::from)).collect();
    json!({
        "id": card.id,
        "template_id": card.id,
        "name": listing.name,
        "description": listing.summary,
        "category": listing.category,
        "tags": listing.tags,
        "visibility": listing.visibility,
        "version": listing.version,
        "author": listing.author,
        "author_id": listing.author,
        "author_name": listing.author,
        "downloads": card.downloads,
        "download_count": card.downloads,
        "average_rating": average,
        "avg_rating": average,
        "rating": average,
        "rating_count": tally.count(),
        "rating_distribution": distribution,
        "is_featured": tally.is_featured(),
        "deprecated": listing.deprecated.is_some(),
        "deprecation_message": listing.deprecated.as_deref().filter(|text| !text.is_empty()),
        "created_at": listing.created_at.rfc3339(),
        "updated_at": listing.updated_at.rfc3339(),
    })
}

/// All of a template.
pub(super) fn whole(whole: &Whole) -> Value {
    let more = json!({
        "description": whole.about.description,
        "documentation": whole.about.documentation,
        "changelog": whole.issue.changelog,
        "warnings": whole.issue.warnings,
    });
    with_data(with(card(&whole.card), more), &whole.data)
}

/// A version.
pub(super) fn issue(id: &TemplateId, issue: &Issue) -> Value {
    json!({
        "template_id": id,
        "version": issue.version,
        "changelog": issue.changelog,
        "warnings": issue.warnings,
        "created_at": issue.created_at.rfc3339(),
    })
}

/// What is downloaded.
pub(super) fn downloaded(card: &Card, issue: &Issue, data: &Data) -> Value {
    let shown = json!({
        "id": card.id,
        "template_id": card.id,
        "name": card.listing.name,
        "version": issue.version,
        "downloads": card.downloads,
        "download_count": card.downloads,
        "deprecated": card.listing.deprecated.is_some(),
    });
    with_data(shown, data)
}

/// A review.
pub(super) fn review(id: &TemplateId, rated: &Rated) -> Value {
    let (review, title, content) = match &rated.review {
        None => (None, None, None),
        Some((review, title, content)) => (Some(review), Some(title), Some(content)),
    };
    json!({
        "id": review,
        "review_id": review,
        "template_id": id,
        "user_id": rated.user,
        "rating": rated.rating,
        "score": rated.rating,
        "title": title,
        "content": content,
        "review": content,
        "comment": content,
        "helpful_count": rated.helpful,
        "created_at": rated.created_at.rfc3339(),
        "updated_at": rated.updated_at.rfc3339(),
    })
}

/// The same with a template's data, under each of its names.
pub(super) fn with_data(shown: Value, data: &Data) -> Value {
    let names = ["template_data", "workflow_definition", "config"];
    let data = names.map(|name| (name.to_owned(), Value::Object(data.clone())));
    with(shown, Value::Object(Map::from_iter(data)))
}

/// `object` with the fields of `more` over its own.
pub(super) fn with(mut object: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut object, more) {
        fields.extend(more);
    }
    object
}
