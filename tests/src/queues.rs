//! One queue of the stack: what a redrive, a lost message or a poison message is made with.

use std::time::Duration;

use serde_json::{Value, json};

use crate::aws::{Aws, SQS};
use crate::wait::eventually;

/// While a search goes through a queue it keeps what it passed over out of its own way.
const SEARCH_HOLD_SECONDS: u32 = 30;

/// A queue by its URL.
#[derive(Debug, Clone)]
pub struct Queue {
    aws: Aws,
    url: String,
}

/// A message as it was received.
#[derive(Debug, Clone)]
pub struct Message {
    /// Its body.
    pub body: String,
    /// Its message attributes, in the shape in which they are sent.
    pub attributes: Value,
    /// Its group (the organisation, for fair queues).
    pub group: Option<String>,
    handle: String,
}

impl Message {
    /// The text of a message attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes[name]["StringValue"].as_str()
    }
}

/// How many messages a queue has, by what they wait for. Approximate on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Ready to be received.
    pub visible: u64,
    /// Received and not deleted.
    pub in_flight: u64,
    /// Sent with a delay that is not over.
    pub delayed: u64,
}

impl Depth {
    /// All of them.
    pub fn total(self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

impl Queue {
    /// A queue by its URL.
    pub fn new(aws: Aws, url: &str) -> Self {
        Self { aws, url: url.to_owned() }
    }

    /// The queue's own name: the last part of its URL.
    pub fn name(&self) -> &str {
        self.url.rsplit('/').next().expect("a URL has a last part")
    }

    /// Sends a body without attributes.
    pub async fn send(&self, body: &str) {
        self.call("SendMessage", json!({"MessageBody": body})).await;
    }

    /// Sends the body, attributes and group of a message that came from somewhere else: what a
    /// redrive does.
    pub async fn send_copy(&self, message: &Message) {
        let mut input =
            json!({"MessageBody": message.body, "MessageAttributes": message.attributes});
        if let Some(group) = &message.group {
            input["MessageGroupId"] = json!(group);
        }
        self.call("SendMessage", input).await;
    }

    /// Receives up to ten messages and hides them for `hold_seconds`.
    pub async fn receive(&self, hold_seconds: u32) -> Vec<Message> {
        let input = json!({
            "MaxNumberOfMessages": 10, "VisibilityTimeout": hold_seconds,
            "MessageAttributeNames": ["All"], "AttributeNames": ["All"],
        });
        let output = self.call("ReceiveMessage", input).await;
        output["Messages"].as_array().into_iter().flatten().map(message).collect()
    }

    /// Takes the first message that `wanted` accepts off the queue for good.
    ///
    /// Messages of other tests are put back. Several searches of one queue may run at once.
    ///
    /// # Panics
    /// When there is none within `limit`, naming `what` it was.
    pub async fn take(
        &self,
        limit: Duration,
        what: &str,
        wanted: impl Fn(&Message) -> bool,
    ) -> Message {
        let found = eventually(limit, what, async || self.search(&wanted).await).await;
        self.delete(&found).await;
        found
    }

    /// Looks once through what is visible. What is found stays hidden from others for a while, and
    /// is the caller's to delete; the rest is put back.
    pub async fn search(&self, wanted: impl Fn(&Message) -> bool) -> Option<Message> {
        let mut passed = Vec::new();
        let found = loop {
            let batch = self.receive(SEARCH_HOLD_SECONDS).await;
            if batch.is_empty() {
                break None;
            }
            let (mut mine, others): (Vec<_>, Vec<_>) = batch.into_iter().partition(&wanted);
            passed.extend(others);
            if let Some(first) = mine.pop() {
                passed.extend(mine);
                break Some(first);
            }
        };
        for message in &passed {
            self.release(message).await;
        }
        found
    }

    /// Deletes a received message.
    pub async fn delete(&self, message: &Message) {
        self.call("DeleteMessage", json!({"ReceiptHandle": message.handle})).await;
    }

    async fn release(&self, message: &Message) {
        let input = json!({"ReceiptHandle": message.handle, "VisibilityTimeout": 0});
        self.call("ChangeMessageVisibility", input).await;
    }

    /// How many messages there are.
    ///
    /// # Panics
    /// When the answer has no counts.
    pub async fn depth(&self) -> Depth {
        let output = self.call("GetQueueAttributes", json!({"AttributeNames": ["All"]})).await;
        let count = |kind: &str| {
            let text = output["Attributes"][format!("ApproximateNumberOfMessages{kind}")].as_str();
            text.unwrap_or_else(|| panic!("no count in {output}")).parse().expect("a count")
        };
        Depth { visible: count(""), in_flight: count("NotVisible"), delayed: count("Delayed") }
    }

    async fn call(&self, operation: &str, mut input: Value) -> Value {
        input["QueueUrl"] = json!(self.url);
        self.aws.call(SQS, operation, &input).await
    }
}

fn message(received: &Value) -> Message {
    let text = |key: &str| {
        received[key].as_str().unwrap_or_else(|| panic!("no {key} in {received}")).to_owned()
    };
    let attributes = received.get("MessageAttributes").cloned().unwrap_or_else(|| json!({}));
    let group = received["Attributes"]["MessageGroupId"].as_str().map(str::to_owned);
    Message { body: text("Body"), attributes, group, handle: text("ReceiptHandle") }
}
