use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::samples::{self, HOSTILE, Sample};

use super::*;

const IDENTITY: Identity<'_> =
    Identity { debate_id: "dbt-7f3a", generated_at: "2026-11-21T10:00:00Z" };

/// Everything a page may consist of.
const ELEMENTS: [&str; 42] = [
    "html",
    "head",
    "meta",
    "title",
    "link",
    "style",
    "body",
    "main",
    "header",
    "footer",
    "section",
    "h1",
    "h2",
    "p",
    "div",
    "span",
    "bdi",
    "strong",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "blockquote",
    "svg",
    "desc",
    "g",
    "rect",
    "line",
    "circle",
    "path",
    "text",
];
const ATTRIBUTES: [&str; 42] = [
    "lang",
    "charset",
    "http-equiv",
    "content",
    "name",
    "rel",
    "href",
    "class",
    "id",
    "dir",
    "tabindex",
    "role",
    "aria-label",
    "aria-labelledby",
    "aria-hidden",
    "aria-valuemin",
    "aria-valuemax",
    "aria-valuenow",
    "aria-valuetext",
    "scope",
    "colspan",
    "data-label",
    "focusable",
    "preserveAspectRatio",
    "viewBox",
    "width",
    "height",
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
];

fn written(sample: &Sample) -> String {
    html(&sample.debate, &sample.explanation, IDENTITY)
}

/// The page without the line that only HTML has.
fn document(html: &str) -> &str {
    html.strip_prefix("<!doctype html>\n").expect("a page begins with its document type")
}

/// Reads a page back: well-formed, only what is listed, nothing that loads or runs, and every
/// reference within it leads somewhere.
fn check(html: &str) {
    assert!(html.len() <= MAX_BYTES, "{} bytes", html.len());
    let document = roxmltree::Document::parse(document(html))
        .unwrap_or_else(|error| panic!("{error}: {html}"));
    let mut ids = BTreeSet::new();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        assert!(ELEMENTS.contains(&node.tag_name().name()), "{:?}", node.tag_name());
        for attribute in node.attributes() {
            assert!(ATTRIBUTES.contains(&attribute.name()), "{attribute:?}");
            match attribute.name() {
                "href" => assert_eq!(attribute.value(), "data:,"),
                "id" => assert!(ids.insert(attribute.value().to_owned()), "two of {attribute:?}"),
                "content" => {}
                _ => assert!(!attribute.value().contains(':'), "{attribute:?}"),
            }
        }
        if node.tag_name().name() == "style" {
            let sheets = [include_str!("style.css"), include_str!("../picture/style.css")];
            assert!(node.text().is_some_and(|text| sheets.contains(&text)));
        }
    }
    for node in document.descendants() {
        for id in node.attribute("aria-labelledby").into_iter().flat_map(|ids| ids.split(' ')) {
            assert!(ids.contains(id), "nothing is called {id}");
        }
    }
}

fn has(html: &str, words: &str) -> bool {
    html.contains(&text::escape(words))
}

#[test]
fn every_sample_is_a_well_formed_page() {
    for sample in samples::all() {
        let html = written(&sample);
        check(&html);
        assert_eq!(html, written(&sample), "{} is not the same twice", sample.name);
    }
}

#[test]
fn everything_that_was_explained_is_on_the_page() {
    let sample = samples::typical();
    let html = written(&sample);
    let said = &sample.explanation;
    assert!(has(&html, &sample.debate.task) && has(&html, &said.summary));
    let descriptions = said.factors.iter().map(|factor| &factor.description);
    let recounts = said.counterfactuals.iter().map(|other| &other.description);
    let reasons = said.dissent.iter().map(|one| &one.reasoning);
    let thoughts = said.belief_changes.iter().flat_map(|change| [&change.from, &change.to]);
    let actions = said.reasoning_chain.iter().map(|step| &step.action);
    let all = descriptions.chain(recounts).chain(reasons).chain(thoughts).chain(actions);
    for words in all.chain(&said.key_factors).chain(&said.warnings) {
        assert!(has(&html, words), "{words:?} is not on the page");
    }
    for words in [
        "67\u{a0}%",
        "81\u{a0}%",
        "1.24",
        "1.31",
        "incident log 2025",
        IDENTITY.debate_id,
        IDENTITY.generated_at,
    ] {
        assert!(has(&html, words), "{words:?} is not on the page");
    }
    assert!(html.contains("aria-valuenow=\"0.67\""));
    assert_eq!(html.matches("<th scope=\"col\">").count(), 6);
    assert_eq!(html.matches("<th scope=\"row\">").count(), 3);
}

#[test]
fn a_page_has_one_first_heading_and_its_landmarks() {
    for sample in samples::all() {
        let html = written(&sample);
        for (landmark, count) in [("<h1", 1), ("<main>", 1), ("<footer>", 1), ("<header>", 1)] {
            assert_eq!(html.matches(landmark).count(), count, "{landmark} in {}", sample.name);
        }
        assert_eq!(html.matches("<section").count(), html.matches("<h2").count());
    }
}

#[test]
fn the_policy_forbids_what_is_not_there() {
    let html = written(&samples::typical());
    assert!(
        html.contains(
            "http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;;"
        )
    );
    assert!(html.find("Content-Security-Policy").unwrap() < html.find("<style").unwrap());
}

#[test]
fn what_was_not_recorded_is_said_or_left_out() {
    let html = html(&Debate::default(), &Explanation::default(), IDENTITY);
    check(&html);
    assert!(
        has(&html, "No votes were recorded.") && has(&html, "A debate without a recorded task")
    );
    assert!(!html.contains("id=\"reasoning\"") && !html.contains("class=\"pair\""));
}

#[test]
fn the_longest_texts_stay_within_the_limit() {
    for fill in ["\"", "&", "i", "\u{1d518}\u{301}\u{302}\u{303}\u{304}", "😀", "\u{301}"] {
        check(&written(&samples::crowd(fill)));
    }
    let html = written(&samples::crowd("x "));
    assert!(has(&html, "and 140 more"), "60 of 200 votes are shown");
}

#[test]
fn hostile_text_is_only_text() {
    for text in HOSTILE {
        let html = written(&samples::hostile(text));
        check(&html);
        let lower = html.to_lowercase();
        assert!(!lower.contains("<script") && !lower.contains("<img") && !lower.contains("<a "));
        assert!(!html.contains(['\0', '\u{202e}', '\u{2066}', '\u{ffff}']));
    }
    assert!(
        written(&samples::hostile(HOSTILE[0])).contains("&lt;script&gt;alert(1)&lt;/script&gt;")
    );
}

#[test]
fn no_text_of_a_debate_is_in_an_attribute() {
    let sample = samples::hostile("needle");
    let html = html(
        &sample.debate,
        &sample.explanation,
        Identity { debate_id: "needle", generated_at: "needle" },
    );
    let document = roxmltree::Document::parse(document(&html)).unwrap();
    assert!(html.contains("needle"));
    for node in document.descendants() {
        assert!(
            node.attributes().all(|attribute| !attribute.value().contains("needle")),
            "{node:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn arbitrary_text_is_only_text(text in any::<String>()) {
        let sample = samples::hostile(&text);
        check(&html(&sample.debate, &sample.explanation, Identity { debate_id: &text, generated_at: &text }));
    }
}

/// Writes every sample as picture and as page, to be looked at.
#[test]
#[ignore = "writes target/gallery, for eyes"]
fn gallery() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gallery");
    std::fs::create_dir_all(&folder).unwrap();
    for sample in samples::all() {
        let svg = picture::svg(&sample.debate, &sample.explanation, &sample.debate.task);
        std::fs::write(folder.join(format!("{}.svg", sample.name)), &svg).unwrap();
        let html = html(&sample.debate, &sample.explanation, IDENTITY);
        std::fs::write(folder.join(format!("{}.html", sample.name)), &html).unwrap();
        println!("{} {} {}", sample.name, svg.len(), html.len());
    }
}
