//! Reading events.

use serde_json::{Map, Value, json};

use super::{StreamEvent, assemble};
use crate::moment;
use crate::record::{
    self, AUTHOR, At, MAX_NAME_CHARS, MAX_ROUND, Object, Problem, Problems, ROOT, ROUND,
};

/// The most events of one request.
pub const MAX_EVENTS: usize = 100;
const MAX_ID_CHARS: usize = 200;
const MAX_TYPE_CHARS: usize = 100;
const MAX_TIME_CHARS: usize = 64;
const TYPE: [&str; 2] = ["event_type", "type"];
const TIME: [&str; 2] = ["timestamp", "time"];
/// Keys by which `serde_json` tells its own number and text types from maps: a stored event with
/// one could not be read again.
const PRIVATE_KEY: &str = "$serde_json::private::";

/// See [`super::read`].
pub(super) fn read(body: &Value) -> Result<Vec<StreamEvent>, Vec<Problem>> {
    let mut problems = Problems::default();
    let in_events = ROOT.key("events");
    let found = match (body, body.get("events")) {
        (Value::Array(list), _) => some(list, &ROOT, &mut problems),
        (Value::Object(_), Some(Value::Array(list))) => some(list, &in_events, &mut problems),
        (Value::Object(object), None | Some(Value::Null)) => {
            one(object, &ROOT, &mut problems).into_iter().collect()
        }
        (Value::Object(_), Some(_)) => {
            problems.add(&in_events, "must be a list of events");
            Vec::new()
        }
        _ => {
            problems.add(&ROOT, "must be an event or a list of events");
            Vec::new()
        }
    };
    problems.or(found)
}

fn some(list: &[Value], at: &At<'_>, problems: &mut Problems) -> Vec<StreamEvent> {
    if list.is_empty() || list.len() > MAX_EVENTS {
        problems.add(at, format!("must have 1 to {MAX_EVENTS} events"));
        return Vec::new();
    }
    all(list, at, problems)
}

/// The events of a list.
pub(super) fn all(list: &[Value], at: &At<'_>, problems: &mut Problems) -> Vec<StreamEvent> {
    let mut found = Vec::with_capacity(list.len());
    for (place, item) in list.iter().enumerate() {
        let at = at.index(place);
        match item {
            Value::Object(object) => found.extend(one(object, &at, problems)),
            _ => problems.add(&at, "must be an event"),
        }
        if problems.full() {
            break;
        }
    }
    found
}

fn one(object: &Object, at: &At<'_>, problems: &mut Problems) -> Option<StreamEvent> {
    if has_private_key(object) {
        problems.add(at, "has a key that cannot be kept");
        return None;
    }
    let sent_type = short(object, &TYPE, MAX_TYPE_CHARS, at, problems);
    if sent_type.is_none() && TYPE.iter().all(|name| object.get(*name).is_none_or(is_blank)) {
        problems.add(&at.key("event_type"), "is required");
    }
    let (data, mut content) = payload(object, at, problems)?;
    let timestamp = time(object, at, problems).or_else(|| match data {
        Some(data) => time(&content, &at.key(data), problems),
        None => None,
    });
    let agent = agent(object, &content, at, problems);
    let round = round(object, at, problems).or_else(|| {
        // Of what is sent as data other fields may bear the name.
        ROUND.iter().find_map(|name| whole(content.get(*name)?))
    });
    let (event_type, kind) = canonical_type(&sent_type?);
    if let Some((name, value)) = kind
        && !content.contains_key(name)
    {
        content.insert(name.to_owned(), value);
    }
    let event = StreamEvent {
        event_type,
        event_id: short(object, &["event_id"], MAX_ID_CHARS, at, problems),
        seq: seq(object, at, problems),
        timestamp,
        agent,
        round,
        content,
        arrived: 0,
    };
    as_record(&event, data, at, problems);
    Some(event)
}

/// What the event would be in a record must be right there; problems are told by the event's own
/// fields.
fn as_record(event: &StreamEvent, data: Option<&str>, at: &At<'_>, problems: &mut Problems) {
    if event.content.is_empty() {
        return;
    }
    let record = assemble::record_of(std::slice::from_ref(event));
    for problem in record::read(&record).err().unwrap_or_default() {
        let rest = ["messages[0].", "votes[0]."]
            .iter()
            .find_map(|list| problem.field.strip_prefix(list))
            .unwrap_or(&problem.field);
        let field = match data {
            Some(data) => format!("{data}.{rest}"),
            None => rest.to_owned(),
        };
        let outer = at.to_string();
        let field = if outer == record::BODY { field } else { format!("{outer}.{field}") };
        problems.push(Problem { field, message: problem.message });
    }
}

/// The name of the member that holds the data, and the data with everything that is beside it and
/// not part of the envelope. Text is `content`.
fn payload<'o>(
    object: &'o Object,
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<(Option<&'static str>, Map<String, Value>)> {
    let names = ["data", "payload", "content"];
    let found = names.iter().find_map(|name| {
        Some((*name, object.get(*name)?)).filter(|(_, value): &(_, &'o Value)| !is_blank(value))
    });
    let (data, mut content) = match found {
        None => (None, Map::new()),
        Some((name, Value::Object(map))) => (Some(name), map.clone()),
        Some((name, Value::String(text))) => {
            (Some(name), Map::from_iter([("content".to_owned(), json!(text))]))
        }
        Some((name, _)) => {
            problems.add(&at.key(name), "must be an object or text");
            return None;
        }
    };
    let of_envelope = |name: &str| {
        TYPE.contains(&name)
            || TIME.contains(&name)
            || ROUND.contains(&name)
            || ["event_id", "seq", "arrived", "agent"].contains(&name)
            || found.is_some_and(|(data, _)| data == name)
    };
    for (name, value) in
        object.iter().filter(|(name, value)| !of_envelope(name) && !value.is_null())
    {
        if !content.contains_key(name) {
            content.insert(name.clone(), value.clone());
        }
    }
    Some((data, content))
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// A short text on one line.
fn short(
    object: &Object,
    names: &[&'static str],
    chars: usize,
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<String> {
    let name =
        names.iter().find(|name| object.get(**name).is_some_and(|value| !is_blank(value)))?;
    let found = object
        .get(*name)
        .and_then(Value::as_str)
        .map(record::line)
        .filter(|text| !text.is_empty() && !record::is_longer(text, chars));
    if found.is_none() {
        problems.add(&at.key(name), format!("must be text of 1 to {chars} characters"));
    }
    found
}

/// A time as it was sent; a number, of whatever size, is of seconds since 1970.
fn time(object: &Object, at: &At<'_>, problems: &mut Problems) -> Option<String> {
    let name = TIME.iter().find(|name| object.get(**name).is_some_and(|value| !is_blank(value)))?;
    let found = match object.get(*name)? {
        Value::Number(number) => number.as_f64().and_then(moment::printed),
        _ => return short(object, &TIME, MAX_TIME_CHARS, at, problems),
    };
    if found.is_none() {
        problems.add(&at.key(name), "must be a time in RFC 3339 or in seconds since 1970");
    }
    found
}

fn seq(object: &Object, at: &At<'_>, problems: &mut Problems) -> Option<u64> {
    let value = object.get("seq").filter(|value| !value.is_null())?;
    let found = value.as_u64();
    if found.is_none() {
        problems.add(&at.key("seq"), "must be a whole number from 0");
    }
    found
}

fn round(object: &Object, at: &At<'_>, problems: &mut Problems) -> Option<u32> {
    let name =
        ROUND.iter().find(|name| object.get(**name).is_some_and(|value| !value.is_null()))?;
    let found = object.get(*name).and_then(whole);
    if found.is_none() {
        problems.add(&at.key(name), format!("must be a whole number from 0 to {MAX_ROUND}"));
    }
    found
}

fn whole(value: &Value) -> Option<u32> {
    let number = value.as_f64()?;
    let round = u32::try_from(value.as_u64().or_else(|| as_u64(number))?).ok()?;
    (round <= MAX_ROUND).then_some(round)
}

/// `3.0` is a whole number too.
fn as_u64(number: f64) -> Option<u64> {
    if number.fract() != 0.0 || !(0.0..=f64::from(MAX_ROUND)).contains(&number) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Some(number as u64)
}

/// Whose event it is: `agent`, or the first other name of an author in the data.
fn agent(
    object: &Object,
    content: &Object,
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<String> {
    if object.get("agent").is_some_and(|value| !is_blank(value)) {
        return short(object, &["agent"], MAX_NAME_CHARS, at, problems);
    }
    let names = ["critic", "critic_agent", "voter"].into_iter().chain(AUTHOR);
    names
        .filter_map(|name| content.get(name)?.as_str())
        .map(record::line)
        .find(|name| !name.is_empty() && !record::is_longer(name, MAX_NAME_CHARS))
}

fn has_private_key(object: &Object) -> bool {
    let mut open: Vec<&Value> = Vec::new();
    let mut level = Some(object);
    loop {
        if let Some(map) = level.take() {
            if map.keys().any(|key| key.starts_with(PRIVATE_KEY)) {
                return true;
            }
            open.extend(map.values());
        }
        match open.pop() {
            None => return false,
            Some(Value::Object(map)) => level = Some(map),
            Some(Value::Array(items)) => open.extend(items),
            Some(_) => {}
        }
    }
}

/// The name under which a type is kept, and what of the sender's name would be lost by that.
fn canonical_type(sent: &str) -> (String, Option<(&'static str, Value)>) {
    let word = sent.to_lowercase().replace(['.', '-', ' '], "_");
    let message = |kind: &str| ("agent_message", Some(("kind", json!(kind))));
    let reached = |reached: bool| ("consensus", Some(("reached", json!(reached))));
    let (name, kind) = match word.as_str() {
        "debate_start" | "debate_started" | "debate_begin" | "start" => ("debate_start", None),
        "round_start" | "round_started" => ("round_start", None),
        "agent_message" | "message" | "agent_response" | "response" => ("agent_message", None),
        "proposal" | "agent_proposal" | "proposal_submitted" => message("proposal"),
        "revision" | "agent_revision" | "revised_proposal" => message("revision"),
        "synthesis" | "agent_synthesis" => message("synthesis"),
        "evidence" | "evidence_found" => message("evidence"),
        "critique" | "agent_critique" | "debate_critique" => ("critique", None),
        "vote" | "agent_vote" | "agent_voted" | "vote_cast" => ("vote", None),
        "consensus" | "consensus_reached" => reached(true),
        "consensus_failed" | "no_consensus" => reached(false),
        "consensus_check" => ("consensus", None),
        "debate_end" | "debate_ended" | "debate_completed" | "debate_complete"
        | "debate_finished" | "end" => ("debate_end", None),
        "error" | "agent_error" | "agent_failed" => ("error", None),
        _ => return (sent.to_owned(), None),
    };
    (name.to_owned(), kind)
}
