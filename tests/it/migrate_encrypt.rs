//! The migration of stored secrets on tables of its own: what it finds, what it changes, and who
//! and what gets in its way.

use std::collections::BTreeMap;

use aragora_core::ids::WebhookId;
use aragora_core::time::Millis;
use aragora_delivery::sealed;
use aragora_migrate::encrypt::{Counts, Migration, Order, Outcome, Report, Seen};
use aragora_queue::inbound::Deadline;
use aragora_signing::fields::Store;
use aragora_signing::keyring::KeyRing;
use aragora_signing::secret::WebhookSecret;
use aragora_store::registrations::{
    Changed, Health, Observed, Registrations, Webhook, WebhookConfig,
};
use aragora_tests::proxy::Fault;
use aragora_tests::wait::{PATIENCE, eventually};
use serde_json::{Value, json};

use crate::adapters::{Lab, T0, on_both_engines};

on_both_engines!(
    what_is_plain_or_old_is_sealed_and_nothing_else_changes,
    what_cannot_be_read_is_told_and_the_rest_go_on,
    a_users_change_and_a_migration_lose_nothing_of_each_other,
    what_is_deleted_meanwhile_stays_deleted,
    who_is_always_changed_first_is_told_as_failed,
);

pub(crate) const OLD: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
pub(crate) const NEW: &str = "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0efeeedecebeae9e8e7e6e5e4e3e2e1e0";
const SECRET: &str = "a-secret-of-some-length";
pub(crate) const STORE: &str = "webhook_registrations";
pub(crate) const ENDLESS: Deadline = Deadline(Millis(i64::MAX));

fn ring(list: &str) -> KeyRing {
    KeyRing::parse(list).unwrap()
}

/// One table, and both sides of it.
pub(crate) struct Scene {
    migration: Migration,
    registrations: Registrations,
    table: String,
}

impl Scene {
    pub(crate) async fn begin(lab: &Lab) -> Self {
        let (documents, registrations, table) = lab.documents().await;
        let store = Store::named(STORE).unwrap();
        let keys = ring(&format!("{NEW},{OLD}"));
        let stores = vec![(store, documents)];
        let migration = Migration { keys, stores, page: 2, clock: || T0 };
        Self { migration, registrations, table }
    }

    pub(crate) async fn put(&self, number: u32, secret: Value) -> Webhook {
        let webhook = webhook(number, &secret);
        self.registrations.put(&webhook).await.unwrap();
        webhook
    }

    pub(crate) async fn read(&self, number: u32) -> Webhook {
        self.registrations.get("org", &id(number)).await.unwrap().unwrap()
    }

    /// A run to the end, and what it told of each record.
    pub(crate) async fn run(&self, execute: bool) -> (Counts, BTreeMap<String, String>) {
        let order = Order { execute, ..Order::default() };
        let (report, told) = self.carry_out(&order, ENDLESS).await;
        assert!(report.next.is_none() && report.stopped.is_none(), "{report:?}");
        assert_eq!(report.stores.len(), 1);
        assert_eq!(report.stores[0].0, STORE);
        assert_eq!(report.total(), report.stores[0].1);
        (report.total(), told)
    }

    pub(crate) async fn carry_out(
        &self,
        order: &Order,
        deadline: Deadline,
    ) -> (Report, BTreeMap<String, String>) {
        let mut told = BTreeMap::new();
        let mut tell = |seen: &Seen| {
            assert_eq!(seen.store, STORE);
            let earlier = told.insert(seen.key.sk.clone(), words(&seen.outcome));
            assert_eq!(earlier, None, "{} twice", seen.key.sk);
        };
        let report = self.migration.run(order, deadline, &mut tell).await.unwrap();
        (report, told)
    }
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Migrated => "migrated".to_owned(),
        Outcome::Current => "current".to_owned(),
        Outcome::Gone => "gone".to_owned(),
        Outcome::Failed(failures) => {
            let each: Vec<_> =
                failures.iter().map(|it| format!("{} {}", it.path, it.why)).collect();
            each.join("; ")
        }
    }
}

pub(crate) fn counts(migrated: u64, current: u64, failed: u64) -> Counts {
    Counts { migrated, current, failed }
}

fn id(number: u32) -> WebhookId {
    WebhookId::parse(&format!("wh-{number:03}")).unwrap()
}

pub(crate) fn under(keys: &str, number: u32) -> Value {
    let secret = WebhookSecret::parse(SECRET).unwrap();
    sealed::seal_secret(&ring(keys), "org", &id(number), &secret).unwrap()
}

fn webhook(number: u32, secret: &Value) -> Webhook {
    let config = json!({
        "project": "default", "url": "https://example.com/hook", "event_types": ["vote"],
        "name": "näme", "secret": secret, "filters": {"n": [1, 1e300, 1.0]},
        "metadata": {"z": null, "secret": "the user's own"}, "created_at": T0.0,
    });
    Webhook {
        org: "org".to_owned(),
        id: id(number),
        config: serde_json::from_value::<WebhookConfig>(config).unwrap(),
        enabled: true,
        disabled_reason: None,
        updated_at: T0,
        rev: 1,
        health: Health::default(),
    }
}

pub(crate) fn opens(keys: &str, webhook: &Webhook) -> bool {
    let secret = &webhook.config.secret;
    match sealed::open_secret(&ring(keys), &webhook.org, &webhook.id, secret) {
        Ok(secret) => {
            assert_eq!(secret.expose(), SECRET);
            true
        }
        Err(_) => false,
    }
}

async fn what_is_plain_or_old_is_sealed_and_nothing_else_changes(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    let headers = [("X-Key".to_owned(), "credential".to_owned())];
    let sealed_headers = |keys| sealed::seal_headers(&ring(keys), "org", &id(1), &headers).unwrap();
    let mut all = webhook(1, &json!(SECRET));
    all.config.headers = Some(sealed_headers(OLD));
    all.config.old_secrets =
        serde_json::from_value(json!([{"secret": under(OLD, 1), "valid_until": 5}])).unwrap();
    scene.registrations.put(&all).await.unwrap();
    scene.put(2, under(OLD, 2)).await;
    let current = scene.put(3, under(NEW, 3)).await;
    let failed =
        Observed { at: T0, failures: 2, succeeded: false, failure_reason: Some("x".to_owned()) };
    scene.registrations.observe("org", &id(1), &failed).await.unwrap();
    let before = [scene.read(1).await, scene.read(2).await, scene.read(3).await];

    let (seen, told) = scene.run(false).await;
    assert_eq!(seen, counts(2, 1, 0), "{told:?}");
    assert_eq!(
        [&told["wh-001"], &told["wh-002"], &told["wh-003"]],
        ["migrated", "migrated", "current"]
    );
    assert_eq!([scene.read(1).await, scene.read(2).await, scene.read(3).await], before);

    assert_eq!(scene.run(true).await.0, counts(2, 1, 0));
    let after = [scene.read(1).await, scene.read(2).await, scene.read(3).await];
    assert_eq!(after[2], current);
    for (before, mut after) in before.into_iter().zip(after.clone()).take(2) {
        assert!(opens(NEW, &after) && !opens(OLD, &after));
        assert_eq!(after.rev, 2, "a user's change from the old document is refused");
        after.config.secret = before.config.secret.clone();
        if after.id == id(1) {
            let stored = after.config.headers.take().unwrap();
            let opened = sealed::open_headers(&ring(NEW), "org", &id(1), &stored).unwrap();
            assert_eq!(opened, headers);
            let old = std::mem::take(&mut after.config.old_secrets);
            assert_eq!(old[0].valid_until, Millis(5));
            let opened = sealed::open_secret(&ring(NEW), "org", &id(1), &old[0].secret).unwrap();
            assert_eq!(opened.expose(), SECRET);
            after.config.old_secrets.clone_from(&before.config.old_secrets);
            after.config.headers.clone_from(&before.config.headers);
        }
        assert_eq!(after, Webhook { rev: 2, ..before }, "updated_at and what was learned");
    }

    assert_eq!(scene.run(true).await.0, counts(0, 3, 0));
    let again = [scene.read(1).await, scene.read(2).await, scene.read(3).await];
    assert_eq!(again, after, "twice is once");
}

async fn what_cannot_be_read_is_told_and_the_rest_go_on(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    scene.put(1, under(OLD, 2)).await;
    let mut truncated = under(NEW, 2);
    truncated["_value"] = json!(truncated["_value"].as_str().unwrap().get(..44).unwrap());
    scene.put(2, truncated).await;
    scene.put(3, under(&"ab".repeat(32), 3)).await;
    scene.put(4, json!({"_encrypted": true, "_value": 5})).await;
    let mut half = webhook(5, &under(OLD, 5));
    half.config.headers = Some(under(OLD, 5));
    scene.registrations.put(&half).await.unwrap();
    for (number, attributes) in [
        (6, json!({"doc": {"S": format!("{{\"secret\": \"{SECRET}\"")}, "rev": {"N": "1"}})),
        (7, json!({"rev": {"N": "1"}})),
        (8, json!({"doc": {"N": "5"}, "rev": {"N": "1"}})),
        (9, json!({"doc": {"S": "{}"}, "rev": {"S": "one"}})),
        (10, json!({"doc": {"S": format!("[\"{SECRET}\"]")}, "rev": {"N": "1"}})),
    ] {
        let mut item = attributes;
        item["pk"] = json!({"S": "org"});
        item["sk"] = json!({"S": id(number).as_str()});
        lab.put_item(&scene.table, &item).await;
    }
    scene.put(11, under(OLD, 11)).await;
    let unknown = ring(&"ab".repeat(32)).key_ids().swap_remove(0);

    for execute in [false, true] {
        let (seen, told) = scene.run(execute).await;
        assert_eq!(seen, counts(1, 0, 10), "{told:?}");
        for (number, wanted) in [
            (1, "secret the encrypted value was written for another place"),
            (2, "secret the encrypted value is corrupt"),
            (3, unknown.as_str()),
            (4, "secret the stored value is neither"),
            (5, "headers the encrypted value was written for another place"),
            (6, "is no JSON"),
            (7, "`doc` is no string"),
            (8, "`doc` is no string"),
            (9, "`rev` is no number"),
            (10, "is no object"),
            (11, "migrated"),
        ] {
            let words = &told[id(number).as_str()];
            assert!(words.contains(wanted), "{number}: {words}");
            assert!(!words.contains(SECRET), "{words}");
        }
    }
    assert!(opens(NEW, &scene.read(11).await));
    let half_done = scene.read(5).await;
    assert!(opens(NEW, &half_done), "what can be read of a record is brought up to date");
    assert_eq!(half_done.config.headers, half.config.headers, "the rest is left as it is");
    assert!(
        opens(OLD, &Webhook { id: id(2), ..scene.read(1).await }),
        "it is not worse than before"
    );
    let (again, told) = scene.run(true).await;
    assert_eq!(again, counts(0, 1, 10), "{told:?}");
}

/// While the migration's first write is on its way.
async fn meanwhile(lab: &Lab, scene: &Scene, act: impl AsyncFnOnce()) -> (Counts, String) {
    let calls = lab.proxy.calls("UpdateItem").len();
    lab.proxy.script("UpdateItem", [Fault::Delay(std::time::Duration::from_millis(700))]);
    let acting = async {
        eventually(PATIENCE, "the migration's write", async || {
            (lab.proxy.calls("UpdateItem").len() > calls).then_some(())
        })
        .await;
        act().await;
    };
    let ((seen, told), ()) = tokio::join!(scene.run(true), acting);
    assert_eq!(lab.proxy.unused(), 0);
    (seen, told["wh-001"].clone())
}

async fn a_users_change_and_a_migration_lose_nothing_of_each_other(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    let read = scene.put(1, under(OLD, 1)).await;
    let mut changed = read.clone();
    "https://other.example/".clone_into(&mut changed.config.url);
    changed.updated_at = T0.plus(5);
    let change = async || {
        let outcome = scene.registrations.change(&changed, false).await.unwrap();
        assert_eq!(outcome, Changed::Done);
    };
    assert_eq!(meanwhile(lab, &scene, change).await, (counts(1, 0, 0), "migrated".to_owned()));
    let after = scene.read(1).await;
    assert_eq!(after.config.url, "https://other.example/");
    assert_eq!((after.updated_at, after.rev), (T0.plus(5), 3));
    assert!(opens(NEW, &after) && !opens(OLD, &after));

    // The other way round: a change that was made from the document of before would bring the old
    // envelope back.
    let late = scene.registrations.change(&changed, false).await.unwrap();
    assert_eq!(late, Changed::Outdated);
    // A user who set another secret meanwhile needs no migration.
    let stale = Webhook { rev: 3, ..webhook(1, &json!(SECRET)) };
    scene.registrations.change(&stale, false).await.unwrap();
    let replaced = Webhook { rev: 4, ..webhook(1, &under(NEW, 1)) };
    let replace = async || {
        scene.registrations.change(&replaced, false).await.unwrap();
    };
    assert_eq!(meanwhile(lab, &scene, replace).await, (counts(0, 1, 0), "current".to_owned()));
    assert_eq!(scene.read(1).await, Webhook { rev: 5, ..replaced });
}

async fn what_is_deleted_meanwhile_stays_deleted(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    scene.put(1, under(OLD, 1)).await;
    let delete = async || {
        scene.registrations.delete("org", &id(1)).await.unwrap();
    };
    assert_eq!(meanwhile(lab, &scene, delete).await, (counts(0, 0, 0), "gone".to_owned()));
    assert_eq!(scene.registrations.get("org", &id(1)).await.unwrap(), None);
}

async fn who_is_always_changed_first_is_told_as_failed(lab: &Lab) {
    let scene = Scene::begin(lab).await;
    scene.put(1, under(OLD, 1)).await;
    let refused = Fault::Error { status: 400, code: "ConditionalCheckFailedException".to_owned() };
    lab.proxy.script("UpdateItem", std::iter::repeat_n(refused, 5));
    let (seen, told) = scene.run(true).await;
    assert_eq!(
        (seen, told["wh-001"].as_str()),
        (counts(0, 0, 1), " is being changed by somebody else")
    );
    lab.met("UpdateItem", 5);
    assert_eq!(scene.run(true).await.0, counts(1, 0, 0), "the next run has another chance");
}
