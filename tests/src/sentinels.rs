//! Texts that must turn up nowhere, and the spellings they could turn up in.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Shorter texts occur by chance.
const MIN_CHARS: usize = 12;

/// Secrets, each with a name for the report and in every spelling that is looked for.
#[derive(Debug, Default)]
pub struct Sentinels(Vec<(String, Vec<String>)>);

impl Sentinels {
    /// Looks for `secret` from now on: as it is, in base64 wherever it begins in what was encoded,
    /// and in hexadecimal.
    ///
    /// # Panics
    /// When it is so short that it would be found anywhere.
    pub fn add(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= MIN_CHARS, "{name} is too short to be looked for");
        self.0.push((name.to_owned(), spellings(secret.as_bytes())));
        self.0.last_mut().expect("one was added").1.push(secret.to_owned());
    }

    /// Looks for these bytes in base64 and hexadecimal.
    pub fn add_bytes(&mut self, name: &str, secret: &[u8]) {
        self.0.push((name.to_owned(), spellings(secret)));
    }

    /// The name of the first one that a text contains.
    pub fn in_text(&self, text: &str) -> Option<&str> {
        let contains = |spellings: &Vec<String>| spellings.iter().any(|it| text.contains(it));
        self.0.iter().find(|(_, spellings)| contains(spellings)).map(|(name, _)| name.as_str())
    }
}

fn spellings(secret: &[u8]) -> Vec<String> {
    let hex = hexadecimal(secret);
    let mut all = vec![hex.to_uppercase(), hex];
    for before in 0..3 {
        // Only the characters that stand for bits of the secret and of nothing beside it.
        let padded = [vec![0; before], secret.to_vec()].concat();
        let whole = padded.len() * 8 / 6;
        let encoded = STANDARD_NO_PAD.encode(&padded);
        let text =
            encoded.get((before * 8).div_ceil(6)..whole).expect("base64 is ASCII").to_owned();
        all.push(text.replace('+', "-").replace('/', "_"));
        all.push(text);
    }
    all
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in bytes {
        write!(hex, "{byte:02x}").expect("a string takes everything");
    }
    hex
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn a_secret_is_found_in_every_spelling_and_place() {
        let secret = "SENTINEL~~~?>>\u{fffd}-of-many";
        let mut sentinels = Sentinels::default();
        sentinels.add("it", secret);
        for before in ["", "a", "ab", "abc", "{\"secret\": \""] {
            let within = format!("{before}{secret}\"}}");
            let hex = hexadecimal(within.as_bytes());
            for text in [
                STANDARD.encode(&within),
                URL_SAFE_NO_PAD.encode(&within),
                hex.to_uppercase(),
                hex,
                within,
            ] {
                assert_eq!(sentinels.in_text(&text), Some("it"), "{text}");
            }
        }
        assert_eq!(sentinels.in_text("SENTINEL~~~ of another kind"), None);
    }
}
