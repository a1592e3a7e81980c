//! Functions that an operator invokes by hand, with something to say and something to hear.

use std::time::Instant;

use aragora_core::time::Millis;
use aragora_queue::inbound::Deadline;
use futures_util::FutureExt;
use lambda_http::lambda_runtime::Runtime;
use lambda_http::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use thiserror::Error;
use tracing::Instrument;

use crate::boot::{Boot, BootError, BoxError, forever, invocation, serve};
use crate::config::FromEnvironment;
use crate::schedule::{Counts, log};

/// What was sent is not what the function takes. The detail is for the operator who sent it.
#[derive(Debug, Error)]
#[error("the payload is not what this function takes: {0}")]
struct BadPayload(serde_json::Error);

/// Runs a function that is invoked by hand. Its payload is a JSON object; whoever may invoke it is
/// decided by IAM.
///
/// `handle` gets the time at which Lambda ends the invocation, and must be safe to run twice at
/// once. It answers what is logged, and what the operator is told. Its `Err` is the function's.
pub async fn run_invoked<C, A, B, I, O, H, Fut>(build: B, handle: H) -> Result<(), BootError>
where
    C: FromEnvironment,
    A: Send + Sync + 'static,
    B: FnOnce(Boot<C>) -> Result<A, BoxError>,
    I: DeserializeOwned + Send,
    O: Serialize + Send,
    H: Fn(&'static A, I, Deadline) -> Fut,
    Fut: Future<Output = Result<(Counts, O), BoxError>> + Send,
{
    let boot = Boot::<C>::from_process()?;
    let meter = boot.aws.meter();
    let app = forever(build(boot))?;
    let (handle, meter) = (&handle, &*meter);
    let service = service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let span = invocation(&event.context);
        let deadline = Deadline(Millis(i64::try_from(event.context.deadline).unwrap_or(i64::MAX)));
        async move {
            let started = Instant::now();
            let outcome = match serde_json::from_str(event.payload.get()) {
                Ok(payload) => handle(app, payload, deadline).boxed().await,
                Err(error) => Err(BadPayload(error).into()),
            };
            log(outcome.as_ref().map(|(counts, _)| counts), meter, started);
            // The cause is in our line; Lambda gets the sentence.
            let answer = outcome.map(|(_, answer)| answer);
            answer.map_err(|error| lambda_http::Error::from(error.to_string()))
        }
        .instrument(span)
    });
    serve(Runtime::new(service).run()).await
}
