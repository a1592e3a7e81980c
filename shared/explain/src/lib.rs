//! What a debate decided and why: reading the records of debate engines, and explaining them by
//! arithmetic. Nothing here reads a table, a clock or a network; the same record always gives the
//! same explanation.
//!
//! | module | what it holds |
//! |---|---|
//! | [`record`] | a debate as the rules see it, whatever shape its engine wrote |
//! | [`stream`] | a running debate, event by event, and the record they make |
//! | [`export`] | debates as CSV |
//! | [`explanation`] | what is said about a debate |
//! | [`reasons`] | from the record to the explanation |
//! | [`count`] | the arithmetic of votes |
//! | [`format`] | an explanation as JSON: whole, in three formats, or a part alone |
//! | [`page`], [`picture`] | an explanation as one HTML page and as one SVG picture |
//! | [`text`] | text of a debate made fit to stand in them |
//! | [`compare`](mod@compare) | several explanations side by side |
//! | [`excerpt`] | short plain texts made of what agents wrote |

pub mod compare;
pub mod count;
pub mod excerpt;
pub mod explanation;
pub mod export;
#[cfg(test)]
mod fixtures;
pub mod format;
mod markup;
mod moment;
pub mod page;
pub mod picture;
pub mod reasons;
pub mod record;
#[cfg(test)]
mod samples;
pub mod stream;
pub mod text;

pub use compare::compare;
pub use reasons::explain;
