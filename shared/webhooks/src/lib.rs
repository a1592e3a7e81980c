//! What users do with webhooks: registering and changing them ([`registry`]), with everything
//! they may say checked in one place ([`wish`]), following what became of their deliveries
//! ([`receipts`]), what is done about those that were given up ([`dead_letters`]), sending many of
//! them again ([`jobs`]), and what all of them came to ([`statistics`]).

pub mod dead_letters;
pub mod jobs;
pub mod receipts;
pub mod registry;
pub mod statistics;
pub mod wish;
