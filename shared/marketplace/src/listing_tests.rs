//! Cursors, and which list is read for what.

use aragora_core::access::Credential;

use super::*;

fn caller() -> Principal {
    Principal::new("ann", "org", vec!["member".into()], Credential::Bearer).unwrap()
}

#[test]
fn places_come_back_as_they_went() {
    for (count, exact, key) in
        [(3, true, "000000000005#tmpl-1"), (0, false, "tmpl-1"), (9, true, "a | b\u{1}tmpl-1")]
    {
        let place = Place { order: "name".into(), total: Total { count, exact }, key: key.into() };
        assert_eq!(Place::read(&place.write(), "name"), Some(place));
    }
}

#[test]
fn what_we_did_not_write_is_no_place() {
    let long = format!("name|1|=|{}#tmpl-1", "x".repeat(400));
    for text in [
        "",
        "name",
        "name|1|=",
        "name|x|=|tmpl-1",
        "name|-1|=|tmpl-1",
        "name|1|?|tmpl-1",
        "rating|1|=|tmpl-1",
        "name|1|=|wh-1",
        "name|1|=|",
        "name|1|=|tmpl-1 x",
        &long,
    ] {
        assert_eq!(Place::read(text, "name"), None, "{text}");
    }
}

#[test]
fn scopes_are_where_the_caller_may_look() {
    let caller = caller();
    let scopes = |visibility| Ask { visibility, ..Ask::default() }.scopes(&caller);
    let (own, mine) = (Scope::Organization("org"), Scope::Mine("org", "ann"));
    assert_eq!(scopes(None), [Scope::Public, own]);
    assert_eq!(scopes(Some(Visibility::Public)), [Scope::Public]);
    assert_eq!(scopes(Some(Visibility::Organization)), [own]);
    assert_eq!(scopes(Some(Visibility::Private)), [mine]);
    assert_eq!(scopes(Some(Visibility::Unlisted)), [mine]);
    assert_eq!(Ask { mine: true, ..Ask::default() }.scopes(&caller), [mine]);
}

#[test]
fn one_list_is_enough_for_one_filter() {
    let caller = caller();
    let ask = Ask { category: Some("c".into()), ..Ask::default() };
    let scopes = ask.scopes(&caller);
    assert!(ask.is_all(&[Facet::category("c")], &scopes));
    assert!(!ask.is_all(&[Facet::All], &scopes));
    assert!(Ask::default().is_all(&[Facet::All], &scopes));
    let two = Ask { author: Some("a".into()), ..ask.clone() };
    assert!(!two.is_all(&[Facet::category("c")], &scopes));
    let tags = Ask { tags: vec!["a".into(), "b".into()], ..Ask::default() };
    assert!(!tags.is_all(&[Facet::tag("a"), Facet::tag("b")], &scopes));
    let rated = Ask { least_milli: Some(1), ..Ask::default() };
    assert!(!rated.is_all(&[Facet::All], &scopes));
    let private = Ask { visibility: Some(Visibility::Private), ..Ask::default() };
    assert!(!private.is_all(&[Facet::All], &private.scopes(&caller)));
}
