//! What everybody reads: the task, the decision, what is missing, what mattered.

use crate::explanation::{Explanation, Factor, Scores};
use crate::markup::Markup;
use crate::picture::{Sign, icon, status};
use crate::record::Debate;
use crate::text;

use super::{
    HEADING_CHARS, Identity, Limit, TASK_CHARS, bar, limited, name, quotation, said, section,
    sentence,
};

/// The task and the summary.
pub(super) fn header(page: &mut Markup, debate: &Debate, explanation: &Explanation) {
    page.open("header").newline();
    page.element("p", "eyebrow", "A debate explained").newline();
    let task = text::plain(&text::head(&debate.task, TASK_CHARS));
    let heading = text::head(&text::line(&task), HEADING_CHARS);
    if heading.is_empty() {
        page.element("h1", "", "A debate without a recorded task").newline();
    } else {
        said(page, "h1", "task", &heading);
        page.newline();
    }
    if task.chars().count() > HEADING_CHARS {
        page.open("details").element("summary", "", "The whole task");
        said(page, "p", "whole", &task);
        page.close().newline();
    }
    if !explanation.summary.is_empty() {
        said(page, "p", "lead", &text::head(&explanation.summary, 2000));
    }
    page.close().newline();
}

/// Who or what won, how strongly, and in which words.
pub(super) fn decision(page: &mut Markup, explanation: &Explanation) {
    let (sign, status) = status(explanation);
    section(page, "decision", "Decision");
    page.open("div").attr("class", "box").newline();
    page.open("div").attr("class", "verdict");
    page.open("p").attr("class", "status");
    icon(page, sign);
    page.element("span", "", status).close();
    page.open("p").attr("class", "winner");
    match &explanation.winner {
        Some(winner) => name(page, winner),
        None if explanation.votes.is_empty() && !explanation.decision.is_empty() => {
            page.text("An answer, without a vote");
        }
        None => {
            page.text("No winner");
        }
    }
    page.close().close().newline();
    page.open("div").attr("class", "meters");
    meter(page, "strength", "Consensus strength", explanation.consensus_strength);
    meter(page, "confidence", "Confidence", explanation.confidence);
    page.close().newline();
    if explanation.winner.as_deref() != Some(explanation.decision.as_str()) {
        quotation(page, &explanation.decision);
    }
    page.close().close().newline();
}

/// A share with its name, its figure and a bar.
fn meter(page: &mut Markup, id: &'static str, label: &'static str, share: f64) {
    let known = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    page.open("div").attr("class", "meter").attr("role", "meter").attr("aria-labelledby", id);
    page.attr("aria-valuemin", "0")
        .attr("aria-valuemax", "1")
        .attr("aria-valuenow", &text::number(known));
    page.attr("aria-valuetext", &text::percent(share));
    page.open("p").open("span").attr("id", id).text(label).close();
    page.element("strong", "", &text::percent(share)).close();
    bar(page, "bar", share);
    page.close();
}

/// What the record lacks and what is odd about it.
pub(super) fn warnings(page: &mut Markup, warnings: &[String]) {
    if warnings.is_empty() {
        return;
    }
    page.open("section").attr("class", "warnings").attr("aria-labelledby", "warnings").newline();
    page.open("h2").attr("id", "warnings");
    icon(page, Sign::Warning);
    page.text("What to bear in mind").close().newline();
    page.open("ul").newline();
    limited(page, warnings, Limit { count: 20, bytes: 30_000 }, "li", |page, warning| {
        sentence(page, "li", "warning", warning);
    });
    page.close().close().newline();
}

/// What mattered most.
pub(super) fn key_factors(page: &mut Markup, factors: &[String]) {
    if factors.is_empty() {
        return;
    }
    section(page, "key-factors", "Key factors");
    page.open("ul").attr("class", "key").newline();
    limited(page, factors, Limit { count: 12, bytes: 16_000 }, "li", |page, factor| {
        sentence(page, "li", "factor", factor);
    });
    page.close().close().newline();
}

/// How much each factor contributed.
pub(super) fn factors(page: &mut Markup, factors: &[Factor]) {
    if factors.is_empty() {
        return;
    }
    section(page, "factors", "What the outcome is owed to");
    page.open("ul").attr("class", "factors").newline();
    limited(page, factors, Limit { count: 12, bytes: 24_000 }, "li", |page, factor| {
        page.open("li").open("p");
        page.element("span", "what", &capital(factor.name));
        page.element("strong", "", &text::percent(factor.contribution)).close();
        bar(page, "bar", factor.contribution);
        if !factor.description.is_empty() {
            sentence(page, "p", "small", &factor.description);
        }
        page.close();
    });
    page.close().close().newline();
}

/// A word with a capital letter.
fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The measures of the debate.
pub(super) fn scores(page: &mut Markup, scores: &Scores) {
    let tiles = [
        ("Agreement", "votes on the most common choice", scores.agent_agreement),
        ("Stability", "how few changed their minds", scores.belief_stability),
        ("Evidence", "mean relevance of what was brought forward", scores.evidence_quality),
    ];
    if tiles.iter().all(|(_, _, score)| score.is_none()) {
        return;
    }
    section(page, "scores", "Measures");
    page.open("dl").attr("class", "scores").newline();
    for (label, about, score) in tiles {
        page.open("div").element("dt", "", label);
        page.open("dd").element("strong", "", &score.map_or_else(|| "–".to_owned(), text::percent));
        page.element("span", "small", if score.is_some() { about } else { "nothing to measure" });
        page.close().close().newline();
    }
    page.close().close().newline();
}

/// What the page is about and when it was made.
pub(super) fn footer(page: &mut Markup, identity: Identity<'_>) {
    page.open("footer").open("p").text("Debate ");
    page.open("bdi").attr("class", "id").text(&text::head(identity.debate_id, 200)).close();
    page.text(" · explained ");
    page.open("bdi").text(&text::head(identity.generated_at, 60)).close().close();
    page.element("p", "", "Computed from the record alone; no model was asked.");
    page.close().newline();
}
