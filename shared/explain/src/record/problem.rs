//! What is wrong with a record, and where.

use std::fmt;

use super::text;

/// The field that stands for the whole body, as in the answers of the API.
pub const BODY: &str = "body";
/// The most problems that are told of one record.
pub const MAX_PROBLEMS: usize = 20;
/// The most characters of a key of the record in a path: keys are the sender's.
const MAX_KEY_CHARS: usize = 60;

/// One field of a record and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// A path such as `votes[2].confidence`; [`BODY`] for the whole.
    pub field: String,
    /// What would be right. Never repeats what was sent.
    pub message: String,
}

/// A place in the record. Made on the way down without allocating; printed only for a problem.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    outer: Option<&'a Self>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

/// The record itself.
pub(crate) static ROOT: At<'static> = At { outer: None, step: Step::Root };

impl<'a> At<'a> {
    /// The member `name` of this place.
    pub(crate) const fn key(&'a self, name: &'a str) -> Self {
        Self { outer: Some(self), step: Step::Key(name) }
    }

    /// The item `at` of this place.
    pub(crate) const fn index(&'a self, at: usize) -> Self {
        Self { outer: Some(self), step: Step::Index(at) }
    }

    fn write(&self, to: &mut String) {
        if let Some(outer) = self.outer {
            outer.write(to);
        }
        match self.step {
            Step::Root => {}
            Step::Key(name) => {
                if !to.is_empty() {
                    to.push('.');
                }
                to.push_str(&text::cut(&text::line(name), MAX_KEY_CHARS));
            }
            Step::Index(at) => {
                to.push('[');
                to.push_str(&at.to_string());
                to.push(']');
            }
        }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = String::new();
        self.write(&mut path);
        to.write_str(if path.is_empty() { BODY } else { &path })
    }
}

/// The problems found so far, at most [`MAX_PROBLEMS`].
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes that `message` would be right at `at`.
    pub(crate) fn add(&mut self, at: &At<'_>, message: impl Into<String>) {
        self.push(Problem { field: at.to_string(), message: message.into() });
    }

    /// Notes a problem. A field that is read under two aspects is told once.
    pub(crate) fn push(&mut self, problem: Problem) {
        if !self.full() && self.0.iter().all(|known| known.field != problem.field) {
            self.0.push(problem);
        }
    }

    /// Whether no more are told, so that looking on is of no use.
    pub(crate) fn full(&self) -> bool {
        self.0.len() >= MAX_PROBLEMS
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `value` if nothing is wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Vec<Problem>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}
