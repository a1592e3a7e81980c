//! Moving what can never be read out of the way.

use crate::inbound::InboundMessage;
use crate::sqs::{Outgoing, Queue};

/// Puts messages that can never be read on a dead-letter queue, each with the reason; gives back
/// the ids of those that could not be moved, which SQS itself moves when they come back too often.
pub async fn bury(
    dead_letters: &Queue,
    poison: Vec<(InboundMessage, &'static str)>,
) -> Vec<String> {
    let (ids, letters): (Vec<_>, Vec<_>) = poison
        .into_iter()
        .map(|(message, reason)| {
            let letter = Outgoing {
                body: message.body,
                group: message.group.unwrap_or_else(|| "unknown".to_owned()),
                request_id: message.request_id.unwrap_or_default(),
                delay_seconds: 0,
                reason: Some(reason),
            };
            (message.message_id, letter)
        })
        .unzip();
    let outcomes = dead_letters.send_all(&letters).await;
    ids.into_iter()
        .zip(outcomes)
        .filter(|(_, outcome)| outcome.is_err())
        .map(|(id, _)| id)
        .collect()
}
