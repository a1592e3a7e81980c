//! Members of a record by name and type. `null` and blank text are as if the member were not there;
//! of several names the first that is there counts; a wrong type or range is a problem.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::problem::{At, Problems};
use super::text;
use crate::moment;

/// An object of the record.
pub(crate) type Object = Map<String, Value>;

/// The most characters of an agent's name.
pub(crate) const MAX_NAME_CHARS: usize = 200;
/// The highest number of a round.
pub(crate) const MAX_ROUND: u32 = 10_000;
/// What a round is called.
pub(crate) const ROUND: [&str; 4] = ["round", "round_num", "round_number", "loop_round"];
/// What a time is called on what happened.
pub(crate) const TIME: [&str; 3] = ["timestamp", "time", "created_at"];
/// Numbers below this are no time of a debate: 2000-01-01 in seconds.
const FIRST_PLAUSIBLE: f64 = 946_684_800.0;
const MAX_TIME_CHARS: usize = 64;

/// The first of `names` that is there.
pub(crate) fn given<'v>(
    object: &'v Object,
    names: &[&'static str],
) -> Option<(&'static str, &'v Value)> {
    names.iter().find_map(|name| Some((*name, object.get(*name)?)).filter(|(_, v)| !v.is_null()))
}

/// A text that is not blank, as it was sent.
pub(crate) fn text<'v>(
    object: &'v Object,
    names: &[&'static str],
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<&'v str> {
    for name in names {
        match object.get(*name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.trim().is_empty() => {}
            Some(Value::String(text)) => return Some(text),
            Some(_) => {
                problems.add(&at.key(name), "must be text");
                return None;
            }
        }
    }
    None
}

/// A short text on one line, of at most `chars` characters.
pub(crate) fn label(
    object: &Object,
    names: &[&'static str],
    chars: usize,
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<String> {
    let sent = text(object, names, at, problems)?;
    let label = text::line(sent);
    if text::is_longer(&label, chars) {
        let name = given(object, names).map_or("", |(name, _)| name);
        problems.add(&at.key(name), format!("must have at most {chars} characters"));
        return None;
    }
    Some(label).filter(|label| !label.is_empty())
}

/// A name: 1 to [`MAX_NAME_CHARS`] characters on one line.
pub(crate) fn name(sent: &str, at: &At<'_>, problems: &mut Problems) -> Option<String> {
    let name = text::line(sent);
    if name.is_empty() || text::is_longer(&name, MAX_NAME_CHARS) {
        problems.add(at, format!("must be a name of 1 to {MAX_NAME_CHARS} characters"));
        return None;
    }
    Some(name)
}

/// A finite number.
pub(crate) fn number(value: &Value) -> Option<f64> {
    // Adding zero makes `-0.0` the ordinary one, which is not printed with a sign.
    value.as_f64().filter(|number| number.is_finite()).map(|number| number + 0.0)
}

/// A number within a range.
pub(crate) fn number_in(
    object: &Object,
    names: &[&'static str],
    range: &RangeInclusive<f64>,
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<f64> {
    let (name, value) = given(object, names)?;
    let found = number(value).filter(|number| range.contains(number));
    if found.is_none() {
        let message = format!("must be a number from {} to {}", range.start(), range.end());
        problems.add(&at.key(name), message);
    }
    found
}

/// A number from 0 to 1.
pub(crate) fn fraction(
    object: &Object,
    names: &[&'static str],
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<f64> {
    number_in(object, names, &(0.0..=1.0), at, problems)
}

/// A whole number from 0 to `max`; `3.0` is one.
pub(crate) fn whole(
    object: &Object,
    names: &[&'static str],
    max: u32,
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<u32> {
    let (name, value) = given(object, names)?;
    let found = as_whole(value, max);
    if found.is_none() {
        problems.add(&at.key(name), format!("must be a whole number from 0 to {max}"));
    }
    found
}

/// A whole number from 0 to `max`, when the value is one.
pub(crate) fn as_whole(value: &Value, max: u32) -> Option<u32> {
    let number = number(value)?;
    if number.fract() != 0.0 || !(0.0..=f64::from(max)).contains(&number) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Some(number as u32)
}

/// The round something happened in.
pub(crate) fn round(object: &Object, at: &At<'_>, problems: &mut Problems) -> Option<u32> {
    whole(object, &ROUND, MAX_ROUND, at, problems)
}

/// Yes or no.
pub(crate) fn flag(
    object: &Object,
    names: &[&'static str],
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<bool> {
    let (name, value) = given(object, names)?;
    let found = value.as_bool();
    if found.is_none() {
        problems.add(&at.key(name), "must be true or false");
    }
    found
}

/// A time as the record has it; a number of seconds since 1970 is printed as RFC 3339.
pub(crate) fn time(
    object: &Object,
    names: &[&'static str],
    at: &At<'_>,
    problems: &mut Problems,
) -> Option<String> {
    for name in names {
        let found = match object.get(*name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(sent)) => {
                let line = text::line(sent);
                if line.is_empty() {
                    continue;
                }
                Some(line).filter(|line| !text::is_longer(line, MAX_TIME_CHARS))
            }
            Some(value @ Value::Number(_)) => {
                number(value).filter(|number| *number >= FIRST_PLAUSIBLE).and_then(moment::printed)
            }
            Some(_) => None,
        };
        if found.is_none() {
            problems.add(&at.key(name), "must be a time in RFC 3339");
        }
        return found;
    }
    None
}
