//! The query string, and the parameters that every list takes.

use std::ops::RangeInclusive;

use aragora_core::audit::Action;
use aragora_core::time::Millis;

use crate::error::ApiError;
use crate::percent::decode_query;
use crate::security::Note;

/// The most items a page may have.
pub const MAX_LIMIT: u32 = 100;
/// The longest cursor we hand out is far shorter.
const MAX_CURSOR_CHARS: usize = 2_048;

/// The parameters of a request, decoded, in the order in which they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows the `?` of a URL.
    pub fn parse(raw: &str) -> Self {
        let pairs = raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode_query(name), decode_query(value))
        });
        Self(pairs.collect())
    }

    /// The value of a parameter that may be given once. An empty value counts as none.
    pub fn one(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => Err(ApiError::field(name, "may be given once")),
            (first, _) => Ok(first),
        }
    }

    /// Every value of a parameter that may be given several times, without empty ones.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Whether any parameter has one of these names, whatever its value and case.
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        self.0.iter().any(|(key, _)| names.iter().any(|name| key.eq_ignore_ascii_case(name)))
    }

    /// `limit`: 1 to 100, or `default` when it is not given.
    pub fn limit(&self, default: u32) -> Result<u32, ApiError> {
        Ok(self.whole("limit", 1..=MAX_LIMIT)?.unwrap_or(default))
    }

    /// A parameter that is a whole number in a range.
    pub fn whole(&self, name: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, ApiError> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits && range.contains(&number) => Ok(Some(number)),
            _ => {
                let (least, most) = (range.start(), range.end());
                Err(ApiError::field(name, format!("must be a whole number from {least} to {most}")))
            }
        }
    }

    /// `cursor`: what an earlier page gave as `next_cursor`. Its content is the store's affair.
    pub fn cursor(&self) -> Result<Option<&str>, ApiError> {
        match self.one("cursor")? {
            Some(cursor) if cursor.len() > MAX_CURSOR_CHARS => Err(Self::bad_cursor()),
            cursor => Ok(cursor),
        }
    }

    /// What to answer when a cursor turns out not to be one of ours, which is reported.
    pub fn bad_cursor() -> ApiError {
        ApiError::field("cursor", "must be the next_cursor of an earlier page")
            .noting(Note::new(Action::CursorForged))
    }

    /// A parameter that is `true` or `false`, also as `1`, `0` and in other case, as clients in
    /// Python print it.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(ApiError::field(name, "must be true or false")),
        }
    }

    /// A parameter that is an RFC 3339 time. A `+` of its offset that was sent unescaped, and so
    /// arrives as a space, is understood.
    pub fn time(&self, name: &str) -> Result<Option<Millis>, ApiError> {
        let Some(text) = self.one(name)? else {
            return Ok(None);
        };
        match Millis::parse(text).or_else(|| Millis::parse(&text.replace(' ', "+"))) {
            Some(time) => Ok(Some(time)),
            None => Err(ApiError::field(name, "must be a time such as 2024-01-20T12:00:00Z")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_split_and_decoded() {
        let query = Query::parse("a=1&b=x+y%20z&a=2&&c&=v&d=p=q&%61=3");
        assert_eq!(query.all("a").collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(query.one("b").unwrap(), Some("x y z"));
        assert_eq!(query.one("c").unwrap(), None);
        assert_eq!(query.one("d").unwrap(), Some("p=q"));
        assert_eq!(query.one("e").unwrap(), None);
        assert_eq!(query.one("a").unwrap_err().fields()[0].field, "a");
        assert_eq!(Query::parse(""), Query::default());
    }

    #[test]
    fn limits_are_whole_numbers_from_1_to_100() {
        for (raw, wanted) in [
            ("", Some(20)),
            ("limit=", Some(20)),
            ("limit=1", Some(1)),
            ("limit=100", Some(100)),
            ("limit=007", Some(7)),
            ("limit=0", None),
            ("limit=101", None),
            ("limit=-1", None),
            ("limit=%2B5", None),
            ("limit=5.0", None),
            ("limit=ten", None),
            ("limit=99999999999999999999", None),
            ("limit=1&limit=2", None),
        ] {
            let limit = Query::parse(raw).limit(20);
            assert_eq!(limit.as_ref().ok().copied(), wanted, "{raw}");
            if let Err(error) = limit {
                assert_eq!(error.fields()[0].field, "limit");
            }
        }
    }

    #[test]
    fn flags_times_and_cursors() {
        for (raw, wanted) in [
            ("f=true", Some(Some(true))),
            ("f=True", Some(Some(true))),
            ("f=1", Some(Some(true))),
            ("f=FALSE", Some(Some(false))),
            ("f=0", Some(Some(false))),
            ("", Some(None)),
            ("f=yes", None),
        ] {
            assert_eq!(Query::parse(raw).flag("f").ok(), wanted, "{raw}");
        }
        for (raw, wanted) in [
            ("since=2024-01-20T12:00:00Z", Some(Some(Millis(1_705_752_000_000)))),
            ("since=2024-01-20T13:00:00%2B01:00", Some(Some(Millis(1_705_752_000_000)))),
            ("since=2024-01-20T13:00:00+01:00", Some(Some(Millis(1_705_752_000_000)))),
            ("until=x", Some(None)),
            ("since=1705752000", None),
            ("since=yesterday", None),
        ] {
            assert_eq!(Query::parse(raw).time("since").ok(), wanted, "{raw}");
        }
        assert_eq!(Query::parse("cursor=abc").cursor().unwrap(), Some("abc"));
        let long = format!("cursor={}", "x".repeat(2_049));
        assert_eq!(Query::parse(&long).cursor().unwrap_err().fields()[0].field, "cursor");
    }
}
