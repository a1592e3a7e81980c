//! The votes: a band from each voter to the choice, as wide as the vote weighs.

use std::collections::{BTreeMap, BTreeSet};

use crate::explanation::{Explanation, WeighedVote};
use crate::markup::Path;
use crate::text;

use super::Canvas;
use super::layout::{CHOICES, Layout, VOTES};
use super::marks::{self, Sign};
use super::moves::named;

/// The most choices that have a place of their own beside the winner.
const MAX_CHOICES: usize = 5;
/// How high a choice that did not win is.
pub(super) const CHOICE: f64 = 46.0;
/// What is between two choices.
pub(super) const GAP: f64 = 12.0;
/// The widest band.
const BAND: f64 = 18.0;

/// One choice and who made it.
pub(super) struct Choice<'a> {
    /// What it is; empty for all those that have no place of their own.
    pub(super) name: &'a str,
    /// How many choices it stands for.
    pub(super) choices: usize,
    /// Who made it.
    pub(super) votes: Vec<&'a WeighedVote>,
    /// What its votes weigh.
    pub(super) weight: f64,
}

/// The votes by choice.
pub(super) struct Tally<'a> {
    /// The choice that won, if the votes chose it.
    pub(super) won: Option<Choice<'a>>,
    /// The other choices, the heaviest first.
    pub(super) others: Vec<Choice<'a>>,
    /// What all votes weigh.
    pub(super) weight: f64,
    /// How many votes there are.
    pub(super) votes: usize,
    /// How high the decision's box is.
    pub(super) box_height: f64,
    winner: Option<&'a str>,
    voters: BTreeSet<&'a str>,
    has_pivotal: bool,
}

impl<'a> Tally<'a> {
    /// The votes of an explanation.
    pub(super) fn of(explanation: &'a Explanation) -> Self {
        let winner = explanation.winner.as_deref();
        let mut by_choice: BTreeMap<&str, Vec<&WeighedVote>> = BTreeMap::new();
        for vote in &explanation.votes {
            by_choice.entry(vote.choice.as_str()).or_default().push(vote);
        }
        let choice = |(name, votes): (&'a str, Vec<&'a WeighedVote>)| {
            let weight = votes.iter().map(|vote| weight(vote)).sum();
            Choice { name, choices: 1, votes, weight }
        };
        let (won, others): (Vec<_>, Vec<_>) =
            by_choice.into_iter().map(choice).partition(|choice| Some(choice.name) == winner);
        let mut others = others;
        others.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.name.cmp(b.name)));
        if others.len() > MAX_CHOICES {
            let rest = others.split_off(MAX_CHOICES - 1);
            let (choices, weight) = (rest.len(), rest.iter().map(|choice| choice.weight).sum());
            let votes = rest.into_iter().flat_map(|choice| choice.votes).collect();
            others.push(Choice { name: "", choices, votes, weight });
        }
        Self {
            won: won.into_iter().next(),
            weight: explanation.votes.iter().map(weight).sum(),
            others,
            votes: explanation.votes.len(),
            box_height: super::decision::height(explanation),
            winner,
            voters: explanation.votes.iter().map(|vote| vote.agent.as_str()).collect(),
            has_pivotal: explanation.votes.iter().any(|vote| vote.pivotal),
        }
    }

    /// How high the decision and all choices are together.
    pub(super) fn height(&self) -> f64 {
        self.box_height + text::float(self.others.len()) * (CHOICE + GAP)
    }

    /// The upper edge of the decision: its middle is that of the rows.
    pub(super) fn top(&self, layout: &Layout<'_>) -> f64 {
        layout.top + ((layout.bottom - layout.top - self.height()) / 2.0).max(0.0)
    }

    /// Whether this is who won.
    pub(super) fn is_winner(&self, name: &str) -> bool {
        self.winner == Some(name)
    }

    /// Whether anybody in a row voted.
    pub(super) fn voted(&self, layout: &Layout<'_>, lane: usize) -> bool {
        match layout.lanes.get(lane) {
            Some(only) if only.agents == 1 => self.voters.contains(only.name),
            Some(_) => self.voters.iter().any(|voter| layout.lane_of(voter) == Some(lane)),
            None => false,
        }
    }

    /// Whether the votes chose nobody.
    pub(super) fn is_tie(&self) -> bool {
        self.votes > 0 && self.winner.is_none()
    }

    /// Whether any vote decided.
    pub(super) fn has_pivotal(&self) -> bool {
        self.has_pivotal
    }

    /// The choices from above.
    fn places(&self, layout: &Layout<'_>) -> Vec<Place<'_, 'a>> {
        let top = self.top(layout);
        let place = |choice| Place { choice, top, height: self.box_height, is_won: true };
        let mut places: Vec<_> = self.won.iter().map(place).collect();
        let mut top = top + self.box_height + GAP;
        for choice in &self.others {
            places.push(Place { choice, top, height: CHOICE, is_won: false });
            top += CHOICE + GAP;
        }
        places
    }

    fn heaviest_band(&self, layout: &Layout<'_>) -> f64 {
        let choices = self.won.iter().chain(&self.others);
        choices
            .flat_map(|choice| bands(layout, choice).into_values().map(|band| band.weight))
            .fold(0.0, f64::max)
    }
}

/// Where a choice is.
struct Place<'t, 'a> {
    choice: &'t Choice<'a>,
    top: f64,
    height: f64,
    /// Whether it is the winner's, whose place is the box of the decision.
    is_won: bool,
}

/// What a vote weighs, as a length can be made of it.
fn weight(vote: &WeighedVote) -> f64 {
    if vote.weight.is_finite() { vote.weight.clamp(0.0, 1e9) } else { 0.0 }
}

/// The votes of one row for one choice.
struct Band<'a> {
    votes: Vec<&'a WeighedVote>,
    weight: f64,
}

/// The bands, and the boxes of the choices that did not win.
pub(super) fn draw(canvas: &mut Canvas, layout: &Layout<'_>, tally: &Tally<'_>) {
    let places = tally.places(layout);
    // One scale for all: the fullest choice fits its place, and no band is wider than BAND.
    let heaviest = tally.heaviest_band(layout);
    let scale = places
        .iter()
        .filter(|place| place.choice.weight > 0.0)
        .map(|place| (place.height - 16.0) / place.choice.weight)
        .fold(BAND / heaviest.max(1e-9), f64::min);
    for place in &places {
        let bands = bands(layout, place.choice);
        let thinnest = ((place.height - 16.0) / text::float(bands.len().max(1))).min(2.0);
        let wide = |band: &Band<'_>| (band.weight * scale).max(thinnest);
        let all: f64 = bands.values().map(wide).sum();
        let class = match (place.is_won, tally.is_tie()) {
            (true, _) => "adp-ribbon adp-for",
            (_, true) => "adp-ribbon adp-tied",
            _ => "adp-ribbon adp-against",
        };
        let mut y = place.top + (place.height - all) / 2.0;
        for (lane, band) in &bands {
            let width = wide(band);
            draw_band(canvas, class, (layout.lane_y(*lane), y + width / 2.0), width, &words(band));
            y += width;
        }
        if !place.is_won {
            draw_choice(canvas, place.choice, place.top, tally);
        }
    }
    draw_voters(canvas, layout, &places);
}

/// Where the bands begin: a star for a pivotal vote, a ring for another.
fn draw_voters(canvas: &mut Canvas, layout: &Layout<'_>, places: &[Place<'_, '_>]) {
    let mut pivotal: BTreeMap<usize, bool> = BTreeMap::new();
    for vote in places.iter().flat_map(|place| &place.choice.votes) {
        if let Some(lane) = layout.lane_of(&vote.agent) {
            *pivotal.entry(lane).or_default() |= vote.pivotal;
        }
    }
    for (lane, pivotal) in pivotal {
        let y = layout.lane_y(lane);
        if pivotal {
            marks::draw(&mut canvas.markup, Sign::Pivotal, VOTES, y);
        } else {
            canvas.markup.open("circle").attr("class", "adp-voter").num("cx", VOTES).num("cy", y);
            canvas.markup.num("r", 4.5).void().newline();
        }
    }
}

/// The votes for a choice by row, from above.
fn bands<'a>(layout: &Layout<'_>, choice: &Choice<'a>) -> BTreeMap<usize, Band<'a>> {
    let mut bands: BTreeMap<usize, Band<'a>> = BTreeMap::new();
    for vote in &choice.votes {
        let Some(lane) = layout.lane_of(&vote.agent) else { continue };
        let band = bands.entry(lane).or_insert(Band { votes: Vec::new(), weight: 0.0 });
        band.votes.push(vote);
        band.weight += weight(vote);
    }
    bands
}

fn draw_band(
    canvas: &mut Canvas,
    class: &'static str,
    (from, to): (f64, f64),
    width: f64,
    words: &[String],
) {
    let middle = VOTES.midpoint(CHOICES);
    let path =
        Path::default().to('M', &[VOTES, from]).to('C', &[middle, from, middle, to, CHOICES, to]);
    canvas.group(class, words);
    canvas.markup.open("path").attr("d", path.as_str()).num("stroke-width", width).void();
    canvas.end();
}

/// What is said of a band.
fn words(band: &Band<'_>) -> Vec<String> {
    let [vote] = band.votes.as_slice() else {
        let pivotal = band.votes.iter().filter(|vote| vote.pivotal).count();
        let mut words = vec![text::counted(band.votes.len(), "vote", "votes")];
        words.push(format!("weight {}", text::number(band.weight)));
        if pivotal > 0 {
            words.push(format!("{pivotal} of them pivotal"));
        }
        return words;
    };
    let mut words =
        vec![named(&vote.agent, 40.0), "votes for".to_owned(), named(&vote.choice, 40.0)];
    let figures = [
        Some(format!("weight {}", text::number(vote.weight))),
        Some(format!("influence {}", text::number(vote.influence))),
        vote.confidence.map(|sure| format!("confidence {}", text::percent(sure))),
    ];
    words.push(figures.into_iter().flatten().collect::<Vec<_>>().join(", "));
    if vote.pivotal {
        words.push("Pivotal: without this vote the outcome is another.".to_owned());
    }
    words.extend(vote.reasoning.as_deref().map(|why| text::head(&text::plain(why), 160)));
    words
}

/// The box of a choice that did not win.
fn draw_choice(canvas: &mut Canvas, choice: &Choice<'_>, top: f64, tally: &Tally<'_>) {
    let (box_class, edge) =
        if tally.is_tie() { ("adp-box", "adp-edge-tied") } else { ("adp-box", "adp-edge-against") };
    let name = if choice.choices > 1 {
        format!("and {} other choices", choice.choices)
    } else {
        named(choice.name, 14.5)
    };
    canvas.group("adp-choice", &[text::cut(choice.name, 120.0)]);
    canvas.rect(box_class, CHOICES, top, super::layout::END - CHOICES, CHOICE, 6.0);
    canvas.rect(edge, CHOICES, top, 6.0, CHOICE, 2.0);
    canvas.label("adp-name", CHOICES + 18.0, top + 20.0, &name);
    canvas.label("adp-about", CHOICES + 18.0, top + 37.0, &share(choice, tally));
    canvas.end();
}

/// How many votes a choice had, and their share of the weight.
pub(super) fn share(choice: &Choice<'_>, tally: &Tally<'_>) -> String {
    let votes =
        format!("{} of {}", choice.votes.len(), text::counted(tally.votes, "vote", "votes"));
    if tally.weight > 0.0 {
        format!("{votes} · {} of the weight", text::percent(choice.weight / tally.weight))
    } else {
        votes
    }
}
