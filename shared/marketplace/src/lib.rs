//! What users do with the template marketplace: publishing and changing ([`desk`]), downloading
//! ([`download`]), rating and reviewing ([`opinions`]), and finding ([`listing`], [`search`],
//! [`shelves`]).
//!
//! Why it is built as it is, and what each list costs, is in `docs/decisions/0012-marketplace.md`.

pub mod desk;
pub mod download;
mod error;
pub mod listing;
mod news;
pub mod opinions;
pub mod search;
pub mod shelves;

pub use desk::Desk;
pub use error::MarketError;
