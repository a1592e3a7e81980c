//! Functions that run on a schedule.

use std::collections::BTreeMap;
use std::time::Instant;

use aragora_api::error::Chain;
use aragora_core::cost::Meter;
use aragora_core::time::Millis;
use aragora_queue::inbound::Deadline;
use futures_util::FutureExt;
use lambda_http::lambda_runtime::Runtime;
use lambda_http::{LambdaEvent, service_fn};
use serde_json::value::RawValue;
use tracing::Instrument;

use crate::boot::{Boot, BootError, BoxError, forever, invocation, serve};
use crate::clock;
use crate::config::FromEnvironment;

/// What a run did, by name: answered to whoever invoked it and logged.
pub type Counts = BTreeMap<&'static str, u64>;

/// Runs a function on a schedule. What the schedule sends is not read: runs differ by their time
/// only.
///
/// `handle` gets the time at which Lambda ends the invocation and must be safe to run twice at
/// once. Its `Err` is the function's: Lambda counts it, and the next run is the retry.
pub async fn run_schedule<C, A, B, H, Fut>(build: B, handle: H) -> Result<(), BootError>
where
    C: FromEnvironment,
    A: Send + Sync + 'static,
    B: FnOnce(Boot<C>) -> Result<A, BoxError>,
    H: Fn(&'static A, Deadline) -> Fut,
    Fut: Future<Output = Result<Counts, BoxError>> + Send,
{
    let boot = Boot::<C>::from_process()?;
    let (meter, metrics) = (boot.aws.meter(), boot.metrics());
    let app = forever(build(boot))?;
    let (handle, meter, metrics) = (&handle, &*meter, &metrics);
    let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let span = invocation(&event.context);
        let deadline = Deadline(Millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX)));
        async move {
            let started = Instant::now();
            let outcome = handle(app, deadline).boxed().await;
            log(outcome.as_ref(), meter, started);
            metrics.flush(clock::now());
            // The cause is in our line; Lambda gets the sentence.
            outcome.map_err(|error| lambda_http::Error::from(error.to_string()))
        }
        .instrument(span)
    });
    serve(Runtime::new(service).run()).await
}

/// One line per run.
pub(crate) fn log(outcome: Result<&Counts, &BoxError>, meter: &Meter, started: Instant) {
    let spent = meter.take();
    macro_rules! line {
        ($level:ident, $($more:tt)*) => {
            tracing::$level!(
                duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
                write_units = spent.write_units,
                read_units = spent.read_units,
                dynamodb_requests = spent.dynamodb_requests,
                sqs_requests = spent.sqs_requests,
                $($more)*
            )
        };
    }
    match outcome {
        Ok(counts) => {
            let counts = serde_json::to_string(counts).unwrap_or_default();
            line!(info, counts, "run done");
        }
        Err(error) => line!(error, error = %Chain(error.as_ref()), "run failed"),
    }
}
