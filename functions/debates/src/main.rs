//! Debates: `/api/debates`.

use aragora_api::{Function, debates};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Debates, apps::debates, debates::dispatch).await
}
