//! Addresses that are refused: everything that is not publicly routable unicast, and every way of
//! writing an IPv4 address inside an IPv6 one.
//!
//! Source: the IANA special-purpose registries (RFC 6890), as listed in
//! `spec/webhook-delivery.md`. No embedded address is unpacked and judged by itself: mapped,
//! compatible, 6to4, NAT64 and Teredo spellings have no business in a webhook's URL, so that their
//! whole ranges are refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
}

const REFUSED_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 0, 8),       // this network (RFC 791)
    v4(10, 0, 0, 0, 8),      // private (RFC 1918)
    v4(100, 64, 0, 0, 10),   // carrier-grade NAT (RFC 6598)
    v4(127, 0, 0, 0, 8),     // loopback (RFC 1122)
    v4(169, 254, 0, 0, 16),  // link-local, cloud metadata (RFC 3927)
    v4(172, 16, 0, 0, 12),   // private (RFC 1918)
    v4(192, 0, 0, 0, 24),    // protocol assignments (RFC 6890)
    v4(192, 0, 2, 0, 24),    // documentation (RFC 5737)
    v4(192, 88, 99, 0, 24),  // 6to4 relay anycast (RFC 7526)
    v4(192, 168, 0, 0, 16),  // private (RFC 1918)
    v4(198, 18, 0, 0, 15),   // benchmarking (RFC 2544)
    v4(198, 51, 100, 0, 24), // documentation (RFC 5737)
    v4(203, 0, 113, 0, 24),  // documentation (RFC 5737)
    v4(224, 0, 0, 0, 4),     // multicast (RFC 5771)
    v4(240, 0, 0, 0, 4),     // reserved, broadcast (RFC 1112, RFC 919)
];

const REFUSED_V6: [Ipv6Net; 13] = [
    v6(0, 0, 0, 8),           // unspecified, loopback, v4-compatible, v4-mapped (RFC 4291)
    v6(0x64, 0xff9b, 0, 96),  // NAT64 (RFC 6052)
    v6(0x64, 0xff9b, 1, 48),  // local-use NAT64 (RFC 8215)
    v6(0x100, 0, 0, 64),      // discard-only (RFC 6666)
    v6(0x2001, 0, 0, 23),     // protocol assignments, Teredo, ORCHID (RFC 2928, RFC 4380)
    v6(0x2001, 0xdb8, 0, 32), // documentation (RFC 3849)
    v6(0x2002, 0, 0, 16),     // 6to4 (RFC 3056)
    v6(0x3fff, 0, 0, 20),     // documentation (RFC 9637)
    v6(0x5f00, 0, 0, 16),     // segment routing identifiers (RFC 9602)
    v6(0xfc00, 0, 0, 7),      // unique local (RFC 4193)
    v6(0xfe80, 0, 0, 10),     // link-local (RFC 4291)
    v6(0xfec0, 0, 0, 10),     // site-local, deprecated (RFC 3879)
    v6(0xff00, 0, 0, 8),      // multicast (RFC 4291)
];

/// Whether the address is refused to everyone, the loopback switch apart.
pub(super) fn is_refused(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => REFUSED_V4.iter().any(|net| net.contains(&addr)),
        IpAddr::V6(addr) => REFUSED_V6.iter().any(|net| net.contains(&addr)),
    }
}

/// Whether the address is `127.0.0.0/8` or `::1`, and not another spelling of one of them.
pub(super) fn is_loopback(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => addr.is_loopback(),
        IpAddr::V6(addr) => addr.is_loopback(),
    }
}
