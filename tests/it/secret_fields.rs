//! The registry of secret fields, compared with what is stored.

use std::collections::BTreeSet;

use aragora_signing::fields::STORES;
use aragora_tests::{Receiver, Session};
use serde_json::{Value, json};

use crate::key_rotation::{items, register};

/// The registry says where to look; this looks everywhere. An envelope that is stored where the
/// registry has no path would be lost at the next rotation.
#[tokio::test]
async fn envelopes_are_only_where_the_registry_says() {
    let session = Session::alone().await;
    let (tenant, receiver) = (session.tenant(), Receiver::start().await);
    let webhooks = register(&session, &tenant, &receiver).await;
    let event = tenant.publish("vote", json!({})).await;
    for webhook in webhooks.values() {
        tenant.receipt(webhook, &event, "DELIVERED").await;
    }
    let mut found = BTreeSet::new();
    for (name, table) in &session.stack.tables {
        for item in items(&session, table, None).await {
            for (attribute, value) in item.as_object().unwrap() {
                let text = value["S"].as_str().unwrap_or_default();
                let Ok(value) = serde_json::from_str::<Value>(text) else { continue };
                envelopes(&value, "", &mut |path| {
                    found.insert(format!("{name} {attribute} {path}"));
                });
            }
        }
    }
    let declared: BTreeSet<String> = STORES
        .iter()
        .flat_map(|store| store.paths().map(|path| format!("{} doc {path}", store.name())))
        .collect();
    assert_eq!(found, declared);
}

/// The ways to all envelopes in a document, in the notation of the registry.
fn envelopes(value: &Value, path: &str, found: &mut impl FnMut(&str)) {
    if value["_encrypted"] == true {
        return found(path);
    }
    for each in value.as_array().into_iter().flatten() {
        envelopes(each, &format!("{path}[]"), found);
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let joint = if path.is_empty() { "" } else { "." };
        envelopes(member, &format!("{path}{joint}{name}"), found);
    }
}
