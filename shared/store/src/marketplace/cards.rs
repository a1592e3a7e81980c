//! Templates and their versions: read, published, changed, unpublished.

use std::collections::HashMap;

use aragora_core::ids::TemplateId;
use aragora_core::marketplace::card::{Card, Facet, Listing, Scope};
use aragora_core::marketplace::rank::Sort;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use super::items::{
    about_key, bytes, card_item, card_key, count_key, data_key, extended, issue_items, issue_key,
    name_key, narrowing, read_card, read_data, read_issue, row_item, row_key,
};
use super::{About, Data, Edit, Issue, Marketplace, NewIssue, Stored};
use crate::dynamo::BatchRead;
use crate::error::StoreError;
use crate::item::{Item, Reader, json, number, readable, text};
use crate::transact::{Transacted, Updating, Writes};

impl Marketplace {
    /// A template, as last written, published or not. One read unit per 4 KB, which is more than
    /// most have.
    pub async fn card(&self, id: &TemplateId) -> Result<Option<Card>, StoreError> {
        let item = self.dynamo.get(&self.tables.templates, card_key(id), true).await?;
        item.as_ref().map(read_card).transpose()
    }

    /// Templates by their ids, those that are there. Half a read unit each; eventually consistent.
    pub async fn cards(&self, ids: &[TemplateId]) -> Result<HashMap<TemplateId, Card>, StoreError> {
        let mut keys: Vec<&TemplateId> = ids.iter().collect();
        keys.sort();
        keys.dedup();
        let keys = keys.into_iter().map(card_key).collect();
        let read = BatchRead { consistent: false, only: None };
        let items = self.dynamo.get_all(&self.tables.templates, keys, read).await?;
        Ok(readable(&items, read_card).into_iter().map(|card| (card.id.clone(), card)).collect())
    }

    /// A template's description and documentation. One read unit per 4 KB.
    pub async fn about(&self, id: &TemplateId) -> Result<About, StoreError> {
        let item = self.dynamo.get(&self.tables.templates, about_key(id), true).await?;
        item.map_or_else(|| Ok(About::default()), |item| Reader(&item).json("doc"))
    }

    /// A version, by the sort key of its number. One read unit per 4 KB.
    pub async fn issue(&self, id: &TemplateId, place: &str) -> Result<Option<Issue>, StoreError> {
        let item = self.dynamo.get(&self.tables.templates, issue_key(id, place), true).await?;
        item.as_ref().map(read_issue).transpose()
    }

    /// A version's data. One read unit per 4 KB of it, packed.
    pub async fn data(&self, id: &TemplateId, place: &str) -> Result<Option<Data>, StoreError> {
        let item = self.dynamo.get(&self.tables.templates, data_key(id, place), true).await?;
        item.as_ref().map(read_data).transpose()
    }

    /// Versions, newest first, up to `limit` of those before the sort key `before`, and whether
    /// more may follow. One read unit per 4 KB of what is said of them; their data is not read.
    pub async fn issues(
        &self,
        id: &TemplateId,
        before: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<Issue>, bool), StoreError> {
        let query = self
            .dynamo
            .client()
            .query()
            .table_name(&self.tables.templates)
            .key_condition_expression("pk = :id AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":id", text(id.as_str()))
            .expression_attribute_values(":first", text("v#"))
            // BETWEEN takes its ends in: one more is asked for, and `before` itself left out.
            .expression_attribute_values(":last", text(format!("v#{}", before.unwrap_or("~"))))
            .scan_index_forward(false)
            .consistent_read(true)
            .limit(limit.saturating_add(1))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = query.send().await.map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let known = before.map(|before| format!("v#{before}"));
        let is_new = |item: &&Item| Reader(item).maybe_text("sk") != known.as_deref();
        let items: Vec<Item> = answer.items().iter().filter(is_new).cloned().collect();
        let limit = usize::try_from(limit).unwrap_or_default();
        let mut issues = readable(&items, read_issue);
        let more = answer.last_evaluated_key().is_some() || issues.len() > limit;
        issues.truncate(limit);
        Ok((issues, more))
    }

    /// Which of an author's templates has a name that looks like this. One read unit.
    pub async fn named(
        &self,
        listing: &Listing,
        look: &str,
    ) -> Result<Option<TemplateId>, StoreError> {
        let item = self.dynamo.get(&self.tables.templates, name_key(listing, look), true).await?;
        let id = |item: Item| TemplateId::parse(Reader(&item).maybe_text("id")?);
        Ok(item.and_then(id))
    }

    /// Publishes a template with its first version: all of it or nothing, its places in lists and
    /// their counts included. Two write units per KB of each item, and one for each of the four
    /// orders of each list it is on.
    pub async fn publish(
        &self,
        card: &Card,
        about: &About,
        look: &str,
        issue: NewIssue<'_>,
    ) -> Result<Stored, StoreError> {
        let (templates, mut writes) = (&self.tables.templates, Writes::default());
        let named = extended(name_key(&card.listing, look), [("id", text(card.id.as_str()))]);
        let named = writes.put_new(templates, named)?;
        writes.put_new(templates, card_item(card)?)?;
        writes.put(templates, extended(about_key(&card.id), [("doc", text(json(about)?))]))?;
        for item in issue_items(&card.id, issue)? {
            writes.put(templates, item)?;
        }
        for (scope, facet) in card.listing.lists() {
            self.enter(&mut writes, &scope, &facet, card)?;
        }
        Ok(match self.dynamo.transact(writes).await? {
            Transacted::Done => Stored::Done,
            Transacted::Refused(places) if places.contains(&named) => Stored::NameTaken,
            Transacted::Refused(_) => Stored::Outdated,
        })
    }

    /// Changes a template: all of it or nothing. Costs what publishing does for what changes, and
    /// two write units and the order by last change for each list it stays on.
    pub async fn edit(&self, edit: Edit<'_>) -> Result<Stored, StoreError> {
        let (before, after) = (edit.before, edit.after);
        let (templates, mut writes) = (&self.tables.templates, Writes::default());
        let expression = "SET doc = :doc, g = :g, live = :live, rev = :next";
        let updating = Updating {
            expression: expression.to_owned(),
            condition: Some("rev = :seen AND live = :yes"),
            values: vec![
                (":doc", text(json(&after.listing)?)),
                (":g", bytes(&after.signature)),
                (":live", AttributeValue::Bool(after.live)),
                (":yes", AttributeValue::Bool(true)),
                (":seen", number(before.rev)),
                (":next", number(after.rev)),
            ],
        };
        writes.update(templates, card_key(&after.id), updating)?;
        if let Some(about) = edit.about {
            writes.put(templates, extended(about_key(&after.id), [("doc", text(json(about)?))]))?;
        }
        let mut named = None;
        if let Some((old, new)) = edit.looks {
            writes.delete(templates, name_key(&before.listing, old))?;
            if after.live {
                let item = name_key(&after.listing, new);
                let item = extended(item, [("id", text(after.id.as_str()))]);
                named = Some(writes.put_new(templates, item)?);
            }
        }
        let mut issued = None;
        if let Some(issue) = edit.issue {
            for item in issue_items(&after.id, issue)? {
                issued = Some(writes.put_new(templates, item)?);
            }
        }
        self.move_lists(&mut writes, before, after)?;
        Ok(match self.dynamo.transact(writes).await? {
            Transacted::Done => Stored::Done,
            // Whoever was outdated could not have known the rest.
            Transacted::Refused(places) if places.contains(&0) => Stored::Outdated,
            Transacted::Refused(places) if named.is_some_and(|it| places.contains(&it)) => {
                Stored::NameTaken
            }
            Transacted::Refused(_) if issued.is_some() => Stored::VersionTaken,
            Transacted::Refused(_) => Stored::Outdated,
        })
    }

    /// From the lists it was on to those it is on.
    fn move_lists(
        &self,
        writes: &mut Writes,
        before: &Card,
        after: &Card,
    ) -> Result<(), StoreError> {
        let old = before.listing.lists();
        let new = if after.live { after.listing.lists() } else { vec![] };
        for (scope, facet) in old.iter().filter(|list| !new.contains(list)) {
            writes.delete(&self.tables.index, row_key(scope, facet, &after.id))?;
            self.count(writes, scope, facet, -1)?;
        }
        for (scope, facet) in new {
            if !old.contains(&(scope, facet.clone())) {
                self.enter(writes, &scope, &facet, after)?;
                continue;
            }
            // Its place by downloads and rating is not known here as last written.
            let narrowing = narrowing(&after.listing).map(|(_, value)| value);
            let mut values: Vec<_> = [":c", ":t", ":a", ":v"].into_iter().zip(narrowing).collect();
            values.push((":uk", text(Sort::Updated.key(after))));
            values.push((":nk", text(Sort::Name.key(after))));
            let updating = Updating {
                expression: "SET c = :c, t = :t, a = :a, v = :v, uk = :uk, nk = :nk".to_owned(),
                condition: None,
                values,
            };
            writes.update(&self.tables.index, row_key(&scope, &facet, &after.id), updating)?;
        }
        Ok(())
    }

    fn enter(
        &self,
        writes: &mut Writes,
        scope: &Scope<'_>,
        facet: &Facet,
        card: &Card,
    ) -> Result<(), StoreError> {
        writes.put(&self.tables.index, row_item(scope, facet, card))?;
        self.count(writes, scope, facet, 1)
    }

    fn count(
        &self,
        writes: &mut Writes,
        scope: &Scope<'_>,
        facet: &Facet,
        by: i64,
    ) -> Result<(), StoreError> {
        let updating = Updating {
            expression: "ADD n :by".to_owned(),
            condition: None,
            values: vec![(":by", number(by))],
        };
        writes.update(&self.tables.index, count_key(scope, facet), updating)?;
        Ok(())
    }
}
