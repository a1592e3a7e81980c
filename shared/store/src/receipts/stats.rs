//! A webhook's statistics: one item for each UTC day, which every invocation adds to.
//!
//! | pk | sk | attributes |
//! |---|---|---|
//! | `<org>#<webhook id>` | `S#2026-11-21` | numbers, see below; `expires_at` |
//!
//! An item has to stay within a kilobyte, or every delivery pays for two: hence the short names.
//! `o`, `f` and `x` with the hour as one digit to base 36 (`o0` to `on`) count deliveries
//! delivered, attempts failed and deliveries given up in that hour; `00` to `66` are the buckets
//! of the sketch; `r` counts failures that were to be tried again; `ms` adds latencies up. What is
//! zero is not there. A day with two million attempts spread over all hours and buckets fits, of an
//! organisation whose id has up to 96 characters; beyond that, such a day costs two units.

use std::collections::{BTreeMap, HashSet};

use aragora_core::ids::WebhookId;
use aragora_core::stats::{BUCKETS, Counts, DayStats, Sketch, Tally, UtcDay, hour_of};
use aragora_core::time::Millis;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;

use super::{Receipts, partition};
use crate::dynamo::BatchRead;
use crate::error::StoreError;
use crate::item::{Item, Reader, key, number, readable, text};

/// Days after its own that a day's statistics are kept, whatever the retention of receipts: there
/// is nothing of an event in them.
const KEPT_DAYS: i64 = 32;
const SECONDS_A_DAY: i64 = 86_400;

/// One webhook on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDay {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// The day.
    pub day: UtcDay,
    /// What it came to.
    pub stats: DayStats,
}

impl Receipts {
    /// Adds what one invocation learned about a webhook to the hour and day of `at`. One write
    /// unit; none when the tally is empty.
    ///
    /// Not idempotent: when an answer is lost, the SDK repeats the request, and what it adds is
    /// counted twice. To tell a repeat would take a second write, in a transaction, which costs
    /// four units instead of one. Lost answers are rare, nothing is decided by these figures, and
    /// a repeat moves counts and latencies alike, so that rates hardly change.
    pub async fn record(
        &self,
        org: &str,
        webhook: &WebhookId,
        at: Millis,
        tally: &Tally,
    ) -> Result<(), StoreError> {
        if tally.is_empty() {
            return Ok(());
        }
        let day = UtcDay::of(at);
        let mut update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(partition(org, webhook), day_sk(day))))
            .expression_attribute_values(":expires", number(expires_at(day)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut add = Vec::new();
        for (at, (name, more)) in increments(tally, hour_of(at)).into_iter().enumerate() {
            update = update
                .expression_attribute_names(format!("#n{at}"), name)
                .expression_attribute_values(format!(":v{at}"), number(more));
            add.push(format!("#n{at} :v{at}"));
        }
        let answer = update
            .update_expression(format!("SET expires_at = :expires ADD {}", add.join(", ")))
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.wrote(answer.consumed_capacity());
        Ok(())
    }

    /// A webhook's days from `from` to `to`, both included, in order; those without deliveries
    /// are missing. At most 32 days fit. Half a read unit per 4 KB, a kilobyte a day at most.
    /// Eventually consistent.
    pub async fn days(
        &self,
        org: &str,
        webhook: &WebhookId,
        from: UtcDay,
        to: UtcDay,
    ) -> Result<Vec<StoredDay>, StoreError> {
        let answer = self
            .dynamo
            .client()
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :from AND :to")
            .expression_attribute_values(":pk", text(partition(org, webhook)))
            .expression_attribute_values(":from", text(day_sk(from)))
            .expression_attribute_values(":to", text(day_sk(to)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        Ok(readable(answer.items(), read_day))
    }

    /// Those of these days of an organisation's webhooks that are there, in any order. Half a
    /// read unit each, there or not; 100 a request. Eventually consistent.
    pub async fn days_of_many(
        &self,
        org: &str,
        wanted: &[(WebhookId, UtcDay)],
    ) -> Result<Vec<StoredDay>, StoreError> {
        let distinct: HashSet<_> = wanted.iter().collect();
        let keys = distinct
            .into_iter()
            .map(|(webhook, day)| key(partition(org, webhook), day_sk(*day)))
            .collect();
        let read = BatchRead { consistent: false, only: None };
        Ok(readable(&self.dynamo.get_all(&self.table, keys, read).await?, read_day))
    }
}

fn day_sk(day: UtcDay) -> String {
    format!("S#{day}")
}

fn expires_at(day: UtcDay) -> i64 {
    day.start().unix_seconds() + KEPT_DAYS * SECONDS_A_DAY
}

/// What a tally adds to each attribute, without zeros.
fn increments(tally: &Tally, hour: usize) -> BTreeMap<String, u64> {
    let Counts { delivered, dead_lettered, failed_attempts } = tally.counts;
    let fixed = [
        (hourly('o', hour), delivered),
        (hourly('f', hour), failed_attempts),
        (hourly('x', hour), dead_lettered),
        ("r".to_owned(), tally.retried),
        ("ms".to_owned(), tally.latency_sum_ms),
    ];
    let buckets = tally.latencies.filled().map(|(at, count)| (bucket(at), count));
    fixed.into_iter().chain(buckets).filter(|(_, more)| *more > 0).collect()
}

fn hourly(what: char, hour: usize) -> String {
    let digit = u32::try_from(hour).ok().and_then(|hour| char::from_digit(hour, 36));
    format!("{what}{}", digit.unwrap_or_default())
}

fn bucket(at: usize) -> String {
    format!("{at:02}")
}

fn read_day(item: &Item) -> Result<StoredDay, StoreError> {
    let read = Reader(item);
    let (pk, sk) = (read.text("pk")?, read.text("sk")?);
    let parts = || {
        let (_, webhook) = pk.split_once('#')?;
        Some((WebhookId::parse(webhook)?, UtcDay::parse(sk.strip_prefix("S#")?)?))
    };
    let (webhook_id, day) = parts().ok_or_else(|| StoreError::Corrupt {
        key: format!("{pk}/{sk}"),
        what: "the key has no webhook or no day".to_owned(),
    })?;
    let count = |name: &str| if item.contains_key(name) { read.number(name) } else { Ok(0) };
    let mut stats = DayStats { retried: count("r")?, ..DayStats::default() };
    stats.latency_sum_ms = count("ms")?;
    for (hour, counts) in stats.hours.iter_mut().enumerate() {
        *counts = Counts {
            delivered: count(&hourly('o', hour))?,
            dead_lettered: count(&hourly('x', hour))?,
            failed_attempts: count(&hourly('f', hour))?,
        };
    }
    let buckets = (0..BUCKETS).map(|at| Ok((at, count(&bucket(at))?)));
    stats.latencies = Sketch::from_counts(buckets.collect::<Result<Vec<_>, StoreError>>()?);
    Ok(StoredDay { webhook_id, day, stats })
}

#[cfg(test)]
mod tests {
    use aragora_core::stats::HOURS;

    use super::*;
    use crate::item::billed_bytes;

    /// The item of a day whose every hour saw `a_hour` deliveries delivered, attempts failed and
    /// deliveries given up, and whose attempts were spread over all buckets.
    fn full(org: &str, a_hour: u64) -> Item {
        let webhook = WebhookId::mint(Millis(1_795_275_000_000));
        let day = UtcDay::of(Millis(1_795_275_000_000));
        let mut item = key(partition(org, &webhook), day_sk(day));
        item.insert("expires_at".to_owned(), number(expires_at(day)));
        let attempts = a_hour * 2 * u64::try_from(HOURS).unwrap();
        for hour in 0..HOURS {
            let counts =
                Counts { delivered: a_hour, dead_lettered: a_hour, failed_attempts: a_hour };
            let spread = attempts / u64::try_from(BUCKETS).unwrap();
            let tally = Tally {
                counts,
                retried: attempts,
                latency_sum_ms: attempts * 1_999,
                latencies: Sketch::from_counts((0..BUCKETS).map(|at| (at, spread))),
            };
            let attributes = increments(&tally, hour);
            item.extend(attributes.into_iter().map(|(name, more)| (name, number(more))));
        }
        item
    }

    #[test]
    fn a_full_day_is_one_write_unit() {
        let item = full(&"o".repeat(96), 41_666);
        assert_eq!(item.len(), 2 + 1 + HOURS * 3 + BUCKETS + 2);
        let bytes = billed_bytes(item.iter().map(|(name, value)| (name.as_str(), value)));
        assert!(bytes <= 1_024, "{bytes}");
    }

    #[test]
    fn names_are_distinct_and_read_back() {
        let item = full("org", 3);
        let StoredDay { day, stats, .. } = read_day(&item).unwrap();
        assert_eq!(day.to_string(), "2026-11-21");
        let hour = Counts { delivered: 3, dead_lettered: 3, failed_attempts: 3 };
        assert_eq!(stats.hours, [hour; HOURS]);
        assert_eq!((stats.retried, stats.latency_sum_ms), (144, 144 * 1_999));
        assert_eq!(stats.latencies, Sketch::from_counts((0..BUCKETS).map(|at| (at, 2))));
    }

    #[test]
    fn what_is_no_number_is_not_taken_for_zero() {
        let mut item = full("org", 3);
        item.insert("o3".to_owned(), text("7"));
        assert!(matches!(read_day(&item), Err(StoreError::Corrupt { .. })));
        let other = key("org#wh-1", "S#yesterday");
        assert!(matches!(read_day(&other), Err(StoreError::Corrupt { .. })));
    }
}
