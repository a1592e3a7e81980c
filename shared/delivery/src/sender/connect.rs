//! The connector's name look-up: the one that decides where a packet goes.
//!
//! reqwest asks once per new connection and connects to the answer, so what is checked here is
//! what is called; there is no second look-up in which a name could change. Hosts that are
//! literal addresses never come here: [`UrlPolicy::check`] has admitted or refused them before.

use std::net::SocketAddr;
use std::sync::Arc;

use aragora_core::url_policy::UrlPolicy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::resolve::{Resolver, admitted_addresses};

/// A [`Resolver`] whose answers have passed the policy, in the shape reqwest takes.
pub(super) struct CheckedLookup<R> {
    pub(super) policy: Arc<UrlPolicy>,
    pub(super) resolver: Arc<R>,
}

impl<R: Resolver> Resolve for CheckedLookup<R> {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = Arc::clone(&self.policy);
        let resolver = Arc::clone(&self.resolver);
        Box::pin(async move {
            let addresses = admitted_addresses(&policy, &*resolver, name.as_str()).await?;
            // Port 0: the connector fills in the URL's.
            let endpoints: Addrs =
                Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(endpoints)
        })
    }
}
