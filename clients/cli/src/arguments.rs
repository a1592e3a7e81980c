//! What can be asked for.

use aragora_migrate::cursor::Cursor;
use aragora_signing::fields::{STORES, Store};
use clap::{Args, Parser, Subcommand};

/// What operators of Aragora Serverless do from a command line.
#[derive(Debug, Parser)]
#[command(name = "aragora", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring stored data up to date
    #[command(subcommand)]
    Migrate(Migrate),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Migrate {
    /// Seal every stored secret under the newest key of `ARAGORA_ENCRYPTION_KEY`
    ///
    /// What is plain is encrypted, what an older key encrypted is encrypted again. Nothing is
    /// written without --execute. Safe to run beside everything else, and again. Ends with 1 when a
    /// record failed.
    Encrypt(Encrypt),
}

#[derive(Debug, Args)]
pub(crate) struct Encrypt {
    /// Every store
    #[arg(long, conflicts_with = "store", required_unless_present = "store")]
    pub(crate) all: bool,
    /// One store
    #[arg(long, value_name = "NAME", value_parser = store)]
    pub(crate) store: Option<&'static Store>,
    /// Write; without it, only count what would be written
    #[arg(long)]
    pub(crate) execute: bool,
    /// Go on where an earlier run stopped
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<Cursor>,
    /// Name each record
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

fn store(name: &str) -> Result<&'static Store, String> {
    let names = || STORES.iter().map(Store::name).collect::<Vec<_>>().join(", ");
    Store::named(name).ok_or_else(|| format!("the stores are: {}", names()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Encrypt, clap::Error> {
        let words = std::iter::once("aragora").chain(line.split(' '));
        let parsed = Arguments::try_parse_from(words)?;
        let Command::Migrate(Migrate::Encrypt(encrypt)) = parsed.command;
        Ok(encrypt)
    }

    #[test]
    fn the_declaration_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_is_understood() {
        let all = parse("migrate encrypt --all").unwrap();
        assert!(all.all && all.store.is_none() && !all.execute && !all.verbose);
        let one = parse("migrate encrypt --store webhook_registrations --execute -v").unwrap();
        assert_eq!(one.store.map(Store::name), Some("webhook_registrations"));
        assert!(one.execute && one.verbose && !one.all);
        let cursor = Cursor { store: one.store.unwrap(), after: None };
        let again = parse(&format!("migrate encrypt --all --cursor {cursor}")).unwrap();
        assert_eq!(again.cursor.unwrap().to_string(), cursor.to_string());
    }

    #[test]
    fn bad_usage_ends_with_2() {
        for line in [
            "",
            "migrate",
            "migrate encrypt",
            "migrate encrypt --execute",
            "migrate encrypt --store",
            "migrate encrypt --store events",
            "migrate encrypt --all --store webhook_registrations",
            "migrate encrypt --all --all",
            "migrate encrypt --all --cursor x",
            "migrate encrypt --all --force",
            "migrate encrypt --sync-store",
            "migrate encrypt --all now",
            "migrate decrypt --all",
        ] {
            let refused = parse(line).unwrap_err();
            assert_eq!(refused.exit_code(), 2, "{line}");
        }
    }
}
