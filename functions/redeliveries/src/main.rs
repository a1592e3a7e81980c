//! Sending again: `/api/webhooks/dead-letter`, `/recover`, `/api/webhooks/jobs`.

use aragora_api::{Function, redeliveries};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Redeliveries, apps::redeliveries, redeliveries::dispatch).await
}
