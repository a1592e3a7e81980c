//! Hosts: internal names, addresses in old spellings, and what the loopback switch changes.

use super::super::{UrlPolicy, UrlRefusal};
use super::{local, refusal, strict};

#[test]
fn names_that_only_look_internal_pass() {
    for name in "my_host.example.com localhost.example.com notlocal internal.example mylocalhost \
        metadata.goog.example local-host xn--bcher-kva.example"
        .split(' ')
    {
        let checked = strict().check(&format!("https://{name}/")).unwrap();
        assert_eq!(checked.host_name(), Some(name));
    }
}

#[test]
fn internal_names_are_refused_in_every_spelling() {
    let mut names: Vec<String> =
        ["localhost", "metadata.google.internal", "metadata.goog", "instance-data"]
            .map(str::to_owned)
            .to_vec();
    for suffix in ["local", "localhost", "internal", "lan", "corp", "home", "private"] {
        names.extend([suffix.to_owned(), format!("printer.{suffix}"), format!("a.b.{suffix}")]);
    }
    for name in names {
        let first = name.chars().next().unwrap();
        let full_width = char::from_u32(u32::from(first) + 0xfee0).unwrap();
        let rest = name.strip_prefix(first).unwrap();
        for spelling in [
            name.clone(),
            format!("{name}."),
            name.to_uppercase(),
            format!("{}.", name.to_uppercase()),
            format!("{full_width}{rest}"),
            format!("%{:02x}{rest}", u32::from(first)),
            name.replace('.', "。"),
            // A soft hyphen, which IDNA drops.
            format!("{first}\u{ad}{rest}"),
        ] {
            for raw in [format!("https://{spelling}/"), format!("https://{spelling}:443/x?y")] {
                assert_eq!(refusal(&strict(), &raw), Some(UrlRefusal::HostName), "{raw}");
            }
        }
    }
}

#[test]
fn legacy_spellings_of_addresses_are_the_addresses_they_are() {
    for host in "127.1 127.0.1 2130706433 0x7f000001 0x7f.1 0X7F.1 0177.0.0.1 0177.1 017700000001 \
        127.0.0.1. 0x7f.0x0.0x0.0x1 127.0x0.0.1 00000177.0.0.1 0 0x 0.0.0.0 1 10.1 \
        0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518 192.168.257 0xc0a80001 \
        %31%32%37.0.0.1 １２７.0.0.1 127。0。0。1 127．0．0．1 ①②⑦.1 4294967295 [::1] [::] \
        [0:0:0:0:0:0:0:1] [::0001] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] \
        [::ffff:8.8.8.8] [::ffff:0:8.8.8.8] [::8.8.8.8] [64:ff9b::8.8.8.8] [64:ff9b::7f00:1] \
        [64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:808:808::1] \
        [2001:0:4136:e378:8000:63bf:80ff:fffe] [fe80::1] [FD00::1]"
        .split(' ')
    {
        let raw = format!("https://{host}/");
        assert_eq!(refusal(&strict(), &raw), Some(UrlRefusal::Address), "{raw}");
    }
}

#[test]
fn the_loopback_switch_admits_loopback_on_any_port_and_nothing_else() {
    for raw in "http://localhost/ http://localhost:3000/x http://LOCALHOST.:1/ \
        https://localhost:65535/ http://127.0.0.1/ http://127.0.0.1:8080/ \
        http://127.255.255.255:9/ http://127.1:8080/ http://2130706433:81/ \
        http://[::1]:8080/ http://[0:0:0:0:0:0:0:1]/"
        .split(' ')
    {
        assert_eq!(refusal(&local(), raw), None, "{raw}");
        assert!(refusal(&UrlPolicy { allow_loopback: false, ..local() }, raw).is_some(), "{raw}");
    }
    for host in "[::ffff:127.0.0.1] [::127.0.0.1] [::ffff:0:127.0.0.1] [64:ff9b::127.0.0.1] \
        [2002:7f00:1::] [::] [::2] 0.0.0.0 0 10.0.0.1 172.16.0.1 192.168.0.1 169.254.169.254 \
        126.0.0.0.1"
        .split(' ')
    {
        for port in ["", ":8080"] {
            let refusal = refusal(&local(), &format!("http://{host}{port}/"));
            assert!(
                matches!(refusal, Some(UrlRefusal::Address | UrlRefusal::InvalidHost)),
                "{host}: {refusal:?}"
            );
        }
    }
    for host in ["a.localhost", "localhost.local", "x.internal", "metadata.google.internal"] {
        assert_eq!(
            refusal(&local(), &format!("http://{host}/")),
            Some(UrlRefusal::HostName),
            "{host}"
        );
    }
    // A public host gains no ports by it.
    assert_eq!(refusal(&local(), "http://example.com:8080/"), Some(UrlRefusal::Port));
    assert_eq!(refusal(&local(), "http://8.8.8.8:8080/"), Some(UrlRefusal::Port));
    // And the switch says nothing about the scheme.
    let https = UrlPolicy { require_https: true, ..local() };
    assert_eq!(refusal(&https, "http://localhost/"), Some(UrlRefusal::Scheme { https_only: true }));
}
