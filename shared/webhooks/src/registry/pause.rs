//! Switching all of an organisation's webhooks off, and on again.
//!
//! What is published while a webhook is paused makes no delivery to it. Only what was paused is
//! switched on again, and not what its user or the engine had disabled. Source: `decisions.md`
//! ("Paused").

use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::registrations::{Changed, Webhook};
use futures_util::stream::{self, StreamExt as _};

use super::{Registry, RegistryError, news};

/// Why a webhook is disabled that was paused with all the others.
pub const PAUSED: &str = "paused";
/// Webhooks read in one request.
const PAGE: i32 = 100;
/// Webhooks changed at a time.
const WIDTH: usize = 16;

#[derive(Debug, Clone, Copy)]
enum Switch {
    Off,
    On,
}

impl Registry {
    /// Disables every enabled webhook of an organisation, or of one project, and gives their
    /// number. One read unit per 4 KB of all its webhooks, one write unit per KB of those it
    /// disables. Again is safe, and finishes what broke off.
    ///
    /// # Errors
    /// When the table does not answer; some may be disabled.
    pub async fn pause_all(
        &self,
        org: &str,
        project: Option<&str>,
        now: Millis,
    ) -> Result<usize, RegistryError> {
        self.switch_all(org, project, Switch::Off, now).await
    }

    /// Enables what [`Self::pause_all`] disabled, each with a clean slate, and gives their number.
    /// Costs the same.
    ///
    /// # Errors
    /// When the table does not answer; some may be enabled.
    pub async fn resume_all(
        &self,
        org: &str,
        project: Option<&str>,
        now: Millis,
    ) -> Result<usize, RegistryError> {
        self.switch_all(org, project, Switch::On, now).await
    }

    async fn switch_all(
        &self,
        org: &str,
        project: Option<&str>,
        to: Switch,
        now: Millis,
    ) -> Result<usize, RegistryError> {
        let mut switched = Vec::new();
        let outcome = self.switch_pages(org, project, to, now, &mut switched).await;
        // Also of what was done before it broke off.
        let news: Vec<_> = switched.iter().map(|webhook| news::of_switch(webhook, now)).collect();
        self.tell(&news, now).await;
        outcome?;
        Ok(switched.len())
    }

    async fn switch_pages(
        &self,
        org: &str,
        project: Option<&str>,
        to: Switch,
        now: Millis,
        switched: &mut Vec<Webhook>,
    ) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let (page, next) = self.registrations.page(org, after.as_ref(), PAGE).await?;
            after = next;
            let wanted = page.into_iter().filter(|webhook| {
                project.is_none_or(|only| webhook.config.project == only) && to.concerns(webhook)
            });
            let switching: Vec<_> = wanted.map(|webhook| self.switch(webhook, to, now)).collect();
            let mut done = stream::iter(switching).buffer_unordered(WIDTH);
            let mut broken = None;
            while let Some(outcome) = done.next().await {
                match outcome {
                    Ok(webhook) => switched.extend(webhook),
                    Err(error) => broken = Some(error),
                }
            }
            match broken {
                Some(error) => return Err(error),
                None if after.is_some() => {}
                None => return Ok(()),
            }
        }
    }

    /// The webhook as it is now; `None` when somebody else was faster. The condition of either
    /// change is its own, so that it never undoes a user's change, nor waits for one.
    async fn switch(
        &self,
        mut webhook: Webhook,
        to: Switch,
        now: Millis,
    ) -> Result<Option<Webhook>, StoreError> {
        let (org, id) = (&webhook.org, &webhook.id);
        let changed = match to {
            Switch::Off => self.registrations.disable(org, id, PAUSED, now).await?,
            Switch::On => self.registrations.enable_again(org, id, PAUSED, now).await?,
        };
        webhook.enabled = matches!(to, Switch::On);
        webhook.disabled_reason = (!webhook.enabled).then(|| PAUSED.to_owned());
        Ok((changed == Changed::Done).then_some(webhook))
    }
}

impl Switch {
    fn concerns(self, webhook: &Webhook) -> bool {
        match self {
            Self::Off => webhook.enabled,
            Self::On => !webhook.enabled && webhook.disabled_reason.as_deref() == Some(PAUSED),
        }
    }
}
