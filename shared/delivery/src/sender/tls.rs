//! TLS towards receivers: aws-lc-rs by name and Mozilla's roots compiled in.
//!
//! Handed to reqwest ready made. Its own default reads the platform's certificates (145 files,
//! 2.5 ms of every cold start) and takes whatever crypto provider the process has installed.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// TLS 1.2 and 1.3, verification against Mozilla's roots, HTTP/1.1 by ALPN, sessions resumed from
/// an in-memory cache (rustls' default, 256 names).
pub(super) fn public_roots() -> Result<ClientConfig, rustls::Error> {
    trusting(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

/// The same with other roots: the tests' own authority.
pub(super) fn trusting(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // Said aloud, or a receiver that prefers HTTP/2 may answer in it.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
