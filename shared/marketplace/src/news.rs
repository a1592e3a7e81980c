//! What happens to a template, told to those of its author's organisation who subscribe to it.
//!
//! Told after it is stored, and once: when the process dies in between, the news is lost and the
//! template stays as it is. Who of another organisation downloaded it is not told.

use aragora_core::ids::EventId;
use aragora_core::marketplace::Card;
use aragora_core::time::Millis;
use aragora_events::announce::Announcement;
use serde_json::{Map, Value, json};

use crate::desk::Desk;

/// Templates belong to no project: their news go to webhooks of the one that everybody has.
const PROJECT: &str = "default";

impl Desk {
    /// Publishes news of a template, if anybody subscribes to it; `more` (an object) goes beside
    /// what it is. One read unit per 4 KB of the organisation's webhooks, and what publishing
    /// costs. Failures are logged.
    pub(crate) async fn tell(
        &self,
        event_type: &'static str,
        card: &Card,
        more: Value,
        now: Millis,
    ) {
        let news = Announcement {
            org: card.listing.org.clone(),
            project: PROJECT.to_owned(),
            event_type,
            event_id: EventId::mint(now),
            data: data(card, more),
        };
        self.announcer.announce(&[news], now).await;
    }
}

fn data(card: &Card, more: Value) -> Value {
    let listing = &card.listing;
    let it = json!({
        "template_id": card.id,
        "name": listing.name,
        "author_id": listing.author,
        "category": listing.category,
        "visibility": listing.visibility,
        "version": listing.version,
    });
    let mut data = Map::new();
    for part in [it, more] {
        if let Value::Object(fields) = part {
            data.extend(fields);
        }
    }
    Value::Object(data)
}
