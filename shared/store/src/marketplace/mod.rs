//! Tables `marketplace_templates`, `marketplace_reviews` and `marketplace_index`.
//!
//! | table | pk | sk | what |
//! |---|---|---|---|
//! | templates | `<template>` | `card` | what lists show, and what is counted ([`Card`]) |
//! | | | `about` | the whole description, the documentation |
//! | | | `v#<version>`, `b#<version>` | a version: what is said of it; its data |
//! | | | `d#<org>#<user>` | that a user downloaded it, and which versions |
//! | | | `trend` | downloads by hour and day |
//! | | `names#<org>#<user>` | `<look of a name>` | which of the author's templates has it |
//! | index | `<scope>#<facet>` | `<template>` | that a template is on a list, and where ([`Row`]) |
//! | | `counts#<scope>` | `<facet>` | how many are on it |
//! | | `<scope>#word#<word>` | `<weight>#<template>` | that a template has a word |
//! | | `<scope>#trend#<period>` | `<template>` | its place among what is trending |
//! | | `<scope>#featured` | `<template>` | its place among what is featured |
//! | reviews | `<template>` | `u#<org>#<user>` | a rating, with or without a review |
//! | | | `r#<review>` | whose review it is |
//! | | | `h#<review>#<org>#<user>` | that a user found it helpful |
//!
//! The card is the truth. The lists a template is on, and their counts, change in one transaction
//! with it. Its place in them by downloads and rating, words, and what is trending or featured are
//! written afterwards: they only say where to look, and whoever reads them looks at the card.

mod cards;
mod counted;
mod index;
mod items;
mod reviews;
mod words;

use aragora_core::marketplace::Card;
use aragora_core::time::Millis;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dynamo::Dynamo;

pub use self::counted::Download;
pub use self::index::Row;
pub use self::reviews::{Helped, Rated, Reaction, ReviewPage};
pub use self::words::{MOST_POSTINGS, Posting};

/// The names of the three tables.
#[derive(Debug, Clone)]
pub struct Tables {
    /// `marketplace_templates`
    pub templates: String,
    /// `marketplace_reviews`
    pub reviews: String,
    /// `marketplace_index`
    pub index: String,
}

/// The tables.
#[derive(Debug, Clone)]
pub struct Marketplace {
    dynamo: Dynamo,
    tables: Tables,
}

/// What is told of a template only when it is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// All of its description.
    pub description: String,
    /// How to use it.
    pub documentation: String,
}

/// What is said of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Its number.
    pub version: String,
    /// What is new in it.
    pub changelog: String,
    /// What is odd about its data.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// When it was published.
    pub created_at: Millis,
}

/// A template's own data.
pub type Data = Map<String, Value>;

/// What a new version is stored with.
#[derive(Debug, Clone, Copy)]
pub struct NewIssue<'a> {
    /// What is said of it.
    pub issue: &'a Issue,
    /// The sort key of its number.
    pub place: &'a str,
    /// Its data.
    pub data: &'a Data,
}

/// A change of a template by its author.
#[derive(Debug, Clone, Copy)]
pub struct Edit<'a> {
    /// As it was read.
    pub before: &'a Card,
    /// As it is to be, its revision one higher.
    pub after: &'a Card,
    /// Its description and documentation, when they change.
    pub about: Option<&'a About>,
    /// How its name looked and is to look, when that changes.
    pub looks: Option<(&'a str, &'a str)>,
    /// A version more.
    pub issue: Option<NewIssue<'a>>,
}

/// What came of storing something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is stored.
    Done,
    /// The author has another template whose name looks like this one.
    NameTaken,
    /// The version is there already.
    VersionTaken,
    /// Somebody changed it in between, or it is gone: read it again.
    Outdated,
}

impl Marketplace {
    /// The tables of these names.
    pub const fn new(dynamo: Dynamo, tables: Tables) -> Self {
        Self { dynamo, tables }
    }
}
