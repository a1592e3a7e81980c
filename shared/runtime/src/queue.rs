//! Functions that take batches from a queue.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>: with
//! `ReportBatchItemFailures`, only the messages named in the answer come back. A name that is
//! empty or not of the batch makes Lambda bring back the whole batch, so it is an error here.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use aragora_api::error::Chain;
use aragora_core::cost::Meter;
use aragora_core::time::Millis;
use aragora_queue::inbound::{Deadline, InboundMessage};
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use lambda_http::lambda_runtime::Runtime;
use lambda_http::{Context, LambdaEvent, service_fn};
use thiserror::Error;
use tracing::Instrument;

use crate::boot::{Boot, BootError, BoxError, forever, invocation, serve};
use crate::clock;
use crate::config::FromEnvironment;

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// The message ids that must come back. All others are done with.
    pub failed: Vec<String>,
    /// What was done, for the log: `delivered`, `retrying`, ...
    pub counts: BTreeMap<&'static str, u64>,
}

/// Why a whole batch comes back.
#[derive(Debug, Error)]
pub enum BatchError {
    /// Nothing could be done: what the handler stands on does not answer.
    #[error("the batch failed")]
    Handler(#[source] BoxError),
    /// A message cannot be named in the answer.
    #[error("a message of the batch has no id")]
    NoId,
    /// The handler named a message that was not in the batch.
    #[error("the handler reported a message that was not in the batch")]
    UnknownId,
}

/// Runs a function that takes batches from a queue.
///
/// `handle` gets every message and the time at which Lambda ends the invocation, and reports the
/// messages that must come back. Its `Err` means that nothing could be done; a panic brings back
/// all messages.
///
/// ```ignore
/// run_sqs(apps::deliver, aragora_runtime::apps::deliver_batch).await
/// ```
pub async fn run_sqs<C, A, B, H, Fut>(build: B, handle: H) -> Result<(), BootError>
where
    C: FromEnvironment,
    A: Send + Sync + 'static,
    B: FnOnce(Boot<C>) -> Result<A, BoxError>,
    H: Fn(&'static A, Vec<InboundMessage>, Deadline) -> Fut,
    Fut: Future<Output = Result<BatchReport, BoxError>> + Send,
{
    let boot = Boot::<C>::from_process()?;
    let (meter, metrics) = (boot.aws.meter(), boot.metrics());
    let app = forever(build(boot))?;
    let (handle, meter, metrics) = (&handle, &*meter, &metrics);
    let service = service_fn(move |event: LambdaEvent<SqsEvent>| {
        let span = invocation(&event.context);
        let LambdaEvent { payload, context } = event;
        let run = move |batch, deadline| handle(app, batch, deadline);
        async move {
            let outcome = process(payload, &context, meter, run).await;
            metrics.flush(clock::now());
            outcome.map_err(|error| sentence(&error))
        }
        .instrument(span)
    });
    serve(Runtime::new(service).run()).await
}

/// The cause goes into our one line; Lambda gets the sentence.
fn sentence(error: &BatchError) -> lambda_http::Error {
    error.to_string().into()
}

async fn process<H, Fut>(
    event: SqsEvent,
    context: &Context,
    meter: &Meter,
    handle: H,
) -> Result<SqsBatchResponse, BatchError>
where
    H: FnOnce(Vec<InboundMessage>, Deadline) -> Fut,
    Fut: Future<Output = Result<BatchReport, BoxError>>,
{
    let started = Instant::now();
    let deadline = Deadline(Millis(i64::try_from(context.deadline).unwrap_or(i64::MAX)));
    let batch: Vec<InboundMessage> = event.records.into_iter().map(inbound).collect();
    let ids: Vec<String> = batch.iter().map(|message| message.message_id.clone()).collect();
    let requests: BTreeSet<String> =
        batch.iter().filter_map(|message| message.request_id.clone()).collect();
    let outcome = if ids.iter().any(String::is_empty) {
        Err(BatchError::NoId)
    } else {
        contain(&ids, || handle(batch, deadline)).await.and_then(|report| check(report, &ids))
    };
    log(&ids, &requests, outcome.as_ref(), meter, started);
    outcome.map(|report| response(report.failed))
}

async fn contain<H, Fut>(ids: &[String], handle: H) -> Result<BatchReport, BatchError>
where
    H: FnOnce() -> Fut,
    Fut: Future<Output = Result<BatchReport, BoxError>>,
{
    match AssertUnwindSafe(async move { handle().await }).catch_unwind().await {
        Ok(outcome) => outcome.map_err(BatchError::Handler),
        // Said by the panic hook already.
        Err(_) => {
            Ok(BatchReport { failed: ids.to_vec(), counts: BTreeMap::from([("panicked", 1)]) })
        }
    }
}

fn check(report: BatchReport, ids: &[String]) -> Result<BatchReport, BatchError> {
    let known: HashSet<&String> = ids.iter().collect();
    if report.failed.iter().all(|id| known.contains(id)) {
        Ok(report)
    } else {
        Err(BatchError::UnknownId)
    }
}

fn inbound(message: SqsMessage) -> InboundMessage {
    let attribute = |name: &str| message.attributes.get(name).cloned();
    let request_id =
        message.message_attributes.get("request_id").and_then(|it| it.string_value.clone());
    InboundMessage {
        receive_count: attribute("ApproximateReceiveCount")
            .and_then(|count| count.parse().ok())
            .unwrap_or(1),
        request_id,
        group: attribute("MessageGroupId"),
        message_id: message.message_id.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        source_arn: message.event_source_arn.unwrap_or_default(),
    }
}

fn response(failed: Vec<String>) -> SqsBatchResponse {
    let mut answer = SqsBatchResponse::default();
    answer.batch_item_failures = failed
        .into_iter()
        .map(|id| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = id;
            failure
        })
        .collect();
    answer
}

/// One line per batch.
fn log(
    ids: &[String],
    requests: &BTreeSet<String>,
    outcome: Result<&BatchReport, &BatchError>,
    meter: &Meter,
    started: Instant,
) {
    let spent = meter.take();
    let requests = requests.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    macro_rules! line {
        ($level:ident, $($more:tt)*) => {
            tracing::$level!(
                messages = ids.len(),
                request_ids = requests,
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
        Ok(report) => {
            let counts = serde_json::to_string(&report.counts).unwrap_or_default();
            line!(info, failed = report.failed.len(), counts, "batch done");
        }
        Err(error) => line!(error, failed = ids.len(), error = %Chain(error), "batch failed"),
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
