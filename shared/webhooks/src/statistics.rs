//! What a webhook's deliveries came to by day, and how an organisation's last 24 hours compare
//! with the objective.

use std::cmp::Reverse;
use std::collections::HashMap;

use aragora_core::ids::WebhookId;
use aragora_core::stats::{DayStats, Tally, UtcDay, Window};
use aragora_core::time::Millis;
use aragora_store::StoreError;
use aragora_store::receipts::Receipts;
use aragora_store::registrations::Registrations;
use thiserror::Error;

/// The most days that are kept, and can be asked for.
pub const MAX_DAYS: u32 = 30;
/// Webhooks that an organisation's last day is put together from. Each costs a read unit and what
/// its registration does; more are left out, and the answer says so.
pub const MAX_WEBHOOKS: usize = 1_000;
/// How many of those that did worst are named.
const WORST: usize = 5;
/// Webhooks in one query.
const PAGE: i32 = 500;

/// What users ask about deliveries as a whole.
#[derive(Debug, Clone)]
pub struct Statistics {
    /// Where webhooks are kept.
    pub registrations: Registrations,
    /// Where statistics are kept.
    pub receipts: Receipts,
}

/// A webhook's last days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Every day, oldest first, also those without deliveries. The last is today.
    pub days: Vec<(UtcDay, Tally)>,
    /// All of them together.
    pub total: Tally,
}

/// An organisation's last 24 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDay {
    /// All its webhooks together.
    pub window: Window,
    /// How many webhooks that is.
    pub webhooks: usize,
    /// Whether that is all of them.
    pub complete: bool,
    /// Those that gave up or failed most, worst first.
    pub worst: Vec<(WebhookId, Window)>,
}

/// Why there are no statistics.
#[derive(Debug, Error)]
pub enum StatisticsError {
    /// There is no such webhook in the organisation.
    #[error("there is no such webhook")]
    NoWebhook,
    /// The table did not answer.
    #[error("the statistics did not answer")]
    Store(#[from] StoreError),
}

impl Statistics {
    /// A webhook's last `days` (1 to [`MAX_DAYS`]), today included. One read unit and half of one
    /// for every four days.
    ///
    /// # Errors
    /// [`StatisticsError::NoWebhook`] also for another organisation's.
    pub async fn of_webhook(
        &self,
        org: &str,
        webhook: &WebhookId,
        days: u32,
        now: Millis,
    ) -> Result<Period, StatisticsError> {
        if self.registrations.get(org, webhook).await?.is_none() {
            return Err(StatisticsError::NoWebhook);
        }
        let today = UtcDay::of(now);
        let first = today.plus(1 - i64::from(days));
        let stored = self.receipts.days(org, webhook, first, today).await?;
        let mut by_day: HashMap<UtcDay, Tally> =
            stored.into_iter().map(|stored| (stored.day, stored.stats.total())).collect();
        let mut period = Period { days: vec![], total: Tally::default() };
        for day in (0..i64::from(days)).map(|after| first.plus(after)) {
            let tally = by_day.remove(&day).unwrap_or_default();
            period.total.merge(&tally);
            period.days.push((day, tally));
        }
        Ok(period)
    }

    /// An organisation's last 24 hours. One read unit for each webhook, and one for every 4 KB of
    /// registrations. Deleted webhooks are not in it.
    pub async fn last_day(&self, org: &str, now: Millis) -> Result<LastDay, StatisticsError> {
        let (webhooks, complete) = self.webhooks(org).await?;
        let today = UtcDay::of(now);
        let wanted: Vec<_> = webhooks
            .iter()
            .flat_map(|id| [(id.clone(), today), (id.clone(), today.plus(-1))])
            .collect();
        let mut of_today: HashMap<WebhookId, DayStats> = HashMap::new();
        let mut of_yesterday: HashMap<WebhookId, DayStats> = HashMap::new();
        for stored in self.receipts.days_of_many(org, &wanted).await? {
            let days = if stored.day == today { &mut of_today } else { &mut of_yesterday };
            days.insert(stored.webhook_id, stored.stats);
        }
        let none = DayStats::default();
        let (mut today, mut yesterday) = (DayStats::default(), DayStats::default());
        let mut worst = Vec::new();
        for id in &webhooks {
            let its_today = of_today.get(id).unwrap_or(&none);
            let its_yesterday = of_yesterday.get(id).unwrap_or(&none);
            today.merge(its_today);
            yesterday.merge(its_yesterday);
            let window = Window::of(its_today, its_yesterday, now);
            if window.counts.dead_lettered > 0 || window.counts.failed_attempts > 0 {
                worst.push((id.clone(), window));
            }
        }
        worst.sort_by_key(|(_, window)| {
            Reverse((window.counts.dead_lettered, window.counts.failed_attempts))
        });
        worst.truncate(WORST);
        let window = Window::of(&today, &yesterday, now);
        Ok(LastDay { window, webhooks: webhooks.len(), complete, worst })
    }

    /// The first [`MAX_WEBHOOKS`] of an organisation, and whether there are no more.
    async fn webhooks(&self, org: &str) -> Result<(Vec<WebhookId>, bool), StoreError> {
        let (mut ids, mut after) = (Vec::new(), None);
        loop {
            let (page, next) = self.registrations.page(org, after.as_ref(), PAGE).await?;
            ids.extend(page.into_iter().map(|webhook| webhook.id));
            after = next;
            if after.is_none() || ids.len() >= MAX_WEBHOOKS {
                let complete = after.is_none() && ids.len() <= MAX_WEBHOOKS;
                ids.truncate(MAX_WEBHOOKS);
                return Ok((ids, complete));
            }
        }
    }
}
