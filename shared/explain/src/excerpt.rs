//! Short plain texts made of what agents wrote: one line, without the marks of Markdown, control
//! characters or changes of direction, and cut on a character boundary. They are still untrusted:
//! whoever puts them into HTML escapes them.

use std::borrow::Cow;

#[cfg(test)]
mod tests;

/// The longest name of an agent or a choice, in characters.
pub const NAME_CHARS: usize = 80;
/// The longest gist of a text, in characters.
pub const GIST_CHARS: usize = 70;

/// How far a cut moves back so as not to break a word.
const WORD_CHARS: usize = 16;
/// How many lines are looked at for one that says something.
const GIST_LINES: usize = 12;

/// A text on one line of at most `limit` characters, the ellipsis of a cut included.
pub fn plain(text: &str, limit: usize) -> String {
    let mut line = Line::new(text.len(), limit);
    for each in text.lines() {
        if !line.add(unmarked(each), true) {
            break;
        }
    }
    line.finish()
}

/// The first thing that a text says: a heading or sentence of at most `limit` characters.
pub fn gist(text: &str, limit: usize) -> String {
    let says = |line: &&str| line.chars().any(char::is_alphanumeric);
    let mut lines = text.lines().map(unmarked).filter(says).take(GIST_LINES);
    let Some(first) = lines.next() else { return String::new() };
    // "Issues:" announces what is of interest.
    let announces = |line: &str| line.trim_end_matches(['*', ' ']).ends_with(':');
    let line =
        if announces(first) { lines.find(|line| !announces(line)).unwrap_or(first) } else { first };
    let line = unnumbered(line).trim_start_matches('[');
    let sentence = line.split_once(". ").map_or(line, |(sentence, _)| sentence);
    let mut gist = Line::new(sentence.len(), limit);
    gist.add(sentence, true);
    let mut gist = gist.finish();
    let kept = gist.trim_end_matches(['.', ':', ';', ',', ' ']).len();
    gist.truncate(kept);
    gist
}

/// A name on one line of at most [`NAME_CHARS`] characters. What a name may hold is left in it.
pub fn name(name: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic();
    if name.len() <= NAME_CHARS && name.bytes().all(is_plain) {
        return Cow::Borrowed(name);
    }
    let mut line = Line::new(name.len(), NAME_CHARS);
    line.add(name, false);
    Cow::Owned(line.finish())
}

/// Cuts a sentence of ours that has names in it.
pub fn cut(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    let mut line = Line::new(text.len(), limit);
    line.add(&text, false);
    line.finish()
}

/// Names as in "a, b and c"; beyond `most` of them, the rest as a number.
pub fn list<S: AsRef<str>>(names: &[S], most: usize) -> String {
    let shown = names.len().min(most.max(1));
    let left_out = names.len() - shown;
    let mut text = String::new();
    for (place, each) in names.iter().take(shown).enumerate() {
        let is_last = place + 1 == shown && left_out == 0;
        text.push_str(match place {
            0 => "",
            _ if is_last => " and ",
            _ => ", ",
        });
        text.push_str(&name(each.as_ref()));
    }
    match left_out {
        0 => {}
        1 => text.push_str(" and 1 other"),
        _ => {
            text.push_str(" and ");
            text.push_str(&left_out.to_string());
            text.push_str(" others");
        }
    }
    text
}

/// A number of things: "1 vote", "2 votes".
pub fn counted(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// A line without what marks it as a heading, an item or a quotation; nothing when it only rules
/// off or fences in.
fn unmarked(line: &str) -> &str {
    let mut rest = line.trim();
    if rest.starts_with("```") {
        return "";
    }
    // Nested marks: an item in a quotation.
    for _ in 0..4 {
        let Some(first) = rest.bytes().next() else { break };
        let unmarked = match first {
            b'#' => rest.trim_start_matches('#'),
            b'-' | b'*' | b'+' | b'>' => rest.get(1..).unwrap_or(""),
            b'|' | b'=' | b'_' => rest,
            _ => return rest,
        };
        if unmarked.is_empty() || rest.bytes().all(|byte| b"-*_=|: ".contains(&byte)) {
            return "";
        }
        if unmarked.len() == rest.len() || !unmarked.starts_with(' ') {
            break;
        }
        rest = unmarked.trim_start();
    }
    rest
}

/// A line without the number of an item: "1. ", "12) ".
fn unnumbered(line: &str) -> &str {
    let rest = line.trim_start_matches(|first: char| first.is_ascii_digit());
    let item = rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") "));
    item.filter(|_| rest.len() < line.len()).map_or(line, str::trim_start)
}

/// A line that is written until it is full.
struct Line {
    text: String,
    limit: usize,
    chars: usize,
    /// White space was met since the last character.
    gap: bool,
    full: bool,
}

impl Line {
    fn new(bytes: usize, limit: usize) -> Self {
        let text = String::with_capacity(bytes.min(limit) + '…'.len_utf8());
        Self { text, limit, chars: 0, gap: false, full: false }
    }

    /// Adds words; `false` when there is no room for more.
    fn add(&mut self, words: &str, unmark: bool) -> bool {
        self.gap = true;
        let mut rest = words;
        loop {
            // Most texts are mostly this; copying it in runs is several times as fast.
            let run = rest.bytes().take_while(|byte| is_ordinary(*byte)).count();
            if let Some((run, after)) =
                rest.split_at_checked(run).filter(|(run, _)| !run.is_empty())
            {
                self.open();
                let (fits, over) =
                    run.split_at_checked(self.limit - self.chars).unwrap_or((run, ""));
                self.text.push_str(fits);
                self.chars += fits.len();
                if !over.is_empty() {
                    self.full = true;
                    return false;
                }
                rest = after;
            }
            let mut chars = rest.chars();
            let Some(next) = chars.next() else { return true };
            rest = chars.as_str();
            if next.is_whitespace() {
                self.gap = true;
            } else if is_hidden(next) || (unmark && next == '`') {
                // Left out.
            } else if unmark && next == '*' && rest.starts_with('*') {
                rest = rest.get(1..).unwrap_or("");
            } else {
                self.open();
                if self.chars >= self.limit {
                    self.full = true;
                    return false;
                }
                self.text.push(next);
                self.chars += 1;
            }
        }
    }

    /// Puts one space where there was white space.
    fn open(&mut self) {
        if std::mem::take(&mut self.gap) && !self.text.is_empty() && self.chars < self.limit {
            self.text.push(' ');
            self.chars += 1;
        }
    }

    fn finish(mut self) -> String {
        if !self.full {
            return self.text;
        }
        // Room for the ellipsis.
        if self.chars >= self.limit {
            self.text.pop();
        }
        let back = self.text.char_indices().rev().take(WORD_CHARS);
        if let Some((at, _)) = back.into_iter().find(|(_, each)| *each == ' ') {
            self.text.truncate(at);
        }
        self.text.truncate(self.text.trim_end_matches([' ', ',', ';', ':']).len());
        if self.limit > 0 {
            self.text.push('…');
        }
        self.text
    }
}

/// Visible ASCII that means nothing in Markdown here.
fn is_ordinary(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'`' && byte != b'*'
}

/// Control characters, and those that change the direction of text or join it without a trace.
fn is_hidden(each: char) -> bool {
    each.is_control()
        || matches!(each, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
