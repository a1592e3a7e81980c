//! Whether the graph of a template is one: unique nodes, edges between known nodes, and no node
//! that nothing leads to.
//!
//! A node is an object with an `id`. An edge is an object that says where from and where to, by any
//! of the pairs of names in [`ENDS`], or a list of the two. A start is what `entry_step` or one of
//! its synonyms names, and every node that no edge leads to; where there is none, the first node.
//! Nodes that no start leads to are then cycles apart from everything else: nobody can get there,
//! so they are refused. Cycles that are reached are what loops are made of: they are a warning.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::draft::Problem;

/// Names of the two ends of an edge.
pub const ENDS: [(&str, &str); 5] = [
    ("source", "target"),
    ("from", "to"),
    ("from_node", "to_node"),
    ("from_step", "to_step"),
    ("start", "end"),
];
/// Names of the field that says where a graph begins.
pub const ENTRIES: [&str; 5] = ["entry_node", "entry_step", "entry_point", "start_node", "start"];
/// The most bytes of a node's id.
const MAX_ID_BYTES: usize = 200;
/// The most problems that are told of one graph.
const MAX_PROBLEMS: usize = 10;
/// Where the graph stands in the body.
const AT: &str = "template_data";

/// Checks the graph in `data`, where there is one, and gives warnings. Linear in its size.
///
/// # Errors
/// What breaks a rule; of many things the first ten.
pub fn check(data: &Map<String, Value>) -> Result<Vec<String>, Vec<Problem>> {
    if !data.contains_key("nodes") && !data.contains_key("edges") {
        return Ok(vec![]);
    }
    let mut problems = Vec::new();
    let ids = nodes(data, &mut problems);
    let edges = edges(data, &ids, &mut problems);
    let entry = entry(data, &ids, &mut problems);
    if !problems.is_empty() {
        problems.truncate(MAX_PROBLEMS);
        return Err(problems);
    }
    let names: Vec<&str> = {
        let mut names: Vec<(&str, usize)> = ids.iter().map(|(id, at)| (*id, *at)).collect();
        names.sort_by_key(|(_, at)| *at);
        names.into_iter().map(|(id, _)| id).collect()
    };
    let graph = Graph::new(names.len(), &edges, entry);
    if let Some(lost) = graph.unreached().and_then(|at| names.get(at)) {
        let message = format!("node `{}` cannot be reached from a start", shown(lost));
        return Err(vec![Problem::new(format!("{AT}.nodes"), message)]);
    }
    let cycle = graph.on_a_cycle().and_then(|at| names.get(at));
    Ok(cycle
        .map(|node| format!("the graph has a cycle through node `{}`", shown(node)))
        .into_iter()
        .collect())
}

fn list<'a>(data: &'a Map<String, Value>, name: &str, problems: &mut Vec<Problem>) -> &'a [Value] {
    match data.get(name) {
        None => &[],
        Some(Value::Array(items)) => items,
        Some(_) => {
            problems.push(Problem::new(format!("{AT}.{name}"), "must be a list"));
            &[]
        }
    }
}

fn nodes<'a>(data: &'a Map<String, Value>, problems: &mut Vec<Problem>) -> HashMap<&'a str, usize> {
    let mut ids = HashMap::new();
    for (at, node) in list(data, "nodes", problems).iter().enumerate() {
        let field = || format!("{AT}.nodes[{at}].id");
        match node.get("id") {
            _ if !node.is_object() => {
                problems.push(Problem::new(format!("{AT}.nodes[{at}]"), "must be an object"));
            }
            None => problems.push(Problem::new(field(), "is required")),
            Some(Value::String(id)) if (1..=MAX_ID_BYTES).contains(&id.len()) => {
                if ids.contains_key(id.as_str()) {
                    problems.push(Problem::new(field(), "is the id of an earlier node"));
                } else {
                    ids.insert(id.as_str(), ids.len());
                }
            }
            Some(_) => {
                problems.push(Problem::new(field(), "must be a string of 1 to 200 bytes"));
            }
        }
    }
    ids
}

fn edges(
    data: &Map<String, Value>,
    ids: &HashMap<&str, usize>,
    problems: &mut Vec<Problem>,
) -> Vec<(usize, usize)> {
    let mut edges = Vec::new();
    for (at, edge) in list(data, "edges", problems).iter().enumerate() {
        let field = format!("{AT}.edges[{at}]");
        let Some((from, to)) = ends(edge) else {
            let message = "must name two nodes, such as {\"source\": \"a\", \"target\": \"b\"}";
            problems.push(Problem::new(field, message));
            continue;
        };
        match (ids.get(from), ids.get(to)) {
            (Some(from), Some(to)) => edges.push((*from, *to)),
            (Some(_), None) => problems.push(Problem::new(field, "leads to no known node")),
            (None, _) => problems.push(Problem::new(field, "comes from no known node")),
        }
    }
    edges
}

fn ends(edge: &Value) -> Option<(&str, &str)> {
    if let Value::Array(two) = edge {
        let [from, to] = two.as_slice() else { return None };
        return from.as_str().zip(to.as_str());
    }
    let of = |name: &str| edge.get(name).and_then(Value::as_str);
    ENDS.iter().find_map(|(from, to)| of(from).zip(of(to)))
}

fn entry(
    data: &Map<String, Value>,
    ids: &HashMap<&str, usize>,
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    let (name, wanted) =
        ENTRIES.iter().find_map(|name| Some((name, data.get(*name)?.as_str()?)))?;
    let found = ids.get(wanted).copied();
    if found.is_none() {
        problems.push(Problem::new(format!("{AT}.{name}"), "must be the id of a node"));
    }
    found
}

/// An id that may hold anything, for people.
fn shown(id: &str) -> String {
    id.chars().take(60).flat_map(char::escape_default).collect()
}

/// The graph by numbers.
struct Graph {
    followers: Vec<Vec<usize>>,
    starts: Vec<usize>,
    /// How many edges lead to each node.
    leading: Vec<usize>,
}

impl Graph {
    fn new(count: usize, edges: &[(usize, usize)], entry: Option<usize>) -> Self {
        let mut followers = vec![Vec::new(); count];
        let mut leading = vec![0_usize; count];
        for &(from, to) in edges {
            if let (Some(after), Some(leads)) = (followers.get_mut(from), leading.get_mut(to)) {
                after.push(to);
                *leads += 1;
            }
        }
        let first = leading.iter().enumerate().filter(|(_, leads)| **leads == 0).map(|(at, _)| at);
        let mut starts: Vec<usize> = entry.into_iter().chain(first).collect();
        if starts.is_empty() && count > 0 {
            starts.push(0);
        }
        Self { followers, starts, leading }
    }

    fn after(&self, node: usize) -> &[usize] {
        self.followers.get(node).map_or(&[], Vec::as_slice)
    }

    /// The first node that no start leads to.
    fn unreached(&self) -> Option<usize> {
        let mut seen: HashSet<usize> = self.starts.iter().copied().collect();
        let mut open = self.starts.clone();
        while let Some(node) = open.pop() {
            open.extend(self.after(node).iter().copied().filter(|next| seen.insert(*next)));
        }
        (0..self.followers.len()).find(|node| !seen.contains(node))
    }

    /// A node on a cycle: one that is left when those that nothing leads to have been taken away
    /// until there are none, and then those that lead nowhere.
    fn on_a_cycle(&self) -> Option<usize> {
        let mut leading = self.leading.clone();
        let mut open: Vec<usize> =
            (0..leading.len()).filter(|at| leading.get(*at) == Some(&0)).collect();
        let mut gone: HashSet<usize> = HashSet::new();
        while let Some(node) = open.pop() {
            gone.insert(node);
            for &next in self.after(node) {
                if let Some(leads) = leading.get_mut(next) {
                    *leads = leads.saturating_sub(1);
                    if *leads == 0 {
                        open.push(next);
                    }
                }
            }
        }
        let mut left = (0..leading.len()).find(|node| !gone.contains(node))?;
        // Whoever is left has a predecessor that is left; a follower may lead out of the cycle.
        let before = |node: usize| {
            (0..self.followers.len())
                .find(|it| !gone.contains(it) && self.after(*it).contains(&node))
        };
        let mut seen = HashSet::new();
        while seen.insert(left) {
            left = before(left)?;
        }
        Some(left)
    }
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
