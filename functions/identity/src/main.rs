//! Who one is: API keys, tokens, roles, limits: `/api/auth` and `/api/system/rate-limits`.

use aragora_api::{Function, identity};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Identity, apps::identity, identity::dispatch).await
}
