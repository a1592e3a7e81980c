//! Records of any size, in as many items as they need.

use aragora_core::ids::DebateId;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use super::{Body, Debates, Head, pk};
use crate::dynamo::BatchRead;
use crate::error::StoreError;
use crate::item::{Item, Reader, delete, key, put};
use crate::packed::{pack, unpack};

/// Bytes of one part: an item may have 400 KB, its key and names included.
const PART_BYTES: usize = 380 * 1_024;
/// More than any accepted record has.
const MOST_BYTES: u64 = 16 * 1_024 * 1_024;
const PACKED: &str = "z";

impl Debates {
    /// Stores a record for the head's revision `rev`, packed and in parts. A write unit per KB of
    /// the packed text, a request for 25 parts. Doing it twice changes nothing.
    pub async fn put_body(
        &self,
        (org, id): (&str, &DebateId),
        (rev, hash): (u64, &str),
        record: &str,
    ) -> Result<Body, StoreError> {
        let packed = pack(record).map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let chunks: Vec<&[u8]> = packed.chunks(PART_BYTES).collect();
        let body = Body {
            hash: hash.to_owned(),
            rev,
            parts: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
            bytes: u64::try_from(record.len()).unwrap_or(u64::MAX),
        };
        let puts = keys(org, id, &body).zip(chunks).map(|(mut item, chunk)| {
            item.insert(PACKED.to_owned(), AttributeValue::B(Blob::new(chunk)));
            put(item)
        });
        self.dynamo.write_all(&self.table, puts.collect()).await?;
        Ok(body)
    }

    /// Removes a record that no head names any more. One write unit per KB.
    pub async fn delete_body(
        &self,
        org: &str,
        id: &DebateId,
        body: &Body,
    ) -> Result<(), StoreError> {
        self.dynamo.write_all(&self.table, keys(org, id, body).map(delete).collect()).await
    }

    /// The records that these heads name, in their order: `None` for one that is not there any
    /// more, because a newer one took its place since the head was read. Half a read unit per 4 KB
    /// of packed text; what is not there yet was written before its head, so that a second,
    /// consistent look at twice the price finds it.
    pub async fn bodies(&self, heads: &[&Head]) -> Result<Vec<Option<Packed>>, StoreError> {
        let mut found = self.look(heads, false).await?;
        let missing: Vec<&Head> = heads
            .iter()
            .zip(&found)
            .filter(|(head, packed)| head.body.is_some() && packed.is_none())
            .map(|(head, _)| *head)
            .collect();
        if !missing.is_empty() {
            let mut again = self.look(&missing, true).await?.into_iter();
            for (head, slot) in heads.iter().zip(&mut found) {
                if head.body.is_some() && slot.is_none() {
                    *slot = again.next().flatten();
                }
            }
        }
        Ok(found)
    }

    async fn look(
        &self,
        heads: &[&Head],
        consistent: bool,
    ) -> Result<Vec<Option<Packed>>, StoreError> {
        let named = heads.iter().filter_map(|head| Some((head, head.body.as_ref()?)));
        let wanted = named.flat_map(|(head, body)| keys(&head.org, &head.id, body)).collect();
        let mut items =
            self.dynamo.get_all(&self.table, wanted, BatchRead { consistent, only: None }).await?;
        let mut take = |key: &Item| {
            let at = items.iter().position(|item| {
                item.get("sk") == key.get("sk") && item.get("pk") == key.get("pk")
            })?;
            Some(items.swap_remove(at))
        };
        let mut record = |head: &&Head| {
            let body = head.body.as_ref()?;
            let parts: Option<Vec<Item>> =
                keys(&head.org, &head.id, body).map(|key| take(&key)).collect();
            Some(Packed { parts: parts? })
        };
        Ok(heads.iter().map(&mut record).collect())
    }
}

/// A record as it is stored: a fraction of its size.
#[derive(Debug)]
pub struct Packed {
    parts: Vec<Item>,
}

impl Packed {
    /// The record's text.
    ///
    /// # Errors
    /// When it is not what was stored.
    pub fn unpack(self) -> Result<String, StoreError> {
        let mut packed = Vec::new();
        let corrupt = |item: &Item| Reader(item).corrupt(PACKED, "cannot be unpacked");
        for item in &self.parts {
            match item.get(PACKED) {
                Some(AttributeValue::B(bytes)) => packed.extend_from_slice(bytes.as_ref()),
                _ => return Err(corrupt(item)),
            }
        }
        unpack(&packed, MOST_BYTES)
            .map_err(|_| corrupt(self.parts.first().unwrap_or(&Item::default())))
    }
}

fn keys<'a>(org: &'a str, id: &'a DebateId, body: &'a Body) -> impl Iterator<Item = Item> + 'a {
    (0..body.parts)
        .map(move |part| key(pk(org, id), format!("body#{:08}#{}#{part:02}", body.rev, body.hash)))
}
