//! `/api/health`, and every path that no route has.

use aragora_api::{Function, health};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Health, apps::health, health::dispatch).await
}
