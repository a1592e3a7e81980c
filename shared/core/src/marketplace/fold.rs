//! Text made comparable: for finding (case, accents and compatibility forms do not matter) and for
//! telling whether two names look the same.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::confusable_detection::skeleton;

/// `text` without case, accents and compatibility forms: what search, tags and authors are compared
/// by. `Ärger` and `ARGER` are one, and `ß` is `ss`.
pub fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|it| !is_combining_mark(*it));
    // Up and down again: of the letters that have several small forms, one is left.
    plain.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// What two names have in common that differ by case, by spaces, or only by how their characters
/// are encoded while they look alike (Unicode Technical Standard 39, "skeleton"): 64 hexadecimal
/// digits. Accents count: `resume` and `résumé` are two names.
pub fn look(name: &str) -> String {
    let small: String = name.nfkc().flat_map(char::to_lowercase).collect();
    let spaced = small.split_whitespace().collect::<Vec<_>>().join(" ");
    let seen: String = skeleton(&spaced).flat_map(char::to_lowercase).collect();
    hex::encode(Sha256::digest(seen.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_forms_do_not_matter_for_finding() {
        for (text, folded) in [
            ("Security", "security"),
            ("Ärger ÉTÉ", "arger ete"),
            ("e\u{301}te\u{301}", "ete"),
            ("Straße", "strasse"),
            ("ＡＢＣ①", "abc1"),
            ("ﬁle", "file"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("Ελλάς", "ελλασ"),
            ("İstanbul ısı", "istanbul isi"),
            ("", ""),
            ("!?", "!?"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn names_that_look_the_same_are_the_same() {
        let same = [
            ("Security Scanner", "security  scanner"),
            ("paypal", "раураl"),
            ("Scope", "Ѕсоре"),
            ("ＡＢＣ", "abc"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("a\u{a0}b", "a b"),
        ];
        for (one, other) in same {
            assert_eq!(look(one), look(other), "{one} and {other}");
        }
        for (one, other) in
            [("a", "b"), ("resume", "résumé"), ("scan 1", "scan 2"), ("mail", "mall")]
        {
            assert_ne!(look(one), look(other), "{one} and {other}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn a_look_has_no_case(text in "[a-zA-Z ]{1,40}") {
            prop_assert_eq!(look(&text), look(&text.to_uppercase()));
        }
    }
}
