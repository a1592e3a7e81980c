//! What subscribers are told of debates.

use aragora_core::catalogue;
use aragora_core::ids::EventId;
use aragora_core::time::Millis;
use aragora_events::publish::NewEvent;
use aragora_explain::record::{Debate, Kind};
use aragora_explain::stream::StreamEvent;
use aragora_store::debates::Head;
use serde_json::{Map, Value, json};

use crate::desk::time_of;

/// The most characters of a text from a debate that are sent to subscribers. The whole of it is in
/// the record.
const MAX_TEXT_CHARS: usize = 4_000;
/// The most errors of agents that are told of one record.
const MAX_ERRORS: usize = 20;
/// The most bytes of an event's data that are passed on as they came; of larger data, only texts
/// are, and cut.
const MAX_DATA_BYTES: usize = 64 * 1_024;
/// The most texts that are passed on of larger data.
const MAX_TEXTS: usize = 10;
const PROJECT: &str = "default";

/// What is told of a finished record: that the debate began (once), every failed agent, that there
/// was a consensus, and that it has ended. The same record gives the same events under the same
/// ids.
pub fn of_record(head: &Head, debate: &Debate) -> Vec<NewEvent> {
    let mut events = Vec::new();
    let told = |event_type: &str, which: &str, at: Option<String>, data: Value| {
        let version = head.version.to_string();
        let parts = ["debate", &head.org, head.id.as_str(), event_type, which, &version];
        NewEvent {
            event_type: event_type.to_owned(),
            data,
            event_id: Some(EventId::of(&parts, head.updated_at)),
            debate_id: Some(head.id.to_string()),
            project: PROJECT.to_owned(),
            timestamp: Some(at.unwrap_or_else(|| head.updated_at.rfc3339())),
        }
    };
    let ended = time_of(debate.completed_at.as_ref());
    if head.version == 1 {
        let names: Vec<&str> = debate.agents.iter().map(|agent| agent.name.as_str()).collect();
        let mut data = Map::from_iter([("debate_id".to_owned(), json!(head.id))]);
        put(&mut data, "task", some_text(&debate.task));
        put(&mut data, "agents", Some(json!(names)));
        put(&mut data, "domain", debate.domain.as_deref().map(text));
        events.push(told("debate.started", "", time_of(debate.started_at.as_ref()), data.into()));
    }
    let errors = debate.moves.iter().filter(|it| it.kind == Kind::Error).take(MAX_ERRORS);
    for (at, failed) in errors.enumerate() {
        let data = json!({
            "debate_id": head.id,
            "agent": failed.agent,
            "round": failed.round,
            "error": text(&failed.content),
        });
        let when = time_of(failed.timestamp.as_ref()).or_else(|| ended.clone());
        events.push(told("agent.error", &at.to_string(), when, data));
    }
    if debate.consensus_reached == Some(true) {
        let mut data = outcome(head, debate);
        put(&mut data, "consensus_margin", debate.consensus_margin.map(Value::from));
        put(&mut data, "vote_counts", counted(debate));
        events.push(told("consensus.reached", "", ended.clone(), data.into()));
    }
    let mut data = outcome(head, debate);
    put(&mut data, "task", some_text(&debate.task));
    put(&mut data, "consensus", debate.consensus_reached.map(Value::from));
    put(&mut data, "consensus_reached", debate.consensus_reached.map(Value::from));
    put(&mut data, "duration_seconds", debate.duration_seconds.map(Value::from));
    data.insert("version".to_owned(), head.version.into());
    events.push(told("debate.completed", "", ended, data.into()));
    events
}

fn outcome(head: &Head, debate: &Debate) -> Map<String, Value> {
    let mut data = Map::from_iter([("debate_id".to_owned(), json!(head.id))]);
    put(&mut data, "winner", debate.winner.as_deref().map(text));
    put(&mut data, "final_answer", debate.final_answer.as_deref().and_then(some_text));
    put(&mut data, "confidence", debate.confidence.map(Value::from));
    put(&mut data, "rounds", Some(debate.rounds.into()));
    data
}

/// How many votes each choice got.
fn counted(debate: &Debate) -> Option<Value> {
    let mut counts = std::collections::BTreeMap::<&str, u64>::new();
    for vote in &debate.votes {
        *counts.entry(&vote.choice).or_default() += 1;
    }
    (!counts.is_empty()).then(|| json!(counts))
}

/// What is told of an event of a debate under way: the event itself, with the names of the debate,
/// agent and round among its data. The same event gives the same id. `None` for a type that nobody
/// but we may publish, or that can be no type's name: those are kept and not told.
pub fn of_event(head: &Head, event: &StreamEvent, now: Millis) -> Option<NewEvent> {
    let tellable =
        catalogue::is_type_name(&event.event_type) && !catalogue::is_operational(&event.event_type);
    tellable.then(|| told_event(head, event, now))
}

fn told_event(head: &Head, event: &StreamEvent, now: Millis) -> NewEvent {
    let small = serde_json::to_string(&event.content).is_ok_and(|it| it.len() <= MAX_DATA_BYTES);
    let mut data: Map<String, Value> = if small {
        event.content.clone()
    } else {
        let texts = event.content.iter().filter_map(|(name, it)| Some((name, it.as_str()?)));
        texts.take(MAX_TEXTS).map(|(name, it)| (name.clone(), text(it))).collect()
    };
    let mut name = |field: &str, value: Option<Value>| {
        if !data.contains_key(field) {
            put(&mut data, field, value);
        }
    };
    name("debate_id", Some(json!(head.id)));
    name("agent", event.agent.as_deref().map(Value::from));
    name("round", event.round.map(Value::from));
    NewEvent {
        event_type: event.event_type.clone(),
        data: data.into(),
        event_id: Some(EventId::of(
            &["stream", &head.org, head.id.as_str(), &event.key()],
            head.created_at,
        )),
        debate_id: Some(head.id.to_string()),
        project: PROJECT.to_owned(),
        timestamp: Some(time_of(event.timestamp.as_ref()).unwrap_or_else(|| now.rfc3339())),
    }
}

fn put(data: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        data.insert(name.to_owned(), value);
    }
}

fn some_text(content: &str) -> Option<Value> {
    (!content.is_empty()).then(|| text(content))
}

fn text(content: &str) -> Value {
    content.chars().take(MAX_TEXT_CHARS).collect::<String>().into()
}
