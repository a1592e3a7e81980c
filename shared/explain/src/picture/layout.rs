//! Where everything is: a row for each agent, a column for each round, and the places of the moves.

use std::collections::{BTreeMap, BTreeSet};

use crate::explanation::Explanation;
use crate::record::{Agent, Debate, Move};
use crate::text;

use super::cells::{self, Mark};

/// The widest title, in em of its size.
pub(super) const TITLE_EM: f64 = 41.0;
/// Where the names of agents begin.
pub(super) const NAMES: f64 = super::MARGIN;
/// Where the rounds begin.
pub(super) const ROUNDS: f64 = 190.0;
/// Where the rounds end before the votes, and where there are none.
const ROUNDS_END: f64 = 560.0;
const ROUNDS_END_WITHOUT_VOTES: f64 = 684.0;
/// Where the bands of the votes begin, at their voters.
pub(super) const VOTES: f64 = 576.0;
/// Where they end, at their choices.
pub(super) const CHOICES: f64 = 712.0;
/// Where the decision ends.
pub(super) const END: f64 = super::WIDTH - super::MARGIN;

/// The most rows.
const MAX_LANES: usize = 24;
/// The most columns.
const MAX_COLUMNS: usize = 8;
/// The narrowest column.
const MIN_COLUMN: f64 = 46.0;

/// A row: an agent, or all those who have none of their own.
pub(super) struct Lane<'a> {
    /// Whose it is.
    pub(super) name: &'a str,
    /// What is known of the agent.
    pub(super) agent: Option<&'a Agent>,
    /// How many agents share it; 1 for all rows but the last.
    pub(super) agents: usize,
    /// The height of its middle.
    pub(super) y: f64,
    /// How high it is.
    pub(super) height: f64,
}

/// A column: one round, or several.
pub(super) struct Column {
    /// What stands above it.
    pub(super) label: String,
    /// Its first round.
    pub(super) first: u32,
    /// Its last round.
    pub(super) last: u32,
    /// Where it begins.
    pub(super) x: f64,
    /// How wide it is.
    pub(super) width: f64,
}

impl Column {
    /// What stands above a narrow column.
    pub(super) fn short(&self) -> String {
        text::cut(&self.first.to_string(), self.width / 14.0)
    }
}

/// Where everything is.
pub(super) struct Layout<'a> {
    /// The rows, from above.
    pub(super) lanes: Vec<Lane<'a>>,
    /// The columns, from the left.
    pub(super) columns: Vec<Column>,
    /// The marks, row by row within each column.
    pub(super) marks: Vec<Mark<'a>>,
    /// The moves in their order, each with its mark.
    pub(super) placed: Vec<(&'a Move, usize)>,
    /// The upper edge of the rows.
    pub(super) top: f64,
    /// The lower edge of the rows and of what is beside them.
    pub(super) bottom: f64,
    /// Where the rounds end.
    pub(super) rounds_end: f64,
    /// Whether anybody voted.
    pub(super) has_votes: bool,
    lane_of: BTreeMap<&'a str, usize>,
}

impl<'a> Layout<'a> {
    /// The layout under a header that ends at `header`, with at least `beside` for the decision.
    pub(super) fn of(
        debate: &'a Debate,
        explanation: &'a Explanation,
        header: f64,
        beside: f64,
    ) -> Self {
        let has_votes = !explanation.votes.is_empty();
        let rounds_end = if has_votes { ROUNDS_END } else { ROUNDS_END_WITHOUT_VOTES };
        let (mut lanes, lane_of) = lanes(debate, explanation);
        let mut columns = columns(&debate.moves);
        let shared = lanes.iter().position(|lane| lane.agents > 1);
        let cells::Places { marks, mark_of, rows } =
            cells::place(&debate.moves, &mut columns, &lane_of, shared, rounds_end);
        let placed = debate.moves.iter().zip(mark_of).collect();

        let roomy: f64 = match lanes.len() {
            0..=4 => 84.0,
            5..=8 => 64.0,
            9..=14 => 50.0,
            _ => 38.0,
        };
        // Few rows share the height of the decision beside them.
        let usual = roomy.max((beside / text::float(lanes.len().max(1))).min(112.0));
        let top = header + 82.0;
        let mut lower = top;
        for (at, lane) in lanes.iter_mut().enumerate() {
            let rows = text::float(rows.get(&at).copied().unwrap_or(1));
            lane.height = usual.max(rows.mul_add(cells::ROW, 14.0));
            lane.y = lower + lane.height / 2.0;
            lower += lane.height;
        }
        let bottom = lower.max(top + beside);
        Self { lanes, columns, marks, placed, top, bottom, rounds_end, has_votes, lane_of }
    }

    /// The row of an agent; of one without a row of its own, the last.
    pub(super) fn lane_of(&self, agent: &str) -> Option<usize> {
        self.lane_of.get(agent).copied()
    }

    /// The height of the middle of a row.
    pub(super) fn lane_y(&self, lane: usize) -> f64 {
        self.lanes.get(lane).map_or(self.top, |lane| lane.y)
    }

    /// The headings of the parts, and where they begin.
    pub(super) fn headings(&self) -> Vec<(f64, &'static str)> {
        let mut headings = vec![(NAMES, "AGENTS")];
        headings.push(match self.columns.as_slice() {
            [] => (ROUNDS, "NO MOVES RECORDED"),
            [_] => (ROUNDS, "ROUND"),
            _ => (ROUNDS, "ROUNDS"),
        });
        if self.has_votes {
            headings.push((VOTES, "VOTES"));
        }
        headings.push((CHOICES, "DECISION"));
        headings
    }
}

/// The rows, without their heights, and the row of every name: those of the debate's agents, then of
/// those who only moved or voted.
fn lanes<'a>(
    debate: &'a Debate,
    explanation: &'a Explanation,
) -> (Vec<Lane<'a>>, BTreeMap<&'a str, usize>) {
    let agents = debate.agents.iter().map(|agent| (agent.name.as_str(), Some(agent)));
    let movers = debate.moves.iter().map(|step| (step.agent.as_str(), None));
    let voters = explanation.votes.iter().map(|vote| (vote.agent.as_str(), None));
    let mut seen = BTreeSet::new();
    let everybody: Vec<_> =
        agents.chain(movers).chain(voters).filter(|(name, _)| seen.insert(*name)).collect();

    let own = if everybody.len() > MAX_LANES { MAX_LANES - 1 } else { everybody.len() };
    let lane_of =
        everybody.iter().enumerate().map(|(at, (name, _))| (*name, at.min(own))).collect();
    let more = everybody.len().saturating_sub(own);
    let lane = |(name, agent): (&'a str, Option<&'a Agent>)| Lane {
        name,
        agent,
        agents: 1,
        y: 0.0,
        height: 0.0,
    };
    let mut lanes: Vec<_> = everybody.into_iter().take(own).map(lane).collect();
    if more > 0 {
        lanes.push(Lane { name: "", agent: None, agents: more, y: 0.0, height: 0.0 });
    }
    (lanes, lane_of)
}

/// The columns: the rounds in which anything happened, as many together as are needed to have at most
/// [`MAX_COLUMNS`].
fn columns(moves: &[Move]) -> Vec<Column> {
    let rounds: Vec<u32> =
        moves.iter().map(|step| step.round).collect::<BTreeSet<_>>().into_iter().collect();
    let together = rounds.len().div_ceil(MAX_COLUMNS).max(1);
    let column = |group: &[u32]| {
        let (first, last) = (*group.first()?, *group.last()?);
        let label = match (first, last) {
            (0, 0) => "opening".to_owned(),
            _ if first == last => first.to_string(),
            _ => format!("{first}–{last}"),
        };
        Some(Column { label, first, last, x: ROUNDS, width: 0.0 })
    };
    rounds.chunks(together).filter_map(column).collect()
}

/// Shares the room up to `end` among the columns by how much each asks for, none being narrower than
/// [`MIN_COLUMN`].
pub(super) fn share(columns: &mut [Column], wanted: &[usize], end: f64) {
    let room = end - ROUNDS;
    let spare = (room - text::float(columns.len()) * MIN_COLUMN).max(0.0);
    let all = text::float(wanted.iter().sum::<usize>().max(1));
    let mut x = ROUNDS;
    for (column, want) in columns.iter_mut().zip(wanted) {
        column.x = x;
        column.width = MIN_COLUMN + spare * text::float(*want) / all;
        x += column.width;
    }
}
