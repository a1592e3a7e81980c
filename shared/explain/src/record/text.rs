//! Text from outside. Escaping is the renderers' business; here only what has no place in any text
//! is taken out.

/// Whether a character is taken out of every text: control characters but tab and newline, what
/// turns the direction of the text after it (a name could pretend to be another), and the two that
/// no XML may hold, so no SVG either.
const fn is_dropped(character: char) -> bool {
    matches!(character,
        '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

/// The text without what is taken out of every text; line ends become `\n`.
pub(crate) fn clean(text: &str) -> String {
    // A carriage return is among what is dropped, so one look is enough for nearly every text.
    if !text.contains(is_dropped) {
        return text.to_owned();
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if character == '\r' {
            if rest.peek() != Some(&'\n') {
                kept.push('\n');
            }
        } else if !is_dropped(character) {
            kept.push(character);
        }
    }
    kept
}

/// The text as one clean line without blanks around it: what names and labels are.
pub(crate) fn line(text: &str) -> String {
    let kept = clean(text);
    let trimmed = kept.trim();
    if trimmed.contains(['\n', '\t']) {
        trimmed.replace(['\n', '\t'], " ")
    } else if trimmed.len() == kept.len() {
        kept
    } else {
        trimmed.to_owned()
    }
}

/// The first `chars` characters, the last of them `…` where something was cut off.
pub(crate) fn cut(text: &str, chars: usize) -> String {
    if !is_longer(text, chars) {
        return text.to_owned();
    }
    let mut head: String = text.chars().take(chars.saturating_sub(1)).collect();
    head.push('…');
    head
}

/// Whether the text has more than `chars` characters; looks no further than it must.
pub(crate) fn is_longer(text: &str, chars: usize) -> bool {
    text.len() > chars && text.chars().nth(chars).is_some()
}

/// The start of a text, at most `bytes` long, on a character boundary.
pub(crate) fn head(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_text_may_hold_is_taken_out() {
        for (sent, kept) in [
            ("plain ✓ text", "plain ✓ text"),
            ("two\r\nlines\rthree\n", "two\nlines\nthree\n"),
            ("a\0b\u{7}c\u{1b}[31m\td", "abc[31m\td"),
            ("abc\u{202e}fdp.exe\u{2069}", "abcfdp.exe"),
            ("c1\u{85}\u{9f} del\u{7f} non\u{ffff}character", "c1 del noncharacter"),
            ("<script>&\"'", "<script>&\"'"),
        ] {
            assert_eq!(clean(sent), kept, "{sent:?}");
        }
        assert_eq!(line("  cla\tude\n "), "cla ude");
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(head("äöü", 3), "ä");
        assert!(is_longer("äöüß", 3) && !is_longer("äöü", 3));
    }
}
