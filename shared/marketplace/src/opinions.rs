//! What users think of templates: ratings, reviews, and which reviews helped.

use aragora_core::access::Principal;
use aragora_core::ids::{ReviewId, TemplateId};
use aragora_core::marketplace::card::Card;
use aragora_core::marketplace::draft;
use aragora_core::time::Millis;
use aragora_store::marketplace::{Rated, Reaction, ReviewPage};
use serde_json::json;

use crate::desk::Desk;
use crate::error::MarketError;

impl Desk {
    /// Rates a template, in place of what the caller thought of it before; a review that is there
    /// stays. Three read units, four write units, and about six for each list it is on.
    ///
    /// # Errors
    /// When there is no such template that the caller may see, or it is their own.
    pub async fn rate(
        &self,
        caller: &Principal,
        id: &TemplateId,
        rating: u8,
        now: Millis,
    ) -> Result<(Card, Rated), MarketError> {
        self.react(caller, id, (rating, None), now).await
    }

    /// Reviews a template, in place of the caller's review and rating before.
    ///
    /// # Errors
    /// As [`Self::rate`].
    pub async fn review(
        &self,
        caller: &Principal,
        id: &TemplateId,
        review: &draft::Review,
        now: Millis,
    ) -> Result<(Card, Rated), MarketError> {
        let said = (review.title.as_str(), review.content.as_str());
        self.react(caller, id, (review.rating, Some(said)), now).await
    }

    async fn react(
        &self,
        caller: &Principal,
        id: &TemplateId,
        (rating, review): (u8, Option<(&str, &str)>),
        now: Millis,
    ) -> Result<(Card, Rated), MarketError> {
        self.judged(caller, id).await?;
        let by = (caller.org_id(), caller.user_id());
        let reaction = Reaction { id, by, rating, review, at: now };
        let missing = || MarketError::NotFound("template");
        let rated = self.store.rate(reaction).await?.ok_or_else(missing)?;
        let card = self.store.card(id).await?.ok_or_else(missing)?;
        self.counters.template_rated(rating);
        if let Err(error) = self.store.rank_by_rating(&card).await {
            // The next rating writes it.
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the place of a template could not be written");
        }
        let (average, count) = (card.tally.average(), card.tally.count());
        let more = json!({
            "rating": rating,
            "review_id": rated.review.as_ref().map(|(id, ..)| id),
            "average_rating": average,
            "rating_count": count,
        });
        self.tell("template.reviewed", &card, more, now).await;
        Ok((card, rated))
    }

    /// A template that the caller may see and judge.
    ///
    /// # Errors
    /// When there is none, or it is their own.
    pub async fn judged(&self, caller: &Principal, id: &TemplateId) -> Result<Card, MarketError> {
        let card = self.seen(caller, id).await?;
        if card.is_by(caller) {
            return Err(MarketError::Own("you cannot rate your own template"));
        }
        Ok(card)
    }

    /// Counts that the caller found a review helpful, once. Four read and four write units.
    ///
    /// # Errors
    /// When there is no such review of a template that the caller may see, or it is their own.
    pub async fn helpful(
        &self,
        caller: &Principal,
        id: &TemplateId,
        review: &ReviewId,
    ) -> Result<Rated, MarketError> {
        self.seen(caller, id).await?;
        let missing = || MarketError::NotFound("review");
        let (org, user) = self.store.reviewer(id, review).await?.ok_or_else(missing)?;
        let voter = (caller.org_id(), caller.user_id());
        if voter == (org.as_str(), user.as_str()) {
            return Err(MarketError::Own("you cannot find your own review helpful"));
        }
        self.store.help(id, review, ((&org, &user), voter)).await?;
        self.store.rated(id, (&org, &user)).await?.ok_or_else(missing)
    }

    /// Reviews of a template, the most helpful first and then the newest.
    ///
    /// # Errors
    /// When there is no such template that the caller may see.
    pub async fn reviews(
        &self,
        caller: &Principal,
        id: &TemplateId,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Card, ReviewPage), MarketError> {
        let card = self.seen(caller, id).await?;
        Ok((card, self.store.reviews(id, after, limit).await?))
    }

    /// Ratings of a template, those without a review too, by user.
    ///
    /// # Errors
    /// As [`Self::reviews`].
    pub async fn ratings(
        &self,
        caller: &Principal,
        id: &TemplateId,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Card, ReviewPage), MarketError> {
        let card = self.seen(caller, id).await?;
        Ok((card, self.store.ratings(id, after, limit).await?))
    }
}
