//! How a template, its data and its places in lists are written as items.

use std::io::{Read as _, Write as _};

use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::{Card, Facet, Listing, Scope, facet_text};
use aragora_core::marketplace::rank::Sort;
use aragora_core::marketplace::rating::Tally;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::{Data, Issue, NewIssue};
use crate::error::StoreError;
use crate::item::{Item, Reader, json, key, number, text};

/// Separates tags within an attribute: no tag has a control character.
const BETWEEN: char = '\u{1f}';
/// More than any template's data has when it is unpacked.
const MOST_DATA_BYTES: u64 = 1024 * 1024;
/// The attributes that count each rating, 1 first.
pub(super) const TALLY: [&str; 5] = ["r1", "r2", "r3", "r4", "r5"];

pub(super) fn card_key(id: &TemplateId) -> Item {
    key(id.as_str(), "card")
}

pub(super) fn about_key(id: &TemplateId) -> Item {
    key(id.as_str(), "about")
}

pub(super) fn trend_key(id: &TemplateId) -> Item {
    key(id.as_str(), "trend")
}

pub(super) fn issue_key(id: &TemplateId, place: &str) -> Item {
    key(id.as_str(), format!("v#{place}"))
}

pub(super) fn data_key(id: &TemplateId, place: &str) -> Item {
    key(id.as_str(), format!("b#{place}"))
}

pub(super) fn downloader_key(id: &TemplateId, org: &str, user: &str) -> Item {
    key(id.as_str(), format!("d#{org}#{user}"))
}

pub(super) fn name_key(listing: &Listing, look: &str) -> Item {
    key(format!("names#{}#{}", listing.org, listing.author), look)
}

pub(super) fn list_pk(scope: &Scope<'_>, facet: &Facet) -> String {
    format!("{}#{}", scope.key(), facet.key())
}

pub(super) fn row_key(scope: &Scope<'_>, facet: &Facet, id: &TemplateId) -> Item {
    key(list_pk(scope, facet), id.as_str())
}

pub(super) fn count_key(scope: &Scope<'_>, facet: &Facet) -> Item {
    key(format!("counts#{}", scope.key()), facet.key())
}

pub(super) fn extended<const N: usize>(mut item: Item, more: [(&str, AttributeValue); N]) -> Item {
    item.extend(more.map(|(name, value)| (name.to_owned(), value)));
    item
}

pub(super) fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

pub(super) fn card_item(card: &Card) -> Result<Item, StoreError> {
    Ok(extended(
        card_key(&card.id),
        [
            ("doc", text(json(&card.listing)?)),
            ("g", bytes(&card.signature)),
            ("live", AttributeValue::Bool(card.live)),
            ("downloads", number(card.downloads)),
            ("rev", number(card.rev)),
        ],
    ))
}

pub(super) fn read_card(item: &Item) -> Result<Card, StoreError> {
    let read = Reader(item);
    let id = TemplateId::parse(read.text("pk")?).ok_or_else(|| read.corrupt("pk", "is no id"))?;
    let count = |name| read.maybe_number(name).unwrap_or_default();
    let live = item.get("live").and_then(|live| live.as_bool().ok()).copied();
    Ok(Card {
        id,
        listing: read.json("doc")?,
        signature: signature(item),
        live: live.unwrap_or_default(),
        downloads: count("downloads"),
        tally: Tally(TALLY.map(count)),
        rated: count("rated"),
        ranked: count("ranked"),
        rev: read.number("rev")?,
    })
}

pub(super) fn signature(item: &Item) -> Vec<u8> {
    let blob = item.get("g").and_then(|value| value.as_b().ok());
    blob.map(|blob| blob.as_ref().to_vec()).unwrap_or_default()
}

/// What a list is narrowed by without looking at cards.
pub(super) fn narrowing(listing: &Listing) -> [(&'static str, AttributeValue); 4] {
    [
        ("c", text(&listing.category)),
        ("t", text(listing.folded_tags().join(&BETWEEN.to_string()))),
        ("a", text(facet_text(&listing.author))),
        ("v", text(listing.visibility.as_str())),
    ]
}

pub(super) fn read_tags(read: &Reader<'_>) -> Vec<String> {
    let tags = read.maybe_text("t").unwrap_or_default();
    tags.split(BETWEEN).filter(|tag| !tag.is_empty()).map(ToOwned::to_owned).collect()
}

pub(super) fn row_item(scope: &Scope<'_>, facet: &Facet, card: &Card) -> Item {
    let item = extended(row_key(scope, facet, &card.id), narrowing(&card.listing));
    extended(
        item,
        [
            ("dk", text(Sort::Downloads.key(card))),
            ("rk", text(Sort::Rating.key(card))),
            ("uk", text(Sort::Updated.key(card))),
            ("nk", text(Sort::Name.key(card))),
            ("r", number(card.tally.milli())),
            ("rv", number(card.rated)),
        ],
    )
}

/// The items of a version: what is said of it, and its data, packed.
pub(super) fn issue_items(id: &TemplateId, new: NewIssue<'_>) -> Result<[Item; 2], StoreError> {
    let issue = extended(issue_key(id, new.place), [("doc", text(json(new.issue)?))]);
    let packed = packed(&json(new.data)?).map_err(|error| StoreError::Unavailable(error.into()))?;
    Ok([issue, extended(data_key(id, new.place), [("z", bytes(&packed))])])
}

pub(super) fn read_issue(item: &Item) -> Result<Issue, StoreError> {
    Reader(item).json("doc")
}

pub(super) fn read_data(item: &Item) -> Result<Data, StoreError> {
    let read = Reader(item);
    let packed = item.get("z").and_then(|value| value.as_b().ok());
    let packed = packed.ok_or_else(|| read.corrupt("z", "is missing"))?;
    let mut unpacked = String::new();
    let read_all =
        DeflateDecoder::new(packed.as_ref()).take(MOST_DATA_BYTES).read_to_string(&mut unpacked);
    read_all.map_err(|error| read.corrupt("z", &error.to_string()))?;
    aragora_core::pyjson::parse(unpacked.as_bytes())
        .ok()
        .and_then(|value| match value {
            serde_json::Value::Object(data) => Some(data),
            _ => None,
        })
        .ok_or_else(|| read.corrupt("z", "is no JSON object"))
}

fn packed(data: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data.as_bytes())?;
    encoder.finish()
}
