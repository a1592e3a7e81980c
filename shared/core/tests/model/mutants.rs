//! The state machine with one mistake each: what each property is worth is that these break it.

use aragora_core::delivery::{
    Answer, Delivery, Effect, Happening, Ignored, Order, RetryPolicy, Status, Step,
};
use aragora_core::time::Millis;

/// The machine as it is.
pub(crate) fn real(
    from: &Delivery,
    happening: &Happening,
    policy: &RetryPolicy,
    now: Millis,
    jitter: f64,
) -> Step {
    from.step(happening, policy, now, jitter)
}

/// P1: the sweep does not see that a lease has ended.
pub(crate) fn sweep_ignores_ended_leases(
    from: &Delivery,
    happening: &Happening,
    policy: &RetryPolicy,
    now: Millis,
    jitter: f64,
) -> Step {
    match (from.status, happening) {
        (Status::InProgress, Happening::Swept) => Step::Ignore(Ignored::Sound),
        _ => real(from, happening, policy, now, jitter),
    }
}

/// P1: the sweep does not queue an overdue retry.
pub(crate) fn sweep_ignores_retries(
    from: &Delivery,
    happening: &Happening,
    policy: &RetryPolicy,
    now: Millis,
    jitter: f64,
) -> Step {
    match (from.status, happening) {
        (Status::Retrying, Happening::Swept) => Step::Ignore(Ignored::Sound),
        _ => real(from, happening, policy, now, jitter),
    }
}

/// P2: a message claims what is delivered already.
pub(crate) fn claims_what_is_delivered(
    from: &Delivery,
    happening: &Happening,
    policy: &RetryPolicy,
    now: Millis,
    jitter: f64,
) -> Step {
    match (from.status, happening) {
        (Status::Delivered, Happening::Received { order: Order::Attempt, .. }) => {
            let pending = Delivery { status: Status::Pending, ..from.clone() };
            real(&pending, happening, policy, now, jitter)
        }
        _ => real(from, happening, policy, now, jitter),
    }
}

/// P2: an answer of 2xx is recorded as a failure.
pub(crate) fn takes_success_for_failure(
    from: &Delivery,
    happening: &Happening,
    policy: &RetryPolicy,
    now: Millis,
    jitter: f64,
) -> Step {
    match happening {
        Happening::Answered { lease_id, generation, answer: Answer::Success } => {
            let failure = Happening::Answered {
                lease_id: lease_id.clone(),
                generation: *generation,
                answer: Answer::Failure { retry_after_ms: None },
            };
            real(from, &failure, policy, now, jitter)
        }
        _ => real(from, happening, policy, now, jitter),
    }
}

/// P3: a message claims what another worker is sending.
pub(crate) fn claims_under_a_running_lease(
    from: &Delivery,
    happening: &Happening,
    policy: &RetryPolicy,
    now: Millis,
    jitter: f64,
) -> Step {
    match (from.status, happening) {
        (Status::InProgress, Happening::Received { order: Order::Attempt, .. }) => {
            let pending = Delivery { status: Status::Pending, ..from.clone() };
            real(&pending, happening, policy, now, jitter)
        }
        _ => real(from, happening, policy, now, jitter),
    }
}

/// P4: a claim does not count its attempt.
pub(crate) fn claim_does_not_count(
    from: &Delivery,
    happening: &Happening,
    policy: &RetryPolicy,
    now: Millis,
    jitter: f64,
) -> Step {
    match real(from, happening, policy, now, jitter) {
        Step::Move(mut transition) if transition.effects.contains(&Effect::Send) => {
            transition.next.attempts = from.attempts;
            Step::Move(transition)
        }
        step => step,
    }
}

/// P5: what is given up gets no order on the dead-letter queue, and no place on the list.
pub(crate) fn gives_up_silently(
    from: &Delivery,
    happening: &Happening,
    policy: &RetryPolicy,
    now: Millis,
    jitter: f64,
) -> Step {
    match real(from, happening, policy, now, jitter) {
        Step::Move(mut transition) => {
            transition.effects.retain(|effect| *effect != Effect::DeadLetter);
            Step::Move(transition)
        }
        step => step,
    }
}

/// P5: the sweep does not repeat a dead letter.
pub(crate) fn sweep_ignores_dead_letters(
    from: &Delivery,
    happening: &Happening,
    policy: &RetryPolicy,
    now: Millis,
    jitter: f64,
) -> Step {
    match (from.status, happening) {
        (Status::DeadLettered, Happening::Swept) => Step::Ignore(Ignored::Sound),
        _ => real(from, happening, policy, now, jitter),
    }
}
