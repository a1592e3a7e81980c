//! A debate as a picture: who did what in which round, who voted for what, and what came of it.
//!
//! One SVG document that needs nothing else: no script, no link, no font, no other file. Whatever the
//! debate, it is at most [`MAX_BYTES`] long and as wide; what there is no room for is counted and said
//! to be left out. The same input gives the same bytes.

mod cells;
mod decision;
mod layout;
mod legend;
mod marks;
mod moves;
#[cfg(test)]
mod tests;
mod votes;

use crate::explanation::Explanation;
use crate::markup::Markup;
use crate::record::Debate;
use crate::text;

pub(crate) use decision::status;
use layout::{Layout, TITLE_EM};
pub(crate) use marks::{Sign, icon};
pub(crate) use moves::when;
use votes::Tally;

/// The longest picture, in bytes.
pub const MAX_BYTES: usize = 512 * 1024;

/// How wide the picture is, in its own units: pixels at its natural size.
const WIDTH: f64 = 1000.0;
/// The room around everything.
const MARGIN: f64 = 24.0;
/// How far lines of the title are apart.
const TITLE_LINE: f64 = 29.0;
/// How much of the picture may be words that show when the pointer rests on something, in bytes.
const HOVER_BYTES: usize = 160 * 1024;

/// The picture of a debate, as an SVG document of at most [`MAX_BYTES`]. `title` stands above it and
/// is cut to two lines.
///
/// Rows are agents, columns are rounds; then come the votes, as bands whose width is their weight, and
/// the decision. Of more than 24 agents the first 23 have rows of their own, of more than 6 rounds
/// several share a column, and where moves are too many for their place they are counted by kind.
#[must_use]
pub fn svg(debate: &Debate, explanation: &Explanation, title: &str) -> String {
    draw(debate, explanation, Some(title)).finish()
}

/// The picture; without a title, as a part of a page that has one.
pub(crate) fn draw(debate: &Debate, explanation: &Explanation, title: Option<&str>) -> Markup {
    let lines = title.map(|title| text::wrap(&text::flat(title), TITLE_EM, 2)).unwrap_or_default();
    let tally = Tally::of(explanation);
    let layout = Layout::of(debate, explanation, header_end(lines.len()), tally.height());
    let legend = legend::Legend::of(&layout, &tally);

    let mut canvas = Canvas { markup: Markup::default(), hover_left: HOVER_BYTES };
    let height = layout.bottom + legend.height() + MARGIN;
    let view_box =
        format!("0 0 {} {}", crate::markup::measure(WIDTH), crate::markup::measure(height));
    canvas
        .markup
        .open("svg")
        .attr("xmlns", "http://www.w3.org/2000/svg")
        .attr("class", "adp")
        .attr("viewBox", &view_box)
        .num("width", WIDTH)
        .num("height", height)
        .attr("role", "img")
        .attr("aria-labelledby", "adp-title adp-desc");
    let name = title
        .filter(|_| !lines.is_empty())
        .map_or_else(|| "Picture of a debate".to_owned(), |title| text::cut(title, 100.0));
    canvas.markup.open("title").attr("id", "adp-title").text(&name).close();
    canvas
        .markup
        .open("desc")
        .attr("id", "adp-desc")
        .text(&description(debate, explanation))
        .close();
    canvas.markup.open("style").raw(include_str!("picture/style.css")).close().newline();
    canvas.rect("adp-bg", 0.0, 0.0, WIDTH, height, 0.0);

    header(&mut canvas, &layout, &lines, &size_of(debate, explanation));
    moves::draw_lanes(&mut canvas, &layout, &tally);
    moves::draw_arrows(&mut canvas, &layout);
    votes::draw(&mut canvas, &layout, &tally);
    moves::draw_marks(&mut canvas, &layout);
    decision::draw(&mut canvas, &layout, &tally, explanation);
    legend.draw(&mut canvas, layout.bottom);
    canvas.markup
}

/// Where the line below a title of so many lines stands.
fn header_end(lines: usize) -> f64 {
    if lines == 0 { 20.0 } else { text::float(lines).mul_add(TITLE_LINE, 42.0) }
}

/// The title, what the debate consisted of, and the headings of the four parts.
fn header(canvas: &mut Canvas, layout: &Layout<'_>, lines: &[String], size: &str) {
    for (at, line) in lines.iter().enumerate() {
        canvas.label("adp-title", MARGIN, text::float(at).mul_add(TITLE_LINE, 42.0), line);
    }
    canvas.label("adp-sub", MARGIN, header_end(lines.len()) - 2.0, size);
    for (x, heading) in layout.headings() {
        canvas.label("adp-head", x, layout.top - 34.0, heading);
    }
    for column in &layout.columns {
        let middle = column.x + column.width / 2.0;
        let fits = text::width(&column.label) * 14.0 <= column.width;
        let label = if fits { column.label.clone() } else { column.short() };
        canvas.centred("adp-round", middle, layout.top - 11.0, &label);
    }
}

/// How much of everything there was.
fn size_of(debate: &Debate, explanation: &Explanation) -> String {
    let mut parts = vec![text::counted(debate.agents.len(), "agent", "agents")];
    if debate.rounds > 0 {
        parts.push(text::counted(
            usize::try_from(debate.rounds).unwrap_or(usize::MAX),
            "round",
            "rounds",
        ));
    }
    parts.push(text::counted(debate.moves.len(), "move", "moves"));
    parts.push(if explanation.votes.is_empty() {
        "no votes".to_owned()
    } else {
        text::counted(explanation.votes.len(), "vote", "votes")
    });
    parts.join("  ·  ")
}

/// The picture in words, for those who do not see it.
fn description(debate: &Debate, explanation: &Explanation) -> String {
    let mut words = vec![format!("{}.", size_of(debate, explanation).replace("  ·  ", ", "))];
    for vote in explanation.votes.iter().take(12) {
        words.push(format!(
            "{} votes for {}.",
            text::cut(&vote.agent, 40.0),
            text::cut(&vote.choice, 40.0)
        ));
    }
    words.push(decision::sentence(explanation));
    words.push(text::head(&text::line(&explanation.summary), 600));
    words.retain(|line| !line.is_empty());
    words.join("\n")
}

/// What is drawn on. Coordinates are in the picture's units, from its upper left corner.
struct Canvas {
    markup: Markup,
    /// How many bytes of hover text may still be written.
    hover_left: usize,
}

impl Canvas {
    /// Text that begins at `x` and stands on `y`.
    fn label(&mut self, class: &'static str, x: f64, y: f64, text: &str) {
        self.markup
            .open("text")
            .attr("class", class)
            .num("x", x)
            .num("y", y)
            .text(text)
            .close()
            .newline();
    }

    /// Text with its middle at `x`.
    fn centred(&mut self, class: &'static str, x: f64, y: f64, text: &str) {
        let markup = self.markup.open("text").attr("class", class).num("x", x).num("y", y);
        markup.attr("text-anchor", "middle").text(text).close().newline();
    }

    /// A rectangle with corners of radius `round`.
    fn rect(&mut self, class: &'static str, x: f64, y: f64, width: f64, height: f64, round: f64) {
        let markup = self.markup.open("rect").attr("class", class).num("x", x).num("y", y);
        markup.num("width", width.max(0.0)).num("height", height.max(0.0));
        if round > 0.0 {
            self.markup.num("rx", round);
        }
        self.markup.void().newline();
    }

    /// A straight line.
    fn line(&mut self, class: &'static str, from: (f64, f64), to: (f64, f64)) {
        let markup =
            self.markup.open("line").attr("class", class).num("x1", from.0).num("y1", from.1);
        markup.num("x2", to.0).num("y2", to.1).void().newline();
    }

    /// Begins a group that shows `words` when the pointer rests on it, one thing on each line, as long
    /// as there is room for them. It ends with [`Canvas::end`].
    fn group(&mut self, class: &'static str, words: &[String]) {
        self.markup.open("g").attr("class", class);
        let words = words.join("\n");
        let before = self.markup.len();
        if words.is_empty() || self.hover_left < words.len().saturating_mul(6) {
            return;
        }
        self.markup.element("title", "", &words);
        self.hover_left = self.hover_left.saturating_sub(self.markup.len().saturating_sub(before));
    }

    /// Ends a group.
    fn end(&mut self) {
        self.markup.close().newline();
    }
}
