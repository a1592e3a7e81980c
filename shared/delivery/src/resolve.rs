//! Names to addresses, and whether those addresses may be called.
//!
//! Two callers: [`check_target`], when a webhook is registered or changed, and the sender's
//! connector, at every new connection. Both go through [`admitted_addresses`], so a target that
//! is refused in one place is refused in the other. Source of the rule: "URL safety" in
//! `webhook-delivery.md`.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aragora_core::url_policy::{CheckedUrl, UrlPolicy, UrlRefusal};
use tokio::time::timeout;

/// Longest wait for one name, whatever the resolver. A name that needs longer counts as one that
/// does not resolve: `getaddrinfo` by itself would try for up to 5 s per name server and search
/// domain, on the receiver's account.
pub const LOOKUP_LIMIT: Duration = Duration::from_secs(2);

/// Looks names up. The production one is [`SystemResolver`]; a test hands in its own.
pub trait Resolver: Send + Sync + 'static {
    /// Every address of `host`, a name without brackets or port.
    ///
    /// No caching is expected and none is relied upon: an answer is used for exactly the
    /// connection (or the check) it was asked for.
    ///
    /// # Errors
    ///
    /// [`LookupError`] when no address can be had. An empty list means the same.
    fn lookup(&self, host: &str) -> impl Future<Output = Result<Vec<IpAddr>, LookupError>> + Send;
}

impl<R: Resolver> Resolver for Arc<R> {
    fn lookup(&self, host: &str) -> impl Future<Output = Result<Vec<IpAddr>, LookupError>> + Send {
        R::lookup(self, host)
    }
}

/// The operating system's resolver (`getaddrinfo`, on tokio's blocking threads).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    async fn lookup(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        // The port is not part of the question; the caller's URL has it.
        let found = tokio::net::lookup_host((host, 0))
            .await
            .map_err(|_not_told_apart| LookupError::NotFound)?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Why a name has no address. Both may heal, so neither refuses a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No such name, no address, or no name server: `getaddrinfo` does not tell them apart
    /// portably.
    #[error("the host name does not resolve")]
    NotFound,
    /// No answer within [`LOOKUP_LIMIT`].
    #[error("the host name did not resolve within 2 seconds")]
    TimedOut,
}

/// Why a name was not connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameRefusal {
    /// One of its addresses is refused; which one is nobody's business.
    #[error("blocked")]
    Blocked,
    /// It has no address.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

/// The addresses of `host`, by one look-up, if every single one of them may be called.
///
/// All or nothing: a name with one public and one private address is how a filter that merely
/// skips the private ones gets walked around by retrying.
pub(crate) async fn admitted_addresses<R: Resolver>(
    policy: &UrlPolicy,
    resolver: &R,
    host: &str,
) -> Result<Vec<IpAddr>, NameRefusal> {
    let addresses = timeout(LOOKUP_LIMIT, resolver.lookup(host))
        .await
        .map_err(|_elapsed| LookupError::TimedOut)??;
    if addresses.is_empty() {
        return Err(LookupError::NotFound.into());
    }
    if addresses.iter().all(|address| policy.admits(*address)) {
        Ok(addresses)
    } else {
        Err(NameRefusal::Blocked)
    }
}

/// A target that may be registered.
#[derive(Debug, Clone)]
pub struct Target {
    /// The URL in its canonical spelling; this is what to store.
    pub url: CheckedUrl,
    /// What is known about its host today.
    pub host: HostState,
}

/// What a registration-time check learnt about a host. Never an address: the delivery looks the
/// name up again, and only that answer counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostState {
    /// A literal address, admitted by the policy.
    Address,
    /// A name, all of whose addresses are admitted at the moment.
    Resolves,
    /// A name without an address at the moment. Accepted (its DNS may not be set up yet);
    /// deliveries fail with class `dns` until it has one.
    Unresolved,
}

/// Checks a URL somebody wants to receive deliveries at: the policy first, then, for a name, all
/// of its addresses. Takes at most [`LOOKUP_LIMIT`].
///
/// It is a courtesy to the caller, not the protection: names can change after it, and the sender
/// checks every connection it makes.
///
/// # Errors
///
/// [`UrlRefusal`] when the URL or any address of its host is against the policy; the latter as
/// [`UrlRefusal::ResolvedAddress`], which does not say which address. A name that does not resolve
/// is not an error, see [`HostState::Unresolved`].
pub async fn check_target<R: Resolver>(
    policy: &UrlPolicy,
    resolver: &R,
    raw_url: &str,
) -> Result<Target, UrlRefusal> {
    let url = policy.check(raw_url)?;
    let host = match url.host_name() {
        None => HostState::Address,
        Some(name) => match admitted_addresses(policy, resolver, name).await {
            Ok(_addresses) => HostState::Resolves,
            Err(NameRefusal::Lookup(_)) => HostState::Unresolved,
            Err(NameRefusal::Blocked) => return Err(UrlRefusal::ResolvedAddress),
        },
    };
    Ok(Target { url, host })
}
