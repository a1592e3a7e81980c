//! The shapes of the picture. Each kind of move has a shape and a colour of its own, so that neither
//! is needed to tell them apart.

use crate::markup::{Markup, Path};
use crate::record::Kind;

/// What a shape stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// A move.
    Move(Kind),
    /// A vote that decided.
    Pivotal,
    /// Agreement, and the choice that won.
    Won,
    /// No agreement.
    Open,
    /// A tie.
    Tie,
    /// Something to be careful about.
    Warning,
}

impl Sign {
    /// The sign of a step of the reasoning.
    pub(crate) fn of_step(kind: &str) -> Self {
        match kind {
            "proposal" => Self::Move(Kind::Proposal),
            "critique" => Self::Move(Kind::Critique),
            "revision" => Self::Move(Kind::Revision),
            "evidence" => Self::Move(Kind::Evidence),
            "synthesis" => Self::Move(Kind::Synthesis),
            "vote" => Self::Move(Kind::Vote),
            "error" => Self::Move(Kind::Error),
            "decision" => Self::Won,
            _ => Self::Move(Kind::Message),
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Move(Kind::Proposal) => "adp-k adp-proposal",
            Self::Move(Kind::Critique) => "adp-k adp-critique",
            Self::Move(Kind::Revision) => "adp-k adp-revision",
            Self::Move(Kind::Evidence) => "adp-k adp-evidence",
            Self::Move(Kind::Synthesis) => "adp-k adp-synthesis",
            Self::Move(Kind::Vote) => "adp-k adp-vote",
            Self::Move(Kind::Error) => "adp-k adp-error",
            Self::Move(Kind::Message) => "adp-k adp-message",
            Self::Pivotal => "adp-k adp-pivotal",
            Self::Won => "adp-k adp-won",
            Self::Open | Self::Tie => "adp-k adp-open",
            Self::Warning => "adp-k adp-warning",
        }
    }
}

/// What a kind of move is called.
pub(crate) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Proposal => "Proposal",
        Kind::Critique => "Critique",
        Kind::Revision => "Revision",
        Kind::Evidence => "Evidence",
        Kind::Synthesis => "Synthesis",
        Kind::Vote => "Vote",
        Kind::Error => "Failure",
        Kind::Message => "Message",
    }
}

/// Every kind of move, in the order of the legend.
pub(super) const KINDS: [Kind; 8] = [
    Kind::Proposal,
    Kind::Critique,
    Kind::Revision,
    Kind::Evidence,
    Kind::Synthesis,
    Kind::Message,
    Kind::Vote,
    Kind::Error,
];

/// A sign with its middle at a place and a radius of about 8.
pub(super) fn draw(markup: &mut Markup, sign: Sign, x: f64, y: f64) {
    match sign {
        Sign::Move(Kind::Proposal) => circle(markup, sign.class(), x, y, 8.0),
        Sign::Move(Kind::Revision) => {
            circle(markup, sign.class(), x, y, 7.5);
            circle(markup, "adp-k adp-revision-core", x, y, 3.0);
        }
        Sign::Move(Kind::Critique) => {
            polygon(markup, sign, x, y, &[(0.0, -9.0), (9.0, 7.0), (-9.0, 7.0)]);
        }
        Sign::Move(Kind::Evidence) => {
            polygon(markup, sign, x, y, &[(-7.0, -7.0), (7.0, -7.0), (7.0, 7.0), (-7.0, 7.0)]);
        }
        Sign::Move(Kind::Synthesis) => {
            let six = [(-9.0, 0.0), (-4.5, -8.0), (4.5, -8.0), (9.0, 0.0), (4.5, 8.0), (-4.5, 8.0)];
            polygon(markup, sign, x, y, &six);
        }
        Sign::Move(Kind::Vote) => {
            polygon(markup, sign, x, y, &[(0.0, -9.0), (8.0, 0.0), (0.0, 9.0), (-8.0, 0.0)]);
        }
        Sign::Move(Kind::Message) => {
            let path = Path::default()
                .to('M', &[x - 8.0, y - 7.0])
                .to('h', &[16.0])
                .to('v', &[11.0])
                .to('h', &[-9.0])
                .to('l', &[-4.0, 4.5])
                .to('v', &[-4.5])
                .to('h', &[-3.0]);
            shape(markup, sign, &path);
        }
        Sign::Move(Kind::Error) => {
            let path = Path::default()
                .to('M', &[x - 6.0, y - 6.0])
                .to('l', &[12.0, 12.0])
                .to('M', &[x + 6.0, y - 6.0])
                .to('l', &[-12.0, 12.0]);
            shape(markup, sign, &path);
        }
        Sign::Pivotal => {
            let star = [
                (0.0, -9.5),
                (2.6, -3.4),
                (9.0, -2.9),
                (4.1, 1.4),
                (5.6, 7.7),
                (0.0, 4.3),
                (-5.6, 7.7),
                (-4.1, 1.4),
                (-9.0, -2.9),
                (-2.6, -3.4),
            ];
            polygon(markup, sign, x, y, &star);
        }
        Sign::Won | Sign::Open | Sign::Tie | Sign::Warning => {
            circle(markup, sign.class(), x, y, 9.0);
            shape_in(markup, "adp-k adp-in", &inside(sign, x, y));
        }
    }
}

/// What stands in a round sign: a tick, a bar, two bars, an exclamation mark.
fn inside(sign: Sign, x: f64, y: f64) -> Path {
    match sign {
        Sign::Won => {
            Path::default().to('M', &[x - 4.2, y + 0.2]).to('l', &[3.0, 3.2]).to('l', &[5.4, -6.4])
        }
        Sign::Tie => Path::default()
            .to('M', &[x - 4.0, y - 2.2])
            .to('h', &[8.0])
            .to('M', &[x - 4.0, y + 2.2])
            .to('h', &[8.0]),
        Sign::Warning => Path::default()
            .to('M', &[x, y - 4.6])
            .to('v', &[5.4])
            .to('M', &[x, y + 4.0])
            .to('v', &[0.6]),
        _ => Path::default().to('M', &[x - 4.2, y]).to('h', &[8.4]),
    }
}

fn circle(markup: &mut Markup, class: &'static str, x: f64, y: f64, radius: f64) {
    markup.open("circle").attr("class", class).num("cx", x).num("cy", y).num("r", radius).void();
}

fn polygon(markup: &mut Markup, sign: Sign, x: f64, y: f64, corners: &[(f64, f64)]) {
    let path = corners.iter().enumerate().fold(Path::default(), |path, (at, (dx, dy))| {
        path.to(if at == 0 { 'M' } else { 'L' }, &[x + dx, y + dy])
    });
    shape(markup, sign, &path.to('Z', &[]));
}

fn shape(markup: &mut Markup, sign: Sign, path: &Path) {
    shape_in(markup, sign.class(), path);
}

fn shape_in(markup: &mut Markup, class: &'static str, path: &Path) {
    markup.open("path").attr("class", class).attr("d", path.as_str()).void();
}

/// A sign as a picture of its own, to stand in a line of a page. It says nothing to those who do not
/// see it: the words beside it do.
pub(crate) fn icon(markup: &mut Markup, sign: Sign) {
    markup
        .open("svg")
        .attr("class", "adp icon")
        .attr("viewBox", "-11 -11 22 22")
        .attr("width", "18")
        .attr("height", "18")
        .attr("aria-hidden", "true")
        .attr("focusable", "false");
    draw(markup, sign, 0.0, 0.0);
    markup.close();
}
