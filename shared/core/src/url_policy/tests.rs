//! URLs as texts: spelling, hosts, ports. The address table has its own file.

mod hosts;
mod ranges;

use proptest::prelude::*;

use super::{MAX_URL_CHARS, UrlPolicy, UrlRefusal};

fn strict() -> UrlPolicy {
    UrlPolicy::default()
}

/// A developer's machine: loopback, and `http`.
fn local() -> UrlPolicy {
    UrlPolicy { require_https: false, allow_loopback: true, extra_ports: Vec::new() }
}

fn refusal(policy: &UrlPolicy, raw: &str) -> Option<UrlRefusal> {
    policy.check(raw).err()
}

#[test]
fn ordinary_urls_pass_and_are_normalised() {
    for (raw, normalised) in [
        ("https://example.com/hook", "https://example.com/hook"),
        ("https://example.com", "https://example.com/"),
        ("HTTPS://EXAMPLE.com:443/A?b=C", "https://example.com/A?b=C"),
        ("https://example.com:80/", "https://example.com:80/"),
        ("https://example.com.:443/x", "https://example.com/x"),
        ("https://bücher.example/ü?ü", "https://xn--bcher-kva.example/%C3%BC?%C3%BC"),
        ("https://ｅxample。com/", "https://example.com/"),
        ("https://ex%61mple.com/", "https://example.com/"),
        ("https://example.com/a/../b", "https://example.com/b"),
        ("https://example.com?x@y", "https://example.com/?x@y"),
        ("https://example.com/a@b:c", "https://example.com/a@b:c"),
    ] {
        let checked = strict().check(raw).unwrap();
        assert_eq!(checked.as_str(), normalised);
        assert_eq!(checked.url().as_str(), normalised);
        assert_eq!(checked.host_name(), checked.url().host_str());
        assert_eq!(checked.address(), None);
        assert_eq!(checked.port(), if raw.contains(":80") { 80 } else { 443 }, "{raw}");
    }
    let checked = strict().check("https://Bücher.Example.:443/").unwrap();
    assert_eq!(checked.host_name(), Some("xn--bcher-kva.example"));
}

#[test]
fn public_addresses_pass_and_need_no_look_up() {
    for (raw, normalised, addr) in [
        ("https://8.8.8.8/", "https://8.8.8.8/", "8.8.8.8"),
        ("https://134744072/", "https://8.8.8.8/", "8.8.8.8"),
        ("https://[2606:4700::1111]/", "https://[2606:4700::1111]/", "2606:4700::1111"),
        (
            "https://[2606:4700:0:0:0:0:8.8.8.8]/",
            "https://[2606:4700::808:808]/",
            "2606:4700::808:808",
        ),
    ] {
        let checked = strict().check(raw).unwrap();
        assert_eq!(checked.as_str(), normalised);
        assert_eq!(checked.host_name(), None);
        assert_eq!(checked.address(), Some(addr.parse().unwrap()));
    }
}

#[test]
fn the_length_is_in_characters_before_and_after_normalising() {
    let of_length = |chars: usize| format!("https://example.com/{}", "a".repeat(chars - 20));
    assert_eq!(refusal(&strict(), &of_length(MAX_URL_CHARS)), None);
    assert_eq!(refusal(&strict(), &of_length(MAX_URL_CHARS + 1)), Some(UrlRefusal::TooLong));
    // Six bytes of escape for every one of these.
    let growing = format!("https://example.com/{}", "é".repeat(400));
    assert_eq!(refusal(&strict(), &growing), Some(UrlRefusal::TooLong));
    // Dot segments shrink; what was written counts all the same, in characters and not in bytes.
    let shrinking = |segment: &str| format!("https://example.com/{segment}/../x");
    let ascii = shrinking(&"a".repeat(MAX_URL_CHARS));
    assert_eq!(refusal(&strict(), &ascii), Some(UrlRefusal::TooLong));
    assert_eq!(refusal(&strict(), &shrinking(&"é".repeat(MAX_URL_CHARS - 40))), None);
    let shorter = format!("https://example.com/{}", "é".repeat(300));
    assert_eq!(refusal(&strict(), &shorter), None);
}

#[test]
fn only_https_unless_switched_off() {
    let https_only = Some(UrlRefusal::Scheme { https_only: true });
    for raw in "http://example.com/ HTTP://example.com/ ftp://example.com/ file:///etc/passwd \
        javascript:alert(1) gopher://example.com/ ws://example.com/ example.com:443/ ://x :"
        .split(' ')
    {
        assert_eq!(refusal(&strict(), raw), https_only, "{raw}");
    }
    let relaxed = UrlPolicy { require_https: false, ..strict() };
    assert_eq!(relaxed.check("http://example.com/").unwrap().port(), 80);
    assert_eq!(refusal(&relaxed, "https://example.com/"), None);
    assert_eq!(
        refusal(&relaxed, "ws://example.com/"),
        Some(UrlRefusal::Scheme { https_only: false })
    );
}

#[test]
fn what_is_not_an_absolute_url_is_refused() {
    for raw in [
        "",
        "example.com",
        "/hook",
        "//example.com/",
        "https:example.com",
        "https:/example.com",
        "https:///example.com/",
        "https://",
        "https://?x",
        "https:",
        "https",
    ] {
        assert_eq!(refusal(&strict(), raw), Some(UrlRefusal::NotAUrl), "{raw}");
    }
}

/// Neither names nor addresses, each for a reason of its own.
const NOT_HOSTS: &str = ":443 . .. a..b example.com.. .example.com [::1%25eth0] [fe80::1%eth0] [::1 ::1 [::g] \
    [1.2.3.4] 1.2.3.4.5 256.1.1.1 1.2.3.256 0x100000000 a.1 a!b.com a$b a,b a;b a(b) a'b a+b \
    a=b a&b *.example.com a%00b a%2fb a%40b a%20b a%zz a<b a^b xn-- xn--a \
    \u{202e}moc.example";

#[test]
fn what_is_neither_a_name_nor_an_address_is_refused() {
    for host in NOT_HOSTS.split(' ') {
        let refusal = refusal(&strict(), &format!("https://{host}/"));
        // Which of the two a malformed authority breaks is the parser's choice.
        let expected = [Some(UrlRefusal::InvalidHost), Some(UrlRefusal::Port)];
        assert!(expected.contains(&refusal), "{host}: {refusal:?}");
    }
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(refusal(&strict(), &format!("https://{longest}/")), None);
    assert_eq!(refusal(&strict(), &format!("https://{longest}a/")), Some(UrlRefusal::InvalidHost));
    assert_eq!(
        refusal(&strict(), &format!("https://{label}a.com/")),
        Some(UrlRefusal::InvalidHost)
    );
}

#[test]
fn white_space_controls_and_backslashes_are_refused_wherever_they_are() {
    for unwanted in [
        '\t', '\n', '\r', ' ', '\0', '\u{b}', '\u{1f}', '\u{7f}', '\u{85}', '\u{a0}', '\u{3000}',
        '\\',
    ] {
        for raw in [
            format!("{unwanted}https://example.com/"),
            format!("ht{unwanted}tps://example.com/"),
            format!("https:{unwanted}//example.com/"),
            format!("https://exam{unwanted}ple.com/"),
            format!("https://example.com{unwanted}@127.0.0.1/"),
            format!("https://example.com/a{unwanted}b"),
            format!("https://example.com/?a{unwanted}b"),
            format!("https://example.com/{unwanted}"),
        ] {
            assert_eq!(refusal(&strict(), &raw), Some(UrlRefusal::Characters), "{raw:?}");
        }
    }
}

#[test]
fn no_userinfo_and_no_fragment() {
    for raw in [
        "https://user@example.com/",
        "https://user:pw@example.com/",
        "https://:pw@example.com/",
        "https://@example.com/",
        "https://:@example.com/",
        "https://a@b@example.com/",
        "https://example.com@127.0.0.1/",
    ] {
        assert_eq!(refusal(&strict(), raw), Some(UrlRefusal::Userinfo), "{raw}");
    }
    for raw in [
        "https://example.com/#",
        "https://example.com/#a",
        "https://example.com#a",
        "https://example.com/?a#b",
    ] {
        assert_eq!(refusal(&strict(), raw), Some(UrlRefusal::Fragment), "{raw}");
    }
}

#[test]
fn ports_80_and_443_and_the_allow_listed() {
    for port in "0 1 22 79 81 442 444 6379 8080 8443 65535 65536 4_43 -1 x".split(' ') {
        for host in ["example.com", "8.8.8.8", "[2606:4700::1111]"] {
            let raw = format!("https://{host}:{port}/");
            assert_eq!(refusal(&strict(), &raw), Some(UrlRefusal::Port), "{raw}");
        }
    }
    assert_eq!(strict().check("https://example.com:0443/").unwrap().port(), 443);
    assert_eq!(strict().check("https://example.com:/").unwrap().port(), 443);
    let listed = UrlPolicy { extra_ports: vec![8443], ..strict() };
    assert_eq!(listed.check("https://example.com:8443/").unwrap().port(), 8443);
    assert_eq!(refusal(&listed, "https://example.com:8444/"), Some(UrlRefusal::Port));
    assert_eq!(refusal(&listed, "https://10.0.0.1:8443/"), Some(UrlRefusal::Address));
}

#[test]
fn refusals_and_debug_output_keep_to_themselves() {
    let checked =
        strict().check("https://hooks.example.com/T0/secret-token?key=also-secret").unwrap();
    let shown = format!("{checked:?}");
    assert!(shown.contains("hooks.example.com") && !shown.contains("secret"), "{shown}");
    for refusal in [UrlRefusal::HostName, UrlRefusal::Address, UrlRefusal::ResolvedAddress] {
        assert!(refusal.to_string().starts_with("blocked"));
    }
    assert!(UrlRefusal::Scheme { https_only: true }.to_string().ends_with("https://"));
    assert!(UrlRefusal::Scheme { https_only: false }.to_string().ends_with("http://"));
}

proptest! {
    #[test]
    fn any_text_is_answered(raw in "\\PC*") {
        drop(strict().check(&raw));
        drop(local().check(&format!("http://{raw}")));
    }

    #[test]
    fn checking_again_changes_nothing(
        raw in "https?://[a-zA-Zéß0-9._%-]{1,20}(:[0-9]{0,4})?(/[a-zA-Z0-9é%./]{0,20})?(\\?[^#\\\\]{0,10})?"
    ) {
        for policy in [strict(), local()] {
            if let Ok(once) = policy.check(&raw) {
                let twice = policy.check(once.as_str());
                prop_assert_eq!(twice.as_ref(), Ok(&once));
            }
        }
    }

    #[test]
    fn numeric_hosts_are_judged_as_addresses(number in any::<u32>()) {
        let addr = std::net::Ipv4Addr::from(number);
        let [a, b, c, d] = addr.octets();
        for host in [
            number.to_string(),
            format!("{number:#x}"),
            format!("0{number:o}"),
            format!("{a}.{}", number & 0xff_ffff),
            format!("{a:#x}.0{b:o}.{}", number & 0xffff),
            format!("0{a:o}.{b:#X}.{c}.{d}."),
        ] {
            let expected = if strict().admits(addr.into()) { None } else { Some(UrlRefusal::Address) };
            prop_assert_eq!(refusal(&strict(), &format!("https://{host}/")), expected, "{}", host);
        }
    }
}
