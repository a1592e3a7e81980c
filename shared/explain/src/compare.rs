//! Several explanations side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::explanation::Explanation;

#[cfg(test)]
mod tests;

/// How far shares and strengths may be apart and still be called the same.
const SAME: f64 = 0.005;
/// Factors below this share are not what a debate was decided by.
const KEY_SHARE: f64 = 0.15;

/// What debates have in common, and what they differ in. The caller sees to it that there are 2 to
/// 10 of them, each once.
///
/// `debates` tells each one's outcome; `common_factors` are those that mattered in all of them,
/// `common_agents` who took part in all; `differences` name what is not the same everywhere, with
/// each debate's value. `comparison` and `debates_compared` are what a published server answers.
pub fn compare(debates: &[(&str, &Explanation)]) -> Value {
    let ids: Vec<&str> = debates.iter().map(|(id, _)| *id).collect();
    let each: Vec<Value> = debates
        .iter()
        .map(|(id, it)| {
            json!({
                "debate_id": id,
                "winner": it.winner,
                "decision": it.decision,
                "summary": it.summary,
                "consensus_reached": it.consensus_reached,
                "consensus_strength": it.consensus_strength,
                "confidence": it.confidence,
                "rounds": it.rounds,
                "agents": it.agents,
                "factors": it.factors,
                "key_factors": it.key_factors,
                "scores": it.scores,
            })
        })
        .collect();
    let common_factors = common_factors(debates);
    let strongest = strongest(debates);
    let confidences: Vec<f64> = debates.iter().map(|(_, it)| it.confidence).collect();
    json!({
        "debate_ids": ids,
        "debates_compared": ids,
        "debates": each,
        "common_factors": common_factors,
        "common_agents": common_agents(debates),
        "strongest_consensus": strongest,
        "differences": differences(debates),
        "comparison": {
            "confidence": by_id(debates, |it| json!(it.confidence)),
            "confidence_stats": stats(&confidences),
            "consensus_strength": by_id(debates, |it| json!(it.consensus_strength)),
            "consensus_reached": by_id(debates, |it| json!(it.consensus_reached)),
            "consensus_agreement": same(debates, |it| it.consensus_reached),
            "contributing_factors": contributions(debates),
            "common_factors": common_factors,
            "evidence_quality": by_id(debates, |it| json!(it.scores.evidence_quality)),
        },
    })
}

/// A value of each debate, under its id.
fn by_id(debates: &[(&str, &Explanation)], of: impl Fn(&Explanation) -> Value) -> Value {
    let values = debates.iter().map(|(id, it)| ((*id).to_owned(), of(it)));
    Value::Object(values.collect())
}

fn same<T: PartialEq>(debates: &[(&str, &Explanation)], of: impl Fn(&Explanation) -> T) -> bool {
    let mut values = debates.iter().map(|(_, it)| of(it));
    let first = values.next();
    values.all(|value| Some(&value) == first.as_ref())
}

/// Those that mattered everywhere, by name.
fn common_factors(debates: &[(&str, &Explanation)]) -> Vec<&'static str> {
    let Some((_, first)) = debates.first() else { return Vec::new() };
    let matters = |it: &Explanation, name: &str| {
        it.factors.iter().any(|factor| factor.name == name && factor.contribution >= KEY_SHARE)
    };
    let names = first.factors.iter().map(|factor| factor.name);
    names.filter(|name| debates.iter().all(|(_, it)| matters(it, name))).collect()
}

fn common_agents<'a>(debates: &[(&str, &'a Explanation)]) -> Vec<&'a str> {
    let agents =
        |it: &'a Explanation| it.agents.iter().map(String::as_str).collect::<BTreeSet<_>>();
    let all = debates.iter().map(|(_, it)| agents(it));
    let common = all.reduce(|common, more| common.intersection(&more).copied().collect());
    common.unwrap_or_default().into_iter().collect()
}

/// The first of the debates with the greatest strength; nothing when none has any.
fn strongest<'a>(debates: &[(&'a str, &Explanation)]) -> Option<&'a str> {
    let mut best: Option<(&str, f64)> = None;
    for (id, it) in debates {
        if it.consensus_strength > best.map_or(0.0, |(_, strength)| strength) {
            best = Some((id, it.consensus_strength));
        }
    }
    best.map(|(id, _)| id)
}

fn stats(numbers: &[f64]) -> Value {
    let min = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let max = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if numbers.is_empty() {
        return Value::Null;
    }
    let avg = crate::count::mean(numbers.iter().copied());
    json!({ "min": min, "max": max, "avg": avg, "spread": max - min })
}

fn contributions(debates: &[(&str, &Explanation)]) -> BTreeMap<&'static str, Map<String, Value>> {
    let mut all: BTreeMap<&'static str, Map<String, Value>> = BTreeMap::new();
    for (id, it) in debates {
        for factor in &it.factors {
            let of_factor = all.entry(factor.name).or_default();
            of_factor.insert((*id).to_owned(), json!(factor.contribution));
        }
    }
    all
}

fn differences(debates: &[(&str, &Explanation)]) -> Vec<Value> {
    let mut all = Vec::new();
    let mut add = |field: &str, description: String, of: &dyn Fn(&Explanation) -> Value| {
        all.push(
            json!({ "field": field, "values": by_id(debates, of), "description": description }),
        );
    };
    if !same(debates, |it| it.winner.clone()) {
        add("winner", "The debates were won by different sides.".to_owned(), &|it| {
            json!(it.winner)
        });
    }
    if !same(debates, |it| it.decision.clone()) {
        add("decision", "The debates decided different things.".to_owned(), &|it| {
            json!(it.decision)
        });
    }
    if !same(debates, |it| it.consensus_reached) {
        add(
            "consensus_reached",
            "Some of the debates reached consensus and others did not.".to_owned(),
            &|it| json!(it.consensus_reached),
        );
    }
    let strengths = spread(debates, |it| it.consensus_strength);
    if strengths > SAME {
        let description =
            format!("The consensus strengths are up to {:.0} points apart.", strengths * 100.0);
        add("consensus_strength", description, &|it| json!(it.consensus_strength));
    }
    let confidences = spread(debates, |it| it.confidence);
    if confidences > SAME {
        let description =
            format!("The confidences are up to {:.0} points apart.", confidences * 100.0);
        add("confidence", description, &|it| json!(it.confidence));
    }
    let main = |it: &Explanation| it.factors.first().map(|factor| factor.name);
    if !same(debates, main) {
        add(
            "main_factor",
            "The outcomes are owed mainly to different factors.".to_owned(),
            &|it| json!(main(it)),
        );
    }
    let agents = |it: &Explanation| it.agents.iter().cloned().collect::<BTreeSet<_>>();
    if !same(debates, agents) {
        add("agents", "Not the same agents took part in all debates.".to_owned(), &|it| {
            json!(it.agents)
        });
    }
    all
}

fn spread(debates: &[(&str, &Explanation)], of: impl Fn(&Explanation) -> f64) -> f64 {
    let values = || debates.iter().map(|(_, it)| of(it));
    values().fold(0.0, f64::max) - values().fold(f64::INFINITY, f64::min).min(f64::MAX)
}
