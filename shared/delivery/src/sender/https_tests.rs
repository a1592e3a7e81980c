//! TLS against a real handshake, with an authority of the tests' own: the only part of the sender
//! that cannot be tested from outside, because its roots are not for a caller to choose.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use aragora_core::url_policy::UrlPolicy;
use http::HeaderMap;
use rcgen::{Certificate, CertificateParams, CertifiedIssuer, DnType, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::{ErrorClass, Failure, Outcome, OutgoingRequest, Sender, tls};
use crate::resolve::{LookupError, Resolver};

struct Here;

impl Resolver for Here {
    async fn lookup(&self, _host: &str) -> Result<Vec<IpAddr>, LookupError> {
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root")
}

/// What a receiver shows for a certificate.
fn server(issuer: &CertifiedIssuer<'static, KeyPair>, name: &str, until: i32) -> ServerConfig {
    let key = KeyPair::generate().expect("a key");
    let certificate = params(name, 2_020, until).signed_by(&key, issuer).expect("a certificate");
    showing(&certificate, &key)
}

fn params(name: &str, from: i32, until: i32) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    params
}

/// A receiver with this certificate.
fn showing(certificate: &Certificate, key: &KeyPair) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("they fit");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// A TLS receiver; tells the protocol agreed upon for every request it answers.
struct Receiver {
    port: u16,
    agreed: mpsc::UnboundedReceiver<(usize, Option<Vec<u8>>)>,
    _serving: JoinSet<()>,
}

async fn receive(config: ServerConfig) -> Receiver {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (report, agreed) = mpsc::unbounded_channel();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        let mut number = 0;
        while let Ok((stream, _)) = listener.accept().await {
            // One connection at a time is enough here; a refused handshake is not an end.
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut request = vec![0; 4_096];
            while let Ok(1..) = stream.read(&mut request).await {
                let protocol = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
                report.send((number, protocol)).expect("the test is waiting");
                let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(reply).await.expect("the sender reads");
                stream.flush().await.expect("the sender reads");
            }
            number += 1;
        }
    });
    Receiver { port, agreed, _serving: serving }
}

fn policy(port: u16) -> UrlPolicy {
    UrlPolicy { require_https: true, allow_loopback: true, extra_ports: vec![port] }
}

fn sender_trusting(issuer: &CertifiedIssuer<'static, KeyPair>, port: u16) -> Sender {
    let mut roots = RootCertStore::empty();
    roots.add(issuer.der().clone()).expect("a root");
    let tls = tls::trusting(roots).expect("TLS");
    Sender::with_tls(policy(port), Here, tls).expect("a sender")
}

async fn send(sender: &Sender, port: u16) -> Outcome {
    let request = OutgoingRequest {
        url: &format!("https://receiver.test:{port}/"),
        headers: HeaderMap::new(),
        body: b"{}".to_vec(),
        timeout: Duration::from_secs(20),
    };
    sender.send(request).await.outcome
}

#[tokio::test]
async fn a_verified_receiver_is_spoken_to_in_http_1_1_over_one_connection() {
    let issuer = authority("Ours");
    let mut receiver = receive(server(&issuer, "receiver.test", 2_100)).await;
    let sender = sender_trusting(&issuer, receiver.port);
    for _ in 0..3 {
        let outcome = send(&sender, receiver.port).await;
        assert!(matches!(outcome, Outcome::Answered(answer) if answer.status == 200));
        let agreed = receiver.agreed.recv().await.expect("a request");
        assert_eq!(agreed, (0, Some(b"http/1.1".to_vec())));
    }
}

#[tokio::test]
async fn a_receiver_that_cannot_be_verified_gets_no_request() {
    let issuer = authority("Ours");
    let stranger = authority("Theirs");
    for (config, message) in [
        (server(&issuer, "another.test", 2_100), "the certificate is for another host"),
        (server(&issuer, "receiver.test", 2_021), "the certificate has expired"),
        (server(&stranger, "receiver.test", 2_100), "the certificate's issuer is not trusted"),
    ] {
        let mut receiver = receive(config).await;
        let outcome = send(&sender_trusting(&issuer, receiver.port), receiver.port).await;
        let expected = Failure { class: ErrorClass::Tls, message: message.into() };
        assert_eq!(outcome, Outcome::Failed(expected));
        assert!(receiver.agreed.try_recv().is_err());
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_signed_or_not_yet_is_refused() {
    let issuer = authority("Ours");
    let key = KeyPair::generate().expect("a key");
    let own = params("receiver.test", 2_020, 2_100).self_signed(&key).expect("a certificate");
    let early =
        params("receiver.test", 2_090, 2_100).signed_by(&key, &issuer).expect("a certificate");
    for (certificate, message) in [
        (own, "the certificate's issuer is not trusted"),
        (early, "the certificate is not valid yet"),
    ] {
        let mut receiver = receive(showing(&certificate, &key)).await;
        let outcome = send(&sender_trusting(&issuer, receiver.port), receiver.port).await;
        let expected = Failure { class: ErrorClass::Tls, message: message.into() };
        assert_eq!(outcome, Outcome::Failed(expected));
        assert!(receiver.agreed.try_recv().is_err());
    }
}

#[tokio::test]
async fn the_sender_of_production_trusts_only_public_authorities() {
    let receiver = receive(server(&authority("Ours"), "receiver.test", 2_100)).await;
    let sender = Sender::new(policy(receiver.port), Here).expect("a sender");
    let outcome = send(&sender, receiver.port).await;
    assert!(matches!(outcome, Outcome::Failed(failure) if failure.class == ErrorClass::Tls));
}
