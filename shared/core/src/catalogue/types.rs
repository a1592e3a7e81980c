//! The table of event types.

use super::field::Field;
use super::{Category, EventType, data, market, security};

const fn debate(
    name: &'static str,
    aliases: &'static [&'static str],
    description: &'static str,
    fields: &'static [Field],
) -> EventType {
    EventType { name, aliases, description, category: Category::Debate, fields }
}

const fn explanation(
    name: &'static str,
    description: &'static str,
    fields: &'static [Field],
) -> EventType {
    EventType { name, aliases: &[], description, category: Category::Explanation, fields }
}

const fn marketplace(
    name: &'static str,
    description: &'static str,
    fields: &'static [Field],
) -> EventType {
    EventType { name, aliases: &[], description, category: Category::Marketplace, fields }
}

const fn operational(
    name: &'static str,
    description: &'static str,
    fields: &'static [Field],
) -> EventType {
    EventType { name, aliases: &[], description, category: Category::Operational, fields }
}

/// Every known type, by category, then in the order a debate has them.
pub const EVENT_TYPES: &[EventType] = &[
    debate("debate.started", &["debate_start"], "A new debate has begun", data::DEBATE_STARTED),
    debate("round_start", &[], "A round of a debate has begun", data::ROUND_START),
    debate("agent_message", &["message"], "An agent said something", data::AGENT_MESSAGE),
    debate("critique", &[], "An agent criticised another's proposal", data::CRITIQUE),
    debate("vote", &[], "An agent voted", data::VOTE),
    debate("round_end", &[], "A round of a debate has ended", data::ROUND_END),
    debate(
        "consensus.reached",
        &["consensus"],
        "Agents reached consensus",
        data::CONSENSUS_REACHED,
    ),
    debate("debate.completed", &["debate_end"], "A debate has finished", data::DEBATE_COMPLETED),
    debate(
        "agent.error",
        &["agent_error", "error"],
        "An agent encountered an error",
        data::AGENT_ERROR,
    ),
    explanation(
        "explanation.batch_completed",
        "A batch job has gone through all its debates",
        data::BATCH_COMPLETED,
    ),
    marketplace("template.published", "A template was published", market::PUBLISHED),
    marketplace(
        "template.version_published",
        "A template has a new version",
        market::VERSION_PUBLISHED,
    ),
    marketplace("template.downloaded", "A template was downloaded", market::DOWNLOADED),
    marketplace("template.reviewed", "A template was rated or reviewed", market::REVIEWED),
    operational("webhook.created", "A webhook was registered", data::WEBHOOK_ONLY),
    operational("webhook.updated", "A webhook was changed", data::WEBHOOK_ONLY),
    operational("webhook.deleted", "A webhook was deleted", data::WEBHOOK_ONLY),
    operational("webhook.enabled", "A webhook was enabled", data::WEBHOOK_ONLY),
    operational("webhook.disabled", "A webhook was disabled", data::WEBHOOK_DISABLED),
    operational(
        "webhook.secret_rotated",
        "A webhook's secret was rotated",
        data::WEBHOOK_SECRET_ROTATED,
    ),
    operational(
        "webhook.circuit_opened",
        "Deliveries to a webhook are held back after repeated failures",
        data::WEBHOOK_CIRCUIT_OPENED,
    ),
    operational(
        "webhook.circuit_closed",
        "Deliveries to a webhook go through again",
        data::WEBHOOK_ONLY,
    ),
    operational("delivery.dead_lettered", "A delivery was given up", data::DELIVERY_DEAD_LETTERED),
    operational(
        "delivery.recovered",
        "A delivery that had been given up succeeded",
        data::DELIVERY_RECOVERED,
    ),
    operational("security.auth.failed", "A credential was not good", security::AUTH_FAILED),
    operational(
        "security.auth.blocked",
        "Somebody is held off after too many failures",
        security::AUTH_BLOCKED,
    ),
    operational(
        "security.permission.denied",
        "A caller lacks a permission",
        security::PERMISSION_DENIED,
    ),
    operational(
        "security.rate.exceeded",
        "A caller was faster than allowed",
        security::RATE_EXCEEDED,
    ),
    operational(
        "security.cursor.forged",
        "A cursor came back that we did not write",
        security::CURSOR_FORGED,
    ),
    operational(
        "security.url.blocked",
        "A URL that may not be called was given as a receiver",
        security::URL_BLOCKED,
    ),
    operational(
        "security.secret.created",
        "A webhook got its first secret",
        security::SECRET_CREATED,
    ),
    operational(
        "security.secret.rotated",
        "A webhook got another secret",
        security::SECRET_ROTATED,
    ),
    operational(
        "security.secret.revoked",
        "Secrets of a webhook are no longer good",
        security::SECRET_REVOKED,
    ),
    operational("security.key.created", "An API key was made", security::KEY_CREATED),
    operational("security.key.revoked", "An API key is no longer good", security::KEY_REVOKED),
    operational(
        "security.session.revoked",
        "A user's sessions were ended",
        security::SESSION_REVOKED,
    ),
    operational(
        "security.refresh.reused",
        "A refresh token was used a second time",
        security::REFRESH_REUSED,
    ),
    operational("security.role.changed", "What a role grants was changed", security::ROLE_CHANGED),
    operational("security.role.deleted", "A role was deleted", security::ROLE_DELETED),
    operational(
        "security.template.published",
        "A template was put on the marketplace",
        security::TEMPLATE_PUBLISHED,
    ),
    operational(
        "security.template.unpublished",
        "A template was taken off the marketplace",
        security::TEMPLATE_UNPUBLISHED,
    ),
    operational(
        "security.encryption.migrated",
        "Stored secrets were encrypted anew",
        security::ENCRYPTION_MIGRATED,
    ),
];
