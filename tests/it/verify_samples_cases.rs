//! What the samples are asked by hand: one signed delivery per scheme, and everything that can be
//! done to it.

use aragora_signing::mac::{body_mac, standard_webhooks, timestamped_mac};
use aragora_signing::secret::WebhookSecret;
use aragora_signing::verify::{Delivery, Scheme, verify};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

pub(crate) const SCHEMES: [SchemeName; 3] = [
    SchemeName(Scheme::Body),
    SchemeName(Scheme::Timestamped),
    SchemeName(Scheme::StandardWebhooks),
];

/// A scheme, and what the samples call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SchemeName(Scheme);

impl SchemeName {
    pub(crate) fn name(self) -> &'static str {
        match self.0 {
            Scheme::Body => "body",
            Scheme::Timestamped => "timestamped",
            Scheme::StandardWebhooks => "standard_webhooks",
        }
    }
}

/// One question to a verifier.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// For the one who reads of its failure.
    pub(crate) what: String,
    pub(crate) scheme: SchemeName,
    pub(crate) secrets: Vec<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) now: i64,
    pub(crate) max_age_seconds: u32,
}

impl Case {
    /// As the samples read it.
    pub(crate) fn json(&self) -> Value {
        let headers: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "scheme": self.scheme.name(), "secrets": self.secrets, "headers": headers,
            "body_base64": STANDARD.encode(&self.body), "now": self.now,
            "max_age_seconds": self.max_age_seconds,
        })
    }

    /// What the library answers.
    pub(crate) fn library(&self) -> &'static str {
        let secrets: Vec<WebhookSecret> = self.secrets.iter().map(|text| secret(text)).collect();
        let header = |name: &str| {
            let mut found =
                self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            found.next().map(|(_, value)| value.as_str())
        };
        let delivery = Delivery {
            body: &self.body,
            secrets: &secrets,
            now_unix_seconds: self.now,
            max_age_seconds: self.max_age_seconds,
        };
        match verify(self.scheme.0, header, &delivery) {
            Ok(()) => "valid",
            Err(failure) => failure.as_str(),
        }
    }
}

pub(crate) const NOW: i64 = 1_705_752_000;
const SECRET: &str = "your-hmac-secret";
const BODY: &str = r#"{"event_type": "debate.completed", "event_id": "evt-789", "timestamp": "2024-01-20T12:00:00Z", "data": {"debate_id": "deb-123", "task": "Design a rate limiter", "outcome": "consensus", "consensus_strength": 0.92}}"#;
/// What is not a number, though some language's parser takes it for one.
const NOT_NUMBERS: [&str; 13] = [
    "abc",
    "1705752000.0",
    "+1705752000",
    "-1705752000",
    " 1705752000",
    "1705752000 ",
    "0x65abb5c0",
    "1_705_752_000",
    "1.7e9",
    "\u{661}\u{667}\u{660}\u{665}\u{667}\u{665}\u{662}\u{660}\u{660}\u{660}",
    "\u{ff11}",
    "1234567890123456789",
    "99999999999999999999999999",
];

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::from_stored(text.into())
}

/// The headers of `body`, signed at `t` as the sender does it.
pub(crate) fn signed(
    scheme: SchemeName,
    secrets: &[&str],
    t: i64,
    body: &[u8],
) -> Vec<(String, String)> {
    let keys: Vec<WebhookSecret> = secrets.iter().map(|text| secret(text)).collect();
    let headers = match scheme.0 {
        Scheme::Body => vec![
            ("X-Signature-SHA256", body_mac(&keys[0], body)),
            ("X-Webhook-Timestamp", t.to_string()),
        ],
        Scheme::Timestamped => {
            vec![("X-Aragora-Signature-Timestamped", timestamped_mac(&keys[0], t, body))]
        }
        Scheme::StandardWebhooks => vec![
            ("webhook-signature", standard_webhooks(&keys, "evt-789", t, body)),
            ("webhook-timestamp", t.to_string()),
            ("webhook-id", "evt-789".to_owned()),
        ],
    };
    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A valid delivery of just now, under one secret.
fn good(scheme: SchemeName) -> Case {
    with_secret(scheme, SECRET)
}

fn with_secret(scheme: SchemeName, secret: &str) -> Case {
    Case {
        what: "as signed".to_owned(),
        scheme,
        secrets: vec![secret.to_owned()],
        headers: signed(scheme, &[secret], NOW, BODY.as_bytes()),
        body: BODY.into(),
        now: NOW,
        max_age_seconds: 300,
    }
}

/// Cases by hand, with what must be answered.
pub(crate) fn table() -> Vec<(Case, &'static str)> {
    let mut cases = known_answers();
    for scheme in SCHEMES {
        cases.extend(times(scheme));
        cases.extend(secrets(scheme));
        cases.extend(contents(scheme));
        cases.extend(in_order(scheme));
    }
    cases.extend(forms());
    cases
}

/// A changed copy of the scheme's valid delivery.
fn changed(scheme: SchemeName, what: &str, change: impl FnOnce(&mut Case)) -> Case {
    let mut case = Case { what: what.to_owned(), ..good(scheme) };
    change(&mut case);
    case
}

/// The specification's, written out: nothing of ours has signed them.
fn known_answers() -> Vec<(Case, &'static str)> {
    let [body, timestamped, standard] = SCHEMES;
    let of = |scheme, headers: &[(&str, &str)]| {
        changed(scheme, "the known answer", |case| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            case.headers = headers.iter().map(owned).collect();
        })
    };
    let mac = "sha256=934c5d50189d1fa198ed099cb689a85fc595b3c4ce1f29e6e0bdd4c071290dc8";
    let stamped =
        "t=1705752000,v1=ee383e14f057d63db7fe260c3dc05fb795589c8c74f1b932c26d2cc29518b375";
    let mut svix = of(
        standard,
        &[
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ],
    );
    svix.secrets = vec!["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()];
    svix.body = br#"{"test": 2432232314}"#.to_vec();
    svix.now = 1_614_265_330;
    let stamp = ("X-Aragora-Timestamp", "1705752000");
    vec![
        (of(body, &[("X-Aragora-Signature", mac), stamp]), "valid"),
        (of(body, &[("X-Signature-SHA256", mac), stamp]), "valid"),
        (of(body, &[("X-Webhook-Signature", mac), stamp]), "valid"),
        (of(timestamped, &[("X-Aragora-Signature-Timestamped", stamped)]), "valid"),
        (of(timestamped, &[("X-Agenta-Signature", stamped)]), "valid"),
        (svix, "valid"),
    ]
}

fn times(scheme: SchemeName) -> Vec<(Case, &'static str)> {
    let at = |after: i64, max_age_seconds: u32| {
        changed(scheme, &format!("{after} s after, at most {max_age_seconds}"), |case| {
            case.now = NOW + after;
            case.max_age_seconds = max_age_seconds;
        })
    };
    let mut cases = vec![
        (at(0, 300), "valid"),
        (at(300, 300), "valid"),
        (at(301, 300), "too_old"),
        (at(NOW, 300), "too_old"),
        (at(NOW, u32::MAX), "valid"),
        (at(0, 0), "valid"),
        (at(1, 0), "too_old"),
        (at(-60, 300), "valid"),
        (at(-61, 300), "too_far_ahead"),
        (at(-60, 0), "valid"),
        (at(-NOW, 300), "too_far_ahead"),
    ];
    for junk in NOT_NUMBERS {
        let case = changed(scheme, &format!("the timestamp {junk:?}"), |case| stamp(case, junk));
        cases.push((case, "timestamp_not_a_number"));
    }
    for (number, expected) in
        [("0", "too_old"), ("0001705752000", "mismatch"), ("999999999999999999", "too_far_ahead")]
    {
        // The body's signature does not cover how its timestamp is written.
        let unsigned = scheme.name() == "body" && expected == "mismatch";
        let case = changed(scheme, &format!("the timestamp {number}"), |case| stamp(case, number));
        cases.push((case, if unsigned { "valid" } else { expected }));
    }
    cases
}

/// Writes another timestamp where the scheme has it.
fn stamp(case: &mut Case, text: &str) {
    if case.scheme.name() == "timestamped" {
        let value = &mut case.headers[0].1;
        *value = value.replace(&format!("t={NOW}"), &format!("t={text}"));
    } else {
        text.clone_into(&mut case.headers[1].1);
    }
}

fn secrets(scheme: SchemeName) -> Vec<(Case, &'static str)> {
    let live = |secrets: &[&str]| {
        changed(scheme, &format!("the secrets {secrets:?}"), |case| {
            case.secrets = secrets.iter().map(|&text| text.to_owned()).collect();
        })
    };
    let others: Vec<String> = (1..10).map(|n| format!("another-secret-{n}")).collect();
    let nine: Vec<&str> = others.iter().map(String::as_str).collect();
    let ten = [nine.clone(), vec![SECRET]].concat();
    let mut cases = vec![
        (live(&[]), "no_secret"),
        (live(&[""]), "no_secret"),
        (live(&["whsec_", ""]), "no_secret"),
        (live(&["", SECRET]), "valid"),
        (live(&["another-secret"]), "mismatch"),
        (live(&["another-secret", SECRET]), "valid"),
        (live(&[SECRET, "another-secret"]), "valid"),
        (live(&ten), "valid"),
        (live(&nine), "mismatch"),
        (live(&["your-hmac-secret "]), "mismatch"),
    ];
    for empty in ["", "whsec_"] {
        let mut forged = with_secret(scheme, empty);
        forged.secrets = vec![SECRET.to_owned(), empty.to_owned()];
        forged.what = format!("signed with {empty:?}");
        cases.push((forged, "mismatch"));
    }
    for text in [
        "p\u{e4}ssw\u{f6}rd \u{1f511}".to_owned(),
        format!("whsec_{}", STANDARD.encode([7; 24])),
        format!("whsec_{}", STANDARD.encode([0xfb; 32])),
        format!("whsec_{}", STANDARD.encode([9; 64])),
        // Not the one proper spelling of any bytes: its own text is the key.
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS".to_owned(),
        "whsec_-_-_9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
        "whsec_MfKQ9r8GKYqrTwjU\nPD8ILPZIo2LaLaSw".to_owned(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS=".to_owned(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw==".to_owned(),
        "whsec_\u{e9}\u{e9}\u{e9}\u{e9}".to_owned(),
        "x".repeat(256),
    ] {
        let what = format!("signed with {text:?}");
        cases.push((Case { what, ..with_secret(scheme, &text) }, "valid"));
    }
    cases
}

fn contents(scheme: SchemeName) -> Vec<(Case, &'static str)> {
    let body = |what: &str, body: &[u8]| {
        let mut case = changed(scheme, what, |_| ());
        case.body = body.to_vec();
        (case, "mismatch")
    };
    let one_byte = BODY.replace("0.92", "0.93");
    let mut cases = vec![
        body("one byte changed", one_byte.as_bytes()),
        body("a line end more", format!("{BODY}\n").as_bytes()),
        body("no body", b""),
    ];
    for bytes in ["{\"a\": \"\u{e9}\u{1f511}\"}".as_bytes(), b"", b"\x00\xff\xfe\r\n"] {
        let mut case = changed(scheme, "another body", |case| case.body = bytes.to_vec());
        case.headers = signed(scheme, &[SECRET], NOW, bytes);
        cases.push((case, "valid"));
    }
    for index in 0..good(scheme).headers.len() {
        let without = |case: &mut Case| {
            case.headers.remove(index);
        };
        cases.push((changed(scheme, "a header less", without), "header_missing"));
        let emptied = |case: &mut Case| case.headers[index].1.clear();
        cases.push((changed(scheme, "a header emptied", emptied), "header_missing"));
    }
    let upper = |case: &mut Case| {
        case.headers.iter_mut().for_each(|(name, _)| *name = name.to_uppercase());
    };
    let lower = |case: &mut Case| {
        case.headers.iter_mut().for_each(|(name, _)| *name = name.to_lowercase());
    };
    cases.push((changed(scheme, "upper-case names", upper), "valid"));
    cases.push((changed(scheme, "lower-case names", lower), "valid"));
    let junk = |case: &mut Case| "junk".clone_into(&mut case.headers[0].1);
    cases.push((changed(scheme, "a signature without form", junk), "header_malformed"));
    cases
}

/// Two things wrong: the first check that fails is the answer.
fn in_order(scheme: SchemeName) -> Vec<(Case, &'static str)> {
    let broken = |what: &str, change: fn(&mut Case)| {
        changed(scheme, what, |case| {
            case.secrets = vec!["another-secret".to_owned()];
            change(case);
        })
    };
    vec![
        (
            broken("no secret, no headers", |case| {
                case.secrets.clear();
                case.headers.clear();
            }),
            "no_secret",
        ),
        (
            broken("no headers, too old", |case| {
                case.headers.clear();
                case.now = NOW * 2;
            }),
            "header_missing",
        ),
        (
            broken("malformed, too old", |case| {
                "junk".clone_into(&mut case.headers[0].1);
                case.now = NOW * 2;
            }),
            "header_malformed",
        ),
        (broken("no number, wrong secret", |case| stamp(case, "x")), "timestamp_not_a_number"),
        (broken("too old, wrong secret", |case| case.now = NOW * 2), "too_old"),
        (broken("too far ahead, wrong secret", |case| case.now = 0), "too_far_ahead"),
    ]
}

/// What the signature headers may look like, and may not.
fn forms() -> Vec<(Case, &'static str)> {
    let [body, timestamped, standard] = SCHEMES;
    let as_is = |scheme| good(scheme).headers[0].1.clone();
    let of = |scheme, value: String, expected| {
        let case =
            changed(scheme, &format!("the header {value:?}"), |case| case.headers[0].1 = value);
        (case, expected)
    };
    let (plain, stamped, v1) = (as_is(body), as_is(timestamped), as_is(standard));
    let mut short = plain.clone();
    short.pop();
    let both = |secrets: &[&str]| signed(standard, secrets, NOW, BODY.as_bytes())[0].1.clone();
    let mut other_id = good(standard);
    "evt-790".clone_into(&mut other_id.headers[2].1);
    vec![
        of(body, plain.replace("sha256=", "sha1="), "header_malformed"),
        of(body, plain.replace("sha256=", ""), "header_malformed"),
        of(body, plain.to_uppercase().replace("SHA256", "sha256"), "mismatch"),
        of(body, "sha256=".to_owned(), "mismatch"),
        of(body, short.clone(), "mismatch"),
        of(body, format!("{plain}0"), "mismatch"),
        of(body, format!("{short}\u{e9}"), "mismatch"),
        of(timestamped, "t=1705752000".to_owned(), "header_malformed"),
        of(timestamped, "v1=00".to_owned(), "header_malformed"),
        of(timestamped, format!("t={NOW},{stamped}"), "header_malformed"),
        of(timestamped, format!("{stamped},"), "header_malformed"),
        of(timestamped, "t=,v1=00".to_owned(), "timestamp_not_a_number"),
        of(timestamped, format!("t={NOW},v1="), "mismatch"),
        of(timestamped, format!("{stamped},v2=x=y,=,z="), "valid"),
        of(timestamped, stamped.replace(',', ", \t"), "valid"),
        of(timestamped, stamped.replace(",v1", ",v1=00,v1"), "valid"),
        of(timestamped, format!("{stamped},v1=00"), "valid"),
        of(timestamped, stamped.replace("v1=", "v1 ="), "header_malformed"),
        of(standard, "v1".to_owned(), "header_malformed"),
        of(standard, v1.replace("v1,", "v1a,"), "header_malformed"),
        of(standard, v1.replace("v1,", "v2,"), "header_malformed"),
        of(standard, "v1,".to_owned(), "mismatch"),
        of(standard, format!("v1a,AAAA v1,AAAA  {v1}"), "valid"),
        of(standard, v1.trim_end_matches('=').to_owned(), "mismatch"),
        of(standard, both(&["the-new-one", SECRET]), "valid"),
        of(standard, both(&[SECRET, "the-old-one"]), "valid"),
        of(standard, both(&["the-new-one", "the-old-one"]), "mismatch"),
        (Case { what: "another id".to_owned(), ..other_id }, "mismatch"),
    ]
}
