//! Breadth first through every state that can be reached, then along every fair run.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::moves::{Kind, Model, Move};
use super::properties::{self, describe};
use super::state::{Key, State};

/// A property that does not hold, and how it comes to that.
#[derive(Debug)]
pub(crate) struct Counterexample {
    /// 1 to 5.
    pub(crate) property: u8,
    /// The steps, one a line.
    pub(crate) trace: String,
}

/// What was explored, and what was found.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) moves: usize,
    pub(crate) fair_moves: usize,
    /// Steps from the beginning to the state that is furthest away.
    pub(crate) depth: usize,
    pub(crate) took: Duration,
    pub(crate) found: Option<Counterexample>,
}

impl std::fmt::Display for Explored {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { states, moves, fair_moves, depth, took, .. } = self;
        write!(
            to,
            "{states} states, {moves} moves, {depth} deep, {fair_moves} moves on fair runs"
        )?;
        write!(to, ", {:.1} s", took.as_secs_f64())
    }
}

/// All states found so far, in the order of their distance from the first.
struct Seen {
    keys: Vec<Key>,
    /// The state that each was first reached from.
    parents: Vec<u32>,
    /// Open addressing: a place in `keys` and one, or 0.
    table: Vec<u32>,
}

const NOWHERE: u32 = u32::MAX;

impl Seen {
    fn new() -> Self {
        Self { keys: Vec::new(), parents: Vec::new(), table: vec![0; 1 << 16] }
    }

    fn slot(&self, key: &Key) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = hash(key) & mask;
        while let at @ 1.. = self.table[slot] {
            if self.keys[at as usize - 1] == *key {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }

    /// The place of a key, and whether it is new.
    fn add(&mut self, key: Key, parent: u32) -> (u32, bool) {
        let slot = self.slot(&key);
        if let at @ 1.. = self.table[slot] {
            return (at - 1, false);
        }
        self.keys.push(key);
        self.parents.push(parent);
        let count = u32::try_from(self.keys.len()).expect("fewer states than that");
        self.table[slot] = count;
        if self.keys.len() * 2 > self.table.len() {
            self.grow();
        }
        (count - 1, true)
    }

    fn grow(&mut self) {
        let mask = self.table.len() * 2 - 1;
        self.table = vec![0; mask + 1];
        for at in 0..self.keys.len() {
            let mut slot = hash(&self.keys[at]) & mask;
            while self.table[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            self.table[slot] = u32::try_from(at + 1).unwrap_or(NOWHERE);
        }
    }

    fn state(&self, at: u32) -> State {
        State::of(&self.keys[at as usize])
    }

    /// The places from the first state to this one.
    fn path(&self, to: u32) -> Vec<u32> {
        let mut path = vec![to];
        while let Some(&parent) = path
            .last()
            .and_then(|&last| self.parents.get(last as usize))
            .filter(|&&it| it != NOWHERE)
        {
            path.push(parent);
        }
        path.reverse();
        path
    }
}

#[expect(clippy::cast_possible_truncation, reason = "any bits of a hash will do")]
fn hash(key: &Key) -> usize {
    let mut hash = 0_u64;
    for word in key {
        hash = (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    (hash ^ (hash >> 32)) as usize
}

/// Explores all that can come of `from`, and stops at the first property that does not hold:
/// P2 to P5 in any state, else P1 on every fair run from any state.
pub(crate) fn explore(model: &mut Model, from: &State) -> Explored {
    let begun = Instant::now();
    let mut seen = Seen::new();
    seen.add(from.key(), NOWHERE);
    let mut explored = Explored {
        states: 0,
        moves: 0,
        fair_moves: 0,
        depth: 0,
        took: Duration::ZERO,
        found: None,
    };
    explored.found =
        states(model, &mut seen, &mut explored).or_else(|| fair_runs(model, &seen, &mut explored));
    explored.states = seen.keys.len();
    explored.depth = seen.path(u32::try_from(seen.keys.len() - 1).unwrap_or(0)).len() - 1;
    explored.took = begun.elapsed();
    explored
}

fn states(model: &mut Model, seen: &mut Seen, explored: &mut Explored) -> Option<Counterexample> {
    let mut moves = Vec::new();
    let mut at = 0;
    while (at as usize) < seen.keys.len() {
        let state = seen.state(at);
        moves.clear();
        model.moves(&state, &mut moves);
        explored.moves += moves.len();
        for it in &moves {
            let (place, is_new) = seen.add(it.to.key(), at);
            let property = if is_new { properties::broken(&it.to) } else { 0 };
            if property != 0 {
                let trace = trace(model, seen, &seen.path(place));
                return Some(Counterexample { property, trace });
            }
        }
        at += 1;
    }
    None
}

/// Where the search along fair runs has been: not at all, on the way, done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Colour {
    White,
    Grey,
    Black,
}

/// Depth first along every fair run, until it is settled: one that comes back to itself, or that
/// cannot go on, never will be.
fn fair_runs(model: &mut Model, seen: &Seen, explored: &mut Explored) -> Option<Counterexample> {
    let mut colours = vec![Colour::White; seen.keys.len()];
    let mut run: Vec<(u32, Vec<u32>)> = Vec::new();
    let mut buffer = Vec::new();
    for first in 0..u32::try_from(seen.keys.len()).unwrap_or(NOWHERE) {
        let mut next = Some(first);
        while let Some(at) =
            next.take().or_else(|| run.last_mut().and_then(|(_, left)| left.pop())).or_else(|| {
                run.pop().map(|(done, _)| {
                    colours[done as usize] = Colour::Black;
                    done
                })
            })
        {
            match colours[at as usize] {
                Colour::Black if run.is_empty() => break,
                Colour::Black => continue,
                Colour::Grey => {
                    let mut path = seen.path(run[0].0);
                    path.extend(run.iter().skip(1).map(|(it, _)| *it));
                    path.push(at);
                    let mut trace = trace(model, seen, &path);
                    let back = path.iter().position(|it| *it == at).unwrap_or(0);
                    writeln!(trace, "  ... and again from step {back} on, for ever").unwrap();
                    return Some(Counterexample { property: 1, trace });
                }
                Colour::White => {}
            }
            let state = seen.state(at);
            if properties::is_settled(&state) {
                colours[at as usize] = Colour::Black;
                continue;
            }
            colours[at as usize] = Colour::Grey;
            fair(model, &state, &mut buffer);
            explored.fair_moves += buffer.len();
            let places = buffer.iter().map(|it| seen.table[seen.slot(&it.to.key())] - 1);
            run.push((at, places.collect()));
        }
    }
    None
}

/// What may happen next on a fair run: nothing goes wrong, nobody interferes, and time passes only
/// when nobody has anything to do.
fn fair(model: &mut Model, state: &State, moves: &mut Vec<Move>) {
    moves.clear();
    model.moves(state, moves);
    let busy = moves.iter().any(|it| it.kind == Kind::Fair);
    let wanted = if busy { Kind::Fair } else { Kind::Time };
    moves.retain(|it| it.kind == wanted);
}

/// A path as a list of steps.
fn trace(model: &mut Model, seen: &Seen, path: &[u32]) -> String {
    let mut text = format!("  0. {}\n", describe(&seen.state(path[0])));
    let mut moves = Vec::new();
    for (number, pair) in path.windows(2).enumerate() {
        moves.clear();
        model.moves(&seen.state(pair[0]), &mut moves);
        let to = seen.keys[pair[1] as usize];
        let Some(step) = moves.iter().find(|it| it.to.key() == to) else { continue };
        let (who, what, how) = (step.who, step.what, step.how);
        writeln!(text, "{:>3}. {who} {what}{how}", number + 1).unwrap();
        writeln!(text, "     {}", describe(&seen.state(pair[1]))).unwrap();
    }
    text
}
