//! Text that comes from a debate, made fit for HTML and SVG: escaped, without characters that either
//! forbids, and cut to what there is room for.
//!
//! Nothing of a debate reaches a page or a picture but through [`escape`].

mod measure;
#[cfg(test)]
mod tests;

pub(crate) use measure::{cut, width, wrap};

/// How many characters of no width may follow one of some width. Writing needs up to four and the
/// flag of Scotland six; a name with a hundred accents on one letter would paint over its neighbours.
const MARKS: u32 = 6;

/// The text as it may stand in HTML or XML 1.0, between tags or in a quoted attribute.
///
/// The five characters of markup become references. Control characters, noncharacters and whatever
/// turns the direction of the text around it are left out, and so are the seventh and further
/// combining marks on a letter. Line breaks become `\n`.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(16));
    escape_into(&mut out, text);
    out
}

/// [`escape`], appended.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    let mut marks = 0;
    for c in text.chars().filter(|c| is_allowed(*c)) {
        marks = if measure::is_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS {
            continue;
        }
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\r' => out.push('\n'),
            other => out.push(other),
        }
    }
}

/// Whether a character may stand in both languages and leaves the direction of other text alone.
fn is_allowed(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        // Control characters, of which XML forbids most and HTML all; embeddings, overrides and
        // isolates of direction with their deprecated companions; noncharacters.
        '\0'..='\u{1f}'
        | '\u{7f}'..='\u{9f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{206f}'
        | '\u{fdd0}'..='\u{fdef}' => false,
        // The last two of every plane, U+FFFE and U+FFFF among them.
        other => u32::from(other) & 0xfffe != 0xfffe,
    }
}

/// The first `limit` characters, with an ellipsis in the place of the last where there are more.
pub(crate) fn head(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(limit.saturating_sub(1)).collect();
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

/// The text on one line, its runs of white space being one space each.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// The words of a Markdown text without its most common marks, for reading: headings, quotes, bold,
/// code, rules. Lines stay, empty ones do not. Nothing is interpreted.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let line = line.trim();
        let after_hashes = line.trim_start_matches('#');
        let line = if after_hashes.starts_with(' ') || after_hashes.is_empty() {
            after_hashes
        } else {
            line
        };
        let line = line.trim_start_matches("> ").replace("**", "").replace('`', "");
        let line = line.trim();
        let is_rule = line.len() >= 3 && line.chars().all(|c| matches!(c, '-' | '_' | '*' | '='));
        if line.is_empty() || is_rule {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        match line.strip_prefix("- ").or_else(|| line.strip_prefix("* ")) {
            Some(item) => {
                out.push_str("• ");
                out.push_str(item.trim_start());
            }
            None => out.push_str(line),
        }
    }
    out
}

/// [`plain`] on one line, its lines being set apart by dots.
pub(crate) fn flat(text: &str) -> String {
    line(&plain(text).replace("\n• ", " • ").replace('\n', " · "))
}

/// A share from 0 to 1 in per cent; a dash for what is no number.
pub(crate) fn percent(share: f64) -> String {
    if share.is_finite() {
        format!("{:.0}\u{a0}%", share.clamp(0.0, 1.0) * 100.0)
    } else {
        "–".to_owned()
    }
}

/// A number with two decimals at most; a dash for what is no number.
pub(crate) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value.abs() >= 1e6 {
        return format!("{value:.2e}");
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// `1 vote`, `2 votes`.
pub(crate) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A count as a measure. Exact to 4 billion, which no list here reaches.
pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
