use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{StreamEvent, is_closed, read, record_of};
use crate::record::{self, Kind};

fn events(body: &Value) -> Vec<StreamEvent> {
    let mut events = read(body).expect("events");
    for (event, place) in events.iter_mut().zip(1..) {
        event.arrived = place;
    }
    events
}

fn fields(body: &Value) -> Vec<String> {
    read(body).expect_err("something is wrong").into_iter().map(|problem| problem.field).collect()
}

fn running() -> Value {
    json!([
        {"event_type": "debate.started", "seq": 1, "timestamp": "2026-01-01T00:00:00Z", "data": {"task": "Which?", "agents": ["ida", "rex"], "domain": "d"}},
        {"event_type": "round_start", "seq": 2, "data": {"round": 1}},
        {"event_type": "proposal", "seq": 3, "agent": "ida", "round": 1, "data": {"proposal": "One."}},
        {"event_type": "agent_message", "seq": 4, "agent": "rex", "round": 1, "content": "Two.", "role": "proposer"},
        {"type": "critique", "seq": 5, "agent": "rex", "round_num": 1, "data": {"target": "ida", "content": "No.", "severity": 0.4}},
        {"event_type": "agent.error", "seq": 6, "agent": "ida", "round": 2, "data": {"error": "quota"}},
        {"event_type": "vote", "seq": 7, "agent": "ida", "round": 2, "data": {"vote": "rex", "confidence": 0.9, "reasoning": "better"}},
        {"event_type": "vote", "seq": 8, "round": 2, "data": {"voter": "rex", "choice": "rex"}},
        {"event_type": "token_delta", "seq": 9, "agent": "rex", "data": {"token": "x"}},
        {"event_type": "consensus.reached", "seq": 10, "data": {"confidence": 0.8, "answer": "Two.", "winner": "rex"}},
        {"event_type": "debate.completed", "seq": 11, "timestamp": "2026-01-01T00:01:00Z", "data": {"rounds": 2}}
    ])
}

#[test]
fn a_stream_becomes_a_debate() {
    let events = events(&running());
    assert!(is_closed(&events) && !is_closed(&events[..10]));
    assert_eq!(events[8].event_type, "token_delta");
    let debate = record::read(&record_of(&events)).unwrap();
    assert_eq!(debate.warnings, Vec::<String>::new());
    let told: Vec<_> = debate
        .moves
        .iter()
        .map(|one| (one.kind, one.agent.as_str(), one.content.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Kind::Proposal, "ida", "One."),
            (Kind::Proposal, "rex", "Two."),
            (Kind::Critique, "rex", "No."),
            (Kind::Error, "ida", "quota"),
        ]
    );
    assert_eq!(debate.votes.len(), 2);
    assert_eq!(debate.votes[0].confidence, Some(0.9));
    assert_eq!((debate.task.as_str(), debate.rounds), ("Which?", 2));
    assert_eq!((debate.consensus_reached, debate.confidence), (Some(true), Some(0.8)));
    assert_eq!(
        (debate.winner.as_deref(), debate.final_answer.as_deref()),
        (Some("rex"), Some("Two."))
    );
    assert_eq!(debate.duration_seconds, Some(60.0));
}

#[test]
fn one_event_a_list_or_an_object_with_a_list() {
    let event = json!({"type": "message", "agent": "ida", "data": "Hello."});
    let expected = read(&event).unwrap();
    assert_eq!(read(&json!([event])).unwrap(), expected);
    assert_eq!(read(&json!({"events": [event]})).unwrap(), expected);
    assert_eq!(expected[0].event_type, "agent_message");
    assert_eq!(expected[0].content, *json!({"content": "Hello."}).as_object().unwrap());
}

#[test]
fn types_have_synonyms_and_others_are_kept() {
    for (sent, kept) in [
        ("debate_start", "debate_start"),
        ("debate.started", "debate_start"),
        ("Debate-Started", "debate_start"),
        ("message", "agent_message"),
        ("proposal", "agent_message"),
        ("agent_critique", "critique"),
        ("consensus", "consensus"),
        ("consensus.reached", "consensus"),
        ("consensus_check", "consensus"),
        ("agent_error", "error"),
        ("debate.completed", "debate_end"),
        ("debate_end", "debate_end"),
        ("round_end", "round_end"),
        ("My.Own Type", "My.Own Type"),
    ] {
        assert_eq!(read(&json!({"type": sent})).unwrap()[0].event_type, kept, "{sent}");
    }
    let reached = |body: Value| record_of(&events(&body)).get("consensus_reached").cloned();
    assert_eq!(reached(json!({"type": "consensus"})), Some(json!(true)));
    assert_eq!(
        reached(json!({"type": "consensus", "data": {"reached": false}})),
        Some(json!(false))
    );
    assert_eq!(reached(json!({"type": "consensus_check", "data": {}})), None);
    assert_eq!(
        reached(json!({"type": "debate_end", "content": {"result": "consensus"}})),
        Some(json!(true))
    );
}

#[test]
fn every_wrong_field_is_named() {
    let private: Value =
        serde_json::from_str(r#"{"type": "x", "data": {"a": [{"k": 1}]}}"#).unwrap();
    let mut hidden = private.clone();
    hidden["data"]["a"][0] =
        Value::Object(Map::from_iter([("$serde_json::private::Number".to_owned(), json!("x"))]));
    for (field, body) in [
        ("body", json!("x")),
        ("body", json!([])),
        ("body", json!(vec![json!({"type": "x"}); 101])),
        ("events", json!({"events": 5})),
        ("events", json!({"events": []})),
        ("event_type", json!({})),
        ("event_type", json!({"type": " "})),
        ("event_type", json!({"event_type": 5})),
        ("type", json!({"type": "t".repeat(101)})),
        ("[1]", json!([{"type": "x"}, 5])),
        ("[0].seq", json!([{"type": "x", "seq": -1}])),
        ("seq", json!({"type": "x", "seq": "1"})),
        ("seq", json!({"type": "x", "seq": 1.5})),
        ("event_id", json!({"type": "x", "event_id": 5})),
        ("event_id", json!({"type": "x", "event_id": "i".repeat(201)})),
        ("agent", json!({"type": "x", "agent": ["a"]})),
        ("agent", json!({"type": "x", "agent": "a".repeat(201)})),
        ("round", json!({"type": "x", "round": 1.5})),
        ("round_num", json!({"type": "x", "round_num": "1"})),
        ("timestamp", json!({"type": "x", "timestamp": -1})),
        ("timestamp", json!({"type": "x", "timestamp": {}})),
        ("data", json!({"type": "x", "data": 5})),
        ("events[0].payload", json!({"events": [{"type": "x", "payload": []}]})),
        (
            "[0].data.confidence",
            json!([{"type": "vote", "agent": "a", "data": {"choice": "b", "confidence": 1.2}}]),
        ),
        ("confidence", json!({"type": "vote", "agent": "a", "choice": "b", "confidence": 1.2})),
        (
            "content.severity",
            json!({"type": "critique", "agent": "a", "content": {"text": "x", "severity": 99}}),
        ),
        ("data.task", json!({"type": "debate_start", "data": {"task": 5}})),
        ("data.agents[1]", json!({"type": "debate_start", "data": {"agents": ["a", 5]}})),
        ("data.confidence", json!({"type": "consensus", "data": {"confidence": 7}})),
        ("body", hidden),
    ] {
        assert_eq!(fields(&body), [field], "{body:.200}");
    }
}

#[test]
fn either_identity_makes_a_repeat() {
    let event = |id: Option<&str>, seq: Option<u64>, words: &str, arrived: u64| {
        let body =
            json!({"type": "message", "agent": "a", "event_id": id, "seq": seq, "data": words});
        StreamEvent { arrived, ..read(&body).unwrap().remove(0) }
    };
    let said = |events: &[StreamEvent]| -> Vec<String> {
        let debate = record::read(&record_of(events)).unwrap();
        debate.moves.into_iter().map(|one| one.content).collect()
    };
    assert_eq!(
        said(&[event(Some("x"), None, "one", 1), event(Some("x"), None, "two", 2)]),
        ["one"]
    );
    assert_eq!(
        said(&[event(Some("x"), Some(1), "one", 2), event(Some("y"), Some(1), "two", 1)]),
        ["two"]
    );
    assert_eq!(
        said(&[event(Some("x"), Some(1), "one", 1), event(Some("x"), Some(2), "two", 2)]),
        ["one"]
    );
    assert_eq!(
        said(&[event(None, None, "one", 1), event(None, None, "one", 2)]),
        ["one"],
        "the same content"
    );
    assert_eq!(said(&[event(None, None, "one", 1), event(None, None, "two", 2)]), ["one", "two"]);
    assert_eq!(
        said(&[event(None, Some(0), "one", 1), event(None, Some(0), "two", 2)]),
        ["one", "two"],
        "not numbered"
    );
    // What was no event itself, being a repeat, takes no identity from another.
    assert_eq!(
        said(&[
            event(Some("x"), None, "one", 1),
            event(Some("x"), Some(5), "two", 2),
            event(None, Some(5), "three", 3)
        ]),
        ["one", "three"]
    );
    assert_eq!(event(Some("x"), Some(7), "", 1).key(), "seq:00000000000000000007");
    assert_eq!(event(Some("x"), Some(7), "", 1).identities().len(), 2);
    assert_eq!(event(Some("x"), None, "", 1).key(), "id:x");
    assert!(event(None, None, "w", 1).key().starts_with("sum:"));
    assert_eq!(event(None, None, "w", 1).key(), event(None, None, "w", 9).key());
}

#[test]
fn the_order_is_by_number_else_time_else_arrival() {
    let order = |list: Value| -> Vec<String> {
        let mut all = events(&list);
        all.reverse();
        let debate = record::read(&record_of(&all)).unwrap();
        debate.moves.into_iter().map(|one| one.content).collect()
    };
    let event = |words: &str, rest: Value| {
        let mut event = json!({"type": "message", "agent": "a", "data": words});
        for (name, value) in rest.as_object().unwrap() {
            event[name] = value.clone();
        }
        event
    };
    let numbers = json!([
        event("b", json!({"seq": 9, "timestamp": 1})),
        event("a", json!({"seq": 2, "timestamp": 5}))
    ]);
    assert_eq!(order(numbers), ["a", "b"], "a number goes before a time");
    let times = json!([
        event("b", json!({"timestamp": "2026-01-01T01:00:00Z"})),
        event("a", json!({"timestamp": "2026-01-01T01:59:00+01:00"}))
    ]);
    assert_eq!(order(times), ["a", "b"], "instants, not texts");
    assert_eq!(order(json!([event("a", json!({})), event("b", json!({}))])), ["a", "b"], "arrival");
    let mixed = json!([
        event("2", json!({"seq": 2, "timestamp": 20})),
        event("1", json!({"seq": 1, "timestamp": 10})),
        event("1.5", json!({"timestamp": 15})),
        event("0", json!({"timestamp": 5})),
        event("3", json!({}))
    ]);
    assert_eq!(order(mixed), ["0", "1", "1.5", "2", "3"]);
    let ids = json!([
        event("b", json!({"event_id": "r-e0010", "timestamp": 1})),
        event("a", json!({"event_id": "r-e0009", "timestamp": 1}))
    ]);
    assert_eq!(order(ids), ["a", "b"], "ids that are numbered");
    let no_time = json!([
        event("a", json!({"timestamp": "some day"})),
        event("b", json!({"parent_event_id": "b", "event_id": "b"}))
    ]);
    assert_eq!(order(no_time), ["a", "b"], "a time that cannot be read is none");
}

#[test]
fn too_many_agents_are_left_out_and_said() {
    let mut all = Vec::new();
    for at in 0..1_100_u64 {
        let body =
            json!({"type": "message", "seq": at + 1, "agent": format!("a{at}"), "data": "x"});
        all.extend(read(&body).unwrap());
    }
    let debate = record::read(&record_of(&all)).unwrap();
    assert_eq!(debate.agents.len(), 1_000);
    assert!(debate.warnings.iter().any(|one| one.starts_with("100 events were more")));
}

#[test]
fn events_are_kept_as_json() {
    for event in events(&running()) {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<StreamEvent>(&text).unwrap(), event);
    }
}

/// Events at random, of the types and fields that mean something.
fn event_at_random() -> impl Strategy<Value = Value> {
    let types = [
        "debate_start",
        "round_start",
        "message",
        "proposal",
        "critique",
        "vote",
        "consensus",
        "debate_end",
        "error",
        "other",
    ];
    let names = [
        "content",
        "agent",
        "voter",
        "critic",
        "choice",
        "vote",
        "confidence",
        "severity",
        "target",
        "role",
        "kind",
        "round",
        "issues",
        "task",
        "agents",
        "winner",
        "answer",
        "result",
        "rounds",
        "reached",
        "timestamp",
    ];
    let value = prop_oneof![
        4 => prop::sample::select(&["nova", "rex", "Nova", "proposer", "vote", "critic", ""][..]).prop_map(Value::from),
        2 => (0..3_u32).prop_map(Value::from),
        2 => (0.0..1.0_f64).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => prop::collection::vec(prop::sample::select(&["nova", "ida"][..]), 0..3).prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
    ];
    let data = prop::collection::vec((prop::sample::select(names.to_vec()), value), 0..5);
    (
        prop::sample::select(types.to_vec()),
        prop::option::of(0..6_u64),
        prop::option::of("[ab][0-9]{0,2}"),
        prop::option::of(0..4_u32),
        prop::option::of(prop::sample::select(vec!["nova", "rex", "ida"])),
        prop::option::of(0..3_u32),
        data,
    )
        .prop_map(|(kind, seq, id, time, agent, round, data)| {
            let data: Map<String, Value> = data.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            json!({"event_type": kind, "seq": seq, "event_id": id, "timestamp": time, "agent": agent, "round": round, "data": data})
        })
}

fn accepted(sent: &[Value]) -> Vec<StreamEvent> {
    let mut all: Vec<_> = sent.iter().filter_map(|event| read(event).ok()).flatten().collect();
    for (event, place) in all.iter_mut().zip(1..) {
        event.arrived = place;
    }
    all
}

proptest! {
    #[test]
    fn what_is_accepted_can_be_read_as_a_record(sent in prop::collection::vec(event_at_random(), 0..12)) {
        let record = record_of(&accepted(&sent));
        let read = record::read(&record);
        prop_assert!(read.is_ok(), "{:?} of {}", read, record);
    }

    #[test]
    fn order_and_repeats_change_nothing(
        sent in prop::collection::vec(event_at_random(), 0..12),
        shuffle in prop::collection::vec(any::<u16>(), 24),
    ) {
        let all = accepted(&sent);
        let expected = record_of(&all);
        // Every event once more, arrived later, and all of it in another order.
        let mut other: Vec<_> = all.iter().cloned().chain(all.iter().map(|event| {
            StreamEvent { arrived: event.arrived + 1_000, ..event.clone() }
        })).collect();
        let mut keys = shuffle.iter().cycle();
        other.sort_by_cached_key(|_| keys.next().copied());
        prop_assert_eq!(record_of(&other), expected);
        prop_assert_eq!(is_closed(&other), is_closed(&all));
    }

    /// Events that all have a number make the same record in whatever order they arrived.
    #[test]
    fn numbered_events_may_arrive_in_any_order(
        sent in prop::collection::vec(event_at_random(), 0..12),
        shuffle in prop::collection::vec(any::<u16>(), 12),
    ) {
        let mut all = accepted(&sent);
        for (event, seq) in all.iter_mut().zip(1..) {
            event.seq = Some(seq);
            event.event_id = None;
        }
        let mut other = all.clone();
        let mut keys = shuffle.iter().cycle();
        other.sort_by_cached_key(|_| keys.next().copied());
        for (event, place) in other.iter_mut().zip(1..) {
            event.arrived = place;
        }
        prop_assert_eq!(record_of(&other), record_of(&all));
    }
}
