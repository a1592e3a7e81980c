use proptest::prelude::*;

use super::*;

#[test]
fn markup_becomes_references() {
    assert_eq!(
        escape("<a href=\"x\" b='y'>&amp;"),
        "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;"
    );
}

#[test]
fn what_xml_or_html_forbids_is_left_out() {
    assert_eq!(escape("a\0\u{8}\u{b}\u{1f}\u{7f}\u{9f}\u{fffe}\u{ffff}\u{1fffe}\u{fdd0}b"), "ab");
    assert_eq!(escape("a\tb\nc\rd"), "a\tb\nc\nd");
}

#[test]
fn directions_are_not_turned_around() {
    assert_eq!(
        escape("\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}x"),
        "x"
    );
    // The marks that only say what a letter is stay: Hebrew and Arabic are written with them.
    assert_eq!(escape("a\u{200f}b\u{61c}"), "a\u{200f}b\u{61c}");
}

#[test]
fn a_letter_has_at_most_six_marks() {
    assert_eq!(
        escape(&format!("e{}x", "\u{301}".repeat(100))),
        format!("e{}x", "\u{301}".repeat(6))
    );
}

#[test]
fn a_head_is_cut_at_characters() {
    assert_eq!(head("grün", 4), "grün");
    assert_eq!(head("grüner", 4), "grü…");
    assert_eq!(head("ab cd", 4), "ab…");
    assert_eq!(head("", 0), "");
}

#[test]
fn common_marks_of_markdown_are_not_read_aloud() {
    let text = "# Title\n\n---\n> **Bold** and `code`\n* one\n- two\n#tag 2 * 3";
    assert_eq!(plain(text), "Title\nBold and code\n• one\n• two\n#tag 2 * 3");
    assert_eq!(flat(text), "Title · Bold and code • one • two · #tag 2 * 3");
    assert_eq!(plain("###"), "");
}

#[test]
fn figures_are_short_and_never_odd() {
    assert_eq!(percent(0.666_667), "67\u{a0}%");
    assert_eq!(percent(f64::NAN), "–");
    assert_eq!(percent(7.0), "100\u{a0}%");
    assert_eq!(number(1.0), "1");
    assert_eq!(number(1.236), "1.24");
    assert_eq!(number(-0.001), "0");
    assert_eq!(number(1e300), "1.00e300");
    assert_eq!(number(f64::INFINITY), "–");
}

#[test]
fn letters_are_cut_whole() {
    // The flag and the family are wider than there is room for: they go as a whole.
    assert_eq!(cut("ab🇩🇪🇯🇵", 3.6), "ab🇩🇪…");
    assert_eq!(cut("x👩‍👩‍👧‍👦yyyyyy", 3.0), "x👩‍👩‍👧‍👦…");
    assert_eq!(cut("e\u{301}e\u{301}e\u{301}e\u{301}", 2.2), "e\u{301}e\u{301}…");
    assert_eq!(cut("  two \n words ", 20.0), "two words");
}

#[test]
fn words_are_wrapped_between_words_and_long_ones_within() {
    assert_eq!(wrap("aaaa bbbb cccc", 5.5, 5), ["aaaa bbbb", "cccc"]);
    assert_eq!(wrap("aaaa bbbb cccc dddd", 5.5, 1), ["aaaa bb…"]);
    assert_eq!(wrap(&"漢".repeat(12), 5.2, 2), ["漢漢漢漢漢", "漢漢漢漢…"]);
    assert!(wrap(" \n ", 5.0, 3).is_empty());
}

proptest! {
    #[test]
    fn escaped_text_holds_no_markup(text in any::<String>()) {
        let escaped = escape(&text);
        let is_bare = |c: char| matches!(c, '<' | '>' | '"' | '\'') || (c.is_control() && c != '\n' && c != '\t');
        prop_assert!(!escaped.contains(is_bare), "{escaped:?}");
        for (at, _) in escaped.match_indices('&') {
            let rest = escaped.get(at..).unwrap();
            prop_assert!(["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"].iter().any(|known| rest.starts_with(known)));
        }
    }

    /// A place has room for the widest letter there is, of 7 em.
    #[test]
    fn nothing_is_wider_than_its_place(text in any::<String>(), em in 7.0..40.0_f64, lines in 1..5_usize) {
        prop_assert!(width(&cut(&text, em)) <= em);
        let wrapped = wrap(&text, em, lines);
        prop_assert!(wrapped.len() <= lines);
        for line in &wrapped {
            prop_assert!(width(line) <= em, "{line:?}");
        }
    }

    #[test]
    fn wrapping_loses_nothing_that_fits(words in prop::collection::vec("[a-zé漢]{1,9}", 0..12)) {
        let text = words.join(" ");
        let wrapped = wrap(&text, 10.0, 100);
        prop_assert_eq!(wrapped.concat().replace(' ', ""), text.replace(' ', ""));
    }
}
