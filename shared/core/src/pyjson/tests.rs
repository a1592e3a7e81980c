//! Known spellings, refusals and limits, and properties over all values.

mod generate;
mod python;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::number::write_double;
use super::{
    DumpError, JsonError, MAX_PARSE_DEPTH, MAX_WRITE_DEPTH, NumberOutOfRange, dumps, parse, write,
    write_str,
};

/// What becomes of a text when it is read and printed.
fn reprint(text: &str) -> String {
    dumps(&parse(text.as_bytes()).unwrap()).unwrap()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[test]
fn the_specs_spellings() {
    for (text, printed) in [
        ("[1,2 ,3]", "[1, 2, 3]"),
        ("{\"b\":1,\"a\":{}}", "{\"b\": 1, \"a\": {}}"),
        (" \t\r\n[ ] ", "[]"),
        ("1e16", "1e+16"),
        ("0.00001", "1e-05"),
        ("1e2", "100.0"),
        ("-0.0", "-0.0"),
        ("-0", "0"),
        ("-0e5", "-0.0"),
        ("9999999999999998.0", "9999999999999998.0"),
        ("12345678901234567890123456789", "12345678901234567890123456789"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("1e-400", "0.0"),
        ("0e99999999999999999999", "0.0"),
        ("\"a\\/b\"", "\"a/b\""),
        ("\"\u{7f}\"", "\"\\u007f\""),
        ("\"\u{e9}\u{20ac}\u{1f600}\"", "\"\\u00e9\\u20ac\\ud83d\\ude00\""),
        ("\"\\uD83D\\uDE00\"", "\"\\ud83d\\ude00\""),
        ("\"\\b\\f\\n\\r\\t\\u000b\\u0000\"", "\"\\b\\f\\n\\r\\t\\u000b\\u0000\""),
        ("[true,false,null]", "[true, false, null]"),
    ] {
        assert_eq!(reprint(text), printed, "{text}");
    }
}

#[test]
fn of_duplicate_keys_the_last_value_stands_at_the_first_place() {
    assert_eq!(reprint("{\"a\":1,\"b\":2,\"a\":3}"), "{\"a\": 3, \"b\": 2}");
    assert_eq!(reprint("{\"a\":1,\"b\":2,\"\\u0061\":3}"), "{\"a\": 3, \"b\": 2}");
}

#[test]
fn no_key_is_special() {
    for text in [
        "{\"$serde_json::private::Number\": \"1\"}",
        "{\"$serde_json::private::RawValue\": \"[]\"}",
        "{\"\\u0024serde_json::private::Number\": \"1\"}",
    ] {
        assert_eq!(reprint(text), text.replace("\\u0024", "$"));
    }
}

#[test]
fn numbers_built_in_memory_print_like_parsed_ones() {
    let value = json!([1.0, 1e16, 0.1, -0.0, u64::MAX, i64::MIN, 1.5e-7]);
    assert_eq!(
        dumps(&value).unwrap(),
        "[1.0, 1e+16, 0.1, -0.0, 18446744073709551615, -9223372036854775808, 1.5e-07]"
    );
    // serde_json's own parser keeps the text "-0".
    assert_eq!(dumps(&serde_json::from_str("[-0, -0.0]").unwrap()).unwrap(), "[0, -0.0]");
}

#[test]
fn a_number_out_of_range_is_named() {
    for (text, path) in [
        ("1e999", ""),
        ("[1, -1e999]", "[1]"),
        ("[1E999]", "[0]"),
        ("{\"a\": {\"b\": [0, [{\"c\": 1e400}]]}}", "a.b[1][0].c"),
    ] {
        let expected = NumberOutOfRange { path: path.to_owned() };
        let error = dumps(&parse(text.as_bytes()).unwrap()).unwrap_err();
        assert_eq!(error, DumpError::NumberOutOfRange(expected), "{text}");
    }
    let out = NumberOutOfRange { path: "a[0]".to_owned() };
    assert_eq!(out.to_string(), "a[0]: the number is too large for a double");
    assert_eq!(out.under("data").path, "data.a[0]");
    let root = NumberOutOfRange { path: String::new() };
    assert_eq!(root.to_string(), "the number is too large for a double");
    assert_eq!(root.under("data").path, "data");
    assert_eq!(NumberOutOfRange { path: "[0]".to_owned() }.under("data").path, "data[0]");
}

#[test]
fn a_named_path_is_bounded() {
    let mut text = String::from("1e999");
    for _ in 0..40 {
        text = format!("{{\"{}\": {text}}}", "é".repeat(1_000));
    }
    let DumpError::NumberOutOfRange(error) = dumps(&parse(text.as_bytes()).unwrap()).unwrap_err()
    else {
        panic!("another error");
    };
    let key = format!("{}…", "é".repeat(64));
    assert_eq!(error.path, format!("{}…", vec![key; 16].join(".")));
}

#[test]
fn a_failed_write_leaves_what_was_there() {
    let mut out = String::from("before");
    let value: Value = serde_json::from_str("[\"x\", 1e999]").unwrap();
    write(&value, &mut out).unwrap_err();
    assert_eq!(out, "before");
    write(&json!(["x"]), &mut out).unwrap();
    assert_eq!(out, "before[\"x\"]");
}

#[test]
fn depth_is_bounded_and_never_the_stack() {
    assert_eq!(reprint(&nested(MAX_PARSE_DEPTH)), nested(MAX_PARSE_DEPTH));
    assert_eq!(parse(nested(MAX_PARSE_DEPTH + 1).as_bytes()), Err(JsonError::TooDeep));
    let objects = format!("{}1{}", "{\"a\":".repeat(MAX_PARSE_DEPTH), "}".repeat(MAX_PARSE_DEPTH));
    parse(objects.as_bytes()).unwrap();
    assert_eq!(parse(format!("[{objects}]").as_bytes()), Err(JsonError::TooDeep));
    for endless in ["[".repeat(1_000_000), "{\"a\":".repeat(1_000_000)] {
        assert_eq!(parse(endless.as_bytes()), Err(JsonError::TooDeep));
    }

    let deep = |depth| (0..depth).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    dumps(&deep(MAX_WRITE_DEPTH)).unwrap();
    assert_eq!(dumps(&deep(MAX_WRITE_DEPTH + 1)), Err(DumpError::TooDeep));
    // Its own drop would overflow a small stack long before the printer did.
    let very_deep = deep(5_000);
    assert_eq!(dumps(&very_deep), Err(DumpError::TooDeep));
    let object = (0..=MAX_WRITE_DEPTH).fold(Value::Null, |inner, _| json!({"a": inner}));
    assert_eq!(dumps(&object), Err(DumpError::TooDeep));
}

const NOT_JSON: [&str; 55] = [
    "",
    " ",
    "nul",
    "tru",
    "NaN",
    "Infinity",
    "-Infinity",
    "-",
    "+1",
    "01",
    "-01",
    "1.",
    ".5",
    "1.e5",
    "1e",
    "1e+",
    "0x10",
    "1_000",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[",
    "[1",
    "{",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,}",
    "{\"a\" 1}",
    "{a:1}",
    "{'a':1}",
    "{1:1}",
    "\"",
    "\"a",
    "\"\\",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u+123\"",
    "\"\\u12g4\"",
    "\"\\u00\u{e9}\"",
    "\"\n\"",
    "\"\t\"",
    "\"\u{0}\"",
    "\"\u{1f}\"",
    "1 1",
    "{}{}",
    "\u{feff}1",
    "[1]x",
    "/**/1",
    "\u{a0}1",
    "]",
    "}",
    ",",
    ":",
    "'a'",
];

const LONE_SURROGATES: [&str; 7] = [
    "\"\\ud800\"",
    "\"\\udc00\"",
    "\"\\ud800x\"",
    "\"\\ud800\\u0041\"",
    "\"\\ud800\\n\"",
    "\"\\ud800\\ue000\"",
    "\"\\udc00\\udc00\"",
];

#[test]
fn what_is_not_json_is_refused() {
    for text in NOT_JSON {
        let error = parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, JsonError::Syntax { .. }), "{text:?}: {error}");
    }
    for text in LONE_SURROGATES {
        let error = parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, JsonError::LoneSurrogate { .. }), "{text:?}: {error}");
    }
    assert_eq!(parse(b"\"\xff\""), Err(JsonError::NotUtf8));
    assert_eq!(parse(b"\"\xed\xa0\x80\""), Err(JsonError::NotUtf8));
}

#[test]
fn errors_say_where() {
    let error = parse("{\n \"é\": [1, 2,\n 3 4]}".as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "not JSON: expected `,` or `]` at line 3 column 4");
    let error = parse("[\"é\", x]".as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "not JSON: expected a value at line 1 column 7");
}

/// A double's text with the exponent it has in Python, whatever the digits.
#[test]
fn doubles_change_notation_where_python_does() {
    for (value, printed) in [
        (0.0, "0.0"),
        (0.0001, "0.0001"),
        (0.000_099, "9.9e-05"),
        (0.000_123_45, "0.00012345"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1.5e15, "1500000000000000.0"),
        (1.234_567_890_123_456_7e16, "1.2345678901234568e+16"),
        (123_456_789.5, "123456789.5"),
        (-1.25, "-1.25"),
        (10.0, "10.0"),
        (1e22, "1e+22"),
        (1e100, "1e+100"),
        (-1e-100, "-1e-100"),
        (2.5e-9, "2.5e-09"),
        // Equally near: the even digit. Nearest is the neighbour: the next best.
        (7_378_697_629_483_821.0 / 4.0, "1844674407370955.2"),
        (2_f64.powi(-44), "5.684341886080802e-14"),
    ] {
        let mut out = String::new();
        write_double(value, &mut out);
        assert_eq!(out, printed);
    }
}

/// Any JSON value, of doubles only finite ones.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::String),
    ];
    leaf.prop_recursive(5, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((any::<String>(), inner), 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn printing_is_ascii_and_settles_at_once(value in any_value()) {
        let printed = dumps(&value).unwrap();
        prop_assert!(printed.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        prop_assert_eq!(&reprint(&printed), &printed);
    }

    #[test]
    fn what_is_printed_reads_back_equal_to_an_independent_parser(text in any::<String>()) {
        let mut out = String::new();
        write_str(&text, &mut out);
        prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }

    #[test]
    fn doubles_read_back_to_the_same_bits(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        let mut out = String::new();
        write_double(value, &mut out);
        prop_assert_eq!(out.parse::<f64>().unwrap().to_bits(), bits);
        prop_assert!(out.contains(['.', 'e']));
    }

    #[test]
    fn our_parser_takes_what_serde_json_takes(text in "[\\[\\]{}:,\"\\\\ue0-9.+\\- a\n]{0,24}") {
        let ours = parse(text.as_bytes());
        let theirs = serde_json::from_str::<Value>(&text);
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(dumps(&ours), dumps(&theirs)),
            (Err(_), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{text:?}: {ours:?}, {theirs:?}"),
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(value) = parse(&bytes) {
            let printed = dumps(&value);
            prop_assert!(matches!(printed, Ok(_) | Err(DumpError::NumberOutOfRange(_))));
        }
    }
}
