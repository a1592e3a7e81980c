//! Filters: what an event must contain before a webhook receives it.
//!
//! A filter maps a path to a scalar that must be equal or to a list of which one must be. A
//! dotted path starts at the envelope (`data.agent.name`, `debate_id`), a bare name is a key of
//! `data`. All filters must hold. Source: `docs/decisions/0004-event-types.md`.

use serde_json::{Map, Value};

/// The most filters of one webhook.
pub const MAX_FILTERS: usize = 20;
/// The most values in one filter's list.
pub const MAX_VALUES: usize = 50;
/// The most bytes of all filters of a webhook as JSON: every fan-out reads them.
pub const MAX_BYTES: usize = 8 * 1024;
/// The most characters of a path.
pub const MAX_PATH_CHARS: usize = 256;

/// The parts of an event that filters can see.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The type as it was published.
    pub event_type: &'a str,
    /// The debate the event belongs to.
    pub debate_id: Option<&'a str>,
    /// The project the event belongs to.
    pub project: &'a str,
    /// The publisher's data.
    pub data: &'a Value,
}

/// What is wrong with a filter, as text for the client; `None` when it may be stored.
pub fn problem(filters: &Map<String, Value>) -> Option<String> {
    if filters.len() > MAX_FILTERS {
        return Some(format!("at most {MAX_FILTERS} filters"));
    }
    let bytes: usize =
        filters.iter().map(|(path, wanted)| path.len() + wanted.to_string().len()).sum();
    if bytes > MAX_BYTES {
        return Some(format!("at most {MAX_BYTES} bytes of filters"));
    }
    filters.iter().find_map(|(path, wanted)| {
        if path.is_empty() || path.len() > MAX_PATH_CHARS || path.split('.').any(str::is_empty) {
            return Some(format!(
                "`{}` is not a dotted path",
                path.chars().take(40).collect::<String>()
            ));
        }
        let fits = match wanted {
            Value::Array(values) => {
                values.len() <= MAX_VALUES && !values.is_empty() && values.iter().all(is_scalar)
            }
            other => is_scalar(other),
        };
        (!fits).then(|| format!("`{path}` must be a scalar or a list of 1 to {MAX_VALUES} scalars"))
    })
}

/// Whether an event passes all of a webhook's filters.
pub fn pass(filters: &Map<String, Value>, subject: &Subject<'_>) -> bool {
    filters.iter().all(|(path, wanted)| holds(path, wanted, subject))
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn holds(path: &str, wanted: &Value, subject: &Subject<'_>) -> bool {
    let equals = |wanted: &Value| match look_up(path, subject) {
        Some(Found::Text(text)) => wanted.as_str() == Some(text),
        Some(Found::Json(found)) => same(found, wanted),
        None => false,
    };
    match wanted {
        Value::Array(any_of) => any_of.iter().any(equals),
        scalar => equals(scalar),
    }
}

enum Found<'a> {
    Text(&'a str),
    Json(&'a Value),
}

fn look_up<'a>(path: &str, subject: &Subject<'a>) -> Option<Found<'a>> {
    let in_data =
        |path: &str| path.split('.').try_fold(subject.data, |at, key| at.get(key)).map(Found::Json);
    if let Some(rest) = path.strip_prefix("data.") {
        return in_data(rest);
    }
    in_data(path).or(match path {
        "event_type" => Some(Found::Text(subject.event_type)),
        "debate_id" => subject.debate_id.map(Found::Text),
        "project_id" => Some(Found::Text(subject.project)),
        _ => None,
    })
}

/// Equality of JSON scalars; numbers are equal by value, so that `1` equals `1.0`.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(one), Value::Number(other)) => {
            one == other
                || one
                    .as_f64()
                    .is_some_and(|value| Some(value) == other.as_f64() && value.abs() < 9e15)
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn passes(filters: &Value) -> bool {
        let data = json!({"domain": "security", "agent": {"name": "claude", "tier": 1}, "ok": true, "none": null,
                          "big": 12_345_678_901_234_567_890_u64, "score": 0.5});
        let subject = Subject {
            event_type: "vote",
            debate_id: Some("deb-1"),
            project: "default",
            data: &data,
        };
        pass(filters.as_object().unwrap(), &subject)
    }

    #[test]
    fn all_filters_must_hold() {
        for (filters, expected) in [
            (json!({}), true),
            (json!({"domain": "security"}), true),
            (json!({"data.domain": "security"}), true),
            (json!({"domain": "finance"}), false),
            (json!({"domain": ["finance", "security"]}), true),
            (json!({"domain": ["finance"]}), false),
            (json!({"agent.name": "claude"}), true),
            (json!({"data.agent.name": "claude", "ok": true}), true),
            (json!({"data.agent.name": "claude", "ok": false}), false),
            (json!({"agent.tier": 1.0}), true),
            (json!({"agent.tier": "1"}), false),
            (json!({"none": null}), true),
            (json!({"missing": null}), false),
            (json!({"debate_id": "deb-1"}), true),
            (json!({"debate_id": "deb-2"}), false),
            (json!({"event_type": "vote", "project_id": "default"}), true),
            (json!({"agent": "claude"}), false),
            (json!({"big": 12_345_678_901_234_567_890_u64}), true),
            (json!({"big": 12_345_678_901_234_567_891_u64}), false),
        ] {
            assert_eq!(passes(&filters), expected, "{filters}");
        }
    }

    #[test]
    fn what_cannot_be_a_filter_is_said() {
        for bad in [
            json!({"": 1}),
            json!({"a..b": 1}),
            json!({"a": {}}),
            json!({"a": []}),
            json!({"a": [[1]]}),
            json!({"a": vec![1; 51]}),
            json!({"a": "x".repeat(9_000)}),
        ] {
            assert!(problem(bad.as_object().unwrap()).is_some(), "{bad}");
        }
        assert_eq!(problem(json!({"a.b": [1, "x", null, true]}).as_object().unwrap()), None);
    }
}
