//! What a debate decided and why: reading the records of debate engines, and explaining them by
//! arithmetic. Nothing here reads a table, a clock or a network; the same record always gives the
//! same explanation.
//!
//! | module | what it holds |
//! |---|---|
//! | [`record`] | a debate as the rules see it, whatever shape its engine wrote |
//! | [`explanation`] | what is said about it |
//! | [`export`] | debates as CSV |
//! | [`stream`] | a running debate, event by event, and the record they make |

pub mod explanation;
pub mod export;
mod moment;
pub mod record;
pub mod stream;
