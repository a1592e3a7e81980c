//! What a user's doing is told to those who subscribe to it.
//!
//! Told after it is stored, and once: when the process dies in between, or an event cannot be
//! published, the news is lost and the change stays. Source: `webhook-delivery.md`, Auto-disable.

use aragora_core::rotation::OldSecret;
use aragora_core::time::Millis;
use aragora_events::announce::Announcement;
use aragora_store::registrations::{Webhook, WebhookConfig};
use serde_json::{Value, json};

use super::Registry;

/// Why a webhook is disabled that its user disabled.
const BY_USER: &str = "user";

impl Registry {
    /// Publishes what somebody subscribes to. Nothing when there is no news; else one read unit
    /// per 4 KB of the organisation's webhooks, and what publishing costs. Failures are logged.
    pub(super) async fn tell(&self, news: &[Announcement], now: Millis) {
        self.announcer.announce(news, now).await;
    }
}

/// News without more than the webhook.
pub(super) fn plain(webhook: &Webhook, event_type: &'static str, now: Millis) -> Announcement {
    Announcement::of_webhook(webhook, event_type, Value::Null, now)
}

/// What is news about a change.
pub(super) fn of_change(before: &Webhook, after: &Webhook, now: Millis) -> Vec<Announcement> {
    let mut news = Vec::new();
    if settings(&before.config) != settings(&after.config) {
        news.push(plain(after, "webhook.updated", now));
    }
    if before.config.secret != after.config.secret {
        let until = after.config.old_secrets.first().map(|old| old.valid_until.rfc3339());
        let data = json!({"old_secret_valid_until": until});
        news.push(Announcement::of_webhook(after, "webhook.secret_rotated", data, now));
    }
    if before.enabled != after.enabled {
        news.push(of_switch(after, now));
    }
    news
}

/// That a webhook was enabled or disabled, whichever it is now.
pub(super) fn of_switch(after: &Webhook, now: Millis) -> Announcement {
    if after.enabled {
        return plain(after, "webhook.enabled", now);
    }
    let reason = after.disabled_reason.as_deref().unwrap_or(BY_USER);
    Announcement::of_webhook(after, "webhook.disabled", json!({"reason": reason}), now)
}

/// A configuration without its secrets, which have news of their own.
fn settings(config: &WebhookConfig) -> WebhookConfig {
    let none: Vec<OldSecret> = vec![];
    WebhookConfig { secret: Value::Null, old_secrets: none, ..config.clone() }
}

#[cfg(test)]
mod tests {
    use aragora_core::catalogue;
    use aragora_core::ids::WebhookId;
    use aragora_store::registrations::Health;

    use super::*;

    const NOW: Millis = Millis(1_705_752_000_000);

    fn webhook() -> Webhook {
        let config = json!({
            "project": "default", "url": "https://example.com/", "event_types": ["vote"],
            "secret": {"ct": "one"}, "created_at": 0,
        });
        Webhook {
            org: "org".into(),
            id: WebhookId::parse("wh-1").unwrap(),
            config: serde_json::from_value(config).unwrap(),
            enabled: true,
            disabled_reason: None,
            updated_at: NOW,
            rev: 1,
            health: Health::default(),
        }
    }

    fn told(change: impl Fn(&mut Webhook)) -> Vec<(&'static str, Value)> {
        let mut after = webhook();
        change(&mut after);
        let news = of_change(&webhook(), &after, NOW);
        news.into_iter().map(|it| (it.event_type, it.data)).collect()
    }

    fn data(more: &Value) -> Value {
        let mut data = json!({"webhook_id": "wh-1", "url": "https://example.com/", "reason": null});
        for (name, value) in more.as_object().unwrap() {
            data[name] = value.clone();
        }
        data
    }

    #[test]
    fn each_change_is_told_by_what_it_changed() {
        let until = json!({"old_secret_valid_until": "2024-01-20T12:00:01.000Z"});
        let none = json!({"old_secret_valid_until": null});
        assert_eq!(told(|_| {}), []);
        assert_eq!(told(|it| it.updated_at = Millis(0)), []);
        let renamed = told(|it| it.config.name = Some("n".into()));
        assert_eq!(renamed, [("webhook.updated", data(&json!({})))]);
        let replaced = told(|it| it.config.secret = json!({"ct": "two"}));
        assert_eq!(replaced, [("webhook.secret_rotated", data(&none))]);
        let rotated = told(|it| {
            let secret = std::mem::replace(&mut it.config.secret, json!({"ct": "two"}));
            it.config.old_secrets = vec![OldSecret { secret, valid_until: NOW.plus(1_000) }];
        });
        assert_eq!(rotated, [("webhook.secret_rotated", data(&until))]);
        let disabled = told(|it| it.enabled = false);
        assert_eq!(disabled, [("webhook.disabled", data(&json!({"reason": "user"})))]);
        let both = told(|it| {
            it.enabled = false;
            it.disabled_reason = Some("paused".into());
            it.config.description = Some("d".into());
        });
        let types: Vec<_> = both.iter().map(|(event_type, _)| *event_type).collect();
        assert_eq!(types, ["webhook.updated", "webhook.disabled"]);
        assert_eq!(both[1].1["reason"], "paused");
    }

    #[test]
    fn news_is_what_the_catalogue_says() {
        let mut after = webhook();
        after.enabled = false;
        after.config.secret = json!({"ct": "two"});
        after.config.url = "https://example.org/".into();
        let mut news = of_change(&webhook(), &after, NOW);
        news.push(of_switch(&webhook(), NOW));
        news.extend(["webhook.created", "webhook.deleted"].map(|it| plain(&after, it, NOW)));
        for it in news {
            let known = catalogue::find(it.event_type).unwrap();
            let required = known.data_schema()["required"].clone();
            for field in required.as_array().unwrap() {
                assert!(it.data.get(field.as_str().unwrap()).is_some(), "{it:?} lacks {field}");
            }
            let only = ["webhook_id", "url", "reason", "old_secret_valid_until"];
            assert!(it.data.as_object().unwrap().keys().all(|key| only.contains(&key.as_str())));
        }
    }
}
