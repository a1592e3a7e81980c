//! One text for one content.

use serde_json::Value;

/// JSON with sorted keys and no blanks: equal for records that differ only in the order of keys.
/// Numbers are as they were sent, so `1` and `1.0` differ. For content hashes, not for people.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, to: &mut String) {
    match value {
        Value::Array(items) => {
            to.push('[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    to.push(',');
                }
                write(item, to);
            }
            to.push(']');
        }
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            to.push('{');
            for (place, (key, item)) in members.into_iter().enumerate() {
                if place > 0 {
                    to.push(',');
                }
                quote(key, to);
                to.push(':');
                write(item, to);
            }
            to.push('}');
        }
        Value::String(text) => quote(text, to),
        Value::Null | Value::Bool(_) | Value::Number(_) => to.push_str(&value.to_string()),
    }
}

/// Two texts are the same only if their quoted forms are; no more is asked of them here.
fn quote(text: &str, to: &mut String) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\0'..='\u{1f}' => {
                to.push_str("\\u00");
                for shift in [4, 0] {
                    to.extend(char::from_digit((u32::from(character) >> shift) & 15, 16));
                }
            }
            other => to.push(other),
        }
    }
    to.push('"');
}
