//! The encryption key: its rotation while deliveries run, step by step as the runbook has it, with
//! the functions of the stack, the command-line tool and the function that migrates.
//!
//! All of it takes the stack for itself, and gives the functions their key back at the end.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Mutex;
use std::time::Duration;

use aragora_signing::fields::{Field, ReadError, WEBHOOK_HEADERS, WEBHOOK_SECRET, item_key};
use aragora_signing::keyring::{KeyRing, OpenError};
use aragora_signing::secret::WebhookSecret;
use aragora_signing::verify::{Delivery, Scheme, verify};
use aragora_tests::aws::DYNAMODB;
use aragora_tests::clock::{now_millis, now_seconds};
use aragora_tests::tenant::Webhook;
use aragora_tests::tool::Tool;
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Received, Receiver, Session, Tenant};
use futures_util::FutureExt as _;
use serde_json::{Value, json};

/// The variable with the keys.
pub(crate) const KEY: &str = "ARAGORA_ENCRYPTION_KEY";
/// Those that have the key. The ones that open go first: a value is never sealed under a key that
/// somebody cannot open yet.
const KEY_HOLDERS: [&str; 4] = ["deliver", "webhook-test", "webhooks", "migrate"];
/// What a rotation changes to.
pub(crate) const NEW: &str = "f0e1d2c3b4a5968778695a4b3c2d1e0ff0e1d2c3b4a5968778695a4b3c2d1e0f";
/// The store that webhooks are in.
pub(crate) const STORE: &str = "webhook_registrations";
/// How often the load publishes.
const PACE: Duration = Duration::from_millis(250);

/// Runs a test with the stack for itself, and puts the key back, also when it fails.
pub(crate) async fn with_the_key(test: impl AsyncFnOnce(&Session, &str)) {
    let session = Session::alone().await;
    let mut before = BTreeMap::new();
    for name in KEY_HOLDERS {
        before.insert(name, session.function(name).environment().await);
    }
    let key = before["deliver"][KEY].clone();
    let outcome = AssertUnwindSafe(Box::pin(test(&session, &key))).catch_unwind().await;
    deploy(&session, &format!("{key},{NEW}")).await;
    let back = tool(&session).await.run("migrate encrypt --all --execute").await;
    for (name, environment) in &before {
        session.function(name).configure(environment).await;
    }
    outcome.unwrap_or_else(|panic| resume_unwind(panic));
    assert_eq!(back.code, 0, "{back:?}");
}

/// Gives the functions another list of keys. Deliveries wait for it, as AWS would let those under
/// way finish; everything else goes on.
pub(crate) async fn deploy(session: &Session, keys: &str) {
    let first = session.pause("deliver", "deliveries").await;
    let again = session.pause("deliver", "retries").await;
    for queue in ["deliveries", "retries"] {
        let queue = session.queue(queue);
        eventually(PATIENCE, "the deliveries under way to end", async || {
            (queue.depth().await.in_flight == 0).then_some(())
        })
        .await;
    }
    for name in KEY_HOLDERS {
        let function = session.function(name);
        let mut environment = function.environment().await;
        environment.insert(KEY.to_owned(), keys.to_owned());
        function.configure(&environment).await;
    }
    first.resume().await;
    again.resume().await;
}

/// The tool, configured as the function that migrates.
pub(crate) async fn tool(session: &Session) -> Tool {
    Tool::configured_as(&session.function("migrate"), session).await
}

/// A ring of these keys.
pub(crate) fn ring(list: &str) -> KeyRing {
    KeyRing::parse(list).unwrap()
}

/// The items of a table as it has them; of one organisation, or of all.
pub(crate) async fn items(session: &Session, table: &str, org: Option<&str>) -> Vec<Value> {
    let mut input = json!({"TableName": table, "ConsistentRead": true});
    if let Some(org) = org {
        input["FilterExpression"] = json!("pk = :org");
        input["ExpressionAttributeValues"] = json!({":org": {"S": org}});
    }
    let mut found = Vec::new();
    loop {
        let page = session.aws().call(DYNAMODB, "Scan", &input).await;
        found.extend(page["Items"].as_array().unwrap().iter().cloned());
        if page["LastEvaluatedKey"].is_null() {
            return found;
        }
        input["ExclusiveStartKey"] = page["LastEvaluatedKey"].clone();
    }
}

fn doc(item: &Value) -> Value {
    serde_json::from_str(item["doc"]["S"].as_str().unwrap()).unwrap()
}

/// Whether a ring opens each stored secret of an organisation; every one has the same answer.
pub(crate) async fn opens(session: &Session, org: &str, keys: &KeyRing) -> bool {
    let mut answers = BTreeSet::new();
    for item in items(session, &session.stack.tables[STORE], Some(org)).await {
        let key = item_key(item["pk"]["S"].as_str().unwrap(), item["sk"]["S"].as_str().unwrap());
        let doc = doc(&item);
        let mut stored: Vec<(&Field, &Value)> = vec![(&WEBHOOK_SECRET, &doc["secret"])];
        let old = doc["old_secrets"].as_array().into_iter().flatten();
        stored.extend(old.map(|it| (&WEBHOOK_SECRET, &it["secret"])));
        if !doc["headers"].is_null() {
            stored.push((&WEBHOOK_HEADERS, &doc["headers"]));
        }
        for (field, stored) in stored {
            answers.insert(match field.open(keys, &key, stored) {
                Ok(_) => true,
                Err(ReadError::Open(OpenError::UnknownKey { .. })) => false,
                Err(error) => panic!("{error}: {item}"),
            });
        }
    }
    assert_eq!(answers.len(), 1, "some and some not");
    answers.contains(&true)
}

/// Puts a webhook's secret into the table as it was before there was encryption.
async fn make_plain(session: &Session, tenant: &Tenant, webhook: &Webhook) {
    let items = items(session, &session.stack.tables[STORE], Some(&tenant.org)).await;
    let item = items.iter().find(|item| item["sk"]["S"] == webhook.id.as_str()).unwrap();
    let mut doc = doc(item);
    doc["secret"] = json!(webhook.secret);
    let update = json!({
        "TableName": session.stack.tables[STORE],
        "Key": {"pk": item["pk"], "sk": item["sk"]},
        "UpdateExpression": "SET doc = :doc",
        "ExpressionAttributeValues": {":doc": {"S": doc.to_string()}},
    });
    session.aws().call(DYNAMODB, "UpdateItem", &update).await;
}

fn genuine(request: &Received, secret: &str) -> bool {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let delivery = Delivery {
        body: &request.body,
        secrets: &[WebhookSecret::parse(secret).unwrap()],
        now_unix_seconds: i64::try_from(now_seconds()).unwrap(),
        max_age_seconds: 3_600,
    };
    verify(Scheme::StandardWebhooks, header, &delivery).is_ok()
}

/// The counts of one store in what the tool said.
pub(crate) fn counted(said: &str) -> [u64; 3] {
    let line = said.lines().find(|line| line.starts_with(&format!("{STORE}: "))).unwrap();
    let numbers: Vec<u64> =
        line.split(|it: char| !it.is_ascii_digit()).filter_map(|it| it.parse().ok()).collect();
    numbers.try_into().unwrap_or_else(|_| panic!("{line}"))
}

/// A tenant with every kind of stored secret, and its webhooks by the path they deliver to.
pub(crate) async fn register(
    session: &Session,
    tenant: &Tenant,
    receiver: &Receiver,
) -> BTreeMap<String, Webhook> {
    let mut webhooks = BTreeMap::new();
    for (path, headers) in [
        ("/headers", json!({"X-Key": "credential"})),
        ("/plain", Value::Null),
        ("/two", Value::Null),
    ] {
        let mut body = json!({"url": receiver.url(path), "event_types": ["vote"]});
        if !headers.is_null() {
            body["headers"] = headers;
        }
        webhooks.insert(path.to_owned(), tenant.subscribe_with(body).await);
    }
    let rotate = format!("{}/rotate-secret", webhooks["/two"].path());
    tenant.admin.post(&rotate, &json!({})).await.must(200);
    make_plain(session, tenant, &webhooks["/plain"]).await;
    webhooks
}

/// Every event that was published has reached every webhook at its first attempt, signed and with
/// its headers.
async fn all_delivered(
    tenant: &Tenant,
    receiver: &Receiver,
    webhooks: &BTreeMap<String, Webhook>,
    events: &BTreeSet<String>,
) {
    for (path, webhook) in webhooks {
        eventually(PATIENCE, &format!("all deliveries to {path}"), async || {
            let list = format!("{}?status=delivered&limit=100", webhook.receipts());
            let receipts = tenant.pages(&list, "receipts").await.concat();
            let arrived: BTreeSet<&str> =
                receipts.iter().filter_map(|it| it["event_id"].as_str()).collect();
            events.iter().all(|event| arrived.contains(event.as_str())).then_some(())
        })
        .await;
        let receipts = tenant.pages(&format!("{}?limit=100", webhook.receipts()), "receipts").await;
        for receipt in receipts.concat() {
            let attempts = receipt["attempts"].as_array().unwrap();
            assert!(attempts.iter().all(|it| it["http_status"] == 200), "{receipt}");
            assert!(receipt["status"] != "DELIVERED" || attempts.len() == 1, "{receipt}");
        }
        let requests = receiver.received(path);
        assert!(requests.len() >= events.len());
        for request in requests {
            assert!(genuine(&request, &webhook.secret), "{path}: {:?}", request.headers);
            assert!(path != "/headers" || request.header("x-key") == "credential");
        }
    }
}

#[tokio::test]
async fn keys_are_rotated_while_deliveries_run() {
    with_the_key(async |session: &Session, old: &str| {
        let (tenant, receiver) = (session.tenant(), Receiver::start().await);
        let began = now_millis() - 1_000;
        let mut webhooks = register(session, &tenant, &receiver).await;
        let events = Mutex::new(BTreeSet::new());
        let load = async {
            loop {
                let event = tenant.publish("vote", json!({"at": now_millis()})).await;
                events.lock().unwrap().insert(event);
                tokio::time::sleep(PACE).await;
            }
        };
        let published = async |more: usize| {
            let wanted = events.lock().unwrap().len() + more;
            eventually(PATIENCE, "more events", async || {
                (events.lock().unwrap().len() >= wanted).then_some(())
            })
            .await;
        };

        let rotation = async {
            published(3).await;
            // Everybody can open what will be sealed under the new key; then it seals.
            deploy(session, &format!("{old},{NEW}")).await;
            deploy(session, &format!("{NEW},{old}")).await;
            let late = json!({"url": receiver.url("/late"), "event_types": ["vote"]});
            let late = tenant.subscribe_with(late).await;
            published(3).await;

            let before = items(session, &session.stack.tables[STORE], Some(&tenant.org)).await;
            let tool = tool(session).await;
            let dry = tool.run("migrate encrypt --all").await;
            assert_eq!(dry.code, 0, "{dry:?}");
            assert!(dry.noted.contains("dry run"), "{dry:?}");
            assert!(dry.noted.contains(&ring(NEW).key_ids()[0]), "{dry:?}");
            let [migrated, current, failed] = counted(&dry.said);
            assert!(migrated >= 3 && current >= 1 && failed == 0, "{dry:?}");
            let keys = |items: &[Value]| -> Vec<Value> { items.iter().map(doc).collect() };
            let after = items(session, &session.stack.tables[STORE], Some(&tenant.org)).await;
            assert_eq!(keys(&after), keys(&before), "a dry run writes nothing");

            let done = tool.run("migrate encrypt --store webhook_registrations --execute -v").await;
            assert_eq!((done.code, counted(&done.said)), (0, [migrated, current, 0]), "{done:?}");
            for (path, webhook) in &webhooks {
                let line = format!("{STORE} {}/{}: migrated", tenant.org, webhook.id);
                assert!(done.said.lines().any(|it| it == line), "{path}: {done:?}");
            }
            let told = format!("{done:?}");
            assert!(!told.contains(old) && !told.contains(NEW), "a key is shown");
            let shown = tenant.admin.get(&webhooks["/two"].path()).await.must(200);
            assert_eq!(shown["secret_count"], 2);
            let answer = session.function("migrate").invoke(&json!({"store": "all"})).await;
            let counts = json!({"migrated": 0, "current": migrated + current, "failed": 0});
            assert_eq!(answer["stores"], json!({STORE: counts}), "{answer}");
            published(3).await;

            deploy(session, NEW).await;
            published(5).await;
            late
        };
        let late = tokio::select! {
            late = rotation => late,
            () = load => unreachable!("the load has no end"),
        };

        let events = events.into_inner().unwrap();
        all_delivered(&tenant, &receiver, &webhooks, &events).await;
        webhooks.insert("/late".to_owned(), late);
        let last = BTreeSet::from([tenant.publish("vote", json!({"last": true})).await]);
        all_delivered(&tenant, &receiver, &webhooks, &last).await;
        assert!(!opens(session, &tenant.org, &ring(old)).await, "the old key opens nothing");
        assert!(opens(session, &tenant.org, &ring(NEW)).await);
        for name in KEY_HOLDERS {
            let log = session.function(name).log().await;
            for text in [old, NEW, "cannot be signed for"] {
                assert!(!log.mentions(text, began).await, "{name} logs it");
            }
        }
    })
    .await;
}
