//! Every minute: what was stored and never queued, what is overdue, what a dead worker held.

use aragora_runtime::{BootError, apps, run_schedule};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_schedule(apps::sweep, apps::run_sweep).await
}
