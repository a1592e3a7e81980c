//! What an attempt came to, for the state machine and for the receipt.

use aragora_core::delivery::{Answer, AttemptRecord, Receipt, Status, Trigger};
use aragora_core::time::Millis;
use time::PrimitiveDateTime;
use time::macros::format_description;

use crate::sender::{Attempt, Outcome};

/// 410: the receiver wants nothing more.
const GONE: u16 = 410;
/// The statuses whose `Retry-After` counts.
const PACED: [u16; 2] = [429, 503];

/// What the state machine is told. `gone_disables` is the profile's.
pub fn answer(attempt: &Attempt, gone_disables: bool, now: Millis) -> Answer {
    match &attempt.outcome {
        _ if attempt.is_success() => Answer::Success,
        Outcome::Answered(answer) if answer.status == GONE && gone_disables => Answer::Gone,
        Outcome::Answered(answer) if PACED.contains(&answer.status) => Answer::Failure {
            retry_after_ms: answer.retry_after.as_deref().and_then(|text| retry_after(text, now)),
        },
        Outcome::Answered(_) | Outcome::Failed(_) => Answer::Failure { retry_after_ms: None },
    }
}

/// Milliseconds that a `Retry-After` asks for: seconds, or an HTTP date (RFC 9110, section
/// 10.2.3, the preferred form). `None` for anything else.
fn retry_after(text: &str, now: Millis) -> Option<i64> {
    if !text.trim().is_empty() && text.trim().bytes().all(|digit| digit.is_ascii_digit()) {
        // More digits than fit are a long time too; the policy clamps it.
        return Some(text.trim().parse::<i64>().unwrap_or(i64::MAX).saturating_mul(1_000));
    }
    let format = format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let at = PrimitiveDateTime::parse(text.trim(), &format).ok()?.assume_utc();
    Some(Millis(at.unix_timestamp().checked_mul(1_000)?).since(now))
}

/// Why an attempt failed, for people; `None` when it did not.
pub fn error_message(attempt: &Attempt) -> Option<String> {
    match &attempt.outcome {
        _ if attempt.is_success() => None,
        Outcome::Answered(answer) => Some(format!("the receiver answered {}", answer.status)),
        Outcome::Failed(failure) => Some(failure.message.to_string()),
    }
}

/// Writes what an attempt came to into its receipt, whose state has been moved on already.
pub fn record(
    receipt: &mut Receipt,
    attempt: &Attempt,
    begun_at: Millis,
    trigger: Trigger,
    now: Millis,
) {
    let (error, excerpt) = match &attempt.outcome {
        Outcome::Answered(answer) => {
            ((!attempt.is_success()).then(|| "status".to_owned()), answer.excerpt.clone())
        }
        Outcome::Failed(failure) => (Some(failure.class.as_str().to_owned()), None),
    };
    receipt.record(AttemptRecord {
        at: begun_at,
        http_status: attempt.status(),
        latency_ms: attempt.latency_ms,
        error,
        trigger,
    });
    receipt.error_message = error_message(attempt);
    receipt.response_body = excerpt;
    receipt.delivered_at = (receipt.state.status == Status::Delivered).then_some(now);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sender::{Answer as Received, ErrorClass, Failure};

    const NOW: Millis = Millis(1_705_752_000_000);

    fn answered(status: u16, retry_after: Option<&str>) -> Attempt {
        let answer =
            Received { status, retry_after: retry_after.map(ToOwned::to_owned), excerpt: None };
        Attempt { outcome: Outcome::Answered(answer), latency_ms: 5 }
    }

    #[test]
    fn only_2xx_is_success() {
        for status in [200, 201, 204, 299] {
            assert_eq!(answer(&answered(status, None), true, NOW), Answer::Success);
        }
        for status in [100, 199, 300, 301, 400, 404, 410, 500] {
            let expected =
                if status == 410 { Answer::Gone } else { Answer::Failure { retry_after_ms: None } };
            assert_eq!(answer(&answered(status, None), true, NOW), expected, "{status}");
        }
        assert_eq!(
            answer(&answered(410, None), false, NOW),
            Answer::Failure { retry_after_ms: None }
        );
        let failed = Failure { class: ErrorClass::Timeout, message: "late".into() };
        let attempt = Attempt { outcome: Outcome::Failed(failed), latency_ms: 5 };
        assert_eq!(answer(&attempt, true, NOW), Answer::Failure { retry_after_ms: None });
    }

    #[test]
    fn retry_after_counts_in_both_forms_on_429_and_503() {
        for (status, header, expected) in [
            (429, "7", Some(7_000)),
            (503, " 7 ", Some(7_000)),
            (503, "Sat, 20 Jan 2024 12:01:30 GMT", Some(90_000)),
            (429, "Sat, 20 Jan 2024 11:59:00 GMT", Some(-60_000)),
            (429, "soon", None),
            (429, "-7", None),
            (429, "1.5", None),
            (429, "99999999999999999999", Some(i64::MAX)),
            (500, "7", None),
        ] {
            let got = answer(&answered(status, Some(header)), true, NOW);
            assert_eq!(got, Answer::Failure { retry_after_ms: expected }, "{status} {header}");
        }
    }
}
