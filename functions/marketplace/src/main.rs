//! Templates of the marketplace: `/api/marketplace`.

use aragora_api::{Function, marketplace};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Marketplace, apps::marketplace, marketplace::dispatch).await
}
