//! Debates at the limits, and hostile ones.

use crate::explanation::{
    BeliefChange, Counterfactual, Dissent, EvidenceItem, Explanation, Scores, Step, WeighedVote,
};
use crate::record::{Agent, Debate, Evidence, Kind, Move, Position, Vote};

use super::{Sample, agent, critique, factor, step, vote};

/// 200 agents, 50 rounds, 5,000 moves, 200 votes for 60 choices; every text `fill` over and over.
pub(crate) fn crowd(fill: &str) -> Sample {
    let name = |at: usize| format!("agent {at} {}", fill.repeat(40));
    let long = fill.repeat(400);
    let mut debate = Debate { task: long.clone(), rounds: 50, ..Debate::default() };
    debate.agents = (0..200).map(|at| Agent { elo: Some(1200.0), ..agent(&name(at)) }).collect();
    for at in 0..5000_usize {
        let round = u32::try_from(at / 100 + 1).unwrap();
        let who = name(at * 7 % 200);
        debate.moves.push(match at % 4 {
            0 => step(&who, Kind::Proposal, round, &long),
            1 => critique(&who, &name(at * 13 % 200), round, &long),
            2 => step(&who, Kind::Revision, round, &long),
            _ => step(&who, Kind::Evidence, round, &long),
        });
    }
    let cut: String = long.chars().take(280).collect();
    let explanation = Explanation {
        summary: long.clone(),
        winner: Some(name(0)),
        decision: cut.clone(),
        consensus_reached: true,
        consensus_strength: 0.12,
        confidence: 0.5,
        reasoning_chain: (0..5000)
            .map(|at| Step {
                step: at,
                agent: name(3),
                action: long.clone(),
                round: at,
                kind: "critique",
                excerpt: cut.clone(),
                timestamp: Some(long.clone()),
            })
            .collect(),
        key_factors: vec![long.clone(); 300],
        factors: vec![factor("consensus", 0.4, &long); 40],
        votes: (0..200)
            .map(|at| WeighedVote {
                reasoning: Some(cut.clone()),
                ..vote(&name(at), &name(at * at % 61), 1.0, at % 5 == 0)
            })
            .collect(),
        evidence: vec![
            EvidenceItem {
                source: name(1),
                kind: "evidence",
                content: cut.clone(),
                relevance: 0.5,
                agent: Some(name(2)),
                claim: Some(cut.clone()),
                ..EvidenceItem::default()
            };
            3000
        ],
        counterfactuals: vec![
            Counterfactual {
                kind: "without_agent",
                agent: Some(name(1)),
                winner: Some(name(0)),
                changed: true,
                consensus_strength: 0.1,
                description: long.clone()
            };
            500
        ],
        smallest_deciding_set: Some((0..90).map(name).collect()),
        belief_changes: vec![
            BeliefChange {
                agent: name(4),
                round: 3,
                from: cut.clone(),
                to: cut.clone(),
                confidence_before: Some(0.5),
                confidence_after: Some(0.5)
            };
            400
        ],
        dissent: vec![Dissent { agent: name(5), choice: name(6), reasoning: cut }; 199],
        scores: Scores {
            agent_agreement: Some(0.1),
            belief_stability: Some(1.0),
            evidence_quality: Some(0.5),
        },
        warnings: vec![long; 300],
        ..Explanation::default()
    };
    Sample { name: "crowd", debate, explanation }
}

/// Names in many scripts, and of 200 characters.
pub(crate) fn names() -> Sample {
    let people = [
        "المحلل الرئيسي للفريق".to_owned(),
        "חוקר-בכיר (v2)".to_owned(),
        "高级架构师与数据库专家组".to_owned(),
        "👩‍🚀🧑🏽‍🔬🏴󠁧󠁢󠁳󠁣󠁴󠁿🇩🇪🇯🇵 crew".to_owned(),
        "z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}\u{308}\u{309}\u{30a}a\u{301}lgo̵̢̢"
            .to_owned(),
        "W".repeat(200),
        "a name of many small words that goes on and on until it has two hundred characters"
            .to_owned(),
        "\u{202e}desrever\u{2066}".to_owned(),
        String::new(),
    ];
    let mut debate = Debate {
        task: "ما هي أفضل طريقة لنقل الفواتير؟ 最好的方法是什么？ And in English?".to_owned(),
        rounds: 1,
        ..Debate::default()
    };
    debate.agents = people.iter().map(|name| agent(name)).collect();
    for name in &people {
        debate.moves.push(step(name, Kind::Proposal, 1, "عربي then English then 中文 🎉"));
    }
    debate.moves.push(critique(&people[0], &people[2], 1, "ليس واضحا"));
    let explanation = Explanation {
        summary: "فاز المحلل الرئيسي للفريق بأغلبية الأصوات.".to_owned(),
        winner: Some(people[0].clone()),
        decision: "القرار هو تشغيل النظامين جنبا إلى جنب ومقارنة كل فاتورة قبل التحويل.".to_owned(),
        consensus_strength: 0.44,
        confidence: 0.44,
        votes: people
            .iter()
            .map(|name| vote(name, &people[if name.len() > 30 { 0 } else { 5 }], 1.0, false))
            .collect(),
        warnings: vec![format!("{} said nothing.", people[7])],
        ..Explanation::default()
    };
    Sample { name: "names", debate, explanation }
}

/// A record with nothing but an answer.
pub(crate) fn only_answer() -> Sample {
    let explanation = Explanation {
        summary: "The record has only an answer.".to_owned(),
        decision: "Run both systems side by side for two weeks, and compare every invoice before a customer sees it.".to_owned(),
        consensus_strength: f64::NAN,
        confidence: 0.0,
        warnings: vec!["The record names no agents, no moves and no votes.".to_owned()],
        ..Explanation::default()
    };
    Sample { name: "only_answer", debate: Debate::default(), explanation }
}

/// A record in which everybody failed.
pub(crate) fn only_errors() -> Sample {
    let mut debate = Debate { task: "Say something.".to_owned(), rounds: 1, ..Debate::default() };
    debate.agents = vec![agent("first"), agent("second")];
    debate.moves = vec![
        step("first", Kind::Error, 0, "[Error generating proposal: no credentials]"),
        step("second", Kind::Error, 1, "[Error: timeout after 120 s]"),
    ];
    let explanation = Explanation {
        summary: "Both agents failed; nothing was decided.".to_owned(),
        warnings: vec!["first failed".to_owned(), "second failed".to_owned()],
        ..Explanation::default()
    };
    Sample { name: "only_errors", debate, explanation }
}

/// The same text in every field that holds text, and odd numbers in those that hold numbers.
pub(crate) fn hostile(text: &str) -> Sample {
    Sample { name: "hostile", debate: hostile_debate(text), explanation: hostile_explanation(text) }
}

fn hostile_debate(text: &str) -> Debate {
    let own = || text.to_owned();
    let odd = f64::NEG_INFINITY;
    let kinds = [
        Kind::Proposal,
        Kind::Critique,
        Kind::Revision,
        Kind::Evidence,
        Kind::Synthesis,
        Kind::Vote,
        Kind::Error,
        Kind::Message,
    ];
    let full = |kind| Move {
        agent: own(),
        kind,
        role: Some(own()),
        round: u32::MAX,
        content: own(),
        target: Some(own()),
        severity: Some(odd),
        timestamp: Some(own()),
    };
    let mut moves: Vec<Move> = kinds.into_iter().map(full).collect();
    moves.push(critique("somebody", text, u32::MAX, text));
    Debate {
        task: own(),
        domain: Some(own()),
        workspace_id: Some(own()),
        tags: vec![own()],
        agents: vec![
            Agent {
                name: own(),
                version: Some(own()),
                model: Some(own()),
                elo: Some(odd),
                calibration: Some(f64::NAN),
            },
            agent("somebody"),
        ],
        rounds: u32::MAX,
        moves,
        votes: vec![Vote {
            agent: own(),
            choice: own(),
            reasoning: Some(own()),
            ..Vote::default()
        }],
        positions: vec![Position { agent: own(), position: own(), confidence: None, round: 0 }],
        evidence: vec![Evidence {
            source: own(),
            content: own(),
            relevance: None,
            agent: Some(own()),
            claim: Some(own()),
        }],
        winner: Some(own()),
        final_answer: Some(own()),
        warnings: vec![own()],
        ..Debate::default()
    }
}

fn hostile_explanation(text: &str) -> Explanation {
    let own = || text.to_owned();
    let odd = f64::NEG_INFINITY;
    Explanation {
        summary: own(),
        winner: Some(own()),
        decision: format!("decided: {text}"),
        consensus_reached: true,
        consensus_strength: f64::INFINITY,
        confidence: odd,
        reasoning_chain: vec![Step {
            step: 1,
            agent: own(),
            action: own(),
            round: 0,
            kind: "error",
            excerpt: own(),
            timestamp: Some(own()),
        }],
        key_factors: vec![own()],
        factors: vec![factor("evidence", f64::NAN, text)],
        votes: vec![
            WeighedVote {
                weight: odd,
                confidence: Some(odd),
                influence: f64::NAN,
                reasoning: Some(own()),
                ..vote(text, text, 1.0, true)
            },
            vote("somebody", "another", f64::MAX, false),
            vote("a third", &format!("{text}{text}"), f64::MIN_POSITIVE, false),
        ],
        evidence: vec![EvidenceItem {
            source: own(),
            kind: "evidence",
            content: own(),
            relevance: odd,
            agent: Some(format!("by {text}")),
            claim: Some(own()),
            ..EvidenceItem::default()
        }],
        counterfactuals: vec![Counterfactual {
            kind: "without_agent",
            agent: Some(own()),
            winner: Some(own()),
            changed: true,
            consensus_strength: f64::NAN,
            description: own(),
        }],
        smallest_deciding_set: Some(vec![own(), own()]),
        belief_changes: vec![BeliefChange {
            agent: own(),
            round: 0,
            from: own(),
            to: own(),
            confidence_before: Some(odd),
            confidence_after: None,
        }],
        dissent: vec![Dissent { agent: own(), choice: own(), reasoning: own() }],
        scores: Scores { agent_agreement: Some(f64::NAN), ..Scores::default() },
        warnings: vec![own()],
        ..Explanation::default()
    }
}
