//! Registrations: `/api/webhooks`.

use aragora_api::{Function, webhooks};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Webhooks, apps::webhooks, webhooks::dispatch).await
}
