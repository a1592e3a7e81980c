//! JSON bodies: read strictly, and every mistake named by its field.
//!
//! A body is first read as a [`Value`], so that of duplicate keys the last wins at every depth and
//! that numbers keep their text; then into the type that a route wants, which finds the field.

use aragora_core::pyjson;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::FieldError;

/// The field that stands for the whole body.
pub const BODY: &str = "body";

/// Reads JSON text: UTF-8, one value, nothing after it, at most 120 levels deep.
pub fn parse(bytes: &[u8]) -> Result<Value, FieldError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(FieldError::new(BODY, "is missing: JSON is expected"));
    }
    // Not serde_json's reader: that one gives some keys a meaning of its own.
    pyjson::parse(bytes).map_err(|error| FieldError::new(BODY, error.to_string()))
}

/// Reads JSON text that must be an object.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, FieldError> {
    match parse(bytes)? {
        Value::Object(map) => Ok(map),
        _ => Err(FieldError::new(BODY, "must be a JSON object")),
    }
}

/// Reads a value into the type a route wants. `within` is where the value stands in the body, such
/// as `[3]` for the fourth item of a list, and empty for the body itself.
pub fn read<T: DeserializeOwned>(value: Value, within: &str) -> Result<T, FieldError> {
    if !value.is_object() {
        return Err(FieldError::new(
            if within.is_empty() { BODY } else { within },
            "must be a JSON object",
        ));
    }
    if let Some(path) = overflow(&value) {
        return Err(FieldError::new(join(within, &path), "must be a number in range"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { path.as_str() };
        describe(&join(within, path), &error.inner().to_string())
    })
}

/// The path of the first number that no float can hold, such as `1e999`, which would be read as
/// infinity. Integers may be of any size.
fn overflow(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => {
            let text = number.as_str();
            let float = text.contains(['.', 'e', 'E']);
            (float && text.parse().is_ok_and(f64::is_infinite)).then(String::new)
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| Some(join(&format!("[{at}]"), &overflow(item)?))),
        Value::Object(map) => map.iter().find_map(|(key, item)| Some(join(key, &overflow(item)?))),
        _ => None,
    }
}

fn join(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        ("", inner) => inner.to_owned(),
        (outer, "") => outer.to_owned(),
        (outer, inner) if inner.starts_with('[') => format!("{outer}{inner}"),
        (outer, inner) => format!("{outer}.{inner}"),
    }
}

/// Turns serde's sentence into ours. Only what was expected is kept: what was sent may be a secret.
fn describe(path: &str, sentence: &str) -> FieldError {
    let field = if path.is_empty() { BODY } else { path };
    if let Some(name) =
        sentence.strip_prefix("missing field `").and_then(|rest| rest.split('`').next())
    {
        return FieldError::new(join(path, name), "is required");
    }
    // What serde_json says when a number with its text kept does not fit an integer.
    if sentence == "invalid number" {
        return FieldError::new(field, "must be a whole number in range");
    }
    let echoes = ["invalid type: ", "invalid value: ", "invalid length ", "unknown variant "];
    if !echoes.iter().any(|start| sentence.starts_with(start)) {
        return FieldError::new(field, sentence);
    }
    let expected =
        sentence.rsplit_once("expected ").map_or("something else", |(_, expected)| expected);
    FieldError::new(field, format!("must be {}", plainly(expected)))
}

fn plainly(expected: &str) -> &str {
    match expected {
        "a map" => "an object",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => {
            "a whole number in range"
        }
        "f32" | "f64" => "a number",
        other if other.starts_with("struct ") => "an object",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Policy {
        max_retries: u32,
        base: Option<f64>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Colour {
        Red,
        Blue,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Wanted {
        url: String,
        #[serde(default)]
        types: Vec<String>,
        #[serde(default)]
        policy: Option<Policy>,
        #[serde(default)]
        plain: Option<Policy>,
        enabled: Option<bool>,
        colour: Option<Colour>,
        data: Option<Value>,
        headers: Option<Map<String, Value>>,
    }

    fn wrong(text: &str) -> (String, String) {
        let error = parse(text.as_bytes()).and_then(|value| read::<Wanted>(value, "")).unwrap_err();
        (error.field, error.message)
    }

    #[test]
    fn mistakes_are_named_by_their_field() {
        for (text, field, message) in [
            (r#"{"types": []}"#, "url", "is required"),
            (r#"{"url": 5}"#, "url", "must be a string"),
            (r#"{"url": null}"#, "url", "must be a string"),
            (r#"{"url": "u", "types": "x"}"#, "types", "must be a list"),
            (r#"{"url": "u", "types": ["a", 7]}"#, "types[1]", "must be a string"),
            (r#"{"url": "u", "enabled": "yes"}"#, "enabled", "must be true or false"),
            (r#"{"url": "u", "policy": {}}"#, "policy.max_retries", "is required"),
            (r#"{"url": "u", "policy": "x"}"#, "policy", "must be an object"),
            (
                r#"{"url": "u", "policy": {"max_retries": -1}}"#,
                "policy.max_retries",
                "must be a whole number in range",
            ),
            (
                r#"{"url": "u", "policy": {"max_retries": 1.5}}"#,
                "policy.max_retries",
                "must be a whole number in range",
            ),
            (
                r#"{"url": "u", "policy": {"max_retries": 1, "base": "x"}}"#,
                "policy.base",
                "must be a number",
            ),
            (
                r#"{"url": "u", "policy": {"max_retries": "1"}}"#,
                "policy.max_retries",
                "must be a whole number in range",
            ),
            (
                r#"{"url": "u", "policy": {"max_retries": 1, "base": 1e999}}"#,
                "policy.base",
                "must be a number in range",
            ),
            (
                r#"{"url": "u", "data": {"a": [1, {"b": -1.0E+400}]}}"#,
                "data.a[1].b",
                "must be a number in range",
            ),
            (r#"{"url": "u", "colour": "green"}"#, "colour", "must be `red` or `blue`"),
            (r#"{"url": "u", "colour": ", expected secret"}"#, "colour", "must be `red` or `blue`"),
            (r#"{"url": "u", "headers": []}"#, "headers", "must be an object"),
        ] {
            assert_eq!(wrong(text), (field.to_owned(), message.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_object_is_about_the_body() {
        for text in [
            "",
            "  \n",
            "[]",
            "5",
            "null",
            "\"x\"",
            "{",
            "{}{}",
            "{} x",
            "{'a': 1}",
            "{\"a\": 01}",
            "{\"a\":1,}",
        ] {
            assert_eq!(wrong(text).0, "body", "{text}");
        }
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert_eq!(wrong(&deep).0, "body");
        assert_eq!(parse(b"{\"a\": \"\xff\"}").unwrap_err().field, "body");
        assert_eq!(parse(b"\xef\xbb\xbf{}").unwrap_err().field, "body");
    }

    #[test]
    fn a_list_says_which_item() {
        let error = read::<Wanted>(parse(br#"{"url": 1}"#).unwrap(), "[3]").unwrap_err();
        assert_eq!(error.field, "[3].url");
        assert_eq!(read::<Wanted>(Value::Null, "[0]").unwrap_err().field, "[0]");
        assert_eq!(read::<Wanted>(parse(b"{}").unwrap(), "[0]").unwrap_err().field, "[0].url");
    }

    #[test]
    fn the_last_of_duplicate_keys_wins_and_numbers_keep_their_text() {
        let value = parse(br#"{"url": "a", "url": "b", "data": {"n": 1.50, "n": 1.10, "big": 123456789012345678901234567890}, "policy": {"max_retries": 3, "base": 0.5}}"#).unwrap();
        let wanted: Wanted = read(value, "").unwrap();
        assert_eq!(wanted.url, "b");
        assert_eq!(
            wanted.data.unwrap().to_string(),
            r#"{"n":1.10,"big":123456789012345678901234567890}"#
        );
        assert_eq!(wanted.policy.unwrap().base, Some(0.5));
    }
}
