//! What an idempotency key stands for, in whichever table its requests write to.
//!
//! | pk | sk | what |
//! |---|---|---|
//! | `<org>#idempotency#<digest of the key>` | `key` | one key: `doc`, `at` |

use aragora_core::time::Millis;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::dynamo::Dynamo;
use crate::error::StoreError;
use crate::item::{Reader, json, key, number, text};

/// How long an idempotency key is remembered at least; TTL may take days longer to remove it, so
/// readers compare the time themselves.
pub const KEY_KEPT_MS: i64 = 48 * 3_600 * 1_000;

/// Makes a key stand for `wanted`, which was asked for at `at`, unless it stands for something else
/// that is not older than [`KEY_KEPT_MS`]: then gives that back. One write unit per KB.
pub(crate) async fn claim<T: Serialize + DeserializeOwned + PartialEq>(
    dynamo: &Dynamo,
    table: &str,
    (org, key_digest): (&str, &str),
    wanted: &T,
    at: Millis,
) -> Result<Option<T>, StoreError> {
    let mut item = key(format!("{org}#idempotency#{key_digest}"), "key");
    item.insert("doc".to_owned(), text(json(wanted)?));
    item.insert("at".to_owned(), number(at.0));
    item.insert("expires_at".to_owned(), number(at.plus(KEY_KEPT_MS).unix_seconds()));
    match dynamo.put_new(table, item, Some(at.plus(-KEY_KEPT_MS))).await? {
        None => Ok(None),
        Some(existing) => {
            let known: T = Reader(&existing).json("doc")?;
            // The SDK repeats a write whose answer was lost, and then meets its own.
            Ok((known != *wanted).then_some(known))
        }
    }
}
