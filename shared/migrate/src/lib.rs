//! Bringing stored data up to date, table by table, while everything runs.
//!
//! | module | what it holds |
//! |---|---|
//! | [`encrypt`] | every secret sealed under the first key of the ring |
//! | [`cursor`] | where a migration goes on that met its time limit |

pub mod cursor;
pub mod encrypt;
