//! The rows with their names, the marks of the moves, and the arrows from critiques to what they are
//! about.

use std::collections::BTreeMap;

use crate::explanation::EXCERPT_CHARS;
use crate::markup::{Markup, Path};
use crate::record::{Agent, Kind, Move};
use crate::text;

use super::cells::{Mark, compact};
use super::layout::{Lane, Layout, NAMES, ROUNDS, ROUNDS_END, VOTES};
use super::marks::{self, Sign};
use super::votes::Tally;
use super::{Canvas, WIDTH};

/// The most arrows that are drawn; more would be a tangle.
const MAX_ARROWS: usize = 90;
/// The widest name, in em of its size.
const NAME_EM: f64 = 9.6;

/// The rows, their names and the lines on which the marks stand.
pub(super) fn draw_lanes(canvas: &mut Canvas, layout: &Layout<'_>, tally: &Tally<'_>) {
    let height = layout.lane_height;
    for (at, lane) in layout.lanes.iter().enumerate() {
        if at % 2 == 0 {
            canvas.rect("adp-band", 12.0, lane.y - height / 2.0, ROUNDS_END - 2.0, height, 8.0);
        }
    }
    let lower = layout.top + text::float(layout.lanes.len()) * height;
    for column in layout.columns.iter().skip(1) {
        canvas.line("adp-between", (column.x, layout.top - 24.0), (column.x, lower));
    }
    for (at, lane) in layout.lanes.iter().enumerate() {
        let end = if tally.voted(layout, at) { VOTES } else { ROUNDS_END };
        canvas.line("adp-rail", (ROUNDS, lane.y), (end, lane.y));
        draw_name(canvas, lane, height, tally.is_winner(lane.name));
    }
    if layout.lanes.is_empty() {
        canvas.centred("adp-note", WIDTH / 3.0, layout.top + 40.0, "The record names no agents.");
    }
}

fn draw_name(canvas: &mut Canvas, lane: &Lane<'_>, height: f64, won: bool) {
    if lane.agents > 1 || lane.agent.is_none() && lane.name.is_empty() {
        let words = format!("and {} more", lane.agents);
        canvas.label("adp-more", NAMES, lane.y + 5.0, &words);
        return;
    }
    let about = lane.agent.map(about).unwrap_or_default();
    let mut words = vec![text::cut(lane.name, 120.0)];
    words.extend(about.iter().cloned());
    canvas.group("adp-agent", &words);
    let two_lines = !about.is_empty() && height >= 44.0;
    let y = if two_lines { lane.y - 2.0 } else { lane.y + 5.0 };
    let mut x = NAMES;
    if won {
        marks::draw(&mut canvas.markup, Sign::Won, NAMES + 8.0, y - 5.0);
        x += 23.0;
    }
    let room = if won { NAME_EM - 1.5 } else { NAME_EM };
    canvas.label("adp-name", x, y, &named(lane.name, room));
    if two_lines {
        canvas.label("adp-about", x, y + 18.0, &text::cut(&about.join(" · "), room * 1.2));
    }
    canvas.end();
}

/// A name that fits; a word for an empty one.
pub(super) fn named(name: &str, em: f64) -> String {
    let name = text::cut(name, em);
    if name.is_empty() { "(no name)".to_owned() } else { name }
}

/// What is known of an agent: rating, calibration, model, version.
fn about(agent: &Agent) -> Vec<String> {
    let mut about = Vec::new();
    about.extend(agent.elo.map(|elo| format!("Elo {elo:.0}")));
    about.extend(agent.calibration.map(|share| format!("calibration {}", text::number(share))));
    about.extend(agent.model.as_deref().map(|model| text::cut(model, 60.0)));
    about.extend(agent.version.as_deref().map(|version| text::cut(version, 60.0)));
    about.retain(|part| !part.is_empty());
    about
}

/// The marks, with their numbers and their words.
pub(super) fn draw_marks(canvas: &mut Canvas, layout: &Layout<'_>) {
    // Long words where there are few marks, short ones where there are many: all within one limit.
    let chars = (super::HOVER_BYTES / layout.marks.len().max(1) / 6).clamp(48, EXCERPT_CHARS);
    for mark in &layout.marks {
        let Some(lane) = layout.lanes.get(mark.lane) else { continue };
        let y = lane.y + mark.dy;
        canvas.group("adp-mark", &words(mark, lane, layout, chars));
        if mark.is_rest {
            canvas.centred("adp-count", mark.x + 4.0, y + 5.0, &format!("+{}", mark.count));
        } else {
            marks::draw(&mut canvas.markup, Sign::Move(mark.first.kind), mark.x, y);
            if mark.count > 1 {
                canvas.label("adp-count", mark.x + 12.0, y + 5.0, &compact(mark.count));
            }
        }
        canvas.end();
    }
}

/// What is said of a mark: whose it is, what, when, and how it begins.
fn words(mark: &Mark<'_>, lane: &Lane<'_>, layout: &Layout<'_>, chars: usize) -> Vec<String> {
    let kind = marks::name(mark.first.kind);
    if mark.count > 1 {
        let what = if mark.is_rest {
            "other moves".to_owned()
        } else {
            format!("moves of the kind {kind}")
        };
        let who = if lane.agents > 1 {
            format!("{} agents", lane.agents)
        } else {
            named(lane.name, 40.0)
        };
        let label = layout.columns.get(mark.column).map_or("", |column| column.label.as_str());
        return vec![who, format!("{} {what}, round {label}", mark.count)];
    }
    let mut words =
        vec![named(&mark.first.agent, 40.0), format!("{kind}, {}", when(mark.first.round))];
    if let Some(target) = &mark.first.target {
        words.push(format!("about {}", text::cut(target, 40.0)));
    }
    if let Some(severity) = mark.first.severity {
        words.push(format!("severity {}", text::number(severity)));
    }
    words.push(text::head(&text::plain(&text::head(&mark.first.content, chars * 2)), chars));
    words
}

/// A round in words.
pub(crate) fn when(round: u32) -> String {
    if round == 0 { "opening".to_owned() } else { format!("round {round}") }
}

/// An arrow that is to be drawn.
struct Arrow {
    from: (f64, f64),
    to: (f64, f64),
    count: usize,
}

/// The arrows from critiques to the last answer of those they are about. Those between the same two
/// marks are one.
pub(super) fn draw_arrows(canvas: &mut Canvas, layout: &Layout<'_>) {
    let mut arrows: Vec<Arrow> = Vec::new();
    let mut drawn: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    // Where the last answer of every row is.
    let mut answers: BTreeMap<usize, usize> = BTreeMap::new();
    for (step, at) in &layout.placed {
        let Some(mark) = layout.marks.get(*at) else { continue };
        if is_answer(step) {
            answers.insert(mark.lane, *at);
        }
        let target = step.target.as_deref().filter(|_| step.kind == Kind::Critique);
        let Some(lane) = target.and_then(|target| layout.lane_of(target)) else { continue };
        if lane == mark.lane {
            continue;
        }
        let to = answers.get(&lane).copied();
        // One key for each pair of marks, and for each pair of a mark and a row without an answer.
        let key = (*at, to.unwrap_or(layout.marks.len() + lane));
        if let Some(arrow) = drawn.get(&key).and_then(|index| arrows.get_mut(*index)) {
            arrow.count += 1;
            continue;
        }
        if arrows.len() >= MAX_ARROWS {
            continue;
        }
        let place = |mark: &Mark<'_>| (mark.x, layout.lane_y(mark.lane) + mark.dy);
        let to =
            to.and_then(|to| layout.marks.get(to)).map_or((mark.x, layout.lane_y(lane)), place);
        drawn.insert(key, arrows.len());
        arrows.push(Arrow { from: place(mark), to, count: 1 });
    }
    for arrow in &arrows {
        draw_arrow(&mut canvas.markup, arrow);
    }
}

/// Whether a move is something that a critique can be about.
fn is_answer(step: &Move) -> bool {
    matches!(
        step.kind,
        Kind::Proposal | Kind::Revision | Kind::Synthesis | Kind::Error | Kind::Message
    )
}

/// A bent line with a head, from the edge of one mark to that of another.
fn draw_arrow(markup: &mut Markup, arrow: &Arrow) {
    let ((x1, y1), (x2, y2)) = (arrow.from, arrow.to);
    // Bent to the left, against the time: the line leaves the critique upwards or downwards and comes
    // to the answer from the side.
    let bend = ((x1 - x2).abs() * 0.35).clamp(8.0, 40.0);
    let middle = (x1.midpoint(x2) - bend, y1.midpoint(y2));
    let from = toward(arrow.from, middle, 11.0);
    let tip = toward(arrow.to, middle, 11.0);
    let end = toward(tip, middle, 7.0);
    let (ux, uy) = unit(middle, tip);
    let line =
        Path::default().to('M', &[from.0, from.1]).to('Q', &[middle.0, middle.1, end.0, end.1]);
    let width = text::float(arrow.count.min(6)).mul_add(0.5, 1.2);
    let path = markup.open("path").attr("class", "adp-arrow").attr("d", line.as_str());
    path.num("stroke-width", width).void();
    let head = Path::default()
        .to('M', &[tip.0, tip.1])
        .to('L', &[end.0 - uy * 4.5, end.1 + ux * 4.5])
        .to('L', &[end.0 + uy * 4.5, end.1 - ux * 4.5])
        .to('Z', &[]);
    markup
        .open("path")
        .attr("class", "adp-head-of-arrow")
        .attr("d", head.as_str())
        .void()
        .newline();
}

/// The direction from one place to another, of length 1.
fn unit(from: (f64, f64), to: (f64, f64)) -> (f64, f64) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy).max(0.001);
    (dx / length, dy / length)
}

/// The place that is `by` from one place on the way to another.
fn toward(from: (f64, f64), to: (f64, f64), by: f64) -> (f64, f64) {
    let (ux, uy) = unit(from, to);
    (from.0 + ux * by, from.1 + uy * by)
}
