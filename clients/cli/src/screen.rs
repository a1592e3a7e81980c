//! The person in front: results on standard output, everything else on standard error. Nobody is
//! left to tell when one of them is gone, so the work goes on.

use std::io::{Write, stderr, stdout};

/// A line of the result.
pub(crate) fn say(line: &str) {
    drop(writeln!(stdout().lock(), "{line}"));
}

/// A line about how it goes.
pub(crate) fn note(line: &str) {
    drop(writeln!(stderr().lock(), "{line}"));
}
