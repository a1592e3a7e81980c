//! JSON text byte-identical to `CPython`'s `json.dumps(json.loads(input))` with default arguments.
//!
//! Receivers that followed the published guides verify a signature over `json.dumps(payload)` of
//! what they parsed (seed 002) or over the raw body (seed 000). Both agree only while the bytes we
//! send are the bytes `CPython` would print, hence a printer of our own:
//!
//! * separators `, ` and `: `; ASCII only, lowercase `\uXXXX`, surrogate pairs above U+FFFF, DEL
//!   escaped, `/` not;
//! * integers of any size as they are (`-0` is Python's `0`); whatever has a `.` or an exponent is
//!   a double and prints as Python's `repr`;
//! * of duplicate keys the last value wins, at the place of the first, as in a Python `dict`.
//!
//! There is a parser of our own as well, because `serde_json` with `arbitrary_precision` and
//! `raw_value` reads the publisher's `{"$serde_json::private::Number": "1"}` as the number 1, and
//! `{"$serde_json::private::RawValue": "[]"}` as an array. Everything that came from outside and
//! is to be signed goes through [`parse`].
//!
//! Two things `CPython` takes are refused here: `NaN`/`Infinity` (not JSON), and lone surrogates
//! (`"\ud800"`, which no Rust string can hold).

mod error;
mod number;
mod parse;
mod write;

#[cfg(test)]
mod tests;

pub use error::{DumpError, JsonError, NumberOutOfRange};
pub use parse::{MAX_PARSE_DEPTH, parse};
pub use write::{MAX_WRITE_DEPTH, dumps, write, write_str};
