//! What a batch job goes through, on the emulator's tables and queues, with an explainer that does
//! what the test says.

use std::sync::{Arc, Mutex};

use aragora_batches::desk::{Asked, BatchDesk, Wish};
use aragora_batches::ending::Ending;
use aragora_batches::line::Line;
use aragora_batches::options::Options;
use aragora_batches::worker::{ChunkWorker, Explains};
use aragora_core::batch::{Batch, Priority, ResultStatus};
use aragora_core::ids::{DebateId, EventId};
use aragora_core::metrics::{Amount, Counters};
use aragora_core::time::Millis;
use aragora_events::publish::Publisher;
use aragora_explain::format::Format;
use aragora_explanations::explainer::{Explained, Outcome};
use aragora_explanations::views::View;
use aragora_queue::inbound::{Deadline, InboundMessage};
use aragora_queue::message::{ExplainChunk, decode};
use aragora_store::StoreError;
use aragora_store::batch_results::BatchResults;
use aragora_tests::queues::{Message, Queue};
use aragora_tests::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::adapters::{Lab, T0};
use crate::adapters_batches::debate;

pub(crate) fn clock() -> Millis {
    T0
}

/// Long enough for anything.
pub(crate) const DEADLINE: Deadline = Deadline(Millis(T0.0 + 60_000));

/// An explainer that says of each debate what the test wants.
#[derive(Debug)]
pub(crate) struct Told {
    outcome: fn(&DebateId) -> Outcome,
    /// How many debates each call had, and whether it is to fail.
    calls: Mutex<(Vec<usize>, usize)>,
}

impl Told {
    pub(crate) fn new(outcome: fn(&DebateId) -> Outcome) -> Self {
        Self { outcome, calls: Mutex::default() }
    }

    /// The sizes of the calls since the last time.
    pub(crate) fn sizes(&self) -> Vec<usize> {
        std::mem::take(&mut self.calls.lock().unwrap().0)
    }

    /// The next calls fail.
    pub(crate) fn fail_next(&self, times: usize) {
        self.calls.lock().unwrap().1 = times;
    }
}

impl Explains for Told {
    async fn explain(
        &self,
        org: &str,
        ids: &[DebateId],
        view: View,
        _now: Millis,
    ) -> Result<Vec<Explained>, StoreError> {
        assert_eq!((org, view), ("org", View::json(Format::Summary)));
        let mut calls = self.calls.lock().unwrap();
        calls.0.push(ids.len());
        if calls.1 > 0 {
            calls.1 -= 1;
            return Err(StoreError::Throttled);
        }
        let explained = |id| Explained { outcome: (self.outcome)(id), took_ms: 7 };
        Ok(ids.iter().map(explained).collect())
    }
}

pub(crate) fn explained(id: &DebateId) -> Outcome {
    Outcome::Explained(json!({"debate_id": id, "summary": "They agreed."}).to_string())
}

/// All that a job goes through, on tables and queues of its own.
pub(crate) struct Stage {
    pub(crate) desk: BatchDesk,
    pub(crate) ending: Ending,
    pub(crate) results: BatchResults,
    pub(crate) counters: Arc<Counters>,
    /// The queue of the worker, and its dead letters.
    pub(crate) queue: Queue,
    pub(crate) dead: Queue,
    dead_letters: aragora_queue::Queue,
}

impl Stage {
    pub(crate) async fn new(lab: &Lab) -> Self {
        let (queue, seen) = lab.queue().await;
        let (dead_letters, dead) = lab.queue().await;
        let (intents, results) = (lab.intents().await, lab.batch_results().await);
        let line = Line { batches: lab.batches().await, intents: intents.clone(), queue };
        let events_queue = lab.queue().await.0;
        let events = lab.events().await;
        let publisher = Publisher { events, intents, queue: events_queue, retention_days: 30 };
        let counters = Arc::<Counters>::default();
        Self {
            desk: BatchDesk {
                line: line.clone(),
                results: results.clone(),
                grace_ms: 60_000,
                counters: Arc::clone(&counters),
            },
            ending: Ending { line, publisher, counters: Arc::clone(&counters) },
            results,
            counters,
            queue: seen,
            dead,
            dead_letters,
        }
    }

    pub(crate) fn worker(&self, explainer: Told) -> ChunkWorker<Told> {
        ChunkWorker {
            ending: self.ending.clone(),
            results: self.results.clone(),
            explainer,
            dead_letters: self.dead_letters.clone(),
            at_once: 10,
            most_receives: 5,
            clock,
        }
    }

    pub(crate) async fn job(&self, debates: u32) -> Batch {
        self.job_at(debates, T0, Priority::Normal).await
    }

    pub(crate) async fn job_at(&self, debates: u32, now: Millis, priority: Priority) -> Batch {
        let options = Options { format: Format::Summary, ..Options::default() };
        let wish = Wish { debates: (0..debates).map(debate).collect(), options, priority };
        let asked = Asked { org: "org", request_id: "r", now, key: None };
        self.desk.make(asked, wish).await.unwrap().job
    }

    pub(crate) async fn get(&self, job: &Batch) -> Batch {
        self.desk.get("org", &job.plan.id).await.unwrap()
    }

    /// Takes the chunks off the queue that are there.
    pub(crate) async fn queued(&self, count: usize) -> Vec<ExplainChunk> {
        let mut found = Vec::new();
        eventually(PATIENCE, &format!("{count} messages"), async || {
            for message in self.queue.receive(60).await {
                self.queue.delete(&message).await;
                found.push(decode::<ExplainChunk>(&message.body).unwrap());
            }
            (found.len() >= count).then_some(())
        })
        .await;
        assert_eq!(found.len(), count, "{found:?}");
        assert_eq!(self.queue.depth().await.total(), 0);
        found.sort_by_key(|order| order.chunk);
        found
    }

    /// Takes the chunks off the queue, each once: two who begin a job in the same millisecond both
    /// ask for its chunks, which are counted once.
    pub(crate) async fn queued_once(&self, count: usize) -> Vec<ExplainChunk> {
        let mut found: Vec<ExplainChunk> = Vec::new();
        eventually(PATIENCE, &format!("{count} messages"), async || {
            for message in self.queue.receive(60).await {
                self.queue.delete(&message).await;
                let order = decode::<ExplainChunk>(&message.body).unwrap();
                if !found.contains(&order) {
                    found.push(order);
                }
            }
            (found.len() >= count).then_some(())
        })
        .await;
        assert_eq!(found.len(), count, "{found:?}");
        found
    }

    /// The statuses of all results, in order.
    pub(crate) async fn statuses(&self, job: &Batch) -> Vec<ResultStatus> {
        let places = 0..job.plan.total;
        self.results.statuses("org", &job.plan.id, places).await.unwrap().into_values().collect()
    }

    /// The job's event, when it was published.
    pub(crate) async fn event(&self, job: &Batch) -> Option<Value> {
        let parts = ["org", "explanation.batch_completed", job.plan.id.as_str()];
        let id = EventId::of(&parts, job.plan.created_at);
        let event = self.ending.publisher.events.get("org", &id, true).await.unwrap()?;
        assert_eq!(event.event_type, "explanation.batch_completed");
        Some(serde_json::from_str(&event.data).unwrap())
    }

    /// How many jobs came to each status, and how many durations there are.
    pub(crate) fn counted(&self) -> Vec<(Vec<&'static str>, usize)> {
        let amount = |amount| match amount {
            Amount::Count(count) => usize::try_from(count).unwrap(),
            Amount::Times(times) => times.len(),
        };
        self.counters.take().into_iter().map(|it| (it.values, amount(it.amount))).collect()
    }

    pub(crate) async fn dead_letter(&self) -> Message {
        self.dead.take(PATIENCE, "a dead letter", |_| true).await
    }
}

pub(crate) fn received(body: String, receive_count: u32) -> Vec<InboundMessage> {
    vec![InboundMessage {
        message_id: "1".to_owned(),
        body,
        receive_count,
        request_id: None,
        group: Some("org".to_owned()),
        source_arn: "arn".to_owned(),
    }]
}

pub(crate) fn order(job: &Batch, chunk: u32) -> ExplainChunk {
    ExplainChunk {
        org: "org".to_owned(),
        batch_id: job.plan.id.clone(),
        chunk,
        request_id: "r".to_owned(),
        give_up: false,
    }
}
