//! What is sent: the body and every header of the aragora profile. Pure.
//!
//! Source: `webhook-delivery.md`, Headers.

use aragora_core::envelope::Envelope;
use aragora_core::ids::fresh_uuid;
use aragora_core::time::Millis;
use aragora_queue::message::{Deliver, InlineEvent};
use aragora_signing::mac;
use aragora_signing::secret::WebhookSecret;
use http::header::{
    CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue,
    USER_AGENT,
};
use thiserror::Error;
use uuid::Uuid;

/// What a delivery is made of.
#[derive(Debug)]
pub struct Ingredients<'a> {
    /// What was asked for.
    pub order: &'a Deliver,
    /// The event.
    pub event: &'a InlineEvent,
    /// The webhook's live secrets, the newest first; never empty.
    pub secrets: &'a [WebhookSecret],
    /// The webhook's own headers.
    pub headers: &'a [(String, String)],
    /// The number of the attempt, from 1.
    pub attempt: u32,
    /// Now; the signatures cover it.
    pub now: Millis,
}

/// A request ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Prepared {
    /// All headers.
    pub headers: HeaderMap,
    /// The bytes the signatures are over.
    pub body: Vec<u8>,
}

/// Why a request cannot be put together: something stored is not as it was checked to be.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// A webhook without a secret.
    #[error("the webhook has no secret")]
    NoSecret,
    /// A header name that is none.
    #[error("a header of the webhook has no valid name")]
    Name(#[from] InvalidHeaderName),
    /// A header value that is none.
    #[error("a header has no valid value")]
    Value(#[from] InvalidHeaderValue),
}

/// Puts a request together.
///
/// # Errors
/// Only when what is stored was not checked when it was written.
pub fn prepare(from: &Ingredients<'_>) -> Result<Prepared, PrepareError> {
    let order = from.order;
    let newest = from.secrets.first().ok_or(PrepareError::NoSecret)?;
    let body = Envelope {
        event_type: &order.event_type,
        event_id: order.event_id.as_str(),
        timestamp: &from.event.timestamp,
        debate_id: from.event.debate_id.as_deref(),
        delivery_id: order.delivery_id.as_str(),
        data: &from.event.data,
    }
    .print()
    .into_bytes();

    let mut headers = HeaderMap::with_capacity(20 + from.headers.len());
    for (name, value) in from.headers {
        headers.append(HeaderName::from_bytes(name.as_bytes())?, secret_value(value)?);
    }
    // Ours last, and replacing: no webhook's own header can stand in for one of them.
    let seconds = from.now.unix_seconds();
    let body_mac = mac::body_mac(newest, &body);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(USER_AGENT, HeaderValue::from_static("Aragora-Webhooks/1.0"));
    for (name, value) in [
        ("x-webhook-id", order.webhook_id.as_str()),
        ("x-webhook-delivery-id", order.delivery_id.as_str()),
        ("x-webhook-event-type", &order.event_type),
        ("x-delivery-attempt", &from.attempt.to_string()),
        ("x-webhook-timestamp", &seconds.to_string()),
        ("x-signature-sha256", &body_mac),
        ("x-webhook-signature", &body_mac),
        ("x-aragora-event", &order.event_type),
        ("x-aragora-delivery", order.delivery_id.as_str()),
        ("x-aragora-timestamp", &seconds.to_string()),
        ("x-aragora-signature", &body_mac),
        ("x-aragora-signature-timestamped", &mac::timestamped_mac(newest, seconds, &body)),
        ("webhook-id", order.event_id.as_str()),
        ("webhook-timestamp", &seconds.to_string()),
        (
            "webhook-signature",
            &mac::standard_webhooks(from.secrets, order.event_id.as_str(), seconds, &body),
        ),
        ("traceparent", &traceparent(order, from.now)),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
    }
    Ok(Prepared { headers, body })
}

/// A webhook's own header may be a credential: marked, so that nothing prints it.
fn secret_value(value: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(value)?;
    value.set_sensitive(true);
    Ok(value)
}

/// W3C trace context: one trace per delivery, a new span per attempt, not sampled.
fn traceparent(order: &Deliver, now: Millis) -> String {
    let trace = Uuid::parse_str(order.delivery_id.as_str().trim_start_matches("dlv-"))
        .unwrap_or_else(|_| fresh_uuid(now));
    let (_, span) = fresh_uuid(now).as_u64_pair();
    format!("00-{}-{span:016x}-00", trace.simple())
}

#[cfg(test)]
mod tests {
    use aragora_core::delivery::Order;
    use aragora_core::ids::{DeliveryId, EventId, WebhookId};
    use aragora_signing::verify::{self, Delivery, Scheme};

    use super::*;

    const NOW: Millis = Millis(1_705_752_000_000);

    fn order() -> Deliver {
        let (event_id, webhook_id) =
            (EventId::parse("evt-789").unwrap(), WebhookId::parse("wh-1").unwrap());
        Deliver {
            org: "org".into(),
            delivery_id: DeliveryId::of("org", &event_id, &webhook_id, NOW),
            webhook_id,
            event_id,
            event_type: "debate.completed".into(),
            accepted_at: NOW,
            request_id: "r".into(),
            order: Order::Attempt,
            generation: 0,
            has_receipt: false,
            job: None,
            inline: None,
        }
    }

    fn event() -> InlineEvent {
        InlineEvent {
            project: "default".into(),
            event_type: "debate_end".into(),
            debate_id: None,
            timestamp: "2024-01-20T12:00:00Z".into(),
            accepted_at: NOW,
            data: "{\"outcome\": \"consensus\"}".into(),
        }
    }

    fn prepared(headers: &[(&str, &str)]) -> Prepared {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let secrets = [
            WebhookSecret::parse("your-hmac-secret").unwrap(),
            WebhookSecret::parse("the-old-one").unwrap(),
        ];
        let from = Ingredients {
            order: &order(),
            event: &event(),
            secrets: &secrets,
            headers: &headers,
            attempt: 3,
            now: NOW,
        };
        prepare(&from).unwrap()
    }

    #[test]
    fn every_header_of_the_profile_is_there() {
        let prepared = prepared(&[]);
        let get = |name: &str| prepared.headers[name].to_str().unwrap().to_owned();
        let delivery_id = order().delivery_id;
        for (name, value) in [
            ("content-type", "application/json"),
            ("user-agent", "Aragora-Webhooks/1.0"),
            ("x-webhook-id", "wh-1"),
            ("x-webhook-delivery-id", delivery_id.as_str()),
            ("x-webhook-event-type", "debate.completed"),
            ("x-delivery-attempt", "3"),
            ("x-webhook-timestamp", "1705752000"),
            ("x-aragora-event", "debate.completed"),
            ("x-aragora-delivery", delivery_id.as_str()),
            ("x-aragora-timestamp", "1705752000"),
            ("webhook-id", "evt-789"),
            ("webhook-timestamp", "1705752000"),
        ] {
            assert_eq!(get(name), value, "{name}");
        }
        assert_eq!(get("x-signature-sha256"), get("x-webhook-signature"));
        assert_eq!(get("x-signature-sha256"), get("x-aragora-signature"));
        assert!(get("x-aragora-signature-timestamped").starts_with("t=1705752000,v1="));
        assert_eq!(get("webhook-signature").split(' ').count(), 2, "one entry per live secret");
        assert_eq!(get("traceparent").len(), 55);
        assert_eq!(prepared.headers.len(), 18);
    }

    #[test]
    fn every_signature_verifies() {
        let prepared = prepared(&[]);
        for (scheme, secret) in [
            (Scheme::Body, "your-hmac-secret"),
            (Scheme::Timestamped, "your-hmac-secret"),
            (Scheme::StandardWebhooks, "your-hmac-secret"),
            (Scheme::StandardWebhooks, "the-old-one"),
        ] {
            let secrets = [WebhookSecret::parse(secret).unwrap()];
            let header =
                |name: &str| prepared.headers.get(name).and_then(|value| value.to_str().ok());
            let delivery = Delivery {
                body: &prepared.body,
                secrets: &secrets,
                now_unix_seconds: NOW.unix_seconds(),
                max_age_seconds: 300,
            };
            assert_eq!(verify::verify(scheme, header, &delivery), Ok(()), "{scheme:?}");
        }
    }

    #[test]
    fn a_webhooks_own_header_never_replaces_ours() {
        let prepared = prepared(&[("Authorization", "Bearer x"), ("X-Webhook-Id", "forged")]);
        assert_eq!(prepared.headers["authorization"], "Bearer x");
        assert!(prepared.headers["authorization"].is_sensitive());
        assert_eq!(prepared.headers.get_all("x-webhook-id").iter().collect::<Vec<_>>(), ["wh-1"]);
    }
}
