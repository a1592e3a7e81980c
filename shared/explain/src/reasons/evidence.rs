//! What was brought forward, and how much it has to do with the task.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::count::{fraction, mean};
use crate::excerpt::{name, plain};
use crate::explanation::{EXCERPT_CHARS, EvidenceItem, MAX_EVIDENCE};
use crate::record::{Debate, Evidence, Kind, Move};

/// What a proposal is worth: it is about the task by its nature.
const OF_PROPOSAL: f64 = 0.8;
/// What a critique is worth.
const OF_CRITIQUE: f64 = 0.7;
/// What evidence is worth that does not say it.
const OF_EVIDENCE: f64 = 0.5;

/// All that was brought forward.
pub(super) struct Brought {
    /// The most relevant, listed.
    pub(super) items: Vec<EvidenceItem>,
    /// How many there were.
    pub(super) pieces: usize,
    /// 0 when there were none.
    pub(super) mean_relevance: f64,
}

/// One piece, before it is cut.
struct Piece<'a> {
    relevance: f64,
    from: Origin<'a>,
}

enum Origin<'a> {
    Move(&'a Move),
    Record(&'a Evidence),
}

pub(super) fn of(debate: &Debate) -> Brought {
    let mut pieces: Vec<Piece<'_>> = debate
        .evidence
        .iter()
        .map(|it| Piece {
            relevance: fraction(it.relevance).unwrap_or(OF_EVIDENCE),
            from: Origin::Record(it),
        })
        .collect();
    let given: HashSet<&str> = debate.evidence.iter().map(|it| it.content.trim()).collect();
    pieces.extend(debate.moves.iter().filter_map(|it| {
        let relevance = match it.kind {
            Kind::Proposal => OF_PROPOSAL,
            Kind::Critique => OF_CRITIQUE,
            // An engine may both list its evidence and send it as a message.
            Kind::Evidence if !given.contains(it.content.trim()) => OF_EVIDENCE,
            _ => return None,
        };
        Some(Piece { relevance, from: Origin::Move(it) })
    }));
    // In one order whatever order they came in, so that they add up to the same number.
    pieces.sort_by(compare);
    Brought {
        mean_relevance: mean(pieces.iter().map(|piece| piece.relevance)),
        pieces: pieces.len(),
        items: pieces.iter().take(MAX_EVIDENCE).map(item).collect(),
    }
}

/// Most relevant first; then as they came, round by round, and by names in one round.
fn compare(a: &Piece<'_>, b: &Piece<'_>) -> Ordering {
    let place = |piece: &Piece<'_>| match &piece.from {
        Origin::Move(it) => (it.round, 0),
        Origin::Record(_) => (u32::MAX, 1),
    };
    b.relevance.total_cmp(&a.relevance).then(place(a).cmp(&place(b))).then(who(a).cmp(who(b)))
}

fn who<'a>(piece: &Piece<'a>) -> &'a str {
    match piece.from {
        Origin::Move(it) => &it.agent,
        Origin::Record(it) => &it.source,
    }
}

fn item(piece: &Piece<'_>) -> EvidenceItem {
    let relevance = piece.relevance;
    match piece.from {
        Origin::Move(it) => {
            let agent = name(&it.agent).into_owned();
            EvidenceItem {
                source: agent.clone(),
                kind: match it.kind {
                    Kind::Proposal => "proposal",
                    Kind::Critique => "critique",
                    _ => "evidence",
                },
                content: plain(&it.content, EXCERPT_CHARS),
                relevance,
                round: Some(it.round),
                agent: Some(agent),
                claim: None,
            }
        }
        Origin::Record(it) => EvidenceItem {
            source: name(&it.source).into_owned(),
            kind: "evidence",
            content: plain(&it.content, EXCERPT_CHARS),
            relevance,
            round: None,
            agent: it.agent.as_deref().map(|agent| name(agent).into_owned()),
            claim: it.claim.as_deref().map(|claim| plain(claim, EXCERPT_CHARS)),
        },
    }
}
