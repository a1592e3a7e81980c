//! The rules of the template marketplace: what may be published, what a version is, how a graph is
//! checked, how text is found, and how templates are ranked.
//!
//! Pure: time comes in, and nothing here knows a table. Sources: seed 000 ("Template
//! Marketplace"), `spec/http-api.md`, `docs/decisions/0012-marketplace.md`.

pub mod card;
pub mod draft;
pub mod fold;
pub mod graph;
pub mod rank;
pub mod rating;
pub mod steps;
pub mod trend;
pub mod version;
pub mod words;

pub use card::{Card, Listing, Visibility};
pub use draft::{Draft, Problem};
pub use rating::Tally;
pub use trend::Period;
pub use version::Version;
