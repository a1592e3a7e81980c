//! What the data of each security event holds. One form for all of them, which is that of
//! [`Happening::event_data`](crate::audit::Happening::event_data); a test compares the two.

use super::data::WEBHOOK;
use super::field::{Field, text, texts, time, word};
use super::market::TEMPLATE;

/// The fields of one type: its action, severity and outcome, then the actor, target and detail of
/// its example.
macro_rules! security {
    ($name:ident, $action:literal, $severity:literal, $outcome:expr, $actor:literal,
     $target:expr, $detail:expr) => {
        pub(super) const $name: &[Field] = &[
            text(
                "happening_id",
                "0192f0c1-5c5e-7b9c-9d2b-7d1f0a6b3c11",
                "What happened: the same id as in the audit log",
            )
            .required(),
            word("action", &[$action], "What was done, or tried").required(),
            word("severity", &[$severity], "How much attention it deserves").required(),
            word("outcome", $outcome, "What came of it").required(),
            time("occurred_at", "2026-01-19T12:00:00Z", "When it happened").required(),
            text("actor", $actor, "The user or key that did it, or anonymous").required(),
            text("credential", "bearer", "The kind of credential, or none").required(),
            text("target", $target, "What it was done to; empty when there is nothing to name")
                .required(),
            text("address", "192.0.2.1", "Where the request came from; empty when not known")
                .required(),
            text("request_id", "req-1", "The request it goes back to").required(),
            texts("detail", $detail, "What else there is to say, by name").required(),
        ];
    };
}

/// The words of an outcome, the usual one first: it is the example.
const DONE: &[&str] = &["success", "refused", "failed"];
const REFUSED: &[&str] = &["refused", "success", "failed"];

security!(
    AUTH_FAILED,
    "auth.failed",
    "warning",
    REFUSED,
    "anonymous",
    "/api/webhooks",
    &[("reason", "expired")]
);
security!(
    AUTH_BLOCKED,
    "auth.blocked",
    "critical",
    REFUSED,
    "anonymous",
    "/api/auth/token",
    &[("failures", "10")]
);
security!(
    PERMISSION_DENIED,
    "permission.denied",
    "warning",
    REFUSED,
    "user-7",
    "/api/webhooks",
    &[("permission", "webhooks:write")]
);
security!(
    RATE_EXCEEDED,
    "rate.exceeded",
    "warning",
    REFUSED,
    "user-7",
    "/api/events",
    &[("limit", "per_credential")]
);
security!(CURSOR_FORGED, "cursor.forged", "warning", REFUSED, "user-7", "/api/webhooks", &[]);
security!(
    URL_BLOCKED,
    "url.blocked",
    "warning",
    REFUSED,
    "user-7",
    WEBHOOK,
    &[("rule", "address")]
);
security!(SECRET_CREATED, "secret.created", "info", DONE, "user-7", WEBHOOK, &[]);
security!(SECRET_ROTATED, "secret.rotated", "info", DONE, "user-7", WEBHOOK, &[]);
security!(
    SECRET_REVOKED,
    "secret.revoked",
    "info",
    DONE,
    "user-7",
    WEBHOOK,
    &[("cause", "deleted")]
);
security!(KEY_CREATED, "key.created", "info", DONE, "user-7", "key-1", &[("name", "ci")]);
security!(KEY_REVOKED, "key.revoked", "info", DONE, "user-7", "key-1", &[]);
security!(SESSION_REVOKED, "session.revoked", "info", DONE, "user-7", "user-7", &[]);
security!(REFRESH_REUSED, "refresh.reused", "critical", REFUSED, "user-7", "user-7", &[]);
security!(ROLE_CHANGED, "role.changed", "warning", DONE, "user-7", "reviewer", &[]);
security!(ROLE_DELETED, "role.deleted", "warning", DONE, "user-7", "reviewer", &[]);
security!(
    TEMPLATE_PUBLISHED,
    "template.published",
    "info",
    DONE,
    "user-7",
    TEMPLATE,
    &[("visibility", "public")]
);
security!(
    TEMPLATE_UNPUBLISHED,
    "template.unpublished",
    "info",
    DONE,
    "user-7",
    TEMPLATE,
    &[("visibility", "public")]
);
security!(
    ENCRYPTION_MIGRATED,
    "encryption.migrated",
    "info",
    DONE,
    "operator",
    "webhook_registrations",
    &[("migrated", "12")]
);
