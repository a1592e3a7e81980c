//! The harness of the system tests: everything a test needs to stand outside the product and
//! look at it. Nothing here calls the product's own code, but for the template test, which reads
//! the route table.
//!
//! | module | what it is |
//! |---|---|
//! | [`stack`] | the running stack, and a test's hold on it (shared or alone) |
//! | [`tenant`], [`api`], [`token`] | an organisation of the test's own, its clients, their credentials |
//! | [`receiver`] | a webhook receiver that does what it is told and remembers what it got |
//! | [`aws`], [`queues`], [`functions`], [`logs`], [`processes`] | what can be done to the stack behind the API's back |
//! | [`proxy`] | a reverse proxy in front of the AWS endpoint that fails on purpose |
//! | [`tool`] | the command-line tool, as a program |
//! | [`python`] | the receiver's side of a signature, in Python, as the documents print it |
//! | [`samples`] | the verification samples of `docs/verify/`, as programs |
//! | [`hostile_urls`], [`sentinels`] | the URLs that every route refuses, and secrets that must turn up nowhere |
//! | [`wait`] | waiting for something to become true, without sleeping for luck |
//! | [`template`], [`yaml`], [`workspace`] | the project's own files, for the tests that keep its lists together |
//! | [`bench`] | the figures of `make bench` |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a harness fails by panicking at the place where the system did not do what it should"
)]

pub mod api;
pub mod aws;
pub mod bench;
pub mod clock;
pub mod functions;
pub mod hostile_urls;
pub mod http_client;
pub mod logs;
pub mod processes;
pub mod proxy;
pub mod python;
pub mod queues;
pub mod receiver;
pub mod samples;
pub mod sentinels;
pub mod server;
pub mod stack;
pub mod template;
pub mod tenant;
pub mod token;
pub mod tool;
pub mod wait;
pub mod workspace;
pub mod yaml;

pub use api::{Api, Reply};
pub use receiver::{Answer, Received, Receiver};
pub use stack::Session;
pub use tenant::Tenant;
