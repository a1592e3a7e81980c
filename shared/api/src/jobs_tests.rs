//! What may be asked of a job, and how a mistake is named.

use super::*;
use crate::body;

const NOW: Millis = Millis(1_705_752_000_000);

fn fields(error: &ApiError) -> Vec<&str> {
    error.fields().iter().map(|field| field.field.as_str()).collect()
}

fn wish<T: serde::de::DeserializeOwned>(value: Value) -> T {
    body::read(value, "").unwrap()
}

#[test]
fn every_mistake_about_dead_letters_is_named() {
    let id = "dlv-018d2728-0a00-7000-8000-000000000000";
    for (value, wanted) in [
        (json!({}), &[][..]),
        (json!({"webhook_id": "wh-1", "event_type": "vote", "delivery_ids": [id, id]}), &[]),
        (json!({"since": "2024-01-20T12:00:00Z", "until": "2024-01-21T12:00:00Z"}), &[]),
        (json!({"webhook_id": "a#b"}), &["webhook_id"]),
        (json!({"event_type": "a b"}), &["event_type"]),
        (json!({"since": "yesterday", "until": "now"}), &["since", "until"]),
        (json!({"since": "2024-01-20T12:00:00Z", "until": "2024-01-20T12:00:00Z"}), &["since"]),
        (json!({"delivery_ids": []}), &["delivery_ids"]),
        (json!({"delivery_ids": vec![id; 1_001]}), &["delivery_ids"]),
        (json!({"delivery_ids": [id, "dlv-1", "x"]}), &["delivery_ids[1]", "delivery_ids[2]"]),
    ] {
        let scope = dead_letter_scope(wish(value.clone()));
        assert_eq!(scope.as_ref().map_or_else(fields, |_| vec![]), wanted, "{value}");
        if let Ok(scope) = scope {
            assert!(scope.delivery_ids.len() <= 1, "named twice is once");
        }
    }
}

#[test]
fn every_mistake_about_a_recovery_is_named() {
    let since = "2024-01-20T11:00:00Z";
    for (value, wanted) in [
        (json!({"since": since}), &[][..]),
        (json!({"since": since, "until": "2024-01-20T11:30:00Z", "event_types": ["*"]}), &[]),
        (json!({"since": since, "events": ["custom.own", "debate.*"]}), &[]),
        (json!({"since": "soon"}), &["since"]),
        (json!({"since": "2024-01-20T13:00:00Z"}), &["since"]),
        (json!({"since": since, "until": since}), &["since"]),
        (json!({"since": "2024-01-01T00:00:00Z"}), &["since"]),
        (json!({"since": since, "until": 5}), &["until"]),
        (json!({"since": since, "until": "later"}), &["until"]),
        (json!({"since": since, "event_types": []}), &["event_types"]),
        (json!({"since": since, "event_types": ["vote", "a b"]}), &["event_types[1]"]),
        (json!({"until": since}), &["since"]),
    ] {
        let webhook = WebhookId::parse("wh-1").unwrap();
        let scope = body::read::<RecoverWish>(value.clone(), "")
            .map_err(|problem| ApiError::invalid(vec![problem]))
            .and_then(|wish| recover_scope(webhook, &wish, NOW));
        assert_eq!(scope.as_ref().map_or_else(fields, |_| vec![]), wanted, "{value}");
    }
}
