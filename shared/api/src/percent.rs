//! Percent-encoding, read.

/// Decodes a path segment; `None` for a malformed escape or what is not UTF-8.
pub(crate) fn decode_segment(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut malformed = false;
    let bytes = decode(text, &mut malformed);
    if malformed { None } else { String::from_utf8(bytes).ok() }
}

/// Decodes a name or value of a query as browsers do: `+` is a space, a malformed escape stands
/// for itself, and what is not UTF-8 is replaced.
pub(crate) fn decode_query(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let mut malformed = false;
    String::from_utf8_lossy(&decode(&spaced, &mut malformed)).into_owned()
}

fn decode(text: &str, malformed: &mut bool) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        match after {
            [high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                decoded.push(hex_value(*high) << 4 | hex_value(*low));
                rest = after;
            }
            _ => {
                *malformed = true;
                decoded.push(b'%');
            }
        }
    }
    decoded
}

const fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_strictly() {
        for (text, decoded) in [
            ("plain", Some("plain")),
            ("a%20b", Some("a b")),
            ("%2Fa%2f", Some("/a/")),
            ("a+b", Some("a+b")),
            ("%C3%A9", Some("é")),
            ("%c3", None),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("", Some("")),
        ] {
            assert_eq!(decode_segment(text).as_deref(), decoded, "{text}");
        }
    }

    #[test]
    fn queries_are_decoded_leniently() {
        for (text, decoded) in [
            ("a+b%20c", "a b c"),
            ("%2B", "+"),
            ("100%", "100%"),
            ("%zz%41", "%zzA"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decode_query(text), decoded, "{text}");
        }
    }
}
