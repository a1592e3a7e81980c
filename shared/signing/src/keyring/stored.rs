//! The forms in which a secret field is found in a table.

use std::fmt;

use secrecy::SecretString;
use serde_json::{Value, json};
use thiserror::Error;

/// The member that says a value is sealed.
const MARK: &str = "_encrypted";
/// The member that holds the base64.
const TEXT: &str = "_value";

/// A sealed value: the text of `_value`. Not secret without the key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Envelope(String);

impl Envelope {
    /// Takes the text of `_value` as it was stored; judged when it is opened.
    pub fn from_value(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The text of `_value`.
    pub fn value(&self) -> &str {
        &self.0
    }

    /// `{"_encrypted": true, "_value": …}`.
    pub fn to_json(&self) -> Value {
        json!({ MARK: true, TEXT: self.0 })
    }
}

/// Kept short in logs.
impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Envelope({} characters)", self.0.len())
    }
}

/// A secret field as it is found.
#[derive(Debug, Clone)]
pub enum Stored {
    /// Written before there was encryption; still read.
    Plain(SecretString),
    /// Written by [`KeyRing::seal`](super::KeyRing::seal).
    Sealed(Envelope),
}

/// Neither a string nor an object with `_encrypted: true` and a string `_value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the stored value is neither plain text nor an encryption envelope")]
pub struct NotAStoredValue;

impl Stored {
    /// Reads a field: a string is a plain value, an object must be the envelope.
    pub fn from_json(value: &Value) -> Result<Self, NotAStoredValue> {
        match value {
            Value::String(text) => Ok(Self::Plain(SecretString::from(text.as_str()))),
            Value::Object(members) if members.get(MARK) == Some(&Value::Bool(true)) => {
                let text = members.get(TEXT).and_then(Value::as_str).ok_or(NotAStoredValue)?;
                Ok(Self::Sealed(Envelope::from_value(text)))
            }
            _ => Err(NotAStoredValue),
        }
    }
}
