//! The running stack, as its `stack.json` describes it, and a test's hold on it.
//!
//! Tests run at the same time, each in an organisation of its own. Some of them break things on
//! purpose (they pause a queue or kill a worker), and those need the stack for themselves: a lock
//! on a file beside `stack.json` keeps the others out, across threads and processes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::api::Api;
use crate::aws::Aws;
use crate::functions::{Function, Paused};
use crate::http_client::HttpClient;
use crate::queues::Queue;
use crate::tenant::Tenant;

/// Where the description of the stack is found.
pub const VARIABLE: &str = "ARAGORA_STACK";

/// What `stack.json` says; the keys are a contract with whoever starts the stack.
#[derive(Debug, Clone, Deserialize)]
pub struct Stack {
    /// Origin of the HTTP API.
    pub api_url: String,
    /// Origin of the AWS APIs.
    pub aws_endpoint_url: String,
    /// The region everything is in.
    pub region: String,
    /// The HS256 key of our JWTs.
    pub jwt_secret: String,
    /// The key of service-to-service calls.
    pub service_token: String,
    /// Deployed name of each function, by the name of its directory.
    pub functions: BTreeMap<String, String>,
    /// URL of each queue, by its short name.
    pub queues: BTreeMap<String, String>,
    /// Deployed name of each table, by its short name.
    pub tables: BTreeMap<String, String>,
}

impl Stack {
    /// Reads the description that [`VARIABLE`] points to.
    ///
    /// # Panics
    /// When it is unset or unreadable: a system test without a system has not passed.
    pub fn load() -> Self {
        let path = description();
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one setting of the harness")]
fn description() -> PathBuf {
    let path = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).unwrap_or_else(|| {
        panic!(
            "system tests need a running stack: `make test` starts one and runs them. By hand: start it \
             (`make up DETACH=1`) and set {VARIABLE} to the full path of its stack.json"
        )
    });
    let path = PathBuf::from(path);
    assert!(
        path.is_absolute(),
        "{VARIABLE} must be an absolute path: tests run in their own directory"
    );
    path
}

/// One test's hold on the running stack; ends when it is dropped.
#[derive(Debug)]
pub struct Session {
    /// What runs where.
    pub stack: Stack,
    http: HttpClient,
    /// Holds the lock.
    _lock: File,
}

impl Session {
    /// Shares the stack with the other tests.
    pub async fn shared() -> Self {
        Self::hold(File::lock_shared).await
    }

    /// Waits until no other test uses the stack, and keeps them out: for tests that stop or kill
    /// parts of it.
    pub async fn alone() -> Self {
        Self::hold(File::lock).await
    }

    async fn hold(lock: fn(&File) -> std::io::Result<()>) -> Self {
        let stack = Stack::load();
        let path = description().with_extension("lock");
        let file = tokio::task::spawn_blocking(move || locked(&path, lock))
            .await
            .expect("the lock is waited for");
        let session = Self { stack, http: HttpClient::new(), _lock: file };
        // A test that failed may have left a queue paused.
        Function::resume_all(&session.aws()).await;
        session
    }

    /// A new organisation.
    pub fn tenant(&self) -> Tenant {
        Tenant::new(self)
    }

    /// A caller without a credential.
    pub fn anonymous(&self) -> Api {
        Api::anonymous(self.http.clone(), &self.stack.api_url)
    }

    /// The AWS APIs.
    pub fn aws(&self) -> Aws {
        Aws::new(self.http.clone(), &self.stack.aws_endpoint_url, &self.stack.region)
    }

    /// A queue by its short name.
    ///
    /// # Panics
    /// When the stack has no such queue.
    pub fn queue(&self, name: &str) -> Queue {
        let url = self
            .stack
            .queues
            .get(name)
            .unwrap_or_else(|| panic!("no queue {name}: {:?}", self.stack.queues));
        Queue::new(self.aws(), url)
    }

    /// A function by the name of its directory.
    ///
    /// # Panics
    /// When the stack has no such function.
    pub fn function(&self, name: &str) -> Function {
        let functions = &self.stack.functions;
        let deployed =
            functions.get(name).unwrap_or_else(|| panic!("no function {name}: {functions:?}"));
        Function::new(self.aws(), deployed)
    }

    /// Stops `function` from taking messages off `queue`, until [`Paused::resume`].
    pub async fn pause(&self, function: &str, queue: &str) -> Paused {
        self.function(function).pause(&self.queue(queue)).await
    }
}

fn locked(path: &Path, lock: fn(&File) -> std::io::Result<()>) -> File {
    let file = File::options().create(true).append(true).open(path);
    let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    lock(&file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file
}
