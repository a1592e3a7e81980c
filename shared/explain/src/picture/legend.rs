//! What the shapes and bands of this picture mean, and what it leaves out.

use crate::markup::Path;
use crate::text;

use super::layout::{END, Layout};
use super::marks::{self, KINDS, Sign};
use super::votes::Tally;
use super::{Canvas, MARGIN};

/// How high a line of the legend is.
const LINE: f64 = 27.0;

/// One entry.
#[derive(Clone, Copy)]
enum Entry {
    Sign(Sign, &'static str),
    Arrow,
    Band(&'static str, &'static str),
}

impl Entry {
    fn words(self) -> &'static str {
        match self {
            Self::Sign(_, words) | Self::Band(_, words) => words,
            Self::Arrow => "is about",
        }
    }
}

/// The legend of one picture: only what occurs in it.
pub(super) struct Legend {
    entries: Vec<(f64, f64, Entry)>,
    notes: Vec<String>,
    lines: f64,
}

impl Legend {
    pub(super) fn of(layout: &Layout<'_>, tally: &Tally<'_>) -> Self {
        let occurs = |kind| layout.placed.iter().any(|(step, _)| step.kind == kind);
        let mut entries: Vec<Entry> = KINDS
            .into_iter()
            .filter(|kind| occurs(*kind))
            .map(|kind| Entry::Sign(Sign::Move(kind), marks::name(kind)))
            .collect();
        if super::moves::has_arrows(layout) == (true, true) {
            entries.push(Entry::Arrow);
        }
        if tally.is_tie() {
            entries.push(Entry::Band("adp-ribbon adp-tied", "vote; width is weight"));
        } else if tally.votes > 0 {
            entries.push(Entry::Band("adp-ribbon adp-for", "vote for the winner; width is weight"));
            if !tally.others.is_empty() {
                entries.push(Entry::Band("adp-ribbon adp-against", "dissent"));
            }
        }
        if tally.has_pivotal() {
            entries.push(Entry::Sign(Sign::Pivotal, "pivotal: without it, another outcome"));
        }

        let (mut x, mut y) = (MARGIN, 0.0);
        let mut placed = Vec::new();
        for entry in entries {
            let width = 34.0 + text::width(entry.words()) * 13.5 + 12.0;
            if x > MARGIN && x + width > END {
                x = MARGIN;
                y += 1.0;
            }
            placed.push((x, y, entry));
            x += width;
        }
        let lines = if placed.is_empty() { 0.0 } else { y + 1.0 };
        Self { entries: placed, notes: notes(layout), lines }
    }

    /// How high it is, with the room above it.
    pub(super) fn height(&self) -> f64 {
        let notes = text::float(self.notes.len())
            .mul_add(20.0, if self.notes.is_empty() { 0.0 } else { 6.0 });
        if self.lines > 0.0 { self.lines.mul_add(LINE, 24.0) + notes } else { 0.0 }
    }

    /// Draws it below `bottom`.
    pub(super) fn draw(&self, canvas: &mut Canvas, bottom: f64) {
        let top = bottom + 40.0;
        if self.entries.is_empty() {
            return;
        }
        canvas.line("adp-between", (MARGIN, bottom + 18.0), (END, bottom + 18.0));
        for (x, line, entry) in &self.entries {
            let y = line.mul_add(LINE, top);
            match entry {
                Entry::Sign(sign, _) => marks::draw(&mut canvas.markup, *sign, x + 13.0, y),
                Entry::Arrow => {
                    let path = Path::default().to('M', &[*x, y]).to('H', &[x + 17.0]);
                    let markup = canvas.markup.open("path").attr("class", "adp-arrow");
                    markup.attr("d", path.as_str()).num("stroke-width", 1.7).void();
                    let head = Path::default()
                        .to('M', &[x + 25.0, y])
                        .to('l', &[-8.0, 4.5])
                        .to('v', &[-9.0])
                        .to('Z', &[]);
                    canvas
                        .markup
                        .open("path")
                        .attr("class", "adp-head-of-arrow")
                        .attr("d", head.as_str())
                        .void();
                }
                Entry::Band(class, _) => {
                    let path = Path::default().to('M', &[*x, y]).to('H', &[x + 26.0]);
                    canvas.markup.open("g").attr("class", class);
                    canvas
                        .markup
                        .open("path")
                        .attr("d", path.as_str())
                        .num("stroke-width", 9.0)
                        .void()
                        .close();
                }
            }
            canvas.label("adp-legend", x + 33.0, y + 4.5, entry.words());
        }
        let mut y = self.lines.mul_add(LINE, top) + 6.0;
        for note in &self.notes {
            canvas.label("adp-note", MARGIN, y, note);
            y += 20.0;
        }
    }
}

/// What was put together or left out.
fn notes(layout: &Layout<'_>) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(shared) = layout.lanes.iter().find(|lane| lane.agents > 1) {
        notes.push(format!(
            "{} agents share the last row; what they did is counted there.",
            shared.agents
        ));
    }
    if layout.columns.iter().any(|column| column.first != column.last) {
        notes
            .push("There were more rounds than columns; neighbouring rounds share one.".to_owned());
    }
    if layout.marks.iter().any(|mark| mark.count > 1) {
        notes.push("A number beside a shape says how many moves it stands for.".to_owned());
    }
    if let (true, false) = super::moves::has_arrows(layout) {
        notes.push("There are too many critiques for arrows to those they are about.".to_owned());
    }
    notes
}
