//! An explanation as one page for people: the decision, the picture, and everything behind it.
//!
//! One HTML document that needs nothing else and runs nothing: no script, no link, no font, no image
//! from elsewhere, and a policy that forbids them. It is well-formed XML after its first line. Whatever
//! the debate, it is at most [`MAX_BYTES`] long; lists that are cut say how much is missing.

mod lists;
mod sections;
mod tables;
#[cfg(test)]
mod tests;

use crate::explanation::Explanation;
use crate::format::Identity;
use crate::markup::Markup;
use crate::picture;
use crate::record::Debate;
use crate::text;

/// The longest page, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// The longest task in the heading, in characters; the whole of a longer one is below it.
const HEADING_CHARS: usize = 160;
/// The longest task on the page, in characters.
const TASK_CHARS: usize = 4000;
/// The longest name, in characters.
const NAME_CHARS: usize = 100;
/// The longest sentence that we compose of names and figures, in characters.
const SENTENCE_CHARS: usize = 400;

/// What the page may load: nothing, but its own style sheets and the empty icon that keeps browsers
/// from asking for one.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// The page of an explanation, as an HTML document of at most [`MAX_BYTES`].
#[must_use]
pub fn html(debate: &Debate, explanation: &Explanation, identity: Identity<'_>) -> String {
    let mut page = Markup::default();
    page.raw("<!doctype html>\n").open("html").attr("lang", "en");
    head(&mut page, &debate.task);
    page.open("body").newline();
    page.open("main").newline();
    sections::header(&mut page, debate, explanation);
    sections::decision(&mut page, explanation);
    sections::warnings(&mut page, &explanation.warnings);

    page.open("section").attr("aria-labelledby", "picture").newline();
    heading(&mut page, "picture", "How it came about");
    page.open("div").attr("class", "scroll").attr("tabindex", "0").attr("role", "region");
    page.attr("aria-label", "Picture of the debate").newline();
    page.append(picture::draw(debate, explanation, None));
    page.close().close().newline();

    if !(explanation.key_factors.is_empty() && explanation.factors.is_empty()) {
        page.open("div").attr("class", "pair").newline();
        sections::key_factors(&mut page, &explanation.key_factors);
        sections::factors(&mut page, &explanation.factors);
        page.close().newline();
    }
    lists::reasoning(&mut page, &explanation.reasoning_chain);
    tables::votes(&mut page, explanation);
    lists::dissent(&mut page, &explanation.dissent);
    lists::counterfactuals(&mut page, explanation);
    lists::evidence(&mut page, &explanation.evidence);
    lists::belief_changes(&mut page, &explanation.belief_changes);
    sections::scores(&mut page, &explanation.scores);
    page.close().newline();
    sections::footer(&mut page, identity);
    page.finish()
}

fn head(page: &mut Markup, task: &str) {
    let title = match text::head(&text::line(&text::plain(task)), 80) {
        task if task.is_empty() => "A debate explained".to_owned(),
        task => format!("{task} – a debate explained"),
    };
    page.open("head").newline();
    page.open("meta").attr("charset", "utf-8").void().newline();
    page.open("meta")
        .attr("http-equiv", "Content-Security-Policy")
        .attr("content", POLICY)
        .void()
        .newline();
    page.open("meta")
        .attr("name", "viewport")
        .attr("content", "width=device-width, initial-scale=1")
        .void();
    page.newline().open("meta").attr("name", "color-scheme").attr("content", "light dark").void();
    page.newline().open("meta").attr("name", "robots").attr("content", "noindex").void();
    page.newline()
        .open("meta")
        .attr("name", "referrer")
        .attr("content", "no-referrer")
        .void()
        .newline();
    page.element("title", "", &title).newline();
    page.open("link").attr("rel", "icon").attr("href", "data:,").void().newline();
    page.open("style").raw(include_str!("page/style.css")).close().newline();
    page.close().newline();
}

/// The heading of a section, which is named by it.
fn heading(page: &mut Markup, id: &'static str, words: &str) {
    page.open("h2").attr("id", id).text(words).close().newline();
}

/// Begins a section with its heading. It ends with `close`.
fn section(page: &mut Markup, id: &'static str, words: &str) {
    page.open("section").attr("aria-labelledby", id).newline();
    heading(page, id, words);
}

/// Words of the debate in an element of their own: their direction is that of their first letter, and
/// they do not disturb what is around them.
fn said(page: &mut Markup, element: &'static str, class: &'static str, words: &str) {
    page.open(element).attr("class", class).attr("dir", "auto").text(words).close();
}

/// A name.
fn name(page: &mut Markup, words: &str) {
    let words = text::head(&text::line(words), NAME_CHARS);
    page.open("bdi").attr("class", "name");
    page.text(if words.is_empty() { "(no name)" } else { &words }).close();
}

/// A sentence of ours, in which names of the debate may stand.
fn sentence(page: &mut Markup, element: &'static str, class: &'static str, words: &str) {
    said(page, element, class, &text::head(&text::line(words), SENTENCE_CHARS));
}

/// Words of the debate as a quotation.
fn quotation(page: &mut Markup, words: &str) {
    let words = text::plain(&text::head(words, crate::explanation::EXCERPT_CHARS));
    if !words.is_empty() {
        page.open("blockquote").attr("dir", "auto").text(&words).close();
    }
}

/// A bar from 0 to 1. It prints, and it says nothing to those who do not see it: the figure is beside.
fn bar(page: &mut Markup, class: &'static str, share: f64) {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    page.open("svg")
        .attr("class", class)
        .attr("viewBox", "0 0 100 8")
        .attr("preserveAspectRatio", "none");
    page.attr("aria-hidden", "true").attr("focusable", "false");
    page.open("rect").attr("class", "track").attr("width", "100").attr("height", "8").void();
    page.open("rect").attr("class", "fill").num("width", share * 100.0).attr("height", "8").void();
    page.close();
}

/// How many elements of a list are shown, in how many bytes.
#[derive(Clone, Copy)]
struct Limit {
    count: usize,
    bytes: usize,
}

/// Shows a list as far as its limits allow, and says how many more there are. A list ends before the
/// element that is too many, so that the page's length is bounded by the sum of the limits.
fn limited<T>(
    page: &mut Markup,
    items: &[T],
    limit: Limit,
    more_in: &'static str,
    mut show: impl FnMut(&mut Markup, &T),
) {
    let begin = page.len();
    let mut shown = 0;
    for item in items.iter().take(limit.count) {
        if page.len().saturating_sub(begin) >= limit.bytes {
            break;
        }
        show(page, item);
        page.newline();
        shown += 1;
    }
    let more = items.len().saturating_sub(shown);
    if more > 0 {
        page.open(more_in).attr("class", "more");
        if more_in == "tr" {
            page.open("td").attr("colspan", "6").text(&format!("and {more} more")).close();
        } else {
            page.text(&format!("and {more} more"));
        }
        page.close().newline();
    }
}
