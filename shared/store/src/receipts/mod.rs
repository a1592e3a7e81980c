//! Table `webhook_delivery_receipts`: what became of every delivery.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>#<webhook id>` | `D#<delivery id>` | a receipt, from its first claim on |
//! | `<org>#<webhook id>` | `Q#<newest delivery id>#<digest>` | a page of deliveries that were queued |
//! | `<org>#dead-letters` | `<delivery id>` | a given-up delivery on the list of dead letters |
//!
//! A delivery that is queued and not yet claimed has no item of its own: the fan-out of a batch
//! writes one page per webhook, and a receipt in the table outdates its line on the page. That
//! saves the third write of every delivery (`docs/decisions/0002-pending-pages.md`).
//!
//! Index `due` (`due_shard`, `due_at`) holds only what waits for a later attempt.

mod dead_letters;
mod list;
mod page;
mod rows;

pub use dead_letters::{DeadLetter, DeadLetterKey, DeadLetterPage, DeadLetterQuery, Direction};
pub use list::{Listed, Query};
pub use page::{DeliveryBound, PageEntry, PendingPage, first_id_at};
pub use rows::{Due, Over, ReceiptKey, StoredReceipt, WriteOutcome, WriteReceipt};

use crate::dynamo::Dynamo;

/// The table.
#[derive(Debug, Clone)]
pub struct Receipts {
    dynamo: Dynamo,
    table: String,
}

impl Receipts {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }
}

fn partition(org: &str, webhook: &aragora_core::ids::WebhookId) -> String {
    format!("{org}#{webhook}")
}
