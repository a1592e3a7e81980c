//! Explanations of single debates: `/api/explainability`, `/api/explain`, parts of `/api/debates`.

use aragora_api::{Function, explanations};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::Explanations, apps::explanations, explanations::dispatch).await
}
