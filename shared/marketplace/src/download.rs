//! Templates as they are used: downloaded, each download counted once.

use aragora_core::access::Principal;
use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::Card;
use aragora_core::marketplace::rank::steps_of;
use aragora_core::marketplace::trend::Period;
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::marketplace::{Data, Download, Issue};
use serde_json::json;

use crate::desk::Desk;
use crate::error::MarketError;

/// Stale buckets that are worth a write to be rid of.
const MOST_STALE: usize = 24;

/// What was downloaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Downloaded {
    /// The template, this download counted.
    pub card: Card,
    /// The version.
    pub issue: Issue,
    /// Its data.
    pub data: Data,
}

impl Desk {
    /// Hands out a version of a template, the newest unless `version` says which, and counts it.
    /// What was unpublished is still handed out to whoever downloaded that very version before; it
    /// is not counted any more. About four read units and 4 KB, six write units, and up to three
    /// for each list when its place changes.
    ///
    /// # Errors
    /// When there is no such template or version that the caller may see.
    pub async fn download(
        &self,
        caller: &Principal,
        id: &TemplateId,
        version: Option<&str>,
        now: Millis,
    ) -> Result<Downloaded, MarketError> {
        let card = self.store.card(id).await?.ok_or(MarketError::NotFound("template"))?;
        let by = (caller.org_id(), caller.user_id());
        if !card.live {
            return self.pinned(card, by, version).await;
        }
        if !card.is_seen_by(caller) {
            return Err(MarketError::NotFound("template"));
        }
        let wanted = version.unwrap_or(&card.listing.version);
        let (issue, data) = self.version(&card, wanted).await?;
        let download = Download { id, by, version: &issue.version, at: now };
        if !self.store.count_download(download).await? {
            // Unpublished since it was read.
            return self.pinned(card, by, version).await;
        }
        let card = self.store.card(id).await?.unwrap_or(card);
        self.counters.template_downloaded(card.listing.visibility.as_str());
        if let Err(error) = self.rank(&card, now).await {
            // The next download writes it.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the place of a template could not be written");
        }
        let more = json!({"version": issue.version, "downloads": card.downloads});
        self.tell("template.downloaded", &card, more, now).await;
        Ok(Downloaded { card, issue, data })
    }

    async fn pinned(
        &self,
        card: Card,
        by: (&str, &str),
        version: Option<&str>,
    ) -> Result<Downloaded, MarketError> {
        let missing = || MarketError::NotFound("template");
        let version = version.ok_or_else(missing)?;
        let known = self.store.downloaded(&card.id, by).await?;
        if !known.iter().any(|it| it == version) {
            return Err(missing());
        }
        let (issue, data) = self.version(&card, version).await?;
        Ok(Downloaded { card, issue, data })
    }

    /// Writes the places that a download changed.
    async fn rank(&self, card: &Card, now: Millis) -> Result<(), StoreError> {
        if steps_of(card.downloads) > steps_of(card.ranked) {
            self.store.rank_by_downloads(card).await?;
        }
        let Some(scope) = card.listing.scope() else { return Ok(()) };
        let recent = self.store.recent_downloads(&card.id).await?;
        for period in Period::ALL {
            if let Some(rank) = recent.rank(*period, now) {
                self.store.rank_trend(&scope, *period, &card.id, rank, now).await?;
            }
        }
        let stale = recent.stale(now);
        if stale.0.len() + stale.1.len() > MOST_STALE {
            self.store.forget_downloads(&card.id, &stale).await?;
        }
        Ok(())
    }
}
