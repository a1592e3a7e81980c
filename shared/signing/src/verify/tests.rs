//! Each scheme, each failure, and the edges of time.

use proptest::prelude::*;

use super::{Delivery, Scheme, VerifyFailure, verify};
use crate::mac::{body_mac, standard_webhooks, timestamped_mac};
use crate::secret::WebhookSecret;

const NOW: i64 = 1_705_752_000;
const BODY: &[u8] = b"{\"a\": 1}";
const SCHEMES: [Scheme; 3] = [Scheme::Body, Scheme::Timestamped, Scheme::StandardWebhooks];

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::from_stored(text.into())
}

/// The headers of a delivery signed at `t` with `key`.
fn headers(scheme: Scheme, key: &WebhookSecret, t: i64) -> Vec<(&'static str, String)> {
    match scheme {
        Scheme::Body => vec![
            ("x-aragora-signature", body_mac(key, BODY)),
            ("x-aragora-timestamp", t.to_string()),
        ],
        Scheme::Timestamped => {
            vec![("x-aragora-signature-timestamped", timestamped_mac(key, t, BODY))]
        }
        Scheme::StandardWebhooks => vec![
            ("webhook-id", "evt-1".to_owned()),
            ("webhook-timestamp", t.to_string()),
            ("webhook-signature", standard_webhooks([key], "evt-1", t, BODY)),
        ],
    }
}

fn verify_with(
    scheme: Scheme,
    headers: &[(&str, String)],
    body: &[u8],
    secrets: &[&WebhookSecret],
) -> Result<(), VerifyFailure> {
    let secrets: Vec<_> = secrets.iter().copied().cloned().collect();
    let lookup = |name: &str| {
        headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    };
    verify(
        scheme,
        lookup,
        &Delivery { body, secrets: &secrets, now_unix_seconds: NOW, max_age_seconds: 300 },
    )
}

/// Signs with "the-secret" at `t` and verifies with the same.
fn at(scheme: Scheme, t: i64) -> Result<(), VerifyFailure> {
    let key = secret("the-secret");
    verify_with(scheme, &headers(scheme, &key, t), BODY, &[&key])
}

#[test]
fn a_delivery_is_valid_from_300_seconds_ago_to_60_ahead() {
    for scheme in SCHEMES {
        assert_eq!(at(scheme, NOW), Ok(()));
        assert_eq!(at(scheme, NOW - 300), Ok(()));
        assert_eq!(at(scheme, NOW + 60), Ok(()));
        assert_eq!(at(scheme, NOW - 301), Err(VerifyFailure::TooOld));
        assert_eq!(at(scheme, 0), Err(VerifyFailure::TooOld));
        assert_eq!(at(scheme, NOW + 61), Err(VerifyFailure::TooFarAhead));
        assert_eq!(at(scheme, 999_999_999_999_999_999), Err(VerifyFailure::TooFarAhead));
        assert_eq!(at(scheme, i64::MAX), Err(VerifyFailure::TimestampNotANumber));
        assert_eq!(at(scheme, -NOW), Err(VerifyFailure::TimestampNotANumber));
    }
}

#[test]
fn any_live_secret_will_do_and_no_other() {
    let [new, old, other] = ["the-new-one", "the-old-one", "somebody-elses"].map(secret);
    for scheme in SCHEMES {
        for signer in [&new, &old] {
            let headers = headers(scheme, signer, NOW);
            let live = [&new, &old];
            assert_eq!(verify_with(scheme, &headers, BODY, &live), Ok(()));
            let mismatch = Err(VerifyFailure::Mismatch);
            assert_eq!(verify_with(scheme, &headers, BODY, &[&other]), mismatch);
            assert_eq!(verify_with(scheme, &headers, b"{\"a\": 2}", &live), mismatch);
        }
    }
    // Rotation from the sender's side: both signatures, a receiver with either secret.
    let mut both = headers(Scheme::StandardWebhooks, &new, NOW);
    both[2].1 = standard_webhooks([&new, &old], "evt-1", NOW, BODY);
    for live in [&new, &old] {
        assert_eq!(verify_with(Scheme::StandardWebhooks, &both, BODY, &[live]), Ok(()));
    }
}

#[test]
fn without_a_secret_nothing_is_valid() {
    // `whsec_` alone is what is left of a generated secret that was not filled in: its Standard
    // Webhooks key has no bytes.
    for empty in [secret(""), secret("whsec_")] {
        for scheme in SCHEMES {
            let headers = headers(scheme, &empty, NOW);
            for secrets in [vec![], vec![&empty]] {
                let verdict = verify_with(scheme, &headers, BODY, &secrets);
                assert_eq!(verdict, Err(VerifyFailure::NoSecret));
            }
            // Nor does an empty one beside another let its forgeries through.
            let verdict = verify_with(scheme, &headers, BODY, &[&empty, &secret("the-secret")]);
            assert_eq!(verdict, Err(VerifyFailure::Mismatch));
        }
    }
}

#[test]
fn each_missing_or_empty_header_is_named() {
    let key = secret("the-secret");
    for scheme in SCHEMES {
        let whole = headers(scheme, &key, NOW);
        for (index, (name, _)) in whole.iter().enumerate() {
            let mut without = whole.clone();
            without.remove(index);
            let mut emptied = whole.clone();
            emptied[index].1.clear();
            for headers in [without, emptied] {
                let verdict = verify_with(scheme, &headers, BODY, &[&key]);
                assert_eq!(verdict, Err(VerifyFailure::HeaderMissing(name)));
            }
        }
    }
}

#[test]
fn the_other_names_of_the_same_headers_are_read() {
    let key = secret("the-secret");
    for name in ["x-signature-sha256", "x-webhook-signature"] {
        let headers = [(name, body_mac(&key, BODY)), ("x-webhook-timestamp", NOW.to_string())];
        assert_eq!(verify_with(Scheme::Body, &headers, BODY, &[&key]), Ok(()));
    }
    let headers = [("x-agenta-signature", timestamped_mac(&key, NOW, BODY))];
    assert_eq!(verify_with(Scheme::Timestamped, &headers, BODY, &[&key]), Ok(()));
}

#[test]
fn timestamps_are_digits() {
    let key = secret("the-secret");
    for text in
        ["abc", "1705752000.0", "+1705752000", " 1705752000", "-1", "99999999999999999999", "1e9"]
    {
        for scheme in [Scheme::Body, Scheme::StandardWebhooks] {
            let mut headers = headers(scheme, &key, NOW);
            headers[1].1 = text.to_owned();
            let verdict = verify_with(scheme, &headers, BODY, &[&key]);
            assert_eq!(verdict, Err(VerifyFailure::TimestampNotANumber), "{text}");
        }
        let headers = [("x-aragora-signature-timestamped", format!("t={text},v1=00"))];
        let verdict = verify_with(Scheme::Timestamped, &headers, BODY, &[&key]);
        assert_eq!(verdict, Err(VerifyFailure::TimestampNotANumber), "{text}");
    }
}

/// Moving a signature to another time is what the timestamped schemes are there against.
#[test]
fn the_timestamp_and_the_id_are_signed() {
    let key = secret("the-secret");
    let mut standard = headers(Scheme::StandardWebhooks, &key, NOW);
    standard[1].1 = (NOW - 1).to_string();
    let verdict = verify_with(Scheme::StandardWebhooks, &standard, BODY, &[&key]);
    assert_eq!(verdict, Err(VerifyFailure::Mismatch));
    let mut standard = headers(Scheme::StandardWebhooks, &key, NOW);
    standard[0].1 = "evt-2".to_owned();
    let verdict = verify_with(Scheme::StandardWebhooks, &standard, BODY, &[&key]);
    assert_eq!(verdict, Err(VerifyFailure::Mismatch));
    let moved =
        timestamped_mac(&key, NOW, BODY).replace(&format!("t={NOW}"), &format!("t={}", NOW - 1));
    let headers = [("x-aragora-signature-timestamped", moved)];
    let verdict = verify_with(Scheme::Timestamped, &headers, BODY, &[&key]);
    assert_eq!(verdict, Err(VerifyFailure::Mismatch));
}

#[test]
fn malformed_signature_headers_are_named() {
    let key = secret("the-secret");
    let name = "x-aragora-signature-timestamped";
    let good = timestamped_mac(&key, NOW, BODY);
    for value in ["x", "t=1705752000", "v1=00", "t=1,t=2,v1=00", ",", "t=1,v1=00,"] {
        let verdict = verify_with(Scheme::Timestamped, &[(name, value.to_owned())], BODY, &[&key]);
        assert_eq!(verdict, Err(VerifyFailure::HeaderMalformed(name)), "{value}");
    }
    for value in
        [format!("{good},v2=xyz"), good.replace(',', ",\t "), good.replace(",v1", ",v1=00,v1")]
    {
        let verdict = verify_with(Scheme::Timestamped, &[(name, value.clone())], BODY, &[&key]);
        assert_eq!(verdict, Ok(()), "{value}");
    }
    let mut standard = headers(Scheme::StandardWebhooks, &key, NOW);
    let good = standard[2].1.clone();
    for value in ["x", "v1", "v1a,AAAA", "v2,AAAA"] {
        standard[2].1 = value.to_owned();
        let verdict = verify_with(Scheme::StandardWebhooks, &standard, BODY, &[&key]);
        assert_eq!(verdict, Err(VerifyFailure::HeaderMalformed("webhook-signature")), "{value}");
    }
    standard[2].1 = format!("v1a,AAAA v1,AAAA {good}");
    assert_eq!(verify_with(Scheme::StandardWebhooks, &standard, BODY, &[&key]), Ok(()));
    let mut plain = headers(Scheme::Body, &key, NOW);
    plain[0].1 = plain[0].1.replace("sha256=", "sha1=");
    let verdict = verify_with(Scheme::Body, &plain, BODY, &[&key]);
    assert_eq!(verdict, Err(VerifyFailure::HeaderMalformed("x-aragora-signature")));
}

proptest! {
    #[test]
    fn one_changed_bit_of_the_body_is_noticed(
        body in prop::collection::vec(any::<u8>(), 1..200),
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let key = secret("the-secret");
        let headers = [
            ("x-aragora-signature-timestamped", timestamped_mac(&key, NOW, &body)),
            ("x-aragora-signature", body_mac(&key, &body)),
            ("x-aragora-timestamp", NOW.to_string()),
            ("webhook-id", "evt-1".to_owned()),
            ("webhook-timestamp", NOW.to_string()),
            ("webhook-signature", standard_webhooks([&key], "evt-1", NOW, &body)),
        ];
        let mut changed = body.clone();
        changed[at.index(body.len())] ^= 1 << bit;
        for scheme in SCHEMES {
            prop_assert_eq!(verify_with(scheme, &headers, &body, &[&key]), Ok(()));
            let verdict = verify_with(scheme, &headers, &changed, &[&key]);
            prop_assert_eq!(verdict, Err(VerifyFailure::Mismatch));
        }
    }

    #[test]
    fn any_header_is_answered(value in "\\PC{0,40}", t in "[0-9t=,v1 ]{0,20}") {
        let headers = [
            ("x-aragora-signature-timestamped", format!("{t}{value}")),
            ("webhook-id", value.clone()),
            ("webhook-timestamp", t.clone()),
            ("webhook-signature", value),
        ];
        for scheme in SCHEMES {
            prop_assert!(verify_with(scheme, &headers, BODY, &[&secret("the-secret")]).is_err());
        }
    }
}
