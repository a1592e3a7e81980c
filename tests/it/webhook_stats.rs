//! Statistics of a webhook, and how an organisation's last 24 hours compare with the objective.

use std::time::Duration;

use aragora_tests::tenant::Webhook;
use aragora_tests::wait::{PATIENCE, eventually};
use aragora_tests::{Answer, Receiver, Session, Tenant};
use serde_json::{Value, json};

const SLO: &str = "/api/webhooks/slo/status";

async fn stats(tenant: &Tenant, webhook: &Webhook, query: &str) -> Value {
    tenant.admin.get(&format!("{}/stats{query}", webhook.path())).await.must(200)
}

/// A webhook's statistics once this many attempts are in them.
async fn after_attempts(tenant: &Tenant, webhook: &Webhook, attempts: u64) -> Value {
    eventually(PATIENCE, &format!("{attempts} attempts"), async || {
        let stats = stats(tenant, webhook, "").await;
        (stats["total_attempts"].as_u64()? >= attempts).then_some(stats)
    })
    .await
}

/// The organisation's last 24 hours once this many deliveries have ended.
async fn after_deliveries(tenant: &Tenant, deliveries: u64) -> Value {
    eventually(PATIENCE, &format!("{deliveries} deliveries"), async || {
        let status = tenant.admin.get(SLO).await.must(200);
        (status["deliveries"].as_u64()? >= deliveries).then_some(status)
    })
    .await
}

#[tokio::test]
async fn attempts_are_counted_by_what_came_of_them() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.behave("/hook", |request| {
        let good = request.json()["data"]["good"] == true;
        Answer::status(if good { 200 } else { 500 })
    });
    let webhook = tenant.subscribe_once(&receiver.url("/hook"), &["vote"]).await;
    for good in [true, true, false, true] {
        tenant.publish("vote", json!({"good": good})).await;
    }
    let found = after_attempts(&tenant, &webhook, 4).await;
    assert_eq!(found["webhook_id"], json!(webhook.id));
    for (field, expected) in [
        ("total_attempts", json!(4)),
        ("succeeded_attempts", json!(3)),
        ("failed_attempts", json!(1)),
        ("deliveries", json!({"delivered": 3, "dead_lettered": 1, "retried": 0})),
        ("success_rate", json!(75.0)),
        ("delivery_rate", json!(75.0)),
        ("period_days", json!(7)),
    ] {
        assert_eq!(found[field], expected, "{field} in {found}");
    }
    let of = |name: &str| found["latency_ms"][name].as_u64().unwrap();
    assert!(1 <= of("p50") && of("p50") <= of("p95") && of("p95") <= of("p99"), "{found}");

    let days = found["by_day"].as_array().unwrap();
    assert_eq!(days.len(), 7);
    assert_eq!((&days[0]["date"], &days[6]["date"]), (&found["from"], &found["to"]));
    let sum = |field: &str| days.iter().map(|day| day[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("total_attempts"), sum("failed_attempts")), (4, 1));
    assert!(days[0]["success_rate"].is_null() && days[0]["latency_ms"]["p99"].is_null(), "{found}");
}

#[tokio::test]
async fn a_delivery_that_succeeds_late_is_delivered_and_was_retried() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.script("/hook", [Answer::status(500), Answer::status(200)]);
    let policy = json!({"max_retries": 2, "base_delay_seconds": 0.1, "max_delay_seconds": 1});
    let webhook = tenant.subscribe_retrying(&receiver.url("/hook"), &["vote"], &policy).await;
    tenant.publish("vote", json!({})).await;
    let found = after_attempts(&tenant, &webhook, 2).await;
    assert_eq!(found["deliveries"], json!({"delivered": 1, "dead_lettered": 0, "retried": 1}));
    assert_eq!((&found["success_rate"], &found["delivery_rate"]), (&json!(50.0), &json!(100.0)));
}

#[tokio::test]
async fn percentiles_tell_slow_answers_from_fast_ones() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.behave("/hook", |request| {
        let wait = request.json()["data"]["wait_ms"].as_u64().unwrap();
        Answer::status(200).after(Duration::from_millis(wait))
    });
    let webhook = tenant.subscribe(&receiver.url("/hook"), &["vote"]).await;
    let event = |wait: u64| json!({"event_type": "vote", "data": {"wait_ms": wait}});
    let events: Vec<Value> = [0, 0, 0, 0, 0, 0, 2_000].map(event).to_vec();
    tenant.admin.post("/api/events", &json!(events)).await.must(202);
    let found = after_attempts(&tenant, &webhook, 7).await;
    let of = |name: &str| found["latency_ms"][name].as_u64().unwrap();
    // The sketch is within 8 %; how late a busy machine is, it does not know.
    assert!(of("p99") >= 1_840 && of("p50") < of("p99"), "{found}");
    assert!(found["avg_latency_ms"].as_u64().unwrap() >= 2_000 / 7, "{found}");
}

#[tokio::test]
async fn a_webhook_without_deliveries_has_no_rates() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let webhook = tenant.subscribe("http://127.0.0.1:9/", &["vote"]).await;
    for days in [1_usize, 30] {
        let found = stats(&tenant, &webhook, &format!("?days={days}")).await;
        assert_eq!(found["by_day"].as_array().unwrap().len(), days);
        assert_eq!((&found["period_days"], &found["total_attempts"]), (&json!(days), &json!(0)));
        assert_eq!(found["latency_ms"], json!({"p50": null, "p95": null, "p99": null}));
        for rate in ["success_rate", "delivery_rate", "avg_latency_ms"] {
            assert!(found[rate].is_null(), "{rate} in {found}");
        }
    }
    for days in ["0", "31", "-1", "7.0", "all"] {
        let reply = tenant.admin.get(&format!("{}/stats?days={days}", webhook.path())).await;
        assert!(reply.names("days"), "{days}: {}", reply.text());
    }
}

#[tokio::test]
async fn another_organisations_webhook_has_no_statistics() {
    let session = Session::shared().await;
    let (tenant, stranger) = (session.tenant(), session.tenant());
    let webhook = tenant.subscribe("http://127.0.0.1:9/", &["vote"]).await;
    let path = format!("{}/stats", webhook.path());
    tenant.role("viewer").get(&path).await.must(200);
    stranger.admin.get(&path).await.must_refuse(404);
    tenant.admin.get("/api/webhooks/wh-none/stats").await.must_refuse(404);
    tenant.admin.delete(&webhook.path()).await.must(200);
    tenant.admin.get(&path).await.must_refuse(404);
}

#[tokio::test]
async fn an_organisation_that_delivers_meets_the_objective() {
    let session = Session::shared().await;
    let (tenant, stranger) = (session.tenant(), session.tenant());
    let receiver = Receiver::start().await;
    let nothing = tenant.admin.get(SLO).await.must(200);
    assert_eq!((&nothing["status"], &nothing["met"]), (&json!("no_data"), &json!(true)));
    assert!(nothing["delivery_rate"].is_null(), "{nothing}");

    for path in ["/one", "/other"] {
        tenant.subscribe(&receiver.url(path), &["vote"]).await;
    }
    tenant.publish("vote", json!({})).await;
    let status = after_deliveries(&tenant, 2).await;
    for (field, expected) in [
        ("window_hours", json!(24)),
        ("objectives", json!({"delivery_rate": 99.9, "latency_p95_ms": 5_000})),
        ("status", json!("met")),
        ("met", json!(true)),
        ("delivery_rate", json!(100.0)),
        ("success_rate", json!(100.0)),
        ("error_budget_remaining", json!(1.0)),
        ("webhooks", json!(2)),
        ("complete", json!(true)),
        ("worst_webhooks", json!([])),
    ] {
        assert_eq!(status[field], expected, "{field} in {status}");
    }
    assert!(status["latency_ms"]["p95"].is_u64(), "{status}");
    let other = stranger.admin.get("/api/v1/webhooks/slo/status").await.must(200);
    assert_eq!(other["status"], "no_data");
}

#[tokio::test]
async fn dead_letters_breach_the_objective_and_name_their_webhook() {
    let session = Session::shared().await;
    let tenant = session.tenant();
    let receiver = Receiver::start().await;
    receiver.behave("/bad", |_| Answer::status(500));
    tenant.subscribe_once(&receiver.url("/good"), &["vote"]).await;
    let bad = tenant.subscribe_once(&receiver.url("/bad"), &["vote"]).await;
    tenant.publish("vote", json!({})).await;
    let status = after_deliveries(&tenant, 2).await;
    assert_eq!((&status["status"], &status["met"]), (&json!("breached"), &json!(false)));
    assert_eq!((&status["delivery_met"], &status["latency_met"]), (&json!(false), &json!(true)));
    assert_eq!((&status["dead_lettered"], &status["delivery_rate"]), (&json!(1), &json!(50.0)));
    assert_eq!(status["error_budget_remaining"], 0.0);
    let worst = status["worst_webhooks"].as_array().unwrap();
    assert_eq!(worst.len(), 1, "{status}");
    assert_eq!(
        (&worst[0]["webhook_id"], &worst[0]["delivery_rate"]),
        (&json!(bad.id), &json!(0.0))
    );
}
