//! Batches as SQS hands them over, and what is answered.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::*;

fn record(id: &str) -> Value {
    json!({
        "messageId": id,
        "receiptHandle": "handle",
        "body": "{\"v\": 1}",
        "attributes": {
            "ApproximateReceiveCount": "3", "SentTimestamp": "1545082649183", "SenderId": "AIDA",
            "ApproximateFirstReceiveTimestamp": "1545082649185", "MessageGroupId": "org-1"
        },
        "messageAttributes": {
            "request_id": {
                "stringValue": "req-1", "stringListValues": [], "binaryListValues": [], "dataType": "String"
            },
            "number": {"stringValue": "5", "dataType": "Number"}
        },
        "md5OfBody": "e4e6",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-2:123456789012:my-queue",
        "awsRegion": "us-east-2"
    })
}

fn event(ids: &[&str]) -> SqsEvent {
    let records: Vec<Value> = ids.iter().map(|id| record(id)).collect();
    serde_json::from_str(&json!({"Records": records}).to_string()).unwrap()
}

fn run<H, Fut>(event: SqsEvent, handle: H) -> Result<Vec<String>, BatchError>
where
    H: FnOnce(Vec<InboundMessage>, Deadline) -> Fut,
    Fut: Future<Output = Result<BatchReport, BoxError>>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut context = Context::default();
    context.deadline = 1_705_752_030_000;
    let meter = Meter::default();
    let outcome = runtime.block_on(process(event, &context, &meter, handle));
    outcome
        .map(|answer| answer.batch_item_failures.into_iter().map(|it| it.item_identifier).collect())
}

fn failed(ids: &[&str]) -> BatchReport {
    let failed = ids.iter().map(|&id| id.to_owned()).collect();
    BatchReport { failed, counts: BTreeMap::from([("delivered", 2)]) }
}

#[test]
fn messages_reach_the_handler_in_plain_terms() {
    let seen = Mutex::new(Vec::new());
    let answered = run(event(&["m-1"]), async |batch, deadline| {
        seen.lock().unwrap().push((batch, deadline));
        Ok(BatchReport::default())
    });
    assert_eq!(answered.unwrap(), [""; 0]);
    let wanted = InboundMessage {
        message_id: "m-1".to_owned(),
        body: "{\"v\": 1}".to_owned(),
        receive_count: 3,
        request_id: Some("req-1".to_owned()),
        group: Some("org-1".to_owned()),
        source_arn: "arn:aws:sqs:us-east-2:123456789012:my-queue".to_owned(),
    };
    assert_eq!(*seen.lock().unwrap(), [(vec![wanted], Deadline(Millis(1_705_752_030_000)))]);
}

#[test]
fn the_messages_that_failed_come_back() {
    let ids = ["a", "b", "c"];
    assert_eq!(run(event(&ids), async |_, _| Ok(failed(&["b"]))).unwrap(), ["b"]);
    assert_eq!(run(event(&ids), async |_, _| Ok(failed(&[]))).unwrap(), [""; 0]);
    assert_eq!(run(event(&ids), async |_, _| Ok(failed(&ids))).unwrap(), ids);
    assert_eq!(run(event(&[]), async |_, _| Ok(failed(&[]))).unwrap(), [""; 0]);
}

#[test]
fn what_brings_back_the_whole_batch() {
    let error = run(event(&["a", "b"]), async |_, _| Err("no table".into())).unwrap_err();
    assert_eq!(Chain(&error).to_string(), "the batch failed: no table");
    let error = run(event(&["a", "b"]), async |_, _| Ok(failed(&["z"]))).unwrap_err();
    assert!(matches!(error, BatchError::UnknownId));
    let error = run(event(&["a", "b"]), async |_, _| Ok(failed(&[""]))).unwrap_err();
    assert!(matches!(error, BatchError::UnknownId));
}

#[test]
fn a_message_without_an_id_is_an_error_before_anything_is_done() {
    let mut without = event(&["a", "b"]);
    without.records[1].message_id = None;
    let handled = std::cell::Cell::new(false);
    let error = run(without, |_, _| {
        handled.set(true);
        async { Ok(BatchReport::default()) }
    });
    assert!(matches!(error, Err(BatchError::NoId)) && !handled.get());
}

#[test]
fn a_panic_brings_back_all_messages_and_nothing_else() {
    let answered = run(event(&["a", "b"]), async |batch: Vec<InboundMessage>, _| {
        batch.get(7).map(|_| ()).expect("there are two");
        Ok(BatchReport::default())
    });
    assert_eq!(answered.unwrap(), ["a", "b"]);
}

#[test]
fn the_answer_has_lambdas_shape() {
    let answer = serde_json::to_value(response(vec!["a".to_owned()])).unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "a"}]}));
}
