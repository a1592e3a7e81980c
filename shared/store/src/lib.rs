//! The DynamoDB adapters: the only code that knows how things are kept.
//!
//! One module per table, each listing its keys; `docs/DATA.md` has the same with costs. Every
//! method says what it costs in request units, whether it is consistent, and what happens when
//! it is done twice. Batch calls answer 200 with failures inside: [`Dynamo`] repeats what was
//! left undone, and what stays undone is an error.

mod dynamo;
mod error;
mod item;
mod packed;
mod transact;

pub mod audit;
pub mod batch_results;
pub mod batches;
pub mod debates;
pub mod decisions;
pub mod documents;
pub mod events;
pub mod idempotency;
pub mod identity;
pub mod intents;
pub mod jobs;
pub mod marketplace;
pub mod receipts;
pub mod registrations;

pub use dynamo::Dynamo;
pub use error::StoreError;

/// How many ways work for the sweep is spread over partitions. Changing it strands what is noted
/// under the higher numbers until they are swept, so it may only grow.
pub const SWEEP_SHARDS: u8 = 4;

/// The shard that `key` belongs to: FNV-1a, which spreads ids well and needs no table.
pub(crate) fn shard_of(key: &str) -> u8 {
    let hash = key
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    u8::try_from(hash % u32::from(SWEEP_SHARDS)).unwrap_or_default()
}
