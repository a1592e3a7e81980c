//! What attempts taught about their endpoints: opening and closing circuits, and disabling what
//! only fails.

use std::collections::BTreeMap;

use aragora_core::catalogue;
use aragora_core::ids::WebhookId;
use aragora_core::time::Millis;
use aragora_events::announce::Announcement;
use aragora_store::StoreError;
use aragora_store::registrations::{Changed, Observed, Webhook};
use futures_util::future::join_all;
use serde_json::json;

use super::DeliverWorker;
use super::plan::Planned;
use super::record::Made;
use crate::sender::{ErrorClass, Outcome};

/// A healthy webhook's times are brought up to date this often.
const OBSERVE_EVERY_MS: i64 = 60_000;
/// Why a webhook is disabled whose every attempt has failed for days.
const FAILING: &str = "failing";

/// What one invocation saw of one endpoint.
#[derive(Debug, Clone)]
struct Seen {
    observed: Observed,
    /// The circuit that was probed, by when it was open until.
    probed: Option<Millis>,
    /// Whether anything but news of our own was sent: the failing of such news makes no news.
    is_newsworthy: bool,
}

/// What one invocation saw.
#[derive(Debug, Default)]
pub(super) struct Sightings(BTreeMap<(String, WebhookId), Seen>);

impl Sightings {
    /// Adds an attempt. What went wrong on our own side says nothing about the endpoint.
    pub(super) fn see(&mut self, planned: &Planned, made: &Made) {
        let outcome = &made.attempt.outcome;
        if matches!(outcome, Outcome::Failed(failure) if failure.class == ErrorClass::Internal) {
            return;
        }
        let order = &planned.job.order;
        let at = made.ended_at;
        let seen =
            self.0.entry((order.org.clone(), order.webhook_id.clone())).or_insert_with(|| Seen {
                observed: Observed { at, failures: 0, succeeded: false, failure_reason: None },
                probed: None,
                is_newsworthy: false,
            });
        seen.probed = seen.probed.or(planned.pass.probes);
        seen.is_newsworthy |= !catalogue::is_operational(&order.event_type);
        let observed = &mut seen.observed;
        observed.at = observed.at.max(at);
        if made.attempt.is_success() {
            observed.succeeded = true;
            observed.failures = 0;
        } else {
            observed.failures += 1;
            observed.failure_reason = Some(match outcome {
                Outcome::Answered(answer) => format!("the receiver answered {}", answer.status),
                Outcome::Failed(failure) => failure.message.to_string(),
            });
        }
    }

    /// Adds what was seen later.
    pub(super) fn add(&mut self, later: Self) {
        for (webhook, later) in later.0 {
            let Some(seen) = self.0.get_mut(&webhook) else {
                self.0.insert(webhook, later);
                continue;
            };
            seen.probed = seen.probed.or(later.probed);
            seen.is_newsworthy |= later.is_newsworthy;
            let (one, other) = (&mut seen.observed, later.observed);
            one.at = one.at.max(other.at);
            one.failures =
                if other.succeeded { other.failures } else { one.failures + other.failures };
            one.succeeded |= other.succeeded;
            one.failure_reason = other.failure_reason.or_else(|| one.failure_reason.take());
        }
    }
}

impl DeliverWorker {
    /// Brings what is known of the endpoints up to date: at once about failures and the first
    /// success after one, else once a minute. One write unit per KB of each webhook, and as much
    /// again when a circuit opens or a webhook is disabled. Gives back the news of it.
    pub(super) async fn observe(
        &self,
        webhooks: &[Webhook],
        mut sightings: Sightings,
    ) -> Vec<Announcement> {
        let updates = webhooks.iter().filter_map(|webhook| {
            let seen = sightings.0.remove(&(webhook.org.clone(), webhook.id.clone()))?;
            is_worth_it(webhook, &seen.observed).then_some((webhook, seen))
        });
        let updates: Vec<_> = updates.collect();
        let observing = updates.iter().map(|(webhook, seen)| async {
            let news = self.observe_one(webhook, seen).await;
            news.unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(webhook_id = %webhook.id, error, "what was learned of a webhook is lost");
                vec![]
            })
        });
        join_all(observing).await.into_iter().flatten().collect()
    }

    async fn observe_one(
        &self,
        webhook: &Webhook,
        seen: &Seen,
    ) -> Result<Vec<Announcement>, StoreError> {
        let (org, id, observed) = (&webhook.org, &webhook.id, &seen.observed);
        let Some(before) = self.registrations.observe(org, id, observed).await? else {
            return Ok(vec![]);
        };
        let (was, now) = (before.health.circuit, observed.at);
        let is = was.after(observed.succeeded, observed.failures, now);
        let mut news = Vec::new();
        if observed.succeeded && was.open_until.is_some() {
            let data = json!({});
            news.push(Announcement::of_webhook(&before, "webhook.circuit_closed", data, now));
        }
        let until = now.plus(self.circuit_open_ms);
        if is.opens() {
            if self.registrations.open_circuit(org, id, None, until, 1).await? == Changed::Done {
                tracing::warn!(webhook_id = %id, org_id = org, failures = is.failures, "a circuit opened");
                let data = json!({"failure_count": is.failures, "open_until": until.rfc3339()});
                news.push(Announcement::of_webhook(&before, "webhook.circuit_opened", data, now));
            }
        } else if let (Some(open), Some(probed)) = (is.open_until, seen.probed)
            && open == probed
            && observed.failures > 0
        {
            let again = is.opened.saturating_add(1);
            self.registrations.open_circuit(org, id, Some(open), until, again).await?;
        }
        if is.is_hopeless(now)
            && self.registrations.disable(org, id, FAILING, now).await? == Changed::Done
        {
            tracing::warn!(webhook_id = %id, org_id = org, failures = is.failures, "a webhook that only fails is disabled");
            let since = is.failing_since.map(Millis::rfc3339);
            let data = json!({"reason": FAILING, "failing_since": since});
            news.push(Announcement::of_webhook(&before, "webhook.disabled", data, now));
        }
        if !seen.is_newsworthy {
            news.clear();
        }
        Ok(news)
    }
}

fn is_worth_it(webhook: &Webhook, observed: &Observed) -> bool {
    let health = &webhook.health;
    let is_stale =
        health.last_triggered_at.is_none_or(|at| observed.at.since(at) >= OBSERVE_EVERY_MS);
    observed.failures > 0
        || observed.failure_reason.is_some()
        || health.circuit.failures > 0
        || health.circuit.open_until.is_some()
        || is_stale
}
