//! The rows with their names, the marks of the moves, and the arrows from critiques to what they are
//! about.

use std::collections::BTreeMap;

use crate::explanation::EXCERPT_CHARS;
use crate::markup::{Markup, Path};
use crate::record::{Agent, Kind, Move};
use crate::text;

use super::cells::{Mark, STEP, compact};
use super::layout::{Lane, Layout, NAMES, ROUNDS, VOTES};
use super::marks::{self, Sign};
use super::votes::Tally;
use super::{Canvas, WIDTH};

/// The most arrows that are drawn: of more, none, as they would be a tangle.
const MAX_ARROWS: usize = 48;
/// The widest name, in em of its size.
const NAME_EM: f64 = 10.4;

/// The rows, their names and the lines on which the marks stand.
pub(super) fn draw_lanes(canvas: &mut Canvas, layout: &Layout<'_>, tally: &Tally<'_>) {
    for (at, lane) in layout.lanes.iter().enumerate() {
        if at % 2 == 0 {
            canvas.rect(
                "adp-band",
                12.0,
                lane.y - lane.height / 2.0,
                layout.rounds_end - 2.0,
                lane.height,
                8.0,
            );
        }
    }
    let lower = layout.lanes.last().map_or(layout.top, |lane| lane.y + lane.height / 2.0);
    for column in layout.columns.iter().skip(1) {
        canvas.line("adp-between", (column.x, layout.top - 24.0), (column.x, lower));
    }
    for (at, lane) in layout.lanes.iter().enumerate() {
        let end = if tally.voted(layout, at) { VOTES } else { layout.rounds_end };
        canvas.line("adp-rail", (ROUNDS, lane.y), (end, lane.y));
        draw_name(canvas, lane, tally.is_winner(lane.name));
    }
    if layout.lanes.is_empty() {
        canvas.centred("adp-note", WIDTH / 3.0, layout.top + 40.0, "The record names no agents.");
    }
}

fn draw_name(canvas: &mut Canvas, lane: &Lane<'_>, won: bool) {
    if lane.agents > 1 || lane.agent.is_none() && lane.name.is_empty() {
        let words = format!("and {} more", lane.agents);
        canvas.label("adp-more", NAMES, lane.y + 5.0, &words);
        return;
    }
    let about = lane.agent.map(about).unwrap_or_default();
    let mut words = vec![text::cut(lane.name, 120.0)];
    words.extend(about.iter().cloned());
    canvas.group("adp-agent", &words);
    let two_lines = !about.is_empty() && lane.height >= 44.0;
    let y = if two_lines { lane.y - 2.0 } else { lane.y + 5.0 };
    let mut x = NAMES;
    if won {
        marks::draw(&mut canvas.markup, Sign::Won, NAMES + 8.0, y - 5.0);
        x += 23.0;
    }
    let room = if won { NAME_EM - 1.5 } else { NAME_EM };
    canvas.label("adp-name", x, y, &named(lane.name, room));
    if two_lines {
        canvas.label("adp-about", x, y + 18.0, &text::cut(&about.join(" · "), room * 1.11));
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
    about.extend(agent.elo.filter(|elo| elo.is_finite()).map(|elo| format!("Elo {elo:.0}")));
    about.extend(
        agent
            .calibration
            .filter(|share| share.is_finite())
            .map(|share| format!("cal. {}", text::number(share))),
    );
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
    if let Some(severity) = mark.first.severity.filter(|severity| severity.is_finite()) {
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
/// marks are one. None where there are too many.
pub(super) fn draw_arrows(canvas: &mut Canvas, layout: &Layout<'_>) {
    let arrows = arrows(layout);
    if arrows.len() <= MAX_ARROWS {
        for arrow in arrows.values() {
            draw_arrow(&mut canvas.markup, arrow);
        }
    }
}

/// Whether there are arrows, and whether they are drawn.
pub(super) fn has_arrows(layout: &Layout<'_>) -> (bool, bool) {
    let count = arrows(layout).len();
    (count > 0, count <= MAX_ARROWS)
}

/// The arrows by the marks they are between; a row without an answer counts as a mark.
fn arrows(layout: &Layout<'_>) -> BTreeMap<(usize, usize), Arrow> {
    let mut arrows: BTreeMap<(usize, usize), Arrow> = BTreeMap::new();
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
        let place = |mark: &Mark<'_>| (mark.x, layout.lane_y(mark.lane) + mark.dy);
        let answer = answers.get(&lane).copied();
        let to = answer
            .and_then(|answer| layout.marks.get(answer))
            .map_or((mark.x, layout.lane_y(lane)), place);
        let key = (*at, answer.unwrap_or(layout.marks.len() + lane));
        arrows.entry(key).or_insert(Arrow { from: place(mark), to, count: 0 }).count += 1;
    }
    arrows
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
    // One that goes straight up or down passes beside the marks between.
    let aside = if (x1 - x2).abs() < STEP { (y1 - y2).abs() * 0.25 } else { 0.0 };
    let bend = ((x1 - x2).abs() * 0.35).max(aside).clamp(10.0, 40.0);
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
