//! Every way a credential can be good or not.

use aragora_core::access::Permission;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::header::{HeaderName, HeaderValue};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Map, Value, json};

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const OLD_SECRET: &str = "fedcba9876543210fedcba9876543210";
const TOKEN: &str = "service-token-0123456789";
const NOW: Millis = Millis(1_705_752_000_500);
const NOW_SECONDS: i64 = 1_705_752_000;

fn authenticator() -> Authenticator {
    Authenticator::new(&[SECRET.into(), OLD_SECRET.into()], Some(TOKEN.into()))
}

fn headers(list: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in list {
        headers.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn check(list: &[(&str, &str)]) -> Result<Principal, &'static str> {
    let outcome = authenticator().authenticate(&headers(list), &Query::default(), NOW);
    match outcome {
        Ok(Presented::Token(token)) => Ok(token.principal),
        Ok(Presented::Service(principal)) => Ok(principal),
        Ok(Presented::Key(key)) => panic!("{key:?}"),
        Err(error) => {
            assert_eq!(error.kind().status().as_u16(), 401);
            Err(error.reason().unwrap())
        }
    }
}

fn claims(change: impl FnOnce(&mut Map<String, Value>)) -> Value {
    let mut claims = json!({
        "sub": "user-1", "org_id": "org-1", "role": "editor", "type": "access", "exp": NOW_SECONDS + 60,
    });
    change(claims.as_object_mut().unwrap());
    claims
}

fn signed(claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap()
}

/// A token with any header, signed with HS256 whatever the header says.
fn forged(header: &str, claims: &str, secret: &str) -> String {
    let message = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
    let key = EncodingKey::from_secret(secret.as_bytes());
    let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{mac}")
}

fn bearer(token: &str) -> Result<Principal, &'static str> {
    check(&[("authorization", &format!("Bearer {token}"))])
}

fn with(change: impl FnOnce(&mut Map<String, Value>)) -> Result<Principal, &'static str> {
    bearer(&signed(&claims(change), SECRET))
}

#[test]
fn a_good_token_of_either_secret() {
    for secret in [SECRET, OLD_SECRET] {
        let caller = bearer(&signed(&claims(|_| {}), secret)).unwrap();
        assert_eq!(
            (caller.user_id(), caller.org_id(), caller.is_service()),
            ("user-1", "org-1", false)
        );
        assert!(caller.allows(Permission::WebhooksDelete));
    }
    let token = signed(&claims(|_| {}), SECRET);
    assert!(check(&[("authorization", &format!("bearer  {token} "))]).is_ok());
    assert!(check(&[("authorization", &format!("BEARER {token}"))]).is_ok());
}

#[test]
fn roles_are_one_name_or_a_list() {
    let roles = |change: fn(&mut Map<String, Value>)| with(change).map(|it| it.roles().to_vec());
    let wanted: Vec<String> = vec!["editor".into(), "viewer".into()];
    assert_eq!(roles(|it| drop(it.insert("roles".into(), json!(["viewer"])))), Ok(wanted));
    assert_eq!(roles(|it| drop(it.remove("role"))), Ok(vec![]));
    assert_eq!(roles(|it| drop(it.insert("role".into(), json!(null)))), Ok(vec![]));
    assert_eq!(roles(|it| drop(it.insert("role".into(), json!("root")))), Ok(vec!["root".into()]));
    assert_eq!(
        roles(|it| drop(it.insert("role".into(), json!(["admin"])))),
        Err("role is not text")
    );
    assert_eq!(
        roles(|it| drop(it.insert("roles".into(), json!("admin")))),
        Err("roles are not a list")
    );
    assert_eq!(
        roles(|it| drop(it.insert("roles".into(), json!(["a", 1])))),
        Err("roles are not text")
    );
    assert_eq!(
        roles(|it| drop(it.insert("roles".into(), json!({"a": 1})))),
        Err("roles are not a list")
    );
}

#[test]
fn claims_that_must_be_right() {
    for (name, value, wanted) in [
        ("type", json!("refresh"), "not an access token"),
        ("type", json!(null), "not an access token"),
        ("type", json!("Access"), "not an access token"),
        ("sub", json!(""), "unsafe subject or organisation"),
        ("sub", json!(5), "no subject"),
        ("sub", json!("a#b"), "unsafe subject or organisation"),
        ("org_id", json!(""), "unsafe subject or organisation"),
        ("org_id", json!(["org-1"]), "no organisation"),
        ("org_id", json!("org#1"), "unsafe subject or organisation"),
        ("org_id", json!("o".repeat(129)), "unsafe subject or organisation"),
        ("exp", json!(NOW_SECONDS), "expired"),
        ("exp", json!(NOW_SECONDS - 3_600), "expired"),
        ("exp", json!(-1), "expired"),
        ("exp", json!((NOW_SECONDS + 60).to_string()), "time claim unreadable"),
        ("exp", json!(null), "time claim unreadable"),
        ("nbf", json!(NOW_SECONDS + 60), "not valid yet"),
        ("nbf", json!("now"), "time claim unreadable"),
    ] {
        let shown = format!("{name} = {value}");
        assert_eq!(with(|it| drop(it.insert(name.into(), value))), Err(wanted), "{shown}");
    }
    for (name, wanted) in [
        ("type", "not an access token"),
        ("sub", "no subject"),
        ("org_id", "no organisation"),
        ("exp", "no expiry"),
    ] {
        assert_eq!(with(|it| drop(it.remove(name))), Err(wanted), "{name}");
    }
    for (name, value) in [
        ("exp", json!(NOW_SECONDS + 1)),
        ("exp", json!(1_705_752_000.75)),
        ("nbf", json!(NOW_SECONDS)),
        ("nbf", json!(NOW_SECONDS + 5)),
        ("aud", json!("somebody")),
    ] {
        assert!(with(|it| drop(it.insert(name.into(), value.clone()))).is_ok(), "{name} = {value}");
    }
}

#[test]
fn one_algorithm() {
    let good = claims(|_| {}).to_string();
    let unsigned = |header: &str| {
        let parts = [header, &good].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        format!("{}.", parts.join("."))
    };
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"None","typ":"JWT"}"#, r#"{"alg":""}"#, "{}"] {
        assert_eq!(bearer(&unsigned(header)), Err("not a token"), "{header}");
    }
    for header in
        [r#"{"alg":"RS256"}"#, r#"{"alg":"HS384"}"#, r#"{"alg":"HS512"}"#, r#"{"alg":"ES256"}"#]
    {
        assert_eq!(bearer(&forged(header, &good, SECRET)), Err("algorithm refused"), "{header}");
    }
    let critical = r#"{"alg":"HS256","crit":["b64"],"b64":false}"#;
    assert_eq!(bearer(&forged(critical, &good, SECRET)), Err("algorithm refused"));
    assert!(bearer(&forged(r#"{"alg":"HS256"}"#, &good, SECRET)).is_ok());
    assert!(bearer(&unsigned(r#"{"alg":"HS256"}"#)).is_err());
}

#[test]
fn what_is_no_good_token() {
    let good = signed(&claims(|_| {}), SECRET);
    let other = signed(&claims(|it| drop(it.insert("role".into(), json!("admin")))), "x");
    let spliced: Vec<&str> =
        good.split('.').take(1).chain(other.split('.').skip(1).take(1)).collect();
    let spliced = format!("{}.{}", spliced.join("."), good.rsplit('.').next().unwrap());
    for token in [
        signed(&claims(|_| {}), "another-secret-another-secret-xx"),
        spliced,
        good.trim_end_matches(|it| it != '.').to_owned(),
        good.replace('.', ""),
        format!("{good}.x"),
        forged(r#"{"alg":"HS256"}"#, "[]", SECRET),
        forged(r#"{"alg":"HS256"}"#, "not json", SECRET),
        "ara_0123456789".to_owned(),
        "a.b.c".to_owned(),
        "..".to_owned(),
    ] {
        assert!(bearer(&token).is_err(), "{token}");
    }
    let huge = format!("{}{}", good, "x".repeat(9_000));
    assert_eq!(bearer(&huge), Err("credential too long"));
    let none = Authenticator::new(&[], None);
    let list = headers(&[("authorization", &format!("Bearer {good}"))]);
    assert!(none.authenticate(&list, &Query::default(), NOW).is_err());
}

#[test]
fn exactly_one_authorization() {
    let good = format!("Bearer {}", signed(&claims(|_| {}), SECRET));
    assert_eq!(check(&[]), Err("no credential"));
    assert_eq!(
        check(&[("authorization", &good), ("authorization", &good)]),
        Err("header sent twice")
    );
    assert_eq!(check(&[("authorization", &format!("{good},{good}"))]), Err("not one credential"));
    assert_eq!(check(&[("authorization", &format!("{good} x"))]), Err("not one credential"));
    for (value, wanted) in [
        ("", "no scheme"),
        ("Bearer", "no scheme"),
        ("Bearer ", "no scheme"),
        ("Basic dXNlcjpwYXNz", "unknown scheme"),
        ("Token abc", "unknown scheme"),
    ] {
        assert_eq!(check(&[("authorization", value)]), Err(wanted), "{value:?}");
    }
}

#[test]
fn credentials_in_the_url_are_refused_even_beside_a_good_one() {
    let list =
        headers(&[("authorization", &format!("Bearer {}", signed(&claims(|_| {}), SECRET)))]);
    for raw in
        ["api_key=ara_1", "token=x", "access_token=", "Access_Token=x", "limit=1&%61pi_key=x"]
    {
        let error = authenticator().authenticate(&list, &Query::parse(raw), NOW).unwrap_err();
        assert_eq!(error.reason(), Some("credential in the URL"), "{raw}");
    }
    assert!(authenticator().authenticate(&list, &Query::parse("tokens=x"), NOW).is_ok());
}

#[test]
fn a_service_speaks_for_whom_it_names() {
    let access = format!("Access {TOKEN}");
    let service = |more: &[(&str, &str)]| {
        let mut list = vec![("authorization", access.as_str())];
        list.extend(more);
        check(&list)
    };
    let caller = service(&[("x-org-id", "org-1")]).unwrap();
    assert_eq!(
        (caller.user_id(), caller.org_id(), caller.is_service()),
        ("service", "org-1", true)
    );
    assert!(caller.allows(Permission::EventsWrite) && !caller.allows(Permission::WebhooksRead));
    let caller = service(&[
        ("x-org-id", "o"),
        ("x-user-id", "u"),
        ("x-user-roles", "viewer, superuser ,editor"),
    ])
    .unwrap();
    assert_eq!(
        (caller.user_id(), caller.roles()),
        ("u", &["viewer".to_owned(), "editor".to_owned()][..])
    );
    let nothing = service(&[("x-org-id", "o"), ("x-user-roles", "")]).unwrap();
    assert!(!nothing.allows(Permission::EventsRead));

    assert_eq!(service(&[]), Err("service without organisation"));
    assert_eq!(service(&[("x-org-id", "")]), Err("unsafe user or organisation"));
    assert_eq!(service(&[("x-org-id", "a,b")]), Err("unsafe user or organisation"));
    assert_eq!(service(&[("x-org-id", "a"), ("x-org-id", "b")]), Err("header sent twice"));
    assert_eq!(
        service(&[("x-org-id", "a"), ("x-user-id", "a#b")]),
        Err("unsafe user or organisation")
    );
    assert_eq!(
        check(&[("authorization", "Access wrong"), ("x-org-id", "o")]),
        Err("wrong service token")
    );
    assert_eq!(
        check(&[("authorization", &format!("Access {TOKEN}x")), ("x-org-id", "o")]),
        Err("wrong service token")
    );
    let without = Authenticator::new(&[SECRET.into()], Some("".into()));
    let list = headers(&[("authorization", "Access x"), ("x-org-id", "o")]);
    let error = without.authenticate(&list, &Query::default(), NOW).unwrap_err();
    assert_eq!(error.reason(), Some("no service token is configured"));
}

#[test]
fn service_headers_beside_a_bearer_token_never_elevate() {
    let viewer = signed(&claims(|it| drop(it.insert("role".into(), json!("viewer")))), SECRET);
    let caller = check(&[
        ("authorization", &format!("Bearer {viewer}")),
        ("x-user-id", "root"),
        ("x-org-id", "org-2"),
        ("x-user-roles", "admin"),
    ])
    .unwrap();
    assert_eq!((caller.user_id(), caller.org_id()), ("user-1", "org-1"));
    assert!(!caller.is_admin() && !caller.allows(Permission::WebhooksWrite));
    assert_eq!(check(&[("x-org-id", "org-2"), ("x-user-roles", "admin")]), Err("no credential"));
    assert!(
        check(&[("authorization", &format!("Bearer {TOKEN}")), ("x-org-id", "org-2")]).is_err()
    );
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", authenticator());
    assert!(!shown.contains(SECRET) && !shown.contains(TOKEN), "{shown}");
}

#[test]
fn a_key_is_read_and_left_to_the_door() {
    let id = uuid::Uuid::from_u128(7);
    let (text, _) = api_key::mint("org-1", id).unwrap();
    let bearer = format!("Bearer {}", text.expose_secret());
    let with = |list: &[(&str, &str)]| {
        authenticator().authenticate(&headers(list), &Query::default(), NOW)
    };
    let Ok(Presented::Key(key)) = with(&[("authorization", &bearer), ("x-user-roles", "admin")])
    else {
        panic!("no key")
    };
    assert_eq!((key.org.as_str(), key.id), ("org-1", id));
    for bad in ["ara_", "ara_nonsense", &format!("{}A", text.expose_secret())] {
        let refused = with(&[("authorization", &format!("Bearer {bad}"))]).unwrap_err();
        assert_eq!(refused.reason(), Some("not a key, or mistyped"), "{bad}");
    }
    // A key is a bearer credential, and nothing else.
    assert!(with(&[("authorization", &bearer.replace("Bearer", "Access"))]).is_err());
    assert!(with(&[("x-api-key", text.expose_secret())]).is_err());
}
