//! What the engine learns about an endpoint, in attributes beside the user's document:
//! `failure_count`, `failing_since`, `open_until`, `opened`, `probe_until` are the circuit,
//! `pace_free` and `pace_line` the rate limit, the rest are times for people.

use aragora_core::delivery::circuit::{Circuit, OPENS_AFTER};
use aragora_core::delivery::pace::{Pace, Slot};
use aragora_core::ids::WebhookId;
use aragora_core::time::Millis;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure as OnFailure,
};

use super::{Changed, Health, Registrations, Webhook, from_item};
use crate::error::StoreError;
use crate::item::{Item, Reader, number, text};

/// What is removed when an endpoint starts with a clean slate.
pub(super) const CIRCUIT_ATTRIBUTES: &str =
    "failure_count, failing_since, open_until, opened, probe_until";
/// How often slots are asked for while others take theirs in between.
const PACE_ROUNDS: usize = 8;

/// What one invocation learned about an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// When it was last sent anything.
    pub at: Millis,
    /// Failed attempts after the last success.
    pub failures: u64,
    /// Whether any attempt succeeded.
    pub succeeded: bool,
    /// Why the last failed one did.
    pub failure_reason: Option<String>,
}

impl Registrations {
    /// Disables a webhook for a reason that is not its user's; one that is disabled or gone stays as
    /// it is. One write unit per KB.
    pub async fn disable(
        &self,
        org: &str,
        id: &WebhookId,
        reason: &str,
        now: Millis,
    ) -> Result<Changed, StoreError> {
        let set = "SET enabled = :no, disabled_reason = :reason, updated_at = :now ADD rev :one";
        let update = self
            .update(org, id, set.to_owned(), "enabled = :yes")
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":one", number(1));
        self.changed(update).await
    }

    /// Enables a webhook that is disabled for `reason`, with a closed circuit; one that is not, or
    /// is gone, stays as it is. One write unit per KB.
    pub async fn enable_again(
        &self,
        org: &str,
        id: &WebhookId,
        reason: &str,
        now: Millis,
    ) -> Result<Changed, StoreError> {
        let set = format!(
            "SET enabled = :yes, updated_at = :now REMOVE disabled_reason, {CIRCUIT_ATTRIBUTES} \
             ADD rev :one"
        );
        let update = self
            .update(org, id, set, "enabled = :no AND disabled_reason = :reason")
            .expression_attribute_values(":no", AttributeValue::Bool(false))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":reason", text(reason))
            .expression_attribute_values(":now", number(now.0))
            .expression_attribute_values(":one", number(1));
        self.changed(update).await
    }

    /// Records what an invocation learned, and gives the webhook as it was before; `None` when it
    /// is gone, which it stays. A success closes its circuit. One write unit per KB. Doing it
    /// twice counts failures twice.
    pub async fn observe(
        &self,
        org: &str,
        id: &WebhookId,
        seen: &Observed,
    ) -> Result<Option<Webhook>, StoreError> {
        let mut set = vec!["last_triggered_at = :at"];
        if seen.succeeded {
            set.push("last_success_at = :at");
        }
        if seen.failure_reason.is_some() {
            set.push("last_failure_at = :at, last_failure_reason = :reason");
        }
        let counts = match (seen.succeeded, seen.failures) {
            (true, 0) => format!(" REMOVE {CIRCUIT_ATTRIBUTES}"),
            (true, _) => {
                set.push("failure_count = :failures, failing_since = :at");
                " REMOVE open_until, opened, probe_until".to_owned()
            }
            (false, 0) => String::new(),
            (false, _) => {
                set.push("failing_since = if_not_exists(failing_since, :at)");
                " ADD failure_count :failures".to_owned()
            }
        };
        let update = self
            .update(org, id, format!("SET {}{counts}", set.join(", ")), "attribute_exists(pk)")
            .expression_attribute_values(":at", number(seen.at.0))
            .return_values(ReturnValue::AllOld);
        let update = match &seen.failure_reason {
            Some(reason) => update.expression_attribute_values(":reason", text(reason)),
            None => update,
        };
        let update = if seen.failures > 0 {
            update.expression_attribute_values(":failures", number(seen.failures))
        } else {
            update
        };
        match update.send().await {
            Ok(answer) => {
                self.dynamo.wrote(answer.consumed_capacity());
                answer.attributes.as_ref().map(from_item).transpose()
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(StoreError::from_sdk(error)),
            },
        }
    }

    /// Opens a circuit until a time, for the `opened`-th time, if it still stands at `before`: of
    /// several workers that see the same failures, one opens it. One write unit per KB.
    pub async fn open_circuit(
        &self,
        org: &str,
        id: &WebhookId,
        before: Option<Millis>,
        until: Millis,
        opened: u32,
    ) -> Result<Changed, StoreError> {
        // A success in between has taken the failures away.
        let condition = match before {
            None => "attribute_not_exists(open_until) AND failure_count >= :least",
            Some(_) => "open_until = :before",
        };
        let set = "SET open_until = :until, opened = :opened REMOVE probe_until".to_owned();
        let update = self
            .update(org, id, set, condition)
            .expression_attribute_values(":until", number(until.0))
            .expression_attribute_values(":opened", number(opened));
        let update = match before {
            Some(before) => update.expression_attribute_values(":before", number(before.0)),
            None => update.expression_attribute_values(":least", number(OPENS_AFTER)),
        };
        self.changed(update).await
    }

    /// Claims the one probe of a circuit that was open until `open_until`; `Outdated` when
    /// somebody else has it. It lapses at `until`. One write unit per KB.
    pub async fn claim_probe(
        &self,
        org: &str,
        id: &WebhookId,
        open_until: Millis,
        until: Millis,
        now: Millis,
    ) -> Result<Changed, StoreError> {
        let condition =
            "open_until = :open AND (attribute_not_exists(probe_until) OR probe_until <= :now)";
        let update = self
            .update(org, id, "SET probe_until = :until".to_owned(), condition)
            .expression_attribute_values(":open", number(open_until.0))
            .expression_attribute_values(":until", number(until.0))
            .expression_attribute_values(":now", number(now.0));
        self.changed(update).await
    }

    /// Takes slots for `wanted` deliveries at a webhook's pace, `per_second`. `seen` is the pace
    /// as it was read, however long ago. One write unit per KB, and as much again for each time
    /// that somebody else was faster. `None` when somebody always was, or the webhook is gone.
    pub async fn take_slots(
        &self,
        webhook: &Webhook,
        per_second: f64,
        wanted: usize,
        now: Millis,
    ) -> Result<Option<Vec<Slot>>, StoreError> {
        let mut seen = webhook.health.pace;
        for _ in 0..PACE_ROUNDS {
            let (next, slots) = seen.take(per_second, wanted, now);
            let condition = if seen == Pace::default() {
                "attribute_exists(pk) AND attribute_not_exists(pace_free)"
            } else {
                "pace_free = :seen AND pace_line = :seen_line"
            };
            let set = "SET pace_free = :free, pace_line = :line".to_owned();
            let update = self
                .update(&webhook.org, &webhook.id, set, condition)
                .expression_attribute_values(":free", number(next.free_at_us))
                .expression_attribute_values(":line", number(next.line_until_us))
                .return_values_on_condition_check_failure(OnFailure::AllOld);
            let update = if seen == Pace::default() {
                update
            } else {
                update
                    .expression_attribute_values(":seen", number(seen.free_at_us))
                    .expression_attribute_values(":seen_line", number(seen.line_until_us))
            };
            match update.send().await {
                Ok(answer) => {
                    self.dynamo.wrote(answer.consumed_capacity());
                    return Ok(Some(slots));
                }
                Err(error) => match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                        let Some(item) = &refused.item else { return Ok(None) };
                        seen = read_pace(item);
                    }
                    _ => return Err(StoreError::from_sdk(error)),
                },
            }
        }
        Ok(None)
    }
}

pub(super) fn read(item: &Item) -> Health {
    let read = Reader(item);
    let time = |name| read.maybe_number(name).map(Millis);
    Health {
        circuit: Circuit {
            failures: read.maybe_number("failure_count").unwrap_or_default(),
            failing_since: time("failing_since"),
            open_until: time("open_until"),
            opened: read.maybe_number("opened").unwrap_or_default(),
            probe_until: time("probe_until"),
        },
        pace: read_pace(item),
        last_triggered_at: time("last_triggered_at"),
        last_success_at: time("last_success_at"),
        last_failure_at: time("last_failure_at"),
        last_failure_reason: read.maybe_text("last_failure_reason").map(ToOwned::to_owned),
    }
}

fn read_pace(item: &Item) -> Pace {
    let read = Reader(item);
    Pace {
        free_at_us: read.maybe_number("pace_free").unwrap_or_default(),
        line_until_us: read.maybe_number("pace_line").unwrap_or_default(),
    }
}
