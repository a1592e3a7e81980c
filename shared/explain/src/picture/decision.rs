//! The decision: who or what won, whether the agents agreed, how strongly, and what was decided.

use std::f64::consts::TAU;

use crate::explanation::Explanation;
use crate::text;

use super::Canvas;
use super::layout::{CHOICES, END, Layout};
use super::marks::{self, Sign};
use super::votes::{Tally, share};

/// The inner edge of the box.
const INSIDE: f64 = CHOICES + 20.0;
/// The widest line of the winner's name, in em of its size.
const WINNER_EM: f64 = 10.6;
/// The widest line of the words, in em of theirs.
const WORDS_EM: f64 = 17.2;

/// How a debate ended.
pub(crate) fn status(explanation: &Explanation) -> (Sign, &'static str) {
    match (&explanation.winner, explanation.consensus_reached) {
        (None, _) if !explanation.votes.is_empty() => (Sign::Tie, "Tie: no winner"),
        (_, true) => (Sign::Won, "Consensus reached"),
        (Some(_), false) => (Sign::Open, "No consensus"),
        (None, false) if explanation.decision.is_empty() => (Sign::Open, "No decision recorded"),
        (None, false) => (Sign::Open, "Answer without consensus"),
    }
}

/// The decision in one sentence.
pub(super) fn sentence(explanation: &Explanation) -> String {
    let (_, status) = status(explanation);
    let strength = text::percent(explanation.consensus_strength);
    match &explanation.winner {
        Some(winner) => {
            format!("{status}. Winner: {}. Strength {strength}.", text::cut(winner, 60.0))
        }
        None => format!("{status}. Strength {strength}."),
    }
}

/// The winner's name, in lines.
fn winner_lines(explanation: &Explanation) -> Vec<String> {
    explanation.winner.as_deref().map(|winner| text::wrap(winner, WINNER_EM, 2)).unwrap_or_default()
}

/// The beginning of what was decided, in lines.
fn word_lines(explanation: &Explanation) -> Vec<String> {
    let lines = if explanation.winner.is_some() { 3 } else { 5 };
    text::wrap(&text::flat(&explanation.decision), WORDS_EM, lines)
}

/// How high the box is.
pub(super) fn height(explanation: &Explanation) -> f64 {
    let names = text::float(winner_lines(explanation).len());
    let words = text::float(word_lines(explanation).len());
    let words = if words > 0.0 { words.mul_add(18.0, 14.0) } else { 0.0 };
    names.mul_add(25.0, 52.0) + 74.0 + words
}

/// The box of the decision.
pub(super) fn draw(
    canvas: &mut Canvas,
    layout: &Layout<'_>,
    tally: &Tally<'_>,
    explanation: &Explanation,
) {
    let top = tally.top(layout);
    let height = tally.box_height;
    let (sign, status) = status(explanation);
    canvas.group("adp-decision", &[sentence(explanation)]);
    canvas.rect("adp-box adp-card", CHOICES, top, END - CHOICES, height, 8.0);
    let edge = if explanation.winner.is_some() { "adp-edge-for" } else { "adp-edge-tied" };
    canvas.rect(edge, CHOICES, top, 6.0, height, 2.0);

    marks::draw(&mut canvas.markup, sign, INSIDE + 9.0, top + 26.0);
    canvas.label("adp-status", INSIDE + 25.0, top + 31.0, status);
    let mut y = top + 62.0;
    for line in winner_lines(explanation) {
        canvas.label("adp-winner", INSIDE, y, &line);
        y += 25.0;
    }
    let ring = if explanation.winner.is_some() {
        "adp-gauge adp-gauge-for"
    } else {
        "adp-gauge adp-gauge-tied"
    };
    gauge(canvas, ring, (INSIDE + 30.0, y + 18.0), explanation.consensus_strength);
    canvas.label("adp-about", INSIDE + 74.0, y + 6.0, "Consensus strength");
    let figures = match &tally.won {
        Some(won) => share(won, tally),
        None if tally.votes > 0 && explanation.winner.is_none() => "no choice leads".to_owned(),
        None if tally.votes > 0 => "won without a vote".to_owned(),
        None => "no votes recorded".to_owned(),
    };
    for (at, part) in figures.split(" · ").enumerate() {
        canvas.label("adp-figure", INSIDE + 74.0, text::float(at).mul_add(19.0, y + 27.0), part);
    }
    y += 82.0;
    for line in word_lines(explanation) {
        canvas.label("adp-words", INSIDE, y, &line);
        y += 18.0;
    }
    canvas.end();
}

/// A ring that is filled as far as the consensus is strong.
fn gauge(canvas: &mut Canvas, class: &'static str, (x, y): (f64, f64), strength: f64) {
    let radius = 27.0;
    let share = if strength.is_finite() { strength.clamp(0.0, 1.0) } else { 0.0 };
    let around = TAU * radius;
    let markup = &mut canvas.markup;
    markup
        .open("circle")
        .attr("class", "adp-gauge")
        .num("cx", x)
        .num("cy", y)
        .num("r", radius)
        .void();
    if share > 0.0 {
        let dashes = format!(
            "{} {}",
            crate::markup::measure(around * share),
            crate::markup::measure(around)
        );
        let turned =
            format!("rotate(-90 {} {})", crate::markup::measure(x), crate::markup::measure(y));
        markup.open("circle").attr("class", class).num("cx", x).num("cy", y);
        markup.num("r", radius).attr("stroke-dasharray", &dashes).attr("transform", &turned).void();
    }
    canvas.centred("adp-percent", x, y + 6.0, &text::percent(share));
}
