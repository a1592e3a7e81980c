//! An organisation of the test's own, and what tests do in it again and again.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Api;
use crate::stack::Session;
use crate::token::{self, Algorithm};
use crate::wait::{PATIENCE, eventually};

/// An organisation nobody else uses.
#[derive(Debug)]
pub struct Tenant {
    /// Its id.
    pub org: String,
    /// The user of its tokens.
    pub user: String,
    /// A caller who may do everything.
    pub admin: Api,
    anonymous: Api,
    jwt_secret: String,
}

/// A webhook that was just registered.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Its secret, shown at creation only.
    pub secret: String,
    /// The whole answer to its creation.
    pub created: Value,
}

impl Webhook {
    /// Its path in the API.
    pub fn path(&self) -> String {
        format!("/api/webhooks/{}", self.id)
    }

    /// The path of its receipts.
    pub fn receipts(&self) -> String {
        format!("/api/webhooks/{}/receipts", self.id)
    }
}

impl Tenant {
    /// An organisation with a random id.
    pub fn new(session: &Session) -> Self {
        let unique = Uuid::now_v7().simple();
        let (org, user) = (format!("org-{unique}"), format!("user-{unique}"));
        let jwt_secret =
            session.stack.jwt_secret.split(',').next().expect("a first secret").to_owned();
        let anonymous = session.anonymous();
        let admin =
            token::mint(&token::claims(&user, &org, "admin"), &jwt_secret, Algorithm::Hs256);
        Self { admin: anonymous.clone().with_bearer(&admin), org, user, anonymous, jwt_secret }
    }

    /// A caller of this organisation with one role.
    pub fn role(&self, role: &str) -> Api {
        self.claiming(&token::claims(&self.user, &self.org, role))
    }

    /// A caller whose token carries exactly these claims.
    pub fn claiming(&self, claims: &Value) -> Api {
        self.signed(claims, &self.jwt_secret, Algorithm::Hs256)
    }

    /// A caller whose token carries these claims under this key and algorithm.
    pub fn signed(&self, claims: &Value, secret: &str, algorithm: Algorithm) -> Api {
        self.anonymous.clone().with_bearer(&token::mint(claims, secret, algorithm))
    }

    /// A caller whose token claims this algorithm, with the stack's own key.
    pub fn algorithm(&self, algorithm: Algorithm) -> Api {
        self.signed(&token::claims(&self.user, &self.org, "admin"), &self.jwt_secret, algorithm)
    }

    /// Registers a webhook for these event types.
    pub async fn subscribe(&self, url: &str, event_types: &[&str]) -> Webhook {
        self.subscribe_with(json!({"url": url, "event_types": event_types})).await
    }

    /// Registers a webhook that tries only once.
    pub async fn subscribe_once(&self, url: &str, event_types: &[&str]) -> Webhook {
        self.subscribe_retrying(url, event_types, &json!({"max_retries": 0, "timeout_seconds": 5}))
            .await
    }

    /// Registers a webhook with a retry policy.
    pub async fn subscribe_retrying(
        &self,
        url: &str,
        event_types: &[&str],
        policy: &Value,
    ) -> Webhook {
        self.subscribe_with(json!({"url": url, "event_types": event_types, "retry_policy": policy}))
            .await
    }

    /// Registers a webhook with this request body.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn subscribe_with(&self, body: Value) -> Webhook {
        let created = self.admin.post("/api/webhooks", &body).await.must(201);
        let text = |key: &str| {
            created[key].as_str().unwrap_or_else(|| panic!("no {key} in {created}")).to_owned()
        };
        Webhook { id: text("id"), secret: text("secret"), created: created.clone() }
    }

    /// Publishes one event and returns its id.
    pub async fn publish(&self, event_type: &str, data: Value) -> String {
        self.publish_with(&json!({"event_type": event_type, "data": data})).await
    }

    /// Publishes one event with this request body and returns its id.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn publish_with(&self, event: &Value) -> String {
        let accepted = self.admin.post("/api/events", event).await.must(202);
        accepted["event_id"]
            .as_str()
            .unwrap_or_else(|| panic!("no event_id in {accepted}"))
            .to_owned()
    }

    /// The receipt of one event at one webhook, once it has the `status`.
    ///
    /// # Panics
    /// When that takes longer than [`PATIENCE`].
    pub async fn receipt(&self, webhook: &Webhook, event_id: &str, status: &str) -> Value {
        self.receipt_within(PATIENCE, webhook, event_id, status).await
    }

    /// The receipt of one event at one webhook, once it has the `status`.
    ///
    /// # Panics
    /// When that takes longer than `limit`.
    pub async fn receipt_within(
        &self,
        limit: Duration,
        webhook: &Webhook,
        event_id: &str,
        status: &str,
    ) -> Value {
        let what = format!("a {status} receipt of {event_id}");
        eventually(limit, &what, async || {
            self.receipts(webhook, "?limit=100")
                .await
                .into_iter()
                .find(|receipt| receipt["event_id"] == event_id && receipt["status"] == status)
        })
        .await
    }

    /// One page of a webhook's receipts; `query` begins with `?` or is empty.
    ///
    /// # Panics
    /// When the list is refused.
    pub async fn receipts(&self, webhook: &Webhook, query: &str) -> Vec<Value> {
        let page = self.admin.get(&format!("{}{query}", webhook.receipts())).await.must(200);
        page["receipts"].as_array().unwrap_or_else(|| panic!("no receipts in {page}")).clone()
    }

    /// One receipt by its delivery id.
    pub async fn receipt_of(&self, webhook: &Webhook, delivery_id: &str) -> Value {
        self.admin.get(&format!("{}/{delivery_id}", webhook.receipts())).await.must(200)
    }

    /// Walks a list to its end by its cursor and returns the pages.
    ///
    /// # Panics
    /// When a page is refused, or the cursor comes back to where it was.
    pub async fn pages(&self, path: &str, plural: &str) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        let mut cursor = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let here = if cursor.is_empty() {
                path.to_owned()
            } else {
                format!("{path}{joint}cursor={cursor}")
            };
            let page = self.admin.get(&here).await.must(200);
            pages.push(
                page[plural].as_array().unwrap_or_else(|| panic!("no {plural} in {page}")).clone(),
            );
            let Some(next) = page["next_cursor"].as_str() else { return pages };
            assert_ne!(next, cursor, "{path} does not move on");
            next.clone_into(&mut cursor);
        }
    }
}
