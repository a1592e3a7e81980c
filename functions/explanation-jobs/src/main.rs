//! Many debates explained: `/api/explainability/batch`.

use aragora_api::{Function, explanation_jobs};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::ExplanationJobs, apps::explanation_jobs, explanation_jobs::dispatch).await
}
