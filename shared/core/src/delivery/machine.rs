//! The delivery state machine: `(state, happening, policy, now) -> (state, effects)`.
//!
//! Everything that decides what becomes of a delivery is here; nothing here reads, sends, waits
//! or looks at a clock. Callers write the new state under a condition on the old one and only
//! then carry out the effects, so a crash between the two leaves a state from which the sweep
//! finds the effect again. Source: the table in `webhook-delivery.md`, States.

use super::policy::RetryPolicy;
use super::vocabulary::{
    Answer, Delivery, Effect, Endpoint, Happening, Ignored, Lease, Order, Reason, Status, Step,
    Transition,
};
use crate::time::Millis;

/// How far a worker's clock may be behind the one that set a due time. A message that arrives
/// this little before its time counts as due: turned away, it would wait for the sweep.
pub const CLOCK_SKEW_MS: i64 = 500;
/// How old a generation may become while it is held back: 24 hours, then it is given up.
pub const LONGEST_HELD_MS: i64 = 24 * 3_600 * 1_000;

impl Delivery {
    /// A delivery that was matched and queued, and of which nothing is stored yet.
    pub const fn pending() -> Self {
        Self {
            status: Status::Pending,
            generation: 0,
            attempts: 0,
            lease: None,
            next_attempt_at: None,
            reason: None,
            restarted_at: None,
            recovering: false,
        }
    }

    /// Whether it was given up and can be sent again: not when its dead letter was deleted.
    pub fn is_dead_letter(&self) -> bool {
        self.status == Status::DeadLettered && self.reason != Some(Reason::Discarded)
    }

    /// What `happening` at `now` leads to under `policy`. `jitter` (0 to 1) spreads retries.
    pub fn step(
        &self,
        happening: &Happening,
        policy: &RetryPolicy,
        now: Millis,
        jitter: f64,
    ) -> Step {
        match happening {
            Happening::Received { order, generation, endpoint, lease } => {
                self.received(*order, *generation, *endpoint, lease, policy, now, jitter)
            }
            Happening::Answered { lease_id, generation, answer } => {
                self.answered(lease_id, *generation, *answer, policy, now, jitter)
            }
            Happening::Swept => self.swept(policy, now, jitter),
            Happening::RetryAsked => match self.status {
                Status::Delivered => Self::moved(self.started_again(now), vec![Effect::Queue(now)]),
                Status::DeadLettered => Self::moved(
                    self.started_again(now),
                    vec![Effect::Queue(now), Effect::StrikeDeadLetter],
                ),
                Status::Pending | Status::InProgress | Status::Retrying => {
                    Step::Ignore(Ignored::UnderWay)
                }
            },
            Happening::Discarded => self.discarded(),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the fields of one happening, and what every rule is given"
    )]
    fn received(
        &self,
        order: Order,
        generation: u32,
        endpoint: Endpoint,
        lease: &Lease,
        policy: &RetryPolicy,
        now: Millis,
        jitter: f64,
    ) -> Step {
        if generation != self.generation {
            return Step::Ignore(Ignored::OldGeneration);
        }
        match (self.status, order) {
            (Status::Delivered, _) | (Status::DeadLettered, Order::Attempt) => {
                Step::Ignore(Ignored::Finished)
            }
            (Status::DeadLettered, Order::Redrive) => {
                let step = self.started_again(now).claimed(endpoint, lease, policy, now);
                Self::off_the_list(step)
            }
            (Status::InProgress, _) if self.lease_has_ended(now) => {
                self.lease_expired(policy, now, jitter)
            }
            (Status::InProgress, _) => Step::Ignore(Ignored::Leased),
            (Status::Retrying, _) if !self.is_due(now) => Step::Ignore(Ignored::NotDue),
            (Status::Pending | Status::Retrying, _) => self.claimed(endpoint, lease, policy, now),
        }
    }

    fn claimed(
        &self,
        endpoint: Endpoint,
        lease: &Lease,
        policy: &RetryPolicy,
        now: Millis,
    ) -> Step {
        let given_up = |reason| Self::moved(self.given_up(reason), vec![Effect::DeadLetter]);
        match endpoint {
            Endpoint::Held { accepted_at, .. }
                if now.since(self.restarted_at.unwrap_or(accepted_at)) >= LONGEST_HELD_MS =>
            {
                given_up(Reason::HeldTooLong)
            }
            Endpoint::Held { until, .. } => {
                let due = until.max(now);
                let next =
                    Self { status: Status::Retrying, next_attempt_at: Some(due), ..self.cleared() };
                Self::moved(next, vec![Effect::Queue(due)])
            }
            // The policy may have been lowered since the last attempt.
            Endpoint::Ready if self.attempts >= policy.max_attempts() => {
                given_up(Reason::Exhausted)
            }
            Endpoint::Deleted => given_up(Reason::WebhookDeleted),
            Endpoint::Disabled => given_up(Reason::WebhookDisabled),
            Endpoint::EventExpired => given_up(Reason::EventExpired),
            Endpoint::Ready => Self::moved(
                Self {
                    status: Status::InProgress,
                    attempts: self.attempts.saturating_add(1),
                    lease: Some(lease.clone()),
                    ..self.cleared()
                },
                vec![Effect::Send],
            ),
        }
    }

    fn answered(
        &self,
        lease_id: &str,
        generation: u32,
        answer: Answer,
        policy: &RetryPolicy,
        now: Millis,
        jitter: f64,
    ) -> Step {
        let holds_lease = self.status == Status::InProgress
            && self.lease.as_ref().is_some_and(|it| it.id == lease_id);
        // The receiver has it, whoever's lease that was: recording it spares a needless repeat.
        let late_success = generation == self.generation
            && answer == Answer::Success
            && (matches!(self.status, Status::InProgress | Status::Retrying)
                || self.reason == Some(Reason::Exhausted));
        if !holds_lease && !late_success {
            return Step::Ignore(Ignored::LeaseLost);
        }
        match answer {
            Answer::Success => {
                let mut effects = Vec::new();
                if self.recovering {
                    effects.push(Effect::AnnounceRecovery);
                }
                // A late success: in the meantime it had been given up.
                if self.status == Status::DeadLettered {
                    effects.push(Effect::StrikeDeadLetter);
                }
                Self::moved(Self { status: Status::Delivered, ..self.cleared() }, effects)
            }
            Answer::Gone => Self::moved(
                self.given_up(Reason::Gone),
                vec![Effect::DisableWebhook, Effect::DeadLetter],
            ),
            Answer::Failure { retry_after_ms } => self.failed(policy, now, jitter, retry_after_ms),
        }
    }

    fn swept(&self, policy: &RetryPolicy, now: Millis, jitter: f64) -> Step {
        match self.status {
            Status::InProgress if self.lease_has_ended(now) => {
                self.lease_expired(policy, now, jitter)
            }
            Status::Pending => Step::Repeat(vec![Effect::Queue(now)]),
            Status::Retrying => {
                Step::Repeat(vec![Effect::Queue(self.next_attempt_at.unwrap_or(now).max(now))])
            }
            // Its worker may have died between the record and the queue. A second order on the
            // dead-letter queue does no harm: the first to be redriven ends the generation.
            Status::DeadLettered if self.reason == Some(Reason::Gone) => {
                Step::Repeat(vec![Effect::DisableWebhook, Effect::DeadLetter])
            }
            Status::DeadLettered if self.reason == Some(Reason::Discarded) => {
                Step::Ignore(Ignored::Sound)
            }
            Status::DeadLettered => Step::Repeat(vec![Effect::DeadLetter]),
            Status::Delivered if self.recovering => Step::Repeat(vec![Effect::AnnounceRecovery]),
            Status::InProgress | Status::Delivered => Step::Ignore(Ignored::Sound),
        }
    }

    /// The worker died with the attempt begun: it stays counted, since it may have been sent.
    fn lease_expired(&self, policy: &RetryPolicy, now: Millis, jitter: f64) -> Step {
        self.failed(policy, now, jitter, None)
    }

    fn failed(
        &self,
        policy: &RetryPolicy,
        now: Millis,
        jitter: f64,
        retry_after_ms: Option<i64>,
    ) -> Step {
        if self.attempts >= policy.max_attempts() {
            return Self::moved(self.given_up(Reason::Exhausted), vec![Effect::DeadLetter]);
        }
        let due = now.plus(policy.delay_ms(self.attempts, jitter, retry_after_ms));
        let next = Self { status: Status::Retrying, next_attempt_at: Some(due), ..self.cleared() };
        Self::moved(next, vec![Effect::Queue(due)])
    }

    /// A dead letter that was deleted: the next generation, so that its order on the dead-letter
    /// queue, whenever it comes back, is an old one.
    fn discarded(&self) -> Step {
        match self.status {
            Status::DeadLettered if self.reason == Some(Reason::Discarded) => {
                Step::Repeat(vec![Effect::StrikeDeadLetter])
            }
            Status::DeadLettered => Self::moved(
                Self {
                    generation: self.generation.saturating_add(1),
                    ..self.given_up(Reason::Discarded)
                },
                vec![Effect::StrikeDeadLetter],
            ),
            Status::Delivered => Step::Ignore(Ignored::Finished),
            Status::Pending | Status::InProgress | Status::Retrying => {
                Step::Ignore(Ignored::UnderWay)
            }
        }
    }

    /// A redriven dead letter leaves the list, unless it is given up again in the same step.
    fn off_the_list(step: Step) -> Step {
        match step {
            Step::Move(mut transition) if !transition.effects.contains(&Effect::DeadLetter) => {
                transition.effects.push(Effect::StrikeDeadLetter);
                Step::Move(transition)
            }
            step => step,
        }
    }

    fn started_again(&self, now: Millis) -> Self {
        Self {
            generation: self.generation.saturating_add(1),
            restarted_at: Some(now),
            recovering: self.status == Status::DeadLettered,
            ..Self::pending()
        }
    }

    fn given_up(&self, reason: Reason) -> Self {
        Self { status: Status::DeadLettered, reason: Some(reason), ..self.cleared() }
    }

    /// The same generation and attempts, with nothing of what only belongs to one status.
    fn cleared(&self) -> Self {
        Self { lease: None, next_attempt_at: None, reason: None, ..self.clone() }
    }

    fn lease_has_ended(&self, now: Millis) -> bool {
        self.lease.as_ref().is_none_or(|lease| lease.until <= now)
    }

    fn is_due(&self, now: Millis) -> bool {
        self.next_attempt_at.is_none_or(|due| due <= now.plus(CLOCK_SKEW_MS))
    }

    const fn moved(next: Self, effects: Vec<Effect>) -> Step {
        Step::Move(Transition { next, effects })
    }
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
