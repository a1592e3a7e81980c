//! Records from somebody who means harm, and records at random.

use proptest::prelude::*;
use serde_json::{Map, Number, Value, json};

use super::{Debate, Kind, MAX_AGENTS, MAX_ENTRIES, MAX_PROBLEMS, canonical, headline, read};

/// Names and texts that mean something to the reader, so that random records get far.
const WORDS: [&str; 58] = [
    "agents",
    "participants",
    "messages",
    "history",
    "proposals",
    "final_proposals",
    "responses",
    "critiques",
    "votes",
    "vote_reasoning",
    "vote_counts",
    "positions",
    "evidence",
    "consensus",
    "consensus_reached",
    "winner",
    "final_answer",
    "confidence",
    "rounds",
    "rounds_used",
    "events",
    "final_result",
    "result",
    "trace",
    "task",
    "tags",
    "agent",
    "voter",
    "critic",
    "target",
    "choice",
    "round",
    "round_num",
    "content",
    "text",
    "kind",
    "role",
    "severity",
    "issues",
    "suggestions",
    "timestamp",
    "weight",
    "event_type",
    "event_id",
    "seq",
    "data",
    "vote",
    "critique",
    "debate_start",
    "debate_end",
    "agent_message",
    "proposer",
    "1",
    "round 2",
    "nova",
    "Nova",
    "rex",
    "[Error generating proposal: x]",
];

pub(super) fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&["nova", "Nova", "rex", "ida", "Rex\n", "1", "round 2"][..])
        .prop_map(str::to_owned)
}

/// JSON at random, of the reader's own words.
fn json_at_random() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        (0..4_u32).prop_map(Value::from),
        (0.0..1.0_f64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(serde_json::from_str("1e999").unwrap()),
        Just(serde_json::from_str("123456789012345678901234567890").unwrap()),
    ];
    let leaf = prop_oneof![
        4 => word().prop_map(Value::from),
        2 => number,
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((word(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// What holds for every debate that was read.
fn sound(debate: &Debate) {
    let within = |number: &Option<f64>| number.is_none_or(|number| (0.0..=1.0).contains(&number));
    let known = |name: &String| debate.agents.iter().any(|agent| agent.name == *name);
    assert!(debate.votes.is_sorted_by(|one, other| one.agent < other.agent));
    assert!(debate.moves.is_sorted_by_key(|one| one.round));
    assert!(debate.moves.iter().all(|one| known(&one.agent) && within(&one.severity)));
    assert!(debate.votes.iter().all(|vote| known(&vote.agent) && within(&vote.confidence)));
    assert!(debate.votes.iter().all(|vote| !vote.choice.is_empty()));
    assert!(debate.positions.iter().all(|one| known(&one.agent) && within(&one.confidence)));
    assert!(within(&debate.confidence) && within(&debate.consensus_margin));
    assert!(debate.moves.iter().all(|one| !one.content.trim().is_empty()));
    assert!(debate.warnings.len() <= 16 && debate.warnings.iter().all(|one| one.len() < 2_000));
}

proptest! {
    #[test]
    fn nothing_panics_and_what_is_read_is_sound(record in json_at_random()) {
        match read(&record) {
            Ok(debate) => {
                sound(&debate);
                prop_assert!(serde_json::to_string(&headline(&debate)).unwrap().len() < 4_000);
            }
            Err(problems) => prop_assert!((1..=MAX_PROBLEMS).contains(&problems.len())),
        }
        let text = canonical(&record);
        let again: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(canonical(&again), text);
    }

    /// Of the right types everything is read, whoever says what to whom.
    #[test]
    fn what_is_of_the_right_types_is_read(
        said in prop::collection::vec((name(), word(), word(), prop::option::of(0..4_u32), word()), 0..12),
        votes in prop::collection::vec((name(), word(), prop::option::of(0.0..1.0_f64)), 0..8),
        by_agent in prop::collection::btree_map(name(), word(), 0..4),
    ) {
        let messages: Vec<_> = said.iter().map(|(agent, role, kind, round, content)| {
            json!({"agent": agent, "role": role, "kind": kind, "round": round, "content": content})
        }).collect();
        let critiques: Vec<_> = said.iter().map(|(critic, target, content, round, issue)| {
            json!({"critic": critic, "target": target, "content": content, "round": round, "issues": [issue]})
        }).collect();
        let votes: Vec<_> = votes.iter().map(|(agent, choice, confidence)| {
            json!({"agent": agent, "choice": choice, "confidence": confidence})
        }).collect();
        let record = json!({"messages": messages, "critiques": critiques, "votes": votes, "proposals": by_agent,
                            "vote_reasoning": by_agent, "final_proposals": by_agent});
        let read = read(&record);
        prop_assert!(read.is_ok(), "{:?}", read);
        sound(&read.unwrap());
    }

    #[test]
    fn the_order_of_votes_does_not_matter(
        votes in prop::collection::vec(("[a-f]{1,2}", word(), prop::option::of(0.0..1.0_f64)), 0..12),
        seed in any::<u64>(),
    ) {
        // Of one voter's votes the last counts, so each votes once here.
        let mut votes: Vec<_> = votes;
        votes.sort_by(|one, other| one.0.cmp(&other.0));
        votes.dedup_by(|one, other| one.0 == other.0);
        let entry = |(agent, choice, confidence): &(String, String, Option<f64>)| {
            json!({"agent": agent, "choice": choice, "confidence": confidence})
        };
        let list: Vec<Value> = votes.iter().map(entry).collect();
        let mut other = list.clone();
        if !other.is_empty() {
            let turn = usize::try_from(seed % other.len() as u64).unwrap();
            other.rotate_left(turn);
            other.reverse();
        }
        prop_assert_eq!(read(&json!({"votes": list})), read(&json!({"votes": other})));
    }
}

#[test]
fn ten_megabytes_of_text_are_read() {
    let long = "word ".repeat(2 * 1024 * 1024);
    let record = json!({"task": "t", "proposals": {"nova": long}, "messages": [{"agent": "nova", "role": "proposer", "content": long}],
                        "critiques": [{"critic": "rex", "content": long}], "final_answer": long});
    let debate = read(&record).unwrap();
    assert_eq!(debate.moves.len(), 2);
    assert_eq!(debate.moves[0].content.len(), long.len());
}

#[test]
fn many_of_everything_is_bounded() {
    let name = |at: usize| format!("agent-{at}");
    let agents: Vec<_> = (0..200).map(name).collect();
    let votes: Map<String, Value> = (0..200).map(|at| (name(at), json!(name(at % 3)))).collect();
    let debate = read(&json!({"agents": agents, "votes": votes})).unwrap();
    assert_eq!((debate.agents.len(), debate.votes.len()), (200, 200));

    let crowd: Map<String, Value> = (0..=MAX_AGENTS).map(|at| (name(at), json!("x"))).collect();
    assert_eq!(read(&json!({"votes": crowd})).unwrap_err()[0].field, "agents");
    let message = json!({"agent": "a", "content": "x"});
    let messages = vec![message; MAX_ENTRIES + 1];
    assert_eq!(read(&json!({"messages": messages})).unwrap_err()[0].field, "messages");
    let half = vec![json!({"agent": "a", "content": "y"}); MAX_ENTRIES / 2 + 1];
    let both = json!({"messages": half, "result": {"messages": half}});
    assert_eq!(read(&both).unwrap_err()[0].field, "body");
    let events = vec![json!({"type": "x"}); MAX_ENTRIES + 1];
    assert_eq!(read(&json!({"events": events})).unwrap_err()[0].field, "events");
}

/// One agent, and every text begins alike: what is looked for must not be looked for in all.
#[test]
fn texts_that_nearly_repeat_each_other_are_cheap() {
    let head = "x".repeat(300);
    let said: Vec<_> =
        (0..10_000).map(|at| json!({"agent": "a", "content": format!("{head}{at}")})).collect();
    let issues: Vec<_> =
        (0..10_000).map(|at| json!({"critic": "a", "issues": [format!("issue {at}")]})).collect();
    let critiques: Vec<_> = (0..5_000)
        .map(|_| json!({"agent": "a", "role": "critic", "content": "y".repeat(500)}))
        .collect();
    let start = std::time::Instant::now();
    let debate = read(
        &json!({"messages": said, "history": critiques, "proposals": said, "critiques": issues}),
    )
    .unwrap();
    assert!(debate.moves.len() >= 30_000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn deep_nesting_is_a_problem_and_no_more() {
    let mut deep = json!("x");
    for level in 0..110 {
        deep = if level % 2 == 0 { json!([deep]) } else { json!({"nova": deep}) };
    }
    for name in ["proposals", "critiques", "votes"] {
        assert!(read(&json!({name: deep})).is_err(), "{name}");
    }
    assert!(read(&json!({"unknown": deep, "metadata": deep})).is_ok());
}

#[test]
fn markup_and_control_characters() {
    let debate = read(&json!({
        "task": "<script>alert(1)</script>\u{0}\u{1b}[2J", "agents": ["<b>\u{202e}nova\u{7}"],
        "proposals": {"<b>nova": "</text><svg onload=x>\u{ffff}\r\n\tdone"}, "votes": {"<b>nova": "<b>nova\u{85}"}
    }))
    .unwrap();
    assert_eq!(debate.task, "<script>alert(1)</script>[2J");
    assert_eq!(debate.agents.len(), 1);
    assert_eq!(debate.agents[0].name, "<b>nova");
    assert_eq!(debate.moves[0].content, "</text><svg onload=x>\n\tdone");
    assert_eq!(debate.moves[0].kind, Kind::Proposal);
    assert_eq!(debate.votes[0].choice, "<b>nova");
}

#[test]
fn numbers_keep_to_their_range() {
    for (text, ok) in [
        ("0", true),
        ("1", true),
        ("1.0", true),
        ("-0.0", true),
        ("1e-400", true),
        ("1.0000001", false),
        ("-1e-300", false),
        ("1e400", false),
    ] {
        let number: Number = serde_json::from_str(text).unwrap();
        let read = read(&json!({"confidence": number}));
        assert_eq!(read.is_ok(), ok, "{text}");
        if let Ok(debate) = read {
            assert!(debate.confidence.unwrap().is_sign_positive());
        }
    }
}
