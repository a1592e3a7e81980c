//! How many explanations a CPU-second gives: `explain_bench DIRECTORY`.
//!
//! Writes the debates it measures with as `agents_3.json` and `agents_12.json` into the directory,
//! and what it measured as `ours.json`; `infra/local/explain_reference.py` runs the same debates
//! through the published Python package. One explanation is a debate in memory explained in full
//! and written out as the detailed JSON; reading the record is not in it on either side.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a tool for the terminal: the figures are what it is for, and it ends where it cannot go on"
)]

use std::fs;
use std::hint::black_box;
use std::path::Path;

use aragora_explain::explain;
use aragora_explain::format::{Document, Format, Identity, Parts};
use aragora_explain::record::{Agent, Debate, Kind, Move, Position, Vote};
use serde_json::{Value, json};

/// How many measurements there are; the median counts.
const RUNS: usize = 5;
/// `/proc/self/stat` counts in hundredths of a second, so a run is long beside that.
const TICKS_PER_RUN: u64 = 100;
const TICKS_PER_SECOND: f64 = 100.0;

const SENTENCES: [&str; 12] = [
    "Move the invoices first, because nothing else writes to them at night.",
    "A dual write for two weeks costs one more request and shows every difference.",
    "The **ledger** must stay readable while it moves: auditors ask for it without notice.",
    "- Backfill in order of age, newest last, so that a restart repeats little.",
    "Measured on a copy, 4 TB took eleven hours with eight workers and no lock above 40 ms.",
    "A trigger on the old tables would double the latency of the busiest path.",
    "## Risks\nThe export job reads a view that the new schema does not have.",
    "Rolling back after the cut-over is only possible while both sides take writes.",
    "Change data capture leaves the application alone, but its lag was 90 s at month end.",
    "Compare checksums per customer rather than per table: a difference then has an owner.",
    "We would need a freeze of twenty minutes; support has agreed to announce it.",
    "Feature flags per region make the blast radius one country at a time.",
];
const NAMES: [&str; 12] = [
    "claude", "gpt4", "gemini", "grok", "mistral", "qwen", "deepseek", "llama", "command", "nova",
    "phi", "yi",
];

fn main() {
    let directory = std::env::args().nth(1).expect("usage: explain_bench DIRECTORY");
    let directory = Path::new(&directory);
    fs::create_dir_all(directory).expect("the directory can be made");
    let mut ours = serde_json::Map::new();
    for agents in [3, 12] {
        let debate = debate(agents);
        let name = format!("agents_{agents}");
        let text = serde_json::to_string_pretty(&record(&debate)).expect("a record is JSON");
        fs::write(directory.join(format!("{name}.json")), text).expect("it can be written");
        let figure = per_cpu_second(&debate);
        println!(
            "{name}: {figure:.0} explanations per CPU-second, {} bytes each",
            explained(&debate).len()
        );
        ours.insert(name, json!(figure));
    }
    let text = serde_json::to_string_pretty(&ours).expect("figures are JSON");
    fs::write(directory.join("ours.json"), text).expect("it can be written");
}

fn explained(debate: &Debate) -> Vec<u8> {
    let identity = Identity { debate_id: "bench", generated_at: "2026-11-21T12:00:00Z" };
    let explanation = explain(debate);
    let document =
        Document::new(&explanation, debate, Format::Detailed, Parts::default(), identity);
    serde_json::to_vec(&document).expect("a document is JSON")
}

fn per_cpu_second(debate: &Debate) -> f64 {
    let mut figures = Vec::new();
    for _ in 0..=RUNS {
        let begin = cpu_ticks();
        let mut explanations = 0.0;
        let spent = loop {
            for _ in 0..1_000 {
                black_box(explained(black_box(debate)));
                explanations += 1.0;
            }
            let spent = cpu_ticks() - begin;
            if spent >= TICKS_PER_RUN {
                break spent;
            }
        };
        let seconds = f64::from(u32::try_from(spent).expect("minutes")) / TICKS_PER_SECOND;
        figures.push(explanations / seconds);
    }
    // The first run warms up.
    figures.remove(0);
    figures.sort_by(f64::total_cmp);
    *figures.get(RUNS / 2).expect("there are runs")
}

/// User and system time of this process: fields 14 and 15, counted after its name.
fn cpu_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux has /proc");
    let (_, fields) = stat.rsplit_once(')').expect("the name is in brackets");
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let tick = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    tick(11).zip(tick(12)).map(|(user, system)| user + system).expect("there are times")
}

/// A debate of three rounds: everybody proposes, criticises twice and revises, and most are for the
/// same.
fn debate(agents: usize) -> Debate {
    let names: Vec<&str> = NAMES.iter().copied().take(agents).collect();
    let next = |at: usize| names.iter().copied().cycle().nth(at + 1).unwrap_or_default();
    let text = |seed: usize, sentences: usize| -> String {
        let each = (0..sentences).map(|at| SENTENCES.iter().cycle().nth((seed * 5 + at * 7) % 12));
        each.flatten().copied().collect::<Vec<_>>().join("\n")
    };
    let said = |at: usize, kind: Kind, round: u32, sentences: usize| Move {
        agent: (*names.get(at).expect("there are so many")).to_owned(),
        kind,
        role: None,
        round,
        content: text(at + round as usize, sentences),
        target: (kind == Kind::Critique).then(|| next(at).to_owned()),
        severity: (kind == Kind::Critique).then_some(0.4),
        timestamp: None,
    };
    let all = || 0..agents;
    let moves = all()
        .map(|at| said(at, Kind::Proposal, 1, 10))
        .chain(all().map(|at| said(at, Kind::Critique, 1, 5)))
        .chain(all().map(|at| said(at, Kind::Critique, 2, 4)))
        .collect();
    let votes = names.iter().enumerate().map(|(at, name)| Vote {
        agent: (*name).to_owned(),
        choice: if at % 3 == 2 { "gpt4" } else { "claude" }.to_owned(),
        confidence: Some(0.7),
        reasoning: Some(text(at, 2)),
        ..Vote::default()
    });
    let positions = (1..=3).flat_map(|round| {
        names.iter().enumerate().map(move |(at, name)| Position {
            agent: (*name).to_owned(),
            position: if round > 1 && at % 2 == 1 {
                "move it in one night"
            } else {
                "move it slowly"
            }
            .to_owned(),
            confidence: Some(0.6),
            round,
        })
    });
    let mut votes: Vec<Vote> = votes.collect();
    votes.sort_by(|a, b| a.agent.cmp(&b.agent));
    Debate {
        task: "How should the billing database move to the new cluster?".to_owned(),
        agents: names
            .iter()
            .map(|name| Agent { name: (*name).to_owned(), ..Agent::default() })
            .collect(),
        rounds: 3,
        moves,
        votes,
        positions: positions.collect(),
        consensus_reached: Some(true),
        winner: Some("claude".to_owned()),
        final_answer: Some(text(0, 10)),
        confidence: Some(0.8),
        consensus_margin: Some(1.0 / 3.0),
        ..Debate::default()
    }
}

/// The debate as the record that it would be read from.
fn record(debate: &Debate) -> Value {
    let of_kind = |kind: Kind| debate.moves.iter().filter(move |it| it.kind == kind);
    let proposals: Vec<Value> = of_kind(Kind::Proposal)
        .map(|it| json!({ "agent": it.agent, "round": it.round, "content": it.content }))
        .collect();
    let critiques: Vec<Value> = of_kind(Kind::Critique)
        .map(|it| {
            json!({
                "critic": it.agent, "target": it.target, "round": it.round,
                "content": it.content, "severity": it.severity,
            })
        })
        .collect();
    let votes: Vec<Value> = debate
        .votes
        .iter()
        .map(|it| {
            json!({
                "agent": it.agent, "choice": it.choice, "confidence": it.confidence,
                "reasoning": it.reasoning,
            })
        })
        .collect();
    let mut positions = serde_json::Map::new();
    for agent in &debate.agents {
        let own = debate.positions.iter().filter(|it| it.agent == agent.name);
        let own: Vec<Value> = own
            .map(|it| json!({ "position": it.position, "confidence": it.confidence, "round": it.round }))
            .collect();
        positions.insert(agent.name.clone(), json!(own));
    }
    json!({
        "debate_id": "bench",
        "task": debate.task,
        "agents": debate.agents.iter().map(|it| &it.name).collect::<Vec<_>>(),
        "rounds": debate.rounds,
        "proposals": proposals,
        "critiques": critiques,
        "votes": votes,
        "positions": positions,
        "consensus_reached": debate.consensus_reached,
        "winner": debate.winner,
        "final_answer": debate.final_answer,
        "confidence": debate.confidence,
        "consensus_margin": debate.consensus_margin,
    })
}
