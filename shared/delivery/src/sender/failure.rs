//! Why no answer came, in our own words.
//!
//! What the libraries say is read for its type and never repeated: their texts carry the URL with
//! its query, addresses and certificate names, and these messages are stored and shown.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::iter;
use std::time::Duration;

use aragora_core::url_policy::UrlRefusal;
use rustls::CertificateError;
use serde::{Deserialize, Serialize};

use crate::resolve::NameRefusal;

/// An attempt that brought no status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure; stored with the attempt.
    pub class: ErrorClass,
    /// A sentence for the webhook's owner. Contains no address, no part of the URL, no header and
    /// nothing the receiver sent.
    pub message: Cow<'static, str>,
}

/// The closed list of what can go wrong before a status is known. Written as the `snake_case`
/// name in receipts and metrics; renaming one is a change of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The target is one we do not call. Nothing was sent.
    Blocked,
    /// The URL is against the policy by now, or no client can send it. Nothing was sent.
    InvalidUrl,
    /// The host name has no address.
    Dns,
    /// No TCP connection.
    Connect,
    /// No trusted TLS session, or one that broke.
    Tls,
    /// The time was up.
    Timeout,
    /// The receiver closed the connection before it answered. It may have seen the request.
    Closed,
    /// What came back is not HTTP/1.1.
    Protocol,
    /// A fault on our side. Nothing was sent.
    Internal,
}

impl ErrorClass {
    /// The name as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::InvalidUrl => "invalid_url",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Protocol => "protocol",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Failure {
    /// Whether the URL was refused, and nothing was sent.
    pub fn is_refusal(&self) -> bool {
        matches!(self.class, ErrorClass::Blocked | ErrorClass::InvalidUrl)
    }

    fn new(class: ErrorClass, message: &'static str) -> Self {
        Self { class, message: Cow::Borrowed(message) }
    }

    /// A target we do not call; nothing more is said about it.
    fn blocked() -> Self {
        Self::new(ErrorClass::Blocked, "blocked")
    }

    /// No status within `limit`.
    pub(super) fn timed_out(limit: Duration) -> Self {
        Self {
            class: ErrorClass::Timeout,
            message: Cow::Owned(format!("no answer within {} s", limit.as_secs_f64())),
        }
    }

    /// A URL that was fine when it was registered and is against the policy now.
    pub(super) fn refused(refusal: UrlRefusal) -> Self {
        match refusal {
            UrlRefusal::HostName | UrlRefusal::Address | UrlRefusal::ResolvedAddress => {
                Self::blocked()
            }
            // The policy's messages are fixed texts about the rule.
            rule => Self { class: ErrorClass::InvalidUrl, message: Cow::Owned(rule.to_string()) },
        }
    }

    /// What an error of the client amounts to.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if let Some(refusal) = cause::<NameRefusal>(error) {
            return Self::of_name(*refusal);
        }
        if let Some(tls) = cause::<rustls::Error>(error) {
            return Self::new(ErrorClass::Tls, tls_message(tls));
        }
        if error.is_timeout() {
            return Self::new(ErrorClass::Timeout, "the connection timed out");
        }
        if error.is_dns() {
            return Self::new(ErrorClass::Dns, "the host name does not resolve");
        }
        if error.is_builder() {
            return Self::new(ErrorClass::InvalidUrl, "the URL cannot be sent");
        }
        if error.is_connect() {
            return Self::of_connecting(error);
        }
        Self::of_exchange(error)
    }

    fn of_name(refusal: NameRefusal) -> Self {
        match refusal {
            NameRefusal::Blocked => Self::blocked(),
            NameRefusal::Lookup(lookup) => {
                Self { class: ErrorClass::Dns, message: Cow::Owned(lookup.to_string()) }
            }
        }
    }

    fn of_connecting(error: &reqwest::Error) -> Self {
        // hyper-rustls wraps whatever breaks a handshake in one more io::Error; a TCP connect has
        // only the system's.
        let system = cause::<io::Error>(error);
        let in_handshake = matches!(
            system.and_then(io::Error::get_ref),
            Some(inner) if inner.is::<io::Error>()
        );
        if in_handshake {
            return Self::new(ErrorClass::Tls, "the connection broke during the TLS handshake");
        }
        let message = match system.map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => "the connection was refused",
            Some(io::ErrorKind::ConnectionReset) => "the connection was reset",
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
                "the host cannot be reached"
            }
            _ => "no connection could be made",
        };
        Self::new(ErrorClass::Connect, message)
    }

    fn of_exchange(error: &reqwest::Error) -> Self {
        let closed = cause::<hyper::Error>(error).is_some_and(|http| {
            http.is_incomplete_message() || http.is_closed() || http.is_canceled()
        }) || cause::<io::Error>(error).is_some();
        if closed {
            Self::new(ErrorClass::Closed, "the connection was closed before an answer came")
        } else {
            Self::new(ErrorClass::Protocol, "the answer is not valid HTTP/1.1")
        }
    }
}

/// The outermost `T` among an error and its causes.
///
/// An `io::Error` around another error does not name it as its source but skips to that one's
/// source, so it is opened by hand.
fn cause<T: Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let first: &(dyn Error + 'static) = error;
    iter::successors(Some(first), |&current| {
        match current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => current.source(),
        }
    })
    .find_map(|candidate| candidate.downcast_ref::<T>())
}

fn tls_message(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the certificate has expired"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the certificate is not valid yet"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the certificate is for another host"
            }
            CertificateError::UnknownIssuer => "the certificate's issuer is not trusted",
            CertificateError::Revoked => "the certificate has been revoked",
            _ => "the certificate is not valid",
        },
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => {
            "the receiver does not speak TLS"
        }
        rustls::Error::AlertReceived(_) => "the receiver refused the TLS handshake",
        rustls::Error::PeerIncompatible(_) => "the receiver's TLS version or ciphers are too old",
        _ => "the TLS handshake failed",
    }
}
