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
    if is_clean(text.as_bytes()) {
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

/// Whether nothing is taken out of a text, given as its bytes: nearly all that is read is, and this
/// is most of the work of reading a record. Plain chunks are told many bytes at a time.
fn is_clean(text: &[u8]) -> bool {
    const CHUNK: usize = 64;
    let is_plain = |byte: &u8| matches!(*byte, b' '..=b'~' | b'\n' | b'\t');
    text.chunks(CHUNK).enumerate().all(|(number, chunk)| {
        let all_plain = chunk.iter().fold(true, |all, byte| all & is_plain(byte));
        let start = number * CHUNK;
        all_plain || (start..start + chunk.len()).all(|at| !begins_dropped(text.get(at..)))
    })
}

/// Whether bytes begin with a character that is taken out, as [`is_dropped`] has them.
const fn begins_dropped(bytes: Option<&[u8]>) -> bool {
    matches!(
        bytes,
        Some(
            [0..=8 | 0xb..=0x1f | 0x7f, ..]
            | [0xc2, 0x80..=0x9f, ..]
            | [0xe2, 0x80, 0xaa..=0xae, ..]
            | [0xe2, 0x81, 0xa6..=0xa9, ..]
            | [0xef, 0xbf, 0xbe | 0xbf, ..],
        )
    )
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
    fn bytes_and_characters_agree_on_what_is_taken_out() {
        for character in '\0'..=char::MAX {
            let text = format!("a{character}b");
            assert_eq!(is_clean(text.as_bytes()), !is_dropped(character), "{character:?}");
        }
        // Across the border of two chunks.
        for at in 0..70 {
            let text = format!("{}\u{202e}{}", "x".repeat(at), "y".repeat(70));
            assert!(!is_clean(text.as_bytes()), "at {at}");
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("äöüß", 3), "äö…");
        assert_eq!(head("äöü", 3), "ä");
        assert!(is_longer("äöüß", 3) && !is_longer("äöü", 3));
    }
}
