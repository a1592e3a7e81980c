//! What is peculiar to critiques: how grave they are, at whom they are aimed, and those that are
//! only lists of issues.

use serde_json::Value;

use super::fields::{self, Object};
use super::moves::Draft;
use super::problem::{At, Problems};
use super::roster::Roster;
use super::text;

/// Engines state the severity and the target near the beginning.
const HEADER_BYTES: usize = 400;
/// How far a message is searched for an issue, at most a few times.
const SEARCHED_BYTES: usize = 1_000;
const MAX_ISSUE_CHARS: usize = 80;

/// How grave a critique is: a number, or one of four words. Some engines write it from 0 to 1,
/// others from 0 to 10; [`scale`] makes one of it.
pub(crate) fn severity(object: &Object, at: &At<'_>, problems: &mut Problems) -> Option<f64> {
    let (name, value) = fields::given(object, &["severity"])?;
    let found = match value {
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "low" | "minor" => Some(0.25),
            "medium" | "moderate" => Some(0.5),
            "high" | "major" => Some(0.75),
            "critical" | "severe" => Some(1.0),
            _ => None,
        },
        other => fields::number(other).filter(|number| (0.0..=10.0).contains(number)),
    };
    if found.is_none() {
        problems.add(&at.key(name), "must be a number from 0 to 1, or to 10");
    }
    found
}

/// Makes severities run from 0 to 1. If one in the record is above 1, its engine counts to 10.
pub(crate) fn scale(drafts: &mut [Draft]) {
    let highest = drafts.iter().filter_map(|draft| draft.severity).fold(0.0, f64::max);
    if highest > 1.0 {
        for severity in drafts.iter_mut().filter_map(|draft| draft.severity.as_mut()) {
            *severity /= 10.0;
        }
    }
}

/// The severity that a critique's header states: `Critique from nova (severity: 0.5):`.
pub(crate) fn stated_severity(content: &str) -> Option<f64> {
    let header = text::head(content.trim_start(), HEADER_BYTES).to_ascii_lowercase();
    let (_, rest) = header.lines().find_map(|line| line.split_once("severity:"))?;
    let rest = rest.trim_start_matches([' ', '*']);
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    let (digits, after) = rest.split_at_checked(end)?;
    let number: f64 = digits.trim_end_matches('.').parse().ok()?;
    let of = if after.starts_with("/10") { 10.0 } else { 1.0 };
    Some(number / of).filter(|number| (0.0..=10.0).contains(number))
}

/// The agent that a critique's first lines name as its target: `Critique of nova's proposal`.
pub(crate) fn stated_target(content: &str, critic: &str, roster: &Roster) -> Option<String> {
    let header = text::head(content, HEADER_BYTES).to_lowercase();
    let after = ["critique of ", "critique for ", "target: "]
        .iter()
        .find_map(|words| header.split_once(words).map(|(_, after)| after))?;
    let after = after.trim_start_matches([' ', '*', '`', '"', '\'', '@']);
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let ends = after.char_indices().filter(|(_, c)| !is_part(*c)).map(|(at, _)| at);
    // The longest name goes first: `nova 2` is not `nova`.
    ends.chain([after.len()])
        .filter_map(|end| roster.find(after.get(..end)?))
        .rfind(|name| *name != critic)
        .map(str::to_owned)
}

/// The words of a critique that is given as issues, suggestions and reasoning, and its first issue.
pub(crate) fn composed(
    object: &Object,
    at: &At<'_>,
    problems: &mut Problems,
) -> (String, Option<String>) {
    let mut parts = Vec::new();
    let mut first = None;
    for (name, title) in [("issues", "Issues: "), ("suggestions", "Suggestions: ")] {
        let listed = match object.get(name) {
            Some(Value::Array(items)) => texts(items, &at.key(name), problems),
            Some(Value::String(sent)) => vec![text::clean(sent)],
            None | Some(Value::Null) => continue,
            Some(_) => {
                problems.add(&at.key(name), "must be a list of texts");
                continue;
            }
        };
        let listed: Vec<&str> =
            listed.iter().map(|one| one.trim()).filter(|one| !one.is_empty()).collect();
        if name == "issues" {
            first = listed.first().map(|issue| issue.chars().take(MAX_ISSUE_CHARS).collect());
        }
        if !listed.is_empty() {
            parts.push(format!("{title}{}", listed.join("; ")));
        }
    }
    if let Some(reasoning) = fields::text(object, &["reasoning"], at, problems) {
        parts.push(text::clean(reasoning));
    }
    (parts.join("\n"), first)
}

/// A list of texts, or of objects that have one.
pub(crate) fn texts(items: &[Value], at: &At<'_>, problems: &mut Problems) -> Vec<String> {
    let mut found = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let at = at.index(place);
        match item {
            Value::Null => {}
            Value::String(sent) => found.push(text::clean(sent)),
            Value::Object(object) => {
                let names = ["issue", "suggestion", "description", "text", "content", "message"];
                found.extend(fields::text(object, &names, &at, problems).map(text::clean));
            }
            _ => problems.add(&at, "must be text"),
        }
        if problems.full() {
            break;
        }
    }
    found
}

/// Whether a critique in a message is the one that a list has as issues.
pub(crate) fn tells(known: &Draft, listed: &Draft, issue: &str) -> bool {
    let same_round = listed.round.is_none() || known.round.is_none() || known.round == listed.round;
    same_round && text::head(&known.content, SEARCHED_BYTES).contains(issue)
}
