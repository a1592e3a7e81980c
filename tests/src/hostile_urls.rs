//! The URLs that no webhook may have, in one table: every route that takes a URL is tried with all
//! of it. Source: `webhook-delivery.md`, "URL safety".
//!
//! For the local stack, which has the loopback switch on and takes `http`. What the switch admits
//! ([`LOOPBACK`]) is refused everywhere else; `shared/core`'s own tests have the strict policy.

use std::net::IpAddr;

use futures_util::stream::{self, StreamExt as _};

use crate::api::Reply;

/// How many requests are under way at a time.
const WIDTH: usize = 8;

/// Longest URL that is taken, in characters.
pub const MAX_CHARS: usize = 2_048;

/// URLs that are refused for one reason.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The reason, for people.
    pub what: &'static str,
    /// Whether the refusal says "blocked": the URL is well made and its host is not to be called.
    pub blocked: bool,
    /// The URLs.
    pub urls: &'static [&'static str],
}

/// What is refused, by reason.
pub const REFUSED: [Group; 8] = [
    Group {
        what: "no HTTP URL",
        blocked: false,
        urls: &[
            "",
            " ",
            "example.com",
            "/hook",
            "//example.com/hook",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "javascript:alert(1)",
            "data:text/plain,x",
            "ws://example.com/",
            "unix:/run/docker.sock",
            "http:example.com",
            "http:/example.com/",
            "http:///example.com/",
            "http://",
            "http://?x",
            "https://:443/",
        ],
    },
    Group {
        what: "characters that parsers repair or split at",
        blocked: false,
        urls: &[
            "https://exa mple.com/",
            "https://exam\u{0}ple.com/",
            "https://example.com/a\r\nX-Injected: 1",
            "https://example.com/\tb",
            "https://example.com\\@127.0.0.1/",
            "http:\\\\example.com/",
            " https://example.com/",
            "https://example.com/\n",
            "https://example.com/\u{a0}",
            "https://example.com/\u{2028}",
        ],
    },
    Group {
        what: "no valid host",
        blocked: false,
        urls: &[
            "http://[::1",
            "http://[::g]/",
            "http://[fe80::1%25eth0]/",
            "http://1.2.3.4.5/",
            "http://256.1.1.1/",
            "http://0x100000000/",
            "http://a..b/",
            "http://.example.com/",
            "http://example.com../",
            "http://*.example.com/",
            "http://a%00b/",
            "http://a%2fb/",
            "http://xn--/",
        ],
    },
    Group {
        what: "user information or a fragment",
        blocked: false,
        urls: &[
            "https://user@example.com/",
            "https://user:password@example.com/",
            "https://:password@example.com/",
            "https://@example.com/",
            "https://example.com@127.0.0.1/",
            "https://example.com/#fragment",
            "https://example.com/hook#",
        ],
    },
    Group {
        what: "a port that is none of the web's",
        blocked: false,
        urls: &[
            "https://example.com:8443/",
            "http://example.com:22/",
            "http://example.com:0/",
            "https://93.184.215.14:6379/",
            "http://example.com:8080/",
            "https://example.com:65536/",
            "https://example.com:99999/",
            "https://[2606:4700:4700::1111]:8443/",
        ],
    },
    Group {
        what: "an internal name",
        blocked: true,
        urls: &[
            "http://metadata.google.internal/",
            "http://metadata.google.internal./computeMetadata/v1/",
            "http://metadata.google\u{3002}internal/",
            "http://metadata.goog/",
            "http://METADATA.GOOG./",
            "http://\u{ff4d}etadata.goog/",
            "http://%6detadata.goog/",
            "http://instance-data/",
            "http://instance-data./",
            "http://instance-data.ec2.internal/latest/",
            "https://local/",
            "https://printer.local/",
            "https://a.b.c.local/",
            "https://app.localhost/",
            "http://app.localhost:8080/",
            "https://localhost.local/",
            "https://internal/",
            "https://db.internal/",
            "https://DB.InTeRnAl/",
            "https://db.internal./",
            "https://db.int\u{ad}ernal/",
            "https://lan/",
            "https://nas.lan/",
            "https://corp/",
            "https://intranet.corp/",
            "https://home/",
            "https://router.home/",
            "https://private/",
            "https://vault.private/",
        ],
    },
    Group {
        what: "an address of IPv4 that is not public, in any spelling",
        blocked: true,
        urls: &[
            "http://0.0.0.0/",
            "http://0.0.0.0:8080/",
            "http://0.1.2.3/",
            "http://0/",
            "http://0x/",
            "http://1/",
            "http://10.0.0.1/",
            "http://10.0.0.1./",
            "http://10.0.0.1:8080/",
            "http://10.255.255.255/",
            "http://10.1/",
            "http://167772161/",
            "http://0xa.1/",
            "http://0x0a000001/",
            "http://012.0.0.1/",
            "http://\u{ff11}\u{ff10}.0.0.1/",
            "http://%31%30.0.0.1/",
            "http://10\u{3002}0\u{3002}0\u{3002}1/",
            "http://100.64.0.1/",
            "http://100.127.255.255/",
            "http://169.254.0.1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://0xA9FEA9FE/",
            "http://0xa9.0xfe.0xa9.0xfe/",
            "http://2852039166/",
            "http://169.254.43518/",
            "http://169.16689662/",
            "http://0251.0376.0251.0376/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.0.0.1/",
            "http://192.0.2.1/",
            "http://192.88.99.1/",
            "http://192.168.0.1/",
            "http://192.168.255.255/",
            "http://3232235521/",
            "http://198.18.0.1/",
            "http://198.19.255.255/",
            "http://198.51.100.1/",
            "http://203.0.113.1/",
            "http://224.0.0.1/",
            "http://239.255.255.255/",
            "http://240.0.0.1/",
            "http://255.255.255.255/",
            "http://4294967295/",
        ],
    },
    Group {
        what: "an address of IPv6 that is not public, or one of IPv4 inside it",
        blocked: true,
        urls: &[
            "http://[::]/",
            "http://[::2]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:127.0.0.1]:8080/",
            "http://[::ffff:7f00:1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[::ffff:169.254.169.254]/",
            "http://[::ffff:8.8.8.8]/",
            "http://[::ffff:0:127.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[::10.0.0.1]/",
            "http://[64:ff9b::127.0.0.1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[64:ff9b::8.8.8.8]/",
            "http://[64:ff9b:1::1]/",
            "http://[100::1]/",
            "http://[2001::1]/",
            "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
            "http://[2001:1ff::1]/",
            "http://[2001:db8::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2002:a00:1::]/",
            "http://[2002:808:808::1]/",
            "http://[3fff::1]/",
            "http://[5f00::1]/",
            "http://[fc00::1]/",
            "http://[FD00:EC2::254]/",
            "http://[fdff::1]/",
            "http://[fe80::1]/",
            "http://[febf::1]/",
            "http://[fec0::1]/",
            "http://[ff02::1]/",
        ],
    },
];

/// What only the loopback switch admits.
pub const LOOPBACK: [&str; 9] = [
    "http://127.0.0.1/",
    "http://127.0.0.1:3999/hook",
    "http://127.255.255.254:1/",
    "http://127.1:8080/",
    "http://[::1]/",
    "http://[::1]:8080/hook",
    "http://localhost/",
    "http://localhost.:8080/",
    "https://localhost:8443/",
];

/// A URL of that many characters.
///
/// # Panics
/// When it would have to be shorter than its origin.
pub fn of_length(chars: usize) -> String {
    let start = "https://example.com/";
    format!("{start}{}", "x".repeat(chars - start.len()))
}

/// Sends every URL of the table, and those that are too long, through `send`, which puts it into
/// the request of one route. Each must be answered with a 400 that names `field`, says "blocked"
/// where that is the reason, and tells no address. The caller looks at what is there afterwards.
///
/// # Panics
/// When one is not refused so, after all of them were tried, naming each.
pub async fn are_all_refused(field: &str, send: impl AsyncFn(&str) -> Reply) {
    let too_long = [of_length(MAX_CHARS + 1), of_length(10_000)];
    let table = REFUSED.iter().flat_map(|group| {
        group.urls.iter().map(|url| ((*url).to_owned(), group.what, group.blocked))
    });
    let cases = table.chain(too_long.map(|url| (url, "longer than 2,048 characters", false)));
    let send = &send;
    let wrong: Vec<String> = stream::iter(cases)
        .map(|(url, what, blocked)| async move {
            let reply = send(&url).await;
            let problem = problem(&reply, field, blocked)?;
            let url: String = url.chars().take(100).collect();
            Some(format!("{url:?} ({what}) {problem}: {} {}", reply.status, reply.text()))
        })
        .buffer_unordered(WIDTH)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is wrong with a refusal.
fn problem(reply: &Reply, field: &str, blocked: bool) -> Option<&'static str> {
    let text = reply.text();
    if reply.status != 400 {
        Some("is not refused")
    } else if !reply.names(field) {
        Some("is refused for something else")
    } else if text.contains("blocked") != blocked {
        Some(if blocked { "is not said to be blocked" } else { "is said to be blocked" })
    } else if tells_an_address(&text) {
        Some("makes the refusal tell an address")
    } else {
        None
    }
}

/// Whether any part of a text is an address.
fn tells_an_address(text: &str) -> bool {
    text.split(|at: char| !at.is_ascii_hexdigit() && at != '.' && at != ':')
        .map(|part| part.trim_matches('.'))
        .filter(|part| part.contains(['.', ':']) && part.len() > 2)
        .any(|part| part.trim_end_matches(':').parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_in_a_text_is_seen() {
        for told in ["leads to 10.0.0.1.", "[::ffff:10.0.0.1] is", "at fe80::1", "10.0.0.1: no"] {
            assert!(tells_an_address(told), "{told}");
        }
        for untold in ["blocked: a public address", "{\"request_id\": \"req-0a1b-22\"}", "(#) 2.5"]
        {
            assert!(!tells_an_address(untold), "{untold}");
        }
    }

    #[test]
    fn no_url_is_in_the_table_twice_or_in_both() {
        let mut all: Vec<&str> = REFUSED.iter().flat_map(|group| group.urls).copied().collect();
        all.extend(LOOPBACK);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
