//! How long a function's process takes from its start to its first poll of the Runtime API,
//! against an empty function built in the same way.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::bench::median;
use crate::server::{self, Server};
use crate::stack::Session;

/// The empty function's package.
pub const EMPTY: &str = "baseline";
/// Starts of each function; an odd number has a middle.
pub const RUNS: usize = 15;

const LIMIT: Duration = Duration::from_secs(30);

/// A Runtime API that nobody calls: it notes when it is first polled, and lets the poller wait.
#[derive(Debug)]
struct RuntimeApi {
    server: Server,
    polled: Arc<Polled>,
}

#[derive(Debug, Default)]
struct Polled {
    at: Mutex<Option<Instant>>,
    noted: Notify,
}

impl Polled {
    fn note(&self) {
        self.at.lock().expect("the note is never held by a panic").get_or_insert_with(Instant::now);
        self.noted.notify_one();
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Option<Response<server::Body>> {
        let path = request.uri().path();
        if path.ends_with("/runtime/invocation/next") {
            self.note();
            return std::future::pending().await;
        }
        if path.ends_with("/extension/event/next") {
            return std::future::pending().await;
        }
        // The runtime's own graceful shutdown registers an extension first.
        let response = Response::builder()
            .header("lambda-extension-identifier", "bench")
            .body(server::whole("{}"));
        Some(response.expect("a response"))
    }
}

impl RuntimeApi {
    async fn start() -> Self {
        let polled = Arc::new(Polled::default());
        let handler = Arc::clone(&polled);
        let server =
            Server::start(move |request| Box::pin(Arc::clone(&handler).answer(request))).await;
        Self { server, polled }
    }
}

/// A function's binary and the environment it is started in.
#[derive(Debug, Clone)]
pub struct Startable {
    /// Its package.
    pub name: String,
    binary: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Startable {
    /// A function of the stack, with the settings it has there.
    pub async fn deployed(session: &Session, name: &str, binaries: &Path) -> Self {
        let mut environment = session.function(name).environment().await;
        environment.extend(platform(session, name));
        Self { name: name.to_owned(), binary: binaries.join(name), environment }
    }

    /// The empty function.
    pub fn empty(session: &Session, binaries: &Path) -> Self {
        Self {
            name: EMPTY.to_owned(),
            binary: binaries.join(EMPTY),
            environment: platform(session, EMPTY),
        }
    }

    /// Milliseconds from the start of the process to its first poll.
    ///
    /// # Panics
    /// When it does not poll at all.
    async fn milliseconds(&self) -> f64 {
        let api = RuntimeApi::start().await;
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .envs(&self.environment)
            .env("AWS_LAMBDA_RUNTIME_API", api.server.address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        let started = Instant::now();
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        let polled = timeout(LIMIT, api.polled.noted.notified()).await;
        assert!(polled.is_ok(), "{} did not poll within {LIMIT:?}", self.name);
        child.kill().await.expect("our own child can be killed");
        let at =
            api.polled.at.lock().expect("the note is never held by a panic").expect("it was noted");
        at.duration_since(started).as_secs_f64() * 1000.0
    }
}

/// What Lambda itself sets.
fn platform(session: &Session, name: &str) -> BTreeMap<String, String> {
    let set = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    [
        ("AWS_LAMBDA_FUNCTION_NAME", format!("bench-{name}").as_str()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_REGION", &session.stack.region),
        ("AWS_DEFAULT_REGION", &session.stack.region),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", &session.stack.aws_endpoint_url),
        ("LAMBDA_TASK_ROOT", "/tmp"),
        ("_HANDLER", "bootstrap"),
    ]
    .map(set)
    .into()
}

/// The median start of each, in milliseconds. The runs are interleaved, so that a busy moment of
/// the machine falls on all of them; the first of each only warms the file cache.
pub async fn measure(all: &[Startable]) -> BTreeMap<String, f64> {
    let mut taken: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in 0..=RUNS {
        for each in all {
            let milliseconds = each.milliseconds().await;
            if run > 0 {
                taken.entry(&each.name).or_default().push(milliseconds);
            }
        }
    }
    taken.into_iter().map(|(name, all)| (name.to_owned(), median(&all))).collect()
}
