//! Every schema is one, every example obeys it, and neither forgets the other.

use std::collections::BTreeSet;

use super::super::EVENT_TYPES;
use super::*;
use crate::delivery::Reason;
use crate::envelope::Envelope;
use crate::pyjson;
use crate::time::Millis;

/// A validator that also checks formats.
fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::draft202012::options().should_validate_formats(true).build(schema).unwrap()
}

fn of(name: &str) -> &'static EventType {
    super::super::find(name).unwrap()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("no text at {key} in {object}"))
}

#[test]
fn every_schema_is_a_2020_12_schema() {
    for known in EVENT_TYPES {
        let schema = known.schema();
        assert_eq!(schema["$schema"], DIALECT, "{}", known.name);
        jsonschema::draft202012::meta::validate(&schema)
            .unwrap_or_else(|error| panic!("{}: {error}", known.name));
        jsonschema::draft202012::meta::validate(&known.data_schema())
            .unwrap_or_else(|error| panic!("{}: {error}", known.name));
    }
}

#[test]
fn every_example_obeys_its_schema() {
    for known in EVENT_TYPES {
        let example = known.example();
        validator(&known.schema())
            .validate(&example)
            .unwrap_or_else(|error| panic!("{}: {error} in {example}", known.name));
        validator(&known.data_schema())
            .validate(&known.data_example())
            .unwrap_or_else(|error| panic!("{}: {error}", known.name));
    }
}

#[test]
fn an_example_is_what_the_engine_prints() {
    for known in EVENT_TYPES {
        let example = known.example();
        let printed = Envelope {
            event_type: known.name,
            event_id: text(&example, "event_id"),
            timestamp: text(&example, "timestamp"),
            debate_id: example.get("debate_id").and_then(Value::as_str),
            delivery_id: text(&example, "delivery_id"),
            data: &pyjson::dumps(&known.data_example()).unwrap(),
        }
        .print();
        assert_eq!(pyjson::dumps(&example).unwrap(), printed);
    }
}

#[test]
fn every_field_of_an_example_is_known_to_the_schema() {
    for known in EVENT_TYPES {
        let (schema, example) = (known.schema(), known.example());
        assert!(keys(&example).is_subset(&keys(&schema["properties"])), "{}", known.name);
        let known_fields = keys(&schema["properties"]["data"]["properties"]);
        assert!(keys(&example["data"]).is_subset(&known_fields), "{}", known.name);
        assert!(!known_fields.is_empty(), "{}", known.name);
        assert_eq!(known_fields.len(), known.fields.len(), "{}: a field twice", known.name);
    }
}

#[test]
fn every_field_says_its_type_and_its_meaning() {
    for known in EVENT_TYPES {
        let schema = known.schema();
        let envelope = schema["properties"].as_object().unwrap();
        let data = schema["properties"]["data"]["properties"].as_object().unwrap();
        for (name, field) in envelope.iter().chain(data) {
            assert!(!text(field, "description").is_empty(), "{} {name}", known.name);
            assert!(field["type"].is_string() || field["type"].is_array(), "{} {name}", known.name);
        }
    }
}

#[test]
fn a_schema_knows_every_spelling_and_no_other_type() {
    for known in EVENT_TYPES {
        let validator = validator(&known.schema());
        for other in EVENT_TYPES {
            for spelling in other.aliases.iter().chain([&other.name]) {
                let mut body = known.example();
                body["event_type"] = (*spelling).into();
                assert_eq!(validator.is_valid(&body), other == known, "{spelling}");
            }
        }
    }
}

#[test]
fn publishers_may_leave_out_and_add() {
    for known in super::super::Category::Debate.event_types() {
        let validator = validator(&known.schema());
        let mut body = known.example();
        body.as_object_mut().unwrap().shift_remove("debate_id");
        body["data"] = json!({});
        assert!(validator.is_valid(&body), "{}", known.name);
        body["data"] = json!({"engine": {"version": 7}, "labels": ["a", null]});
        assert!(validator.is_valid(&body), "{}", known.name);
    }
}

#[test]
fn what_has_another_type_or_is_missing_is_found() {
    for (name, data) in [
        ("debate.started", json!({"task": 7})),
        ("debate.started", json!({"agents": [1]})),
        ("debate.started", json!({"agents": [{"name": 1}]})),
        ("round_start", json!({"round": "first"})),
        ("agent_message", json!({"content": {}})),
        ("critique", json!({"severity": "high"})),
        ("vote", json!({"confidence": 1.5})),
        ("vote", json!({"confidence": -0.1})),
        ("consensus.reached", json!({"vote_counts": {"claude": "two"}})),
        ("debate.completed", json!({"consensus": "yes"})),
        ("debate.completed", json!([])),
        ("webhook.created", json!({"webhook_id": "wh-1", "url": "https://a.example"})),
        ("webhook.disabled", json!({"webhook_id": "wh-1", "url": "u", "reason": "tired"})),
        ("webhook.disabled", json!({"webhook_id": "wh-1", "url": "u", "reason": null})),
        ("delivery.recovered", json!({"webhook_id": "wh-1", "delivery_id": "dlv-1"})),
    ] {
        assert!(!validator(&of(name).data_schema()).is_valid(&data), "{name} {data}");
    }
    let validator = validator(&of("vote").schema());
    for (key, value) in [("timestamp", "yesterday"), ("event_id", ""), ("debate_id", "")] {
        let mut body = of("vote").example();
        body[key] = value.into();
        assert!(!validator.is_valid(&body), "{key}");
    }
    for key in ["event_type", "event_id", "timestamp", "delivery_id", "data"] {
        let mut body = of("vote").example();
        body.as_object_mut().unwrap().shift_remove(key);
        assert!(!validator.is_valid(&body), "{key}");
    }
}

#[test]
fn what_engines_send_passes() {
    for (name, data) in [
        ("debate.started", json!({"task": "Which?", "agents": [{"name": "a", "elo": 1200}, "b"]})),
        ("agent_message", json!({"content": "Because."})),
        ("critique", json!({"critic": "a", "target": "b", "severity": 1.0, "content": "No."})),
        ("debate.completed", json!({"result": "consensus"})),
        ("debate.completed", json!({"winner": null, "consensus_reached": false, "outcome": "tie"})),
        ("consensus.reached", json!({"vote_counts": {"a": 2, "b": 1}, "winner": "a"})),
    ] {
        assert!(validator(&of(name).data_schema()).is_valid(&data), "{name} {data}");
    }
}

#[test]
fn operational_events_say_what_was_agreed() {
    let webhook = ["webhook_id", "url", "reason"];
    let delivery = ["webhook_id", "delivery_id", "event_id", "event_type", "attempt_count"];
    for (name, common, more) in [
        ("webhook.created", &webhook[..], &[][..]),
        ("webhook.updated", &webhook, &[]),
        ("webhook.deleted", &webhook, &[]),
        ("webhook.enabled", &webhook, &[]),
        ("webhook.disabled", &webhook, &["failing_since"]),
        ("webhook.secret_rotated", &webhook, &["old_secret_valid_until"]),
        ("webhook.circuit_opened", &webhook, &["failure_count", "open_until"]),
        ("webhook.circuit_closed", &webhook, &[]),
        ("delivery.dead_lettered", &delivery, &["reason", "http_status", "error_message"]),
        ("delivery.recovered", &delivery, &[]),
    ] {
        let wanted: BTreeSet<&str> = common.iter().chain(more).copied().collect();
        assert_eq!(keys(&of(name).data_example()), wanted, "{name}");
        assert_eq!(keys(&of(name).data_schema()["properties"]), wanted, "{name}");
        assert!(!of(name).schema()["properties"].as_object().unwrap().contains_key("debate_id"));
    }
    assert_eq!(of("delivery.dead_lettered").data_example()["reason"], Reason::Exhausted.as_str());
    for reason in ["gone", "failing", "paused", "user"] {
        let data = json!({"webhook_id": "wh-1", "url": "https://a.example", "reason": reason});
        assert!(validator(&of("webhook.disabled").data_schema()).is_valid(&data), "{reason}");
    }
}

#[test]
fn examples_are_written_as_receivers_get_them() {
    for known in EVENT_TYPES {
        let example = known.example();
        // The dotted spelling wherever a type has one, which is the one `*` gets.
        let dotted = known.aliases.iter().chain([&known.name]).find(|each| each.contains('.'));
        assert_eq!(text(&example, "event_type"), *dotted.unwrap_or(&known.name));
        assert!(text(&example, "event_id").starts_with("evt-"));
        assert!(text(&example, "delivery_id").starts_with("dlv-"));
        assert!(Millis::parse(text(&example, "timestamp")).is_some());
        for (key, value) in example["data"].as_object().unwrap() {
            assert!(!["secret", "headers"].contains(&key.as_str()), "{}", known.name);
            let time = ["_until", "_since", "_at"].iter().any(|end| key.ends_with(end));
            assert!(!time || Millis::parse(value.as_str().unwrap()).is_some(), "{key}: {value}");
        }
    }
}
