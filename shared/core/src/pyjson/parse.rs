//! The parser: RFC 8259 into [`Value`], number text kept.

use serde_json::{Map, Number, Value};

use super::error::JsonError;

/// How many arrays and objects may stand inside each other in what is read: a delivered body, with
/// its envelope or inside a published batch, stays below the 127 levels `serde_json` itself takes.
pub const MAX_PARSE_DEPTH: usize = 120;

/// What stops the parser, before line and column are known.
enum Stop {
    Expected(&'static str),
    LoneSurrogate,
    TooDeep,
}

/// Reads one JSON document; nothing but white space may surround it.
///
/// Of duplicate keys the last value wins, at the place of the first. Integers keep all their
/// digits, floats their text; one that overflows is read here and refused by [`dumps`](super::dumps),
/// so that one such number spoils its own event and not the whole list it came in. No key is
/// special (see the module's documentation on `serde_json`'s own).
pub fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
    let mut reader = Reader { text, position: 0 };
    reader.document().map_err(|stop| match stop {
        Stop::TooDeep => JsonError::TooDeep,
        Stop::Expected(expected) => {
            let (line, column) = reader.line_and_column();
            JsonError::Syntax { expected, line, column }
        }
        Stop::LoneSurrogate => {
            let (line, column) = reader.line_and_column();
            JsonError::LoneSurrogate { line, column }
        }
    })
}

/// A position in the text. It is always a character boundary: only ASCII is stepped over singly.
struct Reader<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Value, Stop> {
        self.skip_space();
        let value = self.value(MAX_PARSE_DEPTH)?;
        self.skip_space();
        match self.peek() {
            None => Ok(value),
            Some(_) => Err(Stop::Expected("expected the end")),
        }
    }

    fn value(&mut self, depth_left: usize) -> Result<Value, Stop> {
        match self.peek() {
            Some(b'{') => self.object(depth_left),
            Some(b'[') => self.array(depth_left),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(Stop::Expected("expected a value")),
        }
    }

    fn object(&mut self, depth_left: usize) -> Result<Value, Stop> {
        let depth_left = depth_left.checked_sub(1).ok_or(Stop::TooDeep)?;
        self.position += 1;
        let mut members = Map::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(Stop::Expected("expected a key in double quotes"));
            }
            let key = self.string()?;
            self.skip_space();
            if !self.take(b':') {
                return Err(Stop::Expected("expected `:`"));
            }
            self.skip_space();
            let member = self.value(depth_left)?;
            members.insert(key, member);
            self.skip_space();
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return Err(Stop::Expected("expected `,` or `}`"));
            }
            self.skip_space();
        }
    }

    fn array(&mut self, depth_left: usize) -> Result<Value, Stop> {
        let depth_left = depth_left.checked_sub(1).ok_or(Stop::TooDeep)?;
        self.position += 1;
        let mut items = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            let item = self.value(depth_left)?;
            items.push(item);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return Err(Stop::Expected("expected `,` or `]`"));
            }
            self.skip_space();
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Stop> {
        if self.rest().starts_with(word) {
            self.position += word.len();
            Ok(value)
        } else {
            Err(Stop::Expected("expected a value"))
        }
    }

    fn number(&mut self) -> Result<Number, Stop> {
        let start = self.position;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            if !self.take(b'+') {
                self.take(b'-');
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.position).unwrap_or_default();
        if let Ok(small) = text.parse::<i64>() {
            // `-0` becomes 0 here, as in Python.
            return Ok(Number::from(small));
        }
        text.parse().map_err(|_| Stop::Expected("expected a number"))
    }

    fn digits(&mut self) -> Result<(), Stop> {
        let count = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        self.position += count;
        if count == 0 { Err(Stop::Expected("expected a digit")) } else { Ok(()) }
    }

    /// Reads a string whose opening quote is next.
    fn string(&mut self) -> Result<String, Stop> {
        self.position += 1;
        let mut value = self.plain_run().to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(value);
                }
                Some(b'\\') => {
                    self.position += 1;
                    value.push(self.escape()?);
                }
                Some(_) => return Err(Stop::Expected("expected control characters to be escaped")),
                None => return Err(Stop::Expected("expected a closing quote")),
            }
            value.push_str(self.plain_run());
        }
    }

    /// Steps over everything up to the next quote, backslash or control character.
    fn plain_run(&mut self) -> &'a str {
        let rest = self.rest();
        let run = rest
            .bytes()
            .position(|byte| byte == b'"' || byte == b'\\' || byte < 0x20)
            .unwrap_or(rest.len());
        self.position += run;
        rest.get(..run).unwrap_or_default()
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Result<char, Stop> {
        let character = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.position += 1;
                return self.escaped_character();
            }
            _ => return Err(Stop::Expected("expected an escape JSON knows")),
        };
        self.position += 1;
        Ok(character)
    }

    /// Reads the four digits after `\u`, and the second half when they are the first of a pair.
    fn escaped_character(&mut self) -> Result<char, Stop> {
        let first = self.unit()?;
        if let Some(character) = char::from_u32(first) {
            return Ok(character);
        }
        if first >= 0xdc00 || !self.rest().starts_with("\\u") {
            return Err(Stop::LoneSurrogate);
        }
        self.position += 2;
        let second = self.unit()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(Stop::LoneSurrogate);
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
            .ok_or(Stop::LoneSurrogate)
    }

    fn unit(&mut self) -> Result<u32, Stop> {
        let digits = self.rest().get(..4).ok_or(Stop::Expected("expected four hex digits"))?;
        // `from_str_radix` would take a sign.
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Stop::Expected("expected four hex digits"));
        }
        self.position += 4;
        u32::from_str_radix(digits, 16).map_err(|_| Stop::Expected("expected four hex digits"))
    }

    fn skip_space(&mut self) {
        let count = self
            .rest()
            .bytes()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
            .count();
        self.position += count;
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn line_and_column(&self) -> (usize, usize) {
        let before = self.text.get(..self.position).unwrap_or_default();
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        let last = before.rsplit('\n').next().unwrap_or_default();
        (line, last.chars().count() + 1)
    }
}
