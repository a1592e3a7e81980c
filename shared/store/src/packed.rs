//! Text as raw DEFLATE (RFC 1951): DynamoDB bills by the kilobyte.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// The text, packed. Writing to memory does not fail.
pub(crate) fn pack(text: &str) -> std::io::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes())?;
    encoder.finish()
}

/// What was packed, reading no more than `most` bytes of it: a damaged item must not fill the
/// memory.
pub(crate) fn unpack(packed: &[u8], most: u64) -> std::io::Result<String> {
    let mut text = String::new();
    DeflateDecoder::new(packed).take(most).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_comes_back_and_no_more_than_is_allowed() {
        let text = "ein Satz, der sich wiederholt; ".repeat(100);
        let packed = pack(&text).unwrap();
        assert!(packed.len() < text.len() / 10);
        assert_eq!(unpack(&packed, 1 << 20).unwrap(), text);
        assert_eq!(unpack(&packed, 10).unwrap(), text.get(..10).unwrap());
        assert!(unpack(b"no such thing", 100).is_err());
    }
}
