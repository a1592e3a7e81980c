//! What a debate decided and why: reading the records of debate engines, and explaining them by
//! arithmetic. Nothing here reads a table, a clock or a network; the same record always gives the
//! same explanation.
//!
//! | module | what it holds |
//! |---|---|
//! | [`record`] | a debate as the rules see it, whatever shape its engine wrote |
//! | [`explanation`] | what is said about it |
//! | [`reasons`] | from the one to the other |
//! | [`count`] | the arithmetic of votes |
//! | [`format`] | an explanation as JSON: whole, in three formats, or a part alone |
//! | [`compare`](mod@compare) | several explanations side by side |
//! | [`excerpt`] | short plain texts made of what agents wrote |

pub mod compare;
pub mod count;
pub mod excerpt;
pub mod explanation;
#[cfg(test)]
mod fixtures;
pub mod format;
pub mod reasons;
pub mod record;

pub use compare::compare;
pub use reasons::explain;
