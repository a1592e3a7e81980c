//! The migration of stored secrets, as the function and the command-line tool run it.

use std::collections::BTreeMap;

use aragora_api::error::Chain;
use aragora_migrate::cursor::Cursor;
use aragora_migrate::encrypt::{self, Migration, Order, Outcome, Seen};
use aragora_queue::inbound::Deadline;
use aragora_signing::fields::Store;
use aragora_store::documents::Documents;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Aws;
use crate::boot::{Boot, BoxError};
use crate::clock;
use crate::config::MigrateConfig;
use crate::schedule::Counts;

/// What stands for every store.
const ALL: &str = "all";
/// The most failures in an answer; the others are in the log.
const MOST_FAILURES: usize = 100;

/// What an operator sends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MigrationOrder {
    /// A store's name, or `all`.
    store: String,
    /// Whether anything is written.
    #[serde(default)]
    execute: bool,
    /// Where an earlier answer said to go on.
    #[serde(default)]
    cursor: Option<String>,
}

/// What an operator is told.
#[derive(Debug, Serialize)]
pub struct MigrationAnswer {
    execute: bool,
    /// The keys of the ring, the one that seals first. Not secret.
    key_ids: Vec<String>,
    stores: BTreeMap<&'static str, encrypt::Counts>,
    failures: Vec<Told>,
    /// Where to go on; absent when it got to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Why it did not, when it was not the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
}

/// One failure.
#[derive(Debug, Serialize)]
struct Told {
    store: &'static str,
    record: String,
    field: String,
    why: String,
}

/// There is no store of that name.
#[derive(Debug, Error)]
#[error("there is no store of that name; `all` are: {0}")]
struct NoSuchStore(String);

/// `functions/migrate`
///
/// # Errors
/// Never.
pub fn migration(boot: Boot<MigrateConfig>) -> Result<Migration, BoxError> {
    let aws = Aws::of(&boot);
    let documents = |table| Documents::new(aws.dynamo.clone(), table);
    let stores = boot.config.stores;
    Ok(Migration {
        keys: boot.config.key_ring,
        stores: stores.into_iter().map(|(store, table)| (store, documents(table))).collect(),
        page: encrypt::PAGE,
        clock: clock::now,
    })
}

/// One invocation. Every failure is logged.
///
/// # Errors
/// When there is no such store, or the cursor is of none.
pub async fn run_migration(
    migration: &Migration,
    order: MigrationOrder,
    deadline: Deadline,
) -> Result<(Counts, MigrationAnswer), BoxError> {
    let order = read(&order)?;
    let mut failures = Vec::new();
    let mut tell = |seen: &Seen| {
        for failure in failures_of(seen) {
            tracing::error!(
                store = failure.store,
                record = failure.record,
                field = failure.field,
                error = failure.why,
                "a record cannot be migrated"
            );
            if failures.len() < MOST_FAILURES {
                failures.push(failure);
            }
        }
    };
    let report = migration.run(&order, deadline, &mut tell).await?;
    let stopped = report.stopped.as_ref().map(|error| Chain(error).to_string());
    if let Some(error) = &stopped {
        tracing::error!(error, "a migration stopped before its end");
    }
    let total = report.total();
    let counts =
        [("migrated", total.migrated), ("current", total.current), ("failed", total.failed)];
    let answer = MigrationAnswer {
        execute: order.execute,
        key_ids: migration.keys.key_ids(),
        stores: report.stores.into_iter().collect(),
        failures,
        cursor: report.next.map(|cursor| cursor.to_string()),
        stopped: stopped.map(|_| "a table did not answer; the log has the cause".to_owned()),
    };
    Ok((counts.into(), answer))
}

fn read(order: &MigrationOrder) -> Result<Order, BoxError> {
    let store = match order.store.as_str() {
        ALL => None,
        name => Some(Store::named(name).ok_or_else(|| NoSuchStore(store_names()))?),
    };
    let from = order.cursor.as_deref().map(str::parse::<Cursor>).transpose()?;
    Ok(Order { store, execute: order.execute, from })
}

fn store_names() -> String {
    aragora_signing::fields::STORES.iter().map(Store::name).collect::<Vec<_>>().join(", ")
}

fn failures_of(seen: &Seen) -> Vec<Told> {
    let Outcome::Failed(failures) = &seen.outcome else { return vec![] };
    let each = |failure: &encrypt::Failure| Told {
        store: seen.store,
        record: format!("{}/{}", seen.key.pk, seen.key.sk),
        field: failure.path.clone(),
        why: Chain(&failure.why).to_string(),
    };
    failures.iter().map(each).collect()
}
