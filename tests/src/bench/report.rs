//! The table for people and the JSON for comparisons.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::bench::deliveries::{DELIVERIES, FUNCTIONS, LIST, PAYLOAD, RECEIVER_DELAY};
use crate::bench::prices::Prices;
use crate::bench::sizes::Size;
use crate::bench::spent::Spent;
use crate::bench::start::{EMPTY, RUNS};

/// Everything that was measured.
#[derive(Debug)]
pub struct Report {
    /// Which sources, on which machine, how often.
    pub about: Value,
    /// The share of one delivery by fan-out, each by function in the order of [`FUNCTIONS`].
    pub deliveries: BTreeMap<usize, Vec<Spent>>,
    /// Milliseconds to the first poll, by function, the empty one among them.
    pub starts: BTreeMap<String, f64>,
    /// Sizes by function.
    pub sizes: BTreeMap<String, Size>,
    /// What things cost.
    pub prices: Prices,
}

fn sum(shares: &[Spent]) -> Spent {
    shares.iter().fold(Spent::default(), |total, each| total + *each)
}

impl Report {
    fn usd(&self, spent: &Spent) -> f64 {
        self.prices.usd_per_million(spent).values().sum()
    }

    /// The document that `.local/bench.json` holds.
    pub fn json(&self) -> Value {
        let mut deliveries = Map::new();
        for (fan_out, shares) in &self.deliveries {
            let total = sum(shares);
            let mut figures: Map<String, Value> = total
                .figures()
                .iter()
                .map(|(name, figure)| ((*name).to_owned(), json!(figure)))
                .collect();
            figures.insert("usd_per_million".to_owned(), json!(self.usd(&total)));
            deliveries.insert(format!("fanout_{fan_out}"), Value::Object(figures));
        }
        let empty = self.starts[EMPTY];
        let start = |(name, ms): (&String, &f64)| {
            (name.clone(), json!({"ms": ms, "empty_ms": empty, "ratio": ms / empty}))
        };
        let starts: Map<String, Value> =
            self.starts.iter().filter(|(name, _)| *name != EMPTY).map(start).collect();
        let size = |(name, size): (&String, &Size)| {
            (name.clone(), json!({"binary_bytes": size.binary_bytes, "zip_bytes": size.zip_bytes}))
        };
        let sizes: Map<String, Value> = self.sizes.iter().map(size).collect();
        let mut document = self.about.as_object().cloned().unwrap_or_default();
        document.insert("deliveries".to_owned(), Value::Object(deliveries));
        document.insert("start".to_owned(), Value::Object(starts));
        document.insert("sizes".to_owned(), Value::Object(sizes));
        Value::Object(document)
    }

    /// The table for people.
    pub fn table(&self) -> String {
        let mut out = format!("{}\n\n", self.heading());
        for (fan_out, shares) in &self.deliveries {
            self.delivery_table(&mut out, *fan_out, shares)
                .expect("text can be written to a String");
        }
        self.start_table(&mut out).expect("text can be written to a String");
        out
    }

    fn heading(&self) -> String {
        format!(
            "per delivery: {DELIVERIES} deliveries a run, {PAYLOAD} bytes of data, {LIST} events a publish, full \
             batches,\nreceivers answer in {} ms; prices of {} from {}; median of {} runs; commit {}; load {}",
            RECEIVER_DELAY.as_millis(),
            self.prices.region,
            self.prices.checked,
            self.about["runs"],
            self.about["commit"].as_str().unwrap_or("unknown"),
            self.about["load"],
        )
    }

    fn delivery_table(
        &self,
        out: &mut String,
        fan_out: usize,
        shares: &[Spent],
    ) -> std::fmt::Result {
        write!(out, "{:<18}{:>10}", format!("fan-out {fan_out}"), "total")?;
        for name in FUNCTIONS {
            write!(out, "{name:>10}")?;
        }
        writeln!(out)?;
        let total = sum(shares);
        for (at, (name, figure)) in total.figures().iter().enumerate() {
            write!(out, "  {name:<16}{figure:>10.4}")?;
            for share in shares {
                write!(out, "{:>10.4}", share.figures()[at].1)?;
            }
            writeln!(out)?;
        }
        write!(out, "  {:<16}{:>10.2}", "$ per million", self.usd(&total))?;
        for share in shares {
            write!(out, "{:>10.2}", self.usd(share))?;
        }
        writeln!(out)?;
        for (part, usd) in self.prices.usd_per_million(&total) {
            writeln!(out, "    {part:<14}{usd:>10.2}")?;
        }
        writeln!(out)
    }

    fn start_table(&self, out: &mut String) -> std::fmt::Result {
        let empty = self.starts[EMPTY];
        writeln!(
            out,
            "{:<12}{:>10}{:>8}{:>12}{:>12}",
            "function", "start ms", "ratio", "binary", "zip"
        )?;
        for (name, ms) in &self.starts {
            write!(out, "{name:<12}{ms:>10.1}{:>8.2}", ms / empty)?;
            match self.sizes.get(name) {
                Some(size) => writeln!(out, "{:>12}{:>12}", size.binary_bytes, size.zip_bytes)?,
                None => writeln!(out)?,
            }
        }
        writeln!(
            out,
            "start: process to first poll, median of {RUNS} interleaved runs, profile {}",
            self.about["profile"]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let share = Spent { write_units: 1.0, read_units: 0.1, cpu_ms: 0.5, ..Spent::default() };
        Report {
            about: json!({"commit": "abc", "load": [0.1], "runs": 3, "profile": "release"}),
            deliveries: BTreeMap::from([(1, vec![share; 3]), (10, vec![share; 3])]),
            starts: BTreeMap::from([(EMPTY.to_owned(), 10.0), ("deliver".to_owned(), 12.5)]),
            sizes: BTreeMap::from([("deliver".to_owned(), Size { binary_bytes: 5, zip_bytes: 2 })]),
            prices: Prices::read(),
        }
    }

    #[test]
    fn the_document_has_the_contracts_names() {
        let document = report().json();
        for fan_out in ["fanout_1", "fanout_10"] {
            for figure in [
                "write_units",
                "read_units",
                "sqs_requests",
                "invocations",
                "cpu_ms",
                "usd_per_million",
            ] {
                assert!(
                    document["deliveries"][fan_out][figure].is_number(),
                    "{figure} in {document}"
                );
            }
        }
        assert_eq!(
            document["start"]["deliver"],
            json!({"ms": 12.5, "empty_ms": 10.0, "ratio": 1.25})
        );
        assert!(document["start"].get(EMPTY).is_none());
        assert_eq!(document["sizes"]["deliver"], json!({"binary_bytes": 5, "zip_bytes": 2}));
        assert_eq!(document["commit"], "abc");
    }

    #[test]
    fn the_table_shows_totals_and_shares() {
        let table = report().table();
        assert!(table.contains("write_units         3.0000    1.0000"), "{table}");
        assert!(
            table.contains("deliver           12.5    1.25           5           2"),
            "{table}"
        );
    }
}
