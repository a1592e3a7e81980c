//! The votes, one by one.

use crate::explanation::{Explanation, WeighedVote};
use crate::markup::Markup;
use crate::picture::{Sign, icon};
use crate::text;

use super::{Limit, bar, limited, name, section};

/// The columns, and what each cell is labelled with where the table is shown as a list.
const COLUMNS: [&str; 6] = ["Agent", "Choice", "Weight", "Confidence", "Influence", "Pivotal"];

/// Every vote: who, for whom, and what it did.
pub(super) fn votes(page: &mut Markup, explanation: &Explanation) {
    section(page, "votes", "Votes");
    if explanation.votes.is_empty() {
        page.element("p", "none", "No votes were recorded.").close().newline();
        return;
    }
    page.open("table").newline();
    page.open("caption");
    page.text("Influence is the share of all possible majorities that the vote decides. A vote is pivotal when the outcome is another without it.");
    page.close().newline();
    page.open("thead").open("tr");
    for column in COLUMNS {
        page.open("th").attr("scope", "col").text(column).close();
    }
    page.close().close().newline();
    page.open("tbody").newline();
    let winner = explanation.winner.as_deref();
    limited(page, &explanation.votes, Limit { count: 60, bytes: 100_000 }, "tr", |page, vote| {
        row(page, vote, winner);
    });
    page.close().close().close().newline();
}

fn row(page: &mut Markup, vote: &WeighedVote, winner: Option<&str>) {
    let [_, choice, weight, confidence, influence, pivotal] = COLUMNS;
    page.open("tr").open("th").attr("scope", "row");
    name(page, &vote.agent);
    page.close();
    page.open("td").attr("data-label", choice).open("span");
    name(page, &vote.choice);
    if winner == Some(vote.choice.as_str()) {
        page.text(" ").element("span", "chip", "won");
    }
    page.close().close();
    page.open("td")
        .attr("class", "figure")
        .attr("data-label", weight)
        .text(&text::number(vote.weight))
        .close();
    let sure = vote.confidence.map_or_else(|| "–".to_owned(), text::percent);
    page.open("td").attr("class", "figure").attr("data-label", confidence).text(&sure).close();
    page.open("td")
        .attr("class", "figure")
        .attr("data-label", influence)
        .open("span")
        .attr("class", "with-bar");
    bar(page, "bar", vote.influence);
    page.text(&text::percent(vote.influence)).close().close();
    page.open("td").attr("data-label", pivotal);
    if vote.pivotal {
        page.open("span").attr("class", "pivotal");
        icon(page, Sign::Pivotal);
        page.text("Yes").close();
    } else {
        page.text("No");
    }
    page.close().close();
}
