//! Whether an event is for a webhook: asked by the fan-out of every event, and by a recovery of
//! events that are long past.

use serde_json::{Map, Value};

use crate::catalogue;
use crate::filters::{self, Subject};

/// What a webhook wants to be told.
#[derive(Debug, Clone, Copy)]
pub struct Subscription<'a> {
    /// The project whose events it gets.
    pub project: &'a str,
    /// The types, globs or `*` it is subscribed to.
    pub event_types: &'a [String],
    /// What an event must contain.
    pub filters: &'a Map<String, Value>,
}

impl<'a> Subscription<'a> {
    /// The spelling in which it would get an event of this project and type, if the event passes
    /// the filters; `None` when the event is not for it.
    pub fn spelling(&self, project: &str, event_type: &'a str) -> Option<&'a str> {
        if self.project != project {
            return None;
        }
        catalogue::spelling_for(event_type, self.event_types)
    }

    /// Whether what an event contains has to be looked at.
    pub fn has_filters(&self) -> bool {
        !self.filters.is_empty()
    }

    /// Whether an event passes the filters.
    pub fn passes(&self, subject: &Subject<'_>) -> bool {
        filters::pass(self.filters, subject)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_for_a_webhook_by_project_type_and_filters() {
        let types = ["debate_end".to_owned(), "custom.*".to_owned()];
        let filters = json!({"domain": "security"}).as_object().unwrap().clone();
        let (none, project) = (Map::new(), "default");
        let plain = Subscription { project, event_types: &types, filters: &none };
        assert_eq!(plain.spelling("default", "debate.completed"), Some("debate_end"));
        assert_eq!(plain.spelling("default", "custom.thing"), Some("custom.thing"));
        assert_eq!(plain.spelling("other", "debate.completed"), None);
        assert_eq!(plain.spelling("default", "vote"), None);
        assert!(!plain.has_filters());

        let picky = Subscription { filters: &filters, ..plain };
        let passes = |data: &Value| {
            picky.passes(&Subject { event_type: "debate_end", debate_id: None, project, data })
        };
        assert!(picky.has_filters() && passes(&json!({"domain": "security"})));
        assert!(!passes(&json!({"domain": "finance"})) && !passes(&json!({})));
    }
}
