//! Cursors: opaque to callers, checked when they come back.
//!
//! A cursor says where a list goes on and which list it is of. It is no secret and grants
//! nothing: whose list it is comes from the credential, so a forged one only names another place
//! in the caller's own list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ApiError;
use crate::query::Query;

/// Which list a cursor is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Webhooks,
    Receipts,
    Events,
    DeadLetters,
    Jobs,
    Batches,
    BatchResults,
    Circuits,
    Audit,
    Debates,
    Templates,
    Versions,
    Reviews,
    Ratings,
}

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Webhooks => "w1:",
            Self::Receipts => "r1:",
            Self::Events => "e1:",
            Self::DeadLetters => "d1:",
            Self::Jobs => "j1:",
            Self::Batches => "x1:",
            Self::BatchResults => "y1:",
            Self::Circuits => "b1:",
            Self::Audit => "a1:",
            Self::Debates => "D1:",
            Self::Templates => "t1:",
            Self::Versions => "n1:",
            Self::Reviews => "v1:",
            Self::Ratings => "g1:",
        }
    }
}

/// A cursor for what comes after `place`.
pub(crate) fn write(kind: Kind, place: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}{place}", kind.prefix()))
}

/// The place in the query's `cursor`, read by `parse`; `None` without one.
///
/// # Errors
/// 400 for what we did not write.
pub(crate) fn read<T>(
    query: &Query,
    kind: Kind,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, ApiError> {
    let Some(text) = query.cursor()? else { return Ok(None) };
    let place = || {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        parse(std::str::from_utf8(&bytes).ok()?.strip_prefix(kind.prefix())?)
    };
    place().map(Some).ok_or_else(Query::bad_cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(kind: Kind, cursor: &str) -> Result<Option<String>, ApiError> {
        read(&Query::parse(&format!("cursor={cursor}")), kind, |place| {
            (place != "bad").then(|| place.to_owned())
        })
    }

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let cursor = write(Kind::Events, "0170#evt-1");
        assert_eq!(place(Kind::Events, &cursor).unwrap().as_deref(), Some("0170#evt-1"));
    }

    #[test]
    fn what_we_did_not_write_is_refused() {
        for cursor in [
            "x",
            "%00",
            "e1:plain",
            &write(Kind::Events, "bad"),
            &write(Kind::Webhooks, "0170#evt-1"),
        ] {
            assert!(place(Kind::Events, cursor).is_err(), "{cursor}");
        }
    }
}
