//! What users do with webhooks: registering and changing them ([`registry`]), with everything
//! they may say checked in one place ([`wish`]), and following what became of their deliveries
//! ([`receipts`]), and sending many of them again ([`jobs`]).

pub mod jobs;
pub mod receipts;
pub mod registry;
pub mod wish;
