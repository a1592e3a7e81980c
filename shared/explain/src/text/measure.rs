//! How wide text will be, without knowing the font: an estimate on the wide side of the usual system
//! fonts, so that what is cut by it fits.

/// How much of a text is looked at, in characters: more than any line holds.
const LONGEST: usize = 2000;

/// The width of a text in em.
pub(crate) fn width(text: &str) -> f64 {
    clusters(text).map(|cluster| cluster.width).sum()
}

/// The text on one line of at most `em` em, with an ellipsis where it had to be cut. Letters keep their
/// accents and emoji their parts.
pub(crate) fn cut(text: &str, em: f64) -> String {
    let text = super::line(&super::head(text, LONGEST));
    if width(&text) <= em {
        return text;
    }
    let mut out = String::new();
    let mut used = width("…");
    for cluster in clusters(&text) {
        used += cluster.width;
        if used > em {
            break;
        }
        out.push_str(cluster.text);
    }
    out.truncate(out.trim_end().len());
    out.push('…');
    out
}

/// The text on up to `lines` lines of at most `em` em each, broken between words, in words that are
/// longer than a line, and anywhere between wide letters. The last one ends in an ellipsis when there
/// is more.
pub(crate) fn wrap(text: &str, em: f64, lines: usize) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut used = 0.0;
    let text = super::line(&super::head(text, LONGEST));
    let mut words = text.split(' ').filter(|word| !word.is_empty()).peekable();
    let mut rest = String::new();
    while let Some(word) = words.next() {
        let wide = width(word);
        let gap = if current.is_empty() { 0.0 } else { width(" ") };
        if used + gap + wide <= em {
            if !current.is_empty() {
                current.push(' ');
            }
            current.push_str(word);
            used += gap + wide;
            continue;
        }
        if done.len() + 1 >= lines {
            // The last line takes as much of the rest as fits.
            rest = std::iter::once(word).chain(words.by_ref()).collect::<Vec<_>>().join(" ");
            break;
        }
        if !current.is_empty() {
            done.push(std::mem::take(&mut current));
            used = 0.0;
        }
        if wide <= em {
            current.push_str(word);
            used = wide;
            continue;
        }
        for cluster in clusters(word) {
            if used + cluster.width > em && !current.is_empty() && done.len() + 1 < lines {
                done.push(std::mem::take(&mut current));
                used = 0.0;
            }
            current.push_str(cluster.text);
            used += cluster.width;
        }
    }
    if !rest.is_empty() {
        if !current.is_empty() {
            current.push(' ');
        }
        current.push_str(&rest);
    }
    if !current.is_empty() {
        done.push(cut(&current, em));
    }
    done
}

/// What is seen as one letter, and its width in em.
struct Cluster<'a> {
    text: &'a str,
    width: f64,
}

/// The letters of a text.
fn clusters(text: &str) -> impl Iterator<Item = Cluster<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut chars = rest.char_indices();
        let (_, first) = chars.next()?;
        let mut wide = advance(first);
        let mut previous = first;
        let mut joined = 0;
        let mut end = rest.len();
        for (at, c) in chars {
            let is_part = is_mark(c)
                // At most four emoji melt into one.
                || (previous == '\u{200d}' && joined < 4)
                || (is_flag_letter(c) && is_flag_letter(previous) && joined == 0);
            if !is_part {
                end = at;
                break;
            }
            if !is_mark(c) {
                joined += 1;
                wide = wide.max(advance(c));
            }
            previous = c;
        }
        let (text, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(Cluster { text, width: wide })
    })
}

fn is_flag_letter(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Whether a character only changes the one before it, or is not seen at all.
pub(super) fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'
        | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{61c}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}'
        | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}' | '\u{711}' | '\u{730}'..='\u{74a}'
        | '\u{900}'..='\u{902}' | '\u{93c}' | '\u{941}'..='\u{948}' | '\u{94d}' | '\u{981}' | '\u{9bc}'
        | '\u{9cd}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}' | '\u{eb1}'
        | '\u{eb4}'..='\u{ebc}' | '\u{ec8}'..='\u{ece}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}'
        | '\u{20d0}'..='\u{20ff}' | '\u{3099}'..='\u{309a}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{feff}' | '\u{1f3fb}'..='\u{1f3ff}'
        | '\u{e0020}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

/// How far one character moves the pen, in em.
fn advance(c: char) -> f64 {
    match c {
        ' ' | '\u{a0}' | '·' | 'f' | 't' | 'r' | '-' | '(' | ')' | '/' | '"' => 0.38,
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.31,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.95,
        'a'..='z' | '0'..='9' => 0.6,
        'A'..='Z' => 0.7,
        c if is_mark(c) => 0.0,
        // Letters that are as long as words.
        '\u{fdfd}' => 7.0,
        '\u{fdfa}' | '\u{fdfb}' | '\u{2e3b}' => 3.0,
        '\u{2e3a}' | '\u{2014}' | '\u{12000}'..='\u{123ff}' | '\u{a9c1}'..='\u{a9c5}' => 2.0,
        // Emoji and other pictures.
        '\u{2300}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => 1.3,
        // Chinese, Japanese, Korean, Yi and the full-width forms.
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff01}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{17000}'..='\u{18cff}'
        | '\u{1b000}'..='\u{1b2ff}'
        | '\u{20000}'..='\u{3fffd}' => 1.02,
        // Latin with accents, Greek, Cyrillic, Hebrew, Arabic.
        '\u{a1}'..='\u{8ff}' => 0.68,
        _ => 0.9,
    }
}
