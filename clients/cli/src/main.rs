//! `aragora`: what operators do from a command line.
//!
//! It is configured by the same environment variables as the functions, and speaks to the same
//! tables. Ends with 0 when all is well, 1 when something failed, 2 when it could not begin: bad
//! usage, or a variable that is missing or bad.

mod arguments;
mod migrate;
mod screen;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Command, Migrate};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Arguments { command: Command::Migrate(Migrate::Encrypt(encrypt)) } = Arguments::parse();
    migrate::encrypt(encrypt).await
}
