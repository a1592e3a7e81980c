//! What a template is found by, and how well a search fits it.
//!
//! A template is taken apart into words: of its name, tags, category and description, folded
//! ([`super::fold`]); of the words of name and tags also their beginnings, so that `secur` finds
//! `security`. Each has a weight by where it stands. For each there is a row in the index, and all
//! of them together are the template's [`signature`]: few bytes that go with every row, by which a
//! row of one word tells whether the template has the others too.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::fold::fold;

/// The most words of a template in the index.
pub const MAX_WORDS: usize = 100;
/// The most words of a search that count.
pub const MAX_SEARCH_WORDS: usize = 8;
/// The most characters of a word.
const MAX_WORD_CHARS: usize = 40;
/// The fewest and most characters of the beginning of a word.
const BEGINNINGS: std::ops::RangeInclusive<usize> = 3..=10;
/// The most characters of a text that are looked at.
const MAX_TEXT_CHARS: usize = 10_000;
/// Bytes of a word in a signature: three of its digest, one for its weight.
const ENTRY_BYTES: usize = 4;

/// Weights, by where a word stands.
const NAME: u8 = 9;
const TAG: u8 = 6;
const CATEGORY: u8 = 5;
const NAME_BEGINNING: u8 = 4;
const TAG_BEGINNING: u8 = 3;
const DESCRIPTION: u8 = 2;
/// What the whole name, searched for as it is, counts besides.
const WHOLE_NAME: u8 = 20;

/// The words of a text in order: runs of letters and digits, and each character of the scripts that
/// put no spaces between words. At most `most`, of the first ten thousand characters.
pub fn words(text: &str, most: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = String::new();
    let text: String = text.chars().take(MAX_TEXT_CHARS).collect();
    for it in fold(&text).chars().chain([' ']) {
        let alone = it.is_alphanumeric() && stands_alone(it);
        if it.is_alphanumeric() && !alone {
            if open.chars().count() < MAX_WORD_CHARS {
                open.push(it);
            }
            continue;
        }
        if !open.is_empty() {
            found.push(std::mem::take(&mut open));
        }
        if alone {
            found.push(it.to_string());
        }
        if found.len() >= most {
            break;
        }
    }
    found.truncate(most);
    found
}

/// Whether a character is a word by itself: kana and ideographs.
const fn stands_alone(it: char) -> bool {
    matches!(it, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

/// The different words of a search.
pub fn searched(text: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for word in words(text, 4 * MAX_SEARCH_WORDS) {
        if !seen.contains(&word) {
            seen.push(word);
        }
    }
    seen.truncate(MAX_SEARCH_WORDS);
    seen
}

/// What a template says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its tags.
    pub tags: &'a [String],
    /// Its category.
    pub category: &'a str,
    /// All of its description.
    pub description: &'a str,
}

/// The words a template is found by, each with its best weight: the most important ones, at most
/// [`MAX_WORDS`].
pub fn of(text: &Text<'_>) -> BTreeMap<String, u8> {
    let mut found: Vec<(u8, String)> = Vec::new();
    let mut take = |weight: u8, words: Vec<String>| {
        found.extend(words.into_iter().map(|word| (weight, word)));
    };
    let name = words(text.name, MAX_WORDS);
    let tags: Vec<String> = text.tags.iter().flat_map(|tag| words(tag, 10)).collect();
    take(NAME_BEGINNING, name.iter().flat_map(|word| beginnings(word)).collect());
    take(TAG_BEGINNING, tags.iter().flat_map(|word| beginnings(word)).collect());
    take(NAME, name);
    take(TAG, tags);
    take(CATEGORY, words(text.category, 10));
    take(DESCRIPTION, words(text.description, 10 * MAX_WORDS));
    // The heaviest first; of the same weight, in the order of the text.
    found.sort_by(|(one, _), (other, _)| other.cmp(one));
    let mut best = BTreeMap::new();
    for (weight, word) in found {
        if best.len() == MAX_WORDS {
            break;
        }
        best.entry(word).or_insert(weight);
    }
    best
}

fn beginnings(word: &str) -> Vec<String> {
    let length = word.chars().count();
    BEGINNINGS
        .take_while(|chars| *chars < length)
        .map(|chars| word.chars().take(chars).collect())
        .collect()
}

/// All words of a template and its whole name, in few bytes.
pub fn signature(words: &BTreeMap<String, u8>, name: &str) -> Vec<u8> {
    let mut entries: Vec<[u8; ENTRY_BYTES]> =
        words.iter().map(|(word, weight)| entry(word, *weight)).collect();
    entries.push(entry(&whole(name), WHOLE_NAME));
    entries.sort_unstable();
    entries.concat()
}

/// How well a search fits a template; `None` when a word of it is missing. Of sixteen million
/// words that are not there, one is taken for one that is.
pub fn score(signature: &[u8], searched: &[String], text: &str) -> Option<u32> {
    let mut sum = 0_u32;
    for word in searched {
        sum = sum.saturating_add(u32::from(weight(signature, word)?));
    }
    Some(sum.saturating_add(weight(signature, &whole(text)).map_or(0, u32::from)))
}

/// The weight of a word in a signature; `None` when it is not there.
pub fn weight(signature: &[u8], word: &str) -> Option<u8> {
    let wanted = digest(word);
    signature.chunks_exact(ENTRY_BYTES).find_map(|entry| match entry {
        [a, b, c, weight] if [*a, *b, *c] == wanted => Some(*weight),
        _ => None,
    })
}

/// A whole name as a word that no word is equal to.
fn whole(name: &str) -> String {
    let words = words(name, MAX_WORDS);
    format!("={}", words.join(" "))
}

fn entry(word: &str, weight: u8) -> [u8; ENTRY_BYTES] {
    let [a, b, c] = digest(word);
    [a, b, c, weight]
}

fn digest(word: &str) -> [u8; 3] {
    let mut first = [0_u8; 3];
    for (byte, of) in first.iter_mut().zip(Sha256::digest(word.as_bytes())) {
        *byte = of;
    }
    first
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn template(name: &str, tags: &[&str], description: &str) -> (BTreeMap<String, u8>, Vec<u8>) {
        let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
        let words = of(&Text { name, tags: &tags, category: "workflow", description });
        let signature = signature(&words, name);
        (words, signature)
    }

    fn fits(signature: &[u8], text: &str) -> Option<u32> {
        score(signature, &searched(text), text)
    }

    #[test]
    fn words_are_runs_of_letters_and_digits() {
        for (text, wanted) in [
            ("Security-Scanner 2.0!", &["security", "scanner", "2", "0"][..]),
            ("  ", &[]),
            ("!!! ??? \u{200b}", &[]),
            ("M&A", &["m", "a"]),
            ("ÉTÉ", &["ete"]),
            ("日本 workflow", &["日", "本", "workflow"]),
            ("한국어", &["한국어"]),
        ] {
            assert_eq!(words(text, 50), wanted, "{text}");
        }
        assert_eq!(words(&"x".repeat(10_000), 5), ["x".repeat(40)]);
        assert_eq!(searched("a A á b"), ["a", "b"]);
        assert_eq!(searched(&"w ".repeat(5_000)).len(), 1);
        let many: Vec<String> = (0..100).map(|number| format!("w{number}")).collect();
        assert_eq!(searched(&many.join(" ")).len(), MAX_SEARCH_WORDS);
    }

    #[test]
    fn where_a_word_stands_decides_what_it_weighs() {
        let (_, in_name) = template("Invoice Pipeline", &["finance"], "Reads papers");
        let (_, in_tag) = template("Paper Reader", &["Invoice"], "Reads papers");
        let (_, in_text) = template("Paper Reader", &[], "Reads every invoice");
        let (_, nowhere) = template("Paper Reader", &[], "Reads papers");
        let scores = [&in_name, &in_tag, &in_text].map(|it| fits(it, "INVOICE").unwrap());
        assert!(scores[0] > scores[1] && scores[1] > scores[2], "{scores:?}");
        assert_eq!(fits(&nowhere, "invoice"), None);
        // All words have to be there; beginnings count less than whole words.
        assert_eq!(fits(&in_name, "invoice papers"), Some(11));
        assert_eq!(fits(&in_name, "invoice scanner"), None);
        assert_eq!(fits(&in_name, "invo"), Some(4));
        assert_eq!(fits(&in_name, "in"), None);
        assert!(fits(&in_name, "invoice pipeline") > fits(&in_name, "pipeline invoice"));
    }

    #[test]
    fn there_are_at_most_a_hundred_words_the_heaviest() {
        let description: Vec<String> = (0..500).map(|number| format!("word{number}")).collect();
        let (words, signature) = template("Alpha Beta", &["gamma"], &description.join(" "));
        assert_eq!(words.len(), MAX_WORDS);
        for word in ["alpha", "beta", "gamma", "workflow", "alp", "word0"] {
            assert!(words.contains_key(word), "{word}");
        }
        assert_eq!(signature.len(), (MAX_WORDS + 1) * ENTRY_BYTES);
    }

    #[test]
    fn a_search_without_words_fits_everything() {
        let (_, signature) = template("a", &[], "");
        assert_eq!(fits(&signature, "!!!"), Some(0));
    }

    proptest! {
        #[test]
        fn nothing_breaks_the_words(text in "\\PC{0,200}") {
            for word in words(&text, 50) {
                prop_assert!(!word.is_empty() && word.chars().count() <= MAX_WORD_CHARS);
                prop_assert!(word.chars().all(char::is_alphanumeric));
            }
        }

        #[test]
        fn a_template_is_found_by_its_name(name in "[a-zA-Z0-9 äöÉñ]{1,40}") {
            let (_, signature) = template(&name, &[], "");
            prop_assert!(fits(&signature, &name.to_uppercase()).is_some());
        }
    }
}
