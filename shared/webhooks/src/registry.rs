//! Registering, reading, changing and deleting webhooks: one by one here, many at once ([`bulk`]),
//! all of an organisation's ([`pause`]); other secrets for them ([`secrets`]), their circuits
//! ([`circuits`]).

pub mod bulk;
pub mod circuits;
mod news;
pub mod pause;
pub mod secrets;

use aragora_core::delivery::RetryPolicy;
use aragora_core::delivery::circuit::Circuit;
use aragora_core::ids::WebhookId;
use aragora_core::rotation::TooManySecrets;
use aragora_core::time::Millis;
use aragora_core::url_policy::UrlPolicy;
use aragora_delivery::resolve::{SystemResolver, check_target};
use aragora_delivery::vault::Vault;
use aragora_events::announce::Announcer;
use aragora_signing::keyring::SealError;
use aragora_signing::secret::{RandomUnavailable, WebhookSecret};
use aragora_store::StoreError;
use aragora_store::registrations::{Changed, Health, Registrations, Webhook, WebhookConfig};
use thiserror::Error;

use self::pause::PAUSED;
use crate::wish::{DEFAULT_PROJECT, Given, Granted, Problem, Wish};

/// How often a change is tried that others keep getting in the way of.
const CHANGE_ROUNDS: usize = 5;

/// What users do with registrations.
#[derive(Debug)]
pub struct Registry {
    /// Where they are kept.
    pub registrations: Registrations,
    /// Seals secrets.
    pub vault: Vault,
    /// Which URLs may be called.
    pub url_policy: UrlPolicy,
    /// For webhooks without a policy of their own.
    pub default_policy: RetryPolicy,
    /// Tells those who subscribe to it what users do.
    pub announcer: Announcer,
}

/// A registered webhook, and its secret for the only time it is shown.
#[derive(Debug)]
pub struct Registered {
    /// The webhook.
    pub webhook: Webhook,
    /// Its secret.
    pub secret: WebhookSecret,
}

/// Why a webhook was not registered or changed.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The wish breaks rules.
    #[error("the webhook breaks {} rules", .0.len())]
    Invalid(Vec<Problem>),
    /// There is no such webhook in the organisation.
    #[error("there is no such webhook")]
    NotFound,
    /// Others kept changing it.
    #[error("the webhook is being changed by somebody else")]
    Contended,
    /// It has as many good secrets as it may have.
    #[error("{}", secrets::too_many(.0.until))]
    TooManySecrets(TooManySecrets),
    /// The table did not answer.
    #[error("the webhook could not be stored")]
    Store(#[from] StoreError),
    /// No random bytes for a secret.
    #[error("a secret could not be generated")]
    Random(#[from] RandomUnavailable),
    /// No random bytes for sealing one.
    #[error("a secret could not be sealed")]
    Seal(#[from] SealError),
}

impl Registry {
    /// Registers a webhook. One write unit per KB, one look-up of the URL's host, and what telling
    /// it costs ([`Announcer::announce`]), as all changes do.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] names every field that breaks a rule.
    pub async fn register(
        &self,
        org: &str,
        wish: Wish,
        now: Millis,
    ) -> Result<Registered, RegistryError> {
        let made = self.make(org, wish, now).await?;
        self.registrations.put(&made.webhook).await?;
        self.tell(&[news::plain(&made.webhook, "webhook.created", now)], now).await;
        Ok(made)
    }

    /// A webhook as it would be registered.
    async fn make(&self, org: &str, wish: Wish, now: Millis) -> Result<Registered, RegistryError> {
        let mut missing = Vec::new();
        if wish.url.is_none() {
            missing.push(Problem::new("url", "is required"));
        }
        if wish.event_types.is_none() {
            missing.push(Problem::new("event_types", "is required"));
        }
        let granted = self.grant(wish, missing).await?;
        let secret = granted.secret.clone().map_or_else(WebhookSecret::generate, Ok)?;
        let id = WebhookId::mint(now);
        let blank = WebhookConfig {
            project: granted.wish.project_id.clone().unwrap_or_else(|| DEFAULT_PROJECT.to_owned()),
            url: String::new(),
            event_types: vec![],
            name: None,
            description: None,
            secret: self.vault.seal_secret(org, &id, &secret)?,
            old_secrets: vec![],
            header_names: vec![],
            headers: None,
            filters: serde_json::Map::new(),
            retry_policy: None,
            rate_limit_per_second: None,
            metadata: serde_json::Map::new(),
            created_at: now,
        };
        let mut webhook = Webhook {
            org: org.to_owned(),
            id,
            config: blank,
            enabled: true,
            disabled_reason: None,
            updated_at: now,
            rev: 1,
            health: Health::default(),
        };
        self.apply(&granted, &mut webhook)?;
        Ok(Registered { webhook, secret })
    }

    /// Changes the fields that `wish` mentions. One read unit and one write unit per KB, and one
    /// look-up of the URL's host when that changes. A wish that mentions nothing changes nothing.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] names every field that breaks a rule.
    pub async fn change(
        &self,
        org: &str,
        id: &WebhookId,
        wish: Wish,
        now: Millis,
    ) -> Result<Webhook, RegistryError> {
        // Before anything is looked up on the user's behalf: whose webhook is it?
        let mut webhook = self.get(org, id).await?;
        let granted = self.grant(Wish { project_id: None, ..wish }, vec![]).await?;
        for _ in 0..CHANGE_ROUNDS {
            let before = webhook.clone();
            self.apply(&granted, &mut webhook)?;
            if webhook == before {
                return Ok(webhook);
            }
            webhook.updated_at = now;
            // What was learned is of another endpoint, or of another time.
            let afresh =
                (webhook.enabled && !before.enabled) || webhook.config.url != before.config.url;
            if self.registrations.change(&webhook, afresh).await? == Changed::Done {
                if afresh {
                    webhook.health.circuit = Circuit::default();
                }
                self.tell(&news::of_change(&before, &webhook, now), now).await;
                return Ok(webhook);
            }
            webhook = self.get(org, id).await?;
        }
        Err(RegistryError::Contended)
    }

    /// One webhook. One read unit.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] also for another organisation's.
    pub async fn get(&self, org: &str, id: &WebhookId) -> Result<Webhook, RegistryError> {
        self.registrations.get(org, id).await?.ok_or(RegistryError::NotFound)
    }

    /// A page of an organisation's webhooks, in the order they were registered, from after
    /// `after` on, and where the list goes on. One read unit per 4 KB. A page of active ones may
    /// be shorter than asked for.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn list(
        &self,
        org: &str,
        active_only: bool,
        after: Option<&WebhookId>,
        limit: usize,
    ) -> Result<(Vec<Webhook>, Option<WebhookId>), RegistryError> {
        let wanted = i32::try_from(limit).unwrap_or(i32::MAX);
        let (mut webhooks, next) = self.registrations.page(org, after, wanted).await?;
        webhooks.retain(|webhook| webhook.enabled || !active_only);
        Ok((webhooks, next))
    }

    /// Deletes a webhook. What is queued for it is given up when its turn comes. One write unit
    /// per KB.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`] also when it was deleted already.
    pub async fn delete(
        &self,
        org: &str,
        id: &WebhookId,
        now: Millis,
    ) -> Result<(), RegistryError> {
        let webhook = self.registrations.delete(org, id).await?.ok_or(RegistryError::NotFound)?;
        self.tell(&[news::plain(&webhook, "webhook.deleted", now)], now).await;
        Ok(())
    }

    async fn grant(
        &self,
        wish: Wish,
        mut problems: Vec<Problem>,
    ) -> Result<Granted, RegistryError> {
        // Kept as it was given: the sender reads and checks it again each time.
        if let Some(url) = &wish.url
            && let Err(refusal) = check_target(&self.url_policy, &SystemResolver, url).await
        {
            problems.push(Problem::url(refusal));
        }
        match wish.check(&self.default_policy) {
            Ok(granted) if problems.is_empty() => Ok(granted),
            Ok(_) => Err(RegistryError::Invalid(problems)),
            Err(more) => Err(RegistryError::Invalid(problems.into_iter().chain(more).collect())),
        }
    }

    /// Carries a granted wish over to a webhook.
    fn apply(&self, granted: &Granted, webhook: &mut Webhook) -> Result<(), RegistryError> {
        let wish = &granted.wish;
        let config = &mut webhook.config;
        if let Some(url) = &wish.url {
            config.url.clone_from(url);
        }
        if let Some(event_types) = &wish.event_types {
            config.event_types.clone_from(event_types);
        }
        config.name = wish.name.over(config.name.take());
        config.description = wish.description.over(config.description.take());
        config.filters =
            wish.filters.over(Some(std::mem::take(&mut config.filters))).unwrap_or_default();
        config.metadata =
            wish.metadata.over(Some(std::mem::take(&mut config.metadata))).unwrap_or_default();
        config.retry_policy = granted.retry_policy.over(config.retry_policy);
        config.rate_limit_per_second =
            wish.rate_limit_per_second.over(config.rate_limit_per_second);
        match &granted.headers {
            Given::Absent => {}
            Given::Null => {
                config.header_names.clear();
                config.headers = None;
            }
            Given::Value(headers) => {
                config.header_names = headers.iter().map(|(name, _)| name.clone()).collect();
                config.headers =
                    Some(self.vault.seal_headers(&webhook.org, &webhook.id, headers)?);
            }
        }
        if let Some(secret) = &granted.secret {
            config.secret = self.vault.seal_secret(&webhook.org, &webhook.id, secret)?;
            // A secret that is set, and not rotated, is the only one from then on.
            config.old_secrets.clear();
        }
        if let Some(enabled) = wish.enabled {
            webhook.enabled = enabled;
            // Disabled on its own, a paused webhook is not for `resume_all` any more.
            webhook.disabled_reason =
                webhook.disabled_reason.take().filter(|reason| !enabled && reason != PAUSED);
        }
        Ok(())
    }
}
