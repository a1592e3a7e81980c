//! By hand: every stored secret sealed under the newest key.

use aragora_runtime::{BootError, apps, run_invoked};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_invoked(apps::migration, apps::run_migration).await
}
