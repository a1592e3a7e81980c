//! Where a migration goes on: a store, and the item after which. Operators hand it back as it is.

use std::fmt;
use std::str::FromStr;

use aragora_signing::fields::Store;
use aragora_store::documents::ItemKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A place between two items of a store.
#[derive(Debug, Clone)]
pub struct Cursor {
    /// The store.
    pub store: &'static Store,
    /// The last item that was done; `None` at the store's beginning.
    pub after: Option<ItemKey>,
}

/// It was not printed by this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the cursor is not one that a migration answered")]
pub struct NotACursor;

#[derive(Serialize, Deserialize)]
struct Printed {
    store: String,
    after: Option<ItemKey>,
}

impl fmt::Display for Cursor {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printed = Printed { store: self.store.name().to_owned(), after: self.after.clone() };
        // Strings always print.
        let json = serde_json::to_string(&printed).unwrap_or_default();
        out.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let json = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| NotACursor)?;
        let printed: Printed = serde_json::from_slice(&json).map_err(|_| NotACursor)?;
        let store = Store::named(&printed.store).ok_or(NotACursor)?;
        Ok(Self { store, after: printed.after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read() {
        let store = Store::named("webhook_registrations").unwrap();
        for after in [None, Some(ItemKey { pk: "org-ü#\"".to_owned(), sk: "wh-1".to_owned() })] {
            let printed = Cursor { store, after: after.clone() }.to_string();
            let read: Cursor = printed.parse().unwrap();
            assert_eq!((read.store.name(), read.after), (store.name(), after));
            assert!(printed.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for text in [
            String::new(),
            "*".to_owned(),
            encoded("{}"),
            encoded("[]"),
            encoded(r#"{"store": "events", "after": null}"#),
            encoded(r#"{"store": "webhook_registrations", "after": {"pk": "x"}}"#),
            encoded(r#"{"store": "webhook_registrations", "after": "x"}"#),
        ] {
            assert_eq!(text.parse::<Cursor>().unwrap_err(), NotACursor, "{text}");
        }
    }
}
