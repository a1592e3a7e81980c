//! The system tests: black box, over HTTP and the AWS APIs, against a running stack
//! (`ARAGORA_STACK`; `make test` starts one). Each test works in an organisation of its own, so
//! they run side by side; those that stop or kill parts of the stack take it for themselves.
//!
//! `adapters_*` are not black box: they call the adapters of the store and of the queues, on tables
//! and queues of their own. `verify_samples` compares the samples for receivers with the library.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking at the place where the system did not do what it should"
)]

mod adapters;
mod adapters_audit;
mod adapters_batches;
mod adapters_dead_letters;
mod adapters_debates;
mod adapters_decisions;
mod adapters_events;
mod adapters_identity;
mod adapters_intents;
mod adapters_jobs;
mod adapters_marketplace;
mod adapters_queue;
mod adapters_receipts;
mod adapters_registrations;
mod adapters_stats;
mod architecture;
mod audit;
mod audit_worker;
mod auth_every_route;
mod auth_roles;
mod auth_tenancy;
mod auth_tokens;
mod auto_disable;
mod batch_stage;
mod batch_sweep;
mod batch_worker;
mod circuit;
mod circuit_breakers_route;
mod dead_letter_list;
mod dead_letters;
mod debates;
mod debates_limits;
mod debates_stream;
mod delivery_bodies;
mod delivery_changes;
mod delivery_headers;
mod delivery_matching;
mod delivery_outcomes;
mod events_idempotency;
mod events_limits;
mod events_publish;
mod events_reading;
mod explanation_jobs;
mod explanation_jobs_crash;
mod explanation_jobs_fair;
mod explanations;
mod explanations_cache;
mod fairness;
mod header_injection;
mod http_surface;
mod identity_keys;
mod identity_roles;
mod identity_sessions;
mod key_rotation;
mod marketplace;
mod marketplace_counted;
mod marketplace_files;
mod marketplace_find;
mod marketplace_publish;
mod marketplace_visible;
mod migrate_encrypt;
mod migrate_encrypt_faults;
mod migrate_tool;
mod operational;
mod poison;
mod rate_limit;
mod receipts;
mod redelivery_jobs;
mod redelivery_jobs_crash;
mod request_ids;
mod retries;
mod secret_fields;
mod secrets_nowhere;
mod sweep;
mod template_functions;
mod template_resources;
mod trace;
mod verify_samples;
mod volume;
mod webhook_stats;
mod webhook_test_route;
mod webhooks_bulk;
mod webhooks_catalogue;
mod webhooks_crud;
mod webhooks_list;
mod webhooks_news;
mod webhooks_pause;
mod webhooks_rotation;
mod webhooks_secrets;
mod webhooks_urls;
mod webhooks_validation;
