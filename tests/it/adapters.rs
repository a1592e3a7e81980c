//! What the tests of the adapters stand on: an engine, the fault proxy in front of it, the clients
//! that production uses, and tables and queues of the test's own, with the keys and indexes that
//! `template.yaml` gives them.
//!
//! The tests of the tables run on two engines, so that none of them leans on one emulator's
//! opinion: on the stack's emulator, and on dynoxide inside this process, with a database of its
//! own for each test.

use std::net::Ipv4Addr;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex};

use aragora_core::cost::Meter;
use aragora_core::ids::fresh_uuid;
use aragora_core::time::Millis;
use aragora_queue::Sqs;
use aragora_runtime::aws::Aws as Clients;
use aragora_runtime::clock;
use aragora_runtime::config::{AwsKeys, AwsSettings};
use aragora_store::Dynamo;
use aragora_store::audit::AuditLog;
use aragora_store::batch_results::BatchResults;
use aragora_store::batches::Batches;
use aragora_store::debates::Debates;
use aragora_store::decisions::Decisions;
use aragora_store::documents::Documents;
use aragora_store::events::Events;
use aragora_store::identity::Identity;
use aragora_store::intents::Intents;
use aragora_store::jobs::Jobs;
use aragora_store::marketplace::{Marketplace, Tables};
use aragora_store::receipts::Receipts;
use aragora_store::registrations::Registrations;
use aragora_tests::Session;
use aragora_tests::aws::{Aws, DYNAMODB, SQS};
use aragora_tests::http_client::HttpClient;
use aragora_tests::proxy::FaultProxy;
use aragora_tests::queues;
use aragora_tests::template::Template;
use aragora_tests::wait::{PATIENCE, eventually};
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A time that tests count from.
pub(crate) const T0: Millis = Millis(1_790_000_000_000);

/// Each of the tests once on either engine.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod emulator {
            $(#[tokio::test]
            async fn $test() {
                crate::adapters::on_the_emulator(super::$test).await;
            })+
        }
        mod dynoxide {
            $(#[tokio::test]
            async fn $test() {
                crate::adapters::on_dynoxide(super::$test).await;
            })+
        }
    };
}
pub(crate) use on_both_engines;

/// One test's engine, and how it is reached.
#[derive(Debug)]
pub(crate) struct Lab {
    /// What stands between the adapters and the engine.
    pub(crate) proxy: FaultProxy,
    /// What the adapters count on.
    pub(crate) meter: Arc<Meter>,
    clients: Clients,
    /// Past the proxy.
    direct: Aws,
    /// What is to be deleted: operation and input.
    leftovers: Mutex<Vec<(aragora_tests::aws::Service, &'static str, Value)>>,
}

/// Runs a test on the stack's emulator and deletes what it made, also when it fails.
pub(crate) async fn on_the_emulator(test: impl AsyncFnOnce(&Lab)) {
    let session = Session::shared().await;
    let lab = Lab::in_front_of(session.aws(), &session.stack.region).await;
    let outcome = AssertUnwindSafe(Box::pin(test(&lab))).catch_unwind().await;
    lab.tidy().await;
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
}

/// Runs a test on an empty dynoxide.
pub(crate) async fn on_dynoxide(test: impl AsyncFnOnce(&Lab)) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut server = JoinSet::new();
    server.spawn(::dynoxide::server::serve_on(listener, ::dynoxide::Database::memory().unwrap()));
    let direct = Aws::new(HttpClient::new(), &endpoint, "us-east-1");
    Box::pin(test(&Lab::in_front_of(direct, "us-east-1").await)).await;
}

impl Lab {
    async fn in_front_of(direct: Aws, region: &str) -> Self {
        let proxy = FaultProxy::start(direct.endpoint()).await;
        let clients = Clients::new(AwsSettings {
            region: region.to_owned(),
            endpoint_url: Some(proxy.url()),
            keys: Some(AwsKeys {
                access_key_id: "test".to_owned(),
                secret_access_key: "test".into(),
                session_token: None,
            }),
        });
        let meter = clients.meter();
        Self { proxy, meter, clients, direct, leftovers: Mutex::default() }
    }

    /// An empty audit log, and the name of its table.
    pub(crate) async fn audit_log(&self) -> (AuditLog, String) {
        let table = self.table("AuditLogTable").await;
        (AuditLog::new(self.dynamo(), table.clone()), table)
    }

    /// An empty table of batch jobs.
    pub(crate) async fn batches(&self) -> Batches {
        Batches::new(self.dynamo(), self.table("BatchJobsTable").await)
    }

    /// An empty table of the results of batch jobs.
    pub(crate) async fn batch_results(&self) -> BatchResults {
        BatchResults::new(self.dynamo(), self.table("BatchResultsTable").await)
    }

    /// Calls DynamoDB past the adapters and the proxy, as somebody else with rights does.
    pub(crate) async fn tamper(&self, operation: &str, input: &Value) -> Value {
        self.direct.call(DYNAMODB, operation, input).await
    }

    /// An empty table of debates.
    pub(crate) async fn debates(&self) -> Debates {
        Debates::new(self.dynamo(), self.table("DebatesTable").await)
    }

    /// An empty cache of explanations.
    pub(crate) async fn decisions(&self) -> Decisions {
        Decisions::new(self.dynamo(), self.table("DecisionCacheTable").await)
    }

    /// An empty table of events.
    pub(crate) async fn events(&self) -> Events {
        Events::new(self.dynamo(), self.table("EventsTable").await)
    }

    /// An empty table of identity.
    pub(crate) async fn identity(&self) -> Identity {
        Identity::new(self.dynamo(), self.table("IdentityTable").await)
    }

    /// An empty table of intents.
    pub(crate) async fn intents(&self) -> Intents {
        Intents::new(self.dynamo(), self.table("IntentsTable").await)
    }

    /// An empty table of redelivery jobs.
    pub(crate) async fn jobs(&self) -> Jobs {
        Jobs::new(self.dynamo(), self.table("RedeliveryJobsTable").await)
    }

    /// The empty tables of the marketplace.
    pub(crate) async fn marketplace(&self) -> Marketplace {
        let tables = Tables {
            templates: self.table("MarketplaceTemplatesTable").await,
            reviews: self.table("MarketplaceReviewsTable").await,
            index: self.table("MarketplaceIndexTable").await,
        };
        Marketplace::new(self.dynamo(), tables)
    }

    /// An empty table of receipts.
    pub(crate) async fn receipts(&self) -> Receipts {
        Receipts::new(self.dynamo(), self.table("ReceiptsTable").await)
    }

    /// An empty table of registrations.
    pub(crate) async fn registrations(&self) -> Registrations {
        Registrations::new(self.dynamo(), self.table("RegistrationsTable").await)
    }

    /// An empty table of registrations as a migration sees it, as users do, and its name.
    pub(crate) async fn documents(&self) -> (Documents, Registrations, String) {
        let table = self.table("RegistrationsTable").await;
        let registrations = Registrations::new(self.dynamo(), table.clone());
        (Documents::new(self.dynamo(), table.clone()), registrations, table)
    }

    /// Puts an item into a table behind the adapters' back.
    pub(crate) async fn put_item(&self, table: &str, item: &Value) {
        self.direct.call(DYNAMODB, "PutItem", &json!({"TableName": table, "Item": item})).await;
    }

    /// An empty queue: as the adapter has it, and as somebody else does.
    pub(crate) async fn queue(&self) -> (aragora_queue::Queue, queues::Queue) {
        let name = unique("queue");
        let answer = self.direct.call(SQS, "CreateQueue", &json!({"QueueName": name})).await;
        let url = answer["QueueUrl"].as_str().unwrap().to_owned();
        self.leave(SQS, "DeleteQueue", json!({"QueueUrl": url}));
        let sqs = Sqs::new(self.clients.sqs(), Arc::clone(&self.meter));
        let seen = queues::Queue::new(self.direct.clone(), &url);
        (aragora_queue::Queue::new(sqs, url), seen)
    }

    /// All faults have been met, and there were this many calls of `operation`.
    pub(crate) fn met(&self, operation: &str, calls: usize) {
        assert_eq!(self.proxy.unused(), 0, "faults that nobody met");
        assert_eq!(self.proxy.calls(operation).len(), calls, "calls of {operation}");
    }

    fn dynamo(&self) -> Dynamo {
        Dynamo::new(self.clients.dynamodb(), Arc::clone(&self.meter))
    }

    /// Makes a table as the template's `resource` is one.
    async fn table(&self, resource: &str) -> String {
        let name = unique(resource);
        let template = Template::read();
        let mut input = json!({"TableName": name, "BillingMode": "PAY_PER_REQUEST"});
        for part in ["AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"] {
            let value = template.resource(resource).property(part);
            if !value.is_null() {
                input[part] = value.clone();
            }
        }
        self.direct.call(DYNAMODB, "CreateTable", &input).await;
        let table = json!({"TableName": name});
        self.leave(DYNAMODB, "DeleteTable", table.clone());
        eventually(PATIENCE, "a new table", async || {
            let answer = self.direct.call(DYNAMODB, "DescribeTable", &table).await;
            (answer["Table"]["TableStatus"] == "ACTIVE").then_some(())
        })
        .await;
        name
    }

    fn leave(&self, service: aragora_tests::aws::Service, operation: &'static str, input: Value) {
        self.leftovers.lock().unwrap().push((service, operation, input));
    }

    async fn tidy(&self) {
        let leftovers = std::mem::take(&mut *self.leftovers.lock().unwrap());
        for (service, operation, input) in leftovers {
            self.direct.call(service, operation, &input).await;
        }
    }
}

fn unique(what: &str) -> String {
    format!("adapters-{what}-{}", fresh_uuid(clock::now()))
}
