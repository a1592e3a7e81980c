//! Why something about a template was not done.

use aragora_core::marketplace::Problem;
use aragora_store::StoreError;
use thiserror::Error;

/// Why something about a template was not done.
#[derive(Debug, Error)]
pub enum MarketError {
    /// What was said breaks rules.
    #[error("the input is not valid")]
    Invalid(Vec<Problem>),
    /// There is no such thing that the caller may see.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// Only its author, or an administrator of the author's organisation, may do that.
    #[error("only its author may change a template")]
    NotYours,
    /// It is the caller's own, which they cannot judge.
    #[error("{0}")]
    Own(&'static str),
    /// The author has another template whose name is the same, or looks the same.
    #[error("you have another template whose name is the same or looks the same")]
    NameTaken,
    /// The version is there already.
    #[error("the version is published already, and versions never change")]
    VersionTaken,
    /// Others changed it again and again in between.
    #[error("the template is being changed by somebody else, try again")]
    Contended,
    /// The tables.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Problem> for MarketError {
    fn from(problem: Problem) -> Self {
        Self::Invalid(vec![problem])
    }
}

impl From<Vec<Problem>> for MarketError {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Invalid(problems)
    }
}
