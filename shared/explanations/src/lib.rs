//! Debates explained.

pub mod explainer;
