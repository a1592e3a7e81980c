//! Sending again what was given up: `/api/webhooks/dead-letter`.

use aragora_api::{Function, dead_letters};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Redeliveries, apps::redeliveries, dead_letters::dispatch).await
}
