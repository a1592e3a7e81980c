//! What can go wrong with JSON text, and where.

use std::fmt::Write as _;

use thiserror::Error;

/// Longest key, in characters, repeated in a path; longer ones are cut. Keys are the publisher's
/// and may be as long as a payload.
const MAX_KEY_SHOWN: usize = 64;

/// Most steps of a path that are shown, counted from the root.
const MAX_STEPS_SHOWN: usize = 16;

/// A number with a fraction or exponent that no double holds (`1e999`).
///
/// Python would read it as infinity and print `Infinity`, which is not JSON.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}the number is too large for a double", shown(path))]
pub struct NumberOutOfRange {
    /// Where the number is, as `serde_path_to_error` would write it: `a.b[2].c`. Empty when the
    /// document is the number. Keys over 64 characters and paths over 16 steps are cut with `…`.
    pub path: String,
}

impl NumberOutOfRange {
    /// The same error seen from outside, when the document stands in the field `field`.
    #[must_use]
    pub fn under(self, field: &str) -> Self {
        let separator = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        Self { path: format!("{field}{separator}{}", self.path) }
    }
}

/// Why bytes could not be read as JSON. The messages are fit for the sender of the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonError {
    /// The bytes are not UTF-8 (RFC 8259, section 8.1).
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// The grammar of RFC 8259 is not met.
    #[error("not JSON: {expected} at line {line} column {column}")]
    Syntax {
        /// What was looked for.
        expected: &'static str,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// An escape names half of a surrogate pair, which is no character.
    #[error("an escaped surrogate stands without its other half at line {line} column {column}")]
    LoneSurrogate {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// More than [`MAX_PARSE_DEPTH`](super::MAX_PARSE_DEPTH) arrays and objects inside each other.
    #[error("arrays and objects are nested too deeply")]
    TooDeep,
}

/// Why a value could not be printed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DumpError {
    /// A number that no double holds.
    #[error(transparent)]
    NumberOutOfRange(NumberOutOfRange),
    /// More than [`MAX_WRITE_DEPTH`](super::MAX_WRITE_DEPTH) arrays and objects inside each other.
    #[error("arrays and objects are nested too deeply")]
    TooDeep,
}

/// One step from the root of a document towards a value.
#[derive(Debug)]
pub(super) enum Step {
    /// Into an object.
    Key(String),
    /// Into an array.
    Index(usize),
}

impl Step {
    /// A step into the member `key`, cut to what will be shown.
    pub(super) fn key(key: &str) -> Self {
        match key.char_indices().nth(MAX_KEY_SHOWN) {
            Some((end, _)) => Self::Key(format!("{}…", key.get(..end).unwrap_or_default())),
            None => Self::Key(key.to_owned()),
        }
    }
}

/// The steps to a number that is out of range, innermost first: collected while unwinding, so that
/// documents without such a number pay nothing.
#[derive(Debug, Default)]
pub(super) struct Trail(Vec<Step>);

impl Trail {
    /// Adds the step that led to where this trail begins.
    pub(super) fn outwards(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// The error, once the root has been reached.
    pub(super) fn finish(self) -> NumberOutOfRange {
        let mut path = String::new();
        for (depth, step) in self.0.iter().rev().enumerate() {
            if depth == MAX_STEPS_SHOWN {
                path.push('…');
                break;
            }
            match step {
                Step::Key(key) => {
                    if depth > 0 {
                        path.push('.');
                    }
                    path.push_str(key);
                }
                // Writing to a String cannot fail.
                Step::Index(index) => drop(write!(path, "[{index}]")),
            }
        }
        NumberOutOfRange { path }
    }
}

/// The path as the beginning of a message, or nothing for the root.
fn shown(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}: ") }
}
