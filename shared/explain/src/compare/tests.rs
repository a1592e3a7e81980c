use super::*;
use crate::explain;
use crate::fixtures::{agent, sure, vote, voted, worked_example};
use crate::record::Debate;

#[test]
fn what_is_the_same_and_what_is_not() {
    let first = explain(&worked_example());
    let mut other = voted(vec![vote("claude", "B"), vote("gpt4", "B")]);
    other.rounds = 1;
    other.agents.push(agent("zed"));
    let second = explain(&other);
    let value = compare(&[("one", &first), ("two", &second)]);

    assert_eq!(value["debate_ids"], json!(["one", "two"]));
    assert_eq!(value["debates_compared"], json!(["one", "two"]));
    assert_eq!(value["common_agents"], json!(["claude", "gpt4"]));
    // Evidence is only in the first, and efficiency matters only in the second.
    assert_eq!(value["common_factors"], json!(["consensus"]));
    assert_eq!(value["strongest_consensus"], "two");
    let fields: Vec<&str> = value["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        ["winner", "decision", "consensus_strength", "confidence", "main_factor", "agents"]
    );
    assert_eq!(value["differences"][0]["values"], json!({ "one": "A", "two": "B" }));
    assert_eq!(
        value["differences"][2]["description"],
        "The consensus strengths are up to 33 points apart."
    );
    let each = &value["debates"][1];
    assert_eq!(each["debate_id"], "two");
    assert_eq!(each["winner"], "B");
    assert_eq!(each["key_factors"][0], "2 of 2 voted for B");
    let stats = &value["comparison"]["confidence_stats"];
    assert_eq!((&stats["min"], &stats["max"]), (&json!(0.8), &json!(1.0)));
    assert_eq!(value["comparison"]["consensus_agreement"], true);
    assert_eq!(
        value["comparison"]["contributing_factors"]["consensus"]["one"],
        first.factors[1].contribution
    );
}

#[test]
fn the_same_twice_differs_in_nothing() {
    let one = explain(&worked_example());
    let value = compare(&[("a", &one), ("b", &one)]);
    assert_eq!(value["differences"], json!([]));
    assert_eq!(value["common_factors"], json!(["evidence", "consensus"]));
    assert_eq!(value["strongest_consensus"], "a");
}

#[test]
fn nothing_is_stronger_than_nothing() {
    let empty = explain(&Debate::default());
    let value = compare(&[("a", &empty), ("b", &empty)]);
    assert_eq!(value["strongest_consensus"], Value::Null);
    assert_eq!(value["common_agents"], json!([]));
    let unsure = explain(&voted(vec![sure("a", "X", 0.001)]));
    assert_eq!(compare(&[("a", &empty), ("b", &unsure)])["strongest_consensus"], "b");
}
