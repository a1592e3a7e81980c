//! Names, values, reserved names and the limits.

use serde_json::{Map, Value, json};

use super::{
    HeaderProblem, HeaderRule, MAX_HEADER_NAME_CHARS, MAX_HEADER_VALUE_CHARS, MAX_HEADERS,
    check_headers,
};

fn one(name: &str, value: impl Into<Value>) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value.into())])
}

fn rule(name: &str, value: impl Into<Value>) -> Option<HeaderRule> {
    let problems = check_headers(&one(name, value), &["x-agenta-"]).err()?;
    assert_eq!(problems.len(), 1);
    Some(problems[0].rule)
}

#[test]
fn what_passes_comes_back_in_its_order_and_spelling() {
    let headers = json!({
        "X-Custom": "b",
        "Authorization": "Bearer \t abc~",
        "x-trace!#$%&'*+-.^_`|~09": "",
        "Accept": "*/*",
        "Webhook-Tag": "not one of the three",
        "X-Webhook": "nor this",
        "X-Amz": "without the hyphen",
    });
    let headers = headers.as_object().unwrap();
    let checked = check_headers(headers, &[]).unwrap();
    let expected: Vec<(String, String)> =
        headers.iter().map(|(n, v)| (n.clone(), v.as_str().unwrap().to_owned())).collect();
    assert_eq!(checked, expected);
    assert_eq!(check_headers(&Map::new(), &[]), Ok(vec![]));
}

#[test]
fn what_a_delivery_sets_is_reserved_in_any_case() {
    for name in "Content-Type User-Agent X-Webhook-ID X-Webhook-Delivery-Id X-Webhook-Event-Type \
        X-Delivery-Attempt X-Webhook-Timestamp X-Signature-SHA256 X-Webhook-Signature \
        X-Aragora-Event X-Aragora-Delivery X-Aragora-Timestamp X-Aragora-Signature \
        X-Aragora-Signature-Timestamped webhook-id webhook-timestamp webhook-signature \
        traceparent tracestate Host Content-Length Content-Encoding Connection Keep-Alive \
        Proxy-Authorization Proxy-Connection TE Trailer Transfer-Encoding Upgrade \
        HTTP2-Settings Expect X-Amz-Date X-Amz-Security-Token X-Amzn-Trace-Id \
        X-Aragora-Anything X-Agenta-Signature"
        .split(' ')
    {
        for name in [name.to_owned(), name.to_lowercase(), name.to_uppercase()] {
            assert_eq!(rule(&name, "x"), Some(HeaderRule::Reserved), "{name}");
        }
    }
    // The profile's prefixes hold only where they are given.
    assert!(check_headers(&one("X-Agenta-Event", "x"), &[]).is_ok());
}

#[test]
fn names_are_tokens() {
    for name in [
        "",
        " ",
        "a b",
        "a:b",
        "a\r\nb",
        "a\0",
        "é",
        "a(b)",
        "a/b",
        "a,b",
        "a;b",
        "a=b",
        "a@b",
        "a[b]",
        "a{b}",
        "a\"b",
        "a\\b",
        "a?b",
        "a<b>",
        "\u{7f}",
        ":authority",
    ] {
        assert_eq!(rule(name, "x"), Some(HeaderRule::Name), "{name:?}");
    }
    assert_eq!(rule(&"n".repeat(MAX_HEADER_NAME_CHARS), "x"), None);
    assert_eq!(rule(&"n".repeat(MAX_HEADER_NAME_CHARS + 1), "x"), Some(HeaderRule::Name));
}

#[test]
fn values_are_printable_ascii() {
    for value in
        ["a\rb", "a\nb", "a\r\nX-Injected: 1", "\0", "é", "\u{7f}", "\u{1f}", "\u{b}", "\u{80}"]
    {
        assert_eq!(rule("X-A", value), Some(HeaderRule::Value), "{value:?}");
    }
    assert_eq!(rule("X-A", "v".repeat(MAX_HEADER_VALUE_CHARS)), None);
    assert_eq!(rule("X-A", "v".repeat(MAX_HEADER_VALUE_CHARS + 1)), Some(HeaderRule::Value));
    for value in [json!(1), json!(null), json!(["a"]), json!({}), json!(true)] {
        assert_eq!(rule("X-A", value), Some(HeaderRule::NotAString));
    }
}

#[test]
fn at_most_twenty() {
    let headers = |count: usize| -> Map<String, Value> {
        (0..count).map(|index| (format!("X-{index}"), json!("v"))).collect()
    };
    assert_eq!(check_headers(&headers(MAX_HEADERS), &[]).unwrap().len(), MAX_HEADERS);
    let problems = check_headers(&headers(MAX_HEADERS + 1), &[]).unwrap_err();
    assert_eq!(problems, [HeaderProblem { name: String::new(), rule: HeaderRule::TooMany }]);
    assert_eq!(problems[0].to_string(), "a webhook may have at most 20 headers");
}

#[test]
fn every_offender_is_named_and_no_value_repeated() {
    let headers = json!({"Host": "s3cret", "X-Ok": "fine", "x-ok": "s3cret", "X-Bad": "s3cret\n", "a b": "s3cret"});
    let problems = check_headers(headers.as_object().unwrap(), &[]).unwrap_err();
    let named: Vec<_> =
        problems.iter().map(|problem| (problem.name.as_str(), problem.rule)).collect();
    assert_eq!(
        named,
        [
            ("Host", HeaderRule::Reserved),
            ("x-ok", HeaderRule::Repeated),
            ("X-Bad", HeaderRule::Value),
            ("a b", HeaderRule::Name),
        ]
    );
    for problem in &problems {
        assert!(!format!("{problem} {problem:?}").contains("s3cret"));
    }
    assert_eq!(problems[0].to_string(), "header \"Host\": the name is reserved");
    let long = check_headers(&one(&"é".repeat(1_000), "x"), &[]).unwrap_err();
    assert_eq!(long[0].name.chars().count(), MAX_HEADER_NAME_CHARS);
}
