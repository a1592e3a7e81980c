//! Graphs that pass, and what is said of those that do not.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn checked(data: &Value) -> Result<Vec<String>, Vec<(String, String)>> {
    let told = |it: Problem| (it.field, it.message);
    check(data.as_object().unwrap()).map_err(|problems| problems.into_iter().map(told).collect())
}

fn nodes(ids: &[&str]) -> Value {
    ids.iter().map(|id| json!({"id": id})).collect()
}

#[test]
fn what_has_no_graph_passes() {
    for data in
        [json!({}), json!({"prompt": "x"}), json!({"nodes": []}), json!({"nodes": [], "edges": []})]
    {
        assert_eq!(checked(&data), Ok(vec![]), "{data}");
    }
}

#[test]
fn graphs_pass_however_their_edges_are_written() {
    for edge in [
        json!({"source": "a", "target": "b"}),
        json!({"from": "a", "to": "b", "label": "yes"}),
        json!({"from_node": "a", "to_node": "b"}),
        json!({"from_step": "a", "to_step": "b"}),
        json!(["a", "b"]),
    ] {
        let data = json!({"nodes": nodes(&["a", "b", "c"]), "edges": [edge]});
        assert_eq!(checked(&data), Ok(vec![]), "{data}");
    }
}

#[test]
fn what_is_wrong_is_named() {
    let two = nodes(&["a", "b"]);
    for (data, field) in [
        (json!({"nodes": {}}), "template_data.nodes"),
        (json!({"nodes": null}), "template_data.nodes"),
        (json!({"nodes": two, "edges": "x"}), "template_data.edges"),
        (json!({"nodes": ["a"]}), "template_data.nodes[0]"),
        (json!({"nodes": [{"id": "a"}, {}]}), "template_data.nodes[1].id"),
        (json!({"nodes": [{"id": 1}]}), "template_data.nodes[0].id"),
        (json!({"nodes": [{"id": ""}]}), "template_data.nodes[0].id"),
        (json!({"nodes": [{"id": "x".repeat(201)}]}), "template_data.nodes[0].id"),
        (json!({"nodes": nodes(&["a", "a"])}), "template_data.nodes[1].id"),
        (json!({"edges": [["a", "b"]]}), "template_data.edges[0]"),
        (json!({"nodes": two, "edges": [["a", "c"]]}), "template_data.edges[0]"),
        (json!({"nodes": two, "edges": [["a", "b"], ["c", "b"]]}), "template_data.edges[1]"),
        (json!({"nodes": two, "edges": [{"source": "a"}]}), "template_data.edges[0]"),
        (json!({"nodes": two, "edges": [["a", "b", "c"]]}), "template_data.edges[0]"),
        (json!({"nodes": two, "edges": [null]}), "template_data.edges[0]"),
        (json!({"nodes": two, "entry_step": "c"}), "template_data.entry_step"),
    ] {
        let problems = checked(&data).unwrap_err();
        assert_eq!((problems.len(), problems[0].0.as_str()), (1, field), "{data}");
    }
    let many = json!({"nodes": vec![json!({}); 50]});
    assert_eq!(checked(&many).unwrap_err().len(), 10);
}

#[test]
fn cycles_are_warnings() {
    let on = |ids: &[&str], edges: Value| checked(&json!({"nodes": nodes(ids), "edges": edges}));
    let warning = |node: &str| Ok(vec![format!("the graph has a cycle through node `{node}`")]);
    assert_eq!(on(&["a"], json!([["a", "a"]])), warning("a"));
    assert_eq!(
        on(&["s", "a", "b", "e"], json!([["s", "a"], ["a", "b"], ["b", "a"], ["b", "e"]])),
        warning("a")
    );
    // Without any other start, the first node is one.
    assert_eq!(on(&["a", "b"], json!([["a", "b"], ["b", "a"]])), warning("a"));
    // What only follows a cycle is not on it.
    assert_eq!(
        on(&["e", "a", "b"], json!([["a", "b"], ["b", "a"], ["b", "e"]])).unwrap_err()[0].0,
        "template_data.nodes"
    );
}

#[test]
fn islands_cannot_be_reached() {
    let data = json!({"nodes": nodes(&["s", "a", "b"]), "edges": [["a", "b"], ["b", "a"]]});
    let problems = checked(&data).unwrap_err();
    assert_eq!(problems[0].1, "node `a` cannot be reached from a start");
    let entered = json!({"nodes": nodes(&["s", "a", "b"]), "edges": [["a", "b"], ["b", "a"]], "entry_step": "a"});
    assert_eq!(checked(&entered).unwrap().len(), 1);
}

#[test]
fn a_long_chain_is_no_trouble() {
    let ids: Vec<String> = (0..5_000).map(|number| format!("n{number}")).collect();
    let edges: Vec<_> = ids.windows(2).map(|pair| json!([pair[1], pair[0]])).collect();
    let names: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(checked(&json!({"nodes": nodes(&names), "edges": edges})), Ok(vec![]));
}

proptest! {
    /// A warning names a node from which one comes back to it.
    #[test]
    fn a_cycle_is_one(edges in prop::collection::vec((0_usize..6, 0_usize..6), 0..15)) {
        let ids = ["a", "b", "c", "d", "e", "f"];
        let written: Vec<Value> = edges.iter().map(|(from, to)| json!([ids[*from], ids[*to]])).collect();
        if let Ok(warnings) = checked(&json!({"nodes": nodes(&ids), "edges": written})) {
            let reaches = |from: usize| {
                let mut seen = vec![];
                let mut open = vec![from];
                while let Some(node) = open.pop() {
                    for (_, to) in edges.iter().filter(|(from, _)| *from == node) {
                        if !seen.contains(to) {
                            seen.push(*to);
                            open.push(*to);
                        }
                    }
                }
                seen.contains(&from)
            };
            let cyclic: Vec<usize> = (0..6).filter(|node| reaches(*node)).collect();
            prop_assert_eq!(warnings.is_empty(), cyclic.is_empty());
            if let Some(warning) = warnings.first() {
                let named = cyclic.iter().any(|node| warning.contains(&format!("`{}`", ids[*node])));
                prop_assert!(named);
            }
        }
    }
}
