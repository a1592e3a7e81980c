//! `/api/webhooks/{webhook_id}/stats` and `/api/webhooks/slo/status`.

use aragora_core::ids::WebhookId;
use aragora_core::slo::{self, Standing, assess};
use aragora_core::stats::{HOURS, Sketch, Tally, UtcDay, Window};
use aragora_core::time::Millis;
use aragora_webhooks::statistics::{LastDay, MAX_DAYS, Period, Statistics, StatisticsError};
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::reply::Reply;
use crate::request::Call;
use crate::webhooks::webhook_id;

/// Days when the caller does not say.
const DEFAULT_DAYS: u32 = 7;

/// `GET /api/webhooks/{webhook_id}/stats`
pub(crate) async fn of_webhook(statistics: &Statistics, call: &Call) -> Result<Reply, ApiError> {
    let days = call.query.whole("days", 1..=MAX_DAYS)?.unwrap_or(DEFAULT_DAYS);
    let (org, id) = (call.principal()?.org_id(), webhook_id(call)?);
    let period = statistics.of_webhook(org, &id, days, call.now).await?;
    Reply::ok(&shown(&id, &period))
}

/// `GET /api/webhooks/slo/status`
pub(crate) async fn slo_status(statistics: &Statistics, call: &Call) -> Result<Reply, ApiError> {
    let last_day = statistics.last_day(call.principal()?.org_id(), call.now).await?;
    Reply::ok(&status(&last_day, call.now))
}

fn shown(id: &WebhookId, period: &Period) -> Value {
    let date = |day: Option<&(UtcDay, Tally)>| day.map(|(day, _)| day.to_string());
    let of_day = |(day, tally): &(UtcDay, Tally)| {
        let mut shown = figures(tally);
        shown.insert("date".to_owned(), day.to_string().into());
        Value::Object(shown)
    };
    let mut answer = figures(&period.total);
    answer.insert("webhook_id".to_owned(), json!(id));
    answer.insert("period_days".to_owned(), period.days.len().into());
    answer.insert("from".to_owned(), json!(date(period.days.first())));
    answer.insert("to".to_owned(), json!(date(period.days.last())));
    answer.insert("by_day".to_owned(), period.days.iter().map(of_day).collect());
    Value::Object(answer)
}

/// What is answered of a day as of all days.
fn figures(tally: &Tally) -> Map<String, Value> {
    let counts = &tally.counts;
    let deliveries = json!({
        "delivered": counts.delivered,
        "dead_lettered": counts.dead_lettered,
        "retried": tally.retried,
    });
    Map::from_iter([
        ("total_attempts".to_owned(), tally.attempts().into()),
        ("succeeded_attempts".to_owned(), tally.succeeded_attempts().into()),
        ("failed_attempts".to_owned(), counts.failed_attempts.into()),
        ("deliveries".to_owned(), deliveries),
        ("success_rate".to_owned(), json!(tally.success_rate())),
        ("delivery_rate".to_owned(), json!(counts.delivery_rate())),
        ("latency_ms".to_owned(), percentiles(&tally.latencies)),
        ("avg_latency_ms".to_owned(), json!(tally.average_latency_ms())),
    ])
}

fn percentiles(latencies: &Sketch) -> Value {
    json!({
        "p50": latencies.percentile(50),
        "p95": latencies.percentile(95),
        "p99": latencies.percentile(99),
    })
}

fn status(last_day: &LastDay, now: Millis) -> Value {
    let assessed = assess(&last_day.window);
    let worst = |(id, window): &(WebhookId, Window)| {
        let mut shown = window_figures(window);
        shown.insert("webhook_id".to_owned(), json!(id));
        Value::Object(shown)
    };
    let mut answer = window_figures(&last_day.window);
    let more = json!({
        "window_hours": HOURS,
        "from": Window::start(now).rfc3339(),
        "to": now.rfc3339(),
        "objectives": {
            "delivery_rate": slo::delivery_objective(),
            "latency_p95_ms": slo::LATENCY_MS,
        },
        "status": assessed.standing.as_str(),
        "met": assessed.standing != Standing::Breached,
        "delivery_met": assessed.delivery_met,
        "latency_met": assessed.latency_met,
        "error_budget_remaining": assessed.error_budget_remaining,
        "webhooks": last_day.webhooks,
        "complete": last_day.complete,
        "worst_webhooks": last_day.worst.iter().map(worst).collect::<Vec<_>>(),
    });
    if let Value::Object(more) = more {
        answer.extend(more);
    }
    Value::Object(answer)
}

/// What is answered of one webhook's window as of the whole organisation's.
fn window_figures(window: &Window) -> Map<String, Value> {
    let counts = &window.counts;
    Map::from_iter([
        ("deliveries".to_owned(), counts.ended().into()),
        ("delivered".to_owned(), counts.delivered.into()),
        ("dead_lettered".to_owned(), counts.dead_lettered.into()),
        ("failed_attempts".to_owned(), counts.failed_attempts.into()),
        ("delivery_rate".to_owned(), json!(counts.delivery_rate())),
        ("success_rate".to_owned(), json!(counts.success_rate())),
        ("latency_ms".to_owned(), percentiles(&window.latencies)),
    ])
}

impl From<StatisticsError> for ApiError {
    fn from(error: StatisticsError) -> Self {
        match error {
            StatisticsError::NoWebhook => Self::not_found("webhook"),
            StatisticsError::Store(error) => error.into(),
        }
    }
}
