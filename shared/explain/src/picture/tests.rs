use proptest::prelude::*;

use crate::explanation::Explanation;
use crate::record::{Debate, Kind, Move};
use crate::samples::{self, HOSTILE, Sample};

use super::*;

/// Everything a picture may consist of.
const ELEMENTS: [&str; 10] =
    ["svg", "title", "desc", "style", "g", "rect", "line", "circle", "path", "text"];
const ATTRIBUTES: [&str; 25] = [
    "class",
    "viewBox",
    "width",
    "height",
    "role",
    "aria-labelledby",
    "id",
    "x",
    "y",
    "rx",
    "x1",
    "y1",
    "x2",
    "y2",
    "cx",
    "cy",
    "r",
    "d",
    "stroke-width",
    "stroke-dasharray",
    "transform",
    "text-anchor",
    "aria-hidden",
    "focusable",
    "preserveAspectRatio",
];

fn drawn(sample: &Sample) -> String {
    svg(&sample.debate, &sample.explanation, &sample.debate.task)
}

/// Reads a picture back: well-formed, only what is listed, nothing that loads or runs.
fn check(svg: &str) {
    assert!(svg.len() <= MAX_BYTES, "{} bytes", svg.len());
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}: {svg}"));
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(ELEMENTS.contains(&node.tag_name().name()), "{:?}", node.tag_name());
        assert_eq!(node.tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
        for attribute in node.attributes() {
            assert!(ATTRIBUTES.contains(&attribute.name()), "{attribute:?}");
            assert!(
                !attribute.value().contains("url(") && !attribute.value().contains(':'),
                "{attribute:?}"
            );
        }
        if node.tag_name().name() == "style" {
            assert_eq!(node.text(), Some(include_str!("style.css")));
        }
    }
    assert!(document.descendants().all(|node| !node.is_comment() && !node.is_pi()));
}

/// How many elements have a class.
fn count(svg: &str, class: &str) -> usize {
    let document = roxmltree::Document::parse(svg).unwrap();
    let has = |node: &roxmltree::Node<'_, '_>| {
        node.attribute("class").is_some_and(|classes| classes.split(' ').any(|one| one == class))
    };
    document.descendants().filter(has).count()
}

/// What can be read in it.
fn words(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document
        .descendants()
        .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")));
    texts.filter_map(|node| node.text().map(str::to_owned)).collect()
}

#[test]
fn every_sample_is_a_well_formed_picture() {
    for sample in samples::all() {
        let svg = drawn(&sample);
        check(&svg);
        assert_eq!(svg, drawn(&sample), "{} is not the same twice", sample.name);
    }
}

#[test]
fn a_debate_is_drawn_whole() {
    let svg = drawn(&samples::typical());
    // One of each more in the legend.
    assert_eq!(count(&svg, "adp-proposal"), 3 + 1);
    assert_eq!(count(&svg, "adp-critique"), 4 + 1);
    assert_eq!(count(&svg, "adp-revision"), 2 + 1);
    assert_eq!(count(&svg, "adp-evidence"), 1 + 1);
    assert_eq!(count(&svg, "adp-arrow"), 4 + 1);
    assert_eq!(count(&svg, "adp-for"), 2 + 1);
    assert_eq!(count(&svg, "adp-against"), 1 + 1);
    assert_eq!(count(&svg, "adp-pivotal"), 2 + 1);
    let words = words(&svg);
    for expected in [
        "claude-opus",
        "gpt-pragmatist",
        "gemini-visionary",
        "3 agents  ·  2 rounds  ·  10 moves  ·  3 votes",
        "Consensus reached",
        "67\u{a0}%",
        "2 of 3 votes",
        "64\u{a0}% of the weight",
        "1 of 3 votes · 36\u{a0}% of the weight",
    ] {
        assert!(words.iter().any(|text| text == expected), "{expected:?} is not in {words:?}");
    }
}

#[test]
fn a_tie_has_no_winner_and_no_dissent() {
    let sample = samples::all().into_iter().find(|sample| sample.name == "tie").unwrap();
    let svg = drawn(&sample);
    assert!(words(&svg).iter().any(|text| text == "Tie: no winner"));
    assert_eq!(count(&svg, "adp-tied"), 2 + 1);
    assert_eq!(count(&svg, "adp-for") + count(&svg, "adp-against") + count(&svg, "adp-won"), 0);
}

#[test]
fn without_votes_there_are_no_bands_and_it_is_said() {
    let sample = samples::all().into_iter().find(|sample| sample.name == "no_votes").unwrap();
    let svg = drawn(&sample);
    assert_eq!(count(&svg, "adp-ribbon"), 0);
    assert!(words(&svg).iter().any(|text| text == "no votes recorded"));
    assert!(!words(&svg).iter().any(|text| text == "VOTES"));
}

#[test]
fn nothing_at_all_is_a_picture_too() {
    let svg = svg(&Debate::default(), &Explanation::default(), "");
    check(&svg);
    assert!(words(&svg).iter().any(|text| text == "No decision recorded"));
    assert!(words(&svg).iter().any(|text| text == "The record names no agents."));
}

#[test]
fn of_many_agents_the_first_have_rows_and_the_rest_are_counted() {
    let sample = samples::crowd("x ");
    let svg = drawn(&sample);
    assert!(words(&svg).iter().any(|text| text == "and 177 more"));
    assert_eq!(count(&svg, "adp-agent"), 23);
    // Every move is somewhere: as a mark of its own or in a number.
    let layout = Layout::of(&sample.debate, &sample.explanation, 0.0, 0.0);
    assert_eq!(layout.marks.iter().map(|mark| mark.count).sum::<usize>(), 5000);
    assert_eq!(layout.columns.len(), 8);
}

#[test]
fn the_longest_texts_stay_within_the_limit() {
    for fill in ["\"", "&", "i", "\u{1d518}\u{301}\u{302}\u{303}\u{304}", "😀", "\u{301}"] {
        check(&drawn(&samples::crowd(fill)));
    }
}

#[test]
fn hostile_text_is_only_text() {
    for text in HOSTILE {
        check(&drawn(&samples::hostile(text)));
    }
}

#[test]
fn no_text_of_a_debate_is_in_an_attribute() {
    let svg = drawn(&samples::hostile("needle"));
    let document = roxmltree::Document::parse(&svg).unwrap();
    assert!(svg.contains("needle"));
    let values = document.descendants().flat_map(|node| node.attributes().collect::<Vec<_>>());
    assert!(values.into_iter().all(|attribute| !attribute.value().contains("needle")));
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(marks::KINDS.to_vec())
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = (0..30_usize, kind(), 0..12_u32, prop::option::of(0..30_usize)).prop_map(
        |(who, kind, round, target)| Move {
            target: target.map(|target| format!("agent {target}")),
            ..samples::step(&format!("agent {who}"), kind, round, "words")
        },
    );
    prop::collection::vec(one, 0..120).prop_map(|mut moves| {
        moves.sort_by_key(|step| step.round);
        moves
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn arbitrary_text_is_only_text(text in any::<String>()) {
        check(&drawn(&samples::hostile(&text)));
    }

    #[test]
    fn marks_do_not_lie_on_each_other(moves in moves()) {
        let count = moves.len();
        let debate = Debate { moves, ..Debate::default() };
        let explanation = Explanation::default();
        let layout = Layout::of(&debate, &explanation, 0.0, 0.0);
        prop_assert_eq!(layout.marks.iter().map(|mark| mark.count).sum::<usize>(), count);
        for mark in &layout.marks {
            let lane = &layout.lanes[mark.lane];
            let y = lane.y + mark.dy;
            prop_assert!(y - 9.0 >= lane.y - lane.height / 2.0 && y + 9.0 <= lane.y + lane.height / 2.0);
            prop_assert!(mark.x >= layout::ROUNDS && mark.x <= layout.rounds_end);
        }
        let marks = &layout.marks;
        for (at, one) in marks.iter().enumerate() {
            for other in marks.iter().skip(at + 1).filter(|other| other.lane == one.lane) {
                let apart = (one.x - other.x).abs().max((one.dy - other.dy).abs());
                // A mark is 18 wide.
                prop_assert!(apart >= 19.0, "{apart} apart");
            }
        }
    }

    #[test]
    fn votes_of_any_weight_stay_in_the_picture(weights in prop::collection::vec(any::<f64>(), 0..40)) {
        let mut sample = samples::typical();
        sample.explanation.votes = weights
            .iter()
            .enumerate()
            .map(|(at, weight)| samples::vote(&format!("v{at}"), &format!("c{}", at % 7), *weight, at % 3 == 0))
            .collect();
        let svg = drawn(&sample);
        check(&svg);
        let document = roxmltree::Document::parse(&svg).unwrap();
        for band in document.descendants().filter_map(|node| node.attribute("stroke-width")) {
            let width: f64 = band.parse().unwrap();
            prop_assert!((0.0..=18.0).contains(&width), "{width}");
        }
    }
}
