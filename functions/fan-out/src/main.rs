//! The worker behind the `events` queue.

use aragora_runtime::{BootError, apps, run_sqs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_sqs(apps::fan_out, apps::fan_out_batch).await
}
