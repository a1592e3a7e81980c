//! Which URLs webhooks may reach: one rule for create, update, test and delivery.
//!
//! Source: `spec/webhook-delivery.md`, "URL safety", and the ruling on the loopback switch in
//! `spec/decisions.md`. Pure: names are judged as names here, and the addresses they resolve to by
//! [`UrlPolicy::admits`], which the sender asks about each address before it connects to it.
//!
//! A URL is read by the WHATWG rules (`url` crate), so that `https://0x7f.1/`, `https://2130706433/`
//! or a host in full-width letters is judged as what a client would make of it. What those rules
//! repair silently (missing slashes, tabs, backslashes) is refused: nobody writes it by intent.

mod addresses;
mod names;
mod refusal;

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;

use url::{Host, ParseError, Url};

pub use refusal::UrlRefusal;

/// Longest URL in characters, as written and as normalised (IDNA, percent encoding).
pub const MAX_URL_CHARS: usize = 2_048;

/// Ports every deployment admits.
const OPEN_PORTS: [u16; 2] = [80, 443];

/// The switches of URL safety; the rules themselves are fixed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPolicy {
    /// `WEBHOOK_REQUIRE_HTTPS`: refuse `http`.
    pub require_https: bool,
    /// `ARAGORA_SSRF_ALLOW_LOCALHOST`: admit `127.0.0.0/8`, `::1` and `localhost`, on any port.
    pub allow_loopback: bool,
    /// Ports admitted besides 80 and 443.
    pub extra_ports: Vec<u16>,
}

impl Default for UrlPolicy {
    /// The strictest policy: `https` only, no loopback, ports 80 and 443.
    fn default() -> Self {
        Self { require_https: true, allow_loopback: false, extra_ports: Vec::new() }
    }
}

impl UrlPolicy {
    /// Judges a URL as a client wrote it, and normalises it.
    ///
    /// A host name is not resolved: whoever connects asks [`Self::admits`] about each address.
    /// Checking a [`CheckedUrl`]'s text again gives the same text.
    pub fn check(&self, raw: &str) -> Result<CheckedUrl, UrlRefusal> {
        self.check_text(raw)?;
        let mut url = Url::parse(raw).map_err(refusal_of)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::Userinfo);
        }
        let (host, is_loopback) = self.check_host(&mut url)?;
        let port = url.port_or_known_default().ok_or(UrlRefusal::Port)?;
        let open = OPEN_PORTS.contains(&port) || self.extra_ports.contains(&port);
        if !open && !is_loopback {
            return Err(UrlRefusal::Port);
        }
        if url.as_str().chars().count() > MAX_URL_CHARS {
            return Err(UrlRefusal::TooLong);
        }
        Ok(CheckedUrl { url, host, port })
    }

    /// Whether a connection may go to `addr`.
    ///
    /// A name is refused when *any* of its addresses is; connect to the very address that was
    /// admitted, with no second look-up.
    pub fn admits(&self, addr: IpAddr) -> bool {
        (self.allow_loopback && addresses::is_loopback(addr)) || !addresses::is_refused(addr)
    }

    /// The rules that are about the text, before the lenient parser has repaired it.
    fn check_text(&self, raw: &str) -> Result<(), UrlRefusal> {
        // Bytes first: they bound the work of counting characters.
        if raw.len() > MAX_URL_CHARS && raw.chars().count() > MAX_URL_CHARS {
            return Err(UrlRefusal::TooLong);
        }
        if raw.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(UrlRefusal::Characters);
        }
        let (scheme, rest) = raw.split_once(':').ok_or(UrlRefusal::NotAUrl)?;
        let admitted = scheme.eq_ignore_ascii_case("https")
            || (!self.require_https && scheme.eq_ignore_ascii_case("http"));
        if !admitted {
            return Err(UrlRefusal::Scheme { https_only: self.require_https });
        }
        let rest = rest.strip_prefix("//").ok_or(UrlRefusal::NotAUrl)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(UrlRefusal::NotAUrl);
        }
        // `https://@host/` too, whose empty user name the parser drops.
        if authority.contains('@') {
            return Err(UrlRefusal::Userinfo);
        }
        if rest.contains('#') {
            return Err(UrlRefusal::Fragment);
        }
        Ok(())
    }

    /// Judges the host, drops a trailing dot, and says whether it is admitted loopback.
    fn check_host(&self, url: &mut Url) -> Result<(CheckedHost, bool), UrlRefusal> {
        let addr = match url.host() {
            Some(Host::Ipv4(addr)) => IpAddr::V4(addr),
            Some(Host::Ipv6(addr)) => IpAddr::V6(addr),
            Some(Host::Domain(domain)) => {
                let name = domain.strip_suffix('.').unwrap_or(domain).to_owned();
                if name.len() < domain.len() {
                    url.set_host(Some(&name)).map_err(refusal_of)?;
                }
                let is_loopback = self.allow_loopback && name == names::LOCALHOST;
                if !is_loopback {
                    names::check(&name)?;
                }
                return Ok((CheckedHost::Name(name), is_loopback));
            }
            None => return Err(UrlRefusal::NotAUrl),
        };
        if !self.admits(addr) {
            return Err(UrlRefusal::Address);
        }
        Ok((CheckedHost::Address(addr), self.allow_loopback && addresses::is_loopback(addr)))
    }
}

/// The rule that text broke which the URL parser would not take.
fn refusal_of(error: ParseError) -> UrlRefusal {
    match error {
        ParseError::InvalidPort => UrlRefusal::Port,
        ParseError::EmptyHost
        | ParseError::IdnaError
        | ParseError::InvalidIpv4Address
        | ParseError::InvalidIpv6Address
        | ParseError::InvalidDomainCharacter => UrlRefusal::InvalidHost,
        _ => UrlRefusal::NotAUrl,
    }
}

/// The host of a URL that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum CheckedHost {
    /// To be resolved, and each address judged.
    Name(String),
    /// Judged already.
    Address(IpAddr),
}

/// A URL that [`UrlPolicy::check`] let pass, normalised.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedUrl {
    url: Url,
    host: CheckedHost,
    port: u16,
}

impl CheckedUrl {
    /// The normalised URL: lower-case ASCII host without trailing dot, escaped path and query.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// The normalised URL, parsed.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The host name, in lower-case ASCII without trailing dot, whose addresses are still to be
    /// judged by [`UrlPolicy::admits`]. `None` when the host is an address, which has been.
    pub fn host_name(&self) -> Option<&str> {
        match &self.host {
            CheckedHost::Name(name) => Some(name),
            CheckedHost::Address(_) => None,
        }
    }

    /// The address, when the host is one.
    pub fn address(&self) -> Option<IpAddr> {
        match self.host {
            CheckedHost::Name(_) => None,
            CheckedHost::Address(addr) => Some(addr),
        }
    }

    /// The port to connect to, the scheme's own when none was written.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Path and query stay out: receivers put credentials there.
impl fmt::Debug for CheckedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedUrl")
            .field("scheme", &self.url.scheme())
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}
