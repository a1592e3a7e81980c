//! Publishing and reading events: `/api/events`.

use aragora_api::{Function, events};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Events, apps::events, events::dispatch).await
}
