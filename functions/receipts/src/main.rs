//! What became of deliveries: `/api/webhooks/{webhook_id}/receipts`.

use aragora_api::{Function, receipts};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Receipts, apps::receipts, receipts::dispatch).await
}
