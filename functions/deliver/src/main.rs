//! The worker behind the `deliveries` and `retries` queues.

use aragora_runtime::{BootError, apps, run_sqs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_sqs(apps::deliver, apps::deliver_batch).await
}
