//! Explanations as users see them: worked out from stored debates, and remembered.
//!
//! | module | what it holds |
//! |---|---|
//! | [`explainer`] | one explanation or many, through the cache |
//! | [`cache`] | the cache itself: in the table, and in the memory of a warm worker |
//! | [`views`] | in which forms an explanation can be had |

pub mod cache;
pub mod explainer;
pub mod views;
