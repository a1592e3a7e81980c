//! The shapes that engines write, with invented content.

use serde_json::{Value, json};

use super::{Debate, Kind, Move, canonical, headline, read};

fn debate(record: &Value) -> Debate {
    read(record).expect("a record of a known shape")
}

/// Kind, agent, round and words of every move.
fn told(debate: &Debate) -> Vec<(Kind, &str, u32, &str)> {
    let one = |one: &'_ Move| (one.kind, one.round);
    debate
        .moves
        .iter()
        .map(|step| (one(step).0, step.agent.as_str(), one(step).1, step.content.as_str()))
        .collect()
}

fn votes(debate: &Debate) -> Vec<(&str, &str)> {
    debate.votes.iter().map(|vote| (vote.agent.as_str(), vote.choice.as_str())).collect()
}

fn names(debate: &Debate) -> Vec<&str> {
    debate.agents.iter().map(|agent| agent.name.as_str()).collect()
}

#[test]
fn the_canonical_record() {
    let record = json!({
        "debate_id": "deb-1", "task": "Which cache?", "domain": "storage", "workspace_id": "ws-1",
        "tags": ["cache", " infra ", "cache"],
        "agents": [{"name": "nova", "version": "2", "model": "m-1", "elo": 1500, "calibration": 0.9}, "rex", "ida"],
        "rounds": 3,
        "messages": [{"agent": "ida", "role": "critic", "round": 1, "content": "Both are slow.", "timestamp": "2026-01-01T00:00:05Z"}],
        "proposals": [{"agent": "nova", "round": 1, "content": "An LRU."}, {"agent": "rex", "round": 1, "content": "An LFU."}],
        "critiques": [{"critic": "rex", "target": "nova", "round": 2, "content": "Scans flush it.", "severity": 0.6}],
        "votes": [{"agent": "rex", "choice": "rex", "confidence": 0.5, "reasoning": "Scans.", "weight": 2, "round": 3},
                  {"agent": "nova", "choice": "rex"}],
        "vote_reasoning": {"nova": "Convinced."},
        "positions": {"nova": [{"position": "LRU", "confidence": 0.8, "round": 1}, {"position": "LFU", "confidence": 0.6, "round": 3}]},
        "evidence": [{"source": "paper", "content": "Traces show it.", "relevance": 0.9, "agent": "rex", "claim": "LFU hits more"}],
        "consensus": true, "winner": "rex", "final_answer": "An LFU.", "confidence": 0.75, "consensus_margin": 0.5,
        "vote_counts": {"rex": 2},
        "started_at": "2026-01-01T00:00:00Z", "completed_at": "2026-01-01T00:01:00Z", "duration_seconds": 60,
        "tokens_used": 1200, "cost_usd": 0.02, "a_field_of_theirs": {"kept": true}
    });
    let debate = debate(&record);
    assert_eq!(debate.warnings, Vec::<String>::new());
    assert_eq!(debate.tags, ["cache", "infra"]);
    assert_eq!(names(&debate), ["nova", "rex", "ida"]);
    assert_eq!(debate.agents[0].elo, Some(1500.0));
    assert_eq!(
        told(&debate),
        [
            (Kind::Proposal, "nova", 1, "An LRU."),
            (Kind::Proposal, "rex", 1, "An LFU."),
            (Kind::Critique, "ida", 1, "Both are slow."),
            (Kind::Critique, "rex", 2, "Scans flush it."),
        ]
    );
    assert_eq!(debate.moves[3].target.as_deref(), Some("nova"));
    assert_eq!(debate.moves[3].severity, Some(0.6));
    assert_eq!(votes(&debate), [("nova", "rex"), ("rex", "rex")]);
    assert_eq!(debate.votes[0].reasoning.as_deref(), Some("Convinced."));
    assert_eq!(debate.votes[1].weight, Some(2.0));
    assert_eq!(debate.positions.len(), 2);
    assert_eq!(debate.evidence[0].relevance, Some(0.9));
    assert_eq!(
        (debate.rounds, debate.consensus_reached, debate.confidence),
        (3, Some(true), Some(0.75))
    );
    assert_eq!(debate.duration_seconds, Some(60.0));
}

#[test]
fn a_state_file_with_maps_by_agent() {
    let debate = debate(&json!({
        "cycle": 1, "phase": "debate", "stage": "complete",
        "proposals": {"Ida-3": "A long plan.", "Rex-5.2": "A short plan.", "Nova-4.5": "No plan."},
        "critiques": [
            {"critic": "Rex-5.2", "target": "Ida-3", "content": "Too long."},
            {"critic": "Nova-4.5", "target": "Rex-5.2", "content": "Too short."}
        ],
        "votes": {"Ida-3": "Nova-4.5", "Rex-5.2": "Ida-3", "Nova-4.5": "Nova-4.5"},
        "vote_counts": {"Nova-4.5": 2, "Ida-3": 1},
        "winner": "Nova-4.5", "consensus": true, "saved_at": "2026-01-01T10:26:39.566595"
    }));
    assert_eq!(
        votes(&debate),
        [("Ida-3", "Nova-4.5"), ("Nova-4.5", "Nova-4.5"), ("Rex-5.2", "Ida-3")]
    );
    assert_eq!(names(&debate), ["Ida-3", "Rex-5.2", "Nova-4.5"]);
    assert_eq!(debate.moves.iter().map(|one| one.round).collect::<Vec<_>>(), [0, 0, 0, 1, 1]);
    assert_eq!(debate.moves[4].target.as_deref(), Some("Rex-5.2"));
    assert_eq!((debate.rounds, debate.consensus_reached), (1, Some(true)));
    assert_eq!(debate.completed_at.as_deref(), Some("2026-01-01T10:26:39.566595"));
    assert_eq!(
        debate.warnings,
        [
            "The record has no task.",
            "The record lists no agents; they are taken from what is in it."
        ]
    );
}

#[test]
fn messages_of_which_one_is_an_agents_error() {
    let debate = debate(&json!({
        "timestamp": "2026-01-01T07:19:41.290248", "final_answer": "## Do it\n\nNow.", "consensus_reached": true,
        "confidence": 0.8, "duration": 248.96,
        "messages": [
            {"agent": "ida", "role": "proposer", "round": 0, "content": "[Error generating proposal: no key is set\n]"},
            {"agent": "rex", "role": "critic", "round": 1, "content": "Critique from rex (severity: 0.5):\nIssues:\n  - nothing was proposed"},
            {"agent": "rex", "role": "critic", "round": 2, "content": "Critique from rex (severity: 1.0):\nIssues:\n  - still nothing"}
        ]
    }));
    let kinds: Vec<_> = debate.moves.iter().map(|one| (one.kind, one.severity)).collect();
    assert_eq!(
        kinds,
        [(Kind::Error, None), (Kind::Critique, Some(0.5)), (Kind::Critique, Some(1.0))]
    );
    assert_eq!((debate.duration_seconds, debate.rounds), (Some(248.96), 2));
    assert!(debate.warnings.contains(&"The record has no proposals.".to_owned()));
    assert_eq!(debate.final_answer.as_deref(), Some("## Do it\n\nNow."));
}

#[test]
fn a_trace_of_events_with_a_final_result() {
    let event = |id: u32, kind: &str, round: u32, agent: Option<&str>, content: Value| {
        json!({"event_id": format!("run-e{id:04}"), "event_type": kind, "timestamp": "2026-01-09T23:03:36.048761",
               "round_num": round, "agent": agent, "content": content, "parent_event_id": null,
               "duration_ms": null, "metadata": {}})
    };
    let debate = debate(&json!({
        "trace_id": "trace-run", "debate_id": "run", "task": "First what?", "agents": ["ida", "rex"], "random_seed": 42,
        "events": [
            event(1, "debate_start", 0, None, json!({"task": "First what?"})),
            event(2, "round_start", 1, None, json!({"round": 1})),
            event(3, "message", 1, Some("ida"), json!({"content": "The door."})),
            event(4, "agent_proposal", 1, Some("rex"), json!({"content": "The window.", "confidence": 0.4})),
            event(5, "agent_critique", 1, Some("ida"), json!({"target_agent": "rex", "issues": ["It is high."], "severity": 0.7, "suggestions": ["Take a ladder."]})),
            event(6, "round_end", 1, None, json!({"round": 1})),
            event(7, "debate_end", 1, None, json!({"result": "consensus"}))
        ],
        "started_at": "2026-01-09T23:03:36.048761", "completed_at": "2026-01-09T23:03:36.048779",
        "final_result": {"consensus_reached": true, "confidence": 0.72, "final_answer": "The door first.", "rounds_used": 1},
        "metadata": {}, "checksum": "9a2e"
    }));
    assert_eq!(
        told(&debate),
        [
            (Kind::Message, "ida", 1, "The door."),
            (Kind::Proposal, "rex", 1, "The window."),
            (Kind::Critique, "ida", 1, "Issues: It is high.\nSuggestions: Take a ladder."),
        ]
    );
    assert_eq!(debate.moves[2].target.as_deref(), Some("rex"));
    assert_eq!(debate.moves[2].severity, Some(0.7));
    assert_eq!((debate.confidence, debate.rounds), (Some(0.72), 1));
    assert_eq!(debate.final_answer.as_deref(), Some("The door first."));
    assert_eq!(debate.duration_seconds, Some(0.000_018));
    assert_eq!(names(&debate), ["ida", "rex"]);
}

#[test]
fn a_transcript_with_final_proposals_and_options_to_vote_on() {
    let debate = debate(&json!({
        "winner": "both", "consensus": false,
        "votes": {"Ida": "both", "Rex": "left", "Nova": "both"},
        "vote_reasoning": {"Ida": "VOTE: both\nCONFIDENCE: 85%"},
        "final_proposals": {"Ida": "Left, then right.", "Rex": "Left."},
        "duration_seconds": 12.5, "rounds": 3
    }));
    assert_eq!(votes(&debate), [("Ida", "both"), ("Nova", "both"), ("Rex", "left")]);
    assert_eq!(
        told(&debate),
        [(Kind::Proposal, "Ida", 3, "Left, then right."), (Kind::Proposal, "Rex", 3, "Left.")]
    );
    assert_eq!((debate.rounds, debate.votes[0].confidence), (3, None));
    assert!(debate.votes[0].reasoning.is_some());
}

#[test]
fn a_result_of_which_critiques_are_also_messages() {
    let debate = debate(&json!({
        "id": "x", "task": "t", "participants": ["ida", "rex", "ida"], "rounds_used": 1, "rounds_completed": 1,
        "proposals": {"ida": "Answer two, changed."},
        "messages": [
            {"role": "proposer", "agent": "ida", "content": "Answer one.", "round": 0},
            {"role": "critic", "agent": "rex", "content": "Critique from rex (severity: 7.0):\nIssues:\n  - it is vague\nSuggestions:\n  - say more\nReasoning: none", "round": 1},
            {"role": "proposer", "agent": "ida", "content": "Answer two, changed.", "round": 1},
            {"role": "synthesizer", "agent": "rex", "content": "So be it.", "round": 1}
        ],
        "critiques": [
            {"agent": "rex", "target_agent": "ida", "target_content": "Answer one.", "issues": ["it is vague"], "suggestions": ["say more"], "severity": 7.0, "reasoning": "none"},
            {"agent": "rex", "target_agent": "ida", "issues": ["it is late"], "suggestions": [], "severity": 1, "reasoning": ""}
        ],
        "votes": [{"agent": "rex", "choice": "IDA", "reasoning": "ok", "confidence": 1.0, "continue_debate": false}]
    }));
    assert_eq!(names(&debate), ["ida", "rex"]);
    let kinds: Vec<_> =
        debate.moves.iter().map(|one| (one.kind, one.severity, one.target.as_deref())).collect();
    assert_eq!(
        kinds,
        [
            (Kind::Proposal, None, None),
            (Kind::Critique, Some(0.7), Some("ida")),
            (Kind::Critique, Some(0.1), Some("ida")),
            (Kind::Revision, None, None),
            (Kind::Synthesis, None, None),
        ]
    );
    assert!(debate.moves[1].content.starts_with("Critique from rex"), "the words that were said");
    assert_eq!(debate.moves[2].content, "Issues: it is late");
    assert_eq!(votes(&debate), [("rex", "ida")]);
}

#[test]
fn every_shape_of_proposals_means_the_same() {
    let expected = [(Kind::Proposal, "ida", 0, "One."), (Kind::Proposal, "rex", 0, "Two.")];
    for proposals in [
        json!([{"agent": "ida", "round": 0, "content": "One."}, {"agent": "rex", "content": "Two."}]),
        json!([{"author": "ida", "text": "One."}, {"proposer": "rex", "proposal": "Two."}]),
        json!({"ida": "One.", "rex": "Two."}),
        json!({"ida": {"content": "One."}, "rex": {"text": "Two.", "round": 0}}),
        json!({"ida": ["One."], "rex": ["Two."]}),
        json!({"0": {"ida": "One.", "rex": "Two."}}),
        json!({"round_0": [{"agent": "ida", "content": "One."}, {"agent": "rex", "content": "Two."}]}),
        json!([{"ida": "One."}, {"rex": "Two."}]),
        json!([null, {"agent": {"name": "ida"}, "content": {"text": "One."}}, {"agent": "rex", "content": ["Two."]}]),
    ] {
        let debate = debate(&json!({"task": "t", "proposals": proposals}));
        assert_eq!(told(&debate), expected, "{proposals}");
    }
    let by_round = debate(&json!({"proposals": {"ida": ["One.", "Two."]}}));
    assert_eq!(told(&by_round)[1].2, 1, "the place in an agent's list is the round");
}

#[test]
fn every_shape_of_critiques_means_the_same() {
    for critiques in [
        json!([{"critic": "rex", "target": "ida", "round": 2, "content": "No.", "severity": 0.5}]),
        json!([{"critic_agent": "rex", "target_agent": "ida", "round_num": 2, "critique": "No.", "severity": "medium"}]),
        json!([{"agent": "rex", "target": "Ida", "round": 2, "text": "No.", "severity": 0.5}]),
        json!({"2": {"rex": {"target": "ida", "content": "No.", "severity": 0.5}}}),
        json!({"round 2": {"rex": {"ida": {"content": "No.", "severity": 0.5}}}}),
        json!({"rex": [{"target": "ida", "round": 2, "content": "No.", "severity": 0.5}]}),
        json!({"2": {"rex": "Critique of ida (severity: 0.5): No."}}),
        json!({"2": [{"critic": "rex", "target": "ida", "content": "No.", "severity": 0.5}]}),
    ] {
        let debate = debate(&json!({"agents": ["ida", "rex"], "critiques": critiques}));
        let one = &debate.moves[0];
        assert_eq!(debate.moves.len(), 1, "{critiques}");
        assert_eq!(
            (one.kind, one.agent.as_str(), one.round, one.target.as_deref(), one.severity),
            (Kind::Critique, "rex", 2, Some("ida"), Some(0.5)),
            "{critiques}"
        );
        assert!(one.content.ends_with("No."));
    }
}

#[test]
fn every_shape_of_votes_means_the_same() {
    for given in [
        json!([{"agent": "rex", "choice": "ida"}, {"agent": "ida", "choice": "ida"}]),
        json!([{"voter": "ida", "vote": "ida"}, {"voter": "rex", "vote_value": "ida"}]),
        json!({"rex": "ida", "ida": "IDA"}),
        json!({"rex": {"choice": "ida"}, "ida": {"vote": " ida\n"}}),
        json!({"1": {"rex": "ida", "ida": "ida"}}),
        json!({"1": [{"agent": "rex", "choice": "ida"}, {"agent": "ida", "choice": "ida"}]}),
        json!({"rex": [{"choice": "ida"}], "ida": ["ida"]}),
        json!([{"rex": "ida"}, {"ida": "ida"}]),
    ] {
        let debate = debate(&json!({"agents": ["ida", "rex"], "votes": given}));
        assert_eq!(votes(&debate), [("ida", "ida"), ("rex", "ida")], "{given}");
    }
}

#[test]
fn votes_in_messages_are_votes_once() {
    let debate = debate(&json!({
        "agents": ["ida", "rex", "nova", "max", "zoe"],
        "messages": [
            {"agent": "ida", "kind": "vote", "round": 2, "content": "I am for rex.", "timestamp": "2026-01-01T00:00:00Z"},
            {"agent": "rex", "kind": "vote", "round": 2, "choice": "rex", "confidence": 0.5, "content": "Me."},
            {"agent": "nova", "role": "voter", "round": 2, "content": "CHOICE: ida\nREASONING: why not"},
            {"agent": "max", "role": "voter", "round": 2, "content": "Rex"},
            {"agent": "zoe", "role": "voter", "round": 2, "content": "I would rather not say."}
        ],
        "votes": [{"agent": "ida", "choice": "rex"}]
    }));
    assert_eq!(votes(&debate), [("ida", "rex"), ("max", "rex"), ("nova", "ida"), ("rex", "rex")]);
    assert_eq!(debate.votes[0].round, Some(2));
    assert_eq!(debate.votes[0].reasoning.as_deref(), Some("I am for rex."));
    assert_eq!(debate.votes[3].confidence, Some(0.5));
    assert_eq!(told(&debate), [(Kind::Vote, "zoe", 2, "I would rather not say.")]);
}

#[test]
fn rounds_may_be_a_list() {
    let debate = debate(&json!({
        "question": "Which?",
        "rounds": [
            {"round": 1, "responses": {"ida": "One.", "rex": "Two."}, "critiques": [{"critic": "ida", "target": "rex", "content": "No."}]},
            {"messages": [{"agent": "rex", "role": "proposer", "content": "Two, better."}], "votes": {"ida": "rex"}}
        ],
        "answer": "Two."
    }));
    assert_eq!(
        told(&debate),
        [
            (Kind::Critique, "ida", 1, "No."),
            (Kind::Proposal, "ida", 1, "One."),
            (Kind::Proposal, "rex", 1, "Two."),
            (Kind::Revision, "rex", 2, "Two, better."),
        ]
    );
    assert_eq!((debate.rounds, debate.votes[0].round), (2, Some(2)));
    assert_eq!((debate.task.as_str(), debate.final_answer.as_deref()), ("Which?", Some("Two.")));
}

#[test]
fn the_same_words_in_two_lists_are_one_move() {
    let long = format!("{} end", "word ".repeat(80));
    let debate = debate(&json!({
        "messages": [
            {"agent": "ida", "role": "proposer", "round": 1, "content": "Short."},
            {"agent": "rex", "role": "proposer", "round": 1, "content": long.get(..300), "timestamp": "2026-01-01T00:00:00Z"},
            {"agent": "ida", "round": 2, "content": "Yes."}, {"agent": "ida", "round": 3, "content": "Yes."}
        ],
        "proposals": {"ida": "Short.\n", "rex": long, "nova": "Short."}
    }));
    assert_eq!(
        told(&debate),
        [
            (Kind::Proposal, "nova", 0, "Short."),
            (Kind::Proposal, "ida", 1, "Short."),
            (Kind::Proposal, "rex", 1, long.as_str()),
            (Kind::Message, "ida", 2, "Yes."),
            (Kind::Message, "ida", 3, "Yes."),
        ]
    );
    assert!(debate.moves[2].timestamp.is_some());
}

#[test]
fn what_was_decided_may_stand_in_many_places() {
    for record in [
        json!({"consensus_reached": true, "confidence": 0.5, "final_answer": "Yes."}),
        json!({"consensus": {"reached": true, "confidence": 0.5, "answer": "Yes."}}),
        json!({"result": {"consensus": true, "confidence": 0.5, "conclusion": "Yes."}}),
        json!({"consensus_proof": {"reached": true, "confidence": 0.5, "final_answer": "Yes.", "vote_breakdown": {}}}),
        json!({"final_result": {"consensus": {"achieved": true, "confidence": 0.5}}, "result": "Yes."}),
        json!({"debate": {"consensus_reached": true, "confidence": 5e-1, "final_answer": {"content": "Yes."}}, "consensus": null, "confidence": null}),
    ] {
        let debate = debate(&record);
        let found = (debate.consensus_reached, debate.confidence, debate.final_answer.as_deref());
        assert_eq!(found, (Some(true), Some(0.5), Some("Yes.")), "{record}");
    }
    let top = debate(&json!({"confidence": 0.5, "result": {"confidence": 0.9}}));
    assert_eq!(top.confidence, Some(0.5), "the top goes first");
}

#[test]
fn small_variations() {
    let debate = debate(&json!({
        "topic": "Which?", "tags": "a, b,,a ", "rounds": 2.0, "started_at": 1_767_225_600.5, "duration_ms": 1500,
        "agents": {"ida": {"model": "m"}, "rex": null},
        "history": [
            {"role": "system", "content": "Be brief."},
            {"author": "ida", "type": "proposal", "round_number": 1, "text": "One."},
            {"speaker": "rex", "message": {"content": "Two."}, "timestamp": 1_767_225_601},
            {"round": 2, "content": "Three."},
            {"agent": "ida", "error": "timed out after 30 s"},
            {"agent": "ida", "kind": "something of theirs", "role": "judge", "content": "Done."}
        ],
        "agent_failures": {"rex": [{"phase": "vote", "message": "quota"}], "nova": "gone"},
        "positions": [{"agent": "ida", "stance": "yes"}],
        "evidence": ["a fact", {"snippet": "another", "url": "https://example.org", "relevance_score": 0.4}]
    }));
    assert_eq!((debate.task.as_str(), debate.rounds), ("Which?", 2));
    assert_eq!(debate.tags, ["a", "b"]);
    assert_eq!(debate.started_at.as_deref(), Some("2026-01-01T00:00:00.5Z"));
    assert_eq!(debate.duration_seconds, Some(1.5));
    assert_eq!(
        told(&debate),
        [
            (Kind::Message, "system", 0, "Be brief."),
            (Kind::Error, "rex", 0, "quota"),
            (Kind::Error, "nova", 0, "gone"),
            (Kind::Proposal, "ida", 1, "One."),
            (Kind::Message, "rex", 1, "Two."),
            (Kind::Message, "unknown", 2, "Three."),
            (Kind::Error, "ida", 2, "timed out after 30 s"),
            (Kind::Synthesis, "ida", 2, "Done."),
        ]
    );
    assert_eq!(debate.moves[4].timestamp.as_deref(), Some("2026-01-01T00:00:01Z"));
    assert_eq!(debate.positions[0].position, "yes");
    assert_eq!(debate.evidence[0].source, "unnamed");
    assert_eq!(
        (debate.evidence[1].source.as_str(), debate.evidence[1].relevance),
        ("https://example.org", Some(0.4))
    );
}

#[test]
fn later_answers_of_a_proposer_are_revisions() {
    let debate = debate(&json!({"messages": [
        {"agent": "ida", "role": "proposer", "round": 0, "content": "One."},
        {"agent": "rex", "role": "proposer", "round": 2, "content": "The first of rex."},
        {"agent": "ida", "role": "proposer", "round": 2, "content": "One, better."},
        {"agent": "ida", "role": "proposer", "kind": "proposal", "round": 3, "content": "Said to be one."},
        {"agent": "max", "role": "proposer", "round": 0, "content": "[Error generating proposal: x]"},
        {"agent": "max", "role": "proposer", "round": 1, "content": "At last."}
    ]}));
    let kinds: Vec<_> = debate.moves.iter().map(|one| (one.agent.as_str(), one.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("ida", Kind::Proposal),
            ("max", Kind::Error),
            ("max", Kind::Proposal),
            ("rex", Kind::Proposal),
            ("ida", Kind::Revision),
            ("ida", Kind::Proposal),
        ]
    );
}

#[test]
fn canonical_text_is_of_the_content() {
    let one: Value =
        serde_json::from_str(r#"{"b": [1, 1.50, "\u0001\"\\ü"], "a": {"d": null, "c": true}}"#)
            .unwrap();
    let other: Value =
        serde_json::from_str(r#"{"a":{"c":true,"d":null},"b":[1,1.50,"\u0001\"\\ü"]}"#).unwrap();
    assert_eq!(canonical(&one), canonical(&other));
    assert_eq!(canonical(&one), r#"{"a":{"c":true,"d":null},"b":[1,1.50,"\u0001\"\\ü"]}"#);
    let differs: Value =
        serde_json::from_str(r#"{"a":{"c":true,"d":null},"b":[1,1.5,"\u0001\"\\ü"]}"#).unwrap();
    assert_ne!(canonical(&one), canonical(&differs));
}

#[test]
fn a_headline_is_small() {
    let agents: Vec<_> = (0..200).map(|at| format!("{}-{at}", "ä".repeat(150))).collect();
    let debate = debate(&json!({
        "task": "line one\nline two ".repeat(900), "agents": agents, "domain": "d".repeat(200), "workspace_id": "ws-1",
        "winner": "w".repeat(900), "votes": {"a": "b"}, "confidence": 0.123_456_789, "rounds": 3,
        "started_at": "2026-01-01T00:00:00Z", "completed_at": "2026-01-01T00:01:00Z"
    }));
    let headline = headline(&debate);
    assert_eq!((headline.agents, headline.votes, headline.rounds), (201, 1, 3));
    assert_eq!(headline.task.chars().count(), 200);
    assert!(headline.task.starts_with("line one line two"));
    assert!(!headline.names.is_empty() && headline.names.len() <= 20);
    assert_eq!(headline.duration_seconds, Some(60.0));
    let text = serde_json::to_string(&headline).unwrap();
    assert!(text.len() < 1_300, "{} bytes", text.len());
    assert_eq!(serde_json::from_str::<super::Headline>(&text).unwrap(), headline);
}
