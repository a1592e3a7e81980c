//! Rotating secrets: what is good for how long, seen by a receiver that verifies.

use std::time::Duration;

use aragora_signing::secret::WebhookSecret;
use aragora_signing::verify::{Delivery, Scheme, VerifyFailure, verify};
use aragora_tests::clock::{now_millis, now_seconds};
use aragora_tests::tenant::Webhook;
use aragora_tests::{Received, Receiver, Reply, Session, Tenant};
use serde_json::{Value, json};

const URL: &str = "http://127.0.0.1:9/hook";
const DAY_MS: u64 = 86_400_000;

async fn rotate(tenant: &Tenant, webhook: &Webhook, body: &Value) -> Reply {
    tenant.admin.post(&format!("{}/rotate-secret", webhook.path()), body).await
}

/// What the receiver gets of one more event.
async fn delivery(tenant: &Tenant, receiver: &Receiver, webhook: &Webhook) -> Received {
    let nth = receiver.count("/hook") + 1;
    let event = tenant.publish("vote", json!({"n": nth})).await;
    tenant.receipt(webhook, &event, "DELIVERED").await;
    receiver.nth("/hook", nth).await
}

fn verified(request: &Received, scheme: Scheme, secret: &str) -> Result<(), VerifyFailure> {
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let delivery = Delivery {
        body: &request.body,
        secrets: &[WebhookSecret::parse(secret).unwrap()],
        now_unix_seconds: i64::try_from(now_seconds()).unwrap(),
        max_age_seconds: 300,
    };
    verify(scheme, header, &delivery)
}

/// Which of the secrets a receiver could verify a delivery with by Standard Webhooks.
fn good(request: &Received, secrets: &[&str]) -> Vec<bool> {
    secrets.iter().map(|it| verified(request, Scheme::StandardWebhooks, it).is_ok()).collect()
}

fn secret(answer: &Value) -> String {
    answer["secret"].as_str().expect("a secret").to_owned()
}

#[tokio::test]
async fn both_secrets_verify_until_one_is_revoked() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let first = webhook.secret.as_str();

    let path = format!("{}/regenerate-secret", webhook.path());
    let answer = tenant.admin.post_raw(&path, "").await.must(200);
    assert_eq!(answer["webhook_id"], webhook.id);
    let until = answer["old_secret_valid_until"].clone();
    let day_from_now = |text: &Value| {
        let at = text.as_str().and_then(aragora_core::time::Millis::parse).expect("a time").0;
        u64::try_from(at).unwrap().abs_diff(now_millis() + DAY_MS) < 60_000
    };
    assert!(day_from_now(&until), "{until}");
    let second = secret(&answer);
    assert!(second.starts_with("whsec_") && second != first);
    let both = delivery(&tenant, &receiver, &webhook).await;
    assert_eq!(good(&both, &[first, &second]), [true, true]);
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2);
    for scheme in [Scheme::Body, Scheme::Timestamped] {
        assert_eq!(verified(&both, scheme, &second), Ok(()), "{scheme:?} is of the newest");
        assert!(verified(&both, scheme, first).is_err(), "{scheme:?} has room for one");
    }

    let shown = tenant.admin.get(&webhook.path()).await.must(200);
    assert_eq!(
        (&shown["secret_count"], &shown["old_secrets_valid_until"]),
        (&json!(2), &json!([until]))
    );
    assert!(!shown.to_string().contains(&second) && !shown.to_string().contains(first));

    let body = json!({"grace_period_seconds": 0, "secret": "my own secret"});
    let answer = rotate(&tenant, &webhook, &body).await.must(200);
    assert_eq!(
        (&answer["secret"], &answer["old_secret_valid_until"]),
        (&json!("my own secret"), &Value::Null)
    );
    let only = delivery(&tenant, &receiver, &webhook).await;
    assert_eq!(good(&only, &[first, &second, "my own secret"]), [false, false, true]);
    assert_eq!(tenant.admin.get(&webhook.path()).await.must(200)["secret_count"], 1);
}

#[tokio::test]
async fn an_old_secret_ends_by_itself_and_an_earlier_one_keeps_its_time() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let long =
        secret(&rotate(&tenant, &webhook, &json!({"grace_period_seconds": 600})).await.must(200));
    let short = rotate(&tenant, &webhook, &json!({"grace_period_seconds": 2})).await.must(200);
    let newest = secret(&short);
    let shown = tenant.admin.get(&webhook.path()).await.must(200);
    assert_eq!(shown["secret_count"], 3);

    // It is the clock that ends it: nothing else is there to be waited for.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let after = delivery(&tenant, &receiver, &webhook).await;
    assert_eq!(good(&after, &[&webhook.secret, &long, &newest]), [true, false, true]);
    assert_eq!(tenant.admin.get(&webhook.path()).await.must(200)["secret_count"], 2);
}

#[tokio::test]
async fn a_secret_that_is_set_is_the_only_one() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let second = secret(&rotate(&tenant, &webhook, &json!({})).await.must(200));
    tenant.admin.patch(&webhook.path(), &json!({"secret": "set by a patch"})).await.must(200);
    let request = delivery(&tenant, &receiver, &webhook).await;
    assert_eq!(good(&request, &[&webhook.secret, &second, "set by a patch"]), [false, false, true]);
}

#[tokio::test]
async fn there_are_at_most_ten() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let mut secrets = vec![webhook.secret.clone()];
    for _ in 0..9 {
        secrets.push(secret(&rotate(&tenant, &webhook, &json!({})).await.must(200)));
    }
    let refused = rotate(&tenant, &webhook, &json!({})).await.must_refuse(409);
    assert_eq!(refused["code"], "too_many_secrets");
    assert!(refused["error"].as_str().unwrap().contains("grace_period_seconds 0"), "{refused}");

    let request = delivery(&tenant, &receiver, &webhook).await;
    let all: Vec<&str> = secrets.iter().map(String::as_str).collect();
    assert_eq!(good(&request, &all), [true; 10]);
    rotate(&tenant, &webhook, &json!({"grace_period_seconds": 0})).await.must(200);
    rotate(&tenant, &webhook, &json!({})).await.must(200);
    assert_eq!(tenant.admin.get(&webhook.path()).await.must(200)["secret_count"], 2);
}

#[tokio::test]
async fn the_body_has_bounds() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe(URL, &["vote"]).await;
    for (body, field) in [
        (json!({"grace_period_seconds": -1}), "grace_period_seconds"),
        (json!({"grace_period_seconds": 604_801}), "grace_period_seconds"),
        (json!({"grace_period_seconds": 1e12}), "grace_period_seconds"),
        (json!({"grace_period_seconds": 86_400.0}), "grace_period_seconds"),
        (json!({"grace_period_seconds": 0.5}), "grace_period_seconds"),
        (json!({"grace_period_seconds": true}), "grace_period_seconds"),
        (json!({"grace_period_seconds": "60"}), "grace_period_seconds"),
        (json!({"grace_period_seconds": [60]}), "grace_period_seconds"),
        (json!({"secret": "short"}), "secret"),
        (json!({"secret": "whsec_short"}), "secret"),
        (json!({"secret": 12_345_678}), "secret"),
        (json!([]), "body"),
        (json!(60), "body"),
    ] {
        let reply = rotate(&tenant, &webhook, &body).await;
        assert!(reply.names(field), "{body}: {}", reply.text());
    }
    let both = json!({"grace_period_seconds": 604_801, "secret": "short"});
    assert_eq!(rotate(&tenant, &webhook, &both).await.bad_fields().len(), 2);
    let unharmed = tenant.admin.get(&webhook.path()).await.must(200);
    assert_eq!(
        (&unharmed["secret_count"], &unharmed["updated_at"]),
        (&json!(1), &webhook.created["updated_at"])
    );
    for seconds in [0, 1, 604_800] {
        rotate(&tenant, &webhook, &json!({"grace_period_seconds": seconds})).await.must(200);
    }
    let theirs = session.tenant();
    rotate(&theirs, &webhook, &json!({})).await.must_refuse(404);
    // Whose it is comes before what is wrong with the request.
    rotate(&theirs, &webhook, &json!({"secret": "short"})).await.must_refuse(404);
}

#[tokio::test]
async fn a_rotation_changes_nothing_else() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant
        .subscribe_with(json!({
            "url": URL, "event_types": ["vote"], "enabled": false, "headers": {"X-A": "1"},
            "metadata": {"a": 1}, "filters": {"n": 1}, "rate_limit_per_second": 5,
        }))
        .await;
    let before = tenant.admin.get(&webhook.path()).await.must(200);
    rotate(&tenant, &webhook, &json!({"grace_period_seconds": 0})).await.must(200);
    let mut after = tenant.admin.get(&webhook.path()).await.must(200);
    after["updated_at"] = before["updated_at"].clone();
    assert_eq!(after, before);
}

#[tokio::test]
async fn rotations_side_by_side_all_count() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe(URL, &["vote"]).await;
    let body = json!({});
    let replies = futures_util::future::join_all((0..4).map(|_| rotate(&tenant, &webhook, &body)));
    let made = replies.await.iter().filter(|reply| reply.status == 200).count();
    assert!(made >= 1);
    let shown = tenant.admin.get(&webhook.path()).await.must(200);
    assert_eq!(shown["secret_count"], made + 1, "none got lost");
}
