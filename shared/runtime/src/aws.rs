//! How AWS is reached: one configuration, one connection pool, every client built from them.
//!
//! Everything here is lazy. A process that has asked Lambda for work has built nothing; the first
//! call builds what it uses. With `aws_config::load_defaults` a process takes about three times as
//! long to its first poll as an empty function, mostly for reading 145 root certificates from disk.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use aragora_core::cost::Meter;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use secrecy::ExposeSecret;

use crate::config::{AwsKeys, AwsSettings};

/// The roots that every AWS endpoint chains to: Amazon's four and Starfield's, which cross-signs
/// them. <https://www.amazontrust.com/repository/>; the first of them expires in December 2037.
const AMAZON_ROOTS: &[u8] = include_bytes!("../certs/amazon-roots.pem");

const CONNECT: Duration = Duration::from_secs(1);
const ATTEMPT: Duration = Duration::from_secs(3);
const OPERATION: Duration = Duration::from_secs(8);
/// The first attempt included.
const ATTEMPTS: u32 = 3;
/// The most that is waited before the second attempt; twice that before the third. The SDK's own
/// second would be most of what a caller is willing to wait.
const BACKOFF: Duration = Duration::from_millis(100);

type Build = Box<dyn FnOnce() -> SdkConfig + Send>;

/// Makes clients. All of them share the configuration, the connections and the meter.
#[derive(Clone)]
pub struct Aws {
    shared: Arc<LazyLock<SdkConfig, Build>>,
    meter: Arc<Meter>,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Aws").field("meter", &self.meter).finish_non_exhaustive()
    }
}

impl Aws {
    /// Nothing is built or read yet.
    pub fn new(settings: AwsSettings) -> Self {
        let build: Build = Box::new(move || sdk_config(&settings));
        Self { shared: Arc::new(LazyLock::new(build)), meter: Arc::default() }
    }

    /// The configuration itself, for clients of other services.
    pub fn sdk_config(&self) -> &SdkConfig {
        &self.shared
    }

    /// Builds a DynamoDB client when it is called, which should be at the first request.
    pub fn dynamodb(&self) -> impl FnOnce() -> aws_sdk_dynamodb::Client + Send + use<> {
        let shared = Arc::clone(&self.shared);
        move || aws_sdk_dynamodb::Client::new(&shared)
    }

    /// Builds an SQS client when it is called, which should be at the first request.
    pub fn sqs(&self) -> impl FnOnce() -> aws_sdk_sqs::Client + Send + use<> {
        let shared = Arc::clone(&self.shared);
        move || aws_sdk_sqs::Client::new(&shared)
    }

    /// Where the adapters count what they spend; each invocation's log line prints it.
    pub fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }
}

fn sdk_config(settings: &AwsSettings) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    let mut builder = SdkConfig::builder()
        // Pinned: what a version of the SDK changes is read before it is taken.
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(settings.region.clone()))
        .credentials_provider(credentials(settings))
        .http_client(http_client(settings.endpoint_url.as_deref()))
        .timeout_config(timeouts)
        .retry_config(
            RetryConfig::standard().with_max_attempts(ATTEMPTS).with_initial_backoff(BACKOFF),
        )
        // Our bodies are far below what a stalled stream is measured on.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    builder.set_endpoint_url(settings.endpoint_url.clone());
    builder.build()
}

/// The connection pool. Towards AWS only Amazon's roots are trusted: they are compiled in, so that
/// nothing is read at start, and a certificate that some other authority issues for an AWS name is
/// worth nothing. An endpoint of one's own over TLS is verified with the machine's roots, since
/// Amazon's would never do.
fn http_client(
    endpoint_url: Option<&str>,
) -> aws_smithy_runtime_api::client::http::SharedHttpClient {
    let roots = match endpoint_url {
        Some(url) if url.starts_with("https://") && !is_amazon(url) => TrustStore::default(),
        _ => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
    };
    let builder =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    match TlsContext::builder().with_trust_store(roots).build() {
        Ok(context) => builder.tls_context(context).build_https(),
        Err(_) => builder.build_https(),
    }
}

/// Whether a URL is one of AWS's own, such as a VPC endpoint.
fn is_amazon(url: &str) -> bool {
    let host = url.trim_start_matches("https://").split(['/', ':']).next().unwrap_or_default();
    [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"].iter().any(|suffix| host.ends_with(suffix))
}

fn credentials(settings: &AwsSettings) -> SharedCredentialsProvider {
    match &settings.keys {
        Some(keys) => SharedCredentialsProvider::new(from_environment(keys)),
        None => {
            SharedCredentialsProvider::new(Chain { region: Region::new(settings.region.clone()) })
        }
    }
}

/// Lambda hands the role's credentials over in the environment and replaces the process before
/// they expire.
fn from_environment(keys: &AwsKeys) -> Credentials {
    let token = keys.session_token.as_ref().map(|token| token.expose_secret().to_owned());
    let secret = keys.secret_access_key.expose_secret();
    Credentials::new(&keys.access_key_id, secret, token, None, "environment")
}

/// The SDK's own chain, for environments that hand credentials over by an endpoint. It is built
/// when credentials are asked for; the SDK keeps what it gives until shortly before it expires.
#[derive(Debug)]
struct Chain {
    region: Region,
}

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.ask())
    }
}

impl Chain {
    async fn ask(&self) -> provider::Result {
        let chain = DefaultCredentialsChain::builder();
        chain.region(self.region.clone()).build().await.provide_credentials().await
    }
}

#[cfg(test)]
#[path = "aws_tests.rs"]
mod tests;
