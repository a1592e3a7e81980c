//! One delivery now, to see whether the receiver takes it: `/api/webhooks/{webhook_id}/test`.

use aragora_api::{Function, webhook_test};
use aragora_runtime::{BootError, apps, run_http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BootError> {
    run_http(Function::WebhookTest, apps::webhook_test, webhook_test::dispatch).await
}
