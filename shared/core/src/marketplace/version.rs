//! Versions of a template: semver 2.0.0, compared by its precedence.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

/// The most characters of a version.
pub const MAX_VERSION_CHARS: usize = 64;

/// A version. Two are equal when they are the same text; [`Self::precedence`] orders them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    text: String,
    numbers: [u64; 3],
    pre: Vec<Part>,
}

/// One part of what comes before a release, such as `beta` or `1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Number(u64),
    Word(String),
}

impl Version {
    /// Reads `1.2.3`, `1.2.3-beta.1` or `1.2.3+build`; `None` for anything else, such as `1.2`,
    /// `v1.2.3` or `01.2.3`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_VERSION_CHARS {
            return None;
        }
        let (rest, build) = split_off(text, '+');
        let (core, pre) = split_off(rest, '-');
        let mut numbers = core.split('.').map(whole);
        let of_core = [numbers.next()??, numbers.next()??, numbers.next()??];
        if numbers.next().is_some() || build.is_some_and(|it| !it.split('.').all(is_word)) {
            return None;
        }
        let pre = match pre {
            None => vec![],
            Some(pre) => pre.split('.').map(part).collect::<Option<_>>()?,
        };
        Some(Self { text: text.to_owned(), numbers: of_core, pre })
    }

    /// The text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Which of the two comes first; equal when they differ in their build only.
    pub fn precedence(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (&*self.pre, &*other.pre) {
            ([], []) => Ordering::Equal,
            ([], _) => Ordering::Greater,
            (_, []) => Ordering::Less,
            (one, other) => one.cmp(other),
        })
    }

    /// A text whose order, byte by byte, is that of [`Self::precedence`]: a sort key.
    pub fn sort_key(&self) -> String {
        let [major, minor, patch] = self.numbers;
        let mut key = format!("{major:020}.{minor:020}.{patch:020}");
        if self.pre.is_empty() {
            // After everything that comes before a release.
            key.push('~');
            return key;
        }
        key.push('-');
        for part in &self.pre {
            // The comma is less than any character of a word, so that the shorter word is less.
            // Writing to a string cannot fail.
            match part {
                Part::Number(number) => write!(key, "0{number:020},").ok(),
                Part::Word(word) => write!(key, "1{word},").ok(),
            };
        }
        key
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

fn split_off(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn part(text: &str) -> Option<Part> {
    if !is_word(text) {
        return None;
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return whole(text).map(Part::Number);
    }
    Some(Part::Word(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap_or_else(|| panic!("{text} is a version"))
    }

    #[test]
    fn versions_are_semver() {
        for good in ["0.0.0", "1.2.3", "1.0.0-alpha.1", "1.0.0-x-y", "10.20.30+b.07", "1.0.0-0+1"] {
            assert_eq!(version(good).as_str(), good);
        }
        let long = format!("1.0.0-{}", "a".repeat(60));
        for bad in [
            "",
            "1",
            "1.2",
            "1.2.3.4",
            "v1.2.3",
            "01.2.3",
            "1.2.-3",
            "1.2.3-",
            "1.2.3-01",
            "1.2.3+",
            "1.2.3-a..b",
            "1.2.3 ",
            "1.2.x",
            "99999999999999999999.0.0",
            "1.2.3-é",
            &long,
        ] {
            assert_eq!(Version::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn precedence_is_that_of_semver() {
        let ordered = [
            "0.9.9",
            "1.0.0-0",
            "1.0.0-2",
            "1.0.0-11",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-alpha-1",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.2.0",
            "1.10.0",
            "2.0.0",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(version(pair[0]).precedence(&version(pair[1])), Ordering::Less, "{pair:?}");
        }
        assert_eq!(version("1.0.0+a").precedence(&version("1.0.0+b")), Ordering::Equal);
    }

    proptest! {
        #[test]
        fn sort_keys_have_the_order_of_versions(
            one in "[0-9]\\.(0|1|10)\\.[0-3](-(a|b|a-|0|7|10)(\\.(a|ab|1|2))?)?",
            other in "[0-9]\\.(0|1|10)\\.[0-3](-(a|b|a-|0|7|10)(\\.(a|ab|1|2))?)?",
        ) {
            let (one, other) = (version(&one), version(&other));
            prop_assert_eq!(one.sort_key().cmp(&other.sort_key()), one.precedence(&other));
        }

        #[test]
        fn nothing_breaks_the_reader(text in "\\PC{0,80}") {
            if let Some(version) = Version::parse(&text) {
                prop_assert_eq!(version.as_str(), text);
            }
        }
    }
}
