//! The JSON Schema (draft 2020-12) of what a receiver gets of each type, and an example of it.

use serde_json::{Map, Value, json};

use super::data::DEBATE;
use super::field::Field;
use super::{Category, EventType};

/// The dialect of our schemas.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

impl EventType {
    /// The schema of the whole body: the envelope, with [`Self::data_schema`] inside.
    ///
    /// It asks only for what is always sent and lets every other field pass, because publishers
    /// add fields of their own, and we may add some later.
    pub fn schema(&self) -> Value {
        let spellings: Vec<&str> = [self.name].into_iter().chain(self.aliases.to_vec()).collect();
        let mut properties = Map::new();
        let mut property = |name: &str, schema: Value| properties.insert(name.to_owned(), schema);
        property(
            "event_type",
            json!({
                "description": "The type, in the spelling the webhook is subscribed to",
                "type": "string",
                "enum": spellings,
            }),
        );
        property("event_id", id("The event: ours, or the publisher's own id"));
        property(
            "timestamp",
            json!({"description": "When it happened", "type": "string", "format": "date-time"}),
        );
        if self.category == Category::Debate {
            property(
                "debate_id",
                json!({
                    "description": "The debate it belongs to; left out when the publisher named none",
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 256,
                }),
            );
        }
        property("delivery_id", id("The delivery: the same over all attempts"));
        property("data", self.data_schema());
        json!({
            "$schema": DIALECT,
            "title": self.name,
            "description": self.description,
            "type": "object",
            "properties": properties,
            "required": ["event_type", "event_id", "timestamp", "delivery_id", "data"],
        })
    }

    /// The schema of `data` alone, without a dialect of its own.
    pub fn data_schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.fields.iter().map(|field| (field.name.to_owned(), field.schema())).collect();
        let required: Vec<&str> =
            self.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let description = match self.category {
            Category::Debate => {
                "What the publisher sent; no field is certain, and others may be there"
            }
            Category::Explanation | Category::Marketplace | Category::Operational => {
                "What happened; fields may be added"
            }
        };
        json!({
            "description": description,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": true,
        })
    }

    /// A body as a subscriber to this type gets it, its keys in the order of the wire.
    pub fn example(&self) -> Value {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("event_type", self.name.into());
        put("event_id", "evt-019bd5a6-0a10-7e44-8c19-f7d2063b5ea8".into());
        put("timestamp", "2026-01-19T12:00:00Z".into());
        if self.category == Category::Debate {
            put("debate_id", DEBATE.into());
        }
        put("delivery_id", "dlv-019bd5a6-0a18-7f05-a2e7-90c64d1b83f9".into());
        put("data", self.data_example());
        Value::Object(body)
    }

    /// The `data` of [`Self::example`].
    pub fn data_example(&self) -> Value {
        let shown = |field: &Field| Some((field.name.to_owned(), field.example()?));
        Value::Object(self.fields.iter().filter_map(shown).collect())
    }
}

/// The schema of an id in the envelope.
fn id(description: &str) -> Value {
    json!({"description": description, "type": "string", "minLength": 1, "maxLength": 128})
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
