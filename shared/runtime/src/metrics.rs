//! What was counted during an invocation, in CloudWatch's Embedded Metric Format: a line of JSON on
//! standard output, from which CloudWatch makes the metrics. No call of AWS.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! A line has one value for each name. So an invocation prints one line, and another only where two
//! counters want the same name with another value.

use std::sync::Arc;
use std::time::Duration;

use aragora_core::metrics::{Amount, Counted, Counters};
use aragora_core::time::Millis;
use serde_json::{Map, Value, json};

use crate::logging::to_stdout;

/// What the metrics are found under.
const NAMESPACE: &str = "Aragora";

/// Prints counters.
#[derive(Debug, Clone)]
pub(crate) struct Emitter {
    counters: Arc<Counters>,
    function_name: String,
}

impl Emitter {
    /// Prints what `counters` counted in the function of this name.
    pub(crate) fn new(counters: Arc<Counters>, function_name: &str) -> Self {
        Self { counters, function_name: function_name.to_owned() }
    }

    /// Prints what was counted since the last time: at the end of each invocation, once. Nothing
    /// when nothing was counted.
    pub(crate) fn flush(&self, now: Millis) {
        for line in lines(&self.counters.take(), &self.function_name, now) {
            let mut text = Value::Object(line).to_string();
            text.push('\n');
            to_stdout(text.as_bytes());
        }
    }
}

/// A line in the making.
#[derive(Default)]
struct Line {
    values: Map<String, Value>,
    directives: Vec<Value>,
}

impl Line {
    /// Whether a counter fits beside what is there.
    fn takes(&self, counted: &Counted) -> bool {
        let fits = |(name, value): (&str, &str)| {
            self.values.get(name).is_none_or(|there| there.as_str() == Some(value))
        };
        !self.values.contains_key(counted.metric.name()) && labels(counted).all(fits)
    }

    fn add(&mut self, counted: &Counted) {
        let metric = counted.metric;
        for (name, value) in labels(counted) {
            self.values.insert(name.to_owned(), value.into());
        }
        let (value, unit): (Value, _) = match &counted.amount {
            Amount::Count(count) => ((*count).into(), "Count"),
            Amount::Times(times) => {
                (times.iter().map(|millis| seconds(*millis)).collect(), "Seconds")
            }
        };
        self.values.insert(metric.name().to_owned(), value);
        self.directives.push(json!({
            "Namespace": NAMESPACE,
            "Dimensions": [metric.labels()],
            "Metrics": [{"Name": metric.name(), "Unit": unit}],
        }));
    }

    fn finish(mut self, function_name: &str, now: Millis) -> Map<String, Value> {
        let head = json!({"Timestamp": now.0, "CloudWatchMetrics": self.directives});
        let mut line = Map::from_iter([
            ("_aws".to_owned(), head),
            // No dimension: the metrics are the product's, and each more costs as a metric.
            ("function_name".to_owned(), function_name.into()),
        ]);
        line.append(&mut self.values);
        line
    }
}

fn seconds(millis: u64) -> Value {
    Duration::from_millis(millis).as_secs_f64().into()
}

fn labels(counted: &Counted) -> impl Iterator<Item = (&'static str, &'static str)> {
    counted.metric.labels().iter().copied().zip(counted.values.iter().copied())
}

fn lines(counted: &[Counted], function_name: &str, now: Millis) -> Vec<Map<String, Value>> {
    let mut lines: Vec<Line> = Vec::new();
    for it in counted {
        if let Some(line) = lines.iter_mut().find(|line| line.takes(it)) {
            line.add(it);
        } else {
            let mut line = Line::default();
            line.add(it);
            lines.push(line);
        }
    }
    lines.into_iter().map(|line| line.finish(function_name, now)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_795_275_000_000);

    fn printed(counters: &Counters) -> Vec<Value> {
        let lines = lines(&counters.take(), "aragora-webhooks", NOW);
        lines.into_iter().map(Value::Object).collect()
    }

    #[test]
    fn one_invocation_is_one_line() {
        let counters = Counters::default();
        counters.permission_checked("webhooks:write", "/api/webhooks", false);
        counters.security_event("permission.denied");
        counters.security_reports_lost(1);
        let directive = |name: &str, labels: &[&str]| {
            json!({
                "Namespace": "Aragora", "Dimensions": [labels],
                "Metrics": [{"Name": name, "Unit": "Count"}],
            })
        };
        let wanted = json!({
            "_aws": {"Timestamp": 1_795_275_000_000_i64, "CloudWatchMetrics": [
                directive("aragora_rbac_permission_checks_total", &["permission", "result"]),
                directive("aragora_rbac_permission_denied_total", &["permission", "handler"]),
                directive("aragora_security_events_total", &["action"]),
                directive("aragora_security_reports_lost_total", &[]),
            ]},
            "function_name": "aragora-webhooks",
            "permission": "webhooks:write", "result": "denied", "handler": "/api/webhooks",
            "action": "permission.denied",
            "aragora_rbac_permission_checks_total": 1,
            "aragora_rbac_permission_denied_total": 1,
            "aragora_security_events_total": 1,
            "aragora_security_reports_lost_total": 1,
        });
        assert_eq!(printed(&counters), [wanted]);
        assert_eq!(printed(&counters), [Value::Null; 0]);
    }

    #[test]
    fn durations_are_a_list_of_seconds() {
        let counters = Counters::default();
        counters.batch_job("completed");
        counters.batch_took(1_250);
        counters.batch_took(3);
        let [line] = &printed(&counters)[..] else { panic!("one line") };
        let name = "aragora_explainability_batch_processing_latency_seconds";
        assert_eq!(line[name], json!([1.25, 0.003]));
        let directive = json!({
            "Namespace": "Aragora", "Dimensions": [[]],
            "Metrics": [{"Name": name, "Unit": "Seconds"}],
        });
        assert_eq!(line["_aws"]["CloudWatchMetrics"][1], directive);
    }

    #[test]
    fn a_name_has_one_value_on_a_line() {
        let counters = Counters::default();
        counters.security_event("secret.created");
        counters.security_event("secret.rotated");
        counters.auth_failed("expired");
        let printed = printed(&counters);
        let actions: Vec<_> = printed.iter().map(|line| &line["action"]).collect();
        assert_eq!(actions, ["secret.created", "secret.rotated"]);
        let failures: Vec<_> =
            printed.iter().map(|it| &it["aragora_auth_failures_total"]).collect();
        assert_eq!(failures, [&json!(1), &Value::Null]);
        for line in &printed {
            for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
                let named = |name: &Value| line.get(name.as_str().unwrap()).is_some();
                assert!(directive["Dimensions"][0].as_array().unwrap().iter().all(named));
                assert!(named(&directive["Metrics"][0]["Name"]), "{line}");
            }
        }
    }
}
