//! Which secrets are taken, what is made, and what stays hidden.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use secrecy::SecretString;

use super::{PREFIX, SecretError, WebhookSecret};

fn refusal(text: &str) -> Option<SecretError> {
    WebhookSecret::parse(text).err()
}

#[test]
fn eight_to_256_characters() {
    for length in [8, 9, 255, 256] {
        assert_eq!(refusal(&"x".repeat(length)), None, "{length}");
        // Characters, not bytes.
        assert_eq!(refusal(&"🔑".repeat(length)), None, "{length}");
    }
    for length in [0, 1, 7, 257, 5_000] {
        assert_eq!(refusal(&"x".repeat(length)), Some(SecretError::Length), "{length}");
        assert_eq!(refusal(&"🔑".repeat(length)), Some(SecretError::Length), "{length}");
    }
}

#[test]
fn behind_whsec_there_is_base64_of_24_to_64_bytes() {
    let of = |bytes: usize| format!("{PREFIX}{}", STANDARD.encode(vec![0xfb; bytes]));
    for bytes in [24, 25, 32, 63, 64] {
        let secret = WebhookSecret::parse(&of(bytes)).unwrap();
        assert_eq!(*secret.standard_key(), vec![0xfb; bytes]);
        assert_eq!(secret.text_key(), of(bytes).as_bytes());
    }
    for bytes in [2, 23, 65, 100] {
        assert_eq!(refusal(&of(bytes)), Some(SecretError::Whsec), "{bytes}");
    }
    let key = [0xfb_u8; 32];
    for text in [
        format!("{PREFIX}{}", STANDARD_NO_PAD.encode(key)),
        format!("{PREFIX}{}", URL_SAFE.encode(key)),
        format!("{PREFIX}{} ", STANDARD.encode(key)),
        format!("{PREFIX}{}\n", STANDARD.encode(key)),
        format!("{PREFIX}plainly not base64 at all, is it"),
        format!("{PREFIX}xx"),
        // 24 bytes but for bits that no byte has.
        format!("{PREFIX}{}B==", "A".repeat(33)),
    ] {
        assert_eq!(refusal(&text), Some(SecretError::Whsec), "{text}");
    }
    // The prefix is that, at the beginning, in lower case.
    for text in ["WHSEC_not-base64", "my-whsec_secret", "whsec-not_base64"] {
        let secret = WebhookSecret::parse(text).unwrap();
        assert_eq!(*secret.standard_key(), text.as_bytes());
    }
}

#[test]
fn generated_secrets_are_valid_long_enough_and_different() {
    let [one, two] = [WebhookSecret::generate().unwrap(), WebhookSecret::generate().unwrap()];
    assert_ne!(one.expose(), two.expose());
    assert_eq!(one.expose().len(), 50);
    assert_eq!(one.standard_key().len(), 32);
    assert_eq!(refusal(one.expose()), None);
    let agenta = WebhookSecret::generate_agenta().unwrap();
    assert_eq!(agenta.expose().len(), PREFIX.len() + 32);
    assert_eq!(agenta.standard_key().len(), 24);
    assert_eq!(refusal(agenta.expose()), None);
}

#[test]
fn stored_secrets_are_taken_as_they_are() {
    for text in ["short", "whsec_not base64"] {
        let secret = WebhookSecret::from_stored(SecretString::from(text));
        assert_eq!(secret.expose(), text);
        assert_eq!(*secret.standard_key(), text.as_bytes());
    }
}

#[test]
fn debug_output_shows_nothing() {
    let secret = WebhookSecret::parse("do-not-show-this").unwrap();
    assert_eq!(format!("{secret:?} {:?}", secret.as_secret()).find("show"), None);
    for error in [SecretError::Length, SecretError::Whsec] {
        assert!(
            error.to_string().starts_with("the secret") || error.to_string().contains("whsec_")
        );
    }
}
