//! The rows of the specification's table, one by one, and what no row may ever do.

use proptest::prelude::*;

use super::*;

const NOW: Millis = Millis(1_000_000);

fn policy() -> RetryPolicy {
    RetryPolicy { max_retries: 2, ..RetryPolicy::default() }
}

fn lease(id: &str, until: i64) -> Lease {
    Lease { id: id.into(), until: Millis(until) }
}

fn delivery(status: Status, generation: u32, attempts: u32) -> Delivery {
    Delivery { status, generation, attempts, ..Delivery::pending() }
}

fn in_progress(attempts: u32, until: i64) -> Delivery {
    Delivery { lease: Some(lease("a", until)), ..delivery(Status::InProgress, 0, attempts) }
}

fn retrying(attempts: u32, due: i64) -> Delivery {
    Delivery { next_attempt_at: Some(Millis(due)), ..delivery(Status::Retrying, 0, attempts) }
}

fn received(order: Order, generation: u32, endpoint: Endpoint) -> Happening {
    Happening::Received { order, generation, endpoint, lease: lease("b", NOW.0 + 40_000) }
}

fn answered(lease_id: &str, answer: Answer) -> Happening {
    Happening::Answered { lease_id: lease_id.into(), generation: 0, answer }
}

fn step(from: &Delivery, happening: &Happening) -> Step {
    from.step(happening, &policy(), NOW, 0.0)
}

fn moved(from: &Delivery, happening: &Happening) -> (Delivery, Vec<Effect>) {
    match step(from, happening) {
        Step::Move(transition) => (transition.next, transition.effects),
        other => panic!("{from:?} on {happening:?} gave {other:?}"),
    }
}

fn ignored(from: &Delivery, happening: &Happening) -> Ignored {
    match step(from, happening) {
        Step::Ignore(why) => why,
        other => panic!("{from:?} on {happening:?} gave {other:?}"),
    }
}

#[test]
fn a_due_delivery_is_claimed_and_the_attempt_counted() {
    for from in [Delivery::pending(), retrying(1, NOW.0), retrying(1, NOW.0 + CLOCK_SKEW_MS)] {
        let (next, effects) = moved(&from, &received(Order::Attempt, 0, Endpoint::Ready));
        assert_eq!((next.status, next.attempts), (Status::InProgress, from.attempts + 1));
        assert_eq!(next.lease, Some(lease("b", NOW.0 + 40_000)));
        assert_eq!(effects, [Effect::Send]);
    }
}

#[test]
fn a_second_worker_loses() {
    let attempt = received(Order::Attempt, 0, Endpoint::Ready);
    assert_eq!(ignored(&in_progress(1, NOW.0 + 1), &attempt), Ignored::Leased);
    assert_eq!(ignored(&retrying(1, NOW.0 + 60_000), &attempt), Ignored::NotDue);
    assert_eq!(ignored(&delivery(Status::Delivered, 0, 1), &attempt), Ignored::Finished);
    assert_eq!(ignored(&delivery(Status::DeadLettered, 0, 3), &attempt), Ignored::Finished);
}

#[test]
fn nothing_is_sent_to_a_webhook_that_is_gone_or_off() {
    for (endpoint, reason) in [
        (Endpoint::Deleted, Reason::WebhookDeleted),
        (Endpoint::Disabled, Reason::WebhookDisabled),
        (Endpoint::EventExpired, Reason::EventExpired),
    ] {
        for from in [Delivery::pending(), retrying(1, NOW.0)] {
            let (next, effects) = moved(&from, &received(Order::Attempt, 0, endpoint));
            assert_eq!(
                (next.status, next.reason, next.attempts),
                (Status::DeadLettered, Some(reason), from.attempts)
            );
            assert_eq!(effects, [Effect::DeadLetter]);
        }
    }
}

#[test]
fn an_answer_decides_what_becomes_of_an_attempt() {
    let sending = in_progress(1, NOW.0 + 1);
    assert_eq!(
        moved(&sending, &answered("a", Answer::Success)),
        (delivery(Status::Delivered, 0, 1), vec![])
    );

    let due = Millis(NOW.0 + 1_000);
    let failure = Answer::Failure { retry_after_ms: None };
    assert_eq!(
        moved(&sending, &answered("a", failure)),
        (retrying(1, due.0), vec![Effect::Queue(due)])
    );

    let asked = Answer::Failure { retry_after_ms: Some(90_000) };
    let due = Millis(NOW.0 + 90_000);
    assert_eq!(
        moved(&sending, &answered("a", asked)),
        (retrying(1, due.0), vec![Effect::Queue(due)])
    );

    let (next, effects) = moved(&in_progress(3, NOW.0 + 1), &answered("a", failure));
    assert_eq!((next.status, next.reason), (Status::DeadLettered, Some(Reason::Exhausted)));
    assert_eq!(effects, [Effect::DeadLetter]);

    let (next, effects) = moved(&sending, &answered("a", Answer::Gone));
    assert_eq!((next.status, next.reason), (Status::DeadLettered, Some(Reason::Gone)));
    assert_eq!(effects, [Effect::DisableWebhook, Effect::DeadLetter]);
}

#[test]
fn an_answer_after_the_lease_only_counts_when_it_is_good_news() {
    let exhausted =
        Delivery { reason: Some(Reason::Exhausted), ..delivery(Status::DeadLettered, 0, 3) };
    for from in [in_progress(2, NOW.0 + 1), retrying(1, NOW.0 + 9), exhausted] {
        assert_eq!(
            ignored(&from, &answered("old", Answer::Failure { retry_after_ms: None })),
            Ignored::LeaseLost
        );
        assert_eq!(ignored(&from, &answered("old", Answer::Gone)), Ignored::LeaseLost);
        assert_eq!(moved(&from, &answered("old", Answer::Success)).0.status, Status::Delivered);
    }
    for from in [
        delivery(Status::DeadLettered, 0, 3),
        delivery(Status::Delivered, 0, 1),
        delivery(Status::Retrying, 1, 1),
    ] {
        assert_eq!(ignored(&from, &answered("old", Answer::Success)), Ignored::LeaseLost);
    }
}

#[test]
fn an_ended_lease_is_a_failed_attempt() {
    for happening in [Happening::Swept, received(Order::Attempt, 0, Endpoint::Ready)] {
        let (next, effects) = moved(&in_progress(1, NOW.0), &happening);
        assert_eq!((next.status, next.attempts, next.lease.clone()), (Status::Retrying, 1, None));
        assert_eq!(effects, [Effect::Queue(Millis(NOW.0 + 1_000))]);

        let (next, effects) = moved(&in_progress(3, NOW.0), &happening);
        assert_eq!((next.status, effects), (Status::DeadLettered, vec![Effect::DeadLetter]));
    }
    assert_eq!(ignored(&in_progress(1, NOW.0 + 1), &Happening::Swept), Ignored::Sound);
}

#[test]
fn the_sweep_repeats_what_may_have_been_lost() {
    assert_eq!(
        step(&Delivery::pending(), &Happening::Swept),
        Step::Repeat(vec![Effect::Queue(NOW)])
    );
    assert_eq!(
        step(&retrying(1, NOW.0 - 9), &Happening::Swept),
        Step::Repeat(vec![Effect::Queue(NOW)])
    );
    let later = Millis(NOW.0 + 9_000);
    assert_eq!(
        step(&retrying(1, later.0), &Happening::Swept),
        Step::Repeat(vec![Effect::Queue(later)])
    );
    assert_eq!(
        step(&delivery(Status::DeadLettered, 0, 3), &Happening::Swept),
        Step::Repeat(vec![Effect::DeadLetter])
    );
    let gone = Delivery { reason: Some(Reason::Gone), ..delivery(Status::DeadLettered, 0, 1) };
    let both = vec![Effect::DisableWebhook, Effect::DeadLetter];
    assert_eq!(step(&gone, &Happening::Swept), Step::Repeat(both));
    assert_eq!(ignored(&delivery(Status::Delivered, 0, 1), &Happening::Swept), Ignored::Sound);
}

#[test]
fn a_redrive_starts_a_new_generation_once() {
    let dead = delivery(Status::DeadLettered, 0, 3);
    let (next, effects) = moved(&dead, &received(Order::Redrive, 0, Endpoint::Ready));
    assert_eq!((next.status, next.generation, next.attempts), (Status::InProgress, 1, 1));
    assert_eq!((next.restarted_at, next.recovering), (Some(NOW), true));
    assert_eq!(effects, [Effect::Send, Effect::StrikeDeadLetter]);
    assert_eq!(
        ignored(&next, &received(Order::Redrive, 0, Endpoint::Ready)),
        Ignored::OldGeneration
    );

    let (still_dead, effects) = moved(&dead, &received(Order::Redrive, 0, Endpoint::Disabled));
    assert_eq!(
        (still_dead.status, still_dead.generation, still_dead.attempts),
        (Status::DeadLettered, 1, 0)
    );
    assert_eq!(effects, [Effect::DeadLetter]);
}

#[test]
fn only_what_is_finished_can_be_retried_by_hand() {
    let again = |recovering| Delivery {
        restarted_at: Some(NOW),
        recovering,
        ..delivery(Status::Pending, 5, 0)
    };
    assert_eq!(
        moved(&delivery(Status::DeadLettered, 4, 3), &Happening::RetryAsked),
        (again(true), vec![Effect::Queue(NOW), Effect::StrikeDeadLetter])
    );
    let delivered = Delivery { recovering: true, ..delivery(Status::Delivered, 4, 1) };
    assert_eq!(moved(&delivered, &Happening::RetryAsked), (again(false), vec![Effect::Queue(NOW)]));
    for from in [Delivery::pending(), in_progress(1, NOW.0 - 5), retrying(1, NOW.0)] {
        assert_eq!(ignored(&from, &Happening::RetryAsked), Ignored::UnderWay);
    }
}

#[test]
fn what_is_held_back_consumes_nothing_until_it_is_a_day_old() {
    let until = NOW.plus(7_000);
    let held = |age: i64| Endpoint::Held { until, accepted_at: NOW.plus(-age) };
    for from in [Delivery::pending(), retrying(2, NOW.0)] {
        let young = received(Order::Attempt, 0, held(LONGEST_HELD_MS - 1));
        let (next, effects) = moved(&from, &young);
        assert_eq!((next, effects), (retrying(from.attempts, until.0), vec![Effect::Queue(until)]));

        let old = received(Order::Attempt, 0, held(LONGEST_HELD_MS));
        let (next, effects) = moved(&from, &old);
        assert_eq!((next.reason, effects), (Some(Reason::HeldTooLong), vec![Effect::DeadLetter]));
    }
    let dead = delivery(Status::DeadLettered, 0, 3);
    let (next, effects) = moved(&dead, &received(Order::Redrive, 0, held(9 * LONGEST_HELD_MS)));
    assert_eq!((next.status, next.generation), (Status::Retrying, 1), "its age starts again");
    assert_eq!(effects, [Effect::Queue(until), Effect::StrikeDeadLetter]);
}

#[test]
fn a_lowered_budget_counts_at_once() {
    let (next, effects) = moved(&retrying(3, NOW.0), &received(Order::Attempt, 0, Endpoint::Ready));
    assert_eq!((next.reason, next.attempts), (Some(Reason::Exhausted), 3));
    assert_eq!(effects, [Effect::DeadLetter]);
}

#[test]
fn a_recovery_is_announced_and_found_again() {
    let sending = Delivery { recovering: true, ..in_progress(1, NOW.0 + 1) };
    let (next, effects) = moved(&sending, &answered("a", Answer::Success));
    assert_eq!((next.status, effects), (Status::Delivered, vec![Effect::AnnounceRecovery]));
    assert_eq!(step(&next, &Happening::Swept), Step::Repeat(vec![Effect::AnnounceRecovery]));
    let exhausted =
        Delivery { reason: Some(Reason::Exhausted), ..delivery(Status::DeadLettered, 0, 3) };
    let (_, effects) = moved(&exhausted, &answered("late", Answer::Success));
    assert_eq!(effects, [Effect::StrikeDeadLetter]);
}

#[test]
fn a_deleted_dead_letter_cannot_be_redriven() {
    let dead = Delivery { reason: Some(Reason::Gone), ..delivery(Status::DeadLettered, 2, 3) };
    let (next, effects) = moved(&dead, &Happening::Discarded);
    assert_eq!((next.status, next.generation), (Status::DeadLettered, 3));
    assert_eq!((next.reason, effects), (Some(Reason::Discarded), vec![Effect::StrikeDeadLetter]));
    let redrive = received(Order::Redrive, 2, Endpoint::Ready);
    assert_eq!(ignored(&next, &redrive), Ignored::OldGeneration);
    assert_eq!(ignored(&next, &Happening::Swept), Ignored::Sound);
    let strike = Step::Repeat(vec![Effect::StrikeDeadLetter]);
    assert_eq!(step(&next, &Happening::Discarded), strike);
    for from in [Delivery::pending(), in_progress(1, NOW.0), retrying(1, NOW.0)] {
        assert_eq!(ignored(&from, &Happening::Discarded), Ignored::UnderWay);
    }
    let delivered = delivery(Status::Delivered, 0, 1);
    assert_eq!(ignored(&delivered, &Happening::Discarded), Ignored::Finished);
}

fn any_delivery() -> impl Strategy<Value = Delivery> {
    let status = prop_oneof![
        Just(Status::Pending),
        Just(Status::InProgress),
        Just(Status::Delivered),
        Just(Status::Retrying),
        Just(Status::DeadLettered)
    ];
    (status, 0_u32..3, 0_u32..4, -5_i64..5).prop_map(|(status, generation, attempts, at)| {
        Delivery {
            lease: (status == Status::InProgress).then(|| lease("a", NOW.0 + at)),
            next_attempt_at: (status == Status::Retrying).then_some(Millis(NOW.0 + at * 1_000)),
            // A claim is only made from a state with budget left; the machine keeps it so.
            attempts: if matches!(status, Status::Pending | Status::Retrying) {
                attempts.min(2)
            } else {
                attempts.min(3)
            },
            ..delivery(status, generation, attempts)
        }
    })
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let endpoint = prop_oneof![
        Just(Endpoint::Ready),
        Just(Endpoint::Disabled),
        Just(Endpoint::Deleted),
        (0_i64..2).prop_map(|days| Endpoint::Held {
            until: NOW.plus(1),
            accepted_at: NOW.plus(-days * LONGEST_HELD_MS),
        }),
    ];
    let order = prop_oneof![Just(Order::Attempt), Just(Order::Redrive)];
    let answer = prop_oneof![
        Just(Answer::Success),
        Just(Answer::Gone),
        Just(Answer::Failure { retry_after_ms: None }),
        Just(Answer::Failure { retry_after_ms: Some(i64::MAX) })
    ];
    prop_oneof![
        (order, 0_u32..3, endpoint)
            .prop_map(|(order, generation, endpoint)| received(order, generation, endpoint)),
        (prop_oneof![Just("a"), Just("x")], 0_u32..3, answer).prop_map(
            |(id, generation, answer)| {
                Happening::Answered { lease_id: id.into(), generation, answer }
            }
        ),
        Just(Happening::Swept),
        Just(Happening::RetryAsked),
        Just(Happening::Discarded),
    ]
}

proptest! {
    #[test]
    fn no_step_breaks_the_machines_promises(from in any_delivery(), happening in any_happening()) {
        if let Step::Move(Transition { next, effects }) = step(&from, &happening) {
            prop_assert!(next.attempts <= policy().max_attempts(), "the budget is never exceeded");
            prop_assert!(next.generation >= from.generation);
            prop_assert_eq!(next.lease.is_some(), next.status == Status::InProgress);
            prop_assert_eq!(next.next_attempt_at.is_some(), next.status == Status::Retrying);
            prop_assert_eq!(next.reason.is_some(), next.status == Status::DeadLettered);
            prop_assert_eq!(effects.contains(&Effect::Send), next.status == Status::InProgress);
            let kept = next.status == Status::DeadLettered && next.reason != Some(Reason::Discarded);
            prop_assert_eq!(effects.contains(&Effect::DeadLetter), kept);
            let off = effects.contains(&Effect::StrikeDeadLetter);
            prop_assert_eq!(off, from.status == Status::DeadLettered && !kept);
            let waits = matches!(next.status, Status::Pending | Status::Retrying);
            prop_assert_eq!(effects.iter().any(|effect| matches!(effect, Effect::Queue(_))), waits);
            if from.status == Status::Delivered {
                prop_assert!(next.generation > from.generation, "delivered only ends by a new generation");
            }
        }
    }
}
