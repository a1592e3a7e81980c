//! Queues, tables and alarms of the template.

use std::collections::{BTreeMap, BTreeSet};

use aragora_tests::template::{Resource, Template, referred};
use serde_json::{Value, json};

const FOURTEEN_DAYS: u64 = 14 * 24 * 3600;

/// Every queue that has a dead-letter queue, with its name.
fn sources(template: &Template) -> BTreeMap<String, String> {
    let queues = template.of_type("AWS::SQS::Queue");
    let redriven = queues.iter().filter_map(|queue| {
        let target = referred(&queue.property("RedrivePolicy")["deadLetterTargetArn"])?;
        Some((queue.name.to_owned(), target.to_owned()))
    });
    redriven.collect()
}

#[test]
fn every_queue_has_a_dead_letter_queue_of_its_own() {
    let template = Template::read();
    let sources = sources(&template);
    let targets: BTreeSet<&String> = sources.values().collect();
    assert_eq!(targets.len(), sources.len(), "a dead-letter queue is shared");
    for queue in template.of_type("AWS::SQS::Queue") {
        let is_source = sources.contains_key(queue.name);
        assert_ne!(is_source, targets.contains(&queue.name.to_owned()), "{}", queue.name);
        assert_eq!(
            template.number(queue.property("MessageRetentionPeriod")),
            FOURTEEN_DAYS,
            "{}",
            queue.name
        );
        assert_eq!(queue.property("SqsManagedSseEnabled"), &json!(true), "{}", queue.name);
    }
    assert_eq!(sources.len(), 6);
}

#[test]
fn a_message_is_received_more_than_once_before_it_is_dead() {
    let template = Template::read();
    for name in sources(&template).keys() {
        let policy = template.resource(name).property("RedrivePolicy");
        assert!((3..=10).contains(&template.number(&policy["maxReceiveCount"])), "{name}");
    }
}

#[test]
fn queues_stay_invisible_for_six_timeouts_of_their_function() {
    let template = Template::read();
    let mut seen = BTreeSet::new();
    for function in template.functions() {
        for event in function.events().filter(|event| event["Type"] == "SQS") {
            let queue = referred(&event["Properties"]["Queue"]).unwrap();
            let visibility =
                template.number(template.resource(queue).property("VisibilityTimeout"));
            let timeout = template.number(function.property("Timeout"));
            assert!(
                visibility >= 6 * timeout,
                "{queue}: {visibility} s for {} of {timeout} s",
                function.name
            );
            seen.insert(queue.to_owned());
        }
    }
    assert_eq!(seen, sources(&template).into_keys().collect());
}

#[test]
fn a_worker_may_use_the_queues_it_reads_and_no_other_reads_them() {
    let template = Template::read();
    for function in template.functions() {
        let role = template.resource(referred(function.property("Role")).unwrap());
        let statements =
            role.property("Policies")[0]["PolicyDocument"]["Statement"].as_array().unwrap();
        let consumed: BTreeSet<String> = statements
            .iter()
            .filter(|statement| statement["Action"].to_string().contains("sqs:ReceiveMessage"))
            .flat_map(|statement| match &statement["Resource"] {
                Value::Array(several) => several.clone(),
                one => vec![one.clone()],
            })
            .map(|resource| referred(&resource).unwrap().to_owned())
            .collect();
        let read: BTreeSet<String> = function
            .events()
            .filter(|event| event["Type"] == "SQS")
            .map(|event| referred(&event["Properties"]["Queue"]).unwrap().to_owned())
            .collect();
        assert_eq!(consumed, read, "{}", function.name);
    }
}

#[test]
fn tables_are_on_demand_encrypted_recoverable_and_retained() {
    let template = Template::read();
    for table in template.of_type("AWS::DynamoDB::Table") {
        let name = table.name;
        assert_eq!(table.property("BillingMode"), "PAY_PER_REQUEST", "{name}");
        assert_eq!(table.property("SSESpecification")["SSEEnabled"], true, "{name}");
        let recovery =
            &table.property("PointInTimeRecoverySpecification")["PointInTimeRecoveryEnabled"];
        assert_eq!(recovery, true, "{name}");
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(table.whole[policy], "Retain", "{policy} of {name}");
        }
        let protection =
            template.by_default(table.property("DeletionProtectionEnabled")).to_string();
        assert!(protection.contains("true"), "{name}: {protection}");
    }
}

#[test]
fn what_expires_expires_by_itself() {
    let template = Template::read();
    let expiring: BTreeSet<&str> = template
        .of_type("AWS::DynamoDB::Table")
        .iter()
        .filter(|table| table.property("TimeToLiveSpecification")["Enabled"] == true)
        .map(|table| table.name)
        .collect();
    let wanted = [
        "AuditLogTable",
        "BatchJobsTable",
        "BatchResultsTable",
        "DebatesTable",
        "DecisionCacheTable",
        "EventsTable",
        "IdentityTable",
        "IntentsTable",
        "MarketplaceIndexTable",
        "ReceiptsTable",
        "RedeliveryJobsTable",
    ];
    assert_eq!(expiring, BTreeSet::from(wanted));
}

/// The alarms on one metric, by what they watch.
fn watched(template: &Template, metric: &str) -> BTreeSet<String> {
    let alarms = template.of_type("AWS::CloudWatch::Alarm");
    let on_metric = alarms.iter().filter(|alarm| alarm.property("MetricName") == metric);
    let dimensions = on_metric.flat_map(|alarm| alarm.property("Dimensions").as_array().unwrap());
    dimensions.filter_map(|dimension| referred(&dimension["Value"])).map(str::to_owned).collect()
}

#[test]
fn every_dead_letter_queue_has_an_alarm() {
    let template = Template::read();
    let dead_letter_queues: BTreeSet<String> = sources(&template).into_values().collect();
    assert_eq!(watched(&template, "ApproximateNumberOfMessagesVisible"), dead_letter_queues);
}

#[test]
fn every_queue_has_an_alarm_on_the_age_of_its_messages() {
    let template = Template::read();
    let queues: BTreeSet<String> = sources(&template).into_keys().collect();
    assert_eq!(watched(&template, "ApproximateAgeOfOldestMessage"), queues);
}

#[test]
fn every_function_has_an_alarm_on_its_errors() {
    let template = Template::read();
    let functions: BTreeSet<String> =
        template.functions().iter().map(|each| each.name.to_owned()).collect();
    assert_eq!(watched(&template, "Errors"), functions);
}

#[test]
fn every_alarm_says_what_it_means_and_can_notify() {
    let template = Template::read();
    let complete = |alarm: &Resource<'_>| {
        alarm.property("AlarmDescription").is_string()
            && alarm.property("TreatMissingData") == "notBreaching"
            && !alarm.property("AlarmActions").is_null()
    };
    for alarm in template.of_type("AWS::CloudWatch::Alarm") {
        assert!(complete(&alarm), "{}", alarm.name);
    }
}
