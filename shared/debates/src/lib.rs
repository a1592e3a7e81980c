//! Debates as they come in and are read: whole, or event by event.
//!
//! | module | what it holds |
//! |---|---|
//! | [`desk`] | taking records in |
//! | [`bridge`] | taking the events of a debate under way |
//! | [`news`] | what subscribers are told |
//! | [`records`] | reading them |

pub mod bridge;
pub mod desk;
pub mod news;
pub mod records;
