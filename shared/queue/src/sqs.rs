//! Sending to SQS in batches, and finishing what a batch left undone.

use std::sync::{Arc, LazyLock};

use aragora_core::cost::Meter;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use futures_util::future::join_all;
use thiserror::Error;

/// Messages in one `SendMessageBatch`.
const BATCH: usize = 10;
/// Bytes in one request: below the 1 MiB that SQS takes, by more than attributes need.
const BATCH_BYTES: usize = 900 * 1024;
/// Bytes that SQS bills as one request.
const BILLED_BYTES: usize = 64 * 1024;
/// How often a message that a batch refused is sent again.
const ROUNDS: usize = 3;

type Build = Box<dyn FnOnce() -> Client + Send>;

/// The client, built at first use so that a process reaches its first poll sooner, and the meter
/// that its requests are counted on.
#[derive(Debug, Clone)]
pub struct Sqs {
    client: Arc<LazyLock<Client, Build>>,
    meter: Arc<Meter>,
}

impl Sqs {
    /// Requests that are made with the client that `build` makes and counted on `meter`.
    pub fn new(build: impl FnOnce() -> Client + Send + 'static, meter: Arc<Meter>) -> Self {
        Self { client: Arc::new(LazyLock::new(Box::new(build))), meter }
    }
}

/// Why a message is not known to be on a queue.
#[derive(Debug, Error)]
pub enum QueueError {
    /// The call failed, or its answer did not come: the message may be on the queue.
    #[error("the queue did not answer")]
    Unavailable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The queue took others of the batch and not this one.
    #[error("the queue refused the message ({0})")]
    Refused(String),
}

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its body.
    pub body: String,
    /// Its group: the organisation, so that one organisation's backlog does not delay another's.
    pub group: String,
    /// The request it goes back to, for logs.
    pub request_id: String,
    /// Seconds until it becomes visible: 0 to 900.
    pub delay_seconds: i32,
    /// Why it is on a dead-letter queue.
    pub reason: Option<&'static str>,
}

/// One queue.
#[derive(Debug, Clone)]
pub struct Queue {
    sqs: Sqs,
    url: String,
}

impl Queue {
    /// The queue at `url`.
    pub const fn new(sqs: Sqs, url: String) -> Self {
        Self { sqs, url }
    }

    /// Whether this is the queue that `arn` names.
    pub fn is(&self, arn: &str) -> bool {
        self.url.rsplit('/').next() == arn.rsplit(':').next()
    }

    /// Sends messages, ten a request, and says of each, in order, whether it is on the queue.
    /// Delivery is at least once: a message may end up there twice.
    pub async fn send_all(&self, messages: &[Outgoing]) -> Vec<Result<(), QueueError>> {
        let chunks = split(messages);
        join_all(chunks.into_iter().map(|chunk| self.send_chunk(chunk)))
            .await
            .into_iter()
            .flatten()
            .collect()
    }

    async fn send_chunk(&self, messages: &[Outgoing]) -> Vec<Result<(), QueueError>> {
        let mut results: Vec<Result<(), QueueError>> = messages.iter().map(|_| Ok(())).collect();
        let mut left: Vec<usize> = (0..messages.len()).collect();
        for _ in 0..ROUNDS {
            let entries: Vec<_> =
                left.iter().filter_map(|&at| entry(at, messages.get(at)?)).collect();
            self.count(messages, &left);
            let answer = self
                .sqs
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries))
                .send()
                .await;
            let failed: Vec<(usize, QueueError)> = match answer {
                Ok(answer) => answer
                    .failed()
                    .iter()
                    .filter_map(|entry| {
                        Some((
                            entry.id().parse().ok()?,
                            QueueError::Refused(entry.code().to_owned()),
                        ))
                    })
                    .collect(),
                Err(error) => {
                    let cause: Arc<dyn std::error::Error + Send + Sync> = Arc::new(error);
                    left.iter()
                        .map(|&at| (at, QueueError::Unavailable(Arc::clone(&cause))))
                        .collect()
                }
            };
            for &at in &left {
                replace(&mut results, at, Ok(()));
            }
            left = failed.iter().map(|(at, _)| *at).collect();
            // The SDK has repeated a whole call already; only refused entries are worth a round.
            let again = failed.iter().all(|(_, error)| matches!(error, QueueError::Refused(_)));
            for (at, error) in failed {
                replace(&mut results, at, Err(error));
            }
            if left.is_empty() || !again {
                break;
            }
        }
        results
    }

    fn count(&self, messages: &[Outgoing], sent: &[usize]) {
        let bytes: usize =
            sent.iter().filter_map(|&at| messages.get(at)).map(|message| message.body.len()).sum();
        for _ in 0..bytes.div_ceil(BILLED_BYTES).max(1) {
            self.sqs.meter.queued();
        }
    }
}

fn replace<T>(slots: &mut [T], at: usize, value: T) {
    if let Some(slot) = slots.get_mut(at) {
        *slot = value;
    }
}

/// Cuts messages into runs that fit one request.
fn split(messages: &[Outgoing]) -> Vec<&[Outgoing]> {
    let mut chunks = Vec::new();
    let mut rest = messages;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take(BATCH).take_while(|message| {
            bytes += message.body.len();
            bytes <= BATCH_BYTES
        });
        // A single message over the limit goes alone, and SQS says what is wrong with it.
        let (chunk, tail) = rest.split_at(fitting.count().max(1));
        chunks.push(chunk);
        rest = tail;
    }
    chunks
}

fn entry(at: usize, message: &Outgoing) -> Option<SendMessageBatchRequestEntry> {
    let attribute = |value: &str| {
        MessageAttributeValue::builder().data_type("String").string_value(value).build().ok()
    };
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(at.to_string())
        .message_body(&message.body)
        .message_group_id(&message.group);
    if message.delay_seconds > 0 {
        entry = entry.delay_seconds(message.delay_seconds);
    }
    if !message.request_id.is_empty() {
        entry = entry.message_attributes("request_id", attribute(&message.request_id)?);
    }
    if let Some(reason) = message.reason {
        entry = entry.message_attributes("reason", attribute(reason)?);
    }
    entry.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Outgoing {
        Outgoing {
            body: "x".repeat(bytes),
            group: "org".into(),
            request_id: "r".into(),
            delay_seconds: 0,
            reason: None,
        }
    }

    #[test]
    fn requests_hold_ten_messages_and_under_a_mebibyte() {
        let sizes = |messages: &[Outgoing]| {
            split(messages).iter().map(|chunk| chunk.len()).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&vec![message(10); 23]), [10, 10, 3]);
        assert_eq!(sizes(&vec![message(300 * 1024); 5]), [3, 2]);
        assert_eq!(sizes(&[message(2_000_000), message(1)]), [1, 1]);
        assert_eq!(sizes(&[]), [] as [usize; 0]);
    }
}
