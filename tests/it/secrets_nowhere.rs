//! Secrets turn up nowhere but in the answer that created them: every way of using them is gone
//! through, and then every place is searched that anything could have been written to.
//!
//! A new route that shows something belongs into [`reads`], a new way of using a secret into
//! [`use_them_all`], a new kind of place into [`places`]. New tables, queues and functions are
//! searched without being named.

use std::sync::Mutex;

use aragora_tests::api::Call;
use aragora_tests::aws::DYNAMODB;
use aragora_tests::clock::now_millis;
use aragora_tests::queues::{Message, Queue};
use aragora_tests::sentinels::Sentinels;
use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Somewhere a secret could be, and what is there.
type Place = (String, String);

/// Everything that was seen on the way, for the search at the end.
#[derive(Default)]
struct Seen(Mutex<Vec<Place>>);

impl Seen {
    fn note(&self, place: impl Into<String>, text: impl Into<String>) {
        self.0.lock().unwrap().push((place.into(), text.into()));
    }

    /// Sends a request and keeps the whole answer.
    async fn answer(&self, what: &str, call: Call) -> u16 {
        let reply = call.send().await;
        self.note(format!("the answer to {what}"), format!("{:?} {}", reply.headers, reply.text()));
        reply.status
    }

    /// Looks through a queue until there is a message that mentions `mark`, and keeps them all.
    async fn queue(&self, queue: &Queue, mark: &str) {
        let what = format!("a message about {mark} on {}", queue.name());
        eventually(PATIENCE, &what, async || {
            let passed = messages(queue).await;
            let found = passed.contains(mark);
            self.note(format!("the queue {}", queue.name()), passed);
            found.then_some(())
        })
        .await;
    }
}

/// A tenant's webhooks, each with secrets of its own, and where they lead.
struct Scene {
    session: Session,
    tenant: Tenant,
    receiver: Receiver,
    began: u64,
    sentinels: Sentinels,
    seen: Seen,
}

impl Scene {
    async fn begin() -> Self {
        let session = Session::alone().await;
        let (tenant, receiver) = (session.tenant(), Receiver::start().await);
        let mut sentinels = Sentinels::default();
        for key in session.stack.jwt_secret.split(',') {
            sentinels.add("the key of the tokens", key);
        }
        sentinels.add("the service token", &session.stack.service_token);
        let environment = session.function("deliver").environment().await;
        let keys = environment["ARAGORA_ENCRYPTION_KEY"].split(',');
        for key in keys.map(|key| key.rsplit(':').next().unwrap()) {
            sentinels.add("an encryption key", key);
        }
        let (began, seen) = (now_millis() - 1000, Seen::default());
        Self { session, tenant, receiver, began, sentinels, seen }
    }

    /// A text to look for.
    fn sentinel(&mut self, name: &str) -> String {
        let secret = format!("SENTINEL-{name}-{}", Uuid::now_v7());
        self.sentinels.add(name, &secret);
        secret
    }

    /// A secret of the standard kind to look for, as text and as the bytes it stands for.
    fn standard(&mut self, name: &str) -> String {
        let bytes = self.sentinel(name).into_bytes();
        let encoded = STANDARD.encode(&bytes);
        self.sentinels.add(name, &encoded);
        format!("whsec_{encoded}")
    }

    /// Registers a webhook with a credential in a header, and with `secret` or a generated one.
    async fn webhook(&mut self, path: &str, secret: Option<String>, retries: u32) -> Webhook {
        let bearer = self.sentinel(&format!("header-of{}", path.replace('/', "-")));
        let mut body = json!({
            "url": self.receiver.url(path), "event_types": ["vote"], "name": path,
            "headers": {"Authorization": format!("Bearer {bearer}"), "X-Api-Key": bearer},
            "retry_policy": {
                "max_retries": retries, "base_delay_seconds": 0.1, "max_delay_seconds": 0.1,
                "timeout_seconds": 1,
            },
        });
        if let Some(secret) = &secret {
            body["secret"] = json!(secret);
        }
        let webhook = self.tenant.subscribe_with(body).await;
        // The one place it may be, which also shows that it would be found.
        if secret.is_none() {
            let generated = webhook.secret.trim_start_matches("whsec_").to_owned();
            self.sentinels.add("a generated secret", &generated);
            self.sentinels.add_bytes("a generated key", &STANDARD.decode(&generated).unwrap());
        }
        assert!(self.sentinels.in_text(&webhook.created.to_string()).is_some());
        webhook
    }
}

/// Every route that shows something of a webhook or a delivery to its owner.
fn reads(webhook: &Webhook, event: &str, delivery: &str) -> Vec<String> {
    vec![
        "/api/webhooks?limit=100".to_owned(),
        webhook.path(),
        webhook.receipts(),
        format!("{}?status=failed", webhook.receipts()),
        format!("{}/{delivery}", webhook.receipts()),
        "/api/events?limit=100".to_owned(),
        format!("/api/events/{event}"),
    ]
}

/// Requests that are refused, with a secret in what is wrong about them or beside it.
fn mistakes(secret: &str) -> Vec<Value> {
    let mut mistakes = vec![
        json!({"secret": format!("{secret}{}", "x".repeat(300))}),
        json!({"secret": format!("whsec_{secret}!")}),
        json!({"secret": [secret]}),
        json!({"secret": {"a": secret}}),
        json!({"url": format!("https://user:{secret}@example.com/")}),
        json!({"url": format!("https://example.com/#{secret}")}),
        json!({"url": format!("https://10.0.0.1/?key={secret}")}),
        json!({"url": format!("https://{secret} .example.com/")}),
        json!({"url": [secret]}),
        json!({"headers": {"X-A": format!("{secret}\r\nX-B: c")}}),
        json!({"headers": {"Host": secret}}),
        json!({"headers": {"X-A": {"a": secret}}}),
        json!({"headers": [secret]}),
        json!({"headers": secret}),
        json!({"filters": {"a": {"b": secret}}}),
        json!({"filters": secret}),
        json!({"metadata": secret}),
        json!({"enabled": secret}),
        json!({"name": {"a": secret}}),
        json!({"description": [secret]}),
        json!({"event_types": secret}),
        json!({"event_types": {"a": secret}}),
        json!({"rate_limit_per_second": secret}),
        json!({"retry_policy": secret}),
        json!({"retry_policy": {"max_retries": secret}}),
        json!({"retry_policy": {"timeout_seconds": 1e9}}),
        json!({"project_id": format!("#{secret}")}),
    ];
    for mistake in &mut mistakes {
        let fields = mistake.as_object_mut().unwrap();
        fields.entry("secret").or_insert(json!(secret));
        fields.entry("headers").or_insert(json!({"Authorization": format!("Bearer {secret}")}));
        fields.entry("url").or_insert(json!("http://127.0.0.1:9/hook"));
        fields.entry("event_types").or_insert(json!(["vote"]));
    }
    mistakes
}

async fn make_mistakes(scene: &mut Scene, webhook: &Webhook) {
    let secret = scene.sentinel("refused");
    let (admin, seen) = (scene.tenant.admin.clone(), &scene.seen);
    for body in mistakes(&secret) {
        let create = admin.call(Method::POST, "/api/webhooks").json(&body);
        let status = seen.answer(&format!("creating {body}").replace(&secret, "..."), create).await;
        assert_eq!(status, 400, "{body}");
        let change = admin.call(Method::PATCH, &webhook.path()).json(&body);
        seen.answer(&format!("changing to {body}").replace(&secret, "..."), change).await;
    }
    for broken in [
        format!("{{\"secret\": \"{secret}\", "),
        format!("{{\"secret\": \"{secret}\"}} {secret}"),
        format!("{{\"secret\": {secret}}}"),
        format!("\"{secret}\""),
    ] {
        let create = admin.call(Method::POST, "/api/webhooks").body(broken);
        assert_eq!(seen.answer("broken JSON", create).await, 400);
    }
    // In places where no secret belongs.
    let query = admin.call(Method::GET, &format!("/api/webhooks?secret={secret}&limit={secret}"));
    seen.answer("a secret in a query", query).await;
    let anonymous = scene.session.anonymous();
    for value in [format!("Bearer {secret}"), format!("Access {secret}"), secret.clone()] {
        let call = anonymous.call(Method::GET, "/api/webhooks").header("authorization", &value);
        assert_eq!(seen.answer("a wrong credential", call).await, 401);
    }
}

/// Delivers with success, failure, timeout and by a receiver that repeats what it was sent; with
/// retries, up to dead letters; and looks at the queues while something is on each of them.
async fn use_them_all(scene: &mut Scene) -> (Vec<Webhook>, String) {
    scene.receiver.script("/fails", [Answer::status(500)]);
    scene.receiver.script("/hangs", [Answer::hang()]);
    scene.receiver.behave("/repeats", |request| {
        Answer::status(500).body(&format!("<h1>Error</h1><pre>{:?}</pre>", request.headers))
    });
    let own = scene.sentinel("own");
    let standard = scene.standard("standard");
    let webhooks = vec![
        scene.webhook("/works", None, 0).await,
        scene.webhook("/fails", Some(own), 1).await,
        scene.webhook("/hangs", Some(standard), 0).await,
        scene.webhook("/repeats", None, 0).await,
    ];

    let session = &scene.session;
    let (events, deliveries, retries) =
        (session.queue("events"), session.queue("deliveries"), session.queue("retries"));
    let fan_out = session.pause("fan-out", "events").await;
    let first = session.pause("deliver", "deliveries").await;
    let again = session.pause("deliver", "retries").await;
    let event = scene.tenant.publish("vote", json!({"choice": 1})).await;
    scene.seen.queue(&events, &event).await;
    fan_out.resume().await;
    for webhook in &webhooks {
        scene.seen.queue(&deliveries, &webhook.id).await;
    }
    first.resume().await;
    scene.seen.queue(&retries, &webhooks[1].id).await;
    again.resume().await;
    for (webhook, status) in
        webhooks.iter().zip(["DELIVERED", "DEAD_LETTERED", "DEAD_LETTERED", "DEAD_LETTERED"])
    {
        scene.tenant.receipt(webhook, &event, status).await;
        if status == "DEAD_LETTERED" {
            scene.seen.queue(&scene.session.queue("deliveries_dlq"), &webhook.id).await;
        }
    }
    (webhooks, event)
}

/// Changes the secrets and the headers, and delivers with the new ones.
async fn change_them(scene: &mut Scene, webhook: &Webhook) {
    let bearer = scene.sentinel("changed-header");
    for secret in [scene.sentinel("changed"), scene.standard("changed-standard")] {
        let body = json!({
            "secret": secret,
            "headers": {"Authorization": format!("Basic {}", STANDARD.encode(&bearer))},
        });
        let call = scene.tenant.admin.call(Method::PATCH, &webhook.path()).json(&body);
        assert_eq!(scene.seen.answer("a change of secret and headers", call).await, 200);
        let event = scene.tenant.publish("vote", json!({"choice": 2})).await;
        scene.tenant.receipt(webhook, &event, "DELIVERED").await;
    }
}

/// Everything that can be searched by now.
async fn places(scene: Scene, webhooks: &[Webhook], event: &str) -> (Sentinels, Vec<Place>) {
    let Scene { session, tenant, began, sentinels, seen, .. } = scene;
    for webhook in webhooks {
        let receipts = tenant.receipts(webhook, "?limit=100").await;
        let delivery = receipts[0]["delivery_id"].as_str().unwrap().to_owned();
        for path in reads(webhook, event, &delivery) {
            let status = seen.answer(&path, tenant.admin.call(Method::GET, &path)).await;
            assert_eq!(status, 200, "{path}");
        }
    }
    for (name, table) in &session.stack.tables {
        seen.note(format!("the table {name}"), items(&session, table).await);
    }
    for (name, url) in &session.stack.queues {
        let queue = Queue::new(session.aws(), url);
        seen.note(format!("the queue {name}"), messages(&queue).await);
    }
    for name in session.stack.functions.keys() {
        for line in session.function(name).log().await.since(began).await {
            seen.note(format!("the log of {name}"), line.message);
        }
    }
    for webhook in webhooks {
        let path = webhook.path();
        let deleted = seen.answer("a deletion", tenant.admin.call(Method::DELETE, &path)).await;
        assert!(deleted < 300);
    }
    (sentinels, seen.0.into_inner().unwrap())
}

/// Every message that is visible on a queue, which stays there.
async fn messages(queue: &Queue) -> String {
    let passed = Mutex::new(Vec::new());
    let pass_by = |message: &Message| {
        passed.lock().unwrap().push(format!("{message:?}"));
        false
    };
    queue.search(pass_by).await;
    passed.into_inner().unwrap().join("\n")
}

/// Every item of a table, as the API of the table gives it.
async fn items(session: &Session, table: &str) -> String {
    let (mut start, mut found) = (Value::Null, String::new());
    loop {
        let mut scan = json!({"TableName": table});
        if !start.is_null() {
            scan["ExclusiveStartKey"] = start;
        }
        let page = session.aws().call(DYNAMODB, "Scan", &scan).await;
        found.push_str(&page["Items"].to_string());
        start = page["LastEvaluatedKey"].clone();
        if start.is_null() {
            return found;
        }
    }
}

#[tokio::test]
async fn a_secret_is_nowhere_but_in_the_answer_that_created_it() {
    let mut scene = Scene::begin().await;
    let (webhooks, event) = use_them_all(&mut scene).await;
    let (works, repeats) = (webhooks[0].clone(), webhooks[3].clone());
    // They were sent, and one receiver did send them back.
    let sent = scene.receiver.nth("/repeats", 1).await;
    assert!(scene.sentinels.in_text(sent.header("authorization")).is_some());
    let page = scene.tenant.receipts(&repeats, "").await[0]["response_body"].to_string();
    assert!(page.contains("<h1>Error</h1>") && page.contains("redacted"), "{page}");
    change_them(&mut scene, &works).await;
    make_mistakes(&mut scene, &works).await;

    let (sentinels, places) = places(scene, &webhooks, &event).await;
    for (place, needle) in [
        ("the table webhook_registrations", works.id.as_str()),
        ("the table events", &event),
        ("the table webhook_delivery_receipts", &works.id),
        ("the queue deliveries_dlq", &repeats.id),
        ("the log of deliver", "{"),
        ("the log of webhooks", "{"),
    ] {
        let there = places.iter().any(|(name, text)| name == place && text.contains(needle));
        assert!(there, "{place} was not searched");
    }
    let mut found: Vec<String> = places
        .iter()
        .filter_map(|(place, text)| Some(format!("{} in {place}", sentinels.in_text(text)?)))
        .collect();
    found.dedup();
    assert!(found.is_empty(), "{found:#?}");
}
