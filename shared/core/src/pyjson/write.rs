//! The printer: `json.dumps` with default arguments.

use serde_json::Value;

use super::error::{DumpError, Step, Trail};
use super::number::write_number;

/// How many arrays and objects may stand inside each other in what is printed: what
/// [`parse`](super::parse) lets in, and room for the envelope around it.
pub const MAX_WRITE_DEPTH: usize = super::MAX_PARSE_DEPTH + 8;

/// What stops the printer on its way down.
enum Stop {
    OutOfRange(Trail),
    TooDeep,
}

impl Stop {
    fn outwards(self, step: impl FnOnce() -> Step) -> Self {
        match self {
            Self::OutOfRange(trail) => Self::OutOfRange(trail.outwards(step())),
            Self::TooDeep => Self::TooDeep,
        }
    }
}

/// The text `json.dumps(value)` prints.
///
/// Fails on a number that overflows a double, naming it, and beyond [`MAX_WRITE_DEPTH`].
pub fn dumps(value: &Value) -> Result<String, DumpError> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

/// Appends what [`dumps`] returns to `out`, which is left as it was when that fails.
pub fn write(value: &Value, out: &mut String) -> Result<(), DumpError> {
    let before = out.len();
    write_value(value, MAX_WRITE_DEPTH, out).map_err(|stop| {
        out.truncate(before);
        match stop {
            Stop::OutOfRange(trail) => DumpError::NumberOutOfRange(trail.finish()),
            Stop::TooDeep => DumpError::TooDeep,
        }
    })
}

fn write_value(value: &Value, depth_left: usize, out: &mut String) -> Result<(), Stop> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            if !write_number(number, out) {
                return Err(Stop::OutOfRange(Trail::default()));
            }
        }
        Value::String(text) => write_str(text, out),
        Value::Array(items) => {
            let depth_left = depth_left.checked_sub(1).ok_or(Stop::TooDeep)?;
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(item, depth_left, out)
                    .map_err(|stop| stop.outwards(|| Step::Index(index)))?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            let depth_left = depth_left.checked_sub(1).ok_or(Stop::TooDeep)?;
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_str(key, out);
                out.push_str(": ");
                write_value(member, depth_left, out)
                    .map_err(|stop| stop.outwards(|| Step::key(key)))?;
            }
            out.push('}');
        }
    }
    Ok(())
}

/// Appends `text` as a JSON string in quotes, ASCII only (`json.encoder.encode_basestring_ascii`).
pub fn write_str(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    loop {
        let run = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
        // The byte that ends a run is ASCII or the first of its character: a boundary always.
        let (plain, special) = rest.split_at_checked(run).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = special.chars();
        let Some(character) = chars.next() else { break };
        write_escaped(character, out);
        rest = chars.as_str();
    }
    out.push('"');
}

/// Whether a byte stands for itself: printable ASCII but the quote and the backslash.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

fn write_escaped(character: char, out: &mut String) {
    match character {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        _ => {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write_unit(*unit, out);
            }
        }
    }
}

/// Appends `\uXXXX`, in lowercase as `CPython` does.
fn write_unit(unit: u16, out: &mut String) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        let digit = u32::from((unit >> shift) & 0xf);
        out.push(char::from_digit(digit, 16).unwrap_or('0'));
    }
}
