//! The body a receiver gets, byte for byte as CPython's `json.dumps` would print it.
//!
//! Data is printed once, when an event is accepted ([`crate::pyjson`]), and kept as that text;
//! what surrounds it differs per delivery and is put around it here without parsing it again.
//! Source: `webhook-delivery.md`, Body.

use crate::pyjson;

/// The parts of an aragora envelope, in the order they are printed.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// In the spelling the receiver subscribed to.
    pub event_type: &'a str,
    /// The event's id.
    pub event_id: &'a str,
    /// When the event happened, RFC 3339.
    pub timestamp: &'a str,
    /// The debate it belongs to, left out when there is none.
    pub debate_id: Option<&'a str>,
    /// The delivery's id, the same over all attempts.
    pub delivery_id: &'a str,
    /// The data as already printed JSON.
    pub data: &'a str,
}

/// The most bytes of a printed body: 256 KiB.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

impl Envelope<'_> {
    /// The printed body.
    pub fn print(&self) -> String {
        let mut out = String::with_capacity(self.data.len() + 256);
        out.push_str("{\"event_type\": ");
        pyjson::write_str(self.event_type, &mut out);
        for (key, value) in [
            ("event_id", Some(self.event_id)),
            ("timestamp", Some(self.timestamp)),
            ("debate_id", self.debate_id),
            ("delivery_id", Some(self.delivery_id)),
        ] {
            if let Some(value) = value {
                out.push_str(", \"");
                out.push_str(key);
                out.push_str("\": ");
                pyjson::write_str(value, &mut out);
            }
        }
        out.push_str(", \"data\": ");
        out.push_str(self.data);
        out.push('}');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_the_agreed_order() {
        let envelope = Envelope {
            event_type: "debate.completed",
            event_id: "evt-789",
            timestamp: "2024-01-20T12:00:00Z",
            debate_id: Some("deb-é"),
            delivery_id: "dlv-1",
            data: "{\"outcome\": \"consensus\"}",
        };
        assert_eq!(
            envelope.print(),
            "{\"event_type\": \"debate.completed\", \"event_id\": \"evt-789\", \"timestamp\": \"2024-01-20T12:00:00Z\", \
             \"debate_id\": \"deb-\\u00e9\", \"delivery_id\": \"dlv-1\", \"data\": {\"outcome\": \"consensus\"}}"
        );
        let without = Envelope { debate_id: None, data: "{}", ..envelope };
        assert!(without.print().ends_with("\"delivery_id\": \"dlv-1\", \"data\": {}}"));
        assert!(!without.print().contains("debate_id"));
    }
}
