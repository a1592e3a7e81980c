//! The command-line tool, run as the program it is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use tokio::process::Command;

use crate::functions::Function;
use crate::stack::Session;

/// The tool, with an environment to run it in.
#[derive(Debug, Clone)]
pub struct Tool {
    environment: BTreeMap<String, String>,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// What it said on standard output.
    pub said: String,
    /// What it said on standard error.
    pub noted: String,
}

impl Tool {
    /// The tool with the environment that a function has, and an operator's credentials.
    pub async fn configured_as(function: &Function, session: &Session) -> Self {
        let stack = &session.stack;
        let mut environment = function.environment().await;
        for (name, value) in [
            ("AWS_ENDPOINT_URL", stack.aws_endpoint_url.as_str()),
            ("AWS_REGION", &stack.region),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ] {
            environment.insert(name.to_owned(), value.to_owned());
        }
        Self { environment }
    }

    /// The same with another value for one variable; empty is as good as absent.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Runs it with these arguments, separated by spaces.
    ///
    /// # Panics
    /// When it is not built, or is ended by a signal.
    pub async fn run(&self, arguments: &str) -> Ended {
        let mut command = Command::new(binary());
        command.args(arguments.split(' ')).env_clear().envs(&self.environment).kill_on_drop(true);
        let output = command.output().await.expect("the tool is built: see `binary`");
        let text = |bytes| String::from_utf8(bytes).expect("the tool prints UTF-8");
        Ended {
            code: output.status.code().expect("it ends by itself"),
            said: text(output.stdout),
            noted: text(output.stderr),
        }
    }
}

/// Beside the directory of the running test: `make test` builds the whole workspace before the
/// tests; so does `cargo build --workspace`.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    test.parent().and_then(|deps| deps.parent()).expect("target/debug/deps").join("aragora")
}
