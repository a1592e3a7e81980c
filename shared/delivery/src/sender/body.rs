//! What is read of an answer's body, and what is kept of it.

use std::time::Duration;

use reqwest::Response;
use reqwest::header::CONTENT_ENCODING;
use tokio::time::{Instant, timeout};

use super::credentials::Credentials;

/// Most bytes taken from one answer's body.
const READ_LIMIT: u64 = 64 * 1024;

/// Most characters kept of a failure's body.
const EXCERPT_CHARS: usize = 2_000;

/// Bytes that hold that many characters in any case: at most 4 each, and at most 3 of an invalid
/// sequence become one U+FFFD. What lies behind them need not be held.
const EXCERPT_BYTES: usize = EXCERPT_CHARS * 4;

/// How long to wait for the rest of a body nobody will look at, so that the connection can be
/// used again. A new connection costs about this much to a far receiver, TLS included.
const DRAIN_LIMIT: Duration = Duration::from_millis(250);

/// How a body went on.
enum Rest {
    /// It is complete, or the connection broke: nothing more will come.
    Over,
    /// There may be more than the bytes taken so far, here counted.
    More(u64),
}

/// The beginning of a failure's body as harmless text without `credentials`, taking at most
/// `remaining`.
///
/// `None` for an empty body and for an encoded one: nothing is ever decompressed (a small answer
/// could become gigabytes), and compressed bytes are of no use to a reader.
pub(super) async fn excerpt(
    mut response: Response,
    credentials: &Credentials,
    remaining: Duration,
) -> Option<String> {
    let legible = !is_encoded(&response);
    let mut kept = Vec::new();
    // Whether an excerpt ends within a credential shows only behind it.
    let room = EXCERPT_BYTES + credentials.longest();
    let begun = Instant::now();
    let filled = timeout(remaining, fill(&mut response, &mut kept, room)).await;
    if let Ok(Rest::More(taken)) = filled {
        let remaining = remaining.saturating_sub(begun.elapsed());
        drain(response, READ_LIMIT.saturating_sub(taken), remaining).await;
    }
    (legible && !kept.is_empty()).then(|| harmless(&credentials.redact(&kept)))
}

/// Reads a body away for the connection's sake, within narrow bounds; beyond them dropping it
/// closes the connection.
pub(super) async fn discard(response: Response, remaining: Duration) {
    drain(response, READ_LIMIT, remaining).await;
}

fn is_encoded(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Takes bytes until `kept` holds `enough`. What has arrived stays there even if the caller stops
/// waiting.
async fn fill(response: &mut Response, kept: &mut Vec<u8>, enough: usize) -> Rest {
    let mut taken = 0;
    while kept.len() < enough {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = enough - kept.len();
                kept.extend(chunk.iter().take(room));
                taken += size(&chunk);
            }
            Ok(None) | Err(_) => return Rest::Over,
        }
    }
    Rest::More(taken)
}

fn size(chunk: &[u8]) -> u64 {
    u64::try_from(chunk.len()).unwrap_or(u64::MAX)
}

async fn drain(mut response: Response, limit: u64, remaining: Duration) {
    if response.content_length().is_some_and(|left| left > limit) {
        return;
    }
    let reading = async {
        let mut left = limit;
        while let Ok(Some(chunk)) = response.chunk().await {
            match left.checked_sub(size(&chunk)) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Running out of time here is an ordinary end.
    if timeout(DRAIN_LIMIT.min(remaining), reading).await.is_err() {}
}

/// The first [`EXCERPT_CHARS`] characters, invalid UTF-8 and anything that could steer a
/// terminal, a log line or the direction of text replaced by U+FFFD.
fn harmless(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .take(EXCERPT_CHARS)
        .filter(|character| *character != '\r')
        .map(
            |character| {
                if is_harmful(character) { char::REPLACEMENT_CHARACTER } else { character }
            },
        )
        .collect()
}

fn is_harmful(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        // Line and paragraph separators, the marks, embeddings, overrides and isolates that
        // reorder what a reader sees (UAX #9), and the deprecated controls beside them.
        '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{206f}'
        | '\u{feff}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_as_it_is() {
        assert_eq!(harmless("naïve \u{1f600}\n\tyes".as_bytes()), "naïve \u{1f600}\n\tyes");
    }

    #[test]
    fn what_could_steer_a_reader_is_replaced() {
        assert_eq!(harmless(b"a\x1b[31mb\0c\x7f\r\nd"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}\nd");
        assert_eq!(harmless("x\u{202e}y\u{2028}z\u{9b}".as_bytes()), "x\u{fffd}y\u{fffd}z\u{fffd}");
        assert_eq!(harmless("x\u{61c}y\u{206f}z".as_bytes()), "x\u{fffd}y\u{fffd}z");
        assert_eq!(harmless(b"\xff\xc3("), "\u{fffd}\u{fffd}(");
    }

    #[test]
    fn two_thousand_characters_of_any_width_survive_the_byte_limit() {
        for character in ["a", "é", "€", "\u{1f600}"] {
            let body = character.repeat(3_000).into_bytes();
            let held: Vec<u8> = body.into_iter().take(EXCERPT_BYTES).collect();
            assert_eq!(harmless(&held), character.repeat(EXCERPT_CHARS));
        }
    }
}
