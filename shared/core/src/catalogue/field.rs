//! One known field of an event's data: its meaning, its JSON Schema, and a value to show.
//!
//! Schema and example come from the same line of the table, so neither can forget what the other
//! has.

use serde_json::{Map, Value, json};

/// A known field of the data of an event type.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    description: &'static str,
    kind: Kind,
    shown: Shown,
    nullable: bool,
    /// Whether every event of the type has it. Never so where publishers are free.
    pub(super) required: bool,
}

/// What a field holds, with a value for the example.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Text(&'static str),
    /// RFC 3339.
    Time(&'static str),
    /// One of these texts; the first is the example.
    Word(&'static [&'static str]),
    /// A whole number from 0 on.
    Count(u64),
    /// A number from 0 on.
    Amount(f64),
    /// A number from 0 to 1.
    Share(f64),
    Flag(bool),
    /// Names, or objects that have one.
    Agents(&'static [&'static str]),
    /// A count for each name.
    Counts(&'static [(&'static str, u64)]),
    /// A text for each name.
    Texts(&'static [(&'static str, &'static str)]),
}

/// How the example shows a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Value,
    Null,
    No,
}

const fn field(name: &'static str, kind: Kind, description: &'static str) -> Field {
    Field { name, description, kind, shown: Shown::Value, nullable: false, required: false }
}

pub(super) const fn text(
    name: &'static str,
    example: &'static str,
    description: &'static str,
) -> Field {
    field(name, Kind::Text(example), description)
}

pub(super) const fn time(
    name: &'static str,
    example: &'static str,
    description: &'static str,
) -> Field {
    field(name, Kind::Time(example), description)
}

pub(super) const fn word(
    name: &'static str,
    words: &'static [&'static str],
    description: &'static str,
) -> Field {
    field(name, Kind::Word(words), description)
}

pub(super) const fn count(name: &'static str, example: u64, description: &'static str) -> Field {
    field(name, Kind::Count(example), description)
}

pub(super) const fn amount(name: &'static str, example: f64, description: &'static str) -> Field {
    field(name, Kind::Amount(example), description)
}

pub(super) const fn share(name: &'static str, example: f64, description: &'static str) -> Field {
    field(name, Kind::Share(example), description)
}

pub(super) const fn flag(name: &'static str, example: bool, description: &'static str) -> Field {
    field(name, Kind::Flag(example), description)
}

pub(super) const fn agents(
    name: &'static str,
    example: &'static [&'static str],
    description: &'static str,
) -> Field {
    field(name, Kind::Agents(example), description)
}

pub(super) const fn counts(
    name: &'static str,
    example: &'static [(&'static str, u64)],
    description: &'static str,
) -> Field {
    field(name, Kind::Counts(example), description)
}

pub(super) const fn texts(
    name: &'static str,
    example: &'static [(&'static str, &'static str)],
    description: &'static str,
) -> Field {
    field(name, Kind::Texts(example), description)
}

impl Field {
    /// The same field, in every event of the type.
    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// The same field, which may also be `null`.
    pub(super) const fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// The same field, which may also be `null` and is so in the example.
    pub(super) const fn null(mut self) -> Self {
        self.nullable = true;
        self.shown = Shown::Null;
        self
    }

    /// The same field, left out of the example: another name, or another form, of what is in it.
    pub(super) const fn unshown(mut self) -> Self {
        self.shown = Shown::No;
        self
    }

    /// What the example has under the field's name, if anything.
    pub(super) fn example(&self) -> Option<Value> {
        match self.shown {
            Shown::Value => Some(self.kind.example()),
            Shown::Null => Some(Value::Null),
            Shown::No => None,
        }
    }

    /// The JSON Schema of the field's value.
    pub(super) fn schema(&self) -> Value {
        let mut schema = Map::new();
        let (kind, rules) = self.kind.schema();
        let types = if self.nullable { json!([kind, "null"]) } else { json!(kind) };
        schema.insert("description".to_owned(), self.description.into());
        schema.insert("type".to_owned(), types);
        if let Value::Object(rules) = rules {
            schema.extend(rules);
        }
        Value::Object(schema)
    }
}

impl Kind {
    fn example(self) -> Value {
        match self {
            Self::Text(text) | Self::Time(text) => text.into(),
            Self::Word(words) => words.first().copied().into(),
            Self::Count(number) => number.into(),
            Self::Amount(number) | Self::Share(number) => number.into(),
            Self::Flag(flag) => flag.into(),
            Self::Agents(names) => names.into(),
            Self::Counts(counts) => counts
                .iter()
                .map(|&(name, number)| (name.to_owned(), Value::from(number)))
                .collect(),
            Self::Texts(texts) => {
                texts.iter().map(|&(name, text)| (name.to_owned(), Value::from(text))).collect()
            }
        }
    }

    /// The JSON type, and what else holds for the value.
    fn schema(self) -> (&'static str, Value) {
        match self {
            Self::Text(_) => ("string", Value::Null),
            Self::Time(_) => ("string", json!({"format": "date-time"})),
            Self::Word(words) => ("string", json!({"enum": words})),
            Self::Count(_) => ("integer", json!({"minimum": 0})),
            Self::Amount(_) => ("number", json!({"minimum": 0})),
            Self::Share(_) => ("number", json!({"minimum": 0, "maximum": 1})),
            Self::Flag(_) => ("boolean", Value::Null),
            Self::Agents(_) => (
                "array",
                json!({"items": {
                    "type": ["string", "object"],
                    "properties": {"name": {"type": "string"}},
                }}),
            ),
            Self::Counts(_) => {
                ("object", json!({"additionalProperties": {"type": "integer", "minimum": 0}}))
            }
            Self::Texts(_) => ("object", json!({"additionalProperties": {"type": "string"}})),
        }
    }
}
