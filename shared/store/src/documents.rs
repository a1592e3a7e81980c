//! Any table whose items carry a JSON document under a revision (`doc`, `rev`), as a migration goes
//! through it: item by item, whatever the document is about.

use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use serde::{Deserialize, Serialize};

use crate::dynamo::Dynamo;
use crate::error::StoreError;
use crate::item::{Item, Reader, key, number, text};
use crate::registrations::Changed;

/// An item by its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemKey {
    /// Its partition key.
    pub pk: String,
    /// Its sort key.
    pub sk: String,
}

/// An item's document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Which item.
    pub key: ItemKey,
    /// The document, unread.
    pub text: String,
    /// Goes up with every change of the document.
    pub rev: u64,
}

/// A page of a table.
#[derive(Debug)]
pub struct Page {
    /// Its items; those without a document say why.
    pub items: Vec<(ItemKey, Result<Document, StoreError>)>,
    /// The place that more may follow after; `None` at the table's end.
    pub next: Option<ItemKey>,
}

/// The table.
#[derive(Debug, Clone)]
pub struct Documents {
    dynamo: Dynamo,
    table: String,
}

impl Documents {
    /// The table called `table`.
    pub const fn new(dynamo: Dynamo, table: String) -> Self {
        Self { dynamo, table }
    }

    /// A page of the whole table, of every organisation, from after `after` on: for migrations,
    /// never for a request. One read unit per 4 KB: consistent, because what is seen to be up to
    /// date must be.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn page(&self, after: Option<&ItemKey>, limit: i32) -> Result<Page, StoreError> {
        let answer = self
            .dynamo
            .client()
            .scan()
            .table_name(&self.table)
            .consistent_read(true)
            .projection_expression("pk, sk, doc, rev")
            .limit(limit)
            .set_exclusive_start_key(after.map(|after| key(&after.pk, &after.sk)))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(StoreError::from_sdk)?;
        self.dynamo.read(answer.consumed_capacity());
        let next = answer.last_evaluated_key().map(read_key).transpose()?;
        let each = |item| Ok((read_key(item)?, read_document(item)));
        Ok(Page {
            items: answer.items().iter().map(each).collect::<Result<_, StoreError>>()?,
            next,
        })
    }

    /// One document, as last written; `None` when its item is gone. One read unit per 4 KB.
    ///
    /// # Errors
    /// When the table does not answer, or the item has no document.
    pub async fn get(&self, at: &ItemKey) -> Result<Option<Document>, StoreError> {
        let item = self.dynamo.get(&self.table, key(&at.pk, &at.sk), true).await?;
        item.as_ref().map(read_document).transpose()
    }

    /// Puts `document` in the place of one that was read, if nobody changed it since, and leaves
    /// every other attribute as it is. The revision goes up, so that a user's change that was made
    /// from the old document is refused and made again from the new one. One write unit per KB.
    /// Doing it twice is refused the second time.
    ///
    /// # Errors
    /// When the table does not answer; it may have taken effect.
    pub async fn replace(&self, read: &Document, document: &str) -> Result<Changed, StoreError> {
        let update = self
            .dynamo
            .client()
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(&read.key.pk, &read.key.sk)))
            .update_expression("SET doc = :doc, rev = :next")
            .condition_expression("rev = :seen")
            .expression_attribute_values(":doc", text(document))
            .expression_attribute_values(":next", number(read.rev.saturating_add(1)))
            .expression_attribute_values(":seen", number(read.rev));
        Ok(Changed::if_done(self.dynamo.update_if(update).await?))
    }
}

fn read_key(item: &Item) -> Result<ItemKey, StoreError> {
    let read = Reader(item);
    Ok(ItemKey { pk: read.text("pk")?.to_owned(), sk: read.text("sk")?.to_owned() })
}

fn read_document(item: &Item) -> Result<Document, StoreError> {
    let read = Reader(item);
    Ok(Document {
        key: read_key(item)?,
        text: read.text("doc")?.to_owned(),
        rev: read.number("rev")?,
    })
}
