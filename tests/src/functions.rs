//! One function of the stack: invoking it, holding its queues back, and its settings.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::clock::{now_millis, rfc3339};
use crate::logs::Log;
use crate::processes::Process;
use crate::queues::Queue;
use crate::wait::{PATIENCE, eventually};

const MAPPINGS: &str = "/2015-03-31/event-source-mappings/";

/// A function by its deployed name.
#[derive(Debug, Clone)]
pub struct Function {
    aws: Aws,
    name: String,
}

/// An event source mapping that was switched off by a test.
#[must_use = "a paused queue stays paused until it is resumed"]
#[derive(Debug)]
pub struct Paused {
    aws: Aws,
    mapping: String,
}

impl Paused {
    /// Lets messages flow again.
    pub async fn resume(self) {
        switch(&self.aws, &self.mapping, true).await;
    }
}

impl Function {
    /// A function by its deployed name.
    pub fn new(aws: Aws, name: &str) -> Self {
        Self { aws, name: name.to_owned() }
    }

    /// Its deployed name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs it with this payload and waits for its answer.
    ///
    /// # Panics
    /// When it fails.
    pub async fn invoke(&self, payload: &Value) -> Value {
        let path = format!("/2015-03-31/functions/{}/invocations", self.name);
        let reply = self.aws.lambda(Method::POST, &path, payload).await;
        let failed = reply.headers.contains_key("x-amz-function-error");
        assert!(reply.status == 200 && !failed, "{}: {} {}", self.name, reply.status, reply.text());
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    }

    /// Runs it as its schedule does.
    pub async fn tick(&self) -> Value {
        let event = json!({
            "version": "0", "id": "00000000-0000-4000-8000-000000000000", "detail-type": "Scheduled Event",
            "source": "aws.events", "account": "000000000000", "time": rfc3339(now_millis() / 1000 * 1000),
            "region": "us-east-1", "resources": ["arn:aws:events:us-east-1:000000000000:rule/test"], "detail": {},
        });
        self.invoke(&event).await
    }

    /// Stops it from taking messages off `queue`. What it took already it goes on with.
    ///
    /// # Panics
    /// When it does not take messages off that queue.
    pub async fn pause(&self, queue: &Queue) -> Paused {
        let suffix = format!(":{}", queue.name());
        let mapping = mappings(&self.aws, &self.name).await.into_iter().find(|mapping| {
            mapping["EventSourceArn"].as_str().is_some_and(|arn| arn.ends_with(&suffix))
        });
        let mapping =
            mapping.unwrap_or_else(|| panic!("{} does not read {}", self.name, queue.name()));
        let id = mapping["UUID"].as_str().expect("a mapping has an id").to_owned();
        switch(&self.aws, &id, false).await;
        Paused { aws: self.aws.clone(), mapping: id }
    }

    /// Switches on every mapping that is off.
    pub async fn resume_all(aws: &Aws) {
        for mapping in mappings(aws, "").await {
            if mapping["State"] != "Enabled" {
                switch(aws, mapping["UUID"].as_str().expect("a mapping has an id"), true).await;
            }
        }
    }

    /// Its environment variables as deployed.
    ///
    /// # Panics
    /// When the function is unknown.
    pub async fn environment(&self) -> BTreeMap<String, String> {
        let variables = self.configuration().await["Environment"]["Variables"].clone();
        serde_json::from_value(variables).expect("variables are texts")
    }

    /// Gives it other environment variables, as a deployment does, and waits until it has them.
    ///
    /// AWS lets the processes of before finish what they are at. The emulator kills them, so
    /// whoever needs that holds the queues back first.
    ///
    /// # Panics
    /// When the function is unknown.
    pub async fn configure(&self, environment: &BTreeMap<String, String>) {
        let path = format!("/2015-03-31/functions/{}/configuration", self.name);
        let input = json!({"Environment": {"Variables": environment}});
        self.aws.lambda(Method::PUT, &path, &input).await.must(200);
        eventually(PATIENCE, &format!("{} to be updated", self.name), async || {
            let configuration = self.configuration().await;
            (configuration["LastUpdateStatus"] == "Successful").then_some(())
        })
        .await;
    }

    /// Its memory, in MB.
    ///
    /// # Panics
    /// When the function is unknown.
    pub async fn memory_mb(&self) -> u64 {
        self.configuration().await["MemorySize"].as_u64().expect("a function has memory")
    }

    /// Its log.
    pub async fn log(&self) -> Log {
        let group =
            self.configuration().await["LoggingConfig"]["LogGroup"].as_str().map(str::to_owned);
        Log::new(self.aws.clone(), group.unwrap_or_else(|| format!("/aws/lambda/{}", self.name)))
    }

    /// The processes that run it at this moment, of this stack only.
    pub fn processes(&self) -> Vec<Process> {
        Process::of_function(&self.name, self.aws.endpoint())
    }

    async fn configuration(&self) -> Value {
        let path = format!("/2015-03-31/functions/{}/configuration", self.name);
        let reply = self.aws.lambda(Method::GET, &path, &Value::Null).await;
        assert_eq!(reply.status, 200, "{}: {}", self.name, reply.text());
        reply.json()
    }
}

/// The mappings of one function, or of all when `function` is empty. One stack has fewer than a
/// page of them.
async fn mappings(aws: &Aws, function: &str) -> Vec<Value> {
    let query =
        if function.is_empty() { String::new() } else { format!("?FunctionName={function}") };
    let reply = aws.lambda(Method::GET, &format!("{MAPPINGS}{query}"), &Value::Null).await;
    reply.must(200)["EventSourceMappings"].as_array().expect("a list of mappings").clone()
}

async fn switch(aws: &Aws, mapping: &str, enabled: bool) {
    let path = format!("{MAPPINGS}{mapping}");
    aws.lambda(Method::PUT, &path, &json!({"Enabled": enabled})).await.must_succeed();
    let wanted = if enabled { "Enabled" } else { "Disabled" };
    // AWS takes a moment for it; the emulator does not.
    eventually(PATIENCE, &format!("mapping {mapping} to be {wanted}"), async || {
        let state = aws.lambda(Method::GET, &path, &Value::Null).await.must(200)["State"].clone();
        (state == wanted).then_some(())
    })
    .await;
}
