use proptest::prelude::*;

use super::*;

#[test]
fn marks_of_markdown_are_left_out() {
    for (text, expected) in [
        ("", ""),
        ("  \n\t ", ""),
        ("plain words", "plain words"),
        ("# Heading\n\nThen  a\ttext.\r\n", "Heading Then a text."),
        ("- one\n* two\n  + three\n> > said\n1. four", "one two three said 1. four"),
        ("**bold** and `code`", "bold and code"),
        ("a * b - c # d", "a * b - c # d"),
        ("----\n***\n| a | b |\n|---|:-:|\n```rust\nlet x = 1;\n```", "| a | b | let x = 1;"),
        ("#hashtag -5 *emphasis*", "#hashtag -5 *emphasis*"),
        ("-\n#\n*", ""),
        ("a\u{0}b\u{1b}[31mc\u{202e}d\u{200b}e", "ab[31mcde"),
        ("line\u{2028}separator\u{a0}space", "line separator space"),
    ] {
        assert_eq!(plain(text, 100), expected, "{text:?}");
    }
}

#[test]
fn texts_are_cut_on_characters_and_between_words() {
    for (text, limit, expected) in [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcde…"),
        ("one two three", 9, "one two…"),
        ("one, two three", 6, "one…"),
        ("äöüäöü", 6, "äöüäöü"),
        ("äöüäöüä", 6, "äöüäö…"),
        ("😀😀😀😀", 3, "😀😀…"),
        ("ab 😀😀😀😀😀", 5, "ab…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("abc   ", 3, "abc"),
        ("abc \u{0} \n", 3, "abc"),
    ] {
        assert_eq!(plain(text, limit), expected, "{text:?} at {limit}");
    }
}

#[test]
fn a_gist_is_the_first_thing_said() {
    for (text, expected) in [
        ("It has three parts:\n1. A cache of names. It is small.\n2. More.", "A cache of names"),
        ("12) Twelfth of all", "Twelfth of all"),
        ("1.5 seconds. No more.", "1.5 seconds"),
        ("", ""),
        ("---\n***", ""),
        ("# A Cache for Names\n\nTo begin with, thanks.", "A Cache for Names"),
        ("Use a bucket. It is simple.", "Use a bucket"),
        (
            "Critique from codex (severity: 0.5):\nIssues:\n  - Nothing is said of cost; only of speed",
            "Nothing is said of cost; only of speed",
        ),
        ("**Weaknesses:**\n- It is slow.", "It is slow"),
        ("Only this:", "Only this"),
        ("[Error generating proposal: no key]", "Error generating proposal: no key]"),
        ("v1.2 is out", "v1.2 is out"),
    ] {
        assert_eq!(gist(text, 60), expected, "{text:?}");
    }
}

#[test]
fn names_are_short_and_on_one_line() {
    assert_eq!(name("claude"), "claude");
    assert_eq!(name("Claude  Opus\n4.5"), "Claude Opus 4.5");
    assert_eq!(name("`*<b>*`"), "`*<b>*`");
    assert_eq!(name(&"ü".repeat(90)).chars().count(), NAME_CHARS);
    assert_eq!(name(""), "");
}

#[test]
fn lists_read_as_people_write_them() {
    for (names, most, expected) in [
        (&[][..], 3, ""),
        (&["a"][..], 3, "a"),
        (&["a", "b"][..], 3, "a and b"),
        (&["a", "b", "c"][..], 3, "a, b and c"),
        (&["a", "b", "c", "d"][..], 3, "a, b, c and 1 other"),
        (&["a", "b", "c", "d"][..], 1, "a and 3 others"),
        (&["a", "b"][..], 0, "a and 1 other"),
    ] {
        assert_eq!(list(names, most), expected);
    }
    assert_eq!(counted(1, "vote"), "1 vote");
    assert_eq!(counted(0, "vote"), "0 votes");
}

proptest! {
    #[test]
    fn any_text_becomes_a_short_line(text in any::<String>(), limit in 0_usize..40) {
        for short in [plain(&text, limit), gist(&text, limit), cut(text.clone(), limit.max(1))] {
            prop_assert!(short.chars().count() <= limit.max(1) || short == text);
            prop_assert!(!short.contains('\n') || short == text);
        }
        let plain = plain(&text, limit);
        prop_assert!(plain.chars().count() <= limit);
        prop_assert!(!plain.chars().any(is_hidden));
        prop_assert!(!plain.contains("  "));
        prop_assert_eq!(plain.trim(), plain.as_str());
        prop_assert!(name(&text).chars().count() <= NAME_CHARS);
        prop_assert!(!name(&text).contains('\n'));
    }

    #[test]
    fn what_fits_is_not_cut(text in "[a-zäß😀]{0,30}( [a-zäß😀]{1,9}){0,4}") {
        let plain = plain(&text, 200);
        prop_assert_eq!(plain, text.trim());
    }
}
