//! Every range of the address table: its first, an inner and its last address are refused, its
//! neighbours are not, unless another range begins there.
//!
//! The expected addresses are written out rather than computed from the table under test.

use std::net::{IpAddr, Ipv4Addr};

use super::super::{UrlPolicy, UrlRefusal};
use super::{local, strict};

/// First, inner and last address, and the neighbours that are admitted.
type Range = (&'static str, &'static str, &'static str, &'static [&'static str]);

const V4: [Range; 15] = [
    ("0.0.0.0", "0.1.2.3", "0.255.255.255", &["1.0.0.0"]),
    ("10.0.0.0", "10.9.8.7", "10.255.255.255", &["9.255.255.255", "11.0.0.0"]),
    ("100.64.0.0", "100.100.1.1", "100.127.255.255", &["100.63.255.255", "100.128.0.0"]),
    ("127.0.0.0", "127.0.0.1", "127.255.255.255", &["126.255.255.255", "128.0.0.0"]),
    ("169.254.0.0", "169.254.169.254", "169.254.255.255", &["169.253.255.255", "169.255.0.0"]),
    ("172.16.0.0", "172.20.0.1", "172.31.255.255", &["172.15.255.255", "172.32.0.0"]),
    ("192.0.0.0", "192.0.0.170", "192.0.0.255", &["191.255.255.255", "192.0.1.0"]),
    ("192.0.2.0", "192.0.2.99", "192.0.2.255", &["192.0.1.255", "192.0.3.0"]),
    ("192.88.99.0", "192.88.99.1", "192.88.99.255", &["192.88.98.255", "192.88.100.0"]),
    ("192.168.0.0", "192.168.1.1", "192.168.255.255", &["192.167.255.255", "192.169.0.0"]),
    ("198.18.0.0", "198.19.0.1", "198.19.255.255", &["198.17.255.255", "198.20.0.0"]),
    ("198.51.100.0", "198.51.100.7", "198.51.100.255", &["198.51.99.255", "198.51.101.0"]),
    ("203.0.113.0", "203.0.113.7", "203.0.113.255", &["203.0.112.255", "203.0.114.0"]),
    ("224.0.0.0", "230.1.2.3", "239.255.255.255", &["223.255.255.255"]),
    ("240.0.0.0", "250.1.2.3", "255.255.255.255", &[]),
];

const V6: [Range; 13] = [
    // Beyond it is 100::/64.
    ("::", "::1", "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("64:ff9b::", "64:ff9b::808:808", "64:ff9b::ffff:ffff", &[]),
    ("64:ff9b:1::", "64:ff9b:1::a00:1", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", &[]),
    ("100::", "100::1:2", "100::ffff:ffff:ffff:ffff", &["100:0:0:1::"]),
    (
        "2001::",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        &["2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::"],
    ),
    (
        "2001:db8::",
        "2001:db8:1::1",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        &["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"],
    ),
    (
        "2002::",
        "2002:808:808::1",
        "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        &["2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::"],
    ),
    (
        "3fff::",
        "3fff:1:2::3",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        &["3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"],
    ),
    (
        "5f00::",
        "5f00:1::",
        "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        &["5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::"],
    ),
    (
        "fc00::",
        "fd12:3456::1",
        "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        &["fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"],
    ),
    (
        "fe80::",
        "fe80::1",
        "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        &["fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
    ),
    ("fec0::", "fee0::1", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
    ("ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", &[]),
];

/// The verdict on an address, which must not depend on whether it is written or resolved.
fn admitted(policy: &UrlPolicy, addr: IpAddr) -> bool {
    let host = match addr {
        IpAddr::V4(addr) => addr.to_string(),
        IpAddr::V6(addr) => format!("[{addr}]"),
    };
    let admitted = policy.admits(addr);
    let expected = if admitted { None } else { Some(UrlRefusal::Address) };
    assert_eq!(policy.check(&format!("https://{host}/")).err(), expected, "{addr}");
    admitted
}

#[test]
fn every_range_from_its_first_to_its_last_address_and_not_beyond() {
    for (first, inner, last, outside) in V4.iter().chain(&V6) {
        for addr in [first, inner, last] {
            assert!(!admitted(&strict(), addr.parse().unwrap()), "{addr}");
        }
        for addr in *outside {
            assert!(admitted(&strict(), addr.parse().unwrap()), "{addr}");
        }
    }
    for addr in ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450::1"] {
        assert!(admitted(&strict(), addr.parse().unwrap()), "{addr}");
    }
}

#[test]
fn no_way_to_write_ipv4_inside_ipv6_is_admitted() {
    for embedded in ["8.8.8.8", "127.0.0.1", "10.0.0.1", "169.254.169.254"] {
        let v4: Ipv4Addr = embedded.parse().unwrap();
        let [a, b, c, d] = v4.octets().map(u16::from);
        let (high, low) = (a << 8 | b, c << 8 | d);
        for addr in [
            format!("::ffff:{embedded}"),
            format!("::{embedded}"),
            format!("::ffff:0:{embedded}"),
            format!("64:ff9b::{embedded}"),
            format!("64:ff9b:1::{embedded}"),
            format!("2002:{high:x}:{low:x}::1"),
            // Teredo: the server, and the client complemented.
            format!("2001:0:{high:x}:{low:x}:0:0:{:x}:{:x}", !high, !low),
        ] {
            for policy in [strict(), local()] {
                assert!(!admitted(&policy, addr.parse().unwrap()), "{addr}");
            }
        }
    }
}

#[test]
fn the_loopback_switch_admits_loopback_addresses_only() {
    for (first, inner, last, _) in V4.iter().chain(&V6) {
        for addr in [first, inner, last].map(|addr| addr.parse::<IpAddr>().unwrap()) {
            assert_eq!(admitted(&local(), addr), addr.is_loopback(), "{addr}");
        }
    }
    for addr in ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"] {
        assert!(admitted(&local(), addr.parse().unwrap()), "{addr}");
    }
}
