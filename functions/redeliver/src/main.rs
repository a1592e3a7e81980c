//! The worker behind the `jobs` queue.

use aragora_runtime::{BootError, apps, run_sqs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_sqs(apps::redeliver, apps::redeliver_batch).await
}
