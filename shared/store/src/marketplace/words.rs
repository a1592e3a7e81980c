//! The inverted index: for each word of each template a row, in the scope where others find it.

use std::collections::BTreeMap;

use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::{Card, Scope};
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, WriteRequest};

use super::Marketplace;
use super::items::{bytes, extended, narrowing, read_tags, signature};
use crate::error::StoreError;
use crate::item::{Item, Reader, delete, key, put, readable, text};

/// The most rows of a word that one search looks at.
pub const MOST_POSTINGS: i32 = 300;

/// That a template has a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Which template.
    pub id: TemplateId,
    /// All its words ([`aragora_core::marketplace::words::signature`]).
    pub signature: Vec<u8>,
    /// Its category.
    pub category: String,
    /// Its tags, folded.
    pub tags: Vec<String>,
    /// Its author, folded.
    pub author: String,
}

impl Marketplace {
    /// Makes a template findable by these words, with their weights; one that others do not find
    /// stays that. One write unit for each word. Written before what they speak of: a row whose
    /// template is not there, or does not have the word, is passed over.
    pub async fn put_words(
        &self,
        card: &Card,
        words: &BTreeMap<String, u8>,
    ) -> Result<(), StoreError> {
        let Some(scope) = card.listing.scope() else { return Ok(()) };
        let row = |(word, weight): (&String, &u8)| {
            let item =
                extended(posting_key(&scope, word, *weight, &card.id), narrowing(&card.listing));
            put(extended(item, [("g", bytes(&card.signature))]))
        };
        self.dynamo.write_all(&self.tables.index, words.iter().map(row).collect()).await
    }

    /// Takes away the words of what a template was (`before`) that were not put again for what it
    /// is (`after`). One write unit for each.
    pub async fn delete_words(
        &self,
        (before, words): (&Card, &BTreeMap<String, u8>),
        (after, kept): (&Card, &BTreeMap<String, u8>),
    ) -> Result<(), StoreError> {
        let Some(scope) = before.listing.scope() else { return Ok(()) };
        let stays = after.live && after.listing.scope() == Some(scope);
        let gone = words.iter().filter(|(word, weight)| !stays || kept.get(*word) != Some(*weight));
        let requests: Vec<WriteRequest> = gone
            .map(|(word, weight)| delete(posting_key(&scope, word, *weight, &before.id)))
            .collect();
        self.dynamo.write_all(&self.tables.index, requests).await
    }

    /// Templates with a word, those in which it weighs most and then the youngest first: at most
    /// [`MOST_POSTINGS`], and whether there may be more. Half a read unit per 4 KB, about ten rows.
    pub async fn postings(
        &self,
        scope: &Scope<'_>,
        word: &str,
    ) -> Result<(Vec<Posting>, bool), StoreError> {
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.tables.index)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(posting_pk(scope, word)))
            .scan_index_forward(false)
            .limit(MOST_POSTINGS)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        Ok((readable(answer.items(), read_posting), answer.last_evaluated_key().is_some()))
    }
}

fn posting_pk(scope: &Scope<'_>, word: &str) -> String {
    format!("{}#word#{word}", scope.key())
}

fn posting_key(scope: &Scope<'_>, word: &str, weight: u8, id: &TemplateId) -> Item {
    key(posting_pk(scope, word), format!("{weight:02}#{id}"))
}

fn read_posting(item: &Item) -> Result<Posting, StoreError> {
    let read = Reader(item);
    let id = read.text("sk")?.rsplit('#').next().and_then(TemplateId::parse);
    Ok(Posting {
        id: id.ok_or_else(|| read.corrupt("sk", "has no id"))?,
        signature: signature(item),
        category: read.text("c")?.to_owned(),
        tags: read_tags(&read),
        author: read.text("a")?.to_owned(),
    })
}
