//! Minting JWTs by hand, so that wrong ones can be made as easily as right ones.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use crate::clock::now_seconds;

/// Which header the token claims, and which MAC it really has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// The only one that counts.
    Hs256,
    /// A valid MAC of another length.
    Hs512,
    /// `alg: none` and no signature.
    None,
    /// Claims RS256, carries an HMAC-SHA256: the classic confusion of key kinds.
    Rs256WithHmac,
}

/// The claims of an access token that is good for an hour.
pub fn claims(user: &str, org: &str, role: &str) -> Value {
    json!({
        "sub": user, "org_id": org, "role": role, "type": "access",
        "iat": now_seconds(), "exp": now_seconds() + 3600,
    })
}

/// A signed token.
pub fn mint(claims: &Value, secret: &str, algorithm: Algorithm) -> String {
    let name = match algorithm {
        Algorithm::Hs256 => "HS256",
        Algorithm::Hs512 => "HS512",
        Algorithm::None => "none",
        Algorithm::Rs256WithHmac => "RS256",
    };
    let header = json!({"alg": name, "typ": "JWT"}).to_string();
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = match algorithm {
        Algorithm::None => Vec::new(),
        Algorithm::Hs512 => mac::<Hmac<Sha512>>(secret, &signed),
        Algorithm::Hs256 | Algorithm::Rs256WithHmac => mac::<Hmac<Sha256>>(secret, &signed),
    };
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn mac<M: Mac + KeyInit>(secret: &str, text: &str) -> Vec<u8> {
    let mut mac =
        <M as KeyInit>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_other_libraries_make() {
        // Made with Python: hmac.new(b"secret", b"<header>.<claims>", hashlib.sha256).
        let token = mint(&json!({"sub": "u"}), "secret", Algorithm::Hs256);
        assert_eq!(
            token,
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1In0.D9OYCASOic8f2se0l70pQbnYe4k4FisxamL3OAU6LCc"
        );
    }

    #[test]
    fn an_unsigned_token_has_an_empty_signature() {
        assert!(mint(&json!({}), "secret", Algorithm::None).ends_with('.'));
    }
}
