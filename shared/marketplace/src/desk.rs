//! Templates as their authors see them: published, changed, given new versions, unpublished.

use std::collections::BTreeMap;
use std::sync::Arc;

use aragora_core::access::Principal;
use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::{Card, Listing, Visibility, summary};
use aragora_core::marketplace::draft::{Change, Draft, Release, Wish};
use aragora_core::marketplace::fold::look;
use aragora_core::marketplace::rating::Tally;
use aragora_core::marketplace::version::Version;
use aragora_core::marketplace::{Problem, words};
use aragora_core::metrics::Counters;
use aragora_core::time::Millis;
use aragora_events::announce::Announcer;
use aragora_store::StoreError;
use aragora_store::marketplace::{About, Data, Edit, Issue, Marketplace, NewIssue, Stored};
use serde_json::json;

use crate::error::MarketError;

/// How often a change begins anew because somebody was faster.
const ROUNDS: usize = 8;

/// Where templates are looked after.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Where they are kept.
    pub store: Marketplace,
    /// Tells what happens to them.
    pub announcer: Announcer,
    /// Counts it.
    pub counters: Arc<Counters>,
}

/// A template with everything that is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Whole {
    /// What lists show, and what is counted.
    pub card: Card,
    /// Its description and documentation.
    pub about: About,
    /// Its newest version.
    pub issue: Issue,
    /// Its data, in that version.
    pub data: Data,
}

/// What is to be changed of a template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// The fields.
    pub wish: Wish,
    /// Whether it is deprecated, and what is said about that.
    pub deprecated: Option<Option<String>>,
}

impl Desk {
    /// Publishes a template of `caller`'s; what names no visibility gets the one given. Two read
    /// and about a hundred write units: see `docs/DATA.md`.
    ///
    /// # Errors
    /// When it breaks rules, or the caller has another of that name.
    pub async fn publish(
        &self,
        caller: &Principal,
        wish: Wish,
        visibility: Visibility,
        now: Millis,
    ) -> Result<Whole, MarketError> {
        let draft = wish.draft(visibility)?;
        let look = look(&draft.name);
        let (card, whole_words) = drafted(caller, &draft, now);
        // The transaction asks again; this spares it its rows.
        if self.store.named(&card.listing, &look).await?.is_some() {
            return Err(MarketError::NameTaken);
        }
        let about = About { description: draft.description, documentation: draft.documentation };
        let issue = issued(&draft.release, now);
        let new = NewIssue {
            issue: &issue,
            place: &draft.release.version.sort_key(),
            data: &draft.release.data,
        };
        self.store.put_words(&card, &whole_words).await?;
        match self.store.publish(&card, &about, &look, new).await? {
            Stored::Done => {}
            Stored::NameTaken | Stored::VersionTaken | Stored::Outdated => {
                let gone = Card { live: false, ..card.clone() };
                self.store.delete_words((&card, &whole_words), (&gone, &BTreeMap::new())).await?;
                return Err(MarketError::NameTaken);
            }
        }
        self.counters.template_published(card.listing.visibility.as_str());
        self.tell("template.published", &card, json!({}), now).await;
        Ok(Whole { card, about, issue, data: draft.release.data })
    }

    /// A template that `caller` may see. One read unit, mostly.
    ///
    /// # Errors
    /// When there is none.
    pub async fn seen(&self, caller: &Principal, id: &TemplateId) -> Result<Card, MarketError> {
        let card = self.store.card(id).await?;
        card.filter(|card| card.is_seen_by(caller)).ok_or(MarketError::NotFound("template"))
    }

    /// All of a template. One read unit per 4 KB of its four items.
    ///
    /// # Errors
    /// When there is none that the caller may see.
    pub async fn whole(&self, caller: &Principal, id: &TemplateId) -> Result<Whole, MarketError> {
        let card = self.seen(caller, id).await?;
        let about = self.store.about(id).await?;
        let (issue, data) = self.version(&card, &card.listing.version.clone()).await?;
        Ok(Whole { card, about, issue, data })
    }

    /// A version of a template, by its number as it was published.
    pub(crate) async fn version(
        &self,
        card: &Card,
        version: &str,
    ) -> Result<(Issue, Data), MarketError> {
        let place = Version::parse(version).map(|version| version.sort_key());
        let place = place.ok_or(MarketError::NotFound("version"))?;
        let issue = self.store.issue(&card.id, &place).await?;
        // Two numbers may differ by their build only; the first of them is the one that is there.
        let issue = issue.filter(|issue| issue.version == version);
        let data = self.store.data(&card.id, &place).await?;
        issue.zip(data).ok_or(MarketError::NotFound("version"))
    }

    /// A version of a template that the caller may see.
    ///
    /// # Errors
    /// When there is none.
    pub async fn one_version(
        &self,
        caller: &Principal,
        id: &TemplateId,
        version: &str,
    ) -> Result<(Card, Issue, Data), MarketError> {
        let card = self.seen(caller, id).await?;
        let (issue, data) = self.version(&card, version).await?;
        Ok((card, issue, data))
    }

    /// Versions of a template, newest first, up to `limit` of those before the version `before`,
    /// and whether more may follow. One read unit per 4 KB of what is said of them.
    ///
    /// # Errors
    /// When there is no template that the caller may see.
    pub async fn versions(
        &self,
        caller: &Principal,
        id: &TemplateId,
        before: Option<&Version>,
        limit: i32,
    ) -> Result<(Card, Vec<Issue>, bool), MarketError> {
        let card = self.seen(caller, id).await?;
        let place = before.map(Version::sort_key);
        let (issues, more) = self.store.issues(id, place.as_deref(), limit).await?;
        Ok((card, issues, more))
    }

    /// Changes what is said of a template. Reads two items and writes what changes; begins anew
    /// when somebody else changed it in between.
    ///
    /// # Errors
    /// When it breaks rules, is not the caller's, or takes a name that the author uses already.
    pub async fn change(
        &self,
        caller: &Principal,
        id: &TemplateId,
        wanted: Wanted,
        now: Millis,
    ) -> Result<Whole, MarketError> {
        let change = wanted.wish.change()?;
        for _ in 0..ROUNDS {
            let before = self.changeable(caller, id).await?;
            let about = self.store.about(id).await?;
            let new_about = About {
                description: change
                    .description
                    .clone()
                    .unwrap_or_else(|| about.description.clone()),
                documentation: change
                    .documentation
                    .clone()
                    .unwrap_or_else(|| about.documentation.clone()),
            };
            let listing = changed(&before, &change, wanted.deprecated.as_ref(), &new_about, now);
            let old_words = words_of(&before.listing, &about.description);
            let new_words = words_of(&listing, &new_about.description);
            let signature = words::signature(&new_words, &listing.name);
            let after = Card { listing, signature, rev: before.rev + 1, ..before.clone() };
            let (old_look, new_look) = (look(&before.listing.name), look(&after.listing.name));
            let edit = Edit {
                before: &before,
                after: &after,
                about: (new_about != about).then_some(&new_about),
                looks: (old_look != new_look).then_some((&old_look, &new_look)),
                issue: None,
            };
            if edit.looks.is_some() && self.store.named(&after.listing, &new_look).await?.is_some()
            {
                return Err(MarketError::NameTaken);
            }
            if found_by(&before) != found_by(&after) {
                self.store.put_words(&after, &new_words).await?;
            }
            match self.store.edit(edit).await? {
                Stored::Done => {}
                Stored::NameTaken => return Err(MarketError::NameTaken),
                Stored::VersionTaken | Stored::Outdated => continue,
            }
            self.store.delete_words((&before, &old_words), (&after, &new_words)).await?;
            self.settle(&before, &after).await;
            let (issue, data) = self.version(&after, &after.listing.version.clone()).await?;
            return Ok(Whole { card: after, about: new_about, issue, data });
        }
        Err(MarketError::Contended)
    }

    /// Publishes a new version, which has to be newer than the newest. Two read units and two write
    /// units per KB; three for each list, for its place by last change.
    ///
    /// # Errors
    /// When it breaks rules, is there already, or the template is not the caller's.
    pub async fn release(
        &self,
        caller: &Principal,
        id: &TemplateId,
        wish: Wish,
        now: Millis,
    ) -> Result<(Card, Issue), MarketError> {
        // Whoever may not know of the template does not learn of it by what is wrong with this.
        self.changeable(caller, id).await?;
        let release = wish.release()?;
        let issue = issued(&release, now);
        let place = release.version.sort_key();
        for _ in 0..ROUNDS {
            let before = self.changeable(caller, id).await?;
            let order = before.listing.newest().map(|newest| release.version.precedence(&newest));
            match order {
                Some(std::cmp::Ordering::Equal) => return Err(MarketError::VersionTaken),
                Some(std::cmp::Ordering::Less) => {
                    if self.store.issue(id, &place).await?.is_some() {
                        return Err(MarketError::VersionTaken);
                    }
                    let message = format!("must be newer than {}", before.listing.version);
                    return Err(Problem::new("version", message).into());
                }
                _ => {}
            }
            let mut after = before.clone();
            release.version.as_str().clone_into(&mut after.listing.version);
            after.listing.updated_at = now;
            after.rev = before.rev + 1;
            let new = NewIssue { issue: &issue, place: &place, data: &release.data };
            let edit =
                Edit { before: &before, after: &after, about: None, looks: None, issue: Some(new) };
            match self.store.edit(edit).await? {
                Stored::Done => {
                    let more = json!({"changelog": release.changelog});
                    self.tell("template.version_published", &after, more, now).await;
                    return Ok((after, issue));
                }
                Stored::VersionTaken => return Err(MarketError::VersionTaken),
                Stored::NameTaken | Stored::Outdated => {}
            }
        }
        Err(MarketError::Contended)
    }

    /// Takes a template off the marketplace. Its versions stay for those who downloaded them.
    ///
    /// # Errors
    /// When it is not the caller's.
    pub async fn unpublish(
        &self,
        caller: &Principal,
        id: &TemplateId,
    ) -> Result<Card, MarketError> {
        for _ in 0..ROUNDS {
            let before = self.changeable(caller, id).await?;
            let about = self.store.about(id).await?;
            let after = Card { live: false, rev: before.rev + 1, ..before.clone() };
            let old_look = look(&before.listing.name);
            let edit = Edit {
                before: &before,
                after: &after,
                about: None,
                looks: Some((&old_look, "")),
                issue: None,
            };
            if self.store.edit(edit).await? == Stored::Done {
                let old = words_of(&before.listing, &about.description);
                self.store.delete_words((&before, &old), (&after, &BTreeMap::new())).await?;
                self.settle(&before, &after).await;
                return Ok(after);
            }
        }
        Err(MarketError::Contended)
    }

    async fn changeable(&self, caller: &Principal, id: &TemplateId) -> Result<Card, MarketError> {
        let card = self.seen(caller, id).await?;
        if card.is_changed_by(caller) { Ok(card) } else { Err(MarketError::NotYours) }
    }

    /// Writes what follows from a change and is only a hint: its places on new lists, for what was
    /// counted while it was put on them, and whether it is featured.
    async fn settle(&self, before: &Card, after: &Card) {
        if before.live == after.live && before.listing.lists() == after.listing.lists() {
            return;
        }
        let settled = async {
            let Some(card) = self.store.card(&after.id).await? else { return Ok(()) };
            if card.live && card.downloads > 0 {
                self.store.rank_by_downloads(&card).await?;
            }
            if card.tally.count() > 0 {
                self.store.rank_by_rating(&card).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = settled.await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "places of a template could not be written");
        }
    }
}

/// What a template is found by, apart from its words' rows.
fn found_by(card: &Card) -> (&[u8], Vec<String>, &str, Visibility) {
    let listing = &card.listing;
    (&card.signature, listing.folded_tags(), &listing.category, listing.visibility)
}

fn words_of(listing: &Listing, description: &str) -> BTreeMap<String, u8> {
    let (name, tags, category) = (&listing.name, &listing.tags, &listing.category);
    words::of(&words::Text { name, tags, category, description })
}

fn drafted(caller: &Principal, draft: &Draft, now: Millis) -> (Card, BTreeMap<String, u8>) {
    let listing = Listing {
        org: caller.org_id().to_owned(),
        author: caller.user_id().to_owned(),
        name: draft.name.clone(),
        summary: summary(&draft.description),
        category: draft.category.clone(),
        tags: draft.tags.clone(),
        visibility: draft.visibility,
        version: draft.release.version.as_str().to_owned(),
        deprecated: None,
        created_at: now,
        updated_at: now,
    };
    let words = words_of(&listing, &draft.description);
    let card = Card {
        id: TemplateId::mint(now),
        signature: words::signature(&words, &listing.name),
        listing,
        live: true,
        downloads: 0,
        tally: Tally::default(),
        rated: 0,
        ranked: 0,
        rev: 1,
    };
    (card, words)
}

fn issued(release: &Release, now: Millis) -> Issue {
    Issue {
        version: release.version.as_str().to_owned(),
        changelog: release.changelog.clone(),
        warnings: release.warnings.clone(),
        created_at: now,
    }
}

fn changed(
    before: &Card,
    change: &Change,
    deprecated: Option<&Option<String>>,
    about: &About,
    now: Millis,
) -> Listing {
    let old = &before.listing;
    Listing {
        name: change.name.clone().unwrap_or_else(|| old.name.clone()),
        summary: summary(&about.description),
        category: change.category.clone().unwrap_or_else(|| old.category.clone()),
        tags: change.tags.clone().unwrap_or_else(|| old.tags.clone()),
        visibility: change.visibility.unwrap_or(old.visibility),
        deprecated: deprecated.map_or_else(|| old.deprecated.clone(), Clone::clone),
        updated_at: now,
        ..old.clone()
    }
}
