//! The record that events make.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::order::ordered;
use super::{MAX_RECORD_EVENTS, StreamEvent};
use crate::record::{self, MAX_AGENTS, Object};

/// What the start of a debate says of it.
const START: [&str; 11] = [
    "debate_id",
    "task",
    "question",
    "topic",
    "domain",
    "workspace_id",
    "tags",
    "agents",
    "participants",
    "started_at",
    "tokens_used",
];
/// What a consensus or the end of a debate says of it.
const OUTCOME: [&str; 29] = [
    "task",
    "question",
    "topic",
    "domain",
    "workspace_id",
    "tags",
    "consensus",
    "consensus_reached",
    "confidence",
    "consensus_margin",
    "margin",
    "winner",
    "winning_agent",
    "final_answer",
    "answer",
    "conclusion",
    "final_verdict",
    "final_decision",
    "verdict",
    "decision",
    "vote_counts",
    "vote_tally",
    "rounds_used",
    "rounds_completed",
    "duration",
    "duration_seconds",
    "duration_ms",
    "completed_at",
    "cost_usd",
];
/// Objects within the end of a debate that say it too.
const NESTED: [&str; 4] = ["final_result", "result", "debate_result", "summary"];

/// The canonical record of a debate so far. It is the same for every order of the events and any
/// repeats of them, and [`record::read`](crate::record::read) has nothing to object to it, if
/// [`read`](super::read) accepted the events. Events that are no part of a record are left out.
pub fn record_of(events: &[StreamEvent]) -> Value {
    let mut record = Map::new();
    let (mut messages, mut votes) = (Vec::new(), Vec::new());
    let mut rounds = 0;
    let mut left_out = 0;
    let events = ordered(events);
    // Who is listed takes part first; what is said later by too many others is left out.
    let mut known = listed(&events);
    for (place, event) in events.iter().enumerate() {
        rounds = rounds.max(event.round.unwrap_or(0));
        let is_said =
            matches!(event.event_type.as_str(), "agent_message" | "critique" | "vote" | "error");
        if is_said {
            let author = author(event);
            let is_one_too_many = !known.contains(&author) && known.len() >= MAX_AGENTS;
            if is_one_too_many || place >= MAX_RECORD_EVENTS {
                left_out += 1;
                continue;
            }
            known.insert(author);
        }
        match event.event_type.as_str() {
            "debate_start" => start(event, &mut record),
            "agent_message" => messages.push(message(event, None)),
            "critique" => messages.push(message(event, Some("critique"))),
            "error" => messages.push(failure(event)),
            "vote" => votes.extend(vote(event)),
            "consensus" | "debate_end" => outcome(event, &mut record),
            _ => {}
        }
    }
    for (name, list) in [("messages", messages), ("votes", votes)] {
        if !list.is_empty() {
            record.insert(name.to_owned(), Value::Array(list));
        }
    }
    if rounds > 0 && !record.contains_key("rounds_used") && !record.contains_key("rounds_completed")
    {
        record.insert("rounds".to_owned(), json!(rounds));
    }
    if left_out > 0 {
        record.insert("events_left_out".to_owned(), json!(left_out));
    }
    Value::Object(record)
}

/// Under which name a record has what is said in an event, or one that stands for it.
fn author(event: &StreamEvent) -> String {
    let role = || event.content.get("role").and_then(Value::as_str);
    event.agent.clone().unwrap_or_else(|| record::line(role().unwrap_or_default()))
}

/// The names that the starts of the debate list.
fn listed(events: &[&StreamEvent]) -> HashSet<String> {
    let mut names = HashSet::new();
    for event in events.iter().filter(|event| event.event_type == "debate_start") {
        for list in ["agents", "participants"].iter().filter_map(|name| event.content.get(*name)) {
            match list {
                Value::Array(items) => names.extend(items.iter().filter_map(name_of)),
                Value::Object(map) => names.extend(map.keys().map(|name| record::line(name))),
                _ => {}
            }
        }
    }
    names
}

fn name_of(item: &Value) -> Option<String> {
    let names = ["name", "agent", "agent_name", "agent_id", "id"];
    let name = match item {
        Value::Object(map) => names.iter().find_map(|name| map.get(*name)?.as_str())?,
        other => other.as_str()?,
    };
    Some(record::line(name))
}

fn take(from: &Object, names: &[&str], record: &mut Object) {
    for name in names {
        if let Some(value) = from.get(*name).filter(|value| !value.is_null()) {
            record.insert((*name).to_owned(), value.clone());
        }
    }
}

fn start(event: &StreamEvent, record: &mut Object) {
    if let Some(timestamp) = &event.timestamp {
        record.insert("started_at".to_owned(), json!(timestamp));
    }
    take(&event.content, &START, record);
}

fn outcome(event: &StreamEvent, record: &mut Object) {
    let is_end = event.event_type == "debate_end";
    if is_end && let Some(timestamp) = &event.timestamp {
        record.insert("completed_at".to_owned(), json!(timestamp));
    }
    let parts = NESTED.iter().filter_map(|name| event.content.get(*name)?.as_object());
    for part in parts.chain([&event.content]) {
        take(part, &OUTCOME, record);
        if let Some(Value::Number(rounds)) = part.get("rounds").filter(|_| is_end) {
            record.insert("rounds_used".to_owned(), Value::Number(rounds.clone()));
        }
        // `reached` means it only of a consensus, and goes after the clearer name.
        if !is_end
            && !part.contains_key("consensus_reached")
            && let Some(reached @ Value::Bool(_)) = part.get("reached")
        {
            record.insert("consensus_reached".to_owned(), reached.clone());
        }
    }
    // Some end with one word.
    let word =
        ["result", "outcome", "status"].iter().find_map(|name| event.content.get(*name)?.as_str());
    if let Some(reached) = match word {
        Some("consensus" | "consensus_reached") => Some(true),
        Some("no_consensus" | "no consensus") => Some(false),
        _ => None,
    } {
        record.entry("consensus_reached").or_insert(json!(reached));
    }
}

/// What was sent with who, when and in which round in front.
fn entry(event: &StreamEvent) -> Object {
    let mut entry = Map::new();
    if let Some(agent) = &event.agent {
        entry.insert("agent".to_owned(), json!(agent));
    }
    if let Some(round) = event.round {
        entry.insert("round".to_owned(), json!(round));
    }
    if let Some(timestamp) = &event.timestamp {
        entry.insert("timestamp".to_owned(), json!(timestamp));
    }
    for (name, value) in &event.content {
        if !entry.contains_key(name) {
            entry.insert(name.clone(), value.clone());
        }
    }
    entry
}

fn message(event: &StreamEvent, kind: Option<&str>) -> Value {
    let mut entry = entry(event);
    if let Some(kind) = kind {
        entry.insert("kind".to_owned(), json!(kind));
    }
    words(
        &mut entry,
        &["content", "text", "message", "body"],
        &["proposal", "response", "critique", "answer", "summary"],
    );
    Value::Object(entry)
}

fn failure(event: &StreamEvent) -> Value {
    let mut entry = entry(event);
    entry.insert("kind".to_owned(), json!("error"));
    words(&mut entry, &["content", "text", "message", "error"], &["reason", "error_type"]);
    Value::Object(entry)
}

/// Puts a text under a name that messages have, where it is only under another.
fn words(entry: &mut Object, names: &[&str], others: &[&str]) {
    if names.iter().all(|name| entry.get(*name).is_none_or(Value::is_null)) {
        let found = others
            .iter()
            .find_map(|name| entry.get(*name).filter(|text| text.is_string()).cloned());
        if let Some(text) = found {
            entry.insert("content".to_owned(), text);
        }
    }
}

/// A vote; without a voter it is nobody's, and only a message could be.
fn vote(event: &StreamEvent) -> Option<Value> {
    event.agent.as_ref()?;
    let mut entry = entry(event);
    // Some engines send the choice as the words of the vote.
    let choices = ["choice", "vote", "vote_value", "voted_for", "vote_for", "candidate"];
    if choices.iter().all(|name| entry.get(*name).is_none_or(Value::is_null))
        && let Some(text @ Value::String(_)) = entry.get("content")
    {
        entry.insert("choice".to_owned(), text.clone());
    }
    Some(Value::Object(entry))
}
