//! Workflows written as steps and their followers, turned into nodes and edges.
//!
//! The form is that of the Aragora engine's own templates: `steps`, each with an `id`, and where it
//! goes on: `next_steps`, the branches of a decision (`config.conditions[].next_step`,
//! `config.default_branch`), what it runs side by side or again (`config.parallel_steps`,
//! `config.body_steps`), and `transitions` beside the steps.

use serde_json::{Map, Value, json};

use super::draft::Problem;

/// Lists of followers in a step's configuration.
const LISTS: [&str; 4] = ["parallel_steps", "body_steps", "sub_steps", "branches"];
/// Single followers in a step's configuration.
const SINGLE: [&str; 3] = ["default_branch", "next_step", "fallback_step"];
/// What of such a document describes the template, and is no part of its data.
const DESCRIBING: [&str; 10] = [
    "id",
    "name",
    "description",
    "version",
    "category",
    "tags",
    "visibility",
    "documentation",
    "changelog",
    "is_template",
];

/// Turns a document with `steps` into template data with `nodes` and `edges`: each step is a node,
/// with its `step_type` also as `type`, and every other key stays. Gives back `None` when it has no
/// `steps`, or has `nodes` already.
///
/// # Errors
/// When `steps` is not a list of objects with ids. Followers that are no steps are left for
/// [`super::graph::check`] to find.
pub fn to_graph(document: &Map<String, Value>) -> Option<Result<Map<String, Value>, Problem>> {
    if document.contains_key("nodes") {
        return None;
    }
    let steps = document.get("steps")?;
    Some(converted(document, steps))
}

fn converted(document: &Map<String, Value>, steps: &Value) -> Result<Map<String, Value>, Problem> {
    let Value::Array(steps) = steps else {
        return Err(Problem::new("steps", "must be a list"));
    };
    let (mut nodes, mut edges) = (Vec::new(), Vec::new());
    for (at, step) in steps.iter().enumerate() {
        let Value::Object(step) = step else {
            return Err(Problem::new(format!("steps[{at}]"), "must be an object"));
        };
        let Some(Value::String(id)) = step.get("id") else {
            return Err(Problem::new(format!("steps[{at}].id"), "must be a string"));
        };
        edges.extend(followers(step).into_iter().map(|(to, label)| edge(id, to, label)));
        nodes.push(node(step));
    }
    for (at, transition) in items(document.get("transitions")).iter().enumerate() {
        let end = |name: &str| transition.get(name).and_then(Value::as_str);
        let Some((from, to)) = end("from_step").zip(end("to_step")) else {
            let message = "must have from_step and to_step";
            return Err(Problem::new(format!("transitions[{at}]"), message));
        };
        edges.push(edge(from, to, end("condition")));
    }
    let mut data: Map<String, Value> = document
        .iter()
        .filter(|(name, _)| !DESCRIBING.contains(&name.as_str()))
        .filter(|(name, _)| !["steps", "transitions"].contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    data.insert("nodes".to_owned(), nodes.into());
    data.insert("edges".to_owned(), once(edges).into());
    Ok(data)
}

fn node(step: &Map<String, Value>) -> Value {
    let mut node = step.clone();
    // The edges say it.
    node.remove("next_steps");
    if let (Some(kind), false) = (step.get("step_type"), step.contains_key("type")) {
        node.insert("type".to_owned(), kind.clone());
    }
    Value::Object(node)
}

fn followers(step: &Map<String, Value>) -> Vec<(&str, Option<&str>)> {
    let mut followers = Vec::new();
    followers.extend(texts(step.get("next_steps")).map(|to| (to, None)));
    let Some(config) = step.get("config") else { return followers };
    for condition in items(config.get("conditions")) {
        let of = |name: &str| condition.get(name).and_then(Value::as_str);
        followers.extend(of("next_step").map(|to| (to, of("name").or_else(|| of("expression")))));
    }
    for name in SINGLE {
        let to = config.get(name).and_then(Value::as_str);
        followers.extend(to.map(|to| (to, (name == "default_branch").then_some("default"))));
    }
    for name in LISTS {
        followers.extend(texts(config.get(name)).map(|to| (to, None)));
    }
    followers
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    items(value).iter().filter_map(Value::as_str)
}

fn edge(from: &str, to: &str, label: Option<&str>) -> Value {
    match label {
        None => json!({"source": from, "target": to}),
        Some(label) => json!({"source": from, "target": to, "label": label}),
    }
}

/// Without repeats, in order.
fn once(edges: Vec<Value>) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    edges.into_iter().filter(|edge| seen.insert(edge.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph;
    use super::*;

    fn graph_of(document: &Value) -> Map<String, Value> {
        to_graph(document.as_object().unwrap()).unwrap().unwrap()
    }

    #[test]
    fn steps_become_nodes_and_their_followers_edges() {
        let document = json!({
            "id": "t", "name": "n", "category": "c", "inputs": {"a": "b"}, "icon": "x",
            "entry_step": "one",
            "steps": [
                {"id": "one", "step_type": "task", "next_steps": ["two"], "name": "One"},
                {"id": "two", "step_type": "decision", "config": {
                    "conditions": [{"name": "yes", "expression": "x > 1", "next_step": "three"}],
                    "default_branch": "four",
                }},
                {"id": "three", "step_type": "parallel", "config": {"parallel_steps": ["four", "five"]}, "next_steps": ["four"]},
                {"id": "four"},
                {"id": "five", "type": "agent", "step_type": "task"},
            ],
            "transitions": [{"from_step": "five", "to_step": "one", "condition": "again"}],
        });
        let data = graph_of(&document);
        assert_eq!(
            data.keys().collect::<Vec<_>>(),
            ["inputs", "icon", "entry_step", "nodes", "edges"]
        );
        assert_eq!(
            data["nodes"][0],
            json!({"id": "one", "step_type": "task", "name": "One", "type": "task"})
        );
        assert_eq!(data["nodes"][4]["type"], "agent");
        let edges = json!([
            {"source": "one", "target": "two"},
            {"source": "two", "target": "three", "label": "yes"},
            {"source": "two", "target": "four", "label": "default"},
            {"source": "three", "target": "four"},
            {"source": "three", "target": "five"},
            {"source": "five", "target": "one", "label": "again"},
        ]);
        assert_eq!(data["edges"], edges);
        assert_eq!(graph::check(&data).unwrap().len(), 1);
    }

    #[test]
    fn what_has_no_steps_is_left_alone() {
        for document in [json!({}), json!({"nodes": [], "steps": []})] {
            assert!(to_graph(document.as_object().unwrap()).is_none(), "{document}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (document, field) in [
            (json!({"steps": {}}), "steps"),
            (json!({"steps": [5]}), "steps[0]"),
            (json!({"steps": [{"id": "a"}, {}]}), "steps[1].id"),
            (json!({"steps": [], "transitions": [{"from_step": "a"}]}), "transitions[0]"),
        ] {
            let problem = to_graph(document.as_object().unwrap()).unwrap().unwrap_err();
            assert_eq!(problem.field, field, "{document}");
        }
        // What nobody can follow is found by the graph's own check.
        let data = graph_of(&json!({"steps": [{"id": "a", "next_steps": ["gone"]}]}));
        assert_eq!(graph::check(&data).unwrap_err()[0].field, "template_data.edges[0]");
    }
}
