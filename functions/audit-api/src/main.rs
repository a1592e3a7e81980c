//! The log of security happenings: `/api/audit`.

use aragora_api::{Function, audit};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Audit, apps::audit_api, audit::dispatch).await
}
