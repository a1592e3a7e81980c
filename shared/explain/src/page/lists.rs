//! What is behind the decision, thing by thing: steps, dissent, recounts, evidence, changes of mind.

use crate::explanation::{BeliefChange, Counterfactual, Dissent, EvidenceItem, Explanation, Step};
use crate::markup::Markup;
use crate::picture::{Sign, icon, when};
use crate::text;

use super::{Limit, limited, name, quotation, section, sentence};

/// What led to the decision, in order.
pub(super) fn reasoning(page: &mut Markup, steps: &[Step]) {
    if steps.is_empty() {
        return;
    }
    section(page, "reasoning", "Reasoning, step by step");
    page.open("ol").attr("class", "steps").newline();
    limited(page, steps, Limit { count: 60, bytes: 120_000 }, "li", |page, step| {
        page.open("li");
        page.open("p").attr("class", "who");
        icon(page, Sign::of_step(step.kind));
        if !step.agent.is_empty() {
            name(page, &step.agent);
            page.text(" ");
        }
        sentence(page, "span", "did", &step.action);
        page.text(" ").element("span", "when", &when(step.round));
        if let Some(timestamp) = &step.timestamp {
            page.text(" ").element("span", "when", &text::cut(timestamp, 24.0));
        }
        page.close();
        quotation(page, &step.excerpt);
        page.close();
    });
    page.close().close().newline();
}

/// Who was not for the winner, and why.
pub(super) fn dissent(page: &mut Markup, dissent: &[Dissent]) {
    if dissent.is_empty() {
        return;
    }
    section(page, "dissent", "Dissent");
    page.open("ul").attr("class", "cards").newline();
    limited(page, dissent, Limit { count: 24, bytes: 60_000 }, "li", |page, one| {
        page.open("li").open("p").attr("class", "who");
        name(page, &one.agent);
        page.text(" was for ");
        name(page, &one.choice);
        page.close();
        if one.reasoning.is_empty() {
            page.element("p", "small", "gave no reason");
        } else {
            quotation(page, &one.reasoning);
        }
        page.close();
    });
    page.close().close().newline();
}

/// What would have come of it otherwise; what changes the outcome first.
pub(super) fn counterfactuals(page: &mut Markup, explanation: &Explanation) {
    if explanation.counterfactuals.is_empty() {
        return;
    }
    section(page, "what-if", "What if");
    if let Some(set) = &explanation.smallest_deciding_set {
        page.open("p").text("The fewest votes that had to be missing for another outcome: ");
        for (at, voter) in set.iter().take(12).enumerate() {
            page.text(if at == 0 { "" } else { ", " });
            name(page, voter);
        }
        let more = set.len().saturating_sub(12);
        page.text(&if more > 0 { format!(" and {more} more.") } else { ".".to_owned() })
            .close()
            .newline();
    }
    let (changed, same): (Vec<_>, Vec<_>) =
        explanation.counterfactuals.iter().partition(|other| other.changed);
    let all: Vec<&Counterfactual> = changed.into_iter().chain(same).collect();
    page.open("ul").attr("class", "cards").newline();
    limited(page, &all, Limit { count: 18, bytes: 40_000 }, "li", |page, other| {
        page.open("li");
        let (class, chip) = if other.changed {
            ("chip turn", "changes the outcome")
        } else {
            ("chip", "same outcome")
        };
        page.open("p").attr("class", "who").element("span", class, chip).close();
        sentence(page, "p", "what", &other.description);
        page.open("p").attr("class", "small");
        match &other.winner {
            Some(winner) => {
                page.text("Winner ");
                name(page, winner);
                page.text(", strength ");
            }
            None => {
                page.text("No winner, strength ");
            }
        }
        page.text(&text::percent(other.consensus_strength)).close().close();
    });
    page.close().close().newline();
}

/// What was brought forward, most relevant first.
pub(super) fn evidence(page: &mut Markup, evidence: &[EvidenceItem]) {
    if evidence.is_empty() {
        return;
    }
    section(page, "evidence", "Evidence");
    page.open("ul").attr("class", "cards").newline();
    limited(page, evidence, Limit { count: 12, bytes: 50_000 }, "li", |page, item| {
        page.open("li").open("p").attr("class", "who");
        icon(page, Sign::of_step(item.kind));
        name(page, &item.source);
        if let Some(agent) = item.agent.as_ref().filter(|agent| **agent != item.source) {
            page.text(" by ");
            name(page, agent);
        }
        page.text(" ").element("span", "when", item.kind);
        page.text(" ").element(
            "span",
            "when",
            &format!("relevance {}", text::percent(item.relevance)),
        );
        page.close();
        if let Some(claim) = item.claim.as_ref().filter(|claim| !claim.is_empty()) {
            page.open("p").attr("class", "small").text("For the claim: ");
            sentence(page, "span", "claim", claim);
            page.close();
        }
        quotation(page, &item.content);
        page.close();
    });
    page.close().close().newline();
}

/// Who changed their mind, from what to what.
pub(super) fn belief_changes(page: &mut Markup, changes: &[BeliefChange]) {
    if changes.is_empty() {
        return;
    }
    section(page, "beliefs", "Changes of mind");
    page.open("ul").attr("class", "cards").newline();
    limited(page, changes, Limit { count: 12, bytes: 50_000 }, "li", |page, change| {
        page.open("li").open("p").attr("class", "who");
        name(page, &change.agent);
        page.text(" ").element("span", "when", &when(change.round)).close();
        page.open("dl").attr("class", "from-to");
        thought(page, "Before", &change.from, change.confidence_before);
        thought(page, "After", &change.to, change.confidence_after);
        page.close().close();
    });
    page.close().close().newline();
}

fn thought(page: &mut Markup, label: &'static str, words: &str, confidence: Option<f64>) {
    page.open("div").element("dt", "", label).open("dd");
    quotation(page, words);
    if let Some(confidence) = confidence {
        page.element("p", "small", &format!("confidence {}", text::percent(confidence)));
    }
    page.close().close();
}
