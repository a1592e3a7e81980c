//! The HTTP boundary: everything between a request and a use case, without Lambda.
//!
//! A request comes in at [`gate::answer`], which gives it an id, finds its route in
//! [`routes::ROUTES`], authenticates the caller, checks the one permission the route needs, hands a
//! [`request::Call`] to the function's handler module and renders what that returns. Errors become
//! text in [`error`] and nowhere else.

pub mod audit;
pub mod auth;
pub mod body;
mod catalogue;
pub mod cors;
mod cursor;
mod dead_letters;
pub mod debates;
pub mod error;
pub mod events;
pub mod explanation_jobs;
pub mod explanations;
pub mod gate;
pub mod health;
mod idempotency;
pub mod identity;
mod jobs;
pub mod marketplace;
mod percent;
pub mod query;
pub mod receipts;
pub mod redeliveries;
pub mod reply;
pub mod request;
pub mod routes;
pub mod security;
mod statistics;
pub mod webhook_test;
pub mod webhooks;

pub use error::{ApiError, FieldError};
pub use gate::Gate;
pub use query::Query;
pub use reply::Reply;
pub use request::Call;
pub use routes::{Function, RouteId};
