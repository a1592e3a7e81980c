//! A webhook's own header values, kept out of what is kept of an answer.
//!
//! Error pages like to print the request they failed on, `Authorization` included. The excerpt is
//! stored and shown to whoever may read receipts, so what was sent as a credential is cut out of
//! it, wherever it came back as it was sent.

use http::HeaderMap;

/// What stands for a credential in an excerpt.
const REDACTED: &[u8] = b"[redacted]";

/// Shorter values are words (`blue`, `true`) rather than credentials, and occur by themselves.
const MIN_BYTES: usize = 8;

/// The values of one request that must not come back.
pub(super) struct Credentials(Vec<Vec<u8>>);

impl Credentials {
    /// Every value marked sensitive, whole and without its scheme (`Bearer x` and `x`).
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let sensitive = headers.values().filter(|value| value.is_sensitive());
        let mut found: Vec<Vec<u8>> = sensitive
            .flat_map(|value| {
                let whole = value.as_bytes().trim_ascii();
                let token = whole.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
                [whole, token].map(<[u8]>::to_vec)
            })
            .filter(|value| value.len() >= MIN_BYTES)
            .collect();
        // The longest first: a token in its whole value is not to be found before it.
        found.sort_by_key(|value| std::cmp::Reverse(value.len()));
        found.dedup();
        Self(found)
    }

    /// The length of the longest: what must be read beyond a text to know how it ends.
    pub(super) fn longest(&self) -> usize {
        self.0.first().map_or(0, Vec::len)
    }

    /// `text` without them, and without the beginning of one at its end, where reading stopped.
    pub(super) fn redact(&self, text: &[u8]) -> Vec<u8> {
        if self.0.is_empty() {
            return text.to_vec();
        }
        let mut kept = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((first, after)) = rest.split_first() {
            if let Some(behind) = self.0.iter().find_map(|value| rest.strip_prefix(&value[..])) {
                kept.extend_from_slice(REDACTED);
                rest = behind;
            } else if rest.len() >= MIN_BYTES && self.0.iter().any(|value| value.starts_with(rest))
            {
                kept.extend_from_slice(REDACTED);
                break;
            } else {
                kept.push(*first);
                rest = after;
            }
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn credentials(values: &[&'static str]) -> Credentials {
        let mut headers = HeaderMap::new();
        for value in values {
            let mut value = HeaderValue::from_static(value);
            value.set_sensitive(true);
            headers.append("x-own", value);
        }
        headers.insert("x-ours", HeaderValue::from_static("not-sensitive"));
        Credentials::of(&headers)
    }

    #[test]
    fn values_and_their_tokens_are_cut_out() {
        let credentials = credentials(&["Bearer abcdefgh12", "key-of-eleven", "blue", ""]);
        for (text, kept) in [
            ("authorization: Bearer abcdefgh12, x", "authorization: [redacted], x"),
            ("token=abcdefgh12abcdefgh12", "token=[redacted][redacted]"),
            ("blue not-sensitive", "blue not-sensitive"),
            ("(key-of-eleven)", "([redacted])"),
            // What is cut off in the middle is one too, unless it is too short to tell.
            ("token=abcdefgh1", "token=[redacted]"),
            ("token=abcdefg", "token=abcdefg"),
            ("Bearer of news", "Bearer of news"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8(credentials.redact(text.as_bytes())).unwrap(), kept);
        }
        assert_eq!(credentials.longest(), "Bearer abcdefgh12".len());
    }

    #[test]
    fn nothing_is_cut_out_where_nothing_is_secret() {
        let none = credentials(&["blue"]);
        assert_eq!((none.redact(b"blue \xff"), none.longest()), (b"blue \xff".to_vec(), 0));
    }
}
