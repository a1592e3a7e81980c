//! The vocabulary and the rules of Aragora Serverless, without I/O and without a clock.
//!
//! | module | what it holds |
//! |---|---|
//! | [`access`] | permissions, roles, who is calling |
//! | [`allowance`] | how many requests a second somebody may make |
//! | [`api_keys`] | what is known of an API key |
//! | [`audit`] | security happenings, and the chain they are kept in |
//! | [`batch`] | jobs that explain many debates |
//! | [`catalogue`] | event types, their spellings and schemas, what a subscription matches |
//! | [`cost`] | counting the units and requests that AWS bills |
//! | [`delivery`] | the delivery state machine, its retry policy, the receipt it keeps |
//! | [`envelope`] | the body a receiver gets, byte for byte |
//! | [`filters`] | what an event must contain before a webhook receives it |
//! | [`guessing`] | slowing down those who try credentials |
//! | [`headers`] | which headers a webhook may add |
//! | [`ids`] | typed, time-ordered ids |
//! | [`metrics`] | counting what the seeds count |
//! | [`pyjson`] | JSON text as CPython prints it |
//! | [`redelivery`] | jobs that send many deliveries again |
//! | [`rotation`] | which of a webhook's secrets are good |
//! | [`session`] | which refresh token of a family is good |
//! | [`slo`] | the objective that deliveries are held to |
//! | [`stats`] | counts and latencies of a webhook, by day and over 24 hours |
//! | [`subscription`] | whether an event is for a webhook |
//! | [`time`] | points in time |
//! | [`url_policy`] | which URLs may be called |

pub mod access;
pub mod allowance;
pub mod api_keys;
pub mod audit;
pub mod batch;
pub mod catalogue;
pub mod cost;
pub mod delivery;
pub mod envelope;
pub mod filters;
pub mod guessing;
pub mod headers;
pub mod ids;
pub mod marketplace;
pub mod metrics;
pub mod pyjson;
pub mod redelivery;
pub mod rotation;
pub mod session;
pub mod slo;
pub mod stats;
pub mod subscription;
pub mod time;
pub mod url_policy;
