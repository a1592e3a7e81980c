//! The validation table: what passes, and which field is named when something does not.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn wish() -> Wish {
    Wish {
        name: Some("A name".into()),
        template_data: json!({"nodes": [{"id": "a"}], "edges": []}).as_object().cloned(),
        ..Wish::default()
    }
}

fn draft(wish: Wish) -> Result<Draft, Vec<String>> {
    wish.draft(Visibility::Public).map_err(fields)
}

fn fields(problems: Vec<Problem>) -> Vec<String> {
    problems.into_iter().map(|it| it.field).collect()
}

#[test]
fn what_is_not_said_has_a_default() {
    let draft = draft(wish()).unwrap();
    assert_eq!((draft.category.as_str(), draft.visibility), ("workflow", Visibility::Public));
    assert_eq!(draft.release.version.as_str(), "1.0.0");
    assert!(
        draft.tags.is_empty() && draft.description.is_empty() && draft.release.warnings.is_empty()
    );
}

#[test]
fn names() {
    for (name, kept) in [
        ("n", Some("n")),
        ("  spaced  ", Some("spaced")),
        ("日本語 🚀", Some("日本語 🚀")),
        ("<script>alert(1)</script>", Some("<script>alert(1)</script>")),
        ("", None),
        ("   ", None),
        ("a\u{0}b", None),
        ("a\nb", None),
        ("a\u{7f}", None),
        ("\u{200b}\u{200d}\u{feff}", None),
        ("\u{202e}", None),
    ] {
        let given = draft(Wish { name: Some(name.into()), ..wish() });
        assert_eq!(given.as_ref().ok().map(|it| it.name.as_str()), kept, "{name:?}");
        if let Err(fields) = given {
            assert_eq!(fields, ["name"], "{name:?}");
        }
    }
    for (count, fine) in [(100, true), (101, false)] {
        assert_eq!(draft(Wish { name: Some("é".repeat(count)), ..wish() }).is_ok(), fine);
    }
    assert_eq!(draft(Wish { name: None, ..wish() }).unwrap_err(), ["name"]);
}

#[test]
fn every_field_has_its_rules() {
    let long = |chars: usize| Some("é".repeat(chars));
    let tags = |tags: &[&str]| Some(tags.iter().map(ToString::to_string).collect::<Vec<_>>());
    let many = |count: usize| Some((0..count).map(|it| format!("t{it}")).collect::<Vec<_>>());
    let cases: Vec<(Wish, &[&str])> = vec![
        (Wish { description: long(5_000), ..wish() }, &[]),
        (Wish { description: long(5_001), ..wish() }, &["description"]),
        (Wish { description: Some("a\nb\tc".into()), ..wish() }, &[]),
        (Wish { description: Some("a\u{1b}[2J".into()), ..wish() }, &["description"]),
        (Wish { documentation: long(20_000), ..wish() }, &[]),
        (Wish { documentation: long(20_001), ..wish() }, &["documentation"]),
        (Wish { changelog: long(5_001), ..wish() }, &["changelog"]),
        (Wish { category: Some("Data-Science_2".into()), ..wish() }, &[]),
        (Wish { category: Some(String::new()), ..wish() }, &["category"]),
        (Wish { category: Some("a b".into()), ..wish() }, &["category"]),
        (Wish { category: Some("-a".into()), ..wish() }, &["category"]),
        (Wish { category: Some("a#b".into()), ..wish() }, &["category"]),
        (Wish { category: Some("x".repeat(51)), ..wish() }, &["category"]),
        (Wish { visibility: Some("secret".into()), ..wish() }, &["visibility"]),
        (Wish { visibility: Some("organisation".into()), ..wish() }, &[]),
        (Wish { tags: many(20), ..wish() }, &[]),
        (Wish { tags: many(21), ..wish() }, &["tags"]),
        (Wish { tags: tags(&["a", "", "c,d"]), ..wish() }, &["tags[1]", "tags[2]"]),
        (Wish { tags: Some(vec!["x".repeat(50)]), ..wish() }, &[]),
        (Wish { tags: Some(vec!["x".repeat(51)]), ..wish() }, &["tags[0]"]),
        (Wish { tags: tags(&["a\u{0}"]), ..wish() }, &["tags[0]"]),
        (Wish { tags: tags(&["\u{301}"]), ..wish() }, &["tags[0]"]),
        (Wish { version: Some("2.0".into()), ..wish() }, &["version"]),
        (Wish { version: Some("v1.0.0".into()), ..wish() }, &["version"]),
        (Wish { template_data: None, ..wish() }, &["template_data"]),
        (
            Wish { name: None, version: Some("x".into()), template_data: None, ..wish() },
            &["name", "version", "template_data"],
        ),
    ];
    for (wish, wrong) in cases {
        let told = format!("{wish:?}");
        assert_eq!(draft(wish).err().unwrap_or_default(), wrong, "{told:.200}");
    }
}

#[test]
fn template_data_has_at_most_100_kib_as_printed() {
    for (bytes, fine) in [(MAX_DATA_BYTES, true), (MAX_DATA_BYTES + 1, false)] {
        let data = json!({"prompt": "x".repeat(bytes - r#"{"prompt":""}"#.len())});
        let given = draft(Wish { template_data: data.as_object().cloned(), ..wish() });
        assert_eq!(given.is_ok(), fine, "{bytes}");
        assert!(fine || given == Err(vec!["template_data".to_owned()]));
    }
}

#[test]
fn tags_are_kept_once() {
    let tags = ["Security", " security ", "Sécurity", "other"].map(str::to_owned).to_vec();
    assert_eq!(draft(Wish { tags: Some(tags), ..wish() }).unwrap().tags, ["Security", "other"]);
}

#[test]
fn a_change_leaves_versions_alone() {
    let change = Wish { template_data: None, ..wish() }.change().unwrap();
    assert_eq!(change, Change { name: Some("A name".into()), ..Change::default() });
    let wish = Wish { version: Some("2.0.0".into()), changelog: Some(String::new()), ..wish() };
    assert_eq!(fields(wish.change().unwrap_err()), ["version", "template_data", "changelog"]);
}

#[test]
fn a_release_needs_a_version_and_data() {
    let release = Wish { version: Some("2.0.0".into()), ..wish() }.release().unwrap();
    assert_eq!(release.version.as_str(), "2.0.0");
    assert_eq!(fields(wish().release().unwrap_err()), ["version"]);
    assert_eq!(fields(Wish::default().release().unwrap_err()), ["version", "template_data"]);
}

#[test]
fn ratings_are_whole_numbers_from_1_to_5() {
    for number in 1..=5_u8 {
        assert_eq!(rating(Some(&json!(number))), Ok(number));
    }
    for bad in [
        json!(0),
        json!(6),
        json!(4.5),
        json!(true),
        json!("5"),
        json!(-1),
        json!(null),
        json!([5]),
        json!({}),
    ] {
        assert_eq!(rating(Some(&bad)).unwrap_err().field, "rating", "{bad}");
    }
    assert_eq!(rating(None).unwrap_err().message, "is required");
    let huge: Value = serde_json::from_str("100000000000000000000001").unwrap();
    assert!(rating(Some(&huge)).is_err());
}

#[test]
fn reviews() {
    let of = |rating: Value, title: Option<&str>, content: Option<&str>| {
        review(Some(&rating), title.map(Into::into), content.map(Into::into)).map_err(fields)
    };
    let fine = of(json!(4), Some(" t "), Some(" c\n")).unwrap();
    assert_eq!(fine, Review { rating: 4, title: "t".into(), content: "c".into() });
    assert!(of(json!(4), None, Some("c")).is_ok());
    assert_eq!(of(json!(4.5), None, None).unwrap_err(), ["rating", "content"]);
    assert_eq!(of(json!(1), Some(&"t".repeat(101)), Some("c")).unwrap_err(), ["title"]);
    assert_eq!(of(json!(1), Some("a\nb"), Some("c")).unwrap_err(), ["title"]);
    assert_eq!(of(json!(1), None, Some(&"c".repeat(2_001))).unwrap_err(), ["content"]);
    assert_eq!(of(json!(1), None, Some("\u{200b} ")).unwrap_err(), ["content"]);
}

proptest! {
    /// Whatever text comes, it is taken or its field is named; nothing breaks.
    #[test]
    fn hostile_text_is_taken_or_named(name in "\\PC{0,120}", tag in "\\PC{0,60}", category in "\\PC{0,60}") {
        let given = draft(Wish {
            name: Some(name), tags: Some(vec![tag]), category: Some(category), ..wish()
        });
        if let Err(fields) = given {
            prop_assert!(fields.iter().all(|it| ["name", "tags[0]", "category"].contains(&it.as_str())));
        }
    }
}
