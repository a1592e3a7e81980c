//! Where the moves of a round stand. Where there is room, each has its own mark, and what happened at
//! the same stage stands one above the other: first the proposals, then the critiques. Where there is
//! none, moves of a kind share a mark with their number.

use std::collections::BTreeMap;

use crate::record::{Kind, Move};
use crate::text;

use super::layout::{Column, share};

/// The room a mark needs.
pub(super) const STEP: f64 = 23.0;
/// How far rows of marks in one cell are apart.
pub(super) const ROW: f64 = 25.0;
/// The most rows in a cell.
const MAX_ROWS: usize = 3;
/// The most stages with a place of their own in one column.
const MAX_SLOTS: usize = 14;

/// One mark: a move, or several of a kind.
pub(super) struct Mark<'a> {
    /// The first of its moves.
    pub(super) first: &'a Move,
    /// How many it stands for.
    pub(super) count: usize,
    /// Whether it stands for moves of several kinds that there was no room for: it is only their number.
    pub(super) is_rest: bool,
    /// Its row.
    pub(super) lane: usize,
    /// Its column.
    pub(super) column: usize,
    /// Its middle.
    pub(super) x: f64,
    /// How far its middle is below that of the row.
    pub(super) dy: f64,
}

/// The moves of one agent in one column.
type Cell<'a> = Vec<(usize, &'a Move)>;

/// Where all moves stand.
#[derive(Default)]
pub(super) struct Places<'a> {
    /// The marks, column by column and row by row.
    pub(super) marks: Vec<Mark<'a>>,
    /// The mark of every move.
    pub(super) mark_of: Vec<usize>,
    /// How many rows of marks a row of agents needs, where it is not one.
    pub(super) rows: BTreeMap<usize, usize>,
}

/// Places the moves, and the columns up to `end`. The row `shared` belongs to several agents.
pub(super) fn place<'a>(
    moves: &'a [Move],
    columns: &mut [Column],
    lane_of: &BTreeMap<&str, usize>,
    shared: Option<usize>,
    end: f64,
) -> Places<'a> {
    let by_column = split(moves, columns, lane_of);
    let stages: Vec<Option<Stages>> =
        by_column.iter().map(|cells| Stages::of(cells, shared)).collect();
    let wanted: Vec<usize> =
        stages.iter().map(|stages| stages.as_ref().map_or(4, |s| s.count)).collect();
    share(columns, &wanted, end);

    let mut places = Places { mark_of: vec![0; moves.len()], ..Places::default() };
    for (at, ((column, cells), stages)) in columns.iter().zip(&by_column).zip(&stages).enumerate() {
        let stages = stages.as_ref().filter(|s| text::float(s.count) * STEP <= column.width + 1.0);
        let mut lanes: BTreeMap<usize, Cell<'a>> = BTreeMap::new();
        for (index, lane, step) in cells {
            lanes.entry(*lane).or_default().push((*index, step));
        }
        for (lane, cell) in lanes {
            if let Some(stages) = stages.filter(|_| shared != Some(lane)) {
                places.by_stage(&cell, stages, column, (lane, at));
            } else {
                places.by_kind(&cell, column, (lane, at));
            }
        }
    }
    places
}

/// The moves of each column, with their index and row.
fn split<'a>(
    moves: &'a [Move],
    columns: &[Column],
    lane_of: &BTreeMap<&str, usize>,
) -> Vec<Vec<(usize, usize, &'a Move)>> {
    let mut by_column: Vec<Vec<_>> = columns.iter().map(|_| Vec::new()).collect();
    for (index, step) in moves.iter().enumerate() {
        let column = columns.partition_point(|column| column.last < step.round);
        if let (Some(cells), Some(lane)) =
            (by_column.get_mut(column), lane_of.get(step.agent.as_str()))
        {
            cells.push((index, *lane, step));
        }
    }
    by_column
}

/// The stages of a column: runs of moves of one kind, as many places in each as its busiest agent has
/// moves.
struct Stages {
    slot_of: BTreeMap<usize, usize>,
    count: usize,
}

impl Stages {
    /// The stages; `None` when there are too many to show.
    fn of(cells: &[(usize, usize, &Move)], shared: Option<usize>) -> Option<Self> {
        let mut slot_of = BTreeMap::new();
        let mut stage: Option<Kind> = None;
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        let (mut begin, mut end) = (0, 0);
        for (index, lane, step) in cells {
            if shared == Some(*lane) {
                continue;
            }
            // A failure stands with what the others did meanwhile.
            let goes_on = match stage {
                None => true,
                Some(Kind::Error) => step.kind == Kind::Error || !taken.contains_key(lane),
                Some(kind) => {
                    step.kind == kind || step.kind == Kind::Error && !taken.contains_key(lane)
                }
            };
            if !goes_on {
                begin = end;
                taken.clear();
            }
            if !goes_on || matches!(stage, None | Some(Kind::Error)) {
                stage = Some(step.kind);
            }
            let nth = taken.entry(*lane).or_insert(0);
            slot_of.insert(*index, begin + *nth);
            *nth += 1;
            end = end.max(begin + *nth);
            if end > MAX_SLOTS {
                return None;
            }
        }
        (end > 0).then_some(Self { slot_of, count: end })
    }
}

impl<'a> Places<'a> {
    /// Gives every move of a cell a mark at its stage.
    fn by_stage(
        &mut self,
        cell: &Cell<'a>,
        stages: &Stages,
        column: &Column,
        (lane, at): (usize, usize),
    ) {
        for (index, step) in cell {
            let slot = stages.slot_of.get(index).copied().unwrap_or(0);
            let x = column.x + column.width * (text::float(slot) + 0.5) / text::float(stages.count);
            self.push(
                &[*index],
                Mark { first: step, count: 1, is_rest: false, lane, column: at, x, dy: 0.0 },
            );
        }
    }

    /// Puts the moves of a cell into marks by kind, in as many rows as they need.
    fn by_kind(&mut self, cell: &Cell<'a>, column: &Column, (lane, at): (usize, usize)) {
        let mut kinds: Vec<(&'a Move, Vec<usize>)> = Vec::new();
        for (index, step) in cell {
            match kinds.iter_mut().find(|(first, _)| first.kind == step.kind) {
                Some((_, all)) => all.push(*index),
                None => kinds.push((step, vec![*index])),
            }
        }
        let begin = self.marks.len();
        let (mut x, mut row) = (column.x, 0);
        let mut kinds = kinds.into_iter().peekable();
        while let Some((first, mut all)) = kinds.next() {
            let room = room(all.len());
            if x > column.x && x + room > column.x + column.width + 2.0 {
                x = column.x;
                row += 1;
            }
            // The last place is for the rest where there is more than fits.
            let is_last_place = row + 1 >= MAX_ROWS && x + room + STEP > column.x + column.width;
            let is_rest = is_last_place && kinds.peek().is_some();
            if is_rest {
                all.extend(kinds.by_ref().flat_map(|(_, indices)| indices));
            }
            let (count, dy) = (all.len(), text::float(row) * ROW);
            self.push(
                &all,
                Mark { first, count, is_rest, lane, column: at, x: x + STEP / 2.0, dy },
            );
            x += room;
        }
        let middle = text::float(row) * ROW / 2.0;
        for mark in self.marks.iter_mut().skip(begin) {
            mark.dy -= middle;
        }
        let most = self.rows.entry(lane).or_insert(1);
        *most = (row + 1).max(*most);
    }

    /// Adds the mark of some moves.
    fn push(&mut self, indices: &[usize], mark: Mark<'a>) {
        for index in indices {
            if let Some(entry) = self.mark_of.get_mut(*index) {
                *entry = self.marks.len();
            }
        }
        self.marks.push(mark);
    }
}

/// The room of a mark with its number.
fn room(count: usize) -> f64 {
    if count == 1 { STEP } else { text::float(compact(count).chars().count()).mul_add(8.0, STEP) }
}

/// A number in at most four characters, the last column's room.
pub(super) fn compact(count: usize) -> String {
    match count {
        0..=99 => format!("×{count}"),
        100..=999 => count.to_string(),
        1_000..=999_999 => format!("{}k", count / 1_000),
        _ => "1M+".to_owned(),
    }
}
