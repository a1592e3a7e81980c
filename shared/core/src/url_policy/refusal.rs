//! Why a URL was refused.

use thiserror::Error;

/// The rule of URL safety that a URL broke.
///
/// The messages are for whoever registered the URL. They name the rule, never an address that a
/// name resolved to: that would let a caller map a private network by asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum UrlRefusal {
    /// More than [`MAX_URL_CHARS`](super::MAX_URL_CHARS) characters.
    #[error("the URL is longer than 2,048 characters")]
    TooLong,
    /// Not an absolute URL with a host.
    #[error("not an absolute URL such as https://example.com/hook")]
    NotAUrl,
    /// White space, a control character or a backslash, which URL parsers repair each in its own
    /// way.
    #[error("the URL contains white space, a control character or a backslash")]
    Characters,
    /// A scheme other than the admitted ones.
    #[error("the URL must begin with https://{}", if *https_only { "" } else { " or http://" })]
    Scheme {
        /// Whether `http` is refused too.
        https_only: bool,
    },
    /// A user name or password before the host.
    #[error("the URL must not carry a user name or password")]
    Userinfo,
    /// A `#` part.
    #[error("the URL must not have a fragment (#)")]
    Fragment,
    /// A port that is neither 80, 443 nor allow-listed.
    #[error("the URL's port is not one webhooks may use (443 and 80)")]
    Port,
    /// A host that is neither an address nor a valid name.
    #[error("the URL's host is not a valid host name or address")]
    InvalidHost,
    /// A name for local or cloud-internal use.
    #[error("blocked: the URL's host name is for local or internal use only")]
    HostName,
    /// The host is written as an address, and not a public one.
    #[error("blocked: the URL's host is not a public address")]
    Address,
    /// The host is a name with an address that is not public. For those who resolve names.
    #[error("blocked: the URL's host name does not lead to a public address")]
    ResolvedAddress,
}

impl UrlRefusal {
    /// Whether the URL leads where webhooks may not go, rather than being none that anybody could
    /// call: what is worth remembering of whoever asks for it.
    pub fn is_suspicious(self) -> bool {
        match self {
            Self::Scheme { .. }
            | Self::Userinfo
            | Self::Port
            | Self::HostName
            | Self::Address
            | Self::ResolvedAddress => true,
            Self::TooLong
            | Self::NotAUrl
            | Self::Characters
            | Self::Fragment
            | Self::InvalidHost => false,
        }
    }

    /// A stable name of the rule, for error classes and metrics.
    pub fn rule(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotAUrl => "not_a_url",
            Self::Characters => "characters",
            Self::Scheme { .. } => "scheme",
            Self::Userinfo => "userinfo",
            Self::Fragment => "fragment",
            Self::Port => "port",
            Self::InvalidHost => "invalid_host",
            Self::HostName => "host_name",
            Self::Address => "address",
            Self::ResolvedAddress => "resolved_address",
        }
    }
}
