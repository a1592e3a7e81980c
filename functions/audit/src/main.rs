//! The worker behind the `security` queue.

use aragora_runtime::{BootError, apps, run_sqs};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_sqs(apps::audit, apps::audit_batch).await
}
