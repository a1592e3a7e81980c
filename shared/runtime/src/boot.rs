//! From an environment to a running function.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aragora_api::error::Chain;
use aragora_core::metrics::Counters;
use lambda_http::{Context, Error as LambdaError};
use thiserror::Error;
use tracing::Span;

use crate::aws::Aws;
use crate::config::{self, Base, ConfigError, FromEnvironment};
use crate::logging;
use crate::metrics::Emitter;

/// Any error, with its cause.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a function does not run.
#[derive(Error)]
pub enum BootError {
    /// Variables are missing or bad.
    #[error("the function is not configured")]
    Config(#[from] ConfigError),
    /// What the handlers stand on could not be built.
    #[error("the function could not be built")]
    Build(#[source] BoxError),
    /// Lambda's side of the process went away.
    #[error("the runtime ended")]
    Runtime(#[source] LambdaError),
}

/// What `main` prints when it fails: everything, on one line.
impl std::fmt::Debug for BootError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}", Chain(self))
    }
}

/// What a function is built from.
#[derive(Debug)]
pub struct Boot<C> {
    /// What every function reads.
    pub base: Base,
    /// What this one reads.
    pub config: C,
    /// Clients, built when they are first used.
    pub aws: Aws,
    /// Where everything counts what the metrics are made of.
    pub counters: Arc<Counters>,
}

impl<C: FromEnvironment> Boot<C> {
    /// Reads the configuration and starts the log.
    pub fn from_process() -> Result<Self, BootError> {
        let (base, config) = config::from_process()?;
        logging::start(&base);
        for notice in &base.notices {
            tracing::warn!("{notice}");
        }
        let aws = Aws::new(base.aws.clone());
        Ok(Self { base, config, aws, counters: Arc::default() })
    }

    /// Reads the configuration and starts no log: for a tool that talks to a person.
    pub fn quiet() -> Result<Self, ConfigError> {
        let (base, config) = config::from_process()?;
        let aws = Aws::new(base.aws.clone());
        Ok(Self { base, config, aws, counters: Arc::default() })
    }
}

impl<C> Boot<C> {
    /// Prints at the end of an invocation what was counted in it.
    pub(crate) fn metrics(&self) -> Emitter {
        Emitter::new(Arc::clone(&self.counters), &self.base.function_name)
    }
}

/// Leaks what lives as long as the process anyway, so that handlers borrow it plainly.
pub(crate) fn forever<A>(built: Result<A, BoxError>) -> Result<&'static A, BootError> {
    let app = built.map_err(|error| {
        let error = BootError::Build(error);
        tracing::error!(error = %Chain(&error), "the function does not start");
        error
    })?;
    Ok(Box::leak(Box::new(app)))
}

/// The span around one invocation: its fields are on every line written inside. Of level error, so
/// that it is there at every level of the log.
pub(crate) fn invocation(context: &Context) -> Span {
    static WARM: AtomicBool = AtomicBool::new(false);
    tracing::error_span!(
        target: "aragora",
        "invocation",
        lambda_request_id = context.request_id,
        xray_trace_id = context.xray_trace_id,
        cold_start = !WARM.swap(true, Ordering::Relaxed),
    )
}

/// Runs a service until Lambda ends the process.
pub(crate) async fn serve<F>(running: F) -> Result<(), BootError>
where
    F: Future<Output = Result<(), LambdaError>>,
{
    running.await.map_err(BootError::Runtime)
}
