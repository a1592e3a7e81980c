//! What explaining a thousand debates in one job costs, and how long it takes; then once more, when
//! all of it is in the cache.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};

use crate::bench::deliveries::prose;
use crate::bench::spent::{Spent, as_f64, counted, cpu};
use crate::clock::now_millis;
use crate::stack::Session;
use crate::tenant::Tenant;
use crate::wait::eventually;

/// Debates of the job: as many as there may be.
pub const DEBATES: usize = 1_000;
/// Bytes of each of a debate's three proposals; a critique has half of that.
pub const PROPOSAL: usize = 2_000;
/// The worker.
pub const WORKER: &str = "explain";

const LIMIT: Duration = Duration::from_mins(5);
/// Debates that are posted side by side.
const POSTED_AT_ONCE: usize = 16;

/// One job.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// From the request to the end of the job.
    pub wall_seconds: f64,
    /// The worker's share of one debate.
    pub each: Spent,
    /// The most memory that a process of the worker has had so far, in megabytes.
    pub peak_megabytes: f64,
}

/// Stores the debates, and explains them twice: worked out, then from the cache.
///
/// # Panics
/// When the stack does not do it in five minutes.
pub async fn measure(session: &Session) -> [Job; 2] {
    let tenant = session.tenant();
    let ids: Vec<String> = stream::iter(0..DEBATES)
        .map(|number| stored(&tenant, number))
        .buffered(POSTED_AT_ONCE)
        .collect()
        .await;
    let first = run(session, &tenant, &ids).await;
    [first, run(session, &tenant, &ids).await]
}

async fn stored(tenant: &Tenant, number: usize) -> String {
    let debate = tenant.admin.post("/api/debates", &record(number)).await.must(201);
    debate["debate_id"].as_str().expect("an id").to_owned()
}

fn record(number: usize) -> Value {
    let text = |part: usize, bytes: usize| prose(number * 8 + part, bytes);
    json!({
        "task": format!("Question {number}: {}", text(0, 80)),
        "agents": ["claude", "gpt4", "gemini"],
        "rounds": 2,
        "proposals": {"claude": text(1, PROPOSAL), "gpt4": text(2, PROPOSAL), "gemini": text(3, PROPOSAL)},
        "critiques": [
            {"critic": "gpt4", "target": "claude", "round": 1, "content": text(4, PROPOSAL / 2)},
            {"critic": "gemini", "target": "gpt4", "round": 2, "content": text(5, PROPOSAL / 2)},
        ],
        "votes": {"claude": "claude", "gpt4": "claude", "gemini": "gpt4"},
        "consensus_reached": true,
        "confidence": 0.8,
    })
}

async fn run(session: &Session, tenant: &Tenant, ids: &[String]) -> Job {
    let cpu_before = cpu(session, &[WORKER]);
    let (since, begin) = (now_millis(), Instant::now());
    let wish = json!({"debate_ids": ids, "options": {"format": "detailed"}});
    let job = tenant.admin.post("/api/explainability/batch", &wish).await.must(202);
    let path = format!("/api/explainability/batch/{}", job["job_id"].as_str().expect("an id"));
    eventually(LIMIT, "the job to end", async || {
        (tenant.admin.get(&path).await.must(200)["status"] == "completed").then_some(())
    })
    .await;
    let wall_seconds = begin.elapsed().as_secs_f64();
    let queue = session.queue("explanations");
    eventually(LIMIT, "the queue to be empty", async || {
        (queue.depth().await.total() == 0).then_some(())
    })
    .await;
    let worker = session.function(WORKER);
    let mut spent = counted(&worker, since, true).await;
    spent.cpu_ms = cpu(session, &[WORKER])[0] - cpu_before[0];
    let peaks = worker.processes().iter().map(|process| process.peak_kilobytes()).max();
    let peak = usize::try_from(peaks.unwrap_or_default()).expect("memory fits");
    Job {
        wall_seconds,
        each: spent.divided(as_f64(DEBATES)),
        peak_megabytes: as_f64(peak) / 1_024.0,
    }
}
