//! Ids: a prefix that says the kind, then a time-ordered UUID (RFC 9562, version 7).
//!
//! Ids reach us from paths, bodies and queues, so a typed id is only made by minting one or by
//! parsing text that is safe as part of a table key: `#` separates the parts of a key, and no id
//! can contain it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::{NoContext, Timestamp, Uuid};

use crate::time::Millis;

/// The most characters an id from outside may have.
pub const MAX_ID_CHARS: usize = 128;

/// Whether `text` can be an id or part of a table key: 1 to 128 of `A-Z a-z 0-9 _ . : @ -`.
pub fn is_key_safe(text: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:@-".contains(&byte))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// What every minted id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id whose order is the order of `now`; the rest is from the system's entropy.
            pub fn mint(now: Millis) -> Self {
                Self(format!(concat!($prefix, "{}"), fresh_uuid(now)))
            }

            /// Takes an id from outside; `None` when it could not be part of a table key.
            pub fn parse(text: &str) -> Option<Self> {
                is_key_safe(text).then(|| Self(text.to_owned()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A webhook registration.
    WebhookId,
    "wh-"
);
id!(
    /// A published event. A publisher may bring its own, which need not have the prefix.
    EventId,
    "evt-"
);
id!(
    /// One event on its way to one webhook.
    DeliveryId,
    "dlv-"
);
id!(
    /// A redelivery job.
    JobId,
    "job-"
);

id!(
    /// A batch job.
    BatchId,
    "batch-"
);

id!(
    /// A debate. An engine may bring its own, which need not have the prefix.
    DebateId,
    "deb-"
);

id!(
    /// An API key.
    KeyId,
    "key-"
);

id!(
    /// A template of the marketplace.
    TemplateId,
    "tmpl-"
);

id!(
    /// A review of a template.
    ReviewId,
    "rev-"
);

impl KeyId {
    /// The id of the key whose text holds `uuid`.
    pub fn of(uuid: Uuid) -> Self {
        Self(format!("{}{uuid}", Self::PREFIX))
    }
}

impl EventId {
    /// A new id of an event that only tests whether a receiver answers.
    pub fn mint_test(now: Millis) -> Self {
        Self(format!("{}test-{}", Self::PREFIX, fresh_uuid(now)))
    }

    /// The id of an event of our own: the same for the same `parts` and time, so that announcing
    /// something twice is announcing it once.
    pub fn of(parts: &[&str], at: Millis) -> Self {
        Self(format!("{}{}", Self::PREFIX, digest_uuid(parts, at)))
    }
}

/// A UUIDv7 of a time whose other 74 bits are a digest of `parts`, none of which may contain `#`.
fn digest_uuid(parts: &[&str], at: Millis) -> Uuid {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.as_bytes());
        digest.update(b"#");
    }
    let mut bits = [0_u8; 10];
    for (bit, byte) in bits.iter_mut().zip(digest.finalize()) {
        *bit = byte;
    }
    let millis = u64::try_from(at.0).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid()
}

impl DeliveryId {
    /// The id of `event`'s delivery to `webhook`: the same however often it is worked out, which
    /// is what makes fan-out idempotent. Its time is the event's acceptance, so that deliveries
    /// sort by age; its 74 other bits are a digest of all three names.
    pub fn of(org: &str, event: &EventId, webhook: &WebhookId, accepted_at: Millis) -> Self {
        let parts = [org, event.as_str(), webhook.as_str()];
        Self(format!("{}{}", Self::PREFIX, digest_uuid(&parts, accepted_at)))
    }

    /// The time in the id: when its event was accepted. `None` for what is not a delivery id.
    pub fn accepted_at(&self) -> Option<Millis> {
        uuid_time(self.0.strip_prefix(Self::PREFIX)?)
    }
}

/// The time in a UUIDv7, hyphenated or not; `None` for anything else.
pub fn uuid_time(text: &str) -> Option<Millis> {
    let (seconds, nanos) = Uuid::parse_str(text).ok()?.get_timestamp()?.to_unix();
    let millis = i64::try_from(seconds).ok()?.checked_mul(1_000)?;
    Some(Millis(millis.checked_add(i64::from(nanos / 1_000_000))?))
}

/// A bare UUID, for requests, leases and writes that need to be told apart.
pub fn fresh_uuid(now: Millis) -> Uuid {
    let millis = u64::try_from(now.0).unwrap_or_default();
    let nanos = u32::try_from(millis % 1_000).unwrap_or_default() * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, millis / 1_000, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_705_752_000_123);

    #[test]
    fn minted_ids_sort_by_time_and_differ() {
        let (first, second, later) =
            (EventId::mint(NOW), EventId::mint(NOW), EventId::mint(NOW.plus(1)));
        assert_ne!(first, second);
        assert!(first < later && second < later);
        assert!(first.as_str().starts_with("evt-018d"));
        assert_eq!(EventId::parse(first.as_str()), Some(first));
    }

    #[test]
    fn a_delivery_id_depends_on_org_event_and_webhook() {
        let (event, webhook) = (EventId("e".into()), WebhookId("w".into()));
        let id = DeliveryId::of("org", &event, &webhook, NOW);
        assert_eq!(id, DeliveryId::of("org", &event, &webhook, NOW));
        assert_ne!(id, DeliveryId::of("other", &event, &webhook, NOW));
        assert_ne!(id, DeliveryId::of("org", &EventId("f".into()), &webhook, NOW));
        assert_ne!(id, DeliveryId::of("org", &event, &WebhookId("x".into()), NOW));
        assert_eq!(id.accepted_at(), Some(NOW));
    }

    #[test]
    fn what_would_break_a_key_is_no_id() {
        for bad in ["", "a#b", "a b", "é", "a/b", "a\n", &"x".repeat(129)] {
            assert_eq!(EventId::parse(bad), None, "{bad:?}");
        }
        for good in ["demo-broadcast-e0001", "a.b:c@d_e-f", &"x".repeat(128)] {
            assert!(EventId::parse(good).is_some(), "{good:?}");
        }
    }
}
