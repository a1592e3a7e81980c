//! What a debate decided and why: reading the records of debate engines, and explaining them by
//! arithmetic. Nothing here reads a table, a clock or a network; the same record always gives the
//! same explanation.
//!
//! | module | what it holds |
//! |---|---|
//! | [`record`] | a debate as the rules see it, whatever shape its engine wrote |
//! | [`explanation`] | what is said about it |
//! | [`page`], [`picture`] | the same as one HTML page and as one SVG picture |
//! | [`text`] | text of a debate made fit to stand in them |

pub mod explanation;
mod markup;
pub mod page;
pub mod picture;
pub mod record;
#[cfg(test)]
mod samples;
pub mod text;
