//! A reverse proxy in front of the AWS endpoint that fails on purpose.
//!
//! No emulator throttles, loses an answer or refuses part of a batch by itself; AWS does. A test
//! of an adapter puts this between the adapter and the emulator:
//!
//! ```ignore
//! let proxy = FaultProxy::start(&session.stack.aws_endpoint_url).await;
//! proxy.script("PutItem", [Fault::throttled(), Fault::LoseAnswer]);
//! // ... an adapter whose endpoint is proxy.url() writes one item ...
//! assert_eq!(proxy.calls("PutItem").len(), 3);
//! ```
//!
//! Faults are used up one for each call of their operation; calls without one pass.

mod faults;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use http::{Request, Response, Uri, header};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use serde_json::Value;

pub use faults::Fault;
use faults::{Plan, plan};

use crate::http_client::{HttpClient, Reply};
use crate::server::{self, Server};

#[derive(Debug, Default)]
struct State {
    faults: HashMap<String, VecDeque<Fault>>,
    calls: Vec<(String, Value)>,
}

#[derive(Debug)]
struct Shared {
    upstream: String,
    http: HttpClient,
    state: Mutex<State>,
}

/// The proxy; it runs until it is dropped.
pub struct FaultProxy {
    server: Server,
    shared: Arc<Shared>,
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "FaultProxy({} -> {})", self.server.address, self.shared.upstream)
    }
}

impl FaultProxy {
    /// Starts a proxy on a free loopback port, in front of the endpoint with this origin.
    pub async fn start(upstream: &str) -> Self {
        let upstream = upstream.trim_end_matches('/').to_owned();
        let shared =
            Arc::new(Shared { upstream, http: HttpClient::new(), state: Mutex::default() });
        let handler = Arc::clone(&shared);
        let server =
            Server::start(move |request| Box::pin(Arc::clone(&handler).pass(request))).await;
        Self { server, shared }
    }

    /// The endpoint URL to give to an AWS client.
    pub fn url(&self) -> String {
        self.server.origin()
    }

    /// The next calls of `operation` meet these faults, in this order. The operation is an AWS
    /// action (`PutItem`, `SendMessageBatch`), or `GET /path` where a service has paths.
    pub fn script(&self, operation: &str, faults: impl IntoIterator<Item = Fault>) {
        self.shared.state().faults.entry(operation.to_owned()).or_default().extend(faults);
    }

    /// The inputs of the calls of `operation` so far, retries included; `null` where the body
    /// was not JSON.
    pub fn calls(&self, operation: &str) -> Vec<Value> {
        let state = self.shared.state();
        state
            .calls
            .iter()
            .filter(|(name, _)| name == operation)
            .map(|(_, input)| input.clone())
            .collect()
    }

    /// How many scripted faults nobody has met yet: a test of a fault that never happened has
    /// tested nothing.
    pub fn unused(&self) -> usize {
        self.shared.state().faults.values().map(VecDeque::len).sum()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panicked while it held the proxy")
    }

    async fn pass(self: Arc<Self>, request: Request<Incoming>) -> Option<Response<server::Body>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        let request = Request::from_parts(head, body);
        let operation = operation(&request);
        let fault = self.note(&operation, request.body());
        match plan(fault, &operation, request.body()) {
            Plan::Answer(reply) => Some(response(reply)),
            Plan::Cut => None,
            Plan::Forward { body, repair } => {
                let reply = self.forward(with_body(request, body)).await?;
                Some(response(repair(reply)))
            }
            Plan::ForwardAndCut => {
                // The answer is read, so that the effect is certain, and thrown away.
                drop(self.forward(request).await);
                None
            }
            Plan::Wait(delay) => {
                tokio::time::sleep(delay).await;
                self.forward(request).await.map(response)
            }
        }
    }

    /// Remembers the call and takes the fault that is meant for it.
    fn note(&self, operation: &str, body: &Bytes) -> Option<Fault> {
        let mut state = self.state();
        state
            .calls
            .push((operation.to_owned(), serde_json::from_slice(body).unwrap_or(Value::Null)));
        state.faults.get_mut(operation).and_then(VecDeque::pop_front)
    }

    async fn forward(&self, mut request: Request<Bytes>) -> Option<Reply> {
        let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let uri: Uri =
            format!("{}{path}", self.upstream).parse().expect("the upstream's origin and a path");
        *request.uri_mut() = uri;
        // The client makes both anew: for the upstream's name, and for a body that may be shorter.
        request.headers_mut().remove(header::HOST);
        request.headers_mut().remove(header::CONTENT_LENGTH);
        self.http.try_send(request).await.ok()
    }
}

/// The AWS action a request names, or its method and path.
fn operation(request: &Request<Bytes>) -> String {
    let target = request.headers().get("x-amz-target").and_then(|target| target.to_str().ok());
    match target.and_then(|target| target.rsplit_once('.')) {
        Some((_, action)) => action.to_owned(),
        None => format!("{} {}", request.method(), request.uri().path()),
    }
}

fn with_body(request: Request<Bytes>, body: Bytes) -> Request<Bytes> {
    request.map(|_| body)
}

fn response(reply: Reply) -> Response<server::Body> {
    let mut response = Response::new(server::whole(reply.body));
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).expect("a status that came over HTTP");
    *response.headers_mut() = reply.headers;
    // Made anew for a body that may have been repaired, and without a checksum of the old one.
    for name in ["content-length", "transfer-encoding", "x-amz-crc32"] {
        response.headers_mut().remove(name);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;
    use crate::aws::{Aws, DYNAMODB, SQS};
    use crate::receiver::{Answer, Receiver};

    /// A proxy in front of something that answers `answer` to everything, and a client of it.
    async fn in_front_of(answer: Value) -> (Receiver, FaultProxy, Aws) {
        let upstream = Receiver::start().await;
        upstream.script(
            "/",
            [Answer::status(200).header("x-amz-crc32", "1").body(&answer.to_string())],
        );
        let proxy = FaultProxy::start(upstream.url("").as_str()).await;
        let aws = Aws::new(HttpClient::new(), &proxy.url(), "us-east-1");
        (upstream, proxy, aws)
    }

    #[tokio::test]
    async fn calls_without_a_fault_pass_unchanged() {
        let (upstream, proxy, aws) = in_front_of(json!({"ok": true})).await;
        let answer = aws.call(DYNAMODB, "PutItem", &json!({"TableName": "t"})).await;
        assert_eq!(answer, json!({"ok": true}));
        assert_eq!(proxy.calls("PutItem"), [json!({"TableName": "t"})]);
        assert_eq!(upstream.received("/")[0].json(), json!({"TableName": "t"}));
    }

    #[tokio::test]
    async fn errors_are_answered_without_the_upstream_and_used_up() {
        let (upstream, proxy, aws) = in_front_of(json!({})).await;
        proxy.script("PutItem", [Fault::throttled(), Fault::internal()]);
        assert_eq!(proxy.unused(), 2);
        let throttled = aws.try_call(DYNAMODB, "PutItem", &json!({})).await;
        assert_eq!(throttled.status, 400);
        assert!(throttled.json()["__type"].as_str().unwrap().ends_with("#ThrottlingException"));
        assert_eq!(aws.try_call(DYNAMODB, "PutItem", &json!({})).await.status, 500);
        assert_eq!((upstream.count("/"), proxy.unused()), (0, 0));
        aws.call(DYNAMODB, "PutItem", &json!({})).await;
        assert_eq!(upstream.count("/"), 1);
    }

    #[tokio::test]
    async fn a_lost_answer_has_taken_effect_and_a_lost_request_has_not() {
        let (upstream, proxy, _) = in_front_of(json!({})).await;
        let request = || {
            let request = Request::post(format!("{}/", proxy.url()))
                .header("x-amz-target", "AmazonSQS.SendMessage");
            request.body(Bytes::from_static(b"{}")).unwrap()
        };
        for (fault, effects) in [(Fault::LoseRequest, 0), (Fault::LoseAnswer, 1)] {
            proxy.script("SendMessage", [fault]);
            assert!(HttpClient::new().try_send(request()).await.is_err());
            assert_eq!(upstream.count("/"), effects);
        }
    }

    #[tokio::test]
    async fn a_delay_passes_later() {
        let (_upstream, proxy, aws) = in_front_of(json!({"ok": true})).await;
        let delay = Duration::from_millis(150);
        proxy.script("GetItem", [Fault::Delay(delay)]);
        let started = Instant::now();
        aws.call(DYNAMODB, "GetItem", &json!({})).await;
        assert!(started.elapsed() >= delay);
    }

    #[tokio::test]
    async fn unprocessed_writes_are_not_forwarded_and_are_handed_back() {
        let (upstream, proxy, aws) = in_front_of(json!({"UnprocessedItems": {}})).await;
        proxy.script("BatchWriteItem", [Fault::refuse_after(1)]);
        let answer = aws
            .call(DYNAMODB, "BatchWriteItem", &json!({"RequestItems": {"t": ["a", "b", "c"]}}))
            .await;
        assert_eq!(answer["UnprocessedItems"], json!({"t": ["b", "c"]}));
        assert_eq!(upstream.received("/")[0].json()["RequestItems"], json!({"t": ["a"]}));
    }

    #[tokio::test]
    async fn unprocessed_keys_keep_their_options() {
        let (upstream, proxy, aws) =
            in_front_of(json!({"Responses": {"t": []}, "UnprocessedKeys": {}})).await;
        proxy.script("BatchGetItem", [Fault::refuse_after(1)]);
        let wanted = json!({"RequestItems": {"t": {"Keys": ["a", "b"], "ConsistentRead": true}}});
        let answer = aws.call(DYNAMODB, "BatchGetItem", &wanted).await;
        assert_eq!(
            answer["UnprocessedKeys"],
            json!({"t": {"Keys": ["b"], "ConsistentRead": true}})
        );
        let passed = upstream.received("/")[0].json();
        assert_eq!(passed["RequestItems"], json!({"t": {"Keys": ["a"], "ConsistentRead": true}}));
    }

    #[tokio::test]
    async fn refused_statements_have_their_place_among_the_answers() {
        let (_upstream, proxy, aws) = in_front_of(json!({"Responses": [{"TableName": "t"}]})).await;
        proxy.script("BatchExecuteStatement", [Fault::refuse_after(1)]);
        let answer =
            aws.call(DYNAMODB, "BatchExecuteStatement", &json!({"Statements": ["a", "b"]})).await;
        assert_eq!(answer["Responses"][0], json!({"TableName": "t"}));
        assert_eq!(answer["Responses"][1]["Error"]["Code"], "ThrottlingError");
    }

    #[tokio::test]
    async fn refused_messages_are_failed_entries() {
        let (upstream, proxy, aws) =
            in_front_of(json!({"Successful": [{"Id": "1"}], "Failed": []})).await;
        proxy.script("SendMessageBatch", [Fault::refuse_after(1)]);
        let batch = json!({"QueueUrl": "q", "Entries": [{"Id": "1"}, {"Id": "2"}]});
        let answer = aws.call(SQS, "SendMessageBatch", &batch).await;
        assert_eq!(answer["Failed"][0]["Id"], "2");
        assert_eq!(answer["Failed"][0]["SenderFault"], false);
        assert_eq!(upstream.received("/")[0].json()["Entries"], json!([{"Id": "1"}]));
    }

    #[tokio::test]
    async fn a_batch_that_is_refused_whole_is_not_forwarded() {
        let (upstream, proxy, aws) = in_front_of(json!({})).await;
        proxy.script("SendMessageBatch", [Fault::refuse_after(0)]);
        let answer = aws.call(SQS, "SendMessageBatch", &json!({"Entries": [{"Id": "1"}]})).await;
        assert_eq!((answer["Failed"][0]["Id"].as_str(), upstream.count("/")), (Some("1"), 0));
        assert_eq!(answer["Successful"], json!([]));
    }
}
