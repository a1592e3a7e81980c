//! Table `batch_explainability_results`: which debates a batch job is about, and what each came to.
//!
//! | pk | sk | attributes |
//! |---|---|---|
//! | `<org>#<batch id>` | `chunk#<number, 4 digits>` | `ids`: the debates of one chunk, with a space between them |
//! | `<org>#<batch id>` | `result#<place in the request, 4 digits>` | `debate_id`, `st`, `ms`; `z`: the explanation, packed; `error` |
//!
//! Nothing here is ever changed: a chunk is written before its job, and of several results of one
//! debate the first stays. Kept for 30 days, like their job, by TTL.

use std::collections::BTreeMap;
use std::ops::Range;

use aragora_core::batch::{DebateResult, ResultStatus};
use aragora_core::ids::{BatchId, DebateId};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::{AttributeValue, BatchStatementRequest, ReturnConsumedCapacity};

use crate::batches::KEPT_SECONDS;
use crate::dynamo::{Dynamo, Executed};
use crate::error::StoreError;
use crate::item::{Item, Reader, billed_bytes, key, number, put, readable, text};
use crate::packed::{pack, unpack};

/// The most bytes a packed explanation may have: what an item may (400 KiB), less what else is in
/// it.
const MOST_PACKED_BYTES: usize = 400_000;
/// The most bytes an explanation may have as text, and the explanations of one page together: what
/// an answer may have (6 MB), with every quote in it escaped.
pub const MOST_TEXT_BYTES: usize = 2_500_000;
/// Bytes of results in one request, which may have 16 MB.
const REQUEST_BYTES: usize = 4_000_000;
/// Results in one request.
const REQUEST_RESULTS: usize = 25;

/// The table.
#[derive(Debug, Clone)]
pub struct BatchResults {
    dynamo: Dynamo,
    table: String,
}

/// A result that fits into the table.
#[derive(Debug, Clone, PartialEq)]
pub struct PackedResult {
    place: u32,
    status: ResultStatus,
    item: Vec<(&'static str, AttributeValue)>,
    bytes: usize,
}

impl PackedResult {
    /// Packs the result of the debate at `place` in the request of a job made at `created_at`. When
    /// its explanation is larger than an item or an answer may be, it is an error instead, with the
    /// text that `too_large` gives for so many bytes.
    pub fn new(
        place: u32,
        result: &DebateResult,
        created_at: Millis,
        too_large: impl FnOnce(usize) -> String,
    ) -> Self {
        let mut status = result.status;
        let mut item = vec![
            ("debate_id", text(result.debate_id.as_str())),
            ("ms", number(result.processing_time_ms)),
            ("expires_at", number(created_at.unix_seconds() + KEPT_SECONDS)),
        ];
        let mut error = result.error.clone();
        if let Some(explanation) = &result.explanation {
            if let Some(packed) = packed(explanation) {
                item.push(("z", AttributeValue::B(packed.into())));
            } else {
                status = ResultStatus::Error;
                error = Some(too_large(explanation.len()));
            }
        }
        item.push(("st", text(status.as_str())));
        item.extend(error.map(|error| ("error", text(error))));
        let bytes = billed_bytes(item.iter().map(|(name, value)| (*name, value)));
        Self { place, status, item, bytes }
    }

    /// Its place in the request.
    pub const fn place(&self) -> u32 {
        self.place
    }

    /// What became of the debate.
    pub const fn status(&self) -> ResultStatus {
        self.status
    }
}

impl BatchResults {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// Stores the chunks of a job that is about to be made at `created_at`. One write unit per KB:
    /// one for twenty ids of ours. Doing it twice changes nothing.
    pub async fn put_chunks(
        &self,
        org: &str,
        id: &BatchId,
        chunks: &[&[DebateId]],
        created_at: Millis,
    ) -> Result<(), StoreError> {
        let expires_at = created_at.unix_seconds() + KEPT_SECONDS;
        let requests = (0..).zip(chunks).map(|(number_of, ids)| {
            let ids: Vec<&str> = ids.iter().map(DebateId::as_str).collect();
            let mut item = key(pk(org, id), chunk_sk(number_of));
            item.insert("ids".to_owned(), text(ids.join(" ")));
            item.insert("expires_at".to_owned(), number(expires_at));
            put(item)
        });
        self.dynamo.write_all(&self.table, requests.collect()).await
    }

    /// The debates of a chunk, in order. One read unit per 4 KB.
    ///
    /// # Errors
    /// Also when the chunk is not there: it is stored before its job and kept as long.
    pub async fn chunk(
        &self,
        org: &str,
        id: &BatchId,
        chunk: u32,
    ) -> Result<Vec<DebateId>, StoreError> {
        let key = key(pk(org, id), chunk_sk(chunk));
        let item = self.dynamo.get(&self.table, key.clone(), true).await?;
        let read = Reader(item.as_ref().unwrap_or(&key));
        let ids = read.text("ids")?.split(' ').map(DebateId::parse).collect::<Option<_>>();
        ids.ok_or_else(|| read.corrupt("ids", "has what is no id"))
    }

    /// Stores results and says of each, in order, whether it is the one that stays: not so when the
    /// debate had one already. One write unit per KB; 25 a request.
    pub async fn put(
        &self,
        org: &str,
        id: &BatchId,
        results: &[PackedResult],
    ) -> Result<Vec<bool>, StoreError> {
        let mut stored = Vec::with_capacity(results.len());
        let mut left = results;
        while !left.is_empty() {
            let mut bytes = 0;
            let fitting = left.iter().take(REQUEST_RESULTS).take_while(|result| {
                bytes += result.bytes;
                bytes <= REQUEST_BYTES
            });
            // One is never over it.
            let (request, rest) = left.split_at(fitting.count().max(1));
            stored.extend(self.put_request(org, id, request).await?);
            left = rest;
        }
        Ok(stored)
    }

    async fn put_request(
        &self,
        org: &str,
        id: &BatchId,
        results: &[PackedResult],
    ) -> Result<Vec<bool>, StoreError> {
        let pk = pk(org, id);
        let statements = results.iter().map(|result| self.insert(&pk, result));
        let statements = statements.collect::<Result<Vec<_>, _>>()?;
        let kilobytes = |result: &PackedResult| (result.bytes + pk.len() + 15).div_ceil(1_024);
        let least: usize = results.iter().map(kilobytes).sum();
        let least = f64::from(u32::try_from(least).unwrap_or(u32::MAX));
        let outcomes = self.dynamo.execute_all(statements, least).await?;
        outcomes.into_iter().map(|outcome| Ok(outcome? == Executed::Done)).collect()
    }

    fn insert(&self, pk: &str, result: &PackedResult) -> Result<BatchStatementRequest, StoreError> {
        let mut parameters = vec![text(pk), text(result_sk(result.place))];
        let mut names = "'pk': ?, 'sk': ?".to_owned();
        for (name, value) in &result.item {
            names.push_str(", '");
            names.push_str(name);
            names.push_str("': ?");
            parameters.push(value.clone());
        }
        BatchStatementRequest::builder()
            .statement(format!("INSERT INTO \"{}\" VALUE {{{names}}}", self.table))
            .set_parameters(Some(parameters))
            .build()
            .map_err(|error| StoreError::Unavailable(Box::new(error)))
    }

    /// What became of the debates at these places, of those that have a result, as last written. A
    /// read unit, or one per 4 KB, packed.
    pub async fn statuses(
        &self,
        org: &str,
        id: &BatchId,
        places: Range<u32>,
    ) -> Result<BTreeMap<u32, ResultStatus>, StoreError> {
        let mut pages = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .projection_expression("pk, sk, st")
            .expression_attribute_values(":pk", text(pk(org, id)))
            .expression_attribute_values(":from", text(result_sk(places.start)))
            .expression_attribute_values(":to", text(result_sk(places.end.saturating_sub(1))))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .into_paginator()
            .send();
        let mut statuses = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(StoreError::from_sdk)?;
            self.dynamo.read(page.consumed_capacity());
            for item in page.items() {
                statuses.insert(read_place(item)?, read_status(item)?);
            }
        }
        Ok(statuses)
    }

    /// Up to `limit` results of a job in the order of the request, from after the place `after` on,
    /// and the place after which the list goes on. A page ends early when its explanations come to
    /// [`MOST_TEXT_BYTES`]. Half a read unit per 4 KB, packed. Eventually consistent.
    pub async fn page(
        &self,
        org: &str,
        id: &BatchId,
        after: Option<u32>,
        limit: i32,
    ) -> Result<(Vec<DebateResult>, Option<u32>), StoreError> {
        let from = after.map_or(0, |place| place.saturating_add(1));
        let answer = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(pk(org, id)))
            .expression_attribute_values(":from", text(result_sk(from)))
            .expression_attribute_values(":to", text("result#~"))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let (mut results, mut bytes, mut last) = (Vec::new(), 0, None);
        for item in answer.items() {
            let Some(result) = readable(std::slice::from_ref(item), read_result).pop() else {
                continue;
            };
            bytes += result.explanation.as_ref().map_or(0, String::len);
            if bytes > MOST_TEXT_BYTES && last.is_some() {
                return Ok((results, last));
            }
            results.push(result);
            last = Some(read_place(item)?);
        }
        Ok((results, last.filter(|_| answer.last_evaluated_key.is_some())))
    }
}

/// An explanation as it is kept; `None` when it is too large.
fn packed(explanation: &str) -> Option<Vec<u8>> {
    if explanation.len() > MOST_TEXT_BYTES {
        return None;
    }
    pack(explanation).ok().filter(|packed| packed.len() <= MOST_PACKED_BYTES)
}

fn pk(org: &str, id: &BatchId) -> String {
    format!("{org}#{id}")
}

fn chunk_sk(number: u32) -> String {
    format!("chunk#{number:04}")
}

fn result_sk(place: u32) -> String {
    format!("result#{place:04}")
}

fn read_place(item: &Item) -> Result<u32, StoreError> {
    let read = Reader(item);
    let place = read.text("sk")?.strip_prefix("result#").and_then(|place| place.parse().ok());
    place.ok_or_else(|| read.corrupt("sk", "is no place"))
}

fn read_status(item: &Item) -> Result<ResultStatus, StoreError> {
    let read = Reader(item);
    ResultStatus::parse(read.text("st")?).ok_or_else(|| read.corrupt("st", "is no status"))
}

fn read_result(item: &Item) -> Result<DebateResult, StoreError> {
    let read = Reader(item);
    let explanation = match item.get("z").and_then(|packed| packed.as_b().ok()) {
        None => None,
        Some(packed) => {
            let most = u64::try_from(MOST_TEXT_BYTES).unwrap_or(u64::MAX);
            let text = unpack(packed.as_ref(), most);
            Some(text.map_err(|_| read.corrupt("z", "cannot be unpacked"))?)
        }
    };
    Ok(DebateResult {
        debate_id: DebateId::parse(read.text("debate_id")?)
            .ok_or_else(|| read.corrupt("debate_id", "is no id"))?,
        status: read_status(item)?,
        explanation,
        error: read.maybe_text("error").map(ToOwned::to_owned),
        processing_time_ms: read.number("ms")?,
    })
}
