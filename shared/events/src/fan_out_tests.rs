//! Which webhooks an event matches, and what the deliveries look like.

use aragora_store::registrations::{Health, WebhookConfig};
use serde_json::{Map, json};

use super::*;

const ACCEPTED: Millis = Millis(1_705_752_000_000);

fn webhook(id: &str, event_types: &[&str]) -> Webhook {
    Webhook {
        org: "org".into(),
        id: WebhookId::parse(id).unwrap(),
        config: WebhookConfig {
            project: "default".into(),
            url: "https://example.com".into(),
            event_types: event_types.iter().map(ToString::to_string).collect(),
            name: None,
            description: None,
            secret: json!("s"),
            old_secrets: vec![],
            header_names: vec![],
            headers: None,
            filters: Map::new(),
            retry_policy: None,
            rate_limit_per_second: None,
            metadata: Map::new(),
            created_at: Millis(0),
        },
        enabled: true,
        disabled_reason: None,
        updated_at: Millis(0),
        rev: 1,
        health: Health::default(),
    }
}

fn matches(webhook: Webhook) -> Option<String> {
    let event = InlineEvent {
        project: "default".into(),
        event_type: "debate_end".into(),
        debate_id: Some("deb-1".into()),
        timestamp: "2024-01-20T12:00:00Z".into(),
        accepted_at: ACCEPTED,
        data: "{\"domain\": \"security\"}".into(),
    };
    let order = FanOut {
        org: "org".into(),
        event_id: EventId::parse("evt-1").unwrap(),
        request_id: "r".into(),
        noted_at: ACCEPTED,
        inline: None,
    };
    match_event(0, &order, &event, &[webhook]).pop().map(|it| it.message.event_type)
}

#[test]
fn a_webhook_matches_by_state_project_type_and_filter() {
    let plain = || webhook("wh-1", &["debate.completed"]);
    assert_eq!(matches(plain()).as_deref(), Some("debate.completed"));
    assert_eq!(matches(webhook("wh-1", &["vote"])), None);
    assert_eq!(matches(Webhook { enabled: false, ..plain() }), None);

    let with = |change: &dyn Fn(&mut WebhookConfig)| {
        let mut webhook = plain();
        change(&mut webhook.config);
        matches(webhook).is_some()
    };
    assert!(!with(&|config| config.project = "other".into()));
    assert!(with(
        &|config| config.filters = json!({"domain": "security"}).as_object().unwrap().clone()
    ));
    assert!(!with(
        &|config| config.filters = json!({"domain": "finance"}).as_object().unwrap().clone()
    ));
    assert!(with(&|config| config.created_at = ACCEPTED.plus(CLOCK_SLACK_MS)));
    assert!(!with(&|config| config.created_at = ACCEPTED.plus(CLOCK_SLACK_MS + 1)));
}
