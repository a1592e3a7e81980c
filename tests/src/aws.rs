//! The AWS APIs of the local stack, spoken in JSON.
//!
//! The emulator takes the key `test` as the account's root and checks no signature, so the
//! requests carry a credential scope and nothing that is secret. Small on purpose: a second set
//! of SDK clients would cost minutes of compiling for a dozen calls.

use http::{Method, Request};
use hyper::body::Bytes;
use serde_json::Value;

use crate::http_client::{HttpClient, Reply, target};

/// What the requests are dated, like their credential scope. Nobody compares it with a clock, but
/// dynoxide wants it to be there.
const DATE: &str = "20260101T000000Z";

/// A client of the AWS endpoint.
#[derive(Debug, Clone)]
pub struct Aws {
    http: HttpClient,
    endpoint: String,
    region: String,
}

/// A service that is called by the name of an operation in a header.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    name: &'static str,
    target: &'static str,
    content_type: &'static str,
}

/// Amazon SQS.
pub const SQS: Service =
    Service { name: "sqs", target: "AmazonSQS", content_type: "application/x-amz-json-1.0" };
/// Amazon `DynamoDB`.
pub const DYNAMODB: Service = Service {
    name: "dynamodb",
    target: "DynamoDB_20120810",
    content_type: "application/x-amz-json-1.0",
};
/// Amazon `CloudWatch` Logs.
pub const LOGS: Service =
    Service { name: "logs", target: "Logs_20140328", content_type: "application/x-amz-json-1.1" };

impl Aws {
    /// A client of the endpoint of a stack.
    pub fn new(http: HttpClient, endpoint: &str, region: &str) -> Self {
        Self {
            http,
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            region: region.to_owned(),
        }
    }

    /// The endpoint's origin.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Calls an operation.
    ///
    /// # Panics
    /// When it fails.
    pub async fn call(&self, service: Service, operation: &str, input: &Value) -> Value {
        let reply = self.try_call(service, operation, input).await;
        assert_eq!(reply.status, 200, "{operation}: {}", reply.text());
        reply.json()
    }

    /// Calls an operation and returns whatever it answered.
    pub async fn try_call(&self, service: Service, operation: &str, input: &Value) -> Reply {
        let request = Request::post(target(&self.endpoint, "/"))
            .header("authorization", self.scope(service.name))
            .header("content-type", service.content_type)
            .header("x-amz-date", DATE)
            .header("x-amz-target", format!("{}.{operation}", service.target))
            .body(Bytes::from(input.to_string()))
            .expect("a request");
        self.http.send(request).await
    }

    /// Calls the Lambda API, which is made of paths.
    pub async fn lambda(&self, method: Method, path: &str, input: &Value) -> Reply {
        let body = if input.is_null() { Bytes::new() } else { Bytes::from(input.to_string()) };
        let request = Request::builder()
            .method(method)
            .uri(target(&self.endpoint, path))
            .header("authorization", self.scope("lambda"))
            .header("content-type", "application/json")
            .body(body)
            .expect("a request");
        self.http.send(request).await
    }

    fn scope(&self, service: &str) -> String {
        let region = &self.region;
        format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    }
}
