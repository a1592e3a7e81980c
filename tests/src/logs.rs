//! A function's log in `CloudWatch` Logs.

use serde_json::{Map, Value, json};

use crate::aws::{Aws, LOGS};

/// The log group of one function.
#[derive(Debug, Clone)]
pub struct Log {
    aws: Aws,
    group: String,
}

/// A line of a log.
#[derive(Debug, Clone)]
pub struct Line {
    /// The text, without a line end.
    pub message: String,
    /// When it was written, in milliseconds since 1970.
    pub at_millis: u64,
}

impl Line {
    /// The line as a JSON object, when it is one.
    pub fn json(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(&self.message).ok()
    }

    /// A number of a JSON line, by its name.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.json()?.get(name)?.as_f64()
    }
}

impl Log {
    /// A log group by its name.
    pub fn new(aws: Aws, group: String) -> Self {
        Self { aws, group }
    }

    /// Every line written at or after `since_millis`. A group that does not exist yet has none.
    ///
    /// # Panics
    /// When the log cannot be read for another reason.
    pub async fn since(&self, since_millis: u64) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut token = Value::Null;
        loop {
            let mut input = json!({"logGroupName": self.group, "startTime": since_millis});
            if !token.is_null() {
                input["nextToken"] = token;
            }
            let reply = self.aws.try_call(LOGS, "FilterLogEvents", &input).await;
            if reply.status == 400 && reply.text().contains("ResourceNotFoundException") {
                return lines;
            }
            let page = reply.must(200);
            let events = page["events"].as_array().expect("a list of events");
            lines.extend(events.iter().map(line));
            token = page["nextToken"].clone();
            if token.is_null() {
                // The emulator cuts a list there and gives no token.
                assert!(events.len() < 10_000, "{} has more lines than one page", self.group);
                return lines;
            }
        }
    }

    /// Whether any line since then contains `text`.
    pub async fn mentions(&self, text: &str, since_millis: u64) -> bool {
        self.since(since_millis).await.iter().any(|line| line.message.contains(text))
    }
}

fn line(event: &Value) -> Line {
    let message = event["message"].as_str().expect("a line has a message").trim_end().to_owned();
    Line { message, at_millis: event["timestamp"].as_u64().expect("a line has a time") }
}
