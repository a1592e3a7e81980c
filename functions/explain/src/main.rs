//! The worker behind the `explanations` queue.

use aragora_runtime::{BootError, apps, run_sqs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_sqs(apps::explain, apps::explain_batch).await
}
