//! Giving a webhook another secret, with a time in which the old one is good as well.

use aragora_core::ids::WebhookId;
use aragora_core::rotation::{self, MAX_GRACE_SECONDS, MAX_LIVE};
use aragora_core::time::Millis;
use aragora_signing::secret::WebhookSecret;
use aragora_store::registrations::{Changed, Webhook};

use super::{CHANGE_ROUNDS, Registry, RegistryError, news};
use crate::wish::Problem;

/// What a rotation is asked to do.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// Seconds that the secret it replaces stays good: 0 to 604,800. With 0 every earlier one ends
    /// at once.
    pub grace_seconds: u32,
    /// A secret of the user's own; one is generated when there is none.
    pub secret: Option<String>,
}

/// A webhook with its new secret, for the only time that it is shown.
#[derive(Debug)]
pub struct Rotated {
    /// The webhook.
    pub webhook: Webhook,
    /// Its new secret.
    pub secret: WebhookSecret,
    /// Until when the one before is good; `None` when it is not any more.
    pub old_valid_until: Option<Millis>,
}

impl Registry {
    /// Gives a webhook another secret and changes nothing else. One read unit and one write unit
    /// per KB. Rotating twice makes two secrets.
    ///
    /// # Errors
    /// [`RegistryError::Invalid`] for a grace or a secret that breaks a rule, and
    /// [`RegistryError::TooManySecrets`] when ten are good already.
    pub async fn rotate(
        &self,
        org: &str,
        id: &WebhookId,
        rotation: &Rotation,
        now: Millis,
    ) -> Result<Rotated, RegistryError> {
        let mut webhook = self.get(org, id).await?;
        let secret = wanted(rotation)?.map_or_else(WebhookSecret::generate, Ok)?;
        let sealed = self.vault.seal_secret(org, id, &secret)?;
        for _ in 0..CHANGE_ROUNDS {
            let before = webhook.clone();
            let config = &mut webhook.config;
            let current = std::mem::replace(&mut config.secret, sealed.clone());
            config.old_secrets =
                rotation::rotated(current, &config.old_secrets, rotation.grace_seconds, now)
                    .map_err(RegistryError::TooManySecrets)?;
            webhook.updated_at = now;
            let changed = self.registrations.change(&webhook, false).await?;
            if changed == Changed::Outdated {
                webhook = self.get(org, id).await?;
            }
            // No two envelopes are alike. When ours is there, it was stored, and the store was
            // asked a second time because its answer was lost.
            if webhook.config.secret == sealed {
                self.tell(&news::of_change(&before, &webhook, now), now).await;
                let old_valid_until = webhook.config.old_secrets.first().map(|it| it.valid_until);
                return Ok(Rotated { webhook, secret, old_valid_until });
            }
        }
        Err(RegistryError::Contended)
    }
}

fn wanted(rotation: &Rotation) -> Result<Option<WebhookSecret>, RegistryError> {
    let mut problems = Vec::new();
    if rotation.grace_seconds > MAX_GRACE_SECONDS {
        let message = format!("must be from 0 to {MAX_GRACE_SECONDS}");
        problems.push(Problem::new("grace_period_seconds", message));
    }
    let secret = rotation.secret.as_deref().map(WebhookSecret::parse).transpose();
    if let Err(error) = &secret {
        problems.push(Problem::new("secret", error.to_string()));
    }
    secret.ok().filter(|_| problems.is_empty()).ok_or(RegistryError::Invalid(problems))
}

/// What a user is told who wants an eleventh secret.
pub(super) fn too_many(until: Millis) -> String {
    format!(
        "the webhook has {MAX_LIVE} live secrets; the first of them ends at {}: wait, or rotate \
         with grace_period_seconds 0, which ends all of them",
        until.rfc3339()
    )
}
