//! Reads YAML with `CloudFormation`'s short tags, as JSON with their long forms: `!Ref x` becomes
//! `{"Ref": "x"}`, `!GetAtt a.b` becomes `{"Fn::GetAtt": ["a", "b"]}`, `!Sub x` `{"Fn::Sub": "x"}`.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// Reads the only document of `text`.
///
/// # Panics
/// When it is not YAML, or uses what a template has no use for.
pub fn parse(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).unwrap_or_else(|error| panic!("no YAML: {error}"));
    let [document] = documents.as_slice() else { panic!("{} documents", documents.len()) };
    value(document)
}

fn value(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(scalar) => self::scalar(scalar),
        Yaml::Sequence(items) => items.iter().map(value).collect(),
        Yaml::Mapping(entries) => {
            let entry = |(key, inner): (&Yaml<'_>, &Yaml<'_>)| (key_text(key), value(inner));
            Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
        }
        Yaml::Tagged(tag, inner) => tagged(&tag.suffix, value(inner)),
        other => panic!("not expected in a template: {other:?}"),
    }
}

fn scalar(scalar: &Scalar<'_>) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => json!(flag),
        Scalar::Integer(number) => json!(number),
        Scalar::FloatingPoint(number) => json!(number.into_inner()),
        Scalar::String(text) => json!(text),
    }
}

/// Keys may look like numbers or dates (`2012-10-17`, `429`); they are texts all the same.
fn key_text(key: &Yaml<'_>) -> String {
    match value(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn tagged(tag: &str, inner: Value) -> Value {
    match (tag, inner) {
        ("Ref" | "Condition", inner) => json!({tag: inner}),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or((&path, ""));
            json!({"Fn::GetAtt": [resource, attribute]})
        }
        (function, inner) => json!({format!("Fn::{function}"): inner}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_tags_become_their_long_forms() {
        let template = "a: !Ref B\nc: !GetAtt D.Arn\ne: !Sub '${F}-g'\nh: !If [I, 1, !Ref J]\nk: {l: 2.5, m: 'x', n: yes}\n";
        assert_eq!(
            parse(template),
            json!({
                "a": {"Ref": "B"}, "c": {"Fn::GetAtt": ["D", "Arn"]}, "e": {"Fn::Sub": "${F}-g"},
                "h": {"Fn::If": ["I", 1, {"Ref": "J"}]}, "k": {"l": 2.5, "m": "x", "n": "yes"},
            })
        );
    }

    #[test]
    fn tags_on_lists_and_maps_keep_what_is_inside() {
        let template =
            "a: !Sub\n  - '${x}'\n  - x: !Ref Y\nb: !Equals [!Ref Z, 'true']\n2012-10-17: c\n";
        assert_eq!(
            parse(template),
            json!({
                "a": {"Fn::Sub": ["${x}", {"x": {"Ref": "Y"}}]},
                "b": {"Fn::Equals": [{"Ref": "Z"}, "true"]}, "2012-10-17": "c",
            })
        );
    }
}
