use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::explain;
use crate::explanation::MAX_DECISIVE;
use crate::fixtures::{said, sure, vote, voted, worked_example};
use crate::record::{Evidence as Given, Kind};

const IDENTITY: Identity<'static> =
    Identity { debate_id: "d-1", generated_at: "2026-11-21T12:00:00Z" };

const EVERYWHERE: [&str; 12] = [
    "debate_id",
    "format",
    "summary",
    "decision",
    "winner",
    "reasoning_chain",
    "key_factors",
    "consensus_strength",
    "consensus_reached",
    "confidence",
    "generated_at",
    "warnings",
];
const DETAILS: [&str; 12] = [
    "agents",
    "rounds",
    "factors",
    "votes",
    "vote_pivots",
    "evidence",
    "evidence_chain",
    "counterfactuals",
    "smallest_deciding_set",
    "belief_changes",
    "dissent",
    "scores",
];

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn rendered(debate: &Debate, format: Format) -> Value {
    render(&explain(debate), debate, format, IDENTITY)
}

/// What is written is what a Value of it holds.
fn written(debate: &Debate, format: Format, parts: Parts) -> Value {
    let explanation = explain(debate);
    let document = Document::new(&explanation, debate, format, parts, IDENTITY);
    serde_json::from_str(&serde_json::to_string(&document).unwrap()).unwrap()
}

#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse(), Ok(format));
    }
    for unknown in ["", "Summary", "html", "summary "] {
        assert_eq!(unknown.parse::<Format>(), Err(UnknownFormat));
    }
    assert_eq!(Format::default(), Format::Detailed);
}

#[test]
fn each_format_has_its_keys() {
    let debate = worked_example();
    let everywhere: BTreeSet<&str> = EVERYWHERE.into_iter().collect();
    let detailed: BTreeSet<&str> = EVERYWHERE.into_iter().chain(DETAILS).collect();
    let mut visual = detailed.clone();
    visual.insert("graph");
    for (format, expected) in
        [(Format::Summary, everywhere), (Format::Detailed, detailed), (Format::Visual, visual)]
    {
        let value = rendered(&debate, format);
        assert_eq!(keys(&value), expected);
        assert_eq!(value["format"], format.as_str());
        assert_eq!(value["debate_id"], "d-1");
        assert_eq!(value["generated_at"], "2026-11-21T12:00:00Z");
        assert_eq!(value, written(&debate, format, Parts::default()));
    }
}

#[test]
fn a_summary_keeps_the_decisive_steps() {
    let chain = rendered(&worked_example(), Format::Summary)["reasoning_chain"].clone();
    let steps = chain.as_array().unwrap();
    assert!(steps.len() <= MAX_DECISIVE);
    let numbers: Vec<u64> = steps.iter().map(|it| it["step"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 3, 4, 5, 7]);
    assert_eq!(
        steps[1],
        json!({
            "step": 3, "agent": "gemini", "action": "Challenged gpt4: Scalability", "round": 1,
            "kind": "critique",
            "excerpt": "Scalability The limiter holds all its state in one process.",
        })
    );
}

#[test]
fn parts_are_left_out_and_put_in() {
    let debate = worked_example();
    let without =
        Parts { evidence: Some(false), counterfactuals: Some(false), vote_pivots: Some(false) };
    let detailed = written(&debate, Format::Detailed, without);
    let with = Parts { evidence: Some(true), counterfactuals: Some(true), vote_pivots: Some(true) };
    let summary = written(&debate, Format::Summary, with);
    for key in [
        "evidence",
        "evidence_chain",
        "counterfactuals",
        "smallest_deciding_set",
        "votes",
        "vote_pivots",
    ] {
        assert!(!keys(&detailed).contains(key), "{key}");
        assert!(keys(&summary).contains(key), "{key}");
    }
    assert!(keys(&detailed).contains("factors") && !keys(&summary).contains("factors"));
}

#[test]
fn published_clients_find_their_keys() {
    let mut debate = worked_example();
    debate.votes[0].reasoning = Some("It **holds**.".to_owned());
    debate.votes[1].confidence = Some(0.7);
    debate.evidence = vec![Given {
        source: "paper".to_owned(),
        content: "It scales.".to_owned(),
        relevance: Some(0.9),
        agent: Some("gpt4".to_owned()),
        claim: Some("It does.".to_owned()),
    }];
    let value = rendered(&debate, Format::Detailed);
    assert_eq!(value["decision"], "Count per key at the edge.");
    assert_eq!(value["factors"][0]["weight"], value["factors"][0]["contribution"]);
    assert_eq!(
        value["evidence_chain"][0],
        json!({
            "id": "evidence-1", "source": "paper", "content": "It scales.", "confidence": 0.9,
            "agent_id": "gpt4", "supporting_claims": ["It does."],
        })
    );
    assert_eq!(value["evidence_chain"][1]["round_number"], 0);
    assert_eq!(
        value["vote_pivots"][0],
        json!({
            "agent": "claude", "choice": "A", "weight": 1.0, "agent_id": "claude",
            "vote_value": "A", "influence_score": 0.5, "changed_outcome": true,
            "reasoning": "It holds.",
        })
    );
    assert_eq!(value["vote_pivots"][1]["confidence"], json!(0.7));
    assert_eq!(
        value["votes"][2],
        json!({
            "agent": "gpt4", "choice": "B", "weight": 1.0, "confidence": null, "influence": 0.25,
            "pivotal": false, "reasoning": null, "agent_id": "gpt4", "vote_value": "B",
            "influence_score": 0.25, "changed_outcome": false,
        })
    );
    let moved = &value["counterfactuals"][3];
    assert_eq!(
        *moved,
        json!({
            "id": "counterfactual-4", "kind": "vote_moved", "agent": "claude", "winner": "B",
            "changed": true, "consensus_strength": 2.0 / 3.0,
            "description": "Had claude voted for B, B would have won.",
            "scenario": "vote_moved", "alternative_outcome": "B",
        })
    );
}

#[test]
fn pivots_begin_with_the_most_influential() {
    let debate = voted(vec![vote("a", "Y"), vote("b", "X"), vote("c", "X")]);
    let value = rendered(&debate, Format::Detailed);
    assert_eq!(value["votes"][0]["agent"], "a");
    assert_eq!(value["vote_pivots"][0]["agent"], "b");
    assert_eq!(value["vote_pivots"][2]["agent"], "a");
}

#[test]
fn parts_stand_alone() {
    let explanation = explain(&worked_example());
    let of = |which| part(&explanation, which, IDENTITY);
    let evidence = of(Part::Evidence);
    assert_eq!(evidence["evidence_count"], 3);
    assert_eq!(evidence["evidence"][0]["agent_id"], "claude");
    let votes = of(Part::Votes);
    assert_eq!((&votes["total_votes"], &votes["pivotal_votes"]), (&json!(3), &json!(2)));
    assert_eq!(votes["pivots"][0]["vote_value"], "A");
    let counterfactuals = of(Part::Counterfactuals);
    assert_eq!(counterfactuals["counterfactual_count"], 7);
    assert_eq!(counterfactuals["smallest_deciding_set"], json!(["claude"]));
    let summary = of(Part::Summary);
    assert_eq!(summary["summary"], json!(explanation.summary));
    for part in [evidence, votes, counterfactuals, summary] {
        assert_eq!(part["debate_id"], "d-1");
        assert_eq!(part["generated_at"], "2026-11-21T12:00:00Z");
        assert_eq!(part.as_object().unwrap().keys().next().unwrap(), "debate_id");
    }
}

#[test]
fn the_graph_connects_what_belongs_together() {
    let mut debate = voted(vec![sure("a", "a", 0.5), vote("b", "a"), vote("c", "elsewhere")]);
    let mut critique = said("c", Kind::Critique, 1, "It is slow.");
    critique.target = Some("a".to_owned());
    let mut at_nobody = said("c", Kind::Critique, 1, "So is everything.");
    at_nobody.target = Some("nobody".to_owned());
    debate.moves = vec![
        said("a", Kind::Proposal, 0, "# A plan"),
        said("b", Kind::Message, 0, "Well."),
        critique,
        at_nobody,
        said("a", Kind::Revision, 2, ""),
    ];
    let graph = rendered(&debate, Format::Visual)["graph"].clone();
    let nodes: Vec<(&str, &str, &str)> = graph["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["id"].as_str().unwrap(),
                it["kind"].as_str().unwrap(),
                it["label"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        nodes,
        [
            ("decision", "decision", "Decided for a"),
            ("agent-1", "agent", "a"),
            ("agent-2", "agent", "b"),
            ("agent-3", "agent", "c"),
            ("vote-1", "vote", "a"),
            ("vote-2", "vote", "a"),
            ("vote-3", "vote", "elsewhere"),
            ("proposal-1", "proposal", "A plan"),
            ("critique-1", "critique", "It is slow"),
            ("critique-2", "critique", "So is everything"),
            ("proposal-2", "proposal", "a"),
        ]
    );
    let edges: BTreeSet<String> = graph["edges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {} {}", it["from"], it["kind"], it["to"]).replace('"', ""))
        .collect();
    let expected: BTreeSet<String> = [
        "agent-1 voted vote-1",
        "agent-2 voted vote-2",
        "agent-3 voted vote-3",
        "agent-1 proposed proposal-1",
        "agent-1 proposed proposal-2",
        "agent-3 criticised critique-1",
        "agent-3 criticised critique-2",
        "critique-1 targets proposal-1",
        "vote-1 for proposal-2",
        "vote-2 for proposal-2",
        "vote-1 leads_to decision",
        "vote-2 leads_to decision",
        "proposal-2 leads_to decision",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(edges, expected);
}

#[test]
fn graphs_are_bounded_and_say_so() {
    let mut debate = voted(vec![vote("a", "a"), vote("b", "a")]);
    debate.moves =
        (0..3_000).map(|at| said("a", Kind::Proposal, at, &format!("plan {at}"))).collect();
    let value = rendered(&debate, Format::Visual);
    let nodes = value["graph"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), MAX_NODES);
    let ids: BTreeSet<&str> = nodes.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), MAX_NODES);
    for edge in value["graph"]["edges"].as_array().unwrap() {
        for end in ["from", "to"] {
            assert!(ids.contains(edge[end].as_str().unwrap()), "{edge}");
        }
    }
    let warnings = value["warnings"].as_array().unwrap();
    assert!(warnings.iter().any(|it| it.as_str().unwrap().contains("first 2,000 nodes")));
    // The others say nothing about a graph they do not have.
    let detailed = rendered(&debate, Format::Detailed);
    assert_eq!(detailed["warnings"].as_array().unwrap().len(), warnings.len() - 1);
}

#[test]
fn debates_of_nothing_can_be_rendered() {
    let debate = Debate::default();
    for format in Format::ALL {
        let value = rendered(&debate, format);
        assert_eq!(value["winner"], Value::Null);
        assert_eq!(value["consensus_strength"], json!(0.0));
    }
    assert_eq!(rendered(&debate, Format::Visual)["graph"], json!({ "nodes": [], "edges": [] }));
}
