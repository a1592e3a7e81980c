//! Slowing down those who try credentials.

use std::fmt;

use aragora_core::guessing;
use aragora_core::time::Millis;
use aragora_store::identity::Identity;
use futures_util::join;

use crate::memory::Memory;

/// Bad credentials of one account in five minutes that are answered like any other.
const ACCOUNT_LIMIT: u64 = 10;

/// Counts bad credentials by address and account.
pub struct Bouncer {
    identity: Identity,
    address_limit: u64,
    blocked: Memory<String, Millis>,
}

impl fmt::Debug for Bouncer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Bouncer")
            .field("address_limit", &self.address_limit)
            .finish_non_exhaustive()
    }
}

impl Bouncer {
    /// Counts in the table; `address_limit` bad credentials of one address in five minutes are
    /// answered like any other.
    pub fn new(identity: Identity, address_limit: u64) -> Self {
        Self { identity, address_limit, blocked: Memory::new() }
    }

    /// Until when nothing from this address is looked at, as far as this worker has seen.
    pub fn blocked(&self, address: &str, now: Millis) -> Option<Millis> {
        self.blocked.get(&of_address(address), now)
    }

    /// Counts a bad credential; gives the time until which further ones are not looked at, if there
    /// have been too many. A write unit each for the address and the account, side by side; nothing
    /// for an account that is known to be blocked. That nobody can count stops nobody.
    pub async fn failed(
        &self,
        address: Option<&str>,
        account: Option<&str>,
        now: Millis,
    ) -> Option<Millis> {
        let (address, account) = join!(
            self.count(address.map(of_address), self.address_limit, now),
            self.count(account.map(of_account), ACCOUNT_LIMIT, now),
        );
        address.max(account)
    }

    async fn count(&self, of: Option<String>, limit: u64, now: Millis) -> Option<Millis> {
        let of = of?;
        if let Some(until) = self.blocked.get(&of, now) {
            return Some(until);
        }
        let failures = match self.identity.count_failure(&of, now).await {
            Ok(failures) => failures,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "a bad credential could not be counted");
                return None;
            }
        };
        let until = guessing::blocked_until(failures, limit, now)?;
        self.blocked.put(of, until, until, now);
        Some(until)
    }
}

fn of_address(address: &str) -> String {
    format!("address:{address}")
}

fn of_account(account: &str) -> String {
    format!("account:{account}")
}
