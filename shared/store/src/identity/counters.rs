//! How often somebody calls, and how often in vain.

use aragora_core::allowance::{Allowance, Taken};
use aragora_core::guessing;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};

use super::Identity;
use crate::error::StoreError;
use crate::item::{Item, Reader, key, number, readable, text};

/// How often a block is asked for while the bucket turns full and not full.
const ROUNDS: usize = 4;
/// How long a bucket that nobody asks is kept: it is full by then.
const BUCKET_KEPT_SECONDS: i64 = 3_600;

/// What a worker gets of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokens {
    /// The block.
    Granted,
    /// Nothing before this time.
    Refused(Millis),
}

/// One bucket as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What it held and let flow in when tokens were last taken.
    pub allowance: Allowance,
    /// Up to when its tokens are spent, in microseconds since the epoch.
    pub spent_us: i64,
}

impl Identity {
    /// Takes `tokens` of a bucket of the organisation at `now`. `seen_us` is what its state was
    /// when it was last looked at, 0 for never: a hint. One write unit, mostly; two when the hint was
    /// wrong. Gives the state beside: the next call does well to know it. Many may take at once:
    /// none waits for another.
    pub async fn take_tokens(
        &self,
        org: &str,
        bucket: &str,
        allowance: &Allowance,
        tokens: u32,
        seen_us: i64,
        now: Millis,
    ) -> Result<(Tokens, i64), StoreError> {
        let mut seen = seen_us;
        for _ in 0..ROUNDS {
            // The hint may be old: it only says which way to try first.
            let step = allowance.step(seen, tokens, now);
            let update = self
                .dynamo
                .client()
                .update_item()
                .table_name(&self.table)
                .set_key(Some(bucket_key(org, bucket)))
                .expression_attribute_values(":now", number(step.now_us))
                .expression_attribute_values(
                    ":end",
                    number(now.unix_seconds().saturating_add(BUCKET_KEPT_SECONDS)),
                )
                .return_values(ReturnValue::UpdatedNew)
                .return_values_on_condition_check_failure(OnFailure::AllOld)
                .return_consumed_capacity(ReturnConsumedCapacity::Total);
            let update = update
                .expression_attribute_values(":rate", number(allowance.per_second))
                .expression_attribute_values(":burst", number(allowance.burst));
            // Tokens that are still spent are added to; a full bucket begins now.
            let update = if step.adds {
                update
                    .update_expression(
                        "SET expires_at = :end, per_second = :rate, burst = :burst \
                         ADD spent_us :cost",
                    )
                    .condition_expression("spent_us BETWEEN :now AND :most")
                    .expression_attribute_values(":cost", number(step.cost_us))
                    .expression_attribute_values(":most", number(step.most_us))
            } else {
                update
                    .update_expression(
                        "SET expires_at = :end, per_second = :rate, burst = :burst, \
                         spent_us = :next",
                    )
                    .condition_expression("attribute_not_exists(pk) OR spent_us < :now")
                    .expression_attribute_values(
                        ":next",
                        number(step.now_us.saturating_add(step.cost_us)),
                    )
            };
            match update.send().await {
                Ok(answer) => {
                    self.dynamo.wrote(answer.consumed_capacity());
                    let new = answer.attributes.unwrap_or_default();
                    return Ok((Tokens::Granted, Reader(&new).number("spent_us")?));
                }
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                        let item = refused.item.as_ref();
                        seen = item.map_or(Ok(0), |item| Reader(item).number("spent_us"))?;
                        if let Taken::Wait(until) = allowance.take(seen, tokens, now) {
                            return Ok((Tokens::Refused(until), seen));
                        }
                    }
                    _ => return Err(StoreError::from_sdk(error)),
                },
            }
        }
        // It keeps turning full and not full between two looks: it is not scarce.
        Ok((Tokens::Granted, seen))
    }

    /// Up to `limit` buckets of the organisation, by name. Half a read unit per 4 KB.
    pub async fn buckets(&self, org: &str, limit: i32) -> Result<Vec<Bucket>, StoreError> {
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", text(format!("{org}#rates")))
            .limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        Ok(readable(answer.items(), |item| {
            let read = Reader(item);
            Ok(Bucket {
                name: read.text("sk")?.to_owned(),
                allowance: Allowance {
                    per_second: read.number("per_second")?,
                    burst: read.number("burst")?,
                },
                spent_us: read.number("spent_us")?,
            })
        }))
    }

    /// Counts a bad credential of an address or an account, and gives how many there were in this
    /// window. One write unit. Doing it twice counts it twice.
    pub async fn count_failure(&self, of: &str, now: Millis) -> Result<u64, StoreError> {
        let window = guessing::window(now);
        let end = window.saturating_add(2).saturating_mul(guessing::WINDOW_MS / 1_000);
        let answer = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(format!("failures#{of}"), window.to_string())))
            .update_expression("SET expires_at = :end ADD n :one")
            .expression_attribute_values(":end", number(end))
            .expression_attribute_values(":one", number(1))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.wrote(answer.consumed_capacity());
        let attributes = answer.attributes.unwrap_or_default();
        Reader(&attributes).number("n")
    }
}

fn bucket_key(org: &str, bucket: &str) -> Item {
    key(format!("{org}#rates"), bucket)
}
