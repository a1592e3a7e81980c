//! `aragora migrate`.

use std::process::ExitCode;

use aragora_api::error::Chain;
use aragora_core::time::Millis;
use aragora_migrate::encrypt::{Order, Outcome, Report, Seen};
use aragora_queue::inbound::Deadline;
use aragora_runtime::config::MigrateConfig;
use aragora_runtime::{Boot, apps};

use crate::arguments::Encrypt;
use crate::screen::{note, say};

/// Something failed.
const FAILED: u8 = 1;
/// It did not begin.
const UNUSABLE: u8 = 2;
/// How often it is said how far it is, in records.
const EVERY: u64 = 1_000;

/// `aragora migrate encrypt`
pub(crate) async fn encrypt(wish: Encrypt) -> ExitCode {
    let migration = Boot::<MigrateConfig>::quiet().map_err(Into::into).and_then(apps::migration);
    let migration = match migration {
        Ok(migration) => migration,
        Err(error) => {
            note(&format!("error: {}", Chain(&*error)));
            return ExitCode::from(UNUSABLE);
        }
    };
    let verbose = wish.verbose;
    let order = Order { store: wish.store, execute: wish.execute, from: wish.cursor };
    begin(&order, &migration.keys.key_ids());
    let mut count = 0;
    let mut tell = |seen: &Seen| {
        record(seen, verbose, order.execute);
        count += 1;
        if count % EVERY == 0 {
            note(&format!("{count} records"));
        }
    };
    // Nobody ends it but the person in front.
    let endless = Deadline(Millis(i64::MAX));
    match migration.run(&order, endless, &mut tell).await {
        Ok(report) => end(&report),
        Err(error) => {
            note(&format!("error: {error}"));
            ExitCode::from(UNUSABLE)
        }
    }
}

/// By the ids of the keys an operator sees whether they are those of the functions.
fn begin(order: &Order, key_ids: &[String]) {
    if !order.execute {
        note("dry run: nothing is written without --execute");
    }
    if let Some((first, others)) = key_ids.split_first() {
        let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
        note(&format!("the key that seals: {first}; others that open: {others}"));
    }
}

/// Names come out of a table that anybody may have written to, so they are printed escaped.
fn record(seen: &Seen, verbose: bool, execute: bool) {
    let name = format!("{}/{}", seen.key.pk, seen.key.sk);
    let name = format!("{} {}", seen.store, name.escape_debug());
    let became = match &seen.outcome {
        Outcome::Failed(failures) => {
            for failure in failures {
                let field =
                    if failure.path.is_empty() { "the record" } else { failure.path.as_str() };
                note(&format!("failed: {name}: {field}: {}", Chain(&failure.why)));
            }
            return;
        }
        Outcome::Migrated if execute => "migrated",
        Outcome::Migrated => "to be migrated",
        Outcome::Current => "current",
        Outcome::Gone => "deleted meanwhile",
    };
    if verbose {
        say(&format!("{name}: {became}"));
    }
}

fn end(report: &Report) -> ExitCode {
    for (store, counts) in &report.stores {
        let (migrated, current, failed) = (counts.migrated, counts.current, counts.failed);
        say(&format!("{store}: migrated {migrated}, current {current}, failed {failed}"));
    }
    if let Some(error) = &report.stopped {
        note(&format!("error: stopped before the end: {}", Chain(error)));
    }
    if let Some(cursor) = &report.next {
        note(&format!("go on with: --cursor {cursor}"));
    }
    if report.next.is_some() || report.total().failed > 0 {
        return ExitCode::from(FAILED);
    }
    ExitCode::SUCCESS
}
