//! What AWS asks for a million of each, from `infra/prices.json`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::bench::spent::Spent;
use crate::workspace;

/// Bytes of a megabyte as `CloudWatch` bills them.
const MEGABYTE: f64 = 1_000_000.0;

#[derive(Debug, Deserialize)]
struct Price {
    price: f64,
}

/// The price table.
#[derive(Debug, Deserialize)]
pub struct Prices {
    /// The region the prices are of.
    pub region: String,
    /// When they were last looked up.
    pub checked: String,
    usd_per_million: BTreeMap<String, Price>,
}

impl Prices {
    /// Reads the table of the workspace.
    ///
    /// # Panics
    /// When it is not one.
    pub fn read() -> Self {
        serde_json::from_str(&workspace::read("infra/prices.json")).expect("a price table")
    }

    fn of(&self, what: &str) -> f64 {
        self.usd_per_million.get(what).unwrap_or_else(|| panic!("no price of {what}")).price
    }

    /// What one delivery's share comes to for a million of them, by part.
    pub fn usd_per_million(&self, each: &Spent) -> BTreeMap<&'static str, f64> {
        let sqs = self.of("sqs_requests") + self.of("sqs_fair_queue_surcharge");
        BTreeMap::from([
            ("DynamoDB writes", each.write_units * self.of("dynamodb_write_units")),
            ("DynamoDB reads", each.read_units * self.of("dynamodb_read_units")),
            ("SQS", each.sqs_requests * sqs),
            ("Lambda requests", each.invocations * self.of("lambda_requests")),
            ("Lambda time", each.gb_seconds * self.of("lambda_arm64_gb_seconds")),
            ("HTTP API", each.http_requests * self.of("http_api_requests")),
            ("Logs", each.log_bytes / MEGABYTE * self.of("log_megabytes")),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_prices_everything_that_is_counted() {
        let each = Spent { write_units: 2.0, log_bytes: 400.0, ..Spent::default() };
        let parts = Prices::read().usd_per_million(&each);
        assert!((parts["DynamoDB writes"] - 1.25).abs() < 1e-9);
        assert!((parts["Logs"] - 0.2).abs() < 1e-9);
        assert!(parts["SQS"].abs() < f64::EPSILON);
    }
}
