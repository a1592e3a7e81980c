//! What is to be published or changed, as bodies say it.

use aragora_core::marketplace::draft::{Wish, deprecation};
use aragora_marketplace::MarketError;
use aragora_marketplace::desk::Wanted;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::body;
use crate::error::ApiError;
use crate::request::Call;

/// Names that the published clients use for fields of ours.
const SYNONYMS: &[(&str, &str)] =
    &[("workflow_definition", "template_data"), ("config", "template_data")];
/// What the marketplace client of `aragora` keeps in `metadata`.
const METADATA: &[&str] = &["name", "description", "version", "category", "tags", "visibility"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fields {
    name: Option<String>,
    description: Option<String>,
    category: Option<String>,
    visibility: Option<String>,
    tags: Option<Vec<String>>,
    version: Option<String>,
    documentation: Option<String>,
    changelog: Option<String>,
    template_data: Option<Map<String, Value>>,
    deprecated: Option<bool>,
    deprecation_message: Option<String>,
}

impl Fields {
    fn wish(self) -> Wish {
        Wish {
            name: self.name,
            description: self.description,
            category: self.category,
            visibility: self.visibility,
            tags: self.tags,
            version: self.version,
            documentation: self.documentation,
            changelog: self.changelog,
            template_data: self.template_data,
        }
    }
}

/// What is to be published.
pub(super) fn wish(call: &Call) -> Result<Wish, ApiError> {
    wish_of(call.json_object()?)
}

/// The same of fields that were read already.
pub(super) fn wish_of(fields: Map<String, Value>) -> Result<Wish, ApiError> {
    Ok(read(out_of_metadata(fields))?.wish())
}

/// What is to be changed.
pub(super) fn change(call: &Call) -> Result<Wanted, ApiError> {
    let mut fields = read(call.json_object()?)?;
    let message = fields.deprecation_message.take();
    let deprecated = match (fields.deprecated, message) {
        (Some(false), _) => Some(None),
        (None, None) => None,
        (_, message) => Some(Some(deprecation(message).map_err(MarketError::from)?)),
    };
    Ok(Wanted { wish: fields.wish(), deprecated })
}

fn read(mut fields: Map<String, Value>) -> Result<Fields, ApiError> {
    for &(synonym, name) in SYNONYMS {
        if let Some(value) = fields.shift_remove(synonym) {
            let known = fields.entry(name).or_insert(Value::Null);
            // Who sends both names may leave one of them empty.
            if known.is_null() {
                *known = value;
            }
        }
    }
    body::read(Value::Object(fields), "").map_err(|problem| ApiError::invalid(vec![problem]))
}

/// The client's form: what describes a template in `metadata`, and the template around it.
fn out_of_metadata(mut fields: Map<String, Value>) -> Map<String, Value> {
    let named = fields.get("metadata").and_then(|it| it.get("name")).is_some();
    if fields.contains_key("name") || !named {
        return fields;
    }
    let Some(Value::Object(metadata)) = fields.shift_remove("metadata") else { return fields };
    let has_data = fields.contains_key("template_data")
        || SYNONYMS.iter().any(|(synonym, _)| fields.contains_key(*synonym));
    let mut wished = if has_data {
        fields
    } else {
        Map::from_iter([("template_data".to_owned(), Value::Object(fields))])
    };
    for name in METADATA {
        if let Some(value) = metadata.get(*name) {
            wished.entry(*name).or_insert_with(|| value.clone());
        }
    }
    wished
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wish_from(value: Value) -> Result<Wish, ApiError> {
        let Value::Object(fields) = value else { panic!("{value} is no object") };
        wish_of(fields)
    }

    #[test]
    fn data_has_three_names() {
        for name in ["template_data", "workflow_definition", "config"] {
            let wish = wish_from(json!({"name": "n", name: {"a": 1}})).unwrap();
            assert_eq!(wish.template_data.unwrap()["a"], 1, "{name}");
        }
        let empty = json!({"config": {"a": 1}, "template_data": null});
        assert_eq!(wish_from(empty).unwrap().template_data.unwrap()["a"], 1);
        let both = json!({"config": {"a": 1}, "template_data": {"a": 2}});
        assert_eq!(wish_from(both).unwrap().template_data.unwrap()["a"], 2);
    }

    #[test]
    fn wrong_types_are_named() {
        for (body, field) in [
            (json!({"name": 5}), "name"),
            (json!({"description": []}), "description"),
            (json!({"category": {}}), "category"),
            (json!({"visibility": true}), "visibility"),
            (json!({"tags": "a,b"}), "tags"),
            (json!({"tags": ["a", 1]}), "tags[1]"),
            (json!({"version": 1.0}), "version"),
            (json!({"template_data": []}), "template_data"),
            (json!({"config": "x"}), "template_data"),
            (json!({"documentation": 1}), "documentation"),
            (json!({"deprecated": "yes"}), "deprecated"),
        ] {
            let error = wish_from(body.clone()).unwrap_err();
            assert_eq!(error.fields()[0].field, field, "{body}");
        }
    }

    #[test]
    fn the_clients_form_is_understood() {
        let wish = wish_from(json!({
            "metadata": {"id": "x", "name": "n", "author": "somebody", "category": "analysis", "tags": ["t"], "version": "1.1.0", "downloads": 5},
            "nodes": [{"id": "a"}], "edges": [],
        }))
        .unwrap();
        assert_eq!((wish.name.as_deref(), wish.version.as_deref()), (Some("n"), Some("1.1.0")));
        assert_eq!(wish.template_data.unwrap().keys().collect::<Vec<_>>(), ["nodes", "edges"]);
    }
}
