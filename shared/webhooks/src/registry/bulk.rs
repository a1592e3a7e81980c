//! Registering many webhooks at once.

use aragora_core::time::Millis;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};

use super::{Registered, Registry, RegistryError, news};
use crate::wish::Wish;

/// The most webhooks in one request.
pub const MAX_BULK: usize = 100;
/// Webhooks written at a time.
const WIDTH: usize = 16;

impl Registry {
    /// Registers webhooks, each by itself: what is wrong with one does not stop the others. Gives
    /// an outcome for each, in order. One write unit per KB of each; the hosts of all URLs are
    /// looked up side by side, so that names that do not answer cost their time once.
    pub async fn register_many(
        &self,
        org: &str,
        wishes: Vec<Wish>,
        now: Millis,
    ) -> Vec<Result<Registered, RegistryError>> {
        let made = join_all(wishes.into_iter().map(|wish| self.make(org, wish, now))).await;
        let storing: Vec<_> = made.into_iter().map(|made| self.store(made)).collect();
        let outcomes: Vec<_> = stream::iter(storing).buffered(WIDTH).collect().await;
        let created = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok());
        let news: Vec<_> =
            created.map(|it| news::plain(&it.webhook, "webhook.created", now)).collect();
        self.tell(&news, now).await;
        outcomes
    }

    async fn store(
        &self,
        made: Result<Registered, RegistryError>,
    ) -> Result<Registered, RegistryError> {
        let made = made?;
        self.registrations.put(&made.webhook).await?;
        Ok(made)
    }
}
