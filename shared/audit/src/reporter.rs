//! Reporting what happened, from where it happened.

use std::sync::Arc;
use std::time::Duration;

use aragora_core::audit::Happening;
use aragora_core::metrics::Counters;
use aragora_queue::message::{Report, encode};
use aragora_queue::{Outgoing, Queue};
use tokio::time::timeout;

/// The longest that a caller waits for the queue.
const PATIENCE: Duration = Duration::from_secs(2);
/// Happenings on one message. Even the longest stay far below what SQS takes.
const ON_A_MESSAGE: usize = 25;

/// Reports security happenings to the `security` queue.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// The queue.
    pub queue: Queue,
    /// Where reports are counted.
    pub counters: Arc<Counters>,
}

impl Reporter {
    /// Reports what happened in one request: one request to SQS for up to 250 happenings, none for
    /// none. Waits at most two seconds and never fails: a report that cannot be sent is an error in
    /// the log, with everything that it would have said, and a count that an alarm watches.
    pub async fn report(&self, happenings: Vec<Happening>) {
        if happenings.is_empty() {
            return;
        }
        for happening in &happenings {
            self.counters.security_event(happening.action.as_str());
        }
        let happenings: Vec<_> = happenings.into_iter().map(Happening::bounded).collect();
        let groups: Vec<&[Happening]> = happenings
            .chunk_by(|one, other| one.org == other.org)
            .flat_map(|group| group.chunks(ON_A_MESSAGE))
            .collect();
        let messages: Vec<Outgoing> = groups.iter().filter_map(|group| message(group)).collect();
        match timeout(PATIENCE, self.queue.send_all(&messages)).await {
            Ok(outcomes) => {
                for (group, outcome) in groups.iter().zip(outcomes) {
                    if let Err(error) = outcome {
                        self.lost(group, &error);
                    }
                }
            }
            Err(late) => {
                for group in groups {
                    self.lost(group, &late);
                }
            }
        }
    }

    /// The line is the last place where the happening is. What it says is bounded and without
    /// secrets.
    fn lost(&self, happenings: &[Happening], error: &(dyn std::error::Error + 'static)) {
        self.counters.security_reports_lost(u64::try_from(happenings.len()).unwrap_or(u64::MAX));
        for it in happenings {
            tracing::error!(
                happening_id = it.id,
                org_id = it.org,
                action = it.action.as_str(),
                outcome = it.outcome.as_str(),
                actor = it.actor,
                target = it.target,
                address = it.address,
                request_id = it.request_id,
                error,
                "a security report could not be sent"
            );
        }
    }
}

fn message(happenings: &[Happening]) -> Option<Outgoing> {
    let first = happenings.first()?;
    Some(Outgoing {
        body: encode(&Report { org: first.org.clone(), happenings: happenings.to_vec() }),
        group: first.org.clone(),
        request_id: first.request_id.clone(),
        delay_seconds: 0,
        reason: None,
    })
}
